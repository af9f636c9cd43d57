"""What goes back out of a request (RFC 3261 8.2.6, 18.2.1; RFC 3581), and where to (18.2.2)."""

from __future__ import annotations

import pytest

from analyzer.evidence import Endpoint
from analyzer.sip.message import Message, parse_bytes
from analyzer.sip.via import Via
from replay.responses import Received, answer, destination, sip_date, stamped
from tests.replay.registrar_stage import EPOCH, HERE, START, request

SIX = Endpoint("2001:db8::1", 5080)


def answered(octets: bytes, status: int = 200, peer: Endpoint = HERE, to_tag: str = "t") -> Message:
    received = Received(parse_bytes(octets), peer, HERE, "UDP", START, EPOCH)
    return parse_bytes(answer(received, status, to_tag=to_tag).octets())


@pytest.mark.parametrize(
    ("via", "peer", "expected"),
    [
        # 18.2.1: received where sent-by is a name or another address
        ("SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1", "192.0.2.10", "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1"),
        ("SIP/2.0/UDP pc;branch=b", "192.0.2.10", "SIP/2.0/UDP pc;branch=b;received=192.0.2.10"),
        ("SIP/2.0/UDP 10.0.0.1;branch=b", "192.0.2.10", "SIP/2.0/UDP 10.0.0.1;branch=b;received=192.0.2.10"),
        # RFC 3581 4: rport gets its value, and received comes even where it is equal
        (
            "SIP/2.0/UDP 192.0.2.10:5060;rport;branch=b",
            "192.0.2.10",
            "SIP/2.0/UDP 192.0.2.10:5060;rport=5080;branch=b;received=192.0.2.10",
        ),
        # what the client claims of these two is not believed
        ("SIP/2.0/UDP h;received=6.6.6.6;rport=1;branch=b", "192.0.2.10",
         "SIP/2.0/UDP h;rport=5080;branch=b;received=192.0.2.10"),
        ("SIP/2.0/UDP [2001:DB8:0::1]:5080;branch=b", "2001:db8::1", "SIP/2.0/UDP [2001:DB8:0::1]:5080;branch=b"),
        ("SIP/2.0/UDP h;branch=b", "fe80::1%eth0", "SIP/2.0/UDP h;branch=b;received=fe80::1"),
        ('SIP/2.0/UDP h;x="a;b" ;branch=b;flag', "192.0.2.10",
         'SIP/2.0/UDP h;x="a;b";branch=b;flag;received=192.0.2.10'),
    ],
)  # fmt: skip
def test_the_top_via_says_where_the_request_came_from(via: str, peer: str, expected: str) -> None:
    assert stamped(Via.parse(via), Endpoint(peer, 5080)) == expected


def test_all_vias_go_back_in_their_order_and_only_the_topmost_is_stamped() -> None:
    octets = request(via="SIP/2.0/UDP p1;branch=z9hG4bK1, SIP/2.0/UDP p2;branch=z9hG4bK2;received=1.1.1.1",
                     extra=["Via: SIP/2.0/TCP p3;branch=z9hG4bK3"])  # fmt: skip
    vias = answered(octets).vias
    assert [via.host for via in vias] == ["p1", "p2", "p3"]
    assert [via.received for via in vias] == ["192.0.2.1", "1.1.1.1", None]


def test_what_names_the_request_is_copied_and_to_gets_a_tag() -> None:
    message = answered(request(call_id="c@x", cseq=77))
    assert message.status == 200 and message.reason == "OK"
    assert message.call_id == "c@x" and message.first("cseq") == "77 REGISTER"
    assert message.first("from") == "<sip:alice@example.com>;tag=f1"
    assert message.first("to") == "<sip:alice@example.com>;tag=t"
    assert message.first("content-length") == "0"
    assert message.all_defects() == []


def test_a_to_tag_of_the_request_stays() -> None:
    assert answered(request(to="<sip:a@b>;tag=mine")).first("to") == "<sip:a@b>;tag=mine"


def test_a_bare_to_gets_its_tag_as_a_header_parameter() -> None:
    to = answered(request(to="sip:a@b")).to
    assert to is not None and to.tag == "t" and to.uri is not None and to.uri.text == "sip:a@b"


def test_what_the_request_lacks_is_not_made_up() -> None:
    message = answered(request(drop=["From", "To", "Call-ID", "CSeq"]), 400)
    assert message.first("from") is None and message.first("to") is None and message.call_id == ""


def test_a_bare_carriage_return_does_not_make_a_header() -> None:
    octets = request(call_id="x\rEvil: 1")
    assert b"\rEvil" not in answer_octets(octets)


def answer_octets(octets: bytes) -> bytes:
    return answer(Received(parse_bytes(octets), HERE, HERE, "UDP", START, EPOCH), 200).octets()


@pytest.mark.parametrize(
    ("via", "transport", "expected"),
    [
        ("SIP/2.0/UDP 192.0.2.10:5066;branch=b", "UDP", "192.0.2.10:5066"),
        ("SIP/2.0/UDP 192.0.2.10;branch=b", "UDP", "192.0.2.10:5060"),
        ("SIP/2.0/UDP 10.0.0.1:5066;branch=b", "UDP", "192.0.2.10:5066"),
        ("SIP/2.0/UDP 10.0.0.1:5066;rport;branch=b", "UDP", "192.0.2.10:4000"),
        ("SIP/2.0/UDP 10.0.0.1:5066;received=6.6.6.6;branch=b", "UDP", "192.0.2.10:5066"),
        ("SIP/2.0/UDP 10.0.0.1:0;branch=b", "UDP", "192.0.2.10:5060"),
        ("SIP/2.0/TCP 10.0.0.1:5066;branch=b", "TCP", "192.0.2.10:4000"),
        ("SIP/2.0/TLS 10.0.0.1;branch=b", "TLS", "192.0.2.10:4000"),
        # maddr: the sender's own host, and nobody else's
        ("SIP/2.0/UDP h:5066;maddr=192.0.2.10;branch=b", "UDP", "192.0.2.10:5066"),
        ("SIP/2.0/UDP h:5066;maddr=203.0.113.5;branch=b", "UDP", "192.0.2.10:5066"),
        ("SIP/2.0/UDP h:5066;maddr=victim.example;rport;branch=b", "UDP", "192.0.2.10:4000"),
    ],
)
def test_where_the_answer_goes(via: str, transport: str, expected: str) -> None:
    asked = parse_bytes(request(via=via))
    assert str(destination(asked, Endpoint("192.0.2.10", 4000), transport)) == expected


def test_maddr_among_loopback_addresses_is_obeyed() -> None:
    asked = parse_bytes(request(via="SIP/2.0/UDP h:5066;maddr=127.0.0.2;branch=b"))
    assert destination(asked, Endpoint("127.0.0.1", 4000), "UDP") == Endpoint("127.0.0.2", 5066)


def test_an_ipv6_source_is_answered_there() -> None:
    asked = parse_bytes(request(via="SIP/2.0/UDP [2001:db8::1]:5070;branch=b"))
    assert str(destination(asked, SIX, "UDP")) == "[2001:db8::1]:5070"


def test_the_date_is_in_gmt() -> None:
    assert sip_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert sip_date(EPOCH) == "Tue, 14 Nov 2023 22:13:20 GMT"
