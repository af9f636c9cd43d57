"""What is measured of text logs: how fast a log is passed of which one percent is SIP, beside grep and sed in the same
rounds; and how fast one is read that is SIP alone, beside the capture of the same flow.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from analyzer.capture.opener import open_sources
from analyzer.evidence import RawMessage
from benchmarks.competitors import sipcheck_words
from benchmarks.measure import Measured, run
from benchmarks.race import Notify
from benchmarks.spread import Spread, spread
from benchmarks.traffic import Traffic

MEGA = 1_000_000
SPARSE, DENSE, CAPTURE = "sipcheck log, 1% SIP", "sipcheck log, SIP alone", "sipcheck pcap, the same flow"
GREP, SED = "grep -c REGISTER", "sed -n /REGISTER/p"
COLUMNS = ("command", "MB/s", "messages/s", "wall s", "CPU s", "peak MiB")
_SHARE = 100
_MESSAGES = 2_000
"""Messages of the log that is SIP alone, at least of so many; the other repeats them."""


@dataclass(slots=True)
class Texts:
    """Rounds over two logs and a capture: `runs` by command; `sizes` in octets, `messages` of each."""

    sizes: dict[str, int]
    messages: dict[str, int]
    runs: dict[str, list[Measured]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def rate(self, command: str) -> Spread:
        """Octets a second of processor time."""
        return spread(self.sizes[command] / max(one.cpu, 1e-6) for one in self.runs[command])

    def ratio(self, command: str, other: str) -> Spread:
        """How many times as fast as another one, of the same round, by processor time and message (or octet)."""
        counts = self.messages if other in self.messages and command in self.messages else self.sizes
        share = counts[command] / counts[other]
        pairs = zip(self.runs[command], self.runs[other], strict=True)
        return spread(share * other_run.cpu / max(own.cpu, 1e-6) for own, other_run in pairs)


def textual(traffic: Traffic, folder: Path, mega: int, rounds: int, say: Notify) -> Texts:
    """Write both logs of a capture into `folder`, the one among other lines of `mega` million octets, and run all."""
    dense, sparse = folder / "dense.log", folder / "sparse.log"
    messages = _write(traffic.path, dense)
    copies = _spread_out(dense, sparse, mega * MEGA)
    commands = {
        SPARSE: ([*sipcheck_words(), "log", "--jobs", "1", "--format", "json", str(sparse)], sparse),
        GREP: (["grep", "-c", "REGISTER", str(sparse)], sparse),
        SED: (["env", "LC_ALL=C", "sed", "-n", "/REGISTER/p", str(sparse)], sparse),
        DENSE: ([*sipcheck_words(), "log", "--jobs", "1", "--format", "json", str(dense)], dense),
        CAPTURE: ([*sipcheck_words(), "pcap", "--jobs", "1", "--format", "json", str(traffic.path)], traffic.path),
    }
    result = Texts(
        {name: path.stat().st_size for name, (_, path) in commands.items()},
        {SPARSE: copies * messages, DENSE: messages, CAPTURE: traffic.totals.messages},
    )
    for _ in range(rounds):
        for name, (words, _) in commands.items():
            measured = run(words, folder)
            result.runs.setdefault(name, []).append(measured)
            result.faults += _faults(name, measured, folder, result.messages.get(name))
        say(f"texts: {result.sizes[SPARSE] / MEGA:,.0f} MB with 1% SIP in {result.runs[SPARSE][-1].wall:.2f} s")
    return result


def _faults(name: str, measured: Measured, folder: Path, messages: int | None) -> Iterator[str]:
    if messages is None or measured.status not in (0, 1):
        if measured.status not in (0, 1):
            yield f"{name}: exit status {measured.status}"
        return
    seen = json.loads((folder / "stdout").read_bytes())["summary"]["messages"]
    if seen != messages:
        yield f"{name}: {seen:,} messages, not {messages:,}"


def _write(capture: Path, log: Path) -> int:
    """A capture as sngrep would save it; how many messages it has."""
    count = 0
    with open_sources([capture]) as reading, log.open("wb") as out:
        for item in reading:
            if isinstance(item, RawMessage):
                _print(item, out)
                count += 1
    return count


def _print(message: RawMessage, out: BinaryIO) -> None:
    time = datetime.datetime.fromtimestamp((message.time or 0) / 1e9, datetime.UTC).strftime("%Y/%m/%d %H:%M:%S.%f")
    out.write(f"{time} {message.source} -> {message.destination}\n".encode() + message.payload + b"\n\n\n")


def _spread_out(dense: Path, sparse: Path, least: int) -> int:
    """The first messages again and again among a hundred times as much of other lines; how many times."""
    octets = dense.read_bytes()
    filler = b"".join(_filler(number) for number in range(len(octets) * (_SHARE - 1) // 100))
    copies = 0
    with sparse.open("wb") as out:
        while out.tell() < least or not copies:
            out.write(octets)
            left = len(octets) * (_SHARE - 1)
            while left > 0:
                left -= out.write(filler[:left] if left < len(filler) else filler)
            out.write(b"\n\n")
            copies += 1
    os.sync()
    return copies


def _filler(number: int) -> bytes:
    """A line of somebody else's log, of some hundred octets."""
    return (
        b"2026-11-29 14:%02d:%02d.%03d [WARN] rtp_engine.c: stream %08x: jitter buffer at %3d ms, %5d packets late, "
        b"codec opus/48000\n"
        % (number // 60 % 60, number % 60, number % 1000, number * 2654435761 & 0xFFFFFFFF, number % 200, number % 9973)
    )


def as_record(result: Texts) -> dict[str, Any]:
    """For JSON, each single run."""
    return {
        "octets": result.sizes,
        "messages": result.messages,
        "runs": {name: [asdict(one) for one in runs] for name, runs in result.runs.items()},
        "of_grep": result.ratio(SPARSE, GREP)._asdict(),
        "of_sed": result.ratio(SPARSE, SED)._asdict(),
        "of_capture": result.ratio(DENSE, CAPTURE)._asdict(),
        "faults": result.faults,
    }


def rows_of(result: Texts) -> Iterator[Sequence[str]]:
    """Cells of the table."""
    for name, runs in result.runs.items():
        cpu = spread(one.cpu for one in runs).median
        messages = result.messages.get(name)
        yield (
            name,
            f"{result.rate(name).median / MEGA:,.0f}",
            f"{messages / cpu:,.0f}" if messages and cpu else "",
            f"{spread(one.wall for one in runs).median:.2f}",
            f"{cpu:.2f}",
            f"{spread(one.peak for one in runs).median / 2**20:,.0f}",
        )
