"""A contact with another URI or other header parameters, all else as it was written (RFC 3261 20.10).

Parameters are taken from the parsed address: a quoted value may hold what looks like brackets and semicolons, as
`+sip.instance="<urn:uuid:...>"` does on most phones.
"""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.sip.address import Address
from analyzer.sip.text import LWS, QUOTED


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
