"""Changes to credentials: computed for the live challenge, as RFC 7616 3.4 and RFC 3261 22.4 have them.

A request may need credentials for several that ask (22.3): each is held against the captured ones for its own realm.
What every replay computes anew, a nonce and its count, is no repair; what the captured request lacked is one.
"""

from __future__ import annotations

from functools import partial

from analyzer.register.digest.arithmetic import verify
from analyzer.register.digest.input import from_credentials
from analyzer.sip.auth import AuthParam, Credentials
from analyzer.sip.auth_headers import ANSWERED_IN, CREDENTIALS, REFUSED_IN
from analyzer.sip.message import Message
from replay.agent import Agent
from replay.message_editor import MessageEditor
from replay.plan import LEFT_OUT, Step

DIGEST_URI = "R3261-22.4-digest-uri"
REALM = "R7616-3.4-realm"
QOP = "R3261-22.4-qop-returned"
COUNT = "R7616-3.4-nc-count"
VERIFY = "R7616-digest-verify"
NONCE = "R7616-3.4-nonce-current"
_FRESH = "computed for the challenge of now"
_UNCHALLENGED = "nobody has challenged yet"


def repair_credentials(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """Credentials for every realm that has challenged, where the captured request had some."""
    request = step.exchange.request
    if not request.has_credentials:
        return
    _answer(editor, step, agent)


def answer_challenge(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """Credentials for every realm that has challenged, whatever the captured request had."""
    _answer(editor, step, agent)


def drop_credentials(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """No credentials: they are for a challenge that nobody gave."""
    del step, agent
    for key in CREDENTIALS:
        editor.drop(key, why=_UNCHALLENGED)


def say_credentials_again(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """Captured credentials with the nonce of now, and a response that fits (or does not) as the captured one did."""
    request = step.exchange.request
    for key in CREDENTIALS:
        for at, sent in enumerate(one for one in request.credentials if one.header == key):
            params = agent.digest_client.said_again(sent, request.method, request.body)
            if params is not None:
                editor.patch(key, at, partial(_in_place, sent, params), why="the nonce is another now")


def _in_place(sent: Credentials, params: list[tuple[AuthParam, str]], row: str) -> str:
    """The row with these parameters in place of the captured ones, one after the other; all of it anew where they are
    not to be found, because one is folded within."""
    said, rest = "", row
    for then, now in params:
        before, found, rest = rest.partition(then.raw)
        if not found:
            return f" {sent.scheme} {', '.join(now for _, now in params)}\r\n"
        said += before + now
    return said + rest


def _answer(editor: MessageEditor, step: Step, agent: Agent) -> None:
    uri = editor.start.split(" ")[1]
    found = agent.digest_client.responses(step.exchange.request.method, uri, editor.body)
    if not found:
        if len(agent.digest_client.secrets):
            drop_credentials(editor, step, agent)
        return  # without a secret the captured credentials are all there is
    for key in CREDENTIALS:
        _answer_in(key, [(realm, value) for name, realm, value in found if name == key], editor, step, agent)


def _answer_in(key: str, found: list[tuple[str, str]], editor: MessageEditor, step: Step, agent: Agent) -> None:
    """The credentials of one header: those for a realm in the place of the captured ones for it, those for a realm that
    is called otherwise now in the place of others, and the rest beside them."""
    sent = [one for one in step.exchange.request.credentials if one.header == key]
    free = [at for at, _ in enumerate(editor.all(key))]
    places: dict[str, int] = {}
    for realm, _ in found:
        own = next((at for at in free if at < len(sent) and sent[at].realm == realm), None)
        if own is not None:
            places[realm] = own
            free.remove(own)
    beside = []
    for realm, value in found:
        at = places[realm] if realm in places else free.pop(0) if free else None
        if at is None:
            beside.append(value)
        else:
            rule, why = _broken(step, sent[at], agent) if at < len(sent) else (None, _FRESH)
            editor.patch(key, at, partial(_whole, value), rule, why)
    for at in reversed(free):
        editor.drop(key, why=_UNCHALLENGED, at=at)
    for value in beside:
        editor.insert(key, value, *_left_out(key, step))


def _whole(value: str, row: str) -> str:
    del row
    return f" {value}\r\n"


def _left_out(key: str, step: Step) -> tuple[str | None, str]:
    """What is said of credentials for which the captured request has no row."""
    if not any(ANSWERED_IN[one.header] == key for one in step.left_out):
        return None, _FRESH
    whose = "a proxy" if key == CREDENTIALS[1] else "the registrar"
    return LEFT_OUT, f"left out, though {whose} asks for them"


def _broken(step: Step, sent: Credentials, agent: Agent) -> tuple[str | None, str]:
    """The rule that these captured credentials break, for want of any None."""
    request = step.exchange.request
    if VERIFY in step.flow_rules and _is_wrong(sent, step, agent):
        return VERIFY, _FRESH
    for rule, broken, why in _checks(step, request, sent):
        if broken:
            return rule, why
    return None, _FRESH


def _is_wrong(sent: Credentials, step: Step, agent: Agent) -> bool:
    """Whether it is these credentials whose response does not verify: there may be some for each realm."""
    request = step.exchange.request
    digest = from_credentials(sent, request.method, request.body)
    known = agent.digest_client.secrets.lookup(sent.username or "", sent.realm or "")
    if not known:  # under another name: what was found is about the one that it may be about
        return VERIFY in step.exchange.rules and len(request.credentials) == 1
    return not any(verify(digest, secret) for secret in known)


def _checks(step: Step, request: Message, sent: Credentials) -> list[tuple[str, bool, str]]:
    """Nonce and count are another replay's own, so those of the capture were mended only where they were refused."""
    before, final = step.before, step.exchange.final
    own = [one for one in step.asked if ANSWERED_IN[one.header] == sent.header and one.realm == sent.realm]
    offered = {option for challenge in own for option in challenge.qop_options}
    nonces = {challenge.nonce for challenge in own}
    earlier = [one for one in before.request.credentials if one.nonce == sent.nonce] if before is not None else []
    counts = [one.nc.lower() for one in earlier if one.nc is not None]
    refused = final is None or (final.status >= 300 and REFUSED_IN.get(final.status, sent.header) == sent.header)
    return [
        (NONCE, refused and NONCE in step.flow_rules and sent.nonce not in nonces, _FRESH),
        (DIGEST_URI, sent.uri != request.request_uri, "its uri is the Request-URI"),
        (REALM, _is_for_nobody(step, sent), "the realm that challenged"),
        (QOP, bool(offered) and (sent.qop or "").lower() not in offered, "qop is returned where it was offered"),
        (
            COUNT,
            refused and sent.nc is not None and bool(counts) and sent.nc.lower() <= max(counts),
            "nc counts the nonce's uses",
        ),
    ]


def _is_for_nobody(step: Step, sent: Credentials) -> bool:
    """Whether a challenge has come, and these credentials are for a realm that did not ask. Of several that ask one may
    have done so before the others (RFC 3261 22.3): then the request answers the last one too, or leaves it out."""
    before = step.before
    realms = {one.realm for one in before.final.challenges} if before is not None and before.final is not None else None
    if not realms or sent.realm in realms:
        return False
    if sent.realm not in {one.realm for one in step.asked}:
        return True
    answered = any(one.realm in realms for one in step.exchange.request.credentials)
    return not answered and not step.left_out
