"""Messages as call flows in a text: read again as the same flows."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from analyzer.capture.opener import open_sources
from analyzer.capture.saveflows import SaveFlows
from analyzer.evidence import Endpoint, Fidelity, FlowStep, Frame, LogLines, NetworkError, RawMessage
from tests.shared import ROOT

TEXTS = sorted((ROOT / "samples").glob("flow-text-*/input.txt"))
REGISTER = b"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP a:5061;branch=z9hG4bK1\r\nCall-ID: 1\r\n\r\n"


def read(source: Path | bytes) -> list[RawMessage]:
    with open_sources(
        [io.BytesIO(source) if isinstance(source, bytes) else str(source)], dialect="flow-text"
    ) as reading:
        return [item for item in reading if isinstance(item, RawMessage)]


def written(*messages: RawMessage) -> bytes:
    out = io.BytesIO()
    saved = SaveFlows(out)
    for message in messages:
        saved.add(message)
    saved.finish()
    assert saved.written == len(messages)
    return out.getvalue()


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.parent.name)
def test_every_sample_shows_the_same_flows_again(path: Path) -> None:
    items = read(path)
    again = read(written(*items))
    assert len(items) == len(again)
    for one, other in zip(items, again, strict=True):
        assert one.flow_step is not None and other.flow_step is not None
        assert one.flow_step[::2] == other.flow_step[::2]
        assert one.payload.split() == other.payload.split()
        assert (one.source, one.destination, one.transport) == (other.source, other.destination, other.transport)
        assert one.is_repaired == other.is_repaired


@pytest.mark.parametrize(
    "name", ["a -> b", "->", "x\nF9 REGISTER Eve -> Bob", "REGISTER", "401 Unauthorized", "\udcff", ""]
)
def test_a_name_forges_no_heading(name: str) -> None:
    place = LogLines("made", 1, 1)
    ends = Endpoint(name, 0), Endpoint("Registrar", 0)
    items = [
        RawMessage(REGISTER, None, place, *ends, "UDP", Fidelity.TEXT_LOG, flow_step=FlowStep(1, name, 1)),
        RawMessage(REGISTER, None, place, *ends, "UDP", Fidelity.TEXT_LOG, flow_step=FlowStep(2, name, 1)),
    ]
    text = written(*items)
    assert sum(line.startswith(b"F") and b" -> " in line for line in text.splitlines()) == 2
    assert [one.flow_step and one.flow_step.flow for one in read(text)] == [1, 2]


def test_an_error_is_not_written() -> None:
    out = io.BytesIO()
    ends = Endpoint("192.0.2.1", 1), Endpoint("192.0.2.2", 2)
    SaveFlows(out).add_error(NetworkError(1, Frame("made", 1), *ends, "UDP", "icmp", "x"))
    assert not out.getvalue()
