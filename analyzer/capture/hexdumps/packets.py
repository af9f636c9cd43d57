"""What a dump is: a packet, by its own headers, or the payload of one.

Headers tell the ends; they are believed where all of them agree (version, lengths, protocol), and what is in them goes
the way of any capture: fragments, streams, tunnels. Octets that begin with a message are a payload. Where neither is
so, a message may begin within (headers that we do not know, or a dump without its beginning): it is read, and nothing
is said of its ends but what is printed above.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from analyzer.capture import ip, links
from analyzer.capture.addresses import endpoint
from analyzer.capture.text.payload import Printed
from analyzer.evidence import Endpoint
from analyzer.sip.sniff import Kind, kind, looks_like_start, start

_LINKS = (1, 113, 276, 101, 0, 9)
"""Link types by which a dump is tried: Ethernet, Linux's two, raw IP (tcpdump -X), BSD loopback, PPP."""
_BEGINS = re.compile(
    rb"(?<![A-Za-z0-9])(?:REGISTER|INVITE|ACK|BYE|CANCEL|OPTIONS|SUBSCRIBE|NOTIFY|PUBLISH|MESSAGE|INFO|PRACK|UPDATE|REFER)"
    rb" sips?:[^ \r\n]{1,2048} SIP/2\.0\r?\n|SIP/2\.0 [1-6]\d\d [^\r\n]{0,200}\r?\n"
)
_REACH = 512
"""Octets within which a message begins that stands behind headers that we do not know."""
_UDP, _TCP = 17, 6
_LEAST_TCP = 20


@cache
def _decoders() -> dict[int, links.Decoder]:
    return links.table()


def linktype_of(octets: bytes) -> int | None:
    """The link type of a packet, None where the octets are none that is known."""
    for linktype in _LINKS:
        ethertype, at = _decoders()[linktype](octets)
        if _is_packet(octets, ethertype, at):
            return linktype
    return None


def _is_packet(octets: bytes, ethertype: int, at: int) -> bool:
    """Whether an IP packet is at `at` whose lengths can be, with a transport in it, or a part of one."""
    packet = ip.parse(octets, ethertype, at)
    if packet is None or packet.missing > len(octets) + 65535:
        return False
    if ethertype == links.IPV4 and (octets[at] & 15 < 5 or octets[at + 2] << 8 | octets[at + 3] < 20):
        return False
    if packet.fragment:
        return True
    body, room = packet.body, len(packet.body) + packet.missing
    if packet.protocol == _UDP:
        return len(body) >= 8 and (body[4] << 8 | body[5]) in (0, room)
    if packet.protocol == _TCP:
        return len(body) >= _LEAST_TCP and _LEAST_TCP <= (body[12] >> 4) * 4 <= room
    return packet.protocol in (1, 4, 41, 47, 58)


def ends_of(octets: bytes, linktype: int) -> tuple[Endpoint, Endpoint] | None:
    """Both ends of a packet of UDP or TCP, as its headers say; None of any other."""
    ethertype, at = _decoders()[linktype](octets)
    packet = ip.parse(octets, ethertype, at)
    if packet is None or packet.protocol not in (_UDP, _TCP) or packet.offset or len(packet.body) < 4:
        return None
    body = packet.body
    return endpoint(packet.source, body[0] << 8 | body[1]), endpoint(packet.destination, body[2] << 8 | body[3])


def is_message(octets: bytes) -> bool:
    """Whether octets begin with a SIP message."""
    return kind(octets) is Kind.SIP


def payload_in(octets: bytes) -> bytes:
    """The octets from the first message on, where one begins near; else empty."""
    match = _BEGINS.search(octets, 0, _REACH + 2048)
    return octets[match.start() :] if match is not None and match.start() <= _REACH else b""


def messages_in(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """The messages of a payload, each with its offset: several where their lengths say so (a stream, a saved file)."""
    begin = 0
    while True:
        end = payload.find(b"\r\n\r\n", begin)
        if end < 0:
            break
        head = payload[begin:end].split(b"\r\n")
        stop = end + 4 + (Printed(head, None).content_length() or 0)
        following = start(payload, stop)
        if stop >= len(payload) or not looks_like_start(payload, following):
            break
        yield begin, payload[begin:stop]
        begin = following
    yield begin, payload[begin:]


def swapped(octets: bytes) -> bytes:
    """Octets that were printed as words of two in the order of a little-endian machine."""
    even = octets[: len(octets) // 2 * 2]
    words = bytearray(even)
    words[0::2], words[1::2] = even[1::2], even[0::2]
    return bytes(words) + octets[len(even) :]
