"""Why a response does not match: one substitution after another, until the response that was sent comes out.

A hypothesis declares an id of docs/rules/diagnosis.md, a title, and a generator that takes a recipe and yields changed
ones. There is one mechanism: compute each changed recipe, compare, stop at the first hit, which is conclusive (a chance
hit has 2^-128). Since a generator takes any recipe, a pair is one generator applied to the yield of another: all
hypotheses alone in the order of their ids, then pairs of the `cheap` ones.

Cost. A trial is at most five hashes, and one that makes it. `BUDGET` bounds the trials of one search: singles take some
hundreds, pairs the rest; `LOOKS` those that are only looked at, because they were computed before. `Diagnoser` bounds a
request and a whole run: identical credentials are searched once, an account that was searched `FRUITLESS` times in vain
is no longer searched for pairs, and after `TOTAL` trials or octets only causes that were found before are tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations, islice

from analyzer import plugins
from analyzer.register.digest.arithmetic import malformed
from analyzer.register.digest.diagnosis import hypotheses
from analyzer.register.digest.diagnosis.context import NOTHING_SEEN, DigestContext
from analyzer.register.digest.diagnosis.hypothesis import Case, Hypothesis, HypothesisModule, Trial, same
from analyzer.register.digest.diagnosis.recipe import Recipe, recipe_of
from analyzer.register.digest.input import DigestInput, clip
from analyzer.register.digest.secret import Secret
from analyzer.register.digest.secrets import Secrets

BUDGET = 4000
"""Trials of one search."""
OCTETS = 4_000_000
"""Octets that one search hashes and remembers, so that values of 60,000 octets do not cost 60,000 times as much."""
LOOKS = 40_000
"""Changed recipes of one search that are looked at, whether they are then computed or were before."""
SINGLES = 1500
"""Trials of a search that leaves the pairs out."""
PER_HYPOTHESIS = 400
"""Trials of one hypothesis on one recipe."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What makes the response come out.

    `hypothesis` is `D13`, or a pair `D12+D18`; `text` the cause in plain language; `formula` what was computed, with
    the secret masked. Neither text holds the secret or an HA1. `password_is_right`: the cause is another than the
    password, which the phone has as it is known.
    """

    hypothesis: str
    text: str
    formula: str = ""
    password_is_right: bool = False


@dataclass(slots=True)
class Search:
    """One search: `left` and `octets` count down, `trials` up; `seen` are the recipes already computed."""

    case: Case
    left: int
    trials: int = 0
    seen: set[Recipe] = field(default_factory=set)
    octets: int = OCTETS
    looks: int = LOOKS

    @property
    def spent(self) -> bool:
        """Whether the budget is used up."""
        return self.left <= 0 or self.octets <= 0 or self.looks <= 0

    def hits(self, trial: Trial) -> bool:
        """Whether the trial gives the response that was sent; False too when the budget is used up."""
        if trial.recipe is None:
            return True
        self.looks -= 1
        if self.spent or (trial.recipe in self.seen and trial.compare is same):
            return False
        self.octets -= trial.recipe.size()
        self.seen.add(trial.recipe)
        self.left -= 1
        self.trials += 1
        return trial.compare(trial.recipe.response(), self.case.digest.response)


@cache
def all_hypotheses() -> tuple[Hypothesis, ...]:
    """Every hypothesis that the modules of `hypotheses` declare, by id."""
    modules = plugins.load_all(hypotheses, HypothesisModule)
    return tuple(sorted((found for module in modules for found in module.HYPOTHESES), key=lambda found: str(found.id)))


def diagnose(
    digest: DigestInput,
    secret: Secret,
    context: DigestContext | None = None,
    secrets: Secrets | None = None,
    *,
    budget: int = BUDGET,
) -> Diagnosis | None:
    """The first hypothesis under which this secret gives the response sent, D00 first; None: none within the budget.

    `secrets` are the others that D29 tries. Never raises on wire values.
    """
    case = Case(digest, secret, secrets or Secrets(), context or NOTHING_SEEN)
    return run(Search(case, budget), all_hypotheses(), pairs=True)


def without_secret(digest: DigestInput, context: DigestContext | None) -> Diagnosis | None:
    """What is conclusive without any secret: a response that was sent before with another nonce or nc (D33)."""
    case = Case(digest, Secret(""), Secrets(), context or NOTHING_SEEN)
    base = recipe_of(digest, case.secret)
    if base is None or not digest.response.strip():
        return None
    for hypothesis in all_hypotheses():
        for trial in () if hypothesis.needs_secret else hypothesis.trials(base, case):
            return _diagnosis(case, (hypothesis,), (trial,))
    return None


def run(search: Search, tried: Iterable[Hypothesis], *, pairs: bool) -> Diagnosis | None:
    """Search through `tried` alone, then, if asked, the pairs of the cheap ones among them."""
    base = recipe_of(search.case.digest, search.case.secret)
    if base is None:
        return None
    broken = bool(malformed(search.case.digest))
    tried = tuple(hypothesis for hypothesis in tried if hypothesis.any_length or not broken)
    if search.hits(Trial(base, "")):
        return Diagnosis("D00", "the response is right", base.formula(), password_is_right=True)
    for hypothesis in tried:
        if search.spent and hypothesis.needs_secret:
            continue  # not even its trials are made; what needs no hash is told all the same
        for trial in islice(hypothesis.trials(base, search.case), PER_HYPOTHESIS):
            if search.hits(trial):
                return _diagnosis(search.case, (hypothesis,), (trial,))
    if broken:
        return None
    cheap = [hypothesis for hypothesis in tried if hypothesis.cheap]
    return _pairs(search, base, cheap) if pairs else None


def _pairs(search: Search, base: Recipe, cheap: list[Hypothesis]) -> Diagnosis | None:
    for one, other in combinations(cheap, 2) if not search.spent else ():
        for first, second in _chained(one, other, base, search.case):
            if search.spent:
                return None
            if search.hits(second):
                return _diagnosis(search.case, (one, other), (first, second))
    return None


def _chained(one: Hypothesis, other: Hypothesis, base: Recipe, case: Case) -> Iterator[tuple[Trial, Trial]]:
    for first in islice(one.trials(base, case), PER_HYPOTHESIS):
        if first.recipe is None or first.recipe == base:
            continue
        for second in islice(other.trials(first.recipe, case), PER_HYPOTHESIS):
            yield first, second


def _diagnosis(case: Case, found: tuple[Hypothesis, ...], trials: tuple[Trial, ...]) -> Diagnosis:
    text = "the response is " + "; and ".join(_sentence(case, trial) for trial in trials)
    recipe = trials[-1].recipe
    name = "+".join(hypothesis.id for hypothesis in found)
    keeps = all(hypothesis.keeps_password for hypothesis in found)
    return Diagnosis(name, text, recipe.formula() if recipe is not None else "", keeps)


def _sentence(case: Case, trial: Trial) -> str:
    """The cause with its value, unless the value holds a secret: a user name may be the password."""
    octets = trial.value if isinstance(trial.value, bytes) else trial.value.encode("utf-8", "surrogateescape")
    if any(held.reveal() and held.reveal() in octets for held in (case.secret, *islice(case.secrets, PER_HYPOTHESIS))):
        return trial.text.replace("{}", "a value that is not shown")
    return trial.text.replace("{}", f'"{clip(octets.decode("utf-8", "surrogateescape"))}"')
