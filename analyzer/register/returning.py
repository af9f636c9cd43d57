"""Contacts that come back after a sign-off: a list is the registrar's word on what is bound (RFC 3261 10.3 step 8),
also of a client that had signed off before.

Whose contact an answer to another client lists again is bound again, whatever the answer to its sign-off said. And a
2xx that is seen after the one to a later sign-off of the same client tells nothing for certain: whether the registrar
bound the contact before it removed it, or (against 10.3 step 7) after that, the order of two responses does not show.
"""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.register.binding import Binding, BindingEvent
from analyzer.register.registration import Registration
from analyzer.register.transaction import Transaction

_FEW = 8
"""Bindings of a client, the latest, that a contact is held against."""


def unowned(events: Sequence[BindingEvent]) -> list[Binding]:
    """The bindings that an answer lists for the first time, and that nobody asked for: hardly any answer has one."""
    return [event.binding for event in events if event.kind == "added" and not event.binding.owners]


def note_owners(bindings: Sequence[Binding], clients: Sequence[Registration]) -> frozenset[int]:
    """Give such bindings to those of the clients of the address-of-record who had signed them off; the numbers of
    these."""
    returned: set[int] = set()
    for binding in bindings:
        for one in clients:
            if one.reach.is_signed_off and any(had.is_of(binding.address) for had in one.bindings[-_FEW:]):
                binding.before = (one.id,)
                returned.add(one.id)
                break
    return frozenset(returned)


def is_crossed(registration: Registration, transaction: Transaction) -> bool:
    """Whether the answer to `transaction` is seen after the one to a sign-off of its client that was sent later."""
    return registration.reach.left_by > transaction.id and registration.reach.bound_until is None


def doubt(events: Sequence[BindingEvent], transaction: Transaction) -> None:
    """Of what such an answer lists nobody knows whether it is bound."""
    for event in events:
        if event.binding.transaction is transaction and event.binding.certainty == "present":
            event.binding.certainty = "maybe"
