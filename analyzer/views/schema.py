"""The records of schema `sipcheck/1` (docs/interface.md 3.1): one function a kind; times are seconds since the epoch.

The records hold wire text as it is. `dumped` is the one way to JSON, and writes out what is active or invisible in any
string (`\\x1b`): JSON's own escapes keep a terminal from harm, but not who prints a value with `jq -r`, nor the eye.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from analyzer.escape import visible
from analyzer.evidence import SECOND, Frame, LogLines, LogNotice, Notice, Place, Source
from analyzer.judge.findings import Finding
from analyzer.judge.tally import Tally
from analyzer.register.binding import Binding
from analyzer.register.choices import Choice
from analyzer.register.client_state import CLIENT_STATES, state_of, state_of_outcome
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.history import AttemptRecord
from analyzer.register.reachability import Stretch
from analyzer.register.registration import Registration
from analyzer.register.server_words import USUAL
from analyzer.register.translation import Move, Translation
from analyzer.register.way_back import WayBack
from analyzer.run.report import Report, TransactionRow

SCHEMA = "sipcheck/1"
Record = dict[str, Any]


def dumped(record: Record) -> str:
    """A record as JSON on one line, in ASCII, every string in it made harmless."""
    text = json.dumps(record)
    # All that needs a look has an escape there, and hardly any record has one.
    return text if "\\" not in text else json.dumps(_harmless(record))


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(name): _harmless(inner) for name, inner in value.items()}
    return [_harmless(inner) for inner in value] if isinstance(value, list | tuple) else value


def report_record(report: Report) -> Record:
    """The whole report, as `--format json` prints it."""
    rows = {key: list(found) for key, _, found in records(report)}
    return dict(_harmless({"schema": SCHEMA, "summary": summary_record(report), **rows}))


def seconds(time: int | None) -> float | None:
    """Nanoseconds to seconds; microseconds are kept exactly."""
    return None if time is None else round(time / SECOND, 6)


def evidence(place: Place | None, time: int | None) -> Record | None:
    """A place with its time, or with the times that it lies between where that is all that is known."""
    if place is None:
        return None
    if isinstance(place, Frame):
        return {"source": place.source, "frame": place.number, "time": seconds(time)}
    found: Record = {"source": place.source, "line": place.first, "end_line": place.last, "time": seconds(time)}
    if time is None and place.between is not None:
        found["between"] = [seconds(place.between.earliest), seconds(place.between.latest)]
    return found


def source_record(source: Source) -> Record:
    """One input."""
    return {
        "source": source.name,
        "kind": source.kind,
        "format": source.format,
        "frames": source.frames,
        "messages": source.messages,
        "defects": source.defects,
        "quality": list(source.quality),
        "keepalives": source.keepalives,
        "other": source.other,
        "first": seconds(source.first),
        "last": seconds(source.last),
        "zone": source.zone,
        "damaged": source.damaged,
        "flows": [
            {"flow": one.flow, "title": one.title, "line": one.first, "end_line": one.last, "messages": one.messages}
            for one in source.flows
        ],
        "defect_list": [
            {
                "code": defect.code,
                "text": defect.text,
                "offset": defect.offset,
                "evidence": evidence(place, None),
            }
            for place, defect in source.defect_list
        ],
    }


def summary_record(report: Report) -> Record:
    """The counts."""
    summary = report.summary
    return {
        "messages": summary.messages,
        "register_requests": summary.register_requests,
        "transactions": summary.transactions,
        "headless": summary.headless,
        "retransmissions": summary.retransmissions,
        "duplicates": summary.duplicates,
        "keepalives": summary.keepalives,
        "responses": {str(status): count for status, count in sorted(summary.responses.items())},
        "registrations": summary.registrations,
        "outcomes": dict(summary.outcomes),
        "digests": {verdict: summary.digests.get(verdict, 0) for verdict in ("match", "mismatch", "unknown")},
        "findings": {severity: summary.findings.get(severity, 0) for severity in ("error", "warning", "info")},
        "not_judged": summary.not_judged,
        "methods": dict(sorted(summary.methods.items())),
        "states": dict(sorted(summary.states.items())),
        "broken_by_findings": summary.broken_by_findings,
        "clients": clients_record(report),
        "baseline": report.known.as_json() if report.known is not None else None,
        "interrupted": report.interrupted,
        "notes": report.notes,
    }


def clients_record(report: Report) -> Record:
    """How many clients are in each state, as the table's verdict counts them."""
    counts = Counter(state_of(one) for one in report.registrations)
    for outcome, number in report.unlisted.items():
        counts[state_of_outcome(outcome)] += number
    return {state: counts[state] for state in CLIENT_STATES if counts[state]}


