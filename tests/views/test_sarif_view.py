"""`--format sarif`, held to the published schema of SARIF 2.1.0; what a reader gets from each place, and how many."""

from __future__ import annotations

import io
import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evidence import Evidence, Frame, LogLines, Source
from analyzer.judge.failures import INTERNAL
from analyzer.judge.findings import PerRun, Severity
from analyzer.judge.tally import Tally
from analyzer.rules import all_rules
from analyzer.run.baseline import baseline_of, set_apart
from analyzer.run.pipeline import analyze
from analyzer.run.report import Report
from analyzer.views import ViewOptions, load_view
from analyzer.views.formats.sarif import MOST_ALIKE
from tests.shared import DATA, ROOT
from tests.views.findings import RULE, finding, with_findings
from tests.views.reports import REGISTERED, report_of

jsonschema: Any = pytest.importorskip("jsonschema")  # it has no stubs of its own

SAMPLES = [
    *(ROOT / "samples").glob("*/input.pcap"),
    *(ROOT / "samples").glob("*/input.pcapng"),
    *(ROOT / "samples").glob("*/input.txt"),
]
Log = dict[str, Any]


@cache
def schema() -> Any:
    text = (DATA / "schemas" / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8")
    draft = jsonschema.Draft4Validator
    return draft(json.loads(text), format_checker=draft.FORMAT_CHECKER)


def log_of(report: Report) -> Log:
    """The log of a report, which the schema has no fault to find with."""
    out = io.StringIO()
    load_view("sarif")(report, out, ViewOptions())
    text = out.getvalue()
    assert text.isascii() and text.endswith("}\n")
    log: Log = json.loads(text)
    assert [error.message for error in schema().iter_errors(log)] == []
    return log


def run_of(report: Report) -> Log:
    (run,) = log_of(report)["runs"]
    return dict(run)


def results(report: Report) -> list[Log]:
    return list(run_of(report)["results"])


def test_the_schema_finds_faults() -> None:
    """Or the tests of this module could not fail."""
    wrong = log_of(with_findings(finding()))
    wrong["runs"][0]["results"][0]["level"] = "fatal"
    assert list(schema().iter_errors(wrong))
    del wrong["runs"][0]["tool"]
    assert len(list(schema().iter_errors(wrong))) >= 2


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_every_sample_is_a_log_by_the_schema(path: Any) -> None:
    report = analyze(path, tables=False)
    run = run_of(report)
    known = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert known == list(report.outcomes)
    for result in run["results"]:
        assert known[result["ruleIndex"]] == result["ruleId"]
        assert len(result["locations"]) == 1
    assert sum(result.get("occurrenceCount", 0) for result in run["results"]) == sum(
        one.count for one in report.findings
    )


def test_a_report_without_findings_is_a_log_without_results() -> None:
    run = run_of(report_of(REGISTERED, rules=all_rules()[:3]))
    assert run["results"] == []
    assert run["tool"]["driver"]["name"] == "sipcheck"
    assert run["invocations"][0]["executionSuccessful"] is True


@pytest.mark.parametrize(("severity", "level"), [("error", "error"), ("warning", "warning"), ("info", "note")])
def test_a_severity_is_a_level(severity: Severity, level: str) -> None:
    (result,) = results(with_findings(finding(proven_severity=severity)))
    assert result["level"] == level


def test_a_frame_is_a_logical_location_and_no_line() -> None:
    (result,) = results(with_findings(finding(12), sources=[Source("a b/phone.pcap")]))
    (location,) = result["locations"]
    assert "region" not in location["physicalLocation"]
    assert location["logicalLocations"][0]["name"] == "frame 12"
    assert location["properties"]["frame"] == 12


def test_a_log_is_a_region_of_lines() -> None:
    where = [Evidence(LogLines("full", 3, 12), None), Evidence(LogLines("full", 40, 40), None)]
    (result,) = results(with_findings(finding(evidence=where), sources=[Source("full")]))
    physical = result["locations"][0]["physicalLocation"]
    assert physical["region"] == {"startLine": 3, "endLine": 12}
    assert physical["artifactLocation"] == {"uri": "full", "index": 0}
    (other,) = result["relatedLocations"]
    assert other["physicalLocation"]["region"] == {"startLine": 40, "endLine": 40}


def test_what_was_seen_nowhere_is_at_the_first_source() -> None:
    (result,) = results(with_findings(finding(evidence=[]), sources=[Source("full"), Source("other")]))
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "full"


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("phone.pcap", "phone.pcap"),
        ("a b/ü.pcap", "a%20b/%C3%BC.pcap"),
        ("a:b#c?d%.pcap", "a%3Ab%23c%3Fd%25.pcap"),
        ("/var/log/full", "file:///var/log/full"),
        ("\udcff\n", "%FF%0A"),
        ("-", "-"),
    ],
)
def test_names_of_files_are_uris(name: str, uri: str) -> None:
    report = with_findings(finding(evidence=[Evidence(Frame(name, 1), None)]), sources=[Source(name)])
    run = run_of(report)
    assert run["artifacts"][0]["location"]["uri"] == uri
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_what_a_sender_wrote_is_no_placeholder_and_no_link() -> None:
    (result,) = results(with_findings(finding(detail="see {0} [here](http://evil.invalid) {x}")))
    assert result["message"]["text"].endswith("see {{0}} \\[here](http://evil.invalid) {{x}}.")


