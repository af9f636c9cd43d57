"""What is measured of the tables: rows a second into them, and what each form of export takes and how large it is."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measure import Measured, run
from benchmarks.race import Notify
from benchmarks.spread import Spread, spread
from benchmarks.traffic import Traffic

_PROGRAM = Path(__file__).with_name("with_tables.py")
MEBI = 2**20
MILLION = 1_000_000
ANALYSES = ("analysis", "analysis for tables")
FORMS = ("parquet", "csv", "ndjson", "pcap")


@dataclass(slots=True)
class Tabulation:
    """Some rounds over one capture: what each run took as a whole, and what it said of its steps."""

    traffic: Traffic
    runs: list[Measured] = field(default_factory=list)
    found: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def rates(self, step: str) -> Spread:
        """Messages a second of an analysis, rows a second of the tables or of a form."""
        return spread(
            (one["messages"] if step in ANALYSES or step == "pcap" else sum(one["rows"].values()))
            / one["seconds"][step]
            for one in self.found
        )

    def per_million(self, form: str) -> float:
        """MiB of a form for a million messages."""
        one = self.found[0]
        return float(one["octets"][form] / one["messages"] * MILLION / MEBI)

    def share(self, form: str) -> float:
        """Size of a form, of that of the capture."""
        return float(self.found[0]["octets"][form] / self.traffic.path.stat().st_size)


def tabulate(traffic: Traffic, folder: Path, rounds: int, say: Notify) -> Tabulation:
    """Run `rounds` times over a capture, each time in a process of its own."""
    result = Tabulation(traffic)
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=folder) as name:
            measured = run([sys.executable, str(_PROGRAM), str(traffic.path), name], folder)
        if measured.status:
            said = (folder / "stderr").read_text(encoding="utf-8", errors="replace").strip()
            result.faults.append(f"exit status {measured.status}: {said.rpartition(chr(10))[2]}")
            break
        found = json.loads((folder / "stdout").read_text(encoding="utf-8"))
        result.runs.append(measured)
        result.found.append(found)
        result.faults += _faults(found, traffic)
        say(f"tables: {found['messages']:,} messages, {found['seconds']['tables']:.2f} s into tables")
    return result


def _faults(found: dict[str, Any], traffic: Traffic) -> Iterator[str]:
    """What a run did not see."""
    for name, seen in (("messages", found["messages"]), ("rows of messages", found["rows"]["messages"])):
        if seen != traffic.totals.messages:
            yield f"{seen:,} {name}, not {traffic.totals.messages:,}"


def as_record(result: Tabulation) -> dict[str, Any]:
    """For JSON, each single run."""
    return {
        "capture": {"file": result.traffic.path.name, **result.traffic.counts()},
        "runs": [asdict(measured) for measured in result.runs],
        "steps": result.found,
        "faults": result.faults,
    }


def rows_of(result: Tabulation) -> Iterator[Sequence[str]]:
    """Cells of the table: step, rate, seconds, MiB of a million messages, share of the capture."""
    for step in (*ANALYSES, "tables", *FORMS):
        rate, seconds = result.rates(step), spread(one["seconds"][step] for one in result.found)
        sized = step in FORMS
        yield (
            step,
            f"{rate.median:,.0f} ({rate.low:,.0f}-{rate.high:,.0f})",
            f"{seconds.median:.2f}",
            f"{result.per_million(step):,.0f}" if sized else "",
            f"{result.share(step):.2f}" if sized else "",
        )
