"""The copy for tshark: as long as it may be and no longer, without a name, gone in any case."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

import pytest

from analyzer.capture import spool
from analyzer.capture.opener import open_sources
from analyzer.defect import SourceError
from tests.capture.build import REGISTER, pcap
from tests.capture.deep import EXPORTED, exported, stand_in
from tests.capture.endless import Endless
from tests.shared import ROOT

Usage = namedtuple("Usage", "total used free")
CAPTURE = pcap([exported(REGISTER)], EXPORTED)
RECORD = CAPTURE[24:]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.fixture
def tshark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tshark that is there, and is not come to."""
    monkeypatch.setenv("PATH", stand_in(tmp_path, 'echo "TShark (Wireshark) 4.0.17"'))


def test_an_endless_capture(folder: Path, tshark: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MOST", 3 << 20)
    stream = Endless(CAPTURE, RECORD * 1000)
    with pytest.raises(SourceError) as caught:
        open_sources([stream])  # type: ignore[list-item]
    assert "tshark needs a copy of it, and it is longer than 3 MB (save it to a file" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert stream.read_octets < 4 << 20
    assert list(folder.iterdir()) == []


def test_others_need_the_room_too(folder: Path, tshark: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 0, 2 << 20))
    stream = Endless(CAPTURE, RECORD * 1000)
    with pytest.raises(SourceError, match=rf"longer than 1 MB, half of what is free in {folder}"):
        open_sources([stream])  # type: ignore[list-item]
    assert stream.read_octets < 2 << 20


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20])
def test_what_fits_is_copied_whole(size: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MOST", 1 << 20)
    octets = os.urandom(size)
    copy, path = spool.spooled(io.BytesIO(octets), "x")
    with copy:
        assert subprocess.run(["cat", path], capture_output=True, check=True).stdout == octets
        copy.seek(0)
        assert copy.read() == octets
    assert not os.path.exists(path)


def test_one_octet_too_many(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MOST", 1 << 20)
    with pytest.raises(SourceError, match="longer than 1 MB"):
        spool.spooled(io.BytesIO(bytes((1 << 20) + 1)), "x")


def test_large_sizes_are_told_in_larger_units() -> None:
    assert (spool._size(spool.MOST), spool._size(5 << 20)) == ("4.0 GB", "5 MB")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="without /proc it needs a name")
def test_it_has_no_name(folder: Path) -> None:
    copy, path = spool.spooled(io.BytesIO(CAPTURE), "x")
    with copy:
        assert list(folder.iterdir()) == []
        assert path.startswith("/proc/")


def test_it_has_one_where_the_system_has_no_other_way(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os.path, "exists", lambda _: False)
        copy, path = spool.spooled(io.BytesIO(CAPTURE), "x")
    with copy:
        assert Path(path).read_bytes() == CAPTURE
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_disk_that_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    full = open("/dev/full", "wb")  # noqa: SIM115
    monkeypatch.setattr(spool, "_nameless", lambda: (full, "/dev/full"))
    with pytest.raises(SourceError, match="x: the copy for tshark cannot be written: No space left"):
        spool.spooled(io.BytesIO(CAPTURE), "x")


def test_no_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(SourceError, match="x: the copy for tshark cannot be written: No such file"):
        spool.spooled(io.BytesIO(CAPTURE), "x")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="without /proc it needs a name")
def test_nothing_is_left_when_the_process_is_killed(folder: Path) -> None:
    script = (
        "import sys, time; from analyzer.capture.spool import spooled\n"
        "kept = spooled(sys.stdin.buffer, 'x'); print('copied', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
    ) as child:  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(CAPTURE)
        child.stdin.close()
        assert child.stdout.readline() == b"copied\n"
        child.send_signal(signal.SIGKILL)
        child.wait(30)
    assert list(folder.iterdir()) == []
