"""The packets that carry chosen messages: all of them, none beside, as they were."""

from __future__ import annotations

import io
import struct
from itertools import pairwise
from pathlib import Path

import pytest

from analyzer.capture.excerpt import Chosen, Excerpt, write_excerpt
from analyzer.capture.formats import pcap, pcapng
from analyzer.capture.opener import open_sources
from analyzer.capture.record import Record
from analyzer.evidence import SECOND, RawMessage, Source
from tests.capture.build import (
    ALICE,
    EPOCH,
    RTP,
    enhanced,
    ethernet,
    interface,
    ip4,
    message,
    section,
    simple,
    tcp,
    udp,
    write,
)
from tests.capture.build import pcap as pcap_of
from tests.shared import ROOT


def excerpt(files: list[Path], wanted: set[int]) -> tuple[list[Record], Excerpt, bytes]:
    """What is written of the messages with these CSeq numbers."""
    chosen = Chosen()
    with open_sources(list(map(str, files))) as opened:
        for item in opened:
            if isinstance(item, RawMessage):
                chosen.see(item, wanted=any(b"CSeq: %d " % number in item.payload for number in wanted))
    out = io.BytesIO()
    done = write_excerpt(lambda: open_sources(list(map(str, files))), chosen, out)
    read = pcap.all_records if done.form == "pcap" else pcapng.records
    return list(read(io.BytesIO(out.getvalue()), Source("x"))), done, out.getvalue()


def plain(number: int) -> bytes:
    return ethernet(ip4(udp(message(number))))


def test_octets_times_and_lengths_are_those_of_the_capture(tmp_path: Path) -> None:
    frames = [plain(1), ethernet(ip4(udp(RTP))), plain(2), plain(3)]
    path = write(tmp_path, "x.pcap", pcap_of(frames, times=[(EPOCH, 1), (EPOCH, 2), (EPOCH + 1, 999_999), (EPOCH, 0)]))
    records, done, octets = excerpt([path], {2, 3})
    assert [(one.octets, one.time, one.length, one.linktype) for one in records] == [
        (frames[2], EPOCH * SECOND + 1_999_999_000, len(frames[2]), 1),
        (frames[3], EPOCH * SECOND, len(frames[3]), 1),
    ]
    assert done == Excerpt(2, 0, "pcap")
    assert octets[:4] == struct.pack("<I", 0xA1B23C4D)


def test_the_length_on_the_wire_of_a_cut_packet_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path, "x.pcap", pcap_of([plain(1)], snap=100))
    (record,), _, _ = excerpt([path], {1})
    assert (len(record.octets), record.length) == (100, len(plain(1)))


def test_all_fragments_of_a_packet_come_along(tmp_path: Path) -> None:
    whole = udp(message(7, b"x" * 3000))
    parts = [whole[:1480], whole[1480:2960], whole[2960:]]
    fragments = [ethernet(ip4(part, ident=9, offset=1480 * at, more=at < 2)) for at, part in enumerate(parts)]
    other = ethernet(ip4(parts[1], ident=10, offset=1480, more=True))
    stranger = ethernet(ip4(parts[1], ident=9, offset=1480, more=True, source="10.0.0.77"))
    frames = [fragments[2], other, fragments[0], plain(1), stranger, fragments[1]]
    path = write(tmp_path, "x.pcap", pcap_of(frames))
    records, _, _ = excerpt([path], {7})
    assert [one.octets for one in records] == [fragments[2], fragments[0], fragments[1]]


def test_the_same_identification_long_before_is_another_packet(tmp_path: Path) -> None:
    whole = udp(message(7, b"x" * 2000))
    parts = [ethernet(ip4(whole[:1480], ident=9, more=True)), ethernet(ip4(whole[1480:], ident=9, offset=1480))]
    path = write(tmp_path, "x.pcap", pcap_of([parts[1], *parts], times=[(EPOCH, 0), (EPOCH + 99, 0), (EPOCH + 99, 1)]))
    assert len(excerpt([path], {7})[0]) == 2


