"""Renew the table of what every rule says of every capture and log at hand: `python -m scripts.hits` (`make hits`).

`tests/data/hits.json` has, for each source, how often each rule and sub-code was violated and how much it weighs.
`tests/truth/test_pinned_hits.py` holds it: who changes a rule sees at once where it speaks otherwise than before, on
traffic of many programs. What changes is printed, to be read before it is committed. Sources that are not in the
repository (`tests/data/README.md`) keep their rows where they are absent.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from analyzer.defect import SourceError
from analyzer.run.pipeline import analyze

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "tests" / "data" / "hits.json"
MATERIAL = Path(os.environ.get("SIPCHECK_MATERIAL") or ROOT.parent / "shared")
MOST_OCTETS = 4 << 20
"""Sources above it are left out: they are storms, and have tests of their own."""
_LAB = MATERIAL / "captures" / "lab"
_PLACES = {
    "samples": ROOT / "samples",
    "clients": ROOT / "tests" / "data" / "clients",
    "real": ROOT / "tests" / "data" / "real",
    "reports": ROOT / "tests" / "data" / "reports",
    "printed": ROOT / "tests" / "data" / "texts",
    "lab": _LAB if _LAB.is_dir() else ROOT / "tests" / "data" / "lab",
    "public": MATERIAL / "captures" / "public",
    "texts": MATERIAL / "texts",
}
_NO_SOURCES = (".md", ".json", ".csv", ".py", ".sh", ".xml", ".keys", ".conf", ".cfg")
_OTHERS = ("findings.txt", "storm.txt")
Hits = dict[str, list[str | int]]


def sources() -> Iterator[tuple[str, Path]]:
    """Every source at hand that can be read, and its name in the table."""
    for place, folder in _PLACES.items():
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            is_source = path.is_file() and path.suffix not in _NO_SOURCES and path.name not in _OTHERS
            if is_source and path.stat().st_size <= MOST_OCTETS:
                yield f"{place}/{path.relative_to(folder)}", path


def place_of(name: str) -> Path:
    """Where a source of the table lies, or would."""
    place, _, rest = name.partition("/")
    return _PLACES[place] / rest


def hits_of(path: Path) -> Hits | None:
    """What the rules say of a source: by rule and sub-code the worst severity and the count. None where it holds no SIP
    that can be read without help."""
    try:
        report = analyze(path, engine="native", tables=False, detail=False)
    except SourceError:
        return None
    if not report.summary.messages:
        return None
    counts: Counter[str] = Counter()
    weights: dict[str, str] = {}
    for finding in report.findings:  # the worst come first
        key = f"{finding.rule}/{finding.sub}" if finding.sub else finding.rule
        counts[key] += finding.count
        weights.setdefault(key, finding.severity)
    return {key: [weights[key], counts[key]] for key in sorted(counts)}


def read() -> dict[str, Hits]:
    """The table as it is."""
    table: dict[str, Hits] = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {}
    return table


def renewed() -> dict[str, Hits]:
    """The table as it should be."""
    table = {name: hits for name, hits in read().items() if not place_of(name).exists()}
    for name, path in sources():
        found = hits_of(path)
        if found is not None:
            table[name] = found
    return dict(sorted(table.items()))


def main() -> int:
    """Write the table, and say what changed."""
    old, new = read(), renewed()
    for name in sorted({*old, *new}):
        before, now = old.get(name, {}), new.get(name, {})
        for key in sorted({*before, *now}):
            if before.get(key) != now.get(key):
                sys.stdout.write(f"{name}: {key}: {before.get(key)} -> {now.get(key)}\n")
    rows = ",\n ".join(f"{json.dumps(name)}: {json.dumps(hits)}" for name, hits in new.items())
    TABLE.write_text(f"{{\n {rows}\n}}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
