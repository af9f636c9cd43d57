"""The ladder as a sequence diagram of Mermaid, for wikis, tickets and READMEs that draw it.

Whatever was on the wire, or came of it, is written with Mermaid's codes of characters (`#59;`) for all but letters,
digits and a few signs: there is no end of a line or statement, no comment, directive, markup or formula in it. Names of
participants are ours.
"""

from __future__ import annotations

import re
import textwrap
from typing import IO

from analyzer.escape import visible
from analyzer.judge.findings import Severity
from analyzer.views.ladder.model import Between, Ladder, Note, Step
from analyzer.views.words import count, sentence

_ACTIVE = re.compile(r"[^A-Za-z0-9 .,/@=_?!()\[\]-]")
_MOST = 300
"""Characters of one text."""
_WORD = 70
"""The same of an address, a program or a start line: what is longer is cut in the middle."""
_WRAPPED = 56
"""Characters of a line of a note, which Mermaid would draw as wide as it is."""
_SIGN: dict[Severity, str] = {"error": "✗", "warning": "!", "info": "·"}


def render(ladder: Ladder, out: IO[str]) -> None:
    """Write the diagram, in ASCII."""
    lanes = [f"p{at}" for at in range(len(ladder.lanes))]
    over = f"{lanes[0]},{lanes[-1]}" if len(lanes) > 1 else "".join(lanes[:1])
    out.write("sequenceDiagram\n")
    out.write(f"    title {inert(ladder.title)}\n")
    for name, lane in zip(lanes, ladder.lanes, strict=True):
        agent = f"<br/>{_short(lane.agent)}" if lane.agent else ""
        out.write(f"    participant {name} as {_short(lane.label)}{agent}\n")
    if over:
        out.write(f"    Note over {over}: {'<br/>'.join(map(inert, ladder.subtitle))}\n")
    for row in ladder.rows:
        if isinstance(row, Between):
            out.write(f"    Note over {over}: {inert(row.text)}\n")
        else:
            _write_step(out, row, lanes, over)
    if over:
        for note in ladder.unplaced:
            out.write(f"    Note over {over}: {_noted(note)}<br/>(at no message that is drawn)\n")
        if ladder.more_unplaced:
            out.write(f"    Note over {over}: and {count(ladder.more_unplaced, 'more finding')}\n")


def _write_step(out: IO[str], step: Step, lanes: list[str], over: str) -> None:
    message = step.message
    arrow = "-x" if message.is_error else "->>" if message.method else "-->>"
    facts = "<br/>".join(inert(part) for part in (" - ".join(step.facts), f"{step.clock}, {step.where}") if part)
    out.write(f"    {lanes[step.start]}{arrow}{lanes[step.end]}: {_short(message.what)}<br/>{facts}\n")
    for note in step.notes:
        out.write(f"    Note over {over}: {_noted(note)}\n")
    if step.more_notes:
        out.write(f"    Note over {over}: and {count(step.more_notes, 'more finding')} here\n")


def _noted(note: Note) -> str:
    shown = visible(f"{_SIGN[note.severity]} {note.word}: {sentence(note.text)}")[:_MOST]
    return "<br/>".join(map(inert, [*textwrap.wrap(shown, _WRAPPED), *([note.source] if note.source else ())]))


def _short(text: str) -> str:
    shown = visible(text)
    return inert(shown if len(shown) <= _WORD else f"{shown[: _WORD // 2]}…{shown[-_WORD // 2 :]}")


def inert(text: str) -> str:
    """`text` as Mermaid shows it and does nothing else with it."""
    shown = visible(text)
    shown = shown if len(shown) <= _MOST else f"{shown[:_MOST]}…"
    return _ACTIVE.sub(lambda found: f"#{ord(found[0])};", shown)
