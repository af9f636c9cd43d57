"""pcapng in columns: the same report as the object path's, or none."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from analyzer.capture import pcapng_blocks as blocks
from analyzer.capture import pcapng_options
from analyzer.columnar import door
from analyzer.columnar.packets import packets_of, records_of
from analyzer.run.pipeline import analyze
from tests.columnar.captures import PAYLOAD, Packet, as_json, assert_same, packets, write
from tests.columnar.pcapng_files import (
    MICROSECONDS,
    NANOSECONDS,
    PICOSECONDS,
    assert_same_packets,
    interface,
    packet,
    section,
    statistics,
    write_blocks,
    write_pcapng,
)

_NAMES, _SECRETS, _CUSTOM, _CUSTOM_UNCOPIED = 4, 10, 0xBAD, 0x40000BAD
_LATELY = 1_767_225_600
"""Seconds since the epoch at which a clock began whose picoseconds still fit into 64 bits."""
_COMMENT = blocks.option(blocks.COMMENT, b"what a person wrote")


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_capture_as_programs_write_it(calm: Path, tmp_path: Path, order: str) -> None:
    found = assert_same(write_pcapng(tmp_path / "some.pcapng", packets(calm), order))
    assert found.columnar > 0
    report = json.loads(found.objects)
    assert report["sources"][0]["format"] == "pcapng"


def test_the_classic_form_has_the_same_clients(calm: Path, tmp_path: Path) -> None:
    one, other = assert_same(calm), assert_same(write_pcapng(tmp_path / "some.pcapng", packets(calm)))
    assert one.columnar == other.columnar > 0


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("resolution", "scale", "offset"),
    [
        *((MICROSECONDS, 1, 0), (MICROSECONDS, 1, 1_700_000_000), (7, 10, 0), (NANOSECONDS, 1000, 0)),
        *((NANOSECONDS, 1000, 1_700_000_000), (PICOSECONDS, 1_000_000, _LATELY)),
    ],
)
def test_clocks(calm: Path, tmp_path: Path, order: str, resolution: int, scale: int, offset: int) -> None:
    several = packets(calm)[:400]
    head = [section(order), interface(order, resolution=resolution, offset=offset)]
    path = write_blocks(
        tmp_path / "clock.pcapng", [*head, *(packet(one, order, scale=scale, offset=offset) for one in several)]
    )
    assert assert_same_packets(path)
    records = records_of(path)
    assert records.step == max(1, 10 ** (9 - resolution))
    assert records.time.tolist() == [1000 * one.time for one in several]


def test_picoseconds_are_rounded_down(calm: Path, tmp_path: Path) -> None:
    one = packets(calm)[0]
    block = bytearray(packet(one, scale=1_000_000, offset=_LATELY))
    block[16:20] = struct.pack("<I", struct.unpack_from("<I", block, 16)[0] + 999)
    path = write_blocks(
        tmp_path / "clock.pcapng", [section(), interface(resolution=PICOSECONDS, offset=_LATELY), bytes(block)]
    )
    assert records_of(path).time.tolist() == [1000 * one.time]
    assert assert_same_packets(path)


def _other(link: int, one: Packet) -> Packet:
    heads = {113: bytes(14) + b"\x08\0", 276: b"\x08\0" + bytes(18), 101: b"", 228: b""}
    return one._replace(frame=heads[link] + one.frame[14:]) if link in heads else one


@pytest.mark.parametrize("link", [1, 101, 113, 228, 276])
def test_link_layers(calm: Path, tmp_path: Path, link: int) -> None:
    several = [packet(_other(link, one)) for one in packets(calm)]
    found = assert_same(write_blocks(tmp_path / "link.pcapng", [section(), interface(link=link), *several]))
    assert found.columns is not None


def test_options_and_blocks_that_are_passed_over(calm: Path, tmp_path: Path) -> None:
    """Comments, flags, drops and hashes of packets; names, statistics and what programs write of their own."""
    several = [section(options=_COMMENT + blocks.end()), interface()]
    flags = blocks.option(2, struct.pack("<I", 1)) + blocks.option(4, struct.pack("<Q", 3))
    between = (
        blocks.block(_NAMES, blocks.option(1, b"\xc0\0\2\x01host\0") + blocks.end()),
        blocks.block(_CUSTOM, b"\0\0\x7e\xd9anything"),
        blocks.block(_CUSTOM_UNCOPIED, b"\0\0\x7e\xd9"),
        blocks.block(0x0A0D0D0B, bytes(8)),
        statistics(dropped=0),
        blocks.block(blocks.STATISTICS, bytes(8)),
        statistics(which=7, dropped=9),
    )
    for at, one in enumerate(packets(calm)):
        options = (b"", _COMMENT + blocks.end(), flags, flags + _COMMENT + _COMMENT)[at % 4]
        several.append(packet(one, options=options))
        if not at % 50:
            several.append(between[at // 50 % len(between)])
    found = assert_same(write_blocks(tmp_path / "options.pcapng", several))
    assert found.columnar > 0
    assert not json.loads(found.objects)["sources"][0]["quality"]


@pytest.mark.parametrize("order", ["<", ">"])
def test_drops_are_told(calm: Path, tmp_path: Path, order: str) -> None:
    """The last statistics of each interface count."""
    told = [statistics(order, dropped=3), statistics(order, dropped=12), statistics(order, which=1, dropped=30)]
    several = [packet(one, order) for one in packets(calm)]
    head = [section(order), interface(order), interface(order)]
    found = assert_same(
        write_blocks(tmp_path / "drops.pcapng", [*head, *several[:300], told[0], *several[300:], *told])
    )
    assert found.columnar > 0
    assert json.loads(found.objects)["sources"][0]["quality"] == ["the capturing program reports 42 dropped packets"]


def _by_turns(several: Sequence[Packet], scale: int = 1) -> list[bytes]:
    """Phones on one interface, the answers on the other one, whose clock may count otherwise."""
    return [packet(one, which=1, scale=scale) if one.message.startswith(b"SIP/2.0") else packet(one) for one in several]


@pytest.mark.parametrize(("resolution", "scale"), [(None, 1), (NANOSECONDS, 1000)])
def test_two_interfaces(calm: Path, tmp_path: Path, resolution: int | None, scale: int) -> None:
    head = [section(), interface(), interface(resolution=resolution)]
    path = write_blocks(tmp_path / "two.pcapng", [*head, *_by_turns(packets(calm), scale)])
    assert assert_same(path).columnar > 0
    assert assert_same_packets(path)
    records = records_of(path)
    assert records.interfaces == 2
    assert records.interface is not None
    assert 0 < records.interface.sum() < len(records)


def test_an_interface_that_is_described_late(calm: Path, tmp_path: Path) -> None:
    several = packets(calm)
    late = [*map(packet, several[:200]), interface(), *_by_turns(several[200:])]
    assert assert_same(write_blocks(tmp_path / "late.pcapng", [section(), interface(), *late])).columnar > 0


@pytest.mark.parametrize("later", [0, 199_999, 200_001])
def test_a_packet_on_two_interfaces(calm: Path, tmp_path: Path, later: int) -> None:
    """Within a fifth of a second it is one packet; behind that it was sent twice."""
    several = packets(calm)
    copy = several[100]._replace(time=several[100].time + later)
    both = sorted([*((one, 0) for one in several), (copy, 1)], key=lambda one: (one[0].time, one[1]))
    path = write_blocks(
        tmp_path / "copy.pcapng", [section(), interface(), interface(), *(packet(one, which=at) for one, at in both)]
    )
    found = assert_same(path)
    assert found.why == ("two interfaces show the same packets" if later < 200_000 else "")
    assert assert_same_packets(path) == (later > 200_000)


def test_a_mirror_of_all(calm: Path, tmp_path: Path) -> None:
    several = [packet(one, which=at) for one in packets(calm)[:200] for at in (0, 1)]
    found = assert_same(write_blocks(tmp_path / "mirror.pcapng", [section(), interface(), interface(), *several]))
    assert found.why == "two interfaces show the same packets"


def _fragments(one: Packet, hops: int) -> list[Packet]:
    """The packet in two fragments."""
    head, body = one.frame[14:34], one.frame[34:]
    cut = len(body) // 2 & ~7
    parts = []
    for begin, part, more in ((0, body[:cut], 0x2000), (cut, body[cut:], 0)):
        ip = head[:2] + struct.pack(">H", 20 + len(part)) + head[4:6] + struct.pack(">H", more | begin // 8)
        parts.append(one._replace(frame=one.frame[:14] + ip + bytes([hops]) + head[9:] + part))
    return parts


@pytest.mark.parametrize(("which", "why"), [(0, ""), (1, "two interfaces show the same packets")])
def test_fragments_on_two_interfaces(calm: Path, tmp_path: Path, which: int, why: str) -> None:
    """What is made of them may be the same though none of them is: one of the interfaces lies behind a router."""
    several = packets(calm)
    first, *rest = several
    own = [packet(part) for part in _fragments(first, 64)] + [
        packet(part, which=which) for part in _fragments(first, 64)
    ]
    other = packet(rest[0], which=1)
    path = write_blocks(
        tmp_path / "parts.pcapng", [section(), interface(), interface(), *own, other, *map(packet, rest[1:])]
    )
    found = assert_same(path)
    assert found.why == why


def test_media_goes_by(calm: Path, tmp_path: Path) -> None:
    """It may come out of order, which messages may not."""
    several = packets(calm)
    media = {at: one._replace(time=one.time - 1000).saying(b"\x80\x08" + bytes(160)) for at, one in enumerate(several)}
    mixed = [each for at, one in enumerate(several) for each in (one, media[at])[: 1 + (at % 3 == 0)]]
    for path in (write_pcapng(tmp_path / "media.pcapng", mixed), write(tmp_path / "media.pcap", mixed)):
        found = assert_same(path)
        assert found.columns is not None
        assert found.parts[0].sources[0].other == len(range(0, len(several), 3))


@pytest.mark.parametrize("place", [0, -1])
def test_media_may_be_the_first_and_the_last(calm: Path, tmp_path: Path, place: int) -> None:
    several = packets(calm)
    own = several[place]
    media = [own._replace(time=own.time + shift).saying(b"\x80\x08" + bytes(160)) for shift in (-7, 900_000, 3)]
    mixed = [*media, *several] if not place else [*several, *media]
    found = assert_same(write_pcapng(tmp_path / "media.pcapng", mixed))
    assert found.columns is not None


def _parts_given(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many parts the door gives, each time that it is asked."""
    given: list[int] = []
    read = door.read

    def counted(*some: Any, **named: Any) -> Any:
        found = read(*some, **named)
        given.append(len(found))
        return found

    monkeypatch.setattr(door, "read", counted)
    return given


