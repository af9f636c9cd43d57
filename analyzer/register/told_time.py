"""The time that a registrar tells its client (RFC 3261 10.3 step 8, 20.17), from one answer to the next.

Its clock goes on, so a Date that is earlier than the one before was told by a clock that was set back, or by another
server of the same address. It is held against what the same client was told: several workers see the same then.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.evidence import Evidence
from analyzer.register.registration import Registration
from analyzer.register.transaction import Transaction

TOLERANCE = 2
"""Seconds by which a Date may go back: answers of one second overtake each other."""


class ToldTime(NamedTuple):
    """A Date, in seconds since the epoch, as it was `written`, and where."""

    date: int
    written: str
    evidence: Evidence


def note_date(registration: Registration, transaction: Transaction) -> None:
    """Take in the Date of the 2xx to `transaction`; one that goes back while the source's clock does not is noted of
    the transaction, as the Date before it."""
    final = transaction.final
    if final is None or final.date is None or transaction.method != "REGISTER":
        return
    evidence, before = final.raw_message.evidence, registration.told_time
    registration.told_time = ToldTime(final.date, (final.first("date") or "").strip(), evidence)
    if before is None or final.date >= before.date - TOLERANCE:
        return
    if evidence.time is not None and before.evidence.time is not None and evidence.time >= before.evidence.time:
        transaction.set_back = before
