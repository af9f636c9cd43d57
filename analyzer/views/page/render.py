"""The page: everything put together, by templates that escape, in one file that loads nothing.

What a browser obeys in it is our own style sheet and script alone: the Content-Security-Policy in its head names both
by their hashes, and no text of a source ever stands in a handler, an address or a style. Size is bounded part by part;
what has no room is counted on the page.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import IO, TYPE_CHECKING, Any

from analyzer.escape import visible
from analyzer.run.excerpt import Excerpt
from analyzer.run.report import Report
from analyzer.storm.values import StormReport
from analyzer.views import ViewOptions
from analyzer.views.page.blocks import Block, PageCanvas
from analyzer.views.page.cards import MOST_KINDS, card_of, fixes_of, kinds_of
from analyzer.views.page.causes import MOST_ENTRIES, causes_of
from analyzer.views.page.ladder import Library
from analyzer.views.page.plain import MEANING
from analyzer.views.page.roster import Roster, class_of, roster_of, shown_first, titles_of
from analyzer.views.page.storm_chart import charts_of, in_vain
from analyzer.views.page.timeline import HEIGHT, WIDTH, Span, overview, pace_of, span_of
from analyzer.views.states import STATES, ClientSummary
from analyzer.views.storm.summary import calm, draw_storm
from analyzer.views.table.choices import draw_choices
from analyzer.views.table.clients import Line
from analyzer.views.table.coverage import draw_coverage
from analyzer.views.table.digests import draw_digests
from analyzer.views.table.headline import draw_repeats, draw_sources, trouble_since, verdict
from analyzer.views.table.notices import draw_notices
from analyzer.views.table.notices import verdict as notices_verdict
from analyzer.views.table.remarks import Entry, headline
from analyzer.views.words import clock_of, count

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_OCTETS_OF_LADDERS = 4_000_000
"""Octets of all ladders in the page."""
MOST_BLOCKS = 400
"""Paragraphs of one section that are drawn as in the table."""


_NOTE = "Note: "
"""How the table begins what it says of the quality of a source."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is to be shown of a report: its clients as kinds, its findings as causes, the registrations with messages in
    their order, those messages, and its storms (None: nobody looked for any)."""

    clients: ClientSummary
    lines: Sequence[Line]
    entries: Sequence[Entry]
    chosen: Sequence[int]
    excerpt: Excerpt
    storms: StormReport | None


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        """The gate of every text: what no part has made visible is so here; only markup of ours goes by as it is."""
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    made = Environment(
        autoescape=True,
        finalize=shown,
        loader=PackageLoader("analyzer.views.page"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["count"] = lambda number, noun="": count(number, noun)
    return made


def render_page(shown: Shown, out: IO[str]) -> None:
    """Write the page. Raises what `out` raises."""
    clients, report = shown.clients, shown.clients.report
    clock = clock_of(report.sources[0])
    span = span_of(report, clock)
    library = Library(clients, shown.excerpt)
    ladders = {one for one in shown.chosen if shown.excerpt.of.get(one)}
    storms = shown.storms.storms if shown.storms is not None else ()
    charts, silent = charts_of(storms, clock), in_vain(storms)
    fixes = fixes_of(report.findings)
    cards, without = _cards(shown, library, span, ladders, fixes)
    roster = roster_of(clients, ladders)
    style, script = asset("page.css"), asset("page.js")
    environment = _environment()
    whole: dict[str, Any] = {
        "policy": policy(style, script),
        "style": style,
        "script": script,
        "version": metadata.version("sipcheck"),
        "verdict": verdict_of(clients),
        "since": trouble_since(clients),
        "tone": _tone(clients, stormy=bool(charts)),
        "kinds": kinds_of(clients, shown.lines, ladders, fixes),
        "counts": [(state, clients.counts[state], class_of(state)) for state in STATES if clients.counts[state]],
        "overview": overview(clients, span, clock, silent) if span is not None else None,
        "pace": pace_of(report, span, clock) if span is not None and not charts else None,
        "span": span,
        "charts": charts,
        "meaning": MEANING,
        "width": WIDTH,
        "height": HEIGHT,
        "findings_words": headline(list(shown.entries), clients) if shown.entries else "",
        "causes": causes_of(clients, shown.entries, ladders),
        "cards": cards,
        "first": list(shown_first(roster)),
        "listed": len(roster.rows),
        "data": _safe(roster.data(titles_of(clients))),
        "left_out": list(_left_out(shown, roster, without, len(cards))),
        "has_messages": bool(report.summary.messages),
        "has_troubled": bool(clients.troubled),
    }
    template = environment.get_template("page.html")
    for piece in template.generate(whole | _sections(shown)):
        out.write(piece)


def _cards(
    shown: Shown, library: Library, span: Span | None, ladders: set[int], fixes: dict[int, str]
) -> tuple[list[str], int]:
    """The cards as markup, as many as there is room for; `ladders` keeps the numbers of those. How many had no room."""
    by_id = {one.id: (one, state) for one, state in shown.clients.states}
    template = _environment().get_template("card.html")
    cards: list[Any] = []
    size = without = 0
    for number in shown.chosen:
        if number not in ladders:
            continue
        card = card_of(library, *by_id[number], span, fixes)
        made = template.render(card=card, is_first=not cards, width=WIDTH)
        size += len(made.encode("utf-8", "backslashreplace"))
        if size > MOST_OCTETS_OF_LADDERS:
            ladders.discard(number)
            without += 1
            continue
        cards.append(_safe(made))
    return cards, without


def _safe(made: str) -> Any:
    """What a template of ours made, with everything in it escaped already."""
    from markupsafe import Markup

    return Markup(made)


def _sections(shown: Shown) -> dict[str, list[Block]]:
    """What is drawn as in the table, with the same words."""
    clients, report = shown.clients, shown.clients.report
    everything, brief = ViewOptions(all=True), ViewOptions()

    def drawn(draw: Any, *given: Any) -> list[Block]:
        canvas = PageCanvas()
        draw(canvas, *given)
        return canvas.blocks[:MOST_BLOCKS]

    coverage = drawn(draw_coverage, clients, everything) if report.summary.messages else []
    return {
        "sources": drawn(draw_sources, clients),
        "repeats": drawn(draw_repeats, report),
        "notices": drawn(draw_notices, report, brief) if any(one.notices for one in report.sources) else [],
        "digests": drawn(draw_digests, clients, brief) if report.summary.messages else [],
        "choices": drawn(draw_choices, clients),
        "coverage": [block for block in coverage if not block.text.startswith(_NOTE)],
        "quality": [block for block in coverage if block.text.startswith(_NOTE)],
        "storms": drawn(_draw_storms, report, shown.storms) if shown.storms is not None else [],
    }


def _draw_storms(canvas: PageCanvas, report: Report, found: StormReport) -> None:
    clock = clock_of(report.sources[0])
    if not found.storms:
        canvas.line(f"No storm. {calm(report, found)}")
    for number, storm in enumerate(found.storms, 1):
        draw_storm(canvas, clock, storm, number if len(found.storms) > 1 else 0)


def verdict_of(clients: ClientSummary) -> str:
    """The sentence that stands over all; of a log without messages what its notices come to."""
    if clients.report.summary.messages:
        return visible(verdict(clients))  # of what is no registration it names methods, which are words of the wire
    telling = next((source for source in clients.report.sources if source.notices), None)
    return notices_verdict(telling) if telling is not None else "No SIP message was seen."


def _tone(clients: ClientSummary, *, stormy: bool) -> str:
    """How the verdict looks: trouble, something to look at, well, or nothing seen."""
    if clients.troubled:
        return "bad"
    if stormy or any(state.listed and clients.counts[state] for state in STATES):
        return "warn"
    return "good" if clients.counts[STATES[0]] else "dim"


def _left_out(shown: Shown, roster: Roster, without: int, cards: int) -> Iterator[str]:
    """What the page has no room for, or could not get."""
    clients = shown.clients
    total = clients.counts.total()
    if cards < total:
        yield (
            f"The messages of {cards:,} of {count(total, 'client')} are shown: those in trouble first, then some of"
            " each kind. --aor NAME makes a page of one client."
        )
    if without:
        yield f"{count(without, 'more client')} of these had no room."
    if shown.excerpt.lost:
        yield (
            f"{count(shown.excerpt.lost, 'message')} could not be read a second time, so they are not shown: the file"
            " has changed, or is no longer there."
        )
    if shown.excerpt.interrupted:
        yield "The reading of messages was interrupted: some are not shown."
    if roster.left_out:
        yield f"{count(roster.left_out, 'client')} are not in the list of clients: there is no room for so many."
    if len(shown.entries) > MOST_ENTRIES:
        yield f"{count(len(shown.entries) - MOST_ENTRIES, 'more kind')} of findings are not shown."
    kinds = sum(line.state.listed for line in shown.lines)
    if kinds > MOST_KINDS:
        yield f"{count(kinds - MOST_KINDS, 'more kind')} of trouble have no entry; the list has the clients."


@cache
def asset(name: str) -> Any:
    """The style sheet or the script, as it stands in the page."""
    from importlib.resources import files

    return _safe(files("analyzer.views.page").joinpath("templates", name).read_text(encoding="utf-8"))


def policy(style: str, script: str) -> str:
    """The Content-Security-Policy: nothing is loaded, and nothing runs but these two."""

    def hashed(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; script-src {hashed(script)}; style-src {hashed(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
