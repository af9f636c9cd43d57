"""`--baseline` and `--write-baseline`, as a pipeline uses them; `--stats`; names of rules on the command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analyzer.cli.outcome import Outcome
from analyzer.judge.findings import Answer
from tests.cli.test_cli import LOG, run
from tests.cli.test_follow import wrong
from tests.shared import ROOT
from tests.views.reports import REGISTERED, report_of

WRONG = [str(ROOT / "samples/wrong-password/input.pcapng"), "--credentials"]
WRONG.append(str(ROOT / "samples/wrong-password/users.csv"))
USERINFO = "R3261-10.2-ruri-userinfo"


def again(text: str) -> str:
    """The log of another run: other Call-IDs, tags, branches, ports, lines."""
    text = re.sub(r"(?m)^Call-ID: \w+", "Call-ID: other", text)
    text = text.replace("tag=f1", "tag=f77").replace("z9hG4bK1", "z9hG4bK88").replace(":5060", ":40112")
    return "\n\n[a line of another kind]\n\n" + text


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    path = tmp_path / "faulty.txt"
    path.write_text(LOG.format(uri="sip:bob@example.com"))
    return path


@pytest.fixture
def known(faulty: Path, tmp_path: Path) -> str:
    """A baseline of what the faulty log has."""
    name = str(tmp_path / "known.json")
    result = run("log", str(faulty), "--write-baseline", name)
    assert result.exit_code == 0
    return name


def test_what_is_written_is_shown_and_accepted(faulty: Path, tmp_path: Path) -> None:
    name = tmp_path / "known.json"
    result = run("log", str(faulty), "--write-baseline", str(name))
    assert result.exit_code == 0
    assert USERINFO in result.stdout
    assert re.fullmatch(rf"{re.escape(str(name))}: \d+ findings? known from now on\n", result.stderr)
    assert USERINFO in name.read_text()


def test_known_findings_fail_nothing(faulty: Path, known: str) -> None:
    assert run("log", str(faulty)).exit_code == 1
    for level in ("error", "warning", "info"):
        assert run("log", str(faulty), "--baseline", known, "--fail-on", level).exit_code == 0


def test_they_are_known_in_the_next_run(faulty: Path, known: str) -> None:
    faulty.write_text(again(faulty.read_text()))
    assert run("log", str(faulty), "--baseline", known, "--fail-on", "info").exit_code == 0


def test_a_new_client_is_not(faulty: Path, known: str) -> None:
    carol = again(faulty.read_text()).replace("sip:bob@", "sip:carol@").replace("Call-ID: other", "Call-ID: third")
    faulty.write_text(faulty.read_text() + carol)
    result = run("log", str(faulty), "--baseline", known)
    assert result.exit_code == 1
    assert "known finding" in result.stdout


def test_the_table_tells_how_many_are_known(faulty: Path, known: str) -> None:
    text = " ".join(run("log", str(faulty), "--baseline", known).stdout.split())
    assert re.search(r"No new finding: \d+ known findings? of the baseline not shown\.", text)
    assert "No rule is broken" not in text, "it is broken, and known"
    assert USERINFO not in text


def test_the_table_tells_what_was_not_seen(tmp_path: Path, known: str) -> None:
    clean = tmp_path / "clean.txt"
    clean.write_text(LOG.format(uri="sip:example.com"))
    text = " ".join(run("log", str(clean), "--baseline", known).stdout.split())
    assert re.search(r"\b1 entry of the baseline not seen this time\.", text)


def test_json_counts_them(faulty: Path, known: str) -> None:
    summary = json.loads(run("log", str(faulty), "--baseline", known, "--format", "json").stdout)["summary"]
    assert summary["findings"]["error"] == 0
    assert summary["baseline"]["findings"]["error"] >= 1
    assert summary["baseline"]["unmet"] == 0
    assert json.loads(run("log", str(faulty), "--format", "json").stdout)["summary"]["baseline"] is None


def test_what_a_rule_answered_is_counted_as_ever(faulty: Path, known: str) -> None:
    one, two = (
        json.loads(run("log", str(faulty), *options, "--format", "json").stdout)["outcomes"]
        for options in ((), ("--baseline", known))
    )
    assert one == two


@pytest.mark.parametrize("view", ["csv", "ndjson", "sarif", "junit"])
def test_no_format_shows_them(faulty: Path, known: str, view: str) -> None:
    fault = "with the user part"
    assert fault in run("log", str(faulty), "--format", view).stdout
    assert fault not in run("log", str(faulty), "--format", view, "--baseline", known).stdout


def test_digests_are_known_too(tmp_path: Path) -> None:
    name = str(tmp_path / "known.json")
    assert run("verify-digest", *WRONG).exit_code == 1
    result = run("verify-digest", *WRONG, "--write-baseline", name)
    assert result.exit_code == 0 and "and 1 digest that does not match known from now on" in result.stderr
    result = run("verify-digest", *WRONG, "--baseline", name)
    assert result.exit_code == 0
    assert "4 responses that do not match are known to it" in " ".join(result.stdout.split())
    json_of = json.loads(run("verify-digest", *WRONG, "--baseline", name, "--format", "json").stdout)
    assert json_of["summary"]["digests"]["mismatch"] == json_of["summary"]["baseline"]["digests"] == 4
    other = json.loads(Path(name).read_text())
    other["digests"] = [{"username": "carol", "realm": "lab.invalid"}]
    Path(name).write_text(json.dumps(other))
    assert run("verify-digest", *WRONG, "--baseline", name).exit_code == 1


def test_both_options_renew_a_baseline(faulty: Path, known: str) -> None:
    before = Path(known).read_text()
    assert run("log", str(faulty), "--baseline", known, "--write-baseline", known).exit_code == 0
    assert Path(known).read_text() == before


def test_a_baseline_that_a_configuration_names_is_begun(faulty: Path, tmp_path: Path) -> None:
    name = str(tmp_path / "first.json")
    assert run("log", str(faulty), "--baseline", name, "--write-baseline", name).exit_code == 0
    assert run("log", str(faulty), "--baseline", name).exit_code == 0
    assert run("log", str(faulty), "--baseline", name + "x", "--write-baseline", name).exit_code == 2


def test_a_rule_that_fails_is_4_all_the_same(faulty: Path, known: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    import analyzer.rules

    def crash(subject: Any, context: Any) -> Answer:
        raise ValueError

    broken = replace(analyzer.rules.all_rules()[-1], check=crash, applies_if=0, violates_only_if=0, needs=())
    monkeypatch.setattr(analyzer.rules, "all_rules", lambda: (broken,))
    result = run("log", str(faulty), "--write-baseline", known + "2")
    assert result.exit_code == 4


def test_of_half_a_capture_there_is_no_baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = report_of(REGISTERED)
    report.interrupted = True
    name = tmp_path / "known.json"
    outcome = Outcome(None, None, str(name))
    outcome.weigh(report)
    outcome.keep()
    assert not outcome.is_accepted and not name.exists()
    assert f"{name} is not written" in capsys.readouterr().err


def test_of_a_source_without_sip_nothing_is_written(tmp_path: Path) -> None:
    prose = tmp_path / "prose.txt"
    prose.write_text("nothing of the kind\n" * 20)
    assert run("log", str(prose), "--write-baseline", str(tmp_path / "known.json")).exit_code == 3
    assert not (tmp_path / "known.json").exists()


@pytest.mark.parametrize("text", ["username,realm,password\n", '{"schema": "sipcheck/1"}', "\x00\x01"])
def test_what_is_no_baseline_is_not_replaced(faulty: Path, tmp_path: Path, text: str) -> None:
    other = tmp_path / "other"
    other.write_text(text)
    result = run("log", str(faulty), "--write-baseline", str(other))
    assert result.exit_code == 2
    assert "is no baseline, so it is not replaced" in result.stderr
    assert other.read_text() == text


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_file_is_replaced(faulty: Path, tmp_path: Path, text: str) -> None:
    """What `mktemp` makes."""
    other = tmp_path / "other"
    other.write_text(text)
    assert run("log", str(faulty), "--write-baseline", str(other)).exit_code == 0
    assert USERINFO in other.read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "line 1: "),
        ('{"schema": "sipcheck-baseline/9"}', "schema: "),
        (
            '{"schema": "sipcheck-baseline/1", "findings": [{"rule": "R1-x"}]}',
            "findings[0].rule: no rule is called R1-x",
        ),
    ],
)
def test_a_bad_baseline_is_one_line_with_file_and_place(faulty: Path, tmp_path: Path, text: str, said: str) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(text)
    result = run("log", str(faulty), "--baseline", str(bad))
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stderr.startswith(f"sipcheck: {bad}: {said}")


@pytest.mark.parametrize("name", ["absent.json", "."])
def test_a_baseline_that_cannot_be_read(faulty: Path, name: str) -> None:
    result = run("log", str(faulty), "--baseline", name)
    assert result.exit_code == 2
    assert f"{name}: cannot be read: " in result.stderr


def followed(*options: str, text: bytes) -> subprocess.CompletedProcess[bytes]:
    """A log that comes through a pipe, followed to its end."""
    command = [sys.executable, "-m", "analyzer", "log", "--follow", "-", "--format", "ndjson", *options]
    known = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, input=text, env=known, capture_output=True, check=False, timeout=60)


def news(printed: bytes) -> set[str]:
    records = map(json.loads, printed.splitlines())
    return {record["aor"] for record in records if record["kind"] == "news" and record["rule"] == USERINFO}


def test_a_log_that_is_followed_tells_what_is_new(tmp_path: Path) -> None:
    name, first = str(tmp_path / "known.json"), wrong(1)
    done = followed("--write-baseline", name, text=first)
    assert (done.returncode, news(done.stdout)) == (0, {"sip:u1@example.com"})
    done = followed("--baseline", name, text=first + wrong(2))
    assert (done.returncode, news(done.stdout)) == (1, {"sip:u2@example.com"})
    assert followed("--baseline", name, text=first).returncode == 0


def test_a_log_that_is_followed_goes_to_a_file_and_tells_costs(tmp_path: Path) -> None:
    out = tmp_path / "result"
    done = followed("--output", str(out), "--stats", text=wrong(1))
    assert done.returncode == 1
    assert news(done.stdout) == {"sip:u1@example.com"}
    assert json.loads(out.read_text().splitlines()[0])["kind"] == "summary"
    assert b"us/call" in done.stderr and USERINFO.encode() in done.stderr


def test_stats_go_to_standard_error(faulty: Path) -> None:
    plain, timed = run("log", str(faulty)), run("log", str(faulty), "--stats")
    assert timed.stdout == plain.stdout
    assert plain.stderr == ""
    assert timed.stderr.splitlines()[0].split() == ["ms", "calls", "us/call", "answers", "rule"]
    assert USERINFO in timed.stderr
    assert " more were never called" in timed.stderr


def test_stats_with_workers(tmp_path: Path) -> None:
    def calls(*options: str) -> dict[str, str]:
        lines = run("pcap", *WRONG, "--stats", "--format", "csv", *options).stderr.splitlines()[1:-1]
        return {line.split()[-1]: line.split()[1] for line in lines}

    assert calls() == calls("--jobs", "2") != {}


def test_groups_sections_and_sub_codes_on_the_command_line(faulty: Path) -> None:
    def asked(*options: str) -> set[str]:
        outcomes = json.loads(run("log", str(faulty), "--format", "json", *options).stdout)["outcomes"]
        return {outcome["rule"] for outcome in outcomes}

    assert USERINFO in asked("--select", "a") and USERINFO not in asked("--ignore", "A")
    assert asked("--select", "DET,R3261-10.2-callid") == asked("--select", "DET") | {"R3261-10.2-callid"}
    assert run("log", str(faulty), "--ignore", "R3261-10.2-callid:callid-changed-once").exit_code == 1
    for options in (("--select", "A", "--ignore", "A"), ("--select", "R3261-10.2-callid", "--ignore", "B")):
        result = run("log", str(faulty), *options)
        assert result.exit_code == 2 and "leave no rule to be asked" in " ".join(result.stderr.split())
    result = run("log", str(faulty), "--select", "R3261-10.2-calid")
    assert result.exit_code == 2 and "the nearest is R3261-10.2-callid" in result.stderr
