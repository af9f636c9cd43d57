"""Streams that tshark followed: who sent what stands above it, and the nodes once above all."""

from __future__ import annotations

import io

import pytest

from analyzer.capture.opener import open_sources
from analyzer.evidence import Endpoint, RawMessage, Source
from tests.capture.printing import example
from tests.shared import DATA

TEXT = example("wireshark_follow")
PHONE, SERVER = Endpoint("192.0.2.10", 5060), Endpoint("192.0.2.1", 5060)


def read(octets: bytes) -> tuple[list[RawMessage], Source]:
    with open_sources([io.BytesIO(octets)], kind="log") as reading:
        return [item for item in reading if isinstance(item, RawMessage)], reading.sources[0]


def test_both_ends_are_told_and_no_time() -> None:
    messages, source = read(TEXT)
    assert source.format == "wireshark-follow"
    assert [(one.source, one.destination) for one in messages] == [(PHONE, SERVER), (SERVER, PHONE)]
    assert [one.transport for one in messages] == ["UDP", "UDP"]
    assert [one.time for one in messages] == [None, None]
    assert [len(one.payload) for one in messages] == [239, 188]
    assert not any(one.defects or one.missing for one in messages)


def test_of_a_stream_of_tcp_messages_are_put_together_again() -> None:
    """What came at once is counted there, and may be half a message."""
    told, _ = read((DATA / "texts/tshark-follow-tcp.txt").read_bytes())
    with open_sources([DATA / "texts/ngrep-tcp.pcap"]) as reading:
        captured = [item for item in reading if isinstance(item, RawMessage)]
    by_place = sorted((str(one.source), one.payload) for one in captured)
    assert sorted((str(one.source), one.payload) for one in told) == by_place
    assert {one.transport for one in told} == {"TCP"}
    assert not any(one.missing for one in told)


def test_each_stream_has_its_own_nodes() -> None:
    other = TEXT.replace(b"192.0.2.10:5060\nNode", b"192.0.2.77:5077\nNode")
    messages, _ = read(TEXT + other)
    assert [one.source.port for one in messages] == [5060, 5060, 5077, 5060]
    assert messages[3].destination == Endpoint("192.0.2.77", 5077)


@pytest.mark.parametrize("line", ["	9", "514", "Node 0: 192.0.2.66:6666", "Follow: tcp,ascii", "=" * 67])
def test_a_body_tells_no_nodes(line: str) -> None:
    """Octets that were counted are the message's, whatever they look like."""
    body = f"{line}\r\nNode 0: 192.0.2.66:6666\r\nNode 1: 192.0.2.67:6667\r\n".encode()
    grown = TEXT.replace(b"239\n", b"%d\n" % (239 + len(body) + len(str(len(body))) - 1))
    grown = grown.replace(b"Content-Length: 0\r\n\r\n", b"Content-Length: %d\r\n\r\n%b" % (len(body), body), 1)
    messages, _ = read(grown)
    assert [one.payload[-len(body) :] for one in messages[:1]] == [body]
    assert [(one.source, one.destination) for one in messages] == [(PHONE, SERVER), (SERVER, PHONE)]


def test_numbers_before_the_nodes_open_nothing() -> None:
    messages, _ = read(b"514\n\n	188\n" + TEXT)
    assert [(one.source, one.destination) for one in messages] == [(PHONE, SERVER), (SERVER, PHONE)]


def test_a_paste_without_carriage_returns_and_tabs() -> None:
    plain, _ = read(TEXT)
    told, _ = read(TEXT.replace(b"\r", b"").replace(b"\t", b"        "))
    assert [(one.payload, one.source) for one in told] == [(one.payload, one.source) for one in plain]


def test_a_stream_without_nodes_is_read_without_them() -> None:
    """tshark prints `Node 0: :0` where there is no such stream."""
    text = b"Follow: tcp,ascii\nFilter: tcp.stream eq 0\nNode 0: :0\nNode 1: :0\n" + TEXT
    messages, _ = read(text)
    assert [one.source for one in messages] == [PHONE, SERVER]


def test_streams_beside_another_log() -> None:
    messages, source = read(TEXT + example("sngrep"))
    assert sorted(source.format.split("+")) == ["sngrep", "wireshark-follow"]
    assert [one.time is None for one in messages] == [True, True, False, False]


def test_tabs_that_were_lost_turn_no_message_round() -> None:
    messages, _ = read(TEXT.replace(b"\t", b""))
    assert [(one.source, one.destination) for one in messages] == [(PHONE, SERVER), (SERVER, PHONE)]


def test_lines_that_grep_names_keep_their_tabs() -> None:
    """`grep -H -C` writes a hyphen before a line that did not match, and nothing behind it."""
    lines = TEXT.split(b"\n")[:-1]
    named = b"".join(b"f.txt%b%b\n" % (b":" if b"SIP" in line else b"-", line) for line in lines)
    messages, _ = read(named)
    assert [(one.source, one.destination) for one in messages] == [(PHONE, SERVER), (SERVER, PHONE)]
