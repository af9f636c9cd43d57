"""A capture by both paths: what is ordinary in columns, the rest by the object path; two partial results of one report
(docs/columnar.md).

Everything that cannot be told for certain ends in `Unsuited`, and then the object path reads all: what it says is the
report, with or without this.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analyzer.columnar.answering import Answering
from analyzer.columnar.bursts import bursts_of
from analyzer.columnar.classes import Told, Witness, answers_of, chosen
from analyzer.columnar.clients import clients_of
from analyzer.columnar.columns import Values, any_of
from analyzer.columnar.copies import hold_single
from analyzer.columnar.counted import Counted, left_of
from analyzer.columnar.crew import Crew
from analyzer.columnar.exchanges import exchanges_of
from analyzer.columnar.findings import Verdicts
from analyzer.columnar.others import others_of
from analyzer.columnar.packets import packets_of, records_of
from analyzer.columnar.recorded import hold_against, recording_of
from analyzer.columnar.records import Flags, Numbers, Unsuited
from analyzer.columnar.rows import Rows
from analyzer.columnar.same import differences
from analyzer.columnar.scan import scan
from analyzer.columnar.shapes import MOST_SHAPES, shapes_of
from analyzer.columnar.shared import Capture, Overhearing
from analyzer.columnar.speaking import Speaker
from analyzer.columnar.strangers import strangers_of
from analyzer.columnar.turns import Try
from analyzer.columnar.verified import Credentials
from analyzer.columnar.waiting import Waiting
from analyzer.evidence import Source
from analyzer.judge.findings import Answer, Rule
from analyzer.memory import memory
from analyzer.register.digest.secrets import Secrets
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.fleet import MOST_ANSWERING, MOST_BURSTS, Exposed, FleetLedger, is_public
from analyzer.register.registration import Registration
from analyzer.register.registry import MOST_CLIENTS
from analyzer.register.subjects import TransactionSubject
from analyzer.run.known_stacks import MOST_LETTERS, MOST_SERVERS, Servers
from analyzer.run.partial_result import PartialResult
from analyzer.run.report import MOST_METHODS, MOST_PACES, PACE, Summary

if TYPE_CHECKING:
    from analyzer.run.pipeline import Analysis

OF_MESSAGE = 256
"""Octets of memory that a message takes in columns; all of them may take half of what there is."""
MOST_ROUNDS = 3
"""How often the object path is asked, each time with those clients whose classes it could not speak for."""

Begin = Callable[..., "Analysis"]


def capture_of(
    path: str | os.PathLike[str], *, least: int = 0, secrets: Secrets | None = None, crew: Crew | None = None
) -> Capture:
    """Read a capture into columns; `secrets` are the passwords that are known, `crew` shares the work. Raises
    `Unsuited`, too, where it has fewer than `least` messages."""
    records = records_of(path)
    packets = packets_of(records)
    hold_single(packets)
    if not least <= len(packets.plain) <= memory() // 2 // OF_MESSAGE or not len(packets.plain):
        raise Unsuited("it has too few messages, or too many")
    values = Values(scan(packets, crew))
    shapes = shapes_of(values.scanned)
    if not shapes.register(np.arange(len(packets.plain))).any():
        raise Unsuited("nobody registers")
    strangers, odd = strangers_of(values, shapes)
    exchanges = exchanges_of(values, shapes, crew)
    credentials = Credentials(values, shapes, exchanges, secrets) if secrets else None
    waiting, answering = Waiting(exchanges, odd), Answering(packets, shapes, odd)
    stages, early = answering.stages(exchanges, waiting.all_decided)
    clients = clients_of(values, shapes, exchanges, strangers, records.last, credentials, stages)
    registering = np.flatnonzero(shapes.register(exchanges.final))
    if len(np.unique(clients.of[registering])) + odd.clients > MOST_CLIENTS:
        raise Unsuited("there are too many clients")
    others = others_of(values, shapes, exchanges, clients, strangers.ends)
    return Capture(values, shapes, exchanges, clients, others, odd, waiting, answering, early, credentials)


def partials_of(
    capture: Capture, source: Source, rules: Sequence[Rule], begin: Begin, *, detail: bool, tables: bool = False
) -> list[PartialResult]:
    """The parts of a report on a capture; `begin` makes an analysis of rules, with `detail` and `tables` as these tell.
    Raises `Unsuited`."""
    capture.values.scanned.packets.records.begin(source)
    blank = replace(source)
    wanted = capture.clients.ordinary & ~_is_early(capture)
    columnar = wanted & ~chosen(capture.clients, wanted)
    for _ in range(MOST_ROUNDS):
        if not columnar.any():
            raise Unsuited("no client is ordinary")
        own = replace(blank, kept=type(source.kept)(), quality=list(blank.quality), defect_list=[])
        run = _Round(capture, own, rules, begin, columnar, wanted & ~columnar, detail=detail, tables=tables)
        capture.others = capture.others.without(run.unknown_others, capture.clients)
        unknown = any_of(np.isin(capture.clients.kind, list(run.unknown)), capture.clients.of, len(columnar))
        if not (unknown & columnar).any() and not run.unknown_others:
            found = run.partials()
            _copy(own, source)
            return found
        columnar &= ~unknown
    raise Unsuited("the answers of classes differ")


def _copy(one: Source, other: Source) -> None:
    for name in one.__dataclass_fields__:
        setattr(other, name, getattr(one, name))


def _is_early(capture: Capture) -> Flags:
    """Clients that are too early for columns: what silence means is not known then."""
    return any_of(capture.early, capture.clients.of, len(capture.clients.ordinary))


class _Said:
    """Holds what rules say of columns against what they said of messages."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    def say(self, which: int, _: Told, rule: Rule, answers: tuple[Answer, ...], __: Registration) -> None:
        """What a rule says about a transaction."""
        if self._witness.spoken.get((which, rule.id), answers) != answers:
            raise Unsuited(f"columns say otherwise by {rule.id}")

    def ended(self, attempt: Try, registration: Registration) -> None:
        """An attempt has its outcome."""


