"""A change of the zone within a log: where it is put, and what waits for it."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from analyzer.capture.asterisk.reader import Reader
from analyzer.capture.asterisk.switches import KEEP_MESSAGES
from analyzer.evidence import SECOND, RawMessage, Source
from tests.capture.asterisk_text import OPTIONS, REGISTER, UNAUTHORIZED, full, octets, received, request, sent

SPRING = datetime(2025, 3, 30, 1, tzinfo=UTC)
AUTUMN = datetime(2025, 10, 26, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC).timestamp()
Event = tuple[datetime, list[str]]


def berlin(at: datetime) -> int:
    return 2 if datetime(2025, 3, 30, 1, tzinfo=UTC) <= at < AUTUMN else 1


def lord_howe(at: datetime) -> float:
    return 11 if at < datetime(2025, 4, 5, 15, tzinfo=UTC) else 10.5


def new_york(at: datetime) -> int:
    return -5 if at < datetime(2025, 3, 9, 7, tzinfo=UTC) else -4


def ok(at: datetime) -> str:
    date = f"Date: {at:%a, %d %b %Y %H:%M:%S} GMT"
    return UNAUTHORIZED.replace("401 Unauthorized", "200 OK").replace("Content-Length", f"{date}\r\nContent-Length")


def registration(at: datetime) -> list[Event]:
    """REGISTER, 401, REGISTER, and a second later the 200 with Date."""
    late = at + timedelta(seconds=1)
    return [(at, received(REGISTER)), (at, sent(UNAUTHORIZED)), (late, received(REGISTER)), (late, sent(ok(late)))]


def printed(events: list[Event], zone: Callable[[datetime], float], form: str = "%b %e %T") -> bytes:
    lines = (full(entry, stamp=(at + timedelta(hours=zone(at))).strftime(form)) for at, entry in events)
    return octets("".join(lines))


def read(content: bytes) -> tuple[list[datetime | None], Source, list[RawMessage]]:
    source = Source("log")
    found = list(Reader(source, NOW).read(io.BytesIO(content)))
    times = [None if one.time is None else datetime.fromtimestamp(one.time // SECOND, UTC) for one in found]
    return times, source, found


def every(minutes: float, middle: datetime, count: int = 12) -> list[Event]:
    first = middle - timedelta(minutes=minutes * (count // 2 - 0.3))
    return [event for n in range(count) for event in registration(first + timedelta(minutes=minutes * n))]


@pytest.mark.parametrize("minutes", [0.5, 1, 7, 29, 30, 55, 60, 61, 90, 125, 600])
@pytest.mark.parametrize("form", ["%b %e %T", "%F %T", "%T"])
@pytest.mark.parametrize(
    ("zone", "change"),
    [
        (berlin, SPRING),
        (berlin, AUTUMN),
        (lord_howe, datetime(2025, 4, 5, 15, tzinfo=UTC)),
        (new_york, datetime(2025, 3, 9, 7, tzinfo=UTC)),
    ],
)
def test_summer_time(zone: Callable[[datetime], float], change: datetime, minutes: float, form: str) -> None:
    events = every(minutes, change)
    times, source, _ = read(printed(events, zone, form))
    assert times == [at for at, _ in events]
    assert source.zone.count("UTC") == 2
    assert source.quality == []
    assert (source.first, source.last) == (
        int(events[0][0].timestamp()) * SECOND,
        int(events[-1][0].timestamp()) * SECOND,
    )


@pytest.mark.parametrize("change", [SPRING, AUTUMN])
def test_a_change_after_many_dates(change: datetime) -> None:
    events = every(31, change, count=120)
    times, source, _ = read(printed(events, berlin))
    assert times == [at for at, _ in events]
    assert source.quality == []


@pytest.mark.parametrize("change", [SPRING, AUTUMN])
def test_messages_without_date_between(change: datetime) -> None:
    """OPTIONS every twenty seconds: the stamps show where among them the change is."""
    events: list[Event] = []
    for n in range(-90, 90):
        at = change + timedelta(seconds=20 * n + 5)
        events += registration(at) if n % 30 == 0 else [(at, request(OPTIONS))]
    times, _, _ = read(printed(events, berlin))
    assert times == [at for at, _ in events]


def test_times_do_not_go_back_where_stamps_do_not() -> None:
    times, _, _ = read(printed(every(45, SPRING), berlin))
    known = [at for at in times if at is not None]
    assert known == sorted(known)


def test_a_change_in_the_first_date() -> None:
    events = registration(AUTUMN - timedelta(minutes=10)) + registration(AUTUMN + timedelta(minutes=5))
    assert read(printed(events, berlin))[0] == [at for at, _ in events]


def test_logs_put_together_newest_first() -> None:
    """The older half deviates, with Dates that go back: three of them in a row are believed."""
    newer, older = every(30, AUTUMN + timedelta(days=1), 8), every(30, AUTUMN - timedelta(days=1), 8)
    times, source, _ = read(printed(newer, berlin) + printed(older, berlin))
    assert times[: len(newer)] == [at for at, _ in newer]
    assert times[-4:] == [at for at, _ in older[-4:]]
    assert source.zone == "UTC+1 then UTC+2, from Date headers"


def test_a_date_that_goes_back_is_no_change() -> None:
    at = datetime(2026, 5, 1, 12, tzinfo=UTC)
    events = [(at, sent(ok(at + timedelta(hours=shift)))) for shift in (0, -1, 0, 0, -2)]
    times, source, _ = read(printed(events, lambda _: 2))
    assert times == [at] * 5
    assert source.zone == "UTC+2, from Date headers"
    assert "contradict" in source.quality[0]


def test_received_dates_change_nothing() -> None:
    at = datetime(2026, 5, 1, 12, tzinfo=UTC)
    events = registration(at) + [(at, received(ok(at + timedelta(hours=1))))] * 9
    times, source, _ = read(printed(events, lambda _: 0))
    assert times[4:] == [at] * 9
    assert source.zone == "UTC, from Date headers"


def test_what_waits_is_bounded() -> None:
    """Without another Date header messages come out, and the source is read no further than needed."""
    at = datetime(2026, 5, 1, 12, tzinfo=UTC)
    content = printed(registration(at) + [(at, request(OPTIONS))] * (5 * KEEP_MESSAGES), lambda _: 0)
    stream = io.BytesIO(content)
    source = Source("log")
    reader = Reader(source, NOW).read(stream)
    for _ in range(KEEP_MESSAGES):
        assert next(reader).time is not None
    assert source.frames < content.count(b"\n") / 2
    assert KEEP_MESSAGES + sum(1 for _ in reader) == 4 + 5 * KEEP_MESSAGES
