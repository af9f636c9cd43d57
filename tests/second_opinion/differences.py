"""Two readings held against each other, and differences with names.

A difference that is known is written down with both readings and the reason, and the table is held to be exact: one
that is not there fails a test, and so does one that is there no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import NamedTuple

from tests.second_opinion.readings import Heard

WHOLE = "message"
"""The part that differs where one of the two saw no message at all; the readings are then the start lines."""


class Difference(NamedTuple):
    """What differs in one message: `part` of the message at `place` (from 0) in a frame."""

    frame: int
    place: int
    part: str
    tshark: object
    ours: object


class Known(NamedTuple):
    """A difference that has a name: both readings, and `why` (who is right, by which clause)."""

    part: str
    tshark: object
    ours: object
    why: str


def differences(theirs: Iterable[Heard], ours: Iterable[Heard]) -> list[Difference]:
    """Everything in which two readings differ, message for message of each frame."""
    left, right = _by_frame(theirs), _by_frame(ours)
    found = []
    for number in sorted(left.keys() | right.keys()):
        for place, (one, other) in enumerate(zip_longest(left.get(number, ()), right.get(number, ()))):
            found += [Difference(number, place, *unlike) for unlike in _unlike(one, other)]
    return found


def _by_frame(heard: Iterable[Heard]) -> dict[int, list[Heard]]:
    frames: dict[int, list[Heard]] = {}
    for one in heard:
        frames.setdefault(one.frame, []).append(one)
    return frames


def _unlike(one: Heard | None, other: Heard | None) -> list[tuple[str, object, object]]:
    if one is None or other is None:
        return [(WHOLE, one and one.start, other and other.start)]
    pairs = zip(Heard._fields, one, other, strict=True)
    return [(part, theirs, ours) for part, theirs, ours in pairs if theirs != ours]


def unnamed(found: Iterable[Difference], names: Mapping[int, str], known: Mapping[str, Iterable[Known]]) -> list[str]:
    """Differences without a name, and names without a difference. `names` says what each frame is, `known` what of it
    differs. A frame that `names` does not know is called by its number."""
    seen = {(names.get(one.frame, str(one.frame)), one.part, one.tshark, one.ours) for one in found}
    named = {(name, one.part, one.tshark, one.ours) for name, several in known.items() for one in several}
    return [f"no reason is given: {one}" for one in sorted(seen - named, key=repr)] + [
        f"does not occur: {one}" for one in sorted(named - seen, key=repr)
    ]
