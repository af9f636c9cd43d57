"""What a client tried, and how it went: its attempts by purpose, and the times of trouble between two successes.

A report that tells a client by its last outcome hides what its user felt. Every attempt therefore leaves a record: what
it was for, how it ended, and the registrar's own words. Of a client that is well only the failures are kept, as
episodes, each from the first failure to the success that ended it; all attempts where every one is to be listed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analyzer.evidence import Evidence, LogNotice
from analyzer.register.attempt import Attempt, Outcome, Purpose, is_cut
from analyzer.register.binding import Binding
from analyzer.register.requested import expiry_in, purpose_of
from analyzer.register.server_words import ServerWords, words_of
from analyzer.register.transaction import Transaction

KEPT_EPISODES = 8
"""Episodes of a client that are kept: the first half and the last; `missed` counts the others."""
KEPT_ATTEMPTS = 1000
"""Attempts of a client that are listed; of more, the latest."""
FAILED = frozenset(("rejected", "timeout", "abandoned"))
"""Outcomes by which the client has not what it asked for; `open` and `unknown` tell neither."""


class Overdue(NamedTuple):
    """An answer that came after its client had given up: how long after the request (nanoseconds), and where."""

    status: int
    delay: int
    evidence: Evidence


class AttemptRecord(NamedTuple):
    """An attempt at its end. `id` is the number of its first transaction; times in nanoseconds or None: `start` of the
    first request (`evidence`), `end` of the final response, or of the last copy where there is none. `decided_by` is
    that response, or the request that has none. `bound` counts the contacts of the address-of-record that were known to
    be bound at that time; `is_late_answer`: it began with credentials for the challenge that the attempt before had
    left; `findings` are the rules whose violations explain how it ended, `notices` what the writer of a log says of it;
    `sends` counts the copies of its last request, `overdue` is the answer to it that came too late."""

    id: int
    purpose: Purpose
    outcome: Outcome
    status: int
    words: ServerWords
    start: int | None
    end: int | None
    evidence: Evidence
    decided_by: Evidence
    cause: str
    bound: int
    is_late_answer: bool
    findings: tuple[str, ...] = ()
    notices: tuple[LogNotice, ...] = ()
    sends: int = 0
    overdue: Overdue | None = None

    @property
    def failed(self) -> bool:
        """Whether it ended without what it was for."""
        return self.outcome in FAILED


@dataclass(slots=True)
class Episode:
    """Failures in a row: the first and the last, how many, their outcomes and statuses (0: no answer), and the success
    that ended them (`until`, None while they last). `answered_after` is how long after the last of them, a challenge,
    the client sent the credentials for it which brought that success; None where it was not so."""

    first: AttemptRecord
    last: AttemptRecord
    count: int = 1
    statuses: tuple[int, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    ids: tuple[int, ...] = ()
    until: int | None = None
    over: bool = False
    answered_after: int | None = None

    def take(self, record: AttemptRecord) -> None:
        """One more failure."""
        self.last = record
        self.count += 1
        if record.status not in self.statuses:
            self.statuses += (record.status,)
        if record.outcome not in self.outcomes:
            self.outcomes += (record.outcome,)
        if len(self.ids) < KEPT_ATTEMPTS:
            self.ids += (record.id,)

    def end(self, record: AttemptRecord) -> None:
        """The success that ends it."""
        self.until, self.over = record.end, True
        challenged_at = self.last.end if self.last.outcome == "abandoned" else None
        if record.is_late_answer and challenged_at is not None and record.start is not None:
            self.answered_after = record.start - challenged_at


class History:
    """The attempts of one client. `asides` are failed queries of one that had what it asked for otherwise. `removed` is
    what a server's log says of why it took a contact away, the latest; `overdue` the latest answer that came late."""

    __slots__ = ("asides", "attempts", "episodes", "missed", "overdue", "removed", "unlisted")

    def __init__(self) -> None:
        self.attempts: list[AttemptRecord] | None = None
        self.episodes: tuple[Episode, ...] = ()
        self.asides: Episode | None = None
        self.removed: LogNotice | None = None
        self.overdue: Overdue | None = None
        self.missed = 0
        self.unlisted = 0

    @property
    def is_troubled(self) -> bool:
        """Whether failures go on that no success has ended."""
        return bool(self.episodes) and not self.episodes[-1].over

    @property
    def last(self) -> AttemptRecord | None:
        """The latest failure, where no success has followed it."""
        return self.episodes[-1].last if self.is_troubled else None

    def take(self, record: AttemptRecord, *, detail: bool, aside: bool = False, passed: int | None = None) -> None:
        """Note an attempt that is over; `aside`: a query that failed and takes nothing from it. Silence is known
        late: `passed` is when a later attempt had success already."""
        if detail:
            self.attempts = attempts = self.attempts or []
            attempts.append(record)
            if len(attempts) > KEPT_ATTEMPTS:
                del attempts[0]
                self.unlisted += 1
        running = self.episodes[-1] if self.is_troubled else None
        self.overdue = record.overdue or self.overdue
        if aside:
            if self.asides is not None:
                self.asides.take(record)
            else:
                self.asides = Episode(record, record, 1, (record.status,), (record.outcome,), (record.id,))
        elif record.failed:
            if running is not None:
                running.take(record)
            else:
                over = passed is not None
                of = (record.status,), (record.outcome,), (record.id,)
                self._begin(Episode(record, record, 1, *of, until=passed, over=over))
        elif running is not None and record.outcome in ("registered", "removed"):
            running.end(record)

    def _begin(self, episode: Episode) -> None:
        kept = self.episodes
        if len(kept) >= KEPT_EPISODES:
            half = KEPT_EPISODES // 2
            kept = (*kept[:half], *kept[half + 1 :])
            self.missed += 1
        self.episodes = (*kept, episode)

    def take_back(self, changed: AttemptRecord) -> None:
        """The latest failure was none, as far as is known now: `changed` is its record."""
        if self.attempts is not None:
            self.attempts = [changed if one.id == changed.id else one for one in self.attempts]
        running = self.episodes[-1]
        if running.count == 1:
            self.episodes = self.episodes[:-1]
            return
        running.count -= 1
        running.ids = running.ids[:-1]
        running.last = running.first

    def tell(self, said: LogNotice) -> None:
        """What a log says of the latest attempt, after that had ended."""
        for record in (*(self.attempts or ())[-1:], *([self.last] if self.last is not None else ())):
            self._replace(record, record._replace(notices=(*record.notices, said)))

    def _replace(self, old: AttemptRecord, new: AttemptRecord) -> None:
        if self.attempts and self.attempts[-1] is old:
            self.attempts[-1] = new
        for episode in self.episodes[-1:]:
            episode.first = new if episode.first is old else episode.first
            episode.last = new if episode.last is old else episode.last

    def explain(self, causes: Mapping[int, Sequence[str]]) -> None:
        """Take in which rules' violations explain which attempts, by number."""
        if not causes:
            return
        if self.attempts is not None:
            self.attempts = [_explained(one, causes) for one in self.attempts]
        for episode in (*self.episodes, *((self.asides,) if self.asides is not None else ())):
            episode.first, episode.last = _explained(episode.first, causes), _explained(episode.last, causes)

    def renumber(self, number: Callable[[int], int]) -> None:
        """Take the numbers that its attempts have among those of all workers."""
        if self.attempts is not None:
            self.attempts = [one._replace(id=number(one.id)) for one in self.attempts]
        for episode in (*self.episodes, *((self.asides,) if self.asides is not None else ())):
            episode.first = episode.first._replace(id=number(episode.first.id))
            episode.last = episode.last._replace(id=number(episode.last.id))
            episode.ids = tuple(map(number, episode.ids))


