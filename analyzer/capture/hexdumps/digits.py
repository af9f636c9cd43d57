"""One row of a hex dump: an offset perhaps, digits, and perhaps the same octets as characters.

    0x0010:  c000 0201 13c4 13c4 0111 3a5c 5245 4749  ..........:\\REGI     tcpdump -X
    0010   c0 00 02 01 13 c4 13 c4 01 11 3a 5c 52 45 47 49   ..........:\\REGI  tshark -x, Wireshark
    00000010  c0 00 02 01 13 c4 13 c4  01 11 3a 5c 52 45 47 49  |..........:\\REGI|
    00000010: c000 0201 13c4 13c4 0111 3a5c 5245 4749  ..........:\\REGI   xxd
      c0 00 02 01 13 c4 13 c4    01 11 3a 5c 52 45 47 49    ..........:\\REGI  ngrep -x
    c000020113c413c401113a5c52454749                                           xxd -p, Wireshark's hex stream
    "\\xc0\\x00\\x02\\x01\\x13\\xc4\\x13\\xc4"      0xc0, 0x00, 0x02, 0x01           its strings, and arrays of C

Where the digits end is not to be seen by blanks alone: characters may look like digits, and who pastes a text may lose
blanks. So the characters are compared with what the digits say; where they agree, the end is certain.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MOST_OF_ROW = 64
"""Octets of a row with an offset, at most: programs print 8, 16 or 32."""
_NORMAL = 16
_MOST_OF_LINE = 1 << 17
"""Octets of a row that is digits alone, at most."""
_FEW = 8
_OFFSET = re.compile(rb"[ \t]{0,16}(?:0x)?([0-9a-fA-F]{3,8})(?::|(?=[ \t]))[ \t]*(?=[0-9a-fA-F]{2})")
_BARE = re.compile(rb"[ \t]{0,16}(?=[0-9a-fA-F]{2}(?:[ \t]+[0-9a-fA-F]{2}){0,63}(?![0-9a-fA-F]))")
_STREAM = re.compile(rb"[ \t]{0,16}((?:[0-9a-fA-F]{2})+)[ \t]*\Z")
_SPELLED = re.compile(rb"(?:\\x|0x)([0-9a-fA-F]{2})(?![0-9a-fA-F])")
_NOT_SPELLED = re.compile(rb"[\s\"',;{}\[\]\\]{0,64}\Z")
_GROUP = re.compile(rb"[ \t]{0,8}((?:[0-9a-fA-F]{2}){1,16})(?=[ \t|>]|\Z)")
_WIDE = re.compile(rb"[ \t]{2,}\Z")
_LAST = re.compile(rb"[ \t]{0,16}(?:0x)?([0-9a-fA-F]{5,8})[ \t]*\Z")
_SHOWN = bytes(octet if 0x20 < octet < 0x7F else 0x2E for octet in range(256))
"""How octets are shown where a blank is a dot (tcpdump)."""
_BLANK = b" \t"


class Digits(NamedTuple):
    """A row: `offset` as it is printed (empty: none is), its `octets`, and how many its digits alone may be (`most`).

    `agrees` says that characters stand behind it that say the same, `differs` that there are some that do not; `pairs`
    that the digits stand in fours, which may be words of two octets in the order of the machine; `lead` is what it is
    indented by.
    """

    offset: bytes
    octets: bytes
    lead: int = 0
    agrees: bool = False
    differs: bool = False
    pairs: bool = False
    begun: bytes = b""
    """The characters behind the digits, where they are the first ones of what the octets show."""


def digits_of(line: bytes) -> Digits | None:
    """The row of a hex dump that a line is, or None."""
    found = _printed(line) or _spelled(line)
    return found and found._replace(lead=len(line) - len(line.lstrip(_BLANK)))


def _printed(line: bytes) -> Digits | None:
    """A row that is no text of a program's source."""
    if (match := _OFFSET.match(line)) and (found := _row(line, match.end(), match[1])) is not None:
        return found
    if _BARE.match(line) and (found := _row(line, 0, b"")) is not None and _is_sure(found):
        return found
    if (match := _STREAM.match(line)) and len(match[1]) <= _MOST_OF_LINE:
        return Digits(b"", bytes.fromhex(match[1].decode("ascii")))
    return None


def last_offset(line: bytes) -> bytes:
    """The offset that stands alone behind the last row (hexdump, od); empty for any other line."""
    match = _LAST.match(line)
    return match[1] if match else b""


def _is_sure(row: Digits) -> bool:
    """Whether a row without offset is one: its characters say so, or there are enough digits and nothing else."""
    return row.agrees or (not row.differs and len(row.octets) >= _FEW)


def _row(line: bytes, at: int, offset: bytes) -> Digits | None:
    """The digits from `at` on, as far as the characters behind them agree."""
    ends: list[tuple[int, int]] = []  # where in the line each group ends, and how many octets there are by then
    groups: list[bytes] = []
    count = 0
    while count < MOST_OF_ROW and (match := _GROUP.match(line, at)) is not None:
        at = match.end()
        groups.append(match[1])
        count += len(match[1]) // 2
        ends.append((at, count))
    if not groups:
        return None
    octets = bytes.fromhex(b"".join(groups).decode("ascii"))[:MOST_OF_ROW]
    pairs = len(groups) > 1 and len(groups[0]) == 4
    for end, size in reversed(ends):
        if agrees(line[end:], octets[:size]):
            return Digits(offset, octets[:size], agrees=True, pairs=pairs)
    end, size = next(((end, size) for end, size in reversed(ends) if size <= _NORMAL), ends[-1])
    rest = line[end:].strip(b" \t\r")
    if size == count and not rest:
        return Digits(offset, octets, pairs=pairs)
    begun = rest if begins(rest, octets[:size]) else b""
    return Digits(offset, octets[:size], differs=bool(rest), pairs=pairs, begun=begun)


def begins(rest: bytes, octets: bytes) -> bool:
    """Whether characters are the first ones of those that show the octets."""
    text = rest.strip(b" \t\r|>").replace(b" ", b"")
    return bool(text) and any(one.startswith(text) for one in _shown(octets))


def _shown(octets: bytes) -> tuple[bytes, bytes]:
    """The octets as characters; in the second form without blanks."""
    plain = bytes(octet if 0x20 <= octet < 0x7F else 0x2E for octet in octets).replace(b" ", b"")
    return octets.translate(_SHOWN), plain


def agrees(rest: bytes, octets: bytes) -> bool:
    """Whether characters show the octets; blanks are not compared, since a paste may lose them."""
    text = rest.strip(b" \t\r")
    if not text:
        return False
    shown = _shown(octets)
    for one in (text, text.strip(b"|"), text.removeprefix(b">").removesuffix(b"<")):
        one = one.replace(b" ", b"")
        if one and one in shown:
            return True
    return False


def _spelled(line: bytes) -> Digits | None:
    """Octets as a program's source spells them: each behind `\\x` or `0x`."""
    if b"x" not in line:
        return None
    found = _SPELLED.findall(line[:_MOST_OF_LINE])
    if not found or not _NOT_SPELLED.match(_SPELLED.sub(b"", line).replace(b",", b"").replace(b" ", b"")):
        return None
    return Digits(b"", bytes.fromhex(b"".join(found).decode("ascii")))
