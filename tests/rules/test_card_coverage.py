"""The coverage flags and profiles on the cards are those of the catalogue (docs/rules/conventions.md 2, 4), and what
programs do, what is disputed, and which purposes a rule answers, is told in one form."""

from __future__ import annotations

import json
import re

import pytest

from analyzer.evidence import RawMessage
from analyzer.judge.findings import Need, Rule
from analyzer.judge.flowtext import read_flow
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from tests.rules.cases import rule_of, run
from tests.shared import RULES_JSON

_VIEWS = {row["id"]: row["view"] for row in json.loads(RULES_JSON.read_text(encoding="utf-8"))}
_FLAGS = {
    Need.C2S: r"\bC2S\b",
    Need.S2C: r"\bS2C\b",
    Need.BYTES: r"\bBYTES\b",
    Need.SUBSECOND: r"\bTS<1s",
    Need.WHOLE: r"complete (?:message|headers)",
    Need.HEAD: r"\bHEAD\b",
    Need.TAIL: r"\bTAIL\b",
}
_PROVEN = "what it looks at is a response, so that side is visible"
_OTHERWISE = {
    ("R3261-10.2.4-refresh-late", Need.S2C): _PROVEN,
    ("R3261-10.3-3-authenticate", Need.S2C): _PROVEN,
    ("R3261-21.5.4-retry-after", Need.S2C): _PROVEN,
    ("R3261-10.2-callid", Need.S2C): "the catalogue says better with it",
    ("R3261-10.2.7-retry-after-timeout", Need.S2C): "the check answers so itself, where silence is not proven",
    ("R5626-4.5-backoff", Need.S2C): "the check answers so itself, where silence is not proven",
    ("R3261-17.2-unanswered", Need.S2C): "the check answers so itself, where the server was never heard",
    ("DET-enum-users", Need.C2S): "it counts over all clients, of which there are none without requests",
    ("DET-register-flood", Need.C2S): "it counts over all clients, of which there are none without requests",
}
"""Flags of the catalogue that a card does not have, and why it need not."""
_STACK = re.compile(r"[A-Z][\w':. ()-]*?|(?:\w[\w.'-]* ?)+")
_VERSION = re.compile(r"\d+\.\d+|chan_sip|uac with")


def wanted(rule: Rule) -> set[Need]:
    """The flags that the catalogue's row names; a heuristic of ours may have no row."""
    return {need for need, pattern in _FLAGS.items() if re.search(pattern, _VIEWS.get(rule.id, ""))}


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_a_card_demands_what_the_catalogue_says(rule: Rule) -> None:
    missing = wanted(rule) - set(rule.needs)
    assert {need for need in missing if (rule.id, need) not in _OTHERWISE} == set()


def test_each_exception_is_one() -> None:
    for name, need in _OTHERWISE:
        rule = rule_of(name)
        assert need in wanted(rule)
        assert need not in rule.needs


@pytest.mark.parametrize("rule", ["R3261-17.1.2.2-retransmit", "R7616-3.4-nc-count"])
def test_an_answer_alone_says_nothing_of_the_request(rule: str) -> None:
    items = read_flow("> REGISTER sip:h\n< 200\n@600 > REGISTER sip:h\n< 200", tail=60)
    answers = [item for item in items if not (isinstance(item, RawMessage) and item.payload.startswith(b"REGISTER"))]
    tally = analyze_items(answers, rules=[rule_of(rule)]).outcomes[rule]
    assert (tally.passed, tally.violated, tally.not_judged) == (0, 0, {"C2S": 2})


def test_only_one_profile_is_asked_for_by_the_catalogue_and_stands_on_the_card() -> None:
    alone = {name: match[1] for name, view in _VIEWS.items() if (match := re.search(r"profile=(\w+)", view))}
    assert {rule.id: rule.only_in[0] for rule in all_rules() if rule.only_in} == alone


def test_an_old_network_is_not_held_to_cookies_tags_and_max_forwards() -> None:
    """docs/rules/conventions.md 4."""
    flow = "> REGISTER sip:h\nVia: SIP/2.0/UDP 192.0.2.10;branch=1\nFrom: <sip:bob@h>\n-Max-Forwards\n"
    flow += "< 200\nTo: <sip:bob@h>"
    for name in (
        "R3261-8.1.1.7-branch-cookie",
        "R3261-8.1.1.3-from-tag",
        "R3261-8.1.1-mandatory",
        "R3261-8.2.6.2-to-tag",
    ):
        assert run(name, flow).findings, name
        assert not run(name, flow, profile="legacy2543").findings, name


@pytest.mark.parametrize("profile", ["rfc3261", "ims"])
def test_the_first_request_of_a_mobile_network_has_no_digest_to_be_wrong(profile: str) -> None:
    """docs/rules/conventions.md 4, T-IMS: an empty nonce and response answer no challenge."""
    empty = 'Authorization: Digest username="bob", realm="h", nonce="", uri="sip:h", response=""'
    for rule in all_rules():
        if rule.group == "F":
            assert run(rule.id, f"> REGISTER sip:h\n{empty}\n", profile=profile).findings == [], rule.id


@pytest.mark.parametrize("rule", [rule for rule in all_rules() if rule.stacks], ids=lambda rule: rule.id)
def test_a_program_is_told_with_its_version_and_what_it_does(rule: Rule) -> None:
    for stack in rule.stacks:
        program, colon, does = stack.partition(": ") if ": " in stack[:90] else (stack, "", "")
        assert _VERSION.search(program), stack
        assert not stack.endswith(".")
        assert (colon and does) or len(stack.split()) > 4


@pytest.mark.parametrize("rule", [rule for rule in all_rules() if rule.disputed], ids=lambda rule: rule.id)
def test_a_dispute_names_two_documents_or_two_places(rule: Rule) -> None:
    assert len(re.findall(r"RFC \d+|ETSI TS \d+|\b\d+\.\d+(?:\.\d+)*\b", rule.disputed)) >= 2
    assert not rule.disputed.endswith(".")


def test_each_disagreement_of_the_catalogue_is_on_a_card() -> None:
    """docs/rules/disagreements.md has twelve, and some concern several rules."""
    assert len([rule for rule in all_rules() if rule.disputed]) >= 12
