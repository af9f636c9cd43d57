"""How traffic answers the purposes of ETSI TS 102 027 (`sipcheck rules --etsi`): a table, or records for a machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING, Any

from analyzer.escape import visible
from analyzer.judge.conformance.verdicts import Outcome, Verdict, counts_of
from analyzer.run.report import Report
from analyzer.views import ViewOptions
from analyzer.views.schema import SCHEMA, evidence
from analyzer.views.words import capital, count, listed, sentence

if TYPE_CHECKING:
    from analyzer.views.drawing.canvas import Canvas

_SIDES = {"UAC": "Who registers (RG_RT)", "registrar": "The registrar (RG_RR)"}
_ID, _WORD = 12, 13
_PROSE = 110
"""Prose is no wider than this, whatever the terminal is."""


def write_verdicts(
    view: str, out: IO[str], options: ViewOptions, report: Report, verdicts: Sequence[Verdict], *, left_out: int = 0
) -> None:
    """Write the verdicts as `view` (one of `CATALOGUE_FORMATS`); `left_out` transactions were not held against the
    purposes. KeyError for any other name."""
    _WRITERS[view](out, options, report, verdicts, left_out)


def purpose_record(verdict: Verdict) -> dict[str, Any]:
    """A purpose and its verdict for a machine."""
    purpose = verdict.purpose
    return {
        "purpose": purpose.id,
        "side": purpose.side,
        "text": purpose.text,
        "needs": purpose.needs,
        "verdict": verdict.outcome,
        "reason": visible(verdict.reason),
        "exercised": verdict.exercised,
        "rules": [
            {"rule": name, **{word: counts[word] for word in ("passed", "violated", "not_judged")}}
            for name, counts in verdict.rules.items()
        ],
        "evidence": [evidence(place.place, place.time) for place in verdict.evidence],
    }


def _summary(report: Report, verdicts: Sequence[Verdict], left_out: int) -> dict[str, Any]:
    return {
        "verdicts": dict(counts_of(verdicts)),
        "sources": [visible(source.name) for source in report.sources],
        "left_out": left_out,
        "interrupted": report.interrupted,
    }


def _as_json(out: IO[str], options: ViewOptions, report: Report, verdicts: Sequence[Verdict], left_out: int) -> None:
    del options
    rows = ",\n  ".join(json.dumps(purpose_record(verdict)) for verdict in verdicts)
    summary = json.dumps(_summary(report, verdicts, left_out))
    out.write(f'{{"schema": "{SCHEMA}",\n "summary": {summary},\n "purposes": [\n  {rows}\n ]}}\n')


def _as_ndjson(out: IO[str], options: ViewOptions, report: Report, verdicts: Sequence[Verdict], left_out: int) -> None:
    del options
    for verdict in verdicts:
        out.write(json.dumps({"kind": "purpose", **purpose_record(verdict)}) + "\n")
    out.write(json.dumps({"kind": "summary", "schema": SCHEMA, **_summary(report, verdicts, left_out)}) + "\n")


def _draw(out: IO[str], options: ViewOptions, report: Report, verdicts: Sequence[Verdict], left_out: int) -> None:
    from analyzer.views.drawing.canvas import DIM, STRONG, Canvas
    from analyzer.views.drawing.output import DEFAULT_WIDTH

    canvas = Canvas(out, ViewOptions(min(options.width or DEFAULT_WIDTH, _PROSE), options.color, options.all))
    counts = counts_of(verdicts)
    names = listed([source.name for source in report.sources])
    canvas.line((f"ETSI TS 102 027, {count(len(verdicts), 'purpose')} of registration: {names}", STRONG))
    canvas.line(f"{listed([f'{number} {word}' for word, number in counts.items()])}.")
    if left_out:
        canvas.line((f"{count(left_out, 'transaction')} at the end were not looked at.", DIM))
    for side, title in _SIDES.items():
        canvas.gap()
        canvas.line((title, STRONG))
        for verdict in verdicts:
            if verdict.purpose.side == side:
                _draw_verdict(canvas, verdict)


def _draw_verdict(canvas: Canvas, verdict: Verdict) -> None:
    from analyzer.views.drawing.canvas import BAD, DIM, GOOD, WARN

    styles: dict[Outcome, str] = {"fail": BAD, "pass": GOOD, "inconclusive": WARN, "not exercised": DIM}
    outcome, rest = verdict.outcome, canvas.width - 6 - _WORD - _ID
    canvas.columns(
        [(outcome, styles[outcome]), verdict.purpose.id, verdict.purpose.text],
        [_WORD, _ID, rest],
    )
    if verdict.reason:
        places = listed([str(place.place) for place in verdict.evidence[:1]])
        told = sentence(verdict.reason if verdict.reason.startswith(tuple(verdict.rules)) else capital(verdict.reason))
        where = f" ({places})" if places and outcome == "fail" else ""
        canvas.columns(["", "", (told.removesuffix(".") + where + ".", DIM)], [_WORD, _ID, rest])


_Write = Callable[[IO[str], ViewOptions, Report, Sequence[Verdict], int], None]
_WRITERS: dict[str, _Write] = {"json": _as_json, "ndjson": _as_ndjson, "table": _draw}
