"""What the examples of the rules about a request's form cannot say: torture messages, what folds what, cut messages,
logs, profiles, hostile text; and that the marks spare nothing that is asked for."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evidence import Frame, Item, RawMessage, Source
from analyzer.judge.findings import Confidence, Finding, Profile, Rule
from analyzer.judge.flowtext import CLIENT, REGISTRAR, START, read_flow
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject, TransactionSubject, TransitionSubject
from analyzer.rules import all_rules
from analyzer.run.pipeline import Analysis, analyze_items
from analyzer.run.report import Report
from tests.register.watch import watch
from tests.rules.cases import rule_of, run, subs
from tests.shared import shared

_AT = "> REGISTER sip:example.com\n"
_FORM = (
    "R3261-7.3-syntax",
    "R3261-8.1.1.5-cseq-form",
    "R3261-8.1.1.6-max-forwards",
    "R3261-10.2-action-param",
    "R3261-10.2-expires-value",
    "R3261-10.2-from-to",
    "R3261-10.2-record-route",
    "R3261-10.2-ruri-form",
    "R3261-10.2-to-aor",
    "R3261-10.2.1-sips-contact",
    "R3261-10.2.6-ruri-domain",
    "R3261-8.1.3.5-retry-ids",
    "R5630-5.1.1.1-sips-registration",
)


def _datagram(octets: bytes, **given: Any) -> RawMessage:
    return replace(RawMessage(octets, START, Frame("flow", 1), CLIENT, REGISTRAR), **given)


def _whole(items: list[Item], **given: Any) -> Report:
    """Judged by all rules."""
    return analyze_items(items, **given)


def _of(report: Report, rule: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.rule == rule]


# RFC 4475: the message, with its method made REGISTER, and what these rules say of it.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("escnull", []),
        ("cparam01", []),
        ("cparam02", []),
        ("regescrt", []),
        ("regaut01", []),
        ("wsinv", []),
        ("esc01", []),
        ("lwsdisp", []),
        ("dblreq", []),
        ("transports", []),
        ("mpart01", []),
        ("scalar02", [("R3261-10.2-expires-value", "range"), ("R3261-8.1.1.5-cseq-form", "range")]),
        ("regbadct", [("R3261-7.3-syntax", "contact")]),
        ("unksm2", [("R3261-10.2-to-aor", "")]),
        ("badinv01", [("R3261-7.3-syntax", "via,contact")]),
        ("quotbal", [("R3261-7.3-syntax", "to")]),
        ("badaspec", [("R3261-7.3-syntax", "to")]),
        ("ncl", [("R3261-7.3-syntax", "content-length")]),
        ("mcl01", [("R3261-7.3-syntax", "content-length")]),
        ("multi01", [("R3261-7.3-syntax", "cseq,call-id,to,from,max-forwards")]),
        ("badvers", [("R3261-7.3-syntax", "start-line,via")]),
        ("lwsstart", [("R3261-7.3-syntax", "start-line")]),
        ("trws", [("R3261-7.3-syntax", "start-line")]),
        ("ltgtruri", [("R3261-10.2-ruri-form", "brackets")]),
        ("lwsruri", [("R3261-10.2-ruri-form", "blanks")]),
        ("escruri", [("R3261-10.2-ruri-form", "headers")]),
        ("unkscm", [("R3261-10.2-ruri-form", "scheme")]),
        ("mismatch01", [("R3261-8.1.1.5-cseq-form", "method")]),
        ("mismatch02", [("R3261-8.1.1.5-cseq-form", "method")]),
    ],
)
def test_torture_messages(name: str, expected: list[tuple[str, str]]) -> None:
    octets = shared("torture", f"{name}.dat").read_bytes()
    method = octets.partition(b" ")[0]
    items: list[Item] = [_datagram(octets.replace(method, b"REGISTER"))]
    rules = [rule_of(rule) for rule in _FORM if rule not in ("R3261-8.1.1.6-max-forwards", "R3261-10.2-from-to")]
    report = _whole(items, rules=rules)
    assert sorted((finding.rule, finding.sub) for finding in report.findings) == sorted(expected)


@pytest.mark.parametrize(
    ("name", "sub", "severity"),
    [("dblreq", "not70", "info"), ("regaut01", "not70", "info"), ("scalar02", "range", "warning")],
)
def test_max_forwards_of_torture_messages(name: str, sub: str, severity: str) -> None:
    octets = shared("torture", f"{name}.dat").read_bytes()
    (finding,) = _whole([_datagram(octets)], rules=[rule_of("R3261-8.1.1.6-max-forwards")]).findings
    assert (finding.sub, finding.severity) == (sub, severity)


def test_overlarge_numbers_are_each_counted() -> None:
    octets = shared("torture", "scalar02.dat").read_bytes()
    report = _whole([_datagram(octets), *read_flow("@40 .")])
    assert [finding.count for finding in _of(report, "R3261-10.2-expires-value")] == [2]
    assert [finding.severity for finding in _of(report, "R3261-8.1.1.5-cseq-form")] == ["error"]


def test_a_broken_header_folds_what_reads_it_and_nothing_else() -> None:
    flow = f'{_AT}To: "Bob <sip:bob@example.com>;tag=x\nContact: <sip:b@h>;expires=soon\nCSeq: x'
    report = _whole(list(read_flow(flow)))
    (syntax,) = _of(report, "R3261-7.3-syntax")
    assert syntax.sub == "to"
    assert "R3261-8.1.1.2-to-tag" in syntax.folded
    assert not _of(report, "R3261-8.1.1.2-to-tag")
    assert [one.sub for one in _of(report, "R3261-10.2-expires-value")] == ["malformed"]
    assert [one.sub for one in _of(report, "R3261-8.1.1.5-cseq-form")] == ["malformed"]


def test_what_every_reader_copes_with_folds_nothing() -> None:
    report = _whole(list(read_flow(f"{_AT}To: <sip:bob@example.com>;;tag=x")))
    assert [(one.sub, one.severity) for one in _of(report, "R3261-7.3-syntax")] == [("to", "warning")]
    assert len(_of(report, "R3261-8.1.1.2-to-tag")) == 1


def test_a_broken_contact_folds_its_expiry() -> None:
    report = _whole(list(read_flow(f"{_AT}Contact: <sip:b@h;expires=1h\nContact: <sip:c@h>;expires=1h")))
    assert [one.sub for one in _of(report, "R3261-7.3-syntax")] == ["contact"]
    assert not _of(report, "R3261-10.2-expires-value")


def test_an_answer_is_judged_by_its_own_words_alone() -> None:
    flow = f"{_AT}From: < sip:bob@h >;tag=1\n< 200\nContact: <sip:bob@192.0.2.10\nExpires: soon"
    found = _of(_whole(list(read_flow(flow))), "R3261-7.3-syntax")
    assert sorted((one.sub, one.at_fault) for one in found) == [("contact", "registrar"), ("from", "UAC")]


def test_a_header_that_follows_an_empty_line_is_told() -> None:
    (item,) = read_flow(f"{_AT}-Content-Length")
    assert isinstance(item, RawMessage)
    early = replace(item, payload=item.payload.replace(b"Contact:", b"\r\nContact:"))
    report = _whole([early])
    (finding,) = _of(report, "R3261-7.3-syntax")
    assert (finding.sub, finding.severity) == ("lines", "error")
    assert "more headers follow" in finding.detail
    early = replace(item, payload=item.payload.replace(b"Max-Forwards:", b"\r\nMax-Forwards:"))
    report = _whole([early])
    assert [one.folded for one in _of(report, "R3261-7.3-syntax")] == [["R3261-8.1.1-mandatory"]]
    assert not _of(report, "R3261-8.1.1-mandatory")


@pytest.mark.parametrize("header", ["Content-Type: message/sipfrag", "Content-Length: 20"])
def test_a_body_that_looks_like_headers_is_a_body(header: str) -> None:
    (item,) = read_flow(f"{_AT}-Content-Length\n{header}")
    assert isinstance(item, RawMessage)
    with_body = replace(item, payload=item.payload + b"Contact: <sip:b@h>\r\n")
    assert not _of(_whole([with_body]), "R3261-7.3-syntax")


def test_line_ends_and_folding() -> None:
    (item,) = read_flow(f"{_AT}To: <sip:bob@example.com>")
    assert isinstance(item, RawMessage)
    folded = replace(item, payload=item.payload.replace(b"To: ", b"To:\r\n\t"))
    assert not _of(_whole([folded]), "R3261-7.3-syntax")
    unindented = replace(item, payload=item.payload.replace(b"To: <", b"To: Bob\r\n<"))
    (finding,) = _of(_whole([unindented]), "R3261-7.3-syntax")
    assert "lines" in finding.sub
    assert finding.severity == "error"
    bare = replace(item, payload=item.payload.replace(b"\r\nTo:", b"\nTo:"))
    assert [(one.sub, one.severity) for one in _of(_whole([bare]), "R3261-7.3-syntax")] == [("lines", "warning")]


@pytest.mark.parametrize("kept", range(40, 330, 7))
def test_what_the_capture_cut_off_is_no_fault(kept: int) -> None:
    flow = f'{_AT}To: "Bob" <sip:bob@example.com>\nContact: <sip:bob@192.0.2.10>;expires=3600'
    (item,) = read_flow(flow)
    assert isinstance(item, RawMessage)
    cut = replace(item, payload=item.payload[:kept], missing=len(item.payload) - kept)
    assert _whole([cut], rules=[rule_of(rule) for rule in _FORM]).findings == []


def test_a_log_keeps_no_octets() -> None:
    report = run("R3261-7.3-syntax", f"{_AT}To: < sip:bob@h >\n< 200", log=True)
    assert report.findings == []
    assert report.outcomes["R3261-7.3-syntax"].not_judged == {"BYTES": 2}


def test_in_a_log_a_wrong_number_is_less_sure() -> None:
    (finding,) = run("R3261-8.1.1.5-cseq-form", f"{_AT}CSeq: 7 INVITE", log=True).findings
    assert (finding.severity, finding.confidence) == ("error", Confidence.MEDIUM)


def test_requests_of_other_methods_are_not_judged() -> None:
    broken = "To: tel:1\nCSeq: 7 PING\nExpires: x\nMax-Forwards: 999\nRecord-Route: <sip:p;lr>\nContact: sip:a?b@h"
    for method in ("INVITE", "OPTIONS", "SUBSCRIBE"):
        report = _whole(list(read_flow(f"> {method} <sip:h>\n{broken}\n< 404")), rules=[rule_of(one) for one in _FORM])
        assert report.findings == []


def test_the_old_profile() -> None:
    date = "Sat, 01 Jan 2030 00:00:00 GMT"
    flow = f'{_AT}Max-Forwards: 8\nContact: <sip:b@h>;action=proxy;expires="{date}"\nExpires: 1h\n< 200'
    rules = [rule_of(rule) for rule in _FORM]
    for profile in ("rfc3261", "ims"):
        report = _whole(list(read_flow(flow)), rules=rules, profile=profile)
        assert subs(report) == ["", "malformed", "not70", "old-form"]
    assert subs(_whole(list(read_flow(flow)), rules=rules, profile="legacy2543")) == ["malformed"]


def test_rfc_5630_is_for_the_modern_profile() -> None:
    flow = "> REGISTER sips:h\nTo: <sips:b@h>\nFrom: <sips:b@h>;tag=1\nContact: <sip:b@c>"
    default, modern = (_whole(list(read_flow(flow)), profile=profile) for profile in ("rfc3261", "modern"))
    assert not _of(default, "R5630-5.1.1.1-sips-registration")
    (plain,) = _of(default, "R3261-10.2.1-sips-contact")
    assert plain.force == "MUST"
    (strict,) = _of(modern, "R5630-5.1.1.1-sips-registration")
    assert (strict.sub, strict.folded) == ("aor-sips", ["R3261-10.2.1-sips-contact"])
    assert not _of(modern, "R3261-10.2.1-sips-contact")


def test_under_a_sips_address_alone_it_is_a_should() -> None:
    (finding,) = run("R3261-10.2.1-sips-contact", f"{_AT}To: <sips:b@h>\nContact: <sip:b@c>, <sip:b@d>").findings
    assert finding.force == "SHOULD"
    assert finding.detail == "Contact is sip:b@c and 1 more, and the address-of-record is SIPS"


_ORDINARY = """
> REGISTER sip:example.com;transport=tcp
Contact: "Bob" <sip:bob@192.0.2.10:5060;transport=tcp;ob>;reg-id=1;methods="INVITE, ACK";expires=3600
< 401
> REGISTER sip:example.com;transport=tcp
Contact: "Bob" <sip:bob@192.0.2.10:5060;transport=tcp;ob>;reg-id=1;methods="INVITE, ACK";expires=3600
Authorization: {bob x}
< 200
@1800 > REGISTER sip:example.com;transport=tcp
Authorization: {bob x}
< 200
Contact: <sip:bob@192.0.2.10>;expires=3600, <sip:bob@192.0.2.11>;expires=60
"""


def test_nothing_is_asked_about_ordinary_requests() -> None:
    asked: set[str] = set()

    def told(rule: Any, subject: Any, context: Any) -> Any:
        asked.add(rule.id)
        return rule.check(subject, context)

    rules = [replace(rule, check=partial(told, rule)) for rule in all_rules() if rule.id in _FORM]
    assert len(rules) == len(_FORM)
    for profile in ("rfc3261", "modern"):
        report = _whole(list(read_flow(_ORDINARY)), rules=rules, profile=profile)
        assert report.findings == []
    assert asked == set()
    told_of = {
        MessageSubject: marks.ODD_VALUES | marks.ODD_AOR | marks.SECURE,
        TransactionSubject: marks.ODD_EXCHANGE,
        TransitionSubject: marks.NEW_IDS,
    }
    for subject in watch(_ORDINARY).subjects:
        assert not subject.marks & told_of.get(type(subject), 0)


_VALUES = st.sampled_from([
    "", "*", "0", "70", "69", "-1", "7 REGISTER", "7 register", "2147483648 REGISTER", "3600", "1h", "4294967296", '"x',
    "sip:bob@h", "<sip:bob@h>;tag=1", "<sip:bob@h", "< sip:bob@h >", "sip:b?c@h", "sip:bob@h;ob;action=x", "<sips:b@h>",
    "<sip:b@h;transport=TLS>;expires=x", "<sip:bob@h:5060>", "<tel:1>", "bob", "<sip:h>", "a, , b", ",", "a b", "a@b@c",
    "<sip:p;lr>", "<sips:p;lr>", "SIP/2.0/UDP h;branch=z9hG4bKx;;", "\u00e9", "<sip:bob@h>;q=7", "a@h", "%", "<>",
])  # fmt: skip
_HEADERS = st.sampled_from([
    "Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Expires", "Route", "Record-Route", "Date",
    "Content-Length", "m", "f", "t", "No Name", "Authorization",
])  # fmt: skip
_TARGETS = st.sampled_from([
    "sip:example.com", "<sip:h>", "sip:h;method=x", "sip:h?a=b", "sips:h", "tel:1", "sip:", "h", "sip:h;transport=TLS",
    "sip:b@h", "sip:h ;lr", "sip:h:x",
])  # fmt: skip
_STATUS = st.sampled_from(["200", "401", "403", "404", "415", "420", "483"])
_HEADER_LINES = st.lists(st.tuples(_HEADERS, _VALUES), max_size=4)


def _flow(steps: list[tuple[str, list[tuple[str, str]], str, list[tuple[str, str]]]]) -> str:
    lines = []
    for target, headers, status, answered in steps:
        lines.append(f"> REGISTER {target}")
        lines += [f"{name}: {value}" for name, value in headers]
        lines.append(f"< {status}")
        lines += [f"{name}: {value}" for name, value in answered]
    return "\n".join(lines)


@given(st.lists(st.tuples(_TARGETS, _HEADER_LINES, _STATUS, _HEADER_LINES), min_size=1, max_size=3), st.booleans())
@settings(max_examples=200, deadline=None)
def test_marks_spare_nothing_that_would_be_found(steps: list[Any], modern: bool) -> None:
    """Whatever is written into the headers: asked about everything, the rules give the same answers."""
    items, reports = list(read_flow(_flow(steps))), []
    rules: list[Rule] = [rule_of(rule) for rule in _FORM]
    profile: Profile = "modern" if modern else "rfc3261"
    for exhaustive in (False, True):
        analysis = Analysis([Source("flow")], exhaustive=exhaustive, rules=rules, profile=profile)
        for item in items:
            analysis.feed(item)
        reports.append(analysis.finish())
    spared, asked = reports
    assert {rule: tally for rule, tally in spared.outcomes.items() if tally != asked.outcomes[rule]} == {}
    assert spared.findings == asked.findings
    assert all(tally.failed == 0 for tally in spared.outcomes.values())


@pytest.mark.parametrize("rule", _FORM)
def test_hostile_values_stay_short(rule: str) -> None:
    """A finding names what was seen, and not all of it: a value may have 64 kB."""
    long = "x" * 5000
    flow = (
        f"> REGISTER sip:{long}?a\nTo: {long}:a\nFrom: <sip:{long}@h>;tag={long}\nCall-ID: {long} b\nCSeq: {long}\n"
        f"Contact: sip:{long};ob;action={long};expires={long}\nExpires: {long}\nMax-Forwards: {'9' * 5000}\n"
        f"Record-Route: {long}\n< 404\nRecord-Route: {long}\nContact: <{long}"
    )
    for finding in run(rule, flow).findings:
        assert len(finding.detail) < 500
        assert len(finding.sub) < 100
