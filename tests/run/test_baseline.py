"""A baseline: what is known by it in the next run, what is not, and files that are none."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.evidence import SECOND, Evidence, Frame, Item, LogLines, NetworkError, RawMessage
from analyzer.judge.failures import INTERNAL
from analyzer.judge.findings import Confidence, Example, Finding, PerRun, Rule, Severity
from analyzer.judge.flowtext import read_flow
from analyzer.judge.selection import has_sub_code
from analyzer.register.digest.secrets import Secrets
from analyzer.rules import all_rules
from analyzer.run.baseline import (
    SCHEMA,
    Baseline,
    BaselineError,
    DigestKey,
    FindingKey,
    about,
    baseline_of,
    dumped,
    keys_of,
    parsed,
    set_apart,
)
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from tests.rules.cases import examples, judged, label
from tests.views.reports import LOGIN, report_of, user

DAY = 86_400 * SECOND
_FLEETING = re.compile(rb"(?im)^((?:call-id|i)[ \t]*:[ \t]*[^\r\n@]+)|(;tag=[^;\r\n,>]+)|(branch=z9hG4bK[^;\r\n,]+)")


def of_another_run(items: Iterator[Item], *, shift: int) -> Iterator[Item]:
    """The same traffic as a second run would have it: other frames, another day, other Call-IDs, tags and branches.
    Equal ones stay equal to each other: what a phone copies from one header into another is a fault of its own."""
    for item in items:
        place = item.place
        if isinstance(place, Frame):
            place = Frame(place.source, place.number + 1000, place.offset)
        elif isinstance(place, LogLines):
            place = place._replace(first=place.first + 1000, last=place.last + 1000)
        time = None if item.time is None else item.time + shift
        if isinstance(item, NetworkError):
            yield replace(item, place=place, time=time)
        else:
            payload = _FLEETING.sub(lambda found: found[0].rstrip() + b"r2", item.payload)
            yield replace(item, payload=payload, place=place, time=time)


def again(rule: Rule, example: Example) -> Report:
    """The report on an example, in another run."""
    profile = (rule.only_in or ("rfc3261",))[0]
    shift = 0 if "date:" in example.flow.lower() else DAY  # a Date that stays behind would be a finding of its own
    items = of_another_run(read_flow(example.flow, tail=example.tail, log=example.log), shift=shift)
    return analyze_items(items, rules=[rule], secrets=Secrets.of(example.passwords), profile=profile)


BAD = [pytest.param(rule, example, id=label(rule, example)) for rule, example in examples() if example.expect]


@pytest.mark.parametrize(("rule", "example"), BAD)
def test_a_finding_is_known_again_in_the_next_run(rule: Rule, example: Example) -> None:
    first, second = judged(rule, example), again(rule, example)
    if Counter(one.sub for one in first.findings) != Counter(one.sub for one in second.findings):
        pytest.skip("what was renamed is what the example is about")
    found = len(second.findings)
    set_apart(second, baseline_of(first))
    assert second.findings == []
    assert second.known is not None and second.known.findings.total() == found >= 1
    assert second.known.unmet == 0


def test_nearly_no_example_is_passed_over() -> None:
    """Or the test above would prove nothing."""
    rows = [(case.values[0], case.values[1]) for case in BAD]
    other = 0
    for rule, example in rows:
        assert isinstance(rule, Rule) and isinstance(example, Example)
        one, two = judged(rule, example), again(rule, example)
        other += Counter(finding.sub for finding in one.findings) != Counter(finding.sub for finding in two.findings)
    assert other <= len(rows) // 50


FAULT = "R3261-10.2-ruri-userinfo"


def faulty(name: str, *, times: int = 1) -> str:
    """A REGISTER with a user part in the Request-URI, as that user."""
    return user(name, 200).replace("REGISTER sip:example.com", f"REGISTER sip:{name}@example.com") * times


def report(flow: str, **given: Any) -> Report:
    return report_of(flow, rules=all_rules(), **given)


def seen(one: Report, rule: str = FAULT) -> list[str]:
    return [finding.aor for finding in one.findings if finding.rule == rule]


def test_a_client_that_was_not_there_is_new() -> None:
    known = baseline_of(report(faulty("bob")))
    second = report(faulty("carol") + faulty("bob"))
    set_apart(second, known)
    assert seen(second) == ["sip:carol@example.com"]


def test_the_counts_are_those_of_what_is_new() -> None:
    first = report(faulty("bob"))
    before = first.summary.findings.copy()
    assert before["error"] >= 1
    set_apart(first, baseline_of(first))
    assert first.summary.findings.total() == 0
    assert first.known is not None and first.known.findings == before
    assert first.known.rules[FAULT] == 1
    assert first.known.as_json()["findings"]["error"] == before["error"]


def test_an_empty_baseline_takes_nothing_out() -> None:
    one = report(faulty("bob"))
    set_apart(one, Baseline())
    assert seen(one) == ["sip:bob@example.com"]
    assert one.known is not None and one.known.findings.total() == one.known.unmet == 0


def test_what_is_not_seen_any_more_is_counted() -> None:
    known = baseline_of(report(faulty("bob") + faulty("carol")))
    second = report(user("bob"))
    set_apart(second, known)
    assert second.known is not None and second.known.unmet >= 2


def finding(**given: Any) -> Finding:
    """A finding of a client, as the judge makes it."""
    card: dict[str, Any] = {
        "rule": FAULT,
        "sub": "",
        "title": "t",
        "clause": "c",
        "force": "MUST",
        "proven_severity": "warning",
        "confidence": Confidence.HIGH,
        "at_fault": "UAC",
        "detail": "d",
        "fix": "f",
        "aor": "sip:bob@example.com",
        "call_id": "c1",
        "registration": 1,
        "transaction": 1,
        "evidence": [Evidence(Frame("x", 1), None)],
        "key": (FAULT, 1, ""),
    }
    return Finding(**(card | given))


def with_findings(*several: Finding) -> Report:
    one = report_of(user("bob"))
    one.findings = list(several)
    return one


@pytest.mark.parametrize(
    ("before", "now", "is_known"),
    [("error", "error", True), ("error", "info", True), ("warning", "error", False), ("info", "warning", False)],
)
def test_what_weighs_more_than_what_was_accepted_is_new(before: Severity, now: Severity, is_known: bool) -> None:
    known = baseline_of(with_findings(finding(proven_severity=before)))
    second = with_findings(finding(proven_severity=now))
    set_apart(second, known)
    assert (second.findings == []) is is_known


def test_of_two_alike_the_heavier_one_is_written() -> None:
    light, heavy = finding(proven_severity="info"), finding(proven_severity="error")
    for several in ((light, heavy), (heavy, light)):
        ((severity, _),) = baseline_of(with_findings(*several)).findings.values()
        assert severity == "error"


def test_of_joined_sub_codes_each_must_be_known() -> None:
    known = baseline_of(with_findings(finding(sub="a,b")))
    for sub, rest in (("b", 0), ("a", 0), ("b,a", 0), ("a,c", 1), ("", 1)):
        second = with_findings(finding(sub=sub))
        set_apart(second, known)
        assert len(second.findings) == rest, sub


@pytest.mark.parametrize(
    ("per", "words"),
    [
        (7, ("sip:bob@example.com",)),
        (("c1", "REGISTER"), ("REGISTER",)),
        (("192.0.2.1", "lab"), ("192.0.2.1", "lab")),
        (("192.0.2.1", 401), ("192.0.2.1",)),
        (("192.0.2.1", PerRun("other-call")), ("192.0.2.1",)),
        ("total", ("total",)),
        (("a\x1b[2Jb",), ("a\\x1b[2Jb",)),
    ],
)
def test_what_a_finding_is_about(per: object, words: tuple[str, ...]) -> None:
    assert about(finding(key=(FAULT, per, ""))) == words


def test_a_finding_without_a_key_is_about_its_client() -> None:
    assert about(finding(key=())) == ("sip:bob@example.com",)
    assert keys_of(finding(key=())) == (FindingKey(FAULT, "", ("sip:bob@example.com",)),)


def test_a_rule_that_failed_to_run_is_never_known() -> None:
    crash = finding(rule=INTERNAL, key=(INTERNAL, FAULT), proven_severity="error")
    one = with_findings(crash)
    assert baseline_of(one).findings == {}
    set_apart(one, baseline_of(one))
    assert one.findings == [crash]


def test_digests_are_known_by_user_and_realm() -> None:
    first = report(LOGIN % 403, passwords={"bob": "other"})
    assert first.summary.digests["mismatch"] == 1
    known = baseline_of(first)
    assert known.digests == {DigestKey("bob", "example.com")}
    set_apart(first, known)
    assert first.known is not None and first.known.digests == 1
    assert first.summary.digests["mismatch"] == 1, "the fact stays"
    other = report((LOGIN % 403).replace("{bob secret}", "{carol secret}"), passwords={"carol": "other"})
    set_apart(other, known)
    assert other.known is not None and other.known.digests == 0


def test_a_right_digest_is_in_no_baseline() -> None:
    assert baseline_of(report(LOGIN % 200, passwords={"bob": "secret"})).digests == set()


SAMPLE = report(faulty("carol") + faulty("bob") + LOGIN % 403, passwords={"bob": "other"})


def test_what_is_written_is_read_again() -> None:
    known = baseline_of(SAMPLE)
    assert known.findings and known.digests
    text = dumped(known)
    assert text.isascii() and text.endswith("}\n")
    assert parsed(text.encode(), all_rules()) == known


def test_the_file_does_not_depend_on_the_order_of_the_run() -> None:
    known = baseline_of(SAMPLE)
    turned = Baseline(dict(reversed(known.findings.items())), known.digests)
    assert dumped(turned) == dumped(known)


def test_every_entry_has_a_line() -> None:
    known = baseline_of(SAMPLE)
    lines = dumped(known).splitlines()
    assert len(lines) == 3 + len(known.findings) + len(known.digests)
    for line in lines[2 : 2 + len(known.findings)]:
        entry = json.loads(line.strip().rstrip(",]").rstrip(","))
        assert set(entry) == {"rule", "sub", "severity", "about", "title"}


def test_hostile_words_are_written_out() -> None:
    text = dumped(baseline_of(with_findings(finding(aor="sip:\x1b]0;x\x07\u202e@h"))))
    assert text.isascii() and "\\\\x1b" in text and "\\u001b" not in text


def entry(**given: Any) -> str:
    row = {"rule": FAULT, "sub": "", "severity": "error", "about": ["sip:bob@example.com"]} | given
    return json.dumps({"schema": SCHEMA, "findings": [row]})


def test_a_comment_and_a_title_are_for_the_reader() -> None:
    known = parsed(entry(comment="ticket 12", title="x").encode(), all_rules())
    assert list(known.findings) == [FindingKey(FAULT, "", ("sip:bob@example.com",))]


def test_a_byte_order_mark_is_no_fault() -> None:
    assert parsed(b"\xef\xbb\xbf" + entry().encode(), all_rules()).findings


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: Expecting value"),
        ("{", "line 1: Expecting property name"),
        ('{"schema":\n "sipcheck-baseline/1",,', "line 2: "),
        ("[]", f"schema: null is not {SCHEMA}"),
        ("3", f"schema: null is not {SCHEMA}"),
        ("{}", "--write-baseline writes one"),
        ('{"schema": "sipcheck/1"}', '"sipcheck/1" is not'),
        ('{"schema": "sipcheck-baseline/2"}', "a newer sipcheck may have written it"),
        ('{"schema": ["x"]}', "schema: a list is not"),
        (f'{{"schema": "{SCHEMA}", "findings": {{}}}}', "findings: no list"),
        (f'{{"schema": "{SCHEMA}", "findings": [3]}}', "findings[0]: no object"),
        (f'{{"schema": "{SCHEMA}", "digests": [{{"username": "bob"}}]}}', "digests[0]: no realm"),
        (f'{{"schema": "{SCHEMA}", "digests": [{{"username": 1, "realm": ""}}]}}', "digests[0].username: 1 is no text"),
        (entry(rule="R9999-none"), "findings[0].rule: no rule is called R9999-none"),
        (entry(rule=None), "findings[0].rule: null is no text"),
        (entry(sub="no-such"), f"findings[0].sub: {FAULT} has no sub-code no-such"),
        (entry(severity="fatal"), 'findings[0].severity: "fatal" is not one of info, warning, error'),
        (entry(severity=["error"]), "findings[0].severity: a list is not one of"),
        (entry(about="sip:bob@example.com"), "findings[0].about: no list of texts"),
        (entry(about=[1]), "findings[0].about: no list of texts"),
        ("[" * 100_000, "nested too deeply"),
        (f'{{"schema": {"1" * 5000}}}', "a number is too long"),
    ],
)
def test_what_is_no_baseline_says_where(text: str, said: str) -> None:
    with pytest.raises(BaselineError) as raised:
        parsed(text.encode(), all_rules())
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["rule", "sub", "severity", "about", "username", "realm", "title"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["findings", "digests", "schema", "x"]), ANY_JSON, max_size=3), st.booleans())
def test_whatever_stands_in_a_file_it_is_a_baseline_or_one_line(whole: dict[str, Any], is_ours: bool) -> None:
    text = json.dumps(whole | {"schema": SCHEMA} if is_ours else whole)
    try:
        assert isinstance(parsed(text.encode(), all_rules()), Baseline)
    except BaselineError as error:
        assert str(error).isprintable()


@pytest.mark.parametrize("octets", [b"\xff\xfe{}", b'{"schema": "\x80"}'])
def test_octets_that_are_no_text(octets: bytes) -> None:
    with pytest.raises(BaselineError, match=r"octet \d+: no UTF-8"):
        parsed(octets, all_rules())


def test_an_error_shows_hostile_words_escaped() -> None:
    with pytest.raises(BaselineError) as raised:
        parsed(entry(rule="\x1b[2J\u202e").encode(), all_rules())
    assert "\x1b" not in str(raised.value) and "\\x1b[2J\\u202e" in str(raised.value)


def test_every_sub_code_of_a_finding_may_stand_in_a_file() -> None:
    """Or a baseline could not be read that this very version has written."""
    for rule in all_rules():
        for example in rule.examples:
            for one in judged(rule, example).findings:
                assert all(has_sub_code(rule, sub) for sub in one.sub.split(",") if sub)


def test_a_large_report_is_set_apart_in_linear_work() -> None:
    many = [finding(aor=f"sip:{number}@example.com") for number in range(10_000)]
    one = with_findings(*many)
    known = baseline_of(one)
    assert parsed(dumped(known).encode(), all_rules()) == known
    set_apart(one, known)
    assert one.findings == [] and one.known is not None and one.known.findings.total() == 10_000


def test_the_raw_messages_of_both_runs_do_differ() -> None:
    """The renaming of this module renames."""
    flow = "> REGISTER sip:example.com\n< 200"
    one = [item.payload for item in read_flow(flow) if isinstance(item, RawMessage)]
    two = [item.payload for item in of_another_run(read_flow(flow), shift=0) if isinstance(item, RawMessage)]
    for name in (b"Call-ID:", b";tag=", b"branch="):
        assert one[0].count(name) == two[0].count(name) == two[0].count(name)
    assert [len(text) for text in two] == [len(old) + 2 * len(_FLEETING.findall(old)) for old in one]
    assert all(len(_FLEETING.findall(old)) >= 3 for old in one)
