"""Every stream is fed whole, octet by octet and cut at random, and must give the same messages."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.sip.framing import MAX_BODY, MAX_HEADERS, Framed, StreamFramer

START = b"REGISTER sip:lab.invalid SIP/2.0\r\n"
BARE = START + b"Content-Length: 0\r\n\r\n"
BODY = START + b"l:\r\n  5\r\n\r\nhello"
ANSWER = b"SIP/2.0 200 OK\r\nCONTENT-LENGTH : 0\r\n\r\n"


def run(pieces: Iterable[bytes]) -> tuple[list[Framed], StreamFramer]:
    framer = StreamFramer()
    framed = [message for piece in pieces for message in framer.feed(piece)]
    return framed + framer.finish(), framer


def cuts(stream: bytes, seed: int) -> list[bytes]:
    rng = random.Random(seed)
    places = sorted(rng.randrange(len(stream) + 1) for _ in range(rng.randrange(1, 12)))
    return [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]


STREAMS = {
    "one": (BARE, [BARE]),
    "pipelined": (BARE + BODY + ANSWER, [BARE, BODY, ANSWER]),
    "keep-alives": (b"\r\n\r\n" + BARE + b"\r\n\r\n\r\n\r\n" + ANSWER + b"\r\n", [BARE, ANSWER]),
    "bare line feeds": (BARE.replace(b"\r", b"") * 2, [BARE.replace(b"\r", b"")] * 2),
    "mixed line ends": (START + b"l: 0\n\r\n" + BARE, [START + b"l: 0\n\r\n", BARE]),
    "an empty line in a body": (
        START + b"L: 9\r\n\r\na\r\n\r\nbcde" + BARE,
        [START + b"L: 9\r\n\r\na\r\n\r\nbcde", BARE],
    ),
    "a start line in a body": (
        START + b"l: %d\r\n\r\n" % len(BARE) + BARE + ANSWER,
        [START + b"l: %d\r\n\r\n" % len(BARE) + BARE, ANSWER],
    ),
    "mid-stream": (b"ontact: <sip:a@b>\r\n\r\nv=0\r\n" + BARE, [BARE]),
    "in a body without line end": (b"v=0\r\n</xml>" + BARE + b"x\r\n</a>" + ANSWER, [BARE, ANSWER]),
    "binary before": (bytes(range(256)) * 50 + b"\n" + BARE, [BARE]),
    "a long line before": (b"x" * 20000 + b"\n" + BARE, [BARE]),
    "no length": (START + b"To: a\r\n\r\nbody\r\n" + BARE, [START + b"To: a\r\n\r\n", BARE]),
    "no digits": (START + b"l: bad\r\n\r\n" + BARE, [START + b"l: bad\r\n\r\n", BARE]),
    "nothing but idle": (b"\r\n" * 5, []),
    "no SIP": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", []),
    "cut headers": (BARE + START + b"To: ", [BARE, START + b"To: "]),
    "cut body": (START + b"l: 9\r\n\r\nabc", [START + b"l: 9\r\n\r\nabc"]),
}


@pytest.mark.parametrize(("stream", "expected"), STREAMS.values(), ids=STREAMS)
def test_whole_octet_by_octet_and_cut_at_random(stream: bytes, expected: list[bytes]) -> None:
    whole, framer = run([stream])
    assert [framed.octets for framed in whole] == expected
    for pieces in [[stream[i : i + 1] for i in range(len(stream))], *(cuts(stream, seed) for seed in range(20))]:
        again, other = run(pieces)
        assert again == whole
        assert (other.keepalives, other.messages, other.skipped) == (framer.keepalives, framer.messages, framer.skipped)


@given(
    st.lists(st.sampled_from([BARE, BODY, ANSWER, b"\r\n", b"junk\r\n", b"\0", b"l: 3\r\n\r\n", START]), max_size=8),
    st.randoms(),
)
def test_any_mixture_is_framed_alike(parts: list[bytes], rng: random.Random) -> None:
    stream = b"".join(parts)
    places = sorted(rng.randrange(len(stream) + 1) for _ in range(6))
    pieces = [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]
    assert run(pieces)[0] == run([stream])[0]


@given(st.binary(max_size=300))
def test_offsets_point_at_the_octets(noise: bytes) -> None:
    stream = noise + b"\n" + BODY + noise + b"\r\n" + BARE
    for framed in run([stream])[0]:
        assert stream[framed.first : framed.last] == framed.octets


def test_keepalives_are_counted() -> None:
    assert run([b"\r\n\r\n" + BARE])[1].keepalives == 1  # a ping (RFC 5626 3.5.1)
    assert run([b"\r\n" + BARE])[1].keepalives == 1  # a pong
    assert run([b"\r\n\r\n" * 3])[1].keepalives == 3
    assert run([BARE])[1].keepalives == 0


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (b"To: a\r\n", "no-content-length"),
        (b"Content-Length: -1\r\n", "bad-content-length"),
        (b"Content-Length:\r\n", "bad-content-length"),
        (b"Content-Length: %d\r\n" % (MAX_BODY + 1), "absurd-content-length"),
        (b"Content-Length: " + b"9" * 5000 + b"\r\n", "absurd-content-length"),
        (b"Content-Length: 0\r\nl: 3\r\n", "differing-content-length"),
    ],
)
def test_a_length_that_cannot_be_believed_is_a_defect(headers: bytes, code: str) -> None:
    framed, _ = run([START + headers + b"\r\n" + BARE])
    assert [defect.code for defect in framed[0].defects] == [code]
    assert framed[0].octets == START + headers + b"\r\n"
    assert framed[1].octets == BARE


def test_equal_lengths_twice_are_none() -> None:
    framed, _ = run([START + b"l: 0\r\nContent-Length: 0\r\n\r\n"])
    assert framed[0].defects == ()


def test_resync_says_how_much_was_skipped() -> None:
    framed, framer = run([b"half a line\r\n" + BARE + BARE])
    assert [(defect.code, defect.text[:2]) for defect in framed[0].defects] == [("resync", "13")]
    assert framed[1].defects == ()
    assert framer.skipped == 13


def gapped(before: bytes, missing: int, after: bytes) -> list[Framed]:
    framer = StreamFramer()
    return framer.feed(before) + framer.gap(missing) + framer.feed(after) + framer.finish()


def test_a_hole_in_a_body_keeps_the_place() -> None:
    framed = gapped(START + b"l: 20\r\n\r\n0123", 6, b"abcdefghij" + BARE)
    assert [(message.octets[-4:], message.missing) for message in framed] == [(b"0123", 16), (b"\r\n\r\n", 0)]
    assert framed[1].defects == ()
    assert framed[1].first == len(START) + 9 + 20


def test_a_second_hole_in_the_same_body() -> None:
    framer = StreamFramer()
    framed = framer.feed(START + b"l: 20\r\n\r\n0123") + framer.gap(2) + framer.feed(b"ab") + framer.gap(2)
    assert not framer.idle
    framed += framer.feed(b"0123456789" + BARE)
    assert [message.missing for message in framed] == [16, 0]


def test_a_hole_beyond_the_body_loses_the_place() -> None:
    framed = gapped(START + b"l: 4\r\n\r\nab", 10, b"of a header\r\n\r\n" + BARE)
    assert [message.missing for message in framed] == [2, 0]
    assert [defect.code for defect in framed[1].defects] == ["resync"]


def test_a_hole_in_the_headers_cuts_the_message() -> None:
    framed = gapped(START + b"To: a", 7, b"c\r\n\r\n" + ANSWER)
    assert [(message.octets, message.missing) for message in framed] == [(START + b"To: a", 7), (ANSWER, 0)]


def test_a_hole_in_a_start_line() -> None:
    framed = gapped(b"REGISTER sip:lab", 30, b"\r\n\r\n" + BARE)
    assert [(message.octets, message.missing) for message in framed] == [(b"REGISTER sip:lab", 30), (BARE, 0)]


def test_a_hole_between_messages_harms_none() -> None:
    framed = gapped(BARE, len(BARE), ANSWER)
    assert [(message.octets, message.first, message.defects) for message in framed] == [
        (BARE, 0, ()),
        (ANSWER, 2 * len(BARE), ()),
    ]


def test_the_end_cuts_what_is_under_way() -> None:
    assert [message.missing for message in run([START + b"l: 9\r\n\r\nabc"])[0]] == [6]
    assert [message.missing for message in run([START])[0]] == [1]  # at least


def test_headers_without_end_are_bounded() -> None:
    framed, framer = run([START] + [b"X: y\r\n" * 20000] * 10 + [b"\r\n" + BARE])
    assert framed[0].defects[0].code == "headers-too-long"
    assert len(framed[0].octets) == MAX_HEADERS
    assert framed[-1].octets == BARE
    assert framer.messages == 2


def test_octet_by_octet_takes_linear_time() -> None:
    stream = START + b"X: y\r\n" * 30000 + b"l: 60000\r\n\r\n" + b"z" * 60000
    begin = time.perf_counter()
    framed, _ = run(stream[i : i + 1] for i in range(len(stream)))
    assert time.perf_counter() - begin < 5
    assert len(framed) == 1
