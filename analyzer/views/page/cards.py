"""What is broken, kind by kind, and the card of each client that is shown with its messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from analyzer.escape import visible
from analyzer.judge.findings import Finding
from analyzer.register.registration import Registration
from analyzer.sip.text import clip
from analyzer.views.gathered import MOST_DETAIL
from analyzer.views.page.blocks import PageCanvas, Run, runs_of
from analyzer.views.page.ladder import Ladder, Library
from analyzer.views.page.roster import class_of, cut, name_of
from analyzer.views.page.timeline import Piece, Span, pieces_of, spoken
from analyzer.views.states import ClientSummary, State
from analyzer.views.table.clients import Line, below
from analyzer.views.table.phrases import what, why
from analyzer.views.table.witness import advised
from analyzer.views.words import place_words, sentence

MOST_KINDS = 40
"""Kinds of trouble that have an entry."""
MOST_NAMED = 6
LONGEST_NAME = 96


class Kind(NamedTuple):
    """Clients with the same trouble: one stands for them; `others` counts the rest, `named` are some with the number of
    their ladder (0: none). `parts` say why, what else is known of it, who it is."""

    name: str
    others: int
    word: str
    sign: str
    style: str
    what: str
    parts: list[list[Run]]
    fix: str
    place: str
    ladder: int
    named: list[tuple[str, int]]


class Card(NamedTuple):
    """A client that is shown with its messages, with its timeline as a picture and in words."""

    id: int
    head: Kind
    pieces: list[Piece]
    timeline: str
    ladder: Ladder
    total: int


def fixes_of(findings: Iterable[Finding]) -> dict[int, str]:
    """What mends each attempt that findings explain, by the number of the attempt: the first of them counts."""
    fixes: dict[int, str] = {}
    for finding in findings:
        fix = sentence(visible(clip(finding.fix, MOST_DETAIL)))
        for attempt in finding.explains if fix else ():
            fixes.setdefault(attempt, fix)
    return fixes


def kinds_of(clients: ClientSummary, lines: Sequence[Line], ladders: set[int], fixes: dict[int, str]) -> list[Kind]:
    """The kinds that somebody must look at."""
    canvas = PageCanvas()
    shown = [line for line in lines if line.state.listed][:MOST_KINDS]
    return [kind_of(canvas, clients, line, ladders, fixes) for line in shown]


def kind_of(canvas: PageCanvas, clients: ClientSummary, line: Line, ladders: set[int], fixes: dict[int, str]) -> Kind:
    """A kind, or a single client as one."""
    others = sorted(line.others, key=lambda one: (one.id not in ladders, one.id))[:MOST_NAMED]
    return Kind(
        name=cut(name_of(line.one), LONGEST_NAME),
        others=len(line.others),
        word=line.state.word,
        sign=line.state.sign,
        style=class_of(line.state),
        what=canvas.safe(line.what),
        parts=[runs_of(part) for part in below(canvas, clients, line)],
        fix=_fix(line, fixes) if line.state.listed else "",
        place=place_words(clients.place(line.one)),
        ladder=line.one.id if line.one.id in ladders else 0,
        named=[(cut(name_of(one), 60), one.id if one.id in ladders else 0) for one in others],
    )


def _fix(line: Line, fixes: dict[int, str]) -> str:
    """What mends the trouble: as a finding has it, else as is known of what the server's own log says."""
    last = line.one.history.last
    found = fixes.get(last.id, "") if last is not None else ""
    return found or sentence(visible(clip(advised(line.one), MOST_DETAIL)))


def card_of(library: Library, one: Registration, state: State, span: Span | None, fixes: dict[int, str]) -> Card:
    """The card of a client."""
    clients = library.clients
    line = Line(state, one, what(clients, one, state), why(clients, one, state))
    pieces = pieces_of(one, span, clients.clock(one.place)) if span is not None else []
    return Card(
        id=one.id,
        head=kind_of(PageCanvas(), clients, line, set(), fixes),
        pieces=pieces,
        timeline=spoken(pieces) if span is not None else "",
        ladder=library.ladder(one),
        total=library.total(one),
    )
