"""Lines near messages: numbered as an editor does, the rest passed over, memory bounded."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture.text.lines import CHUNK, LIMIT
from analyzer.capture.text.rows import Row, Rows
from analyzer.evidence import RawMessage, Source
from tests.capture.printing import example
from tests.plugins.folders import loaded

REACH = 100


def rows(stream: object, *, idle: bool = True, cut: list[int] | None = None) -> tuple[list[Row], int]:
    made = Rows(stream, (cut if cut is not None else []).append, REACH, lambda _: True)  # type: ignore[arg-type]
    made.idle = idle
    return [row for row in made if isinstance(row, Row)], made.count


class Slow(io.BytesIO):
    """Gives a few octets at a time, as a pipe may."""

    def __init__(self, octets: bytes, sizes: list[int]) -> None:
        super().__init__(octets)
        self._sizes = iter(sizes * (len(octets) + 1))

    def read1(self, size: int | None = -1, /) -> bytes:
        del size
        return self.read(next(self._sizes))


class Pieces(io.BytesIO):
    """The same octets again and again, a number of times."""

    def __init__(self, piece: bytes, times: int) -> None:
        super().__init__()
        self._piece, self._times = piece, times

    def read1(self, size: int | None = -1, /) -> bytes:
        del size
        self._times -= 1
        return self._piece if self._times >= 0 else b""


TEXT = st.lists(
    st.sampled_from([b"", b"x" * 40, b"REGISTER sip:a SIP/2.0", b"Via: SIP/2.0/UDP a\r", b"y" * 200]), max_size=40
)


@settings(max_examples=200)
@given(TEXT, st.lists(st.integers(1, 70), min_size=1, max_size=5), st.booleans(), st.booleans())
def test_lines_are_those_of_the_file(texts: list[bytes], sizes: list[int], idle: bool, ended: bool) -> None:
    """Whatever is passed over, the numbers are right, and every line near a message is there."""
    octets = b"\n".join(texts) + (b"\n" if ended and texts else b"")
    physical = octets.split(b"\n")
    physical = physical[:-1] if physical[-1] == b"" else physical
    found, count = rows(Slow(octets, sizes), idle=idle)
    assert count == len(physical)
    for row in found:
        assert row.text == physical[row.number - 1].rstrip(b"\r")
        assert row.returns == physical[row.number - 1].endswith(b"\r")
    missing = set(range(1, count + 1)) - {row.number for row in found}
    assert not missing or idle
    assert not any(b"SIP/2.0" in physical[number - 1] for number in missing)


def test_what_is_far_is_passed_over() -> None:
    filler = b"nothing of interest\n" * 5000
    found, count = rows(io.BytesIO(filler + b"banner\nREGISTER sip:a SIP/2.0\n" + filler))
    numbers = [row.number for row in found]
    assert (5001 in numbers, 5002 in numbers, count) == (True, True, 10_002)
    assert len(found) < 60


def test_nothing_is_passed_over_while_a_message_is_open() -> None:
    octets = b"SIP/2.0 200 OK\n" + b"a line\n" * 1000
    assert len(rows(io.BytesIO(octets), idle=False)[0]) == 1001


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT, LIMIT + 1, LIMIT + 3 * CHUNK, 4 * LIMIT])
def test_a_long_line_is_cut_and_told(size: int) -> None:
    cut: list[int] = []
    found, count = rows(io.BytesIO(b"SIP/2.0 " + b"x" * (size - 8) + b"\nVia: SIP/2.0/UDP a\n"), idle=False, cut=cut)
    assert [row.number for row in found] == [1, 2]
    assert count == 2
    assert len(found[0].text) == min(size, LIMIT)
    assert cut == ([1] if size > LIMIT else [])


def test_a_line_without_end_needs_no_memory() -> None:
    tracemalloc.start()
    _, count = rows(Pieces(b"x" * CHUNK, 100 * LIMIT // CHUNK))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * LIMIT
    assert count == 1


def filled(blocks: int) -> Iterator[bytes]:
    for number in range(blocks):
        yield b"14:54:33.460         sip_endpoint.c  .Module number %d registered\n" % number * 200
        yield example("pjsip")


def test_lines_of_messages_among_much_else() -> None:
    text = b"".join(filled(20))
    source = Source("log", kind="log")
    messages = [one for one in loaded("dialect", "pjsip").read(io.BytesIO(text), source) if isinstance(one, RawMessage)]
    assert len(messages) == 40
    physical = text.split(b"\n")
    for one in messages:
        assert physical[one.place.first - 1].rstrip(b"\r") == one.payload.split(b"\r\n")[0]  # type: ignore[union-attr]
    assert source.frames == len(physical) - 1