def test_what_was_seen_and_expected_stand_apart() -> None:
    (result,) = results(with_findings(finding(observed="sip:u1@h", expected="sip:h")))
    assert (result["properties"]["observed"], result["properties"]["expected"]) == ("sip:u1@h", "sip:h")


def test_a_fingerprint_is_the_same_in_another_run() -> None:
    def print_of(**given: Any) -> str:
        (result,) = results(with_findings(finding(**given)))
        return str(result["partialFingerprints"]["sipcheckFinding/v1"])

    other_run = {"call_id": "other", "evidence": [Evidence(Frame("flow", 99), None)], "registration": 8}
    assert print_of() == print_of(**other_run)
    assert print_of() != print_of(aor="sip:carol@example.com")
    assert print_of() != print_of(sub="x")
    assert print_of(key=(RULE, ("h", PerRun("c1")), "")) == print_of(key=(RULE, ("h", PerRun("c2")), ""))


@pytest.mark.parametrize("number", [1, MOST_ALIKE, MOST_ALIKE + 1, 10_000])
def test_many_alike_are_listed_up_to_a_number_then_counted(number: int) -> None:
    report = with_findings(*(finding(at, count=2) for at in range(1, number + 1)))
    found = results(report)
    assert len(found) == min(number, MOST_ALIKE + 1)
    assert sum(result["occurrenceCount"] for result in found) == 2 * number
    if number > MOST_ALIKE:
        rest = found[-1]
        more = number - MOST_ALIKE
        assert rest["properties"]["findings"] == more
        noun = "finding" if more == 1 else "findings"
        assert rest["message"]["text"].startswith(f"{more:,} more {noun} like the {MOST_ALIKE} before; the first")
        assert f"u{MOST_ALIKE + 1}@" in rest["message"]["text"]
    prints = [result["partialFingerprints"]["sipcheckFinding/v1"] for result in found]
    assert len(set(prints)) == len(prints)


def test_other_sub_codes_and_severities_are_not_alike() -> None:
    several = [finding(at, sub=sub) for sub in ("a", "b") for at in range(1, MOST_ALIKE + 1)]
    assert len(results(with_findings(*several))) == 2 * MOST_ALIKE


def test_a_rule_that_failed_is_told_as_the_tool_s_failure() -> None:
    report = with_findings(finding(rule=INTERNAL, detail="rule X failed to run: ValueError"))
    run = run_of(report)
    assert run["results"] == []
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["level"] == "error"
    assert "ValueError" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_interruption_and_notes_are_told() -> None:
    report = with_findings()
    report.interrupted = True
    report.notes.append("3 nonces were forgotten")
    (invocation,) = run_of(report)["invocations"]
    told = [note["message"]["text"] for note in invocation["toolExecutionNotifications"]]
    assert invocation["executionSuccessful"] is False
    assert any("interrupted" in text for text in told) and "3 nonces were forgotten" in told


def test_what_a_baseline_knows_is_counted() -> None:
    report = with_findings(finding(1), finding(2))
    set_apart(report, baseline_of(report))
    run = run_of(report)
    assert run["results"] == []
    told = [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert "2 known findings of the baseline not shown" in told


def test_a_rule_is_described_with_its_text_and_fix() -> None:
    rules = {rule["id"]: rule for rule in run_of(with_findings(finding()))["tool"]["driver"]["rules"]}
    card = next(rule for rule in all_rules() if rule.id == RULE)
    assert rules[RULE]["shortDescription"]["text"] == card.title
    assert "\nFix: " in rules[RULE]["help"]["text"] and "\n\n" in rules[RULE]["help"]["text"]
    assert rules[RULE]["properties"]["clause"] == card.clause


@settings(max_examples=50)
@given(st.text(st.characters(codec=None), max_size=60))
def test_whatever_is_on_the_wire_it_is_a_log(text: str) -> None:
    report = with_findings(
        finding(rule=text or "R", sub=text, detail=text, aor=text, fix=text, title=text, short_title=""),
        sources=[Source(text or "x")],
    )
    report.outcomes[text] = Tally(not_judged={text: 1})
    report.notes.append(text)
    assert len(results(report)) == 1
