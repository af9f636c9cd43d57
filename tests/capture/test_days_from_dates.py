"""Date headers tell the day of stamps that have none, also where the text lists the newest message or call first."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from analyzer.capture.newest_first import CODE, TURNED
from analyzer.capture.opener import open_sources
from analyzer.evidence import SECOND, RawMessage, Source
from analyzer.run.pipeline import analyze
from tests.capture.test_newest_first import ANSWER, PHONE, REQUEST, SERVER

DAY = 86400
BEGIN = datetime(2026, 11, 20, 11, 53, 45, tzinfo=UTC)


def exchange(n: int, when: datetime, form: str, date: datetime | None = None) -> list[bytes]:
    """A request and its answer, which has a Date header."""
    told = (date or when).strftime("%a, %d %b %Y %H:%M:%S GMT").encode()
    answer = (ANSWER % (n, n + 1)).replace(b"Contact:", b"Date: " + told + b"\nContact:")
    late = when + timedelta(milliseconds=3)
    return [
        f"{when.strftime(form)} {PHONE} -> {SERVER}\n".encode() + REQUEST % (n, n + 1),
        f"{late.strftime(form)} {SERVER} -> {PHONE}\n".encode() + answer,
    ]


def exchanges(step: int, form: str) -> list[list[bytes]]:
    """Four of them, so many seconds apart."""
    return [exchange(n, BEGIN + timedelta(seconds=n * step), form) for n in range(4)]


def read(octets: bytes) -> tuple[list[RawMessage], Source]:
    """The messages of a text."""
    with open_sources([io.BytesIO(octets)], kind="log") as reading:
        return [item for item in reading if isinstance(item, RawMessage)], reading.sources[0]


@pytest.mark.parametrize("form", ["%H:%M:%S", "%H:%M:%S.%f"])
@pytest.mark.parametrize("step", [3600, DAY // 2, DAY - 600, DAY, DAY + 600, 2 * DAY])
@pytest.mark.parametrize("order", ["messages", "exchanges"])
def test_the_newest_first_is_turned_whatever_the_time_of_day(order: str, step: int, form: str, tmp_path: Path) -> None:
    told = exchanges(step, form)
    listed = [one for each in told[::-1] for one in (each if order == "exchanges" else each[::-1])]
    files = tmp_path / "ordered.log", tmp_path / "turned.log"
    for path, messages in zip(files, ([one for each in told for one in each], listed), strict=True):
        path.write_bytes(b"\n".join(messages))
    plain, turned = (read(path.read_bytes()) for path in files)
    assert [one.payload for one in turned[0]] == [one.payload for one in plain[0]]
    assert [one.time for one in turned[0]] == [one.time for one in plain[0]]
    begins = [one.time or 0 for one in turned[0][::2]]
    assert [(later - one) // SECOND for one, later in pairwise(begins)] == [step] * 3
    assert TURNED in turned[1].quality
    assert all(one.defects[0].code == CODE for one in turned[0])
    before, after = ({(one.rule, one.sub) for one in analyze([path]).findings} for path in files)
    assert before == after


@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_date_that_falls_behind_others_that_rose_moves_no_stamp(place: int) -> None:
    """The clock of that server is wrong, not the text."""
    messages = []
    for n in range(5):
        when = BEGIN + timedelta(hours=n)
        date = when - timedelta(days=1 + place) if n == place + 1 else None
        messages += exchange(n, when, "%H:%M:%S.%f", date)
    told, source = read(b"\n".join(messages))
    assert TURNED not in source.quality
    begin = int(BEGIN.timestamp()) * SECOND
    assert [one.time for one in told[::2]] == [begin + n * 3600 * SECOND for n in range(5)]
