"""What a 2xx says of who can be called: the client that asked, and all others of its address-of-record (RFC 3261 10.3
step 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analyzer.register.attempt import Purpose
from analyzer.register.binding import BindingEvent, BindingTable
from analyzer.register.lapses import LapseWatch
from analyzer.register.registration import Registration
from analyzer.register.registry import Registry
from analyzer.register.transaction import Transaction

KEPT_BINDINGS = 100


def note_bindings(registration: Registration, events: Sequence[BindingEvent], lapses: LapseWatch) -> None:
    """Let a client know what a 2xx to it did to its own bindings, and have them watched."""
    alone = len(events) == 1
    for event in events:
        binding = event.binding
        if binding.registration != registration.id or event.kind == "removed":
            continue
        if binding not in registration.bindings:
            registration.bindings = (*registration.bindings[1 - KEPT_BINDINGS :], binding)
        if binding.granted is not None:
            registration.note_grant(binding.requested, binding.granted, alone=alone)
            lapses.watch(binding, registration)


def note_reached(
    registration: Registration,
    transaction: Transaction,
    purpose: Purpose,
    events: Sequence[BindingEvent],
    bindings: BindingTable,
    registry: Registry,
) -> None:
    """Take a 2xx to `registration` into the timelines; `events` are what it did to the bindings of its address.

    Who has a contact in the list is bound until the latest of them runs out. A sign-off that is accepted ends what was
    bound, if nothing else of the client is left. A success that lists nothing leaves it unknown. Who had a contact that
    the list no longer has cannot be called any more.
    """
    now, final = transaction.answered_at, transaction.final
    if now is None or final is None:
        return
    by, own = final.raw_message.evidence, registration.id
    bindings.date(registration.reach)
    held = _held(bindings, registration, transaction)
    for number, until in held.items():
        one = registration if number == own else registry.of(number)
        if one is not None:
            bindings.date(one.reach)
            one.reach.granted(now, until, by, asked=number == own and purpose not in ("query", "remove"))
    if own not in held and purpose == "remove":
        registration.reach.gone(now, "signed off", by)
    elif own not in held and purpose != "query" and not final.contacts:
        registration.reach.granted(now, None, by)
    taken = {owner for event in events if event.kind == "removed" for owner in event.binding.owners}
    for one in (registry.of(number) for number in taken if number not in held):
        if one is not None:
            bindings.date(one.reach)
            one.reach.gone(now, "not listed" if one is registration else "taken away", by)


def settle(
    bindings: BindingTable, registry: Registry, end: int | None, now: int | None, logs: Mapping[str, int]
) -> None:
    """All is read: what ran out before that is over. `end` is the latest time of all, which was before the last message
    (`now`) where the clock was set back. `logs` are the ends of logs by name, where there are several: what is in one
    of them after the end of another need not be of the same server."""
    last = now if bindings.is_stepped else end

    def end_of(transaction: Transaction | None) -> int | None:
        return last if transaction is None else logs.get(transaction.place[0], last)

    bindings.settle(end_of)
    for registration in registry:
        bindings.date(registration.reach)
        registration.reach.settle(end_of(registration.last_transaction))


def _held(bindings: BindingTable, registration: Registration, transaction: Transaction) -> dict[int, int | None]:
    """Of whom contacts are bound, by registration, and until when the last of them is; None where that is not said."""
    held: dict[int, int | None] = {}
    for binding in bindings.known(registration.registrar, registration.aor):
        if binding.certainty == "present" and binding.end is not None:
            for owner in binding.owners:
                held[owner] = max(held.get(owner) or binding.end, binding.end)
        elif binding.certainty == "maybe" and binding.transaction is transaction:
            for owner in binding.owners:
                held.setdefault(owner, None)
    return held
