"""`python -m benchmarks`: make the captures, run everything side by side, write table, JSON and picture."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from benchmarks.alone import needs, starts
from benchmarks.analysis import analyse
from benchmarks.competitors import Tool, storm_tools, tools
from benchmarks.machine import machine
from benchmarks.measure import ROOT
from benchmarks.paging import paging
from benchmarks.plot import draw
from benchmarks.race import Race, race
from benchmarks.replaying import replaying
from benchmarks.results import Results, as_json, as_markdown
from benchmarks.tabulation import tabulate
from benchmarks.targets import ANALYSIS, GROWN, LONG, MEDIA, STORM
from benchmarks.textual import textual
from benchmarks.traffic import Traffic, grown_in, media_in, storm_in

PARTS = (
    "storm",
    "grown",
    "long",
    "storms",
    "media",
    "start",
    "memory",
    "tables",
    "page",
    "analysis",
    "replay",
    "texts",
)
F = TypeVar("F", bound=Callable[..., Any])
_MEDIA_SLICES = 20  # so that SIP, not the start, is most of what pyshark does there
_BUILD = ROOT / "build" / "benchmarks"
MILLION = 1_000_000
_LARGE_MESSAGES = 4_120_000  # an exchange has a little more than four messages: each of a million phones gets its turn


@dataclass(frozen=True, slots=True)
class Settings:
    """What was asked for; the sizes count messages, packets and phones."""

    messages: int
    users: int
    packets: int
    media_users: int
    memory_messages: int
    table_messages: int
    analysis: tuple[int, ...]
    replay_users: int
    text_messages: int
    text_megabytes: int
    slice: int
    rounds: int
    start_rounds: int
    seed: int
    parts: tuple[str, ...]
    chosen: tuple[str, ...]
    large: bool
    captures: Path


def _say(line: str) -> None:
    click.echo(line, err=True)


def _size(name: str, default: int, text: str, least: int = 1) -> Callable[[F], F]:
    return click.option(name, type=click.IntRange(least), default=default, show_default=True, help=text)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@_size("--messages", 200_000, "Messages of the storm.", 4)
@_size("--users", 10_000, "Phones of the storm.")
@_size("--packets", 1_000_000, "Packets of the capture that is mostly media.", 200)
@_size("--media-users", 5_000, "Phones that register in it; sngrep's time grows with them.")
@_size("--memory-messages", 200_000, "Messages of the shorter capture of the memory part; the longer has ten times.", 4)
@_size("--table-messages", 50_000, "Messages of the capture that becomes tables, and a page.", 4)
@click.option(
    "--analysis",
    multiple=True,
    type=click.IntRange(1000),
    default=(MILLION, 10 * MILLION),
    show_default=True,
    help="Transactions of a table for the storm analysis; ten million take 4 GB of memory.",
)
@_size("--replay-users", 2_000, "Users as which one captured registration is replayed.")
@_size("--text-messages", 2_000, "Messages of the log that is SIP alone.", 4)
@_size("--text-megabytes", 1_000, "Size of the log of which one percent is SIP, at least.")
@_size("--slice", 5_000, "Packets of the storm given to pyshark; of the other capture it gets twenty times as many.")
@_size("--rounds", 5, "Rounds of the races.")
@_size("--start-rounds", 20, "Rounds of the starts.")
@click.option("--seed", default=1, show_default=True, help="Seed of the traffic.")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), default=PARTS, help="Only this part.")
@click.option("--tool", "chosen", multiple=True, metavar="NAME", help="Only programs whose name begins so.")
@click.option("--large", is_flag=True, help="Also the memory of a million phones (a capture of 2.5 GB).")
@click.option(
    "--captures", type=click.Path(path_type=Path), default=_BUILD / "captures", help="Where captures are kept."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=_BUILD / "results", help="Where the results go."
)
def main(output: Path, **given: Any) -> None:
    """Hold sipcheck against tshark, sngrep and pyshark on the same traffic. Captures are made once and kept."""
    settings = Settings(**given)
    output.mkdir(parents=True, exist_ok=True)
    results = measure(settings, lambda so_far: _write(so_far, output))
    click.echo(as_markdown(results))
    _say(f"written: {output / 'results'}.md, .json, .png")
    sys.exit(1 if results.faults() else 0)


def _write(results: Results, output: Path) -> None:
    (output / "results.json").write_text(json.dumps(as_json(results), indent=1), encoding="utf-8")
    (output / "results.md").write_text(as_markdown(results), encoding="utf-8")
    draw(results, output / "results.png")


def measure(settings: Settings, keep: Callable[[Results], None]) -> Results:
    """Run the parts that were asked for; after each, what there is so far is kept."""
    shown = {name: value for name, value in asdict(settings).items() if name != "captures"}
    results = Results(machine(), shown)
    with tempfile.TemporaryDirectory(prefix="sipcheck-benchmark-") as name:
        folder = Path(name)
        for raced in _races(settings, folder):
            results.races.append(raced)
            keep(results)
        if "start" in settings.parts:
            results.starts = starts(folder, _say, rounds=settings.start_rounds)
            keep(results)
        if "memory" in settings.parts:
            results.needs = needs(list(growing(settings)), folder, _say)
            keep(results)
        if "tables" in settings.parts:
            storm = storm_in(settings.captures, settings.table_messages, settings.users, settings.seed)
            results.tabulation = tabulate(storm, folder, settings.rounds, _say)
            keep(results)
        if "page" in settings.parts:
            storm = storm_in(settings.captures, settings.table_messages, settings.users, settings.seed)
            results.paging = paging(storm, folder, settings.rounds, _say)
            keep(results)
        if "analysis" in settings.parts:
            results.analyses = analyse(settings.analysis, folder, settings.rounds, _say)
            keep(results)
        if "replay" in settings.parts:
            results.replaying = replaying(settings.replay_users, folder, settings.rounds, _say)
            keep(results)
        if "texts" in settings.parts:
            storm = storm_in(settings.captures, settings.text_messages, settings.users, settings.seed)
            results.texts = textual(storm, folder, settings.text_megabytes, settings.rounds, _say)
            keep(results)
    return results


class Contest(NamedTuple):
    """A race to be run: in which part, its name, what is counted, how its capture is made, by whom, how often."""

    part: str
    name: str
    unit: str
    make: Callable[[], Traffic]
    tools: list[Tool]
    rounds: int


def contests(settings: Settings) -> list[Contest]:
    """The races of all parts."""
    place, users, seed, rounds = settings.captures, settings.users, settings.seed, settings.rounds
    on_storm = tools(media=False, slice_packets=settings.slice)
    on_media = tools(media=True, slice_packets=settings.slice * _MEDIA_SLICES)

    def storm() -> Traffic:
        return storm_in(place, settings.messages, users, seed)

    def long() -> Traffic:
        return storm_in(place, 10 * settings.memory_messages, users, seed)

    def media() -> Traffic:
        return media_in(place, settings.packets, settings.media_users, seed)

    return [
        Contest("storm", STORM, "messages/s", storm, on_storm, rounds),
        Contest("grown", GROWN, "messages/s", lambda: grown_in(place, settings.messages), on_storm, rounds),
        Contest("long", LONG, "messages/s", long, on_storm, 1),
        Contest("storms", ANALYSIS, "messages/s", long, storm_tools(), 1),
        Contest("media", MEDIA, "packets/s", media, on_media, rounds),
    ]


def _races(settings: Settings, folder: Path) -> Iterator[Race]:
    """The captures, each with those that run on it."""
    for contest in contests(settings):
        if contest.part in settings.parts:
            _say(f"{contest.name}: making the capture, if it is not there")
            found = chosen(settings, contest.tools)
            yield race(contest.name, contest.unit, contest.make(), found, contest.rounds, folder, _say)


def chosen(settings: Settings, found: list[Tool]) -> list[Tool]:
    """The competitors, less those that were not asked for."""
    return [tool for tool in found if not settings.chosen or tool.name.startswith(settings.chosen)]


def growing(settings: Settings) -> Iterator[tuple[str, Traffic]]:
    """The same phones for a while, for ten times as long, and a hundred times as many if asked for."""
    for name, messages in (("storm", settings.memory_messages), ("ten times as long", 10 * settings.memory_messages)):
        yield name, storm_in(settings.captures, messages, settings.users, settings.seed)
    if settings.large:
        yield "a million phones", storm_in(settings.captures, _LARGE_MESSAGES, MILLION, settings.seed)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
