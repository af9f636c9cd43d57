"""Which clients a page shows with their messages: the troubled first, of each kind of trouble some, then one or two of
each kind of health, and the example of each finding, so that whatever the page says can be looked at."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import islice

from analyzer.register.registration import Registration
from analyzer.run.excerpt import Key, told_of
from analyzer.run.report import Report
from analyzer.views.states import ClientSummary
from analyzer.views.table.clients import Line, lines_of
from analyzer.views.table.remarks import Entry, grouped

MOST_LADDERS = 60
"""Clients that are shown with their messages."""
FEW_ENOUGH = 30
"""So few clients are all shown, healthy or not; of more, troubled ones of kinds that have been shown fill it up."""
FIRST_OF_EACH = 3
"""Of each kind so many come first; then the rest, kind by kind."""
FEW_OF_THE_WELL = 2
"""Clients of each kind that nobody must look after."""


def lines_and_entries(clients: ClientSummary) -> tuple[list[Line], list[Entry]]:
    """The clients as kinds, all of them, and the findings as causes."""
    return lines_of(clients, clients.states, fold=True), grouped(clients.report.findings, clients.troubled)


def chosen(lines: Sequence[Line], entries: Sequence[Entry]) -> list[int]:
    """The numbers of the registrations to be shown, in the order of the lines: the worst first."""
    ids = {one.id: at for at, one in enumerate(one for line in lines for one in (line.one, *line.others))}
    order = dict.fromkeys(one.id for one in _first_of_each(lines))
    order |= dict.fromkeys(_examples(entries, ids))
    troubled = (one.id for line in lines if line.state.listed for one in (line.one, *line.others))
    for one in (*troubled, *(ids if len(ids) <= FEW_ENOUGH else ())):
        if len(order) >= FEW_ENOUGH:
            break
        order[one] = None
    return sorted(islice(order, MOST_LADDERS), key=ids.__getitem__)


def _first_of_each(lines: Sequence[Line]) -> Iterator[Registration]:
    """Some of each kind; what is alike is a line of its own while there are few."""
    seen: dict[object, int] = {}
    for line in lines:
        most = FIRST_OF_EACH if line.state.listed else FEW_OF_THE_WELL
        for one in (line.one, *line.others):
            kind = (line.state, line.one.status, line.why)
            if seen.get(kind, 0) >= most:
                break
            seen[kind] = seen.get(kind, 0) + 1
            yield one


def _examples(entries: Iterable[Entry], ids: Container[int]) -> Iterator[int]:
    for entry in entries:
        one = entry.example.registration
        if one is not None and one in ids:
            yield one


def places_told(report: Report, ids: Iterable[int]) -> dict[int, set[Key]]:
    """Of each registration the places that findings about it name."""
    told: dict[int, set[Key]] = {one: set() for one in ids}
    for finding in report.findings:
        own = told.get(finding.registration) if finding.registration is not None else None
        if own is not None:
            own.update(told_of(place for place, _ in finding.evidence))
    return told
