"""What a hypothesis declares, and what it may look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from analyzer.register.digest.diagnosis.context import DigestContext
from analyzer.register.digest.diagnosis.recipe import Recipe
from analyzer.register.digest.input import DigestInput
from analyzer.register.digest.secret import Secret
from analyzer.register.digest.secrets import Secrets


class Case(NamedTuple):
    """The credentials, the secret held against them, all secrets, and the surroundings."""

    digest: DigestInput
    secret: Secret
    secrets: Secrets
    context: DigestContext


def same(computed: str, sent: str) -> bool:
    """The ordinary comparison: all digits, in either case (RFC 3261 25.1 LHEX, read leniently)."""
    return computed == sent.strip().lower()


class Trial(NamedTuple):
    """One substitution: the changed recipe (None: conclusive without any hash), the cause, and the value it names.

    `text` goes on after `the response is`; `{}` in it is replaced by `value`, which comes
    from the wire or the tool and is left out where it holds the secret.
    """

    recipe: Recipe | None
    text: str
    value: str | bytes = ""
    compare: Callable[[str, str], bool] = same


Trials = Callable[[Recipe, Case], Iterator[Trial]]


class Hypothesis(NamedTuple):
    """An id and title of docs/rules/diagnosis.md, the trials, and whether it is cheap enough to be tried in pairs.

    One that needs no secret is decided by its trials alone. `any_length`: it can explain a response that has not the
    length or the alphabet of its algorithm; no other can. `keeps_password`: it hashes the password that is known as it
    is, so that a response which comes out proves that the phone has it.
    """

    id: str
    title: str
    trials: Trials
    cheap: bool = False
    needs_secret: bool = True
    any_length: bool = False
    keeps_password: bool = True


class HypothesisModule(Protocol):
    """A module of `hypotheses/`: a few related hypotheses. All are tried in the order of their ids, which no two share,
    until one gives the response that was sent or the budget is spent."""

    @property
    def HYPOTHESES(self) -> tuple[Hypothesis, ...]:
        """The hypotheses of this module. Their trials never raise on wire values, and compute no hash themselves."""
