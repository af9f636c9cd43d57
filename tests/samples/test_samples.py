"""Each folder of `samples/` holds an input, the exact findings on it, and a README that says where it comes from.

`findings.txt` has one finding a line: severity, rule, sub-code (`-` without one), how often, first place. Missing and
surplus ones both fail. Where a sample has `users.csv`, its passwords are used; where it has `keylog.txt`, its keys of
TLS, which needs tshark.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import analyzer.run.pipeline
from analyzer.evidence import Frame
from analyzer.judge.findings import Finding
from analyzer.run.report import Report
from tests.shared import ROOT
from tests.tools import require_tool

SAMPLES = sorted(folder for folder in (ROOT / "samples").iterdir() if folder.is_dir())


def analyze(folder: Path) -> Report:
    """The report on a sample."""
    source = next(path for path in sorted(folder.iterdir()) if path.name.startswith("input"))
    users, keys = folder / "users.csv", folder / "keylog.txt"
    if keys.exists():
        require_tool("tshark")
    return analyzer.run.pipeline.analyze(
        str(source),
        credentials=[str(users)] if users.exists() else (),
        tls_keylog=keys if keys.exists() else None,
    )


def line_of(finding: Finding) -> str:
    """A finding as `findings.txt` writes it."""
    place = finding.evidence[0][0]
    where = f"frame {place.number}" if isinstance(place, Frame) else f"line {place.first}"
    return f"{finding.severity} {finding.rule} {finding.sub or '-'} x{finding.count} {where}"


def test_there_are_a_dozen() -> None:
    assert len(SAMPLES) >= 12


@pytest.mark.parametrize("folder", SAMPLES, ids=lambda folder: folder.name)
def test_exact_findings(folder: Path) -> None:
    report = analyze(folder)
    expected = (folder / "findings.txt").read_text().splitlines()
    assert sorted(line_of(finding) for finding in report.findings) == sorted(expected)
    assert not report.failed


@pytest.mark.parametrize(
    "folder", [one for one in SAMPLES if not one.name.startswith("storm-")], ids=lambda folder: folder.name
)
def test_nonce_counts_rise(folder: Path) -> None:
    """A sample has the fault that it is named for, and no other (SIPp, which makes the storms, counts nothing)."""
    assert [record.place for record in analyze(folder).digests if record.replayed] == []


@pytest.mark.parametrize("folder", SAMPLES, ids=lambda folder: folder.name)
def test_everything_is_read(folder: Path) -> None:
    report = analyze(folder)
    assert report.summary.messages > 0
    assert not any(source.damaged or source.defects for source in report.sources)


@pytest.mark.parametrize("folder", SAMPLES, ids=lambda folder: folder.name)
def test_readme_says_origin_and_what_to_see(folder: Path) -> None:
    text = (folder / "README.md").read_text()
    assert "## Origin" in text
    assert "## What to see" in text
    assert f"samples/{folder.name}/" in text
    outcomes = analyze(folder).summary.outcomes
    assert f"Outcome: {', '.join(f'{count} {word}' for word, count in sorted(outcomes.items()))}." in text


def test_the_first_registration_gives_exactly_three_findings() -> None:
    report = analyze(ROOT / "samples" / "asterisk-first-registration")
    assert {(finding.rule, finding.sub, finding.severity) for finding in report.findings} == {
        ("R3261-22.4-qop-offered", "", "warning"),
        ("R7616-3.3-challenge-quality", "realm-generic,nonce-short", "info"),
        ("DET-weak-md5", "legacy", "info"),
    }
    assert (report.summary.transactions, report.summary.keepalives) == (2, 2)
    assert report.sources[0].zone == "UTC+2, from Date headers"
