"""From the messages of a document to flows: each titled flow is a capture of its own, in the order of its numbers.

A flow ends where a number comes again, and where a title stands, unless what follows the title goes on counting. The
numbers order the messages (a slide may show them in any order); where they are missing, the place in the document does.
The legend of a document may stand behind its first flow, so what a document of usual size holds is kept to its end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import BinaryIO

from analyzer.capture.flows.mending import EMPHASISED, REPAIRS, Line, mended
from analyzer.capture.flows.scan import Found, Scanner
from analyzer.capture.text import guessing
from analyzer.capture.text.carriers import NONE, Carriers
from analyzer.capture.text.grammar import METHODS
from analyzer.capture.text.lines import chunks_of, lines_of
from analyzer.capture.text.payload import CRLF
from analyzer.capture.text.rows import beginning
from analyzer.capture.text.told_ends import via_end
from analyzer.defect import Defect
from analyzer.evidence import Endpoint, Fidelity, FlowStep, LogLines, RawMessage, ShownFlow, Source
from analyzer.sip.text import text

HELD = 4 << 20
"""Octets of a document that are read before its first flow is given out: behind them the legend is what it is."""
MOST_STEPS = 1000
"""Messages of one flow."""
MOST_LISTED = 1000
"""Flows that the source lists."""
LONGEST_TITLE = 120
"""Octets of a title that are kept."""
_BEFORE = re.compile(rb"\(?(?:[1-6]\d\d|" + METHODS + rb")\b\)?[ \t]*", re.IGNORECASE)
_BEHIND = re.compile(rb"(?:[ \t]*:|[ \t])[ \t]*\(?(?:[1-6]\d\d\b|(?:" + METHODS + rb")\b).{0,80}\Z")
"""Method or status in a heading, before or behind the names."""
_TRANSPORT = re.compile(rb"(?:via|v)[ \t]*:[ \t]*SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*([A-Za-z]{2,8})", re.IGNORECASE)


@dataclass(slots=True)
class Flow:
    """The messages of one flow, by their numbers. `is_section`: its title is that of a numbered section."""

    title: bytes
    is_section: bool = False
    steps: dict[int, Found] = field(default_factory=dict)
    is_numbered: bool = False
    _highest: int = 0

    def take(self, message: Found) -> bool:
        """Add a message; False where its number was there before, or there are too many."""
        number = self._highest + 1 if message.number is None else message.number
        if number in self.steps or len(self.steps) == MOST_STEPS:
            return False
        self.steps[number] = message
        self._highest = max(self._highest, number)
        self.is_numbered = self.is_numbered or message.number is not None
        return True

    def goes_on_with(self, part: Flow) -> bool:
        """Take in what stands behind another title, if that only interrupts this flow: the numbers go on, or there are
        none."""
        if part.is_section or len(self.steps) + len(part.steps) > MOST_STEPS:
            return False
        if part.is_numbered and min(part.steps) <= self._highest:
            return False
        return all(self.take(message) for message in part.steps.values())


def flows(messages: Iterable[Found]) -> Iterator[Flow]:
    """The flows of a document, in its order."""
    flow: Flow | None = None
    for part in _parts(messages):
        if flow is not None and not flow.goes_on_with(part):
            yield flow
            flow = None
        flow = flow or part
    if flow is not None:
        yield flow


def _parts(messages: Iterable[Found]) -> Iterator[Flow]:
    """What stands between two titles, or between two messages of one number."""
    part: Flow | None = None
    for message in messages:
        if part is not None and not message.title and part.take(message):
            continue
        if part is not None:
            yield part
        part = Flow(message.title, message.is_section)
        part.take(message)
    if part is not None:
        yield part


_ITS_OWN = ("repaired-wraps", "repaired-indentation")
"""What a document is mended of by itself."""


class Document:
    """Reads one document into `source`; `recognised` tells a flow text, by which what carries its lines is found."""

    def __init__(self, source: Source, recognised: Callable[[bytes], bool]) -> None:
        self._source = source
        self._recognised = recognised
        self._scanner = Scanner()
        self._carriers = NONE
        self._octets = self._names = 0
        self._repairs: Counter[str] = Counter()
        self._flows = self._read = self._unnamed = 0

    def read(self, stream: BinaryIO) -> Iterator[RawMessage]:
        """The messages, flow by flow."""
        held: list[Flow] = []
        for flow in flows(self._scanner.messages(self._lines(stream))):
            if self._octets < HELD:
                held.append(flow)
                continue
            for one in held:
                yield from self._given(one)
            held.clear()
            yield from self._given(flow)
        for one in held:
            yield from self._given(one)
        self._report()

    def _lines(self, stream: BinaryIO) -> Iterator[Line]:
        chunks = chunks_of(stream)
        head = beginning(chunks)
        found = guessing.found(head, self._recognised, as_it_is=True)
        kept = tuple(one for one in found.all if one.code not in REPAIRS and one.code not in _ITS_OWN)
        joiner = found.joiner if found.joiner is not None and found.joiner.carriers else None
        self._carriers = Carriers(kept, joiner)  # what was wrapped or is HTML is seen to here
        lines = lines_of(chain((head,), chunks), self._cut_line)
        for number, physical in self._carriers.numbered(lines, 0):
            self._source.frames = number
            self._octets += len(physical) + 1
            for line, _ in self._carriers.lines(physical):
                yield from mended(number, line)

    def _cut_line(self, number: int) -> None:
        place = LogLines(self._source.name, number, number)
        self._source.defect("long-line", "a line is longer than this tool keeps; the rest of it was skipped", place)

    def _given(self, flow: Flow) -> Iterator[RawMessage]:
        """The messages of a flow in the order of their numbers."""
        self._flows += 1
        title = text(flow.title[:LONGEST_TITLE])
        shown = sorted(flow.steps)
        lines = [one.first for one in flow.steps.values()] + [one.last for one in flow.steps.values()]
        if len(self._source.flows) < MOST_LISTED:
            self._source.flows.append(ShownFlow(self._flows, title, min(lines), max(lines), len(shown)))
        for number, place in zip(shown, flow.steps, strict=True):
            found = flow.steps[number]
            if number != place:
                found.codes.add("repaired-order")
            yield self._message(found, FlowStep(self._flows, title, number))

    def _message(self, found: Found, step: FlowStep) -> RawMessage:
        found.headers.close()
        rows = [self._by_legend(row, found.codes) for row in (found.start, *found.headers.rows)]
        payload = CRLF.join((*rows, b"" if found.is_cut else CRLF + CRLF.join(found.body)))
        source, destination = self._ends(found, rows)
        self._read += 1
        self._repairs.update(found.codes)
        transport = next((match[1].decode("ascii").upper() for row in rows if (match := _TRANSPORT.match(row))), "UDP")
        defects = [Defect(code, f"the lines were {REPAIRS[code]}") for code in sorted(found.codes)]
        if found.is_cut:
            defects.append(Defect("cut-short", "neither Content-Length nor an empty line ends the message in the text"))
        return RawMessage(
            payload,
            None,
            LogLines(self._source.name, found.first, found.last),
            source,
            destination,
            transport,
            Fidelity.TEXT_LOG,
            missing=max(int(found.is_cut), found.marked.missing),
            defects=(*self._carriers.defects, *found.marked.defects, *defects),
            flow_step=step,
        )

    def _by_legend(self, row: bytes, codes: set[str]) -> bytes:
        """A row in which the names of the legend are what they stand for, and nothing is emphasised any more. They take
        no more room than the document has itself, however often they come."""
        legend = self._scanner.legend
        if legend and self._names < self._octets:
            fresh = _legend_pattern(tuple(legend)).sub(lambda match: legend[match[1] or match[2]], row)
            if fresh != row:
                self._names += max(len(fresh) - len(row), 0)
                codes.add("repaired-legend")
                row = fresh
        if b"**" not in row:
            return row
        bare = EMPHASISED.sub(rb"\1", row)
        if bare != row:
            codes.add("repaired-markup")
        return bare

    def _ends(self, found: Found, rows: Sequence[bytes]) -> tuple[Endpoint, Endpoint]:
        """From whom to whom: by the heading; else the client by the topmost Via, and the server by that name."""
        heading, is_response = found.heading, found.start.startswith(b"SIP/")
        if heading is not None and heading.left and heading.right:
            sender = _without_what(heading.left, found.start)
            if sender and heading.right:
                return Endpoint(text(sender), 0), Endpoint(text(_without_what(heading.right, found.start)), 0)
        self._unnamed += 1
        client = via_end(rows[1:], is_own=False) or Endpoint("client", 0)
        server = Endpoint("server", 0)
        return (server, client) if is_response else (client, server)

    def _report(self) -> None:
        """What a reader of the report has to know of the document."""
        source = self._source
        source.other += self._scanner.other
        if not self._read:
            source.hint = "flow text has headings such as `F1 REGISTER Bob -> Server`, and the message below each"
            return
        quality = source.quality
        many = "1 flow" if self._flows == 1 else f"{self._flows} flows, each judged as a capture of its own"
        quality.append(f"The text shows {many}. It has no clock: nothing can be said about times.")
        if self._unnamed:
            quality.append(f"{_messages(self._unnamed)} no heading with names: who sent it is told by Via alone.")
        for code, count in sorted(self._repairs.items()):
            quality.append(f"The lines were {REPAIRS[code]}, in {count} of {_of(self._read)}.")
        quality.extend(f"The lines were {one.says}." for one in self._carriers.all)
        if passed := self._scanner.other:
            which = "1 heading or start line has" if passed == 1 else f"{passed} headings or start lines have"
            quality.append(f"{which} no headers below: what was shown there is not read.")


@lru_cache(maxsize=8)
def _legend_pattern(names: tuple[bytes, ...]) -> re.Pattern[bytes]:
    """Where a name of the legend stands for a host: emphasised, or where a host stands in a URI, a Via, a realm."""
    either = b"|".join(map(re.escape, names))
    return re.compile(
        rb"\*\*(" + either + rb")\*\*|"
        rb"(?:(?<=[@./:])|(?<==\")|(?<=/UDP )|(?<=/TCP )|(?<=/TLS ))(" + either + rb")(?![\w@-]|\.\w)"
    )


def _without_what(left: bytes, start: bytes) -> bytes:
    """A name in a heading: without method, or status and reason, before or behind it."""
    reason = start[8:].strip() if start.startswith(b"SIP/") else b""
    if reason and left.lower().startswith(reason.lower()):
        return left[len(reason) :].strip(b" \t:,")
    match = _BEFORE.match(left)
    return _BEHIND.sub(b"", left[match.end() :] if match else left).strip(b" \t:,()")


def _of(number: int) -> str:
    return "1 message" if number == 1 else f"{number} messages"


def _messages(number: int) -> str:
    return "1 message has" if number == 1 else f"{number} messages have"
