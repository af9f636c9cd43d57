"""`--format junit`, held to the schema of Jenkins: which rule passed, failed, was skipped, and what is told of it."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from analyzer.judge.copied_text import KNOWN_IN_RFC3665
from analyzer.judge.failures import INTERNAL
from analyzer.judge.findings import Severity
from analyzer.judge.tally import Tally
from analyzer.rules import all_rules
from analyzer.run.baseline import baseline_of, set_apart
from analyzer.run.pipeline import analyze
from analyzer.run.report import Report
from analyzer.views import ViewOptions, load_view
from analyzer.views.catalogue import GROUPS
from analyzer.views.formats.junit import MOST_TOLD
from tests.shared import DATA, ROOT
from tests.views.findings import RULE, finding, with_findings
from tests.views.reports import LOGIN, REGISTERED, report_of

FAIL_ON: dict[str, tuple[Severity, ...]] = {
    "error": ("error",),
    "warning": ("error", "warning"),
    "info": ("error", "warning", "info"),
    "never": (),
}
DIGESTS = "the digest responses match the passwords"
SAMPLES = [
    path for name in ("input.pcap", "input.pcapng", "input.txt") for path in (ROOT / "samples").glob(f"*/{name}")
]


@cache
def schema() -> Any:
    return etree.XMLSchema(etree.parse(str(DATA / "schemas" / "junit-10.xsd")))


def tree(report: Report, fail_on: str = "error") -> Element:
    """The report's tree, which the schema has no fault to find with."""
    out = io.StringIO()
    load_view("junit")(report, out, ViewOptions(fail_on=FAIL_ON[fail_on]))
    text = out.getvalue()
    assert text.isascii() and text.endswith("</testsuites>\n")
    parsed = etree.fromstring(text.encode())
    assert schema().validate(parsed), schema().error_log
    root = fromstring(text)
    for suite in root:
        assert int(suite.attrib["tests"]) == len(suite)
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[name]) == len(suite.findall(f"testcase/{tag}"))
    for name in ("tests", "failures", "errors"):
        assert int(root.attrib[name]) == sum(int(suite.attrib[name]) for suite in root)
    return root


def cases(report: Report, fail_on: str = "error") -> dict[str, Element]:
    found = list(tree(report, fail_on).iter("testcase"))
    assert len({case.attrib["name"] for case in found}) == len(found)
    return {case.attrib["name"]: case for case in found}


def state(case: Element) -> str:
    """`failure`, `error`, `skipped`, or `passed`."""
    return next((tag for tag in ("failure", "error", "skipped") if case.find(tag) is not None), "passed")


def said(case: Element, tag: str = "failure") -> str:
    element = case.find(tag)
    assert element is not None
    return element.attrib.get("message", "") + "\n" + (element.text or "")


def test_the_schema_finds_faults() -> None:
    """Or the tests of this module could not fail; this is what junitparser 5.0 writes."""
    assert not schema().validate(etree.fromstring('<testsuites name="x" skipped="0"/>'))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_every_sample_has_a_case_for_each_rule(path: Path) -> None:
    report = analyze(path, tables=False)
    found = cases(report)
    assert set(found) >= {rule.id for rule in all_rules()}
    assert len(found) == len(all_rules()) + 2
    failing = {one.rule for one in report.findings if one.severity == "error"}
    assert {name for name, case in found.items() if state(case) == "failure"} - {DIGESTS} == failing
    for name, case in found.items():
        if state(case) == "passed" and name in report.outcomes:
            assert report.outcomes[name].passed or report.outcomes[name].violated
        if state(case) == "skipped" and name in report.outcomes:
            assert not report.outcomes[name].passed


def test_the_list_of_cases_does_not_depend_on_the_traffic() -> None:
    one, two = (cases(report_of(flow, rules=all_rules())) for flow in (REGISTERED, LOGIN % 403))
    assert list(one) == list(two)


def test_groups_are_suites() -> None:
    root = tree(report_of(REGISTERED, rules=all_rules()))
    assert [suite.attrib["name"] for suite in root] == ["sipcheck", *(f"{key} {GROUPS[key]}" for key in GROUPS)]
    assert {case.attrib["classname"] for case in root.iter("testcase")} == {
        "sipcheck.run",
        *(f"sipcheck.{key}" for key in GROUPS),
    }


@pytest.mark.parametrize(
    ("severity", "fail_on", "fails"),
    [
        ("error", "error", True),
        ("warning", "error", False),
        ("warning", "warning", True),
        ("info", "warning", False),
        ("info", "info", True),
        ("error", "never", False),
    ],
)
def test_a_case_fails_where_the_exit_code_would_be_1(severity: Severity, fail_on: str, fails: bool) -> None:
    case = cases(with_findings(finding(proven_severity=severity)), fail_on)[RULE]
    assert (state(case) == "failure") is fails
    told = said(case) if fails else said(case, "system-out")
    assert f"{severity}: Userinfo in the Request-URI: the Request-URI is sip:u1@example.com" in told
    assert "(frame 1 of flow)" in told and "fix: send the domain alone" in told


