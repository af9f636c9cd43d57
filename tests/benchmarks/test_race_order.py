"""A race runs its tools in turn, gives each its packets, and says what happens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import __main__ as benchmark
from benchmarks import competitors
from benchmarks.__main__ import Settings
from benchmarks.competitors import Tool
from benchmarks.race import race
from benchmarks.storm import Totals
from benchmarks.traffic import Traffic, storm_in

SETTINGS = Settings(
    messages=40, users=4, packets=2000, media_users=4, memory_messages=40, table_messages=40,
    analysis=(1000,), replay_users=2, text_messages=40, text_megabytes=1, slice=10, rounds=1, start_rounds=1, seed=1,
    parts=("storm",), chosen=(), large=False, captures=Path("captures"),
)  # fmt: skip


def runner(name: str, log: Path, *, missing: str = "", proof: bool = False, slice_packets: int = 0) -> Tool:
    """A tool that leaves its name."""

    def words(path: Path) -> list[str]:
        return ["sh", "-c", f"echo {name} {path.name} >> {log}"]

    return Tool(name, words, lambda out: {}, lambda: missing, proof=words if proof else None, slice=slice_packets)


def test_round_by_round_each_in_turn(tmp_path: Path) -> None:
    log = tmp_path / "log"
    tools = [runner("a", log), runner("b", log, proof=True), runner("c", log, missing="gone"), runner("d", log)]
    heard: list[str] = []
    found = race("x", "y/s", Traffic(Path("t.pcap"), Totals(packets=100)), tools, 3, tmp_path, heard.append)
    assert [line.split()[0] for line in log.read_text().splitlines()] == ["b", *"abdabdabd"]
    assert [len(result.runs) for result in found.results] == [3, 3, 0, 3]
    assert found.results[2].skipped == "gone"
    assert len(heard) == 10
    assert heard[0] == "x: b, once to see that it reads everything"


@pytest.mark.parametrize(("slice_packets", "packets"), [(0, 100), (30, 30), (500, 100)])
def test_rate_is_that_of_the_packets_given(slice_packets: int, packets: int, tmp_path: Path) -> None:
    tools = [runner("a", tmp_path / "log", slice_packets=slice_packets)]
    (result,) = race("x", "y/s", storm_in(tmp_path, 100, 5), tools, 2, tmp_path, print).results
    assert result.packets == packets
    assert result.rates == [packets / measured.wall for measured in result.runs]


@pytest.mark.parametrize("has", [True, False])
def test_one_process_where_there_is_a_choice(has: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(competitors, "_has_jobs", lambda: has)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    one, two = competitors.tools(media=False, slice_packets=1)[:2]
    assert one.command(Path("t.pcap"))[-2:] == (["--jobs", "1"] if has else ["never", "--no-progress"])
    assert two.command(Path("t.pcap"))[-2:] == ["--jobs", "2"]
    assert two.missing() == ("" if has else "this sipcheck has no --jobs")


def test_one_core_has_no_second_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert competitors.tools(media=False, slice_packets=1)[1].missing() == "one core"


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (("sipcheck",), ["sipcheck", "sipcheck --jobs 2"]),
        (("tshark -q", "sngrep"), ["tshark -q -z sip,stat", "sngrep -N -q"]),
        (("nothing",), []),
    ],
)
def test_tools_are_chosen_by_how_they_begin(asked: tuple[str, ...], names: list[str]) -> None:
    everyone = competitors.tools(media=True, slice_packets=1)
    assert [tool.name for tool in benchmark.chosen(replace(SETTINGS, chosen=asked), everyone)] == names


def test_contests() -> None:
    """Pyshark gets more where little is SIP; what takes minutes is run once."""
    found = {one.part: (one.rounds, one.tools[-1].slice) for one in benchmark.contests(SETTINGS)}
    once = {"long": (1, 10), "storms": (1, 0)}
    assert (
        found
        == {"storm": (SETTINGS.rounds, 10), "grown": (SETTINGS.rounds, 10), "media": (SETTINGS.rounds, 200)} | once
    )


@pytest.mark.parametrize(
    ("large", "sizes"), [(False, [(40, 4), (400, 4)]), (True, [(40, 4), (400, 4), (4_120_000, 1_000_000)])]
)
def test_memory_is_measured_over_longer_and_larger(
    large: bool, sizes: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[int, int]] = []

    def noted(folder: Path, messages: int, users: int, seed: int) -> Traffic:
        made.append((messages, users))
        return Traffic(folder, Totals())

    monkeypatch.setattr(benchmark, "storm_in", noted)
    assert len(list(benchmark.growing(replace(SETTINGS, large=large)))) == len(sizes)
    assert made == sizes
