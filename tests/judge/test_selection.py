"""Names of rules as people type them: ids, groups, sections, sub-codes; and what an unknown one is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Rule, Violated
from analyzer.judge.flowtext import read_flow
from analyzer.judge.selection import (
    MOST_NAMED,
    UnknownRule,
    chosen,
    has_sub_code,
    named_rules,
    one_rule,
    sub_codes,
)
from analyzer.register.digest.diagnosis.engine import all_hypotheses
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from analyzer.views.catalogue import GROUPS
from tests.rules.cases import judged, rule_of, subs

RULES = all_rules()
QUALITY = "R7616-3.3-challenge-quality"


def ids(name: str) -> set[str]:
    return {rule.id for rule, _ in named_rules(name, RULES)}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_an_id_is_that_rule_alone(rule: Rule) -> None:
    for name in (rule.id, rule.id.lower(), rule.id.upper()):
        assert named_rules(name, RULES) == [(rule, "")]
        assert one_rule(name, RULES) is rule


def test_a_part_that_one_id_has() -> None:
    assert ids("ruri-userinfo") == {"R3261-10.2-ruri-userinfo"}


@pytest.mark.parametrize("letter", GROUPS)
def test_a_group_is_a_letter(letter: str) -> None:
    assert ids(letter) == ids(letter.lower()) == {rule.id for rule in RULES if rule.group == letter} != set()


@pytest.mark.parametrize("start", ["R3261", "R3261-10.3", "R3261-10.2.4", "DET", "r7616-3.4", "R8760"])
def test_a_section_is_the_beginning_of_ids(start: str) -> None:
    found = ids(start)
    assert len(found) > 1
    assert all(name.lower().startswith(start.lower()) for name in found)
    assert all(name[len(start)] in ".-" for name in found)


def test_a_section_is_no_part_of_a_number() -> None:
    """`R3261-10.2` has no rule of a section 10.21, and `R326` no rule of RFC 3261."""
    with pytest.raises(UnknownRule):
        named_rules("R326", RULES)
    made_up = replace(rule_of("R3261-10.2-callid"), id="R3261-10.21-x")
    assert made_up not in [rule for rule, _ in named_rules("R3261-10.2", (*RULES, made_up))]


@pytest.mark.parametrize("start", ["R3261-", "R3261-10.", "", "-", "."])
def test_half_a_section_is_none(start: str) -> None:
    with pytest.raises(UnknownRule):
        named_rules(start, RULES)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("R3261-10.2-calid", "R3261-10.2-callid"),
        ("userinfos", "R3261-10.2-ruri-userinfo"),
        ("DET-brut-user", "DET-brute-user"),
        (f"{QUALITY}:nonce-shor", "nonce-short"),
        ("R3261-10.2-callid:chnged", "callid-changed-once"),
    ],
)
def test_an_unknown_name_is_told_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(UnknownRule) as raised:
        named_rules(name, RULES)
    assert f"the nearest is {nearest} " in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_means_several_rules_names_them() -> None:
    with pytest.raises(UnknownRule) as raised:
        named_rules("cseq", RULES)
    assert "R3261-22.2-cseq-retry" in str(raised.value) and "R3261-10.2-cseq-gap" in str(raised.value)
    with pytest.raises(UnknownRule, match=r"and \d+ more$") as raised:
        one_rule("-", RULES)
    assert str(raised.value).count("R3261-") <= MOST_NAMED


def test_one_rule_takes_no_group() -> None:
    with pytest.raises(UnknownRule):
        one_rule("F", RULES)


def test_a_rule_without_sub_codes_says_so() -> None:
    with pytest.raises(UnknownRule, match="has no sub-code x, nor any other"):
        named_rules("R3261-10.2-ruri-userinfo:x", RULES)


def test_a_sub_code_in_whatever_case() -> None:
    ((rule, sub),) = named_rules(f"{QUALITY.lower()}:NONCE-SHORT", RULES)
    assert (rule.id, sub) == (QUALITY, "nonce-short")


def test_every_hypothesis_is_a_sub_code() -> None:
    rule = rule_of("R7616-digest-verify")
    for hypothesis in all_hypotheses():
        assert has_sub_code(rule, hypothesis.id)
        assert named_rules(f"digest-verify:{hypothesis.id.lower()}", RULES) == [(rule, hypothesis.id)]
    assert has_sub_code(rule, "D01+D02") and not has_sub_code(rule, "D1") and not has_sub_code(rule, "")


@given(st.text(max_size=30))
def test_whatever_is_typed_is_a_rule_or_one_line(name: str) -> None:
    try:
        assert named_rules(name, RULES)
    except UnknownRule as error:
        assert str(error).isprintable()


def selected(select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> set[str]:
    return {rule.id for rule in chosen(RULES, select, ignore)}


def test_all_without_names() -> None:
    assert chosen(RULES, (), ()) == list(RULES)


def test_ignore_takes_out_of_what_is_selected() -> None:
    assert selected(("F",), ("R8760",)) == {name for name in ids("F") if not name.startswith("R8760")}
    assert selected((), ("A", "B")) == {rule.id for rule in RULES if rule.group not in "AB"}
    assert selected(("F",), ("F",)) == set()


def test_the_order_is_that_of_the_rules() -> None:
    kept = [rule.id for rule in chosen(RULES, ("I", "A", "R3261-10.2-callid"), ())]
    assert kept == [rule.id for rule in RULES if rule.id in kept]


def found(rule_id: str, select: tuple[str, ...], ignore: tuple[str, ...]) -> dict[str, int]:
    """How often each sub-code is found in a rule's bad examples, as narrowed."""
    counts: dict[str, int] = {}
    for rule in chosen([rule_of(rule_id)], select, ignore):
        for example in rule_of(rule_id).examples:
            for sub in subs(judged(rule, example)):
                counts[sub] = counts.get(sub, 0) + 1
    return counts


