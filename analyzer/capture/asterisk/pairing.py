"""What the server says of a response, tied to that response.

Asterisk writes why it refused a request just before the response, or just after it, depending on channel and version:
res_pjsip's distributor logs and then sends; its registrar did it the other way round up to 13; chan_sip sends and then
logs. As a client it logs what it makes of a response after that arrived. Other messages may stand between. So a notice
is held against the latest request that it can be about, by Call-ID where it names one, else by the address that it
names, else by the account; and goes with the response of that exchange, before or behind it, but never with a status
that it cannot mean.

A notice that goes with no response (there is none, or it is far away) stands alone, behind the latest message.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analyzer.capture.asterisk.causes import CAUSES
from analyzer.capture.asterisk.held import Held
from analyzer.capture.asterisk.notices import Said
from analyzer.evidence import Endpoint, LogNotice, Notice, RawMessage

RECENT = 64
"""Messages that a notice is held against, and for so many it waits for its response."""
_ALONE = ("silent", "dns", "removed", "unbound", "unreachable", "reachable")
"""Causes that are about no response, or about none that was a refusal."""
_LINE = re.compile(rb"\n(call-id|i|cseq|from|f|to|t|via|v)[ \t]*+:[ \t]*+([^\r\n]*+)", re.IGNORECASE)
_URI = re.compile(rb"sips?:([^<>;\s]{1,200})", re.IGNORECASE)
_BRANCH = re.compile(rb";[ \t]*+branch[ \t]*+=[ \t]*+([^;,\s]+)", re.IGNORECASE)
_PORT = re.compile(r":\d{1,5}\Z")


class _Facts(NamedTuple):
    """What a message is by its first lines: `status` 0 for a request; `exchange` is Call-ID, CSeq, and the branch, by
    which a new request is told from the one before where a client does not count; `accounts` are user and host of From
    and To; `uri` the Request-URI."""

    status: int
    method: str
    exchange: tuple[str, str, str]
    accounts: frozenset[str]
    uri: str


@dataclass(slots=True, eq=False)
class _Recent:
    """A message that a notice may be about."""

    held: Held
    _facts: _Facts | None = None

    @property
    def facts(self) -> _Facts:
        """Read when they are asked for: most messages have no notice near them."""
        if self._facts is None:
            self._facts = _facts_of(self.held.raw_message.payload)
        return self._facts


@dataclass(slots=True, eq=False)
class _Waits:
    """A notice that waits for the response of an exchange, and for how many messages more."""

    said: Said
    exchange: tuple[str, str, str]
    left: int = RECENT


class Pairing:
    """Takes the messages and the notices of a log in turn; `before` are those that came before there was a notice."""

    def __init__(self, before: Sequence[Held]) -> None:
        self._recent: deque[_Recent] = deque(map(_Recent, before), maxlen=RECENT)
        self._waiting: list[_Waits] = []

    def message(self, held: Held) -> Iterator[Said]:
        """Take a message, with the notices that waited for it. What has waited long enough comes out."""
        recent = _Recent(held)
        self._recent.append(recent)
        for one in [*self._waiting]:
            one.left -= 1
            if recent.facts.exchange == one.exchange and _status_fits(one.said.notice.notice, recent.facts):
                self._waiting.remove(one)
                tie(held, one.said)
            elif one.left <= 0:
                self._waiting.remove(one)
                yield one.said

    def notice(self, said: Said) -> Iterator[Said]:
        """Take a notice. One that goes with no response comes out again."""
        notice = said.notice.notice
        requests = () if notice.cause in _ALONE else self._requests(said)
        for request in requests:
            response = self._response(request.facts.exchange)
            if response is not None and not response.held.gone and _status_fits(notice, response.facts):
                tie(response.held, said)
                return
            if notice.side == "client":  # several may be under way: it is about the one that has this response
                continue
            if response is None and len(self._waiting) < RECENT:
                self._waiting.append(_Waits(said, request.facts.exchange))
                return
            break
        yield said

    def rest(self) -> Iterator[Said]:
        """What still waits at the end of the log."""
        yield from (one.said for one in self._waiting)
        self._waiting.clear()

    def _requests(self, said: Said) -> Iterator[_Recent]:
        """The requests that a notice may be about, the latest first."""
        notice, seen = said.notice.notice, set[tuple[str, str, str]]()
        for one in reversed(self._recent):
            facts = one.facts
            if facts.status or facts.method != (notice.method or "REGISTER") or facts.exchange in seen:
                continue
            if _is_about(said.notice, one.held.raw_message, facts):
                seen.add(facts.exchange)
                yield one

    def _response(self, exchange: tuple[str, str, str]) -> _Recent | None:
        """The latest final response of an exchange."""
        return next(
            (one for one in reversed(self._recent) if one.facts.status >= 200 and one.facts.exchange == exchange), None
        )


def _status_fits(notice: Notice, facts: _Facts) -> bool:
    """Whether a message is a final response that the notice can be about."""
    known = CAUSES[notice.cause].statuses
    if notice.status:
        return facts.status == notice.status
    return facts.status in known if known else facts.status >= 300


def _is_about(said: LogNotice, request: RawMessage, facts: _Facts) -> bool:
    """Whether a notice is about a request."""
    notice = said.notice
    if said.call_id:
        return facts.exchange[0] == said.call_id
    if notice.side == "client":
        if notice.account and not _is_account(notice.account, facts):
            return False
        if notice.server:
            return _is_at(notice.server, request.destination, facts.uri)
        return request.destination.host == notice.host if notice.host else bool(notice.account)
    named = "@" in notice.account
    if named and not _is_account(notice.account, facts):
        return False
    if notice.host:
        return request.source.host == notice.host and said.port in (0, request.source.port)
    return named or _is_account(notice.account, facts)


def tie(held: Held, said: Said, *, alone: bool = False) -> None:
    """Hand a notice over with a message: with the response that it is about, or `alone` behind the latest one."""
    said.notice.alone = alone
    held.raw_message.notices += (said.notice,)
    held.said += (said,)
    if said.notice.group is not None and not alone:
        said.notice.group.tied += 1


def _facts_of(payload: bytes) -> _Facts:
    head = payload.partition(b"\r\n\r\n")[0]
    words = head.partition(b"\r\n")[0].split(b" ")
    is_response = words[0].upper() == b"SIP/2.0"
    call_id, cseq, via, accounts = "", "", b"", set[str]()
    for name, value in _LINE.findall(head):
        match name.lower():
            case b"call-id" | b"i":
                call_id = call_id or _text(value)
            case b"cseq":
                cseq = cseq or _text(value)
            case b"via" | b"v":
                via = via or value
            case _:
                accounts.update(_account(_text(uri)) for uri in _URI.findall(value)[:1])
    second = _text(words[1]) if len(words) > 1 else ""
    status = int(second) if is_response and len(second) == 3 and second.isdecimal() else 0
    method = cseq.rpartition(" ")[2] if is_response else _text(words[0])
    uri = "" if is_response else second
    branch = _BRANCH.search(via)
    exchange = call_id, cseq, _text(branch[1]) if branch else ""
    return _Facts(status or int(is_response), method, exchange, frozenset(accounts), uri)


def _is_account(account: str, facts: _Facts) -> bool:
    """Whether a message is of an account: `bob@pbx.example.com`, or the name of an endpoint, which is mostly that of
    its user."""
    wanted = _account(account)
    if "@" in wanted:
        return wanted in facts.accounts
    return bool(wanted) and any(one.rpartition("@")[0] == wanted or one == wanted for one in facts.accounts)


def _account(text: str) -> str:
    """User and host, as they are compared: without scheme and port."""
    plain = text.removeprefix("sip:").removeprefix("sips:").partition(";")[0]
    user, at, host = plain.rpartition("@")
    return f"{user}{at}{_PORT.sub('', host).lower()}"


def _is_at(server: str, peer: Endpoint, uri: str) -> bool:
    """Whether a server's URI is where a message goes to or comes from."""
    if uri and uri.partition(";")[0] == server.partition(";")[0]:
        return True
    named = server.removeprefix("sip:").removeprefix("sips:").partition(";")[0].rpartition("@")[2]
    return named in (peer.written, peer.host)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape").strip()
