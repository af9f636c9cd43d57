"""A registration: what one client did over time for one address-of-record at one registrar
(docs/rules/reconstruction.md 6, lineage).

It joins the attempts of a client over changes of Call-ID, address and port. Attempts are not kept: what is kept are
their counts, the latest few facts, and the bindings, so a client costs the same after a day as after a minute.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from analyzer.escape import visible
from analyzer.evidence import SECOND, Place
from analyzer.register.attempt import SUCCESSFUL_OUTCOMES, Attempt, Outcome
from analyzer.register.binding import Binding
from analyzer.register.bounded import LONG
from analyzer.register.choices import Choice
from analyzer.register.history import FAILED, History, asks_in_vain, begins, record_of
from analyzer.register.identity import Client, Registrar
from analyzer.register.reachability import Reachability
from analyzer.register.timers import BOOT_SILENCE
from analyzer.register.transaction import Transaction
from analyzer.register.translation import Translation
from analyzer.register.way_back import WayBack
from analyzer.sip.timers import TIMER_F

if TYPE_CHECKING:
    from analyzer.register.told_time import ToldTime

KEPT_CALL_IDS = 50
KEPT_OCTETS = 16_384
"""Octets of the Call-IDs, and of the contacts, that are kept of one client, beside the latest Call-ID."""
KEPT_FAILURES = 32
KEPT_GAPS = 4
"""Intervals between registrations by which the habit of a client is told."""
KEPT_SINKING = 16
_NO_NUMBERS: tuple[int, ...] = ()
_REFUSALS = (401, 403, 407)
_DECISIVE = ("registered", "removed", "rejected", "timeout", "abandoned")


K = TypeVar("K", bound=Hashable)
Counts = tuple[tuple[K, int], ...]
"""How often each thing came. Most clients have counts that many others have too, and equal ones are one object."""


@lru_cache(maxsize=4096)
def _one_more(counts: Counts[K], thing: K) -> Counts[K]:
    whole = dict(counts)
    whole[thing] = whole.get(thing, 0) + 1
    return tuple(whole.items())


class Failure:
    """One failed attempt, for the detection of loops. `cause` is what the attempt itself shows of the reason."""

    __slots__ = ("cause", "credentialed", "evidence", "status", "time")

    def __init__(self, attempt: Attempt, cause: str) -> None:
        self.time = attempt.first.first
        self.status = attempt.status
        self.evidence = attempt.last.evidence
        self.cause = cause
        self.credentialed = attempt.credentialed


class LastSeen(NamedTuple):
    """What a report says of a client's latest transaction: its number, its sends and times, whether it carried
    credentials, the reason phrase of its answer, what the network said instead of one, and the last provisional
    status (0: none)."""

    id: int
    retransmissions: int
    first: int | None
    last: int | None
    has_credentials: bool
    reason: str
    aborted: str
    provisional: int


def _words(last: Transaction) -> tuple[str, str]:
    """The reason phrase of its answer, and what the network said instead of one."""
    abort = last.aborted
    return _pair(last.final.reason if last.final else "", abort.said if abort else "")


@lru_cache(maxsize=4096)
def _pair(reason: str, said: str) -> tuple[str, str]:
    return reason, said  # one object for all who were told the same


def _short(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The texts, without the first ones where all are too long to be kept."""
    while len(texts) > 1 and sum(map(len, texts)) > KEPT_OCTETS:
        texts = texts[1:]
    return texts


