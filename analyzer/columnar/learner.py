"""What is known of lines, learned from what the parser reads in them, by one process or by several
(docs/columnar.md).

Several processes that read shares of a capture each learn for themselves, from the same state on. What they learned is
the same where it has the same contents, whatever its numbers are; so it is numbered anew when it is put together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from analyzer.columnar.layouts import LayoutTable, Template
from analyzer.columnar.packets import Packets
from analyzer.columnar.records import Small
from analyzer.columnar.template import Span, spans_of
from analyzer.escape import Told
from analyzer.evidence import Endpoint, Frame, RawMessage
from analyzer.sip.message import Message, parse

_MOST_TEMPLATES = 64
"""Templates of lines of one length and beginning; a line that needs one more is unusual."""
_MOST_KINDS = 4000
_MANY_NEW = 20_000
"""Messages that may be read to learn from; whoever makes up more kinds of lines is for the object path."""
_NOWHERE = Endpoint("192.0.2.1", 5060)

Group = tuple[int, int]
"""A beginning and a length of lines, by which templates are looked up."""
Pattern = tuple[object, ...]
"""A line without its values."""


class BeyondBounds(Told):
    """More would have to be learned than is."""


class State(NamedTuple):
    """How much a learner knew at some time: templates, patterns, layouts, messages that were read."""

    templates: int
    kinds: int
    layouts: int
    reads: int


class Learned(NamedTuple):
    """What a learner learned since some state, in the order of its numbers: patterns; templates, with the group of
    each; layouts by their templates (layouts, `MOST_LINES`); and how many messages it read for that."""

    kinds: list[Pattern]
    templates: list[tuple[Group, Template]]
    layouts: Small
    reads: int


@dataclass(slots=True)
class Learner:
    """What is known of lines, and the columns that it fills: of each message its `layout` and its `cseq`
    (`scan.Scanned`). `kinds` numbers patterns; `templates` are those of a group, `table` has all of them. One that
    `is_strict` raises `BeyondBounds` where another leaves messages unknown."""

    packets: Packets
    layout: Small
    cseq: Small
    is_strict: bool = False
    table: LayoutTable = field(default_factory=LayoutTable)
    templates: dict[Group, list[Template]] = field(default_factory=dict)
    kinds: dict[Pattern, int] = field(default_factory=dict)
    read: dict[int, list[Span]] = field(default_factory=dict)
    reads: int = 0

    def templates_of(self, group: Group) -> list[Template]:
        """The templates of a group; `learn` adds to them."""
        return self.templates.setdefault(group, [])

    def learn(self, templates: list[Template], row: int, start: int, length: int) -> bool:
        """Add the template of the line that begins at `start` of the payload of message `row` to those of its group;
        False where there are too many already."""
        if len(templates) >= _MOST_TEMPLATES or self.reads >= _MANY_NEW or len(self.kinds) >= _MOST_KINDS:
            return self._refuse()
        message = octets_of(self.packets, row)
        spans = self.read.get(row)
        if spans is None:
            self.reads += 1
            self.read.clear()
            spans = self.read[row] = spans_of(read(message))
        own = tuple(Span(one.column, one.start - start, one.end - start) for one in spans if one.start >= start)
        own = tuple(one for one in own if one.end <= length)
        line = message[start : start + length]
        pattern: list[object] = []
        literal: list[tuple[int, bytes]] = []
        before = 0
        for span in own:
            literal.append((before, line[before : span.start]))
            pattern += [line[before : span.start], span.column]
            before = span.end
        literal.append((before, line[before:]))
        kind = self._kind_of((*pattern, line[before:]))
        self._add(templates, Template(tuple(part for part in literal if part[1]), own, length, kind, 0))
        return True

    def layouts_of(self, lines: Small) -> Small:
        """The layout of each message, by the templates of its lines (messages, `MOST_LINES`); 0 where there are too
        many."""
        found = self.table.numbers_of(lines)
        if not found.all():
            self._refuse()
        return found

    def state(self) -> State:
        """How much is known now."""
        return State(len(self.table.templates), len(self.kinds), len(self.table), self.reads)

    def since(self, state: State) -> Learned:
        """What was learned since then."""
        fresh = [
            (group, one)
            for group, templates in self.templates.items()
            for one in templates
            if one.number > state.templates
        ]
        fresh.sort(key=lambda one: one[1].number)
        kinds = list(self.kinds)[state.kinds :]
        return Learned(kinds, fresh, self.table.since(state.layouts), self.reads - state.reads)

    def take_in(self, state: State, learned: Learned) -> Small:
        """Take in what another learned, who knew at that state what is known here; the layouts here by those there.
        Raises `BeyondBounds` where one learner that learned all of that might have refused some."""
        self.reads += learned.reads
        kinds = {state.kinds + number: self._kind_of(pattern) for number, pattern in enumerate(learned.kinds, 1)}
        known = {(group, one._replace(number=0)): one.number for group, own in self.templates.items() for one in own}
        templates = np.arange(state.templates + len(learned.templates) + 1, dtype=np.uint32)
        for group, one in learned.templates:
            content = one._replace(kind=kinds.get(one.kind, one.kind), number=0)
            number = known.get((group, content)) or self._add(self.templates_of(group), content)
            templates[one.number] = number
        layouts = np.arange(state.layouts + len(learned.layouts) + 1, dtype=np.uint32)
        for number, sequence in enumerate(templates[learned.layouts], state.layouts + 1):
            layouts[number] = self.table.number_of(sequence) or self._refuse()
        most = max(map(len, self.templates.values()), default=0)
        if most >= _MOST_TEMPLATES or self.reads >= _MANY_NEW or len(self.kinds) >= _MOST_KINDS:
            self._refuse()
        return layouts

    def _kind_of(self, pattern: Pattern) -> int:
        return self.kinds.setdefault(pattern, len(self.kinds) + 1)

    def _add(self, templates: list[Template], template: Template) -> int:
        """Add a template to those of its group; the number that it has now."""
        number = len(self.table.templates) + 1
        templates.append(template._replace(number=number))
        self.table.templates.append(templates[-1])
        return number

    def _refuse(self) -> bool:
        if self.is_strict:
            raise BeyondBounds
        return False


def octets_of(packets: Packets, row: int) -> bytes:
    """The payload of one message."""
    at = packets.start[row]
    return packets.records.octets[at : at + packets.length[row]].tobytes()


def read(payload: bytes) -> Message:
    """A message as the parser reads it."""
    return parse(RawMessage(payload, 0, Frame("", 1), _NOWHERE, _NOWHERE))
