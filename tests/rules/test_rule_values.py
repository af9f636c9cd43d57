"""What was seen and what the clause asks for, apart: every rule tells both, or it is said here why it cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evidence import Item, RawMessage
from analyzer.judge.findings import Example, Finding, Rule
from analyzer.judge.flowtext import read_flow
from analyzer.register.digest.secrets import Secrets
from analyzer.run.pipeline import analyze_items
from tests.rules.cases import examples, judged, label, rule_of, run

_HEURISTIC = "heuristic: no clause names a value"
_PRACTICE = "practice: which address can be reached, no clause says"
_GRAMMAR = "the grammar has many forms, and several faults may be told at once"
_NO_INTERVAL = "the clause names no interval"
_OF_A_PASSWORD = "what the password gives is not told"
_WITHOUT = {
    ("DET-auth-loop", ""): _HEURISTIC,
    ("DET-brute-user", "proven"): _HEURISTIC,
    ("DET-brute-user", "rate"): _HEURISTIC,
    ("DET-enum-users", ""): _HEURISTIC,
    ("DET-herd", "avalanche"): _HEURISTIC,
    ("DET-herd", "synchronised"): _HEURISTIC,
    ("DET-hijack", ""): _HEURISTIC,
    ("DET-nonce-replay", ""): _HEURISTIC,
    ("DET-nonce-replay", "accepted"): _HEURISTIC,
    ("DET-refresh-overdue", ""): _HEURISTIC,
    ("DET-register-flood", "source"): _HEURISTIC,
    ("DET-register-flood", "total"): _HEURISTIC,
    ("DET-short-refresh", ""): _HEURISTIC,
    ("DET-short-refresh", "granted"): _HEURISTIC,
    ("DET-shrinking-expiry", ""): _HEURISTIC,
    ("DET-shrinking-expiry", "sinking"): _HEURISTIC,
    ("DET-source-churn", "addresses"): _HEURISTIC,
    ("DET-source-churn", "ports"): _HEURISTIC,
    ("PRAC-contact-unroutable", ""): _PRACTICE,
    ("PRAC-contact-unroutable", "local"): _PRACTICE,
    ("PRAC-contact-unroutable", "port"): _PRACTICE,
    ("R3261-10.2.2-remove-form", "query"): "a legal query: whether a removal was meant is not known",
    ("R3261-10.2.7-retry-after-timeout", ""): _NO_INTERVAL,
    ("R3261-10.2.7-retry-after-timeout", "steady"): _NO_INTERVAL,
    ("R3261-10.2.8-423-retry", "never-retried"): "no clause asks to try again",
    ("R3261-10.3-7-removal", "zero-marker"): "no clause forbids to list what was removed with an expiry of 0",
    ("R3261-17.1.2-retx-after-final", "once"): "one answer was lost: no clause is broken",
    ("R3261-17.2-unanswered", "one-way"): "the direction of the answers may not be recorded",
    ("R3261-18.1.1-mtu", "response"): "the clause limits requests alone",
    ("R3261-20.17-date", "skew"): "which of the two clocks is wrong is not known",
    ("R3261-21.5.4-retry-after", "no-pause"): _NO_INTERVAL,
    ("R3261-7.3-syntax", "contact"): _GRAMMAR,
    ("R3261-7.3-syntax", "from"): _GRAMMAR,
    ("R3261-7.3-syntax", "from,to"): _GRAMMAR,
    ("R7616-3.3-challenge-quality", "nonce-short"): "no clause counts the bits of a nonce",
    ("R7616-3.5-auth-info", "rspauth"): _OF_A_PASSWORD,
    ("R7616-digest-outcome", "forbidden"): "it may be right: who is proven to be a user need not be one who may",
    ("R7616-digest-verify", ""): _OF_A_PASSWORD,
    ("R7616-digest-verify", "D15"): _OF_A_PASSWORD,
    ("R8760-2.7-response-form", "redacted"): "the value was taken out of the record",
}
"""Rules and sub-codes of which examples tell no values, each with the reason."""
_MOST = 160
"""Characters of one value."""
_BAD = [pytest.param(rule, example, id=label(rule, example)) for rule, example in examples() if example.expect]
_FLOWS = sorted({example.flow for _, example in examples() if example.expect})
_JUNK = st.sampled_from(
    [b"", b"\r\n", b"\x00", b'"', b"<", b">", b";", b",", b"=", b"*", b"%", b"?", b"\xff", b"9" * 90]
)
_FOUND: dict[int, list[Finding]] = {}


def _found(rule: Rule, example: Example) -> list[Finding]:
    """The findings of an example, judged once for all tests of this file."""
    if id(example) not in _FOUND:
        _FOUND[id(example)] = judged(rule, example).findings
    return _FOUND[id(example)]


@pytest.mark.parametrize(("rule", "example"), _BAD)
def test_a_finding_tells_both_values_or_the_reason_is_known(rule: Rule, example: Example) -> None:
    for finding in _found(rule, example):
        if (finding.rule, finding.sub) not in _WITHOUT:
            assert finding.observed, finding
            assert finding.expected, finding


@pytest.mark.parametrize(("rule", "sub"), [pytest.param(*key, id="/".join(key)) for key in _WITHOUT])
def test_an_exception_is_one(rule: str, sub: str) -> None:
    """Where all examples tell their values, it is to be struck out."""
    found = [one for example in rule_of(rule).examples for one in _found(rule_of(rule), example)]
    assert any(not one.observed for one in found if one.sub == sub)


def test_which_rules_tell_no_values_at_all() -> None:
    """Heuristics; else one whose clause names no interval, and one whose measure is a password."""
    silent = {rule.id for rule in (rule_of(name) for name, _ in _WITHOUT) if not any(_values_of(rule))}
    assert {name for name in silent if not name.startswith("DET-")} == {
        "R3261-10.2.7-retry-after-timeout",
        "R7616-digest-verify",
    }


def _values_of(rule: Rule) -> Iterator[str]:
    for example in rule.examples:
        for finding in _found(rule, example):
            yield finding.observed


@pytest.mark.parametrize(("rule", "example"), _BAD)
def test_values_are_short_and_differ(rule: Rule, example: Example) -> None:
    for finding in _found(rule, example):
        _assert_well_formed(finding)
        for value in (finding.observed, finding.expected):
            assert value == value.strip()
            assert not value.endswith(".") or value.endswith("..."), f"no sentence: {value}"


def _assert_well_formed(finding: Finding) -> None:
    observed, expected = finding.observed, finding.expected
    assert bool(observed) == bool(expected), finding
    assert observed != expected or not observed, finding
    for value in (observed, expected):
        assert len(value) <= _MOST * max(1, finding.sub.count(",") + 1), finding
        assert not {"\r", "\n"} & set(value), finding


@pytest.mark.parametrize(("rule", "example"), _BAD)
def test_wire_text_of_the_observed_value_is_in_its_evidence_or_its_sentence(rule: Rule, example: Example) -> None:
    sent = _payloads(example.flow, example.tail, example.log)
    for finding in _found(rule, example):
        told = finding.detail + "\n".join(sent.get(one.place, "") for one in finding.evidence)
        missing = [piece for piece in _wire_pieces(finding.observed) if piece not in told]
        assert not missing, f"{missing} of {finding.observed!r}: {finding.detail}"


@cache
def _payloads(flow: str, tail: float, log: bool) -> dict[object, str]:
    items = read_flow(flow, tail=tail, log=log)
    return {one.place: one.payload.decode("utf-8", "surrogateescape") for one in items if isinstance(one, RawMessage)}


def _wire_pieces(observed: str) -> list[str]:
    """Words with a sign or a digit in them, which our own words have not; numbers only where they are all of it."""
    pieces = [piece.rstrip(",;") for word in observed.split() for piece in word.split("...")]
    marked = [piece for piece in pieces if re.search(r"[\d:@=<>/*\"]", piece)]
    return [piece for piece in marked if piece == observed or not re.fullmatch(r"[\d.]+", piece)]


def test_wire_pieces_are_what_is_not_in_our_words() -> None:
    assert _wire_pieces("no sip:b@h1, no <sip:c@h>") == ["sip:b@h1", "<sip:c@h>"]
    assert _wire_pieces("after 2.0 s") == []
    assert _wire_pieces("423") == ["423"]
    assert _wire_pieces("5F80D6A4C02E...") == ["5F80D6A4C02E"]


@pytest.mark.parametrize(("rule", "example"), _BAD)
def test_no_value_has_a_password(rule: Rule, example: Example) -> None:
    secrets = {word for _, word in example.passwords.items()} | set(re.findall(r"\{\w+ (\w{3,})", example.flow))
    for finding in _found(rule, example):
        values = f"{finding.observed} {finding.expected}"
        assert not [word for word in secrets if word in values]


@pytest.mark.parametrize(
    "flow",
    [
        "> REGISTER sip:h\nContact: <sip:bob:hunter2@192.0.2.10>\n< 200",
        "> REGISTER sip:h\nAuthorization: Basic aHVudGVyMg==\n< 200",
    ],
)
def test_a_password_in_clear_is_not_shown(flow: str) -> None:
    (finding,) = run("R3261-22-scheme", flow).findings
    assert finding.observed
    assert not any(secret in f"{finding.observed}{finding.expected}" for secret in ("hunter2", "aHVudGVyMg"))


def test_no_value_has_the_password_of_a_uri() -> None:
    """Which every program on the way can read, and other programs' records need not have."""
    seen = 0
    for flow in _FLOWS:
        items = [
            replace(one, payload=re.sub(rb"(sips?:[\w.+-]+)@", rb"\1:hunter2@", one.payload))
            for one in read_flow(flow)
            if isinstance(one, RawMessage)
        ]
        for finding in analyze_items(items).findings:
            assert "hunter2" not in finding.observed + finding.expected, finding
            seen += ":...@" in finding.observed
    assert seen > 20


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_values_of_damaged_messages_are_well_formed(draw: st.DataObject) -> None:
    """Whatever is on the wire: both or none, told apart, and short."""
    items: list[Item] = []
    for item in read_flow(draw.draw(st.sampled_from(_FLOWS))):
        if isinstance(item, RawMessage):
            at, gone = draw.draw(st.integers(0, len(item.payload))), draw.draw(st.integers(0, 30))
            item = replace(item, payload=item.payload[:at] + draw.draw(_JUNK) + item.payload[at + gone :])
        items.append(item)
    for finding in analyze_items(items, secrets=Secrets.of({"bob": "secret"})).findings:
        _assert_well_formed(finding)
