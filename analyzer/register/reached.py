"""What an answer says of who can be called: the client itself, and others whose contacts it takes away (RFC 3261 10.3).

Who has a contact in the list of a 2xx is bound until the latest of them runs out. A sign-off that is accepted ends what
was bound, if nothing else of the client is left. A success that lists nothing leaves it unknown. Who had a contact that
the list no longer has cannot be called any more, nor who had one that another client has now (the same private address
behind two translators); where the registrar may not list others, it is unknown. A refusal that lists the client's
contact has bound it all the same: some servers store first and refuse then.
"""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Sequence

from analyzer.evidence import SECOND, Evidence, LogNotice, between
from analyzer.register.attempt import Attempt, Purpose, listed_all_the_same
from analyzer.register.binding import MOST_CONTACTS, Binding, BindingEvent, BindingTable, location
from analyzer.register.bounded import Notes
from analyzer.register.grants import UNASKED
from analyzer.register.identity import Registrar, aor_of
from analyzer.register.lapses import LapseWatch
from analyzer.register.overtaken import note_overtaken
from analyzer.register.reachability import Cause, Unanswered
from analyzer.register.reconsidered import reconsider
from analyzer.register.refusals import Refusals
from analyzer.register.registration import Registration
from analyzer.register.registry import Registry
from analyzer.register.requested import expiry_in, requested_expiry
from analyzer.register.returning import doubt, is_crossed, note_owners, unowned
from analyzer.register.transaction import Transaction
from analyzer.sip.message import Message

KEPT_BINDINGS = 100
_FEW = 8
"""Contacts of a request that are held against those bound."""
_MOST_REPLACING, _MOST_DOUBTING = 1000, 10_000
_TRIES = 4
"""Requests of a client in an interval that it was granted: more are no loss."""
_EXPIRED = "expiration"
"""Why Asterisk removes a contact whose time has run out."""
_HELD = ("added", "refreshed", "kept")
"""Events that take nothing away from anybody."""


