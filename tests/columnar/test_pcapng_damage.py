"""What of pcapng is for the object path, and damage of any kind: columns read it with the same report or not."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from analyzer.capture import pcapng_blocks as blocks
from analyzer.columnar.packets import packets_of, records_of
from analyzer.columnar.records import Unsuited
from tests.columnar.captures import Packet, assert_same, packets, write
from tests.columnar.pcapng_files import (
    NANOSECONDS,
    assert_same_packets,
    interface,
    packet,
    section,
    statistics,
    write_blocks,
    write_pcapng,
)

_SECRETS, _CUSTOM = 10, 0xBAD
_COMMENT = blocks.option(blocks.COMMENT, b"what a person wrote")

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
