"""The records of schema `sipcheck/1` (CONTRACT): one function a kind. Wire text is escaped here, so that a JSON reader
that prints a value cannot be hurt by it; times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyzer.evidence import SECOND, Frame, Place, Source
from analyzer.findings import Finding, Tally
from analyzer.register.binding import Binding
from analyzer.register.digests import DigestRecord
from analyzer.register.registration import Registration
from analyzer.report import Report, TransactionRow
from analyzer.views._escape import visible

SCHEMA = "sipcheck/1"
Record = dict[str, Any]


def seconds(time: int | None) -> float | None:
    """Nanoseconds to seconds; microseconds are kept exactly."""
    return None if time is None else round(time / SECOND, 6)


def evidence(place: Place | None, time: int | None) -> Record | None:
    """A place with its time."""
    if place is None:
        return None
    if isinstance(place, Frame):
        return {"source": visible(place.source), "frame": place.number, "time": seconds(time)}
    return {"source": visible(place.source), "line": place.first, "end_line": place.last, "time": seconds(time)}


def source_record(source: Source) -> Record:
    """One input."""
    return {
        "source": visible(source.name),
        "kind": source.kind,
        "format": source.format,
        "frames": source.frames,
        "messages": source.messages,
        "defects": source.defects,
        "quality": [visible(sentence) for sentence in source.quality],
        "keepalives": source.keepalives,
        "other": source.other,
        "first": seconds(source.first),
        "last": seconds(source.last),
        "zone": source.zone,
        "damaged": source.damaged,
        "defect_list": [
            {
                "code": defect.code,
                "text": visible(defect.text),
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
        "methods": {visible(method): count for method, count in sorted(summary.methods.items())},
        "states": dict(summary.states),
        "interrupted": report.interrupted,
        "notes": report.notes,
    }


def transaction_record(row: TransactionRow) -> Record:
    """One REGISTER transaction."""
    final = None
    if row.status:
        final = {"status": row.status, "reason": visible(row.reason), "evidence": evidence(row.final, row.final_time)}
    return {
        "id": row.id,
        "method": visible(row.method),
        "call_id": visible(row.call_id),
        "cseq": row.cseq,
        "branch": visible(row.branch),
        "aor": visible(row.aor),
        "request_uri": visible(row.request_uri),
        "source": visible(str(row.source)),
        "destination": visible(str(row.destination)),
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
        "aor": visible(registration.aor),
        "registrar": visible(str(registration.registrar)),
        "call_ids": [visible(call_id) for call_id in registration.call_ids],
        "contacts": [visible(contact) for contact in registration.contacts],
        "user_agent": visible(registration.user_agent),
        "source": visible(str(registration.source)),
        "first": seconds(registration.first),
        "last": seconds(registration.last),
        "outcome": registration.outcome,
        "status": registration.status or None,
        "since": seconds(registration.since),
        "attempts": dict(registration.outcomes),
        "transactions": registration.transactions,
        "bindings": [binding_record(binding) for binding in registration.bindings],
    }


def binding_record(binding: Binding) -> Record:
    """One stretch of time in which a contact was bound."""
    return {
        "contact": visible(binding.contact),
        "granted": binding.granted,
        "requested": binding.requested,
        "start": seconds(binding.start),
        "end": seconds(binding.end),
        "certainty": binding.certainty,
    }


def digest_record(record: DigestRecord) -> Record:
    """One credentials as sent."""
    diagnosis = record.judged.diagnosis
    return {
        "verdict": record.verdict,
        "username": visible(record.username),
        "realm": visible(record.realm),
        "algorithm": visible(record.algorithm or "MD5"),
        "qop": visible(record.qop) or None,
        "method": visible(record.method),
        "uri": visible(record.uri),
        "nonce": visible(record.nonce),
        "accepted": record.accepted,
        "copies": record.copies,
        "reason": visible(record.judged.reason),
        "diagnosis": {"hypothesis": diagnosis.hypothesis, "text": visible(diagnosis.text)} if diagnosis else None,
        "evidence": evidence(record.place, record.time),
        "transaction": record.transaction,
        "header": record.header,
        "status": record.status or None,
    }


def finding_record(finding: Finding) -> Record:
    """One violated rule."""
    return {
        "rule": finding.rule,
        "sub": finding.sub,
        "title": finding.title,
        "clause": finding.clause,
        "force": finding.force,
        "severity": finding.shown_severity,
        "confidence": finding.confidence.word,
        "at_fault": finding.at_fault,
        "detail": visible(finding.detail),
        "fix": visible(finding.fix),
        "aor": visible(finding.aor),
        "call_id": visible(finding.call_id),
        "registration": finding.registration,
        "transaction": finding.transaction,
        "count": finding.count,
        "evidence": [evidence(place, time) for place, time in finding.evidence],
        "folded": finding.folded,
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
    }


def records(report: Report) -> Iterator[tuple[str, str, Iterator[Record]]]:
    """Every list of the report: its key, the kind of one record, the records."""
    yield "sources", "source", (source_record(source) for source in report.sources)
    yield "transactions", "transaction", (transaction_record(row) for row in report.transactions)
    yield "registrations", "registration", (registration_record(one) for one in report.registrations)
    yield "digests", "digest", (digest_record(record) for record in report.digests)
    yield "findings", "finding", (finding_record(finding) for finding in report.findings)
    yield "outcomes", "outcome", (outcome_record(rule, tally) for rule, tally in report.outcomes.items())
