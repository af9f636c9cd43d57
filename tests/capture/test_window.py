"""The window over a stream, and captures that are still being written."""

from __future__ import annotations

import io
import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.opener import open_sources
from analyzer.capture.window import CHUNK, Window
from tests.capture.build import frame, message, pcap, pcapng


class Drip(io.BytesIO):
    """A stream that gives a few octets at a time, as a pipe may."""

    def __init__(self, octets: bytes, step: int) -> None:
        super().__init__(octets)
        self._step = step

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read(self._step)


@given(st.binary(max_size=60), st.integers(1, 9), st.lists(st.tuples(st.booleans(), st.integers(0, 12)), max_size=20))
def test_needs_and_skips(octets: bytes, step: int, moves: list[tuple[bool, int]]) -> None:
    window = Window(Drip(octets, step))
    at = 0
    for skip, count in moves:
        enough = at + count <= len(octets)
        if skip:
            assert window.skip(count) is enough
            at = at + count if enough else len(octets)
        else:
            assert window.need(count) is enough
            assert window.buffer[window.at : window.at + count] == octets[at : at + count]
        assert window.position == at


def test_a_skip_keeps_nothing() -> None:
    window = Window(io.BytesIO(bytes(5 * CHUNK) + b"x"))
    assert window.skip(5 * CHUNK)
    assert window.need(1)
    assert len(window.buffer) <= 2 * CHUNK
    assert (window.buffer[window.at :], window.left) == (b"x", 1)
    assert not window.need(2)


def test_a_stream_with_read_only() -> None:
    class Plain:
        def __init__(self) -> None:
            self._stream = io.BytesIO(b"abcdef")

        def read(self, size: int) -> bytes:
            return self._stream.read(min(size, 2))

    window = Window(Plain())  # type: ignore[arg-type]
    assert window.need(5)
    assert window.buffer[:5] == b"abcde"


@pytest.mark.parametrize("make", [pcap, pcapng], ids=["pcap", "pcapng"])
def test_a_capture_that_is_still_being_written(make: Callable[[list[bytes]], bytes]) -> None:
    """`tcpdump -w -` into a pipe: each packet is given when it comes, not when the writer ends."""
    outlet, input_stream = os.pipe()
    two = make([frame(message(1)), frame(message(2))])
    first = len(make([frame(message(1))]))
    with open(outlet, "rb") as stream, open(input_stream, "wb", buffering=0) as writer:
        writer.write(two[:first])
        items = iter(open_sources([stream]))
        assert getattr(next(items), "payload", b"") == message(1)
        writer.write(two[first:])
        assert getattr(next(items), "payload", b"") == message(2)
        writer.close()
        assert list(items) == []
