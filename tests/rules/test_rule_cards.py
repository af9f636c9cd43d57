"""The cards: ids, file names, teaching texts, and agreement with the catalogue where that is at hand."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
from functools import cache
from typing import Any

import pytest

from analyzer.judge.findings import Force, Rule
from analyzer.rules import all_rules, module_name, rule_text
from scripts.new import force_of
from tests.shared import RULES_JSON

_RULES = [pytest.param(rule, id=rule.id) for rule in all_rules()]


@cache
def _catalogue() -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in json.loads(RULES_JSON.read_text(encoding="utf-8"))}


_IN_CATALOGUE = [pytest.param(rule, id=rule.id) for rule in all_rules() if rule.id in _catalogue()]


@pytest.mark.parametrize("rule", _RULES)
def test_the_file_is_named_by_the_id(rule: Rule) -> None:
    module = importlib.import_module(f"analyzer.rules.{module_name(rule.id)}")
    assert module.RULE is rule


@pytest.mark.parametrize("rule", _RULES)
def test_what_the_catalogue_does_not_have_claims_no_standard(rule: Rule) -> None:
    """A rule by a clause needs its row: docs/rules/README.md, and `tests/data/rules`."""
    if rule.id not in _catalogue():
        assert rule.clause.startswith("heuristic")
        assert rule.force == "none"
        assert rule.severity != "error"


def test_ids_are_unique() -> None:
    ids = [rule.id for rule in all_rules()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("rule", _IN_CATALOGUE)
@pytest.mark.parametrize("name", ["title", "clause", "severity", "group", "at_fault"])
def test_the_card_agrees_with_the_catalogue(rule: Rule, name: str) -> None:
    row = _catalogue()[rule.id]
    assert getattr(rule, name) == row[name]


@pytest.mark.parametrize("rule", _IN_CATALOGUE)
def test_the_force_is_the_standards_own_word(rule: Rule) -> None:
    assert rule.force == force_of(_catalogue()[rule.id]["strength"])


@pytest.mark.parametrize("rule", _RULES)
def test_the_card_teaches(rule: Rule) -> None:
    assert len(rule_text(rule)) >= 300
    assert rule.fix
    assert rule.clause
    assert rule.why
    assert rule.title
    assert rule.short_title
    assert rule.question.startswith("whether ")


@pytest.mark.parametrize("rule", _RULES)
def test_there_are_good_and_bad_examples(rule: Rule) -> None:
    assert any(example.facts if rule.is_fact else example.expect for example in rule.examples)
    assert any(not (example.expect or example.facts) for example in rule.examples)


@pytest.mark.parametrize("rule", _RULES)
def test_every_sub_code_of_the_source_has_an_example(rule: Rule) -> None:
    shown = {part for one in rule.examples for sub in (*one.expect, *one.facts) for part in sub.split(",")}
    assert _sub_codes(rule) - shown == set()


def _sub_codes(rule: Rule) -> set[str]:
    """Literals given as `sub=`, and those that the teaching text names in backticks and the code has as a string."""
    tree = ast.parse(inspect.getsource(importlib.import_module(f"analyzer.rules.{module_name(rule.id)}")))
    given = {
        node.value
        for call in ast.walk(tree)
        if isinstance(call, ast.keyword) and call.arg == "sub"
        for node in _plain(call.value)
        if isinstance(node.value, str) and node.value
    }
    taught = set(re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`", rule_text(rule)))
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return given | (taught & {text for text in strings if isinstance(text, str)})


def _plain(value: ast.expr) -> list[ast.Constant]:
    """The constants that an expression may be: itself, or the arms of a condition."""
    if isinstance(value, ast.IfExp):
        return [*_plain(value.body), *_plain(value.orelse)]
    return [value] if isinstance(value, ast.Constant) else []


@pytest.mark.parametrize("rule", _RULES)
def test_folded_rules_have_ids_of_the_catalogue(rule: Rule) -> None:
    assert set(rule.supersedes) <= set(_catalogue())


@pytest.mark.parametrize("rule", _RULES)
def test_nobody_is_judged_by_another_hops_words(rule: Rule) -> None:
    if rule.at_fault == "registrar" and rule.subject == "message":
        assert rule.observed_at == "last"
    if rule.at_fault == "UAC":
        assert rule.observed_at == "first"


@pytest.mark.parametrize(
    ("strength", "force"),
    [
        ("MUST NOT", "MUST"),
        ("SHOULD NOT", "SHOULD"),
        ("NOT RECOMMENDED", "SHOULD"),
        ("MAY retry, after", "MAY"),
        ("stmt", "none"),
        ("heuristic", "none"),
        ("MUST (realm unique) / should", "MUST"),
    ],
)
def test_how_the_catalogues_words_are_read(strength: str, force: Force) -> None:
    assert force_of(strength) == force


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_the_card_speaks_plainly(rule: Rule) -> None:
    for title in (rule.short_title, *rule.sub_titles.values()):
        assert 5 < len(title) <= 60
        assert not title.endswith(".")
    assert rule.question.startswith("whether ")


@pytest.mark.parametrize("rule", _RULES)
def test_titles_of_sub_codes_are_of_sub_codes_that_exist(rule: Rule) -> None:
    shown = {sub for example in rule.examples for sub in example.expect}
    assert set(rule.sub_titles) <= shown - {""}
    assert len({rule.short_title, *rule.sub_titles.values()}) == 1 + len(rule.sub_titles)
