"""Hex dumps: whoever printed them, the messages, their ends and their times are those of the packets."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.capture.formats import HEAD
from analyzer.capture.hexdumps.digits import digits_of
from analyzer.capture.hexdumps.dumps import Dumps
from analyzer.capture.hexdumps.packets import messages_in, swapped
from analyzer.capture.opener import open_sources
from analyzer.defect import SourceError
from analyzer.evidence import Endpoint, Fidelity, LogLines, RawMessage, Source
from analyzer.run.pipeline import analyze
from tests.capture.build import ethernet, ip4, ip6, tcp, udp
from tests.capture.hex_printing import PRINTERS, array, hexdump_c, rows, stream, tcpdump, tshark, wireshark, xxd
from tests.shared import DATA

REGISTER = (
    b"REGISTER sip:pbx.example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r\n"
    b'From: "Be ad" <sip:bob@example.com>;tag=f1\r\nTo: <sip:bob@example.com>\r\nCall-ID: a1\r\nCSeq: 1 REGISTER\r\n'
    b"Max-Forwards: 70\r\nContact: <sip:bob@192.0.2.10:5060>\r\nContent-Length: 0\r\n\r\n"
)
OK = (
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r\nFrom: <sip:bob@example.com>;tag=f1\r\n"
    b"To: <sip:bob@example.com>;tag=t1\r\nCall-ID: a1\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"
)
PHONE, SERVER = Endpoint("192.0.2.10", 5060), Endpoint("192.0.2.1", 5060)
STAMP, SECONDS = b"2026-11-20 11:53:43.500000", 1795175623.5


def packets() -> list[bytes]:
    return [
        ip4(udp(REGISTER), source=PHONE.host, destination=SERVER.host),
        ip4(udp(OK), source=SERVER.host, destination=PHONE.host),
    ]


def text(octets: list[bytes], printer: Callable[[bytes], str], above: bytes = b"packet %d\n") -> bytes:
    return b"".join(above.replace(b"%d", b"%d" % n) + printer(one).encode() + b"\n" for n, one in enumerate(octets, 1))


def read(octets: bytes) -> tuple[list[RawMessage], Source]:
    with open_sources([io.BytesIO(octets)], kind="log") as reading:
        return [item for item in reading if isinstance(item, RawMessage)], reading.sources[0]


@pytest.mark.parametrize("layer", [bytes, ethernet], ids=["IP", "Ethernet"])
@pytest.mark.parametrize("printer", PRINTERS, ids=lambda one: one.__name__)
def test_packets_however_they_are_printed(printer: Callable[[bytes], str], layer: Callable[[bytes], bytes]) -> None:
    messages, source = read(text([layer(one) for one in packets()], printer))
    assert source.format == "hexdump"
    assert [one.payload for one in messages] == [REGISTER, OK]
    assert [(one.source, one.destination, one.transport) for one in messages] == [
        (PHONE, SERVER, "UDP"),
        (SERVER, PHONE, "UDP"),
    ]
    assert [one.fidelity for one in messages] == [Fidelity.TEXT_LOG] * 2
    assert not any(one.defects or one.missing or one.time for one in messages)


@pytest.mark.parametrize("printer", PRINTERS, ids=lambda one: one.__name__)
def test_payloads_alone(printer: Callable[[bytes], str]) -> None:
    """Via tells where the client is; nobody tells where the server is."""
    messages, source = read(text([REGISTER, OK], printer))
    assert [one.payload for one in messages] == [REGISTER, OK]
    assert [(one.source, one.destination) for one in messages] == [
        (PHONE, Endpoint("unknown", 0)),
        (Endpoint("unknown", 0), PHONE),
    ]
    assert any("what the topmost Via says" in one for one in source.quality)


def test_six_and_a_stream() -> None:
    six = ip6(udp(REGISTER), source="2001:db8::1", destination="2001:db8::2")
    half = len(REGISTER) // 2
    parts = [ip4(tcp(one, seq), 6) for one, seq in ((REGISTER[:half], 1), (REGISTER[half:], 1 + half))]
    messages, _ = read(text([six, *parts], tcpdump))
    assert [one.payload for one in messages] == [REGISTER, REGISTER]
    assert messages[0].source == Endpoint("2001:db8::1", 5060)
    assert messages[1].transport == "TCP"


def test_fragments_are_put_together() -> None:
    body = udp(REGISTER)
    first, last = ip4(body[:160], more=True), ip4(body[160:], offset=160)
    messages, _ = read(text([first, last], tshark))
    assert [one.payload for one in messages] == [REGISTER]


ABOVE = {
    "tcpdump": b"%t IP 192.0.2.10.5060 > 192.0.2.1.5060: SIP: REGISTER\n",
    "tcpdump -v": b"%t IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto UDP (17), length 9)\n"
    b"    192.0.2.10.5060 > 192.0.2.1.5060: SIP, length: 9\n\tREGISTER sip:pbx.example.com SIP/2.0\n"
    b"\tDate: Fri, 20 Nov 2001 10:00:00 GMT\n\n",
    "tshark -P": b"    1 %t   192.0.2.10 \xe2\x86\x92 192.0.2.1 SIP 281 Request: REGISTER\n\n",
    "ngrep": b"U %t 192.0.2.10:5060 -> 192.0.2.1:5060 #1\n",
    "FortiGate": b"%t port1 in 192.0.2.10.5060 -> 192.0.2.1.5060: udp 239\n",
    "tshark -V": b"Frame 1: 281 bytes on wire\n    Arrival Time: x\n    Epoch Time: 1795175623.500000000 seconds\n"
    b"        Date: Fri, 20 Nov 2001 10:00:00 GMT\n    UDP payload (239 bytes)\n\n",
}


@pytest.mark.parametrize("way", ABOVE)
def test_the_line_above_tells_the_time(way: str) -> None:
    messages, _ = read(text(packets()[:1], tcpdump, ABOVE[way].replace(b"%t", STAMP)))
    assert [one.payload for one in messages] == [REGISTER]
    assert messages[0].time is not None
    assert messages[0].time % 60_000_000_000 == int(SECONDS % 60 * 10**9)


@pytest.mark.parametrize("way", ["tcpdump", "ngrep", "FortiGate"])
def test_the_line_above_tells_the_ends_of_a_payload(way: str) -> None:
    messages, source = read(text([REGISTER], xxd, ABOVE[way].replace(b"%t", STAMP)))
    assert [(one.source, one.destination) for one in messages] == [(PHONE, SERVER)]
    assert not any("Via" in one for one in source.quality)


def test_a_date_header_tells_the_zone() -> None:
    dated = OK.replace(b"Content-Length", b"Date: Fri, 20 Nov 2026 09:53:43 GMT\r\nContent-Length")
    messages, source = read(text([ip4(udp(dated))], tcpdump, b"11:53:43.000000 IP a.1 > b.2: x\n"))
    assert messages[0].time == 1795168423 * 10**9
    assert source.zone == "UTC+2, from Date headers"


def without_row(printed: str, number: int) -> str:
    lines = printed.splitlines(keepends=True)
    return "".join(lines[:number] + lines[number + 1 :])


@pytest.mark.parametrize("number", [3, 5, 9])
def test_a_gap_ends_what_is_read(number: int) -> None:
    messages, source = read(without_row(tcpdump(packets()[0]), number).encode() + text(packets()[1:], tcpdump))
    assert messages[0].payload == REGISTER[: 16 * number - 28]
    assert messages[0].missing == len(REGISTER) - (16 * number - 28)
    assert [one.code for one in messages[0].defects] == ["hex-gap"]
    assert messages[1].payload == OK
    assert any("rows that are lost" in one for one in source.quality)


def test_a_gap_in_a_payload() -> None:
    messages, _ = read(without_row(xxd(REGISTER), 5).encode())
    assert messages[0].payload == REGISTER[:80]
    assert messages[0].missing


def test_characters_that_contradict_the_digits() -> None:
    """Somebody changed what stands beside the digits, and forgot these."""
    messages, source = read(tcpdump(packets()[0]).replace("Via:", "Hid:").encode())
    assert messages[0].payload == REGISTER
    assert [one.code for one in messages[0].defects] == ["repaired-hex"]
    assert messages[0].is_repaired
    assert any("contradict" in one for one in source.quality)


def test_blanks_that_were_lost() -> None:
    """A page of the web makes one blank of several."""
    squeezed = re.sub(r" +", " ", hexdump_c(ethernet(packets()[0])))
    assert [one.payload for one in read(squeezed.encode())[0]] == [REGISTER]


def test_rows_that_repeat_are_left_out() -> None:
    body = b"*" * 160
    octets = REGISTER.replace(b"Content-Length: 0", b"Content-Length: 160") + body
    lines = hexdump_c(octets).splitlines(keepends=True)
    stars = [n for n, line in enumerate(lines) if "|" + "*" * 16 in line]
    kept = "".join([*lines[: stars[0] + 1], "*\n", *lines[stars[-1] + 1 :]])
    assert [one.payload for one in read(kept.encode())[0]] == [octets]


def test_repetition_makes_no_more_than_is_there() -> None:
    bomb = hexdump_c(REGISTER).splitlines()[0] + "\n*\n01000000\n"
    dumps = list(Dumps((n, line, b"") for n, line in enumerate(bomb.encode().split(b"\n"), 1)))
    assert len(dumps[0].octets) <= 32


def test_a_dump_without_its_beginning() -> None:
    """Who copies the rows of the payload alone copies the end of the headers with them."""
    lines = wireshark(ethernet(packets()[0])).splitlines(keepends=True)
    messages, _ = read("".join(lines[2:]).encode())
    assert [one.payload for one in messages] == [REGISTER]
    assert messages[0].destination == Endpoint("unknown", 0)


def follow(parts: list[tuple[int, bytes]], *, raw: bool) -> bytes:
    """tshark -z follow: each way counts on by itself, the server's is indented."""
    at, out = [0, 0], ["Follow: tcp,hex\nFilter: tcp.stream eq 0\nNode 0: 192.0.2.10:5060\nNode 1: 192.0.2.1:5060\n"]
    for way, octets in parts:
        printed = stream(octets) if raw else rows(octets, "{:08x}  ", 1, middle="  ")
        base = at[way]
        lines = (
            printed.splitlines()
            if raw
            else [f"{base + 16 * n:08x}{line[8:]}" for n, line in enumerate(printed.splitlines())]
        )
        out.append("".join("\t" * way + line + "\n" for line in lines))
        at[way] += len(octets)
    return "".join(out).encode()


