"""What a log says of registrations in words of its own: who was refused, how often, from where, why; what to do.

Where the log holds no SIP message, that is all there is, and each account has its lines. Beside messages the clients'
own lines say what is said of each; here stands what the log says at all, one cause one entry, with what to do.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.evidence import Notice, Source
from analyzer.run.report import Report
from analyzer.views import ViewOptions
from analyzer.views.drawing.canvas import BAD, DIM, GOOD, HINT, STRONG, WARN, Canvas, Piece
from analyzer.views.words import capital, clock_of, count, sentence, source_names, times

MOST_SHOWN = 20
"""Notices that have lines of their own; more only with --all."""
MOST_CAUSES = 8
"""Causes that have an entry beside messages."""
_STYLE = {"refused": BAD, "no answer": BAD, "gave up": BAD, "removed": WARN, "challenged": WARN, "ok": GOOD}
_ORDER = ("refused", "no answer", "gave up", "removed", "challenged", "ok")
_SIGN = {"ok": "✓", "challenged": "?", "removed": "!"}


def draw_notices(canvas: Canvas, report: Report, options: ViewOptions) -> None:
    """The notices of each log; nothing where there are none."""
    names = source_names(report.sources)
    for source in report.sources:
        if not source.notices:
            continue
        name = f"{names[source.name]}: " if len(report.sources) > 1 else ""
        if source.messages:
            _draw_causes(canvas, source, name, options)
        else:
            _draw_all(canvas, source, name, options)


def _draw_all(canvas: Canvas, source: Source, name: str, options: ViewOptions) -> None:
    """All that a log without messages says."""
    canvas.gap()
    canvas.line((name + verdict(source), STRONG))
    shown = sorted(source.notices, key=lambda one: (_ORDER.index(one.state), -one.count, one.first_line))
    for notice in shown if options.all else shown[:MOST_SHOWN]:
        _draw(canvas, notice, source)
    _draw_rest(canvas, source, 0 if options.all else len(shown) - MOST_SHOWN)
    canvas.gap()
    canvas.line("Next: ", sentence(source.hint), hang=6)


def _draw_causes(canvas: Canvas, source: Source, name: str, options: ViewOptions) -> None:
    """What a log says beside its messages: one entry for each cause, those that explain something first."""
    causes: dict[tuple[str, str, str], list[Notice]] = {}
    for notice in source.notices:
        if notice.state != "ok":
            causes.setdefault((notice.side, notice.cause, notice.method), []).append(notice)
    entries = sorted(causes.values(), key=_weight)
    if not entries:
        return
    canvas.gap()
    canvas.line((f"{name}The log itself says, between the messages:", STRONG))
    shown = entries if options.all else entries[:MOST_CAUSES]
    for several in shown:
        _draw_cause(canvas, several, options)
    _draw_rest(canvas, source, len(entries) - len(shown))


def _weight(several: list[Notice]) -> tuple[bool, bool, int, int]:
    """What a server says of registrations it refused comes first, what is about other requests last."""
    first = several[0]
    return bool(first.method), first.side != "server", _ORDER.index(first.state), -sum(one.count for one in several)


def _draw_cause(canvas: Canvas, several: list[Notice], options: ViewOptions) -> None:
    """`✗ refused  "will exceed max contacts of 1" · bob · once · line 224`, what that means, and what to do."""
    first = several[0]
    sign, style = _SIGN.get(first.state, "✗"), _STYLE[first.state]
    said = list(dict.fromkeys(one.said for one in several if one.said))
    accounts = list(dict.fromkeys(one.account or one.host or "(no name)" for one in several))
    lines = [one.first_line for one in several] + [one.last_line for one in several]
    whom = canvas.cut(accounts[0], 48) + (f" and {count(len(accounts) - 1, 'other')}" if len(accounts) > 1 else "")
    words = f'"{canvas.cut(said[0], 80)}"' + (", ..." if len(said) > 1 else "") if said else ""
    facts: list[Piece] = [whom, *([canvas.cut(first.method, 16)] if first.method else [])]
    facts += [times(sum(one.count for one in several)), (_lines(min(lines), max(lines)), DIM)]
    head = canvas.text((f"{sign} {first.state}  ", style), words or canvas.cut(first.meaning, 80))
    canvas.flow([head, *facts], indent=2)
    if words:
        canvas.line(sentence(capital(first.meaning)), indent=6)
    if first.advice and (options.all or not first.method):
        canvas.line(("fix: ", HINT), sentence(first.advice), indent=6, hang=5)


def _lines(first: int, last: int) -> str:
    return f"line {first}" if first == last else f"lines {first} to {last}"


def verdict(source: Source) -> str:
    """The sentence over them: `No SIP message, but notices: 2 accounts were refused.`"""
    words = {
        "refused": ("was refused", "were refused"),
        "no answer": ("got no answer", "got no answer"),
        "gave up": ("is not tried any more", "are not tried any more"),
    }
    parts = []
    told = [notice for notice in source.notices if not notice.method]
    silent = {notice.account for notice in told if notice.cause == "unreachable"}
    for state, (one, many) in words.items():
        accounts = {one.account for one in told if one.state == state and one.cause != "unreachable"}
        if accounts:
            parts.append(f"{count(len(accounts), 'account')} {one if len(accounts) == 1 else many}")
    if silent:
        parts.append(f"{count(len(silent), 'phone')} did not answer the server's OPTIONS")
    said = ", ".join(parts) or "no registration was refused"
    return f"No SIP message is in this log, but notices of the server are: {said}."


def _draw(canvas: Canvas, notice: Notice, source: Source) -> None:
    sign, style = _SIGN.get(notice.state, "✗"), _STYLE[notice.state]
    account = canvas.cut(notice.account or "(no name)", 48)
    head = canvas.text((f"{sign} {notice.state}  ", style), (account, STRONG))
    canvas.flow([head, *_facts(canvas, notice, source)], indent=2)
    why = capital("; ".join(part for part in (notice.meaning, notice.advice) if part))
    said = f'"{canvas.cut(notice.said, 80)}". ' if notice.said else ""
    canvas.line(f"{said}{sentence(why)}", indent=6)


def _facts(canvas: Canvas, notice: Notice, source: Source) -> Iterator[Piece]:
    if notice.method:
        yield canvas.cut(notice.method, 16)
    if notice.host:
        yield f"from {canvas.cut(address(notice), 60)}"
    elif notice.side == "server" and notice.contact:
        yield f"contact {canvas.cut(notice.contact, 60)}"
    elif notice.side == "server" and notice.cause not in ("unreachable", "reachable"):
        yield "the address is not told for certain"
    if notice.server:
        yield f"at {canvas.cut(notice.server, 48)}"
    if notice.status:
        yield f"status {notice.status}"
    yield _when(notice, source)
    yield (_lines(notice.first_line, notice.last_line), DIM)


def address(notice: Notice) -> str:
    """`192.0.2.45:55997`, or the host with how many ports it used."""
    host = f"[{notice.host}]" if ":" in notice.host else notice.host
    if len(notice.ports) == 1:
        return f"{host}:{notice.ports[0]}"
    return f"{notice.host} ({len(notice.ports)} ports)" if notice.ports else notice.host


def _when(notice: Notice, source: Source) -> str:
    """`4 times, 15:53:33 to 15:53:53`; no time where the lines have none."""
    often = times(notice.count)
    if notice.first is None or notice.last is None:
        return often
    clock = clock_of(source)
    first, last = clock.at(notice.first), clock.at(notice.last)
    return f"{often}, {first}" if first == last else f"{often}, {first} to {last}"


def _draw_rest(canvas: Canvas, source: Source, hidden: int) -> None:
    if hidden > 0:
        canvas.line((f"... and {count(hidden, 'more kind')} (--all lists them)", DIM), indent=2)
    if source.notices_more:
        canvas.line((f"... and {count(source.notices_more, 'line')} about others, not kept apart", DIM), indent=2)
