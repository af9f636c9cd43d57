"""What one run over (a shard of) the messages found, and how several such parts become one report.

A run in one process is the case of one part. What workers found is put together so that the report is the same: counts
add up, lists are ordered by when a thing was first seen, and a finding that several workers share (of a server's
challenges, say) is told again from what each of them had to say about it, in the order in which one would have said it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from analyzer.evidence import SECOND, Source
from analyzer.judge.costs import Costs, summed
from analyzer.judge.findings import Finding, Profile, Rule
from analyzer.judge.fleet import ask_fleet
from analyzer.judge.judge import finished, ranked
from analyzer.judge.tally import Tally
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.fleet import FleetLedger, FleetSubject, together
from analyzer.register.registration import Registration
from analyzer.run.advice import advise
from analyzer.run.causes import tie_causes
from analyzer.run.known_stacks import Servers, tell_stacks
from analyzer.run.report import Report, Summary, TransactionRow

if TYPE_CHECKING:
    from analyzer.run.recording import Recording


@dataclass(slots=True)
class PartialResult:
    """What a run found.

    `opened` numbers its transactions, `orphans` counts answers without request. `evicted_findings`, `digests_dropped`
    mismatches, `evicted_clients` and `evicted_nonces` had to be evicted, and of `evicted_exchanges` exchanges the
    messages. `unlisted` counts by outcome the registrations that are not listed. Numbers of transactions and
    registrations are those of the message that began them where there is more than one part, so that they can be
    compared; `begun` has then those of all registrations. `part` is 0 for a share of one capture; others number
    captures of their own (the flows of a document), of which nothing is put together but the lists.
    """

    sources: list[Source]
    summary: Summary
    transactions: list[TransactionRow]
    registrations: list[Registration]
    digests: list[DigestRecord]
    findings: list[Finding]
    outcomes: dict[str, Tally]
    opened: Sequence[int]
    orphans: int = 0
    evicted_findings: int = 0
    digests_dropped: int = 0
    evicted_clients: int = 0
    evicted_nonces: int = 0
    evicted_exchanges: int = 0
    begun: Sequence[int] = ()
    unlisted: Counter[str] = field(default_factory=Counter)
    interrupted: bool = False
    secrets_given: bool = False
    aor: str = ""
    notes: list[str] = field(default_factory=list)
    recording: Recording | None = None
    fleet: FleetLedger = field(default_factory=FleetLedger)
    profile: Profile = "rfc3261"
    costs: Costs = field(default_factory=dict)
    part: int = 0
    servers: Servers = field(default_factory=dict)


def report_of(partials: Sequence[PartialResult], rules: Sequence[Rule]) -> Report:
    """One report of all parts; each share of a capture must have read all sources. Interrupted, each read as far as it
    came: what the sources hold is told by the one that came farthest."""
    first = partials[0]
    sources = max((partial.sources for partial in partials), key=lambda read: sum(one.frames for one in read))
    if len(partials) > 1 or first.part:
        _renumber(partials)
    tallies = _sum_tallies(partial.outcomes for partial in partials)
    registrations = sorted((one for partial in partials for one in partial.registrations), key=lambda one: one.id)
    captures = [[partial] for partial in partials] if first.part else [partials]
    findings = ranked(finding for shares in captures for finding in _findings(shares, tallies, rules))
    summary = _sum_summaries([partial.summary for partial in partials])  # into the first of them
    summary.keepalives = sum(source.keepalives for source in sources)
    unlisted = sum((partial.unlisted for partial in partials), Counter[str]())
    summary.registrations = len(registrations) + unlisted.total()
    summary.outcomes = Counter(one.outcome for one in registrations) + unlisted
    summary.findings = Counter(finding.severity for finding in findings)
    summary.broken_by_findings = tie_causes(registrations, findings)
    summary.not_judged = sum(sum(tally.not_judged.values()) for tally in tallies.values())
    return Report(
        sources=sources,
        summary=summary,
        transactions=sorted(row for partial in partials for row in partial.transactions),
        registrations=registrations,
        digests=sorted((record for partial in partials for record in partial.digests), key=lambda record: record.order),
        findings=findings,
        outcomes=tallies,
        secrets_given=first.secrets_given,
        notes=[*_given_up(partials, summary), *first.notes],
        interrupted=any(partial.interrupted for partial in partials),
        aor=first.aor,
        recording=_recording(partials),
        unlisted=unlisted,
        costs=summed(partial.costs for partial in partials),
    )


def _findings(shares: Sequence[PartialResult], tallies: dict[str, Tally], rules: Sequence[Rule]) -> list[Finding]:
    """The findings of one capture."""
    registrations = sorted((one for share in shares for one in share.registrations), key=lambda one: one.id)
    single = [finding for share in shares for finding in share.findings]
    findings = finished([*single, *_of_all(shares, registrations, tallies, rules)], _loss(shares), rules)
    advise(findings, registrations, rules)
    tell_stacks(findings, registrations, (share.servers for share in shares))
    return findings


def _of_all(
    partials: Sequence[PartialResult],
    registrations: Sequence[Registration],
    tallies: dict[str, Tally],
    rules: Sequence[Rule],
) -> list[Finding]:
    """The findings about all clients together."""
    if not any("fleet" in (rule.subject, *rule.also) for rule in rules):
        return []
    pace = sum((partial.summary.pace for partial in partials), Counter[int]())
    ledger, sources = together(partial.fleet for partial in partials), partials[0].sources
    firsts = [one.first for one in sources if one.first is not None]
    lasts = [one.last for one in sources if one.last is not None]
    subject = FleetSubject(
        registrations,
        ledger.bursts,
        ledger.restarts,
        ledger.exposed,
        sorted(ledger.wandering.values(), key=lambda one: (one.evidence.time or 0, one.evidence.place[1], one.call_id)),
        ledger.answering,
        ledger.unrouted,
        pace,
        min(firsts, default=None),
        max(lasts, default=None),
        any(one.resolution >= SECOND for one in sources),
        sum(partial.unlisted.total() for partial in partials),
    )
    doubts = int(any(one.kind == "log" for one in sources))
    return ask_fleet(rules, subject, tallies, profile=partials[0].profile, doubts=doubts)


def _recording(partials: Sequence[PartialResult]) -> Recording | None:
    several = [partial.recording for partial in partials if partial.recording is not None]
    if not several:
        return None
    from analyzer.run.recording import together  # late: a run without tables does not pay for it

    return together(several)


def _renumber(partials: Sequence[PartialResult]) -> None:
    """Number transactions and registrations as one process would: 1, 2, 3 in the order in which they began. There may
    be millions of them: no row is kept beside the one that takes its place, and a number is one object wherever it
    stands."""
    began = sorted(number for partial in partials for number in partial.opened)
    known = sorted(number for partial in partials for number in partial.begun)
    numbers = list(range(1, max(len(began), len(known)) + 2))

    def transaction(number: int) -> int:
        return numbers[bisect_left(began, number)]

    def registration(number: int | None) -> int | None:
        return None if number is None else numbers[bisect_left(known, number)]

    for partial in partials:
        rows = partial.transactions
        for at, row in enumerate(rows):
            rows[at] = row.numbered(transaction(row.id), registration(row.registration))
        for record in partial.digests:
            record.transaction = transaction(record.transaction)
        for finding in partial.findings:
            finding.registration = registration(finding.registration)
            finding.transaction = None if finding.transaction is None else transaction(finding.transaction)
            finding.explains = [transaction(one) for one in finding.explains]
        if partial.recording is not None:
            partial.recording.renumber(transaction, lambda number: bisect_left(known, number) + 1)
        for one in partial.registrations:
            one.renumber(bisect_left(known, one.id) + 1, transaction)


def _sum_tallies(several: Iterable[dict[str, Tally]]) -> dict[str, Tally]:
    whole: dict[str, Tally] = {}
    for tallies in several:
        for name, tally in tallies.items():
            if name in whole:
                whole[name].merge(tally)
            else:
                whole[name] = tally
    return whole


def _sum_summaries(several: Sequence[Summary]) -> Summary:
    whole = several[0]
    for summary in several[1:]:
        for name in (one.name for one in fields(Summary)):
            setattr(whole, name, getattr(whole, name) + getattr(summary, name))
    return whole


def _loss(partials: Sequence[PartialResult]) -> float:
    """Answers without requests and holes in streams, for each transaction (docs/rules/reconstruction.md 1 item 6)."""
    gaps = sum(source.gaps for source in partials[0].sources)
    return (sum(partial.orphans for partial in partials) + gaps) / max(
        1, sum(len(partial.opened) for partial in partials)
    )


def _given_up(partials: Sequence[PartialResult], summary: Summary) -> list[str]:
    """What was evicted to stay within bounds: never silently."""
    notes = []
    dropped, forgotten = (
        sum(partial.evicted_findings for partial in partials),
        sum(partial.evicted_clients for partial in partials),
    )
    if dropped:
        notes.append(f"{dropped} more findings were counted but not kept")
    unlisted = sum(partial.unlisted.total() for partial in partials)
    digests = sum(partial.digests_dropped for partial in partials)
    if digests:
        notes.append(f"{digests} more responses that do not match were counted but are not listed")
    if unlisted:
        notes.append(
            f"{unlisted} registrations were counted but are not listed, those first that never succeeded: there are too"
            " many to be kept; seen again, they look new"
        )
    if forgotten:
        notes.append(f"{forgotten} clients or Call-IDs were forgotten, the oldest first: seen again, they look new")
    nonces, evicted_exchanges = (
        max(partial.evicted_nonces for partial in partials),
        sum(partial.evicted_exchanges for partial in partials),
    )
    if nonces:
        notes.append(f"{nonces} nonces were forgotten, the oldest first: whether those are used again is not judged")
    if evicted_exchanges:
        notes.append(
            f"of {evicted_exchanges} clients the last exchange was not kept whole: some details may be missing"
        )
    if summary.duplicates:
        notes.append(f"{summary.duplicates} packets are in the capture twice and were counted once")
    return notes
