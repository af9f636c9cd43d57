"""From a report to its tables, a column at a time.

Each function below gives the columns of one table as lists in the order of its rows; the dictionary says what they
become. A column that the dictionary does not name, or that is missing, is a KeyError here and no surprise later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pandas as pd

from analyzer.dataframes.columns import Values, column, spelled
from analyzer.dataframes.dictionary import TABLES
from analyzer.evidence import Endpoint, Place
from analyzer.register.client_state import state_of
from analyzer.run.recording import Facts, Recording

if TYPE_CHECKING:
    from analyzer.register.binding import Binding, Certainty
    from analyzer.register.digest_ledger import DigestRecord
    from analyzer.register.registration import Registration
    from analyzer.run.report import Report

_NOTHING = Facts(None, None, None, None, None, "")


@dataclass(frozen=True, slots=True, repr=False)
class Tables:
    """The tables of a report, each a DataFrame with the columns of the data dictionary (`docs/tables.md`)."""

    messages: pd.DataFrame
    transactions: pd.DataFrame
    attempts: pd.DataFrame
    registrations: pd.DataFrame
    bindings: pd.DataFrame
    digests: pd.DataFrame
    findings: pd.DataFrame

    def __iter__(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Name and frame of each table."""
        return ((one.name, getattr(self, one.name)) for one in fields(self))

    def __repr__(self) -> str:
        return f"<Tables {', '.join(f'{name}: {len(frame):,} rows' for name, frame in self)}>"


def tables(report: Report) -> Tables:
    """The tables of a report from `analyzer.analyze`. ValueError where it was told not to keep what they need."""
    recording = report.recording
    if recording is None:
        raise ValueError("the report has no tables: analyze with tables=True and detail=True")
    users = _Users()
    columns = {
        "messages": _messages(recording),
        "transactions": _transactions(report, users),
        "attempts": _attempts(report, recording, users),
        "registrations": _registrations(report.registrations, users),
        "bindings": _bindings(report.registrations, users),
        "digests": _digests(report.digests, users),
        "findings": _findings(report, users),
    }
    return Tables(**{name: frame(name, given) for name, given in columns.items()})


def transactions(report: Report) -> pd.DataFrame:
    """The table of transactions alone, which is all that the storm analysis asks for."""
    return frame("transactions", _transactions(report, _Users()))


def frame(name: str, given: Mapping[str, Any]) -> pd.DataFrame:
    """The frame of table `name` of columns by name: lists of values, or columns that are made already."""
    surplus = given.keys() - {one.name for one in TABLES[name].columns}
    if surplus:
        raise KeyError(f"{name} has no column {', '.join(sorted(surplus))}")
    made = {one.name: _made(one.kind, given[one.name]) for one in TABLES[name].columns}
    return pd.DataFrame(made, copy=False)


def _made(kind: Any, values: Any) -> Any:
    return values if isinstance(values, pd.api.extensions.ExtensionArray) else column(kind, values)


def _of(rows: Sequence[object], name: str) -> list[Any]:
    """One attribute of all rows."""
    return list(map(attrgetter(name), rows))


class _Users(dict[str, str]):
    """The user part of each address-of-record, found once for all tables."""

    def __missing__(self, aor: str) -> str:
        user = self[aor] = aor[4:].rpartition("@")[0] if aor.startswith("sip:") else ""  # canonical: nothing behind it
        return user

    def of(self, aors: Sequence[str]) -> list[str]:
        """Those of a column."""
        return list(map(self.__getitem__, aors))


def _same(rows: Sequence[object], names: str) -> dict[str, list[Any]]:
    """The columns that rows have as attributes of the same name."""
    return {name: _of(rows, name) for name in names.split()}


def _endpoints(values: Sequence[Endpoint]) -> list[str]:
    return spelled(values)


def _places(places: Sequence[Place | None]) -> dict[str, Values]:
    return {
        "frame": [None if place is None else place[1] for place in places],
        "source_file": ["" if place is None else place[0] for place in places],
    }


def _messages(recording: Recording) -> dict[str, Any]:
    size = len(recording.number)
    return {
        "time": recording.time,
        "transaction": recording.transaction,
        "request": recording.request,
        "method": ["REGISTER"] * size,
        "status": recording.status,
        "copy": recording.copy,
        "source": _endpoints(recording.source),
        "destination": _endpoints(recording.destination),
        "size": recording.size,
        "frame": recording.frame,
        "source_file": recording.source_file,
    }


def _transactions(report: Report, users: _Users) -> dict[str, Any]:
    rows = report.transactions
    facts = [row.facts or _NOTHING for row in rows]
    start, final = column("time", _of(rows, "request_time")), column("time", _of(rows, "final_time"))
    return {
        "transaction": _of(rows, "id"),
        **_same(
            rows,
            "registration aor method call_id cseq branch request_uri transport status reason retransmissions "
            "state credentials challenge",
        ),
        "user": users.of(_of(rows, "aor")),
        "source": _endpoints(_of(rows, "source")),
        "source_host": [row.source.host for row in rows],
        "destination": _endpoints(_of(rows, "destination")),
        "time": start,
        "final_time": final,
        "latency": final - start,
        "provisional": [len(row.provisional) for row in rows],
        **{name: _of(facts, name) for name in Facts._fields},
        "bound_until": _bound_until(report),
        **_places([row.request or row.final for row in rows]),
    }


