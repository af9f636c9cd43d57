"""Which binding a contact in a registrar's list is, in whatever form it is listed (RFC 3261 10.2.4, 19.1.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from analyzer.evidence import SECOND
from analyzer.register.contact_relations import MOST_CANDIDATES, Known, is_another_form
from analyzer.register.contacts import Contacts, same_contact
from analyzer.sip.address import Address

if TYPE_CHECKING:
    from analyzer.register.binding import Binding
    from analyzer.register.transaction import Transaction

MOST_DOUBTED = 16
"""Contacts of one address-of-record that are followed although a list may have left them out, the latest."""
LEFT_OVER_AFTER = 2 * SECOND
"""Time after a grant from which on the same end again is no new grant: registrars round to seconds."""


def known_form(bindings: Sequence[Binding], index: Contacts, contact: Address, now: int | None) -> Known | None:
    """What is known of a contact that is listed in a response at `now`, if it was bound before."""
    position = index.find(contact)
    if position is None:
        return None
    binding = bindings[position]
    return Known(binding.asked_as, binding.form, _is_as_it_was(binding, contact.expires, now))


def _is_as_it_was(binding: Binding, seconds: int | None, now: int | None) -> bool:
    """Whether a binding is listed with the end that it had, to the second, although time has passed."""
    end, learned = binding.end, binding.learned
    if None in (end, learned, seconds, now):
        return False
    assert end and learned and seconds is not None and now
    return now - learned >= LEFT_OVER_AFTER and abs(now + seconds * SECOND - end) <= SECOND


def places(
    bindings: Sequence[Binding],
    index: Contacts,
    listed: Sequence[Address],
    owned: Mapping[int, tuple[Address, str]],
) -> list[int | None]:
    """Which of the bindings each listed contact is, by position: the one that is equal, or was asked for as it is asked
    for now (`owned`), or else the only one that it can be another form of."""
    found = [index.find(contact) for contact in listed]
    if None not in found or len(bindings) * len(listed) > MOST_CANDIDATES:
        return found
    free = set(range(len(bindings))).difference(place for place in found if place is not None)
    for at, contact in enumerate(listed):
        if found[at] is not None or not free:
            continue
        asked = owned.get(at)
        if asked is not None:
            alike = [place for place in free if same_contact(bindings[place].asked_as, asked[0])]
        else:
            alike = [place for place in free if is_another_form(bindings[place].address, contact)]
        if len(alike) == 1:
            found[at] = alike[0]
            free.remove(alike[0])
    return found


def is_taken_over(binding: Binding, transaction: Transaction, registration: int) -> bool:
    """Whether a contact that is bound is asked for by another client, from another host."""
    was = binding.transaction
    if was is None or binding.certainty != "present" or registration in binding.owners:
        return False
    return was.source.host != transaction.source.host and binding.registration is not None


def is_left_over(binding: Binding, before: tuple[int | None, int | None]) -> bool:
    """Whether an expiry that was granted is what was left of the one before: less than was asked for, and to the second
    the same end, although time has passed."""
    end, learned = before
    asked, granted = binding.requested, binding.granted
    if end is None or learned is None or binding.end is None or binding.learned is None:
        return False
    if asked is None or granted is None:
        return False
    return granted < asked and binding.learned - learned >= LEFT_OVER_AFTER and abs(binding.end - end) <= SECOND


def doubtful(gone: Sequence[Binding], wanted: Contacts, now: int | None) -> list[Binding]:
    """Those that may still be bound although a list has not got them, where the registrar may list what it was asked
    for alone."""
    unnamed = [one for one in gone if wanted.find(one.asked_as) is None]
    return [one for one in unnamed if not one.is_over(now)][-MOST_DOUBTED:]
