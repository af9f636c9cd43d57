"""What all steps over columns need: keys of values, equal values, groups (docs/columnar.md).

Keys are hashes with weights that are drawn anew in each run, so nobody can aim at one; and an equal key decides
nothing: `equal` and `groups` hold octets against octets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analyzer.columnar.layouts import weights
from analyzer.columnar.records import Flags, Keys, Numbers, Octets, Unsuited, rows_of, strings
from analyzer.columnar.scan import Scanned
from analyzer.columnar.template import PLACE

_AT_ONCE = 4096
"""Messages whose values are compared together."""
_KEYS_AT_ONCE = 1 << 16
LONGEST = 200
"""Octets of a value that is compared in columns."""


_WEIGHTS, _OF_COLUMNS = weights(LONGEST + 1), weights(64)


def by_length(lengths: npt.NDArray[Any]) -> list[tuple[int, Numbers]]:
    """The rows of each length that occurs."""
    sequence = np.argsort(lengths, kind="stable")
    ordered = lengths[sequence]
    cuts = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return [(int(lengths[part[0]]), part) for part in np.split(sequence, cuts) if len(part)]


@dataclass(slots=True)
class Values:
    """The values of columns in the rows of a scan."""

    scanned: Scanned

    def key(self, rows: Numbers, *columns: str) -> Keys:
        """A key for the values of these columns together."""
        keys = np.empty(len(rows), np.uint64)
        for begin in range(0, len(rows), _KEYS_AT_ONCE):
            part = slice(begin, begin + _KEYS_AT_ONCE)
            keys[part] = self._keys(rows[part], columns)
        return keys

    def _keys(self, rows: Numbers, columns: Sequence[str]) -> Keys:
        key = np.zeros(len(rows), np.uint64)
        octets = self.scanned.packets.records.octets
        for number, name in enumerate(columns):
            at, lengths = self.scanned.place(name, rows), self.scanned.size(name, rows)
            own = np.empty(len(rows), np.uint64)
            for length, part in by_length(lengths):
                if length > LONGEST:
                    raise Unsuited("a value is very long")
                own[part] = _key(octets, at[part], length) + _of_length(length)
            key = _mixed(key + own * _OF_COLUMNS[number])
        return key

    def keys_of(self, written: Sequence[tuple[str, ...]]) -> Keys:
        """The keys of values that stand elsewhere than in columns: of several together in each row."""
        keys = np.zeros(len(written), np.uint64)
        for number, column in enumerate(zip(*written, strict=True)):
            texts = [value.encode("utf-8", "surrogateescape")[:LONGEST] for value in column]
            lengths = np.array([len(text) for text in texts], np.int64)
            octets = np.frombuffer(b"".join(texts), np.uint8)
            at, own = np.cumsum(lengths) - lengths, np.empty(len(texts), np.uint64)
            for length, part in by_length(lengths):
                own[part] = _key(octets, at[part], length) + _of_length(length)
            keys = _mixed(keys + own * _OF_COLUMNS[number])
        return keys

    def equal(self, one: Numbers, two: Numbers, *columns: str) -> Flags:
        """Whether the values of each column are the same octets in rows `one` and `two`."""
        found = np.empty(len(one), np.bool_)
        for begin in range(0, len(one), _AT_ONCE):
            part = slice(begin, begin + _AT_ONCE)
            found[part] = self._equal(one[part], two[part], columns)
        return found

    def _equal(self, one: Numbers, two: Numbers, columns: Sequence[str]) -> Flags:
        """The same for so few rows that their octets stay at hand from column to column."""
        scanned = self.scanned
        packets, layouts = scanned.packets, scanned.layouts
        octets, laid, other = packets.records.octets, scanned.layout[one], scanned.layout[two]
        here, there = packets.start[one], packets.start[two]
        found = np.ones(len(one), np.bool_)
        for name in columns:
            starts, lengths = layouts.starts[PLACE[name]], layouts.lengths[PLACE[name]]
            sizes = lengths[laid]
            found &= sizes == lengths[other]
            for length, part in by_length(sizes):
                if length:
                    part = part[found[part]]
                    first, second = here[part] + starts[laid[part]], there[part] + starts[other[part]]
                    found[part] = _same_octets(octets, first, second, length)
        return found

    def are(self, rows: Numbers, name: str, written: bytes) -> Flags:
        """Whether a column, of which all values are that long, has these octets in each row."""
        scanned = self.scanned
        at = scanned.place(name, rows)
        found: Flags = strings(scanned.packets.records.octets, at, len(written)) == written
        return found

    def copies(self, one: Numbers, two: Numbers) -> Flags:
        """Whether two messages are the same octets."""
        packets = self.scanned.packets
        octets, lengths = packets.records.octets, packets.length[one]
        found: Flags = lengths == packets.length[two]
        for length, part in by_length(lengths):
            part = part[found[part]]
            found[part] = _same_octets(octets, packets.start[one[part]], packets.start[two[part]], length)
        return found

    def text(self, row: int, name: str) -> str:
        """One value."""
        return self.texts(np.array([row]), name)[0]

    def texts(self, rows: Numbers, name: str) -> list[str]:
        """The values of a column; all of them have characters of ASCII (`template.ALLOWED`)."""
        scanned = self.scanned
        at = scanned.place(name, rows)
        found: list[str] = [""] * len(rows)
        for length, part in by_length(scanned.size(name, rows)):
            if length:
                several = strings(scanned.packets.records.octets, at[part], length).tobytes().decode("ascii")
                for number, row in enumerate(part.tolist()):
                    found[row] = several[number * length : (number + 1) * length]
        return found


def _key(octets: Octets, at: Numbers, length: int) -> Keys:
    """A key for so many octets from each place on: eight at a time, as numbers, each with its weight."""
    key = np.zeros(len(at), np.uint64)
    whole = length - length % 8
    if whole:
        words = rows_of(octets, at, whole).view("<u8")
        for number in range(whole // 8):
            key += _turned(words[:, number]) * _WEIGHTS[number]
    if length > whole:
        rest = np.zeros((len(at), 8), np.uint8)
        rest[:, : length - whole] = rows_of(octets, at + whole, length - whole)
        key += _turned(rest.view("<u8")[:, 0]) * _WEIGHTS[whole // 8]
    return key


def _turned(words: Keys) -> Keys:
    """High bits count as low ones do."""
    turned: Keys = words ^ (words >> np.uint64(29))
    return turned


def _same_octets(octets: Octets, one: Numbers, two: Numbers, length: int) -> Flags:
    """Whether so many octets are the same from both places on, as strings of one length (`records.begins_with`)."""
    found: Flags = strings(octets, one, length) == strings(octets, two, length)
    return found


def _of_length(length: int) -> np.uint64:
    return np.uint64(int(_WEIGHTS[LONGEST]) * length & 0xFFFF_FFFF_FFFF_FFFF)


def mixed(*columns: npt.NDArray[Any]) -> Keys:
    """One key for several columns of numbers."""
    key = np.zeros(len(columns[0]), np.uint64)
    for number, column in enumerate(columns):
        key = _mixed(key + column.astype(np.uint64) * _OF_COLUMNS[number] + _OF_COLUMNS[63])
    return key


def _mixed(key: Keys) -> Keys:
    mixed: Keys = key ^ (key >> np.uint64(32))
    mixed *= _OF_COLUMNS[62]
    return mixed ^ (mixed >> np.uint64(29))


def numbered(keys: npt.NDArray[Any]) -> tuple[Numbers, int]:
    """Numbers from 0 for equal keys, and how many there are."""
    _, which = np.unique(keys, return_inverse=True)
    return which.astype(np.int64), int(which.max(initial=-1)) + 1


def same_rows(*columns: npt.NDArray[Any]) -> tuple[Numbers, Numbers]:
    """Numbers from 0 for rows that are equal in all columns, and the first row of each number."""
    _, first, which = np.unique(mixed(*columns), return_index=True, return_inverse=True)
    if not all(bool((column == column[first[which]]).all()) for column in columns):
        raise Unsuited("two classes have one key")
    return which.astype(np.int64), first


def is_again(groups: npt.NDArray[Any]) -> Flags:
    """Whether each row has the group of the row before it."""
    return np.append(False, groups[1:] == groups[:-1])[: len(groups)]


def any_of(flags: Flags, groups: Numbers, count: int) -> Flags:
    """For each group whether any of its rows has the flag."""
    found = np.zeros(count, np.bool_)
    found[groups[flags]] = True
    return found


def firsts(groups: Sequence[int] | Numbers, count: int) -> Numbers:
    """The first row of each group; rows stand in order."""
    first = np.full(count, -1, np.int64)
    rows = np.asarray(groups, np.int64)[::-1]
    first[rows] = np.arange(len(rows) - 1, -1, -1)
    return first
