"""The outcome of a replay as the object of schema `sipcheck/1` (docs/interface.md 3.3, `sipcheck replay ... --format
json`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from replay.compare import differences
from replay.events import StepResult, Try
from replay.message_editor import Edit, MessageEditor
from replay.outcome import Outcome
from replay.plan import Step

SCHEMA = "sipcheck/1"


@dataclass(slots=True)
class Planned:
    """One row of a replay: a step, what was (or would be) sent for it, and what came of it."""

    step: Step
    editor: MessageEditor
    result: StepResult | None = None

    @property
    def differences(self) -> list[str]:
        """What differs between the response then and now; empty where nothing was sent."""
        if self.result is None:
            return []
        return differences(self.step.exchange.final, self.result.now)


@dataclass(slots=True)
class Result:
    """A replay from end to end. `mode` is `plan`, `client` or `registrar`; `notes` are sentences for the reader;
    `removal` tells how the bindings were taken away, `not_removed` which contacts the registrar may hold still;
    `ignored` counts messages that belonged to nothing."""

    mode: str
    title: str
    aor: str
    rows: list[Planned]
    outcome: Outcome
    target: str = ""
    notes: list[str] = field(default_factory=list)
    removal: Sequence[Try] = ()
    not_removed: tuple[str, ...] = ()
    ignored: int = 0
    interrupted: bool = False


def as_record(result: Result) -> dict[str, Any]:
    """The object; texts are as they were on the wire and have to be made safe by who writes them."""
    return {
        "schema": SCHEMA,
        "mode": result.mode,
        "aor": result.aor,
        "target": result.target,
        "steps": [_step(row) for row in result.rows],
        "outcome": {
            "then": result.outcome.then,
            "now": result.outcome.now or None,
            "same": result.outcome.same,
            "unlike": list(result.outcome.unlike),
        },
        "removal": [_try(one) for one in result.removal],
        "not_removed": list(result.not_removed),
        "ignored": result.ignored,
        "notes": result.notes,
        "interrupted": result.interrupted,
    }


def _step(row: Planned) -> dict[str, Any]:
    exchange, result = row.step.exchange, row.result
    return {
        "step": row.step.number,
        "transaction": exchange.number,
        "wait": row.step.wait / 1e9,
        "sent": {"start_line": row.editor.start, "edits": [_edit(edit) for edit in row.editor.edits]},
        "then": {"status": exchange.status, "reason": exchange.final.reason if exchange.final else ""},
        "now": None if result is None or not result.tries else _now(result),
        "differences": row.differences,
    }


def _now(result: StepResult) -> dict[str, Any]:
    last = result.tries[-1]
    return {
        "status": last.status,
        "reason": last.final.reason if last.final else "",
        "tries": [_try(one) for one in result.tries],
    }


def _try(one: Try) -> dict[str, Any]:
    latency = one.latency
    return {
        "start_line": one.editor.start,
        "why": one.why,
        "status": one.status,
        "provisional": [answer.status for answer in one.provisional],
        "retransmissions": one.copies,
        "latency": None if latency is None else latency / 1e9,
        "ending": one.ending,
        "error": one.error,
    }


def _edit(edit: Edit) -> dict[str, Any]:
    return {"what": edit.what, "from": edit.before, "to": edit.after, "rule": edit.rule, "why": edit.why}
