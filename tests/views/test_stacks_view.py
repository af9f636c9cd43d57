"""`sipcheck explain STACK`: one program, or the list, for a person and a machine."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from analyzer.cli import sipcheck
from analyzer.judge.stacks import facts, programs, sources
from analyzer.views.stacks import TOPICS, facts_of


def run(*words: str, columns: int = 100) -> Result:
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(sipcheck, ["explain", *words])


@pytest.mark.parametrize("program", programs().values(), ids=lambda one: one.id)
@pytest.mark.parametrize("columns", [60, 100])
def test_every_program_is_told_with_all_its_facts(program: object, columns: int) -> None:
    name = program.name  # type: ignore[attr-defined]
    done = run(name.upper(), columns=columns)
    assert done.exit_code == 0 and done.stdout.startswith(f"{name}\n")
    text = " ".join(done.stdout.split()).replace(" ", "").lower()
    for fact in facts_of(program):  # type: ignore[arg-type]
        assert fact.source.split(",")[0] in text
        if columns == 100:
            assert fact.does.split("(")[0].replace(" ", "").lower()[:20] in text
    assert all(cell_len(line) <= columns for line in done.stdout.splitlines())


def test_baresip_for_who_has_a_fleet_of_them() -> None:
    text = " ".join(run("baresip 1.0").stdout.split())
    assert "Answers nothing where SHA-256 is offered, whatever stands beside it. 1.0.0, 1.1.0 · 1.7, 2.2" in text
    assert "live with it: offer it MD5 alone." in text
    assert "1: first round of our measurements" in text


def test_a_client_that_is_a_registrar_too_is_told_as_both() -> None:
    text = run("asterisk").stdout
    assert text.index("As a client") < text.index("As a registrar")


def test_json_of_one_and_of_all() -> None:
    one = json.loads(run("sip.js", "--format", "json").stdout)
    assert set(one) == {"schema", "program", "about", "begins", "facts", "sources"}
    assert len(one["facts"]) == len(facts_of(programs()["sipjs"])) and one["sources"] == sources()
    line = json.loads(run("sip.js", "--format", "ndjson").stdout)
    assert line["kind"] == "stack" and line["facts"] == one["facts"]
    every = json.loads(run("stacks", "--format", "json").stdout)["stacks"]
    assert [row["program"] for row in every] == [program.name for program in programs().values()]
    assert sum(row["facts"] for row in every) == len(facts())
    assert len(run("stacks", "--format", "ndjson").stdout.splitlines()) == len(programs())


def test_the_list_names_all() -> None:
    text = run("stacks").stdout
    assert all(program.name in text for program in programs().values())


def test_a_rule_is_still_a_rule() -> None:
    assert "R3261-8.1.1.4-callid-collision" in run("callid-collision").stdout
    assert "seen: Twinkle 1.10.2: makes its random numbers" in run("callid-collision").stdout


def test_what_is_neither_is_usage_and_says_where_to_look() -> None:
    done = run("nonsense")
    assert done.exit_code == 2
    assert "no rule is called nonsense" in done.stderr and "sipcheck explain stacks" in done.stderr


def test_every_topic_has_facts() -> None:
    assert {fact.topic for fact in facts()} == set(TOPICS)
