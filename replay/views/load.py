"""What became of one flow replayed as many users: for a person, and as an object of schema `sipcheck/1`."""

from __future__ import annotations

from typing import IO, Any

from analyzer.views import ViewOptions
from analyzer.views.drawing.canvas import BAD, GOOD, STRONG, WARN, Canvas
from analyzer.views.schema import dumped
from replay.load import Load
from replay.machine import SECOND
from replay.record import SCHEMA

SHARES = (0.5, 0.9, 0.99, 1.0)


def load_record(load: Load, title: str, target: str) -> dict[str, Any]:
    """The object. Latencies are seconds, rates sessions and requests per second of the whole run."""
    tally, seconds = load.tally, _seconds(load)
    return {
        "schema": SCHEMA,
        "mode": "load",
        "title": title,
        "target": target,
        "users": load.users,
        "begun": tally.begun,
        "ended": tally.ended,
        "same": tally.same,
        "unlike": dict(tally.unlike.most_common()),
        "requests": tally.requests,
        "retransmissions": tally.retransmissions,
        "timeouts": tally.timeouts,
        "late": tally.late,
        "not_removed": tally.not_removed,
        "cut": tally.cut,
        "ignored": tally.ignored,
        "realms": dict(tally.realms.most_common()),
        "notes": load.notes,
        "statuses": {str(status): count for status, count in sorted(tally.statuses.items())},
        "latency": {f"p{share * 100:g}": tally.percentile(share) for share in SHARES},
        "seconds": seconds,
        "rate": tally.begun / seconds if seconds else None,
        "request_rate": tally.requests / seconds if seconds else None,
        "interrupted": load.stopped and not load.pace.duration,
        "steps": [],  # thousands of users have no response in common
        "outcome": {"then": load.then, "now": _now(load), "same": is_same(load)},
    }


def _now(load: Load) -> str | None:
    """The captured outcome where all had it, else how the most of the others ended."""
    worst = load.tally.unlike.most_common(1)
    return worst[0][0] if worst else load.then if load.tally.same else None


def is_same(load: Load) -> bool:
    """Every session ended as the flow did then, and left nothing behind; but for those that --duration cut short."""
    tally = load.tally
    return tally.same + tally.cut == tally.begun and tally.same > 0 and not tally.not_removed


def render_json(load: Load, title: str, target: str, out: IO[str], options: ViewOptions) -> None:
    """Write the object on one line."""
    del options
    out.write(dumped(load_record(load, title, target)) + "\n")


def render_table(load: Load, title: str, target: str, out: IO[str], options: ViewOptions) -> None:
    """Write it for a person."""
    canvas, tally, seconds = Canvas(out, options), load.tally, _seconds(load)
    canvas.flow([(canvas.cut(title, 60), STRONG), f"{load.users:,} user{'s' if load.users != 1 else ''}", target])
    canvas.gap()
    good = is_same(load)
    words = f"{tally.same:,} of {tally.begun:,} registrations went as captured"
    canvas.line((f"{words}, in {seconds:,.1f} s.", GOOD if good else BAD))
    for reason, count in tally.unlike.most_common(10):
        canvas.line((f"{count:,} otherwise: ", WARN), reason, indent=2, hang=2)
    if tally.cut:
        canvas.line(f"{tally.cut:,} were under way when it ended, and are not counted as failures.", indent=2)
    if tally.not_removed:
        canvas.line((f"{tally.not_removed:,} bindings may be left: they could NOT be removed.", BAD), indent=2)
    for realm, count in tally.realms.most_common(5):
        words = f"{count:,} sent a digest for the realm {realm}, which the capture does not have."
        canvas.line(("Warning: ", WARN), words, indent=2, hang=2)
    for note in load.notes:
        canvas.line(note, indent=2, hang=2)
    canvas.gap()
    rate = tally.begun / seconds if seconds else 0.0
    canvas.line(
        f"{rate:,.0f} registrations/s ({tally.requests / seconds if seconds else 0:,.0f} requests/s), "
        f"{tally.retransmissions:,} retransmissions, {tally.statuses[0]:,} without an answer"
    )
    said = ", ".join(f"{status or 'none'}: {count:,}" for status, count in sorted(tally.statuses.items()))
    canvas.line(f"answers  {said}")
    shown = ((share, tally.percentile(share)) for share in SHARES)
    took = ", ".join(f"{_share(share)} {value * 1000:,.1f} ms" for share, value in shown if value is not None)
    canvas.line(f"latency  {took}" if took else "latency  no answers")
    if tally.late:
        canvas.line((f"{tally.late:,} began later than the rate asked for (--concurrency, or this machine).", WARN))


def _share(share: float) -> str:
    return "longest" if share == 1 else f"{share:.0%} within"


def _seconds(load: Load) -> float:
    return max(0, load.ended_at - load.began_at) / SECOND
