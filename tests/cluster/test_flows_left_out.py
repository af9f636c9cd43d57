"""A document of call flows among the files of a cluster: each flow is a capture of its own, so it is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.cluster.tabulate import tabulated
from analyzer.dataframes.frames import tables
from analyzer.run.pipeline import analyze
from tests.cluster.splitting import PLACE, assert_same
from tests.shared import ROOT

FLOWS = ROOT / "samples" / "flow-text-rfc" / "input.txt"
CAPTURE = ROOT / "samples" / "clean-registration" / "input.pcap"
TOLD = f"{FLOWS}: shows call flows, which have no clock: 16 messages are left out"


@pytest.mark.parametrize("files", [[FLOWS, CAPTURE], [CAPTURE, FLOWS]], ids=["before", "behind"])
def test_a_document_among_captures(tmp_path: Path, files: list[Path]) -> None:
    spool = tabulated(files, tmp_path / "spool", buckets=2)
    assert spool.faults == (TOLD,)
    assert_same(spool, tables(analyze(CAPTURE, rules=())), without=PLACE)


def test_a_document_alone(tmp_path: Path) -> None:
    spool = tabulated([FLOWS], tmp_path / "spool", buckets=2)
    assert spool.faults == (TOLD,)
    assert spool.rows["transactions"] == 0
