"""Packets as columns."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from analyzer.capture.opener import open_sources
from analyzer.columnar import packets as looking
from analyzer.columnar.packets import packets_of, records_of
from analyzer.columnar.records import Unsuited, begins_with
from analyzer.evidence import RawMessage
from tests.columnar.captures import SECOND, Packet, packets, write
from tests.columnar.pcapng_files import assert_same_packets


def test_places_and_times_are_those_of_the_reader(calm: Path) -> None:
    found = packets_of(records_of(calm))
    with open_sources([calm]) as reading:
        items = [item for item in reading if isinstance(item, RawMessage)]
    assert len(items) == len(found.plain)
    at, time = found.records.at, found.records.time
    for row, item in enumerate(items):
        record = int(found.plain[row])
        assert item.place == (str(calm), record + 1, int(at[record]))
        assert item.time == time[record]
        start = int(found.start[row])
        assert item.payload == found.records.octets[start : start + int(found.length[row])].tobytes()
        assert item.source.port == found.source[row] & 0xFFFF
        assert item.payload.startswith(b"SIP/2.0 ") == found.is_response[row]


def _frames(*frames: bytes) -> list[Packet]:
    return [Packet(1_000_000 * second, frame) for second, frame in enumerate(frames, 1)]


def test_the_kinds_of_packets(calm: Path, tmp_path: Path) -> None:
    one = packets(calm)[0]
    arp = bytes(12) + b"\x08\x06" + bytes(46)
    fragment = one.frame[:20] + b"\x20\x00" + one.frame[22:]
    tcp = one.frame[:23] + b"\x06" + one.frame[24:]
    options = one.frame[:14] + b"\x46" + one.frame[15:]
    tunnel = one.frame[:36] + struct.pack("!H", 4789) + one.frame[38:]
    media = one.saying(b"\x80\x00" + bytes(160)).frame
    stun = one.saying(b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)).frame
    other = one.saying(b"INVITE sip:bob@example.com SIP/2.0\r\n\r\n").frame
    frames = _frames(arp, fragment, tcp, options, tunnel, media, stun, other, one.frame)
    found = packets_of(records_of(write(tmp_path / "kinds.pcap", frames)))
    assert found.plain.tolist() == [8]
    assert found.media == 1
    assert found.odd.tolist() == [0, 1, 2, 3, 4, 6, 7]


def test_padding_behind_a_packet_is_no_part_of_it(calm: Path, tmp_path: Path) -> None:
    one = packets(calm)[0]
    found = packets_of(records_of(write(tmp_path / "padded.pcap", _frames(one.frame + bytes(9)))))
    assert found.length.tolist() == [len(one.message)]


@pytest.mark.parametrize(
    "octets",
    [b"", b"short", b"\n\r\r\n" + bytes(100), struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 147)],
    ids=["empty", "short", "pcapng", "a link layer of its own"],
)
def test_other_files(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "other.pcap"
    path.write_bytes(octets)
    with pytest.raises(Unsuited):
        records_of(path)


def test_a_file_that_ends_within_a_record(calm: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(calm.read_bytes()[:-5])
    whole, cut = records_of(calm), records_of(path)
    assert len(cut) == len(whole) - 1
    assert cut.damage == ("truncated-record", f"the file ends inside record {len(whole)}", int(whole.at[-1]))


@pytest.mark.parametrize(
    "rest",
    [
        bytes(16),
        bytes(8) + b"\xff" * 8,
        bytes(8) + struct.pack("<II", 0, 60),
        bytes(8) + struct.pack("<II", 1 << 20, 60),
    ],
    ids=["room", "a length beyond all", "an empty packet", "a length of a megabyte"],
)
def test_records_that_do_not_follow_each_other(calm: Path, tmp_path: Path, rest: bytes) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(calm.read_bytes() + rest + bytes(100))
    with pytest.raises(Unsuited, match="do not follow"):
        records_of(path)


def test_packets_that_were_cut(calm: Path, tmp_path: Path) -> None:
    octets = bytearray(calm.read_bytes())
    octets[36:40] = struct.pack("<I", struct.unpack_from("<I", octets, 36)[0] + 7)
    path = tmp_path / "snapped.pcap"
    path.write_bytes(octets)
    with pytest.raises(Unsuited, match="cut"):
        records_of(path)


def test_times_that_step_back(calm: Path, tmp_path: Path) -> None:
    first, second, *_ = packets(calm)
    a_second = first._replace(time=second.time - SECOND)
    assert len(packets_of(records_of(write(tmp_path / "little.pcap", [second, a_second]))).plain) == 2
    more = first._replace(time=second.time - SECOND - 1)
    with pytest.raises(Unsuited, match="step back"):
        packets_of(records_of(write(tmp_path / "back.pcap", [second, more])))


@pytest.mark.parametrize("fraction", [1_000_000, 0xFFFFFFFF])
def test_times_that_cannot_be(calm: Path, tmp_path: Path, fraction: int) -> None:
    octets = bytearray(calm.read_bytes())
    octets[28:32] = struct.pack("<I", fraction)
    path = tmp_path / "late.pcap"
    path.write_bytes(octets)
    with pytest.raises(Unsuited, match="absurd"):
        records_of(path)


def test_no_packets_at_all(calm: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "none.pcap", [])
    found = packets_of(records_of(path))
    assert assert_same_packets(path)
    assert (len(found.plain), len(found.odd), found.media) == (0, 0, 0)


def test_many_packets_are_looked_at_in_parts(calm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = packets_of(records_of(calm))
    monkeypatch.setattr(looking, "_CHUNK", 7)
    parts = packets_of(records_of(calm))
    for name in ("plain", "odd", "start", "length", "source", "target", "is_response"):
        assert (getattr(whole, name) == getattr(parts, name)).all()


def test_tagged_and_plain_frames_side_by_side(calm: Path, tmp_path: Path) -> None:
    """A tag moves what is behind it; two tags, and one that hides no IPv4, are for the reader of packets."""
    one = packets(calm)[0].frame
    tag = b"\x81\0\0\x07"
    frames = [one, one[:12] + tag + one[12:], one[:12] + tag + tag + one[12:], one[:12] + tag + b"\x86\xdd" + one[14:]]
    found = packets_of(records_of(write(tmp_path / "tags.pcap", _frames(*frames))))
    assert found.plain.tolist() == [0, 1]
    assert found.odd.tolist() == [2, 3]
    assert (found.start - found.records.at[:2]).tolist() == [58, 62]
    assert found.length.tolist() == [len(one) - 42] * 2


@pytest.mark.parametrize("length", [45, 49, 50, 51, 54, 55])
@pytest.mark.parametrize("tag", [b"", b"\x81\0\0\x07"])
def test_short_packets(calm: Path, tmp_path: Path, length: int, tag: bytes) -> None:
    """The last packet of a file may be shorter than what is looked at."""
    one = packets(calm)[0]
    short = one.saying(b"\x80" + one.message[: length - 43]).frame
    frames = _frames(one.frame, short[:12] + tag + short[12:])
    path = write(tmp_path / "short.pcap", frames)
    found = packets_of(records_of(path))
    assert found.media == (length >= 51)
    assert found.odd.tolist() == ([] if length >= 51 else [1])
    assert assert_same_packets(path)


def test_octets_are_compared_as_strings_of_one_length() -> None:
    rows = np.frombuffer(b"abcabdab\0ab\0", np.uint8).reshape(4, 3)
    assert begins_with(rows, 0, b"ab").tolist() == [True] * 4
    assert begins_with(rows, 0, b"abc").tolist() == [True, False, False, False]
    assert begins_with(rows, 1, b"b\0").tolist() == [False, False, True, True]
