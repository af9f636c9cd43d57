"""What a REGISTER asks for: which contacts it wants bound or removed, and for how long (RFC 3261 10.2).

The expiry of a contact is its `expires` parameter, else the Expires header, else left to the registrar (10.2.1.1; 10.3
step 7 has the registrar read it so). A value that is no number says nothing to one who only reads; a registrar has to
take it for 3600 (20.10, 20.19), and says so with `malformed`.
"""

from __future__ import annotations

from typing import Literal

from analyzer.sip.address import Address
from analyzer.sip.message import Message

MALFORMED_EXPIRES = 3600
"""Seconds (RFC 3261 20.10, 20.19: "Malformed values SHOULD be treated as equivalent to 3600")."""

Purpose = Literal["query", "removal", "registration"]


def requested_expiry(contact: Address, header: int | None, *, malformed: int | None = None) -> int | None:
    """Seconds that are asked for `contact` where the Expires header of its message has the value `header`; None where
    nothing is said (RFC 3261 10.2.1.1). `malformed` is what a parameter that is no number stands for; without it the
    header decides. A 2xx is read in the same way for what is granted (10.3 step 8)."""
    seconds = contact.expires
    if seconds is not None:
        return seconds
    return malformed if malformed is not None and "expires" in contact.params else header


def expiry_in(message: Message, contact: Address) -> int | None:
    """The same of a contact in its message, whose Expires header is read only where the contact leaves it to that."""
    seconds = contact.expires
    return message.expires if seconds is None else seconds


def header_expiry(request: Message, *, malformed: int | None = None) -> int | None:
    """Seconds of the Expires header, `malformed` where it is no number, None without the header (RFC 3261 20.19)."""
    seconds = request.expires
    return malformed if seconds is None and malformed is not None and request.has("expires") else seconds


def requested_contacts(request: Message) -> list[Address]:
    """The contacts that a REGISTER wants bound: those with an expiry above 0, or with none said (docs/rules/traps.md
    T-EXP).

    A bulk contact (`bnc`, RFC 6140 5.2) is left out: the registrar makes many contacts of it.
    """
    header = request.expires
    return [
        contact
        for contact in request.contacts
        if not contact.star
        and (contact.expires or requested_expiry(contact, header) != 0)
        and not (contact.uri is not None and "bnc" in contact.uri.params)
    ]


def purpose_of(request: Message, *, malformed: int | None = None) -> Purpose:
    """What a REGISTER is for: without Contact a query (RFC 3261 10.2.3); a removal where every contact is `*` or has an
    expiry of 0 (10.2.2); else a registration (10.2.1). `malformed` as in `requested_expiry`."""
    contacts = request.contacts
    if not contacts:
        return "query"
    header = request.expires if malformed is None else header_expiry(request, malformed=malformed)
    for contact in contacts:
        if contact.expires and not contact.star:
            return "registration"
        if not contact.star and requested_expiry(contact, header, malformed=malformed) != 0:
            return "registration"
    return "removal"
