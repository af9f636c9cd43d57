"""The table of what is wanted: each row's number is that of its race, and what was not measured has none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import targets
from benchmarks.alone import Need
from benchmarks.measure import Measured
from benchmarks.race import Race, Result
from benchmarks.results import Results, as_json, as_markdown
from benchmarks.storm import Totals
from benchmarks.targets import Aim, aims
from benchmarks.traffic import Traffic

TRAFFIC = Traffic(Path("made.pcap"), Totals(packets=1000, messages=1000, users=50))


def run(cpu: float, wall: float = 1.0, own: int = 1) -> Measured:
    """A run that took so many seconds, and MiB of its own."""
    return Measured(0, wall, cpu, 0.0, 9 * own * 2**20, own * 2**20)


def contest(name: str, **cpu: float) -> Race:
    """One round; processor seconds by tool, with `_` for a blank."""
    return Race(name, "messages/s", TRAFFIC, [Result(tool, "", 1000, runs=[run(took)]) for tool, took in cpu.items()])


def against(name: str, ours: float, tool: str, theirs: float) -> Race:
    """We and one other."""
    return contest(name, **{"sipcheck": ours, tool: theirs})


@pytest.mark.parametrize(
    ("race", "work", "measured"),
    [
        (against("storm", 2, "tshark -T fields", 6), "storm, against `tshark -T fields`", 3),
        (against("storm", 2, "sngrep -N -q", 1), "storm, against `sngrep -N -q`", 0.5),
        (against("long storm", 2, "tshark -T fields", 12), "ten times as long, against `tshark -T fields`", 6),
        (
            against("grown samples", 4, "tshark -T fields", 2),
            "retransmissions, auth loops, a slow server, against `tshark -T fields`",
            0.5,
        ),
        (
            against("mostly media", 1, "tshark -Y sip -T fields", 12),
            "mostly media, against `tshark -Y sip -T fields`",
            12,
        ),
        (
            contest("storm analysis", **{"sipcheck storm": 2, "sipcheck storm, message by message": 30}),
            "`sipcheck storm`, against message by message",
            15,
        ),
    ],
)
def test_number_of_a_race(race: Race, work: str, measured: float) -> None:
    (aim,) = aims([race], [])
    assert aim.work == work and aim.measured == pytest.approx(measured)


def test_second_process_is_measured_by_the_clock() -> None:
    one = Result("sipcheck", "", 1000, runs=[run(2.0, wall=3.0)])
    two = Result("sipcheck --jobs 2", "", 1000, runs=[run(3.0, wall=2.0)])
    (aim,) = aims([Race("long storm", "messages/s", TRAFFIC, [one, two])], [])
    assert (aim.work, aim.measured) == ("`--jobs 2` against `--jobs 1`, long storm", 1.5)


def test_memory_is_own_memory() -> None:
    needs = [Need("storm", TRAFFIC, run(1, own=100), []), Need("ten times as long", TRAFFIC, run(1, own=260), [])]
    assert [(aim.work, aim.measured, aim.outcome) for aim in aims([], needs)] == [
        ("memory, ten times as long", 260, "reached")
    ]


def test_a_million_phones_have_seconds_too() -> None:
    found = aims([], [Need("a million phones", TRAFFIC, run(61, own=1000), [])])
    assert [(aim.work, aim.outcome) for aim in found] == [
        ("memory, a million phones", "reached"),
        ("processor seconds, a million phones", "missed"),
    ]


def test_who_failed_has_no_number() -> None:
    race = against("storm", 2, "tshark -T fields", 6)
    race.results[1].blame(["saw nothing"])
    assert not aims([race], [Need("ten times as long", TRAFFIC, run(1), ["exit status 3"])])


@pytest.mark.parametrize(
    ("aim", "outcome"),
    [
        (Aim("speed", 1.9, 2, 3), "missed"),
        (Aim("speed", 2, 2, 3), "reached"),
        (Aim("speed", 3, 2, 3), "reached, the second too"),
        (Aim("memory", 301, 300, 250, is_most=True), "missed"),
        (Aim("memory", 300, 300, 250, is_most=True), "reached"),
        (Aim("memory", 250, 300, 250, is_most=True), "reached, the second too"),
        (Aim("memory", 1, 300, None, is_most=True), "reached"),
        (Aim("speed", None, 2, 3), ""),
    ],
)
def test_outcome(aim: Aim, outcome: str) -> None:
    assert aim.outcome == outcome


def test_table_and_json() -> None:
    results = Results({"cores": "2"}, {}, [against("storm", 2, "tshark -T fields", 6)])
    text = as_markdown(results)
    assert text.startswith(f"### Targets\n\n{targets.HEAD}\n\n| work | measured | wanted | then |  |\n")
    assert "| storm, against `tshark -T fields` | 3.00 | 3.5 | 5 | missed |" in text
    (record,) = json.loads(json.dumps(as_json(results)))["targets"]
    assert (record["measured"], record["wanted"], record["outcome"]) == (3.0, 3.5, "missed")


def test_no_table_of_nothing() -> None:
    assert "Targets" not in as_markdown(Results({"cores": "2"}, {}))
