"""Changed inputs without a fuzzer: the same seed gives the same octets, on every machine."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

LONGEST = 1 << 16
_NUMBERS = (b"0", b"-1", b"4294967296", b"99999999999999999999", b"9" * 5000, b"\xd9\xa3", b"1e9", b"")
_MARKS = (
    b'"', b"\\", b"<", b">", b";", b",", b"=", b":", b"@", b"?", b"\r\n", b"\n", b"\r", b"\r\n ", b"\r\n\r\n", b"\0",
    b"\xff", b"\x1b[2J", b"\xe2\x80\xae", b"\xed\xa0\x80", b"%00", b"*", b"[", b"{", b"(", b" ", b"SIP/2.0", b"Digest ",
)  # fmt: skip


def _place(octets: bytes, chance: random.Random) -> tuple[int, int]:
    """A short piece of `octets`."""
    start = chance.randrange(len(octets) + 1)
    return start, min(len(octets), start + chance.choice((0, 1, 1, 2, 4, 8, 40, 400)))


def _changed(octets: bytes, chance: random.Random) -> bytes:
    start, end = _place(octets, chance)
    return octets[:start] + chance.randbytes(end - start) + octets[end:]


def _removed(octets: bytes, chance: random.Random) -> bytes:
    start, end = _place(octets, chance)
    return octets[:start] + octets[end:]


def _repeated(octets: bytes, chance: random.Random) -> bytes:
    start, end = _place(octets, chance)
    return octets[:end] + octets[start:end] * chance.choice((1, 2, 100)) + octets[end:]


def _marked(octets: bytes, chance: random.Random) -> bytes:
    start, end = _place(octets, chance)
    mark = chance.choice(_MARKS) * chance.choice((1, 1, 1, 2, 50))
    return octets[:start] + mark + octets[chance.choice((start, end)) :]


def _numbered(octets: bytes, chance: random.Random) -> bytes:
    """A number in place of digits."""
    digits = [at for at, octet in enumerate(octets) if 0x30 <= octet <= 0x39]
    start = chance.choice(digits) if digits else 0
    end = start
    while end < len(octets) and 0x30 <= octets[end] <= 0x39:
        end += 1
    return octets[:start] + chance.choice(_NUMBERS) + octets[end:]


def _edge(octets: bytes, chance: random.Random) -> bytes:
    """Extreme values of binary fields."""
    start = chance.randrange(len(octets) + 1)
    value = chance.choice((b"\0", b"\xff", b"\x7f", b"\x80")) * chance.choice((1, 2, 4, 8))
    return octets[:start] + value + octets[start + len(value) :]


def _sized(octets: bytes, chance: random.Random) -> bytes:
    """A field of two octets that counts something, in either order, with a small step."""
    if len(octets) < 2:
        return octets
    start = chance.randrange(len(octets) - 1)
    order: Literal["big", "little"] = chance.choice(("big", "little"))
    count = int.from_bytes(octets[start : start + 2], order) + chance.choice((-8, -4, -1, 1, 4, 8, 6, 256))
    return octets[:start] + (count % 65536).to_bytes(2, order) + octets[start + 2 :]


def _cut(octets: bytes, chance: random.Random) -> bytes:
    return octets[: chance.randrange(len(octets) + 1)]


_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _changed, _changed, _removed, _repeated, _marked, _marked, _numbered, _edge, _sized, _cut,
)  # fmt: skip


def changed(octets: bytes, chance: random.Random) -> bytes:
    """One change, or a few."""
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        octets = chance.choice(_CHANGES)(octets, chance)
    return octets[:LONGEST]


def mutants(seeds: Sequence[bytes], count: int, seed: int = 1) -> Iterator[bytes]:
    """Each of `seeds` as it is, then `count` changed ones, some spliced from two."""
    chance = random.Random(seed)
    yield from seeds
    for _ in range(count):
        octets = chance.choice(seeds)
        if chance.random() < 0.15:
            other = chance.choice(seeds)
            octets = octets[: _place(octets, chance)[0]] + other[_place(other, chance)[0] :]
        yield changed(octets, chance)
