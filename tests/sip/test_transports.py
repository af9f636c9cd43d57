"""Ports, streams and keep-alives as every part of the project has them."""

from __future__ import annotations

import pytest

from analyzer.evidence import Endpoint
from analyzer.sip.message import parse_bytes
from analyzer.sip.sniff import PING, PONG, Kind, kind
from analyzer.sip.transports import DEFAULT_PORTS, SIP_PORT, SIPS_PORT, STREAMS, default_port
from analyzer.sip.uri import Uri, aor
from analyzer.sip.via import Via
from replay.responses import destination
from replay.target import parse_target

PEER = Endpoint("192.0.2.10", 40001)


@pytest.mark.parametrize(
    ("transport", "port"),
    [("UDP", 5060), ("TCP", 5060), ("SCTP", 5060), ("TLS", 5061), ("TLS-SCTP", 5061), ("WS", 80), ("WSS", 443)],
)
def test_default_ports(transport: str, port: int) -> None:
    """RFC 3261 19.1.2; RFC 4168 4; RFC 6455 3."""
    assert default_port(transport) == DEFAULT_PORTS[transport] == port
    for head in (f"SIP/2.0/{transport} h", f"SIP / 2.0 / {transport} h"):  # the common form, and piece by piece
        assert Via.parse(f"{head};branch=z9hG4bK1").sent_by == f"h:{port}"


def test_a_transport_that_nobody_knows_has_the_port_of_udp() -> None:
    assert default_port("CARRIER-PIGEON") == default_port("") == SIP_PORT
    assert Via.parse("nonsense").sent_by == f":{SIP_PORT}"


def test_default_ports_are_no_part_of_an_address_of_record() -> None:
    names = {port: aor(Uri.parse(f"sip:bob@h:{port}")) for port in (SIP_PORT, SIPS_PORT, 5062)}
    assert names == {SIP_PORT: "sip:bob@h", SIPS_PORT: "sip:bob@h", 5062: "sip:bob@h:5062"}


@pytest.mark.parametrize(("via", "port"), [("UDP h", SIP_PORT), ("UDP h:5070", 5070), ("TLS h", SIPS_PORT)])
def test_a_response_goes_to_the_port_of_sent_by(via: str, port: int) -> None:
    request = parse_bytes(f"REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/{via};branch=z9hG4bK1\r\n\r\n".encode())
    assert destination(request, PEER, "UDP") == Endpoint(PEER.host, port)
    for stream in ("TCP", "tls", "WSS"):
        assert destination(request, PEER, stream) == PEER


def test_a_target_without_a_port() -> None:
    assert parse_target("h") == ("h", SIP_PORT)
    assert parse_target("h", default_port("TLS")) == ("h", SIPS_PORT)


def test_streams_have_ports_and_datagrams_are_none() -> None:
    assert DEFAULT_PORTS.keys() > STREAMS
    assert not STREAMS & {"UDP", "SCTP", "TLS-SCTP"}


def test_what_is_sent_to_keep_alive_is_read_as_such() -> None:
    """RFC 5626 3.5.1: a double CRLF, answered by a single one."""
    assert PING == 2 * PONG == b"\r\n\r\n"
    assert kind(PING) is kind(PONG) is Kind.KEEPALIVE
