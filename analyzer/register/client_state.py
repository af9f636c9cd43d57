"""What became of a client: one word, in which every output agrees.

It refines the outcome of the client's attempts by what its timeline says. A binding that ran out before the source's
end, with no renewal seen, is no health: who registered for 30 s and was silent for a minute is `ran out`. Who is well
at the end and was refused, or could not be called, in between is `ok again`. Whose binding the registrar's list has no
more, though the client did not ask for that, is `taken away`: that may be its own successor, so it is no trouble by
itself. And a failed sign-off is no failed registration: calls still go to a phone that is gone (`not removed`).
"""

from __future__ import annotations

from typing import Literal, get_args

from analyzer.register.attempt import Outcome
from analyzer.register.history import FAILED
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
    if one.outcome != "registered":
        last = one.history.last
        signing_off = last is not None and last.purpose == "remove" and one.outcome in FAILED
        return "not removed" if signing_off else state_of_outcome(one.outcome)
    if one.reach.ran_out is not None:
        return "ran out"
    if one.reach.is_taken_away:
        return "taken away"
    return "ok again" if one.reach.gaps or one.history.episodes else "registered"
