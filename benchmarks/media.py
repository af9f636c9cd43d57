"""Calls that talk: RTP and RTCP (RFC 3550) between pairs of phones, their set-up long past.

Each call is two streams of a packet per 20 ms, PCMU, PCMA or G.729, and each stream reports by RTCP every five seconds.
No INVITE stands in the capture, so no tool knows the ports as media: those that would dissect RTP are spared the work.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.frames import Flow, Packet, flow, frame, octet_sum
from benchmarks.population import FROM_SERVER, TO_SERVER

TICK = 20_000
"""Microseconds of sound in a packet (ptime 20)."""

_REPORT_EVERY = 250
_SAMPLES = 160
_RTP = struct.Struct(">BBHII")
_SENDER_REPORT = struct.Struct(">BBHIIIIII")
_NTP_EPOCH = 2_208_988_800
_CODECS = ((0, 160), (8, 160), (18, 20))  # payload type and octets per packet: PCMU, PCMA, G.729 (RFC 3551 6)
_POOL = 64


@dataclass(frozen=True, slots=True)
class MediaPlan:
    """What media to make: packets, calls at once, first second since the epoch."""

    packets: int
    calls: int = 100
    seed: int = 1
    start: int = 1_767_258_000


class Stream(NamedTuple):
    """One direction of a call: its flows, codec, numbers to begin with, when in the tick it speaks, what it says."""

    rtp: Flow
    rtcp: Flow
    payload_type: int
    ssrc: int
    sequence: int
    timestamp: int
    phase: int
    sounds: list[tuple[bytes, int]]
    report_at: int


def media(plan: MediaPlan) -> Iterator[Packet]:
    """Exactly `plan.packets` packets in time order."""
    streams = _streams(plan)
    left, tick, begin = plan.packets, 0, plan.start * 1_000_000
    while True:
        for stream in streams:
            micros = begin + stream.phase
            for packet in _speak(stream, tick, micros):
                if not left:
                    return
                left -= 1
                yield packet
        tick, begin = tick + 1, begin + TICK


def _speak(stream: Stream, tick: int, micros: int) -> Iterator[Packet]:
    """What a stream sends in a tick: a packet of sound, and a report where one is due."""
    sequence = stream.sequence + tick & 0xFFFF
    timestamp = stream.timestamp + tick * _SAMPLES & 0xFFFFFFFF
    head = _RTP.pack(0x80, stream.payload_type | (tick == 0) << 7, sequence, timestamp, stream.ssrc)
    sound, sound_sum = stream.sounds[(sequence * 7 + stream.phase) % _POOL]
    yield micros, frame(stream.rtp, sequence, head + sound, octet_sum(head) + sound_sum)
    if tick % _REPORT_EVERY == stream.report_at:
        report = _report(stream, tick, timestamp, len(sound), micros)
        yield micros + 1, frame(stream.rtcp, sequence, report, octet_sum(report))


def _report(stream: Stream, tick: int, timestamp: int, octets: int, micros: int) -> bytes:
    """A sender report without reception blocks, and the source description that must go with it (RFC 3550 6.1)."""
    seconds, fraction = divmod(micros, 1_000_000)
    ntp = (seconds + _NTP_EPOCH & 0xFFFFFFFF, (fraction << 32) // 1_000_000)
    sent = tick + 1
    report = _SENDER_REPORT.pack(0x80, 200, 6, stream.ssrc, *ntp, timestamp, sent, sent * octets & 0xFFFFFFFF)
    name = b"%08x@example.com" % stream.ssrc
    chunk = stream.ssrc.to_bytes(4) + bytes([1, len(name)]) + name
    chunk += bytes(4 - len(chunk) % 4)  # at least one null octet ends the list of items
    return report + struct.pack(">BBH", 0x81, 202, len(chunk) // 4) + chunk


def _streams(plan: MediaPlan) -> list[Stream]:
    """Both directions of each call, in the order in which they speak within a tick."""
    chance = random.Random(f"media:{plan.seed}").random
    pools = {size: [_sound(chance, size) for _ in range(_POOL)] for size in {size for _, size in _CODECS}}
    streams = []
    for call in range(plan.calls):
        payload_type, size = _CODECS[call % len(_CODECS)]
        ends = [(bytes([100, 127, call >> 8, call & 0xFF]), 10_000 + 2 * int(chance() * 5_000)) for _ in range(2)]
        ends[1] = (bytes([192, 0, 2, 11]), 20_000 + 2 * call)  # the media relay beside the registrar
        for side, macs in ((0, TO_SERVER), (1, FROM_SERVER)):
            (source, source_port), (destination, port) = ends[side], ends[1 - side]
            streams.append(
                Stream(
                    rtp=flow(macs, source, destination, source_port, port),
                    rtcp=flow(macs, source, destination, source_port + 1, port + 1),
                    payload_type=payload_type,
                    ssrc=int(chance() * 2**32),
                    sequence=int(chance() * 2**16),
                    timestamp=int(chance() * 2**32),
                    phase=int(chance() * (TICK - 1)),
                    sounds=pools[size],
                    report_at=int(chance() * _REPORT_EVERY),
                )
            )
    return sorted(streams, key=lambda stream: stream.phase)


def _sound(chance: Callable[[], float], size: int) -> tuple[bytes, int]:
    """Octets of sound and their sum."""
    octets = bytes(int(chance() * 256) for _ in range(size))
    return octets, octet_sum(octets)
