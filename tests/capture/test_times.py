"""Every time that a reader gives is None or one that can be (`0 <= time < LATEST`), whatever the source says."""

from __future__ import annotations

import io
import random
import re
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture.formats import discover
from analyzer.capture.opener import open_sources
from analyzer.capture.tshark.reader import nanoseconds
from analyzer.defect import SourceError
from analyzer.evidence import LATEST, SECOND, Frame, Item, RawMessage, Source
from tests.capture.asterisk_text import REGISTER, full, octets, pjsip, received
from tests.capture.build import EPOCH, enhanced, frame, interface, option, pcap, section, simple
from tests.capture.strange_clocks import ABSURD, CLOCKS, FARTHEST
from tests.capture.test_hep import ENDS, chunk, hep
from tests.plugins.folders import FOLDERS, loaded


def taken(content: bytes) -> tuple[list[Item], Source]:
    """What comes in by the one door that all readers have; nothing where that is no source."""
    try:
        reading = open_sources([io.BytesIO(content)])
    except SourceError:
        return [], Source("none")
    return list(reading), reading.sources[0]


def is_sound(items: list[Item], source: Source) -> bool:
    """Whether all times can be, and what cannot be is told once."""
    told = [defect.code for _, defect in source.defect_list].count("absurd-time")
    times = [item.time for item in items] + [source.first, source.last]
    return all(time is None or 0 <= time < LATEST for time in times) and told == (source.undated > 0)


@pytest.mark.parametrize(
    ("time", "kept"),
    [
        (None, True),
        (0, True),
        (LATEST - 1, True),
        (LATEST, False),
        (-1, False),
        (1 << 200, False),
        (-(1 << 200), False),
    ],
)
def test_what_can_be_a_time(time: int | None, kept: bool) -> None:
    source, place = Source("x"), Frame("x", 7)
    assert source.dated(time, place) == (time if kept else None)
    assert source.dated(time) == (time if kept else None)
    source.note_time(time)
    assert (source.last is not None) == (kept and time is not None)
    assert source.undated == (0 if kept else 2)
    assert [(where, defect.code) for where, defect in source.defect_list] == ([] if kept else [(place, "absurd-time")])


def test_all_that_is_reckoned_from_a_time_fits_64_bits() -> None:
    longest = (1 << 32) * SECOND
    assert LATEST + longest < 1 << 63
    assert datetime.fromtimestamp(LATEST // SECOND - 1, UTC).year == 2106


@pytest.mark.parametrize("name", CLOCKS)
def test_strange_clocks(name: str) -> None:
    items, source = taken(CLOCKS[name])
    assert is_sound(items, source)
    assert len(items) == source.messages == source.frames > 7, "no message is lost for its time"
    assert (source.undated > 0) == (name in ABSURD)
    assert any("impossible time" in one for one in source.quality) == (name in ABSURD)


def test_one_absurd_time_leaves_the_others_in_their_order() -> None:
    """It is neither first nor last of two captures that are read as one, and holds nobody up."""
    octets = [frame(REGISTER.replace("z9hG4bK", f"z9hG4bK{number}").encode()) for number in range(6)]
    mine = [enhanced(octets[0], EPOCH * 10**6), enhanced(octets[2], FARTHEST), enhanced(octets[4], (EPOCH + 4) * 10**6)]
    streams = [
        io.BytesIO(section() + interface() + b"".join(mine)),
        io.BytesIO(pcap(octets[1::2], times=[(EPOCH + second, 0) for second in (1, 3, 5)])),
    ]
    times = [item.time for item in open_sources(streams)]
    assert times == [EPOCH * SECOND, None, *((EPOCH + second) * SECOND for second in (1, 3, 4, 5))]


@settings(max_examples=150)
@given(
    st.lists(st.integers(0, FARTHEST), min_size=1, max_size=5),
    st.integers(0, 255),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.sampled_from("<>"),
)
def test_any_clock_of_pcapng(ticks: list[int], resolution: int, offset: int, order: str) -> None:
    own = option(9, bytes([resolution]), order) + option(14, struct.pack(order + "q", offset), order)
    packets = b"".join(enhanced(frame(), one, order=order) for one in ticks) + simple(frame(), order)
    items, source = taken(section(order) + interface(1, own, order) + packets)
    assert len(items) == len(ticks) + 1 and is_sound(items, source)


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)), min_size=1, max_size=5),
    st.sampled_from([0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34]),
    st.sampled_from("<>"),
)
def test_any_clock_of_pcap(times: list[tuple[int, int]], magic: int, order: str) -> None:
    items, source = taken(pcap([frame()] * len(times), magic=magic, order=order, times=times))
    assert len(items) == len(times) and is_sound(items, source)