def test_the_segments_of_a_message_and_no_others_of_its_connection(tmp_path: Path) -> None:
    first, second, third = message(1), message(2, b"y" * 100), message(3)
    stream = first + second + third
    cuts = [0, len(first), len(first) + 50, len(first) + 90, len(first) + len(second), len(stream)]
    frames = [ethernet(ip4(tcp(stream[begin:end], seq=1000 + begin), 6)) for begin, end in pairwise(cuts)]
    ack = ethernet(ip4(tcp(b"", seq=1, ack=1000), 6, source="10.0.0.2", destination=ALICE))
    path = write(tmp_path, "x.pcap", pcap_of([*frames[:2], ack, *frames[2:]]))
    records, _, _ = excerpt([path], {2})
    assert [one.octets for one in records] == frames[:4]  # that before, too: the message may begin in it
    assert [one.octets for one in excerpt([path], {3})[0]] == frames[4:]  # whole in its segment


def test_a_message_over_two_files(tmp_path: Path) -> None:
    whole = message(1) + message(2, b"y" * 100)
    cut = len(message(1)) + 40
    one = write(tmp_path, "1.pcap", pcap_of([ethernet(ip4(tcp(whole[:cut], seq=1), 6))], times=[(EPOCH, 0)]))
    rest = [plain(9), ethernet(ip4(tcp(whole[cut:], seq=1 + cut), 6))]
    other = write(tmp_path, "2.pcap", pcap_of(rest, times=[(EPOCH + 1, 0), (EPOCH + 2, 0)]))
    records, _, _ = excerpt([one, other], {2})
    assert len(records) == 2 and records[1].octets == rest[1]


def test_several_link_types_make_a_pcapng(tmp_path: Path) -> None:
    raw = ip4(udp(message(2)))
    one = write(tmp_path, "1.pcap", pcap_of([plain(1)], times=[(EPOCH + 5, 0)]))
    other = write(tmp_path, "2.pcap", pcap_of([raw], linktype=101, times=[(EPOCH, 7)]))
    records, done, _ = excerpt([one, other], {1, 2})
    assert done.form == "pcapng"
    assert [(record.octets, record.linktype, record.time) for record in records] == [
        (raw, 101, EPOCH * SECOND + 7000),
        (plain(1), 1, (EPOCH + 5) * SECOND),
    ]


def test_no_time_stays_none(tmp_path: Path) -> None:
    path = write(tmp_path, "x.pcapng", section() + interface(1) + simple(plain(1)) + simple(plain(2)))
    records, done, octets = excerpt([path], {2})
    assert (done, [record.time for record in records]) == (Excerpt(1, 0, "pcapng"), [None])
    assert simple(plain(2)) in octets


def test_no_time_on_another_interface_is_told(tmp_path: Path) -> None:
    one = write(tmp_path, "1.pcapng", section() + interface(1) + enhanced(plain(1)))
    other = write(tmp_path, "2.pcapng", section() + interface(1) + simple(plain(2)))
    records, done, _ = excerpt([one, other], {1, 2})
    assert done.packets == 2 and done.untimed == sum(record.time is not None for record in records) - 1


@pytest.mark.parametrize(
    "name", ["udp-fragments", "tcp-split", "vlan", "websocket-compressed", "ipv6", "wrong-password"]
)
def test_of_every_sample_the_excerpt_reads_as_the_whole(tmp_path: Path, name: str) -> None:
    (path,) = (ROOT / "samples" / name).glob("input.pcap*")
    chosen = Chosen()
    payloads = []
    with open_sources([str(path)]) as opened:
        for item in opened:
            if isinstance(item, RawMessage):
                payloads.append(item.payload)
                chosen.see(item, wanted=True)
    out = tmp_path / "out.pcap"
    with out.open("wb") as file:
        write_excerpt(lambda: open_sources([str(path)]), chosen, file)
    with open_sources([str(out)]) as opened:
        again = [item.payload for item in opened if isinstance(item, RawMessage)]
    if name != "websocket-compressed":  # without its handshake nobody knows that it is compressed
        assert again == payloads != []
