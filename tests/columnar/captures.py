"""Storms as captures, what can go wrong in them, and the two reports on one."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from analyzer.capture.opener import open_sources
from analyzer.columnar.partial import capture_of, partials_of
from analyzer.columnar.records import Unsuited
from analyzer.columnar.shared import Capture
from analyzer.register.bounded import Inseparable
from analyzer.rules import all_rules
from analyzer.run.partial_result import PartialResult, report_of
from analyzer.run.pipeline import Analysis, analyze
from analyzer.run.report import Report
from benchmarks.storm import StormPlan
from benchmarks.traffic import make_storm

SECOND = 1_000_000
"""Microseconds, in which captures count here."""
PAYLOAD = 42
"""Octets of Ethernet, IPv4 and UDP before a message."""


class Packet(NamedTuple):
    """A packet of a capture: when (microseconds), and its frame."""

    time: int
    frame: bytes

    @property
    def message(self) -> bytes:
        """The SIP message."""
        return self.frame[PAYLOAD:]

    def saying(self, message: bytes) -> Packet:
        """The same packet with another message."""
        ip, udp = bytearray(self.frame[14:34]), bytearray(self.frame[34:42])
        ip[2:4] = struct.pack("!H", 28 + len(message))
        udp[4:6] = struct.pack("!H", 8 + len(message))
        return self._replace(frame=bytes(self.frame[:14] + ip + udp + message))


def storm(
    folder: Path, messages: int = 1600, users: int = 80, *, seed: int = 1, rate: float = 100.0, lost: float = 0.1
) -> Path:
    """A storm of some phones, each of which registers again and again."""
    path = folder / f"storm-{messages}-{users}-{seed}-{rate}-{lost}.pcap"
    if not path.exists():
        make_storm(path, StormPlan(messages, users, seed=seed, rate=rate, retransmitted=lost))
    return path


def packets(path: Path) -> list[Packet]:
    """The packets of a capture in microseconds, low octet first."""
    octets, at = path.read_bytes(), 24
    found = []
    while at < len(octets):
        seconds, fraction, size, _ = struct.unpack_from("<IIII", octets, at)
        found.append(Packet(seconds * SECOND + fraction, octets[at + 16 : at + 16 + size]))
        at += 16 + size
    return found


def write(path: Path, several: Sequence[Packet], *, link: int = 1, nanoseconds: bool = False, order: str = "<") -> Path:
    """A capture of packets."""
    magic, step = (0xA1B23C4D, 1000) if nanoseconds else (0xA1B2C3D4, 1)
    with path.open("wb") as out:
        out.write(struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, link))
        for time, frame in several:
            seconds, fraction = divmod(time, SECOND)
            out.write(struct.pack(f"{order}IIII", seconds, fraction * step, len(frame), len(frame)) + frame)
    return path


class Both(NamedTuple):
    """The reports of columns (None: they gave the capture up, and why) and of the object path, as JSON."""

    columns: str | None
    objects: str
    why: str
    capture: Capture | None
    parts: Sequence[PartialResult]

    @property
    def columnar(self) -> int:
        """How many clients were read in columns alone."""
        return len(self.parts[1].registrations) if self.parts else 0


def parts_of(path: Path, *, detail: bool = True) -> tuple[Capture, list[PartialResult]]:
    """What columns and the object path find together; raises `Unsuited`."""
    with open_sources([path]) as reading:
        capture = capture_of(path)
        rules = all_rules()
        return capture, partials_of(capture, reading.sources[0], rules, partial(Analysis, detail=detail), detail=detail)


def as_json(report: Report) -> str:
    """All of a report."""
    return json.dumps(report.to_dict())


def both(path: Path, *, detail: bool = True) -> Both:
    """A capture, read both ways; the object path forgets nothing that columns do not."""
    objects = as_json(analyze(path, detail=detail, tables=False, columnar="never", keeps_all=True))
    try:
        capture, parts = parts_of(path, detail=detail)
    except (Unsuited, Inseparable) as reason:
        return Both(None, objects, str(reason), None, ())
    return Both(as_json(report_of(parts, all_rules())), objects, "", capture, parts)


def assert_same(path: Path, *, detail: bool = True) -> Both:
    """Columns tell what the object path tells; where they give the capture up, the object path tells it anyway."""
    found = both(path, detail=detail)
    assert found.columns in (None, found.objects)
    return found


Change = Callable[[bytes, random.Random], bytes]
_PIECES = (
    *(b"Digest", b"sip:", b"sips:", b";", b"=", b'"', b"<", b">", b"@", b":", b",", b" ", b"\r\n", b"REGISTER", b"0"),
    *(b"OPTIONS", b"5060", b"expires", b"%", b"\\", b"\x00", b"\xff", b"200", b"401", b"407", b"403", b"423", b"*"),
    *(b"tag=", b"z9hG4bK", b"nonce=", b", stale=true", b", algorithm=SHA-256", b"Expires: 0\r\n", b"q=0.5", b"tls"),
    *(b"Via: SIP/2.0/UDP 1.2.3.4:5060;branch=z9hG4bKxx\r\n", b"Contact: <sip:a@b>\r\n", b"Require: outbound\r\n"),
)


def _octet(message: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(message))
    return message[:at] + bytes([chance.randrange(256)]) + message[at + 1 :]


def _piece(message: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(message))
    return message[:at] + chance.choice(_PIECES) + message[at:]


def _hole(message: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(message))
    return message[:at] + message[at + chance.randint(1, 6) :]


def _line_gone(message: bytes, chance: random.Random) -> bytes:
    lines = message.split(b"\r\n")
    del lines[chance.randrange(len(lines) - 2)]
    return b"\r\n".join(lines)


def _line_twice(message: bytes, chance: random.Random) -> bytes:
    lines = message.split(b"\r\n")
    at = chance.randrange(1, len(lines) - 2)
    return b"\r\n".join([*lines[:at], lines[at], *lines[at:]])


def _other_order(message: bytes, chance: random.Random) -> bytes:
    first, *rows, last, end = message.split(b"\r\n")
    chance.shuffle(rows)
    return b"\r\n".join([first, *rows, last, end])


def _digit(message: bytes, chance: random.Random) -> bytes:
    places = [at for at, octet in enumerate(message) if octet in b"0123456789"]
    at = chance.choice(places)
    return message[:at] + chance.choice(b"0123456789").to_bytes() + message[at + 1 :]


CHANGES: tuple[Change, ...] = (_octet, _piece, _hole, _line_gone, _line_twice, _other_order, _digit)
