"""What a 2xx to a REGISTER grants, held against what the request asked for (RFC 3261 10.3 steps 7 and 8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from analyzer.register.binding import Binding
from analyzer.register.contact_relations import MOST_PAIRS, is_listed
from analyzer.register.contacts import same_contact
from analyzer.register.requested import expiry_in
from analyzer.sip.address import Address
from analyzer.sip.message import Message

_HARMLESS = frozenset(("bad-expires", "expires-out-of-range", "bad-q", "duplicate-parameter", "empty-parameter"))
"""Defects that leave no doubt which contact is meant."""


UNASKED = 300
"""Seconds that some registrars grant whoever asks for less."""


class Grant(NamedTuple):
    """A contact that was asked for, as it is listed (None: it is not), and the seconds that were asked for and granted
    (None: not said)."""

    asked: Address
    listed: Address | None
    requested: int | None
    granted: int | None


def is_plain_grant(request: Message, final: Message) -> bool:
    """Whether one contact was asked for, and it alone is listed, to the letter, with time left and no more than was
    asked for: nearly always. Nobody has to look closer then."""
    wanted, listed = request.contacts, final.contacts
    if len(wanted) != 1 or len(listed) != 1:
        return False
    asked, granted = wanted[0], listed[0]
    if asked.uri is None or granted.uri is None or asked.uri.text != granted.uri.text or "bnc" in asked.uri.params:
        return False
    if asked.defects or granted.defects:
        return False
    seconds, left = asked.expires, granted.expires
    if seconds is None:
        seconds = request.expires
    return seconds is not None and left is not None and 0 < left <= seconds


def grants(request: Message, final: Message, known: Sequence[Binding] = ()) -> list[Grant] | None:
    """What is listed of each contact of a request but `*` and bulk contacts (RFC 6140 5.2), in their order. A contact
    that the registrar lists in another form is found by the bindings that are `known`. None where there is too much to
    compare, or a contact cannot be read."""
    wanted = [one for one in request.contacts if not one.star and not (one.uri is not None and "bnc" in one.uri.params)]
    listed = [one for one in final.contacts if not one.star]
    if len(wanted) * len(listed) > MOST_PAIRS or not all(map(_is_readable, (*wanted, *listed))):
        return None
    found = []
    for one in wanted:
        own = next((other for other in listed if is_listed(one, other)), None)
        if own is None and listed:
            own = _in_another_form(one, listed, known)
        found.append(Grant(one, own, expiry_in(request, one), None if own is None else expiry_in(final, own)))
    return found


def _is_readable(contact: Address) -> bool:
    return contact.uri is not None and all(defect.code in _HARMLESS for defect in contact.defects)


def _in_another_form(asked: Address, listed: Sequence[Address], known: Sequence[Binding]) -> Address | None:
    forms = [binding.address for binding in known if binding.form and same_contact(binding.asked_as, asked)]
    return next((one for one in listed if any(same_contact(one, form) for form in forms)), None)
