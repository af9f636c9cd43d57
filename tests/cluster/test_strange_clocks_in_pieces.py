"""A capture whose clock is out of its mind, read in pieces: the same as in one process."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.cluster.tabulate import tabulated
from analyzer.dataframes.frames import tables
from analyzer.run.pipeline import analyze
from analyzer.storm.analysis import storms
from tests.capture.strange_clocks import CLOCKS
from tests.cluster.splitting import assert_same


@pytest.mark.parametrize("name", CLOCKS)
def test_strange_clocks(name: str, tmp_path: Path) -> None:
    path = tmp_path / "in.pcapng"
    path.write_bytes(CLOCKS[name])
    whole = tables(analyze([str(path)], rules=()))
    spool = tabulated([path], tmp_path / "spool", buckets=2, shares=2)
    assert_same(spool, whole)
    assert storms(spool.gather("transactions")).to_dict() == storms(whole.transactions).to_dict()
    (source,) = spool.tally.sources
    assert source.undated == analyze([str(path)], rules=()).sources[0].undated
