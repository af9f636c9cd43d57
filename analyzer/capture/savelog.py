"""SIP messages and a server's own lines as a log of Asterisk: what was read from one, in the form of its logger.

    [2026-11-20 11:53:43+0000] VERBOSE[1] res_pjsip_logger.c: <--- Received SIP request (239 bytes) from UDP:... --->

The announced octets say where a message ends, whatever is in it. Times are UTC, and their zone stands beside them. A
message of which no time is known has no stamp, as on a console; where it is known to lie between two times, lines that
say nothing but the time stand around it, unless others do. Such lines also keep when the log began and ended.
"""

from __future__ import annotations

from typing import BinaryIO

from analyzer.capture.asterisk.reader import LOCAL
from analyzer.capture.savetext import digits_of, stamped
from analyzer.capture.text.marks import mark_of
from analyzer.evidence import Between, Endpoint, NetworkError, RawMessage, between
from analyzer.sip.text import octets

_LOGGER = b"VERBOSE[1] res_pjsip_logger.c: "
_ONLY_TIME = "VERBOSE[1] logger.c: -"
_OFFSET = "+0000"


class SaveLog:
    """A log that is being written to `out`; it does not close it. `timed`: each message has a time; then it is a logger
    file, else a console, for in a file no banner counts that is no entry. `step` is that of its clock, nanoseconds,
    `first` and `last` when it begins and ends. `written` counts messages, `notices` the server's own lines; nothing is
    ever `cut`."""

    cut = 0
    dialect = "asterisk-pjsip"

    def __init__(
        self, out: BinaryIO, *, timed: bool, step: int, first: int | None = None, last: int | None = None
    ) -> None:
        self._out = out
        self._lead = _LOGGER if timed else b""
        self._digits = digits_of(step)
        self._step = int(10 ** (9 - self._digits))
        self._first, self._end = first, last
        self._last: int | None = None
        self._lies: Between | None = None
        self.written = self.notices = 0

    def add(self, message: RawMessage) -> None:
        """Write one message. OSError where that cannot be done."""
        self.written += 1
        bounds = between(message.place) if message.time is None else None
        if bounds is None or bounds != self._lies:
            self._before(message.time if bounds is None else bounds.earliest)
        if bounds is not None and self._last != bounds.earliest:
            self._tell(bounds.earliest)
        self._lies = bounds
        self._write(message.time, self._lead + _printed(message))

    def add_notice(self, time: int | None, module: str, line: bytes) -> None:
        """Write a line of the server's own, of which the `module` is told. OSError as above."""
        self.notices += 1
        self._before(time)
        self._write(time, f"NOTICE[1] {module}.c: ".encode() + line + b"\n")

    def add_error(self, error: NetworkError) -> None:
        """A log has no room for what the network says."""

    def finish(self) -> None:
        """Write when the log ended."""
        self._before(self._end)
        if self._end is not None and (self._last is None or self._end // self._step > self._last // self._step):
            self._tell(self._end)

    def _before(self, time: int | None) -> None:
        """Write what must stand before something of this time: when the log began, until when the last message lies."""
        lies, self._lies = self._lies, None
        if lies is not None and lies.latest is not None:
            end = lies.latest - self._step + 1
            if time is None or time // self._step != end // self._step:
                self._tell(end)
        if time is not None and self._first is not None:
            first, self._first = self._first, None
            if first < time:
                self._tell(first)

    def _tell(self, time: int) -> None:
        self._write(time, f"{_ONLY_TIME}\n".encode())

    def _write(self, time: int | None, line: bytes) -> None:
        if time is not None:
            self._last = time
            self._out.write(self._stamp(time))
        self._out.write(line)

    def _stamp(self, time: int) -> bytes:
        return f"[{stamped(time, self._digits)}{_OFFSET}] ".encode()


def _printed(message: RawMessage) -> bytes:
    """A message between its banner and the next line."""
    sent = message.source == LOCAL
    peer = _written(message.destination if sent else message.source)
    if sent and message.resend is not None:  # res_pjsip does not count its copies, chan_sip does
        head = f"<--- Retransmitting #{message.resend} (no NAT) to {peer} --->"
        return octets(head) + mark_of(message) + b"\n" + message.payload + b"\n<------------>\n"
    transport = message.transport if message.transport.isalpha() else "UDP"
    kind = "response" if message.payload.startswith(b"SIP/") else "request"
    way, whom = ("Transmitting", "to") if sent else ("Received", "from")
    payload = message.payload.removesuffix(b"\r")  # half of a line end would be taken for one of the log's
    head = f"<--- {way} SIP {kind} ({len(payload)} bytes) {whom} {transport}:{peer} --->"
    mark = mark_of(message, says=transport, sized=True)
    return octets(head) + mark + b"\n" + payload + b"\n"


def _written(endpoint: Endpoint) -> str:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"{host}:{endpoint.port}"
