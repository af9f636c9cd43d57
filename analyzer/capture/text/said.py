"""What a line of an unknown program says of the message below it: when, from where, to where, and which way.

Only what such a line says in so many words is taken: an arrow between two addresses, `from` and `to` before one, a word
for sent or received with one address beside it. Where it says two things that do not go together, nothing is taken.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from analyzer.capture.text.grammar import endpoint
from analyzer.capture.text.stamps import PATTERN, spelled
from analyzer.evidence import Endpoint

LOOKED_AT = 400
"""Octets of a line that are looked at."""
_FIRST = 90
"""Octets of it in which a stamp begins."""
_STAMP = re.compile(
    rb"(?:\A|[^\w.:,/-])(?!\d{9,10}(?:[.,]\d{1,5})?(?!\d))(" + PATTERN + rb"(?:[ ]?[AaPp][Mm](?![A-Za-z]))?)(?![\d:])"
)
_TOGETHER = re.compile(
    rb"(?:\A|[^\w.])(?:(?P<y>20\d\d)(?P<m>[01]\d)(?P<d>[0-3]\d)|(?P<m2>[01]\d)(?P<d2>[0-3]\d)(?P<y2>20\d\d))[-_ T]"
    rb"(?P<clock>[0-2]\d:?[0-5]\d:?[0-5]\d)(?P<part>[.,]\d{1,9})?(?!\d)"
    rb"|\A(?P<y4>20\d\d)(?P<m4>[01]\d)(?P<d4>[0-3]\d)(?P<clock4>[0-2]\d[0-5]\d[0-5]\d)(?P<part4>[.,]\d{1,9})?(?=[|,; ])"
    rb"|\A(?P<m3>[01]\d)(?P<d3>[0-3]\d)(?P<clock3>[0-2]\d[0-5]\d[0-5]\d)(?P<part3>[.,]\d{1,9})?(?=[|,; ])"
)
"""Digits of a date and a time written together: resiprocate, Sonus, Yate, Polycom."""
_MILLISECONDS = re.compile(rb"\b(?:time|timestamp|ts)[\"']?[ \t]?[=:][ \t]?[\"']?(1\d{9})(\d{3})(?!\d)", re.IGNORECASE)
"""Milliseconds since the epoch, where a word says so (log4j's XML)."""
_ADDRESS = (
    rb"(?:(?P<host>\d{1,3}(?:\.\d{1,3}){3})"
    rb"|\[(?P<six>[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{0,45})(?:%\w{1,16})?\])"
)
_PORT = rb"(?:[\]\"')>]{0,2}(?:[:/]\[?|,? ?port[ :=]{1,2}|, ?|\.(?=\d{3}))(?P<port>\d{1,5}))(?!\d|[.:]\d)"
_END = re.compile(rb"(?<![\w.@])" + _ADDRESS + rb"(?:" + _PORT + rb")?(?!\d|[.:]\d)")
_LONE = re.compile(rb"[ \t]{0,8}" + _ADDRESS + _PORT + rb"[\])>:. \t-]{0,16}\Z")
_NAMED = re.compile(
    rb"\b(?:from|to)[ \t:=]{1,3}[\"'<\[(]?(?:(?:udp|tcp|tls|sips?|wss?)[:/]{1,3})?"
    rb"(?P<host>(?:[A-Za-z][\w-]{0,62}\.){1,8}[A-Za-z]{2,24}):(?P<port>\d{2,5})(?![\d.])",
    re.IGNORECASE,
)
_ARROW = re.compile(
    rb"[\"'\])>\w/ \t]{0,12}?(?:(?:[-=]|\xe2\x94\x80){0,6}(?P<on>>|\xe2\x86\x92|\xe2\x96\xba)"
    rb"|(?P<back><|\xe2\x86\x90|\xe2\x97\x84)(?:[-=]|\xe2\x94\x80){1,6})[\"'\[(< \tA-Za-z/:]{0,12}\Z"
)
_BEFORE = re.compile(
    rb"(?:\b(?P<word>from|source|src|src_ip|to|destination|dest|dst|dst_ip|on|local|remote|peer)\b)"
    rb"[^\w]{0,6}(?:\[\d{1,5}:\d{1,5}\])?(?:(?:ip|addr|address|host|udp|tcp|tls|sips?|wss?|transport|v4|v6|ipv4|ipv6)\b[^\w]{1,4}){0,3}\Z",
    re.IGNORECASE,
)
_SENT = re.compile(
    rb"(?<![\w-])(?:sent|sends?|sending|transmit(?:s|ted|ting)?|outgoing|outbound|tx|wrote|writing)(?![\w=])|>>>",
    re.IGNORECASE,
)
_RECEIVED = re.compile(
    rb"(?<![\w-])(?:received?|receiving|recv|recvd|rcvd|incoming|inbound|rx|got)(?![\w=])|<<<", re.IGNORECASE
)
_TRANSPORT = re.compile(rb"(?<![A-Za-z])(udp|tcp|tls|wss|ws|sctp)(?![A-Za-z])", re.IGNORECASE)
_WAYS = {b"source": b"from", b"src": b"from", b"src_ip": b"from", b"destination": b"to", b"dest": b"to"}
_WAYS |= {b"dst": b"to", b"dst_ip": b"to", b"local": b"on", b"remote": b"peer"}


class Said(NamedTuple):
    """`stamp` as `stamps.py` reads it; `received` None where no word tells the way; ends None where nothing tells
    them."""

    stamp: bytes = b""
    source: Endpoint | None = None
    destination: Endpoint | None = None
    received: bool | None = None
    transport: str = ""

    @property
    def tells(self) -> bool:
        """Whether anything is said but the time."""
        return self.received is not None or self.source is not None or self.destination is not None


def said_in(line: bytes) -> Said:
    """What a line says."""
    line = line[:LOOKED_AT]
    sent, got = _SENT.search(line) is not None, _RECEIVED.search(line) is not None
    received = got if sent is not got else None
    source, destination = _ends(line, received)
    found = {match[1].upper() for match in _TRANSPORT.finditer(line)}
    transport = found.pop().decode("ascii") if len(found) == 1 else ""
    return Said(stamp_in(line), source, destination, received, transport)


def lone_end(line: bytes) -> Endpoint | None:
    """The address that a line is, and nothing else: the rest of one that was broken to a width."""
    match = _LONE.match(line)
    return None if match is None else _end(match)


def stamp_in(line: bytes) -> bytes:
    """The time that stands in the beginning of a line, in a form that `stamps.py` reads; empty where none does."""
    if match := _STAMP.search(line[:_FIRST]):
        return match[1].strip()
    if match := _MILLISECONDS.search(line[:_FIRST]):
        return b"%b.%b" % match.groups()
    match = _TOGETHER.search(line[:_FIRST])
    if match is None:
        return b""
    clock = (match["clock"] or match["clock3"] or match["clock4"]).replace(b":", b"")
    part = match["part"] or match["part3"] or match["part4"] or b""
    hours = b"%b:%b:%b%b" % (clock[:2], clock[2:4], clock[4:], part)
    if match["m3"]:
        return spelled(int(match["m3"]), match["d3"], hours)
    parts = [match[name] or match[f"{name}2"] or match[f"{name}4"] for name in "ymd"]
    return b"-".join(parts) + b" " + hours


def _end(match: re.Match[bytes]) -> Endpoint:
    groups = match.groupdict()
    return endpoint(groups["host"] or groups["six"], groups["port"])


def _ends(line: bytes, received: bool | None) -> tuple[Endpoint | None, Endpoint | None]:
    """Source and destination, as far as they are said."""
    found = list(_END.finditer(line))
    for one, other in pairwise(found):
        arrow = _ARROW.match(line[one.end() : other.start()])
        if arrow is not None:
            return (_end(one), _end(other)) if arrow["on"] else (_end(other), _end(one))
    told: dict[bytes, Endpoint] = {}
    for match in found:
        before = _BEFORE.search(line[max(match.start() - 40, 0) : match.start()])
        if before is not None:
            word = before["word"].lower()
            told.setdefault(_WAYS.get(word, word), _end(match))
    for match in _NAMED.finditer(line):
        told.setdefault(match[0][:4].lower().strip(b" \t:=") if match[0][:2].lower() != b"to" else b"to", _end(match))
    source, destination = told.get(b"from"), told.get(b"to")
    if received is None:
        return source, destination
    peer, own = told.get(b"peer"), told.get(b"on")
    if peer is None and len(found) == 1 and not told:
        peer = _end(found[0])
    if received:
        return source or peer, destination or own
    return source or own, destination or peer
