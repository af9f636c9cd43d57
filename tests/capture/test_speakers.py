"""Encrypted packets are told where something speaks for SIP, and nowhere else."""

from __future__ import annotations

import io
from collections.abc import Iterable

import pytest

from analyzer.capture.opener import open_sources
from analyzer.capture.speakers import OTHER_PROTOCOLS, SIP_PORTS, Speakers
from analyzer.capture.tally import Tally
from analyzer.evidence import Endpoint, Source
from tests.capture.build import ALICE, OK, REGISTER, REGISTRAR, ethernet, ip4, pcap, tcp, udp

HELLO = b"\x16\x03\x01\x00\x05hello"
WEB = "203.0.113.80"


def tls(port: int, client: str = ALICE, server: str = WEB, sport: int = 50000) -> bytes:
    return ethernet(ip4(tcp(HELLO, 1, sport=sport, dport=port), 6, client, server))


def sip(payload: bytes = REGISTER) -> bytes:
    return ethernet(ip4(udp(payload)))


def notes(frames: Iterable[bytes]) -> list[str]:
    with open_sources([io.BytesIO(pcap(frames))]) as reading:
        list(reading)
    return [said for said in reading.sources[0].quality if said.startswith("TLS on")]


@pytest.mark.parametrize("order", [1, -1])
def test_the_web_beside_sip_is_no_note(order: int) -> None:
    assert notes([sip(), tls(443), sip(OK), tls(8443), tls(993, client="10.9.9.9")][::order]) == []


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (tls(5061), "the port of SIP over TLS"),
        (tls(5060), "the port of SIP"),
        (tls(443, server=REGISTRAR), "the registrar itself: WebSocket, perhaps"),
        (tls(5069), "a phone that speaks SIP, on no port of another protocol"),
        (tls(40000, sport=5061), "a port of SIP at the other end"),
    ],
)
def test_what_may_be_sip_stays(frame: bytes, why: str) -> None:
    assert len(notes([frame, sip()])) == len(notes([sip(), frame])) == 1, why


def test_strangers_on_a_port_that_nobody_names_are_no_note() -> None:
    assert notes([sip(), tls(7443, client="10.9.9.9")]) == []


@pytest.mark.parametrize(
    "header",
    [
        b"Via: SIP/2.0/TLS proxy.example.com:7443;branch=z9hG4bK1",
        b"Contact: <sip:bob@10.9.9.9:7443;transport=tls>",
        b"Contact: <sip:bob@10.9.9.9:7443;ob;transport=TLS>",
        b"Route: <sips:proxy.example.com:7443;lr>",
        b"Contact: <sips:bob@10.9.9.9:7443>",
    ],
)
def test_a_port_that_a_message_names_for_tls_stays(header: bytes) -> None:
    named = REGISTER.replace(b"Call-ID", header + b"\r\nCall-ID")
    assert len(notes([tls(7443, client="10.9.9.9"), sip(named)])) == 1
    other = named.replace(b"7443", b"7444")
    assert notes([tls(7443, client="10.9.9.9"), sip(other)]) == []


def test_a_port_that_is_named_for_udp_does_not_speak_for_tls() -> None:
    named = REGISTER.replace(b"Call-ID", b"Contact: <sip:bob@10.9.9.9:7443>\r\nCall-ID")
    assert notes([tls(7443, client="10.9.9.9"), sip(named)]) == []


def test_a_capture_without_sip_keeps_all() -> None:
    assert len(notes([tls(443), tls(7443)])) == 2


def test_too_many_connections_of_the_web_are_no_note_either() -> None:
    tally = Tally(Source("x"))
    tally.speakers.hosts.add("10.0.0.1")
    for port in range(1024, 4000):
        tally.note_tls(Endpoint("10.0.0.1", port), Endpoint(WEB, 443))
    tally.tell()
    assert tally.source.quality == []


def test_hostile_octets_are_heard_without_harm() -> None:
    speakers = Speakers()
    for octets in (b"SIP/2.0/TLS a:99999", b"sips:" + b"a:" * 5000, b"sip:" + b"x" * 9000 + b";transport=tls"):
        speakers.heard(Endpoint("a", 1), Endpoint("b", 2), octets)
    assert speakers.hosts == {"a", "b"}


def test_ports_are_found_between_any_octets() -> None:
    speakers, every = Speakers(), bytes(range(256))
    speakers.heard(Endpoint("a", 1), Endpoint("b", 2), every)
    assert not speakers.ports
    for port, name in ((7001, b"SIP/2.0/TLS h:7001"), (7002, b"<sips:h:7002>"), (7003, b"sip:h:7003;transport=tls")):
        speakers.heard(Endpoint("a", 1), Endpoint("b", 2), every + b"\r\n" + name + b"\r\n" + every)
        assert port in speakers.ports


def test_no_port_is_of_both() -> None:
    assert not SIP_PORTS & OTHER_PROTOCOLS
