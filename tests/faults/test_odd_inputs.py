"""What a name can stand for beside a file: pipes, devices, loops of links, files of /proc; several names for one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from analyzer.capture.opener import open_sources
from analyzer.defect import SourceError
from tests.capture.build import frame, message, pcap
from tests.shared import ROOT

SAMPLE = ROOT / "samples" / "clean-registration" / "input.pcap"
CAPTURE = pcap([frame(message(number)) for number in range(5)])
COMMAND = [sys.executable, "-m", "analyzer"]


def sipcheck(*words: str, given: bytes = b"") -> tuple[int, str, str]:
    """The command with `given` on standard input: code, output, complaint."""
    done = subprocess.run([*COMMAND, *words], input=given, capture_output=True, cwd=ROOT, timeout=120, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def refused(*words: str, given: bytes = b"") -> str:
    """The one line that refuses, without the name of the command."""
    code, out, complaint = sipcheck(*words, given=given)
    assert (code, out, complaint.count("\n")) == (3, "", 1), complaint
    return complaint.removeprefix("sipcheck: ").rstrip("\n")


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def written(path: Path, octets: bytes, pieces: int) -> threading.Thread:
    """A writer that gives a pipe one piece after the other, and closes it."""

    def write() -> None:
        with path.open("wb", buffering=0) as pipe:
            for at in range(0, len(octets), pieces):
                pipe.write(octets[at : at + pieces])

    writer = threading.Thread(target=write)
    writer.start()
    return writer


@pytest.mark.parametrize("pieces", [1, 7, 4096])
def test_a_pipe_with_a_slow_writer(pieces: int, fifo: Path) -> None:
    writer = written(fifo, CAPTURE, pieces)
    with open_sources([fifo]) as reading:
        assert len(list(reading)) == 5
    writer.join()
    assert (reading.total(), reading.sources[0].damaged) == (None, False)


@pytest.mark.parametrize("cut", [3, 30, 300])
def test_a_pipe_whose_writer_ends_inside_a_record(cut: int, fifo: Path) -> None:
    writer = written(fifo, CAPTURE[:-cut], 100)
    with open_sources([fifo]) as reading:
        assert 0 < len(list(reading)) < 5
    writer.join()
    assert [defect.code for _, defect in reading.sources[0].defect_list] == ["truncated-record"]


def test_a_pipe_whose_writer_writes_nothing(fifo: Path) -> None:
    writer = written(fifo, b"", 1)
    with pytest.raises(SourceError, match="is empty"):
        open_sources([fifo])
    writer.join()


def test_one_pipe_under_two_names(fifo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.symlink_to(fifo)
    writer = threading.Thread(target=lambda: os.write(os.open(fifo, os.O_RDWR), CAPTURE))
    writer.start()
    with pytest.raises(SourceError, match=rf"{other}: is the same stream as {fifo} \(it can be read only once\)"):
        open_sources([fifo, other])
    writer.join()


@pytest.mark.parametrize("names", [("-", "-"), ("-", "/dev/stdin"), ("/dev/stdin", "/dev/fd/0")])
def test_standard_input_under_two_names(names: tuple[str, str]) -> None:
    said = refused("pcap", *names, given=CAPTURE)
    assert said == f"{names[1]}: is the same stream as {names[0]} (it can be read only once)"


def test_a_file_that_is_named_twice_is_read_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(CAPTURE)
    with open_sources([path, path]) as reading:
        assert len(list(reading)) == 10


@pytest.mark.parametrize("name", ["/dev/stdin", "/dev/fd/0", "-"])
def test_names_of_standard_input(name: str) -> None:
    code, out, _ = sipcheck("pcap", name, given=SAMPLE.read_bytes())
    assert code == 0
    assert "1 client" in out


@pytest.mark.parametrize("command", ["pcap", "log"])
def test_names_of_what_cannot_be_read(command: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "nowhere").symlink_to(tmp_path / "absent")
    for name, reason in {
        str(tmp_path): f"is a directory with no {'capture' if command == 'pcap' else 'log'} in it "
        "(loop (too many levels of symbolic links), nowhere (no such file or directory))",
        str(tmp_path / "loop"): "cannot be read: Too many levels of symbolic links",
        str(tmp_path / "nowhere"): "no such file",
        str(SAMPLE / "x"): "cannot be read: Not a directory",
        str(tmp_path / ("x" * 300)): "cannot be read: File name too long",
        "/dev/null": "is empty",
        "": "no such file",
    }.items():
        assert refused(command, name) == f"{name}: {reason}"


@pytest.mark.parametrize("command", ["pcap", "log"])
@pytest.mark.parametrize("name", ["/proc/self/status", "/proc/self/mem", "/dev/zero", "/dev/urandom"])
def test_devices_and_files_that_have_no_size(command: str, name: str) -> None:
    if not os.path.exists(name):
        pytest.skip(f"this system has no {name}")
    said = refused(command, name)
    assert said.startswith((f"{name}: is neither a capture nor a log that is known", f"{name}: cannot be read: "))
