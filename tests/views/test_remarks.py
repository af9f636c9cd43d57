"""Findings in the table: grouped, counted, the worst first, and whether they explain a failure."""

from __future__ import annotations

import pytest

from analyzer.evidence import Evidence, Frame
from analyzer.judge.findings import Confidence, Finding, Severity
from analyzer.judge.tally import Tally
from analyzer.rules import all_rules
from analyzer.run.report import Report
from analyzer.views.table.remarks import grouped
from tests.views.reports import REGISTERED, drawn, lines_with, report_of, user


def finding(
    rule: str = "R3261-10.2-callid",
    severity: Severity = "warning",
    *,
    registration: int | None = 1,
    frames: tuple[int, ...] = (7,),
    count: int = 1,
    sub: str = "",
    at_fault: str = "UAC",
    confidence: Confidence = Confidence.HIGH,
    user_agent: str = "Snom 300",
    detail: str = "the Call-ID changed",
) -> Finding:
    return Finding(
        rule=rule,
        sub=sub,
        title=f"Title of {rule}",
        clause="RFC 3261 §10.2 (Call-ID)",
        force="SHOULD",
        proven_severity=severity,
        confidence=confidence,
        at_fault=at_fault,
        detail=detail,
        fix="keep one Call-ID",
        aor="sip:bob@example.com",
        call_id="c",
        registration=registration,
        transaction=1,
        evidence=[Evidence(Frame("flow", number), None) for number in frames],
        count=count,
        user_agent=user_agent,
    )


def text_of(findings: list[Finding], flow: str = REGISTERED, *, all: bool = False) -> str:
    report: Report = report_of(flow)
    report.findings = findings
    return drawn(report, 100, all=all)


def test_an_entry_says_what_who_where_why_and_what_to_do() -> None:
    text = text_of([finding(frames=(981, 455), count=3)])
    assert text[text.index("1 remark") :].splitlines() == [
        "1 remark, which explains no failure:",
        "  ! warning  Title of R3261-10.2-callid: the Call-ID changed.",
        "             phone Snom 300 · 3 times · frame 981 after 455 · RFC 3261 10.2 · R3261-10.2-callid",
        "             fix: keep one Call-ID.",
    ]


def test_many_phones_with_one_fault_are_one_entry() -> None:
    findings = [finding(registration=number, count=2) for number in range(1, 41)]
    text = text_of(findings, "".join(user(f"u{number}") for number in range(40)))
    assert len(lines_with(text, "! warning")) == 1
    assert "40 clients, 80 times" in text


def test_calls_are_no_clients() -> None:
    """There are no more clients than the verdict counts: what belongs to no registration is told by its Call-ID."""
    calls = [finding(registration=None) for _ in range(3)]
    for number, call in enumerate(calls):
        call.call_id = f"call-{number}"
    flow = user("a") + user("b")
    text = text_of([finding(registration=1), finding(registration=2, count=4), *calls], flow)
    assert "2 clients and 3 other Call-IDs, 8 times" in text
    assert "3 Call-IDs ·" in text_of(calls, flow)


def test_subs_and_severities_are_entries_of_their_own() -> None:
    findings = [finding(sub="a"), finding(sub="b"), finding(sub="a", severity="info")]
    assert [(entry.example.sub, entry.severity) for entry in grouped(findings, set())] == [
        ("a", "warning"),
        ("b", "warning"),
        ("a", "info"),
    ]


def test_the_worst_first_then_what_touches_the_troubled_then_what_touches_most() -> None:
    findings = [
        finding("R-note", "info"),
        finding("R-one", registration=1),
        finding("R-two", registration=1),
        finding("R-two", registration=2),
        finding("R-trouble", registration=3),
        finding("R-error", "error", registration=1),
    ]
    order = [entry.example.rule for entry in grouped(findings, {3})]
    assert order == ["R-error", "R-trouble", "R-two", "R-one", "R-note"]


def test_the_example_is_one_in_trouble() -> None:
    (entry,) = grouped([finding(registration=1, frames=(1,)), finding(registration=2, frames=(2,))], {2})
    assert entry.example.registration == 2
    assert (len(entry.clients), len(entry.troubled)) == (2, 1)


@pytest.mark.parametrize(
    ("severities", "status", "headline"),
    [
        (["info"], 200, "1 remark, which explains no failure:"),
        (["warning", "info", "info"], 200, "3 remarks, none of them explains a failure:"),
        (["error"], 200, "1 error, which broke no registration:"),
        (["error", "warning"], 200, "1 error and 1 warning, none of which broke a registration:"),
        (["error", "warning", "info"], 403, "1 error, 1 warning and 1 note:"),
    ],
)
def test_the_headline_of_one_client(severities: list[Severity], status: int, headline: str) -> None:
    findings = [finding(f"R-{number}", severity) for number, severity in enumerate(severities)]
    assert headline in text_of(findings, user("bob", status)).splitlines()