@settings(max_examples=100)
@given(st.binary(max_size=6), st.binary(max_size=6))
def test_any_clock_of_hep(seconds: bytes, microseconds: bytes) -> None:
    packet = hep(ENDS, chunk(9, seconds), chunk(10, microseconds), chunk(15, REGISTER.encode()))
    items, source = taken(pcap([frame(packet, dport=9060)]))
    assert len(items) == 1 and is_sound(items, source)


STAMP = st.one_of(
    st.builds(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}".format,
        st.integers(0, 9999),
        st.integers(0, 13),
        st.integers(0, 32),
        st.integers(0, 24),
        st.integers(0, 60),
        st.integers(0, 61),
    ),
    st.builds("{} {:2} 00:00:00".format, st.sampled_from(["Jan", "Jun", "Dec"]), st.integers(0, 32)),
    st.integers(10**8, 10**10 - 1).map(str),
    st.sampled_from(["23:59:59", "00:00:00"]),
)


@settings(max_examples=100)
@given(st.lists(STAMP, min_size=1, max_size=8), st.sampled_from([received, pjsip]), st.booleans())
def test_any_clock_of_a_log(stamps: list[str], dialect: object, is_dated: bool) -> None:
    assert callable(dialect)
    date = "Date: Fri, 31 Dec 2199 23:59:59 GMT\r\n" if is_dated else ""
    entries = dialect(REGISTER.replace("Content-Length", date + "Content-Length"))
    items, source = taken(octets("".join(full(entries, stamp=stamp) for stamp in stamps)))
    assert is_sound(items, source)


@pytest.mark.parametrize("stamp", ["2150-01-01 00:00:00", "2199-12-31 23:59:59"])
def test_a_log_of_the_next_century(stamp: str) -> None:
    items, source = taken(octets(full(received(REGISTER), stamp=stamp)))
    assert [item.time for item in items] == [None] and is_sound(items, source) and source.undated == 1
    assert any("impossible time" in one for one in source.quality)


def test_a_log_that_turns_its_year_until_there_is_none_left() -> None:
    stamps = ["Jan  1 00:00:00", "May  1 00:00:00", "Sep  1 00:00:00"] * 90
    years = "".join(full(received(REGISTER), stamp=stamp) for stamp in stamps)
    items, source = taken(octets(years))
    assert len(items) == 270 and is_sound(items, source) and source.undated > 30


@pytest.mark.parametrize("name", ABSURD[:4])
@pytest.mark.needs_tool("tshark")
def test_strange_clocks_by_tshark(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    path.write_bytes(CLOCKS[name])
    with open_sources([path], engine="tshark") as reading:
        items = list(reading)
    with open_sources([path]) as reading:
        assert [(item.time, item.place) for item in items] == [(item.time, item.place) for item in reading]
    assert is_sound(items, reading.sources[0])


@pytest.mark.parametrize("name", FOLDERS["dialect"].names())
@settings(max_examples=25)
@given(st.randoms(use_true_random=False))
def test_any_clock_of_a_dialect(name: str, dice: random.Random) -> None:
    """The digits of an example's lines outside of its headers are others."""
    example: bytes = loaded("dialect", name).EXAMPLE
    lines = [
        line if re.match(rb"[A-Za-z-]+:", line) else re.sub(rb"\d", lambda _: b"%d" % dice.randrange(10), line)
        for line in example.split(b"\n")
    ]
    items, source = taken(b"\n".join(lines))
    assert is_sound(items, source)


@given(st.one_of(st.text("0123456789.-TZ:+", max_size=40), st.integers().map(str), st.datetimes().map(str)))
def test_what_tshark_may_write_for_a_time(text: str) -> None:
    source = Source("x")
    time = source.dated(nanoseconds(text))
    assert time is None or 0 <= time < LATEST


def test_no_format_is_forgotten() -> None:
    """Who adds one adds its times here: to `test_any_clock_of_...`; dialects are found."""
    assert {one.name for one in discover() if one.kind == "capture"} == {"pcap", "pcapng"}
    assert all(isinstance(item, RawMessage) for item in taken(CLOCKS["never"])[0])
