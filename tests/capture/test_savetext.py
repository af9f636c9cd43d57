"""Messages as text: read again as the same messages, with times or without."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from analyzer.capture.opener import open_sources
from analyzer.capture.savetext import SaveText
from analyzer.evidence import SECOND, Endpoint, Frame, NetworkError, RawMessage
from tests.shared import ROOT

LOGS = sorted(path for path in (ROOT / "samples").glob("text-*/input.txt"))
PLACE = Frame("made", 1)
ENDS = Endpoint("192.0.2.10", 5061), Endpoint("2001:db8::1", 5060)
REGISTER = b"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5061\r\nContent-Length: 0\r\n\r\n"


def read(path: Path, dialect: str | None = None) -> list[RawMessage]:
    with open_sources([str(path)], kind="log", dialect=dialect) as reading:
        return [item for item in reading if isinstance(item, RawMessage)]


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.parent.name)
def test_every_sample_of_a_log_is_the_same_again(path: Path, tmp_path: Path) -> None:
    items = read(path)
    timed = all(item.time is not None for item in items)
    out = tmp_path / "x.txt"
    with out.open("wb") as file:
        saved = SaveText(file, timed=timed)
        for item in items:
            saved.add(item)
        saved.finish()
    again = read(out, "sngrep" if timed else "ngrep")
    assert saved.written == len(items) == len(again)
    for one, other in zip(items, again, strict=True):
        lines = [[line.rstrip() for line in each.payload.strip().splitlines()] for each in (one, other)]
        assert lines[0] == lines[1]
        assert (one.source.host, one.destination.host) == (other.source.host, other.destination.host)
        if one.time is not None:
            assert other.time == one.time // 1000 * 1000


@pytest.mark.parametrize(
    ("timed", "head"),
    [
        (True, b"2026/11/20 11:53:43.746947 192.0.2.10:5061 -> 2001:db8::1:5060\n"),
        (False, b"U 2026/11/20 11:53:43.746947 192.0.2.10:5061 -> 2001:db8::1:5060 #1\n"),
    ],
)
def test_the_head_of_a_message_is_as_the_program_prints_it(timed: bool, head: bytes) -> None:
    out = io.BytesIO()
    SaveText(out, timed=timed).add(RawMessage(REGISTER, 1795175623746947000, PLACE, *ENDS))
    assert out.getvalue().startswith(head)


@pytest.mark.parametrize(
    ("step", "stamp"),
    [(SECOND, b":43"), (2 * SECOND, b":43"), (1_000_000, b":43.746"), (1000, b":43.746947"), (1, b":43.746947001")],
)
@pytest.mark.parametrize("timed", [True, False])
def test_stamps_have_the_steps_of_the_clock(step: int, stamp: bytes, timed: bool, tmp_path: Path) -> None:
    out = tmp_path / "x.txt"
    with out.open("wb") as file:
        SaveText(file, timed=timed, step=step).add(RawMessage(REGISTER, 1795175623746947001, PLACE, *ENDS))
    assert stamp + b" 192" in out.read_bytes().splitlines()[0]
    with open_sources([str(out)], kind="log") as reading:
        step = min(step, SECOND)
        assert [item.time for item in reading] == [1795175623746947001 // step * step]
        assert reading.sources[0].resolution == step


def test_a_message_without_a_time_has_none() -> None:
    out = io.BytesIO()
    SaveText(out, timed=False).add(RawMessage(REGISTER, None, PLACE, *ENDS, "TCP"))
    assert out.getvalue().startswith(b"T 192.0.2.10:5061 -> 2001:db8::1:5060 #1\nREGISTER sip:example.com SIP/2.0.\n")


def test_an_error_has_no_place_there() -> None:
    out = io.BytesIO()
    saved = SaveText(out, timed=True)
    saved.add_error(NetworkError(1, PLACE, *ENDS, "UDP", "icmp"))
    assert (out.getvalue(), saved.written, saved.cut) == (b"", 0, 0)
