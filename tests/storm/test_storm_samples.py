"""Captures whose cause is known: the storm samples, the calm ones, and the lab's storm with its own counters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import analyzer
from analyzer.storm.analysis import storms
from analyzer.storm.values import StormReport
from tests.shared import LAB, ROOT, needs_shared, shared

STORMS = sorted((ROOT / "samples").glob("storm-*"))
CALM = [
    path
    for folder in sorted((ROOT / "samples").iterdir())
    if not folder.name.startswith("storm-") and not (folder / "keylog.txt").exists()
    for path in sorted(folder.glob("input*"))
]
CALM_LAB = [path for path in sorted(LAB.rglob("capture.pcap*")) if "4-storm" not in path.parts]


def storms_of(path: Path) -> StormReport:
    """The storms of a capture or log."""
    return storms(analyzer.tables(analyzer.analyze(str(path), rules=[])).transactions)


def test_there_is_a_sample_of_every_cause() -> None:
    causes = {(folder / "storm.txt").read_text().strip() for folder in STORMS}
    assert causes == {
        "none", "restart", "slow-answers", "auth-loop", "short-expiry", "synchronised-refresh", "scan", "single-client",
    }  # fmt: skip


@pytest.mark.parametrize("folder", STORMS, ids=lambda folder: folder.name)
def test_each_storm_sample_gets_its_cause_first(folder: Path) -> None:
    expected = (folder / "storm.txt").read_text().strip()
    found = storms_of(folder / "input.pcap.gz")
    named = [storm.causes[0].cause for storm in found.storms]
    assert named == ([] if expected == "none" else [expected])


@pytest.mark.parametrize("path", CALM, ids=lambda path: path.parent.name)
def test_other_samples_are_calm(path: Path) -> None:
    assert storms_of(path).storms == ()


@pytest.mark.parametrize("path", CALM_LAB, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_other_lab_captures_are_calm(path: Path) -> None:
    assert storms_of(path).storms == ()


@pytest.fixture(scope="module")
def lab_storm() -> StormReport:
    return storms_of(shared("captures", "lab", "4-storm", "capture.pcapng.gz"))


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shared("captures", "lab", "4-storm", "truth.json").read_text())
    return found


@needs_shared
def test_the_labs_storm_has_the_counts_of_sipp_and_kamailio(lab_storm: StormReport, truth: dict[str, Any]) -> None:
    counted, pcap = truth["sipp_counts"], truth["pcap"]
    assert lab_storm.transactions == counted["register_sent_first"] == pcap["register_transactions"] == 15880
    assert lab_storm.retransmissions == counted["register_retransmitted"] == pcap["retransmitted_copies"] == 8912
    assert lab_storm.requests == pcap["register_packets"] == 24792
    assert lab_storm.responses == {int(status): n for status, n in pcap["responses"].items() if status != "405"}
    assert lab_storm.users == pcap["call_ids"] == 2000


@needs_shared
def test_the_labs_storm_is_bounded_by_the_labs_events(lab_storm: StormReport, truth: dict[str, Any]) -> None:
    killed, started = (float(truth["events"][number].split()[-1]) for number in (1, 2))
    assert len(lab_storm.storms) == 1
    storm = lab_storm.storms[0]
    assert killed < storm.start / 1e9 < killed + 1.5  # the phones' next refresh was due a second after the kill
    assert started < storm.end / 1e9 < started + 5
    assert storm.retransmissions == 8912  # all of them
    assert storm.users == 1980  # those with the wrong password had given up
    assert storm.responses == {200: 1980, 401: 1980}
    assert [cause.cause for cause in storm.causes] == ["restart"]
    assert "8,9" in storm.causes[0].detail  # the capture has 8,924 ICMP errors, one for each request in vain
    assert storm.outage.peak == 1980
    # Copies of those left alone, a first peak of them; then all at once when it is back.
    assert [phase.phase for phase in storm.phases] == [
        "onset", "amplification", "peak", "amplification", "peak", "recovery",
    ]  # fmt: skip
    assert started < storm.phases[4].start / 1e9 < started + 2
    assert storm.carried is not None
    assert storm.carried > 1000


@needs_shared
def test_the_series_adds_up(lab_storm: StormReport) -> None:
    storm = lab_storm.storms[0]
    assert sum(storm.series.first) * storm.series.width == pytest.approx(storm.first_copies)
    assert sum(storm.series.copies) * storm.series.width == pytest.approx(storm.retransmissions)
    assert max(storm.series.unbound) == storm.outage.peak
    assert storm.series.unbound[-1] < 100
    assert storm.first_copies + storm.retransmissions == storm.requests
