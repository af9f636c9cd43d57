"""The table of programs: each row is whole, names what exists, and is found by what a program calls itself."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from analyzer.judge import stacks
from analyzer.judge.selection import has_sub_code
from analyzer.judge.stacks import Fact, fact_of, facts, facts_on, program_called, program_of, programs, sources
from analyzer.rules import all_rules
from analyzer.views.stacks import TOPICS

FOLDER = Path(stacks.__file__).parent
RULES = {rule.id: rule for rule in all_rules()}
ROWS = list(csv.DictReader((FOLDER / "facts.csv").read_text(encoding="utf-8").splitlines()))
BREAKING = [fact for fact in facts() if fact.subs]
COLUMNS = ["program", "versions", "side", "topic", "rule", "subs", "when", "does", "live_with", "source", "chooses"]


def named(fact: Fact) -> str:
    return f"{fact.program.id}-{fact.topic}-{fact.source}"


def test_there_are_hundreds_and_none_twice() -> None:
    assert len(ROWS) > 250
    assert list(ROWS[0]) == COLUMNS
    assert len({tuple(row.values()) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['program']}-{row['topic']}-{row['source']}")
def test_a_row_is_whole(row: dict[str, str]) -> None:
    assert row["program"] in programs()
    assert row["versions"] and row["side"] in ("client", "registrar") and row["topic"] in TOPICS
    number, point, question = row["source"].partition(".")
    assert number in sources() and (not point or question.isdigit())
    for text in (row["does"], row["live_with"]):
        assert not text.endswith((".", " ")) and text == text.strip() and text.isprintable()
        assert text[:1] == text[:1].lower() or not text[:1].isalpha()
    assert row["does"]
    assert row["chooses"] in ("", "silent", "wrong")
    assert all(row.values()) or row["rule"] or not (row["subs"] or row["when"])


@pytest.mark.parametrize("fact", [fact for fact in facts() if fact.rule], ids=named)
def test_a_rule_and_its_sub_codes_exist(fact: Fact) -> None:
    rule = RULES[fact.rule]
    for sub in set(fact.subs) - {stacks.ANY, stacks.NO_SUB}:
        assert has_sub_code(rule, sub), sub
    if fact.subs:
        wanted = {"client": ("UAC", "sender", "attacker"), "registrar": ("registrar", "proxy", "sender")}[fact.side]
        assert any(word in rule.at_fault for word in wanted), rule.at_fault


@pytest.mark.parametrize("fact", BREAKING, ids=named)
def test_a_fact_is_found_by_the_header_of_its_program(fact: Fact) -> None:
    for begin in fact.program.begins:
        agent = f"{begin.upper()}/{fact.versions[0]} (x86_64/linux)"
        sub = "" if fact.subs[0] in (stacks.ANY, stacks.NO_SUB) else fact.subs[0]
        found = fact_of(agent, fact.side, fact.rule, sub, f"it said {fact.when} there")
        assert found is not None and found.program == fact.program and found.rule == fact.rule


def test_what_is_not_exactly_that_is_not_said() -> None:
    agent, rule = "pyVoIP 1.6.8", "R3261-10.2.4-refresh-late"
    assert fact_of(agent, "client", rule, "") is not None
    assert fact_of(agent, "client", rule, "ignored-granted") is not None
    assert fact_of(agent, "client", rule, "no-refresh") is None
    assert fact_of(agent, "registrar", rule, "") is None
    assert fact_of("Unheard-of/1", "client", rule, "") is None
    assert fact_of("", "client", rule, "") is None
    assert fact_of(f"not {agent}", "client", rule, "") is None


def test_what_the_detail_must_have() -> None:
    agent, rule, sub = "Asterisk PBX 22.10.1", "R8760-2.3-challenge-set", "none-answered"
    alone = fact_of(agent, "client", rule, sub, "offered SHA-256 alone, it sends no credentials")
    assert alone is not None and alone.topic == "sha-256"
    assert fact_of(agent, "client", rule, sub, "offered SHA-256 and MD5, it sends no credentials") is None


def test_the_version_that_is_named_comes_before_others() -> None:
    rule = "R7616-3.4-nc-count"
    found = fact_of("SIPp/3.6.1", "client", rule, "not-increasing")
    assert found is not None and found.versions == ("3.6.1",)


def test_joined_sub_codes_are_looked_at_each() -> None:
    found = fact_of("kamailio (5.6.3)", "registrar", "R7616-3.3-challenge-quality", "realm-generic,nonce-reused")
    assert found is not None and found.topic == "nonce"


def test_versions_that_do_the_same_are_one_fact() -> None:
    (fact,) = [one for one in facts() if one.program.id == "baresip" and one.chooses]
    assert (fact.versions, fact.source, fact.named) == (("1.0.0", "1.1.0"), "1.7, 2.2", "baresip 1.0.0 and 1.1.0")


def test_programs_by_header_and_by_name() -> None:
    assert program_of("PJSUA/v2.17-dev Linux") == programs()["pjsua2"]
    assert program_of("  baresip v1.0.0") == programs()["baresip"]
    assert program_of("sip") is None and program_of("\x1b[2J") is None
    for one in programs().values():
        assert program_called(one.name) == program_called(one.id.upper()) == one
        assert program_called(f"{one.name} 1.2.3") == one
    assert program_called("") is None and program_called("callid") is None


def test_no_header_begins_as_that_of_another_program() -> None:
    begins = [(begin.lower(), one.id) for one in programs().values() for begin in one.begins]
    for begin, program in begins:
        assert {other for start, other in begins if begin.startswith(start)} == {program}


def test_a_rule_tells_what_the_table_has() -> None:
    texts = RULES["R3261-10.2.8-423-retry"].stacks
    assert "JsSIP 3.10.1, Net::SIP 0.835, opensip 0.2.1, sibilant 0.4.2: gives up after a 423" in texts
    assert sum(len(rule.stacks) for rule in RULES.values()) > 80
    assert all(any(fact.does in text for text in RULES[fact.rule].stacks) for fact in facts() if fact.rule)
    assert list(facts_on("R3261-10.2-record-route")) == []


def test_no_card_knows_programs_by_itself() -> None:
    """The knowledge is in the table alone."""
    for path in sorted((FOLDER.parent.parent / "rules").glob("*.py")):
        assert not re.search(r"\bstacks\s*=", path.read_text(encoding="utf-8")), path.name
