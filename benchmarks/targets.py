"""What speed and memory are wanted, beside what was measured: one table over all parts of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from benchmarks.alone import Need
from benchmarks.race import OURS, Race

STORM, GROWN, LONG, ANALYSIS, MEDIA = "storm", "grown samples", "long storm", "storm analysis", "mostly media"
"""Names of the races."""

HEAD = (
    "How many times as fast as the other by processor time, of the same rounds (jobs: by the clock); memory is what "
    "sipcheck takes for itself, in MiB."
)
COLUMNS = ("work", "measured", "wanted", "then", "")


class Aim(NamedTuple):
    """A row: what for, what was measured (None: not in this run), what is wanted first and then (None: no more)."""

    work: str
    measured: float | None
    wanted: float
    then: float | None
    is_most: bool = False

    @property
    def outcome(self) -> str:
        """Whether it is reached, in a word."""
        if self.measured is None:
            return ""
        if self._fits(self.then):
            return "reached, the second too"
        return "reached" if self._fits(self.wanted) else "missed"

    def _fits(self, bound: float | None) -> bool:
        if bound is None or self.measured is None:
            return False
        return self.measured <= bound if self.is_most else self.measured >= bound


def aims(races: Sequence[Race], needs: Sequence[Need]) -> list[Aim]:
    """The rows of what was measured."""
    found = [*_of_races({race.name: race for race in races}), *_of_needs(needs)]
    return [aim for aim in found if aim.measured is not None]


def _of_races(races: dict[str, Race]) -> Iterator[Aim]:
    def lead(name: str, tool: str, ours: str = OURS, *, by_cpu: bool = True) -> float | None:
        race = races.get(name)
        result = race.result(tool) if race else None
        spread = race.lead(result, ours, by_cpu=by_cpu) if race and result else None
        return spread.median if spread else None

    yield Aim("storm, against `tshark -T fields`", lead(STORM, "tshark -T fields"), 3.5, 5)
    yield Aim("storm, against `sngrep -N -q`", lead(STORM, "sngrep -N -q"), 1.2, 2)
    yield Aim("ten times as long, against `tshark -T fields`", lead(LONG, "tshark -T fields"), 5, 7)
    yield Aim(
        "retransmissions, auth loops, a slow server, against `tshark -T fields`",
        lead(GROWN, "tshark -T fields"),
        2,
        3.5,
    )
    yield Aim("mostly media, against `tshark -Y sip -T fields`", lead(MEDIA, "tshark -Y sip -T fields"), 20, 30)
    message_by_message = lead(ANALYSIS, "sipcheck storm, message by message", "sipcheck storm")
    yield Aim("`sipcheck storm`, against message by message", message_by_message, 12, 20)
    for name in (STORM, LONG):
        yield Aim(
            f"`--jobs 2` against `--jobs 1`, {name}", lead(name, OURS, f"{OURS} --jobs 2", by_cpu=False), 1.7, 1.9
        )


_MEMORY: dict[str, tuple[float, float | None]] = {"ten times as long": (300, 250), "a million phones": (1229, None)}


def _of_needs(needs: Sequence[Need]) -> Iterator[Aim]:
    for need in needs:
        if need.name in _MEMORY and not need.faults:
            wanted, then = _MEMORY[need.name]
            yield Aim(f"memory, {need.name}", need.measured.own / 2**20, wanted, then, is_most=True)
        if need.name == "a million phones" and not need.faults:
            yield Aim("processor seconds, a million phones", need.measured.cpu, 60, None, is_most=True)


def rows_of(races: Sequence[Race], needs: Sequence[Need]) -> list[tuple[str, ...]]:
    """Cells of the table; empty where nothing of it was measured."""
    return [
        (aim.work, f"{aim.measured:,.2f}", f"{aim.wanted:g}", f"{aim.then:g}" if aim.then else "", aim.outcome)
        for aim in aims(races, needs)
    ]


def as_records(races: Sequence[Race], needs: Sequence[Need]) -> list[dict[str, Any]]:
    """For the JSON."""
    return [{**aim._asdict(), "outcome": aim.outcome} for aim in aims(races, needs)]
