"""Asterisk's `sip set debug on`: the chan_sip dialect, in every wrapper (logger file, JSON, console, paste)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.asterisk.banners import Kind
from analyzer.capture.asterisk.grammar import GRAMMAR as GRAMMAR
from analyzer.capture.asterisk.reader import Reader, first_kind, has_prefix
from analyzer.evidence import NetworkError, RawMessage, Source

NAME = "asterisk-chan_sip"
TITLE = "Asterisk chan_sip log"
EXAMPLE = b"""
<--- SIP read from UDP:192.0.2.10:5060 --->
REGISTER sip:pbx.example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>
Call-ID: a1
CSeq: 1 REGISTER
Contact: <sip:bob@192.0.2.10:5060>
Content-Length: 0

<------------->
--- (8 headers 0 lines) ---

<--- Transmitting (no NAT) to 192.0.2.10:5060 --->
SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>;tag=t1
Call-ID: a1
CSeq: 1 REGISTER
Content-Length: 0


<------------>
"""


def looks_like(head: bytes) -> bool:
    """Whether the first banner is chan_sip's, or there is none but Asterisk's line prefix is."""
    kind = first_kind(head)
    return kind is not Kind.PJSIP and (kind is not None or has_prefix(head))


def read(stream: BinaryIO, source: Source) -> Iterator[RawMessage | NetworkError]:
    """The messages of the log in its order; tallies, clock and quality go into `source`."""
    return Reader(source, time.time()).read(stream)
