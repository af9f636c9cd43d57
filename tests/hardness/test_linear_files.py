"""Files made to be expensive: work grows with the file and with what comes out of it, not with a square."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

import pytest

from analyzer.capture.formats import pcap, pcapng
from analyzer.capture.input_stream import CHUNK, InputStream
from analyzer.capture.record import Record
from analyzer.evidence import Source
from tests.capture import build
from tests.capture.build import block, enhanced, frame, interface, option, section
from tests.capture.test_pcap_layouts import written
from tests.hardness.growth import squares, trap

Run = Callable[[], object]


def walking(read: Callable[[BinaryIO, Source], Iterator[Record]], octets: bytes) -> Run:
    """All records of a file, of which nothing is kept."""

    def run() -> None:
        for _ in read(io.BytesIO(octets), Source("file")):
            pass

    return run


@trap(2_000)
def empty_packets(n: int) -> Run:
    return walking(pcap.records, build.pcap([b""]) + struct.pack("<IIII", 1, 0, 0, 0) * n)


@trap(2_000)
def records_as_red_hat_wrote_them(n: int) -> Run:
    return walking(pcap.records, written([frame()] * n, "Red Hat 6.1"))


@trap(2_000)
def records_that_fit_no_layout(n: int) -> Run:
    return walking(pcap.records, build.pcap([b"x" * 40]) + struct.pack("<IIII", 1, 2_000_000, 9, 4) * n)


@trap(200_000, full=pcap.MAX_HOLE - 16)
def zeros_behind_a_record(n: int) -> Run:
    return walking(pcap.records, build.pcap([frame()]) + bytes(16 + n) + build.pcap([frame()])[24:])


@trap(200_000, full=pcapng.MAX_HOLE - 16)
def zeros_behind_a_block(n: int) -> Run:
    return walking(pcapng.records, section() + bytes(16 + n & ~3) + section())


@trap(8_000)
def holes_after_damage(n: int) -> Run:
    return walking(pcapng.records, section() + (b"\xff" * 8 + bytes(16)) * (n // 8))


@trap(800)
def holes_between_records(n: int) -> Run:
    one = build.pcap([b"x"])[24:]
    return walking(pcap.records, build.pcap([]) + (one + bytes(20)) * n)


@trap(2_000)
def tiny_blocks(n: int) -> Run:
    return walking(pcapng.records, section() + block(99, b"") * n)


@trap(2_000)
def interfaces(n: int) -> Run:
    return walking(pcapng.records, section() + interface() * n + enhanced(frame(), number=n - 1))


@trap(2_000)
def sections(n: int) -> Run:
    return walking(pcapng.records, (section() + interface() + enhanced(b"")) * n)


@trap(2_000)
def options_of_a_block(n: int) -> Run:
    return walking(
        pcapng.records,
        section() + interface(options=option(2, b"x") * n) + block(5, bytes(12) + option(5, bytes(8)) * n),
    )


@trap(2_000)
def reported_drops(n: int) -> Run:
    lost = option(5, b"\1" + bytes(7))
    return walking(pcapng.records, section() + interface() + block(5, bytes(12) + lost) * n)


@trap(2_000)
def packets_of_no_interface(n: int) -> Run:
    return walking(pcapng.records, section() + enhanced(b"x", number=9) * n)


@trap(8_000)
def blocks_that_disagree(n: int) -> Run:
    wrong = struct.pack("<III", 6, 12, 99)
    return walking(pcapng.records, section() + wrong * n)


@trap(8_000)
def lengths_that_reach_far(n: int) -> Run:
    """After damage any four octets may pose as a length: each is believed and looked up, none is right."""
    return walking(pcapng.records, section() + struct.pack("<II", 6, (1 << 14) + 4) * n)


def inflating(octets: bytes) -> Run:
    """All octets that come out, in pieces, of which nothing is kept."""

    def run() -> None:
        input_stream, buffer = InputStream(io.BytesIO(octets), Source("file")), memoryview(bytearray(CHUNK))
        while input_stream.readinto(buffer):
            pass

    return run


@trap(2_000, full=300_000)
def empty_gzip_files(n: int) -> Run:
    return inflating(gzip.compress(b"x", mtime=0) + gzip.compress(b"", mtime=0) * n)


@trap(2_000, full=300_000)
def tiny_gzip_files(n: int) -> Run:
    return inflating(gzip.compress(b"x", mtime=0) * n)


@trap(1_000, full=100_000)
def tiny_bzip2_files(n: int) -> Run:
    return inflating(bz2.compress(b"x") * n)


@trap(1_000, full=100_000)
def tiny_xz_files(n: int) -> Run:
    return inflating(lzma.compress(b"x") * n)


@trap(4_000_000, full=2_000_000_000)
def a_gzip_bomb(n: int) -> Run:
    return inflating(gzip.compress(bytes(n), 9, mtime=0))


@trap(4_000_000, full=2_000_000_000)
def a_bzip2_bomb(n: int) -> Run:
    return inflating(bz2.compress(bytes(n)))


@pytest.mark.timeout(600)
def test_work_grows_with_the_file() -> None:
    assert squares(__name__) == {}
