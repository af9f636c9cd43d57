"""Captures that others made: the counts are those of tshark, or the difference is explained here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.capture.start_lines import Count
from tests.shared import SHARED, needs_shared

INDEX: list[dict[str, Any]] = json.loads((SHARED / "captures/public/index.json").read_text()) if SHARED else []

# File -> what differs. The request is a start line, Expires and nothing else: tshark counts it as a method, but finds
# no CSeq and so no REGISTER request; we hold every message, however poor.
EXPLAINED = {"zeek__zeek/testing/btest/Traces/sip/sip-junk-before-request.pcap": {"register_requests": 1}}


@needs_shared
@pytest.mark.parametrize("entry", INDEX, ids=[entry["file"] for entry in INDEX])
def test_the_counts_are_those_of_tshark(entry: dict[str, Any]) -> None:
    assert SHARED is not None
    expected = entry | EXPLAINED.get(entry["file"], {})
    count = Count(SHARED / "captures/public" / entry["file"])
    assert count.source.frames == expected["packets"]
    assert count.messages == count.source.messages == expected["sip_messages"]
    assert dict(count.methods) == expected["methods"]
    assert count.methods["REGISTER"] == expected["register_requests"]
    assert dict(count.registers) == expected["register_status"]
    assert dict(count.transports) == expected["transports"]
    assert count.source.format == expected["ftype"]
    assert not count.source.damaged


@needs_shared
def test_every_explanation_is_needed() -> None:
    for name, different in EXPLAINED.items():
        entry = next(entry for entry in INDEX if entry["file"] == name)
        assert all(entry[key] != value for key, value in different.items())
