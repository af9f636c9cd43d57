"""Faults that were found by attacking, each with the input that showed it. What once hung has a limit of its own, a
hundred times what it needs: here the limit is the test."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator

import pytest

from analyzer.capture import ip
from analyzer.capture.dialects import asterisk_chan_sip
from analyzer.capture.formats import pcapng
from analyzer.capture.fragments import MAX_HELD, PIECE, Reassembler
from analyzer.capture.input_stream import CHUNK, InputStream
from analyzer.capture.opener import open_sources
from analyzer.capture.record import Record
from analyzer.capture.text.payload import CRLF, Printed
from analyzer.capture.websocket import WebSocketFramer
from analyzer.evidence import RawMessage, Source
from analyzer.register.digest.credential_files import parse_credentials
from analyzer.register.digest.secret import CredentialsError
from analyzer.run.pipeline import analyze_items
from tests.capture import build
from tests.capture.build import REGISTER, block, enhanced, frame, interface, option, section
from tests.fuzz.seeds import WEBSOCKET, hep_packets
from tests.register.traffic import request

BANNER = "\n<--- SIP read from UDP:10.9.0.2:5071 --->\nREGISTER sip:x SIP/2.0\nCall-ID: a\n\n<------------->\n"


def turning_log(turns: int, date: str = "") -> bytes:
    """A log in which the year turns so many times, with a message at its end, and one with a Date at its begin."""
    head = f"[Dec 01 00:00:00] VERBOSE[1] chan_sip.c: {BANNER.replace('a', date, 1) if date else ''}"
    turn = "".join(f"[{day} 00:00:00] VERBOSE[1] chan_sip.c: x\n" for day in ("Jan 01", "Jun 01", "Dec 01"))
    return f"{head}\n{turn * turns}[Jan 01 00:00:00] VERBOSE[1] chan_sip.c: {BANNER}".encode()


@pytest.mark.parametrize("turns", [3, 2_500, 9_000])
def test_a_log_of_more_years_than_the_calendar_has(turns: int) -> None:
    (message,) = asterisk_chan_sip.read(io.BytesIO(turning_log(turns)), Source("log"))
    assert message.time is not None


def test_the_years_of_a_log_are_followed_as_before() -> None:
    source = Source("log")
    (message,) = asterisk_chan_sip.read(io.BytesIO(turning_log(30)), source)
    assert message.time is not None
    assert source.first is not None
    assert round((message.time - source.first) / 10**9 / 86400 / 365.25) == 30


def test_a_clock_without_dates_turns_midnight_for_ever() -> None:
    turn = "".join(f"[{hour}:00:00] VERBOSE[1] chan_sip.c: x\n" for hour in ("23", "01", "12"))
    octets = f"{turn * 3000}[12:00:00] VERBOSE[1] chan_sip.c: {BANNER}".encode()
    (message,) = asterisk_chan_sip.read(io.BytesIO(octets), Source("log"))
    assert message.time is not None


@pytest.mark.parametrize("kind", [7, 8, 9, 10])
def test_a_number_of_a_hep_packet_is_as_long_as_its_sender_likes(kind: int) -> None:
    chunk = b"\0\0" + kind.to_bytes(2, "big") + (6 + 5000).to_bytes(2, "big") + b"\xff" * 5000
    body = hep_packets()[3] + chunk
    packet = b"HEP3" + (6 + len(body)).to_bytes(2, "big") + body
    (message,) = build.messages([frame(packet)])
    assert message.payload == REGISTER
    assert (message.time or 0) < 1 << 63
    assert max(message.source.port, message.destination.port) <= 0xFFFF


def test_small_fragments_count_for_what_they_cost() -> None:
    """Eight octets in a piece of their own took thirty times as much memory as was counted."""
    place = Record(Source("file"), 1, 0, 0, 1, 0, b"")
    reassembler = Reassembler()
    for at in range(100_000):
        packet = ip.parse(build.ip4(b"x" * 8, ident=at // 8000, offset=at % 8000 * 8, more=True), 0x0800, 0)
        assert packet is not None
        assert reassembler.add(packet, place) is None
    pieces = sum(len(whole.pieces) for whole in reassembler._open.values())
    assert MAX_HELD // (2 * PIECE) < pieces <= MAX_HELD // PIECE
    assert place.source.defects == 100_000 // 8000 + 1 - len(reassembler._open)


@pytest.mark.parametrize(("size", "read"), [(1 << 19, 1), (1 << 21, 0)])
def test_a_hep_message_that_is_too_long_is_a_defect_and_no_part_of_it_a_message(size: int, read: int) -> None:
    packed = zlib.compress(REGISTER + bytes(size))
    body = hep_packets()[2] + b"\0\0\0\x10" + (6 + len(packed)).to_bytes(2, "big") + packed
    found, _, reading = build.read(build.pcap([frame(b"HEP3" + (6 + len(body)).to_bytes(2, "big") + body)]))
    assert len(found) == read
    assert ("bad-hep" in build.codes(reading)) == (not read)


@pytest.mark.parametrize("before", range(CHUNK - 8, CHUNK + 2))
def test_a_second_compressed_file_may_begin_anywhere(before: int) -> None:
    """Its magic number may lie across two reads."""
    fill = build.random_octets(before - 200)
    first = gzip.compress(fill, 0, mtime=0)
    extra = before - len(first)
    first = first[:3] + b"\x04" + first[4:10] + (extra - 2).to_bytes(2, "little") + bytes(extra - 2) + first[10:]
    assert len(first) == before
    source = Source("file")
    input_stream = io.BufferedReader(InputStream(io.BytesIO(first + gzip.compress(b"second", mtime=0)), source))
    assert input_stream.read() == fill + b"second"
    assert not source.defects


def test_drops_are_told_once_however_often_they_are_reported() -> None:
    lost = [block(5, number.to_bytes(4, "little") + bytes(8) + option(5, bytes([count]) + bytes(7)))
            for number, count in ((0, 3), (1, 5), (0, 4), (9, 100))]  # fmt: skip
    source = Source("file")
    capture = section() + interface() * 2 + b"".join(lost) + section() + interface() + lost[0]
    assert list(pcapng.records(io.BytesIO(capture), source)) == []
    assert source.quality == [f"the capturing program reports {4 + 5 + 3} dropped packets"]


def test_a_file_of_many_link_types_is_described_in_few_sentences() -> None:
    types = range(2000, 2500)
    packets = b"".join(enhanced(b"x", number=at) + enhanced(b"x", number=at) for at in range(len(types)))
    octets = section() + b"".join(map(interface, types)) + packets
    with open_sources([io.BytesIO(octets)], engine="native") as reading:
        assert list(reading) == []
    quality = reading.sources[0].quality
    assert quality[0] == "2 packets are of link type 2000, which is not read"
    assert quality[20:] == ["960 packets are of 480 more link types that are not read"]


def test_the_head_of_a_web_stream_may_come_octet_by_octet() -> None:
    framer = WebSocketFramer()
    found = [one for at in range(len(WEBSOCKET)) for one in framer.feed(WEBSOCKET[at : at + 1])]
    assert [one.octets for one in found] == [one.octets for one in WebSocketFramer().feed(WEBSOCKET)] == [REGISTER] * 2


def bodies(texts: list[bytes], ends: list[bytes] | None) -> Iterator[bytes]:
    """Every body that the lines may have been: less and less blank lines at the end, each kind of line end."""
    texts, known = texts[3:], None if ends is None else ends[3:]
    while texts:
        for eols in ([known[: len(texts)]] if known else []) + [[CRLF] * len(texts), [b"\n"] * len(texts)]:
            whole = b"".join(text + end for text, end in zip(texts, eols, strict=True))
            yield whole[: len(whole) - len(eols[-1])]
            yield whole
        if texts[-1]:
            return
        texts = texts[:-1]


@pytest.mark.parametrize("length", range(30))
@pytest.mark.parametrize("ends", [None, [CRLF, CRLF, CRLF, b"\n", CRLF, b"\n", CRLF, b"\n"]])
def test_a_body_gets_the_first_line_ends_that_fit(length: int, ends: list[bytes] | None) -> None:
    texts = [b"MESSAGE sip:x SIP/2.0", b"Content-Length: %d" % length, b"", b"ab", b"", b"cd", b"", b""]
    fitting = next((body for body in bodies(texts, ends) if len(body) == length), b"ab\r\n\r\ncd")
    assert Printed(texts, ends).octets().partition(b"\r\n\r\n")[2] == fitting


ATTACKS = {
    "statements left open": b"INSERT INTO subscriber (" * 80_000,
    "copies left open": b"COPY subscriber (\n" * 80_000,
    "blank lines in a table": b"INSERT INTO subscriber VALUES (1,'b','c');CREATE TABLE subscriber (" + b"\n" * 200_000,
    "blanks in a setting": b"[a]\nb=x" + b" " * 500_000 + b"y\n",
    "variables left open": b"<a><user id='1'><param name='password' value='" + b"$${" * 200_000 + b"'/></user></a>",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_file_of_secrets_does_not_hang_the_reader(attack: str) -> None:
    try:
        assert parse_credentials(ATTACKS[attack], "users")
    except CredentialsError as error:
        assert str(error).startswith("users")


@pytest.mark.parametrize("encoding", ["foo", "big5", "idna", "utf-7", "rot13", "undefined"])
def test_an_encoding_that_is_not_read(encoding: str) -> None:
    octets = f'<?xml version="1.0" encoding="{encoding}"?><a/>'.encode()
    with pytest.raises(CredentialsError, match=r"encoding|well-formed|holds no secret"):
        parse_credentials(octets, "users")


@pytest.mark.timeout(20)
def test_copies_that_differ_in_blanks_are_compared_in_time() -> None:
    """`keys.is_copy` takes blanks off the ends of lines: a run of blanks inside of a line must be looked at once."""
    blanks = "Subject: x" + " " * 300_000
    first, second = (request(at, extra=f"{blanks}{at}\r\n", stream=1) for at in (1, 2))
    report = analyze_items([first, second])
    assert report.summary.messages == 2
    assert isinstance(first, RawMessage)
