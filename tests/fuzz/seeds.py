"""Inputs to begin with: small and well formed, from the samples and from the builders of the capture tests."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import zlib
from collections.abc import Iterator

from analyzer.capture import links
from analyzer.evidence import RawMessage
from tests.capture import asterisk_text as log
from tests.capture.build import (
    OK,
    REGISTER,
    RTP,
    enhanced,
    ethernet,
    fragment6,
    frame,
    interface,
    ip4,
    ip6,
    message,
    option,
    pcap,
    pcapng,
    section,
    simple,
    udp,
)
from tests.capture.tcp_talk import Talk
from tests.capture.test_pcap_layouts import aix, written
from tests.fuzz.on_captures import joined, segment
from tests.fuzz.on_job import item
from tests.fuzz.on_plugins import LONGEST, MOST, link_packets
from tests.plugins.folders import FOLDERS, loaded
from tests.shared import ROOT

TALK = Talk().open().up(0, message(1)[:50]).up(80, message(1)[80:]).up(50, message(1)[50:80]).fin(200, 2)
FRAMES = [
    frame(),
    ethernet(ip6(udp(REGISTER)), tags=[0x8100]),
    ethernet(ip4(udp(REGISTER)[:80], more=True)),
    ethernet(ip4(udp(REGISTER)[80:], offset=80)),
    ethernet(ip4(b"\x03\x03" + bytes(6) + ip4(udp(REGISTER)), 1)),
    *TALK.frames,
]
CALL = [frame(RTP), frame(), frame(RTP), frame(RTP)[:60], frame(RTP), frame(RTP)]


def samples(*suffixes: str) -> Iterator[bytes]:
    """The inputs of the samples with one of these suffixes."""
    for path in sorted((ROOT / "samples").glob("*/input.*")):
        if path.suffix in suffixes and path.stat().st_size <= LONGEST:
            yield path.read_bytes()[:MOST]


def files() -> list[bytes]:
    """Captures and logs, whole."""
    return [
        pcap(FRAMES),
        pcapng(FRAMES),
        gzip.compress(pcap(FRAMES), mtime=0),
        *samples(".pcap", ".pcapng", ".txt", ".json"),
    ]


def pcaps() -> list[bytes]:
    """Classic captures in both octet orders and the three forms."""
    forms = [pcap(FRAMES, order=order) for order in "<>"]
    calls = [pcap(CALL, order=order) for order in "<>"]
    more = [pcap(FRAMES, magic=0xA1B23C4D), pcap(FRAMES, magic=0xA1B2CD34), pcap(CALL, snap=50)]
    odd = [written(FRAMES, layout) for layout in ("Red Hat 6.1", "Nokia", "SuSE 6.3")] + [aix(FRAMES)]
    return [*forms, *calls, *more, *odd, *samples(".pcap")][:14]


def layouts() -> list[bytes]:
    """Packets to be written in every layout of pcap; see `check_layouts`."""
    packets = joined([frame(), ip4(udp(REGISTER)), frame(RTP), bytes(60), frame()])
    return [bytes([form + 128 * swapped, form]) + packets for form in range(6) for swapped in (0, 1)]


def pcapngs() -> list[bytes]:
    """Captures with every block that is read, sections in both octet orders."""
    swapped = section(">") + interface(order=">") + enhanced(frame(), order=">")
    clocks = interface(1, option(9, b"\x09") + option(14, bytes(8))) + interface(101, option(9, b"\x94"))
    blocks = section() + clocks + enhanced(frame()) + enhanced(ip4(udp(REGISTER)), number=1) + simple(frame())
    return [pcapng(FRAMES), pcapng(CALL), swapped, blocks, blocks + swapped, *samples(".pcapng")][:8]


def compressed() -> list[bytes]:
    """Streams in each compression, one after the other, and none."""
    plain = pcap([frame()])
    return [
        plain,
        gzip.compress(plain, mtime=0),
        gzip.compress(plain, mtime=0) * 2,
        gzip.compress(b"", mtime=0),
        bz2.compress(plain),
        lzma.compress(plain),
        gzip.compress(plain, mtime=0) + bytes(8),
        gzip.compress(bytes(1 << 20), mtime=0),
    ]


def link_frames() -> list[bytes]:
    """For each link layer in the order of the table, a packet or two; see `check_links`."""
    packet, six = ip4(udp(REGISTER)), ip6(udp(REGISTER))
    heads = [b"\2\0\0\0", b"", b"\xff\x03\0\x21", b"\0\x21", b"\x11\0\0\0\0\0\0\x21", bytes(14) + b"\x08\0"]
    cooked = [b"\x08\0" + bytes(18), bytes(12) + b"\x88\x47\0\0\x01\0", bytes(12) + b"\x88\x64\x11\0\0\0\0\0\0\x21"]
    llc = bytes(12) + b"\0\x20\xaa\xaa\x03\0\0\0\x08\0"
    kinds = sorted(links.table())
    found = [bytes([at]) + joined([octets, octets[:-9]]) for at, octets in link_packets(kinds)]
    found += [bytes([at]) + joined([head + packet, head + six]) for at in range(len(kinds)) for head in heads[:2]]
    return [*found, *(bytes([n]) + joined([head + packet]) for n in (1, 2, 9, 13) for head in [*heads, *cooked, llc])]


def fragments() -> list[bytes]:
    """Packets in two and three parts, in and out of order, overlapping."""
    whole = udp(REGISTER)
    parts = [ip4(whole[:80], more=True), ip4(whole[80:], offset=80)]
    three = [ip4(whole[at : at + 48], offset=at, more=at < 96) for at in (0, 48, 96)]
    six = [ip6(fragment6(whole[:80], 17, 0, True), 44), ip6(fragment6(whole[80:], 17, 80, False), 44)]
    overlap = [parts[0], ip4(whole[40:], offset=40)]
    cut = [ip4(whole[:80], more=True, total=600), ip4(whole[80:], offset=80)]
    return [joined(frames) for frames in (parts, parts[::-1], three, three[::-1], six, overlap, cut)]


def tunnels() -> list[bytes]:
    """Each tunnel that is unwrapped, and ICMP errors of both versions."""
    inner = ip4(udp(REGISTER))
    gtp = ip4(udp(b"\x30\xff\0\x90\0\0\0\x01" + inner, 2152, 2152))
    extended = ip4(udp(b"\x34\xff\0\x90\0\0\0\x01\0\0\0\x85\x01\0\0\0" + inner, 2152, 2152))
    vxlan = ip4(udp(b"\x08" + bytes(7) + frame(), 4789, 4789))
    gre = [ip4(head + inner, 47) for head in (b"\0\0\x08\0", b"\xb0\0\x08\0" + bytes(12))]
    erspan = [ip4(b"\x10\0\x88\xbe" + bytes(12) + frame(), 47), ip4(b"\x10\0\x22\xeb" + bytes(16) + frame(), 47)]
    errors = [ip4(b"\x03\x03" + bytes(6) + inner, 1), ip6(b"\x01\x04" + bytes(6) + ip6(udp(REGISTER)), 58)]
    packets = [gtp, extended, vxlan, *gre, *erspan, ip4(inner, 4), ip4(ip6(udp(REGISTER)), 41), *errors]
    packets += [ip4(one[1:]) for one in udp_tunnels()[:6]] + [ip4(b"\0\0\0\x09" + frame(), 115)]
    return [joined([packet]) for packet in packets] + [joined(packets)]


def udp_tunnels() -> list[bytes]:
    """UDP packets of each tunnel, of Ethernet and IP, in their forms; see `check_udp_tunnel`."""
    four, six = ip4(udp(REGISTER)), ip6(udp(REGISTER))
    heads = [
        (b"\0\0\x65\x58\0\0\7\0", 6081),
        (b"\2\0\x65\x58\0\0\7\0" + b"\1\2\x80\1" + bytes(4), 6081),
        (b"\x08\0\0\0\0\0\1\0", 4789),
        (b"\1\0\0\1\x0a\1\x50\0\x29\2\0\7\1", 37008),
        (b"\0\3\0\0\0\0\0\x09", 1701),
        (b"\0\3\0\0\0\0\0\x09cookie!!\0\0\0\1", 1701),
    ]
    found = [udp(head + ethernet(one), 7, port) for head, port in heads for one in (four, six)]
    l2tp = [b"\0\2\0\1\0\2", b"\x4b\2\0\x40\0\1\0\2\0\3\0\4\0\3pad"]
    found += [udp(head + b"\xff\x03\0\x21" + four, 1701, 1701) for head in l2tp]
    found += [udp(b"\0\0\x08\0\0\0\7\0" + four, 7, 6081), udp(b"\x32\xff" + bytes(10) + four, 2152, 2152)]
    return [b"\0" + one for one in found] + [b"\x30" + one[:-48] for one in found]


def _chunk(kind: int, value: bytes) -> bytes:
    return b"\0\0" + kind.to_bytes(2, "big") + (6 + len(value)).to_bytes(2, "big") + value


def hep_packets() -> list[bytes]:
    """The chunks of HEP packets, without and with their length, plain and with a compressed message."""
    ends = _chunk(3, b"\x0a\0\0\1") + _chunk(4, b"\x0a\0\0\2") + _chunk(7, b"\x13\xc4") + _chunk(8, b"\x13\xc4")
    clock = _chunk(2, b"\x11") + _chunk(9, b"\x5e\0\0\0") + _chunk(10, b"\0\0\0\7")
    bodies = [_chunk(15, REGISTER), _chunk(16, zlib.compress(REGISTER)), _chunk(15, b"")]
    chunks = [ends + clock + body for body in bodies] + [body + ends + clock for body in bodies]
    return [*chunks, *((6 + len(one)).to_bytes(2, "big") + one for one in chunks)]


def hep_fixed_packets() -> list[bytes]:
    """HEP packets of versions 1 and 2, of both address families."""
    four, six = bytes(8), bytes(32)
    heads = [b"\x10\x02\x11\x13\xc4\x13\xc4" + four, b"\x28\x0a\x06\x13\xc4\x13\xc4" + six]
    clock = b"\0\0\0\x60\x05\0\0\0\1\0\0\0"
    return [number + head + stamp + REGISTER for head in heads for number, stamp in ((b"\1", b""), (b"\2", clock))]


def tcp_talks() -> list[bytes]:
    """Connections: in order, in pieces, out of order, repeated, with a hole, WebSocket, TLS, HTTP."""
    syn, fin = segment(flags=2), segment(flags=17)
    first, second = message(1, b"body"), message(2)
    pieces = b"".join(segment(first[at : at + 20]) for at in range(0, len(first), 20))
    swapped = segment(first[60:], 60) + segment(first[:60], -60)
    holed = segment(first) + segment(second, 9) + segment(back=True, ack=9) + segment(back=True, ack=9)
    web = segment(WEBSOCKET[:90]) + segment(WEBSOCKET[90:])
    others = [segment(b"\x16\x03\x01\0\5hello"), segment(b"GET / HTTP/1.1\r\n\r\n"), segment(b"\r\n\r\n") * 3]
    talks = [pieces, swapped, segment(first + second), segment(first) * 2, holed, web, *others]
    return [syn + talk + fin for talk in talks] + [pieces + segment(flags=4, back=True)]


def streams() -> list[bytes]:
    """Streams for the framer: several messages, keep-alives, a lying length, junk in between."""
    two = message(1, b"body") + b"\r\n\r\n" + message(2)
    lying = message(1).replace(b"Length: 0", b"Length: 900") + OK
    return [b"\0" + two, b"\x07" + b"rest of a body" + two, b"\x20" + lying, b"\x01" + REGISTER + OK, b"\x3f\r\n\0"]


def _frame(payload: bytes, first: int = 0x81, mask: bytes = b"") -> bytes:
    size = len(payload)
    head = bytes([first, (0x80 if mask else 0) | min(size, 126)]) + (size.to_bytes(2, "big") if size > 125 else b"")
    masked = bytes(octet ^ mask[at % 4] for at, octet in enumerate(payload)) if mask else payload
    return head + mask + masked


WEBSOCKET = (
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
    + _frame(REGISTER, mask=b"abcd")
    + _frame(REGISTER[:20], 0x01)
    + _frame(b"ping", 0x89)
    + _frame(REGISTER[20:], 0x80)
)


def websockets() -> list[bytes]:
    """A stream of frames, cut in several ways."""
    return [bytes([step]) + WEBSOCKET for step in (0, 6, 63)] + [b"\0" + WEBSOCKET.replace(b"\x81", b"\xc1")]


def deflated() -> list[bytes]:
    """Messages that are compressed, with what is agreed to; some as they are, some in halves, some not compressed."""
    how = (b"\0", b"\4", b"\2", b"\x08")
    said = joined([how[at % 4] + message(at // 2, b"body" * at) for at in range(8)])
    raw = joined(
        [b"\1\xf2\x48\xcd\xc9\xc9\x07\0", b"\1\xf2\0\x11\0\0", b"\1\x03\0\x03\0", b"\0" + REGISTER, b"\5\xff\xff"]
    )
    return [
        bytes([step, choice]) + one for step, choice in ((0, 0), (6, 1), (63, 2), (9, 3), (1, 4)) for one in (said, raw)
    ]


def sip_messages() -> list[bytes]:
    """Messages out of the samples, and a few that hold everything."""
    from analyzer.capture.opener import open_sources

    found = {REGISTER: None, OK: None, message(3, b"body"): None}
    for path in sorted((ROOT / "samples").glob("*/input.*")):
        if path.stat().st_size <= LONGEST:
            with open_sources([path]) as reading:
                found.update((one.payload, None) for one in list(reading)[:12] if isinstance(one, RawMessage))
    folded = REGISTER.replace(b"Via: ", b"v:\r\n ").replace(b"\r\nCall", b'\r\nm: "a\\"b" <sip:b@c;x>;q=0.5, *\r\nCall')
    return [folded, *found][:60]


def digests() -> list[bytes]:
    """A challenge, a zero octet, credentials."""
    challenge = b'Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=MD5, stale=false, opaque="o"'
    both = challenge + b', Digest realm="r", nonce="m", algorithm=SHA-256'
    credentials = (
        b'Digest username="bob", realm="r", nonce="n", uri="sip:x", response="' + b"0" * 32 + b'", algorithm=MD5, '
        b'cnonce="c", nc=00000001, qop=auth, opaque="o"'
    )
    odd = b"Digest username=bob realm = r,, nonce=\"a\\\"b, uri=sip:x userhash=true username*=UTF-8''b%c3%a9"
    pairs = [(challenge, credentials), (both, odd), (b"Basic realm=x", b"Bearer abc=="), (both, credentials)]
    return [b"\0".join(pair) for pair in pairs]


def chan_sip_logs() -> list[bytes]:
    """A received request, a sent answer, a repeat, in every wrapper."""
    request = log.message("hello", call_id="one")
    date = "Date: Fri, 20 Nov 2026 10:53:45 GMT\r\n"
    answer = f"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.9.0.2\r\n{date}Content-Length: 0\r\n\r\n"
    entries = log.received(request) + log.sent(answer) + log.request(request, how="Retransmitting #1")
    found = [log.octets(wrapper(entries)) for wrapper in log.WRAPPERS.values()]
    wide = ("\ufeff" + log.paste(entries)).encode("utf-16-le")
    return [*found, wide, *samples(".txt", ".ansi", ".json")]


def pjsip_logs() -> list[bytes]:
    """The same printed by the PJSIP logger."""
    request = log.message("hello", call_id="one")
    entries = log.pjsip(request) + log.pjsip(request, incoming=False)
    return [*(log.octets(wrapper(entries)) for wrapper in log.WRAPPERS.values()), *samples(".log")]


def credential_files() -> list[bytes]:
    """A file in each format, the examples first."""
    examples = [loaded("credentials", name).EXAMPLE for name in FOLDERS["credentials"].names()]
    ha1 = b"0123456789abcdef0123456789abcdef"
    xml = b'<?xml version="1.0" encoding="iso-8859-1"?><user id="1"><param name="password" value="x"/></user>'
    sql = b"INSERT INTO `subscriber` (`username`,`domain`,`password`,`ha1`) VALUES ('a','d','p''q',''),('b','d','','"
    return [
        *examples,
        b"username,realm,password,ha1\nbob,r,secret,\neve,r,," + ha1 + b"\n",
        b'bob,,"sec,ret"\n',
        xml,
        b"bob:realm:" + ha1 + b"\n",
        b"[general]\nrealm=r\nregister => u:p:a@h/1\n[t](!)\nsecret=x\n[bob](t)\ntype=friend\nmd5secret=" + ha1 + b"\n",
        b"[a]\ntype=auth\nusername=u\npassword=p ; note\n;-- block\n--;\n",
        sql + ha1 + b"');\n",
        b"COPY subscriber (username, domain, password) FROM stdin;\na\td\tp\n\\.\n",
        b'<include><X-PRE-PROCESS cmd="set" data="p=1"/><domain name="d"><user id="1"><params><param name="password" '
        b'value="$${p}x"/><param name="a1-hash" value="' + ha1 + b'"/></params></user></domain></include>',
    ]


def talks() -> list[bytes]:
    """The messages of the samples, as items."""
    from analyzer.capture.opener import open_sources

    found = []
    for path in sorted((ROOT / "samples").glob("*/input.pcap")):
        with open_sources([path]) as reading:
            messages = [one for one in reading if isinstance(one, RawMessage)][:6]
        server = messages[0].destination if messages else None
        found.append(b"".join(item(one.payload, int(one.source == server)) for one in messages))
    error = item(REGISTER) + item(REGISTER[:60], 2)
    printed = item(REGISTER, 8) + item(OK, 9) + item(REGISTER, 4) + item(OK, 5)
    return [*found[:12], error, printed, item(REGISTER, 16) + item(OK, 33) + item(REGISTER, 64, step=2)]


def choices() -> list[bytes]:
    """Octets that choose, for the checks by grammar: every one, some again and again, some at random."""
    chance = random.Random(1)
    return [
        bytes(range(256)),
        *(chance.randbytes(size) for size in (9, 30, 90, 300)),
        *(bytes([at]) * 60 for at in (0, 99)),
    ]
