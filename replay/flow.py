"""A registration out of a capture or a log: its exchanges in order, with the messages and with what the rules found.

The analyzer keeps places, not payloads, so a source is read twice: once for the report, from which one registration is
chosen, and once for the messages at the places of that registration. Memory is that of the analysis.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from analyzer.capture.opener import open_sources
from analyzer.escape import Told
from analyzer.evidence import Place, RawMessage
from analyzer.register.digest.secrets import Secrets
from analyzer.register.registration import Registration
from analyzer.run.pipeline import analyze
from analyzer.run.report import Report, TransactionRow
from analyzer.sip.message import Message, parse


class NoFlow(Told):
    """Nothing in the source can be replayed, or nothing that was asked for; the text says what is there instead."""


class Wish(NamedTuple):
    """Which registration: by address-of-record, by Call-ID (its exchanges alone), by the number that reports print.

    Without any of them it is the first.
    """

    aor: str = ""
    call_id: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A captured REGISTER transaction. `final` is None where none was seen; `status` is 0 then.

    `request_time` and `final_time` are nanoseconds or None. `rules` are the ids of the rules that it breaks.
    """

    number: int
    request: Message
    final: Message | None
    provisional: tuple[int, ...]
    retransmissions: int
    request_time: int | None
    final_time: int | None
    rules: frozenset[str] = frozenset()

    @property
    def status(self) -> int:
        """Status of the first final response, 0 without one."""
        return self.final.status if self.final else 0

    @property
    def place(self) -> Place:
        """Where the request was seen."""
        return self.request.raw_message.place


@dataclass(frozen=True, slots=True)
class Flow:
    """What one client did at one registrar. `others` counts the registrations of the source that were not chosen,
    `unseen` the responses whose request is missing from the source."""

    aor: str
    outcome: str
    number: int
    exchanges: tuple[Exchange, ...]
    others: int = 0
    sources: tuple[str, ...] = ()
    unseen: int = 0
    report: Report | None = field(default=None, compare=False, repr=False)


def read_flow(
    files: Sequence[str | os.PathLike[str]],
    wish: Wish = Wish(),  # noqa: B008 - a NamedTuple does not change
    *,
    secrets: Secrets | None = None,
    dialect: str | None = None,
    tls_keylog: str | None = None,
) -> Flow:
    """Read captures or logs and choose a registration.

    Raises SourceError where a file cannot be read, NoFlow where no request of what was asked for was seen,
    KeyboardInterrupt where the reading was interrupted.
    """
    report = analyze(list(files), secrets=secrets, aor=wish.aor, dialect=dialect, tls_keylog=tls_keylog)
    if report.interrupted:  # half of a registration is another registration
        raise KeyboardInterrupt
    registration = _chosen(report, wish)
    rows = _rows(report, registration, wish)
    seen = _messages(files, rows, dialect, tls_keylog)
    exchanges = tuple(exchange for row in rows if (exchange := _exchange(row, seen, report)) is not None)
    exchanges = _first_hops(exchanges)
    if not exchanges:
        raise NoFlow(f"no request of {registration.aor} was seen, so there is nothing to replay")
    return Flow(
        aor=registration.aor,
        outcome=registration.outcome,
        number=registration.id,
        exchanges=exchanges,
        others=len(report.registrations) - 1,
        sources=tuple(source.name for source in report.sources),
        unseen=_unseen(report, registration, wish),
        report=report,
    )


def _chosen(report: Report, wish: Wish) -> Registration:
    among = report.registrations
    if wish.number is not None:
        among = [one for one in among if one.id == wish.number]
    if wish.call_id:
        among = [one for one in among if wish.call_id in one.call_ids]
    if among:
        return among[0]
    if not report.registrations:
        what = f"of {wish.aor} " if wish.aor else ""
        raise NoFlow(f"no registration {what}was seen")
    known = ", ".join(f"{one.id}: {one.aor}" for one in report.registrations[:5])
    more = ", ..." if len(report.registrations) > 5 else ""
    asked = f"Call-ID {wish.call_id}" if wish.call_id else f"number {wish.number}"
    raise NoFlow(f"no registration has {asked} (there are {known}{more})")


def _rows(report: Report, registration: Registration, wish: Wish) -> list[TransactionRow]:
    return sorted(
        row
        for row in report.transactions
        if row.registration == registration.id
        and row.method == "REGISTER"
        and (not wish.call_id or row.call_id == wish.call_id)
    )


def _unseen(report: Report, registration: Registration, wish: Wish) -> int:
    """Answers with a Call-ID of the registration whose request was not seen: no registration owns such a row."""
    call_ids = {wish.call_id} if wish.call_id else set(registration.call_ids)
    return sum(
        1 for row in report.transactions if row.request is None and row.method == "REGISTER" and row.call_id in call_ids
    )


_Key = tuple[Place, str, int, int]


def _messages(
    files: Sequence[str | os.PathLike[str]], rows: list[TransactionRow], dialect: str | None, tls_keylog: str | None
) -> dict[_Key, Message]:
    """The messages of these rows by place, Call-ID, CSeq and status: one TCP segment may hold several."""
    wanted = {place for row in rows for place in (row.request, row.final) if place is not None}
    found: dict[_Key, Message] = {}
    with open_sources(list(files), dialect=dialect, tls_keylog=tls_keylog) as reading:
        for item in reading:
            if isinstance(item, RawMessage) and item.place in wanted:
                message = parse(item)
                cseq = message.cseq
                key = (item.place, message.call_id, cseq.number if cseq else -1, message.status)
                found.setdefault(key, message)
    return found


def _exchange(row: TransactionRow, seen: dict[_Key, Message], report: Report) -> Exchange | None:
    if row.request is None:
        return None
    request = seen.get((row.request, row.call_id, row.cseq, 0))
    if request is None:
        return None
    final = seen.get((row.final, row.call_id, row.cseq, row.status)) if row.final is not None else None
    return Exchange(
        number=row.id,
        request=request,
        final=final,
        provisional=row.provisional,
        retransmissions=row.retransmissions,
        request_time=row.request_time,
        final_time=row.final_time,
        rules=frozenset(finding.rule for finding in report.findings if finding.transaction == row.id),
    )


def _first_hops(exchanges: tuple[Exchange, ...]) -> tuple[Exchange, ...]:
    """Of one request that was seen on several hops the one with the fewest Via values: what the client itself sent."""
    best: dict[tuple[str, int], Exchange] = {}
    for one in exchanges:
        cseq = one.request.cseq
        key = (one.request.call_id, cseq.number if cseq else -1)
        if key not in best or len(one.request.vias) < len(best[key].request.vias):
            best[key] = one
    kept = {id(one) for one in best.values()}
    several_hops = len({len(one.request.vias) for one in exchanges}) > 1
    return tuple(one for one in exchanges if not several_hops or id(one) in kept)