@pytest.mark.parametrize("rule_id", ["R3261-10.2-cseq-increment", "R3261-10.2-expires-value", "DET-herd"])
def test_a_rule_is_narrowed_to_a_sub_code_or_freed_of_it(rule_id: str) -> None:
    everything = found(rule_id, (), ())
    assert len(everything) >= 2
    for sub in filter(None, everything):
        assert found(rule_id, (f"{rule_id}:{sub}",), ()) == {sub: everything[sub]}
        assert found(rule_id, (), (f"{rule_id}:{sub}",)) == {
            other: number for other, number in everything.items() if other != sub
        }


def test_two_sub_codes_of_a_rule_are_both_asked() -> None:
    rule_id = "R3261-10.2-cseq-increment"
    assert set(found(rule_id, (f"{rule_id}:repeat", f"{rule_id}:wrap"), ())) == {"repeat", "wrap"}
    assert "repeat" not in found(rule_id, (f"{rule_id}:repeat", f"{rule_id}:wrap"), (f"{rule_id}:repeat",))
    assert found(rule_id, (f"{rule_id}:repeat", rule_id), ()) == found(rule_id, (), ())


def checked(answers: Any, select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> Any:
    """What a rule with the sub-codes of the quality of challenges answers, narrowed."""
    rule = replace(rule_of(QUALITY), check=lambda subject, context: answers)
    (narrowed,) = chosen([rule], select, ignore)
    return narrowed.check(None, None)


def test_of_joined_sub_codes_the_rest_stays() -> None:
    joined = Violated("two things", "realm-address,nonce-short")
    codes = sub_codes(rule_of(QUALITY))
    assert {"nonce-short"} <= set(codes)
    other = next(code for code in codes if code != "nonce-short")
    joined = replace(joined, sub=f"{other},nonce-short")
    assert checked(joined, (f"{QUALITY}:nonce-short",)).sub == "nonce-short"
    assert checked(joined, (), (f"{QUALITY}:nonce-short",)).sub == other
    assert checked(joined, (), (f"{QUALITY}:nonce-short", f"{QUALITY}:{other}")) is NOT_APPLICABLE


def test_other_answers_are_as_they_were() -> None:
    answers: tuple[Answer, ...] = (PASSED, NOT_APPLICABLE, Violated("x", "nonce-short"))
    assert checked(answers, (f"{QUALITY}:nonce-short",)) == answers
    assert checked(PASSED, (f"{QUALITY}:nonce-short",)) is PASSED
    assert checked(iter(answers), (f"{QUALITY}:nonce-short",)) == answers


def test_a_rule_that_is_not_narrowed_is_the_same_object() -> None:
    """The judge's path is the same for it."""
    for rule in chosen(RULES, (), (f"{QUALITY}:nonce-short",)):
        assert (rule in RULES) is (rule.id != QUALITY)


def test_a_narrowed_rule_counts_its_answers() -> None:
    flow = "> REGISTER sip:example.com\nExpires: soon\n< 200"
    rule_id = "R3261-10.2-expires-value"
    one = analyze_items(read_flow(flow), rules=chosen(RULES, (rule_id,), (f"{rule_id}:malformed",)))
    tally = one.outcomes[rule_id]
    assert (tally.violated, tally.not_applicable, one.findings) == (0, tally.not_applicable, [])
    assert tally.not_applicable >= 1
