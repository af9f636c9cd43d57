"""What a capture says before its first packet: the link types of its interfaces, and keys of TLS.

Read from the head of the file alone, and no further than needed: a live one may not have more yet.
"""

from __future__ import annotations

import struct
from typing import NamedTuple, Protocol

from analyzer.capture import pcap_layouts

_SECTION, _INTERFACE, _SECRETS = 0x0A0D0D0A, 1, 10
_PACKETS = (2, 3, 6)
_NG_MAGIC = b"\n\r\r\n"
_LONGEST = 1 << 18  # octets that are looked at


class Preface(NamedTuple):
    """Link types of the interfaces described before the first packet; whether keys stand there (a Decryption Secrets
    Block of pcapng)."""

    links: frozenset[int]
    secrets: bool


class _Headed(Protocol):
    def head(self, count: int) -> bytes: ...


def read(input_stream: _Headed) -> Preface:
    """The preface of a pcap or pcapng file; an empty one where that cannot be read."""
    head = input_stream.head(24)
    if head[:4] == _NG_MAGIC:
        return _pcapng(input_stream)
    if len(head) < 24 or head[:4] not in pcap_layouts.MAGICS:
        return Preface(frozenset(), secrets=False)
    return Preface(frozenset({pcap_layouts.header(head).linktype}), secrets=False)


def _pcapng(input_stream: _Headed) -> Preface:
    links: set[int] = set()
    secrets = False
    at, sign = 0, "<"
    while at < _LONGEST and len(head := input_stream.head(at + 12)) >= at + 12:
        kind, size = struct.unpack_from(sign + "II", head, at)
        if kind == _SECTION:
            sign = ">" if head[at + 8 : at + 12] == b"\x1a\x2b\x3c\x4d" else "<"
            (size,) = struct.unpack_from(sign + "I", head, at + 4)
        elif kind == _INTERFACE:
            links.add(struct.unpack_from(sign + "H", head, at + 8)[0])
        secrets = secrets or kind == _SECRETS
        if kind in _PACKETS or size < 12 or size & 3:
            break
        at += size
    return Preface(frozenset(links), secrets)
