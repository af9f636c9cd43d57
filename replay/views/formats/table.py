"""`--format table`: what was sent and what came back, for a person."""

from __future__ import annotations

from typing import IO

from analyzer.views import ViewOptions
from analyzer.views.drawing.canvas import BAD, DIM, GOOD, HINT, STRONG, WARN, Canvas, Piece
from replay.events import Try
from replay.message_editor import Edit
from replay.record import Planned, Result

NAME = "table"
_LONGEST = 46
_MOST_STEPS = 40
_MOST_LEFT = 5


def render(result: Result, out: IO[str], options: ViewOptions) -> None:
    """Verdict first, then each step with what was mended and what differs."""
    canvas = Canvas(out, options)
    _head(canvas, result)
    canvas.gap()
    _verdict(canvas, result)
    shown = result.rows if options.all else result.rows[:_MOST_STEPS]
    for row in shown:
        canvas.gap()
        _row(canvas, row, options, result.mode)
    if len(shown) < len(result.rows):
        canvas.gap()
        canvas.line((f"and {len(result.rows) - len(shown)} more steps (--all lists them)", DIM))
    canvas.gap()
    _end(canvas, result)


def _head(canvas: Canvas, result: Result) -> None:
    count = len(result.rows)
    parts: list[Piece] = [
        (canvas.cut(result.title, 60), STRONG),
        f"registration of {canvas.cut(result.aor, 60)}",
        f"{count} request{'s' * (count != 1)}",
    ]
    canvas.flow([*parts, result.target] if result.target else parts)


def _verdict(canvas: Canvas, result: Result) -> None:
    outcome = result.outcome
    if result.mode == "plan":
        canvas.line((f"Then: {outcome.then}.", STRONG), " Nothing was sent; this is what would be.")
    elif not any(row.result is not None for row in result.rows):
        canvas.line(("Nothing came of it.", BAD), f" Then: {outcome.then}.")
    elif outcome.same:
        canvas.line((f"The same outcome: {outcome.now}.", GOOD))
    else:
        also = outcome.unlike[1:]
        rest = f"; likewise otherwise: step {', '.join(map(str, also))}." if also else "."
        canvas.line((f"Another outcome: {outcome.words}", BAD), rest)


def _row(canvas: Canvas, row: Planned, options: ViewOptions, mode: str) -> None:
    then = row.step.exchange.status
    wait = row.step.wait / 1e9
    pieces: list[tuple[str, str] | str] = [(f"{row.step.number}  ", DIM), canvas.cut(row.editor.start, 60), "  "]
    pieces.append((f"{then or 'no answer'} then", ""))
    if mode != "plan":
        pieces += [", ", _now(row)]
    if wait >= 0.001:
        pieces.append((f"  after {wait:,.3g} s", DIM))
    canvas.line(*pieces, indent=2, hang=3)
    _edits(canvas, row.editor.edits, options)
    if row.result is not None:
        for one in row.result.tries[:-1]:
            canvas.line((f"{_came(one)}, so it was sent again", DIM), indent=5, hang=2)
        for one in row.result.tries[-1:]:
            if one.copies:
                canvas.line((f"sent {one.copies + 1} times", WARN), indent=5)
    for line in row.differences:
        canvas.line(("differs: ", WARN), line, indent=5, hang=2)


def _now(row: Planned) -> tuple[str, str]:
    if row.result is None or not row.result.tries:
        return ("not sent", WARN)
    same = row.result.status == row.step.exchange.status
    latency = row.result.tries[-1].latency
    took = f" in {latency / 1e6:,.1f} ms" if latency is not None else ""
    return (f"{_came(row.result.tries[-1])} now{took}", GOOD if same else BAD)


def _came(one: Try) -> str:
    if one.final is not None:
        return str(one.status)
    return one.error or {"timeout": "no answer", "stopped": "stopped"}.get(one.ending, "no answer")


def _edits(canvas: Canvas, edits: list[Edit], options: ViewOptions) -> None:
    """What is mended, each with its rule; what every replay has to change in one line."""
    for edit in (edit for edit in edits if edit.rule is not None or options.all):
        before, after = (canvas.cut(value, _LONGEST) or "(none)" for value in (edit.before, edit.after))
        head = ("mended: ", HINT) if edit.rule else ("changed: ", DIM)
        tail = f" · {edit.rule}" if edit.rule else ""
        canvas.line(head, f"{edit.what} {before} -> {after} ({edit.why})", (tail, DIM), indent=5, hang=2)
    if options.all:
        return
    also = list(dict.fromkeys(f"{edit.what} ({edit.why})" for edit in edits if edit.rule is None))
    if also:
        canvas.line((f"changed as every replay must: {', '.join(also)}", DIM), indent=5, hang=2)


def _end(canvas: Canvas, result: Result) -> None:
    if result.removal:
        last = result.removal[-1]
        ok = 200 <= last.status < 300
        words = "The bindings it made were removed" if ok else "The bindings it made were NOT removed"
        canvas.line((f"{words} ({_came(last)}).", "" if ok else BAD))
    if result.not_removed:
        left = ", ".join(canvas.cut(contact, 60) for contact in result.not_removed[:_MOST_LEFT])
        more = len(result.not_removed) - _MOST_LEFT
        canvas.line(("It may have left: ", BAD), left, f" and {more} more" if more > 0 else "", hang=2)
    if result.ignored:
        canvas.line((f"{result.ignored} messages came that answered nothing of ours.", WARN))
    for note in result.notes:
        canvas.line(note)
