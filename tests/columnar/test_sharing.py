"""Clients that share nonces are ordinary, and what is said of the nonces is what the object path says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.columnar.captures import Packet, assert_same, packets, storm, write
from tests.columnar.kept_nonces import kept_nonces
from tests.columnar.shared_nonces import shared_nonces

_PHONE = b"sip:1000012@"


def _storm(folder: Path, *, seconds: float, seed: int = 1, rate: float = 100.0, users: int = 150) -> list[Packet]:
    return shared_nonces(packets(storm(folder, 2400, users, seed=seed, rate=rate)), seconds=seconds)


@pytest.mark.parametrize(("seconds", "rate"), [(1.0, 100.0), (1.0, 20.0), (0.02, 100.0), (5.0, 50.0)])
def test_most_are_ordinary(seconds: float, rate: float, tmp_path: Path) -> None:
    found = assert_same(write(tmp_path / "shared.pcap", _storm(tmp_path, seconds=seconds, rate=rate)))
    assert found.columns is not None, found.why
    assert found.columnar > 10


def test_the_finding_names_the_nonce_of_the_first(tmp_path: Path) -> None:
    found = assert_same(write(tmp_path / "shared.pcap", _storm(tmp_path, seconds=1.0)))
    assert found.columns is not None, found.why
    assert "nonce-constant" in found.objects
    assert re.search(r"the nonce '\w+(\.\.\.|…)?\w*' was given to \d different Call-IDs", found.columns)
    assert "\\u0000" not in found.columns


@pytest.mark.parametrize("at_once", [0.0, 0.7])
def test_phones_that_keep_a_shared_nonce(at_once: float, tmp_path: Path) -> None:
    several = shared_nonces(kept_nonces(packets(storm(tmp_path, 2400, 150, lost=0.0)), at_once=at_once))
    found = assert_same(write(tmp_path / "kept.pcap", several))
    assert found.capture is not None, found.why


def _changed(several: list[Packet], which: int, pattern: bytes, new: bytes) -> list[Packet]:
    own = [at for at, one in enumerate(several) if _PHONE in one.message and re.search(pattern, one.message)]
    at = own[which]
    return [*several[:at], several[at].saying(re.sub(pattern, new, several[at].message)), *several[at + 1 :]]


FAULTS = {
    "another realm": (b'(WWW-Authenticate: Digest realm=)"[^"]+"', rb'\1"other.example"'),
    "another offer": (b"(WWW-Authenticate: [^\r]+)", rb'\1, opaque="5"'),
    "a nonce of others is used": (b'(Authorization: [^\r]+ nonce=)"[^"]+"', None),
    "refused": (b"SIP/2.0 200 OK", b"SIP/2.0 403 Forbidden"),
    "in no columns": (b"Max-Forwards: 70", b"Max-Forwards: 70\r\nX-One: 1\r\nX-One: 2"),
    "in another method": (b"REGISTER", b"OPTIONS"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seconds", [1.0, 0.05])
def test_one_that_does_it_otherwise(fault: str, seconds: float, tmp_path: Path) -> None:
    several = _storm(tmp_path, seconds=seconds)
    pattern, new = FAULTS[fault]
    if new is None:
        (first, *_) = re.findall(rb'nonce="([^"]+)"', b"".join(one.message for one in several[:40]))
        new = rb'\1"' + first + b'"'
    assert_same(write(tmp_path / "fault.pcap", _changed(several, 2, pattern, new)))


def test_a_client_may_be_given_one_again(tmp_path: Path) -> None:
    """Its answers then differ in nothing else, which is as if it tried passwords, unless they are the same."""
    several = _storm(tmp_path, seconds=3600.0, users=40)
    assert assert_same(write(tmp_path / "constant.pcap", several)).columns is None
    same = [one.saying(re.sub(rb'response="[^"]+"', b'response="%s"' % (b"0" * 32), one.message)) for one in several]
    found = assert_same(write(tmp_path / "the-same.pcap", same))
    assert found.columnar > 5, found.why


@pytest.mark.parametrize("limit", [10, 40])
def test_shared_nonces_are_forgotten_alike(limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("register.challenges", "columnar.shared", "columnar.clients", "columnar.course", "columnar.sharing"):
        monkeypatch.setattr(f"analyzer.{module}.MOST_NONCES", limit)
    assert_same(write(tmp_path / "few.pcap", _storm(tmp_path, seconds=0.05)))
