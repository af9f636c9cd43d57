"""The walk over classic pcap files, sound and damaged."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.formats import pcap
from analyzer.capture.record import Record
from analyzer.evidence import SECOND, Source
from tests.capture import build


def walk(capture: bytes) -> tuple[list[Record], Source]:
    source = Source("x")
    return list(pcap.records(io.BytesIO(capture), source)), source


FRAMES = [b"a" * 20, b"bb", b""]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "step"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1), (0xA1B2CD34, 1000)])
def test_orders_and_clocks(magic: int, step: int, order: str) -> None:
    times = [(7, 999), (8, 0), (4294967295, 5)]
    capture = build.pcap(FRAMES, 113, magic=magic, order=order, times=times)
    assert pcap.looks_like(capture)
    records, source = walk(capture)
    assert [record.octets for record in records] == FRAMES
    assert [record.time for record in records] == [7 * SECOND + 999 * step, 8 * SECOND, 4294967295 * SECOND + 5 * step]
    assert {record.linktype for record in records} == {113}
    assert source.resolution == step
    assert not source.damaged


def test_numbers_offsets_and_original_lengths() -> None:
    records, _ = walk(build.pcap(FRAMES, snap=4))
    assert [(record.number, record.offset) for record in records] == [(1, 24), (2, 44), (3, 62)]
    assert [(record.length, len(record.octets)) for record in records] == [(20, 4), (2, 2), (0, 0)]


def test_the_frame_check_length_is_no_part_of_the_link_type() -> None:
    records, _ = walk(build.pcap(FRAMES, 0x14000001))
    assert records[0].linktype == 1


@given(st.integers(min_value=1, max_value=200))
def test_every_cut_keeps_what_stands_before_it(cut: int) -> None:
    capture = build.pcap([b"x" * 20] * 5)
    keep = max(0, len(capture) - cut)
    records, source = walk(capture[:keep])
    assert len(records) == max(0, (keep - 24) // 36)
    assert source.damaged is (keep < 24 or (keep - 24) % 36 > 0)
    assert source.defects == source.damaged


@pytest.mark.parametrize(
    ("capture", "code", "offset"),
    [
        (build.pcap([])[:20], "short-header", 0),
        (build.pcap(FRAMES)[:-17], "truncated-record", 60),
        (build.pcap([b"abc"]) + b"1234", "truncated-record", 43),
        (build.pcap([b"abc"]) + struct.pack("<IIII", 0, 0, 0xFFFFFFFF, 4) + bytes(90), "absurd-length", 43),
    ],
)
def test_damage_names_its_place(capture: bytes, code: str, offset: int) -> None:
    _, source = walk(capture)
    assert source.damaged
    assert [(defect.code, defect.offset) for _, defect in source.defect_list] == [(code, offset)]


def test_records_across_reads() -> None:
    """More than one chunk, from a stream that gives little at a time."""

    class Drip(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 1, 7))

    frames = [bytes([index]) * (index % 50) for index in range(200)]
    source = Source("x")
    records = list(pcap.records(Drip(build.pcap(frames)), source))
    assert [record.octets for record in records] == frames
    big = [b"y" * 60000] * 20
    assert [record.octets for record in walk(build.pcap(big))[0]] == big


@given(st.binary(max_size=200))
def test_noise_never_raises(noise: bytes) -> None:
    walk(build.pcap([]) + noise)
