"""The programs that are compared: how each is called for the same job, and what it must have seen.

The job: of every SIP message where it stands (frame, time, addresses, ports), its start line, what tells transactions
and registrations apart, and the parameters of the digest. sipcheck does it all and judges on top; the others print or
count what they read, and the rest would be the user's own work.

A program that ended at once would win every race. So each says how many messages it saw (`read`), and what the makers
of the traffic counted must be the same.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import ROOT

Counts = Mapping[str, int]
"""What a program saw, or what there is: the names are those of the fields of benchmarks.storm.Totals."""

# Where the message stands; the start line; what matches a transaction (branch, CSeq) and a registration (Call-ID, From,
# To, Contact, Expires); who sent it; every value that the digest response is computed from. Nothing that only prints.
FIELDS = (
    *("frame.number", "frame.time_epoch", "ip.src", "ip.dst", "ip.proto", "udp.srcport", "udp.dstport"),
    *("sip.Request-Line", "sip.Status-Line", "sip.Call-ID", "sip.CSeq", "sip.Via.branch", "sip.From", "sip.To"),
    *("sip.Contact", "sip.Expires", "sip.User-Agent", "sip.WWW-Authenticate", "sip.Authorization"),
    *("sip.auth.username", "sip.auth.realm", "sip.auth.nonce", "sip.auth.uri", "sip.auth.digest.response"),
    *("sip.auth.algorithm", "sip.auth.qop", "sip.auth.cnonce", "sip.auth.nc"),
)
_AS_FIELDS = ["-T", "fields", *(word for field in FIELDS for word in ("-e", field))]
_REQUEST = re.compile(rb"\tREGISTER sip:")


@dataclass(frozen=True, slots=True)
class Tool:
    """A competitor: the words that start it on a capture, what it counted by its output, and why it cannot run here
    (or nothing). One whose output says nothing has a `proof`: the same run with a word about it, made once, untimed.
    `slice` is how many packets it is given; 0 is all."""

    name: str
    command: Callable[[Path], list[str]]
    read: Callable[[Path], Counts]
    missing: Callable[[], str]
    proof: Callable[[Path], list[str]] | None = None
    slice: int = 0


def sipcheck_words() -> list[str]:
    """How sipcheck is started: the installed command if there is one beside this Python, else its module."""
    script = Path(sys.executable).with_name("sipcheck")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "analyzer.cli"]


def mismatches(seen: Counts, made: Counts) -> list[str]:
    """What a program counted otherwise than the makers of the traffic, one sentence each."""
    return [f"saw {count:,} {name}, not {made[name]:,}" for name, count in seen.items() if count != made[name]]


def tools(*, media: bool, slice_packets: int) -> list[Tool]:
    """The competitors on a storm, or on a capture that is mostly media."""
    fields = ["-Y", "sip", *_AS_FIELDS] if media else _AS_FIELDS
    return [
        Tool("sipcheck", lambda path: _sipcheck(path, *_one_job()), _read_sipcheck, lambda: ""),
        Tool("sipcheck --jobs 2", lambda path: _sipcheck(path, "--jobs", "2"), _read_sipcheck, _without_jobs),
        Tool(
            "tshark -Y sip -T fields" if media else "tshark -T fields",
            lambda path: ["tshark", "-n", "-r", str(path), *fields],
            _read_fields,
            lambda: _absent("tshark"),
        ),
        Tool(
            "tshark -q -z sip,stat",
            lambda path: ["tshark", "-n", "-r", str(path), "-q", "-z", "sip,stat"],
            _read_statistics,
            lambda: _absent("tshark"),
        ),
        Tool("sngrep -N -q", lambda path: _sngrep(path, "-q"), _read_sngrep, lambda: _absent("sngrep"), proof=_sngrep),
        Tool(
            f"pyshark, first {slice_packets:,} packets",
            lambda path: [sys.executable, str(ROOT / "benchmarks" / "with_pyshark.py"), str(path), str(slice_packets)],
            _read_pyshark,
            lambda: _absent("tshark"),
            slice=slice_packets,
        ),
    ]


def storm_tools() -> list[Tool]:
    """The storm analysis, with columns and without."""
    alone = [sys.executable, str(ROOT / "benchmarks" / "with_object_path.py")]
    return [
        Tool(
            "sipcheck storm",
            lambda path: [*sipcheck_words(), "storm", str(path), "--fail-on", "never", "--no-progress", *_one_job()],
            _read_storm,
            lambda: "",
        ),
        Tool("sipcheck storm, message by message", lambda path: [*alone, str(path)], _read_storm, lambda: ""),
    ]


def _sipcheck(path: Path, *more: str) -> list[str]:
    return [*sipcheck_words(), "pcap", str(path), "--fail-on", "never", "--no-progress", *more]


def _sngrep(path: Path, *more: str) -> list[str]:
    """Of 200,000 dialogs none is dropped (the default is 20,000, and nothing says what is lost)."""
    return ["sngrep", "-N", "-I", str(path), "-l", "200000", *more]


def _read_sipcheck(out: Path) -> Counts:
    text = out.read_text(encoding="utf-8", errors="replace")[:4000]
    return {
        "packets": _number(r"([\d,]+)\s+packets", text),
        "messages": _number(r"([\d,]+)\s+SIP\s+messages", text),
        "requests": _number(r"([\d,]+)\s+REGISTERs", text),
        "retransmissions": _number(r"([\d,]+)\s+of\s+them\s+repeats", text),
    }


def _read_storm(out: Path) -> Counts:
    """What the analysis says of retransmissions is of each storm."""
    return {name: count for name, count in _read_sipcheck(out).items() if name != "retransmissions"}


def _read_fields(out: Path) -> Counts:
    """Lines and requests, counted in pieces: the output is as large as the capture."""
    messages = requests = 0
    with out.open("rb") as file:
        for line in file:
            messages += 1
            requests += _REQUEST.search(line) is not None
    return {"messages": messages, "requests": requests}


def _read_statistics(out: Path) -> Counts:
    text = out.read_text(encoding="utf-8", errors="replace")
    return {
        "messages": _number(r"Number of SIP messages: *(\d+)", text),
        "requests": _number(r"REGISTER +: *(\d+) Packets", text),
        "challenged": _number(r"SIP 401 .*: *(\d+) Packets", text),
        "accepted": _number(r"SIP 200 .*: *(\d+) Packets", text),
    }


def _read_sngrep(out: Path) -> Counts:
    return {"users": _number(r"Dialog count: (\d+)\s*$", out.read_bytes().decode().rpartition("\r")[2])}


def _read_pyshark(out: Path) -> Counts:
    return {"messages": _read_fields(out)["messages"]}


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found[1].replace(",", "")) if found else 0


def _absent(program: str) -> str:
    return "" if shutil.which(program) else f"{program} is not installed"


def _without_jobs() -> str:
    if (os.cpu_count() or 1) < 2:
        return "one core"
    return "" if _has_jobs() else "this sipcheck has no --jobs"


def _one_job() -> list[str]:
    """One process, whatever sipcheck would choose by itself: the others have one."""
    return ["--jobs", "1"] if _has_jobs() else []


@functools.cache
def _has_jobs() -> bool:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    help_of = [*sipcheck_words(), "pcap", "--help"]
    return "--jobs" in subprocess.run(help_of, cwd=ROOT, env=environment, capture_output=True, text=True).stdout
