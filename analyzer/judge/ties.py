"""Ties between violations and the attempts that they broke.

A rule's card says what a violation can bring about (`explains`); whether it did, the traffic tells: a transaction of
the attempt broke the rule, and the attempt ended in just such a way. Where a client is refused again with the same
words after a refusal that was explained, and nothing else explains it, the cause is the same: a registrar that keeps
the higher CSeq refuses until the old binding has run out, though the later requests count on properly.
"""

from __future__ import annotations

from analyzer.judge.findings import Finding, Rule, brings_about
from analyzer.register.attempt import Attempt
from analyzer.register.bounded import Bounded
from analyzer.register.registration import Registration

MOST_LIVE = 10_000
"""Transactions whose violations wait for the end of their attempt."""
MOST_CLIENTS = 50_000
"""Clients whose latest explained failure is remembered."""
KEPT = 1000
"""Attempts that one finding names; `explained` counts on."""

_Cause = tuple[Rule, Finding]


class Ties:
    """The violations of live transactions, and what explained the latest failure of each client."""

    def __init__(self) -> None:
        self._live: Bounded[int, list[_Cause]] = Bounded(MOST_LIVE)
        self._same: Bounded[int, tuple[str, int, str, list[_Cause]]] = Bounded(MOST_CLIENTS)

    def note(self, transaction: int, rule: Rule, finding: Finding) -> None:
        """A violation in a transaction, of a rule that can explain something."""
        self._live[transaction] = [*(self._live.get(transaction) or []), (rule, finding)]

    def conclude(self, attempt: Attempt, registration: Registration) -> None:
        """An attempt has its outcome: tie what broke it."""
        noted = [cause for one in attempt.transactions for cause in self._live.pop(one.id) or ()]
        outcome, status = attempt.outcome, attempt.status
        if outcome not in ("rejected", "timeout", "abandoned"):
            if outcome != "open":
                self._same.pop(registration.id)
            return
        final = attempt.last.final
        words = final.reason if final is not None else ""
        causes = [(rule, one) for rule, one in noted if brings_about(rule.explains, outcome, status)]
        before = self._same.get(registration.id)
        if not causes and before is not None and before[:3] == (outcome, status, words):
            causes = before[3]
        for finding in {id(one): one for _, one in causes}.values():  # two transactions may share one
            if finding.explains[-1:] != [attempt.first.id]:
                finding.explained += 1
                if len(finding.explains) < KEPT:
                    finding.explains.append(attempt.first.id)
        if causes:
            self._same[registration.id] = (outcome, status, words, causes)
        elif before is not None:
            self._same.pop(registration.id)
