"""What stands before a log: zeros of a log that was emptied while it was written, and blank lines."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from analyzer.capture import magics
from analyzer.capture.formats import HEAD
from analyzer.capture.opener import open_sources
from analyzer.defect import SourceError
from analyzer.evidence import LogLines, RawMessage, Source
from tests.capture.asterisk_text import REGISTER, full, pjsip, received
from tests.capture.build import frame, pcap, write
from tests.capture.endless import Endless

LOGS = {"asterisk-chan_sip": full(received(REGISTER)).encode(), "asterisk-pjsip": full(pjsip(REGISTER)).encode()}
PAYLOAD = REGISTER.encode()


def read(given: str | io.RawIOBase | io.BytesIO, dialect: str | None = None) -> tuple[list[RawMessage], Source]:
    with open_sources([given], dialect=dialect) as reading:  # type: ignore[list-item]
        return [item for item in reading if isinstance(item, RawMessage)], reading.sources[0]


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 100, 8192, 100_000, HEAD - 1, HEAD, HEAD + 1, 3 * HEAD + 7])
@pytest.mark.parametrize("form", LOGS)
def test_zeros_before_a_log(form: str, size: int, end: bytes, named: bool, tmp_path: Path) -> None:
    """logrotate's `copytruncate`: the writer goes on at the place where it was, behind a hole."""
    path = write(tmp_path, "full", bytes(size) + end + LOGS[form])
    (plain,), before = read(io.BytesIO(LOGS[form]))
    (one,), source = read(str(path), form if named else None)
    assert (one.payload, source.format, source.defects) == (PAYLOAD, form, before.defects)
    assert source.quality[0].startswith("the log begins with a zero, " if size == 1 else f"the log begins with {size} ")
    assert isinstance(one.place, LogLines) and isinstance(plain.place, LogLines)
    assert one.place.first == plain.place.first + bool(end), "zeros are no lines"


@pytest.mark.parametrize("size", [2, 100_000, HEAD // 2])
def test_zeros_before_a_log_of_a_pipe_or_packed(size: int, tmp_path: Path) -> None:
    octets = bytes(size) + LOGS["asterisk-chan_sip"]
    path = write(tmp_path, "full.gz", gzip.compress(octets))
    for given in (io.BytesIO(octets), str(path)):
        (one,), source = read(given)
        assert one.payload == PAYLOAD and f"{size} zeros" in source.quality[0]


@pytest.mark.parametrize("dialect", [None, "asterisk-chan_sip"])
def test_zeros_without_end_before_a_log(dialect: str | None) -> None:
    stream = Endless(b"")
    if dialect is None:
        with pytest.raises(SourceError, match="nothing but zeros"):
            read(stream)
        assert stream.read_octets < 4 * HEAD
        return
    with open_sources([stream], dialect=dialect):  # type: ignore[list-item]
        assert stream.read_octets < 4 * HEAD


@pytest.mark.parametrize("size", [2, 5000, HEAD, HEAD + 1, 5 * HEAD])
@pytest.mark.parametrize("kind", [None, "capture", "log"])
def test_zeros_and_nothing_else(size: int, kind: None, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="it looks like nothing but zeros"):
        open_sources([str(write(tmp_path, "made", bytes(size)))], kind=kind, engine="native")


@pytest.mark.parametrize("size", [2, 5000, HEAD + 1])
def test_zeros_before_what_is_no_log(size: int, tmp_path: Path) -> None:
    for octets in (b"Dear diary,\n" * 50, pcap([frame()])):
        with pytest.raises(SourceError, match="is neither a capture nor a log that is known"):
            open_sources([str(write(tmp_path, "other", bytes(size) + octets))])


@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b" \n", b"\t\r\n"])
@pytest.mark.parametrize("size", [100, 8192, 100_000, HEAD - 4])
@pytest.mark.parametrize("form", LOGS)
def test_blank_lines_before_a_log(form: str, size: int, blank: bytes) -> None:
    lines = size // len(blank)
    (plain,), _ = read(io.BytesIO(LOGS[form]))
    (one,), source = read(io.BytesIO(blank * lines + LOGS[form]))
    assert isinstance(one.place, LogLines) and isinstance(plain.place, LogLines)
    assert (one.payload, source.format, one.place.first) == (PAYLOAD, form, plain.place.first + lines)
    assert not [text for text in source.quality if "zero" in text]


@pytest.mark.parametrize("coding", ["ascii", "utf-16", "utf-16-le", "utf-16-be"])
def test_more_blank_lines_than_are_looked_through(coding: str, tmp_path: Path) -> None:
    """Each four of them read as a record of Endace ERF, with a type, sizes and a time."""
    octets = ("\n" * 700_000 + "Dear diary,\n").encode(coding)
    assert magics.capture(octets[: magics.HEAD]) == ""
    with pytest.raises(SourceError, match="is neither a capture nor a log that is known") as caught:
        open_sources([str(write(tmp_path, "full", octets))])
    assert coding != "ascii" or "it looks like nothing but blank lines" in caught.value.reason