class _Round:
    """The object path once over all but the columnar clients."""

    def __init__(
        self,
        capture: Capture,
        source: Source,
        rules: Sequence[Rule],
        begin: Begin,
        columnar: Flags,
        speaking: Flags,
        *,
        detail: bool,
        tables: bool,
    ) -> None:
        self._capture = capture
        self._rules = rules
        self._columnar = columnar
        self._detail = detail or tables
        self._tables = tables
        records = capture.values.scanned.packets.records
        self._rows = Rows(capture, source.name, records.last, detail=self._detail, tables=tables)
        clients, exchanges = capture.clients, capture.exchanges
        left = left_of(capture.others, clients)
        which = np.flatnonzero((speaking | (capture.others.calls & ~left))[clients.of])
        numbers = {self._rows.number(one): one for one in which.tolist()}
        finals = dict(zip(which.tolist(), capture.numbers(exchanges.final[which]).tolist(), strict=True))
        self._speaking = np.flatnonzero(speaking)
        kinds = np.where(clients.kind < 0, -1 - capture.others.kind, clients.kind)[which]
        marks = dict(zip(which.tolist(), zip(clients.of[which].tolist(), kinds.tolist(), strict=True), strict=True))
        troubled = frozenset(which[clients.troubled[which]].tolist())
        self._witness = Witness(rules, numbers, finals, marks, troubled)
        self._analysis = begin([source], rules=self._witness.rules)
        judge, reconstructor = self._analysis.judge, self._analysis.reconstructor
        heard = self._witness.hearing(judge.ask, judge.context, self._rows.slot_of, self._rows.nonce)
        reconstructor.emit = self._analysis.hearing(heard)
        self._partial = Overhearing(capture, self._analysis, source, columnar, left).run()
        if any(tally.failed for tally in self._partial.outcomes.values()):
            raise Unsuited("a rule failed")
        own = np.flatnonzero(columnar[clients.of])
        self._answers, self.unknown = answers_of(clients.kind, own, self._witness, rules)
        self._counted = Counted(capture.others, left, clients, self._witness, rules)
        self.unknown_others = self._counted.unknown

    def partials(self) -> list[PartialResult]:
        """What both paths found."""
        examples = self._hold_together()
        rows, clients = self._rows, self._capture.clients
        wanted = np.flatnonzero(self._columnar)
        wanted = wanted[np.argsort(clients.order[clients.starts[wanted]])]  # as they began: clients end in that order
        judge = self._analysis.judge
        verdicts = Verdicts(rows, self._rules, judge.context, self._answers)
        speaker = self._speaker(examples)
        registrations = {client: speaker.registration(client, verdicts) for client in wanted.tolist()}
        which = np.flatnonzero(self._columnar[clients.of])
        last = clients.order[clients.starts[wanted] + clients.sizes[wanted] - 1].tolist()
        verdicts.end(list(registrations.values()), last)
        for one in registrations.values():
            rows.settle(one)
        verdicts.violations(self._columnar, registrations)
        if not verdicts.fit(judge):
            raise Unsuited("there are too many findings")
        kinds, counts = np.unique(clients.kind[which], return_counts=True)
        tallies = verdicts.tallies(
            dict(zip(kinds.tolist(), counts.tolist(), strict=True)),
            lambda subject, kind: judge.register_plans[subject][kind].settled,
        )
        self._counted.count(tallies, lambda kind: judge.plans(TransactionSubject, "")[kind].settled)
        summary, fleet = self._summary(which, examples), self._fleet()
        fleet.bursts = bursts_of(rows, which, registrations)
        self._counted.sum_up(summary, fleet, self._capture.shapes, self._capture.exchanges)
        self._hold_countable(summary, fleet)
        carries = self._carrying(which)
        columnar = PartialResult(
            sources=self._partial.sources,
            summary=summary,
            transactions=rows.transactions(which, registrations) if self._detail else [],
            registrations=list(registrations.values()),
            digests=rows.digests(carries, registrations, examples) if self._detail else [],
            findings=verdicts.found,
            outcomes=tallies,
            opened=[rows.number(one) for one in (*which.tolist(), *self._counted.which.tolist())],
            begun=[one.id for one in registrations.values()],
            fleet=fleet,
            profile=self._partial.profile,
            secrets_given=self._partial.secrets_given,
            servers=self._servers(which),
            recording=recording_of(rows, which, registrations) if self._tables else None,
        )
        return [self._partial, columnar]

    def _hold_countable(self, summary: Summary, fleet: FleetLedger) -> None:
        """Raise `Unsuited` where both paths together count more things apart than one does: which of them it would
        depends on their order."""
        own = self._partial
        if len(own.fleet.bursts) + len(fleet.bursts) >= MOST_BURSTS:
            raise Unsuited("there are too many bursts")
        if len({*own.summary.methods, *summary.methods}) > MOST_METHODS:
            raise Unsuited("there are too many methods")
        if len(own.fleet.answering | fleet.answering) >= MOST_ANSWERING:
            raise Unsuited("too many addresses answer")

    def _carrying(self, which: Numbers) -> Numbers:
        """Those of some transactions whose request has credentials."""
        return which[self._capture.shapes.carry(self._capture.exchanges.first[which])]

    def _hold_together(self) -> dict[int, DigestRecord]:
        """Make the rows of the representatives as those of columnar clients are made, and hold them against what the
        object path has; gives a record of credentials of each class. Raises `Unsuited` where anything differs."""
        clients, rows, partial = self._capture.clients, self._rows, self._partial
        which = np.flatnonzero(np.isin(clients.of, self._speaking))
        carries = self._carrying(which)
        examples: dict[int, DigestRecord] = {}
        for one_of in carries.tolist():
            (record,) = self._witness.records[one_of]
            examples.setdefault(int(clients.kind[one_of]), record)
        known = {one.id: one for one in partial.registrations}
        speaker = self._speaker(examples)
        said = _Said(self._witness)
        made = {client: speaker.registration(client, said) for client in self._speaking.tolist()}
        for one in made.values():
            rows.settle(one)
            self._check(one, known.get(one.id))
        for made_record, one_of in zip(rows.digests(carries, made, examples), carries.tolist(), strict=True):
            self._check(made_record, replace(self._witness.records[one_of][0], raw=""))
        if self._detail:
            listed = {row.id: row for row in partial.transactions}
            for row in rows.transactions(which, made):
                self._check(row, listed.get(row.id))
        if partial.recording is not None:
            hold_against(recording_of(rows, which, made), partial.recording)
        return examples

    def _speaker(self, examples: dict[int, DigestRecord]) -> Speaker:
        return Speaker(self._rows, self._rules, self._analysis.judge.context, self._answers, examples)

    @staticmethod
    def _check(made: object, known: object) -> None:
        differing = differences(made, known)
        if differing:
            raise Unsuited(f"columns say otherwise of {differing[0]}")

    def _summary(self, which: Numbers, examples: dict[int, DigestRecord]) -> Summary:
        capture = self._capture
        exchanges, packets, clients = capture.exchanges, capture.values.scanned.packets, capture.clients
        copies = int(exchanges.copies[which].sum())
        requests, answers = len(which) + copies, int(exchanges.finals[which].sum())
        status = capture.shapes.statuses(exchanges.final[which])
        summary = Summary(messages=requests + answers, register_requests=requests, transactions=len(which))
        summary.retransmissions = copies
        statuses = Counter[int]()
        for code in np.unique(status[~exchanges.silent[which]]).tolist():
            statuses[code] = int(exchanges.finals[which][status == code].sum())
        summary.responses = statuses
        summary.methods["REGISTER"] = requests
        summary.states.update(map(self._rows.waiting.state, which[exchanges.silent[which]].tolist()))
        summary.states["answered"] = len(which) - summary.states.total()
        ticks, at = np.unique(exchanges.begun[which] // PACE, return_inverse=True)
        sends = np.bincount(at, weights=exchanges.copies[which] + 1)
        time = packets.records.time
        is_long = np.ptp(time) // PACE >= MOST_PACES  # a look that costs little, as nearly none is
        if is_long and len(np.unique(time // PACE)) > MOST_PACES:
            raise Unsuited("it is very long")
        summary.pace.update({int(tick): int(count) for tick, count in zip(ticks, sends, strict=True)})
        for kind, example in examples.items():
            count = int((self._columnar[clients.of] & (clients.kind == kind)).sum())
            if count:
                summary.digests[example.verdict] += count
                summary.other_form += count * example.is_right_in_another_form
                summary.no_password += count * (example.is_void or example.is_aka)
        return summary

    def _servers(self, which: Numbers) -> Servers:
        """Which program each server named, and when first (`run/known_stacks.py`)."""
        capture = self._capture
        exchanges, shapes = capture.exchanges, capture.shapes
        which = which[~exchanges.silent[which]]
        order = which[np.argsort(exchanges.answered[which], kind="stable")]
        target = capture.values.scanned.packets.target[exchanges.first[order]]
        _, firsts = np.unique(target * MOST_SHAPES + shapes.of[exchanges.final[order]], return_index=True)
        found: Servers = {}
        for one in order[firsts].tolist():
            agent = shapes.all[int(shapes.of[exchanges.final[one]])].example.user_agent[:MOST_LETTERS]
            if agent:
                end = self._rows.told(one)[2]
                seen = int(exchanges.answered[one]), agent
                found[end] = min(seen, found.get(end, seen))
        if len(found) > MOST_SERVERS:
            raise Unsuited("there are too many servers")
        return found

    def _fleet(self) -> FleetLedger:
        """Of all that many clients do together, an ordinary one does but this: it shows its credentials."""
        ledger, rows, clients = FleetLedger(), self._rows, self._capture.clients
        carrying = self._carrying(np.flatnonzero(self._columnar[clients.of]))
        _, first = np.unique(clients.of[carrying], return_index=True)
        for which in np.sort(carrying[first]).tolist():
            _, source, target = rows.told(which)
            if not (is_public(source.host) or is_public(target.host)):
                continue
            key = (target.host, "UDP")
            known = ledger.exposed.get(key)
            if known is None:
                ledger.exposed[key] = Exposed(1, rows.request(which), (source.host, target.host))
            else:
                ledger.exposed[key] = known._replace(clients=known.clients + 1)
        return ledger


__all__ = ["Registration", "Told", "Unsuited", "capture_of", "partials_of"]
