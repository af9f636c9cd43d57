"""The processes that share the work on a capture that is read in columns (`--jobs`, docs/columnar.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TypeVar

_Found = TypeVar("_Found")


@dataclass(slots=True)
class Crew:
    """So many processes; `notes` are what the report has to say of them."""

    jobs: int = 1
    notes: list[str] = field(default_factory=list)

    def spread(self, works: Sequence[Callable[[], _Found]]) -> list[_Found] | None:
        """What each of these gives, in order: the first is done in this process, each of the others in a fork of it,
        whose changes are lost but for what it gives, and what it writes into shared memory. None where one process has
        to do all, because there are no forks or one died. Raises what one of them raises, the first in order."""
        from analyzer.run.forks import WorkerDied, can_fork, spread  # late: one process alone does not pay for it

        if not can_fork():
            return None
        try:
            return spread(works)
        except WorkerDied as death:
            if death.note not in self.notes:
                self.notes.append(death.note)
            return None

    def each(self, works: Sequence[Callable[[], _Found]]) -> list[_Found]:
        """The same of any number of works, of which each process does some; one does all where it has to."""
        jobs = min(self.jobs, len(works))
        hands = [works[len(works) * one // jobs : len(works) * (one + 1) // jobs] for one in range(jobs)]
        found = self.spread([partial(_all_of, own) for own in hands]) if jobs > 1 else None
        return _all_of(works) if found is None else list(chain.from_iterable(found))


def _all_of(works: Sequence[Callable[[], _Found]]) -> list[_Found]:
    return [work() for work in works]
