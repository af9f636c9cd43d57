"""When columns are tried, and what becomes of a capture that is not for them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from analyzer.cli import sipcheck
from analyzer.columnar import door
from analyzer.columnar.records import Unsuited
from analyzer.columnar.same import differences
from analyzer.evidence import Endpoint, Evidence, Frame
from analyzer.register.reachability import Reachability, Stretch
from analyzer.rules import all_rules
from analyzer.run import pipeline
from analyzer.run.compared import difference, first_difference
from analyzer.run.pipeline import analyze
from analyzer.views import ViewOptions, load_view
from benchmarks.population import write_users
from tests.columnar.captures import as_json


class Asked:
    """Counts how often columns are tried, and tells nothing."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        monkeypatch.setattr(door, "read", self)

    def __call__(self, *_: object, **__: object) -> list[Any]:
        self.count += 1
        return []


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)


def test_small_captures_are_for_the_object_path(asked: Asked, calm: Path) -> None:
    analyze(calm, tables=False)
    assert asked.count == 0


def test_large_captures_are_tried(asked: Asked, calm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_LEAST_OCTETS", 1000)
    analyze(calm, tables=False)
    assert asked.count == 1


@pytest.mark.parametrize(
    "given",
    [
        {"columnar": "never"},
        {"aor": "sip:1000012@example.com"},
        {"profile": "modern"},
        {"clock": lambda: 0},
    ],
    ids=lambda given: next(iter(given)),
)
def test_what_columns_cannot_do_they_are_not_asked(asked: Asked, calm: Path, given: dict[str, Any]) -> None:
    analyze(calm, **{"tables": False, "columnar": "always", **given})
    assert asked.count == 0


def test_several_captures_are_for_the_object_path(asked: Asked, calm: Path, quiet: Path) -> None:
    analyze([calm, quiet], tables=False, columnar="always")
    assert asked.count == 0


def test_passwords_and_tables_are_no_reason_against_it(asked: Asked, calm: Path, tmp_path: Path) -> None:
    users = tmp_path / "users.csv"
    write_users(users, 3, 1)
    analyze(calm, tables=True, columnar="always", credentials=users)
    assert asked.count == 1


def test_streams_and_logs_are_for_the_object_path(asked: Asked, calm: Path, tmp_path: Path) -> None:
    with calm.open("rb") as file:
        analyze(file, tables=False, columnar="always")
    log = tmp_path / "a.log"
    log.write_text("[Jan  1 00:00:00] NOTICE[1]: chan_sip.c: nothing\n")
    analyze(log, kind="log", tables=False, columnar="always", dialect="bare")
    assert asked.count == 0


def test_what_is_given_up_is_read_by_the_object_path(calm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Unsuited("not today")

    monkeypatch.setattr(door, "partials_of", refuse)
    assert as_json(analyze(calm, tables=False, columnar="always")) == as_json(
        analyze(calm, tables=False, columnar="never")
    )


def test_a_rule_that_a_profile_weighs_is_for_the_object_path(calm: Path) -> None:
    from analyzer.judge.findings import InProfile

    rules = [replace(all_rules()[0], profiles=(InProfile("rfc3261", (), "info"),))]
    assert door.read(str(calm), lambda **_: None, rules, lambda *_: None, detail=False, tables=False) == []  # type: ignore[arg-type]


def test_an_interrupt_ends_it(calm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(door, "capture_of", interrupt)
    report = analyze(calm, tables=False, columnar="always")
    assert report.interrupted
    assert report.summary.messages == 0
    assert [note.partition(";")[0] for note in report.notes] == [
        "a capture that is read in columns is judged when all of it is read"
    ]
    out = io.StringIO()
    load_view("table")(report, out, ViewOptions(width=100, color=False))
    assert "interrupted before any message was judged." in out.getvalue()
    for untrue in ("no REGISTER was seen", "no clock", "Not judged"):
        assert untrue not in out.getvalue()


def test_a_rule_that_fails_is_told_as_before(calm: Path) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a fault of the rule")

    broken = [replace(rule, check=fail) if rule.id == "DET-weak-md5" else rule for rule in all_rules()]  # type: ignore[arg-type]
    reports = [as_json(analyze(calm, tables=False, rules=broken, columnar=how)) for how in ("always", "never")]
    assert reports[0] == reports[1]


def test_few_rules(calm: Path) -> None:
    few = [rule for rule in all_rules() if rule.id in ("DET-weak-md5", "R5626-4.2.1-outbound-request", "DET-herd")]
    for rules in (few, []):
        reports = [as_json(analyze(calm, tables=False, rules=rules, columnar=how)) for how in ("always", "never")]
        assert reports[0] == reports[1]


def test_check_is_silent_where_both_agree(calm: Path) -> None:
    results = [CliRunner().invoke(sipcheck, ["pcap", str(calm), "--columnar", how]) for how in ("check", "never")]
    assert results[0].stdout == results[1].stdout
    assert results[0].exit_code == results[1].exit_code == 1


def test_check_tells_the_first_difference(calm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = door.read

    def otherwise(*given: Any, **named: Any) -> Any:
        parts = read(*given, **named)
        parts[1].registrations[0].status = 204
        return parts

    monkeypatch.setattr(door, "read", otherwise)
    result = CliRunner().invoke(sipcheck, ["pcap", str(calm), "--columnar", "check", "--format", "json"])
    assert result.exit_code == 4
    assert "the report in columns differs: registrations[" in result.stderr
    assert "].status is 200 and 204" in result.stderr


def test_small_captures_load_nothing_of_it() -> None:
    code = (
        "import sys; from analyzer import analyze; analyze('samples/clean-registration/input.pcap', tables=False); "
        "print([name for name in sys.modules if name.startswith(('analyzer.columnar', 'numpy'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ({"a": 1}, {"a": 1}, ""),
        ({"a": [1, 2]}, {"a": [1, 3]}, "a[1] is 2 and 3"),
        ({"a": [1]}, {"a": [1, 3]}, "a has 1 and 2 entries"),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, ' is {"a": 1, "b": 2} and {"b": 2, "a": 1}'),
        ({"a": {"b": None}}, {"a": {"b": "\x1b"}}, 'a.b is null and "\\u001b"'),
        ({"a": 1}, {"a": 1.0}, "a is 1 and 1.0"),
    ],
)
def test_the_first_difference_of_two_values(one: Any, other: Any, told: str) -> None:
    assert difference(one, other) == told


def test_the_first_difference_of_two_reports(calm: Path) -> None:
    one, other = (analyze(calm, tables=False, columnar="never") for _ in range(2))
    assert first_difference(one, other) == ""
    other.findings[0].detail = "something else"
    assert first_difference(one, other).startswith("findings[0].detail is ")
    assert json.loads(as_json(one)) != json.loads(as_json(other))


def test_values_are_compared_down_to_their_slots() -> None:
    by = Evidence(Frame("x", 1), 5)
    one, two = (Reachability.of(Stretch("bound", 1, "registered", by, None, 9)) for _ in range(2))
    assert differences(one, two) == []
    two.stretches[0].expires = 10
    assert differences(one, two, "reach") == ["reach._kept[0].expires"]
    assert differences((1, 2), (1, 2, 3), "x") == ["x (length)"]
    assert differences(1, True, "x") == ["x"]
    assert differences(Endpoint("a", 1), ("a", 1), "x") == ["x"]
