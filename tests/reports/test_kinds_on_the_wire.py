"""Kinds of trouble below SIP that public reports tell of, each a capture of a few packets: what the table says of it,
and what it must not say because the same packets refute it."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from typing import NamedTuple

import pytest

from analyzer import analyze
from analyzer.views import ViewOptions, load_view
from tests.capture.build import ACK, ALICE, EPOCH, FIN, REGISTRAR, RST, SYN, ethernet, ip4, pcap, tcp, udp

Timed = tuple[float, bytes]
"""Seconds from the start, and a frame."""
HTTP = b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
ALERT = bytes.fromhex("15030100020246")


def register(cseq: int = 1, *, transport: str = "UDP", also: str = "", fill: int = 0) -> bytes:
    return (
        f"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/{transport} 10.0.0.1:5060;branch=z9hG4bKw{cseq}\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:bob@example.com>;tag=f1\r\nTo: <sip:bob@example.com>\r\nCall-ID: w\r\n"
        f"CSeq: {cseq} REGISTER\r\nContact: <sip:bob@10.0.0.1:5060>\r\nExpires: 3600\r\n{also}"
        f"{'X-Fill: ' + 'x' * fill + chr(13) + chr(10) if fill else ''}Content-Length: 0\r\n\r\n"
    ).encode()


def answer(request: bytes, status: int, *headers: str) -> bytes:
    kept = [
        line + (";tag=t1" if line.startswith("To:") else "")
        for line in request.decode().split("\r\n")
        if line.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")
    ]
    return "\r\n".join([f"SIP/2.0 {status} X", *kept, *headers, "Content-Length: 0", "", ""]).encode()


CHALLENGE = 'WWW-Authenticate: Digest realm="example.com", nonce="5f2b6c9de8714a03", qop="auth"'
CREDENTIALS = (
    'Authorization: Digest username="bob", realm="example.com", nonce="5f2b6c9de8714a03", uri="sip:example.com", '
    'response="0123456789abcdef0123456789abcdef", qop=auth, nc=00000001, cnonce="0a4f113b"\r\n'
)


def up(at: float, payload: bytes, port: int = 5060) -> Timed:
    return at, ethernet(ip4(udp(payload, 5060, port)))


def down(at: float, payload: bytes, port: int = 5060) -> Timed:
    return at, ethernet(ip4(udp(payload, port, 5060), source=REGISTRAR, destination=ALICE))


def icmp(at: float, kind: int, code: int, payload: bytes, source: str) -> Timed:
    body = struct.pack("!BBHI", kind, code, 0, 0) + ip4(udp(payload))
    return at, ethernet(ip4(body, 1, source, ALICE))


def segment(
    at: float, payload: bytes, seq: int, ack: int, flags: int, *, back: bool = False, port: int = 5060
) -> Timed:
    ports = {"sport": port, "dport": 40000} if back else {"sport": 40000, "dport": port}
    ends = (REGISTRAR, ALICE) if back else (ALICE, REGISTRAR)
    return at, ethernet(ip4(tcp(payload, seq, ack, flags, **ports), 6, *ends))


def talk(request: bytes, reply: bytes, last: int, port: int = 5060) -> list[Timed]:
    """A connection: a request, what comes back to it, and how the server ends it."""
    there = 101 + len(request)
    frames = [
        segment(0, b"", 100, 0, SYN, port=port),
        segment(0.01, b"", 900, 101, SYN | ACK, back=True, port=port),
        segment(0.02, request, 101, 901, ACK, port=port),
    ]
    if reply:
        frames.append(segment(0.03, reply, 901, there, ACK, back=True, port=port))
    return [*frames, segment(0.04, b"", 901 + len(reply), there, last | ACK, back=True, port=port)]


def torn(at: float, payload: bytes) -> list[Timed]:
    """The first of two fragments, the second of which was lost."""
    whole = udp(payload)
    return [(at, ethernet(ip4(whole[:1480], ident=int(at * 100) + 7, more=True)))]


def table(frames: Iterable[Timed]) -> str:
    """What the table says, on one line."""
    timed = sorted(frames, key=lambda one: one[0])
    times = [(EPOCH + int(at), round(at % 1 * 1e6)) for at, _ in timed]
    capture = pcap((octets for _, octets in timed), times=times)
    out = io.StringIO()
    load_view("table")(analyze(io.BytesIO(capture)), out, ViewOptions(width=100))
    return " ".join(out.getvalue().split())


class Kind(NamedTuple):
    """Packets, what is said of them, and what is never said."""

    frames: list[Timed]
    says: tuple[str, ...]
    never: tuple[str, ...] = ()


_END = up(70, b"\r\n\r\n")
_BIG = register(2, also=CREDENTIALS, fill=1600)
KINDS = {
    "a router rejects it": Kind(
        [up(0, register()), icmp(0.01, 3, 13, register(), "192.0.2.1"), _END],
        ("the network says: administratively prohibited, from 192.0.2.1", "let them pass at 192.0.2.1"),
        ("host unreachable", "whether the server listens"),
    ),
    "a loop of routers": Kind(
        [up(0, register()), icmp(0.01, 11, 0, register(), "203.0.113.1"), _END],
        ("time exceeded, from 203.0.113.1", "traceroute 10.0.0.2"),
        ("whether the server listens",),
    ),
    "nothing listens there": Kind(
        [up(0, register()), icmp(0.01, 3, 3, register(), REGISTRAR), _END],
        ("the network says: port unreachable", "whether the server listens on port 5060 (ss -ulnp)"),
        ("from 10.0.0.2",),
    ),
    "too big for a link": Kind(
        [up(0, register()), icmp(0.01, 3, 4, register(), "203.0.113.1"), _END],
        ("packet too big, from 203.0.113.1", "mend the MTU of the tunnel or link at 203.0.113.1"),
        ("whether the server listens",),
    ),
    "a web server": Kind(
        [*talk(register(transport="TCP"), HTTP, FIN, 8080), _END],
        ("10.0.0.2:8080 closed the connection after it sent HTTP/1.1 400, which is no SIP", "no port of SIP over TCP"),
        ("with no answer", "nginx", "whether the server listens"),
    ),
    "a port of TLS": Kind(
        [*talk(register(transport="TCP"), ALERT, FIN, 5061), _END],
        ("after it sent TLS, which is no SIP", "10.0.0.2:5061 speaks TLS", "set the phone's transport to TLS"),
        ("with no answer", "whether the server listens"),
    ),
    "a reset": Kind(
        [*talk(register(transport="TCP"), b"", RST), _END],
        ("10.0.0.2:5060 reset the connection", "something listens on 10.0.0.2:5060 and ends the connection"),
        ("the network says", "ss -ulnp"),
    ),
    "the second fragment is lost": Kind(
        [
            up(0, register()),
            down(0.02, answer(register(), 401, CHALLENGE)),
            *(one for at in (0.03, 0.53, 1.53, 3.53, 7.53, 15.53, 31.53) for one in torn(at, _BIG)),
            _END,
        ],
        (
            "1 client, without an answer",
            "7 sends in 31.5 s",
            "it came in fragments, and not all of them are in the capture",
            "may drop fragments",
            "The request is too large for UDP",
        ),
        ("never answered the challenge", "no password set", "gave up"),
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_is_said(name: str) -> None:
    kind = KINDS[name]
    text = table(kind.frames)
    assert [words for words in kind.says if words not in text] == [], text
    assert [words for words in kind.never if words in text] == [], text
