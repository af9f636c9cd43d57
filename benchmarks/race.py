"""Programs side by side on one capture: in each round every one of them once, in turn."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.competitors import Counts, Tool, mismatches
from benchmarks.measure import Measured, run
from benchmarks.spread import Spread, ratio, spread
from benchmarks.traffic import Traffic

Notify = Callable[[str], None]
"""Where a line about the progress goes."""

OURS = "sipcheck"


@dataclass(slots=True)
class Result:
    """What became of one competitor: why it did not run, what was wrong with its runs, what they took. `packets` is how
    many it was given."""

    tool: str
    command: str
    packets: int
    skipped: str = ""
    faults: list[str] = field(default_factory=list)
    runs: list[Measured] = field(default_factory=list)

    @property
    def valid(self) -> bool:
        """Whether it ran, and did the whole job each time."""
        return bool(self.runs) and not self.faults

    @property
    def rates(self) -> list[float]:
        """Packets per second in each round."""
        return [self.packets / measured.wall for measured in self.runs]

    @property
    def rates_by_cpu(self) -> list[float]:
        """Packets per second of processor time in each round: what neighbours on the machine disturb least."""
        return [self.packets / measured.cpu for measured in self.runs]

    def blame(self, sentences: Sequence[str]) -> None:
        """Keep what was wrong, each sentence once."""
        self.faults.extend(sentence for sentence in sentences if sentence not in self.faults)


@dataclass(slots=True)
class Race:
    """All competitors on one capture."""

    name: str
    unit: str
    traffic: Traffic
    results: list[Result]

    def result(self, tool: str) -> Result | None:
        """What became of a competitor; None where it did not take part."""
        return next((result for result in self.results if result.tool == tool), None)

    def lead(self, result: Result, ours: str = OURS, *, by_cpu: bool = False) -> Spread | None:
        """How many times as fast as `result` we are, by the clock or by processor time; None where one of the two did
        not do the job."""
        mine = self.result(ours)
        if mine is None or mine is result or not (mine.valid and result.valid):
            return None
        return ratio(mine.rates_by_cpu, result.rates_by_cpu) if by_cpu else ratio(mine.rates, result.rates)


def race(name: str, unit: str, traffic: Traffic, tools: Sequence[Tool], rounds: int, folder: Path, say: Notify) -> Race:
    """Run the tools `rounds` times, round by round; `folder` takes their output."""
    results = [_entered(tool, traffic) for tool in tools]
    running = [(tool, result) for tool, result in zip(tools, results, strict=True) if not result.skipped]
    for tool, result in running:
        if tool.proof is not None:
            say(f"{name}: {tool.name}, once to see that it reads everything")
            _attempt(tool, tool.proof(traffic.path), result, traffic, folder)
    for number in range(1, rounds + 1):
        for tool, result in running:
            measured = _attempt(tool, tool.command(traffic.path), result, traffic, folder, silent=bool(tool.proof))
            if measured is not None:
                result.runs.append(measured)
                say(f"{name}: round {number}, {tool.name}: {measured.wall:.2f} s, {measured.peak / 2**20:,.0f} MiB")
    return Race(name, unit, traffic, results)


def _entered(tool: Tool, traffic: Traffic) -> Result:
    packets = min(tool.slice, traffic.totals.packets) if tool.slice else traffic.totals.packets
    command = shlex.join(
        word if word != str(traffic.path) else traffic.path.name for word in tool.command(traffic.path)
    )
    return Result(tool.name, command, packets, skipped=tool.missing())


def _attempt(
    tool: Tool, command: list[str], result: Result, traffic: Traffic, folder: Path, *, silent: bool = False
) -> Measured | None:
    """Run it and look whether it did the job; `silent` output is not looked at."""
    try:
        measured = run(command, folder)
    except OSError as error:
        result.blame([f"did not start: {error}"])
        return None
    if measured.status:
        result.blame([f"exit status {measured.status}: {_last_line(folder / 'stderr')}"])
    elif not silent:
        result.blame(mismatches(_counted(tool, folder), traffic.counts(tool.slice)))
    return measured


def _counted(tool: Tool, folder: Path) -> Counts:
    return tool.read(folder / "stdout")


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "no word")


def steady(result: Result, of: Callable[[Measured], float]) -> Spread:
    """Median and spread of one number over the runs."""
    return spread(map(of, result.runs))
