"""What a report looks like in a notebook: the verdict, then the registrations in trouble and the findings, as HTML.

The page is built as a tree of elements, so no text can become markup; and all text goes through `visible` first, as in
every view. Nothing is loaded from anywhere, and no script runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as Tree

from analyzer.escape import NO_FORMULAS, visible
from analyzer.judge.findings import Finding
from analyzer.register.registration import Registration
from analyzer.run.report import Report
from analyzer.views.states import ClientSummary, State, address_of
from analyzer.views.table.headline import verdict
from analyzer.views.words import clock_of, count, place_words

MOST_ROWS = 20
"""Rows of a table that are shown; the rest are counted."""
_LONGEST = 300
_LEFT = "text-align: left; vertical-align: top"


def as_html(report: Report) -> str:
    """The report as a fragment of HTML."""
    clients = ClientSummary(report)
    page = Tree.Element("div", {"class": f"sipcheck {NO_FORMULAS}"})
    _add(_add(page, "p"), "strong", verdict(clients))
    _add(page, "p", _read(report))
    states = sorted(clients.states, key=lambda one: (not one[1].trouble, one[0].id))
    _table(
        page,
        count(len(states), "registration"),
        ("address-of-record", "client", "state", "since", "status", "attempts"),
        [_registration(clients, one, state) for one, state in states[:MOST_ROWS]],
        len(states),
    )
    _table(
        page,
        count(len(report.findings), "finding"),
        ("severity", "rule", "what", "whose", "where", "times"),
        [_finding(finding) for finding in report.findings[:MOST_ROWS]],
        len(report.findings),
    )
    for note in (*_damages(report), *report.notes):
        _add(page, "p", f"Note: {note}.")
    return Tree.tostring(page, encoding="unicode", method="html")


def _read(report: Report) -> str:
    """What was read, in a line."""
    first, last = report.span
    span = ""
    if first is not None and last is not None:
        span = f", {clock_of(report.sources[0]).span(first, last)}"
    names = ", ".join(source.name for source in report.sources[:MOST_ROWS])
    seen = report.summary
    return f"{names}: {count(seen.messages, 'SIP message')}, {count(seen.register_requests, 'REGISTER')}{span}"


def _registration(clients: ClientSummary, one: Registration, state: State) -> Sequence[str]:
    since = clients.since(one)
    return (
        one.aor,
        f"{address_of(one)} {one.user_agent}".strip(),
        state.word,
        clients.clock(one.place).at(since) if since is not None else "",
        str(one.status or ""),
        str(one.attempts),
    )


def _finding(finding: Finding) -> Sequence[str]:
    whose = finding.aor or finding.call_id
    places = place_words(*(place for place, _ in finding.evidence[:3]))
    return (finding.severity, finding.rule, finding.detail, whose, places, str(finding.count))


def _damages(report: Report) -> Iterator[str]:
    for source in report.sources:
        if source.damaged:
            yield f"{source.name} is damaged, and was not read beyond that, or only in part"
    if report.interrupted:
        yield "the run was interrupted: this is what was read so far"


def _table(page: Tree.Element, title: str, names: Sequence[str], rows: Sequence[Sequence[str]], total: int) -> None:
    if not rows:
        return
    table = _add(page, "table")
    _add(table, "caption", title, style=_LEFT)
    head = _add(_add(table, "thead"), "tr")
    for name in names:
        _add(head, "th", name, style=_LEFT)
    body = _add(table, "tbody")
    for row in rows:
        line = _add(body, "tr")
        for cell in row:
            _add(line, "td", cell, style=_LEFT)
    if total > len(rows):
        _add(page, "p", f"and {total - len(rows):,} more.")


def _add(parent: Tree.Element, tag: str, text: str = "", **attributes: str) -> Tree.Element:
    """A new element in `parent`; its text is made harmless, and cut where it is endless."""
    made = Tree.SubElement(parent, tag, attributes)
    made.text = visible(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")
    return made
