"""From a text to a capture and back: the same messages, and the same transactions, for every dialect."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.capture.opener import open_sources
from analyzer.cli import sipcheck
from analyzer.evidence import RawMessage
from analyzer.run.pipeline import analyze
from tests.plugins.folders import FOLDERS, loaded
from tests.shared import DATA

TEXTS = [path for path in sorted((DATA / "texts").iterdir()) if path.suffix in (".txt", ".data")]
EMPTY = ("asterisk16-history.txt", "sipp-trace_shortmsg.txt")
"""Texts that hold no message."""


def export(path: Path, out: Path) -> Path:
    done = CliRunner().invoke(sipcheck, ["export", str(path), "--to", "pcap", "-o", str(out)])
    assert done.exit_code == 0, done.output
    return out


def payloads(path: Path) -> list[bytes]:
    with open_sources([path]) as reading:
        return [item.payload for item in reading if isinstance(item, RawMessage)]


@pytest.mark.parametrize("name", FOLDERS["dialect"].names())
def test_every_dialect_becomes_a_capture(name: str, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes(loaded("dialect", name).EXAMPLE)
    capture = export(log, tmp_path / "out.pcap")
    assert payloads(capture) == payloads(log)
    assert len(payloads(log)) == 2
    mine, again = analyze([log], detail=True), analyze([capture], detail=True)
    assert [(one.call_id, one.cseq, one.branch, one.state) for one in mine.transactions] == [
        (one.call_id, one.cseq, one.branch, one.state) for one in again.transactions
    ]
    assert [one.outcome for one in mine.registrations] == [one.outcome for one in again.registrations]


@pytest.mark.parametrize("path", [path for path in TEXTS if path.name not in EMPTY], ids=lambda path: path.name)
def test_real_texts_become_captures(path: Path, tmp_path: Path) -> None:
    capture = export(path, tmp_path / "out.pcap")
    mine, again = analyze([path], detail=True), analyze([capture], detail=True)
    assert sorted((one.call_id, one.cseq, one.branch) for one in mine.transactions) == sorted(
        (one.call_id, one.cseq, one.branch) for one in again.transactions
    )
    with open_sources([io.BytesIO(capture.read_bytes())]) as reading:
        assert reading.sources[0].format == "pcap"
