"""Faults in the response as shown: damaged by a log or a copy, or sent before."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.register.digest.diagnosis.hypothesis import Case, Hypothesis, Trial
from analyzer.register.digest.diagnosis.recipe import Recipe

SHORTEST = 8
"""Hex digits below which a piece of a response proves nothing: 32 bits, against some thousand trials."""


def _damaged_value(recipe: Recipe, case: Case) -> Iterator[Trial]:
    text = "right, but the value shown is damaged: only a part of its digits is there"
    yield Trial(recipe, text, compare=_part_of)


def _part_of(computed: str, sent: str) -> bool:
    shown = "".join(sent.split()).lower()
    return len(shown) >= SHORTEST and computed != sent.strip().lower() and shown in computed


def _repeated_response(recipe: Recipe, case: Case) -> Iterator[Trial]:
    sent = case.digest.response.strip().lower()
    for before in case.context.earlier:
        if before.response.strip().lower() == sent and (before.nonce, before.nc) != (case.digest.nonce, case.digest.nc):
            text = "not computed anew: the same one was sent before with nonce and nc {}"
            yield Trial(None, text, f"{before.nonce}, {before.nc}" if before.nc else before.nonce)


HYPOTHESES = (
    Hypothesis("D31", "logged value damaged", _damaged_value, any_length=True, keeps_password=False),
    Hypothesis("D33", "response cached", _repeated_response, needs_secret=False, any_length=True, keeps_password=False),
)
