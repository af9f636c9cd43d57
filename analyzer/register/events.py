"""What matching tells: one value for each thing that happens to a transaction."""

from __future__ import annotations

from typing import Literal, NamedTuple

from analyzer.register.transaction import Transaction
from analyzer.sip.message import Message


class Event(NamedTuple):
    """What happened to a transaction: `opened` (first request), `copied` (sent again), `answered` (first final
    response), `lone` (the same of one whose request was not seen), `repeated` (a further final response), `silent` (no
    final response in time), `closed` (evicted; always last)."""

    kind: Literal["opened", "copied", "answered", "lone", "repeated", "silent", "closed"]
    transaction: Transaction
    message: Message | None = None
