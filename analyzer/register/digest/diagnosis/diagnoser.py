"""The bounds of a whole run: a storm of 8,000 clients with wrong passwords must not cost 8,000 full searches."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.register.bounded import Notes
from analyzer.register.digest.diagnosis.context import NOTHING_SEEN, DigestContext
from analyzer.register.digest.diagnosis.engine import BUDGET, OCTETS, SINGLES, Diagnosis, Search, all_hypotheses, run
from analyzer.register.digest.diagnosis.hypothesis import Case
from analyzer.register.digest.input import DigestInput
from analyzer.register.digest.secret import Secret
from analyzer.register.digest.secrets import Secrets

TOTAL = 400_000
"""Trials of one run, after which only causes already found are tried."""
TOTAL_OCTETS = 400_000_000
"""Octets hashed by the trials of one run, with the same end: a trial of ordinary values hashes some 200."""
LATE = 200
"""Trials of one search after that, so that a request costs no more, however many causes were found before."""
LATE_OCTETS = 200_000
"""Octets of one search after that."""
SEARCHED = 4
"""Secrets of one user for which a cause is searched, the best first: an old and a new password, and that for all. The
others are held against the response as it stands."""
MOST_ACCOUNTS = 50_000
"""Accounts whose fruitless searches are counted."""
FRUITLESS = 3
"""Full searches of one account without a cause, after which pairs are left out for it."""
_KEPT = 4096
_LONGEST_KEPT = 4096
"""Octets of credentials whose search is remembered."""
_TRIED = {
    "in pairs": "D01-D37 alone and the simple ones in pairs",
    "alone": "D01-D37 alone",
    "after many mismatches": "the mistakes found before in this run",
}


class Diagnoser:
    """Searches with a memory; one per run.

    `trials` and `octets` count what was spent, `skipped` the searches cut short; `tried` says of the last search what
    was tried in vain.
    """

    def __init__(self, *, budget: int = BUDGET, total: int = TOTAL) -> None:
        self.budget = budget
        self.total = total
        self.trials = self.octets = 0
        self.skipped = 0
        self.tried = ""
        self._results: dict[tuple[DigestInput, Secret], tuple[Diagnosis | None, str]] = {}
        self._fruitless: Notes[int, int] = Notes(MOST_ACCOUNTS)
        self._found: set[str] = set()

    def first_found(
        self, digest: DigestInput, candidates: Sequence[Secret], secrets: Secrets, context: DigestContext | None
    ) -> Diagnosis | None:
        """The first cause that any of the best candidate secrets gives."""
        for secret in candidates[:SEARCHED]:
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
            found, self.tried = self._search(Case(digest, secret, secrets, context or NOTHING_SEEN))
            if len(self._results) >= _KEPT:
                self._results.clear()
            if sum(len(value) for value in digest if isinstance(value, str | bytes)) <= _LONGEST_KEPT:
                self._results[key] = found, self.tried
            return found
        found, self.tried = self._results[key]
        return found

    def _search(self, case: Case) -> tuple[Diagnosis | None, str]:
        account = hash((case.digest.username, case.digest.realm))
        fruitless = self._fruitless.get(account) or 0
        spent = self.trials >= self.total or self.octets >= TOTAL_OCTETS
        pairs = not spent and fruitless < FRUITLESS
        tried = [one for one in all_hypotheses() if not spent or one.id in self._found]
        budget = self.budget if pairs else min(self.budget, LATE if spent else SINGLES)
        search = Search(case, budget, octets=LATE_OCTETS if spent else OCTETS)
        before = search.octets
        found = run(search, tried, pairs=pairs)
        self.trials += search.trials
        self.octets += before - search.octets
        self.skipped += not pairs
        if found is None:
            self._fruitless.note(account, fruitless + 1)
        else:
            self._found.update(found.hypothesis.split("+"))
        kind = "after many mismatches" if spent else "in pairs" if pairs else "alone"
        return found, f"{'part of ' if search.spent else ''}{_TRIED[kind]}"
