"""What an answer says of who can be called: the client itself, and others whose contacts it takes away (RFC 3261 10.3).

A contact that a 2xx grants is bound until the time granted. A sign-off that it accepts ends what was bound. A success
that lists nothing leaves it unknown. Who had a contact that the list no longer has cannot be called any more, nor who
had one that another client has now (the same private address behind two translators); where the registrar may not list
others, it is unknown. A refusal that lists the client's contact has bound it all the same: some servers store first
and refuse then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from analyzer.evidence import SECOND
from analyzer.register.attempt import Purpose, listed_all_the_same
from analyzer.register.binding import Binding, BindingEvent, BindingTable
from analyzer.register.lapses import LapseWatch
from analyzer.register.registration import Registration
from analyzer.register.registry import Registry
from analyzer.register.requested import requested_expiry
from analyzer.register.transaction import Transaction

KEPT_BINDINGS = 100


class Reached:
    """Takes answers into the bindings and timelines of the clients of an address-of-record.

    It remembers for rules: the bindings of a registration, what it asked for and was granted, and its timeline.
    """

    def __init__(self, bindings: BindingTable, registry: Registry, lapses: LapseWatch) -> None:
        self._bindings = bindings
        self._registry = registry
        self._lapses = lapses

    def answered(
        self, registration: Registration, transaction: Transaction, purpose: Purpose
    ) -> Sequence[BindingEvent]:
        """Take in the final response to a REGISTER of `registration`; gives what it did to bindings."""
        if not 200 <= transaction.status < 300:
            self._refused(registration, transaction)
            return ()
        given = registration.registrar, registration.aor, transaction, registration.id
        events = list(self._bindings.answered(*given))
        self._note_bindings(registration, events)
        self._note_reached(registration, transaction, purpose, events)
        return events

    def _refused(self, registration: Registration, transaction: Transaction) -> None:
        """A refusal: what it lists of the client's own contacts is bound."""
        final = transaction.final
        if final is None or transaction.status < 400 or not final.contacts:
            return
        own, now = listed_all_the_same(transaction), final.raw_message.time
        if own is None or now is None:
            return
        seconds = requested_expiry(own, final.expires)
        until = None if seconds is None else now + seconds * SECOND
        registration.reach.granted(now, until, final.raw_message.evidence)
        registration.bound_by_refusal = transaction.status

    def _note_bindings(self, registration: Registration, events: Sequence[BindingEvent]) -> None:
        alone = len(events) == 1
        for event in events:
            binding = event.binding
            if binding.registration != registration.id or event.kind in ("removed", "unlisted"):
                continue
            if binding not in registration.bindings:
                registration.bindings = (*registration.bindings[1 - KEPT_BINDINGS :], binding)
            if event.kind == "kept":
                registration.not_renewed += 1
            if binding.granted is not None:
                registration.note_grant(binding.requested, binding.granted, alone=alone)
                self._lapses.watch(binding, registration)

    def _note_reached(
        self,
        registration: Registration,
        transaction: Transaction,
        purpose: Purpose,
        events: Sequence[BindingEvent],
    ) -> None:
        now, final = transaction.answered_at, transaction.final
        if now is None or final is None:
            return
        by = final.raw_message.evidence
        own = [event.binding for event in events if event.binding.registration == registration.id]
        granted = [one for one in own if one.certainty != "absent" and one.transaction is transaction]
        ends = [one.end for one in granted if one.end is not None and one.certainty == "present"]
        if granted:
            registration.reach.granted(now, max(ends) if ends else None, by)
        elif purpose == "remove":
            registration.reach.gone(now, "signed off", by)
        elif purpose != "query" and not final.contacts:
            registration.reach.granted(now, None, by)
        removed = {event.binding.registration for event in events if event.kind == "removed"}
        for other in self._left_without(removed):
            other.reach.gone(now, "not listed" if other is registration else "taken away", by)
        for other in self._left_without({event.former for event in events}):
            other.reach.gone(now, "taken over", by)
        doubted = {event.binding.registration for event in events if event.kind == "unlisted"} - {registration.id}
        for other in self._left_without(doubted):
            other.reach.doubted(now, by)

    def _left_without(self, numbers: Iterable[int | None]) -> Iterator[Registration]:
        """Those registrations that have no binding of their own for certain."""
        for other in (self._registry.of(number) for number in numbers if number is not None):
            if other is not None and not any(self._is_own(one, other) for one in other.bindings):
                yield other

    def _is_own(self, binding: Binding, registration: Registration) -> bool:
        return self._bindings.is_present(binding) and binding.registration == registration.id
