"""SIP messages as a text log: what was read from any log, in the form in which sngrep or ngrep would have shown it.

sngrep's form has date, time and both ends before each message, ngrep's can do without times. Both are read by
`analyzer/capture/dialects/`, whose examples they follow, and say behind the ends of a message what these forms have no
place for (`text/marks.py`): that it is cut, was mended, or went over something else than its Via says. Times are UTC.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import BinaryIO

from analyzer.capture.text.marks import mark_of
from analyzer.evidence import SECOND, Endpoint, NetworkError, RawMessage
from analyzer.sip.text import octets

_DAY = "%Y/%m/%d"
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - all times here are UTC, and say so nowhere
_DATAGRAMS = ("UDP", "")


class SaveText:
    """A log that is being written to `out`; it does not close it. `timed`: each message has a time. `written` counts
    messages; nothing is ever `cut`. `dialect` is the name of the form. `step` is that of the clock, in nanoseconds: its
    stamps have as many digits."""

    cut = 0

    def __init__(self, out: BinaryIO, *, timed: bool, step: int = 1000) -> None:
        self._out = out
        self._timed = timed
        self._digits = digits_of(step)
        self.dialect = "sngrep" if timed else "ngrep"
        self.written = 0

    def add(self, message: RawMessage) -> None:
        """Write one message. OSError where that cannot be done."""
        self.written += 1
        stamp = stamped(message.time, self._digits, _DAY) if message.time is not None else ""
        ends = f"{_written(message.source)} -> {_written(message.destination)}"
        if self._timed:
            self._out.write(octets(f"{stamp} {ends}") + mark_of(message) + b"\n" + message.payload + b"\n\n\n")
            return
        kind, says = ("U", "UDP") if message.transport in _DATAGRAMS else ("T", "TCP")
        payload = message.payload.replace(b"\r\n", b".\n")  # ngrep shows a dot for what cannot be printed
        head = octets(f"{kind} {stamp}{' ' if stamp else ''}{ends} #{self.written}") + mark_of(message, says=says)
        self._out.write(head + b"\n" + payload + b"\n\n")

    def add_error(self, error: NetworkError) -> None:
        """A log of messages has no room for what the network says."""

    def finish(self) -> None:
        """All is written as it comes."""


def _written(endpoint: Endpoint) -> str:
    return f"{endpoint.host}:{endpoint.port}"


def digits_of(step: int) -> int:
    """Digits behind the second of a clock that goes in such steps, nanoseconds."""
    return next((digits for digits in range(9) if step % 10 ** (9 - digits) == 0), 9)


def stamped(time: int, digits: int, day: str = "%Y-%m-%d") -> str:
    """A time, nanoseconds since the epoch, as a stamp of UTC with so many digits behind the second."""
    seconds, part = divmod(time, SECOND)
    fraction = f".{part:09}"[: digits + 1] if digits else ""
    return f"{(_EPOCH + timedelta(seconds=seconds)).strftime(f'{day} %H:%M:%S')}{fraction}"
