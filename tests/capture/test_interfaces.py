"""The same packets from several interfaces of one capture: one traffic, seen twice."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import pytest

from analyzer import analyze
from analyzer.capture import fragments, sightings
from analyzer.capture.opener import open_sources
from analyzer.evidence import Frame, RawMessage
from tests.capture.build import (
    EPOCH,
    OK,
    REGISTER,
    block,
    codes,
    enhanced,
    ethernet,
    fragment6,
    frame,
    interface,
    ip4,
    ip6,
    message,
    pcap,
    read,
    section,
    udp,
)
from tests.capture.tcp_talk import Talk
from tests.shared import DATA

BODY = message(1, b"x" * 300)
DATAGRAM = udp(BODY)
SLL2 = 276
Seen = tuple[int, bytes, int]
"""An interface, an IP packet, microseconds after the first one."""


def cooked(packet: bytes, index: int = 2) -> bytes:
    return struct.pack("!HHIHBB8s", 0x0800 if packet[0] >> 4 == 4 else 0x86DD, 0, index, 1, 0, 6, b"") + packet


def captured(seen: Sequence[Seen], *, count: int = 2, snap: int | None = None) -> bytes:
    """Interface 0 has Ethernet, the others Linux cooked packets; `snap` cuts those of interface 0."""
    out = [section(), interface(1), *(interface(SLL2) for _ in range(count - 1))]
    for number, packet, micros in seen:
        octets = cooked(packet) if number else ethernet(packet)
        time = EPOCH * 10**6 + micros
        kept = octets[:snap] if not number else octets
        head = struct.pack("<IIIII", number, time >> 32, time & 0xFFFFFFFF, len(kept), len(octets))
        out.append(block(6, head + kept))
    return b"".join(out)


def both(*packets: bytes, apart: int = 2) -> list[Seen]:
    """Each packet on the one interface, then on the other, a millisecond between packets."""
    return [(which, packet, 1000 * at + apart * which) for at, packet in enumerate(packets) for which in (0, 1)]


def part(start: int, end: int, ident: int = 9, octets: bytes = DATAGRAM) -> bytes:
    return ip4(octets[start:end], ident=ident, offset=start, more=end < len(octets))


PARTS = [part(0, 160), part(160, 320), part(320, len(DATAGRAM))]


def test_each_packet_is_taken_once() -> None:
    packets = [ip4(udp(message(number)), ident=number + 1) for number in range(3)] + [ip6(udp(OK))]
    found, _, reading = read(captured(both(*packets)))
    assert [one.payload for one in found] == [message(0), message(1), message(2), OK]
    assert [one.place.number for one in found if isinstance(one.place, Frame)] == [1, 3, 5, 7]
    source = reading.sources[0]
    assert (source.frames, source.messages, source.defects) == (8, 4, 0)
    assert source.quality == ["4 packets are there from a second interface too, and counted once"]


def test_what_is_sent_again_is_not_taken_for_it() -> None:
    """T1 later, on both interfaces: two packets, of two sights each."""
    packet = ip4(udp(REGISTER))
    seen = [(which, packet, micros + which) for micros in (0, 500_000) for which in (0, 1)]
    found, _, _ = read(captured(seen))
    assert len(found) == 2


def test_one_interface_that_shows_it_twice_is_left_to_whoever_matches() -> None:
    packet = ip4(udp(REGISTER))
    found, _, _ = read(captured([(0, packet, 0), (0, packet, 5), (1, packet, 6)]))
    assert len(found) == 2


@pytest.mark.parametrize(
    "other",
    [
        ip4(udp(REGISTER), ident=2),
        ip4(udp(REGISTER.replace(b"1@lab", b"2@lab"))),
        ip4(udp(REGISTER), source="10.0.0.9"),
    ],
)
def test_packets_that_differ_are_two(other: bytes) -> None:
    assert len(read(captured([(0, ip4(udp(REGISTER)), 0), (1, other, 1)]))[0]) == 2


def test_what_ethernet_adds_behind_a_packet_makes_no_difference() -> None:
    packet = ip4(udp(b"\r\n\r\n"))
    found, _, reading = read(captured([(1, packet, 0), (0, packet + bytes(14), 1), (0, ip4(udp(OK)), 9)]))
    assert (len(found), reading.sources[0].keepalives) == (1, 1)


def test_without_times() -> None:
    octets = section() + interface(1) + interface(1) + enhanced(frame()) + enhanced(frame(), number=1)
    assert len(read(octets)[0]) == 1


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sightings, "MOST", 3)
    packets = [ip4(udp(message(number)), ident=number + 1) for number in range(9)]
    late = [(0, packet, 0) for packet in packets] + [(1, packet, 1) for packet in packets]
    assert len(read(captured(late))[0]) == 18
    assert len(read(captured(both(*packets)))[0]) == 9


def test_a_stream() -> None:
    talk = Talk().open().up(0, message(1)[:40]).up(40, message(1)[40:]).down(0, OK).fin(len(message(1)), len(OK))
    once, ends, _ = read(pcap(talk.frames))
    found, aborts, reading = read(captured(both(*(octets[14:] for octets in talk.frames))))
    assert [one.payload for one in found] == [one.payload for one in once] == [message(1), OK]
    assert len(aborts) == len(ends) == 2
    assert codes(reading) == []


ORDERS = {
    "one after the other": [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)],
    "in turn": [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)],
    "the other ends first": [(0, 0), (1, 0), (1, 1), (1, 2), (0, 1), (0, 2)],
    "the last ones first": [(0, 2), (1, 2), (1, 0), (0, 0), (0, 1), (1, 1)],
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("hops", [0, 1])
def test_fragments(order: str, hops: int) -> None:
    """Of the same packets, and of those behind a router, whose hops left are others."""
    routed = [packet[:8] + bytes([packet[8] - hops]) + packet[9:] for packet in PARTS]
    seen = [(which, (routed if which else PARTS)[number], at) for at, (which, number) in enumerate(ORDERS[order])]
    found, _, reading = read(captured(seen))
    assert [one.payload for one in found] == [BODY]
    assert codes(reading) == []


@pytest.mark.parametrize("shares", [[0, 1, 0], [1, 0, 1], [0, 0, 1], [1, 1, 0]])
def test_links_of_a_bundle_share_the_fragments_out(shares: list[int]) -> None:
    found, _, reading = read(captured([(which, PARTS[at], at) for at, which in enumerate(shares)]))
    assert [one.payload for one in found] == [BODY]
    assert codes(reading) == []


def test_fragments_of_ipv6() -> None:
    parts = [(0, 160), (160, len(DATAGRAM))]
    packets = [ip6(fragment6(DATAGRAM[a:b], 17 if not a else 59, a, b < len(DATAGRAM)), 44) for a, b in parts]
    found, _, reading = read(captured(both(*packets)))
    assert ([one.payload for one in found], codes(reading)) == ([BODY], [])


def test_a_fragment_header_of_a_whole_packet() -> None:
    """RFC 6946: a fragment that is the whole packet."""
    packet = ip6(fragment6(DATAGRAM, 17, 0, False), 44)
    found, _, _ = read(captured(both(packet)))
    assert [one.payload for one in found] == [BODY]


def test_an_interface_that_cuts_does_not_spoil_the_other() -> None:
    seen = [(which, packet, at) for at, packet in enumerate(PARTS) for which in (0, 1)]
    found, _, reading = read(captured(seen, snap=100))
    assert [(one.payload, one.missing) for one in found] == [(BODY[:58], len(BODY) - 58), (BODY, 0)]
    assert codes(reading) == []


def test_what_is_missing_on_both_is_told() -> None:
    found, _, reading = read(captured(both(PARTS[0], PARTS[2])))
    assert ([one.missing for one in found], codes(reading)) == ([len(BODY) - 152], ["incomplete-fragments"])


def test_what_is_missing_on_one_alone_is_no_loss() -> None:
    """Behind a router, so that the packets are not the same."""
    routed = [packet[:8] + bytes([packet[8] - 1]) + packet[9:] for packet in PARTS]
    for seen in ([(0, PARTS[0], 0), (1, routed[0], 1), (0, PARTS[1], 2), (0, PARTS[2], 3)],
                 [(0, PARTS[0], 0), (0, PARTS[1], 2), (0, PARTS[2], 3), (1, routed[1], 5)]):  # fmt: skip
        found, _, reading = read(captured(seen))
        assert ([one.payload for one in found], codes(reading)) == ([BODY], [])


def test_a_mirror_port_that_shows_both_ways() -> None:
    """One interface, each fragment twice: the last one is a copy, and nothing is missing."""
    frames = [ethernet(packet) for packet in PARTS for _ in range(2)]
    found, _, reading = read(pcap(frames, times=[(EPOCH, at) for at in range(6)]))
    assert ([one.payload for one in found], codes(reading)) == ([BODY], [])


def test_a_fragment_that_is_none_of_a_finished_packet_is_told() -> None:
    """The identification came again, with other content."""
    frames = [ethernet(packet) for packet in (*PARTS, part(0, 160, octets=udp(message(2, b"y" * 300))))]
    found, _, reading = read(pcap(frames, times=[(EPOCH, at) for at in range(4)]))
    assert ([one.payload for one in found if not one.missing], codes(reading)) == ([BODY], ["incomplete-fragments"])
    assert [one.payload[:4] for one in found if one.missing] == [b"REGI"]


def test_a_copy_long_after_is_a_fragment_of_its_own() -> None:
    frames = [ethernet(packet) for packet in (*PARTS, PARTS[0])]
    times = [(EPOCH, 0), (EPOCH, 1), (EPOCH, 2), (EPOCH + 1, 0)]
    assert codes(read(pcap(frames, times=times))[2]) == ["incomplete-fragments"]


def test_interfaces_of_a_cooked_capture() -> None:
    """`-i any`: one interface in the file, several in the headers of the packets."""
    seen = [cooked(packet, index) for packet in PARTS for index in (2, 3)]
    found, _, reading = read(pcap(seen, SLL2, times=[(EPOCH, at) for at in range(6)]))
    assert {one.payload for one in found} == {BODY}
    assert codes(reading) == []


def test_two_files_of_one_traffic() -> None:
    files = [io.BytesIO(pcap([ethernet(one) for one in PARTS])), io.BytesIO(pcap([cooked(one) for one in PARTS], SLL2))]
    with open_sources(files) as reading:
        found = [one for one in reading if isinstance(one, RawMessage)]
    assert [one.payload for one in found] == [BODY, BODY]
    assert [source.defects for source in reading.sources] == [0, 0]


def test_many_interfaces_and_fragments_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "MAX_OPEN", 50)
    seen = [(which, part(0, 160, octets=udp(message(which, b"x" * 300))), which) for which in range(300)]
    _, _, reading = read(captured(seen, count=300))
    assert reading.sources[0].defects == 300


def test_ethernet_and_linux_cooked_merged() -> None:
    """Two captures of the same 20 packets, one of them in two fragments, merged by mergecap."""
    report = analyze(DATA / "real" / "ethernet-and-sll2-merged.pcapng")
    (source,) = report.sources
    assert (source.frames, source.messages, source.defects) == (42, 8, 0)
    assert (report.summary.messages, report.summary.register_requests, report.summary.retransmissions) == (8, 4, 0)
    assert report.summary.outcomes == {"registered": 2}
    assert source.quality == ["20 packets are there from a second interface too, and counted once"]


def test_one_interface_of_two_that_shows_all() -> None:
    """A second interface that was described and shows nothing costs nothing."""
    octets = section() + interface(1) + interface(1) + enhanced(frame()) + enhanced(frame(OK))
    found, _, reading = read(octets)
    assert (len(found), reading.sources[0].quality) == (2, [])