def transaction_record(row: TransactionRow) -> Record:
    """One REGISTER transaction."""
    final = None
    if row.status:
        final = {"status": row.status, "reason": row.reason, "evidence": evidence(row.final, row.final_time)}
    return {
        "id": row.id,
        "method": row.method,
        "call_id": row.call_id,
        "cseq": row.cseq,
        "branch": row.branch,
        "aor": row.aor,
        "request_uri": row.request_uri,
        "source": str(row.source),
        "destination": str(row.destination),
        "transport": row.transport,
        "request": evidence(row.request, row.request_time),
        "retransmissions": row.retransmissions,
        "provisional": list(row.provisional),
        "final": final,
        "state": row.state,
        "credentials": row.credentials,
        "challenge": row.challenge,
        "registration": row.registration,
    }


def registration_record(registration: Registration) -> Record:
    """One client at one registrar."""
    return {
        "id": registration.id,
        "aor": registration.aor,
        "registrar": str(registration.registrar),
        "call_ids": list(registration.call_ids),
        "contacts": list(registration.contacts),
        "user_agent": registration.user_agent,
        "source": str(registration.source),
        "first": seconds(registration.first),
        "last": seconds(registration.last),
        "outcome": registration.outcome,
        "status": registration.status or None,
        "state": state_of(registration),
        "unheard": way_back_record(registration.unheard) if registration.unheard is not None else None,
        "since": seconds(registration.since),
        "attempts": dict(registration.outcomes),
        "choice": choice_record(registration.choice) if registration.choice is not None else None,
        "transactions": registration.transactions,
        "bindings": [binding_record(binding) for binding in registration.bindings],
        "not_renewed": registration.not_renewed,
        "reachability": [stretch_record(one) for one in registration.reach.stretches],
        "nat": nat_record(registration.translation) if registration.translation is not None else None,
        "attempts_detail": [attempt_record(one) for one in registration.history.attempts or ()],
    }


def nat_record(translation: Translation) -> Record:
    """Where a translator lets the client appear, and its latest changes in the time of a binding."""
    return {
        "via": translation.sent_by,
        "seen_at": str(translation.seen),
        "changes": translation.changes,
        "moves": [move_record(move) for move in translation.moves],
    }


def move_record(move: Move) -> Record:
    """One change of the address or port, and what became of the client's contacts then."""
    return {
        "from": str(move.before),
        "to": str(move.after),
        "evidence": evidence(*move.evidence),
        "behind": move.behind,
        "first_behind": evidence(*move.first_behind) if move.first_behind is not None else None,
        "caught_up": evidence(*move.caught_up) if move.caught_up is not None else None,
        "both_bound": evidence(*move.left) if move.left is not None else None,
        "both_until": seconds(move.left_until),
    }


def choice_record(choice: Choice) -> Record:
    """What the latest challenge offers, where that is not MD5 alone, and what was answered so far."""
    return {"realm": choice.realm, "offered": list(choice.offered), "answered": list(choice.taken)}


def way_back_record(way: WayBack) -> Record:
    """The way of the latest answer, where the client was seen not to hear it."""
    return {
        "status": way.status,
        "sent_from": str(way.source),
        "via": str(way.sent_by),
        "sent_to": str(way.to),
        "asks_rport": way.asks_rport,
        "astray": way.is_astray,
        "translated": way.is_translated,
    }


def stretch_record(stretch: Stretch) -> Record:
    """A time in which the client could, or could not, be called; `until` of a bound one is when it ran or runs out."""
    until = stretch.end if stretch.end is not None else stretch.expires
    return {
        "from": seconds(stretch.start),
        "until": seconds(until),
        "state": stretch.state,
        "cause": stretch.cause,
        "finding": stretch.finding or None,
        "evidence": evidence(*stretch.by) if stretch.by is not None else None,
    }


def attempt_record(attempt: AttemptRecord) -> Record:
    """One attempt: what it was for, how it ended, what the registrar said."""
    return {
        "id": attempt.id,
        "purpose": attempt.purpose,
        "outcome": attempt.outcome,
        "status": attempt.status or None,
        "reason": attempt.words.reason or USUAL.get(attempt.status, "") if attempt.status else None,
        "server_words": {"reason": attempt.words.reason, **dict(attempt.words.headers)} if attempt.words.told else {},
        "start": seconds(attempt.start),
        "end": seconds(attempt.end),
        "findings": list(attempt.findings),
        "notices": [log_notice_record(said) for said in attempt.notices],
        "evidence": evidence(*attempt.evidence),
        "decided_by": evidence(*attempt.decided_by),
    }


