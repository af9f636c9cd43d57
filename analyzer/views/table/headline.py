"""The head of the table: what was read, and the verdict in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzer.defect import Defect
from analyzer.evidence import Place, Source
from analyzer.register.registration import Registration
from analyzer.run.report import Report
from analyzer.views.drawing.canvas import BAD, DIM, GOOD, STRONG, WARN, Canvas, Piece
from analyzer.views.states import REGISTERED, STATES, ClientSummary, State
from analyzer.views.table.storm_hint import draw_storm_hint
from analyzer.views.words import capital, clock_of, count, listed, place_words, sentence, source_names, times

MOST_SOURCES = 4
"""Sources that have a line each; more are one line."""
MOST_DEFECTS = 3
MANY, WORRYING = 100, 10
"""So many REGISTERs, and so many percent of repeats among them, are worth a line."""


def draw_sources(canvas: Canvas, clients: ClientSummary) -> None:
    """One line for each source, or one for all where there are many; then what is damaged."""
    report = clients.report
    if len(report.sources) > MOST_SOURCES:
        canvas.flow([(f"{len(report.sources)} files", STRONG), *_together(report), *_counts(report)])
    else:
        for source in report.sources:
            own = _counts(report) if len(report.sources) == 1 else []
            messages = report.summary.messages if len(report.sources) == 1 else source.messages
            name = canvas.cut(clients.names[source.name], canvas.width // 2)
            canvas.flow([(name, STRONG), *_source_words(source, messages), *own])
        if len(report.sources) > 1:
            canvas.flow([("together", STRONG), *_counts(report)])
    for source in report.sources:
        _draw_damage(canvas, clients, source)
    if report.interrupted:
        how = ": this is what was read so far." if report.summary.messages else " before any message was judged."
        canvas.line((f"interrupted{how}", BAD))


def draw_verdict(canvas: Canvas, clients: ClientSummary) -> None:
    """How many clients, and what became of them."""
    canvas.gap()
    trouble = bool(clients.troubled)
    style = BAD if trouble else f"bold {GOOD}" if clients.counts[REGISTERED] else STRONG
    pieces: list[Piece] = [(verdict(clients), style)]
    since = trouble_since(clients)
    if since:
        pieces.append(f" {since}")
    canvas.line(*pieces)
    draw_repeats(canvas, clients.report)
    draw_storm_hint(canvas, clients)


def draw_repeats(canvas: Canvas, report: Report) -> None:
    """Repeats are what a slow registrar looks like, though in the end all may be well."""
    repeats, requests = report.summary.retransmissions, report.summary.register_requests
    if requests >= MANY and repeats * 100 >= requests * WORRYING:
        share = f"{repeats:,} of {requests:,} REGISTERs ({repeats * 100 // requests} %)"
        canvas.line((f"{share} are repeats", WARN), ": answers came late or not at all.")


def verdict(clients: ClientSummary) -> str:
    """The sentence: `412 clients: 397 registered, 12 refused, 3 without an answer.`"""
    total = clients.counts.total()
    if not total:
        return _nobody(clients.report)
    seen = [(state, clients.counts[state]) for state in STATES if clients.counts[state]]
    flows = sum(len(source.flows) for source in clients.report.sources)
    whole = count(total, "client") + (f" in {count(flows, 'flow')}" if flows else "")
    if len(seen) == 1:
        state = seen[0][0]
        both = "both " if total == 2 else f"all {'of them ' if _needs_of(state) else ''}" if total > 2 else ""
        return f"{whole}, {both}{state.counted}."
    return f"{whole}: {', '.join(f'{number:,} {state.counted}' for state, number in seen)}."


def _needs_of(state: State) -> bool:
    return state.counted.startswith(("without", "only", "not"))


def _nobody(report: Report) -> str:
    summary = report.summary
    if report.interrupted and not summary.messages:
        return "Nothing is known of registrations yet."
    others_of = summary.methods.get("REGISTER", 0)
    if report.aor and others_of:
        whom = report.aor.removeprefix("sip:")
        return f"No registration of {whom}, but {count(others_of, 'REGISTER')} of others (--aor takes user@domain)."
    if summary.register_requests:
        return f"{count(summary.register_requests, 'REGISTER')}, of no client that could be told."
    if sum(summary.responses.values()):
        return _answers_alone(summary.responses)
    others = [f"{number:,} {method}" for method, number in summary.methods.most_common(4)]
    return "No registration: no REGISTER was seen" + (f" (but {listed(others)})." if others else ".")


def _answers_alone(responses: Mapping[int, int]) -> str:
    """`No REGISTER was seen, only 8 answers to such, whose requests are missing: 200 4 times, 401 4 times.`"""
    total = sum(responses.values())
    if total == 1:
        return f"No REGISTER was seen, only 1 answer to one ({next(iter(responses))})."
    told = ", ".join(f"{status} {times(number)}" for status, number in sorted(responses.items()))
    return f"No REGISTER was seen, only {total:,} answers to such, whose requests are missing: {told}."


def trouble_since(clients: ClientSummary) -> str:
    """`Trouble since 11:53:43.`, or nothing where there is none, or no clock."""
    known: list[tuple[int, bool, Registration]] = []
    for one, state in clients.states:
        since = clients.since(one) if state.trouble else None
        bounds = clients.since_between(one) if state.trouble and since is None else None
        if since is not None or bounds is not None:
            known.append((since if bounds is None else bounds.earliest, bounds is not None, one))  # type: ignore[arg-type]
    if not known:
        return ""
    since, is_loose, one = min(known, key=lambda row: row[:2])
    return f"Trouble since {clients.clock(one.place).at(since)}{' at the earliest' if is_loose else ''}."


def _source_words(source: Source, messages: int) -> Iterator[Piece]:
    unit = "packet" if source.kind == "capture" else "line"
    yield source.title or source.format or source.kind
    if source.frames or messages:  # of nothing there is nothing to say
        yield from _span(source)
    frames = f"{count(source.frames, unit)}, " if source.frames else ""
    yield f"{frames}{count(messages, 'SIP message')}{_kept(source.keepalives)}"


def _span(source: Source) -> Iterator[Piece]:
    if source.first is None or source.last is None:
        yield "no clock"
        return
    yield clock_of(source).span(source.first, source.last) + _zone(source)


def _zone(source: Source) -> str:
    """The zone, said once: ` UTC`, ` (UTC+2, from Date headers)`."""
    if source.kind == "capture" or not source.zone:
        return " UTC"
    return f", {source.zone}" if "(" in source.zone else f" ({source.zone})"


def _kept(keepalives: int) -> str:
    return f", {count(keepalives, 'keep-alive')}" if keepalives else ""


def _counts(report: Report) -> Iterator[Piece]:
    summary = report.summary
    if not summary.register_requests:
        return
    repeats = f", {summary.retransmissions:,} of them repeats" if summary.retransmissions else ""
    if summary.retransmissions == 1:
        repeats = ", 1 of them a repeat"
    yield count(summary.register_requests, "REGISTER") + repeats


def _together(report: Report) -> Iterator[Piece]:
    names = list(source_names(report.sources).values())
    yield f"{names[0]} to {names[-1]}"
    first, last = report.span
    if first is not None and last is not None:
        local = {(source.kind, source.utc_offset, source.zone) for source in report.sources}
        alike = len(local) == 1
        zone = _zone(report.sources[0]) if alike else " UTC"
        whole = Source("", utc_offset=report.sources[0].utc_offset if alike else 0, kind="log", first=first)
        yield clock_of(whole).span(first, last) + zone
    yield count(report.summary.messages, "SIP message") + _kept(report.summary.keepalives)


def _where(place: Place | None, defect: Defect) -> str:
    """Where a defect was met first: the octet of the file, or the frame or line."""
    if defect.offset is not None:
        return f" (offset {defect.offset})"
    return f" ({place_words(place)})" if place is not None else ""


def _draw_damage(canvas: Canvas, clients: ClientSummary, source: Source) -> None:
    if not source.damaged and not source.defects:
        return
    name = f"{clients.names[source.name]}: " if len(clients.report.sources) > 1 else ""
    word, style = ("damaged", BAD) if source.damaged else (count(source.defects, "defect"), WARN)
    texts: dict[str, str] = {}
    for place, defect in source.defect_list:
        texts.setdefault(defect.text, _where(place, defect))
    shown = "; ".join(
        f"{canvas.cut(text, 2 * canvas.width)}{where}" for text, where in list(texts.items())[:MOST_DEFECTS]
    )
    more = len(texts) - MOST_DEFECTS
    rest = f"; and {count(more, 'more kind')}" if more > 0 else ""
    canvas.line((f"{name}{word}: ", style), sentence(f"{shown or 'see --format json'}{rest}"), hang=2)
    if source.damaged:
        canvas.line((capital("what is after the damage was not read, or only in part."), DIM), indent=2)
