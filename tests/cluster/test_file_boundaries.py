"""Where a capture is cut into files, in which order they are given, and into how many buckets it goes, changes nothing:
exchanges, attempts, registrations and messages over the ends of files are joined."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from analyzer.cluster.tabulate import tabulated
from analyzer.dataframes.frames import tables
from analyzer.run.pipeline import analyze
from benchmarks.storm import StormPlan
from benchmarks.traffic import make_storm
from tests.cluster.dialogue import packet, unreachable
from tests.cluster.splitting import PLACE, assert_same, records, split, write
from tests.shared import ROOT

CAPTURES = sorted((ROOT / "samples").glob("*/input.pcap*"))
OF_ITS_KIND = {"call-id-changes", "interval-too-brief", "ipv6", "retransmissions", "star-with-expires", "tcp-split"}
CUT = [path for path in CAPTURES if path.parent.name in OF_ITS_KIND | {"two-registrars", "udp-fragments"}]
_MOST = 24


def test_the_samples_are_there() -> None:
    assert len(CUT) == len(OF_ITS_KIND) + 2


@pytest.mark.parametrize("path", CUT, ids=lambda path: path.parent.name)
def test_a_sample_with_a_packet_a_file_is_the_sample(tmp_path: Path, path: Path) -> None:
    """Every exchange is cut between each two of its messages, and every stream and fragment."""
    (tmp_path / "files").mkdir()
    files = split(path, tmp_path / "files", 1)[:_MOST]
    linktype, packets = records(path)
    whole = write(tmp_path / "whole.pcap", linktype, packets[:_MOST])
    spool = tabulated(files, tmp_path / "spool", buckets=2)
    assert spool.faults == () and spool.rows["transactions"] > 0
    assert_same(spool, tables(analyze([str(one) for one in files], rules=())))
    assert_same(spool, tables(analyze(whole, rules=())), without=PLACE)


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storm with retransmissions, and exchanges that overlap."""
    path = tmp_path_factory.mktemp("storm") / "storm.pcap"
    make_storm(path, StormPlan(messages=1200, users=120, retransmitted=0.2))
    return path


@pytest.mark.parametrize(("each", "buckets", "shares"), [(37, 1, 1), (100, 3, 2), (599, 2, 3)])
def test_a_storm_cut_into_files_in_any_order_is_the_storm(
    tmp_path: Path, storm: Path, each: int, buckets: int, shares: int
) -> None:
    (tmp_path / "files").mkdir()
    files = split(storm, tmp_path / "files", each)
    random.Random(each).shuffle(files)
    spool = tabulated(files, tmp_path / "spool", buckets=buckets, shares=shares)
    assert spool.rows["messages"] == 1200
    assert len(spool.parts("transactions")) == buckets
    assert_same(spool, tables(analyze([str(one) for one in files], rules=())))


def test_of_files_with_the_same_times_the_first_that_was_given_comes_first(tmp_path: Path) -> None:
    """Two users at the same microsecond, in two files: one process takes the files in the order of the command."""
    both = [write(tmp_path / f"{user}.pcap", 1, [packet(0, "REGISTER", user)]) for user in ("bob", "alice")]
    for number, files in enumerate((both, both[::-1])):
        spool = tabulated(files, tmp_path / f"spool{number}", buckets=2)
        assert spool.gather("transactions").user.tolist() == [one.stem for one in files]
        assert_same(spool, tables(analyze([str(one) for one in files], rules=())))


def test_a_cut_cuts(tmp_path: Path, storm: Path) -> None:
    """That the tests above compare something: files by themselves have other transactions than the whole."""
    whole = tables(analyze(storm, rules=())).transactions
    alone = [tables(analyze(one, rules=())).transactions for one in split(storm, tmp_path, 100)]
    assert sum(map(len, alone)) > 1.05 * len(whole)
    assert sum(int((one.state == "headless").sum()) for one in alone) > 20
    assert not (whole.state == "headless").any()


def test_files_that_overlap_in_time_are_one_capture(tmp_path: Path, storm: Path) -> None:
    """Three capture points that share the packets among them, of which one began late and one had nothing to do with
    SIP for a while."""
    linktype, packets = records(storm)
    shares = [packets[:700:2], packets[1:700:2] + packets[1000:], packets[700:1000]]
    files = [write(tmp_path / f"{name}.pcap", linktype, share) for name, share in zip("bca", shares, strict=True)]
    spool = tabulated(files, tmp_path / "spool", buckets=3)
    assert_same(spool, tables(analyze([str(one) for one in files], rules=())))
    assert_same(spool, tables(analyze(storm, rules=())), without=PLACE)


def test_silence_is_judged_by_what_others_were_answered(tmp_path: Path) -> None:
    """A request that nobody answered, from a host whose other user is answered in a file of its own: that the way back
    can be seen is known from there (the state is timeout, not unjudged)."""
    silent = [packet(0, "REGISTER", "silent"), packet(0.5, "REGISTER", "silent")]
    answered = [packet(1, "REGISTER", "other"), packet(1.1, "200", "other")]
    later = [packet(90, "REGISTER", "third"), packet(90.1, "200", "third")]
    files = [write(tmp_path / f"{at}.pcap", 1, share) for at, share in enumerate((silent, answered, later))]
    for buckets in (1, 7):
        spool = tabulated(files, tmp_path / f"spool{buckets}", buckets=buckets)
        assert spool.gather("transactions").state.tolist() == ["timeout", "answered", "answered"]
    alone = tabulated([files[0], files[2]], tmp_path / "one-way", buckets=7)
    assert_same(alone, tables(analyze([str(files[0]), str(files[2])], rules=())))


def test_a_network_error_reaches_the_bucket_of_its_request(tmp_path: Path) -> None:
    files = [
        write(tmp_path / "0.pcap", 1, [packet(0, "REGISTER", "bob")]),
        write(tmp_path / "1.pcap", 1, [unreachable(0.1, "REGISTER", "bob")]),
    ]
    spool = tabulated(files, tmp_path / "spool", buckets=5)
    assert spool.gather("transactions").state.tolist() == ["aborted"]
    assert_same(spool, tables(analyze([str(one) for one in files], rules=())))
