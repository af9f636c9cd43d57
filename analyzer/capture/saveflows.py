"""SIP messages as call flows in a text: what was read from a document, in the form in which RFCs print it.

    1.  Flow 1

    F1 REGISTER Bob -> Registrar

    REGISTER sip:registrar.example.com SIP/2.0

Each flow is a capture of its own there (`analyzer/capture/dialects/flow_text.py`), which no log of messages can say.
Titles, drawings and what else the document told are not written. Of a message that is cut, or was mended, a line behind
its heading says so (`text/marks.py`).
"""

from __future__ import annotations

import re
from typing import BinaryIO

from analyzer.capture.text.marks import mark_of
from analyzer.evidence import Endpoint, NetworkError, RawMessage
from analyzer.sip.text import octets

_NO_NAME = re.compile(r"[^\w.:\[\]-]+")
_LONGEST = 60


class SaveFlows:
    """A text that is being written to `out`; it does not close it. `written` counts messages; nothing is ever `cut`."""

    cut = 0
    dialect = "flow-text"

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._flow = 0
        self.written = 0

    def add(self, message: RawMessage) -> None:
        """Write one message. OSError where that cannot be done."""
        self.written += 1
        step = message.flow_step
        flow, number = (step.flow, step.step) if step is not None else (self._flow, self.written)
        if flow != self._flow:
            self._flow = flow
            self._out.write(f"{flow}.  Flow {flow}\n\n".encode())
        start = message.payload.partition(b"\r\n")[0]
        what = start[8:].strip() if start.startswith(b"SIP/") else start.partition(b" ")[0]
        ends = octets(f" {_name(message.source)} -> {_name(message.destination)}\n\n")
        self._out.write(f"F{number} ".encode() + what + ends)
        mark = mark_of(message, says=message.transport, sized=True).strip()
        self._out.write(mark + b"\n\n" if mark else b"")
        self._out.write(message.payload.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n\n")

    def add_error(self, error: NetworkError) -> None:
        """A flow of messages has no room for what the network says."""

    def finish(self) -> None:
        """All is written as it comes."""


def _name(endpoint: Endpoint) -> str:
    """Who sends or receives, in one line of words that are no arrow."""
    return _NO_NAME.sub(" ", endpoint.written).strip()[:_LONGEST] or "nobody"
