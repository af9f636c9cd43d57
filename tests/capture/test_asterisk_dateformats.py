"""The forms of time stamp that `dateformat` in logger.conf may give, known and unknown."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.asterisk.reader import Reader
from analyzer.capture.dialects import asterisk_chan_sip, asterisk_pjsip
from analyzer.capture.text.clock import DAY_FIRST, NO_STAMPS, UNKNOWN_STAMPS
from analyzer.capture.text.stamps import Stamp, parse_stamp, stamp_shape
from analyzer.evidence import SECOND, RawMessage, Source
from tests.capture.asterisk_text import (
    OPTIONS,
    REGISTER,
    UNAUTHORIZED,
    full,
    message,
    octets,
    paste,
    received,
    remote,
    request,
    sent,
)

START = datetime(2026, 11, 20, 22, 47, 42, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC).timestamp()
EMPTY_DATE = "Date: {:%a, %d %b %Y %H:%M:%S} GMT"
FORMS = {
    "day first": "%d/%m/%Y %T",
    "month first": "%m/%d/%Y %T",
    "points": "%d.%m.%Y %T",
    "dashes": "%d-%m-%Y %T",
    "short": "%D %T",
    "with a zone": "%d/%m/%Y %T +0000",
    "slashed ISO": "%Y/%m/%d %T",
    "%c": "%c",
    "%c without year": "%a %b %e %T",
    "epoch": "%s",
    "time only": "%T",
}


def stamp_of(form: str, at: datetime) -> str:
    return at.strftime(form.replace("%s", str(int(at.timestamp()))))


def milliseconds(stamp: str) -> str:
    """`dateformat` with `.%3q` behind it, or behind the time of day where a zone follows."""
    return stamp.replace(" +0000", ".449 +0000") if "+0000" in stamp else stamp + ".449"


def every_line(entries: list[str], stamp: str) -> str:
    return "".join(f"[{stamp}] {line}\n" for line in paste(entries).split("\n")[:-1])


def in_full(entries: list[str], stamp: str) -> str:
    return full(entries, stamp=stamp)


def ok(at: datetime) -> str:
    date = EMPTY_DATE.format(at)
    return UNAUTHORIZED.replace("401 Unauthorized", "200 OK").replace("Content-Length", f"{date}\r\nContent-Length")


def read(content: bytes) -> tuple[list[RawMessage], Source]:
    source = Source("log")
    return list(Reader(source, NOW).read(io.BytesIO(content))), source


def seconds(found: list[RawMessage]) -> list[datetime | None]:
    return [None if one.time is None else datetime.fromtimestamp(one.time // SECOND, UTC) for one in found]


@pytest.mark.parametrize("fraction", [False, True])
@pytest.mark.parametrize("wrapper", [every_line, in_full])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_forms(form: str, wrapper: Callable[[list[str], str], str], fraction: bool) -> None:
    """Two hours, over midnight: every message is there, and at its time."""
    moments = [START + timedelta(minutes=30 * n) for n in range(5)]
    text = ""
    for at in moments:
        stamp = milliseconds(stamp_of(form, at)) if fraction else stamp_of(form, at)
        text += wrapper([*received(REGISTER), *sent(ok(at))], stamp)
    assert asterisk_chan_sip.looks_like(octets(text))
    found, source = read(octets(text))
    assert seconds(found) == [at for at in moments for _ in range(2)]
    assert [one.payload[:8] for one in found] == [b"REGISTER", b"SIP/2.0 "] * 5
    assert all(not one.defects and not one.missing for one in found)
    assert source.resolution == (10**6 if fraction else SECOND)
    assert source.zone.startswith("UTC,")
    assert source.quality == []


@pytest.mark.parametrize("form", ["%d/%m/%Y %T", "%m/%d/%Y %T"])
def test_a_date_header_tells_day_from_month(form: str) -> None:
    at = datetime(2026, 4, 3, 10, 0, 0, tzinfo=UTC)
    entries = [*received(REGISTER), *sent(ok(at))]
    found, source = read(octets(full(entries, stamp=stamp_of(form, at))))
    assert seconds(found) == [at, at]
    assert source.quality == []


@pytest.mark.parametrize("form", ["%d/%m/%Y %T", "%m/%d/%Y %T"])
def test_the_number_that_changes_alone_is_the_day(form: str) -> None:
    moments = [datetime(2026, 4, day, 10, 0, 0, tzinfo=UTC) for day in (3, 5, 8)]
    found, source = read(octets("".join(full(received(REGISTER), stamp=stamp_of(form, at)) for at in moments)))
    times = [one.time for one in found if one.time is not None]
    assert [later - times[0] for later in times] == [0, 2 * 86400 * SECOND, 5 * 86400 * SECOND]
    assert source.quality == []


def test_a_later_day_beyond_twelve_counts_for_the_whole_log() -> None:
    moments = [datetime(2026, 11, 12, 10, 0, tzinfo=UTC), datetime(2026, 12, 13, 10, 0, tzinfo=UTC)]
    text = "".join(full(received(REGISTER), stamp=at.strftime("%m/%d/%Y %T")) for at in moments)
    times = [one.time or 0 for one in read(octets(text))[0]]
    assert times[1] - times[0] == 31 * 86400 * SECOND


def test_day_first_is_assumed_and_said() -> None:
    found, source = read(octets(full(received(REGISTER), stamp="03/04/2026 10:00:00")))
    (at,) = seconds(found)
    assert at is not None
    assert (at.month, abs(at.day - 3) <= 1) == (4, True)
    assert source.quality == [DAY_FIRST]


def test_times_of_day_follow_the_nights() -> None:
    text = "".join(full(received(REGISTER), stamp=stamp) for stamp in ("23:00:00", "07:00:00", "06:59:59", "02:00:00"))
    found, source = read(octets(text))
    times = [one.time or 0 for one in found]
    assert [(later - times[0]) // SECOND for later in times] == [0, 28800, 28799, 86400 + 10800]
    assert times[-1] <= NOW * SECOND
    assert times[-1] > (NOW - 86400) * SECOND
    assert "day assumed 2026-11-" in source.zone


def test_a_silent_day_is_found_by_the_next_date() -> None:
    moments = [START, START + timedelta(hours=26)]
    text = "".join(full([*received(REGISTER), *sent(ok(at))], stamp=at.strftime("%T")) for at in moments)
    assert seconds(read(octets(text))[0]) == [START, START, moments[1], moments[1]]


def test_a_time_of_day_in_a_dated_log_is_content() -> None:
    body = "[09:00:00] bob: hello\r\n[09:00:07] eve: hello\r\n"
    text = paste([*received(message(body)), *sent(ok(START))])
    log = "".join(f"[{START:%Y-%m-%d %T}] {line}\n" for line in text.split("\n")[:-1])
    found, _ = read(octets(log))
    assert seconds(found) == [START, START]
    assert found[0].payload.endswith(body.encode())


def test_dates_replace_what_looked_like_times_of_day() -> None:
    text = paste(["[09:00:00] bob: look at this\n"]) + full(
        [*received(REGISTER), *sent(ok(START))], stamp=f"{START:%c}"
    )
    found, source = read(octets(text))
    assert seconds(found) == [START, START]
    assert (source.first, source.last) == (found[0].time, found[1].time)


UNKNOWN = ["Fr 20. November 2026 11:47:42 CET", "Fr. 20 Nov 2026 11h47", "47:42", "20261120-114742", "m\xe4rz 1"]


@pytest.mark.parametrize("wrapper", [every_line, in_full])
@pytest.mark.parametrize("stamp", UNKNOWN)
def test_an_unknown_form_costs_the_times_alone(stamp: str, wrapper: Callable[[list[str], str], str]) -> None:
    later = stamp.replace("47", "48").replace("20", "9")
    body = "[x] a\r\n[y] b\r\n"
    text = wrapper([*received(REGISTER), *received(message(body))], stamp) + wrapper(sent(ok(START)), later)
    assert asterisk_chan_sip.looks_like(octets(text))
    found, source = read(octets(text))
    assert [one.payload.split(b" ")[0] for one in found] == [b"REGISTER", b"MESSAGE", b"SIP/2.0"]
    assert found[1].payload.endswith(body.encode())
    assert all(not one.defects and not one.missing for one in found)
    assert seconds(found) == [None] * 3
    assert source.quality == [UNKNOWN_STAMPS]


def test_no_stamp_is_not_an_unknown_one() -> None:
    assert read(octets(paste(received(REGISTER))))[1].quality == [NO_STAMPS]


def test_a_bracket_in_a_body_is_no_stamp() -> None:
    body = "[quote] <--- SIP read from UDP:10.0.0.1:5060 --->\r\n[quote] REGISTER sip:x SIP/2.0\r\n"
    found, source = read(octets(paste([*received(message(body)), *received(REGISTER)])))
    assert [one.payload.split(b" ")[0] for one in found] == [b"MESSAGE", b"REGISTER"]
    assert found[0].payload.endswith(body.encode())
    assert source.quality == [NO_STAMPS]


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        (b"20/11/2026 11:53:45", Stamp(2026, 11, 20, 42825, 0, None, 10**9, numeric=True)),
        (b"Fri Nov 20 11:53:45 2026.5", Stamp(2026, 11, 20, 42825, 500_000_000, None, 10**8)),
        (b"1795175625.250", Stamp(2026, 11, 20, 42825, 250_000_000, 0, 10**6)),
        (b"11:53:45", Stamp(None, 0, 0, 42825, 0, None, 10**9)),
        (b"24:00:00", None),
        (b"13/13/2026 11:53:45", None),
        (b"00/01/2026 11:53:45", None),
        (b"31/12/3026 11:53:45", None),
        (b"9999999999", None),
    ],
)
def test_parsing(text: bytes, stamp: Stamp | None) -> None:
    assert parse_stamp(text) == stamp


def test_order_of_day_and_month() -> None:
    for text, month_first, expected in (
        (b"03/04/2026 00:00:00", False, (4, 3)),
        (b"03/04/2026 00:00:00", True, (3, 4)),
        (b"13/04/2026 00:00:00", True, (4, 13)),
        (b"04/13/2026 00:00:00", False, (4, 13)),
    ):
        stamp = parse_stamp(text)
        assert stamp is not None
        ordered = stamp.ordered(month_first)
        assert (ordered.month, ordered.day) == expected


def test_shapes() -> None:
    assert stamp_shape(b"Fr  9. Mai 11h47") == stamp_shape(b"Di 20. M\xc3\xa4rz 9h01")
    assert stamp_shape(b"47:42") != stamp_shape(b"47.42")


@given(st.binary(max_size=48))
def test_any_stamp_is_harmless(text: bytes) -> None:
    stamp = parse_stamp(text)
    if stamp is not None:
        assert {type(stamp.ordered(first).seconds(2026)) for first in (False, True)} == {int}


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("dialect", [asterisk_chan_sip, asterisk_pjsip])
def test_utf_16_with_its_mark(codec: str, dialect: object) -> None:
    """`asterisk -rvvv > file` in Windows PowerShell, or a paste saved as Unicode."""
    text = full([*received(REGISTER), *sent(ok(START))], stamp="2026-11-20 22:47:42").replace("\r", "")
    if dialect is asterisk_pjsip:
        text = "<--- Received SIP request (337 bytes) from UDP:127.0.0.13:5073 --->\n" + text
    content = ("\ufeff" + text.replace("\n", "\r\n")).encode(codec)
    assert [asterisk_chan_sip.looks_like(content), asterisk_pjsip.looks_like(content)] == [
        dialect is asterisk_chan_sip,
        dialect is asterisk_pjsip,
    ]
    assert [one.payload for one in read(content)[0]] == [one.payload for one in read(octets(text))[0]]
    assert seconds(read(content)[0])[-1] == START


@given(st.binary(max_size=200), st.sampled_from([b"\xff\xfe", b"\xfe\xff"]))
def test_broken_utf_16_is_harmless(content: bytes, mark: bytes) -> None:
    assert read(mark + content)[0] == []
    assert asterisk_chan_sip.looks_like(mark + content) in (True, False)


@pytest.mark.parametrize("lead", ["> ", ">", ">> ", "    ", "\t", "  > "])
def test_a_quoted_remote_console(lead: str) -> None:
    entries = [*received(REGISTER), *sent(UNAUTHORIZED), *request(OPTIONS)]
    plain = remote(entries)
    quoted = "".join(lead + line + "\n" for line in plain.split("\n"))
    found, _ = read(octets(quoted))
    assert [one.payload for one in found] == [one.payload for one in read(octets(plain))[0]]
    assert len(found) == 3
