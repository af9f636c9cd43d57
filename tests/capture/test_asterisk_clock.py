"""Zone and year of a log, and what its times are worth."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from analyzer.capture.asterisk.reader import Reader
from analyzer.capture.text.clock import Clock, zone_name
from analyzer.capture.text.stamps import parse_date, parse_stamp
from analyzer.evidence import SECOND, RawMessage, Source
from tests.capture.asterisk_text import REGISTER, UNAUTHORIZED, full, octets, paste, received, sent, stamped

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC).timestamp()
OK = UNAUTHORIZED.replace("401 Unauthorized", "200 OK")


@pytest.fixture(params=["UTC0", "XXX-5:30"])
def _machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def dated(date: str) -> str:
    return OK.replace("Content-Length", f"Date: {date}\r\nContent-Length")


def read(text: str, now: float = NOW) -> tuple[list[RawMessage], Source]:
    source = Source("log")
    return list(Reader(source, now).read(io.BytesIO(octets(text)))), source


def times(found: list[RawMessage]) -> list[str]:
    return [
        "-" if raw_message.time is None else datetime.fromtimestamp(raw_message.time / SECOND, UTC).isoformat()
        for raw_message in found
    ]


def at(stamp: str, *entries: list[str]) -> str:
    return "".join(full(entry, stamp=stamp) for entry in entries)


def test_zone_and_year_from_a_date_header_hold_for_the_whole_log() -> None:
    text = (
        at("Mar 30 13:35:40", received(REGISTER))
        + at("Mar 30 13:35:51", sent(dated("Thu, 30 Mar 2017 11:35:51 GMT")))
        + at("Mar 30 13:36:06", received(""))
    )
    found, source = read(text)
    assert times(found) == ["2017-03-30T11:35:40+00:00", "2017-03-30T11:35:51+00:00"]
    assert (source.zone, source.utc_offset, source.resolution) == ("UTC+2, from Date headers", 7200, SECOND)
    assert (source.first, source.last) == (1490873740 * SECOND, 1490873766 * SECOND)
    assert source.quality == []


@pytest.mark.parametrize(
    ("stamp", "date", "zone", "offset"),
    [
        ("Mar 30 13:35:51", "Thu, 30 Mar 2017 13:35:50 GMT", "UTC", 0),
        ("Mar 30 17:05:51", "Thu, 30 Mar 2017 11:35:51 GMT", "UTC+5:30", 19800),
        ("Mar 30 08:05:51", "Thu, 30 Mar 2017 11:35:51 GMT", "UTC-3:30", -12600),
        ("Jan  1 00:35:51", "Sat, 31 Dec 2016 23:35:51 GMT", "UTC+1", 3600),
        ("Dec 31 18:35:51", "Sun, 01 Jan 2017 00:35:51 GMT", "UTC-6", -21600),
        ("Jan  1 13:00:00", "Sat, 31 Dec 2016 23:00:00 GMT", "UTC+14", 50400),
        ("2017-03-30 13:35:51.250", "Thu, 30 Mar 2017 11:35:51 GMT", "UTC+2", 7200),
    ],
)
def test_zones(stamp: str, date: str, zone: str, offset: int) -> None:
    found, source = read(at(stamp, sent(dated(date))))
    assert (source.zone, source.utc_offset) == (f"{zone}, from Date headers", offset)
    seconds = parse_date(date.encode())
    assert found[0].time is not None
    assert seconds is not None
    assert abs(found[0].time - seconds * SECOND) <= SECOND


@pytest.mark.parametrize(
    "date",
    ["Thu, 30 Mar 2017 11:40:00 GMT", "Wed, 29 Mar 2017 11:35:51 GMT", "yesterday", "Fri, 30 Jun 2017 11:35:51 GMT"],
)
@pytest.mark.usefixtures("_machine")
def test_a_date_that_no_zone_explains_is_not_believed(date: str) -> None:
    _, source = read(at("Mar 30 13:35:51", sent(dated(date))))
    assert source.zone == "local time, year assumed 2026 (no Date header in the log)"


def test_the_servers_own_dates_outweigh_those_of_others() -> None:
    wrong, right = "Thu, 30 Mar 2017 12:35:51 GMT", "Thu, 30 Mar 2017 11:35:51 GMT"
    entries = [received(dated(wrong))] * 3 + [sent(dated(right))]
    _, source = read(at("Mar 30 13:35:51", *entries))
    assert source.zone == "UTC+2, from Date headers"
    assert source.quality == [
        "Date headers contradict each other or the stamps; UTC+2, from Date headers, is what most of them say."
    ]


def test_contradiction_is_settled_by_majority() -> None:
    entries = [received(dated(f"Thu, 30 Mar 2017 {hour}:35:51 GMT")) for hour in (10, 11, 11, 11, 9)]
    _, source = read(at("Mar 30 13:35:51", *entries))
    assert source.zone == "UTC+2, from Date headers"
    assert "contradict" in source.quality[0]


def test_summer_time_ends_within_the_log() -> None:
    before = at("Oct 29 02:59:00", *[sent(dated("Sun, 29 Oct 2017 00:59:00 GMT"))] * 6)
    after = at("Oct 29 02:10:00", *[sent(dated("Sun, 29 Oct 2017 01:10:00 GMT"))] * 4)
    found, source = read(before + after)
    assert times(found)[-1] == "2017-10-29T01:10:00+00:00"
    assert source.zone == "UTC+2 then UTC+1, from Date headers"


def test_new_years_eve() -> None:
    text = (
        at("Dec 31 23:59:58", received(REGISTER))
        + at("Jan  1 00:00:01", received(REGISTER))
        + at("Dec 31 23:59:59", received(REGISTER))
        + at("Jan  1 00:00:02", sent(dated("Sun, 01 Jan 2017 00:00:02 GMT")))
    )
    assert [text[:4] + text[10:19] for text in times(read(text)[0])] == [
        "2016T23:59:58",
        "2017T00:00:01",
        "2016T23:59:59",
        "2017T00:00:02",
    ]


@pytest.mark.usefixtures("_machine")
@pytest.mark.parametrize(
    ("stamp", "year"), [("Nov 20 11:53:45", 2026), ("Dec 24 11:53:45", 2025), ("Feb 29 01:00:00", 2026)]
)
def test_without_dates_the_year_is_the_latest_not_in_the_future(stamp: str, year: int) -> None:
    found, source = read(at(stamp, received(REGISTER)))
    assert source.zone == f"local time, year assumed {year} (no Date header in the log)"
    assert found[0].time is not None
    assert found[0].time / SECOND <= NOW + 86400
    assert source.utc_offset == -time.timezone
    local = datetime.fromtimestamp(found[0].time / SECOND, UTC) + timedelta(seconds=source.utc_offset)
    assert (local.year, local.hour) == (year, int(stamp[7:9]))


@pytest.mark.usefixtures("_machine")
def test_years_turning_without_dates() -> None:
    text = at("Dec 31 23:00:00", received(REGISTER)) + at("Jan  1 01:00:00", received(REGISTER))
    found, source = read(text)
    assert found[0].time is not None
    assert found[1].time == found[0].time + 7200 * SECOND
    assert "2025" in source.zone


@pytest.mark.parametrize(
    ("stamp", "zone", "seconds"),
    [
        ("2026-11-20T11:56:12+0100", "UTC+1, from the stamps", 1795172172),
        ("2026-11-20T11:56:12Z", "UTC, from the stamps", 1795175772),
        ("2026-11-20 11:56:12.449 -03:30", "UTC-3:30, from the stamps", 1795188372),
    ],
)
def test_stamps_with_a_zone(stamp: str, zone: str, seconds: int) -> None:
    found, source = read(at(stamp, received(REGISTER)))
    assert source.zone == zone
    assert found[0].time is not None
    assert found[0].time // SECOND == seconds


def test_iso_stamps_carry_their_year() -> None:
    _, source = read(at("2021-11-20 11:56:12", received(REGISTER)))
    assert source.zone == "local time (no Date header in the log)"


def test_no_stamps_at_all() -> None:
    found, source = read(paste([*received(REGISTER), *sent(OK)]))
    assert times(found) == ["-", "-"]
    assert source.quality == ["The log has no time stamps: nothing can be said about times."]


def test_a_stale_stamp_does_not_move_the_zone() -> None:
    """A Date sixteen minutes after the last stamped line is no zone of a quarter of an hour."""
    notice = "[Mar 30 13:35:00] NOTICE[1]: chan_sip.c:1 f: x\n"
    _, source = read(notice + paste(sent(dated("Thu, 30 Mar 2017 13:51:00 GMT"))))
    assert "local time" in source.zone


def test_a_stamp_on_every_line() -> None:
    found, source = read(stamped(sent(dated("Fri, 20 Nov 2026 09:53:45 GMT"))))
    assert times(found) == ["2026-11-20T09:53:45+00:00"]
    assert source.zone == "UTC+2, from Date headers"


def test_a_small_step_back_keeps_log_order() -> None:
    text = at("Nov 20 11:53:45", received(REGISTER)) + at("Nov 20 11:53:43", sent(OK))
    found, _ = read(text)
    assert [raw_message.payload[:8] for raw_message in found] == [b"REGISTER", b"SIP/2.0 "]
    assert found[0].time is not None
    assert found[1].time == found[0].time - 2 * SECOND


def test_messages_before_the_first_date_are_held_back_in_bounds() -> None:
    content = octets(at("Nov 20 11:53:45", *[received(REGISTER)] * 20_100))
    reader = Reader(Source("log"), NOW).read(io.BytesIO(content))
    assert next(reader).time is not None


@pytest.mark.parametrize(
    "text", [b"", b"Nov 40 11:00:00", b"Nov 20 25:00:00", b"2026-13-01 00:00:00", b"0000-01-01 00:00:00"]
)
def test_impossible_stamps(text: bytes) -> None:
    assert parse_stamp(text) is None
    assert Clock(NOW).see(text) is None


@pytest.mark.parametrize(
    "value", [b"", b"Thu, 30 Foo 2017 11:35:51 GMT", b"Thu, 30 Mar 2017 11:35:51 CET", b"30 Mar 9999 11:35:51 GMT"]
)
def test_impossible_dates(value: bytes) -> None:
    assert parse_date(value) is None


def test_zone_names() -> None:
    assert [zone_name(seconds) for seconds in (0, 7200, -12600, 20700)] == ["UTC", "UTC+2", "UTC-3:30", "UTC+5:45"]
