"""Which exchange a message is of, and whether a text lists exchanges in their order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_CALL = re.compile(rb"\r\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_NUMBER = re.compile(rb"\r\ncseq[ \t]*:[ \t]*(\d{1,10})[ \t]+([^\r\n]*)", re.IGNORECASE)
_STATUS = b"SIP/2.0 "


class Exchanged(NamedTuple):
    """Which exchange a message is of: Call-ID, the number and the method of CSeq; whether it is the answer; its time,
    which is that of a clock that may not be known yet."""

    call: bytes
    number: int
    method: bytes
    is_answer: bool
    time: object


class Order:
    """How many exchanges a text lists in their order, and how many the other way round: requests and answers, and
    numbers that rise within a call (RFC 3261 8.1.1.5, 17.1.3). `together` looks at those of one time alone, else at
    those of different times. `answered` counts answers above their request."""

    def __init__(self, exchanges: Iterable[Exchanged] = (), *, together: bool) -> None:
        self.onward = self.backward = self.answered = 0
        self._together = together
        self._last: dict[bytes, Exchanged] = {}
        for one in exchanges:
            self.add(one)

    def add(self, one: Exchanged) -> None:
        """The next message of the text."""
        before = self._last.get(one.call)
        self._last[one.call] = one
        if before is None or (before.time == one.time) is not self._together:
            return
        if before.number != one.number:
            self._count(before.number < one.number)
        elif before.method == one.method and before.is_answer is not one.is_answer:
            self._count(one.is_answer)
            self.answered += not one.is_answer

    def _count(self, is_onward: bool) -> None:
        self.onward += is_onward
        self.backward += not is_onward


def call_of(payload: bytes) -> bytes | None:
    """The Call-ID of a message."""
    found = _CALL.search(payload)
    return None if found is None else found[1].strip()


def exchanged(payload: bytes, time: object) -> Exchanged | None:
    """Of which exchange a message is; None where it does not say it."""
    call, number = _CALL.search(payload), _NUMBER.search(payload)
    if call is None or number is None:
        return None
    return Exchanged(call[1].strip(), int(number[1]), number[2].strip(), payload.startswith(_STATUS), time)
