"""Text logs, one file each: plug-ins alone. `LogDialect` says what one declares; `make dialect NAME=...` begins one.

What every text log needs (lines, carriers, stamps, the clock) lies in `analyzer/capture/text/`, what one family of
dialects shares in a folder of its own beside this (`analyzer/capture/asterisk/`). Most dialects are a grammar
(`text/grammar.py`): they say what opens a message and how its lines are printed, and leave the rest to
`text/reader.py`, which they import late: a log is read by one of them, and each is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from analyzer.evidence import Item, Source


class LogDialect(Protocol):
    """A module of this folder: how a program prints the SIP messages that it sends and receives.

    `NAME` is what `--dialect` takes: the file's name, with hyphens where one likes them. `TITLE` names the kind of
    log in messages, as in `Asterisk PJSIP log`. `EXAMPLE` is a small log that no other dialect claims, with one
    request and one answer at least: the tests read it, change it at random, make it long, carry it in syslog, JSON and
    mails, forge its banners, export it, and ask tshark about what was read of it. A module may declare `LAST = True`:
    it is asked where all others say no; `FLOWS = True`: its messages say in which flow of a document they stand; and
    `EXACT = True`: it reads octets as they went, so it goes before one that gets as much out of their text.
    """

    NAME: str
    TITLE: str
    EXAMPLE: bytes

    def looks_like(self, head: bytes) -> bool:
        """Whether a file is of this dialect. `head` holds its first `formats.HEAD` octets at most, decompressed; it
        may be empty, cut anywhere, and of any other kind. Never raises; work linear in `head`."""

    def read(self, stream: BinaryIO, source: Source) -> Iterator[Item]:
        """The messages and network errors of the log, in its order, each with a `LogLines` place (lines from 1), the
        fidelity `TEXT_LOG` and a time in nanoseconds since 1970 (UTC) or None.

        `stream` ends anywhere and holds anything. Never raises for what it holds: what is malformed becomes a `Defect`
        of the message or of `source`, and what is passed over is counted there (`frames` are lines, `keepalives`,
        `other`). Yields as it reads; memory bounded, work linear in the file.
        """
