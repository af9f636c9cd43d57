"""A capture that has everything: dumpcap on an interface, begun and ended by probe packets.

A capture program says that it captures before it does, and the kernel hands packets over in batches, so what came last
may be lost when it is told to stop. Here a datagram of our own is sent until it stands in the file, and only then the
test goes on; at the end another one is sent, and the program is stopped when that one stands in the file. The probes
go to a port of their own, are no SIP, and are left out of the file that the test gets.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import struct
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.replay.spaces import Space
from tests.tools import require_tool

PATIENCE = 20.0
"""Seconds."""
_DROPPED = re.compile(r"received/dropped on interface .*: \d+/(\d+) ")


@contextlib.contextmanager
def capture(path: Path, bpf: str, *, interface: str = "lo", space: Space | None = None) -> Iterator[Path]:
    """Capture what matches `bpf` into `path` (a pcap) while the block runs; it is there after the block.

    Skips by name without dumpcap, or without the right to capture. Packets that the kernel dropped fail the test.
    """
    raw, told = path.with_name(f"{path.name}.raw"), path.with_name(f"{path.name}.told")
    with _probe(space) as probe, told.open("wb") as errors:
        command = [
            *(space.prefix if space else ()),
            *(require_tool("dumpcap"), "-q", "-P", "-B", "32", "-i", interface, "-w", str(raw)),
            *("-f", f"({bpf}) or (udp port {probe.getsockname()[1]})"),
        ]
        marks: list[bytes] = []
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, start_new_session=True
        )
        try:
            marks.append(_sent_until_seen(probe, raw, process, told))
            yield path
            marks.append(_sent_until_seen(probe, raw, process, told))
        finally:
            _end(process)
    dropped = _DROPPED.search(told.read_text(errors="replace"))
    assert dropped is not None and dropped[1] == "0", told.read_text(errors="replace")
    path.write_bytes(_without(raw.read_bytes(), marks))
    raw.unlink()


def _probe(space: Space | None) -> socket.socket:
    """A socket that sends to itself."""
    probe = space.socket() if space else socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.bind(("127.0.0.1", 0))
    probe.connect(probe.getsockname())
    return probe


def _sent_until_seen(probe: socket.socket, raw: Path, process: subprocess.Popen[bytes], told: Path) -> bytes:
    """Send a mark again and again until it stands in the file; returns the mark."""
    mark = f"probe {uuid.uuid4()}".encode()
    start = raw.stat().st_size if raw.exists() else 0
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            _refused(told.read_text(errors="replace"))
        probe.send(mark)
        time.sleep(0.01)
        if raw.exists():
            with raw.open("rb") as file:
                file.seek(max(0, start - 200))  # the rest of a packet that was half written
                if mark in file.read():
                    return mark
    raise AssertionError(f"dumpcap saw no probe in {PATIENCE} s: {told.read_text(errors='replace')}")


def _refused(told: str) -> None:
    """dumpcap has ended: for want of rights, which is no fault of the test, or otherwise."""
    if "permission" in told.lower() and os.environ.get("CI") != "true":
        pytest.skip("no right to capture (dumpcap)")
    raise AssertionError(f"dumpcap ended: {told}")


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _without(octets: bytes, marks: list[bytes]) -> bytes:
    """A classic capture without the packets that end in one of `marks`."""
    order = "<" if octets[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    kept, at = [octets[:24]], 24
    while at + 16 <= len(octets):
        size = struct.unpack_from(f"{order}I", octets, at + 8)[0]
        record = octets[at : at + 16 + size]
        if not record.endswith(tuple(marks)):
            kept.append(record)
        at += 16 + size
    return b"".join(kept)
