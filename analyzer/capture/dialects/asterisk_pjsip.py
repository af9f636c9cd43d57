"""Asterisk's `pjsip set logger on`: the res_pjsip dialect, in every wrapper (logger file, JSON, console, paste)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.asterisk.banners import Kind
from analyzer.capture.asterisk.reader import Reader, first_kind
from analyzer.evidence import NetworkError, RawMessage, Source

NAME = "asterisk-pjsip"
KIND = "log"
TITLE = "Asterisk PJSIP log"


def looks_like(head: bytes) -> bool:
    """Whether the first banner is the PJSIP logger's."""
    return first_kind(head) is Kind.PJSIP


def read(stream: BinaryIO, source: Source) -> Iterator[RawMessage | NetworkError]:
    """The messages of the log in its order; tallies, clock and quality go into `source`."""
    return Reader(source, time.time()).read(stream)
