"""Counts the hashes that verdict and diagnosis compute, and the octets that go into them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analyzer.register.digest import arithmetic as digest_arithmetic
from analyzer.register.digest.diagnosis import recipe


class Hashes:
    """`count` hashes of `octets` octets so far."""

    def __init__(self) -> None:
        self.count = self.octets = 0

    def counting(self, function: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
        """The hash function, counted."""

        def counted(octets: bytes) -> bytes:
            self.count += 1
            self.octets += len(octets)
            return function(octets)

        return counted

    def of(self, function: Callable[[], object]) -> int:
        """How many hashes a call computes."""
        before = self.count
        function()
        return self.count - before


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> Hashes:
    """Every hash of a password or user name is counted from here on."""
    counter, plain = Hashes(), digest_arithmetic.hash_function

    def counted(hash_name: str) -> Callable[[bytes], bytes] | None:
        function = plain(hash_name)
        return function and counter.counting(function)

    monkeypatch.setattr(digest_arithmetic, "hash_function", counted)
    for name, function in recipe.HASHES.items():
        monkeypatch.setitem(recipe.HASHES, name, counter.counting(function))
    return counter
