"""Checks by grammar: each octet chooses a line of a log, or a step of a talk, so that what comes in is well formed in
its parts and senseless as a whole. Octets changed at random seldom get so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from analyzer.evidence import SECOND, Endpoint, Item, NetworkError, RawMessage
from analyzer.judge.flowtext import CLIENT, REGISTRAR
from analyzer.run.pipeline import analyze_items
from tests.fuzz.invariant import bounded
from tests.fuzz.on_job import sound_report
from tests.fuzz.on_plugins import checks
from tests.fuzz.on_sip import SECRETS
from tests.register.traffic import answer, message, request

_ENTRY = b"[Nov 20 11:53:45] VERBOSE[1] chan_sip.c: "
_OTHER = b"[Nov 20 11:53:46] VERBOSE[2] chan_sip.c: "
_READ = b"<--- SIP read from UDP:10.9.0.2:5071 --->"
_JSON = b'{"hostname":"","timestamp":"x","identifiers":{"lwp":1},"logmsg":{"message":"%b\\nA b SIP/2.0\\n\\nx"}}'
LINES = (
    b"", b"\r", b"\0", b"```", b"x: y", b"x: y\r", b" folded", b"\x1b[0m", b"MESSAGE sip:x SIP/2.0",
    b"Content-Length: 60000", b"Content-Length: 0", b"Content-Length: 3", b"Call-ID: a",
    b"Date: Fri, 20 Nov 2026 10:53:45 GMT", b"Date: Fri, 20 Nov 2026 04:53:45 GMT",
    b"Date: Sat, 01 Jan 2000 00:00:00 GMT",
    _READ, b"    " + _READ, b"> " + _READ, b"<--- Transmitting (no NAT) to 1.1.1.1:5 --->",
    b"Retransmitting #1 (no NAT) to 1.1.1.1:5:", b"<--- Received SIP request (9999 bytes) from UDP:10.9.0.2:5071 --->",
    b"<--- Transmitting SIP response (50 bytes) to TLS:[::1]:5061 --->", b"<------------->", b"<------------>", b"---",
    b"--- (3 headers 0 lines) ---", b"--- (64 headers 256 lines) ---", _ENTRY, _ENTRY + _READ, _ENTRY + b"---",
    _ENTRY + b"MESSAGE sip:x SIP/2.0", _OTHER, _OTHER + _READ, _OTHER + b"<------------->", _JSON % _READ,
    _JSON % b"nothing", b"[Dec 01 11:00:00] x", b"[Jan 01 11:00:00] x", b"[11:00:00] " + _READ, b"[23:00:00] x",
    b"[01:00:00] x", b"[01/02/2026 11:00:00] " + _READ, b"[25/02/2026 11:00:00] x", b"[1700000000.5] " + _READ,
    b"[2026-11-20T11:53:45+0200] " + _READ, b"[Xyz 3] " + _READ, b"[2026-02-30 11:53:45] x", b"[Feb 31 11:53:45] x",
)  # fmt: skip


def check_lines(octets: bytes) -> None:
    """A log in which each octet chooses a line."""
    log = b"\n".join(LINES[octet % len(LINES)] for octet in octets)
    for check in checks("dialect").values():
        check(log)


_NONCE = 'WWW-Authenticate: Digest realm="r", nonce="{}", qop="auth"\r\n'
_PROXY = 'Proxy-Authenticate: Digest realm="r", nonce="{}", algorithm=SHA-256, stale=true\r\n'
_ANSWERS = (
    (200, ""), (200, "Contact: <sip:bob@192.0.2.99>;expires=60\r\n"), (401, _NONCE), (401, ""), (407, _PROXY),
    (423, "Min-Expires: 900\r\n"), (403, ""), (404, ""), (100, ""), (302, "Contact: <sip:other.example>\r\n"),
    (503, "Retry-After: 5\r\n"), (500, ""), (200, "Date: Fri, 14 Jul 2017 02:40:00 GMT\r\n"),
)  # fmt: skip
_CREDENTIALS = (
    'Authorization: Digest username="bob", realm="r", nonce="{}", uri="sip:example.com", response="'
    + "0" * 32
    + '", qop=auth, nc=00000001, cnonce="c"\r\n'
)
_REQUESTS = (
    "",
    "",
    _CREDENTIALS,
    _CREDENTIALS.replace(", qop=auth", ""),
    "Contact: *\r\nExpires: 0\r\n",
    "Expires: 0\r\n",
)
_STEPS = (0, 1, 50, 500, 4_000, 33_000, 3_000_000, -2_000)  # milliseconds


def steps_of(octets: bytes) -> Iterator[Item]:
    """A talk of two phones with a registrar: three octets choose a message, its identity, and when it comes."""
    at, cseq = 0.0, [1, 1]
    for what, who, when in zip(*[iter(octets)] * 3, strict=False):
        at += _STEPS[when % len(_STEPS)] / 1000
        phone, call = who & 1, who >> 1 & 1
        cseq[call] += (0, 1, 1, 7)[who >> 2 & 3]
        source = Endpoint(CLIENT.host, 5060 + phone)
        given: dict[str, object] = {
            "branch": f"z9hG4bK{cseq[call]}" if who & 16 else "same",
            "user": ("bob", "eve")[phone if who & 32 else 0],
            "call": f"call{call}",
            "cseq": cseq[call],
        }
        nonce = f"n{when >> 4}"
        if what < 96:
            extra = _REQUESTS[what % len(_REQUESTS)].format(nonce)
            item = request(at, extra=extra, source=source, **given)
        elif what < 200:
            status, extra = _ANSWERS[what % len(_ANSWERS)]
            item = answer(at, status, extra=extra.format(nonce), destination=source, **given)
        elif what < 224:
            start = ("OPTIONS sip:x SIP/2.0", "ACK sip:x SIP/2.0", "INVITE sip:bob@x SIP/2.0", "SIP/2.0 999")[what & 3]
            item = message(start, at, extra=_CREDENTIALS.format(nonce), source=source, **given)  # type: ignore[arg-type]
        else:
            failed = request(at, source=source, **given)
            quoted = failed.payload[: (what & 7) * 40]
            yield NetworkError(failed.time, failed.place, source, REGISTRAR, "UDP", "icmp", quoted=quoted)
            continue
        yield replace(item, time=None) if when & 0x78 == 0x78 else item


def check_flow(octets: bytes) -> None:
    """A talk in which three octets choose a step, at most a hundred of them."""
    items = list(steps_of(octets[:300]))
    size = sum(len(item.payload) for item in items if isinstance(item, RawMessage))
    assert all(item.time is None or item.time > SECOND for item in items)
    with bounded(size, calls=400, copies=7_000, start=400_000):
        sound_report(analyze_items(items, secrets=SECRETS), size)
