"""Asterisk's `sip set debug on`: the chan_sip dialect, in every wrapper (logger file, JSON, console, paste)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.asterisk.banners import Kind
from analyzer.capture.asterisk.reader import Reader, first_kind, has_prefix
from analyzer.evidence import NetworkError, RawMessage, Source

NAME = "asterisk-chan_sip"
KIND = "log"
TITLE = "Asterisk chan_sip log"


def looks_like(head: bytes) -> bool:
    """Whether the first banner is chan_sip's, or there is none but Asterisk's line prefix is."""
    kind = first_kind(head)
    return kind is not Kind.PJSIP and (kind is not None or has_prefix(head))


def read(stream: BinaryIO, source: Source) -> Iterator[RawMessage | NetworkError]:
    """The messages of the log in its order; tallies, clock and quality go into `source`."""
    return Reader(source, time.time()).read(stream)
