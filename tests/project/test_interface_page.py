"""docs/interface.md names the commands, options and JSON keys that are there, and as planned what is not."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from analyzer.cli import sipcheck as group
from replay.registrar_app import ServingResult
from replay.registrar_app import _step as registrar_step
from replay.views.load import load_record
from tests.project.pages import code, read, rows, section
from tests.project.test_readme import sipcheck

PAGE = read("docs/interface.md")
COMMANDS = [code(row[0])[0] for row in rows(section(PAGE, "1"))]
ANALYSIS = {code(row[0])[0].removesuffix("[]"): row[1] for row in rows(section(PAGE, "3.1"))}


@cache
def printed(*words: str, code: int | None = None) -> Any:
    """The JSON that a command prints, which ends with `code` (None: 0 or 1)."""
    run = sipcheck([*words, "--format", "json"])
    assert run.returncode in ((0, 1) if code is None else (code,)), run.stderr
    return json.loads(run.stdout)


@cache
def records(kind: str) -> list[dict[str, Any]]:
    """The records of a kind, of a sample that has every kind."""
    if kind == "notices":
        found = printed("log", "tests/data/reports/asterisk-notices-only/input.txt", code=3)[kind]
        return list(found)
    sample = "samples/wrong-password/"
    found = printed("verify-digest", f"{sample}input.pcapng", "--credentials", f"{sample}users.csv")[kind]
    return [found] if isinstance(found, dict) else found


def keys(text: str) -> set[str]:
    """The keys that a cell lists: what is in backquotes outside of brackets."""
    return set(code(re.sub(r"\([^()]*\)", "", text)))


def names(command: str) -> tuple[str, ...]:
    """The words of a command before its arguments."""
    return tuple(word for word in command.split()[1:] if re.fullmatch(r"[a-z][a-z-]+", word))[:2]


def test_every_command_is_listed() -> None:
    with group.make_context("sipcheck", ["rules"], resilient_parsing=True) as context:
        there = set(group.list_commands(context))
    assert {names(command)[0] for command in COMMANDS} == there


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_has_the_options_shown(command: str) -> None:
    run = sipcheck([*names(command), "--help"])
    assert run.returncode == 0, run.stderr
    assert [option for option in re.findall(r"--[a-z-]+", command) if option not in run.stdout] == []


def test_the_common_options_are_there() -> None:
    text = section(PAGE, "1")
    common = text[text.index("Common options") :]
    shown = sipcheck(["pcap", "--help"]).stdout
    options = {option for span in code(common) for option in re.findall(r"--[a-z][a-z-]+", span)}
    assert len(options) > 12
    assert {option for option in options if option not in shown} == set()


def test_every_kind_of_record_is_listed() -> None:
    sample = "samples/wrong-password/"
    whole = printed("verify-digest", f"{sample}input.pcapng", "--credentials", f"{sample}users.csv")
    assert set(whole) == {"schema", *ANALYSIS}


@pytest.mark.parametrize("kind", ANALYSIS)
def test_the_keys_of_a_record_are_those_listed(kind: str) -> None:
    assert records(kind)
    for record in records(kind):
        assert set(record) == keys(ANALYSIS[kind])


def test_the_keys_of_storms_are_those_listed() -> None:
    listed = {code(row[0])[0]: keys(row[1]) for row in rows(section(PAGE, "3.2"))}
    whole = printed("storm", "samples/storm-restart/input.pcap.gz")
    assert set(whole) == {"schema", "sources", "storms", "summary"}
    assert set(whole["storms"][0]) == listed["storms[]"]
    assert set(whole["summary"]) == listed["summary"]


def test_the_keys_of_a_comparison_are_those_listed() -> None:
    listed = {name: keys(row[1]) for row in rows(section(PAGE, "3.8")) for name in code(row[0])}
    whole = printed("compare", "samples/wrong-password/input.pcapng", "samples/server-down/input.pcapng", code=1)
    assert set(whole) == {"schema", "not_compared", *(name.removesuffix("[]") for name in listed)}
    for name, expected in listed.items():
        found = whole[name.removesuffix("[]")]
        assert set(found[0] if isinstance(found, list) else found) == expected


def test_the_keys_of_a_replay_are_those_listed() -> None:
    listed = {name: keys(row[1]) for row in rows(section(PAGE, "3.3")) for name in (code(row[0]) or [row[0]])}
    whole = printed("replay", "plan", "samples/cseq-not-raised/input.pcap")
    step = whole["steps"][0]
    assert set(whole) == listed["the whole"]
    assert set(step) == listed["steps[]"]
    assert set(step["sent"]) == listed["sent"]
    assert set(step["sent"]["edits"][0]) == listed["edits[]"]
    assert set(whole["outcome"]) == listed["outcome"]


def test_the_lists_of_words_are_those_of_the_code() -> None:
    from typing import get_args

    from analyzer.judge.findings import Force, Severity
    from analyzer.register.attempt import Outcome
    from analyzer.register.binding import Certainty

    text = section(PAGE, "3.1")
    for word in (*get_args(Outcome), *get_args(Certainty), *get_args(Force), *get_args(Severity)):
        assert f"`{word}`" in text


def test_every_exit_code_is_listed_once() -> None:
    codes = [number for row in rows(section(PAGE, "2")) for number in row[0].split(", ")]
    assert codes == ["0", "1", "2", "3", "4", "129", "130", "143", "141"]


def test_python_runs() -> None:
    import analyzer

    (example,) = re.findall(r"^```python\n(.*?)^```$", section(PAGE, "4"), re.MULTILINE | re.DOTALL)
    found: dict[str, Any] = {}
    exec(compile(example, "interface.md", "exec"), found)
    assert found["report"].findings and found["storms"].storms == ()
    assert "Planned" not in analyzer.__all__


def returned(function: Callable[..., Any]) -> list[set[str]]:
    """The keys of every dict that is written out in a function, the outermost first."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    dicts = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    return [{str(key.value) for key in one.keys if isinstance(key, ast.Constant)} for one in dicts]


def test_the_keys_of_a_registrar_are_those_listed() -> None:
    text = section(PAGE, "3.4")
    whole, client = text[: text.index("and `clients`")], text[text.index("and `clients`") : text.index("A step has")]
    found = returned(ServingResult.as_json)
    assert {*keys(whole), "clients"} == found[0]
    assert keys(client) == {*found[2], "clients"}
    assert keys(text[text.index("A step has") : text.index("What breaks")]) == returned(registrar_step)[0]


def test_the_keys_of_a_load_are_those_listed() -> None:
    text = section(PAGE, "3.3")
    listed = keys(text[text.index("the mode is `load`:") :]) - {"load"}
    assert listed | {"schema", "mode"} == returned(load_record)[0]