@pytest.mark.parametrize("raw", [True, False])
def test_a_followed_stream(raw: bool) -> None:
    messages, _ = read(follow([(0, REGISTER), (1, OK), (0, REGISTER), (1, OK)], raw=raw))
    assert [one.payload for one in messages] == [REGISTER, OK] * 2
    assert [(one.source, one.destination) for one in messages] == [(PHONE, SERVER), (SERVER, PHONE)] * 2


def test_parts_of_a_packet_are_no_packets() -> None:
    """tshark -x prints what it put together, or decrypted, below the frame."""
    above = b"Frame (281 bytes):\n" + tshark(packets()[0]).encode()
    again = above + b"Reassembled TCP (239 bytes):\n" + tshark(REGISTER).encode()
    assert [one.payload for one in read(again)[0]] == [REGISTER]
    other = ip4(tcp(b"\x17\x03\x03\0\5" + bytes(5), 1, dport=5061), 6)
    hidden = (
        b"Frame (50 bytes):\n" + tshark(other).encode() + b"Decrypted TLS (239 bytes):\n" + tshark(REGISTER).encode()
    )
    messages, _ = read(above + hidden)
    assert [(one.payload, one.transport, one.destination.port) for one in messages] == [
        (REGISTER, "UDP", 5060),
        (REGISTER, "TLS", 5061),
    ]


