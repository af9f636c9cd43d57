"""Each folder of `samples/` holds an input, the exact findings on it, and a README that says where it comes from.

`findings.txt` has one finding a line: severity, rule, sub-code (`-` without one), how often, first place. Missing and
surplus ones both fail. Where a sample has `users.csv`, its passwords are used; where it has `keylog.txt`, its keys of
TLS, which needs tshark.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from analyzer.run.report import Report
from scripts import samples
from scripts.samples import line_of, outcome_of, renew, source_of
from tests.shared import ROOT
from tests.tools import require_tool

SAMPLES = samples.folders()


def analyze(folder: Path) -> Report:
    """The report on a sample."""
    if samples.needs_tshark(folder):
        require_tool("tshark")
    return samples.analyze(folder)


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
    assert outcome_of(analyze(folder)) in text


def test_the_first_registration_gives_exactly_three_findings() -> None:
    report = analyze(ROOT / "samples" / "asterisk-first-registration")
    assert {(finding.rule, finding.sub, finding.severity) for finding in report.findings} == {
        ("R3261-22.4-qop-offered", "", "warning"),
        ("R7616-3.3-challenge-quality", "realm-generic,nonce-short", "info"),
        ("DET-weak-md5", "legacy", "info"),
    }
    assert (report.summary.transactions, report.summary.keepalives) == (2, 2)
    assert report.sources[0].zone == "UTC+2, from Date headers"


def copied(tmp_path: Path, *names: str) -> Path:
    """Some samples, in a folder of the same name elsewhere."""
    for name in names:
        shutil.copytree(ROOT / "samples" / name, tmp_path / "samples" / name)
    return tmp_path / "samples"


def texts(folder: Path) -> dict[str, bytes]:
    """What every file of a folder holds."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.timeout(600)
def test_renewing_changes_nothing_that_is_as_it_should_be(tmp_path: Path) -> None:
    there = copied(tmp_path, *(folder.name for folder in SAMPLES))
    before = texts(there)
    left = [line for line in renew(there) if "left as it is" not in line]
    assert left == []
    assert texts(there) == before


def test_renewing_writes_what_changed_and_shows_it(tmp_path: Path) -> None:
    there = copied(tmp_path, "wrong-password", "storm-scan")
    before = texts(there)
    findings, cause = there / "wrong-password" / "findings.txt", there / "storm-scan" / "storm.txt"
    first, *rest = findings.read_text().splitlines(keepends=True)
    findings.write_text("".join([*rest, "warning NO-SUCH-RULE - x1 frame 1\n"]))
    cause.write_text("restart\n")
    readme = there / "storm-scan" / "README.md"
    readme.write_text(samples._OUTCOME.sub("Outcome: 7 removed.", readme.read_text()))
    shown = "".join(renew(there))
    assert texts(there) == before
    assert f"+{first}" in shown
    assert "-warning NO-SUCH-RULE - x1 frame 1\n" in shown
    assert "-restart\n+scan\n" in shown
    assert "-Outcome: 7 removed." in shown
    assert "--- a/samples/storm-scan/storm.txt" in shown
    assert "".join(renew(there)) == ""


def test_a_new_sample_gets_its_findings(tmp_path: Path) -> None:
    there = copied(tmp_path, "cseq-jump")
    expected = (there / "cseq-jump" / "findings.txt").read_text()
    (there / "cseq-jump" / "findings.txt").unlink()
    assert list(renew(there))[2:]
    assert sorted((there / "cseq-jump" / "findings.txt").read_text().splitlines()) == sorted(expected.splitlines())


def test_a_sample_that_needs_tshark_is_left_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = copied(tmp_path, "tls-registration")
    before = texts(there)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert list(renew(there)) == ["tls-registration: needs tshark, which is not installed; left as it is\n"]
    assert texts(there) == before


@pytest.mark.needs_tool("make")
def test_make_samples_shows_differences_alone() -> None:
    run = subprocess.run(["make", "-n", "samples"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "-m scripts.samples" in run.stdout
    assert source_of(SAMPLES[0]).name.startswith("input")
