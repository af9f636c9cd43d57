"""Templates of lines, learned from what the parser of `analyzer/sip` reads (docs/columnar.md).

There is no second grammar here. A message is read by the parser; where the values lie that differ from message to
message (`COLUMNS`) is looked up in its octets; everything else of a line has to be equal octet by octet. A value may be
replaced only by one of the characters of its class, none of which can end it or mean anything else to the parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from analyzer.columnar.records import Flags
from analyzer.sip.address import Address
from analyzer.sip.auth import AuthValue
from analyzer.sip.message import Message
from analyzer.sip.text import octets
from analyzer.sip.via import MAGIC_COOKIE

COLUMNS = (
    "branch",
    "sent_by",
    "received",
    "rport",
    "from_name",
    "from_user",
    "from_tag",
    "to_name",
    "to_user",
    "to_tag",
    "call_id",
    "call_host",
    "cseq",
    "contact_user",
    "contact_place",
    "contact_seen",
    "instance",
    "username",
    "nonce",
    "response",
    "cnonce",
    "opaque",
    "nc",
    "date",
    "uri_user",
    "uri_place",
)
"""What may differ within a kind of line: `sent_by` and `contact_place` are host and port, `branch` is what follows the
magic cookie, `call_id` and `call_host` the Call-ID before and behind its `@`, `contact_seen` the `received` of a
Contact, `instance` what follows `urn:uuid:`, `uri_user` and `uri_place` those of the Request-URI, where the method is
another than REGISTER."""
PLACE = {name: number for number, name in enumerate(COLUMNS)}

_WORD = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
_DIGITS, _HEX = b"0123456789", b"0123456789abcdef"
_CLASSES = {
    **dict.fromkeys(("cseq", "rport"), _DIGITS),
    **dict.fromkeys(("sent_by", "contact_place", "contact_seen", "uri_place"), b"0123456789.:"),
    "received": b"0123456789.",
    **dict.fromkeys(("response", "nc"), _HEX),
    "instance": _HEX + b"-",
    "date": _WORD + b" ,:",
    **dict.fromkeys(("from_name", "to_name"), _WORD + b" "),
    **dict.fromkeys(("nonce", "cnonce", "opaque"), _WORD + b"+/=:"),
}


def _flags(characters: bytes) -> Flags:
    flags = np.zeros(256, np.bool_)
    flags[np.frombuffer(characters, np.uint8)] = True
    return flags


ALLOWED = tuple(_flags(_CLASSES.get(name, _WORD)) for name in COLUMNS)
"""By column: which octets a value may have."""


class Span(NamedTuple):
    """Where a value of a column lies: offsets in the message, or in its line."""

    column: int
    start: int
    end: int


def values_of(message: Message) -> dict[str, bytes]:
    """The values of the columns as the parser reads them; those that are absent, or several, are left out."""
    return {name: octets(value) for name, _, value, _ in _values(message) if value}


def spans_of(message: Message) -> list[Span]:
    """Where the values of the columns lie in the octets of a message; in order."""
    rows = {header.key: (header.start, header.end) for header in message.headers}
    rows[_START_LINE] = (0, message.raw.find(b"\r\n"))
    return sorted(_spans(message, rows), key=lambda span: span.start)


_Value = tuple[str, str, str, str]
"""Column, key of its header, value, and what stands before it in its line."""
_START_LINE = ""
"""Stands for the key of the line that is no header."""


def _values(message: Message) -> Iterator[_Value]:
    via, target = message.via, message.uri
    if target is not None and target.is_sip and message.method not in ("", "REGISTER"):
        yield "uri_user", _START_LINE, target.user or "", f"{message.method} sip:"
        place = target.host if target.port is None else f"{target.host}:{target.port}"
        yield "uri_place", _START_LINE, place, f"{target.user}@" if target.user else " sip:"
    if via is not None and len(message.vias) == 1:
        branch = via.branch or ""
        yield "branch", "via", branch[len(MAGIC_COOKIE) :] if via.has_cookie else "", f"branch={MAGIC_COOKIE}"
        yield "sent_by", "via", via.host if via.port is None else f"{via.host}:{via.port}", "/UDP "
        yield "received", "via", via.received or "", "received="
        yield "rport", "via", via.rport or "", "rport="
    for side, address in (("from", message.from_), ("to", message.to)):
        if address is not None and address.uri is not None:
            yield f"{side}_name", side, address.display, '"'
            yield f"{side}_user", side, address.uri.user or "", "<sip:"
            yield f"{side}_tag", side, address.tag or "", ">;tag="
    call, at, host = message.call_id.partition("@")
    yield "call_id", "call-id", call, " "
    yield "call_host", "call-id", host, at
    if message.cseq is not None:
        yield "cseq", "cseq", str(message.cseq.number), " "
    yield "date", "date", message.first("date") or "", " "
    contacts = message.contacts
    if len(contacts) == 1:
        yield from _contact_values(contacts[0])
    for header, several in (("credentials", message.credentials), ("challenges", message.challenges)):
        if len(several) == 1:
            yield from _auth_values(several[0], is_challenge=header == "challenges")


def _contact_values(contact: Address) -> Iterator[_Value]:
    uri = contact.uri
    if uri is None or not uri.is_sip:
        return
    user, place = uri.user or "", uri.host if uri.port is None else f"{uri.host}:{uri.port}"
    yield "contact_user", "contact", user, "<sip:"
    yield "contact_place", "contact", place, f"{user}@" if user else "<sip:"
    seen = contact.params.get("received") or ""
    yield "contact_seen", "contact", seen.strip('"').removeprefix("sip:"), 'received="sip:'
    urn = (contact.params.get("+sip.instance") or "").strip('"<>')
    yield "instance", "contact", urn[9:] if urn.startswith("urn:uuid:") else "", "<urn:uuid:"


def _auth_values(value: AuthValue, *, is_challenge: bool) -> Iterator[_Value]:
    names = ("nonce", "opaque") if is_challenge else ("username", "nonce", "response", "cnonce", "opaque")
    for name in names:
        yield name, value.header, value.get(name) or "", f'{name}="'
    if not is_challenge:
        yield "nc", value.header, value.get("nc") or "", "nc="


def _spans(message: Message, rows: dict[str, tuple[int, int]]) -> Iterator[Span]:
    for name, key, value, before in _values(message):
        if not value or key not in rows:
            continue
        written, prefix = octets(value), octets(before)
        start, end = rows[key]
        edge = rb"\b" if before[:1].isalpha() else b""
        found = [one.end() for one in re.finditer(edge + re.escape(prefix + written), message.raw[start:end])]
        if len(found) == 1 and _fits(PLACE[name], written):
            yield Span(PLACE[name], start + found[0] - len(written), start + found[0])


def _fits(column: int, value: bytes) -> bool:
    return bool(ALLOWED[column][np.frombuffer(value, np.uint8)].all())
