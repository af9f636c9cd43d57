"""A file is cut, grows or is replaced while it is read: what was read is reported, and that it was cut is said."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.capture.opener import Reading, open_sources
from analyzer.defect import SourceError
from analyzer.run.pipeline import analyze
from tests.capture.build import EPOCH, codes, enhanced, interface, pcap, section, write
from tests.faults.child import ended, frames, started
from tests.views.hostile_traffic import dialogue, log

COUNT = 2000
"""REGISTERs in a file that no buffer on the way holds whole."""
FRAMES = frames(COUNT)
CAPTURES = {
    "pcap": pcap(FRAMES),
    "pcapng": section() + interface() + b"".join(enhanced(one, (EPOCH + at) * 10**6) for at, one in enumerate(FRAMES)),
}


def halfway(path: Path, change: Callable[[], None]) -> tuple[Reading, int]:
    """Read a file; after its first message `change` happens. What was read, and the number of messages."""
    with open_sources([path]) as reading:
        items = iter(reading)
        next(items)
        change()
        return reading, 1 + sum(1 for _ in items)


@pytest.mark.parametrize("form", CAPTURES)
def test_cut_inside_a_record(form: str, tmp_path: Path) -> None:
    octets = CAPTURES[form]
    path = write(tmp_path, "cut", octets)
    reading, count = halfway(path, lambda: os.truncate(path, len(octets) * 3 // 4 + 1))
    assert 1 < count < COUNT
    assert "file-shrank" in codes(reading)
    assert reading.sources[0].damaged


def test_cut_between_two_records(tmp_path: Path) -> None:
    """Such a file looks whole: only its size before tells."""
    path = write(tmp_path, "cut", CAPTURES["pcap"])
    kept = len(pcap(FRAMES[: COUNT * 3 // 4]))
    reading, count = halfway(path, lambda: os.truncate(path, kept))
    assert count == COUNT * 3 // 4
    assert codes(reading) == ["file-shrank"]


@pytest.mark.parametrize("form", CAPTURES)
def test_cut_to_nothing(form: str, tmp_path: Path) -> None:
    path = write(tmp_path, "cut", CAPTURES[form])
    reading, count = halfway(path, lambda: os.truncate(path, 0))
    assert 1 <= count < COUNT
    assert "file-shrank" in codes(reading)


def test_a_compressed_file_is_cut(tmp_path: Path) -> None:
    noise = [one + os.urandom(600) for one in FRAMES]  # else a read takes the whole of it
    path = write(tmp_path, "cut.gz", gzip.compress(pcap(noise), 1, mtime=0))
    reading, count = halfway(path, lambda: os.truncate(path, path.stat().st_size * 3 // 4))
    assert 1 < count < COUNT
    assert "damaged-compression" in codes(reading)


def test_a_log_is_cut(tmp_path: Path) -> None:
    text = log({}) * 500
    path = write(tmp_path, "cut.log", text)
    with open_sources([path]) as reading:  # a log without a Date is read to its end before the first message is out
        os.truncate(path, len(text) * 3 // 4)
        count = sum(1 for _ in reading)
    assert 1 < count < len(dialogue({})) * 500
    assert "file-shrank" in codes(reading)


def test_a_file_that_grows_is_read_to_its_end(tmp_path: Path) -> None:
    path = write(tmp_path, "grows", pcap(FRAMES))
    more = pcap(frames(500, COUNT))[24:]

    def grow() -> None:
        with path.open("ab") as file:
            file.write(more)

    reading, count = halfway(path, grow)
    assert (count, codes(reading)) == (COUNT + 500, [])


def test_a_file_that_is_replaced_is_read_as_it_was(tmp_path: Path) -> None:
    path, other = write(tmp_path, "one", pcap(FRAMES)), write(tmp_path, "other", b"something else")
    reading, count = halfway(path, lambda: os.replace(other, path))
    assert (count, codes(reading)) == (COUNT, [])
    assert path.read_bytes() == b"something else"


def test_a_file_that_is_removed_is_read_all_the_same(tmp_path: Path) -> None:
    path = write(tmp_path, "one", pcap(FRAMES))
    reading, count = halfway(path, path.unlink)
    assert (count, codes(reading)) == (COUNT, [])


def test_a_file_read_from_its_middle_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path, "behind", b"x" * 1000 + pcap(FRAMES[:3]))
    with path.open("rb") as stream:
        stream.seek(1000)
        with open_sources([stream]) as reading:
            assert len(list(reading)) == 3
            assert codes(reading) == []


class Failing(io.RawIOBase):
    """A file on a disk or a share that fails after so many octets."""

    def __init__(self, octets: bytes, good: int) -> None:
        super().__init__()
        self._octets, self._good, self._at = octets, good, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._at >= self._good:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        piece = self._octets[self._at : min(self._good, self._at + len(buffer), self._at + 4096)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def failing(octets: bytes, good: int) -> io.BufferedReader:
    return io.BufferedReader(Failing(octets, good))


@pytest.mark.parametrize("good", [100, 5000, 300_000])
@pytest.mark.parametrize("form", CAPTURES)
def test_a_disk_that_fails(form: str, good: int) -> None:
    report = analyze([failing(CAPTURES[form], good)])
    (source,) = report.sources
    found = {defect.code: defect.text for _, defect in source.defect_list}
    assert found["read-error"] == "the file cannot be read any further: Input/output error"
    assert source.damaged
    assert (report.summary.messages > 0) == (good > 1000)


def test_a_disk_that_fails_under_a_log() -> None:
    report = analyze([failing(log({}) * 100, 20_000)])
    assert report.summary.messages > 5
    assert report.sources[0].damaged


def test_a_disk_that_fails_at_once() -> None:
    with pytest.raises(SourceError, match="cannot be read: Input/output error"):
        open_sources([failing(b"", 0)])


def test_the_command_reports_a_file_that_is_cut(tmp_path: Path) -> None:
    """The command hangs in the second file, a pipe, when the first is cut: so it is cut in the middle of the run."""
    path, pipe = write(tmp_path, "cut.pcap", pcap(FRAMES)), tmp_path / "pipe"
    os.mkfifo(pipe)
    with started("pcap", str(path), str(pipe), "--format", "json") as child:
        with pipe.open("wb") as writer:  # opened as soon as the child opens it, which is after the first
            os.truncate(path, len(pcap(FRAMES[: COUNT * 3 // 4])))
            writer.write(pcap(frames(1, COUNT)))
        code, stdout, stderr = ended(child)
    assert (code, stderr) == (0, b"")
    report = json.loads(stdout)
    assert report["summary"]["messages"] == COUNT * 3 // 4 + 1
    assert report["sources"][0]["damaged"]
    assert [defect["code"] for defect in report["sources"][0]["defect_list"]] == ["file-shrank"]
    assert not report["sources"][1]["damaged"]
