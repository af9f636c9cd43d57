"""Storms of real phones and registrars, grown: the samples' packets again and again, each time of other phones.

A sample holds some thousand messages, which SIPp and Kamailio exchanged. Grown, it has as many copies as the messages
that are wanted take; in each copy every phone has another name, address, Call-ID, tags and branches, and the registrar
other nonces. All else is what was captured: ports, times (a copy begins a little after the one before), headers,
retransmissions, refusals, pauses. The digest responses are made up, for nobody verifies them here.
"""

from __future__ import annotations

import gzip
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from heapq import merge
from pathlib import Path
from typing import NamedTuple

import dpkt

from benchmarks.frames import Packet, flow, frame, octet_sum, write_capture
from benchmarks.measure import ROOT
from benchmarks.storm import Totals

SAMPLES = ("storm-slow-answers", "storm-auth-loop")
"""A registrar that is slow, so that phones send again; and phones with old passwords, which try again and again."""

_APART = 100_000
"""Microseconds from the beginning of a copy to that of the next."""

_MOST = 250
"""Copies in all: each has its second octet of the phones' addresses."""

_SERVER = bytes((127, 0, 0, 1))
_MACS = bytes(12)
_TIME_OF_A_NONCE = 12
"""Characters at the beginning of a nonce of Kamailio that say when it was made and until when it holds."""

_NAMES = re.compile(
    rb"(?P<host>127\.0\.0\.(?!1\b)(?=\d))"
    rb"|(?P<user>(?<=sip:)[a-z]+\d+(?=@)|(?<=username=\")[a-z]+\d+)"
    rb"|(?P<number>(?<=;tag=)\d+T\d+|(?<=branch=z9hG4bK-)\d+(?=-)|(?<=Call-ID: )\d+-\d+)"
    rb"|(?P<hex>(?<=;tag=)[0-9a-f]{32}|(?<=[ ,]response=\")[0-9a-f]{32}|(?<=cnonce=\")[0-9a-f]+)"
    rb"|(?P<nonce>(?<=[ ,]nonce=\")[^\"]+)"
)
"""What is another one's in each copy; addresses in texts up to their last number."""


class Sent(NamedTuple):
    """A datagram of a sample: microseconds since the epoch, addresses, ports, payload."""

    micros: int
    source: bytes
    destination: bytes
    source_port: int
    destination_port: int
    payload: bytes


def sent_in(sample: str) -> list[Sent]:
    """The datagrams of a sample by its name, in their order; no such sample: OSError."""
    found = []
    with gzip.open(ROOT / "samples" / sample / "input.pcap.gz") as file:
        for when, octets in dpkt.pcap.Reader(file):
            packet = dpkt.ethernet.Ethernet(octets).data
            if isinstance(packet, dpkt.ip.IP) and isinstance(packet.data, dpkt.udp.UDP):
                udp, micros = packet.data, round(when * 1_000_000)
                found.append(Sent(micros, packet.src, packet.dst, udp.sport, udp.dport, bytes(udp.data)))
    return found


class Grown:
    """The packets of samples grown to at least so many messages, in time order; `totals` is complete when they have
    been read to the end."""

    def __init__(self, messages: int, samples: Sequence[str] = SAMPLES) -> None:
        self.totals = Totals()
        self._samples = [sent_in(sample) for sample in samples]
        each = sum(map(len, self._samples))
        self.copies = -(-messages // each)
        if not 0 < self.copies * len(samples) <= _MOST:
            raise ValueError(f"these samples are grown to at most {_MOST // len(samples) * each:,} messages")

    def packets(self) -> Iterator[Packet]:
        """Microseconds since the epoch and frame, one packet after the other."""
        asked: set[tuple[bytes, int, bytes]] = set()
        calls: set[bytes] = set()
        copies = [
            _copy(sample, number, place * self.copies + number)
            for place, sample in enumerate(self._samples)
            for number in range(self.copies)
        ]
        for number, one in enumerate(merge(*copies, key=lambda one: one.micros)):
            self._count(one, asked, calls)
            path = flow(_MACS, one.source, one.destination, one.source_port, one.destination_port)
            yield one.micros, frame(path, number, one.payload, octet_sum(one.payload))

    def _count(self, one: Sent, asked: set[tuple[bytes, int, bytes]], calls: set[bytes]) -> None:
        """A phone has one Call-ID; a request whose branch it has used before is a retransmission (SIPp draws a new
        cnonce for some of these, so the octets do not tell)."""
        totals, payload = self.totals, one.payload
        totals.messages += 1
        if payload.startswith(b"REGISTER "):
            key = (one.source, one.source_port, payload.partition(b";branch=")[2].partition(b"\r\n")[0])
            totals.requests += 1
            totals.retransmissions += key in asked
            asked.add(key)
        totals.challenged += payload.startswith(b"SIP/2.0 401 ")
        totals.accepted += payload.startswith(b"SIP/2.0 200 ")
        totals.refused += payload.startswith(b"SIP/2.0 403 ")
        calls.add(payload.partition(b"\r\nCall-ID: ")[2].partition(b"\r\n")[0])
        totals.users = len(calls)


def _copy(sample: Sequence[Sent], number: int, unique: int) -> Iterator[Sent]:
    """The datagrams of the copy of a sample with this number, from 0 on; `unique` is its number among all copies."""

    def other(found: re.Match[bytes]) -> bytes:
        value, kind = found[0], found.lastgroup
        if kind == "host":
            return b"127.%d.0." % (unique + 1)
        if kind in ("user", "number"):
            return b"%b%03d" % (value, unique)
        kept = _TIME_OF_A_NONCE if kind == "nonce" else 0
        octets = blake2b(value, digest_size=32, salt=b"%d" % unique).digest()
        made = b64encode(octets) if kind == "nonce" else octets.hex().encode()
        return value[:kept] + made[: len(value) - kept]

    for one in sample:
        yield one._replace(
            micros=one.micros + number * _APART,
            source=_address(one.source, unique),
            destination=_address(one.destination, unique),
            payload=_NAMES.sub(other, one.payload),
        )


def _address(address: bytes, unique: int) -> bytes:
    return address if address == _SERVER else bytes((127, unique + 1)) + address[2:]


def grow(path: Path, messages: int, samples: Sequence[str] = SAMPLES) -> Totals:
    """Write samples grown to at least so many messages to a pcap file; what it holds."""
    grown = Grown(messages, samples)
    grown.totals.packets = write_capture(path, grown.packets())
    return grown.totals
