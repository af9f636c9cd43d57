"""Credentials whose quotes are out of order, read by the names of their parameters.

    Digest username="u",realm="a\\",nonce="7db3...",uri="sip:h",response="8650..."
    Digest username="u", realm="a"b\\c", nonce="e9d2...", uri="sip:h", response="bf13..."

Whoever cuts a realm behind its backslash, or puts one that holds a quote between quotes as it is, shifts all quotes
that follow: as the grammar has it (RFC 3261 25.1) half of the parameters stand inside of values then. Their names are
known (RFC 7616 3.4), so each value is what stands between one name and the next. That is a guess, and only made where
the grammar's reading does not find what every answer to a challenge has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from analyzer.sip.grammar import LWS
from analyzer.sip.text import QUOTED, is_token, unquote

NEEDED = ("username", "realm", "nonce", "uri", "response")
"""What all credentials of a Digest have (RFC 2617 3.2.2)."""
_NAMES = "username|realm|nonce|uri|response|algorithm|cnonce|opaque|qop|nc|auts|userhash"
_START = re.compile(rf"(?:\A|(?<=[\s,\"]))({_NAMES})\s*+=\s*+", re.IGNORECASE)


class Piece(NamedTuple):
    """One parameter: `name` as written, `value` without its outer quotes, whether it had any, and `raw` as it stood.
    `is_broken`: the value is neither a token nor a quoted string."""

    name: str
    value: str
    quoted: bool
    raw: str
    is_broken: bool


def lacks(found: Iterable[str]) -> int:
    """How many of the parameters that all credentials have are not among these names (lower-case)."""
    return len(set(NEEDED) - set(found))


def pieces(parameters: str) -> list[Piece]:
    """The parameters behind the scheme, cut at their names. The first of a name counts, as anywhere."""
    starts = list(_START.finditer(parameters))
    ends = [*(found.start() for found in starts[1:]), len(parameters)]
    return [
        _piece(found[1], parameters[found.end() : end], parameters[found.start() : end])
        for found, end in zip(starts, ends, strict=False)  # where no name stands, no end does either
    ]


def _piece(name: str, value: str, raw: str) -> Piece:
    written, raw = value.strip(LWS + ","), raw.strip(LWS + ",")
    if QUOTED.fullmatch(written):
        return Piece(name, unquote(written), True, raw, is_broken=False)
    inside = written.removeprefix('"').removesuffix('"')
    return Piece(name, inside, inside != written, raw, is_broken=not is_token(written))
