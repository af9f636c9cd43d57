"""Who was refused, how often, from where and why, as far as a log says so in words of its own.

Notices of one cause, account and address are one `Notice` with a count; each line is a `LogNotice` beside that, for
whoever holds it against the messages around it (`pairing.py`). Names and addresses are what senders wrote, or
made Asterisk write: they are kept as they are, clipped, and escaped by whoever shows them. A line that could be read in
two ways (a name that itself holds `' failed for '`) gives no address: to blame an address is what the forger wants.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from analyzer.capture.asterisk.causes import CAUSES, NO_ALGORITHM, NO_CREDENTIALS, NO_REQUEST
from analyzer.capture.asterisk.notice_marks import may_be_notice
from analyzer.capture.asterisk.wordings import (
    ACLS,
    EVENTS,
    REASONS,
    SERVICES,
    STARTS,
    TRACES,
    WITHIN,
    WORDINGS,
)
from analyzer.capture.text.clock import Clock, Moment
from analyzer.capture.text.notice_tables import Cause, Wording
from analyzer.capture.text.wrappers import Line
from analyzer.evidence import LogLines, LogNotice, Notice, Source

MOST_NOTICES = 1000
"""Notices that are told apart; lines beyond them are counted."""
_LONGEST = 1500
"""Octets of a line that is read: whatever stands in a longer one, patterns take a time that grows with the square."""
_CLIP = 120
_MOST_PORTS = 64
_SECURITY = "res_security_log"
_SHUT_OUT = ("unknown-account", "acl", "contact-acl")
"""Causes after which res_pjsip goes on as if with an account that nobody can prove to be."""

_LEAD = re.compile(rb"[ \t>=-]*")  # `-- ` and `== ` are marks of the console
_CUT_LEAD = re.compile(rb"(?:.{0,120}?\.c:(?:\d{1,6}(?: in)? [\w<>~-]{1,80}:)?)?[ \t>=-]*")
_ADDRESS = re.compile(rb"[\w.%:-]{1,100}")
_URI = re.compile(rb"sips?:([^<>;\s]{1,200})", re.IGNORECASE)
FIELD = re.compile(rb'(\w{1,40})="([^"]*)"')
REMOTE = re.compile(rb"IPV[46]/\w{1,8}/([^/]*)/(\d{1,5})")
_NOWHERE = LogLines("", 0, 0)
SEPARATORS = (b"' failed for '", b'RemoteAddress="', b" (callid: ")
"""What stands once before an address: a line that has one of them twice gives none."""

_Key = tuple[str, str, str, str, str, str, int]


class NoticeReader(Protocol):
    """Reads a line: the notice that it is, or None."""

    def __call__(self, text: bytes, *, entry: bool = False) -> LogNotice | None:
        """`entry`: the text is a whole entry of the log."""


class Worded(NamedTuple):
    """A line that is worded as a notice is, and its parts."""

    wording: Wording
    match: re.Match[bytes]


class Said(NamedTuple):
    """A notice that is whole, and the moment of its line: the stamp that it has (`fresh`), or the last one before."""

    notice: LogNotice
    moment: Moment | None
    fresh: bool


@dataclass(slots=True)
class _Seen:
    """A notice whose times are still moments."""

    notice: Notice
    first: Moment | None
    last: Moment | None
    ports: set[int]


class Notices:
    """`see` each line that belongs to no SIP message, and what is left in `rest`; `tell` the source at the end.
    `reader` knows the notices of the program that wrote the log, `hint` how to have SIP messages in it; `hear` is told
    of each line."""

    def __init__(
        self,
        name: str,
        reader: NoticeReader | None = None,
        hint: Callable[[set[str]], str] | None = None,
        hear: Callable[[Line, Moment | None], None] | None = None,
    ) -> None:
        self._name, self._hear = name, hear
        self._read, self._hint = reader or read_notice, hint or trace_hint
        self._found: dict[_Key, _Seen] = {}
        self._half: Said | None = None
        self._more = 0

    def see(self, line: Line, moment: Moment | None) -> Sequence[Said]:
        """The notices that are whole with `line`: none, or the one that it is. A line that says why no challenge was
        answered waits for the next one, which says whose."""
        found = self._read(line.text, entry=line.entry)
        if found is None:
            return ()
        if self._hear is not None:
            self._hear(line, moment)
        said = Said(found, moment, bool(line.stamp))
        found.place = LogLines(self._name, line.number, line.number)
        half, self._half = self._half, None
        cause = found.notice.cause
        if half is not None and cause == NO_REQUEST:
            _join(found, half.notice)
            half = None
        told = [] if half is None else [half]
        if cause in (NO_CREDENTIALS, NO_ALGORITHM):
            self._half = said
        else:
            told.append(said)
        for one in told:
            self._count(one.notice, one.moment)
        return told

    def rest(self) -> Sequence[Said]:
        """What still waits at the end of the log."""
        left = () if self._half is None else (self._half,)
        for one in left:
            self._count(one.notice, one.moment)
        self._half = None
        return left

    def _count(self, found: LogNotice, moment: Moment | None) -> None:
        """Count it with those that say the same, as long as these are few enough to be told apart."""
        said = found.notice
        key = (said.cause, said.method, said.account, said.host, said.module, said.server, said.status)
        seen = self._found.get(key)
        if seen is None:
            if len(self._found) >= MOST_NOTICES:
                self._more += 1
                return
            group = replace(said, first_line=found.place.first, ports=[])
            seen = self._found[key] = _Seen(group, moment, moment, set())
        found.group, seen.last = seen.notice, moment
        seen.notice.count += 1
        seen.notice.last_line = found.place.last
        if found.port and len(seen.ports) < _MOST_PORTS:
            seen.ports.add(found.port)

    def tell(self, source: Source, clock: Clock) -> None:
        """Put what was found into `source`, in the order of its lines, and how to have the SIP messages logged too."""
        for seen in self._found.values():
            notice = seen.notice
            notice.first, notice.last = clock.time(seen.first), clock.time(seen.last)
            notice.ports = sorted(seen.ports)
        source.notices = _without_doubles([seen.notice for seen in self._found.values()])
        source.notices_more = self._more
        source.hint = self._hint({notice.module for notice in source.notices})


def _join(whose: LogNotice, why: LogNotice) -> None:
    """One notice of two lines: the first says why, the second whose registration it is."""
    notice, cause = whose.notice, why.notice
    notice.cause, notice.said, notice.host = cause.cause, cause.said, cause.host
    notice.meaning, notice.advice = cause.meaning, cause.advice
    whose.place = LogLines(whose.place.source, why.place.first, whose.place.last)


def read_notice(text: bytes, *, entry: bool = False) -> LogNotice | None:
    """The notice that a line is; its place and time are not known yet. None for any other line. Before it there may be
    what is left of a prefix that was cut in the paste; not so in an `entry`, where it would be the text of somebody."""
    found = worded(text, entry=entry)
    return None if found is None else _notice(*found, CAUSES, is_doubtful=_is_doubtful(found[1].string))


def worded(text: bytes, *, entry: bool = False) -> Worded | None:
    """How a line is worded that may be a notice, as `read_notice` takes it; None for any other line."""
    if len(text) > _LONGEST or not may_be_notice(text):
        return None
    lead = (_LEAD if entry else _CUT_LEAD).match(text)
    text = text[lead.end() if lead else 0 :].rstrip()
    if not STARTS.match(text) and WITHIN not in text:
        return None
    return _of_table(text, WORDINGS)


def of_wordings(text: bytes, wordings: Sequence[Wording], causes: Mapping[str, Cause]) -> LogNotice | None:
    """The notice that a text without its prefix is, by the table of its program; None where it is none of them."""
    found = _of_table(text, wordings)
    return None if found is None else _notice(*found, causes, is_doubtful=_is_doubtful(text))


def _of_table(text: bytes, wordings: Sequence[Wording]) -> Worded | None:
    return next((Worded(one, match) for one in wordings if (match := one.pattern.fullmatch(text))), None)


def _is_doubtful(text: bytes) -> bool:
    return any(text.count(mark) > 1 for mark in SEPARATORS)


def is_in(head: bytes) -> bool:
    """Whether any line of `head` is a notice that is known."""
    return any(read_notice(line) is not None for line in head.splitlines())


def trace_hint(modules: Iterable[str] = ()) -> str:
    """How to have SIP messages in the log, by the channel that wrote the notices; for both where that is not known."""
    named = [command for module, command in TRACES.items() if module in set(modules)]
    commands = named if len(named) == 1 else [*reversed(TRACES.values())]
    which = " or, for chan_sip, ".join(commands)
    return (
        f"switch the SIP trace on in Asterisk's console (asterisk -rvvv): {which}, let it happen again, and give that "
        "log to sipcheck; logger.conf must have verbose in the line of the file"
    )


def _notice(
    wording: Wording, match: re.Match[bytes], causes: Mapping[str, Cause], *, is_doubtful: bool
) -> LogNotice | None:
    groups = _with_fields(match.groupdict())
    said = groups.get("reason") or groups.get("why") or groups.get("event") or b""
    cause = wording.cause or _cause(groups)
    if not cause:
        return None
    host, port = ("", 0) if is_doubtful else _address(groups)
    status = groups.get("status") or groups.get("forbidden") or b""
    known, method = causes[cause], _clipped(groups.get("method") or b"")
    notice = Notice(
        cause=cause,
        side=known.side,
        state=known.state,
        account=_account(groups.get("account") or b""),
        host=host,
        server=_clipped(groups.get("server") or b""),
        method="" if method == "REGISTER" else method,
        status=int(status) if status else 0,
        said=_clipped(said),
        meaning=known.meaning,
        advice=known.advice,
        about_password=known.about_password,
        contact=_clipped(groups.get("contact") or b""),
        module=wording.module,
    )
    call_id = "" if is_doubtful else _text(groups.get("callid") or b"")
    return LogNotice(None, _NOWHERE, notice, port, call_id)


def _with_fields(groups: dict[str, bytes | None]) -> dict[str, bytes | None]:
    """The groups, with those that an event of the security log has among its fields."""
    if "fields" not in groups:
        return groups
    fields = dict(FIELD.findall(groups["fields"] or b""))
    remote = REMOTE.fullmatch(fields.get(b"RemoteAddress", b""))
    host, port = remote.groups() if remote else (None, None)
    named = {"account": fields.get(b"AccountID"), "acl": fields.get(b"ACLName"), "service": fields.get(b"Service")}
    return {"event": groups["event"], "host": host, "port": port, **named}


def _cause(groups: dict[str, bytes | None]) -> str:
    """The key of `CAUSES` by the reason or the event; empty for an event that is no refusal."""
    if event := groups.get("event"):
        if (groups.get("service") or b"").decode("ascii", "replace") not in SERVICES:
            return ""
        found = EVENTS.get(event.decode("ascii", "replace"), "")
        acl = (groups.get("acl") or b"").decode("ascii", "replace")
        return ACLS.get(acl, found) if found == "acl" else found
    reason = groups.get("why") or b""
    return next((cause for start, cause in REASONS if reason.startswith(start)), "other")


def _account(text: bytes) -> str:
    """`1002@192.0.2.44` out of a From header; any other text as it is."""
    uri = _URI.search(text)
    return _clipped(uri[1] if uri else text)


def _address(groups: dict[str, bytes | None]) -> tuple[str, int]:
    """Host and port, as far as they are written and can be an address; else an empty host."""
    if host := groups.get("host"):
        return _host(host), int(groups.get("port") or 0)
    if text := groups.get("hostport"):
        host, _, port = text.rpartition(b":")
        return _host(host), int(port) if port.isdigit() and len(port) <= 5 else 0
    text = groups.get("peer") or b""
    host, _, port = text.rpartition(b":")
    if host and port.isdigit() and len(port) <= 5 and (b":" not in host or host.endswith(b"]")):
        return _host(host), int(port)
    return _host(text), 0


def _host(text: bytes) -> str:
    bare = text.removeprefix(b"[").removesuffix(b"]")
    if not _ADDRESS.fullmatch(bare):
        return ""
    host = bare.decode("ascii", "replace")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


def _text(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape").strip()


def _clipped(text: bytes) -> str:
    shown = _text(text)
    return shown if len(shown) <= _CLIP else f"{shown[:_CLIP]}..."


def _without_doubles(notices: list[Notice]) -> list[Notice]:
    """The security log says once more what the notices say; who is not known, or not let in, cannot authenticate."""
    hosts = {notice.host for notice in notices if notice.module != _SECURITY}
    kept = [notice for notice in notices if notice.module != _SECURITY or notice.host not in hosts]
    unknown = {(notice.account, notice.host) for notice in kept if notice.cause in _SHUT_OUT}
    for notice in kept:
        if notice.cause == "failed" and (notice.account, notice.host) in unknown:
            notice.cause = "failed-unknown"
            notice.meaning, notice.advice = CAUSES["failed-unknown"].meaning, CAUSES["failed-unknown"].advice
            notice.about_password = False
    return kept
