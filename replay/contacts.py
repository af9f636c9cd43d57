"""A contact with another URI or other header parameters, all else as it was written (RFC 3261 20.10).

Parameters are taken from the parsed address: a quoted value may hold what looks like brackets and semicolons, as
`+sip.instance="<urn:uuid:...>"` does on most phones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from analyzer.register.requested import requested_expiry
from analyzer.sip.address import Address, parse_addresses
from analyzer.sip.grammar import LWS
from analyzer.sip.scalar import decimal
from analyzer.sip.text import QUOTED, segments

_FOLD = re.compile(r"[ \t]*(?:\r\n|\n|\r)[ \t]*")
_NEEDS_BRACKETS = re.compile("[;,?]")
"""RFC 3261 20.10: a URI with one of these is bracketed."""


def rewritten(address: Address, params: Mapping[str, str | None], uri: str = "") -> str:
    """An address with these header parameters (None: without it), at the place of the old ones where there are such,
    and with `uri` in place of its own. A bare URI gets brackets, so that its parameters stay the header's."""
    if address.uri is None:
        return address.raw
    left = dict(params)
    parts = [f"{_display(address)}<{uri or address.uri.text}>"]
    for name, value in address.params.items_as_written:
        key = name.lower()
        if key not in params:
            parts.append(name if value is None else f"{name}={value}")
        elif left.get(key) is not None:
            parts.append(f"{name}={left.pop(key)}")
    parts += [f"{name}={value}" for name, value in left.items() if value is not None]
    return ";".join(parts)


def _display(address: Address) -> str:
    """What stands before the bracket, quotes and blanks included."""
    raw = address.raw.strip(LWS)
    if not address.bracketed:
        return ""
    quoted = QUOTED.match(raw)
    return raw[: raw.find("<", quoted.end() if quoted else 0)]


def with_param(text: str, name: str, value: str) -> str:
    """The text of an address with the header parameter `name` set."""
    address = Address.parse(text)
    return rewritten(address, {name: value}) if address.uri is not None else f"{text.rstrip(LWS)};{name}={value}"


def without_param(text: str, name: str) -> str:
    """The text of an address without the header parameter `name`."""
    return rewritten(Address.parse(text), {name: None})


def swap_uri(address: Address, uri: str) -> str:
    """The text of an address with another URI in it."""
    return rewritten(address, {}, uri)


def with_uris(value: str, swapped: Callable[[Address], str | None]) -> str:
    """What stands behind the colon of a row of addresses, folding and all, with other URIs in it: `swapped` gives the
    URI that an address shall have, None where it keeps its own. No other octet changes, but a bare URI with parameters
    gets the brackets that it needs."""
    return ",".join(_in_place(part, swapped) for part in segments(value))


def _in_place(part: str, swapped: Callable[[Address], str | None]) -> str:
    address = Address.parse(_FOLD.sub(" ", part))
    uri = swapped(address)
    if uri is None or address.uri is None or uri == address.uri.text:
        return part
    begin, end = len(part) - len(part.lstrip(LWS)), len(part.rstrip(LWS))
    quoted = QUOTED.match(part, begin)
    at = part.find(address.uri.text, part.find("<", quoted.end() if quoted else begin) if address.bracketed else begin)
    if at >= 0 and (address.bracketed or not _NEEDS_BRACKETS.search(uri)):
        return part[:at] + uri + part[at + len(address.uri.text) :]
    return part[:begin] + swap_uri(address, uri).strip(LWS) + part[end:]


def taken_away(contacts: Iterable[str]) -> str:
    """The Contact value that removes these (RFC 3261 10.2.2)."""
    return ", ".join(with_param(without_param(contact, "expires"), "expires", "0") for contact in contacts)


def contacts_of(rows: Iterable[str]) -> list[Address]:
    """The contacts in the values of all Contact rows of a request."""
    return [contact for row in rows for contact in parse_addresses(row)]


def requested_bindings(rows: Iterable[str], expires: str | None) -> Iterator[tuple[str, str]]:
    """The contacts of a request, whose Expires is given, too: as URI ("*" for all) and what is to be bound, "" where it
    is to be removed."""
    header = decimal((expires or "").strip(LWS))
    for address in contacts_of(rows):
        if address.star:
            yield "*", ""
        elif address.uri is not None:
            yield address.uri.text, "" if requested_expiry(address, header) == 0 else address.raw
