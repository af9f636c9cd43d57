"""What was seen and what should be there: two values beside the sentence, both or none, and those of the sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from analyzer.judge.findings import NO_VALUES, Answer, Rule, Severity, Values, Violated
from analyzer.judge.flowtext import read_flow
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from analyzer.views.schema import finding_record
from tests.rules.cases import examples, judged, label, rule_of, run

FAULTS = [pytest.param(rule, example, id=label(rule, example)) for rule, example in examples() if example.expect]
TWO = "> REGISTER sip:example.com\n< 200\n@60 > REGISTER sip:example.com\n< 200"


@pytest.mark.parametrize(("rule", "example"), FAULTS)
def test_both_or_none(rule: Rule, example: Any) -> None:
    for finding in judged(rule, example).findings:
        assert bool(finding.observed) == bool(finding.expected)
        assert finding.observed != finding.expected or not finding.observed
        assert len(finding.observed) + len(finding.expected) < 400


def test_many_rules_tell_them() -> None:
    """The rules of one value: if a rule loses its values, this falls."""
    with_values: Counter[str] = Counter()
    for rule in all_rules():
        for example in rule.examples:
            with_values[rule.id] += sum(bool(one.observed) for one in judged(rule, example).findings)
    assert sum(1 for number in with_values.values() if number) >= 30


@pytest.mark.parametrize(
    ("rule", "flow", "observed", "expected"),
    [
        (
            "R3261-10.2-ruri-userinfo",
            "> REGISTER sip:bob@example.com;transport=tcp\n< 200",
            "sip:bob@example.com;transport=tcp",
            "sip:example.com;transport=tcp",
        ),
        (
            "R3261-10.2-cseq-increment",
            "> REGISTER sip:h\nCSeq: 9 REGISTER\n< 200\n@9 > REGISTER sip:h\nCSeq: 4 REGISTER\n< 200",
            "4",
            "10",
        ),
        (
            "R3261-10.2-cseq-gap",
            "> REGISTER sip:h\nCSeq: 1 REGISTER\n< 200\n@9 > REGISTER sip:h\nCSeq: 4 REGISTER\n< 200",
            "4",
            "2",
        ),
        ("R3261-8.1.1.6-max-forwards", "> REGISTER sip:h\nMax-Forwards: 30\n< 200", "30", "70"),
        (
            "R3261-8.1.1.7-branch-cookie",
            "> REGISTER sip:h\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=1\n< 200",
            "1",
            "z9hG4bK and something of its own",
        ),
        ("R3261-10.2-expires-value", "> REGISTER sip:h\nExpires: soon\n< 200", "soon", "a number of seconds"),
        (
            "R3261-10.3-7-expires-cap",
            "> REGISTER sip:h\nContact: <sip:b@h>;expires=600\n< 200\nContact: <sip:b@h>;expires=90000",
            "90000",
            "at most 600",
        ),
        ("R3261-8.1.1.2-to-tag", "> REGISTER sip:h\nTo: <sip:b@h>;tag=x7\n< 200", "tag=x7", "no tag"),
        (
            "R3261-10.2.8-423-retry",
            "> REGISTER sip:h\nExpires: 60\n< 423\nMin-Expires: 300\n> REGISTER sip:h\nExpires: 90\n< 200",
            "90",
            "at least 300",
        ),
        (
            "R7616-3.4-algorithm",
            "> REGISTER sip:h\n< 401\n> REGISTER sip:h\nAuthorization: {bob x algorithm=SHA-256}\n< 200",
            "SHA-256",
            "MD5",
        ),
        (
            "R3261-22.4-qop-returned",
            '> REGISTER sip:h\n< 401\nWWW-Authenticate: Digest realm="h", nonce="A", qop="auth"\n'
            '> REGISTER sip:h\nAuthorization: Digest username="b", realm="h", nonce="A", uri="sip:h", response="'
            + "0" * 32
            + '"\n< 200',
            "no qop",
            "qop=auth",
        ),
        (
            "R3581-4-received-rport",
            "src=192.0.2.10:5062 > REGISTER sip:h\nVia: SIP/2.0/UDP 192.0.2.10:5062;rport=9;branch=z9hG4bKa\n< 200",
            "rport=9",
            "rport",
        ),
        (
            "R3261-26.2.2-sips-tls",
            "> REGISTER sips:h\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa\n< 200",
            "UDP",
            "TLS",
        ),
        (
            "R3261-10.2-action-param",
            "> REGISTER sip:h\nContact: <sip:b@h>;action=proxy\n< 200",
            "action=proxy",
            "no action",
        ),
    ],
)
def test_the_values_of_common_faults(rule: str, flow: str, observed: str, expected: str) -> None:
    finding = run(rule, flow).findings[0]
    assert (finding.observed, finding.expected) == (observed, expected)
    record = finding_record(finding)
    assert (record["observed"], record["expected"]) == (observed, expected)


@pytest.mark.parametrize("uri", ["sip:a@b@example.com", "sip:a@example.com;x=c@d"])
def test_a_request_uri_with_two_signs_has_no_plain_form(uri: str) -> None:
    for finding in run("R3261-10.2-ruri-userinfo", f"> REGISTER {uri}\n< 200").findings:
        assert (finding.observed, finding.expected) == ("", "")


def test_without_values_json_has_null() -> None:
    one = report_of(lambda subject, context: Violated("x")).findings[0]
    assert (finding_record(one)["observed"], finding_record(one)["expected"]) == (None, None)
    assert NO_VALUES == ("", "")


def report_of(check: Callable[[Any, Any], Answer], *, joined: bool = False) -> Report:
    rule = replace(
        rule_of("R3261-10.2-callid"),
        id="TEST-values",
        subject="transaction",
        check=check,
        join_subs=joined,
        needs=(),
        applies_if=0,
        violates_only_if=0,
        supersedes=(),
        explains=(),
    )
    return analyze_items(read_flow(TWO), rules=[rule])


def by_number(**given: Any) -> Callable[[Any, Any], Answer]:
    """The first transaction breaks the rule with value 1, the second with value 2."""

    def check(subject: Any, context: Any) -> Answer:
        number = subject.transaction.cseq
        named = {name: values[number - 1] for name, values in given.items()}
        return Violated(f"it is {number}", values=Values(str(number), "0"), **named)

    return check


@pytest.mark.parametrize(
    ("severities", "told"), [(("info", "error"), "2"), (("error", "info"), "1"), (("error", "error"), "1")]
)
def test_they_are_those_of_the_violation_that_is_told(severities: tuple[Severity, Severity], told: str) -> None:
    (finding,) = report_of(by_number(severity=severities)).findings
    assert (finding.detail, finding.observed, finding.count) == (f"it is {told}", told, 2)


def test_a_violation_that_speaks_for_all_brings_its_own() -> None:
    (finding,) = report_of(by_number(count=(1, 7))).findings
    assert (finding.detail, finding.observed, finding.count) == ("it is 2", "2", 7)


def test_joined_sub_codes_join_them() -> None:
    (finding,) = report_of(by_number(sub=("a", "b")), joined=True).findings
    assert (finding.sub, finding.observed, finding.expected) == ("a,b", "1; 2", "0; 0")
    assert finding.detail == "it is 1; it is 2"


def test_a_joined_one_without_values_adds_none() -> None:
    def check(subject: Any, context: Any) -> Answer:
        first = subject.transaction.cseq == 1
        return Violated("x", "a" if first else "b", values=Values("1", "0") if first else NO_VALUES)

    (finding,) = report_of(check, joined=True).findings
    assert (finding.observed, finding.expected) == ("1", "0")
