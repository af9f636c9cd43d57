"""Our reading against the truth of the lab: real Asterisk, Kamailio and client traffic (`tests/data/README.md`).

The counts in each `truth.json` were made with tshark and hashlib. A violation must raise its rule, once that rule
exists; a control must not raise the rule it controls for (remarks of severity `info` aside).
"""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import Any

import pytest

from analyzer.register.digest.secrets import Secrets
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze
from analyzer.run.report import Report
from tests.shared import LAB, ROOT

LOGS = ("full", "full_plain", "full_json")
CONSOLES = ("console-foreground", "console-remote-colour", "console-remote-nocolour")
CASES = sorted(str(path.parent.relative_to(LAB)) for path in LAB.rglob("truth.json"))


def truth_of(case: str) -> dict[str, Any]:
    """The truth of a case."""
    truth: dict[str, Any] = json.loads((LAB / case / "truth.json").read_text())
    return truth


def captures() -> list[str]:
    """Cases with a capture."""
    return [case for case in CASES if any((LAB / case).glob("capture.p*"))]


def logs() -> list[tuple[str, str]]:
    """Cases with an Asterisk log, and each of its files."""
    names = [*LOGS, *(f"{console}{suffix}" for console in CONSOLES for suffix in (".ansi", ".txt", ".pasted.txt"))]
    return [(case, name) for case in CASES for name in names if (LAB / case / name).exists()]


@cache
def report_of(case: str, name: str) -> Report:
    """The report on one file of a case, with the passwords that the truth knows."""
    secrets = Secrets.of(truth_of(case).get("passwords", {}))
    return analyze(str(LAB / case / name), secrets=secrets)


@cache
def capture_report(case: str) -> Report:
    """The report on a case's capture."""
    return report_of(case, next((LAB / case).glob("capture.p*")).name)


def verdicts(report: Report) -> Counter[str]:
    """Digest verdicts of REGISTER requests, retransmissions counted."""
    count: Counter[str] = Counter()
    for digest in report.digests:
        if digest.method == "REGISTER":
            count[digest.verdict] += digest.copies
    return count


def check_rules(report: Report, truth: dict[str, Any]) -> None:
    """Violations are raised, controls are not."""
    known = {rule.id for rule in all_rules()}
    raised = {finding.rule for finding in report.findings}
    wanted = set(truth.get("expect_any", ())) & known
    assert not wanted or raised & wanted
    blamed = {finding.rule for finding in report.findings if finding.severity != "info"}
    assert not blamed & set(truth.get("forbid", ()))
    assert not report.failed


@pytest.mark.parametrize("case", captures())
def test_capture(case: str) -> None:
    truth, report = truth_of(case), capture_report(case)
    facts, summary = truth["facts"], report.summary
    assert summary.transactions == facts["register_transactions"]
    assert summary.register_requests == facts["register_packets"]
    assert {str(status): count for status, count in summary.responses.items()} == facts["register_responses_by_status"]
    if "register_retransmitted_copies" in facts:
        assert summary.retransmissions == facts["register_retransmitted_copies"]
    check_rules(report, truth)


@pytest.mark.parametrize("case", [case for case in captures() if "digests_right" in truth_of(case)["facts"]])
def test_digests_of_a_capture(case: str) -> None:
    facts, count = truth_of(case)["facts"], verdicts(capture_report(case))
    assert (count["match"], count["mismatch"]) == (facts["digests_right"], facts["digests_wrong"])
    assert count["unknown"] == facts["digests_unknown_user"]


@pytest.mark.parametrize("case", [case for case in captures() if "transactions" in truth_of(case)])
def test_each_transaction_of_a_capture(case: str) -> None:
    truth = truth_of(case)
    expected = Counter((row["callid"], row["cseq"], row["final"] or 0, row["copies"]) for row in truth["transactions"])
    got = Counter(
        (row.call_id, row.cseq, row.status, row.retransmissions + 1) for row in capture_report(case).transactions
    )
    assert got == expected


@pytest.mark.parametrize(("case", "name"), logs())
def test_log(case: str, name: str) -> None:
    truth, report = truth_of(case), report_of(case, name)
    lost = {tuple(one) for one in truth.get("log_missing", ())}
    expected = {(row["callid"], row["cseq"]) for row in truth["transactions"]} - lost
    assert expected <= {(row.call_id, row.cseq) for row in report.transactions}
    if not lost:
        assert verdicts(report)["mismatch"] == truth["facts"]["digests_wrong"]
    check_rules(report, truth)


def test_the_first_log_gives_exactly_three_findings() -> None:
    report = analyze(ROOT / "samples" / "asterisk-first-registration" / "input.txt")
    assert {(finding.rule, finding.sub) for finding in report.findings} == {
        ("R3261-22.4-qop-offered", ""),
        ("R7616-3.3-challenge-quality", "realm-generic,nonce-short"),
        ("DET-weak-md5", "legacy"),
    }
