"""What became of a client: one word, in which every output agrees.

It refines the outcome of the client's attempts by what its timeline says. A binding that ran out before the source's
end, with no renewal seen, is no health: who registered for 30 s and was silent for a minute is `ran out`. Who is well
at the end and was refused, or could not be called, in between is `ok again`. Whose binding the registrar's list has no
more, though the client did not ask for that, is `taken away`: that may be its own successor, so it is no trouble by
itself (`in doubt` where the registrar may not list all that is bound). Where the answer to its last request is missing
in the capture, it is `unclear` as soon as that matters. A failed sign-off is no failed registration:
calls still go to a phone that is gone (`not removed`), unless its binding had run out before; nor is a sign-off good
that was accepted, if the registrar lists the contact again. And a query that is refused refuses nobody.
"""

from __future__ import annotations

from typing import Literal, get_args

from analyzer.register.attempt import Outcome
from analyzer.register.history import FAILED, AttemptRecord
from analyzer.register.registration import Registration

ClientState = Literal[
    "registered",
    "ok again",
    "refused",
    "no answer",
    "gave up",
    "ran out",
    "not removed",
    "taken away",
    "in doubt",
    "signed off",
    "asked",
    "open",
    "unclear",
]
CLIENT_STATES: tuple[ClientState, ...] = get_args(ClientState)
_OF_OUTCOME: dict[Outcome, ClientState] = {
    "registered": "registered",
    "rejected": "refused",
    "timeout": "no answer",
    "abandoned": "gave up",
    "removed": "signed off",
    "fetched": "asked",
    "open": "open",
    "unknown": "unclear",
}


def state_of_outcome(outcome: str) -> ClientState:
    """The state of a client of which nothing but its outcome is known."""
    return _OF_OUTCOME[outcome]  # type: ignore[index]


def state_of(one: Registration) -> ClientState:
    """What became of a registration, as far as the source goes."""
    if one.outcome == "removed" and one.reach.is_listed_again:
        return "not removed"
    current = one.reach.current
    is_bound = current is not None and current.state == "bound"
    if one.outcome != "registered" and not (one.outcome == "removed" and is_bound):  # of several contacts one is left
        return _unregistered(one)
    if one.reach.ran_out is not None:
        return "ran out"
    if one.reach.is_taken_away:
        return "taken away"
    if one.reach.is_doubted:
        return "in doubt"
    if one.reach.is_unseen:
        return "unclear"
    if one.reach.is_signed_off:
        return "signed off"  # the answer to that was not seen, but a later list
    return "ok again" if one.reach.gaps or one.history.episodes else "registered"


def _unregistered(one: Registration) -> ClientState:
    """... whose latest attempt gave it no binding."""
    last = one.history.last
    if last is None or one.outcome not in FAILED:
        return state_of_outcome(one.outcome)
    if _went_on(one, last):
        return "unclear" if one.reach.is_unseen else "ran out"
    if last.purpose == "query" and last.outcome == "rejected":
        return "asked"
    if not _is_signing_off(one):
        return state_of_outcome(one.outcome)
    if one.reach.is_signed_off:
        return "signed off"  # it had done so before
    over = one.reach.ran_out
    return "ran out" if over is not None and last.start is not None and over < last.start else "not removed"


def _went_on(one: Registration, last: AttemptRecord) -> bool:
    """Whether it has sent a request since its latest failure, to which the answer is missing."""
    current = one.reach.current
    if current is None:
        return False
    by = current.by if one.reach.is_unseen else one.reach.unseen_before(current)
    return by is not None and by.time is not None and last.start is not None and last.start < by.time


def _is_signing_off(one: Registration) -> bool:
    """Whether the latest failure is that of a sign-off, of something that may be bound: not where it was refused, and
    never had success, when it wanted to register."""
    last = one.history.last
    if last is None or last.purpose != "remove" or one.outcome not in FAILED:
        return False
    return one.outcomes["registered"] > 0 or one.history.episodes[-1].first.purpose == "remove"
