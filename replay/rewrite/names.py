"""Changes to who speaks of whom: Request-URI, From, To, Call-ID, CSeq (RFC 3261 10.2, 8.1.1)."""

from __future__ import annotations

from analyzer.sip.address import Address
from analyzer.sip.uri import Uri
from replay.agent import MOST_CSEQ, Agent
from replay.contacts import swap_uri, with_param, with_uris, without_param
from replay.message_editor import MessageEditor
from replay.plan import Step
from replay.uris import SipUri

SYNTAX = "R3261-7.3-syntax"
USERINFO = "R3261-10.2-ruri-userinfo"
RURI_FORM = "R3261-10.2-ruri-form"
MANDATORY = "R3261-8.1.1-mandatory"
FROM_TAG = "R3261-8.1.1.3-from-tag"
TO_TAG = "R3261-8.1.1.2-to-tag"
CALL_ID = "R3261-10.2-callid"
RETRY_IDS = "R3261-8.1.3.5-retry-ids"
CSEQ_FORM = "R3261-8.1.1.5-cseq-form"
CSEQ_INCREMENT = "R3261-10.2-cseq-increment"
CSEQ_RETRY = "R3261-22.2-cseq-retry"
CSEQ_GAP = "R3261-10.2-cseq-gap"
_MAPPED = "--map"
_NOBODY = "sip:anonymous@anonymous.invalid"


def repair_request_uri(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """10.2: the domain alone, no user, nothing that a Request-URI may not have (19.1.1, table 1)."""
    request = step.exchange.request
    before = request.request_uri
    uri = SipUri.of(request.uri.text) if request.uri is not None else None
    if uri is None or not uri.hostport.strip():
        home = _home(step)
        _say(editor, step, before, f"sip:{home}", RURI_FORM, "a registrar is named by a sip URI")
        return
    plain = uri._replace(userinfo=None, tail=uri.tail.partition("?")[0])
    rule, why = None, _MAPPED
    if uri.userinfo is not None:
        rule, why = USERINFO, 'the userinfo and "@" must not be there'
    elif plain.text != before:
        rule, why = RURI_FORM, "a Request-URI stands alone: no brackets, no headers"
    _say(editor, step, before, agent.mapping.uri(plain).text, rule, why)


def _say(editor: MessageEditor, step: Step, before: str, after: str, rule: str | None, why: str) -> None:
    line = f"{step.exchange.request.method} {after} SIP/2.0"
    if before == after:  # then it is blanks or the version that are not as they must be
        editor.restart(
            line, "Request-Line", editor.start, line, SYNTAX, "method, URI and SIP/2.0, a blank between (7.1)"
        )
    editor.restart(line, "Request-URI", before, after, rule, why)


def _home(step: Step) -> str:
    to = step.exchange.request.to
    return to.uri.host if to is not None and to.uri is not None and to.uri.host else "invalid"


def map_names(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """Put other users and domains in place, and change nothing else."""
    if not agent.mapping.pairs:
        return
    request = step.exchange.request
    uri = SipUri.of(request.uri.text) if request.uri is not None else None
    if uri is not None:
        before, after = uri.text, agent.mapping.uri(uri).text
        editor.restart(editor.start.replace(before, after, 1), "Request-URI", before, after, None, _MAPPED)
    for key in ("from", "to"):
        editor.patch(key, 0, lambda row: with_uris(row, lambda one: _mapped_uri(one, agent)), why=_MAPPED)


def _mapped_uri(address: Address, agent: Agent) -> str | None:
    uri = SipUri.of(address.uri.text) if isinstance(address.uri, Uri) else None
    return None if uri is None else agent.mapping.uri(uri).text


def repair_from(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """8.1.1.3: From is there and has a tag, the same one where a request is replayed (8.1.3.5)."""
    value = editor.first("from")
    if value is None:
        value = without_param(editor.first("to") or f"<{_NOBODY}>", "tag")
        editor.change("from", with_param(value, "tag", agent.token()), MANDATORY, "From is missing")
    address = Address.parse(editor.first("from") or "")
    editor.change("from", _mapped(address, agent), why=_MAPPED)
    value = editor.first("from") or ""
    if not address.tag:
        editor.change("from", with_param(value, "tag", agent.from_tag or agent.token()), FROM_TAG, "the tag is missing")
    elif step.continues and agent.from_tag and address.tag != agent.from_tag:
        why = "a retried request keeps its From"
        editor.change("from", with_param(value, "tag", agent.from_tag), RETRY_IDS, why)
    agent.from_tag = Address.parse(editor.first("from") or "").tag or ""


def repair_to(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """8.1.1.2: To is there, and has no tag outside of a dialog."""
    del step
    value = editor.first("to")
    if value is None:
        editor.change("to", without_param(editor.first("from") or "", "tag"), MANDATORY, "To is missing")
        return
    address = Address.parse(value)
    editor.change("to", _mapped(address, agent), why=_MAPPED)
    if address.tag is not None:
        bare = without_param(editor.first("to") or "", "tag")
        editor.change("to", bare, TO_TAG, "a REGISTER is outside of any dialog")


def _mapped(address: Address, agent: Agent) -> str:
    uri = SipUri.of(address.uri.text) if isinstance(address.uri, Uri) else None
    if uri is None:
        return address.raw
    mapped = agent.mapping.uri(uri)
    return address.raw if mapped == uri else swap_uri(address, str(mapped))


def repair_call_id(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """10.2: all registrations of one client have one Call-ID. It is a fresh one, for the captured client may still be
    registered, and its CSeq may be higher than ours."""
    if not agent.call_id:
        agent.call_id = f"{agent.token()}@{agent.local.host}"
    captured, before = editor.first("call-id"), step.before
    if captured is None:
        editor.change("call-id", agent.call_id, MANDATORY, "Call-ID is missing")
    elif before is not None and before.request.call_id != captured:
        rule = RETRY_IDS if step.continues else CALL_ID
        broken = step.continues or CALL_ID in step.exchange.rules
        editor.change("call-id", agent.call_id, rule if broken else None, "one Call-ID for all registrations")
    else:
        editor.change("call-id", agent.call_id, why="a replay is a client of its own")


def repair_cseq(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """10.2: CSeq is raised by one for each REGISTER with the same Call-ID, credentials or not (22.2)."""
    request, before = step.exchange.request, step.before
    cseq = request.cseq
    captured = cseq.number if cseq is not None else -1
    number = agent.next_cseq(captured)
    value = f"{number} {request.method}"
    if editor.first("cseq") is None:
        editor.change("cseq", value, MANDATORY, "CSeq is missing")
    elif cseq is None or cseq.defects or captured > MOST_CSEQ or cseq.method != request.method:
        editor.change("cseq", value, CSEQ_FORM, "a number below 2**31 and the method")
    elif captured != number:
        editor.change("cseq", value, _counting_rule(step, captured), "one more than the request before")
    if before is None and captured == number:
        return


def _counting_rule(step: Step, captured: int) -> str | None:
    before = step.before
    if before is None or before.request.cseq is None or before.request.call_id != step.exchange.request.call_id:
        return None
    last = before.request.cseq.number
    if captured <= last:
        return CSEQ_RETRY if step.continues and before.status in (401, 407) else CSEQ_INCREMENT
    return CSEQ_GAP if captured > last + 1 else None
