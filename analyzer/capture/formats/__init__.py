"""One file per capture format here, one per text log in `analyzer/capture/dialects/`, found by name order.

A capture format has `NAME`, `KIND = "capture"`, `TITLE`, `looks_like(head)` and `records(stream, source)`; a log
dialect has `NAME`, `KIND = "log"`, `TITLE`, `looks_like(head)` and `read(stream, source)`. Shared parts lie beside
these folders, never in them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Literal, NamedTuple

from analyzer.capture import dialects
from analyzer.capture.record import Record
from analyzer.evidence import Item, Source

HEAD = 1 << 18
"""Octets of a file, after decompression, that `looks_like` is shown at most."""


class Format(NamedTuple):
    """A format as its module declares it. Exactly one of `records` and `read` is there, as `kind` says."""

    name: str
    kind: Literal["capture", "log"]
    title: str
    looks_like: Callable[[bytes], bool]
    records: Callable[[BinaryIO, Source], Iterator[Record]] | None
    read: Callable[[BinaryIO, Source], Iterator[Item]] | None


def discover() -> list[Format]:
    """All formats, in the order of their modules' names. An import that fails is an error, never a format less."""
    found = [
        *pkgutil.iter_modules(__path__, f"{__name__}."),
        *pkgutil.iter_modules(dialects.__path__, f"{dialects.__name__}."),
    ]
    names = sorted((module.name for module in found), key=lambda name: name.rpartition(".")[2])
    return [declared(importlib.import_module(name)) for name in names]


def declared(module: Any) -> Format:
    """The format that a module declares; AttributeError where it declares only half of one."""
    if module.KIND == "capture":
        return Format(module.NAME, "capture", module.TITLE, module.looks_like, module.records, None)
    return Format(module.NAME, "log", module.TITLE, module.looks_like, None, module.read)
