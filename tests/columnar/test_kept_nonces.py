"""Phones that keep a nonce are ordinary, and told as the object path tells them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.columnar.captures import Packet, assert_same, packets, storm, write
from tests.columnar.kept_nonces import kept_nonces

_PHONE = b"sip:1000012@"


def _storm(folder: Path, *, at_once: float, seed: int = 1, lost: float = 0.1) -> list[Packet]:
    return kept_nonces(packets(storm(folder, 2400, 150, seed=seed, lost=lost)), at_once=at_once, seed=seed)


@pytest.mark.parametrize("at_once", [0.0, 0.6], ids=["stale", "at once"])
@pytest.mark.parametrize(("seed", "lost"), [(1, 0.1), (2, 0.0), (3, 0.3)])
def test_most_are_ordinary(at_once: float, seed: int, lost: float, tmp_path: Path) -> None:
    several = _storm(tmp_path, at_once=at_once, seed=seed, lost=lost)
    assert sum(b"nc=00000002" in one.message for one in several) > 100
    found = assert_same(write(tmp_path / "kept.pcap", several))
    assert found.columns is not None, found.why
    assert found.columnar > 10


def _own(several: list[Packet], text: bytes) -> list[int]:
    return [at for at, one in enumerate(several) if _PHONE in one.message and text in one.message]


def _with(several: list[Packet], at: int, pattern: bytes, new: bytes) -> list[Packet]:
    message, count = re.subn(pattern, new, several[at].message, count=1)
    assert count == 1
    return [*several[:at], several[at].saying(message), *several[at + 1 :]]


FAULTS = {
    "the count is not raised": (b"nc=00000002", rb"nc=\w+", b"nc=00000001"),
    "the count jumps": (b"nc=00000002", rb"nc=\w+", b"nc=00000009"),
    "the count is longer": (b"nc=00000002", rb"nc=\w+", b"nc=000000002"),
    "the count is no number": (b"nc=00000002", rb"nc=\w+", b"nc=0000000g"),
    "another nonce": (b"nc=00000002", rb'nonce="[^"]{8}', b'nonce="AAAAAAAA'),
    "another user": (b"nc=00000002", rb'username="\w+"', b'username="1000777"'),
    "the nonce is not called stale": (b"stale=true", rb", stale=true", b""),
    "a new nonce is called stale": (b"SIP/2.0 401", rb'(WWW-Authenticate: [^\r]+")', rb"\1, stale=true"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("at_once", [0.0, 0.6], ids=["stale", "at once"])
def test_who_does_it_otherwise_leaves_the_columns(fault: str, at_once: float, tmp_path: Path) -> None:
    several = _storm(tmp_path, at_once=at_once)
    text, pattern, new = FAULTS[fault]
    own = _own(several, text)
    if not own:
        pytest.skip("this phone was never told so")
    found = assert_same(write(tmp_path / "fault.pcap", _with(several, own[0], pattern, new)))
    assert found.capture is not None, found.why
    assert found.capture.clients.facts
    assert b"1000012" not in {one.user.encode() for one in found.capture.clients.facts if one is not None}


def test_counts_beyond_nine_are_read(tmp_path: Path) -> None:
    """The count is hexadecimal: ten uses are 0000000a."""
    several = kept_nonces(packets(storm(tmp_path, 1200, 12, lost=0.0)), at_once=0.95, seed=5)
    assert any(b"nc=0000000a" in one.message for one in several)
    assert_same(write(tmp_path / "many.pcap", several))
