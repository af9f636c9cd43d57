"""Messages that stand in a text as plainly as can be: they are taken in one piece, and need not be read line by line.

Plain is: the line below the banner is the start line, behind it are headers without folds up to an empty line, all
lines end alike, and Content-Length is 0. Whatever is not so is read line by line (`entry.py`), which is the reference:
of a plain message both say the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from analyzer.capture.text.grammar import Banner, Grammar, same_row

MOST = 1 << 14
"""Octets of a message that is taken so."""
_PLAIN = re.compile(
    rb"(?:[A-Z]{3,20} [^ \t\r\n\x1b]{1,2048} SIP/2\.0|SIP/2\.0 [1-6]\d\d [^\r\n\x1b]{0,200})(?P<cr>\r?)\n"
    rb"(?:[A-Za-z][\w-]{0,60}:[^\r\n\x1b]*(?P=cr)\n)+\Z"
)
_LENGTH = re.compile(rb"\n(?:content-length|l)[ \t]*:[ \t]*(0{0,8}\d)[ \t]*\r?\n", re.IGNORECASE)
_ANY_LENGTH = re.compile(rb"\n(?:content-length|l)[ \t]*:", re.IGNORECASE)


class Block(NamedTuple):
    """A message whose first line is `number`, with the line above it (`opener`, which ended in a carriage return where
    `is_returned`): its lines, the empty one included, and whether they ended in carriage returns."""

    number: int
    opener: bytes
    is_returned: bool
    lines: list[bytes]
    returns: bool
    octets: int


def block_at(held: bytes, place: int, end: int, following: int, stop: int) -> tuple[int, Block] | None:
    """The block whose opener is `held[place:end]` and whose start line ends at `following`, with the place behind it;
    None where what stands there is not plain, or goes on behind `stop`."""
    returns = held[following - 1] == 13
    blank = held.find(b"\n\r\n" if returns else b"\n\n", following, min(stop, following + MOST))
    if blank < 0:
        return None
    head = held[end + 1 : blank + 1]
    match = _PLAIN.match(head)
    if match is None or bool(match["cr"]) is not returns:
        return None
    length = _LENGTH.search(head)
    first = _ANY_LENGTH.search(head)
    if length is None or first is None or first.start() != length.start() or int(length[1]):
        return None
    lines = head.split(b"\r\n" if returns else b"\n")  # the last is the empty one
    opener = held[place:end]
    octets = len(head) + 2 if returns else len(head) + len(lines) + 1
    return blank + 2 + returns, Block(0, opener.rstrip(b"\r"), opener.endswith(b"\r"), lines, returns, octets)


def is_plain(grammar: Grammar, banner: Banner, block: Block) -> bool:
    """Whether a grammar reads a block as it stands, and finds its end at the empty line."""
    if grammar.inner is not same_row or grammar.block is not None or grammar.dotted:
        return False
    if banner.rest or banner.key or banner.lead or banner.piece:
        return False
    return banner.size is None or banner.size == block.octets


def is_framed(grammars: Sequence[Grammar], lines: list[bytes]) -> bool:
    """Whether one of the lines is framing, in any of the grammars."""
    return any(
        any(map(one.frames, lines))
        for one in grammars
        if one.end or one.entry or any(gate in line for gate in one.gates for line in lines)
    )
