"""`sipcheck rules` and `sipcheck explain`: every rule in every form."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from analyzer.cli import sipcheck
from analyzer.judge.findings import Example, Need, Rule
from analyzer.rules import all_rules, rule_text
from analyzer.views import CATALOGUE_FORMATS, ViewOptions, formats, view_names
from analyzer.views.catalogue import GROUPS, flow_of, write_catalogue, write_rule

RULES = all_rules()
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def catalogue(view: str = "table", width: int = 80, rules: Sequence[Rule] | None = None) -> str:
    out = io.StringIO()
    write_catalogue(view, out, ViewOptions(width=width), rules)
    return out.getvalue()


def explained(rule: Rule, view: str = "table", width: int = 80) -> str:
    out = io.StringIO()
    write_rule(rule, view, out, ViewOptions(width=width))
    return out.getvalue()


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_the_catalogue_names_every_rule_once_and_keeps_its_width(width: int) -> None:
    lines = catalogue(width=width).splitlines()
    ends = [line.split()[-1] for line in lines if line]
    assert all(ends.count(rule.id) == 1 for rule in RULES)
    assert all(cell_len(line) <= width and line == line.rstrip() for line in lines)


def test_the_catalogue_counts_and_groups() -> None:
    lines = catalogue().splitlines()
    assert lines[0] == f"{len(RULES)} rules (sipcheck explain RULE tells more of one)"
    assert [line for line in lines if line in GROUPS.values()] == [
        GROUPS[letter] for letter in sorted({rule.group for rule in RULES})
    ]


def test_wide_catalogues_have_the_clause() -> None:
    assert "RFC 3261 10.2" in catalogue(width=120)


def test_groups_that_have_no_name_still_show_their_rules() -> None:
    rules = [replace(RULES[0], group=""), replace(RULES[1], group="Z")]
    text = catalogue(rules=rules)
    assert "\nZ\n" in text
    assert "\nOthers\n" in text


@each_rule
def test_a_rule_is_explained_in_full(rule: Rule) -> None:
    text = words(explained(rule))
    heading = words(rule_text(rule).splitlines()[0])
    for part in (rule.title, rule.id, heading, "why: ", "fix: ", "severity", "at fault", "looks at"):
        assert words(part) in text
    starts = {line.split()[0] for line in explained(rule).splitlines() if line and not line.startswith(" ")}
    assert {"seen" if rule.is_fact else "bad", "good"} <= starts


@each_rule
@pytest.mark.parametrize("width", [60, 80, 200])
def test_an_explanation_keeps_its_width(rule: Rule, width: int) -> None:
    for line in explained(rule, width=width).splitlines():
        assert cell_len(line) <= min(width, 92)
        assert line == line.rstrip()


@each_rule
def test_a_rule_shows_its_first_bad_and_good_example(rule: Rule) -> None:
    text = explained(rule, width=200)
    shown, legal = ([one for one in rule.examples if bool(one.expect or one.facts) is so] for so in (True, False))
    for examples in (shown, legal):
        for line in flow_of(examples[0]).splitlines() if examples else []:
            assert words(line)[:60] in words(text)


@each_rule
def test_a_rule_as_json(rule: Rule) -> None:
    record = json.loads(explained(rule, "json"))
    assert record["schema"] == "sipcheck/1"
    assert (record["rule"], record["clause"], record["force"]) == (rule.id, rule.clause, rule.force)
    assert record["text"] == rule_text(rule)
    assert {example["kind"] for example in record["examples"]} <= {"good", "bad", "seen"}
    assert json.loads(explained(rule, "ndjson")) == {"kind": "rule", **record}
    assert explained(rule, "ndjson").count("\n") == 1


def test_the_catalogue_as_json_and_ndjson_is_the_same() -> None:
    whole = json.loads(catalogue("json"))
    assert whole["schema"] == "sipcheck/1"
    assert [record["rule"] for record in whole["rules"]] == [rule.id for rule in RULES]
    assert [json.loads(line) for line in catalogue("ndjson").splitlines()] == [
        {"kind": "rule", **record} for record in whole["rules"]
    ]


def test_an_empty_catalogue_is_valid() -> None:
    assert json.loads(catalogue("json", rules=[]))["rules"] == []
    assert catalogue("ndjson", rules=[]) == ""
    assert catalogue(rules=[]).startswith("0 rules")


def test_flow_text_loses_the_indent_of_its_file_only() -> None:
    flow = """
            > REGISTER sip:example.com
            CSeq: 5
            -Contact
            < 200
            @60 src=192.0.2.1:5060 > again
            """
    assert flow_of(Example(flow)).splitlines() == [
        "> REGISTER sip:example.com",
        "    CSeq: 5",
        "    -Contact",
        "< 200",
        "@60 src=192.0.2.1:5060 > again",
    ]


def test_what_keeps_a_rule_from_judging_is_said() -> None:
    rule = replace(RULES[0], needs=(Need.BYTES, Need.TAIL))
    assert "where a printed log does not keep the octets; where the source ends too early" in words(explained(rule))


def test_every_form_that_is_offered_writes_and_no_other() -> None:
    for view in CATALOGUE_FORMATS:
        assert catalogue(view) and explained(RULES[0], view)
    assert len({catalogue(view) for view in CATALOGUE_FORMATS}) == len(CATALOGUE_FORMATS)
    with pytest.raises(KeyError):
        catalogue("page")


def test_a_new_view_of_reports_is_not_offered_for_rules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "gaudy.py").write_text('NAME = "gaudy"\nDETAIL = False\n\n\ndef render(*_: object) -> None: ...\n')
    monkeypatch.setattr("analyzer.views.formats.__path__", [*formats.__path__, str(tmp_path)])
    view_names.cache_clear()
    try:
        assert "gaudy" in view_names()
        for command in (["rules"], ["explain", RULES[0].id]):
            done = CliRunner().invoke(sipcheck, [*command, "--format", "gaudy"])
            assert (done.exit_code, "gaudy" in done.output) == (2, True)
    finally:
        view_names.cache_clear()
