"""Connections that were refused, not answered, or broken off in the handshake of TLS: what is said of them, and of what
goes well nothing."""

from __future__ import annotations

import ipaddress

import pytest

from analyzer.capture.handshakes import MOST, Handshakes, alert_of, is_protected
from analyzer.capture.speakers import Speakers
from analyzer.evidence import Endpoint
from tests.capture.build import ACK, ALICE, FIN, REGISTRAR, RST, SYN, ethernet, frame, ip4, message, pcap, read, tcp

HELLO = bytes.fromhex("1603010030") + bytes(48)
CERTIFICATE = bytes.fromhex("1603030100") + bytes(256)
FINISHED = bytes.fromhex("140303000101") + bytes.fromhex("1603030028") + bytes(40)
UNKNOWN_CA = bytes.fromhex("15030300020230")
WRONG_VERSION = bytes.fromhex("15030100020246")
FAREWELL = bytes.fromhex("15030300020100")
PHONE, SERVER = Endpoint(ALICE, 40000), Endpoint(REGISTRAR, 5061)


def up(payload: bytes, seq: int, flags: int = ACK, port: int = 5061, sport: int = 40000) -> bytes:
    return ethernet(ip4(tcp(payload, seq, 900, flags, sport=sport, dport=port), 6))


def down(payload: bytes, seq: int, flags: int = ACK, port: int = 5061, sport: int = 40000) -> bytes:
    return ethernet(ip4(tcp(payload, seq, 101, flags, sport=port, dport=sport), 6, REGISTRAR, ALICE))


def opened(port: int = 5061) -> list[bytes]:
    return [up(b"", 100, SYN, port), down(b"", 900, SYN | ACK, port)]


def said(frames: list[bytes]) -> list[str]:
    return read(pcap(frames))[2].sources[0].quality


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (
            up(UNKNOWN_CA, 154),
            "the client broke off the handshake with the alert 'unknown CA': it does not accept the certificate of the "
            "server (its issuer, name, date or key use)",
        ),
        (
            down(WRONG_VERSION, 1162),
            "the server broke off the handshake with the alert 'protocol version': no version or cipher of TLS that "
            "both have, or no certificate where one is needed",
        ),
        (down(bytes.fromhex("150303000202ff"), 1162), "the server broke off the handshake with the alert '255'"),
        (up(b"", 154, FIN | ACK), "the client ended the connection before the handshake was over, without an alert"),
        (down(b"", 1162, RST | ACK), "the server ended the connection before the handshake was over, without an alert"),
    ],
)
def test_a_handshake_that_is_broken_off(last: bytes, words: str) -> None:
    assert said([*opened(), up(HELLO, 101), down(CERTIFICATE, 901), last]) == [
        f"TLS from 10.0.0.1 to 10.0.0.2:5061: {words}"
    ]


def test_an_alert_is_told_once_though_the_connection_ends_then() -> None:
    frames = [
        *opened(),
        up(HELLO, 101),
        down(CERTIFICATE, 901),
        up(UNKNOWN_CA, 154),
        up(b"", 161, FIN),
        down(b"", 1162, FIN),
    ]
    (only,) = said(frames)
    assert only.endswith("key use)")


def test_a_handshake_that_went_well_is_no_failure() -> None:
    frames = [
        *opened(),
        up(HELLO, 101),
        down(CERTIFICATE, 901),
        up(FINISHED, 154),
        up(FAREWELL, 205),
        up(b"", 212, FIN),
    ]
    (only,) = said(frames)
    assert only.endswith("could not be read without keys (--tls-keylog FILE)")


def test_tls_of_the_web_is_no_business_of_ours() -> None:
    web = [*opened(443), up(HELLO, 101, port=443), down(CERTIFICATE, 901, port=443), up(UNKNOWN_CA, 154, port=443)]
    elsewhere = ipaddress.IPv4Address("10.0.0.99").packed, ipaddress.IPv4Address(REGISTRAR).packed
    assert said([frame(), *(one.replace(elsewhere[1], elsewhere[0]) for one in web)]) == []


def test_plain_sip_to_a_port_of_tls_has_no_handshake() -> None:
    assert said([*opened(), up(message(1), 101), down(WRONG_VERSION, 901), down(b"", 908, FIN)]) == [
        "TLS on 10.0.0.1:40000 - 10.0.0.2:5061: 1 packet could not be read without keys (--tls-keylog FILE)"
    ]


def test_a_refused_connection() -> None:
    frames = [up(b"", 100, SYN, 5060), down(b"", 0, RST | ACK, 5060)]
    words = "TCP from 10.0.0.1 to 10.0.0.2:5060: refused with a reset"
    why = ": nothing listens there, or a firewall rejects it"
    assert said(frames) == [words + why]
    again = [up(b"", 200, SYN, 5060, 40001), down(b"", 0, RST | ACK, 5060, 40001)]
    assert said([*frames, *again]) == [f"{words}, twice{why}"]


def test_a_reset_of_what_was_open_is_no_refusal() -> None:
    assert said([*opened(5060), up(message(1), 101, port=5060), down(b"", 901, RST, 5060)]) == []
    assert said([*opened(5060), up(b"", 101, RST, 5060)]) == []


def test_no_answer_to_a_syn() -> None:
    asked = [up(b"", 100 + at, SYN, 5060, 40000 + at) for at in range(3)]
    assert said(asked) == ["TCP from 10.0.0.1 to 10.0.0.2:5060: no answer to 3 requests to connect (SYN)"]
    assert said(asked[:2]) == []
    assert said([*asked, *opened(5060)]) == []


def test_other_ports_are_not_told() -> None:
    assert said([up(b"", 100 + at, SYN, 9100, 40000 + at) for at in range(9)]) == []


def test_what_is_counted_is_bounded() -> None:
    told = Handshakes()
    for at in range(MOST + 50):  # of a port of SIP
        told.refused(PHONE, SERVER._replace(host=f"10.1.{at // 250}.{at % 250}"))
    assert len(list(told.sentences(Speakers()))) == MOST
    assert list(told.sentences(Speakers())) == []  # once for a capture, however many sources it has


@pytest.mark.parametrize(
    ("octets", "alert"),
    [(UNKNOWN_CA, 48), (FAREWELL, None), (HELLO, None), (bytes.fromhex("150303001a") + bytes(26), None)],
)
def test_which_alerts_can_be_read(octets: bytes, alert: int | None) -> None:
    assert alert_of(octets) == alert


def test_what_is_protected() -> None:
    assert is_protected(CERTIFICATE + FINISHED)
    assert not is_protected(HELLO)