def test_what_rfc_3665_prints_itself_is_no_failure() -> None:
    case = cases(with_findings(finding(proven_severity="error", tags=(KNOWN_IN_RFC3665,))))[RULE]
    assert state(case) != "failure"
    assert "error: Userinfo in the Request-URI" in said(case, "system-out")


def test_lesser_findings_stand_beside_a_failure() -> None:
    case = cases(with_findings(finding(1), finding(2, proven_severity="info")))[RULE]
    assert "1 finding: " in said(case) and "u2@" not in said(case)
    assert "info: " in said(case, "system-out") and "u2@" in said(case, "system-out")


@pytest.mark.parametrize("number", [1, MOST_TOLD, MOST_TOLD + 1, 10_000])
def test_many_are_quoted_up_to_a_number_then_counted(number: int) -> None:
    case = cases(with_findings(*(finding(at, count=3) for at in range(1, number + 1))))[RULE]
    head, *lines = said(case).splitlines()
    assert head.startswith(f"{number:,} finding")
    assert len(lines) == min(number, MOST_TOLD + 1)
    more = number - MOST_TOLD
    if more > 0:
        noun = "finding" if more == 1 else "findings"
        assert lines[-1] == f"and {more:,} more {noun}, seen {3 * more:,} times"


def test_a_rule_that_could_not_judge_is_skipped_with_its_reasons() -> None:
    report = with_findings()
    report.outcomes[RULE] = Tally(not_applicable=3, not_judged={"S2C": 1, "CLOCK": 4000})
    case = cases(report)[RULE]
    assert state(case) == "skipped"
    assert said(case, "skipped").strip() == "not judged: CLOCK (4,000); S2C (1)"


def test_a_rule_with_nothing_to_look_at_is_skipped() -> None:
    report = with_findings()
    report.outcomes[RULE] = Tally(not_applicable=3)
    assert "nothing here is what the rule looks at" in said(cases(report)[RULE], "skipped")


def test_a_rule_that_failed_to_run_is_an_error() -> None:
    report = with_findings(finding(rule=INTERNAL))
    del report.outcomes[INTERNAL]
    report.outcomes[RULE] = Tally(passed=5, failed=2)
    assert said(cases(report)[RULE], "error").strip() == "the rule failed to run 2 times"


def test_what_another_rule_explains_is_said() -> None:
    report = with_findings()
    report.outcomes[RULE] = Tally(violated=1)
    case = cases(report)[RULE]
    assert state(case) == "passed" and "consequence" in said(case, "system-out")


def test_what_a_baseline_knows_fails_nothing() -> None:
    report = with_findings(finding(1), finding(2))
    set_apart(report, baseline_of(report))
    case = cases(report)[RULE]
    assert state(case) == "passed"
    assert said(case, "system-out").strip() == "2 known findings of the baseline not shown"


def wrong(fail_on: str = "error", *, known: bool = False) -> Element:
    report = report_of(LOGIN % 403, passwords={"bob": "other"})
    if known:
        set_apart(report, baseline_of(report))
    return cases(report, fail_on)[DIGESTS]


def test_digests_that_do_not_match_fail_a_case() -> None:
    assert state(wrong()) == "failure"
    assert said(wrong()).startswith("wrong: 1 of 1 response\nbob in example.com: ")
    assert state(wrong("never")) == "passed"
    assert state(wrong(known=True)) == "passed"


def test_of_known_and_new_digests_the_new_ones_are_told() -> None:
    known = baseline_of(report_of(LOGIN % 403, passwords={"bob": "other"}))
    both = LOGIN % 403 + (LOGIN % 403).replace("{bob secret}", "{carol secret}")
    report = report_of(both, passwords={"bob": "other", "carol": "other"})
    set_apart(report, known)
    told = said(cases(report)[DIGESTS])
    assert "wrong: 1 of 2 responses" in told and "carol" in told and "bob in" not in told


def test_without_passwords_the_digests_are_skipped() -> None:
    assert state(cases(report_of(LOGIN % 200))[DIGESTS]) == "skipped"


def test_right_digests_pass() -> None:
    assert state(cases(report_of(LOGIN % 200, passwords={"bob": "secret"}))[DIGESTS]) == "passed"


def test_an_interrupted_run_is_an_error() -> None:
    report = with_findings()
    report.interrupted = True
    report.notes.append("3 nonces were forgotten")
    case = cases(report)["the sources were read to their end"]
    assert state(case) == "error" and "3 nonces were forgotten" in said(case, "system-out")


@settings(max_examples=50)
@given(st.text(st.characters(codec=None), max_size=60))
def test_whatever_is_on_the_wire_it_is_a_report(text: str) -> None:
    report = with_findings(finding(detail=text, aor=text, fix=text, short_title=text))
    report.outcomes[f"X{text}"] = Tally(not_judged={text: 1})
    report.notes.append(text)
    assert state(cases(report)[RULE]) == "failure"