def binding_record(binding: Binding) -> Record:
    """One stretch of time in which a contact was bound."""
    return {
        "contact": binding.contact,
        "asked_as": binding.asked_contact if binding.form else None,
        "form": binding.form or None,
        "granted": binding.granted,
        "requested": binding.requested,
        "start": seconds(binding.start),
        "bound_from": seconds(binding.bound_from),
        "end": seconds(binding.end),
        "certainty": binding.certainty,
    }


def digest_record(record: DigestRecord) -> Record:
    """One credentials as sent."""
    diagnosis = record.judged.diagnosis
    return {
        "verdict": record.verdict,
        "username": record.username,
        "realm": record.realm,
        "algorithm": record.algorithm or "MD5",
        "qop": record.qop or None,
        "method": record.method,
        "uri": record.uri,
        "nonce": record.nonce,
        "accepted": record.accepted,
        "copies": record.copies,
        "reason": record.judged.reason,
        "diagnosis": {"hypothesis": diagnosis.hypothesis, "text": diagnosis.text} if diagnosis else None,
        "evidence": evidence(record.place, record.time),
        "transaction": record.transaction,
        "header": record.header,
        "status": record.status or None,
        "form": record.form.word,
        "form_reason": record.form.reason or None,
    }


def finding_record(finding: Finding) -> Record:
    """One violated rule."""
    return {
        "rule": finding.rule,
        "sub": finding.sub,
        "title": finding.title,
        "clause": finding.clause,
        "force": finding.force,
        "severity": finding.severity,
        "confidence": finding.confidence.word,
        "at_fault": finding.at_fault,
        "detail": finding.detail,
        "fix": finding.fix,
        "aor": finding.aor,
        "call_id": finding.call_id,
        "registration": finding.registration,
        "transaction": finding.transaction,
        "count": finding.count,
        "evidence": [evidence(place, time) for place, time in finding.evidence],
        "folded": finding.folded,
        "explains": list(finding.explains),
        "gaps": [
            {"registration": gap.registration, "from": seconds(gap.start), "until": seconds(gap.end)}
            for gap in finding.tied_gaps
        ],
        "observed": finding.observed or None,
        "expected": finding.expected or None,
        "flow": finding.flow_step._asdict() if finding.flow_step else None,
        "tags": list(finding.tags),
        "stack": None if finding.stack is None else finding.stack.as_record(),
    }


def outcome_record(rule: str, tally: Tally) -> Record:
    """What a rule answered, counted."""
    return {
        "rule": rule,
        "passed": tally.passed,
        "violated": tally.violated,
        "not_applicable": tally.not_applicable,
        "not_judged": dict(sorted(tally.not_judged.items())),
        "failed": tally.failed,
        "seen": dict(sorted(tally.seen.items())),
    }


def log_notice_record(said: LogNotice) -> Record:
    """One line in which a log says something of an attempt."""
    notice = said.notice
    return {
        "side": notice.side,
        "state": notice.state,
        "cause": notice.cause,
        "said": notice.said,
        "meaning": notice.meaning,
        "advice": notice.advice,
        "evidence": evidence(*said.evidence),
    }


def notice_record(source: Source, notice: Notice) -> Record:
    """What a log says in words of its own of one account, from one address, for one reason."""
    return {
        "source": source.name,
        "side": notice.side,
        "state": notice.state,
        "cause": notice.cause,
        "account": notice.account,
        "host": notice.host,
        "ports": notice.ports,
        "server": notice.server,
        "method": notice.method or "REGISTER",
        "status": notice.status or None,
        "said": notice.said,
        "meaning": notice.meaning,
        "advice": notice.advice,
        "contact": notice.contact,
        "module": notice.module,
        "count": notice.count,
        "tied": notice.tied,
        "first": evidence(LogLines(source.name, notice.first_line, notice.first_line), notice.first),
        "last": evidence(LogLines(source.name, notice.last_line, notice.last_line), notice.last),
    }


def records(report: Report) -> Iterator[tuple[str, str, Iterator[Record]]]:
    """Every list of the report: its key, the kind of one record, the records."""
    yield "sources", "source", (source_record(source) for source in report.sources)
    yield "transactions", "transaction", (transaction_record(row) for row in report.transactions)
    yield "registrations", "registration", (registration_record(one) for one in report.registrations)
    yield "digests", "digest", (digest_record(record) for record in report.digests)
    yield "findings", "finding", (finding_record(finding) for finding in report.findings)
    yield "outcomes", "outcome", (outcome_record(rule, tally) for rule, tally in report.outcomes.items())
    yield "notices", "notice", (notice_record(one, notice) for one in report.sources for notice in one.notices)
