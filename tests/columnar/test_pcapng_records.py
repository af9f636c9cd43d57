"""pcapng in columns: the same report as the object path's, or none."""

from __future__ import annotations

import gzip
import json
import random
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from analyzer.capture import pcapng_blocks as blocks
from analyzer.columnar import door
from analyzer.columnar.packets import packets_of, records_of
from analyzer.columnar.records import Unsuited
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


Change = Callable[[list[Packet]], list[bytes]]


def _usual(several: Sequence[Packet]) -> list[bytes]:
    return [section(), interface(), *map(packet, several)]


UNSUITED: dict[str, tuple[str, Change]] = {
    "another section": ("several sections", lambda several: [*_usual(several), *_usual(several[:3])]),
    "a simple packet": ("simple packet", lambda several: [*_usual(several), blocks.simple(several[0].frame, 99999)]),
    "an old packet": (
        "old form",
        lambda several: [*_usual(several), blocks.block(2, struct.pack("<HHIIII", 0, 0, 0, 9, 4, 4) + bytes(4))],
    ),
    "keys of TLS": ("keys of TLS", lambda several: [*_usual(several), blocks.block(_SECRETS, bytes(12))]),
    "a packet that was cut": ("packets are cut", lambda several: [*_usual(several), packet(several[-1], cut=9)]),
    "an empty packet": ("packets are cut", lambda several: [*_usual(several), packet(several[-1]._replace(frame=b""))]),
    "milliseconds": ("clocks", lambda several: [section(), interface(resolution=3), *_usual(several)[2:]]),
    "parts of two": ("clocks", lambda several: [section(), interface(resolution=0x8A), *_usual(several)[2:]]),
    "femtoseconds": ("clocks", lambda several: [section(), interface(resolution=15), *_usual(several)[2:]]),
    "no clock at all": ("clocks", lambda several: [section(), interface(resolution=0x7F), *_usual(several)[2:]]),
    "a clock of the far future": (
        "times",
        lambda several: [section(), interface(offset=1 << 62), *_usual(several)[2:]],
    ),
    "ticks of the far future": (
        "times",
        lambda several: [*_usual(several), packet(several[-1]._replace(time=1 << 62))],
    ),
    "a year beyond all": ("times", lambda several: [*_usual(several), packet(several[-1]._replace(time=1 << 53))]),
    "before all time": ("times", lambda several: [section(), interface(offset=-(1 << 40)), *_usual(several)[2:]]),
    "times that step back": ("step back", lambda several: [*_usual(several), packet(several[0])]),
    "another link layer": (
        "link layers",
        lambda several: [section(), interface(), interface(link=113), *_usual(several)[2:]],
    ),
    "an unknown link layer": ("link layers", lambda several: [section(), interface(link=147), *_usual(several)[2:]]),
    "no interface": ("link layers", lambda several: [section(), *_usual(several)[2:]]),
    "an interface that is not there": (
        "not described",
        lambda several: [*_usual(several), packet(several[-1], which=1)],
    ),
    "an interface that comes too late": (
        "not described",
        lambda several: [*_usual(several), packet(several[-1], which=1), interface()],
    ),
    "a coarser clock that comes late": (
        "coarser",
        lambda several: [section(), interface(resolution=9), packet(several[0], scale=1000), interface()],
    ),
    "very many interfaces": ("too many", lambda several: [section(), *[interface()] * 300, *_usual(several)[2:]]),
    "a short interface": ("too short", lambda several: [section(), blocks.block(1, bytes(4)), *_usual(several)[1:]]),
    "no packets": ("no packets", lambda several: [section(), interface()]),
    "a short packet": ("without room", lambda several: [*_usual(several), blocks.block(6, bytes(16))]),
    "room at the end": ("do not follow", lambda several: [*_usual(several), bytes(64)]),
    "octets that are no block": ("do not follow", lambda several: [*_usual(several), b"\xff" * 64]),
    "a length of 0": ("do not follow", lambda several: [*_usual(several), struct.pack("<III", 6, 0, 0)]),
    "a length of 8": ("do not follow", lambda several: [*_usual(several), struct.pack("<III", 6, 8, 8)]),
    "a length of 33": ("do not follow", lambda several: [*_usual(several), struct.pack("<II", 6, 33), bytes(40)]),
    "a length of 4 GB": (
        "do not follow",
        lambda several: [*_usual(several), struct.pack("<II", 6, 0xFFFFFFFC), bytes(40)],
    ),
    "lengths that differ": (
        "two lengths",
        lambda several: [*_usual(several)[:-1], packet(several[-1])[:-4] + struct.pack("<I", 44)],
    ),
    "a packet longer than its block": (
        "longer than",
        lambda several: [*_usual(several), packet(several[-1], claimed=len(several[-1].frame) + 8)],
    ),
    "a section that begins at the end": ("do not follow", lambda several: [*_usual(several), section()[:20]]),
}


@pytest.mark.parametrize("why, change", UNSUITED.values(), ids=UNSUITED)
def test_what_is_for_the_object_path(calm: Path, tmp_path: Path, why: str, change: Change) -> None:
    path = write_blocks(tmp_path / "some.pcapng", change(packets(calm)[:40]))
    with pytest.raises(Unsuited, match=why):
        packets_of(records_of(path))
    assert not assert_same_packets(path)


