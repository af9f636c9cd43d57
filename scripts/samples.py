"""Renew what `samples/` says of itself: `python -m scripts.samples` (`make samples`).

Of each sample the exact findings (`findings.txt`), the cause that `sipcheck storm` names first (`storm.txt`, where it
has one) and the line `Outcome:` of its README are made anew from its input. What changes is written, and shown as a
unified diff, for whoever changed a rule to read: a golden file that is renewed unread proves nothing. A sample whose
TLS has to be opened needs tshark; without it the sample is left as it is, and that is said.
"""

from __future__ import annotations

import difflib
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import analyzer
import analyzer.run.pipeline
from analyzer.evidence import Frame
from analyzer.judge.findings import Finding
from analyzer.run.report import Report
from analyzer.storm.analysis import storms

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
_OUTCOME = re.compile(r"Outcome: [^.\n]*\.")


def folders(samples: Path = SAMPLES) -> list[Path]:
    """The samples, in name order."""
    return sorted(folder for folder in samples.iterdir() if folder.is_dir())


def source_of(folder: Path) -> Path:
    """The input of a sample."""
    return next(path for path in sorted(folder.iterdir()) if path.name.startswith("input"))


def needs_tshark(folder: Path) -> bool:
    """Whether the sample has a key log, with which tshark opens its TLS."""
    return (folder / "keylog.txt").exists()


def analyze(folder: Path) -> Report:
    """The report on a sample, with its passwords (`users.csv`) and keys (`keylog.txt`) where it has them."""
    users, keys = folder / "users.csv", folder / "keylog.txt"
    return analyzer.run.pipeline.analyze(
        str(source_of(folder)),
        credentials=[str(users)] if users.exists() else (),
        tls_keylog=keys if keys.exists() else None,
    )


def line_of(finding: Finding) -> str:
    """A finding as `findings.txt` writes it: severity, rule, sub-code (`-` without one), how often, first place."""
    place = finding.evidence[0][0]
    where = f"frame {place.number}" if isinstance(place, Frame) else f"line {place.first}"
    return f"{finding.severity} {finding.rule} {finding.sub or '-'} x{finding.count} {where}"


def outcome_of(report: Report) -> str:
    """What became of the clients, as a README says it."""
    return f"Outcome: {', '.join(f'{count} {word}' for word, count in sorted(report.summary.outcomes.items()))}."


def cause_of(folder: Path) -> str:
    """The first cause of each storm in a sample, `none` without a storm."""
    found = storms(analyzer.tables(analyzer.analyze(str(source_of(folder)), rules=[])).transactions)
    return ", ".join(storm.causes[0].cause for storm in found.storms) or "none"


def renewed(folder: Path) -> Iterator[tuple[Path, str]]:
    """The golden files of a sample with the texts that they should have."""
    report = analyze(folder)
    findings = folder / "findings.txt"
    before = findings.read_text(encoding="utf-8") if findings.exists() else ""
    lines = [line_of(finding) for finding in report.findings]
    same = sorted(lines) == sorted(before.splitlines())  # the order of a file is its writer's
    yield findings, before if same else "".join(f"{line}\n" for line in lines)
    if (folder / "storm.txt").exists():
        yield folder / "storm.txt", f"{cause_of(folder)}\n"
    readme = folder / "README.md"
    if readme.exists():
        yield readme, _OUTCOME.sub(lambda _: outcome_of(report), readme.read_text(encoding="utf-8"))


def renew(samples: Path = SAMPLES) -> Iterator[str]:
    """Write every golden file that is not as it should be; the lines of the differences."""
    for folder in folders(samples):
        if needs_tshark(folder) and shutil.which("tshark") is None:
            yield f"{folder.name}: needs tshark, which is not installed; left as it is\n"
            continue
        for path, text in renewed(folder):
            before = path.read_text(encoding="utf-8") if path.exists() else ""
            if before != text:
                name = str(path.relative_to(samples.parent))
                yield from difflib.unified_diff(
                    before.splitlines(keepends=True), text.splitlines(keepends=True), f"a/{name}", f"b/{name}"
                )
                path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    shown = 0
    for line in renew():
        sys.stdout.write(line)
        shown += 1
    if not shown:
        print(f"{len(folders(SAMPLES))} samples, and nothing changed")
