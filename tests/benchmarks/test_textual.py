"""The part on text logs: every command of every round is measured, on logs whose messages are counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.capture.opener import open_sources
from analyzer.evidence import RawMessage
from benchmarks.measure import Measured
from benchmarks.results import Results, as_json, as_markdown
from benchmarks.textual import CAPTURE, DENSE, GREP, SED, SPARSE, Texts, textual
from benchmarks.traffic import storm_in


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Texts, Path]:
    folder = tmp_path_factory.mktemp("texts")
    return textual(storm_in(folder, 40, 8), folder, 1, 2, lambda line: None), folder


def test_every_command_of_every_round_is_measured(measured: tuple[Texts, Path]) -> None:
    result, _ = measured
    assert result.faults == []
    assert {name: len(runs) for name, runs in result.runs.items()} == dict.fromkeys(
        (SPARSE, GREP, SED, DENSE, CAPTURE), 2
    )
    assert result.messages[DENSE] == result.messages[CAPTURE] == 40


def test_one_percent_is_sip(measured: tuple[Texts, Path]) -> None:
    result, folder = measured
    copies = result.messages[SPARSE] // 40
    assert result.sizes[SPARSE] >= 1_000_000
    assert result.sizes[DENSE] * copies / result.sizes[SPARSE] == pytest.approx(0.01, rel=0.05)
    with open_sources([folder / "sparse.log"]) as reading:
        assert sum(isinstance(item, RawMessage) for item in reading) == 40 * copies


def test_ratios_are_of_the_same_round(measured: tuple[Texts, Path]) -> None:
    result, _ = measured
    quick, slow = (Measured(0, 1.0, cpu, 0.0, 1, 1) for cpu in (1.0, 4.0))
    known = replace(result, runs={SPARSE: [slow], GREP: [quick], DENSE: [slow], CAPTURE: [quick]})
    assert known.ratio(SPARSE, GREP).median == 0.25
    assert known.ratio(DENSE, CAPTURE).median == 0.25
    assert known.rate(SPARSE).median == result.sizes[SPARSE] / 4


def test_what_was_not_seen_is_a_fault(tmp_path: Path) -> None:
    storm = storm_in(tmp_path, 40, 8)
    wrong = replace(storm, totals=replace(storm.totals, messages=41))
    result = textual(wrong, tmp_path, 1, 1, lambda line: None)
    assert result.faults == [f"{CAPTURE}: 40 messages, not 41"]


def test_it_is_printed_and_written(measured: tuple[Texts, Path]) -> None:
    results = Results({"cores": "2"}, {}, texts=measured[0])
    assert "times as fast as grep" in as_markdown(results)
    assert set(as_json(results)["texts"]["runs"]) == {SPARSE, GREP, SED, DENSE, CAPTURE}
