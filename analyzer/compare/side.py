"""One side of a comparison: what is kept of a report, so that the report itself can go before the other is made.

A client costs some 300 octets here whatever it did, and the latencies of all answers eight octets each.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from analyzer.compare.values import ClientFacts, FindingFacts, Reached
from analyzer.evidence import SECOND, Evidence, Source
from analyzer.judge.failures import INTERNAL
from analyzer.judge.findings import SEVERITIES
from analyzer.judge.tally import Tally
from analyzer.register.client_state import state_of
from analyzer.register.history import FAILED
from analyzer.register.reachability import Stretch
from analyzer.register.registration import Registration
from analyzer.run.baseline import FindingKey, keys_of
from analyzer.run.recording import UNKNOWN, Recording
from analyzer.run.report import Report, Summary

FEWEST_FOR_A_STORM = 60
"""REGISTERs below which the storm analysis finds none, whatever they are, so that it need not be asked."""
Kind = Literal["capture", "log", "captures and logs"]


@dataclass(frozen=True, slots=True)
class StormFigures:
    """What the storm analysis says: how many storms, the most users without a binding at once in any of them, and the
    sum of their user-seconds without one."""

    storms: int = 0
    peak_unbound: int = 0
    user_seconds: float = 0.0


@dataclass(slots=True)
class Side:
    """What is kept of one report. `span` is its length in nanoseconds, None without a clock; `first_responses` and
    `final_responses` are how long answers to REGISTERs took, nanoseconds; `peak_rate` the most REGISTERs in a second;
    `storms` is None where nobody asked the storm analysis; `aors` and `hosts` are whom it shows."""

    sources: list[Source]
    summary: Summary
    kind: Kind
    span: int | None
    clients: list[ClientFacts]
    unlisted: int
    findings: dict[FindingKey, FindingFacts]
    outcomes: dict[str, Tally]
    first_responses: array[int]
    final_responses: array[int]
    peak_rate: int | None
    storms: StormFigures | None
    interrupted: bool
    notes: list[str]
    aors: frozenset[str] = field(default_factory=frozenset)
    hosts: frozenset[str] = field(default_factory=frozenset)

    @property
    def resolution(self) -> int:
        """The coarsest step of its clocks, nanoseconds."""
        return max((source.resolution for source in self.sources), default=0)

    @property
    def client_hours(self) -> float | None:
        """Hours of all clients together: each counts for the whole length."""
        if not self.span:
            return None
        return (len(self.clients) + self.unlisted) * self.span / (3600 * SECOND)

    @property
    def reached(self) -> Reached:
        """The reachability of all clients together."""
        return together(self.clients)


def together(clients: Iterable[ClientFacts]) -> Reached:
    """The reachability of some clients together."""
    whole = Reached()
    for one in clients:
        whole = whole.plus(one.reached)
    return whole


def side_of(report: Report, storms: StormFigures | None = None) -> Side:
    """What is kept of a report that was made with `tables=True`; `storms` is what the storm analysis said of it."""
    first, last = report.span
    ends = {source.name: source.last for source in report.sources}
    clients = [_client(one, ends) for one in report.registrations]
    responses = _latencies(report.recording) if report.recording is not None else (array("q"), array("q"))
    return Side(
        sources=report.sources,
        summary=report.summary,
        kind=_kind(report.sources),
        span=last - first if first is not None and last is not None else None,
        clients=clients,
        unlisted=report.unlisted.total(),
        findings=_findings(report),
        outcomes=report.outcomes,
        first_responses=responses[0],
        final_responses=responses[1],
        peak_rate=_peak(report.recording),
        storms=storms,
        interrupted=report.interrupted,
        notes=list(report.notes),
        aors=frozenset(one.aor for one in clients),
        hosts=frozenset(
            host for one in report.registrations for host in (one.source.host, one.registrar.endpoint.host)
        ),
    )


def _kind(sources: list[Source]) -> Kind:
    kinds = {source.kind for source in sources}
    return "captures and logs" if len(kinds) > 1 else next(iter(kinds), "capture")


def _client(one: Registration, ends: dict[str, int | None]) -> ClientFacts:
    client, state = one.client, state_of(one)
    current = one.reach.current
    since, place = one.failing_since if one.failing_since is not None else one.since, one.since_place
    time = one.since
    if state in ("ran out", "taken away") and current is not None:
        since = time = current.start
        place = current.by.place if current.by is not None else place
    outcomes = one.outcomes
    return ClientFacts(
        aor=one.aor,
        registrar=str(one.registrar),
        instance=client.instance,
        token=client.token,
        contact=client.contact,
        host=client.host,
        user_agent=one.user_agent,
        state=state,
        status=one.status,
        since=since,
        place=Evidence(place, time),
        reached=_reached(one, ends.get(place.source)),
        failures=sum(outcomes[outcome] for outcome in FAILED),
    )


def _reached(one: Registration, end: int | None) -> Reached:
    """How long it was bound and not, up to the end of its source. Who signed off wants no binding: that is neither."""
    counted: Counter[str] = Counter()
    for stretch in one.reach.stretches:
        until = _until(stretch, end)
        if until is not None and until > stretch.start and (stretch.state, stretch.cause) != ("unbound", "signed off"):
            counted[stretch.state] += until - stretch.start
    return Reached(counted["bound"], counted["unbound"], counted["unknown"], one.reach.gaps)


def _until(stretch: Stretch, end: int | None) -> int | None:
    if stretch.end is not None:
        return stretch.end
    known = [time for time in (stretch.expires if stretch.state == "bound" else None, end) if time is not None]
    return min(known, default=None)


def _findings(report: Report) -> dict[FindingKey, FindingFacts]:
    found: dict[FindingKey, FindingFacts] = {}
    for finding in report.findings:
        if finding.rule == INTERNAL:
            continue
        facts = FindingFacts(
            severity=finding.severity,
            title=finding.short_title or finding.title,
            clause=finding.clause,
            detail=finding.detail,
            fix=finding.fix,
            aor=finding.aor,
            number=finding.count,
            evidence=finding.evidence[0] if finding.evidence else None,
        )
        for key in keys_of(finding):
            known = found.get(key)
            found[key] = facts if known is None else _joined(known, facts)
    return found


def _joined(one: FindingFacts, other: FindingFacts) -> FindingFacts:
    """What one key knows twice, as two clients of one address-of-record are: the heavier, counted together."""
    heavier = max(one, other, key=lambda facts: SEVERITIES.index(facts.severity))
    return heavier._replace(number=one.number + other.number)


def _latencies(recording: Recording) -> tuple[array[int], array[int]]:
    """How long the first response, and the final one, of each transaction took from its first copy on. Of what was not
    seen, or has no time, there is none; nor where the clock went back."""
    sent: dict[int, int] = {}
    firsts: dict[int, int] = {}
    finals: dict[int, int] = {}
    rows = zip(recording.time, recording.transaction, recording.request, recording.status, strict=True)
    for time, transaction, is_request, status in rows:
        if time == UNKNOWN:
            continue
        if is_request:
            sent.setdefault(transaction, time)
        elif transaction in sent:
            firsts.setdefault(transaction, time)
            if status >= 200:
                finals.setdefault(transaction, time)
    return _taken(sent, firsts), _taken(sent, finals)


def _taken(sent: dict[int, int], answered: dict[int, int]) -> array[int]:
    return array("q", sorted(taken for one, time in answered.items() if (taken := time - sent[one]) >= 0))


def _peak(recording: Recording | None) -> int | None:
    """The most REGISTERs, copies included, in any second; None where none has a time."""
    if recording is None:
        return None
    rows = zip(recording.time, recording.request, strict=True)
    times = sorted(time for time, is_request in rows if is_request and time != UNKNOWN)
    most, begin = 0, 0
    for end, time in enumerate(times):
        while time - times[begin] >= SECOND:
            begin += 1
        most = max(most, end - begin + 1)
    return most if times else None
