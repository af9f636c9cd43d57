"""What a sentence names that several clients have, but not all, is each one's own."""

from __future__ import annotations

from pathlib import Path

from tests.columnar.captures import assert_same, write
from tests.columnar.phones import Phone, saying, together

_MOST = 55
"""Clients that have a name in common; a few more have another."""


def test_a_user_name_that_many_have(tmp_path: Path) -> None:
    phones = [Phone(number) for number in range(_MOST + 5)]
    for number, phone in enumerate(phones):
        phone.registers(number * 0.3)
        phone.registers(number * 0.3 + 60)
        name = b"trunk" if number < _MOST else b"other"
        phone.packets = saying(phone.packets, b'username="%d"' % (1_000_000 + number), b'username="%s"' % name)
        phone.packets = saying(phone.packets, b'uri="sip:example.com"', b'uri="sip:example.org"')
    found = assert_same(write(tmp_path / "trunk.pcap", together(*phones)))
    assert "the digest of trunk is for" in found.objects
    assert "the digest of other is for" in found.objects
