"""What is measured of the storm analysis: time and memory for tables of several sizes, each in a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measure import run
from benchmarks.race import Notify
from benchmarks.spread import Spread, spread

_PROGRAM = Path(__file__).with_name("with_storms.py")
MEBI = 2**20
COLUMNS = ("transactions", "storms", "s", "transactions a second", "table MiB", "peak MiB", "octets a transaction", "")


@dataclass(slots=True)
class Analysis:
    """Some rounds over one table: what each said."""

    rows: int
    found: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def seconds(self) -> Spread:
        """By the clock."""
        return spread(one["seconds"] for one in self.found)

    def rate(self) -> Spread:
        """Transactions a second."""
        return spread(one["rows"] / one["seconds"] for one in self.found)

    def peak(self) -> float:
        """Octets at most, the table among them."""
        return spread(one["peak"] for one in self.found).median

    def own(self) -> float:
        """Octets that the analysis takes beside the table, for each transaction."""
        return spread((one["peak"] - one["resident before"]) / one["rows"] for one in self.found).median


def analyse(
    sizes: Sequence[int], folder: Path, rounds: int, say: Notify, *, phones: int | None = None
) -> list[Analysis]:
    """Run `rounds` times over a table of each size."""
    results = []
    for rows in sizes:
        result = Analysis(rows)
        for _ in range(rounds):
            words = [str(rows), *([str(phones)] if phones else [])]
            measured = run([sys.executable, str(_PROGRAM), *words], folder)
            if measured.status:
                said = (folder / "stderr").read_text(encoding="utf-8", errors="replace").strip()
                result.faults.append(f"exit status {measured.status}: {said.rpartition(chr(10))[2]}")
                break
            found = json.loads((folder / "stdout").read_text(encoding="utf-8"))
            result.found.append(found)
            result.faults += _faults(found)
            say(f"storm analysis: {found['rows']:,} transactions, {found['seconds']:.2f} s")
        results.append(result)
    return results


def _faults(found: dict[str, Any]) -> Iterator[str]:
    """What a run did not see."""
    for name, seen, expected in (
        ("transactions", found["analyzed"], found["rows"]),
        ("storms", found["storms"], found["expected storms"]),
    ):
        if seen != expected:
            yield f"{seen:,} {name}, not {expected:,}"


def as_record(result: Analysis) -> dict[str, Any]:
    """For JSON, each single run."""
    return {"rows": result.rows, "runs": result.found, "faults": result.faults}


def rows_of(results: Sequence[Analysis]) -> Iterator[Sequence[str]]:
    """Cells of the table: a row a size."""
    for result in results:
        if not result.found:
            yield (f"{result.rows:,}", *("",) * (len(COLUMNS) - 2), "MISMATCH")
            continue
        one, seconds, rate = result.found[0], result.seconds(), result.rate()
        yield (
            f"{one['rows']:,}",
            f"{one['storms']:,}",
            f"{seconds.median:.2f} ({seconds.low:.2f}-{seconds.high:.2f})",
            f"{rate.median:,.0f}",
            f"{one['resident before'] / MEBI:,.0f}",
            f"{result.peak() / MEBI:,.0f}",
            f"{result.own():,.0f}",
            "MISMATCH" if result.faults else "",
        )
