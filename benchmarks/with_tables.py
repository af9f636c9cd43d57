"""What tables cost: `with_tables.py CAPTURE FOLDER` analyzes, makes the tables, exports them into FOLDER, prints JSON.

Each step is timed by itself in this one process: the analysis as the commands run it, the analysis that keeps what
tables need, the report into tables (the import of pandas is not counted), each form of export. `octets` are the sizes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import analyzer
from analyzer.capture.opener import open_sources
from analyzer.capture.savefile import SaveFile
from analyzer.dataframes import frames  # pandas is loaded here, before anything is timed
from analyzer.dataframes.plain import write_csv, write_ndjson
from analyzer.dataframes.store import write_parquet
from analyzer.evidence import RawMessage

T = TypeVar("T")


def measure(capture: Path, folder: Path) -> dict[str, Any]:
    """Seconds of each step, rows of each table, octets of each form."""
    seconds: dict[str, float] = {}

    def timed(name: str, step: Callable[[], T]) -> T:
        begun = time.perf_counter()
        result = step()
        seconds[name] = time.perf_counter() - begun
        return result

    timed("analysis", lambda: analyzer.analyze(capture, detail=False))
    report = timed("analysis for tables", lambda: analyzer.analyze(capture))
    tables = timed("tables", lambda: frames.tables(report))
    out = {form: folder / f"tables.{form}" for form in ("parquet", "csv", "ndjson", "pcap")}
    out["parquet"].mkdir()
    out["csv"].mkdir()
    timed("parquet", lambda: write_parquet(tables, out["parquet"]))
    timed("csv", lambda: write_csv(tables, out["csv"]))
    timed("ndjson", lambda: _ndjson(tables, out["ndjson"]))
    timed("pcap", lambda: _pcap(capture, out["pcap"]))
    return {
        "messages": report.summary.messages,
        "rows": {name: len(frame) for name, frame in tables},
        "seconds": seconds,
        "octets": {form: _octets(path) for form, path in out.items()},
    }


def _ndjson(tables: frames.Tables, path: Path) -> None:
    with path.open("w", encoding="ascii") as file:
        write_ndjson(tables, file)


def _pcap(capture: Path, path: Path) -> None:
    with path.open("wb") as file, open_sources([capture]) as reading:
        saved = SaveFile(file)
        for item in reading:
            if isinstance(item, RawMessage):
                saved.add(item)


def _octets(path: Path) -> int:
    return sum(one.stat().st_size for one in path.rglob("*")) if path.is_dir() else path.stat().st_size


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), Path(sys.argv[2]))))