class Reached:
    """Takes answers into the bindings and timelines of the clients of an address-of-record.

    It remembers for rules: the bindings of a registration, what it asked for and was granted, and its timeline; and the
    binding that a request names although a later one made it (`overtaken` of a transaction).
    """

    def __init__(self, bindings: BindingTable, registry: Registry, lapses: LapseWatch) -> None:
        self._bindings = bindings
        self._registry = registry
        self._lapses = lapses
        self._replacing: Notes[Hashable, bool] = Notes(_MOST_REPLACING)
        self._doubting: dict[int, tuple[int, ...]] = {}
        self.refusals = Refusals()

    def answered(
        self, registration: Registration, transaction: Transaction, purpose: Purpose, begun: int | None = None
    ) -> Sequence[BindingEvent]:
        """Take in the final response to a REGISTER of `registration`, in an attempt that was `begun` then; gives what
        it did to bindings."""
        place, aor = location(registration.registrar), registration.aor
        if not 200 <= transaction.status < 300:
            if not transaction.challenged:
                note_overtaken(transaction, self._bindings.known(registration.registrar, aor))
                self.refusals.note(place, aor, transaction)
            self._refused(registration, transaction)
            return ()
        if transaction.request is not None:
            note_overtaken(transaction, self._bindings.known(registration.registrar, aor))
            self.refusals.accepted(place, aor, transaction.request)
        given = registration.registrar, aor, transaction, registration.id
        events = list(self._bindings.answered(*given))
        if events:
            self._note_bindings(registration, events)
            if is_crossed(registration, transaction):
                doubt(events, transaction)
        self._note_reached(registration, transaction, purpose, events, begun)
        return events

    def orphaned(self, transaction: Transaction, final: Message) -> None:
        """Take in a final response whose request is missing in the source: what it does not list may have been removed
        by that (docs/rules/traps.md T-LOSS)."""
        if transaction.method != "REGISTER" or not 200 <= final.status < 300 or not final.is_whole:
            return
        for binding in self._bindings.known(Registrar(transaction.destination, ""), aor_of(final)):
            if binding.certainty == "present" and not any(binding.is_of(one) for one in final.contacts[:MOST_CONTACTS]):
                binding.certainty = "maybe"

    def sent(self, registration: Registration, transaction: Transaction, purpose: Purpose) -> None:
        """Take in a REGISTER at its first copy."""
        if purpose == "query":
            return
        reach, is_leaving = registration.reach, purpose == "remove" and _is_all(registration, transaction)
        if is_leaving:
            reach.wants_away = True
        if not transaction.would_be_repeated:
            return
        assert transaction.first is not None
        if reach and (is_leaving or purpose != "remove"):
            until = _asked_until(transaction, registration.granted or 0)
            self._bindings.date(reach)
            reach.sent(Unanswered(transaction.first, transaction.id, transaction.evidence, until), leaving=is_leaving)
        if self._takes_from_others(registration, transaction, purpose):
            self._doubt_others(registration, transaction, transaction.first)

    def _takes_from_others(self, registration: Registration, transaction: Transaction, purpose: Purpose) -> bool:
        """Whether a request may end what others of the address-of-record have: it asks for that with `*` (RFC 3261
        10.2.2), or the registrar was seen to keep the latest contact alone."""
        request = transaction.request
        if purpose == "remove":
            return request is not None and any(contact.star for contact in request.contacts)
        return len(self._replacing) > 0 and location(registration.registrar) in self._replacing

    def _doubt_others(self, registration: Registration, transaction: Transaction, first: int) -> None:
        known = self._bindings.known(registration.registrar, registration.aor)
        owners = {owner for binding in known for owner in binding.owners if owner != registration.id}
        request = Unanswered(first, transaction.id, transaction.evidence, None, is_own=False)
        for one in self._known(owners):
            one.reach.sent(request, leaving=True)
        if owners and len(self._doubting) < _MOST_DOUBTING:
            self._doubting[transaction.id] = tuple(owners)

    def aborted(
        self, registration: Registration, attempt: Attempt | None, transaction: Transaction, *, is_gap: bool
    ) -> None:
        """Take in that the network refused a request; or that the capture may have lost its answer (`is_gap`)."""
        if is_gap:
            self.sent(registration, transaction, attempt.purpose if attempt is not None else "register")
        else:
            self.told(registration, transaction)

    def told(self, registration: Registration, transaction: Transaction) -> None:
        """Take in that it is known what became of a request: it was answered, or sent again, or the network refused
        it."""
        registration.reach.told(transaction.id)
        if self._doubting:
            for one in self._known(self._doubting.pop(transaction.id, ())):
                one.reach.told(transaction.id)

    def closed(self, transaction: Transaction) -> None:
        """The transaction is evicted."""
        if self._doubting:
            self._doubting.pop(transaction.id, None)

    def unanswered(self, registration: Registration, transaction: Transaction) -> None:
        """No response to a REGISTER of `registration` was seen: it may have been accepted all the same."""
        if transaction.state in ("timeout", "aborted"):
            self.told(registration, transaction)
        self._bindings.unanswered(registration.registrar, registration.aor, transaction)
        if transaction.request is not None:
            self.refusals.accepted(location(registration.registrar), registration.aor, transaction.request)

    def overheard(
        self, registration: Registration, answer: Transaction, purpose: Purpose, *, is_unseen: bool = False
    ) -> None:
        """Take in a 2xx whose request was given up, or was not seen (`is_unseen`); `answer.request` stands for it."""
        assert answer.final is not None
        if is_unseen:
            self.missed(registration, answer.final.raw_message.evidence)
        given = registration.registrar, registration.aor, answer, registration.id
        events = list(self._bindings.answered(*given))
        self._note_bindings(registration, events)
        self._note_reached(registration, answer, purpose, events)

    def missed(self, registration: Registration, by: Evidence, count: int = 1) -> None:
        """Take in that so many requests were not seen since the last one of `registration`, as `by` shows, if anything
        was granted in time for so many: a number that is higher still is how its client counts."""
        registration.holes += 1
        if not _are_lost(registration, by, count):
            return
        reconsider(registration)
        self._bindings.date(registration.reach)
        registration.reach.missed(by, max(registration.granted or 0, UNASKED) * SECOND)

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
        self._bindings.date(registration.reach)
        registration.reach.granted(now, until, final.raw_message.evidence)
        registration.bound_by_refusal = transaction.status

    def _note_bindings(self, registration: Registration, events: Sequence[BindingEvent]) -> None:
        alone = len(events) == 1
        for event in events:
            binding = event.binding
            if binding.registration != registration.id or event.kind in ("removed", "taken", "unlisted"):
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
        begun: int | None = None,
    ) -> None:
        now, final = transaction.answered_at, transaction.final
        if final is None:
            return
        by, own = final.raw_message.evidence, registration.id
        if now is None:
            self._note_unclear(registration, events, by)
            return
        self._bindings.date(registration.reach)
        returned: frozenset[int] = frozenset()
        if new := unowned(events):
            returned = note_owners(new, self._registry.clients(registration.registrar, registration.aor))
        held = self._held(registration, transaction)
        for number, until in held.items():
            one = registration if number == own else self._registry.of(number)
            if one is not None:
                self._bindings.date(one.reach)
                if number in returned:
                    one.reach.returned(now, until, by)
                    continue
                asked = number == own and purpose not in ("query", "remove")
                one.reach.granted(now, until, by, asked=asked, since=transaction.first, begun=begun if asked else None)
                if asked:
                    one.reach.wants_away = False
        if own not in held and purpose == "remove":
            registration.reach.gone(now, "signed off", by)
            registration.reach.left_by = transaction.id
        elif own not in held and purpose != "query" and not final.contacts and not _takes_away(events, own):
            registration.reach.granted(now, None, by)
        if not all(event.kind in _HELD for event in events):
            self._note_gone(registration, events, held, purpose, now, by)

    def _note_gone(
        self,
        registration: Registration,
        events: Sequence[BindingEvent],
        held: Container[int],
        purpose: Purpose,
        now: int,
        by: Evidence,
    ) -> None:
        """Whose contacts an answer takes away, or leaves in doubt."""
        place, alive = location(registration.registrar), [one for one in events if not one.binding.lapsed]
        taken = set(self._others(alive, "removed", held)) if purpose != "remove" else set()
        if taken - {registration}:
            self._replacing.note(place, True)
        replaces = purpose == "remove" or place in self._replacing
        by_whom: Cause = "removed by another" if purpose == "remove" else "taken away"
        for one in self._others(events, "removed", held):
            one.reach.gone(now, "not listed" if one is registration else by_whom, by, replaces=replaces)
        for one in self._others(events, "taken", held):
            one.reach.gone(now, "taken over", by)
        for one in self._others(events, "unlisted", held):
            if one is not registration:
                one.reach.doubted(now, by)

    def removed(self, registration: Registration, binding: Binding, said: LogNotice) -> None:
        """The server's own log says that it took a contact away, as no response need tell: nobody can be called there
        any more. Not while the client waits for an answer, which may be about this very change, and tells what is bound
        then."""
        current = registration.current
        waits = current is not None and not current.ended and current.last.final is None
        if waits or not self._bindings.is_present(binding):
            return
        now, by = said.time, said.evidence
        if not self._bindings.take_away(registration.registrar, registration.aor, binding, now):
            return
        self._bindings.date(registration.reach)
        known = self._bindings.known(registration.registrar, registration.aor)
        if any(one.certainty == "present" and registration.id in one.owners and not one.is_over(now) for one in known):
            return
        bounds = between(by.place)
        if now is not None:
            registration.reach.gone(now, "ran out" if said.notice.said == _EXPIRED else "removed", by)
        elif bounds is not None:
            registration.reach.unclear(bounds.earliest, by)

    def _note_unclear(self, registration: Registration, events: Sequence[BindingEvent], by: Evidence) -> None:
        """A 2xx of which it is known only that it lies between two times: from the earlier one on nothing is certain,
        for the client and for whose contacts it takes away."""
        bounds = between(by.place)
        if bounds is not None:
            gone = (
                *self._others(events, "removed", (registration.id,)),
                *self._others(events, "unlisted", (registration.id,)),
            )
            for one in (registration, *gone):
                one.reach.unclear(bounds.earliest, by)

    def _held(self, registration: Registration, transaction: Transaction) -> dict[int, int | None]:
        """Of whom contacts are bound, by registration, and until when the last of them is; None where that is not
        said."""
        held: dict[int, int | None] = {}
        for binding in self._bindings.known(registration.registrar, registration.aor):
            if binding.certainty == "present" and binding.end is not None:
                for owner in binding.owners:
                    held[owner] = max(held.get(owner) or binding.end, binding.end)
            elif binding.certainty == "maybe" and binding.transaction is transaction:
                for owner in binding.owners:
                    held.setdefault(owner, None)
        return held

    def _others(self, events: Sequence[BindingEvent], kind: str, held: Container[int]) -> Iterable[Registration]:
        """Whose contacts such events are of, but for those who have one left."""
        numbers = {owner for event in events if event.kind == kind for owner in event.binding.owners}
        return self._known(number for number in numbers if number not in held)

    def _known(self, numbers: Iterable[int | None]) -> Iterator[Registration]:
        for one in (self._registry.of(number) for number in numbers if number is not None):
            if one is not None:
                self._bindings.date(one.reach)
                yield one

    def settle(self, end: int | None, now: int | None, logs: Mapping[str, int]) -> None:
        """All is read: what ran out before that is over. `end` is the latest time of all, which was before the last
        message (`now`) where the clock was set back. `logs` are the ends of logs by name, where there are several: what
        is in one of them after the end of another need not be of the same server."""
        last = now if self._bindings.is_stepped else end

        def end_of(transaction: Transaction | None) -> int | None:
            return last if transaction is None else logs.get(transaction.place[0], last)

        self._bindings.settle(end_of)
        for registration in self._registry:
            self._bindings.date(registration.reach)
            registration.reach.settle(end_of(registration.last_transaction))


