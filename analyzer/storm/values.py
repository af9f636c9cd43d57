"""What the storm analysis tells: plain typed values. `to_dict` of a report is the JSON of `sipcheck storm`.

Times are nanoseconds since the epoch in the values and seconds in `to_dict`; rates are requests per second.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any, Literal

from analyzer.escape import NO_FORMULAS, visible

Cause = Literal["restart", "slow-answers", "auth-loop", "short-expiry", "synchronised-refresh", "scan", "single-client"]
PhaseName = Literal["onset", "peak", "amplification", "recovery"]
Record = dict[str, Any]
_SECOND = 1_000_000_000


def seconds(time: int | None) -> float | None:
    """Nanoseconds to seconds; microseconds are kept exactly."""
    return None if time is None else round(time / _SECOND, 6)


def rounded(value: float | None, digits: int = 3) -> float | None:
    """A measured number as JSON shows it."""
    return None if value is None or value != value else round(value, digits)


@dataclass(frozen=True, slots=True)
class CauseShare:
    """A cause; `share` (0 to 1) of the storm's requests that it explains; `detail` says it with numbers."""

    cause: Cause
    share: float
    detail: str

    def to_dict(self) -> Record:
        """As JSON has it."""
        return {"cause": self.cause, "share": round(self.share, 4), "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a storm, with its mean rate."""

    phase: PhaseName
    start: int
    end: int
    rate: float

    def to_dict(self) -> Record:
        """As JSON has it."""
        return {
            "phase": self.phase,
            "start": seconds(self.start),
            "end": seconds(self.end),
            "rate": rounded(self.rate),
        }


@dataclass(frozen=True, slots=True)
class TopSource:
    """Who sent most: a user or a transport address (`kind`), its requests, and their share in the storm."""

    kind: Literal["user", "source"]
    name: str
    requests: int
    share: float

    def to_dict(self) -> Record:
        """As JSON has it."""
        return {"kind": self.kind, "name": self.name, "requests": self.requests, "share": round(self.share, 4)}


@dataclass(frozen=True, slots=True)
class Series:
    """What changes over time, a point a step of `width` seconds from `start`.

    `first` and `copies` are requests per second; of the first copies `retries` come after a failure; `median` and
    `slow` the 50th and 95th percentile of the answer times of the requests first sent in that step (seconds, None where
    none was answered); `answered` final responses per second; `unbound` users without a binding at the end of the step.
    """

    start: int
    width: float
    first: tuple[float, ...]
    retries: tuple[float, ...]
    copies: tuple[float, ...]
    answered: tuple[float, ...]
    median: tuple[float | None, ...]
    slow: tuple[float | None, ...]
    unbound: tuple[int, ...]

    def to_dict(self) -> Record:
        """As JSON has it."""
        return {
            "start": seconds(self.start),
            "width": self.width,
            "first_copies": [rounded(value) for value in self.first],
            "retries": [rounded(value) for value in self.retries],
            "retransmissions": [rounded(value) for value in self.copies],
            "answered": [rounded(value) for value in self.answered],
            "latency_p50": [rounded(value, 6) for value in self.median],
            "latency_p95": [rounded(value, 6) for value in self.slow],
            "users_without_binding": list(self.unbound),
        }


@dataclass(frozen=True, slots=True)
class Outage:
    """Users without a binding though they want one: the most at once and when, the sum over users, and when it was
    over."""

    peak: int
    peak_time: int | None
    user_seconds: float
    recovered: int | None

    def to_dict(self) -> Record:
        """As JSON has it."""
        return {
            "peak": self.peak,
            "peak_time": seconds(self.peak_time),
            "user_seconds": rounded(self.user_seconds),
            "recovered": seconds(self.recovered),
        }


@dataclass(frozen=True, slots=True)
class Silence:
    """The registrar answered nobody from the first request in vain (`start`) to the first response (`end`; None: there
    was none before the storm ended), in which time `requests` were sent."""

    start: int
    end: int | None
    requests: int

    def to_dict(self) -> Record:
        """As JSON has it."""
        return {"start": seconds(self.start), "end": seconds(self.end), "requests": self.requests}


@dataclass(frozen=True, slots=True)
class Coherence:
    """How much the refreshes keep step: `period` in seconds, Rayleigh's mean vector length (0 spread evenly, 1 all at
    once), the chance `p` of as much among independent clients, and how many refreshes begin in each 24th of it."""

    period: float
    refreshes: int
    length: float
    p: float
    histogram: tuple[int, ...]

    def to_dict(self) -> Record:
        """As JSON has it."""
        return {
            "period": rounded(self.period),
            "refreshes": self.refreshes,
            "length": rounded(self.length, 4),
            "p": self.p,
            "histogram": list(self.histogram),
        }


@dataclass(frozen=True, slots=True)
class RetryAfterCompliance:
    """A wait that was asked for: how often it was due, how often it could be judged, how often it was kept."""

    given: int
    judged: int
    obeyed: int

    def to_dict(self) -> Record:
        """As JSON has it."""
        return {"given": self.given, "judged": self.judged, "obeyed": self.obeyed}


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A change, and the peak rate that the same users would have made with it."""

    change: str
    peak_rate: float

    def to_dict(self) -> Record:
        """As JSON has it."""
        return {"change": self.change, "peak_rate": rounded(self.peak_rate)}


@dataclass(frozen=True, slots=True)
class Storm:
    """One storm. `usual_rate` is that of its surroundings (None where the capture has next to none); `carried` the
    highest rate of answers, in the whole capture, in a second in which 95 of 100 came within T1 (None where no second
    was so); `recovery` seconds from the moment with the most users without a binding until nearly all had one again.
    `latency` holds the 50th, 95th and 99th percentile in seconds; `silences` when nobody got an answer."""

    start: int
    end: int
    peak_rate: float
    peak_time: int
    usual_rate: float | None
    requests: int
    first_copies: int
    retransmissions: int
    users: int
    causes: tuple[CauseShare, ...]
    phases: tuple[Phase, ...]
    responses: dict[int, int]
    unanswered: int
    silences: tuple[Silence, ...]
    outage: Outage
    latency: tuple[float, float, float] | None
    carried: float | None
    recovery: float | None
    retry_after: RetryAfterCompliance
    back_off: RetryAfterCompliance
    coherence: Coherence | None
    what_if: tuple[WhatIf, ...]
    culprits: tuple[TopSource, ...]
    series: Series

    def share(self, *statuses: int) -> float:
        """The share of `statuses` among the final responses; a number below 10 stands for its class (5: all 5xx)."""
        total = sum(self.responses.values())
        wanted = sum(count for status, count in self.responses.items() if {status, status // 100} & set(statuses))
        return wanted / total if total else 0.0

    def to_dict(self) -> Record:
        """As JSON has it."""
        return {
            "start": seconds(self.start),
            "end": seconds(self.end),
            "peak_rate": rounded(self.peak_rate),
            "peak_time": seconds(self.peak_time),
            "usual_rate": rounded(self.usual_rate),
            "requests": self.requests,
            "first_copies": self.first_copies,
            "retransmissions": self.retransmissions,
            "users": self.users,
            "causes": [cause.to_dict() for cause in self.causes],
            "phases": [phase.to_dict() for phase in self.phases],
            "responses": {str(status): count for status, count in sorted(self.responses.items())},
            "unanswered": self.unanswered,
            "silences": [silence.to_dict() for silence in self.silences],
            "shares": {
                name: round(self.share(status), 4)
                for name, status in (("401", 401), ("403", 403), ("423", 423), ("5xx", 5))
            },
            "users_without_binding": self.outage.to_dict(),
            "latency": dict(zip(("p50", "p95", "p99"), (rounded(value, 6) for value in self.latency), strict=True))
            if self.latency
            else None,
            "carried_rate": rounded(self.carried),
            "recovery_seconds": rounded(self.recovery),
            "retry_after": self.retry_after.to_dict(),
            "back_off": self.back_off.to_dict(),
            "refresh_phase": self.coherence.to_dict() if self.coherence else None,
            "what_if": [case.to_dict() for case in self.what_if],
            "culprits": [culprit.to_dict() for culprit in self.culprits],
            "series": self.series.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class StormReport:
    """The storms of a capture, in order of time; empty for calm traffic. `notes` say what could not be judged."""

    storms: tuple[Storm, ...] = ()
    first: int | None = None
    last: int | None = None
    transactions: int = 0
    requests: int = 0
    retransmissions: int = 0
    users: int = 0
    peak_rate: float = 0.0
    usual_rate: float | None = None
    responses: dict[int, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_dict(self) -> Record:
        """`storms` and `summary` of the JSON of `sipcheck storm` (docs/interface.md 3.2)."""
        return {
            "storms": [storm.to_dict() for storm in self.storms],
            "summary": {
                "storms": len(self.storms),
                "first": seconds(self.first),
                "last": seconds(self.last),
                "transactions": self.transactions,
                "requests": self.requests,
                "retransmissions": self.retransmissions,
                "users": self.users,
                "peak_rate": rounded(self.peak_rate),
                "usual_rate": rounded(self.usual_rate),
                "responses": {str(status): count for status, count in sorted(self.responses.items())},
                "notes": list(self.notes),
            },
        }

    def _repr_html_(self) -> str:
        """For a notebook: the storms and their causes, as HTML without scripts or styles from elsewhere."""
        if not self.storms:
            return f'<p class="{NO_FORMULAS}">No storm in {self.transactions:,} REGISTER transactions.</p>'
        head = "".join(f'<th style="{_LEFT}">{name}</th>' for name in _HEAD)
        rows = "".join(_row(storm) for storm in self.storms)
        return f'<table class="{NO_FORMULAS}"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


_LEFT = "text-align: left; vertical-align: top"
_HEAD = ("began (UTC)", "lasted", "at most", "users", "requests", "not reachable, at worst", "why")


def _row(storm: Storm) -> str:
    """A storm as a row of a table."""
    began = datetime.fromtimestamp(storm.start / _SECOND, tz=UTC)
    why = "<br/>".join(
        f"<b>{cause.share:.0%} {escape(visible(cause.cause))}</b>: {escape(visible(cause.detail))}"
        for cause in storm.causes
    )
    cells = (
        f"{began:%Y-%m-%d %H:%M:%S}",
        f"{(storm.end - storm.start) / _SECOND:,.1f} s",
        f"{storm.peak_rate:,.0f} a second",
        f"{storm.users:,}",
        f"{storm.requests:,}, {storm.retransmissions:,} of them repeats",
        f"{storm.outage.peak:,} users",
        why or "nothing needless: more than usual",
    )
    columns = "".join(f'<td style="{_LEFT}">{cell}</td>' for cell in cells)
    return f"<tr>{columns}</tr>"
