"""The walk over pcapng blocks, sound and damaged."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture import pcapng_options
from analyzer.capture.formats import pcapng
from analyzer.capture.record import Record
from analyzer.evidence import LATEST, SECOND, Source
from tests.capture.build import block, enhanced, interface, option, section, simple


def walk(capture: bytes) -> tuple[list[Record], Source]:
    source = Source("x")
    return list(pcapng.records(io.BytesIO(capture), source)), source


def codes(source: Source) -> list[str]:
    return [defect.code for _, defect in source.defect_list]


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_orders(order: str) -> None:
    capture = section(order) + interface(276, order=order) + enhanced(b"abc", 5_000_001, order=order)
    assert pcapng.looks_like(capture)
    (record,), source = walk(capture)
    assert (record.octets, record.linktype, record.time) == (b"abc", 276, 5 * SECOND + 1000)
    assert (record.number, record.offset) == (1, 28 + 20)
    assert not source.damaged


def test_a_new_section_has_its_own_order_and_interfaces() -> None:
    first = section("<") + interface(1) + enhanced(b"a")
    records, source = walk(first + section(">") + interface(101, order=">") + enhanced(b"b", order=">"))
    assert [(record.number, record.linktype, record.octets) for record in records] == [(1, 1, b"a"), (2, 101, b"b")]
    assert source.defects == 0


@pytest.mark.parametrize(
    ("options", "ticks", "time"),
    [
        (b"", 1_000_000, SECOND),
        (option(9, b"\x09"), 1, 1),
        (option(9, b"\x03"), 2, 2_000_000),
        (option(9, b"\x0c"), 5000, 5),  # picoseconds: finer than what we keep
        (option(9, b"\x80"), 3, 3 * SECOND),
        (option(9, b"\x8a"), 512, SECOND // 2),  # 2**-10 s
        (option(9, b"\xff"), 2**63, 0),
        (option(14, struct.pack("<q", 100)), 0, 100 * SECOND),
        (option(14, struct.pack("<q", -1)) + option(0, b""), 2_000_000, SECOND),
        (option(2, b"eth0") + option(9, b"\x09") + option(0, b"") + option(9, b"\x00"), 7, 7),
        (option(9, b"") + option(14, b"short"), 1_000_000, SECOND),
    ],
)
def test_clocks(options: bytes, ticks: int, time: int) -> None:
    (record,), _ = walk(section() + interface(1, options) + enhanced(b"a", ticks))
    assert record.time == time


def test_interfaces_have_their_own_link_type_and_clock() -> None:
    capture = (
        section() + interface(1) + interface(113, option(9, b"\x00")) + enhanced(b"a", 1, 0) + enhanced(b"b", 1, 1)
    )
    records, source = walk(capture)
    assert [(record.linktype, record.time) for record in records] == [(1, 1000), (113, SECOND)]
    assert source.resolution == SECOND  # the coarsest


def test_the_resolution_is_that_of_the_interface() -> None:
    assert walk(section() + interface(1, option(9, b"\x09")))[1].resolution == 1


def test_a_simple_packet_has_no_time_and_follows_the_snap_length() -> None:
    records, _ = walk(section() + interface(1, snaplen=4) + simple(b"abcd", length=9) + simple(b"ab"))
    assert [(record.time, record.octets, record.length) for record in records] == [(None, b"abcd", 9), (None, b"ab", 2)]


def test_the_obsolete_packet_block() -> None:
    body = struct.pack("<HHIIII", 0, 3, 0, 2_000_000, 3, 3) + b"abc"
    (record,), _ = walk(section() + interface(1) + block(2, body))
    assert (record.octets, record.time) == (b"abc", 2 * SECOND)


def test_unknown_blocks_are_skipped_and_not_counted() -> None:
    unknown = block(0x0BAD, b"whatever") + block(10, b"secrets") + block(4, b"")
    records, source = walk(section() + unknown + interface(1) + unknown + enhanced(b"a") + unknown + enhanced(b"b"))
    assert [record.number for record in records] == [1, 2]
    assert source.defects == 0


def test_dropped_packets_are_told() -> None:
    statistics = struct.pack("<III", 0, 0, 0) + option(5, struct.pack("<Q", 3)) + option(7, struct.pack("<Q", 4))
    _, source = walk(section() + interface(1) + block(5, statistics))
    assert source.quality == ["the capturing program reports 7 dropped packets"]


GOOD = section() + interface(1) + enhanced(b"abcd") + enhanced(b"efgh")
LAST = len(GOOD) - len(enhanced(b"efgh"))


def test_an_absurd_length_loses_one_block() -> None:
    for size in (0xFFFFFFFC, 13, 4, 0):
        bad = GOOD[:LAST] + struct.pack("<II", 6, size) + bytes(40) + enhanced(b"ijkl")
        records, source = walk(bad)
        assert [record.octets for record in records] == [b"abcd", b"ijkl"], size
        assert codes(source) == ["absurd-length"]
        assert source.damaged


def test_lengths_that_differ_lose_one_block() -> None:
    records, source = walk(GOOD[:-4] + struct.pack("<I", 99) + enhanced(b"ijkl"))
    assert [record.octets for record in records] == [b"abcd", b"ijkl"]
    assert codes(source) == ["block-length"]


def test_damage_up_to_the_next_section() -> None:
    records, source = walk(GOOD + b"\0" * 64 + section(">") + interface(1, order=">") + enhanced(b"z", order=">"))
    assert [record.octets for record in records] == [b"abcd", b"efgh", b"z"]
    assert source.defects == 1


def test_a_packet_longer_than_its_block_is_clipped() -> None:
    head = struct.pack("<IIIII", 0, 0, 0, 0xFFFFFFF0, 0xFFFFFFF0)
    (record,), source = walk(section() + interface(1) + block(6, head + b"abcd"))
    assert record.octets == b"abcd"
    assert codes(source) == ["absurd-length"]


def test_unreadable_packets_still_count() -> None:
    capture = section() + enhanced(b"a") + interface(1) + block(6, b"1234") + block(3, b"") + block(2, b"")
    records, source = walk(capture + enhanced(b"b", number=4) + enhanced(b"c"))
    assert [(record.number, record.octets) for record in records if record.octets] == [(6, b"c")]
    assert source.defects == 5


@given(st.integers(min_value=1, max_value=len(GOOD) - 1))
def test_every_cut_keeps_what_stands_before_it(cut: int) -> None:
    records, source = walk(GOOD[:-cut])
    keep = len(GOOD) - cut
    assert len(records) == (keep >= LAST)
    borders = (28, 48, LAST)
    assert source.damaged is (keep not in borders)


@given(st.binary(max_size=300), st.integers(0, len(GOOD)))
def test_noise_never_raises(noise: bytes, at: int) -> None:
    walk(GOOD[:at] + noise + GOOD[at:])


def test_not_every_crlf_is_a_section() -> None:
    assert not pcapng.looks_like(b"\n\r\r\n\r\n\r\n\r\n\r\n")


@given(st.integers(0, 255), st.integers(-(1 << 63), (1 << 63) - 1), st.integers(0, 1 << 32))
def test_ticks_that_need_no_closer_look(resolution: int, offset: int, low: int) -> None:
    clock = pcapng_options.interface(1, 0, option(9, bytes([resolution])) + option(14, struct.pack("<q", offset)), "<")
    least, most = pcapng_options.sure(clock)
    for high in {least, (least + most) // 2, most} if least <= most else ():
        ticks = high << 32 | low & 0xFFFFFFFF
        assert 0 <= ticks * clock.multiplier // clock.divisor + clock.offset < LATEST


@pytest.mark.parametrize(
    ("resolution", "offset", "highs"), [(6, 0, 10**6), (9, 0, 10**9), (0, 0, 1), (0, -(1 << 33), 1)]
)
def test_ordinary_ticks_need_none(resolution: int, offset: int, highs: int) -> None:
    clock = pcapng_options.interface(1, 0, option(9, bytes([resolution])) + option(14, struct.pack("<q", offset)), "<")
    least, most = pcapng_options.sure(clock)
    assert most - least + 1 == highs
