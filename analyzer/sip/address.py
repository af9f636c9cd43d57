"""Addresses in From, To, Contact, Route: name-addr, addr-spec or `*` (RFC 3261 20.10, 20.20, 20.39, 25.1).

    "Display name" <sip:user@host;uri-parameter>;header-parameter

Without angle brackets every parameter belongs to the header, and the URI may hold no comma, `?` or `;` (20.10).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from analyzer.defect import Defect
from analyzer.escape import visible
from analyzer.sip.grammar import LWS, QDTEXT, TOKEN
from analyzer.sip.params import NO_PARAMS, PLAIN_PARAMS, Params, parse_params, plain_params
from analyzer.sip.scalar import MAX_DELTA_SECONDS, decimal, qvalue
from analyzer.sip.text import QUOTED, clip, is_token, segments, unquote
from analyzer.sip.uri import Uri

# An address that needs no second look, as nearly all are: brackets, a display name that is quoted, of tokens or none.
_COMMON_FORM = re.compile(rf"""(?:"({QDTEXT})"|({TOKEN}(?: {TOKEN})*)|) *<([^<>"\s]++)>({PLAIN_PARAMS})""")
_GAP = re.compile(r"^\s*(?:,|$)|,\s*(?:,|$)")
_UNASKED = -1


@dataclass(slots=True, unsafe_hash=True)
class Address:
    """One address. `display` is unquoted; `uri` is None for `*` and where nothing could be read as a URI.

    `params` are the header's parameters, never the URI's. `defects` include those of URI and parameters.
    """

    raw: str
    display: str = ""
    uri: Uri | None = None
    star: bool = False
    params: Params = NO_PARAMS
    bracketed: bool = False
    defects: tuple[Defect, ...] = ()
    _expires: int | None = field(default=_UNASKED, init=False, repr=False, compare=False)

    @staticmethod
    def parse(text: str) -> Address:
        """Parse one address (not a list). Never raises."""
        plain = _COMMON_FORM.fullmatch(text)
        if plain is not None:
            quoted, tokens, inside, tail = plain.groups()
            params = plain_params(tail) if tail else NO_PARAMS
            if params is not None:
                uri = Uri.parse(inside)
                wrong = _contact_param_defects(params) if "expires" in params or "q" in params else ()
                return Address(text, quoted or tokens or "", uri, False, params, True, (*uri.defects, *wrong))
        return Address._parse(text)

    @staticmethod
    def _parse(text: str) -> Address:
        value = text.strip(LWS)
        if value.startswith("*") and value[1:].lstrip(LWS)[:1] in ("", ";"):
            return _finish(text, "", None, value[1:], star=True, bracketed=False, wrong=[])
        if value.startswith('"'):
            return _quoted_name(text, value)
        bracket = value.find("<")
        return _bracketed(text, value, bracket, []) if bracket >= 0 else _addr_spec(text, value, "", [])

    @property
    def tag(self) -> str | None:
        """The header parameter `tag` (RFC 3261 19.3); a URI parameter of that name is none."""
        return self.params.get("tag")

    @property
    def expires(self) -> int | None:
        """Seconds of the `expires` parameter, at most 2**32-1; None if absent or malformed (10.2.1.1)."""
        seconds = self._expires
        if seconds == _UNASKED:
            seconds = decimal(self.params.get("expires") or "")
            self._expires = seconds = None if seconds is None else min(seconds, MAX_DELTA_SECONDS)
        return seconds

    @property
    def q(self) -> float | None:
        """The preference of a contact (20.10); None if absent or malformed."""
        return qvalue(self.params.get("q") or "")

    def __str__(self) -> str:
        return visible(self.raw)


def _quoted_name(raw: str, value: str) -> Address:
    name = QUOTED.match(value)
    if name is None:  # RFC 4475 3.1.2.6; what looks like the URI is still read
        wrong = [Defect("unterminated-quote", f"the display name opens a quote that is never closed: {clip(value)!r}")]
        return _bracketed(raw, value, value.rfind("<"), wrong)
    bracket = value.find("<", name.end())
    if bracket < 0:
        wrong = [Defect("bad-address", f"no <URI> follows the display name in {clip(value)!r}")]
        rest = value[name.end() :].lstrip(LWS)
        if rest[:1] not in ("", ";"):
            return _addr_spec(raw, rest, unquote(name[0]), wrong)
        return _finish(raw, unquote(name[0]), None, rest, wrong=wrong)
    return _bracketed(raw, value, bracket, [])


def _bracketed(raw: str, value: str, bracket: int, wrong: list[Defect]) -> Address:
    """name-addr = [ display-name ] LAQUOT addr-spec RAQUOT"""
    if bracket < 0:
        return _finish(raw, value.lstrip('"'), None, "", wrong=wrong)
    name = value[:bracket].strip(LWS)
    if not wrong and not _display_name_legal(name):
        wrong.append(Defect("bad-display-name", f"{clip(name)!r} is neither tokens nor a quoted string"))
    inside, closed, tail = value[bracket + 1 :].partition(">")
    if not closed:
        wrong.append(Defect("bad-address", f"the bracket is never closed: {clip(value)!r}"))
    if inside != inside.strip(LWS):  # RFC 4475 3.1.2.14
        wrong.append(Defect("bad-address", f"blanks between bracket and URI: {clip(value)!r}"))
    tail = tail.lstrip(LWS)
    if tail and not tail.startswith(";"):
        wrong.append(Defect("bad-address", f"{clip(tail)!r} follows the closing bracket"))
        tail = tail[tail.find(";") :] if ";" in tail else ""
    display = name.lstrip('"') if name.startswith('"') and not QUOTED.fullmatch(name) else unquote(name)
    return _finish(raw, display, Uri.parse(inside.strip(LWS)), tail, wrong=wrong)


def _display_name_legal(name: str) -> bool:
    """display-name = *(token LWS) / quoted-string"""
    return not name or QUOTED.fullmatch(name) is not None or all(map(is_token, name.split()))


def _addr_spec(raw: str, value: str, display: str, wrong: list[Defect]) -> Address:
    """The first semicolon ends the URI (20.10), unless that would cut through the user part."""
    text, semicolon, tail = value.partition(";")
    text = text.rstrip(LWS)
    if "," in text or "?" in text or ("@" not in text and "@" in tail.partition('"')[0]):
        wrong.append(Defect("uri-not-bracketed", f"a URI with comma, ? or ; needs angle brackets: {clip(value)!r}"))
    return _finish(raw, display, Uri.parse(text), semicolon + tail, bracketed=False, wrong=wrong)


def _finish(
    raw: str,
    display: str,
    uri: Uri | None,
    tail: str,
    *,
    star: bool = False,
    bracketed: bool = True,
    wrong: list[Defect],
) -> Address:
    params = parse_params(tail)
    if uri is not None:
        wrong.extend(uri.defects)
    wrong.extend(params.defects)
    wrong.extend(_contact_param_defects(params))
    return Address(raw, display, uri, star, params, bracketed and uri is not None, tuple(wrong))


def _contact_param_defects(params: Params) -> list[Defect]:
    """c-p-expires = "expires" EQUAL delta-seconds; c-p-q = "q" EQUAL qvalue (RFC 3261 25.1)."""
    wrong: list[Defect] = []
    if "expires" in params:
        seconds = decimal(params["expires"] or "")
        if seconds is None:
            wrong.append(Defect("bad-expires", f"expires is no number of seconds: {clip(str(params['expires']))!r}"))
        elif seconds > MAX_DELTA_SECONDS:
            wrong.append(Defect("expires-out-of-range", "the expires parameter is beyond 2**32-1 seconds"))
    if "q" in params and qvalue(params["q"] or "") is None:
        wrong.append(Defect("bad-q", f"q is no number from 0 to 1 with three decimals: {clip(str(params['q']))!r}"))
    return wrong


def parse_addresses(value: str) -> list[Address]:
    """Parse every address of one row, in order; empty list elements leave none (see `empty_elements`)."""
    if value and value[0] > " " and "," not in value:
        return [Address.parse(value)]
    return [Address.parse(part) for part in segments(value) if part.strip(LWS)]


def empty_elements(values: list[str]) -> list[Defect]:
    """One defect per row whose comma list has an empty element; an empty row (`Contact:`) is one, too."""
    return [
        Defect("empty-list-element", f"an empty value in the list {clip(row)!r}")
        for row in values
        if _GAP.search(row) and not all(part.strip(LWS) for part in segments(row))
    ]
