"""Variants of classic pcap with the common magic numbers: record headers of other lengths, swapped lengths, AIX."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture import pcap_layouts
from analyzer.capture.formats import pcap as reader
from analyzer.capture.pcap_layouts import Header
from analyzer.capture.window import Window
from analyzer.evidence import SECOND, RawMessage, Source
from tests.capture.build import EPOCH, REGISTER, RTP, ethernet, frame, ip4, ip6, message, pcap, read, udp

USUAL, MODIFIED = 0xA1B2C3D4, 0xA1B2CD34
LAYOUTS = {
    "usual": (USUAL, 16),
    "Red Hat 6.1": (USUAL, 24),
    "Nokia": (USUAL, 20),
    "modified": (MODIFIED, 24),
    "SuSE 6.3": (MODIFIED, 28),
}
SAID = {
    "Red Hat 6.1": ["its records have headers of 24 octets, as Red Hat 6.1 wrote them"],
    "Nokia": ["its records have headers of 20 octets, as Nokia wrote them"],
    "SuSE 6.3": ["its records have headers of 28 octets, as SuSE 6.3 wrote them"],
}
ARP = ethernet(bytes(28), 0x0806)
FRAMES = [frame(message(1)), ethernet(ip6(udp(REGISTER))), frame(message(2)), ARP, frame(RTP), frame(message(3))]


def written(
    frames: Sequence[bytes], layout: str, order: str = "<", linktype: int = 1, *, snap: int = 65535, extra: bytes = b""
) -> bytes:
    """A capture in one of `LAYOUTS`, one packet a second; behind the usual fields `extra`, or an interface and more."""
    magic, size = LAYOUTS[layout]
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, linktype)]
    more = (extra or struct.pack(order + "IHBB", 2, 0x0008, 0, 0) + bytes(4))[: size - 16]
    for second, octets in enumerate(frames):
        kept = octets[:snap]
        out.append(struct.pack(order + "IIII", EPOCH + second, 7, len(kept), len(octets)) + more + kept)
    return b"".join(out)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_all_that_is_written_is_read(layout: str, order: str) -> None:
    found, _, reading = read(written(FRAMES, layout, order))
    source = reading.sources[0]
    assert [one.payload for one in found] == [message(1), REGISTER, message(2), message(3)]
    assert [one.time for one in found] == [(EPOCH + second) * SECOND + 7000 for second in (0, 1, 2, 5)]
    assert (source.frames, source.other, source.damaged, source.defects) == (6, 1, False, 0)
    assert source.quality == SAID.get(layout, [])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_packet_is_enough(layout: str) -> None:
    """The file ends behind it in one layout alone."""
    found, _, reading = read(written(FRAMES[:1], layout))
    assert [one.payload for one in found] == [message(1)]
    assert reading.sources[0].defects == 0


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_snap_length(layout: str) -> None:
    found, _, _ = read(written([frame()] * 3, layout, snap=96))
    assert [(one.payload, one.missing) for one in found] == [(REGISTER[:54], len(REGISTER) - 54)] * 3


@pytest.mark.parametrize("linktype", [101, 113, 0])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_other_link_layers(layout: str, linktype: int) -> None:
    head = {101: b"", 113: bytes(14) + b"\x08\0", 0: b"\2\0\0\0"}[linktype]
    found, _, _ = read(written([head + ip4(udp(message(number))) for number in range(5)], layout, linktype=linktype))
    assert [one.payload for one in found] == [message(number) for number in range(5)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("cut", [1, 30, 100])
def test_the_end_is_missing(layout: str, cut: int) -> None:
    found, _, reading = read(written(FRAMES, layout)[:-cut])
    assert [one.payload for one in found] == [message(1), REGISTER, message(2)]
    assert [defect.code for _, defect in reading.sources[0].defect_list] == ["truncated-record"]


@pytest.mark.parametrize("left", range(1, 16))
def test_a_usual_file_that_ends_inside_a_header(left: int) -> None:
    """As long as another layout would be, now and then: the packet says which it is."""
    found, _, reading = read(pcap([frame(), frame()])[: 24 + 16 + len(frame()) + left])
    assert [one.payload for one in found] == [REGISTER]
    assert [defect.code for _, defect in reading.sources[0].defect_list] == ["truncated-record"]


@pytest.mark.parametrize("at", range(16))
@pytest.mark.parametrize("octet", [b"\0", b"\xff", b"\x80"])
def test_a_damaged_usual_file_stays_one(at: int, octet: bytes) -> None:
    octets = bytearray(pcap([frame(message(number)) for number in range(4)]))
    place = 24 + 16 + len(frame(message(0))) + at
    octets[place : place + 1] = octet
    found, _, reading = read(bytes(octets))
    assert found[0].payload == message(0)
    assert not any("headers of" in sentence for sentence in reading.sources[0].quality)


def test_a_clock_that_was_set_is_no_other_layout() -> None:
    times = [(1, 7), (2, 7), (EPOCH, 7), (EPOCH + 1, 7)]
    found, _, reading = read(pcap([ARP, *[frame(message(number)) for number in range(3)]], times=times))
    assert [one.payload for one in found] == [message(0), message(1), message(2)]
    assert reading.sources[0].quality == []


def test_a_tiny_fraction_of_a_second_is_taken_for_no_length() -> None:
    """Read in the usual layout, the fraction stands where a length should be."""
    octets = bytearray(written([frame(message(number)) for number in range(3)], "Nokia"))
    for number in range(3):
        at = 24 + number * (20 + len(frame(message(0)))) + 4
        octets[at : at + 4] = b"\x09\0\0\0"
    assert [one.payload for one in read(bytes(octets))[0]] == [message(0), message(1), message(2)]


class Trickle(io.RawIOBase):
    """A pipe that has a few octets at a time, and counts those that were taken."""

    def __init__(self, octets: bytes, step: int) -> None:
        super().__init__()
        self.octets, self.step, self.taken = octets, step, 0

    def readable(self) -> bool:
        return True

    def read1(self, _: int = -1) -> bytes:
        piece = self.octets[self.taken : self.taken + self.step]
        self.taken += len(piece)
        return piece


@pytest.mark.parametrize("step", [1, 5, 24, 1000])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_from_a_pipe(layout: str, step: int) -> None:
    pipe = Trickle(written(FRAMES, layout), step)
    records = list(reader.records(pipe, Source("pipe")))  # type: ignore[arg-type]
    assert [record.octets for record in records if record.octets != frame(RTP)] == [*FRAMES[:4], FRAMES[5]]


def test_a_live_capture_gives_its_first_packet_before_the_second() -> None:
    first = pcap(FRAMES[:1])
    pipe = Trickle(pcap(FRAMES), len(first))
    record = next(reader.records(pipe, Source("pipe")))  # type: ignore[arg-type]
    assert (record.octets, pipe.taken) == (FRAMES[0], len(first))


def aix(frames: Sequence[bytes], linktype: int = 6) -> bytes:
    head = struct.pack(">IHHiIII", USUAL, 2, 2, 0, 0, 96, linktype)
    packets = (struct.pack(">IIII", EPOCH, 123_456_789, len(octets), len(octets)) + octets for octets in frames)
    return head + b"".join(packets)


def test_aix() -> None:
    """The interface types of RFC 1573, and nanoseconds."""
    found, _, reading = read(aix([frame(), frame(message(2))]))
    assert [(one.payload, one.time) for one in found] == [
        (REGISTER, EPOCH * SECOND + 123_456_789),
        (message(2), EPOCH * SECOND + 123_456_789),
    ]
    assert reading.sources[0].resolution == 1


@pytest.mark.parametrize(("link", "number"), [(6, 1), (9, 6), (15, 10), (24, 0)])
def test_the_link_types_of_aix(link: int, number: int) -> None:
    assert pcap_layouts.header(aix([], link)).linktype == number


def test_other_link_types_of_version_2_2_are_what_they_are() -> None:
    head = pcap_layouts.header(struct.pack("<IHHiIII", USUAL, 2, 2, 0, 0, 96, 1))
    assert (head.linktype, head.aix, head.step, head.swapped) == (1, False, 1000, True)


@pytest.mark.parametrize(("minor", "swapped"), [(2, True), (3, True), (3, False), (4, False)])
def test_old_versions_have_the_lengths_the_other_way_round(minor: int, swapped: bool) -> None:
    octets = bytearray(pcap([frame(), frame(message(2))], snap=80))
    octets[6:8] = struct.pack("<H", minor)
    for at in (24, 24 + 16 + 80):
        if swapped:
            octets[at + 8 : at + 16] = octets[at + 12 : at + 16] + octets[at + 8 : at + 12]
    found, _, reading = read(bytes(octets))
    assert [(one.payload, one.missing) for one in found] == [
        (one[:38], len(one) - 38) for one in (REGISTER, message(2))
    ]
    assert reading.sources[0].defects == 0


def test_the_upper_bits_of_the_link_type() -> None:
    """They tell of the frame check sequence."""
    assert pcap_layouts.header(struct.pack("<IHHiIII", USUAL, 2, 4, 0, 0, 96, 0xF400_0001)).linktype == 1


@given(st.binary(max_size=120), st.sampled_from(sorted(pcap_layouts.MAGICS)))
def test_noise_never_raises(noise: bytes, magic: bytes) -> None:
    octets = magic + bytes(20) + noise
    window = Window(io.BytesIO(octets[24:]))
    size, _ = pcap_layouts.length(window, pcap_layouts.header(octets))
    assert size in (16, 20, 24, 28)
    list(reader.records(io.BytesIO(octets), Source("file")))


def test_a_header_is_what_it_says() -> None:
    assert pcap_layouts.header(pcap([])) == Header("<", 1000, False, 65535, 1, False, False)


def test_messages_are_evidence_with_their_offset() -> None:
    found, _, _ = read(written(FRAMES, "Red Hat 6.1"))
    octets = written(FRAMES, "Red Hat 6.1")
    for one in found:
        assert isinstance(one, RawMessage)
        offset = getattr(one.place, "offset", 0)
        assert octets[offset + 24 :].startswith(FRAMES[getattr(one.place, "number", 0) - 1])
