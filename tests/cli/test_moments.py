"""Times as people type them, and the span between two of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.cli.moments import Moment, Span, parse_moment
from analyzer.evidence import SECOND

DAY = 86_400 * SECOND
NOON = int(datetime(2026, 11, 20, 11, 47, 2, tzinfo=UTC).timestamp()) * SECOND


def resolved(text: str, first: int = NOON, offset: int = 0) -> str:
    moment = parse_moment(text)
    assert moment is not None
    seconds, fraction = divmod(moment.since_epoch(first, offset), SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}" + (f".{fraction:09}" if fraction else "")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("11:47", "2026-11-20 11:47:00"),
        ("1:02", "2026-11-20 01:02:00"),
        (" 11:47:02 ", "2026-11-20 11:47:02"),
        ("11:47:02.5", "2026-11-20 11:47:02.500000000"),
        ("11:47:02,000000001", "2026-11-20 11:47:02.000000001"),
        ("2026-11-21", "2026-11-21 00:00:00"),
        ("2026-11-21 08:00", "2026-11-21 08:00:00"),
        ("2026-11-21T08:00:01", "2026-11-21 08:00:01"),
        ("2026-11-21T08:00:01Z", "2026-11-21 08:00:01"),
        ("2026-11-21T08:00:01.25+02:00", "2026-11-21 06:00:01.250000000"),
        ("2026-11-21T08:00-0330", "2026-11-21 11:30:00"),
        ("1795175623", "2026-11-20 11:53:43"),
        ("1795175623.751", "2026-11-20 11:53:43.751000000"),
    ],
)
def test_what_people_type(text: str, wanted: str) -> None:
    assert resolved(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["", "now", "24:00", "12:60", "12:00:60", "1", "12", "2026-13-01", "2026-11-31", "2026-11-20T", "11:47:", "11.47",
     "2026-11-20T25:00", "0001-01-01", "9999-12-31", "1969-12-31", "11:47Z", "11:47:02.1234567890", "-1:00"],
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    assert parse_moment(text) is None


@given(st.text(max_size=40))
def test_anything_is_a_moment_or_none(text: str) -> None:
    found = parse_moment(text)
    assert found is None or found.since_epoch(NOON, 3600) is not None


def test_a_time_of_a_log_is_in_the_zone_of_the_log() -> None:
    assert resolved("13:35", first=NOON, offset=7200) == "2026-11-20 11:35:00"
    assert resolved("2026-11-20 13:35", offset=7200) == "2026-11-20 11:35:00"
    assert resolved("2026-11-20T13:35Z", offset=7200) == "2026-11-20 13:35:00"


def test_behind_midnight_the_next_day_is_meant() -> None:
    late = NOON // DAY * DAY + 86_100 * SECOND  # 23:55
    assert resolved("00:05", first=late) == "2026-11-21 00:05:00"
    assert resolved("23:50", first=late) == "2026-11-20 23:50:00"
    assert resolved("11:00") == "2026-11-20 11:00:00"  # before the first message, on its day


def span(since: str = "", until: str = "") -> Span:
    return Span(parse_moment(since) if since else None, parse_moment(until) if until else None)


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("11:47", "11:47:59.9"),
        ("11:47:02", "11:47:02.9"),
        ("11:47:02.5", "11:47:02.59"),
        ("2026-11-20", "23:59:59.9"),
    ],
)
def test_the_end_is_that_of_the_unit_that_was_named(until: str, last: str) -> None:
    one = span(until=until)
    clock = parse_moment(last)
    assert isinstance(clock, Moment)
    assert one.has(NOON, 0)
    assert one.has(NOON // DAY * DAY + clock.at, 0)
    assert not one.has(NOON // DAY * DAY + clock.at + SECOND // 10, 0)


def test_the_beginning_is_within() -> None:
    one = span(since="11:47:02")
    assert one.has(NOON, 0) and not one.has(NOON - 1, 0)


def test_over_midnight() -> None:
    late = NOON // DAY * DAY + 86_100 * SECOND
    one = span("23:50", "00:10")
    assert [one.has(late + minutes * 60 * SECOND, 0) for minutes in (0, 5, 15, 16)] == [True, True, True, False]


def test_what_has_no_time_is_left_out_and_counted() -> None:
    one = span(since="11:00")
    assert not one.has(None, 0) and not one.has(None, 0)
    assert one.left == 2
    everything = Span(None, None)
    assert everything.has(None, 0) and everything.left == 0
