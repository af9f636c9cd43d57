"""The frames of the generated traffic: right lengths and checksums, and a file that another library reads."""

from __future__ import annotations

from pathlib import Path

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.frames import Flow, flow, frame, octet_sum, write_capture

MACS = bytes.fromhex("02005e10000102005e1000fe")
PATH = flow(MACS, bytes([100, 64, 0, 1]), bytes([192, 0, 2, 10]), 40_000, 5060)


def fold(octets: bytes) -> int:
    """RFC 1071 as it is written: words added, carries added again, complement."""
    padded = octets + b"\0" * (len(octets) % 2)
    total = sum(int.from_bytes(padded[at : at + 2]) for at in range(0, len(padded), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def checksums(octets: bytes) -> tuple[int, int]:
    """What the receiver of a frame computes over the IP header, and over pseudo header and datagram: zero is right."""
    header, datagram = octets[14:34], octets[34:]
    pseudo = octets[26:34] + bytes([0, 17]) + len(datagram).to_bytes(2)
    return fold(header), fold(pseudo + datagram)


@given(st.binary(max_size=600), st.integers(0, 1 << 20))
def test_checksums_are_right(payload: bytes, identification: int) -> None:
    assert checksums(frame(PATH, identification, payload, octet_sum(payload))) == (0, 0)


@given(st.binary(max_size=64))
def test_octet_sum_is_that_of_the_words(octets: bytes) -> None:
    assert (octet_sum(octets) + fold(octets)) % 0xFFFF == 0


def test_udp_checksum_of_zero_is_sent_as_ones() -> None:
    bare = frame(PATH, 1, b"\0\0", 0)
    rest = int.from_bytes(bare[40:42])  # as payload it makes the sum come out as all ones, the checksum as zero
    payload = rest.to_bytes(2)
    assert frame(PATH, 1, payload, octet_sum(payload))[40:42] == b"\xff\xff"


def test_sums_of_parts_may_be_given() -> None:
    head, tail = b"\x80\x00\x12\x34", bytes(range(100))
    assert frame(PATH, 7, head + tail, octet_sum(head) + octet_sum(tail)) == frame(
        PATH, 7, head + tail, octet_sum(head + tail)
    )


@pytest.mark.parametrize("size", [0, 1, 172, 1400])
def test_headers_say_what_was_given(size: int) -> None:
    packet = dpkt.ethernet.Ethernet(frame(PATH, 0x1FFFF, bytes(size), 0))
    assert packet.dst + packet.src == MACS
    assert (packet.ip.src, packet.ip.dst, packet.ip.id, packet.ip.len) == (
        PATH.source,
        PATH.destination,
        0xFFFF,
        size + 28,
    )
    assert (packet.ip.udp.sport, packet.ip.udp.dport, packet.ip.udp.ulen) == (40_000, 5060, size + 8)
    assert bytes(packet.ip.udp.data) == bytes(size)


def test_both_directions_differ_in_their_ends_alone() -> None:
    back = flow(MACS, PATH.destination, PATH.source, PATH.destination_port, PATH.source_port)
    assert isinstance(back, Flow)
    assert (back.ip_sum, back.udp_sum) == (PATH.ip_sum, PATH.udp_sum)


def test_file_is_read_by_others(tmp_path: Path) -> None:
    packets = [(1_767_258_000_000_001, b"first frame"), (1_767_258_001_999_999, b"second")]
    path = tmp_path / "two.pcap"
    assert write_capture(path, iter(packets)) == 2
    with path.open("rb") as file:
        reader = dpkt.pcap.Reader(file)
        assert reader.datalink() == dpkt.pcap.DLT_EN10MB
        read = [(round(float(time) * 1_000_000), bytes(octets)) for time, octets in reader]
    assert read == packets


def test_empty_file_has_its_header(tmp_path: Path) -> None:
    path = tmp_path / "none.pcap"
    assert write_capture(path, []) == 0
    assert path.stat().st_size == 24
