"""What an exchange came to, in a word, and how then and now relate (RFC 3261 10.2, 10.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analyzer.register.requested import Purpose, purpose_of
from analyzer.sip.message import Message
from replay.events import StepResult
from replay.plan import Step

_DONE: dict[Purpose, str] = {"query": "fetched", "removal": "removed", "registration": "registered"}


def outcome_word(request: Message, status: int) -> str:
    """`registered`, `removed` (every expiry 0), `fetched` (no Contact), `refused`, `no response`; with the status."""
    if status == 0:
        return "no answer"
    if not 200 <= status < 300:
        return f"refused ({status})"
    return f"{_DONE[purpose_of(request)]} ({status})"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The last chain's outcome then and now; `same` if every chain of the flow ended as it did then.

    `unlike` numbers the steps whose chain ended otherwise, `words` say how the first of them did. `now` is "" where
    nothing was sent.
    """

    then: str
    now: str
    same: bool
    unlike: tuple[int, ...] = ()
    words: str = ""


def outcome_then(steps: Sequence[Step]) -> str:
    """The outcome of the captured flow."""
    last = steps[-1].exchange
    return outcome_word(last.request, last.status)


def outcome_of(steps: Sequence[Step], results: Sequence[StepResult]) -> Outcome:
    """Hold the responses of now against those of then; a step that was never sent is not as it was."""
    by_number = {result.step.number: result for result in results}
    unlike = [
        step
        for step in steps
        if step.is_last and ((result := by_number.get(step.number)) is None or result.status != step.exchange.status)
    ]
    words = ""
    if unlike:
        first = unlike[0]
        where = f"step {first.number} " if len(steps) > 1 else ""
        words = (
            f"{where}{_now(first, by_number)} now, {outcome_word(first.exchange.request, first.exchange.status)} then"
        )
    now = _now(steps[-1], by_number) if steps[-1].number in by_number else ""
    return Outcome(outcome_then(steps), now, not unlike, tuple(step.number for step in unlike), words)


def _now(step: Step, by_number: Mapping[int, StepResult]) -> str:
    result = by_number.get(step.number)
    if result is None or not result.tries:
        return "not sent"
    return outcome_word(step.exchange.request, result.status)
