"""Marks spare the asking and change no answer: with every rule asked about everything, the report is the same."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from analyzer.capture.opener import open_sources
from analyzer.evidence import Endpoint, Fidelity, Frame, Item, RawMessage, Source
from analyzer.judge.findings import PASSED, Example, Need, Rule
from analyzer.judge.flowtext import read_flow
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject, TransactionSubject
from analyzer.rules import all_rules
from analyzer.run.pipeline import Analysis
from analyzer.run.report import Report
from tests.judge.test_judge_engine import _rule
from tests.register.watch import watch
from tests.shared import LAB, ROOT, SHARED, shared

FOLDERS = [ROOT / "samples", SHARED / "captures" if SHARED else LAB]
NAMES = ("input.", "capture.", "full", "console", "messages")
SOURCES = [
    path
    for folder in FOLDERS
    for path in sorted(folder.rglob("*"))
    if path.name.startswith(NAMES) and path.is_file() and path.stat().st_size < 1 << 19
]
EXAMPLES = [(rule, example) for rule in all_rules() for example in rule.examples]


def report(items: list[Item], sources: list[Source], **given: Any) -> Report:
    analysis = Analysis(sources, **given)
    for item in items:
        analysis.feed(item)
    return analysis.finish()


def assert_same(items: list[Item], **given: Any) -> Report:
    spared = report(items, [Source("flow")], **given)
    asked = report(items, [Source("flow")], exhaustive=True, **given)
    assert spared.outcomes == asked.outcomes
    assert spared.findings == asked.findings
    return spared


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: "/".join(path.parts[-3:]))
def test_every_capture_and_log(path: Path) -> None:
    with open_sources([path]) as reading:
        assert_same(list(reading))


@pytest.mark.parametrize(
    ("rule", "example"), EXAMPLES, ids=[f"{rule.id}-{number}" for number, (rule, _) in enumerate(EXAMPLES)]
)
def test_every_example(rule: Rule, example: Example) -> None:
    del rule
    assert_same(list(read_flow(example.flow, log=example.log)))


def test_every_torture_message() -> None:
    here = Endpoint("192.0.2.1", 5060)
    items: list[Item] = [
        RawMessage(path.read_bytes(), number * 10**9, Frame("torture", number + 1), here, Endpoint("192.0.2.2", 5060))
        for number, path in enumerate(sorted(shared("torture").rglob("*.dat")))
    ]
    assert items
    assert_same(items)


_TWO_USERS = "".join(
    f"@{600 * at} > REGISTER sip:h\nCall-ID: one\nCSeq: {number}\nTo: <sip:{user}@h>\n"
    f"From: <sip:{user}@h>;tag=1\n< 200\n"
    for at, (user, number) in enumerate([("a", 1), ("b", 2), ("a", 3), ("a", 4), ("b", 7), ("a", 9)])
)
_BROKEN = (
    '> REGISTER sip:h\n< 401\nWWW-Authenticate: Digest realm="h", nonce="n"\n> REGISTER sip:h\n'
    'Authorization: Digest username="bob", realm="h", nonce="n", uri="sip:h", response="{}\n< 401'
)


@pytest.mark.parametrize("flow", [_TWO_USERS, _BROKEN.format("0" * 32), _BROKEN.format('x" y"')])
def test_what_captures_of_others_showed(flow: str) -> None:
    """Two accounts that share a counter, and credentials that are malformed."""
    assert_same(list(read_flow(flow)))


def test_marks_settle_the_same_under_every_profile() -> None:
    items = list(read_flow("> REGISTER sip:h\nTo: <sip:bob@h>;tag=1\nFrom: <sip:bob@h>\n< 200"))
    for profile in ("rfc3261", "legacy2543", "ims", "modern"):
        assert_same(items, profile=profile)


def test_a_rule_is_spared_what_its_card_says() -> None:
    """That the tests above compare two ways: the check is not called without its mark, and the tally says what it
    would have answered."""
    called: list[str] = []

    def check(subject: MessageSubject, context: object) -> Any:
        del context
        called.append(subject.message.method or str(subject.message.status))
        return ()

    flow = "> REGISTER sip:h\n< 401\n> REGISTER sip:bob@h\n< 200"
    for card, asked, tally in (
        ({"applies_if": marks.CHALLENGE}, ["401"], (0, 3)),
        ({"violates_only_if": marks.RURI_USER}, ["REGISTER"], (3, 0)),
        ({"applies_if": marks.REQUEST, "violates_only_if": marks.RURI_USER}, ["REGISTER"], (1, 2)),
        ({}, ["REGISTER", "401", "REGISTER", "200"], (0, 0)),
    ):
        called.clear()
        rule = _rule(check, subject="message", observed_at="any", **card)
        found = report(list(read_flow(flow)), [Source("flow")], rules=[rule]).outcomes[rule.id]
        assert called == asked
        assert (found.passed, found.not_applicable) == tally


_ORDINARY = """> REGISTER sip:h
< 401
WWW-Authenticate: Digest realm="example.com", nonce="n1", qop="auth"
> REGISTER sip:h
Authorization: {bob x}
"""
_SECOND = 'Authorization: Digest username="al", realm="example.com", nonce="n1", uri="sip:h", response="0"\n'
_ALL = {marks.ODD_FORM, marks.OTHER_URI, marks.OTHER_NONCE}


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        (_ORDINARY + "< 200", set()),
        (_ORDINARY + "< 401", {marks.REFUSED}),
        (_ORDINARY + "< 403", set()),
        (_ORDINARY, set()),
        (_ORDINARY.replace('qop="auth"', "algorithm=MD5") + "< 200", set()),
        (_ORDINARY.replace("{bob x}", "{bob x qop=}") + "< 200", {marks.ODD_FORM}),
        (_ORDINARY.replace("{bob x}", "{bob x algorithm=SHA-256}") + "< 200", {marks.ODD_FORM}),
        (_ORDINARY.replace("{bob x}", "{bob x opaque=o}") + "< 200", {marks.ODD_FORM}),
        (_ORDINARY.replace("{bob x}", "{bob x nonce=n0}") + "< 200", {marks.ODD_FORM, marks.OTHER_NONCE}),
        (_ORDINARY.replace("{bob x}", "{bob x uri=sip:H}") + "< 200", {marks.OTHER_URI}),
        (_ORDINARY.replace("{bob x}", "{bob x uri=}") + "< 200", {marks.OTHER_URI}),
        (_ORDINARY.replace("{bob x}\n", "{bob x}\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\n"
                           "Via: SIP/2.0/UDP b;branch=z9hG4bKb\n") + "< 200", {marks.OTHER_URI}),
        (_ORDINARY + "< 200\nAuthentication-Info: nextnonce=\"n2\"\n@60 > REGISTER sip:h\n"
                     "Authorization: {bob x nonce=n1 nc=00000002}\n< 200", {marks.OTHER_NONCE}),
        (_ORDINARY + "< 200\n@60 > REGISTER sip:h\nAuthorization: {bob x nonce=n1}\n< 200", {marks.ODD_FORM}),
        (_ORDINARY.replace("{bob x}\n", "{bob x}\n" + _SECOND) + "< 200", _ALL),
        ("> REGISTER sip:h\n" + _SECOND.replace("n1", "").replace('"0"', '""') + "< 401", _ALL | {marks.REFUSED}),
    ],
)  # fmt: skip
def test_what_credentials_are_marked_with(flow: str, found: set[int]) -> None:
    """Of one that is in order nothing is left to be asked; of each oddity, and of several, something is."""
    subjects = [one for one in watch(flow).subjects if isinstance(one, TransactionSubject) and one.digests]
    of_digests = marks.ODD_FORM | marks.OTHER_URI | marks.OTHER_NONCE | marks.REFUSED
    assert {mark for mark in _ALL | {marks.REFUSED} if subjects[-1].marks & mark} == found
    assert subjects[-1].marks & marks.DIGESTS
    assert not MessageSubject(subjects[-1].transaction.request, subjects[-1].transaction, None).marks & of_digests  # type: ignore[arg-type]


def test_ordinary_digests_are_asked_of_two_rules_alone() -> None:
    """What the password says of them cannot be told by a mark; all else can."""
    asked: set[str] = set()

    def told(rule: Rule, subject: Any, context: Any) -> Any:
        asked.add(rule.id)
        return rule.check(subject, context)

    rules = [replace(rule, check=partial(told, rule)) for rule in all_rules()]
    report(list(read_flow(_ORDINARY + "< 200")), [Source("flow")], rules=rules)
    about_digests = {rule.id for rule in rules if rule.applies_if in (marks.DIGESTS, marks.REFUSED)}
    assert len(about_digests) > 8
    assert asked & about_digests == {"R7616-digest-outcome", "R7616-digest-verify"}


def test_marks_are_bits_of_their_own() -> None:
    values = [value for name, value in vars(marks).items() if name.isupper()]
    assert len(values) > 20
    assert sum(values) == (1 << len(values)) - 1


def test_what_is_missing_is_no_mark() -> None:
    """A kind of subject is told by its marks and by what the coverage lacks of it: no bit may stand for both, or the
    plan of a capture serves a log that is read beside it."""
    flow = read_flow("> REGISTER sip:h\n< 200\n@60 > REGISTER sip:h\n< 200")
    items: list[Item] = [
        replace(item, fidelity=Fidelity.TEXT_LOG if number > 1 else item.fidelity)
        for number, item in enumerate(flow)
        if isinstance(item, RawMessage)
    ]
    told: dict[int, list[str]] = {}
    for mark in (value for name, value in vars(marks).items() if name.isupper()):
        rule = _rule(lambda *_: PASSED, subject="transaction", observed_at="any", needs=tuple(Need))
        found = _with_mark(mark, rule, items)
        told[mark] = [outcome for outcome in ("passed", "not_judged") if getattr(found, outcome)]
    assert set(map(tuple, told.values())) == {("passed", "not_judged")}


def _with_mark(mark: int, rule: Rule, items: list[Item]) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionSubject, "marks", property(lambda _: mark))
        return report(items, [Source("flow")], rules=[rule]).outcomes[rule.id]
