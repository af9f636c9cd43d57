"""WebSocket messages that were compressed (RFC 7692)."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture import deflate
from analyzer.capture.deflate import (
    MAX_FINAL_BLOCKS,
    MAX_INFLATED,
    RATIO,
    START,
    Agreement,
    Direction,
    Inflater,
    Outcome,
    Windows,
    agreement,
    inflate,
)
from analyzer.capture.opener import open_sources
from analyzer.capture.websocket import Upgrade, WebSocketFramer
from analyzer.evidence import RawMessage
from tests.capture.build import message, pcap, read
from tests.capture.tcp_talk import Talk, heard
from tests.capture.test_websocket import ASK, frame
from tests.shared import DATA

FLUSH = b"\0\0\xff\xff"
HELLO = b"Hello"
VECTORS = {
    "7.2.3.1": "f2 48 cd c9 c9 07 00",
    "7.2.3.3": "00 05 00 fa ff 48 65 6c 6c 6f 00",
    "7.2.3.4": "f3 48 cd c9 c9 07 00 00",
    "7.2.3.4 without the empty block": "f3 48 cd c9 c9 07 00",
    "7.2.3.5": "f2 48 05 00 00 00 ff ff ca c9 c9 07 00",
}
"""The examples of RFC 7692: all of them say Hello."""
BOTH = Direction()
GRANT = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate%s\r\n\r\n"
)


class Sender:
    """One side that compresses, with or without context takeover."""

    def __init__(self, *, takeover: bool = True, bits: int = 15) -> None:
        self.takeover, self.bits = takeover, bits
        self.engine = zlib.compressobj(wbits=-bits)

    def __call__(self, content: bytes) -> bytes:
        if not self.takeover:
            self.engine = zlib.compressobj(wbits=-self.bits)
        octets = self.engine.compress(content) + self.engine.flush(zlib.Z_SYNC_FLUSH)
        assert octets.endswith(FLUSH)
        return octets[:-4] or b"\0"  # 7.2.3.6: an empty message

    def frame(self, content: bytes, mask: bytes = b"") -> bytes:
        return frame(self(content), mask=mask, reserved=0x40)


@pytest.mark.parametrize("name", VECTORS)
def test_the_examples_of_the_standard(name: str) -> None:
    assert inflate(bytes.fromhex(VECTORS[name])) == HELLO


def test_a_message_refers_to_the_one_before() -> None:
    """RFC 7692 7.2.3.2."""
    inflater, again = Inflater(Windows(), complete=True), bytes.fromhex("f2 00 11 00 00")
    assert inflater.message(bytes.fromhex(VECTORS["7.2.3.1"]), BOTH) == (Outcome.READ, HELLO)
    assert inflater.message(again, BOTH) == (Outcome.READ, HELLO)
    with pytest.raises(zlib.error):
        inflate(again)


@pytest.mark.parametrize("octets", [b"\0", b"\x02\0", b""])
def test_an_empty_message(octets: bytes) -> None:
    assert inflate(octets) == b""


def test_behind_a_last_block_another_one_refers_to_it() -> None:
    """RFC 7692 7.2.3.4 and 7.1.1.1: the window goes on, whatever ends a block."""
    first = zlib.compressobj(wbits=-15)
    last = first.compress(HELLO * 9) + first.flush()
    second = zlib.compressobj(wbits=-15, zdict=HELLO * 9)
    more = second.compress(HELLO * 9) + second.flush(zlib.Z_SYNC_FLUSH)
    assert inflate(last + more[:-4]) == HELLO * 18


@pytest.mark.parametrize("octets", [b"\xf2\x48\xcd", b"\xff" * 9, b"\x00\x05\x00\xfa\xffHel", b"\x03\0" * 99 + b"\0"])
def test_what_is_damaged(octets: bytes) -> None:
    with pytest.raises(zlib.error):
        inflate(octets)


def test_many_last_blocks_are_refused_and_a_few_are_not() -> None:
    assert inflate(b"\x03\0" * (MAX_FINAL_BLOCKS - 1)) == b""
    with pytest.raises(zlib.error):
        inflate(b"\x03\0" * MAX_FINAL_BLOCKS + b"\0")


def test_a_bomb() -> None:
    bomb = Sender()(bytes(10 * MAX_INFLATED))
    with pytest.raises(OverflowError):
        inflate(bomb)
    assert inflate(Sender()(b"x" * MAX_INFLATED)) == b"x" * MAX_INFLATED
    with pytest.raises(OverflowError):
        inflate(Sender()(b"x" * 100), most=99)


def test_what_comes_out_of_a_direction_is_bounded_by_what_went_in() -> None:
    inflater, sender = Inflater(Windows(), complete=True), Sender()
    given = sent = 0
    outcomes = set()
    for size in (100, 5000, 20_000, 900_000, 20_000, 900_000):
        octets = sender(bytes(size))
        outcome, content = inflater.message(octets, BOTH)
        outcomes.add(outcome)
        sent, given = sent + len(octets) + 1, given + len(content)
        assert given <= START + RATIO * sent
    assert Outcome.TOO_LONG in outcomes


def test_a_bomb_takes_none_of_what_others_may_become() -> None:
    """What refers to the bomb is lost with it, but a peer that begins anew is read at once."""
    inflater = Inflater(Windows(), complete=True)
    sender = Sender(takeover=False)
    assert inflater.message(sender(message(1)), BOTH)[0] is Outcome.READ
    assert inflater.message(sender(bytes(1 << 21)), BOTH)[0] is Outcome.TOO_LONG
    assert inflater.message(sender(message(2)), BOTH) == (Outcome.READ, message(2))


@pytest.mark.parametrize("size", [400, 3000])
def test_repetitions_of_a_long_message_are_no_bomb(size: int) -> None:
    """What an honest peer reaches: nothing but a number changes, again and again."""
    inflater, sender = Inflater(Windows(), complete=True), Sender()
    body = bytes(random.Random(size).choices(b"abcdefghijklmnopqrstuvwxyz0123456789 \n", k=size))
    for number in range(300):
        assert inflater.message(sender(message(number, body)), BOTH) == (Outcome.READ, message(number, body))


@pytest.mark.parametrize("bits", range(9, 16))
@pytest.mark.parametrize("takeover", [True, False])
def test_every_window(bits: int, takeover: bool) -> None:
    inflater, sender = Inflater(Windows(), complete=True), Sender(takeover=takeover, bits=bits)
    chance = random.Random(bits)
    agreed = Direction(takeover, 1 << bits)
    for number in range(60):
        content = message(number, chance.randbytes(chance.randrange(3000)) + bytes(chance.randrange(3000)))
        assert inflater.message(sender(content), agreed) == (Outcome.READ, content)


def test_without_takeover_nothing_is_kept() -> None:
    inflater, windows = Inflater(windows := Windows(), complete=True), windows
    inflater.message(Sender()(message(1)), Direction(takeover=False))
    assert windows._held == 0


def test_windows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deflate, "MAX_HELD", 3000)
    windows, senders = Windows(), [Sender() for _ in range(5)]
    inflaters = [Inflater(windows, complete=True) for _ in senders]
    for number, (inflater, sender) in enumerate(zip(inflaters, senders, strict=True)):
        assert inflater.message(sender(message(number, b"x" * 900)), BOTH)[0] is Outcome.READ
        assert windows._held <= 3000
    again = [
        one.message(sender(message(9, b"x" * 900)), BOTH)[0] for one, sender in zip(inflaters, senders, strict=True)
    ]
    assert again[0] is Outcome.EVICTED
    for inflater in inflaters:
        inflater.close()
    assert windows._held == 0


OFFERS = {
    b"": Agreement(True),
    b"; server_no_context_takeover": Agreement(True, Direction(takeover=False)),
    b";client_no_context_takeover ; server_max_window_bits=10": Agreement(
        True, Direction(window=1024), Direction(takeover=False)
    ),
    b'; client_max_window_bits="12"; SERVER_NO_CONTEXT_TAKEOVER': Agreement(
        True, Direction(takeover=False), Direction(window=4096)
    ),
    b"; server_max_window_bits=99; client_max_window_bits": Agreement(True),
    b"; client_max_window_bits=9, other": Agreement(True, Direction(), Direction(window=512)),
}


@pytest.mark.parametrize("parameters", OFFERS)
def test_what_the_server_agreed_to(parameters: bytes) -> None:
    assert agreement(GRANT % parameters) == OFFERS[parameters]


@pytest.mark.parametrize(
    ("head", "granted"),
    [
        (b"HTTP/1.1 101 OK\r\n\r\n", False),
        (b"HTTP/1.1 101 OK\r\nSec-WebSocket-Extensions: bbf-usp-protocol\r\n\r\n", False),
        (b"HTTP/1.1 101 X\r\nSec-WebSocket-Extensions: a;b\r\nsec-websocket-extensions :x,permessage-deflate\r\n", 1),
        (b"HTTP/1.1 101 OK\r\nX: permessage-deflate\r\nSec-WebSocket-Extensions:\r\n\r\n", False),
    ],
)  # fmt: skip
def test_other_extensions(head: bytes, granted: bool) -> None:
    assert agreement(head).granted == granted


CONTENTS = [message(number, b"a body that comes again " * number) for number in range(1, 6)]


def talk(grant: bytes, up: Sender, down: Sender) -> Talk:
    """Both directions: each says `CONTENTS`, a message a segment."""
    made, ends = Talk(server=8088).open().up(0, ASK).down(0, grant, ack=len(ASK)), [len(ASK), len(grant)]
    for content in CONTENTS:
        octets = up.frame(content, b"mask")
        made.up(ends[0], octets, ack=ends[1])
        ends[0] += len(octets)
        octets = down.frame(content)
        made.down(ends[1], octets, ack=ends[0])
        ends[1] += len(octets)
    return made


NEGOTIATED = {
    "context takeover": (b"", True, True),
    "the server forgets": (b"; server_no_context_takeover", True, False),
    "the client forgets": (b"; client_no_context_takeover", False, True),
    "both forget": (b"; server_no_context_takeover; client_no_context_takeover", False, False),
    "both forget unasked": (b"", False, False),
}


@pytest.mark.parametrize("name", NEGOTIATED)
def test_both_directions_in_a_capture(name: str) -> None:
    parameters, up, down = NEGOTIATED[name]
    found, aborts, codes = heard(talk(GRANT % parameters, Sender(takeover=up), Sender(takeover=down)))
    assert [one.payload for one in found] == [content for content in CONTENTS for _ in range(2)]
    assert {one.transport for one in found} == {"WS"}
    assert (aborts, codes, {one.defects for one in found}) == ([], [], {()})


def test_a_peer_that_refers_although_it_agreed_not_to_is_told() -> None:
    found, _, codes = heard(talk(GRANT % b"; server_no_context_takeover", Sender(), Sender()))
    assert [one.payload for one in found if one.source.port != 8088] == CONTENTS
    assert [one.payload for one in found if one.source.port == 8088] == CONTENTS[:1]
    assert codes == ["websocket-deflate"]  # the first; what may refer to it is not read either


def test_compression_that_nobody_agreed_to_is_a_defect_of_the_message() -> None:
    refusal = GRANT.replace(b"Sec-WebSocket-Extensions: permessage-deflate%s\r\n", b"")
    found, _, _ = heard(talk(refusal, Sender(), Sender()))
    assert len(found) == 2 * len(CONTENTS)
    assert {defect.code for one in found for defect in one.defects} == {"websocket-rsv1"}


def quality(made: Talk, first: int) -> tuple[list[bytes], list[str]]:
    """What is read of a capture that begins at frame `first` (from 0), and what is said of it."""
    found, _, reading = read(pcap(made.frames[first:]))
    return [one.payload for one in found], reading.sources[0].quality


def test_the_handshake_was_not_captured_and_nothing_refers_to_it() -> None:
    contents, said = quality(talk(GRANT % b"", Sender(takeover=False), Sender(takeover=False)), 5)
    assert contents == [content for content in CONTENTS for _ in range(2)]
    assert said == [
        "10 compressed WebSocket messages read as permessage-deflate (RFC 7692), though the handshake was not captured"
    ]


def test_the_capture_begins_among_messages_that_refer_to_earlier_ones() -> None:
    contents, said = quality(talk(GRANT % b"", Sender(), Sender(takeover=False)), 7)
    assert contents == CONTENTS[1:]
    assert sorted(said) == [
        "4 compressed WebSocket messages not read: earlier messages, to which compression may refer, were not captured "
        "(RFC 7692 7.1.1)",
        "4 compressed WebSocket messages read as permessage-deflate (RFC 7692), though the handshake was not captured",
    ]


def test_one_message_that_was_lost_takes_those_that_refer_to_it() -> None:
    made = talk(GRANT % b"; server_no_context_takeover", Sender(), Sender(takeover=False))
    del made.frames[7:9]  # one of each direction
    found, _, reading = read(pcap(made.frames))
    assert [one.payload for one in found if one.source.port == 8088] == CONTENTS[:1] + CONTENTS[2:]
    assert [one.payload for one in found if one.source.port != 8088] == CONTENTS[:1]
    assert reading.sources[0].quality == [
        "3 compressed WebSocket messages not read: earlier messages, to which compression may refer, were not captured "
        "(RFC 7692 7.1.1)"
    ]


def test_a_message_that_the_capture_cut() -> None:
    made = talk(GRANT % b"", Sender(), Sender())
    _, _, reading = read(pcap([*made.frames[:5], made.frames[5][:-9]]))
    assert "1 compressed WebSocket message not read: not captured whole" in reading.sources[0].quality


def test_a_bomb_in_a_capture_is_a_defect_with_its_frame() -> None:
    bomb = frame(Sender()(b"REGISTER sip:x SIP/2.0\r\nX: " + bytes(1 << 21)), reserved=0x40, mask=b"abcd")
    made = Talk().open().up(0, ASK).down(0, GRANT % b"").up(len(ASK), bomb)
    found, _, reading = read(pcap(made.frames))
    assert found == []
    ((place, defect),) = reading.sources[0].defect_list
    assert (defect.code, getattr(place, "number", 0)) == ("websocket-deflate", 6)


def _fragments(content: bytes) -> bytes:
    octets = Sender()(content)
    parts = [octets[at : at + 20] for at in range(0, len(octets), 20)]
    frames = [frame(parts[0], final=False, reserved=0x40), frame(b"ping", 9)]
    return b"".join([*frames, *(frame(part, 0, final=False) for part in parts[1:]), frame(b"", 0)])


def test_a_message_in_fragments() -> None:
    """RFC 7692 6.1: RSV1 stands in the first alone; control frames stand between them and are never compressed."""
    framer = WebSocketFramer()
    assert [one.octets for one in framer.feed(ASK + _fragments(CONTENTS[0]))] == [CONTENTS[0]]
    assert framer.keepalives == 1


def test_messages_that_are_not_compressed_stand_between() -> None:
    """RFC 7692 7.2.3: they are no part of the window."""
    sender, framer = Sender(), WebSocketFramer()
    stream = ASK + sender.frame(CONTENTS[0]) + frame(CONTENTS[1]) + sender.frame(CONTENTS[2])
    assert [one.octets for one in framer.feed(stream)] == CONTENTS[:3]


@given(st.lists(st.binary(max_size=60), max_size=8), st.integers(1, 50))
def test_noise_never_raises(noise: list[bytes], step: int) -> None:
    stream = ASK + b"".join(frame(octets, reserved=0x40) for octets in noise)
    one, other = WebSocketFramer(Upgrade()), WebSocketFramer(Upgrade())
    whole = one.feed(stream)
    assert whole == [found for at in range(0, len(stream), step) for found in other.feed(stream[at : at + step])]
    assert one.compressed == other.compressed
    assert one.compressed.total() == len(noise)


@pytest.fixture
def capture() -> Callable[[], list[RawMessage]]:
    path = DATA / "real" / "websocket-deflate-only.pcap"

    def messages() -> list[RawMessage]:
        with open_sources([path]) as reading:
            return [one for one in reading if isinstance(one, RawMessage)]

    return messages


def test_jssip_and_sip_js(capture: Callable[[], list[RawMessage]]) -> None:
    """Real clients (JsSIP 3.10.1, SIP.js 0.21.1) at a server with windows of 12 bits: 20 messages, all of them."""
    found = capture()
    frames = [8, 9, 10, 11, 20, 21, 22, 23, 25, 26, 28, 29, 31, 32, 42, 44, 45, 46, 48, 50]
    assert [getattr(one.place, "number", 0) for one in found] == frames
    assert {one.transport for one in found} == {"WS"}
    assert all(one.payload.endswith(b"\r\n\r\n") for one in found)
