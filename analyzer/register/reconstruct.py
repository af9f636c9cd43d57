"""From messages to subjects: transactions, attempts, registrations, bindings, credentials
(docs/rules/reconstruction.md).

The one place that knows all of `register/`. It takes messages in the order of the source and hands each subject that
is complete to `emit`. It keeps what is alive: some forty seconds of transactions, and one registration a client.

Where it leaves the catalogue: a failover to another registrar (8.1.2) begins an attempt of its own there, because
attempts belong to a registration and a registration to one registrar; and a registrar is told by the address that
requests go to, so the addresses of one cluster are several registrars.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from analyzer.evidence import SECOND, LogLines, NetworkError, RawMessage
from analyzer.register.attempt import Attempt
from analyzer.register.binding import BindingEvent, BindingTable
from analyzer.register.boot import boot_score
from analyzer.register.bounded import MessageCounter, Notes
from analyzer.register.branches import earlier_use, is_complete
from analyzer.register.causes import cause_of
from analyzer.register.challengers import left_out
from analyzer.register.challenges import Challenges
from analyzer.register.choices import note_offer
from analyzer.register.digest.secrets import Secrets
from analyzer.register.digest_ledger import DigestLedger
from analyzer.register.events import Event
from analyzer.register.exchanges import Exchanges
from analyzer.register.fleet import FleetLedger
from analyzer.register.foreign import foreign_challenge
from analyzer.register.history import FAILED, attempt_purpose
from analyzer.register.identity import aor_of, client_of, registrar_of
from analyzer.register.keys import flow_key, from_tag
from analyzer.register.lapses import LapseWatch
from analyzer.register.lone_answers import LoneAnswers
from analyzer.register.matching import TransactionTable
from analyzer.register.reached import Reached
from analyzer.register.registration import Registration
from analyzer.register.registry import Registry
from analyzer.register.retries import Retries, is_unheard
from analyzer.register.subjects import (
    AttemptSubject,
    BindingSubject,
    ClosedSubject,
    EndSubject,
    MessageSubject,
    Subject,
    TransitionSubject,
)
from analyzer.register.surroundings import Surroundings
from analyzer.register.told_time import note_date
from analyzer.register.transaction import Transaction
from analyzer.register.translation import follow
from analyzer.register.way_back import unheard
from analyzer.register.witnesses import Witnesses
from analyzer.sip.message import Message
from analyzer.sip.timers import TIMER_F

MOST_HOSTS = 100_000
_FEW_BINDINGS = 8
LONG_MESSAGE = 8192
"""Octets of a request whose values are not even kept for its answer: they take four times as much."""


class Reconstructor:
    """Feed it messages; it calls `emit` with each complete subject and `closed` with each REGISTER transaction at its
    end. `detail` keeps what only the machine formats list."""

    def __init__(
        self,
        secrets: Secrets,
        closed: Callable[[Transaction, Registration | None], None],
        emit: Callable[[Subject], None] = lambda _: None,
        *,
        detail: bool = True,
    ) -> None:
        self.emit = emit
        self._closed = closed
        self._detail = detail
        self.counter = MessageCounter()
        self.table = TransactionTable(self.counter)
        self.registry = Registry(self.counter)
        self.bindings = BindingTable()
        self.challenges = Challenges()
        self.digests = DigestLedger(secrets, self.challenges, self.counter, detail=detail)
        self.heard: Notes[str, int] = Notes(MOST_HOSTS)
        self._cut_off: Notes[tuple[object, ...], int] = Notes(MOST_HOSTS)
        self.responses: Counter[int] = Counter()
        self.requests = 0
        self.orphans = 0
        self._owner: dict[int, tuple[Registration, Attempt | None]] = {}
        self.surroundings = Surroundings(self.challenges, self.digests, self.counter)
        self.exchanges = Exchanges()
        self._finishing = False
        self.lapses = LapseWatch(self.bindings, self.heard)
        self.reached = Reached(self.bindings, self.registry, self.lapses)
        self._lone = LoneAnswers(self.registry, self.reached)
        self.now: int | None = None
        self.is_loose = False
        self.witnesses = Witnesses(self.reached.removed)
        self.retries = Retries()
        self.fleet = FleetLedger()

    def feed(self, message: Message) -> None:
        """Take in a message."""
        self.counter.number += 1
        self.surroundings.flows.heard(message.raw_message)
        duplicates, now = self.table.duplicates, self._pass(message.raw_message)
        for event in self.table.feed(message):
            self._event(event)
        if self.table.duplicates == duplicates:
            self._count(message)
        if now is not None:
            self._hear(message.raw_message.source.host, now)

    def note_foreign(self, raw_message: RawMessage) -> None:
        """Take in that a message went by which is another worker's: all that it says of time and of servers."""
        self.counter.number += 1
        now = self._pass(raw_message)
        self.table.note_foreign(raw_message)
        self.surroundings.flows.heard(raw_message)
        challenge = foreign_challenge(raw_message)
        if challenge is not None:
            self.challenges.foreign(challenge)
        if now is not None:
            self._hear(raw_message.source.host, now)

    def _pass(self, raw_message: RawMessage) -> int | None:
        """Let time pass up to the next message; the time that has passed for certain."""
        now, place = raw_message.time, raw_message.place
        bounds = place.between if type(place) is LogLines else None
        if now is not None:
            if self.now is not None and now < self.now - SECOND:
                self.bindings.clock_stepped(self.now, now)  # docs/rules/traps.md T-CLOCK: they cannot be compared
            self.now = now
        for event in self.table.advance(now, bounds):
            self._event(event)
        if bounds is None:
            return now
        self.is_loose = True
        return bounds.earliest

    def _hear(self, host: str, now: int) -> None:
        self.heard.note(host, now)
        if self.lapses.next_due <= now:
            self._lapse(now)

    def abort(self, abort: NetworkError) -> None:
        """Take in a network error, or a gap of the capture."""
        for hit in self.table.abort(abort):
            if hit.id in self._owner:
                self.reached.aborted(*self._owner[hit.id], hit, is_gap=abort.reason == "gap")
        ends = abort.source, abort.destination
        for way in (ends, ends[::-1]) if abort.reason != "gap" else ():
            self._cut_off.note(flow_key(abort.stream, *way), abort.time or 0)

    def cut_off(self, transaction: Transaction) -> int | None:
        """When the network was last seen to end the connection of a transaction, or to refuse what went that way."""
        return self._cut_off.get(flow_key(transaction.stream, transaction.source, transaction.destination))

    def _count(self, message: Message) -> None:
        """Count what belongs to a REGISTER; a response that was cut before CSeq belongs to what it was matched with."""
        if message.method:
            self.requests += message.method == "REGISTER"
        elif message.version:
            matched = self.table.matched  # it was judged and folded: asking the message would read that again
            method = matched.method if matched is not None else message.cseq.method if message.cseq else ""
            if method == "REGISTER":
                self.responses[message.status] += 1
            if matched is not None and matched.request is None:
                self.registry.orphan(matched.call_id, matched.cseq)  # known at once: its request was sent (T-LOSS)
                if message.status >= 200:
                    self.challenges.repeated(matched, message)  # and so are its nonces, whatever they answer
                    self.reached.orphaned(matched, message)

    def finish(self, end: int | None = None, logs: Mapping[str, int] | None = None) -> None:
        """All is read; `end` is the time of the last thing in it, whatever that was, `logs` that of each of several
        logs, by name."""
        self._finishing = True
        for event in self.table.finish(end):
            self._event(event)
        if end is not None:
            self._lapse(end)
        for registration in self.registry:
            self._end(registration, registration.last_transaction)
        self.reached.settle(self.table.end if end is None else end, self.now, logs or {})

    def _event(self, event: Event) -> None:
        kind, transaction, message = event
        if kind == "opened":
            self._opened(transaction)
        elif kind == "answered":
            self._answered(transaction)
        elif kind == "closed":
            self._forget(transaction)
        elif kind == "silent":
            self._silent(transaction)
        elif kind == "lone":
            self._lone.heard(transaction)
        elif kind == "copied" and message is not None:
            owner, _ = self._owner.get(transaction.id, (None, None))
            if owner is not None:
                self.reached.told(owner, transaction)
            if message.carries_credentials:
                self.digests.sent(transaction, message, owner, aor_of(message))
        elif message is not None:
            self.challenges.repeated(transaction, message)

    def _opened(self, transaction: Transaction) -> None:
        request = transaction.request
        assert request is not None
        registration = earlier = None
        if transaction.method == "REGISTER":
            first_hop = transaction.path.first if transaction.path else transaction
            if first_hop is transaction or first_hop.id not in self._owner:
                registration, earlier = self._register(transaction, request)
            else:
                registration = self._owner[first_hop.id][0]
                self._owner[transaction.id] = (registration, None)
        else:
            self.surroundings.sent(transaction, None)
        if request.carries_credentials:
            self.digests.sent(transaction, request, registration, aor_of(request))
        if transaction.method == "REGISTER":
            self.emit(MessageSubject(request, transaction, registration, earlier))
        if earlier is not None and earlier.final is not None:
            earlier.fold()  # the step has read it again
        if len(request.raw) > LONG_MESSAGE:
            request.fold()

    def _register(self, transaction: Transaction, request: Message) -> tuple[Registration, Transaction | None]:
        """Find whose request it is; returns the registration and the client's transaction before this one."""
        aor, client = aor_of(request), client_of(request)
        registrar = self.registry.first_leg(registrar_of(transaction), aor, transaction)
        self._make_room()
        registration = self.registry.find(registrar, aor, client, transaction)
        stream = self.registry.stream(transaction, aor, client, from_tag(request))
        namesake = self.registry.namesake(stream, transaction.call_id)
        attempt, same_attempt = self._attempt(registration, transaction)
        earlier = registration.last_transaction
        changed = bool(registration.call_ids) and transaction.call_id != registration.call_id
        if attempt.first is transaction and registration.outcome == "registered":
            registration.refreshes += 1
        self.witnesses.know(registration, request)
        same_call = stream.latest(transaction.destination)
        before = earlier if changed else same_call  # CSeq that goes down may be a restart that kept its Call-ID
        scored = before is not None and (changed or transaction.cseq <= before.cseq)
        boot = boot_score(registration, before, transaction, client) if scored and before else None
        if stream.is_missing(same_call, transaction):
            self.reached.missed(registration, transaction.evidence, stream.unseen(same_call, transaction))
        registration.holes += is_unheard(earlier, transaction)
        transaction.reuses = earlier_use(transaction, earlier, same_call, stream.last)
        left_flow = self.surroundings.flows.take(transaction, registration)
        found = registration, attempt, same_attempt, changed, boot, namesake, left_flow
        step = TransitionSubject(earlier, transaction, same_call, stream, *found)
        self.retries.note(step)
        self.fleet.opened(transaction, registration)
        if changed and boot is not None:
            registration.count_change(is_restart=boot.is_restart)
            if boot.is_restart:
                self.fleet.restarted(transaction)
        if transaction.has_credentials and registration.credentials_place is None:
            self.fleet.answered_challenge(transaction)
        renewals = [] if same_attempt else list(self.bindings.asked(registrar, aor, transaction, registration.id))
        self.surroundings.sent(transaction, registration)
        registration.take(transaction, client, detail=self._detail)
        self.reached.sent(registration, transaction, attempt.purpose)
        if earlier is not None or same_call is not None or namesake is not None:
            self.emit(step)
        for event in renewals:
            self.emit(BindingSubject(event, registration, step))
        stream.take(transaction, client, registration.id)
        return registration, earlier

    def _make_room(self) -> None:
        """Where there are too many registrations, some go, and all that is known of them alone."""
        gone = {one.id: one for one in self.registry.make_room()}
        for one in gone.values():
            self.exchanges.forget(one)
            if not self.registry.has_clients(one.registrar, one.aor):
                self.bindings.forget(one.registrar, one.aor)
        if gone:
            self.lapses.forget(gone)

    def _attempt(self, registration: Registration, transaction: Transaction) -> tuple[Attempt, bool]:
        current = registration.current
        if current is not None and current.continued_by(transaction):
            current.transactions.append(transaction)
            self._owner[transaction.id] = (registration, current)
            return current, True
        if current is not None and current.last.final is not None and current.given_up():
            self._conclude(registration, current)
        earlier = registration.last_transaction
        registration.current = attempt = Attempt(transaction, earlier.nonces if earlier else None)
        attempt.purpose = attempt_purpose(transaction, registration.bindings[-_FEW_BINDINGS:])
        registration.attempts += 1
        self._owner[transaction.id] = (registration, attempt)
        return attempt, False

    def _answered(self, transaction: Transaction) -> None:
        final = transaction.final
        assert final is not None
        registration, attempt = self._owner.get(transaction.id, (None, None))
        if registration is not None:
            self.reached.told(registration, transaction)
        lacking = left_out(transaction, attempt, registration, self.challenges) if registration is not None else ()
        self.digests.answered(transaction, lacking)
        first_hop = transaction.is_first_hop
        if registration is not None and first_hop:
            self.challenges.answered(transaction, registration.id, registration.holes)
            note_offer(registration, transaction)
            if 200 <= transaction.status < 300 and final.has("date"):
                note_date(registration, transaction)
        else:
            self.challenges.answered(transaction, None)
        events: Sequence[BindingEvent] = ()
        granted = registration.granted if registration is not None else None
        if registration is not None and transaction.is_last_hop:
            purpose, begun = (attempt.purpose, attempt.asked_since) if attempt is not None else ("register", None)
            events = self.reached.answered(registration, transaction, purpose, begun)
        if registration is not None and first_hop and transaction.method == "REGISTER":
            follow(registration, transaction, granted, self.bindings)
        concluded = attempt is not None and attempt.last is transaction and attempt.answered()
        if transaction.method == "REGISTER":
            self.emit(MessageSubject(final, transaction, registration))
        else:
            self.fleet.answered(transaction)
        self.emit(self.surroundings.subject(transaction, registration, attempt))
        if registration is not None:
            for event in events:
                self.emit(BindingSubject(event, registration, None))
            if concluded and attempt is not None:
                self._conclude(registration, attempt)
        transaction.fold()

    def _silent(self, transaction: Transaction) -> None:
        registration, attempt = self._owner.get(transaction.id, (None, None))
        if registration is not None and transaction.method == "REGISTER":
            self.reached.unanswered(registration, transaction)
        concluded = attempt is not None and attempt.last is transaction and attempt.silent()
        self.emit(self.surroundings.subject(transaction, registration, attempt))
        if concluded and registration is not None and attempt is not None:
            self._conclude(registration, attempt)

    def _forget(self, transaction: Transaction) -> None:
        registration, attempt = self._owner.pop(transaction.id, (None, None))
        if transaction.state == "headless" and transaction.final is not None:
            self.orphans += 1
            self._headless(transaction, transaction.final)
        if (alone := self._lone.closed(transaction)) is not None:
            self._conclude(*alone)
        if registration is not None and attempt is not None and attempt.last is transaction:
            if attempt.given_up(ended=self._too_early(transaction)):
                self._conclude(registration, attempt)
            if registration.current is attempt:
                registration.current = None
        self.surroundings.closed(transaction)
        self.digests.closed(transaction)
        self.reached.closed(transaction)
        if transaction.method == "REGISTER":
            self._closed(transaction, registration)
            if transaction.request is not None and is_complete(transaction):
                if registration is not None and registration.last_transaction is transaction:
                    registration.unheard = unheard(transaction)
                self.emit(ClosedSubject(transaction, registration, attempt))
        if registration is not None and not self._finishing:
            self.exchanges.keep(registration, transaction)
        transaction.fold()

    def _too_early(self, transaction: Transaction) -> bool:
        """The source ended before the client had to go on."""
        end, answered = self.table.end, transaction.answered_at
        return self._finishing and (end is None or answered is None or end - answered < TIMER_F)

    def _headless(self, transaction: Transaction, final: Message) -> None:
        """A response without its request: the server's words alone can be judged (docs/rules/reconstruction.md 2)."""
        self.challenges.answered(transaction, None)
        if transaction.method == "REGISTER":
            self.emit(MessageSubject(final, transaction, None))
        self.emit(self.surroundings.subject(transaction, None, None))

    def _end(self, registration: Registration, last: Transaction | None) -> None:
        if last is not None:
            is_cut_off = (self.cut_off(last) or -1) >= (registration.last_success or 0)
            self.emit(EndSubject(registration, last, is_cut_off, self.surroundings.flows.of(registration)))

    def _lapse(self, now: int) -> None:
        for event, registration in self.lapses.lapsed(now):
            self.emit(BindingSubject(event, registration, None))

    def _conclude(self, registration: Registration, attempt: Attempt) -> None:
        failed = attempt.outcome in FAILED
        bound = self.bindings.bound(registration.registrar, registration.aor) if failed else 0
        in_force = self.surroundings.in_force(attempt.last)
        cause = cause_of(attempt, self.digests.of(attempt.last), in_force, self.challenges)
        registration.conclude(attempt, cause, bound=bound, detail=self._detail)
        self.emit(AttemptSubject(attempt, registration))
