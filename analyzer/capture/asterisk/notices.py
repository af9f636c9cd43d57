"""Who was refused, how often, from where and why, as far as a log without SIP messages says so.

Notices of one cause, account and address are one `Notice` with a count. Names and addresses are what senders wrote, or
made Asterisk write: they are kept as they are, clipped, and escaped by whoever shows them. A line that could be read in
two ways (a name that itself holds `' failed for '`) gives no address: to blame an address is what the forger wants.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from analyzer.capture.asterisk.notice_marks import may_be_notice
from analyzer.capture.asterisk.wordings import ACLS, CAUSES, EVENTS, REASONS, SERVICES, TRACES, WORDINGS, Wording
from analyzer.capture.text.clock import Clock, Moment
from analyzer.evidence import Notice, Source

MOST_NOTICES = 1000
"""Notices that are told apart; lines beyond them are counted."""
_LONGEST = 1500
"""Octets of a line that is read: whatever stands in a longer one, patterns take a time that grows with the square."""
_CLIP = 120
_MOST_PORTS = 64
_SECURITY = "res_security_log"

_LEAD = re.compile(rb"[ \t>-]*")
_CUT_LEAD = re.compile(rb"(?:.{0,120}?\.c:(?:\d{1,6}(?: in)? [\w<>~-]{1,80}:)?)?[ \t>-]*")
_ADDRESS = re.compile(rb"[\w.%:-]{1,100}")
_URI = re.compile(rb"sips?:([^<>;\s]{1,200})", re.IGNORECASE)
_FIELD = re.compile(rb'(\w{1,40})="([^"]*)"')
_REMOTE = re.compile(rb"IPV[46]/\w{1,8}/([^/]*)/(\d{1,5})")
_TWICE = (b"' failed for '", b'RemoteAddress="', b" (callid: ")

_Key = tuple[str, str, str, str, str]


@dataclass(slots=True)
class _Seen:
    """A notice whose times are still moments."""

    notice: Notice
    first: Moment | None
    last: Moment | None
    ports: set[int]


class Notices:
    """`see` each line that belongs to no SIP message; `tell` the source at the end."""

    def __init__(self) -> None:
        self._found: dict[_Key, _Seen] = {}
        self._more = 0

    def see(self, number: int, text: bytes, moment: Moment | None, *, entry: bool) -> bool:
        """Take line `number`, of which `entry` says that a log's prefix was taken off; whether it is a notice."""
        found = read_notice(text, entry=entry)
        if found is None:
            return False
        notice, port = found
        key = (notice.cause, notice.method, notice.account, notice.host, notice.module)
        seen = self._found.get(key)
        if seen is None:
            if len(self._found) >= MOST_NOTICES:
                self._more += 1
                return True
            seen = self._found[key] = _Seen(notice, moment, moment, set())
            notice.first_line = number
        seen.last = moment
        notice = seen.notice
        notice.count += 1
        notice.last_line = number
        if port and len(seen.ports) < _MOST_PORTS:
            seen.ports.add(port)
        return True

    def tell(self, source: Source, clock: Clock) -> None:
        """Put what was found into `source`, in the order of its lines, and how to have the SIP messages logged too."""
        for seen in self._found.values():
            notice = seen.notice
            notice.first, notice.last = clock.time(seen.first), clock.time(seen.last)
            notice.ports = sorted(seen.ports)
        source.notices = _without_doubles([seen.notice for seen in self._found.values()])
        source.notices_more = self._more
        source.hint = trace_hint({notice.module for notice in source.notices})


def read_notice(text: bytes, *, entry: bool = False) -> tuple[Notice, int] | None:
    """The notice that a line is, and the port it names (0: none); None for any other line. Before it there may be what
    is left of a prefix that was cut in the paste; not so in an `entry`, where it would be the text of somebody."""
    if len(text) > _LONGEST or not may_be_notice(text):
        return None
    lead = (_LEAD if entry else _CUT_LEAD).match(text)
    text = text[lead.end() if lead else 0 :].rstrip()
    for wording in WORDINGS:
        if match := wording.pattern.fullmatch(text):
            return _notice(wording, match, is_doubtful=any(text.count(mark) > 1 for mark in _TWICE))
    return None


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


def _notice(wording: Wording, match: re.Match[bytes], *, is_doubtful: bool) -> tuple[Notice, int] | None:
    groups = _with_fields(match.groupdict())
    said = groups.get("reason") or groups.get("event") or b""
    cause = wording.cause or _cause(groups)
    if not cause:
        return None
    host, port = ("", 0) if is_doubtful else _address(groups)
    status = groups.get("status") or groups.get("later") or groups.get("forbidden") or b""
    known, method = CAUSES[cause], _clipped(groups.get("method") or b"")
    return Notice(
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
        module=wording.module,
    ), port


def _with_fields(groups: dict[str, bytes | None]) -> dict[str, bytes | None]:
    """The groups, with those that an event of the security log has among its fields."""
    if "fields" not in groups:
        return groups
    fields = dict(_FIELD.findall(groups["fields"] or b""))
    remote = _REMOTE.fullmatch(fields.get(b"RemoteAddress", b""))
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
    reason = groups.get("reason") or b""
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


def _clipped(text: bytes) -> str:
    shown = text.decode("utf-8", "surrogateescape").strip()
    return shown if len(shown) <= _CLIP else f"{shown[:_CLIP]}..."


def _without_doubles(notices: list[Notice]) -> list[Notice]:
    """The security log says once more what the notices say; and who is not known cannot authenticate."""
    hosts = {notice.host for notice in notices if notice.module != _SECURITY}
    kept = [notice for notice in notices if notice.module != _SECURITY or notice.host not in hosts]
    unknown = {(notice.account, notice.host) for notice in kept if notice.cause == "unknown-account"}
    for notice in kept:
        if notice.cause == "failed" and (notice.account, notice.host) in unknown:
            notice.cause = "failed-unknown"
            notice.meaning, notice.advice = CAUSES["failed-unknown"].meaning, CAUSES["failed-unknown"].advice
    return kept
