"""Layouts: messages whose lines have the same templates in the same order hold each value at the same place
(docs/columnar.md).

A capture has many messages and few layouts, so what a layout tells is kept once; of a message its number is.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from analyzer.columnar.records import Keys, Numbers, Short, Small, Unsuited
from analyzer.columnar.template import COLUMNS, Span

MOST_LINES = 32
"""Lines of a message that is read in columns."""
MOST_LAYOUTS = 200_000
"""Layouts that are known at one time; a message that needs one more is unusual."""


def weights(count: int) -> Keys:
    """Weights for keys, drawn anew in each run."""
    return np.frombuffer(secrets.token_bytes(8 * count), np.uint64) | np.uint64(1)


_WEIGHTS = weights(MOST_LINES)


class Template(NamedTuple):
    """A line of one length: its literal parts by place, where values lie, its length in octets, its kind (a line
    without its values), and its number among all templates, from 1."""

    literal: tuple[tuple[int, bytes], ...]
    spans: tuple[Span, ...]
    length: int
    kind: int
    number: int


@dataclass(slots=True)
class Layouts:
    """All layouts of a capture by their numbers: the kinds of their lines (layouts, `MOST_LINES`), 0 behind the last,
    and where values lie in the payload (columns, layouts); of length 0 are those that are not there. Number 0 is of
    messages that have none."""

    kinds: Short
    starts: Short
    lengths: Short

    def __len__(self) -> int:
        return len(self.kinds)


def sequences_of(lines: Small | Short) -> tuple[Numbers, Numbers]:
    """The first row of each sequence that occurs in rows (messages, `MOST_LINES`), and the number of the sequence in
    each row, from 0."""
    keys = np.zeros(len(lines), np.uint64)
    for column in np.flatnonzero(lines.any(axis=0)).tolist():
        keys += lines[:, column] * _WEIGHTS[column]
    keys ^= keys >> np.uint64(31)
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    if not bool((lines == lines[first[which]]).all()):
        raise Unsuited("two sequences of lines have one key")
    return first.astype(np.int64), which.astype(np.int64)


@dataclass(slots=True)
class LayoutTable:
    """Gives numbers to the layouts of messages as they come."""

    templates: list[Template] = field(default_factory=list)
    _numbers: dict[bytes, int] = field(default_factory=dict)
    _sequences: list[Small] = field(default_factory=list)

    def numbers_of(self, lines: Small) -> Small:
        """The layout of each message, by the templates of its lines (messages, `MOST_LINES`); 0 where there are too
        many."""
        first, which = sequences_of(lines)
        found: Small = np.array([self.number_of(lines[row]) for row in first.tolist()], np.uint32)[which]
        return found

    def __len__(self) -> int:
        return len(self._sequences)

    def since(self, count: int) -> Small:
        """The templates of the layouts behind the first `count` (layouts, `MOST_LINES`), in the order of their
        numbers."""
        found = np.zeros((len(self) - count, MOST_LINES), np.uint32)
        for row, sequence in enumerate(self._sequences[count:]):
            found[row] = sequence
        return found

    def number_of(self, sequence: Small) -> int:
        """The layout of one message by the templates of its lines; 0 where there are too many."""
        key = sequence.tobytes()
        number = self._numbers.get(key, 0)
        if not number and len(self._numbers) < MOST_LAYOUTS:
            number = self._numbers[key] = len(self._numbers) + 1
            self._sequences.append(sequence.copy())
        return number

    def layouts(self) -> Layouts:
        """What is known of all of them."""
        count = len(self._sequences) + 1
        found = Layouts(
            np.zeros((count, MOST_LINES), np.uint16),
            np.zeros((len(COLUMNS), count), np.uint16),
            np.zeros((len(COLUMNS), count), np.uint16),
        )
        for number, sequence in enumerate(self._sequences, 1):
            self._lay_out(found, number, [self.templates[one - 1] for one in sequence.tolist() if one])
        return found

    @staticmethod
    def _lay_out(found: Layouts, number: int, templates: Sequence[Template]) -> None:
        at = 0
        for line, template in enumerate(templates):
            found.kinds[number, line] = template.kind
            for span in template.spans:
                found.starts[span.column, number] = at + span.start
                found.lengths[span.column, number] = span.end - span.start
            at += template.length + len("\r\n")
