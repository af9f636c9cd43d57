"""Texts as cells of a file that a spreadsheet opens (CSV): none of them is a formula to it.

A spreadsheet runs as a formula, whoever sent it, what begins a cell with `=`, `+`, `-`, `@` or a sign that it takes for
one of them. And where a cell begins is the reader's opinion: in many countries a spreadsheet parts a file at semicolons
and not at commas, quotes or not; a dialogue of it offers tabs, bars, other quotes or none. An apostrophe or a quote in
front, as is often advised (OWASP, CSV Injection; CWE-1236), does not hold then. So a sign is written as its code
wherever any such reader could see a cell begin: `=1;=2` is the cell `\\x3d1;\\x3d2`. The way back is `value_of`.
Numbers stay numbers.
"""

from __future__ import annotations

import re

from analyzer.escape import visible

_NAMES = {sign: f"x{ord(sign):02x}" if sign.isascii() else f"u{ord(sign):04x}" for sign in "=+-@＝＋－＠﹢﹣﹦﹫−"}
"""The code of each sign that begins a formula: plain, full-width, small, and the minus of mathematics."""
_SIGNS = {name: sign for sign, name in _NAMES.items()}
# Where some reader sees a cell begin: at its start, and behind what may part cells or quote them. Readers skip blanks
# there, and some a backslash, as the mark of what is meant literally.
_START = r"""(^|[,;|"'])((?:[ \\]* )?)"""
_NAME = "|".join(_SIGNS)
_SIGN = re.compile(rf"{_START}(\\*)([{re.escape(''.join(_NAMES))}]|(?<=\\)(?:{_NAME}))")
_CODE = re.compile(rf"{_START}(\\+)({_NAME})")


def cell(text: str) -> str:
    """A text as a cell in which no reader, whatever parts or quotes its cells, finds a formula."""
    return _SIGN.sub(_coded, visible(text))


def _coded(found: re.Match[str]) -> str:
    """Backslashes are doubled in front of a sign, and of what reads as a code already, so an odd one tells a sign."""
    start, blanks, slashes, sign = found.groups()
    name = _NAMES.get(sign)
    return f"{start}{blanks}{slashes * 2}" + (sign if name is None else f"\\{name}")


def value_of(text: str) -> str:
    """The text of which `cell` made this; what the tables hold, visible."""
    return _CODE.sub(_decoded, text)


def _decoded(found: re.Match[str]) -> str:
    start, blanks, slashes, name = found.groups()
    return f"{start}{blanks}{slashes[: len(slashes) // 2]}" + (_SIGNS[name] if len(slashes) % 2 else name)
