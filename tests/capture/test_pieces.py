"""Octets that arrive in pieces, against a slow and plain model."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.pieces import Pieces

PIECES = st.lists(st.tuples(st.integers(0, 30), st.binary(max_size=12)), max_size=12)


@given(PIECES)
def test_the_first_copy_wins(pieces: list[tuple[int, bytes]]) -> None:
    held: dict[int, int] = {}
    string = Pieces()
    for start, octets in pieces:
        conflict = any(held.get(start + index, octet) != octet for index, octet in enumerate(octets))
        assert string.add(start, octets) is conflict
        for index, octet in enumerate(octets):
            held.setdefault(start + index, octet)
        assert string.held == len(held)
        assert string.end == max(held, default=-1) + 1
    assert string.join() == bytes(held[place] for place in sorted(held))


@given(PIECES)
def test_pieces_come_out_in_order_and_apart(pieces: list[tuple[int, bytes]]) -> None:
    string = Pieces()
    for start, octets in pieces:
        string.add(start, octets, mark=octets)
    end = 0
    while (first := string.first()) is not None:
        assert string.pop() is first
        assert first.start >= end
        assert first.octets in first.mark  # type: ignore[operator]
        end = first.end
    assert string.held == 0
    assert len(string) == 0


def test_many_pieces_take_little_time() -> None:
    string = Pieces()
    begin = time.perf_counter()
    for index in range(8000, 0, -1):
        string.add(index * 8, b"12345678")
    string.add(0, bytes(80000))
    assert time.perf_counter() - begin < 2
    assert string.held == 80000
