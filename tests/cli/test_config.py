"""`sipcheck.toml` and `[tool.sipcheck]`: found upward, options win, every fault is one line with file and place."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.cli.config import KEYS, nearest
from analyzer.rules import all_rules
from tests.cli.test_cli import LOG, run

USERINFO = "R3261-10.2-ruri-userinfo"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a log that has an error, and the working directory below it."""
    (tmp_path / "faulty.txt").write_text(LOG.format(uri="sip:bob@example.com"))
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    return tmp_path


def analyzed(place: Path, *options: str, command: str = "log") -> Result:
    return run(command, str(place / "faulty.txt"), *options)


def findings(place: Path, *options: str) -> set[str]:
    result = analyzed(place, *options, "--format", "json")
    assert result.exit_code in (0, 1), result.stderr
    return {finding["rule"] for finding in json.loads(result.stdout)["findings"]}


def asked(place: Path, *options: str, command: str = "log") -> set[str]:
    result = analyzed(place, *options, "--format", "json", command=command)
    return {outcome["rule"] for outcome in json.loads(result.stdout)["outcomes"]}


def test_without_a_file_nothing_changes(place: Path) -> None:
    assert nearest(place / "a" / "b") is None
    assert USERINFO in findings(place)


@pytest.mark.parametrize("folder", [".", "a", "a/b"])
def test_the_file_is_found_upward(place: Path, folder: str) -> None:
    (place / folder / "sipcheck.toml").write_text(f'ignore = ["{USERINFO}"]\n')
    assert USERINFO not in findings(place)
    assert analyzed(place).exit_code == 0


@pytest.mark.parametrize("folder", [".", "a", "a/b"])
def test_the_table_of_a_pyproject_is_found_upward(place: Path, folder: str) -> None:
    (place / folder / "pyproject.toml").write_text(f'[project]\nname = "x"\n[tool.sipcheck]\nignore = ["{USERINFO}"]\n')
    assert USERINFO not in findings(place)


def test_the_nearest_counts_alone(place: Path) -> None:
    (place / "sipcheck.toml").write_text('nonsense = "never looked at"\n')
    (place / "a" / "sipcheck.toml").write_text("")
    assert USERINFO in findings(place)


def test_a_pyproject_without_the_table_is_none(place: Path) -> None:
    (place / "sipcheck.toml").write_text(f'ignore = ["{USERINFO}"]\n')
    (place / "a" / "pyproject.toml").write_text("[tool.ruff]\nline-length = 120\n")
    (place / "a" / "b" / "pyproject.toml").write_text("this is no TOML, and nothing of ours")
    assert USERINFO not in findings(place)


def test_the_own_file_comes_before_the_pyproject_beside_it(place: Path) -> None:
    (place / "pyproject.toml").write_text("[tool.sipcheck]\nnonsense = 1\n")
    (place / "sipcheck.toml").write_text(f'ignore = ["{USERINFO}"]\n')
    assert USERINFO not in findings(place)


def test_another_file_by_name(place: Path) -> None:
    (place / "sipcheck.toml").write_text("nonsense = 1\n")
    other = place / "other.toml"
    other.write_text(f'ignore = ["{USERINFO}"]\n')
    assert USERINFO not in findings(place, "--config", str(other))
    assert USERINFO in findings(place, "--config", os.devnull)


def write(place: Path, text: str) -> None:
    (place / "sipcheck.toml").write_text(text)


@pytest.mark.parametrize("text", ['select = ["A"]', 'select = "A"', 'select = " A , A"'])
def test_rules_are_a_list_or_a_text(place: Path, text: str) -> None:
    write(place, text)
    assert asked(place) == {rule.id for rule in all_rules() if rule.group == "A"}


def test_a_sub_code_in_a_file(place: Path) -> None:
    write(place, 'ignore = ["R3261-10.2-callid:callid-changed-once", "B"]')
    named = asked(place)
    assert "R3261-10.2-callid" not in named and USERINFO in named


def test_options_win(place: Path) -> None:
    write(
        place, 'fail-on = "never"\nformat = "json"\nignore = ["A"]\nselect = ["A", "B"]\nprofile = "modern"\njobs = 2\n'
    )
    assert analyzed(place).exit_code == 0
    assert analyzed(place).stdout.startswith('{"schema"')
    assert analyzed(place, "--format", "table").stdout.startswith("faulty.txt")
    assert analyzed(place, "--ignore", "B", "--fail-on", "error").exit_code == 1
    assert asked(place, "--select", "C") == asked(place, "--select", "C", "--config", os.devnull)


