"""What a 2xx says of who can be called: the client itself, and others whose contacts it takes away (RFC 3261 10.3)."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.evidence import Between, Evidence, between
from analyzer.register.attempt import Purpose
from analyzer.register.binding import BindingEvent, BindingTable
from analyzer.register.registration import Registration
from analyzer.register.registry import Registry
from analyzer.register.transaction import Transaction


def note_reached(
    registration: Registration,
    transaction: Transaction,
    purpose: Purpose,
    events: Sequence[BindingEvent],
    bindings: BindingTable,
    registry: Registry,
) -> None:
    """Take a 2xx to `registration` into the timelines; `events` are what it did to the bindings of its address.

    A contact that it grants is bound until the time granted. A sign-off that it accepts ends what was bound. A success
    that lists nothing leaves it unknown. Who had a contact that the list no longer has cannot be called any more.
    """
    now, final = transaction.answered_at, transaction.final
    if final is None:
        return
    by = final.raw_message.evidence
    if now is None:
        _note_unclear(registration, events, between(by.place), by, registry)
        return
    own = [event.binding for event in events if event.binding.registration == registration.id]
    granted = [one for one in own if one.certainty != "absent" and one.transaction is transaction]
    ends = [one.end for one in granted if one.end is not None and one.certainty == "present"]
    if granted:
        registration.reach.granted(now, max(ends) if ends else None, by)
    elif purpose == "remove":
        registration.reach.gone(now, "signed off", by)
    elif purpose != "query" and not final.contacts:
        registration.reach.granted(now, None, by)
    taken = _taken(events)
    for other in (registry.of(number) for number in taken if number is not None):
        if other is not None and not any(bindings.is_present(one) for one in other.bindings):
            other.reach.gone(now, "not listed" if other is registration else "taken away", by)


def _taken(events: Sequence[BindingEvent]) -> set[int | None]:
    """Whose contacts a 2xx does not list any more."""
    return {event.binding.registration for event in events if event.kind == "removed"}


def _note_unclear(
    registration: Registration,
    events: Sequence[BindingEvent],
    bounds: Between | None,
    by: Evidence,
    registry: Registry,
) -> None:
    """A 2xx of which it is known only that it lies between two times: from the earlier one on nothing is certain, for
    the client and for whose contacts it takes away."""
    if bounds is None:
        return
    others = (registry.of(number) for number in _taken(events) if number is not None)
    for one in (registration, *(other for other in others if other is not None)):
        one.reach.unclear(bounds.earliest, by)
