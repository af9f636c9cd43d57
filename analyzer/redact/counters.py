"""Nonces that count up: moved together, so that they still do.

A server whose nonces are a counter or a clock can be told what comes next, and that is a finding
(`R7616-3.3-challenge-quality`). So of four and more nonces of a realm that are numbers, each a little more than the one
before, the first is moved to a place that the key says, and all others as far. Who knows one of them knows the others,
as whoever was challenged does. All other nonces tell nothing of one another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from analyzer.register.challenges import most_step, number_of

LEAST = 4
"""Nonces that make a counter: three steps, as the rule has it."""
MOST_KNOWN = 200_000
"""Nonces that are remembered, so that one that is given out again is no step; of a file with more, no more counters."""
_TRIES = 400


@dataclass(slots=True)
class _Run:
    """The latest nonces of a realm that went up by small steps."""

    last: int = -1
    members: list[str] = field(default_factory=list)


class Counters:
    """`note` the nonces in the order in which they were given out; `runs` are those that count up."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}
        self._known: set[tuple[str, str]] = set()
        self._done: list[list[str]] = []

    def note(self, realm: str, nonce: str) -> None:
        """A nonce of a realm, in small letters; one that was there before is no new one."""
        value = number_of(nonce)
        if (realm, nonce) in self._known or len(self._known) >= MOST_KNOWN:
            return
        self._known.add((realm, nonce))
        run = self._runs.setdefault(realm, _Run())
        like = run.members[-1:] and _form(run.members[-1]) == _form(nonce)
        if value is None or not like or not 0 < value - run.last <= most_step(nonce):
            self._end(run)
            run.members = []
        if value is not None:
            run.last = value
            run.members.append(nonce)

    def runs(self) -> Iterator[list[str]]:
        """The nonces that count up, run by run."""
        yield from self._done
        yield from (run.members for run in self._runs.values() if len(run.members) >= LEAST)

    def _end(self, run: _Run) -> None:
        if len(run.members) >= LEAST:
            self._done.append(run.members)


def _form(nonce: str) -> tuple[int, bool]:
    return len(nonce), nonce.isdigit()


def moved(run: list[str], digest: Callable[[str, str], bytes], is_free: Callable[[str], bool]) -> dict[str, str]:
    """What stands for each of a run: as far from another first one, with as many digits, and a letter in each where
    there is one. Empty where there is no place for all of them."""
    length, decimal = len(run[0]), run[0].isdigit()
    values = [int(one, 10 if decimal else 16) for one in run]
    first, span = values[0], values[-1] - values[0]
    base, begin = (10, 10 ** (length - 1)) if decimal else (16, 10 * 16 ** (length - 1))
    room = base**length - span - begin
    for count in range(_TRIES if room > 0 else 0):
        start = begin + int.from_bytes(digest("counter", f"{count}\0{run[0]}")[:20], "big") % room
        made = [f"{start + value - first:{'d' if decimal else 'x'}}" for value in values]
        if all(map(is_free, made)):
            return dict(zip(run, made, strict=True))
    return {}