def test_what_is_selected_by_hand_is_asked_though_the_file_ignores_it(place: Path) -> None:
    write(place, f'ignore = ["{USERINFO}"]')
    assert asked(place, "--select", USERINFO) == {USERINFO}
    assert asked(place, "--select", "A", "--ignore", USERINFO) == asked(
        place, "--select", "A", "--ignore", USERINFO, "--config", os.devnull
    )


def test_verify_digest_stays_with_digests(place: Path) -> None:
    """A configuration narrows what it asks, and does not turn it into something else."""
    everything = asked(place, "--config", os.devnull, command="verify-digest")
    write(place, 'select = ["A", "F"]\nignore = ["R8760"]')
    narrowed = asked(place, command="verify-digest")
    assert narrowed < everything
    assert not [name for name in narrowed if name.startswith("R8760")]


def test_a_path_starts_at_the_file(place: Path) -> None:
    (place / "etc").mkdir()
    known = place / "etc" / "known.json"
    assert analyzed(place, "--write-baseline", str(known)).exit_code == 0
    (place / "sipcheck.toml").write_text('baseline = "etc/known.json"\n')
    assert analyzed(place).exit_code == 0
    assert analyzed(place, "--config", os.devnull).exit_code == 1


def test_what_changes_the_verdict_is_said(place: Path) -> None:
    write(place, 'ignore = ["I"]\nprofile = "modern"\nfail-on = "never"\n')
    notes = json.loads(analyzed(place, "--format", "json").stdout)["summary"]["notes"]
    path = os.path.join("..", "..", "sipcheck.toml")
    assert f"ignore, profile are set by {path}" in notes
    notes = json.loads(analyzed(place, "--format", "json", "--profile", "ims").stdout)["summary"]["notes"]
    assert f"ignore is set by {path}" in notes
    assert f"ignore, profile are set by {path}" in " ".join(analyzed(place).stdout.split())


def test_what_changes_nothing_of_it_is_not(place: Path) -> None:
    write(place, 'fail-on = "never"\ncolor = "never"\n')
    assert json.loads(analyzed(place, "--format", "json").stdout)["summary"]["notes"] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = [", "Invalid value (at end of document)"),
        ("a = 1\nb = \n", "(at line 2"),
        ("ignor = []", "ignor: no such key; the nearest is ignore"),
        ("zzz = []", "zzz: no such key; known are select, "),
        ("password = 'x'", "password: no such key"),
        ("output = 'x'", "output: no such key"),
        ("[tool.sipcheck]\nignore = []", "tool: no such key"),
        (
            'ignore = ["R3261-10.2-calid"]',
            "ignore[0]: no rule is called R3261-10.2-calid; the nearest is R3261-10.2-callid",
        ),
        ('select = ["A", "cseq"]', "select[1]: several rules are called cseq: "),
        ('select = "A,nonsense-x"', "select: no rule is called nonsense-x"),
        ('ignore = ["R3261-10.2-callid:x"]', "ignore[0]: R3261-10.2-callid has no sub-code x"),
        ("ignore = [3]", "ignore[0]: 3 is no text"),
        ("ignore = 3", "ignore: 3 is no list of rules"),
        ("ignore = {a = 1}", "is no list of rules"),
        ('fail-on = "fatal"', "fail-on: 'fatal' is not one of error, warning, info, never"),
        ("fail-on = true", "fail-on: True is not one of"),
        ('profile = "rfc9999"', "profile: 'rfc9999' is not one of rfc3261, modern, ims, legacy2543"),
        ('format = "xml"', "format: 'xml' is not one of csv, json, junit, ndjson, sarif, table"),
        ("jobs = true", "jobs: True is no number from 0 to 256"),
        ('jobs = "2"', "jobs: '2' is no number"),
        ("jobs = 257", "jobs: 257 is no number"),
        ("jobs = -1", "jobs: -1 is no number"),
        (f"jobs = {'1' * 5000}", "a number is too long"),
        ('baseline = ""', "baseline: '' is no path"),
        ("baseline = 1979-05-27", "is no path"),
        ('baseline = "absent.json"', "absent.json: cannot be read: No such file"),
    ],
)
def test_a_fault_is_one_line_with_file_and_place(place: Path, text: str, said: str) -> None:
    write(place, text)
    result = analyzed(place)
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.strip().splitlines()) == 1
    assert said in result.stderr
    assert os.path.join("..", "..") in result.stderr