def test_a_dump_in_a_body_is_no_message() -> None:
    body = tcpdump(packets()[0]).replace("\n", "\r\n").encode() * 2
    outer = b"U 192.0.2.10:5060 -> 192.0.2.1:5060\nMESSAGE sip:bob@example.com SIP/2.0.\nCall-ID: x.\n"
    outer += b"Content-Length: %d.\n.\n" % len(body) + body.replace(b"\r\n", b".\n")
    messages, source = read(outer)
    assert [one.payload[:7] for one in messages] == [b"MESSAGE"]
    assert source.format == "ngrep"


def test_a_log_with_dumps_of_something_else_is_read_by_its_own_dialect() -> None:
    other = text([b"GET / HTTP/1.1\r\n" * 9], xxd)
    example = b"U 192.0.2.10:5060 -> 192.0.2.1:5060\n" + REGISTER.replace(b"\r", b".") + b"\n"
    messages, source = read(other + example)
    assert source.format == "ngrep"
    assert len(messages) == 1


def test_a_dump_without_sip_is_refused() -> None:
    with pytest.raises(SourceError, match="hex dump"):
        read(text([b"GET / HTTP/1.1\r\n" * 9], wireshark))


@pytest.mark.parametrize("printer", PRINTERS, ids=lambda one: one.__name__)
def test_places_are_those_of_the_rows(printer: Callable[[bytes], str]) -> None:
    octets = text(packets(), printer)
    for one in read(octets)[0]:
        assert isinstance(one.place, LogLines)
        lines = octets.split(b"\n")[one.place.first - 1 : one.place.last]
        assert b"packet" not in b"".join(lines[:1]) or printer is array
        assert len(lines) >= 1


