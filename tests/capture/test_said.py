"""What a line above a message says, and what it does not."""

from __future__ import annotations

import pytest

from analyzer.capture.text.said import LOOKED_AT, lone_end, said_in, stamp_in
from analyzer.evidence import Endpoint

PHONE, SERVER = Endpoint("192.0.2.10", 5060), Endpoint("192.0.2.1", 5060)


@pytest.mark.parametrize(
    ("line", "source", "destination", "received"),
    [
        ("Received from 192.0.2.10:5060", PHONE, None, True),
        ("Sent to udp:192.0.2.1:5060", None, SERVER, False),
        ("192.0.2.10:5060 -> 192.0.2.1:5060", PHONE, SERVER, None),
        ("192.0.2.10:5060 --> 192.0.2.1:5060", PHONE, SERVER, None),
        ("192.0.2.1:5060 <- 192.0.2.10:5060", PHONE, SERVER, None),
        ("from 192.0.2.10:5060 to 192.0.2.1:5060", PHONE, SERVER, None),
        ("src=192.0.2.10:5060, dst=192.0.2.1:5060", PHONE, SERVER, None),
        ("rx 192.0.2.10 port 5060", PHONE, None, True),
        ("TX local=192.0.2.10:5060 remote=192.0.2.1:5060", PHONE, SERVER, False),
        ("sent to pbx.example.com:5060", None, Endpoint("pbx.example.com", 5060), False),
        ("received from [2001:db8::1]:5060", Endpoint("2001:db8::1", 5060), None, True),
        ("sent and received 192.0.2.1:5060", None, None, None),
        ("192.0.2.10:5060 and 192.0.2.1:5060", None, None, None),
        ("Version 1.2.3.4.5 received", None, None, True),
        ("", None, None, None),
    ],
)
def test_what_a_line_says(
    line: str, source: Endpoint | None, destination: Endpoint | None, received: bool | None
) -> None:
    said = said_in(line.encode())
    assert (said.source, said.destination, said.received) == (source, destination, received)


@pytest.mark.parametrize(
    ("line", "stamp"),
    [
        ("20261120-115343.100 | x", "2026-11-20 11:53:43.100"),
        ("135 11202026 115343.5:1.0", "2026-11-20 11:53:43.5"),
        ("1120115343|sip", "Nov 20 11:53:43"),
        ("[2026-11-20T11:53:43.1Z] x", "2026-11-20T11:53:43.1Z"),
        ("11/20/2026 11:53:43 x", "11/20/2026 11:53:43"),
        ("1999115343|x", ""),
        ("call 12345678 x", ""),
        ("port 1234567890 x", ""),
    ],
)
def test_the_time_in_a_line(line: str, stamp: str) -> None:
    assert stamp_in(line.encode()).decode() == stamp


@pytest.mark.parametrize("piece", [b"192.0.2.1:5060 ", b"from ", b"-> ", b"[::", b"1.", b"11:53:43 ", b"a.b", b"udp:"])
def test_a_long_line_costs_no_more_than_its_beginning(piece: bytes) -> None:
    line = piece * 100_000
    assert said_in(line) == said_in(line[:LOOKED_AT])


@pytest.mark.parametrize("line", ["192.0.2.1:5060", "  192.0.2.1:5060:", "192.0.2.1:5060 --->", "192.0.2.1 port 5060"])
def test_an_address_alone(line: str) -> None:
    assert lone_end(line.encode()) == SERVER


@pytest.mark.parametrize(
    "line", ["", "192.0.2.1", "to 192.0.2.1:5060", "192.0.2.1:5060 x", "192.0.2.1:5060 192.0.2.2:1"]
)
def test_no_address_alone(line: str) -> None:
    assert lone_end(line.encode()) is None