def test_the_place_in_a_pyproject_is_the_whole_key(place: Path) -> None:
    (place / "pyproject.toml").write_text('[tool.sipcheck]\nfail-on = "fatal"\n')
    assert "pyproject.toml: tool.sipcheck.fail-on: 'fatal'" in analyzed(place).stderr


def test_a_table_that_is_none(place: Path) -> None:
    (place / "pyproject.toml").write_text('[[tool.sipcheck]]\nfail-on = "never"\n')
    assert "pyproject.toml: tool.sipcheck: no table" in analyzed(place).stderr


@pytest.mark.parametrize(
    ("octets", "said"),
    [(b"\xff\xfe", "octet 0 is no UTF-8"), (b"x = " + b"[" * 200_000, ""), (b"#" * (1 << 25), "too long")],
)
def test_octets_that_are_no_toml(place: Path, octets: bytes, said: str) -> None:
    (place / "sipcheck.toml").write_bytes(octets)
    result = analyzed(place)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_file_that_is_not_there(place: Path) -> None:
    result = analyzed(place, "--config", "absent.toml")
    assert result.exit_code == 2
    assert "absent.toml: cannot be read: No such file" in result.stderr


def test_hostile_words_are_shown_escaped(place: Path) -> None:
    write(place, 'ignore = ["\\u001b[2J\\u202e"]\n"\\u009b" = 1\n')
    result = analyzed(place)
    assert "\x1b" not in result.stderr and "\u202e" not in result.stderr
    assert "\\x1b[2J\\u202e" in result.stderr


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40), st.sampled_from(sorted(KEYS)))
def test_whatever_stands_there_it_is_used_or_one_line(place: Path, text: str, key: str) -> None:
    for whole in (text, f"{key} = {text}", f"{key} = {json.dumps(text)}", f"{key} = [{json.dumps(text)}]"):
        (place / "sipcheck.toml").write_bytes(whole.encode("utf-8", "surrogatepass"))
        result = analyzed(place)
        assert result.exit_code in (0, 1, 2)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert result.exit_code != 2 or len(result.stderr.strip().splitlines()) == 1


def test_help_needs_no_configuration(place: Path) -> None:
    write(place, "nonsense = 1")
    result = run("log", "--help")
    assert result.exit_code == 0 and "--config" in result.stdout


def test_other_commands_take_what_they_have(place: Path) -> None:
    """`storm` has no format but two, and no baseline; `export` neither."""
    write(place, 'format = "sarif"\nbaseline = "absent.json"\nfail-on = "never"\n')
    result = run("storm", str(place / "faulty.txt"))
    assert result.exit_code == 0, result.stderr
    result = run("export", str(place / "faulty.txt"), "--to", "ndjson", "-o", str(place / "out.ndjson"))
    assert result.exit_code == 0, result.stderr
    assert run("rules").exit_code == 0


def test_an_export_says_what_narrows_it(place: Path) -> None:
    write(place, 'ignore = ["A"]\n')
    result = run("export", str(place / "faulty.txt"), "--to", "ndjson", "-o", str(place / "out.ndjson"))
    assert result.exit_code == 0
    assert f"sipcheck: ignore is set by {os.path.join('..', '..', 'sipcheck.toml')}\n" in result.stderr
    assert USERINFO not in (place / "out.ndjson").read_text()


def test_the_keys_are_options() -> None:
    help_text = run("pcap", "--help").stdout
    assert [key for key in KEYS if f"--{key}" not in help_text] == []


@pytest.mark.parametrize("key", ["password", "credentials", "output", "write-baseline", "tls-keylog", "password-file"])
def test_secrets_and_places_of_results_are_not_among_them(key: str) -> None:
    """A file found on the way up must not have anything written, nor say where passwords are."""
    assert key not in KEYS


def value_of(key: str) -> Any:
    return {"jobs": 1, "select": ["A"], "ignore": ["A"], "baseline": "x"}.get(key)


@pytest.mark.parametrize("key", ["jobs", "select", "ignore"])
def test_a_right_value_is_taken(place: Path, key: str) -> None:
    write(place, f"{key} = {json.dumps(value_of(key))}")
    assert analyzed(place).exit_code in (0, 1)
