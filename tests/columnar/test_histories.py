"""What a rule says of a transaction may depend on what was before: clients of other histories are of other classes, or
for the object path."""

from __future__ import annotations

from hashlib import md5
from pathlib import Path

import pytest

from tests.columnar.captures import SECOND, Packet, assert_same, write
from tests.columnar.phones import Phone, saying, together

_MODULES = ("register.challenges", "columnar.shared", "columnar.clients", "columnar.course", "columnar.sharing")
_FEW = 40


def _nonce(number: int) -> str:
    return md5(b"%d" % number, usedforsecurity=False).hexdigest() * 2


def test_a_challenge_of_another_form_is_remembered_as_long_as_its_nonce(tmp_path: Path) -> None:
    """Two of those that are challenged for another realm keep no nonce, and so say nothing of those that do."""
    phones = [Phone(number) for number in range(60)]
    for number, phone in enumerate(phones):
        at = number * 0.3
        phone.registers(at)
        for turn in (60.0, 90.0, 120.0):
            if number in (20, 21):
                phone.challenged(at + turn, stale=True)
            phone.granted(at + turn + 0.1)
        if number in range(20, 30):
            challenge = b'WWW-Authenticate: Digest realm="'
            phone.packets = saying(phone.packets, challenge + b"example.com", challenge + b"other.example")
    found = assert_same(write(tmp_path / "elsewhere.pcap", together(*phones)))
    assert found.columnar > 30, found.why


def test_who_is_challenged_for_two_realms_is_for_the_object_path(tmp_path: Path) -> None:
    """A challenge for one realm stands for its credentials while another realm is challenged."""
    phones = [Phone(number) for number in range(60)]
    for number, phone in enumerate(phones):
        for turn in (0, 60, 120):
            phone.registers(number * 0.3 + turn)
        challenge = b'WWW-Authenticate: Digest realm="'
        if number >= 50:
            later = saying(phone.packets[4:], challenge + b"example.com", challenge + b"other.example")
            phone.packets = [*phone.packets[:4], *later]
    found = assert_same(write(tmp_path / "realms.pcap", together(*phones)))
    assert found.columnar > 30, found.why
    assert found.capture is not None
    assert {one.user for one in found.capture.clients.facts if one is not None} == {
        str(1_000_000 + number) for number in range(50)
    }


_SECONDS = {
    "sinks": (63, 62, 61, 60, 59, 59),
    "holds": (61, 61, 61, 61, 60, 59),
    "sinks late": (62, 62, 62, 61, 60, 59),
    "sinks twice": (63, 62, 62, 61, 60, 59),
}


@pytest.mark.parametrize("few", list(_SECONDS))
def test_times_that_sink_with_each_refresh(few: str, tmp_path: Path) -> None:
    """The same request after the same grant ends a row of four, or one of two: what was asked before them differs."""
    phones = [Phone(number) for number in range(80)]
    for number, phone in enumerate(phones):
        kind = few if number % 10 == 7 else list(_SECONDS)[number % len(_SECONDS)]
        asked = _SECONDS[kind]
        for turn, (asks, gets) in enumerate(zip(asked, (*asked[1:], asked[-1]), strict=True)):
            begin = len(phone.packets)
            phone.registers(number * 0.3 + 30 * turn)
            said = saying(phone.packets[begin:], b"Expires: 3600", b"Expires: %d" % asks)
            phone.packets[begin:] = saying(said, b"expires=3600", b"expires=%d" % gets)
    found = assert_same(write(tmp_path / "sinking.pcap", together(*phones)))
    assert found.columnar > 10, found.why
    assert "the phone asked for" in found.objects


def test_a_copy_of_a_challenge_from_later_on(tmp_path: Path) -> None:
    """A shared nonce was given out for more than a second already where a copy of it has a later time than the answer
    behind it."""
    phones = [Phone(number) for number in range(60)]
    copies: list[tuple[Packet, Packet]] = []
    for number, phone in enumerate(phones[:20]):
        phone.registers(number * 0.3)
    for number, (one, other) in enumerate(zip(phones[20::2], phones[21::2], strict=True)):
        at, nonce = 10 + 3.0 * number, _nonce(number)
        challenge = one.challenged(at, nonce)
        one.granted(at + 0.3)
        answer = other.challenged(at + 0.9, nonce)
        other.granted(at + 1.5)
        if number >= 15:
            copies.append((answer, challenge._replace(time=challenge.time + 13 * SECOND // 10)))
    several = together(*phones)
    for answer, copy in copies:
        several.insert(several.index(answer), copy)
    found = assert_same(write(tmp_path / "back.pcap", several))
    assert found.columnar > 30, found.why


@pytest.mark.parametrize("others", [_FEW - 20, 2 * _FEW])
def test_a_nonce_that_is_given_out_again_when_it_is_forgotten(
    others: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the nonces that come back were remembered until then."""
    for module in _MODULES:
        monkeypatch.setattr(f"analyzer.{module}.MOST_NONCES", _FEW)
    phones = [Phone(number, host=number % 200) for number in range(300)]
    for number, phone in enumerate(phones):
        again = number - (others if number % 20 == 7 else 10)
        phone.registers(number * 0.3, _nonce(again if number % 10 == 7 and again >= 0 else number))
    assert_same(write(tmp_path / "again.pcap", together(*phones)))
