"""A stream without end."""

from __future__ import annotations

import io

from analyzer.capture.input_stream import CHUNK


class Endless(io.RawIOBase):
    """`head`, then `more` again and again; `read_octets` counts."""

    def __init__(self, head: bytes, more: bytes = bytes(CHUNK)) -> None:
        super().__init__()
        self.head, self.more, self.read_octets = head, more, 0

    def readable(self) -> bool:
        return True

    def read1(self, _: int = -1) -> bytes:
        piece, self.head = self.head or self.more, b""
        self.read_octets += len(piece)
        return piece
