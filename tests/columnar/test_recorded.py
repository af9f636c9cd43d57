"""The tables are the same, whichever path read the messages: every message, transaction, attempt and binding."""

from __future__ import annotations

from array import array
from pathlib import Path

import pandas as pd
import pytest

from analyzer.columnar.recorded import hold_against
from analyzer.columnar.records import Unsuited
from analyzer.dataframes import tables
from analyzer.dataframes.frames import Tables
from analyzer.run.pipeline import analyze
from analyzer.run.recording import AttemptRow, Recording
from analyzer.run.report import Report
from analyzer.storm.analysis import storms
from tests.columnar.captures import SECOND, packets, storm, write
from tests.columnar.keeping_open import asked, ends_of


def _read(path: Path) -> tuple[Report, Report]:
    """The report with tables by columns, where they can, and by the object path."""
    return analyze(path, columnar="always"), analyze(path, columnar="never")


def _assert_same(one: Tables, other: Tables) -> None:
    for (name, frame), (_, wanted) in zip(one, other, strict=True):
        assert len(frame) == len(wanted), name
        pd.testing.assert_frame_equal(frame, wanted)


@pytest.mark.parametrize(("seed", "rate", "lost"), [(1, 100.0, 0.1), (2, 400.0, 0.4), (3, 20.0, 0.0)])
def test_tables_and_storms_of_a_storm(seed: int, rate: float, lost: float, tmp_path: Path) -> None:
    path = storm(tmp_path, 1600, 80, seed=seed, rate=rate, lost=lost)
    columnar, objects = map(tables, _read(path))
    assert len(columnar.messages) > 1000
    _assert_same(columnar, objects)
    assert repr(storms(columnar.transactions)) == repr(storms(objects.transactions))


def test_tables_have_no_other_methods(calm: Path, tmp_path: Path) -> None:
    several = packets(calm)
    for one in several[::5]:
        source, target = ends_of(one)
        several += asked(source, target, one.time + 1000, "1000012", by_phone=source < target)
    path = write(tmp_path / "options.pcap", sorted(several, key=lambda one: one.time))
    columnar, objects = map(tables, _read(path))
    assert len(columnar.messages) == len(packets(calm))
    _assert_same(columnar, objects)


def test_messages_of_both_paths_are_in_order(calm: Path, tmp_path: Path) -> None:
    """One phone alone is refused, and so on the object path; its messages stand where they came."""
    several = packets(calm)
    at = [number for number, one in enumerate(several) if b"sip:1000012@" in one.message][7]
    several[at] = several[at].saying(several[at].message.replace(b"SIP/2.0 200 OK", b"SIP/2.0 403 Forbidden"))
    columnar, objects = map(tables, _read(write(tmp_path / "refused.pcap", several)))
    assert 403 in set(columnar.messages["status"].dropna())
    assert columnar.messages["time"].is_monotonic_increasing
    _assert_same(columnar, objects)


def test_a_copy_is_told_from_the_first(tmp_path: Path) -> None:
    path = storm(tmp_path, 800, 40, seed=4, lost=0.5)
    columnar, objects = map(tables, _read(path))
    assert columnar.messages["copy"].sum() > 10
    assert columnar.messages["copy"].tolist() == objects.messages["copy"].tolist()
    assert columnar.transactions["last_sent"].tolist() == objects.transactions["last_sent"].tolist()


def test_an_answer_that_comes_twice_is_a_copy(calm: Path, tmp_path: Path) -> None:
    several = packets(calm)
    answers = [one for one in several if one.message.startswith(b"SIP/2.0 200")][:6]
    again = [one._replace(time=one.time + SECOND // 2) for one in answers]
    path = write(tmp_path / "again.pcap", sorted([*several, *again], key=lambda one: one.time))
    columnar, objects = map(tables, _read(path))
    assert columnar.messages["copy"].sum() >= len(again)
    _assert_same(columnar, objects)


def _recording() -> Recording:
    found = Recording()
    for name, value in (("number", 4), ("time", 10), ("transaction", 4), ("request", 1), ("status", 0), ("copy", 0)):
        getattr(found, name).append(value)
    found.size, found.frame = array("l", [300]), array("q", [9])
    found.source, found.destination, found.source_file = ["a"], ["b"], ["f"]  # type: ignore[list-item]
    found.attempts = [AttemptRow(4, 6, 4, 2, 10, 20, "registered", 200, credentials=True, too_brief=False)]
    return found


def test_what_was_heard_is_held_against_what_is_made() -> None:
    hold_against(_recording(), _recording())


@pytest.mark.parametrize("name", ["number", "time", "transaction", "request", "status", "copy", "size", "frame"])
def test_a_message_that_differs_ends_it(name: str) -> None:
    other = _recording()
    getattr(other, name)[0] = 7
    with pytest.raises(Unsuited, match="of a message"):
        hold_against(_recording(), other)


def test_an_attempt_that_differs_ends_it() -> None:
    other = _recording()
    other.attempts = [other.attempts[0]._replace(outcome="refused")]
    with pytest.raises(Unsuited, match="of an attempt"):
        hold_against(_recording(), other)
