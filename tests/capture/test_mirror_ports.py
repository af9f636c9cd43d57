"""ERSPAN: a switch sends mirrored frames over GRE (types I, II and III)."""

from __future__ import annotations

import struct

import pytest

from tests.capture.build import REGISTER, ethernet, frame, ip4, messages

GRE = 47


def mirrored(kind: str) -> bytes:
    """A REGISTER in an Ethernet frame in ERSPAN."""
    inner = frame(REGISTER)
    if kind == "I":
        return struct.pack(">HH", 0x0000, 0x88BE) + inner
    if kind == "II":
        return struct.pack(">HHI", 0x1000, 0x88BE, 7) + bytes(8) + inner
    if kind == "III":
        return struct.pack(">HHI", 0x1000, 0x22EB, 7) + bytes(12) + inner
    return struct.pack(">HHI", 0x1000, 0x22EB, 7) + bytes(11) + b"\x01" + bytes(8) + inner


@pytest.mark.parametrize("kind", ["I", "II", "III", "III with the platform's part"])
def test_erspan(kind: str) -> None:
    (message,) = messages([ethernet(ip4(mirrored(kind), GRE))])
    assert message.payload == REGISTER


@pytest.mark.parametrize("length", [0, 4, 8, 12, 20, 30])
def test_erspan_cut_short_is_nothing(length: int) -> None:
    assert messages([ethernet(ip4(mirrored("II")[:length], GRE))]) == []
