"""The check of capture formats lets media be passed by, and nothing else: a reader that errs there is found."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any, BinaryIO

import pytest

from analyzer.capture import media
from analyzer.capture.formats import pcap, pcapng
from analyzer.capture.record import Record
from analyzer.evidence import Source
from tests.capture import build
from tests.fuzz.on_plugins import check_format
from tests.fuzz.seeds import CALL

FILES = [(pcap, build.pcap(CALL)), (pcap, build.pcap(CALL, order=">")), (pcapng, build.pcapng(CALL))]


@pytest.mark.parametrize(("module", "octets"), FILES)
def test_media_that_is_passed_by_is_no_fault(module: ModuleType, octets: bytes) -> None:
    source = Source("file")
    assert len(list(module.records(io.BytesIO(octets), source))) < len(CALL)
    check_format(module, octets)


def _wrong(change: Callable[[Record], Record | None], count: int = 0) -> Any:
    """The reader of pcap, which changes or loses records where it passes media by."""

    def records(stream: BinaryIO, source: Source) -> Iterator[Record]:
        quick = media.look("<", "IIII", 1) is not None
        for record in pcap.records(stream, source):
            kept = change(record) if quick else record
            if kept is not None:
                yield kept
        source.other += count * quick

    return SimpleNamespace(records=records, looks_like=pcap.looks_like, EXAMPLE=pcap.EXAMPLE)


FAULTS = {
    "a message is lost": _wrong(lambda record: None if len(record.octets) > 60 else record, 1),
    "a number is wrong": _wrong(lambda record: record._replace(number=record.number + 1)),
    "media is not counted": _wrong(lambda record: record, -1),
    "a time is wrong": _wrong(lambda record: record._replace(time=0)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_anything_else_is(name: str) -> None:
    with pytest.raises(AssertionError):
        check_format(FAULTS[name], build.pcap(CALL))
