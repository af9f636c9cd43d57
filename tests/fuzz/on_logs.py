"""Checks of the log dialects and of credential files."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO

from analyzer.capture.dialects import asterisk_chan_sip, asterisk_pjsip
from analyzer.evidence import LogLines, NetworkError, RawMessage, Source
from analyzer.register.digest.credential_files import parse_credentials
from analyzer.register.digest.secret import CredentialsError
from tests.fuzz.invariant import bounded, sound_defects, sound_source

Reader = Callable[[BinaryIO, Source], Iterator[RawMessage | NetworkError]]


def _check(read: Reader, octets: bytes) -> None:
    """Every message lies in lines of the log, and is no longer than they are (line ends may have doubled)."""
    source = Source("log", kind="log")
    with bounded(len(octets), calls=60, copies=300):
        items = list(read(io.BytesIO(octets), source))
    total = 0
    for item in items:
        assert isinstance(item, RawMessage)
        assert isinstance(item.place, LogLines)
        assert 1 <= item.place.first <= item.place.last <= source.frames
        sound_defects(item.defects)
        total += len(item.payload)
    assert total <= 2 * len(octets) + 8
    assert len(items) + source.keepalives + source.other <= len(octets) // 8 + 1
    sound_source(source)


def check_chan_sip(octets: bytes) -> None:
    """A log, read with the chan_sip dialect."""
    asterisk_chan_sip.looks_like(octets)
    _check(asterisk_chan_sip.read, octets)


def check_pjsip(octets: bytes) -> None:
    """A log, read with the PJSIP dialect."""
    asterisk_pjsip.looks_like(octets)
    _check(asterisk_pjsip.read, octets)


def check_credentials(octets: bytes) -> None:
    """A file of secrets, or one sentence about what is wrong that quotes nothing of it."""
    with bounded(len(octets), calls=150, copies=700, start=20_000):
        try:
            found = parse_credentials(octets, "users")
        except CredentialsError as error:
            shown = str(error)
            assert "\n" not in shown
            assert len(shown) < 300
            return
    assert len(found) <= len(octets)
    for secret in found:
        assert repr(secret)