def _takes_away(events: Iterable[BindingEvent], own: int) -> bool:
    """Whether an answer says of a contact of a client that it is bound no more."""
    return any(event.kind == "removed" and own in event.binding.owners for event in events)


def _are_lost(registration: Registration, by: Evidence, count: int) -> bool:
    """Whether a client can have sent `count` requests since its last success: no more than two tries, with a challenge
    each, in every interval that it was granted."""
    if count < 1 or by.time is None or registration.last_success is None:
        return count > 0
    intervals = (by.time - registration.last_success) // (max(registration.granted or 0, 1) * SECOND)
    return count <= _TRIES * (1 + intervals)


def _is_all(registration: Registration, transaction: Transaction) -> bool:
    """Whether a removal names all that is bound of its client, so that nothing is left of it."""
    request = transaction.request
    if request is None or any(contact.star for contact in request.contacts):
        return True
    bound = [
        one
        for one in registration.bindings[-_FEW:]
        if one.certainty == "present" and not one.is_over(transaction.first)
    ]
    return all(any(one.is_of(contact) for contact in request.contacts[:_FEW]) for one in bound)


def _asked_until(transaction: Transaction, granted: int) -> int | None:
    """Until when a request can make its client bound, counted from its first copy: as long as it asks for, or was
    `granted` before, or as long as registrars make of less (RFC 3261 10.3 step 7 lets them shorten it alone, but some
    have a minimum that they grant unasked). None where it does not say."""
    request, first = transaction.request, transaction.first
    if request is None or first is None:
        return None
    asked = [expiry_in(request, contact) for contact in request.contacts[:_FEW] if not contact.star]
    known = [seconds for seconds in asked if seconds is not None]
    return first + max(*known, granted, UNASKED) * SECOND if known and len(known) == len(asked) else None
