"""SIP in WebSocket frames."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.deflate import Outcome
from analyzer.capture.websocket import WebSocketFramer, upgrades
from analyzer.capture.websocket_frames import MAX_MESSAGE
from analyzer.evidence import Fidelity
from tests.capture.build import OK, message, pcap, read
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
    assert framer.skipped == len(b"some text that is not SIP")
    assert framer.compressed == {Outcome.DAMAGED: 1}
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


TALKS = {
    "between frames": (ASK + frame(ONE), frame(TWO)),
    "in a frame": (ASK + frame(ONE)[:-30], frame(TWO)),
    "in a frame, which says how long it is": (ASK + frame(ONE)[:30], frame(ONE)[40:] + frame(TWO)),
    "in a header": (ASK + frame(TWO)[:3], frame(TWO)),
    "in the head": (ASK[:20], frame(TWO)),
    "in a message of several": (ASK + frame(ONE[:30], final=False), frame(ONE[40:], 0) + frame(TWO)),
}
CUT = {
    "between frames": [(ONE, 0)],
    "in a frame": [(ONE[:-30], 30)],
    "in a frame, which says how long it is": [(ONE[:28], len(ONE) - 28)],
    "in a message of several": [(ONE[:30], 7)],
}


@pytest.mark.parametrize("mask", [b"", b"abcd"])
@pytest.mark.parametrize("name", TALKS)
def test_behind_a_hole_the_place_is_found_again(name: str, mask: bytes) -> None:
    """Where the length of the frame is known, or a segment begins with a frame."""
    before, after = TALKS[name]
    framer = WebSocketFramer()
    hole = 10 if name == "in a frame, which says how long it is" else 30 if name == "in a frame" else 7
    found = framer.feed(before) + framer.gap(hole)
    if name == "in a message of several":  # its rest gives no place
        found += framer.feed(after[: -len(frame(TWO))])
        after = frame(TWO)
    found += framer.feed(frame(TWO, mask=mask) if mask else after)
    if mask and name == "in a frame, which says how long it is":
        return
    assert [(one.octets, one.missing) for one in found] == [*CUT.get(name, []), (TWO, 0)]
    assert framer.idle


def test_a_hole_in_a_capture() -> None:
    first = ASK + frame(ONE)
    found, _, codes = heard(Talk().open().up(0, first).up(len(first) + 5, frame(message(9))))
    assert [one.payload for one in found] == [ONE, message(9)]
    assert codes == ["tcp-gap"]


def test_behind_a_hole_other_frames_give_no_place() -> None:
    framer = WebSocketFramer()
    framer.feed(ASK)
    framer.gap(5)
    assert framer.feed(frame(b"some text that is not SIP") + frame(ONE)) == []
    assert framer.feed(b"\x81") == framer.feed(b"") == []
    assert [one.octets for one in framer.feed(frame(ONE))] == [ONE]


def test_a_snap_length_cuts_frames() -> None:
    """Each segment is cut: what is there is read, and the next one begins with a frame."""
    long = message(1, b"x" * 300)
    talk = Talk(server=8088).open().up(0, ASK).up(len(ASK), frame(long)).up(len(ASK) + len(frame(long)), frame(long))
    found, _, reading = read(pcap(talk.frames, snap=54 + 200))
    assert [(one.payload, one.missing) for one in found] == [(long[:196], len(long) - 196)] * 2
    assert reading.sources[0].quality == ["2 packets are cut at 254 octets"]


def test_a_message_under_way_when_the_capture_ends() -> None:
    (found,), _, _ = heard(Talk().open().up(0, ASK + frame(ONE)[:-3]))
    assert (found.payload, found.missing, found.transport) == (ONE[:-3], 3, "WS")


def test_the_capture_begins_in_a_connection() -> None:
    up, down = frame(ONE, mask=b"abcd"), frame(OK)
    talk = Talk(server=8088).up(7, up[20:]).up(len(up) - 13, up).down(3, frame(b"ping", 9)).down(9, down, ack=9)
    found, _, codes = heard(talk)
    assert [(one.payload, one.transport) for one in found] == [(ONE, "WS"), (OK, "WS")]
    assert codes == []


@pytest.mark.parametrize(
    "noise", [b"\x81\x05hello", b"\xc1\x05hello", b"\x82\x85abcdefghi", b"\xc1\x7f" + b"\xff" * 40]
)
def test_another_protocol_that_begins_like_a_frame_is_none(noise: bytes) -> None:
    """And is not told as one: it takes more than one segment that fits."""
    talk = Talk(server=9000).open().up(0, noise).up(len(noise), b"\x81\xffno frame at all")
    found, _, reading = read(pcap(talk.frames))
    assert found == []
    assert (reading.sources[0].quality, reading.sources[0].defects) == ([], 0)


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
