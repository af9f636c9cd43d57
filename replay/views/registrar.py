"""What a played registrar says: a line for each thing that happens, and the result, for a person and a machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

from analyzer.judge.findings import Finding
from analyzer.views import ViewOptions
from analyzer.views.drawing.canvas import BAD, DIM, GOOD, HINT, STRONG, WARN, Canvas
from analyzer.views.schema import dumped
from replay.events import Ignored
from replay.known_clients import Client, Round
from replay.registrar_app import ServingResult
from replay.registrar_events import (
    Differs,
    Ended,
    Finished,
    Found,
    Replied,
    Requested,
    Serving,
    TurnedAway,
    Verified,
    Withheld,
)
from replay.views.registrar_junit import render_junit


def told(event: object) -> str:
    """A line for what happens ("" for nothing worth one); the output makes it harmless."""
    match event:
        case Serving(local, transport, note):
            return f"listening on {local} over {transport}" + (f"; {note}" if note else "")
        case Requested(client, request, peer):
            return f"client {client}  {request.method} {request.request_uri} from {peer}"
        case Replied(client, status, _, step):
            return f"client {client}  answered {status}" + (f" as in step {step}" if step else "")
        case Withheld(client, step):
            return f"client {client}  not answered, as in step {step}"
        case Differs(client, step, differences):
            return f"client {client}  differs from step {step}: {'; '.join(differences)}"
        case Verified(client, username, verdict, reason):
            word = verdict.verdict.value if verdict is not None else "not checked"
            return f"client {client}  digest of {username}: {reason or word}"
        case Found(finding):
            return f"{finding.severity}  {finding.detail} ({finding.clause}, {finding.rule})"
        case Finished(client, aor):
            return f"client {client}  {aor} has come to its end"
        case TurnedAway(why):
            return f"{why} (told once; the rest are counted)"
        case Ended(reason):
            return f"ended: {reason}"
        case Ignored(reason):
            return f"left alone: {reason}"
    return ""


def render_json(result: ServingResult, out: IO[str], options: ViewOptions) -> None:
    """Write the object of the contract on one line."""
    del options
    out.write(dumped(result.as_json()) + "\n")


def render_table(result: ServingResult, out: IO[str], options: ViewOptions) -> None:
    """Write it for a person: verdict, clients, findings."""
    canvas = Canvas(out, options)
    _verdict(canvas, result)
    for client in result.clients if options.all else result.clients[:20]:
        canvas.gap()
        _client(canvas, result, client)
    if len(result.clients) > 20 and not options.all:
        canvas.line((f"and {len(result.clients) - 20} more clients (--all lists them)", DIM))
    if result.findings:
        canvas.gap()
        _findings(canvas, result.findings)
    for note in result.report.notes:
        canvas.line(note)


def _verdict(canvas: Canvas, result: ServingResult) -> None:
    count = len(result.clients)
    who = "Nobody came." if not count else f"{count} client{'s' * (count != 1)}."
    if not count:
        canvas.line((who, BAD), f" {result.ended}.")
    elif result.same:
        canvas.line((f"{who} The outcome: {result.now}", GOOD), "." if result.then is None else ", as then.")
    elif result.then is None:
        canvas.line((f"{who} Not all registered: {result.now}.", BAD))
    else:
        canvas.line((f"{who} Another outcome: {result.now} now, {result.then} then.", BAD))


def _client(canvas: Canvas, result: ServingResult, client: Client) -> None:
    outcome = result.outcome_of(client)
    canvas.line(
        (f"{client.number}  ", DIM), (canvas.cut(client.aor, 60), STRONG), f"  {outcome}", (f"  {client.peer}", DIM)
    )
    for one in client.rounds:
        _round(canvas, one)
    if client.more:
        canvas.line((f"and {client.more} more requests", DIM), indent=3)


def _round(canvas: Canvas, one: Round) -> None:
    now = str(one.now) if one.now is not None else "nothing"
    then = "" if one.then is None else f", {one.then or 'nothing'} then"
    digest = f"  digest: {one.reason or one.verdict}" if one.verdict else ""
    canvas.line(f"{canvas.cut(one.request, 50)}  answered {now}{then}", (digest, DIM), indent=3, hang=2)
    for line in one.differences:
        canvas.line(("differs: ", WARN), line, indent=5, hang=2)


def _findings(canvas: Canvas, findings: list[Finding]) -> None:
    for finding in findings:
        style = {"error": BAD, "warning": WARN}.get(finding.severity, DIM)
        canvas.line((f"{finding.severity}  ", style), finding.detail, (f" · {finding.clause}", DIM), hang=2)
        if finding.fix:
            canvas.line(("fix: ", HINT), finding.fix, indent=2, hang=2)


VIEWS: dict[str, Callable[[ServingResult, IO[str], ViewOptions], None]] = {
    "table": render_table,
    "json": render_json,
    "junit": render_junit,
}
