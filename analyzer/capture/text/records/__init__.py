"""Records: texts that keep a line of a log, or several, in something that spans lines of its own.

Exports of log servers (an array of JSON, a table in CSV), the export of a journal, a mail. What spans lines is put
together to one line a record first; a carrier (`carriers.py`) then takes out of it what it keeps, as it does where a
record has a line of its own. Each kind is a file, asked by signs at the beginning of the text, and imported then alone.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator
from typing import Protocol

from analyzer.capture.text.carrier_kinds import Carrier

RECORDS = {
    "repaired-table": "taken out of a table (CSV)",
    "repaired-journal": "taken out of a journal's export",
    "repaired-mail": "taken out of a mail",
}
"""The repairs of this folder (JSON's is that of lines of JSON), and what completes `the lines were ...`."""
_LOOKED_AT = 1 << 16
_SIGNS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("mails", re.compile(rb"^content-transfer-encoding:[ \t]*(?:base64|quoted-printable)|(?:branch|tag|realm)=3D", 10)),
    ("journals", re.compile(rb"^(?:__CURSOR|__REALTIME_TIMESTAMP)=|^    MESSAGE=", 8)),
    ("objects", re.compile(rb"\A(?:\xef\xbb\xbf)?\s{0,80}(?:[{\[][ \t]*\r?$|\[\{|\{\"\w{1,20}\": ?[\[{])", 8)),
    ("tables", re.compile(rb"\A(?:\xef\xbb\xbf)?\"?[@\w ./-]{0,60}\"?(?:[,;\t]|\r?\n\")")),
)
"""The files of this folder, and what a text has somewhere at its beginning (or begins with) that may be of their kind;
10 is `re.IGNORECASE | re.MULTILINE`, 8 `re.MULTILINE`."""


class Joiner(Protocol):
    """How lines are put together: `says` completes `the lines were ...`, `code` is the repair. `carriers` take out of
    the lines that are put together what they keep."""

    @property
    def code(self) -> str:
        """The repair."""

    @property
    def says(self) -> str:
        """What was done to the lines."""

    @property
    def carriers(self) -> tuple[Carrier, ...]:
        """What takes the lines of the log out of a record."""

    def joined(self, lines: Iterable[bytes]) -> Iterator[tuple[int, bytes | None]]:
        """Lines as they were before, each with the number of lines that it stands in; None for lines that hold none."""


def joiners_of(head: bytes) -> Iterator[Joiner]:
    """What the text that begins with `head` may be kept in."""
    near = head[:_LOOKED_AT]
    for name, sign in _SIGNS:
        if sign.search(near) is None:
            continue
        found: Joiner | None = importlib.import_module(f"{__name__}.{name}").found(head)
        if found is not None:
            yield found