class Registration:
    """One client at one registrar for one address-of-record. Times are nanoseconds or None. `seen_from_start`: what it
    was given before the capture began, if anything, it does not use. `unheard` is the way of the latest answer, where
    the client was seen not to hear it; `credentials_place` where it first answered a challenge, `since_place` what
    shows its outcome (`heard`: its registrar answered it at all): the first answer with it, or the first request that
    had none, `success_place` the latest 2xx; `choice` what it was offered for an answer, where that is not MD5 alone,
    `translation` where its NAT shows it."""

    __slots__ = (
        "_numbers",
        "_words",
        "aor",
        "asked",
        "attempts",
        "bindings",
        "boot_changes",
        "bound_by_refusal",
        "call_id_changes",
        "call_ids",
        "choice",
        "client",
        "contacts",
        "credentials_place",
        "current",
        "decided_by",
        "failing_since",
        "failure_count",
        "failures",
        "first",
        "granted",
        "heard",
        "history",
        "holes",
        "id",
        "interleaved",
        "last",
        "last_seen",
        "last_success",
        "last_transaction",
        "not_renewed",
        "outcome",
        "outcome_counts",
        "place",
        "preemptive",
        "reach",
        "reason_counts",
        "refresh_gaps",
        "refreshes",
        "refused_in_a_row",
        "registrar",
        "seen_from_start",
        "since",
        "since_place",
        "sinking",
        "source",
        "status",
        "success_place",
        "told_time",
        "translation",
        "unheard",
        "user_agent",
    )

    choice: Choice | None
    translation: Translation | None
    asked: int | None
    granted: int | None
    last_success: int | None
    failing_since: int | None
    credentials_place: Place | None
    success_place: Place | None
    told_time: ToldTime | None

    def __init__(self, number: int, aor: str, registrar: Registrar, client: Client, first: Transaction) -> None:
        self.id = number
        self.aor = aor
        self.registrar = registrar
        self.client = client
        self.source = first.source
        self.seen_from_start = begins(first)
        self.call_ids: tuple[str, ...] = ()
        self.contacts: tuple[str, ...] = ()
        self.user_agent = client.user_agent
        self.first = self.last = first.first
        self.place: Place = first.place
        self.outcome: Outcome = "open"
        self.status = 0
        self.since: int | None = first.first
        self.since_place: Place = first.place
        self.outcome_counts: Counts[str] = ()
        self.reason_counts: Counts[int] = ()
        self.attempts = 0
        self.refreshes = 0
        self.call_id_changes = 0
        self.boot_changes = 0
        self.interleaved = False
        self.holes = self.not_renewed = self.bound_by_refusal = 0
        self.preemptive = self.heard = False
        self.asked = self.granted = self.last_success = self.failing_since = self.choice = self.translation = None
        self.sinking = self.refresh_gaps = _NO_NUMBERS
        self.credentials_place = self.success_place = self.told_time = None
        self.unheard: WayBack | None = None
        self.failures: tuple[Failure, ...] = ()
        self.failure_count = 0
        self.refused_in_a_row = 0
        self.current: Attempt | None = None
        self.decided_by = 0
        self.last_transaction: Transaction | None = None
        self.last_seen: LastSeen | None = None
        self._words = ("", "")
        self._numbers: list[int] | None = None
        self.bindings: tuple[Binding, ...] = ()
        self.history = History()
        self.reach = Reachability()

    def evict_exchange(self, last: Transaction) -> bool:
        """Give up the messages of one of its transactions, if that is over; True if that was done. What is known of it
        by number, time and outcome stays, and nonces of ordinary length."""
        if last.seen or (last.request is None and last.final is None):
            return False
        if last is self.last_transaction:
            self._words = _words(last)
        last.request = last.final = None
        last.key, last.branch, last.sent_by, last.tick, last.deadline = (), "", "", 0, 0  # it is matched with no more
        if any(len(nonce) > LONG for nonce in last.nonces):
            last.nonces = frozenset(nonce for nonce in last.nonces if len(nonce) <= LONG)
        return True

    def __repr__(self) -> str:
        status = f" ({self.status})" if self.status else ""
        return visible(f"<Registration {self.id}: {self.aor} at {self.registrar}, {self.outcome}{status}>")

    @property
    def was_well(self) -> bool:
        """Whether it ever had what it asked for."""
        return any(outcome in SUCCESSFUL_OUTCOMES for outcome, _ in self.outcome_counts)

    @property
    def size(self) -> int:
        """Octets of what the wire made long: names, addresses, Call-IDs."""
        texts = (self.aor, self.user_agent, *self.call_ids, *self.contacts)
        return sum(map(len, texts))

    def seal(self) -> None:
        """The run is over: keep of the latest transaction what a report says, and nothing else that was for reading."""
        last = self.last_transaction
        if last is not None and self.outcome not in SUCCESSFUL_OUTCOMES:  # of whom all is well no report says more
            reason, said = self._words if last.request is None and last.final is None else _words(last)
            seen = (last.id, last.retransmissions, last.first, last.last, last.has_credentials)
            self.last_seen = LastSeen(*seen, reason, said, (last.provisional or (0,))[-1])
        self.last_transaction = self.current = self.told_time = None
        for binding in self.bindings:
            binding.transaction, binding.watched = None, False

    def renumber(self, number: int, transaction: Callable[[int], int]) -> None:
        """Take the number that it has among those of all workers; `transaction` tells those of its transactions."""
        self.id = number
        if self._numbers is not None:
            self._numbers = [transaction(one) for one in self._numbers]
        if self.last_seen is not None:
            self.last_seen = self.last_seen._replace(id=transaction(self.last_seen.id))
        self.history.renumber(transaction)

    @property
    def transactions(self) -> Sequence[int]:
        """The numbers of its transactions, where the report lists them."""
        return self._numbers or ()

    @property
    def outcomes(self) -> Counter[str]:
        """How often an attempt had each outcome."""
        return Counter(dict(self.outcome_counts))

    @property
    def reasons(self) -> Counter[int]:
        """How often an attempt ended with each status."""
        return Counter(dict(self.reason_counts))

    @property
    def call_id(self) -> str:
        """The Call-ID in use."""
        return self.call_ids[-1] if self.call_ids else ""

    def take(self, transaction: Transaction, client: Client, *, detail: bool) -> None:
        """Note a transaction of this client; `detail` keeps its number for the report."""
        call_id = transaction.call_id
        if not self.call_ids or call_id != self.call_ids[-1]:
            others = self.call_ids
            if call_id in others:
                self.interleaved = True  # two streams alive at once: not one client that changed its Call-ID
                others = tuple(known for known in others if known != call_id)
            self.call_ids = (*_short(others[1 - KEPT_CALL_IDS :]), call_id)
        for contact in transaction.request.contacts if transaction.request else ():
            written = "*" if contact.star else contact.uri.text if contact.uri else contact.raw
            if len(self.contacts) < KEPT_CALL_IDS and written not in self.contacts:
                self.contacts = _short((*self.contacts, written))
        if client != self.client:
            self.client = Client(*(new or old for new, old in zip(client, self.client, strict=True)))
        self.user_agent = client.user_agent or self.user_agent
        self.source = transaction.source
        self.last = transaction.last
        self.last_transaction = transaction
        self.unheard = None  # of the latest transaction alone, and known at its end
        if self.credentials_place is None and transaction.has_credentials:
            self.credentials_place = transaction.place
        if detail:
            self._numbers = numbers = self._numbers or []
            numbers.append(transaction.id)

    def alive(self, now: int | None) -> bool:
        """Whether the client may still be there beside a new one: its last binding has not run out."""
        if self.outcome == "removed":
            return False
        if now is None or self.last is None:
            return True
        if self.last_success is None or self.granted is None:
            return now - self.last < BOOT_SILENCE
        return now <= self.last_success + self.granted * SECOND

    def count_change(self, *, is_restart: bool) -> None:
        """Its Call-ID has changed."""
        if is_restart:
            self.boot_changes += 1
        else:
            self.call_id_changes += 1

    def _record(self, attempt: Attempt, cause: str, bound: int, *, detail: bool) -> None:
        if detail or attempt.outcome in FAILED or self.history.is_troubled:
            aside = self.was_well and asks_in_vain(attempt)
            passed = self.last_success if attempt.first.id < self.decided_by and self.outcome == "registered" else None
            self.history.take(record_of(attempt, cause, bound), detail=detail, aside=aside, passed=passed)

    def has_given_up(self, now: int | None) -> bool:
        """It never answered a challenge and never had what it asked for, as one that hears no answer; and its last try
        is over: decided, or as long ago as a user agent waits."""
        if self.credentials_place is not None or self.was_well:
            return False
        current = self.current
        if current is None or current.ended:
            return True
        begun = current.last.first
        return now is not None and begun is not None and now - begun >= TIMER_F

    def note_grant(self, asked: int | None, granted: int, *, alone: bool) -> None:
        """It asked for `asked` seconds (None: it said nothing) and got `granted`; `alone`: for one contact. `sinking`
        is the row of what it asked for, as far as each is what it was granted last and less than it asked for then."""
        before = self.asked
        if alone and asked is not None and before is not None and asked == self.granted and asked < before:
            row = self.sinking or (before,)
            self.sinking = (*row[1 - KEPT_SINKING :], asked)
        else:
            self.sinking = ()
        self.asked, self.granted = asked, granted

    def _note_success(self, time: int | None) -> None:
        """It is registered once more: keep the latest intervals between such times."""
        if time is None or (self.last_success is not None and time < self.last_success):
            self.refresh_gaps = ()
        elif self.last_success is not None:
            self.refresh_gaps = (*self.refresh_gaps[1 - KEPT_GAPS :], time - self.last_success)
        self.last_success = time

    def conclude(self, attempt: Attempt, cause: str, *, bound: int = 0, detail: bool = False) -> None:
        """Note the outcome of an attempt; `bound` counts the contacts of the address-of-record at that time. Silence is
        known late: what a later attempt has decided stands."""
        outcome, status = attempt.outcome, attempt.status
        self.heard = self.heard or any(one.final is not None or one.has_challenge for one in attempt.transactions)
        self._record(attempt, cause, bound, detail=detail)
        self.outcome_counts = _one_more(self.outcome_counts, outcome)
        if status:
            self.reason_counts = _one_more(self.reason_counts, status)
        if attempt.first.id < self.decided_by or (self.was_well and asks_in_vain(attempt)):
            return
        if outcome not in ("open", "unknown"):
            self.decided_by = attempt.first.id
        decides = outcome in _DECISIVE or self.outcome not in _DECISIVE
        if outcome == "open" and self.outcome == "unknown":
            decides = False  # one direction alone was seen: its end tells no more than the rest
        if decides and (outcome, status) != (self.outcome, self.status):
            self.since, self.since_place = attempt.first.first, attempt.decided_by.place
        if decides:
            self.outcome, self.status = outcome, status
        if outcome == "rejected" and status in _REFUSALS:
            self.refused_in_a_row += 1
        elif outcome != "open":
            self.refused_in_a_row = 0
        if outcome in SUCCESSFUL_OUTCOMES:
            self.failures = ()
            self.failure_count = 0
            self.failing_since = None
        elif outcome in ("rejected", "timeout", "abandoned"):
            self.failure_count += 1
            self.failing_since = self.failing_since if self.failure_count > 1 else attempt.first.first
            self.failures = (*self.failures[1 - KEPT_FAILURES :], Failure(attempt, cause))
        if outcome == "registered":
            self._note_success(attempt.last.answered_at)
            self.success_place = attempt.decided_by.place
            self.preemptive = attempt.first.has_credentials