@pytest.mark.parametrize(
    ("line", "octets"),
    [
        (b"0000  be ad   ..", b"\xbe\xad"),
        (b"0010   62 65 20 61 64            be ad", b"be ad"),  # characters that look like digits
        (b"0x0000:  4500 0125                                E..%", b"E\0\x01%"),
        (b"00000000  7c 7c 7c                                          ||||||", None),
        (b"00000000: 7c7c                                     ||", b"||"),
        (b"2026 Nov 20", None),
        (b"REGISTER sip:x SIP/2.0", None),
        (b"", None),
        (b"deadbeef", b"\xde\xad\xbe\xef"),
        (b"abc", None),
    ],
)  # fmt: skip
def test_where_digits_end(line: bytes, octets: bytes | None) -> None:
    row = digits_of(line)
    if octets is None:
        assert row is None or row.differs
    else:
        assert row is not None
        assert row.octets == octets


def test_swapping_is_its_own_inverse() -> None:
    for size in range(6):
        assert swapped(swapped(REGISTER[:size])) == REGISTER[:size]


def test_messages_of_one_payload() -> None:
    assert [part for _, part in messages_in(REGISTER + OK)] == [REGISTER, OK]
    assert [part for _, part in messages_in(REGISTER + b"\r\n\r\n" + OK[:40])] == [REGISTER, OK[:40]]
    assert [part for _, part in messages_in(b"SIP/2.0")] == [b"SIP/2.0"]


@pytest.mark.parametrize("name", ["printed.pcap", "ngrep-frag.pcap", "ngrep-tcp.pcap"])
def test_a_capture_and_its_dump_are_one(name: str) -> None:
    with open_sources([DATA / "texts" / name]) as reading:
        frames = [record.octets for record in reading.records()]
    with open_sources([DATA / "texts" / name]) as reading:
        captured = [item for item in reading if isinstance(item, RawMessage)]
    messages, _ = read(text(frames, tshark))
    assert [(one.payload, one.source, one.destination, one.transport) for one in messages] == [
        (one.payload, one.source, one.destination, one.transport) for one in captured
    ]


def test_the_head_is_enough_to_tell(tmp_path: Path) -> None:
    """A long dump is told by its beginning, and read to its end."""
    octets = text(packets() * 400, tcpdump)
    assert len(octets) > HEAD
    path = tmp_path / "dump.txt"
    path.write_bytes(octets)
    assert analyze(str(path), tables=False).summary.messages == 800