@pytest.mark.parametrize(
    "octets",
    [
        b"\n\r\r\n",
        b"\n\r\r\n" + bytes(100),
        section()[:20],
        section()[:8] + bytes(40),
        blocks.block(blocks.SECTION, section()[8:12]) + blocks.block(_CUSTOM, b""),
    ],
)
def test_no_section_at_all(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "some.pcapng"
    path.write_bytes(octets)
    with pytest.raises(Unsuited):
        records_of(path)


@pytest.mark.parametrize("form", ["pcap", "pcapng"])
@pytest.mark.parametrize("cut", [1, 3, 5, 16, 40, 300, 641, 2503])
def test_a_capture_that_was_killed(calm: Path, tmp_path: Path, form: str, cut: int) -> None:
    """The file ends inside of what was written last."""
    path = tmp_path / f"killed.{form}"
    (write if form == "pcap" else write_pcapng)(path, packets(calm))
    path.write_bytes(path.read_bytes()[:-cut])
    found = assert_same(path)
    assert found.columnar > 0
    source = json.loads(found.objects)["sources"][0]
    assert source["damaged"]
    assert assert_same_packets(path)


@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_every_end_of_a_small_capture(calm: Path, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"killed.{form}"
    (write if form == "pcap" else write_pcapng)(path, packets(calm)[:3])
    octets = path.read_bytes()
    read = 0
    for end in range(len(octets) - 700, len(octets)):
        path.write_bytes(octets[:end])
        read += assert_same_packets(path)
    assert read == 700


def _mutated(octets: bytes, chance: random.Random, places: Sequence[int]) -> bytes:
    """A file with some faults, most of them where a block says something of itself."""
    changed = bytearray(octets)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        at = chance.choice(places) + chance.randrange(28) if chance.random() < 0.7 else chance.randrange(len(changed))
        at = min(at, len(changed) - 1)
        fault = chance.randrange(5)
        if fault == 0:
            changed[at] = chance.randrange(256)
        elif fault == 1:
            changed[at] ^= 1 << chance.randrange(8)
        elif fault == 2:
            changed[at : at + 4] = chance.choice((bytes(4), b"\xff" * 4, b"\x06\0\0\0", b"\n\r\r\n", b"\x05\0\0\0"))
        elif fault == 3:
            del changed[at : at + chance.choice((1, 4, 60))]
        else:
            changed[at:at] = chance.choice((bytes(4), statistics(dropped=1), chance.randbytes(8)))
    return bytes(changed)


def _mixed(calm: Path, chance: random.Random) -> list[bytes]:
    """Some packets on two interfaces, with options, and what stands between them."""
    several = [section(), interface(), interface(resolution=NANOSECONDS)]
    for one in packets(calm)[:60]:
        which = chance.randrange(2)
        options = chance.choice((b"", b"", _COMMENT))
        several.append(packet(one, which=which, scale=1000 if which else 1, options=options))
    return [*several, statistics(dropped=2)]


@pytest.mark.parametrize("seed", range(150))
def test_faults_in_a_file(calm: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    whole = _mixed(calm, chance)
    places = [sum(map(len, whole[:at])) for at in range(len(whole))]
    path = tmp_path / "faulty.pcapng"
    path.write_bytes(_mutated(b"".join(whole), chance, places))
    if path.read_bytes()[:4] == b"\n\r\r\n" and path.read_bytes()[8:12] == whole[0][8:12]:
        assert_same_packets(path)


def test_many_faults_leave_a_file_to_columns(calm: Path, tmp_path: Path) -> None:
    """What `test_faults_in_a_file` compares is something."""
    read = 0
    for seed in range(60):
        chance = random.Random(seed)
        whole = _mixed(calm, chance)
        path = write_blocks(tmp_path / "faulty.pcapng", [_mutated(b"".join(whole), chance, [sum(map(len, whole[:9]))])])
        try:
            records_of(path)
        except Unsuited:
            continue
        read += 1
    assert 5 < read < 60


@pytest.mark.parametrize("seed", range(8))
def test_reports_on_faulty_files(calm: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(f"report {seed}")
    whole = [section(), interface(), *map(packet, packets(calm))]
    places = [sum(map(len, whole[:at])) for at in range(0, len(whole), 50)]
    path = tmp_path / "faulty.pcapng"
    path.write_bytes(_mutated(b"".join(whole[:-1]), chance, places[1:]))
    assert_same(path)


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
    assert given == [2, 0]


def test_keys_of_tls_before_all(calm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = _parts_given(monkeypatch)
    head = [section(), interface(), blocks.block(_SECRETS, struct.pack("<II", 0x544C534B, 0))]
    path = write_blocks(tmp_path / "keys.pcapng", [*head, *map(packet, packets(calm)[:20])])
    analyze(path, tables=False, columnar="always")
    assert given == [0]


def test_payloads_lie_where_the_reader_has_them(calm: Path, tmp_path: Path) -> None:
    several = packets(calm)[:30]
    found = packets_of(records_of(write_pcapng(tmp_path / "some.pcapng", several)))
    assert (found.start - found.records.at == 28 + PAYLOAD).all()
    assert found.length.tolist() == [len(one.message) for one in several]
