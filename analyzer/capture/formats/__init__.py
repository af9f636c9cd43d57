"""One file per capture format here, one per text log in `analyzer/capture/dialects/`, found by name order.

`CaptureFormat` says what a module of this folder declares, `dialects.LogDialect` what one of the other. Shared parts
lie beside these folders, never in them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple, Protocol

from analyzer import plugins
from analyzer.capture import dialects
from analyzer.capture.dialects import LogDialect
from analyzer.capture.record import Record
from analyzer.evidence import Item, Source

if TYPE_CHECKING:
    from analyzer.capture.text.grammar import Grammar

HEAD = 1 << 18
"""Octets of a file, after decompression, that `looks_like` is shown at most."""


class CaptureFormat(Protocol):
    """A module of this folder: a file of packets.

    `NAME` is what `--dialect` takes: the file's name. `TITLE` names the kind of file in messages, as in `pcap
    capture`. `EXAMPLE` is a small file with one packet at least: the tests read it, change it at random and make it
    long.
    """

    NAME: str
    TITLE: str
    EXAMPLE: bytes

    def looks_like(self, head: bytes) -> bool:
        """Whether a file is of this format, by its magic number. `head` holds its first 12 octets, or fewer: a live
        capture may not have more yet. Never raises, and says yes to nothing that another format claims."""

    def records(self, stream: BinaryIO, source: Source) -> Iterator[Record]:
        """The packets of the file in its order, numbered from 1 as Wireshark does, with offset (octets), link type
        (LINKTYPE_ number), original length and a time in nanoseconds since 1970 (UTC) or None.

        Never raises for what the file holds: damage sets `source.damaged` and leaves a `Defect` with its offset, and
        what came before it is kept. Yields as it reads; memory bounded, work linear in the file.
        """


class Format(NamedTuple):
    """A format as its module declares it. Exactly one of `records` and `read` is there, as `kind` says; `last`
    is asked where all others say no; `grammar` is by what a dialect reads, where that may be mixed with others; `flows`
    that its messages are those of flows; `exact` that what it reads are octets as they went."""

    name: str
    kind: Literal["capture", "log"]
    title: str
    looks_like: Callable[[bytes], bool]
    records: Callable[[BinaryIO, Source], Iterator[Record]] | None
    read: Callable[[BinaryIO, Source], Iterator[Item]] | None
    last: bool = False
    grammar: Grammar | None = None
    flows: bool = False
    exact: bool = False


def discover() -> list[Format]:
    """All formats, in the order of their names. An import that fails is an error, never a format less; one that does
    not keep its contract raises `ContractError`."""
    captures = plugins.load_all(sys.modules[__name__], CaptureFormat)
    logs = plugins.load_all(dialects, LogDialect)
    found = [
        *(Format(one.NAME, "capture", one.TITLE, one.looks_like, one.records, None) for one in captures),
        *(_log(one) for one in logs),
    ]
    return sorted(found, key=lambda form: form.name)


def _log(one: LogDialect) -> Format:
    return Format(
        one.NAME,
        "log",
        one.TITLE,
        one.looks_like,
        None,
        one.read,
        getattr(one, "LAST", False),
        getattr(one, "GRAMMAR", None),
        getattr(one, "FLOWS", False),
        getattr(one, "EXACT", False),
    )
