"""Captures of the lab against their truth files, which were counted with tshark's dissector."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.capture.start_lines import Count
from tests.shared import LAB, shared

CAPTURES = sorted(path for path in LAB.rglob("capture.pcap*") if (path.parent / "truth.json").exists())


def test_there_are_captures() -> None:
    assert len(CAPTURES) > 40


@pytest.mark.parametrize("path", CAPTURES, ids=[str(path.relative_to(LAB)) for path in CAPTURES])
def test_the_counts_are_those_of_the_truth(path: Path) -> None:
    facts = json.loads((path.parent / "truth.json").read_text())["facts"]
    count = Count(path)
    assert count.methods["REGISTER"] == facts["register_packets"]
    assert dict(count.registers) == facts["register_responses_by_status"]
    assert count.messages == count.source.messages == facts.get("sip_messages", count.messages)
    assert not count.source.damaged


def test_requests_quoted_by_icmp_are_no_requests() -> None:
    count = Count(shared("captures", "lab", "4-storm", "capture.pcapng.gz"))
    assert count.aborts == {"icmp": 8924}
    assert count.methods["REGISTER"] == 24792
    assert count.source.frames == 49636