def _bound_until(report: Report) -> list[int | None]:
    """Until when the client of each transaction stayed bound after its 2xx, by the client's timeline."""
    known = {one.id: one.reach for one in report.registrations if one.reach}
    return [
        known[row.registration].until(row.final_time)
        if 200 <= row.status < 300 and row.final_time is not None and row.registration in known
        else None
        for row in report.transactions
    ]


def _attempts(report: Report, recording: Recording, users: _Users) -> dict[str, Any]:
    rows = recording.attempts
    known = {one.id: one.aor for one in report.registrations}
    aors = [known.get(row.registration, "") for row in rows]
    return {
        "attempt": range(1, len(rows) + 1),
        "aor": aors,
        "user": users.of(aors),
        "first_transaction": _of(rows, "first"),
        "last_transaction": _of(rows, "last"),
        **_same(rows, "registration transactions start end outcome status credentials too_brief"),
    }


def _registrations(rows: Sequence[Registration], users: _Users) -> dict[str, Any]:
    outcomes = [dict(row.outcome_counts) for row in rows]
    return {
        "registration": _of(rows, "id"),
        **_same(
            rows,
            "aor user_agent call_id first last since outcome status attempts refreshes call_id_changes granted",
        ),
        "user": users.of(_of(rows, "aor")),
        "registrar": spelled(_of(rows, "registrar")),
        "source": _endpoints(_of(rows, "source")),
        "source_host": [row.source.host for row in rows],
        "call_ids": [len(row.call_ids) for row in rows],
        "contact": [row.contacts[0] if row.contacts else "" for row in rows],
        "contacts": [len(row.contacts) for row in rows],
        "registered": [counts.get("registered", 0) for counts in outcomes],
        "rejected": [counts.get("rejected", 0) for counts in outcomes],
        "timeouts": [counts.get("timeout", 0) for counts in outcomes],
        "abandoned": [counts.get("abandoned", 0) for counts in outcomes],
        "transactions": [len(row.transactions) for row in rows],
        "restarts": _of(rows, "boot_changes"),
        "state": list(map(state_of, rows)),
        "reginfo": list(map(_reginfo, rows)),
        "bindings": [len(row.bindings) for row in rows],
        **_places(_of(rows, "place")),
    }


def _bindings(registrations: Sequence[Registration], users: _Users) -> dict[str, Any]:
    of: list[tuple[Registration, Binding]] = [(one, binding) for one in registrations for binding in one.bindings]
    owners, rows = [owner for owner, _ in of], [binding for _, binding in of]
    return {
        "binding": range(1, len(rows) + 1),
        "registration": _of(owners, "id"),
        "aor": _of(owners, "aor"),
        "user": users.of(_of(owners, "aor")),
        "registrar": spelled(_of(owners, "registrar")),
        **_same(rows, "contact form requested granted start bound_from learned end certainty"),
        "state": [_STATES[row.certainty] for row in rows],
    }


_STATES: dict[Certainty, str] = {"present": "active", "absent": "terminated", "maybe": ""}
"""What RFC 3680 5.1 calls the state of a contact; it has no word for one that may be there."""


def _reginfo(one: Registration) -> str:
    """What RFC 3680 5.1 calls the state of the registration of which these bindings are."""
    states = {_STATES[binding.certainty] for binding in one.bindings}
    if "active" in states:
        return "active"
    return "init" if not states else "" if "" in states else "terminated"


def _digests(rows: Sequence[DigestRecord], users: _Users) -> dict[str, Any]:
    diagnoses = [row.judged.diagnosis for row in rows]
    return {
        "digest": range(1, len(rows) + 1),
        **_same(
            rows,
            "transaction aor time verdict accepted status header username realm qop method uri nonce nonce_count "
            "replayed copies",
        ),
        "user": users.of(_of(rows, "aor")),
        "reason": [row.judged.reason for row in rows],
        "form": [row.form.word for row in rows],
        "form_reason": [row.form.reason for row in rows],
        "hypothesis": [diagnosis.hypothesis if diagnosis else "" for diagnosis in diagnoses],
        "algorithm": [row.algorithm or "MD5" for row in rows],
        **_places(_of(rows, "place")),
    }


def _findings(report: Report, users: _Users) -> dict[str, Any]:
    rows = report.findings
    first = [row.evidence[0] if row.evidence else (None, None) for row in rows]
    return {
        "finding": range(1, len(rows) + 1),
        **_same(
            rows,
            "rule sub title clause force at_fault detail fix aor call_id registration transaction user_agent count",
        ),
        "user": users.of(_of(rows, "aor")),
        "severity": _of(rows, "severity"),
        "confidence": [row.confidence.word for row in rows],
        "places": [len(row.evidence) for row in rows],
        "time": [time for _, time in first],
        **_places([place for place, _ in first]),
    }
