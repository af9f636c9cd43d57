"""Defects: what was malformed on the way from a file to a message.

A defect is a value. It hangs on the thing that has it (a datagram, a message, a header value, a source) and never
crosses a module as an exception: a capture tool must be able to hold what it was built to complain about. `SourceError`
is the one exception of reading: the source cannot be read at all (docs/architecture.md 6). `ContractError` is for who
writes a plug-in (`analyzer/plugins.py`).
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from analyzer.escape import Told

TORN = "torn-packet"
"""The code of a message of which the first fragments alone are there."""


class Defect(NamedTuple):
    """Something malformed.

    `code` is a stable kebab-case name (`bad-content-length`), `text` one plain sentence without line breaks whose
    wire parts may be hostile (views escape them), `offset` the octet in the thing that has the defect, if known.
    """

    code: str
    text: str
    offset: int | None = None


class SourceError(Told):
    """The source cannot be read: one line naming file, offset and reason (exit code 3)."""

    def __init__(self, source: str, reason: str, *, offset: int | None = None, hint: str = "") -> None:
        self.source = source
        self.reason = reason
        self.offset = offset
        self.hint = hint
        where = "" if offset is None else f" at offset {offset}"
        super().__init__(f"{source}{where}: {reason}" + (f" ({hint})" if hint else ""))

    def __reduce__(self) -> tuple[object, ...]:
        """Travel from a worker's process to the one that reports."""
        return partial(SourceError, offset=self.offset, hint=self.hint), (self.source, self.reason)


class ContractError(Told):
    """A module of a folder of plug-ins does not keep the Protocol of the folder: one line with file, name and why."""
