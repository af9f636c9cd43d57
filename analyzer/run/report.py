"""The report: everything that a view may show, and nothing that only reading needs.

Times are nanoseconds since the epoch here; views turn them into the reader's clock or into seconds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from analyzer.escape import visible
from analyzer.evidence import SECOND, Endpoint, Place, Source
from analyzer.judge.costs import Costs
from analyzer.judge.findings import SEVERITIES, Finding
from analyzer.judge.tally import Tally
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.registration import Registration
from analyzer.register.transaction import State, Transaction

if TYPE_CHECKING:
    from analyzer.run.recording import Facts, Recording


class TransactionRow(NamedTuple):
    """A REGISTER transaction after its end: what the machine formats list, without its messages. `facts` is what the
    tables have beside that."""

    id: int
    method: str
    call_id: str
    cseq: int
    branch: str
    aor: str
    request_uri: str
    source: Endpoint
    destination: Endpoint
    transport: str
    request: Place | None
    request_time: int | None
    retransmissions: int
    provisional: tuple[int, ...]
    status: int
    reason: str
    final: Place | None
    final_time: int | None
    state: State
    credentials: bool
    challenge: bool
    registration: int | None
    facts: Facts | None = None

    def numbered(self, own: int, registration: int | None) -> TransactionRow:
        """The same with other numbers (there may be millions, and `_replace` takes many times as long)."""
        values = list(self)
        values[0], values[_REGISTRATION] = own, registration
        return TransactionRow._make(values)

    def __repr__(self) -> str:
        answer = f"{self.status}" if self.status else self.state
        return visible(f"<Transaction {self.id}: {self.method} {self.aor}, CSeq {self.cseq}, {answer}>")


_REGISTRATION = TransactionRow._fields.index("registration")
MOST_METHODS = 256
"""Methods that are counted apart."""
PACE = 10 * SECOND
"""Nanoseconds of one count of `Summary.pace`."""
MOST_PACES = 100_000
"""Counts of it that are kept: eleven days; what lies beyond the first of them is not counted."""


@dataclass(slots=True)
class Summary:
    """The counts of a run (docs/interface.md 3.1). `digests` counts distinct credentials, `other_form` those that are
    right in a form that was not asked for, `no_password` those that no password could judge; `not_judged` counts
    answers of rules.

    `transactions` are those whose request was seen; `headless` answers without one are listed, and counted apart.
    `pace` counts REGISTERs, copies included, by the tenth second since the epoch in which their transaction began.
    """

    messages: int = 0
    register_requests: int = 0
    transactions: int = 0
    headless: int = 0
    retransmissions: int = 0
    duplicates: int = 0
    keepalives: int = 0
    responses: Counter[int] = field(default_factory=Counter)
    registrations: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    digests: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    not_judged: int = 0
    broken_by_findings: int = 0
    methods: Counter[str] = field(default_factory=Counter)
    pace: Counter[int] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    other_form: int = 0
    no_password: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What a baseline knew (`run/baseline.py`): findings by severity, which are not among the report's any more,
    digests that do not match, which are, and `unmet` entries of which nothing was seen this time; `rules` counts the
    findings by their rule, `accounts` are the user names and realms of the digests that it knows."""

    findings: Counter[str] = field(default_factory=Counter)
    digests: int = 0
    unmet: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    accounts: frozenset[tuple[str, str]] = frozenset()

    def as_json(self) -> dict[str, Any]:
        """The counts, as JSON has them."""
        findings = {severity: self.findings[severity] for severity in reversed(SEVERITIES)}
        return {"findings": findings, "digests": self.digests, "unmet": self.unmet}


@dataclass(slots=True, repr=False)
class Report:
    """What was found. `transactions` is empty where no detail was asked for; `aor` is what the run was narrowed to;
    `recording` what the tables are made of beside the rest, None where they were not asked for; `unlisted` counts by
    outcome the registrations that are not among `registrations`, because there were too many; `costs` what each rule
    cost, empty where nobody measured; `known` what a baseline has taken out of `findings`, None without one."""

    sources: list[Source]
    summary: Summary
    transactions: list[TransactionRow]
    registrations: list[Registration]
    digests: list[DigestRecord]
    findings: list[Finding]
    outcomes: dict[str, Tally]
    secrets_given: bool = False
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False
    aor: str = ""
    recording: Recording | None = None
    unlisted: Counter[str] = field(default_factory=Counter)
    costs: Costs = field(default_factory=dict)
    known: Known | None = None

    @property
    def failed(self) -> bool:
        """Whether a rule failed to run (exit code 4)."""
        return any(tally.failed for tally in self.outcomes.values())

    @property
    def span(self) -> tuple[int | None, int | None]:
        """First and last time of all sources."""
        times = [time for source in self.sources for time in (source.first, source.last) if time is not None]
        return (min(times), max(times)) if times else (None, None)

    def __repr__(self) -> str:
        names = ", ".join(source.name for source in self.sources[:3]) + (", ..." if len(self.sources) > 3 else "")
        outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in self.summary.outcomes.most_common())
        registrations = f"{self.summary.registrations:,} registrations" + (f" ({outcomes})" if outcomes else "")
        return visible(
            f"<Report of {names}: {self.summary.messages:,} messages, {registrations}, {len(self.findings):,} findings>"
        )

    def to_dict(self) -> dict[str, Any]:
        """The report as `--format json` prints it: schema `sipcheck/1`, times in seconds since the epoch, every text
        made visible."""
        from analyzer.views.schema import report_record

        return report_record(self)

    def _repr_html_(self) -> str:
        """What a notebook shows: it asks the value itself. This and `to_dict` are the two words upwards, which the
        import contract names."""
        from analyzer.views.page.notebook import as_html

        return as_html(self)


def row_of(
    transaction: Transaction, registration: Registration | None, aor: str, facts: Facts | None = None
) -> TransactionRow:
    """A transaction at its end."""
    request, final = transaction.request, transaction.final
    return TransactionRow(
        id=transaction.id,
        method=transaction.method,
        call_id=transaction.call_id,
        cseq=transaction.cseq,
        branch=transaction.branch,
        aor=aor,
        request_uri=request.request_uri if request else "",
        source=transaction.source,
        destination=transaction.destination,
        transport=transaction.transport,
        request=request.raw_message.place if request else None,
        request_time=request.raw_message.time if request else None,
        retransmissions=transaction.retransmissions,
        provisional=tuple(transaction.provisional),
        status=transaction.status,
        reason=final.reason if final else "",
        final=final.raw_message.place if final else None,
        final_time=transaction.answered_at,
        state=transaction.state,
        credentials=transaction.has_credentials,
        challenge=transaction.has_challenge,
        registration=registration.id if registration else None,
        facts=facts,
    )
