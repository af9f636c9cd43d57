"""How flow text is told from other texts: by reading a piece of it."""

from __future__ import annotations

from analyzer.capture.flows.mending import mended
from analyzer.capture.flows.scan import Scanner


def shows_a_step(piece: bytes) -> bool:
    """Whether a message with a heading above it stands in a piece of a text."""
    lines = (line for number, text in enumerate(piece.split(b"\n"), 1) for line in mended(number, text))
    return any(found.heading is not None for found in Scanner().messages(lines))
