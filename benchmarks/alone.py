"""What is measured of sipcheck beside the races: how fast it starts, how much memory it needs for how much traffic."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.competitors import mismatches, sipcheck_words, tools
from benchmarks.measure import Measured, run
from benchmarks.race import Notify
from benchmarks.traffic import Traffic

SAMPLE = "samples/asterisk-first-registration/input.txt"
_OFTEN = 20


@dataclass(slots=True)
class Start:
    """A command that has next to nothing to do, and what its runs took."""

    name: str
    command: list[str]
    accepted: tuple[int, ...] = (0,)
    missing: str = ""
    runs: list[Measured] = field(default_factory=list)


@dataclass(slots=True)
class Need:
    """The memory of one run over a capture; `faults` says what was not read."""

    name: str
    traffic: Traffic
    measured: Measured
    faults: list[str]


def starts(folder: Path, say: Notify, *, rounds: int = _OFTEN) -> list[Start]:
    """Start each command `rounds` times, in turn; the first round fills the caches and is not counted."""
    commands = _commands()
    for number in range(rounds + 1):
        for command in commands:
            if not command.missing:
                _start(command, folder, counted=number > 0)
    say(f"start: {rounds} rounds of {', '.join(command.name for command in commands if not command.missing)}")
    return commands


def _commands() -> list[Start]:
    (shark,) = (tool for tool in tools(media=False, slice_packets=1) if tool.name.startswith("tshark -T"))
    return [
        Start("python -c pass", [sys.executable, "-c", "pass"]),
        Start("sipcheck --help", [*sipcheck_words(), "--help"]),
        Start(f"sipcheck log {SAMPLE}", [*sipcheck_words(), "log", SAMPLE], accepted=(0, 1)),  # 1: it found something
        Start("tshark --version", ["tshark", "--version"], missing=shark.missing()),
    ]


def _start(command: Start, folder: Path, *, counted: bool) -> None:
    measured = run(command.command, folder)
    if measured.status not in command.accepted:
        command.missing = f"exit status {measured.status}"
        command.runs.clear()
    elif counted:
        command.runs.append(measured)


def needs(captures: Sequence[tuple[str, Traffic]], folder: Path, say: Notify) -> list[Need]:
    """Run sipcheck once over each capture."""
    ours = tools(media=False, slice_packets=1)[0]
    found = []
    for name, traffic in captures:
        measured = run(ours.command(traffic.path), folder)
        faults = [f"exit status {measured.status}"] if measured.status else []
        faults = faults or mismatches(ours.read(folder / "stdout"), traffic.counts())
        say(f"memory: {name}: {measured.peak / 2**20:,.0f} MiB, {measured.wall:.1f} s")
        found.append(Need(name, traffic, measured, faults))
    return found
