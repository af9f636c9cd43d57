"""Ties between violations and the attempts that they broke.

A rule's card says what a violation can bring about (`explains`), and a violation may say so for itself; whether it did,
the traffic tells. A violation is tied to an attempt that ended in just such a way, and only by the transaction in which
it was committed: the one whose answer, or silence, ended the attempt. So of a client with two faults each is tied to
its own failures, and what a later answer made good is tied to nothing. Three more things are held against it:

- A cause may outlast its transaction. A registrar that keeps the higher CSeq refuses each request of the Call-ID until
  that is passed, though these count on properly among themselves (`Violated.up_to_cseq`).
- What the registrar accepted from this client once is not why it refused the same another time, unless that depends on
  what it held at the time (`Rule.is_momentary`).
- Silence is put down to a violation only where the server answers at all: of one that does not, the silence itself is
  all there is to say.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.judge.findings import Effect, Finding, Rule, Violated, brings_about
from analyzer.register.attempt import SUCCESSFUL_OUTCOMES, Attempt
from analyzer.register.bounded import Bounded
from analyzer.register.history import FAILED
from analyzer.register.registration import Registration
from analyzer.register.transaction import Transaction

MOST_LIVE = 10_000
"""Transactions whose violations wait for the end of their attempt."""
MOST_CLIENTS = 50_000
"""Clients whose lasting causes are remembered."""
KEPT = 1000
"""Attempts that one finding names; `explained` counts on. And times without a binding that it is claimed for."""
_REPEATED = (420, 421, 423, 494)
"""Answers that may come several times in one attempt, each to a request that was not mended."""


class _Note(NamedTuple):
    """A violation in a transaction that has not ended its attempt yet."""

    rule: Rule
    finding: Finding
    effects: tuple[Effect, ...]


class _Lasting(NamedTuple):
    """A violation that breaks later requests of the Call-ID too, as long as their CSeq is no higher."""

    call_id: str
    up_to: int
    note: _Note


class Ties:
    """The violations of live transactions, and what goes on to break the requests of each client."""

    def __init__(self) -> None:
        self._live: Bounded[int, tuple[_Note, ...]] = Bounded(MOST_LIVE)
        self._lasting: Bounded[int, _Lasting] = Bounded(MOST_CLIENTS)

    def note(
        self, transaction: Transaction, client: Registration | None, rule: Rule, finding: Finding, by: Violated
    ) -> None:
        """A violation in a transaction, of a rule that can explain something: this one, or its like another time."""
        if by.gap is not None and len(finding.gaps) < KEPT:
            finding.gaps.append(by.gap)
        effects = rule.explains if by.explains is None else by.explains
        if not (effects or rule.explains) or transaction.method != "REGISTER":
            return
        note = _Note(rule, finding, effects)
        hop = transaction.path.first if transaction.path is not None else transaction
        if hop is not transaction and client is not None and _tie_behind(client, hop, note):
            return
        self._live[hop.id] = (*(self._live.get(hop.id) or ()), note)
        if by.up_to_cseq is not None and client is not None:
            self._lasting[client.id] = _Lasting(transaction.call_id, by.up_to_cseq, note)

    def withdraw(self, transaction: int, finding: Finding) -> None:
        """A violation in a transaction is taken back: another one is its root."""
        notes = self._live.get(transaction)
        if notes:
            self._live[transaction] = tuple(note for note in notes if note.finding is not finding)

    def conclude(self, attempt: Attempt, registration: Registration, *, answers: bool) -> None:
        """An attempt has its outcome: tie what broke it. `answers`: answers of its server were seen."""
        noted = {one.id: self._live.pop(one.id) or () for one in attempt.transactions} if len(self._live) else {}
        if attempt.outcome in SUCCESSFUL_OUTCOMES:
            for note in noted.get(attempt.last.id, ()):
                if not note.rule.is_momentary:
                    refute(note.finding)
            if len(self._lasting):
                self._lasting.pop(registration.id)
        elif attempt.outcome in FAILED:
            notes = [note for one in _deciding(attempt) for note in noted.get(one, ())]
            causes = _causes(attempt, notes, answers=answers)
            _tie(attempt, causes or _causes(attempt, self._outlasting(attempt, registration), answers=answers))

    def close(self, transaction: Transaction, attempt: Attempt | None) -> None:
        """All copies of a transaction are in, so the attempt that it ended is over: tie what they have shown."""
        notes = self._live.pop(transaction.id)
        if notes and attempt is not None and attempt.last is transaction and attempt.outcome in FAILED:
            _tie(attempt, _causes(attempt, notes))

    def has_notes(self, transaction: Transaction) -> bool:
        """Whether a violation in a transaction waits for the end of its attempt."""
        return transaction.id in self._live

    def _outlasting(self, attempt: Attempt, registration: Registration) -> list[_Note]:
        lasting, last = self._lasting.get(registration.id), attempt.last
        if lasting is None or lasting.call_id != last.call_id or not 0 <= last.cseq <= lasting.up_to:
            return []
        return [lasting.note]


def _tie_behind(client: Registration, hop: Transaction, note: _Note) -> bool:
    """A violation behind a proxy may be known only when the attempt is over that it broke: tie it then."""
    for episode in client.history.episodes[-1:]:
        for record in (episode.first, episode.last):
            is_its = hop.final is not None and record.decided_by.place == hop.final.raw_message.place
            if is_its and brings_about(note.effects, record.outcome, record.status):
                _explain(record.id, [note.finding])
                return True
    return False


def refute(finding: Finding) -> None:
    """The registrar takes the like of it, so it explains nothing, then and later."""
    finding.is_harmless = True
    finding.explains, finding.explained = [], 0


def _deciding(attempt: Attempt) -> list[int]:
    """The transactions that ended an attempt, by number: the last, and those before it with the same such answer."""
    last, *before = reversed(attempt.transactions)
    found = [last.id]
    for one in before if last.status in _REPEATED else ():
        if one.status != last.status:
            break
        found.append(one.id)
    return found


def _causes(attempt: Attempt, notes: list[_Note] | tuple[_Note, ...], *, answers: bool = True) -> list[Finding]:
    outcome, status = attempt.outcome, attempt.status
    return [one.finding for one in notes if brings_about(one.effects, outcome, status, answers=answers)]


def _tie(attempt: Attempt, causes: list[Finding]) -> None:
    _explain(attempt.first.id, causes)


def _explain(attempt: int, causes: list[Finding]) -> None:
    for finding in {id(one): one for one in causes}.values():  # several violations may be one finding
        if finding.is_harmless or finding.explains[-1:] == [attempt]:
            continue
        finding.explained += 1
        if len(finding.explains) < KEPT:
            finding.explains.append(attempt)
