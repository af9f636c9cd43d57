"""The bounds of a whole run: a storm of 8,000 clients with wrong passwords must not cost 8,000 full searches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from analyzer.register.diagnosis.context import NOTHING_SEEN, DigestContext
from analyzer.register.diagnosis.engine import BUDGET, SINGLES, Diagnosis, Search, all_hypotheses, run
from analyzer.register.diagnosis.hypothesis import Case
from analyzer.register.digest import DigestInput
from analyzer.register.secret import Secret
from analyzer.register.secrets import Secrets

TOTAL = 400_000
"""Trials of one run, after which only causes already found are tried."""
FRUITLESS = 3
"""Full searches of one account without a cause, after which pairs are left out for it."""
_KEPT = 4096
_TRIED = {
    "in pairs": "D01-D35 alone and the simple ones in pairs",
    "alone": "D01-D35 alone",
    "after many mismatches": "the mistakes found before in this run",
}


class Diagnoser:
    """Searches with a memory; one per run. `trials` counts what was spent, `skipped` the searches cut short.

    `tried` says of the last search what was tried in vain.
    """

    def __init__(self, *, budget: int = BUDGET, total: int = TOTAL) -> None:
        self.budget = budget
        self.total = total
        self.trials = 0
        self.skipped = 0
        self.tried = ""
        self._results: dict[tuple[DigestInput, Secret], tuple[Diagnosis | None, str]] = {}
        self._fruitless: Counter[tuple[str, str]] = Counter()
        self._found: set[str] = set()

    def first_found(
        self, digest: DigestInput, candidates: Sequence[Secret], secrets: Secrets, context: DigestContext | None
    ) -> Diagnosis | None:
        """The first cause that any of the candidate secrets gives."""
        for secret in candidates:
            found = self.diagnose(digest, secret, secrets, context)
            if found is not None:
                return found
        return None

    def diagnose(
        self, digest: DigestInput, secret: Secret, secrets: Secrets, context: DigestContext | None = None
    ) -> Diagnosis | None:
        """As `engine.diagnose`, within what is left of the run."""
        key = (digest, secret)
        if key not in self._results:
            if len(self._results) >= _KEPT:
                self._results.clear()
            self._results[key] = self._search(Case(digest, secret, secrets, context or NOTHING_SEEN))
        found, self.tried = self._results[key]
        return found

    def _search(self, case: Case) -> tuple[Diagnosis | None, str]:
        account = (case.digest.username, case.digest.realm)
        spent = self.trials >= self.total
        pairs = not spent and self._fruitless[account] < FRUITLESS
        tried = [one for one in all_hypotheses() if not spent or one.id in self._found]
        search = Search(case, self.budget if pairs else min(self.budget, SINGLES))
        found = run(search, tried, pairs=pairs)
        self.trials += search.trials
        self.skipped += not pairs
        if found is None:
            self._fruitless[account] += 1
        else:
            self._found.update(found.hypothesis.split("+"))
        kind = "after many mismatches" if spent else "in pairs" if pairs else "alone"
        return found, f"{'part of ' if search.spent else ''}{_TRIED[kind]}"
