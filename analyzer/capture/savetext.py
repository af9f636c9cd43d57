"""SIP messages as a text log: what was read from any log, in the form in which sngrep or ngrep would have shown it.

sngrep's form has date, time and both ends before each message, ngrep's can do without times. Both are read by
`analyzer/capture/dialects/`, whose examples they follow. Times are UTC; a transport other than UDP is TCP in ngrep's
form, and not told in sngrep's.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import BinaryIO

from analyzer.evidence import SECOND, Endpoint, NetworkError, RawMessage
from analyzer.sip.text import octets

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - all times here are UTC, and say so nowhere
_DATAGRAMS = ("UDP", "")


class SaveText:
    """A log that is being written to `out`; it does not close it. `timed`: each message has a time. `written` counts
    messages; nothing is ever `cut`. `dialect` is the name of the form. A `step` of the clock of a second or more, in
    nanoseconds, makes stamps of whole seconds. `tells_transport`: in ngrep's form, times or not, which tells it."""

    cut = 0

    def __init__(self, out: BinaryIO, *, timed: bool, step: int = 1, tells_transport: bool = False) -> None:
        self._out = out
        timed = timed and not tells_transport
        self._timed = timed
        self._form = "%Y/%m/%d %H:%M:%S " if step >= SECOND else "%Y/%m/%d %H:%M:%S.%f "
        self.dialect = "sngrep" if timed else "ngrep"
        self.written = 0

    def add(self, message: RawMessage) -> None:
        """Write one message. OSError where that cannot be done."""
        self.written += 1
        stamp = self._stamp(message.time) if message.time is not None else ""
        ends = f"{_written(message.source)} -> {_written(message.destination)}"
        if self._timed:
            self._out.write(octets(f"{stamp}{ends}\n") + message.payload + b"\n\n\n")
            return
        kind = "U" if message.transport in _DATAGRAMS else "T"
        payload = message.payload.replace(b"\r\n", b".\n")  # ngrep shows a dot for what cannot be printed
        self._out.write(octets(f"{kind} {stamp}{ends} #{self.written}\n") + payload + b"\n\n")

    def _stamp(self, time: int) -> str:
        return (_EPOCH + timedelta(microseconds=time // 1000)).strftime(self._form)

    def add_error(self, error: NetworkError) -> None:
        """A log of messages has no room for what the network says."""

    def finish(self) -> None:
        """All is written as it comes."""


def _written(endpoint: Endpoint) -> str:
    return f"{endpoint.host}:{endpoint.port}"