def test_the_door_lets_it_in(calm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = _parts_given(monkeypatch)
    path = write_pcapng(tmp_path / "some.pcapng", packets(calm))
    packed = tmp_path / "some.pcapng.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for one in (path, packed):
        reports = [as_json(analyze(one, tables=False, columnar=how)) for how in ("always", "never")]
        assert reports[0] == reports[1]
    assert given == [2, 2]


def test_keys_of_tls_before_all(calm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = _parts_given(monkeypatch)
    head = [section(), interface(), blocks.block(_SECRETS, struct.pack("<II", 0x544C534B, 0))]
    path = write_blocks(tmp_path / "keys.pcapng", [*head, *map(packet, packets(calm)[:20])])
    analyze(path, tables=False, columnar="always")
    assert given == [0]


def test_streams_that_were_taken_out_of_tls(calm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What says so of an interface is read by the reader of captures."""
    given = _parts_given(monkeypatch)
    said = blocks.option(blocks.DESCRIPTION, pcapng_options.SECURED)
    for number, options in enumerate((said, blocks.option(blocks.DESCRIPTION, pcapng_options.SECURED + b"."))):
        head = [section(), interface(), blocks.interface(1, 0, options)]
        path = write_blocks(tmp_path / f"{number}.pcapng", [*head, *map(packet, packets(calm))])
        analyze(path, tables=False, columnar="always")
    assert given == [0, 2]


def test_payloads_lie_where_the_reader_has_them(calm: Path, tmp_path: Path) -> None:
    several = packets(calm)[:30]
    found = packets_of(records_of(write_pcapng(tmp_path / "some.pcapng", several)))
    assert (found.start - found.records.at == 28 + PAYLOAD).all()
    assert found.length.tolist() == [len(one.message) for one in several]
