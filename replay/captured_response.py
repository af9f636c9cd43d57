"""A captured response, replayed to a live request: all stays as it was seen but what must be the live request's.

Via, From, To, Call-ID and CSeq are the request's (RFC 3261 8.2.6), contacts of the client are the live ones, a nonce is
a fresh one (the same one wherever the captured one was the same), Date is now. What the captured response lacks, the
live one lacks: a To tag, an expires parameter, a Min-Expires. Every change is an edit, without a rule: it had to be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analyzer.evidence import Fidelity
from analyzer.register.contacts import Contacts
from analyzer.register.digest.arithmetic import computable, response_auth
from analyzer.register.digest.input import from_credentials
from analyzer.register.digest.secrets import Secrets
from analyzer.sip.address import Address, parse_addresses
from analyzer.sip.auth import AuthParam, parse_auth_params, parse_challenges
from analyzer.sip.auth_headers import CHALLENGES
from analyzer.sip.grammar import LWS
from analyzer.sip.message import Message
from analyzer.sip.text import octets
from analyzer.sip.transports import STREAMS
from replay.contacts import rewritten
from replay.flow import Exchange
from replay.known_clients import Client
from replay.message_editor import Edit, MessageEditor, spelled
from replay.responses import Received, sip_date, text, to_value, via_rows

_OF_THE_REQUEST = "as the live request has it"
_STREAM = "on a stream nothing else parts it from the next message (18.3)"
_OF_THE_DEVICE = ("+sip.instance", "reg-id")


@dataclass(frozen=True, slots=True)
class Setting:
    """What a captured response is put into: `own` are the contacts that the captured client named, `token` gives what
    must be fresh, `secrets` are for `rspauth`."""

    own: Sequence[Address]
    token: Callable[[], str]
    fresh_nonces: bool = True
    secrets: Secrets | None = None


def say_again(
    exchange: Exchange, final: Message, received: Received, client: Client, setting: Setting
) -> MessageEditor:
    """The captured response `final` for the request that was received, with the list of edits."""
    editor = MessageEditor(final)
    _put_names(editor, final, received, setting)
    if final.contacts:
        _put_contacts(editor, final, client, setting)
    for key in CHALLENGES:
        _put_nonces(editor, key, client, setting)
    _put_info(editor, received, client, setting)
    if final.has("date"):
        revalue(editor, "date", [sip_date(received.wall)], "now")
    _put_length(editor, exchange, final, received)
    if received.transport.upper() in STREAMS:
        editor.uncover(why=_STREAM)
        editor.complete(why=_STREAM)
        editor.cut(why=_STREAM)
    return editor


def revalue(editor: MessageEditor, key: str, values: Sequence[str], why: str) -> None:
    """Other values for the rows called `key`, one row each, where they stand. Surplus rows go, surplus values join the
    last row; without any row there is nothing to change."""
    rows = [line for line in editor.lines if line.key == key]
    before = [line.value for line in rows]
    if not rows or before == list(values):
        return
    fitting = list(values[: len(rows)])
    if len(values) > len(rows):
        fitting[-1] = ", ".join(values[len(rows) - 1 :])
    for line, value in zip(rows, fitting, strict=False):
        if line.value != value:
            line.value, line.octets = value, octets(f"{line.name}: {value}\r\n")
    gone = {id(line) for line in rows[len(fitting) :]}
    editor.lines = [line for line in editor.lines if id(line) not in gone]
    editor.edits.append(Edit(spelled(key), ", ".join(before), ", ".join(values), None, why))


def _put_names(editor: MessageEditor, final: Message, received: Received, setting: Setting) -> None:
    request = received.request
    tag = setting.token() if final.to is not None and final.to.tag else ""
    rows = {
        "via": via_rows(request, received.peer),
        "from": [text(value) for value in request.all("from")[:1]],
        "to": [text(value) for value in (to_value(request, tag),) if value is not None],
        "call-id": [text(value) for value in request.all("call-id")[:1]],
        "cseq": [text(value) for value in request.all("cseq")[:1]],
    }
    for key, values in rows.items():
        if editor.first(key) is None and not final.complete_headers:
            editor.change(key, ", ".join(values), why="the captured answer is cut")
        else:
            revalue(editor, key, values, _OF_THE_REQUEST)


def _put_contacts(editor: MessageEditor, final: Message, client: Client, setting: Setting) -> None:
    """The captured client's contacts become the live one's, as many as it has; those of other devices stay."""
    own = Contacts(setting.own)
    live = [contact for row in client.contacts for contact in parse_addresses(row)]
    rest, values, pattern = iter(live), [], None
    for contact in final.contacts:
        if own.find(contact) is None:
            values.append(contact.raw.strip(LWS))
            continue
        pattern = pattern or contact
        following = next(rest, None)
        if following is not None:
            values.append(_moved(contact, following))
    if pattern is not None:
        values += [_moved(pattern, contact) for contact in rest]
    if values:
        revalue(editor, "contact", values, "the contacts of the live request")
    else:
        editor.drop("contact", why="the live client has named no contact")


def _moved(captured: Address, live: Address) -> str:
    """A captured contact with the live URI: what was granted stays as it was written."""
    device = {name: live.params.get(name) for name in _OF_THE_DEVICE if name in captured.params}
    return text(rewritten(captured, device, live.uri.text if live.uri is not None else ""))


def _fresh(nonce: str, client: Client, setting: Setting) -> str:
    """What stands for a captured nonce: one flow has few of them, so this is bounded."""
    if not setting.fresh_nonces or not nonce:
        return nonce
    if nonce not in client.nonces:
        client.nonces[nonce] = setting.token()
    return client.nonces[nonce]


def _put_nonces(editor: MessageEditor, key: str, client: Client, setting: Setting) -> None:
    rows = editor.all(key)
    values = []
    for row in rows:
        for challenge in parse_challenges(key, row):
            param = challenge.param("nonce")
            if param is not None and param.value:
                row = row.replace(param.raw, _with_value(param, _fresh(param.value, client, setting)), 1)
        values.append(row)
    revalue(editor, key, values, "a nonce is used for one client")


def _with_value(param: AuthParam, value: str) -> str:
    if value == param.value:
        return param.raw
    head, _, tail = param.raw.partition("=")
    blank = tail[: len(tail) - len(tail.lstrip())]
    return f'{head}={blank}"{value}"' if param.quoted else f"{head}={blank}{value}"


def _put_info(editor: MessageEditor, received: Received, client: Client, setting: Setting) -> None:
    """Authentication-Info answers the live credentials (RFC 7616 3.5); `rspauth` goes where no secret makes it."""
    sent = next(iter(received.request.credentials), None)
    values = []
    for row in editor.all("authentication-info"):
        params = []
        for param in parse_auth_params(row):
            match param.name.lower():
                case "nextnonce":
                    params.append(_with_value(param, _fresh(param.value, client, setting)))
                case "rspauth":
                    proof = _proof(received.request, editor, setting)
                    params += [_with_value(param, proof)] if proof else []
                case ("cnonce" | "nc") as name if sent is not None:
                    params.append(_with_value(param, sent.get(name) or ""))
                case _:
                    params.append(param.raw)
        values.append(", ".join(params))
    revalue(editor, "authentication-info", values, "it answers the live credentials")


def _proof(request: Message, editor: MessageEditor, setting: Setting) -> str:
    for credentials in request.credentials[:1] if setting.secrets is not None else ():
        digest = from_credentials(credentials, request.method, request.body)
        for secret in setting.secrets.lookup(digest.username, digest.realm) if setting.secrets else ():
            if computable(digest, secret):
                return response_auth(digest, secret, editor.body) or ""
    return ""


def _put_length(editor: MessageEditor, exchange: Exchange, final: Message, received: Received) -> None:
    """Content-Length stays as it was, wrong or not, where the octets are those that it counted; a stream needs one."""
    del exchange
    count, printed = str(len(editor.body)), final.raw_message.fidelity is Fidelity.TEXT_LOG
    if printed or final.raw_message.missing:
        revalue(editor, "content-length", [count], "the captured body is not whole")
    if editor.first("content-length") is None and received.transport.upper() in STREAMS:
        editor.change("content-length", count, why="on a stream nothing else ends a message (18.3)")