@pytest.mark.parametrize(
    ("registrations", "headline"),
    [
        ([1, 1], "2 errors, all about clients in trouble:"),
        ([1], "1 error, about clients in trouble:"),
        ([1, 2], "2 errors, 1 of them about clients in trouble:"),
        ([2], "1 error, not about a client in trouble:"),
        ([2, 2], "2 errors, none of them about a client in trouble:"),
    ],
)
def test_the_headline_tells_whether_they_touch_the_troubled(registrations: list[int], headline: str) -> None:
    findings = [finding(f"R-{number}", "error", registration=one) for number, one in enumerate(registrations)]
    assert headline in text_of(findings, user("bad", 403) + user("good")).splitlines()


def test_notes_alone_explain_nothing() -> None:
    assert "1 note:" in text_of([finding(severity="info")], user("bad", 403) + user("good")).splitlines()


def test_what_a_server_does_is_counted_in_times_not_in_clients() -> None:
    findings = [finding(registration=number, at_fault="registrar", count=5) for number in (1, 2)]
    assert "registrar · 10 times · " in text_of(findings, user("a") + user("b"))


def test_low_confidence_errors_are_warnings_and_say_so() -> None:
    text = text_of([finding(severity="error", confidence=Confidence.LOW)])
    assert lines_with(text, "! warning")
    assert "low confidence" in text


def test_notes_keep_their_fix_for_all() -> None:
    assert "fix:" not in text_of([finding(severity="info")])
    assert "fix: keep one Call-ID." in text_of([finding(severity="info")], all=True)


def test_more_than_a_screen_is_counted() -> None:
    findings = [finding(f"R-{number:02}", "info") for number in range(20)]
    assert "and 8 notes (--all lists them)" in text_of(findings)
    assert len(lines_with(text_of(findings, all=True), "· note")) == 20


def test_user_agents_are_named_for_the_phone_only() -> None:
    findings = [finding(registration=number, user_agent=agent) for number, agent in ((1, "A"), (2, "A"), (3, "B"))]
    assert "phone A and 1 other kind" in text_of(findings)
    assert "registrar · " in text_of([finding(at_fault="registrar")])


def test_a_rule_that_failed_is_an_error_of_ours() -> None:
    text = text_of([finding("internal", "error", at_fault="sipcheck", detail="rule R-x failed to run: KeyError")])
    assert "sipcheck · " in text
    assert "rule R-x failed to run: KeyError." in text


def test_wide_terminals_have_a_column_for_the_place() -> None:
    report = report_of(REGISTERED)
    report.findings = [finding(frames=(981, 455))]
    (line,) = lines_with(drawn(report, 140), "! warning")
    assert line.endswith("frame 981 after 455")


def test_without_findings_it_says_how_much_was_looked_at() -> None:
    report = report_of(REGISTERED)
    assert "No rule is broken" not in drawn(report)
    report.outcomes["R-x"] = Tally(passed=1234)
    report.outcomes["R-y"] = Tally(passed=1)
    report.outcomes["R-z"] = Tally(not_applicable=9)
    text = " ".join(drawn(report).split())
    checks = "broken: 1,235 checks of 2 rules passed on 2 messages of 1 registration."
    assert f"None of the 3 rules that were asked is {checks}" in text
    report.outcomes = {"R-x": Tally(passed=2)}
    one = "The one rule that was asked is not broken: 2 checks of 1 rule passed on 2 messages"
    assert one in " ".join(drawn(report).split())
    report.outcomes = {"R-x": Tally(passed=1234), "R-y": Tally(passed=1)}
    for rule in all_rules():
        report.outcomes.setdefault(rule.id, Tally(not_applicable=1))
    assert f"No rule is {checks}" in " ".join(drawn(report).split())


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_what_nearly_every_capture_has_takes_one_line_at_the_end(width: int) -> None:
    report: Report = report_of(REGISTERED)
    quiet = [
        finding("R3261-20.17-date", "info", sub="absent", registration=number, at_fault="registrar", detail="no Date")
        for number in (1, 2, 3)
    ]
    report.findings = [*quiet, finding(severity="info"), finding("R3261-20.17-date", "warning", sub="format")]
    text = drawn(report, width)
    rows = [line for line in text.splitlines() if "R3261-20.17-date" in line or "note " in line]
    assert rows[-1].startswith("  · note     ")
    assert len(rows[-1]) <= width
    assert ("3 times" in rows[-1]) is (width >= 80)  # cut in the middle where it is narrow
    assert text.index("! warning") < text.index(rows[-1])
    assert "no Date" not in text
    assert "no Date" in drawn(report, width, all=True)


def test_only_what_a_card_calls_quiet_is() -> None:
    told = [
        (entry.example.rule, entry.is_quiet)
        for entry in grouped(
            [
                finding("R3261-20.17-date", "info", sub="absent"),
                finding("R3261-20.17-date", "info", sub="skew"),
                finding("R3261-10.2-callid", "info"),
            ],
            set(),
        )
    ]
    assert told[-1] == ("R3261-20.17-date", True)
    assert [is_quiet for _, is_quiet in told] == [False, False, True]
