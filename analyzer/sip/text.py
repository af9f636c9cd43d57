"""Octets and text, and the tokenizer that every value parser shares; the patterns are those of `grammar.py`.

Header values come off the wire as octets of no promised encoding (RFC 3261 7.3.1 says UTF-8, the field says Latin-1
too). `text` decodes them so that nothing is lost: octets that are no UTF-8 become lone surrogates, and `octets` gives
back the very octets.

Commas and semicolons separate only outside quoted strings and angle brackets (RFC 3261 20.10). All patterns here are
possessive: a quote or bracket that is never closed runs to the end of the value, once, so the time stays linear.
"""

from __future__ import annotations

import re
from functools import lru_cache

from analyzer.sip import grammar
from analyzer.sip.grammar import LWS

TOKEN = re.compile(grammar.TOKEN)
QUOTED = re.compile(grammar.QUOTED_STRING, re.DOTALL)
_PAIR = re.compile(r"\\(.)", re.DOTALL)
_ESCAPE = re.compile(f"%({grammar.LHEX}{{2}})".encode())


def text(b: bytes) -> str:
    """Decode wire octets as UTF-8, losslessly (surrogateescape)."""
    return b.decode("utf-8", "surrogateescape")


def octets(s: str) -> bytes:
    """Give back the octets that `text` decoded. Lone surrogates that no octet made become `?`."""
    try:
        return s.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udc7f\udd00-\udfff]", "?", s).encode("utf-8", "surrogateescape")


def is_token(s: str) -> bool:
    """Whether `s` is a token of RFC 3261 25.1 (not empty)."""
    return TOKEN.fullmatch(s) is not None


def unquote(s: str) -> str:
    r"""Take the quotes and `\`-escapes off a quoted-string; anything else is returned as it is."""
    inner = s.strip(LWS)
    if len(inner) < 2 or inner[0] != '"' or QUOTED.fullmatch(inner) is None:
        return s
    inner = inner[1:-1]
    return _PAIR.sub(r"\1", inner) if "\\" in inner else inner


def unpair(s: str) -> str:
    r"""Resolve the `\`-escapes of text that stood between quotes."""
    return _PAIR.sub(r"\1", s) if "\\" in s else s


def quote(s: str) -> str:
    """Make a quoted-string of `s` (RFC 3261 25.1): the inverse of `unquote`."""
    escaped = s.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def unescape(s: str) -> str:
    """Resolve the %HH escapes of a URI part (RFC 3261 19.1.2). `%00` is an octet like any other (RFC 4475 3.1.1.4)."""
    if "%" not in s:
        return s
    return text(_ESCAPE.sub(lambda found: bytes((int(found[1], 16),)), octets(s)))


@lru_cache(maxsize=16)
def _special(sep: str) -> re.Pattern[str]:
    return re.compile(rf"{grammar.QUOTED_STRING_OR_CUT}|<[^>]*+>?|{re.escape(sep)}", re.DOTALL)


def segments(value: str, sep: str = ",") -> list[str]:
    """Cut `value` at each `sep` outside quotes and angle brackets. Nothing is trimmed or dropped."""
    if '"' not in value and "<" not in value:
        return value.split(sep)
    found, start = [], 0
    for special in _special(sep).finditer(value):
        if special[0] == sep:
            found.append(value[start : special.start()])
            start = special.end()
    found.append(value[start:])
    return found


def split_list(value: str, sep: str = ",") -> list[str]:
    """Split a list at `sep` outside quotes and angle brackets; elements are trimmed, empty ones dropped.

    An unterminated quote or bracket takes the rest of the value with it.
    """
    return [element for part in segments(value, sep) if (element := part.strip(LWS))]


def clip(s: str, length: int = 60) -> str:
    """Shorten wire text for the sentence of a defect; line ends become blanks."""
    shown = s[: length + 1].replace("\r", " ").replace("\n", " ")
    return shown if len(shown) <= length else shown[:length] + "..."
