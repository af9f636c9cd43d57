"""The clients: a line for each that is in trouble, the alike folded, the healthy counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.text import Text

from analyzer.register.registration import Registration
from analyzer.views import ViewOptions
from analyzer.views.drawing.canvas import BAD, DIM, GOOD, STRONG, WARN, Canvas, widest
from analyzer.views.states import REGISTERED, STATES, ClientSummary, State, address_of, commonest
from analyzer.views.table.between import before, in_between
from analyzer.views.table.phrases import alike, what, what_all, why, why_all
from analyzer.views.words import count, place_words

MOST_LINES = 20
"""Lines of trouble; more only with --all."""
MOST_ALIKE = 3
"""Clients with the same trouble that have a line each."""
FEW = 3
"""So few clients are all shown, healthy or not."""
_LEAST = 18
"""What is kept for the column that says what happened, however long the names are."""
_ORDER = STATES


@dataclass(slots=True)
class Line:
    """One line: its state, the client that stands for it, and the others."""

    state: State
    one: Registration
    what: str
    why: str
    others: list[Registration] = field(default_factory=list)


def draw_clients(canvas: Canvas, clients: ClientSummary, options: ViewOptions) -> None:
    """Those in trouble, then those in doubt, then the healthy."""
    show_all = options.all or len(clients.states) <= FEW
    chosen = [(one, state) for one, state in clients.states if show_all or state.listed]
    lines = lines_of(clients, chosen, fold=not show_all)
    shown = lines if show_all else lines[:MOST_LINES]
    folded = [] if show_all else [state for state in _ORDER if not state.listed and clients.counts[state]]
    if not shown and len(folded) < 2:
        return  # the verdict has said it all
    canvas.gap()
    _draw(canvas, clients, shown, folded)
    _draw_folded(canvas, clients, folded, shown)
    rest = sum(1 + len(line.others) for line in lines[len(shown) :])
    if rest:
        canvas.line(
            (f"... and {count(rest, 'more client')} like these or in other trouble (--all lists them)", DIM), indent=2
        )


def lines_of(clients: ClientSummary, chosen: Sequence[tuple[Registration, State]], *, fold: bool) -> list[Line]:
    """A line for each, those with the same trouble in one if there are many of them; the worst state first."""
    same: dict[tuple[State, tuple[object, ...]], list[Registration]] = {}
    for one, state in chosen:
        same.setdefault((state, alike(clients, one, state) if fold else (one.id,)), []).append(one)
    lines = []
    for (state, _), several in same.items():
        if len(several) > MOST_ALIKE:
            head = min(several, key=lambda one: (clients.since(one) or 0, one.id))
            others = [other for other in several if other is not head]
            lines.append(Line(state, head, what_all(clients, several, state), why_all(clients, head, state), others))
        else:
            lines += [Line(state, one, what(clients, one, state), why(clients, one, state)) for one in several]
    return sorted(
        lines, key=lambda line: (rank(line.state), -len(line.others), clients.since(line.one) or 0, line.one.id)
    )


def rank(state: State) -> int:
    """Where a state stands among the others: trouble, then doubt, then health."""
    return (0 if state.trouble else 100 if state.listed else 200) + _ORDER.index(state)


def _label(canvas: Canvas, state: State) -> Text:
    style = BAD if state.trouble else WARN if state.listed else GOOD if state is REGISTERED else DIM
    word = "ok" if state is REGISTERED else state.word
    return canvas.text((f"{state.sign} {word}", style))


def _aor(one: Registration) -> str:
    return one.aor.removeprefix("sip:") or "(no address)"


def _name(canvas: Canvas, line: Line, width: int) -> Text:
    more = f" +{len(line.others):,}" if line.others else ""
    name = canvas.cut(_aor(line.one), width - len(more))
    return canvas.text((name, STRONG), (more, STRONG))


def _draw(canvas: Canvas, clients: ClientSummary, lines: list[Line], folded: list[State]) -> None:
    if not lines:
        return
    labels = [_label(canvas, line.state) for line in lines]
    places = [place_words(clients.place(line.one)) for line in lines]
    names = [canvas.safe(_aor(line.one)) + f" +{len(line.others):,}" * bool(line.others) for line in lines]
    first = widest([*(label.plain for label in labels), *(f"+ {state.word}" for state in folded)], 14)
    last = widest(places, canvas.width)
    room = canvas.width - 8 - first - last - _LEAST
    name = max(widest(names, min(40 if canvas.wide else 24, room)), 8)
    left = canvas.width - 2 - first - 2 - name - 2 - 2 - last
    middle = min(widest([line.what for line in lines], 44), left) if canvas.wide else left
    for label, place, line in zip(labels, places, lines, strict=True):
        head = [label, _name(canvas, line, name)]
        parts = below(canvas, clients, line)
        if canvas.wide:
            right = left - middle - 2
            canvas.columns(
                [*head, line.what, canvas.joined(parts, right), (place, DIM)], [first, name, middle, right, last]
            )
        else:
            canvas.columns([*head, line.what, (place, DIM)], [first, name, left, last])
            canvas.flow(parts, indent=4 + first, hang=0)


def below(canvas: Canvas, clients: ClientSummary, line: Line) -> list[Text]:
    """What stands below, or at the right where there is room: why, what was before, who it is, in which file."""
    earlier = "" if line.others else before(clients, line.one, line.state)
    between = "" if line.others else in_between(clients, line.one)
    elsewhere = clients.elsewhere(line.one) if line.state.trouble and not line.others else ""
    file = canvas.cut(clients.file(clients.place(line.one)), 56)
    parts = [
        canvas.text((canvas.cut("" if line.others else clients.flow(line.one), 56), DIM)),
        canvas.text(line.why),
        canvas.text(elsewhere),
        canvas.text(between),
        canvas.text(earlier),
        _who(canvas, line, "" if line.others else clients.registrar(line.one)),
        canvas.text((file, DIM)),
    ]
    return [part for part in parts if part.plain]


def _who(canvas: Canvas, line: Line, registrar: str) -> Text:
    """The User-Agent and the address, and the registrar where there are several; of many the commonest User-Agent."""
    agent, kinds = commonest(Counter(one.user_agent for one in (line.one, *line.others)))
    where = "" if line.others else canvas.cut(address_of(line.one), 48)
    who = " at ".join(part for part in (canvas.cut(agent, 48) + kinds, where) if part)
    return canvas.text(((who + registrar).strip(), DIM))


def _draw_folded(canvas: Canvas, clients: ClientSummary, folded: list[State], shown: list[Line]) -> None:
    labels = [*(line.state.word for line in shown), *(state.word for state in folded)]
    first = widest([f"+ {label}" for label in labels], 14)
    for number, state in enumerate(folded):
        hint = " (--all lists them)" if number == 0 else ""
        style = GOOD if state is REGISTERED else DIM
        canvas.line(
            (f"{state.sign} {state.word}".ljust(first + 2), style),
            count(clients.counts[state], "client"),
            (hint, DIM),
            indent=2,
        )
