"""What a source could not show, in sentences."""

from __future__ import annotations

from analyzer.capture.addresses import endpoint
from analyzer.capture.record import Record
from analyzer.capture.tally import Tally
from analyzer.evidence import Endpoint, Frame, Source

ONE, OTHER = Endpoint("10.0.0.1", 40000), Endpoint("fd00::2", 5061)


def record(source: Source, octets: bytes) -> Record:
    return Record(source, 3, 99, None, 1, 1500, octets)


def told(tally: Tally) -> list[str]:
    tally.tell()
    return tally.source.quality


def test_nothing_to_tell() -> None:
    assert told(Tally(Source("x"))) == []


def test_one_and_many() -> None:
    one, many = Tally(Source("x")), Tally(Source("x"))
    one.note_cut(record(one.source, b"ab"))
    one.links[147] += 1
    one.note_tls(ONE, OTHER)
    for octets in (b"abc", b"a"):
        many.note_cut(record(many.source, octets))
        many.links[147] += 1
        many.note_tls(ONE, OTHER)
    assert told(one) == [
        "1 packet is cut at 2 octets",
        "1 packet is of link type 147, which is not read",
        "TLS on 10.0.0.1:40000 - [fd00::2]:5061: 1 packet could not be read without keys (--tls-keylog FILE)",
    ]
    assert told(many) == [
        "2 packets are cut at 3 octets",
        "2 packets are of link type 147, which is not read",
        "TLS on 10.0.0.1:40000 - [fd00::2]:5061: 2 packets could not be read without keys (--tls-keylog FILE)",
    ]


def test_a_packet_without_interface_is_a_defect_and_no_sentence() -> None:
    tally = Tally(Source("x"))
    tally.links[-1] += 1
    assert told(tally) == []


def test_a_record_is_a_place() -> None:
    assert record(Source("x"), b"").place == Frame("x", 3, 99)


def test_addresses_are_written_as_people_write_them() -> None:
    assert str(endpoint(b"\x0a\0\0\x01", 5060)) == "10.0.0.1:5060"
    assert str(endpoint(bytes(15) + b"\x01", 5060)) == "[::1]:5060"
    assert endpoint(bytes(10) + b"\xff\xff\x0a\0\0\x01", 0).host == "::ffff:10.0.0.1"
