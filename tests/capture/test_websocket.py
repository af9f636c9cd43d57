"""SIP in WebSocket frames."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.websocket import MAX_MESSAGE, WebSocketFramer, upgrades
from analyzer.evidence import Fidelity
from tests.capture.build import message, pcap, read
from tests.capture.tcp_talk import Talk, heard

ASK = b"GET / HTTP/1.1\r\nHost: lab.invalid\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
GRANT = b"HTTP/1.1 101 Switching Protocols\r\nupgrade:WebSocket\r\n\r\n"
ONE, TWO = message(1), message(2, b"x" * 70000)


def frame(payload: bytes, opcode: int = 1, *, final: bool = True, mask: bytes = b"", reserved: int = 0) -> bytes:
    size = len(payload)
    head = bytes([opcode | (0x80 if final else 0) | reserved])
    short = size if size < 126 else 126 if size < 1 << 16 else 127
    head += bytes([short | (0x80 if mask else 0)])
    head += b"" if size < 126 else size.to_bytes(2 if size < 1 << 16 else 8, "big")
    masked = bytes(octet ^ mask[index % 4] for index, octet in enumerate(payload)) if mask else payload
    return head + mask + masked


STREAM = (
    ASK
    + frame(ONE, mask=b"\x01\xf2\x03\x44")
    + frame(b"\r\n\r\n", mask=b"abcd")
    + frame(TWO, 2)
    + frame(ONE[:20], final=False)
    + frame(b"", 9)
    + frame(ONE[20:], 0)
    + frame(b"chat", reserved=0x40)
    + frame(b"some text that is not SIP")
)


@pytest.mark.parametrize("step", [1, 7, 1000, len(STREAM)])
def test_cut_anywhere(step: int) -> None:
    framer = WebSocketFramer()
    framed = [one for at in range(0, len(STREAM), step) for one in framer.feed(STREAM[at : at + step])]
    assert [one.octets for one in framed] == [ONE, TWO, ONE]
    assert [one.first for one in framed][:1] == [len(ASK)]
    assert (framer.messages, framer.keepalives) == (3, 2)
    assert framer.skipped == len(b"chat") + len(b"some text that is not SIP")
    assert framer.idle


def test_in_a_capture() -> None:
    up, down = frame(ONE, mask=b"abcd"), frame(message(3))
    talk = Talk(server=8088).open().up(0, ASK).down(0, GRANT).up(len(ASK), up[:50]).up(len(ASK) + 50, up[50:])
    found, aborts, codes = heard(talk.down(len(GRANT), down).reset(len(GRANT) + len(down)))
    assert [(one.payload, one.transport, one.fidelity) for one in found] == [
        (ONE, "WS", Fidelity.REASSEMBLED),
        (message(3), "WS", Fidelity.WIRE),
    ]
    assert [(abort.reason, abort.transport) for abort in aborts] == [("reset", "WS")]
    assert codes == []


def test_a_hole_ends_it() -> None:
    talk = Talk().open().up(0, ASK).up(len(ASK) + 5, frame(ONE)).up(len(ASK) + 5 + len(frame(ONE)), frame(ONE))
    found, _, _ = read(pcap(talk.frames))
    assert found == []


def test_absurd_lengths() -> None:
    framer = WebSocketFramer()
    framer.feed(ASK)
    assert framer.feed(b"\x81\x7f" + (MAX_MESSAGE + 1).to_bytes(8, "big") + frame(ONE)) == []
    assert framer.feed(frame(ONE)) == []
    assert framer.idle


def test_only_an_upgrade_is_followed() -> None:
    assert upgrades(ASK)
    assert upgrades(GRANT)
    assert not upgrades(b"GET /upgrade: websocket HTTP/1.1\r\n\r\n")


def test_small_fragments_take_linear_time() -> None:
    stream = ASK + frame(b"R", final=False) + frame(b"x", 0, final=False) * 50000
    framer = WebSocketFramer()
    begin = time.perf_counter()
    for at in range(0, len(stream), 3):
        framer.feed(stream[at : at + 3])
    assert time.perf_counter() - begin < 5


@given(st.binary(max_size=100), st.integers(0, 1000))
def test_noise_never_raises(noise: bytes, seed: int) -> None:
    framer = WebSocketFramer()
    octets = random.Random(seed).randbytes(30) + noise
    for piece in (ASK, octets, noise):
        framer.feed(piece)
    framer.gap(5)
    framer.feed(noise)
