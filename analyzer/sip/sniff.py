"""What a payload is, told from its content alone: ports lie (docs/rules/reconstruction.md 1).

A capture that holds SIP mostly holds something else, RTP above all, so the question is answered in the order of
cheapness: the first octet, then the first line. The patterns are anchored and have one repeated class each, so that
hostile input costs one look at its first line.
"""

from __future__ import annotations

import enum
import re

from analyzer.sip.grammar import TOKEN_CHARACTER

MAX_START_LINE = 8192
"""Octets within which a start line must end. Longer ones do not cross one IP packet without fragments."""

STUN_COOKIE = b"\x21\x12\xa4\x42"
"""The magic cookie at octet 4 of every STUN message (RFC 8489 5)."""

_TOKEN = TOKEN_CHARACTER.encode()
# Request-Line = Method SP Request-URI SP SIP-Version (RFC 3261 7.1). Blanks in between are left to the parser.
# Status-Line = SIP-Version SP Status-Code SP Reason-Phrase (7.2). SIP-Version is case-insensitive (7.1).
_START = re.compile(
    _TOKEN + rb"{1,64}[ \t][^\r\n]*[ \t][Ss][Ii][Pp]/[0-9]"
    rb"|[Ss][Ii][Pp]/[0-9]{1,3}\.[0-9]{1,3}[ \t]+[0-9]"
)
# What is left of a start line that the capture cut off before its end.
_CUT_REQUEST = re.compile(_TOKEN + rb"{2,64} <?(?:sips?|tel|urn):", re.IGNORECASE)

# A start line behind the end of something else: only well-known methods, since any letters before them are a token too.
_INSIDE = re.compile(
    rb"(?:REGISTER|INVITE|ACK|BYE|CANCEL|OPTIONS|SUBSCRIBE|NOTIFY|PUBLISH|MESSAGE|INFO|PRACK|UPDATE|REFER)[ \t]<?sips?:"
    rb"|SIP/2\.0[ \t][1-6][0-9]{2}[ \t]"
)

PING = b"\r\n\r\n"
PONG = b"\r\n"
"""Keep-alive of a stream and the answer to it (RFC 5626 3.5.1, 4.4.1)."""
_IDLE = b"\r\n\0 \t"
_MAX_WORD = 8
_PRINTABLE = frozenset(range(0x20, 0x7F))


class Kind(enum.IntEnum):
    """What a payload is."""

    SIP = 0
    KEEPALIVE = 1
    STUN = 2
    OTHER = 3


FIRST_OCTETS = bytes(1 if 0x20 <= octet < 0x7F or octet in b"\r\n\t\0\x01" else 0 for octet in range(256))
"""Per first octet: 1 where the payload may be SIP, a keep-alive or STUN; 0 rules all of them out (RTP, TLS)."""


def kind(payload: bytes, *, cut: bool = False) -> Kind:
    """Tell SIP from keep-alives, STUN and everything else.

    `cut` says that the end of `payload` is known to be missing: then half a start line is enough.
    """
    if not payload:
        return Kind.KEEPALIVE
    if _START.match(payload, 0, MAX_START_LINE):
        return Kind.SIP
    if not FIRST_OCTETS[payload[0]]:
        return Kind.OTHER
    if payload[0] < 2 and payload[4:8] == STUN_COOKIE:
        return Kind.STUN
    at = start(payload)
    if looks_like_start(payload, at) or (cut and _CUT_REQUEST.match(payload, at)):
        return Kind.SIP
    return Kind.KEEPALIVE if is_keepalive(payload) else Kind.OTHER


def start(payload: bytes, at: int = 0) -> int:
    """Offset of the first octet that is not CR or LF: servers should skip such lines (RFC 3261 7.5)."""
    end = len(payload)
    while at < end and payload[at] in b"\r\n":
        at += 1
    return at


def looks_like_start(line: bytes | bytearray, at: int = 0) -> bool:
    """Whether `line`, from `at` on, begins with a request or status line."""
    end = at + MAX_START_LINE
    return _START.match(line, at, end) is not None


def start_within(line: bytes | bytearray, end: int) -> int:
    """Offset of a start line inside `line[:end]`, behind a body without a line end; -1 where there is none."""
    match = _INSIDE.search(line, 0, end)
    return match.start() if match and looks_like_start(line, match.start()) else -1


def is_keepalive(payload: bytes) -> bool:
    """CRLF and CRLFCRLF (RFC 5626 4.4.1), zero octets, or a short printable word without a colon (`jaK`, `hello`)."""
    if len(payload) > 64:
        return not payload.strip(_IDLE)
    word = payload.strip(_IDLE)
    return len(word) <= _MAX_WORD and b":" not in word and _PRINTABLE.issuperset(word)
