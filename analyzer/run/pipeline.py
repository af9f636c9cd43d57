"""Path to report: the one module that sees all stages.

    inputs -> items (capture) -> messages (sip) -> subjects (register) -> answers (rules, judge) -> report

Streaming: an item is parsed, matched and judged before the next is read; what is kept is what is alive.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from analyzer.capture.input_stream import size_of
from analyzer.capture.inputs import are_files, plain_path
from analyzer.capture.opener import Reading, open_sources
from analyzer.evidence import SECOND, Fidelity, Item, NetworkError, RawMessage, Source
from analyzer.interruption import late
from analyzer.judge.context import CaptureContext
from analyzer.judge.costs import Clock, Costs, measured, summed
from analyzer.judge.failures import INTERNAL
from analyzer.judge.findings import Finding, Profile, Rule
from analyzer.judge.judge import Judge
from analyzer.register.digest.secrets import Secrets
from analyzer.register.identity import aor_of
from analyzer.register.reconstruct import Reconstructor
from analyzer.register.registration import Registration
from analyzer.register.room import keep_all
from analyzer.register.subjects import Subject
from analyzer.register.transaction import Transaction
from analyzer.rules import all_rules
from analyzer.run.collector import patient_collector
from analyzer.run.givens import Input, Kind, expanded, secrets_of
from analyzer.run.known_stacks import Servers, note_server
from analyzer.run.partial_result import PartialResult, report_of
from analyzer.run.report import MOST_METHODS, MOST_PACES, PACE, Report, Summary, TransactionRow, row_of
from analyzer.run.shard import Inseparable, Shard
from analyzer.sip.message import parse
from analyzer.sip.sniff import PING, is_keepalive

if TYPE_CHECKING:
    from analyzer.capture.engine import Engine
    from analyzer.run.flows import FlowAnalyses
    from analyzer.run.recording import Recorder
    from analyzer.run.workers import Run

Columnar = Literal["auto", "never", "always"]
"""Whether what is ordinary is read in columns (docs/columnar.md): where it pays, not at all, or where it can be."""
Progress = Callable[[int, int | None], None] | None
Gate = Callable[[Item], bool]
OTHER_METHODS = "(others)"
"""Stands for methods beyond so many: they are words from the wire."""
_LEAST_OCTETS = 2_000_000
"""Octets of a capture from which on it is looked whether columns pay."""


class Analysis:
    """A run over items that somebody else reads: `feed` each, `finish` once.

    `shard` makes it one worker's shard; `part` numbers what others belong to one report with (0: it is all), and what
    it counts goes on behind message `after`. `tables` keeps what `analyzer.tables` needs; `exhaustive` asks rules also
    where the marks of a subject settle what they would answer, which costs time and must change nothing; `clock`
    measures what each rule costs (`report.costs`); with `keeps_all` nothing is forgotten that columns keep.
    """

    def __init__(
        self,
        sources: list[Source],
        *,
        rules: Sequence[Rule] | None = None,
        secrets: Secrets | None = None,
        detail: bool = True,
        aor: str = "",
        profile: Profile = "rfc3261",
        shard: Shard | None = None,
        part: int = 0,
        after: int = 0,
        tables: bool = False,
        exhaustive: bool = False,
        clock: Clock | None = None,
        keeps_all: bool = False,
    ) -> None:
        self.sources = sources
        self.rules, self._costs = measured(all_rules() if rules is None else rules, clock)
        self._partition = shard
        self._by_name = {source.name: source for source in sources}
        self._secrets = secrets or Secrets()
        self._detail = detail = detail or tables
        self._aor = aor
        self._profile = profile
        self._rows: list[TransactionRow] = []
        self._summary = Summary()
        self._servers: Servers = {}
        self.reconstructor = Reconstructor(self._secrets, self._closed, detail=detail)
        self._part = part
        if keeps_all:
            keep_all(self.reconstructor)
        self.counter = self.reconstructor.counter
        self.counter.shared, self.counter.number = shard is not None, after
        self.counter.joined = shard is not None or part > 0
        self._recorder = _recorder() if tables else None
        if self._recorder is not None:
            self.reconstructor.table = self._recorder.table(self.reconstructor.counter)
        context = CaptureContext(sources, self.reconstructor)
        self.judge = Judge(self.rules, context, profile=profile, exhaustive=exhaustive)
        self.reconstructor.emit = self.hearing(self.judge.ask)

    def hearing(self, ask: Callable[[Subject], None]) -> Callable[[Subject], None]:
        """`ask`, behind whoever hears of subjects for the tables."""
        return ask if self._recorder is None else self._recorder.hearing(ask)

    def feed(self, item: Item) -> None:
        """Take in a datagram or a network error."""
        if isinstance(item, NetworkError):
            self.reconstructor.abort(item)
            return
        source = self._by_name.get(item.place[0])
        if source is not None and item.time != source.last:
            source.note_time(item.time)
        if len(item.payload) <= len(PING) and source is not None and is_keepalive(item.payload):
            is_crlf = item.payload == PING and not item.stream  # readers of captures note them by themselves
            source.kept.note((item.source, item.destination, item.stream), item.time, crlf=is_crlf)
            return
        if self._partition is not None and not self._partition.takes(item):
            self.reconstructor.note_foreign(item)
            return
        message = parse(item)
        self._summary.messages += 1
        if message.method:
            methods = self._summary.methods
            known = message.method in methods or len(methods) < MOST_METHODS
            methods[message.method if known else OTHER_METHODS] += 1
        if self._aor and aor_of(message) != self._aor:
            return
        self.reconstructor.feed(message)
        for said in item.notices:
            self.reconstructor.witnesses.take(said)

    def news(self) -> list[Finding]:
        """The findings that are new since this was asked before, for who tells them as they happen: ask before the
        first item, then after each. What another explains (docs/rules/precedence.md) may still be taken back: its
        count is 0 then."""
        fresh, self.judge.fresh = self.judge.fresh, []
        return [finding for finding in fresh or () if finding.count > 0]

    def pulse(self) -> tuple[int, int]:
        """The SIP messages and the clients that were seen so far."""
        return self._summary.messages, len(self.reconstructor.registry)

    def finish(self, *, interrupted: bool = False) -> Report:
        """The input has ended: close what is alive, and report."""
        return report_of([self.partial(interrupted=interrupted)], self.rules)

    def partials(self, *, interrupted: bool) -> list[PartialResult]:
        """The same as one part of a report that may have several."""
        return [self.partial(interrupted=interrupted)]

    def partial(self, *, interrupted: bool = False) -> PartialResult:
        """The input has ended: close what is alive, and hand over what was found."""
        reconstructor, judge, summary = self.reconstructor, self.judge, self._summary
        ends = {source.name: source.last for source in self.sources if source.last is not None}
        logs = {one.name: ends[one.name] for one in self.sources if one.kind == "log" and one.name in ends}
        reconstructor.finish(max(ends.values(), default=None), logs if len(self.sources) > 1 else None)
        summary.register_requests = reconstructor.requests
        summary.responses = reconstructor.responses
        summary.duplicates = reconstructor.table.duplicates
        summary.digests = reconstructor.digests.verdicts
        summary.other_form, summary.no_password = reconstructor.digests.other_form, reconstructor.digests.no_password
        registrations = list(reconstructor.registry)
        for registration in registrations:
            registration.seal()
        return PartialResult(
            sources=self.sources,
            summary=summary,
            transactions=self._rows,
            registrations=registrations,
            digests=reconstructor.digests.records,
            findings=judge.found,
            outcomes=judge.tallies,
            opened=reconstructor.table.opened,
            orphans=reconstructor.orphans,
            evicted_findings=judge.evicted_findings,
            digests_dropped=reconstructor.digests.dropped,
            evicted_clients=reconstructor.registry.evicted,
            evicted_nonces=reconstructor.challenges.evicted,
            evicted_exchanges=reconstructor.exchanges.evicted,
            begun=reconstructor.registry.begun,
            unlisted=reconstructor.registry.unlisted,
            interrupted=interrupted,
            secrets_given=bool(self._secrets),
            aor=self._aor,
            recording=self._recorder.recording if self._recorder is not None else None,
            fleet=reconstructor.fleet,
            profile=self._profile,
            costs=self._costs,
            part=self._part,
            servers=self._servers,
        )

    def _keep_pace(self, transaction: Transaction) -> None:
        if transaction.first is None or transaction.request is None:
            return
        pace, tick = self._summary.pace, transaction.first // PACE
        if tick in pace or len(pace) < MOST_PACES:
            pace[tick] += 1 + transaction.retransmissions

    def _closed(self, transaction: Transaction, registration: Registration | None) -> None:
        summary = self._summary
        if transaction.request is None:
            summary.headless += 1
        else:
            summary.transactions += 1
        summary.retransmissions += transaction.retransmissions
        summary.states[transaction.state] += 1
        self._keep_pace(transaction)
        note_server(self._servers, transaction)
        if self._detail:
            message = transaction.request or transaction.final
            aor = registration.aor if registration else aor_of(message) if message else ""
            facts = None if self._recorder is None else self._recorder.facts(transaction)
            self._rows.append(row_of(transaction, registration, aor, facts))


def _recorder() -> Recorder:
    from analyzer.run.recording import Recorder  # late: the commands that make no tables do not pay for it

    return Recorder()


def analyze(
    inputs: Input | Sequence[Input],
    *,
    kind: Kind | None = None,
    dialect: str | None = None,
    credentials: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    secrets: Secrets | None = None,
    rules: Sequence[Rule] | None = None,
    detail: bool = True,
    tables: bool = True,
    aor: str = "",
    profile: Profile = "rfc3261",
    engine: Engine = "auto",
    tls_keylog: str | os.PathLike[str] | None = None,
    jobs: int = 1,
    columnar: Columnar = "auto",
    progress: Progress = None,
    clock: Clock | None = None,
    gate: Gate | None = None,
    keeps_all: bool = False,
) -> Report:
    """Read captures or logs and report what happened.

    `inputs` is a path, an open binary file, or a list of them; several captures are one capture in time order. A
    directory stands for the captures and logs in it (`analyzer.capture.directories`); a note says which.
    `credentials` names credential files; `engine` says who reads captures, `tls_keylog` names a file with keys of TLS;
    `jobs` is the number of processes that share a capture, `columnar` says whether what is ordinary in it is read in
    columns (both with the same report as one process that reads it message by message). `detail` keeps the rows of
    transactions and credentials, and `tables` with it what `analyzer.tables` needs, some 60 octets a message. `clock`
    (nanoseconds) measures what each rule costs (`report.costs`). `gate` is shown each item in their order, and says
    whether it is analyzed; one process does all then. `keeps_all` forgets nothing that columns keep. Raises SourceError
    where an input cannot be read at all, CredentialsError for a credential file. Ctrl-C gives the report of what was
    read so far (`report.interrupted`).
    """
    several = list(inputs) if isinstance(inputs, Sequence) and not isinstance(inputs, str) else [inputs]
    secrets = secrets_of(credentials) if secrets is None else secrets
    several, notes = expanded(several, kind, dialect)
    opened = partial(open_sources, several, kind=kind, dialect=dialect, engine=engine, tls_keylog=tls_keylog)

    def parts(shard: Shard | None, progress: Progress) -> list[PartialResult]:
        with opened(asks=shard is None) as reading:  # several processes would ask tshark several times
            asked = partial(Analysis, reading.sources, rules=rules, secrets=secrets, detail=detail, aor=aor)
            kept = {"tables": tables and detail, "keeps_all": keeps_all, "clock": clock}
            begin = partial(asked, profile=profile, shard=shard, **kept)
            return _parts(reading, begin, progress, gate)

    # Rules about all clients together are asked here, when the workers are done.
    chosen, fleet_costs = measured(all_rules() if rules is None else rules, clock)
    is_plain = not (aor or tls_keylog or clock or dialect or gate)
    if columnar != "never" and is_plain and profile == "rfc3261" and kind != "log" and engine != "tshark":
        kept: Any = {"tables": tables and detail, "least": _LEAST_OCTETS if columnar == "auto" else 0}
        if found := _in_columns(several, opened, chosen, secrets, detail=detail, jobs=jobs, **kept):
            return _report(found, chosen, notes, fleet_costs)
    if jobs > 1 and not aor and gate is None and are_files(several):
        with opened() as reading:
            shared = reading.is_divisible
        if shared:
            divided = _divided(lambda *share: parts(*share)[0], jobs, progress)
            return _report(divided, chosen, notes, fleet_costs)
    return _report(parts(None, progress), chosen, notes, fleet_costs)


def _in_columns(
    several: list[Input],
    opened: Callable[..., Reading],
    rules: Sequence[Rule],
    secrets: Secrets,
    *,
    detail: bool,
    tables: bool,
    least: int,
    jobs: int,
) -> list[PartialResult]:
    """What columns and the object path find in one capture of that size; nothing where the latter is to read it."""
    path = plain_path(several[0]) if len(several) == 1 else None
    if path is None or size_of(path) < least:
        return []
    from analyzer.columnar.door import read  # late: small captures need no numpy

    with patient_collector():
        begin = partial(Analysis, secrets=secrets, detail=detail, tables=tables)
        kept = {"detail": detail, "tables": tables, "is_asked_for": not least}
        return read(path, opened, rules, begin, secrets=secrets, jobs=jobs, **kept)


def _parts(
    reading: Reading, begin: Callable[..., Analysis], progress: Progress, gate: Gate | None
) -> list[PartialResult]:
    """What is found in all that is read: one part, or one for each flow of a document."""
    analysis: Analysis | FlowAnalyses = begin()
    if any(source.shows_flows for source in reading.sources):
        from analyzer.run.flows import FlowAnalyses  # late: hardly any source shows flows

        analysis = FlowAnalyses(begin)
    interrupted = _read(reading if gate is None else filter(gate, reading), reading, analysis, progress)
    with late(interrupted) as noted:
        found = analysis.partials(interrupted=interrupted)
    return [replace(one, interrupted=interrupted or bool(noted)) for one in found]


def _report(partials: Sequence[PartialResult], rules: Sequence[Rule], notes: Sequence[str], costs: Costs) -> Report:
    with late(any(partial.interrupted for partial in partials)) as noted:
        report = report_of(partials, rules)
    report.costs = summed([report.costs, costs])
    report.interrupted = report.interrupted or bool(noted)
    report.notes[:0] = notes
    return report


def _divided(run: Run, jobs: int, progress: Progress) -> list[PartialResult]:
    """The parts of several workers; one process does all where there can be no workers, where they cannot share the
    capture, or where one of them died."""
    from analyzer.run.workers import WorkerDied, can_fork, divided  # late: only a run of several processes pays for it

    if not can_fork():
        return [run(None, progress)]
    try:
        with patient_collector():
            partials = divided(run, jobs, progress)
        if len({method for partial in partials for method in partial.summary.methods}) > MOST_METHODS:
            raise Inseparable("there are more methods than are counted apart")
        if not partials[0].interrupted and any(source.unopened for source in partials[0].sources):
            raise Inseparable("there is what tshark is to be asked about")
        return partials
    except Inseparable:
        return [run(None, progress)]
    except WorkerDied as death:
        whole = run(None, progress)
        whole.notes.append(death.note)
        return [whole]


def _read(items: Iterable[Item], reading: Reading, analysis: Analysis | FlowAnalyses, progress: Progress) -> bool:
    """Feed all items; True where Ctrl-C (or what else is raised as that) came before the end."""
    try:
        with patient_collector():
            for number, item in enumerate(items):
                analysis.feed(item)
                if progress is not None and number % 256 == 0:
                    progress(reading.position(), reading.total())
    except KeyboardInterrupt:
        return True
    return False


def analyze_items(items: Iterable[Item], **given: object) -> Report:
    """Analyze items that are already at hand (flow text, tests); takes what `Analysis` takes."""
    source = Source("flow")
    analysis = Analysis([source], **given)  # type: ignore[arg-type]
    for item in items:
        if isinstance(item, RawMessage) and item.fidelity is Fidelity.TEXT_LOG:
            source.kind, source.resolution = "log", SECOND
        analysis.feed(item)
    return analysis.finish()


__all__ = ["INTERNAL", "Analysis", "analyze", "analyze_items"]
