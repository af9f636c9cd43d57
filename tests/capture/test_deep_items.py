"""What tshark shows, as items: whatever it shows, nothing is raised."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.record import Record
from analyzer.capture.tshark.dissection import Octets, Seen
from analyzer.capture.tshark.items import MAX_CONNECTIONS, Items
from analyzer.capture.tshark.reader import nanoseconds
from analyzer.evidence import SECOND, Endpoint, Fidelity, Item, NetworkError, RawMessage, Source
from tests.capture.build import ACK, FIN, REGISTER, RST, ip4, message, tcp

ONE, TWO = message(1), message(2, b"x" * 40)
LAYERS = ("ip", "ipv6", "udp", "tcp", "sctp", "icmp", "icmpv6", "exported_pdu", "sip", "frame")


def record(number: int = 1, octets: bytes = b"") -> Record:
    return Record(Source("x"), number, 0, number * SECOND, 1, len(octets), octets)


def segment(*pieces: bytes, flags: int = ACK, sport: int = 40000, up: bool = True, over: str = "") -> Seen:
    """A TCP packet with pieces of SIP."""
    ports = (sport, 5060) if up else (5060, sport)
    ends = ("10.0.0.1", "10.0.0.2") if up else ("10.0.0.2", "10.0.0.1")
    raw: dict[str, list[Octets]] = {"ip": [(ip4(b"", 6, *ends), 14)], "tcp": [(tcp(b"", 1, 0, flags, *ports), 34)]}
    if pieces:
        raw["sip"] = [(piece, 54) for piece in pieces]
    return Seen(1, "1.0", ("eth", "ip", "tcp", *over.split(":"), "sip"), raw, segmented=False)


def taken(*packets: Seen) -> list[Item]:
    items = Items()
    found = [item for number, seen in enumerate(packets, 1) for item in items.take(seen, record(number))]
    return found + list(items.finish())


def payloads(found: list[Item]) -> list[bytes]:
    return [item.payload for item in found if isinstance(item, RawMessage)]


def test_pieces_are_put_together() -> None:
    assert payloads(taken(segment(ONE[:20]), segment(ONE[20:], TWO[:50]), segment(TWO[50:]))) == [ONE, TWO]


def test_directions_are_apart() -> None:
    assert payloads(taken(segment(ONE[:20]), segment(TWO, up=False), segment(ONE[20:]))) == [TWO, ONE]


def test_a_start_line_begins_a_message_whatever_the_one_before_lacks() -> None:
    found = taken(segment(TWO[:-10]), segment(ONE))
    assert payloads(found) == [TWO[:-10], ONE]
    assert [item.missing for item in found if isinstance(item, RawMessage)] == [10, 0]


def test_what_the_end_cuts_is_given_out() -> None:
    (found,) = taken(segment(TWO[:-10]))
    assert isinstance(found, RawMessage)
    assert (found.payload, found.missing, found.fidelity) == (TWO[:-10], 10, Fidelity.REASSEMBLED)


@pytest.mark.parametrize(("flags", "reason"), [(FIN | ACK, "closed"), (RST, "reset"), (RST | FIN, "reset")])
def test_ends_are_told_once(flags: int, reason: str) -> None:
    *_, end = taken(segment(ONE), segment(flags=flags))
    assert isinstance(end, NetworkError)
    assert (end.reason, end.stream, str(end.source), end.time) == (reason, 1, "10.0.0.1:40000", 2 * SECOND)
    again = taken(segment(ONE), segment(flags=FIN), segment(flags=FIN), segment(flags=FIN, up=False))
    assert [item.source.port for item in again if isinstance(item, NetworkError)] == [40000, 5060]


def test_a_connection_without_sip_has_no_end() -> None:
    assert taken(segment(flags=FIN), segment(flags=RST), segment(flags=FIN, sport=4)) == []


def test_the_same_sockets_again_are_another_connection() -> None:
    found = taken(segment(ONE), segment(flags=FIN), segment(ONE), segment(flags=RST), segment(ONE))
    assert [item.stream for item in found] == [1, 1, 2, 2, 3]  # a FIN of its own, then talk: the other end is missing


def test_transports() -> None:
    over = {"": "TCP", "tls": "TLS", "http:websocket": "WS", "tls:http:websocket": "WSS"}
    for layers, transport in over.items():
        found = taken(segment(ONE, over=layers), segment(flags=RST))
        assert [item.transport for item in found] == [transport] * 2


def test_websocket_messages_are_not_put_together() -> None:
    assert payloads(taken(segment(b"what", ONE, b"\r\n", over="http:websocket"), segment(TWO, over="websocket"))) == [
        ONE,
        TWO,
    ]


def test_connections_are_forgotten_with_what_they_hold() -> None:
    items = Items()
    found = list(items.take(segment(ONE[:50], sport=1), record()))
    for index in range(MAX_CONNECTIONS):
        seen = segment(flags=FIN, sport=2 + index % 60000)
        seen.raw["ip"][0] = (ip4(b"", 6, f"10.{1 + index // 60000}.0.1"), 14)
        found += items.take(seen, record())
    assert payloads(found) == [ONE[:50]]


def test_udp_out_of_reach_of_the_frame() -> None:
    raw: dict[str, list[Octets]] = {
        "ip": [(ip4(b"", ident=7), 99)],
        "udp": [(struct.pack("!HHHH", 5070, 5060, 0, 0), 0)],
        "sip": [(REGISTER, 8)],
    }
    (found,) = taken(Seen(1, "1", ("ip", "udp", "sip"), raw, segmented=False))
    assert isinstance(found, RawMessage)
    assert (found.source, found.transport, found.ip_id) == (Endpoint("10.0.0.1", 5070), "UDP", 7)


one_layer = st.tuples(st.binary(max_size=60) | st.just(ONE), st.integers(0, 100))
octets_of_a_layer = st.lists(one_layer, min_size=1, max_size=3)


@given(
    st.lists(
        st.builds(
            Seen,
            st.integers(1, 5),
            st.text(max_size=12),
            st.lists(st.sampled_from((*LAYERS, "tls", "websocket")), max_size=8).map(tuple),
            st.dictionaries(st.sampled_from(LAYERS), octets_of_a_layer, max_size=6),
            st.booleans(),
        ),
        max_size=6,
    ),
    st.binary(max_size=80),
)
def test_whatever_tshark_shows_nothing_is_raised(shown: list[Seen], frame: bytes) -> None:
    items = Items()
    for seen in shown:
        nanoseconds(seen.time)
        for item in items.take(seen, record(seen.number, frame)):
            assert isinstance(item, (RawMessage, NetworkError))
    list(items.finish())


def test_an_ip_header_that_tshark_does_not_show() -> None:
    seen = Seen(1, "", ("ip",), {"sip": [(ONE, 0)], "ip": [(b"", 0)]}, segmented=False)
    (found,) = taken(seen)
    assert isinstance(found, RawMessage) and found.ip_id is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1795175710.342058279", 1795175710342058279),
        ("1795175710.5", 1795175710 * SECOND + SECOND // 2),
        ("1795175710", 1795175710 * SECOND),
        ("-1.250000000", -SECOND - SECOND // 4),
        ("-0.250000000", -SECOND // 4),
        ("2026-11-20T11:55:10.342058279Z", 1795175710342058279),
        ("1970-01-01T00:00:01Z", SECOND),
        ("", None),
        ("None", None),
        ("9" * 30, int("9" * 30) * SECOND),
        ("2026-99-20T11:55:10Z", None),
        ("1.x", None),
    ],
)
def test_times(text: str, expected: int | None) -> None:
    assert nanoseconds(text) == expected
