"""Parameters: `;name=value;flag`, behind a header value or inside a URI (RFC 3261 7.3.1, 19.1.1).

Names are case-insensitive, values are kept as written (a quoted value keeps its quotes; `unquoted` takes them off).
A name that comes twice is malformed (7.3.1: "MUST NOT appear more than once"); the first one counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TypeVar, overload

from analyzer.defect import Defect
from analyzer.escape import visible
from analyzer.sip.grammar import GEN_VALUE, GENERIC_PARAM, LWS
from analyzer.sip.text import QUOTED, clip, is_token, segments, unquote

_D = TypeVar("_D")
_VALUE = re.compile(GEN_VALUE)
# Parameters that need no second look, as nearly all are.
PLAIN_PARAMS = f"(?:;{GENERIC_PARAM})*"
_COMMON_FORM = re.compile(PLAIN_PARAMS)
_LONGEST_SHARED = 32
_OF_ITS_OWN = ";tag="


class Params(Mapping[str, "str | None"]):
    """A read-only mapping: lower-case name -> value as written, None where there was no `=`. First of a name wins.

    `items_as_written` keeps order, spelling and duplicates; `defects` what was malformed, once per code.
    """

    __slots__ = ("_first", "defects", "items_as_written")

    def __init__(
        self,
        items: tuple[tuple[str, str | None], ...] = (),
        defects: tuple[Defect, ...] = (),
        first: dict[str, str | None] | None = None,
    ) -> None:
        self.items_as_written = items
        self.defects = defects
        self._first: dict[str, str | None] = {} if first is None else first
        if first is None:
            for name, value in items:
                self._first.setdefault(name.lower(), value)

    def __getitem__(self, name: str) -> str | None:
        return self._first[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)

    def __contains__(self, name: object) -> bool:
        return name in self._first

    def __hash__(self) -> int:
        return hash(frozenset(self._first.items()))

    @overload
    def get(self, name: str, /) -> str | None: ...
    @overload
    def get(self, name: str, /, default: str | _D) -> str | _D | None: ...
    def get(self, name: str, /, default: object = None) -> object:
        """The value of `name` (lower-case), or `default` where the parameter is absent."""
        return self._first.get(name, default)

    def unquoted(self, name: str) -> str | None:
        """The value of `name` without quotes and escapes; None where it is absent or a flag."""
        value = self._first.get(name)
        return None if value is None else unquote(value)

    @property
    def written(self) -> str:
        """The parameters as they stand in a header: `;transport=udp;lr`."""
        return "".join(f";{n}" if v is None else f";{n}={v}" for n, v in self.items_as_written)

    def __str__(self) -> str:
        return visible(self.written)

    def __repr__(self) -> str:
        return f"Params({self.written!r})"


NO_PARAMS = Params()
"""The empty mapping, shared."""


def parse_params(text: str) -> Params:
    """Parse `;a=b;c` (the first `;` may be missing). Blanks around `;` and `=` are legal (RFC 4475 3.1.1.1)."""
    if not text:
        return NO_PARAMS
    if _COMMON_FORM.fullmatch(text) and (plain := plain_params(text)) is not None:
        return plain
    parts = segments(text, ";")
    if not parts[0].strip(LWS):
        del parts[0]
    return _collect(parts, strict=True)


def plain_params(text: str) -> Params | None:
    """The parameters of a text that `PLAIN_PARAMS` matches; None where a name comes twice, which is for `parse_params`
    to say. Many texts are equal (`;expires=3600`), and so are one object; hardly any two tags are."""
    is_shared = len(text) <= _LONGEST_SHARED and not text.startswith(_OF_ITS_OWN)
    return _shared_params(text) if is_shared else _plain_params(text)


def _plain_params(text: str) -> Params | None:
    items: list[tuple[str, str | None]] = []
    first: dict[str, str | None] = {}
    for part in text[1:].split(";"):
        name, equals, written = part.partition("=")
        value = written if equals else None
        items.append((name, value))
        first[name.lower()] = value
    return Params(tuple(items), (), first) if len(first) == len(items) else None


_shared_params = lru_cache(maxsize=4096)(_plain_params)


def parse_uri_params(text: str) -> Params:
    """Parse the parameters of a URI, where quotes and blanks have no meaning (RFC 3261 25.1 uri-parameters)."""
    return _collect(text.split(";"), strict=False) if text else NO_PARAMS


def _collect(parts: list[str], *, strict: bool) -> Params:
    items: list[tuple[str, str | None]] = []
    defects: dict[str, Defect] = {}
    seen: set[str] = set()
    for part in parts:
        name, equals, value = part.partition("=")
        name, value = name.strip(LWS), value.strip(LWS)
        if not name and not equals:
            defects.setdefault("empty-parameter", Defect("empty-parameter", "nothing stands between two semicolons"))
            continue
        items.append((name, value if equals else None))
        if name.lower() in seen:
            defects.setdefault("duplicate-parameter", Defect("duplicate-parameter", f"{clip(name)} is given twice"))
        seen.add(name.lower())
        if strict and (defect := _value_defect(name, value if equals else None)):
            defects.setdefault(defect.code, defect)
    return Params(tuple(items), tuple(defects.values())) if items or defects else NO_PARAMS


def _value_defect(name: str, value: str | None) -> Defect | None:
    """generic-param = token [ EQUAL gen-value ]  (RFC 3261 25.1)."""
    if not is_token(name):
        return Defect("bad-parameter", f"the parameter name {clip(name)!r} is no token")
    if value is None or _VALUE.fullmatch(value) or QUOTED.fullmatch(value):
        return None
    if value.startswith('"') and not QUOTED.match(value):
        return Defect("unterminated-quote", f"the value of {clip(name)} opens a quote that is never closed")
    return Defect("bad-parameter", f"the value of {clip(name)} is neither token nor quoted string: {clip(value)!r}")