def _explained(record: AttemptRecord, causes: Mapping[int, Sequence[str]]) -> AttemptRecord:
    found = causes.get(record.id)
    return record._replace(findings=tuple(found)) if found else record


def asks_in_vain(attempt: Attempt) -> bool:
    """Whether an attempt is a query that failed: who asks what is bound (RFC 3261 10.2.3) loses nothing by that."""
    return attempt.purpose == "query" and attempt.outcome in FAILED


def attempt_purpose(transaction: Transaction, own: Sequence[Binding]) -> Purpose:
    """What a REGISTER is for, by its contacts and by what is bound of its client (`own`) when it is sent.

    RFC 3261: no Contact is a query (10.2.3); `*`, or an expiry of 0 for all, signs off (10.2.2); contacts that are
    bound are refreshed (10.2.4), others beside those are a change, and where nothing is bound it registers (10.2.1).
    """
    request, now = transaction.request, transaction.first
    if request is None or is_cut(request):
        return "register"
    asked = purpose_of(request)
    if asked != "registration":
        return "query" if asked == "query" else "remove"
    if not own:
        return "register"
    bound = [one for one in own if one.certainty != "absent" and (now is None or one.end is None or now <= one.end)]
    if not bound:
        return "register"
    for contact in request.contacts[:_FEW]:
        if expiry_in(request, contact) == 0 or not any(one.is_of(contact) for one in bound):
            return "change"
    return "refresh"


_FEW = 8
"""Contacts of a request that are held against those bound."""


def record_of(attempt: Attempt, cause: str, bound: int) -> AttemptRecord:
    """The record of an attempt that has its outcome."""
    first, last = attempt.first, attempt.last
    overdue = _overdue(last) if attempt.outcome == "timeout" else None
    return AttemptRecord(
        first.id,
        attempt.purpose,
        attempt.outcome,
        attempt.status,
        words_of(last.final) if attempt.outcome in FAILED or attempt.outcome == "open" else ServerWords(),
        first.first,
        last.answered_at if last.answered_at is not None and overdue is None else last.last,
        first.evidence,
        attempt.decided_by,
        cause,
        bound,
        attempt.outcome not in FAILED and attempt.is_late_answer,
        notices=attempt.notices,
        sends=1 + last.retransmissions,
        overdue=overdue,
    )


def _overdue(last: Transaction) -> Overdue | None:
    if last.final is None or last.first is None or last.answered_at is None:
        return None
    return Overdue(last.status, last.answered_at - last.first, last.final.raw_message.evidence)


def begins(first: Transaction) -> bool:
    """Whether a client's first request in the capture may be its first of all (docs/rules/traps.md T-MID): it
    brings nothing that an earlier answer would have given it, and counts from the beginning."""
    request = first.request
    if request is None or first.cseq > 1:
        return False
    return not any((one.nonce or "").strip() or (one.response or "").strip() for one in request.credentials)
