"""What phones and servers send beside REGISTER to keep a way open: OPTIONS both ways, subscriptions, pings."""

from __future__ import annotations

import struct
from itertools import count

from tests.columnar.captures import SECOND, Packet

_REQUEST = (
    "{method} sip:{to} SIP/2.0\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\n"
    "From: <sip:{by}>;tag=f{branch}\r\nTo: <sip:{to}>\r\nCall-ID: keep{branch}\r\nCSeq: {cseq} {method}\r\n{more}"
    "Content-Length: 0\r\n\r\n"
)
_ANSWER = (
    "SIP/2.0 {status}\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bK{branch}\r\nFrom: <sip:{by}>;tag=f{branch}\r\n"
    "To: <sip:{to}>;tag=t{branch}\r\nCall-ID: keep{branch}\r\nCSeq: {cseq} {method}\r\n{answer}"
    "Content-Length: 0\r\n\r\n"
)
_BRANCHES = count(1)


def ends_of(packet: Packet) -> tuple[bytes, bytes]:
    """Address and port of the two ends of a packet."""
    frame = packet.frame
    return frame[26:30] + frame[34:36], frame[30:34] + frame[36:38]


def _written(end: bytes) -> str:
    return f"{'.'.join(map(str, end[:4]))}:{end[4] << 8 | end[5]}"


def between(source: bytes, target: bytes, time: int, payload: bytes) -> Packet:
    """A packet from one end to another."""
    udp = source[4:] + target[4:] + struct.pack("!HH", 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + source[:4] + target[:4]
    return Packet(time, bytes(12) + b"\x08\x00" + ip + udp)


def asked(
    source: bytes,
    target: bytes,
    time: int,
    user: str,
    *,
    method: str = "OPTIONS",
    status: str = "200 OK",
    more: str = "",
    answer: str = "",
    by_phone: bool = True,
) -> list[Packet]:
    """A request and its answer (none where `status` is empty): by a phone of `user`, or to it."""
    phone, server = f"{user}@example.com", "example.com"
    said = {"to": server if by_phone else phone, "by": phone if by_phone else server, "via": _written(source)}
    said |= {"branch": f"k{next(_BRANCHES)}", "cseq": "7", "method": method, "more": more, "answer": answer}
    found = [between(source, target, time, _REQUEST.format(**said).encode())]
    if status:
        found.append(between(target, source, time + SECOND // 100, _ANSWER.format(status=status, **said).encode()))
    return found


def ping(source: bytes, target: bytes, time: int, payload: bytes = b"\r\n\r\n") -> list[Packet]:
    """A keep-alive without a message."""
    return [between(source, target, time, payload)]
