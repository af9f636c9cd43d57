"""What a 2xx says of who can be called: the client itself, and others whose contacts it takes away (RFC 3261 10.3)."""

from __future__ import annotations

from collections.abc import Sequence

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
    if now is None or final is None:
        return
    by, is_granted, until = final.raw_message.evidence, False, None
    taken: set[int | None] = set()
    for kind, binding, _ in events:
        if kind == "removed":
            taken.add(binding.registration)
        elif binding.registration == registration.id and binding.transaction is transaction:
            is_granted = True
            if binding.end is not None and binding.certainty == "present":
                until = binding.end if until is None else max(until, binding.end)
    if is_granted:
        registration.reach.granted(now, until, by)
    elif purpose == "remove":
        registration.reach.gone(now, "signed off", by)
    elif purpose != "query" and not final.contacts:
        registration.reach.granted(now, None, by)
    for other in (registry.of(number) for number in taken if number is not None):
        if other is not None and not any(bindings.is_present(one) for one in other.bindings):
            other.reach.gone(now, "not listed" if other is registration else "taken away", by)
