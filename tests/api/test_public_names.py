"""`import analyzer` as a notebook uses it (docs/interface.md 4)."""

from __future__ import annotations

import subprocess
import sys

import pytest

import analyzer
from tests.shared import ROOT

SAMPLE = ROOT / "samples" / "wrong-password"


@pytest.mark.parametrize("name", analyzer.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(analyzer, name).__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = analyzer.no_such_name


def test_analyze_takes_path_text_list_and_open_file() -> None:
    path = SAMPLE / "input.pcapng"
    with path.open("rb") as opened:
        reports = [analyzer.analyze(one) for one in (path, str(path), [path], opened)]
    assert {report.summary.transactions for report in reports} == {reports[0].summary.transactions}
    assert reports[0].summary.transactions > 0


def test_credentials_are_one_path_or_many() -> None:
    users = SAMPLE / "users.csv"
    one = analyzer.analyze(SAMPLE / "input.pcapng", credentials=str(users))
    many = analyzer.analyze(SAMPLE / "input.pcapng", credentials=[users])
    assert one.summary.digests == many.summary.digests
    assert one.summary.digests["mismatch"] > 0


def test_values_of_the_report() -> None:
    report = analyzer.analyze(SAMPLE / "input.pcapng", credentials=SAMPLE / "users.csv")
    assert any(finding.rule == "R7616-digest-verify" for finding in report.findings)
    assert {registration.outcome for registration in report.registrations} >= {"registered", "rejected"}
    assert any(digest.verdict == "mismatch" and digest.accepted is False for digest in report.digests)


def test_source_error_for_a_missing_file() -> None:
    with pytest.raises(analyzer.SourceError, match="no-such-file"):
        analyzer.analyze("no-such-file.pcap")


def test_importing_is_light() -> None:
    heavy = "('analyzer.', 'pandas', 'click')"
    script = f"import sys, analyzer; print([name for name in sys.modules if name.startswith({heavy})])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"
