"""The command as a user runs it: exit codes, one-line errors, options (docs/interface.md 1, 2)."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import sipcheck
from tests.shared import ROOT

LOG = """\
<--- SIP read from UDP:192.0.2.10:5060 --->
REGISTER {uri} SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK1
Max-Forwards: 70
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>
Call-ID: c1
CSeq: 1 REGISTER
Contact: <sip:bob@192.0.2.10:5060>
Expires: 3600
Content-Length: 0

<------------->
--- (10 headers 0 lines) ---

<--- Transmitting (no NAT) to 192.0.2.10:5060 --->
SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.10:5060;received=192.0.2.10;rport=5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>;tag=as1
Call-ID: c1
CSeq: 1 REGISTER
Contact: <sip:bob@192.0.2.10:5060>;expires=3600
Content-Length: 0


<------------>
"""


def run(*arguments: str, stdin: str | bytes = "", environment: dict[str, str] | None = None) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(sipcheck, list(arguments), input=stdin, env=environment or {})


@pytest.fixture
def clean_log(tmp_path: Path) -> str:
    """A log of one clean registration."""
    path = tmp_path / "clean.txt"
    path.write_text(LOG.format(uri="sip:example.com"))
    return str(path)


@pytest.fixture
def faulty_log(tmp_path: Path) -> str:
    """A log with userinfo in the Request-URI."""
    path = tmp_path / "faulty.txt"
    path.write_text(LOG.format(uri="sip:bob@example.com"))
    return str(path)


def test_exit_0_without_findings(clean_log: str) -> None:
    result = run("log", clean_log)
    assert result.exit_code == 0, result.output
    assert "bob@example.com" in result.output


def test_exit_1_with_an_error(faulty_log: str) -> None:
    assert run("log", faulty_log).exit_code == 1


@pytest.mark.parametrize(("level", "code"), [("error", 1), ("warning", 1), ("info", 1), ("never", 0)])
def test_fail_on(faulty_log: str, level: str, code: int) -> None:
    assert run("log", faulty_log, "--fail-on", level).exit_code == code


def test_ignore_takes_a_rule_out(faulty_log: str) -> None:
    assert run("log", faulty_log, "--ignore", "R3261-10.2-ruri-userinfo").exit_code == 0


def test_select_asks_only_these(faulty_log: str) -> None:
    result = run("log", faulty_log, "--format", "json", "--select", "r3261-10.2-callid,R3261-10.2-cseq-gap")
    outcomes = json.loads(result.output)["outcomes"]
    assert {outcome["rule"] for outcome in outcomes} == {"R3261-10.2-callid", "R3261-10.2-cseq-gap"}


def test_unknown_rule_is_usage(faulty_log: str) -> None:
    result = run("log", faulty_log, "--select", "R9999-nonsense")
    assert result.exit_code == 2
    assert "R9999-nonsense" in result.stderr


def test_ambiguous_rule_names_the_candidates(faulty_log: str) -> None:
    result = run("log", faulty_log, "--select", "cseq")
    assert result.exit_code == 2
    assert "R3261-10.2-cseq-gap" in result.stderr
    assert "R3261-22.2-cseq-retry" in result.stderr


def test_standard_input(clean_log: str) -> None:
    done = piped(f"$PY -m analyzer log - --format json < {clean_log}")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["summary"]["transactions"] == 1


def test_aor_keeps_only_that_user(clean_log: str) -> None:
    kept = json.loads(run("log", clean_log, "--aor", "bob@EXAMPLE.com", "--format", "json").output)
    dropped = json.loads(run("log", clean_log, "--aor", "carol@example.com", "--format", "json").output)
    assert (kept["summary"]["transactions"], dropped["summary"]["transactions"]) == (1, 0)
    assert dropped["summary"]["messages"] == 2  # seen and counted all the same


def test_json_and_ndjson_say_the_same(faulty_log: str) -> None:
    whole = json.loads(run("log", faulty_log, "--format", "json").output)
    lines = [json.loads(line) for line in run("log", faulty_log, "--format", "ndjson").output.splitlines()]
    assert whole["schema"] == "sipcheck/1"
    kinds = {"transactions": "transaction", "findings": "finding", "registrations": "registration", "digests": "digest"}
    for key, kind in kinds.items():
        assert whole[key] == [
            {name: value for name, value in line.items() if name != "kind"} for line in lines if line["kind"] == kind
        ]


def test_secrets_never_reach_the_output(tmp_path: Path, clean_log: str) -> None:
    secret = "Zx81-very-secret"
    log = Path(clean_log)
    log.write_text(
        log.read_text().replace(
            "Expires: 3600",
            'Authorization: Digest username="bob", realm="example.com", nonce="n", uri="sip:example.com", '
            f'response="{"0" * 32}"\nExpires: 3600',
            1,
        )
    )
    users = tmp_path / "users.csv"
    users.write_text(f"username,realm,password\nbob,,{secret}\n")
    for view in ("table", "json", "ndjson"):
        result = run("verify-digest", str(log), "--credentials", str(users), "--format", view)
        assert result.exit_code == 1
        assert secret not in result.output + result.stderr


def test_password_as_an_argument_warns(clean_log: str) -> None:
    result = run("log", clean_log, "--password=abc")
    assert "other users" in result.stderr
    assert result.exit_code == 0


def test_password_from_the_environment(clean_log: str) -> None:
    result = run("log", clean_log, "--format", "json", environment={"SIPCHECK_PASSWORD": "abc"})
    assert result.exit_code == 0
    assert "abc" not in result.output


def test_broken_credentials_file_is_usage(tmp_path: Path, clean_log: str) -> None:
    users = tmp_path / "users.csv"
    users.write_bytes(b"\x00\x01\x02 nothing of the kind")
    result = run("log", clean_log, "--credentials", str(users))
    assert result.exit_code == 2
    assert "users.csv" in result.stderr
    assert "Traceback" not in result.stderr


def bad_inputs(folder: Path) -> dict[str, Path]:
    """Inputs that cannot be analyzed at all."""
    empty = folder / "empty.pcap"
    empty.write_bytes(b"")
    picture = folder / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    prose = folder / "prose.txt"
    prose.write_text("Dear Sir,\n\nyour phones are down.\n" * 50)
    packed = folder / "empty.gz"
    packed.write_bytes(gzip.compress(b"", mtime=0))
    return {
        "empty": empty,
        "picture": picture,
        "prose": prose,
        "folder": folder,
        "absent": folder / "no-such",
        "gz": packed,
    }


@pytest.mark.parametrize("command", ["log", "pcap", "verify-digest"])
@pytest.mark.parametrize("name", ["empty", "picture", "prose", "folder", "absent", "gz"])
def test_bad_input_is_one_clear_line(tmp_path: Path, command: str, name: str) -> None:
    path = bad_inputs(tmp_path)[name]
    result = run(command, str(path))
    assert result.exit_code == 3
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    assert str(path) in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_file_without_permission(tmp_path: Path, clean_log: str) -> None:
    Path(clean_log).chmod(0)
    result = run("log", clean_log)
    assert result.exit_code == 3
    assert "ermission" in result.stderr


def test_the_wrong_command_says_the_right_one(clean_log: str) -> None:
    result = run("pcap", clean_log)
    assert result.exit_code == 3
    assert "sipcheck log" in result.stderr


def test_no_files_is_usage() -> None:
    assert run("log").exit_code == 2


def test_rules_lists_every_rule() -> None:
    from analyzer.rules import all_rules

    listed = json.loads(run("rules", "--format", "json").output)
    text = run("rules").output
    assert all(rule.id in text for rule in all_rules())
    assert json.dumps(listed).count('"R3261-10.2-callid"') >= 1


def test_explain_shows_clause_and_fix() -> None:
    result = run("explain", "r3261-10.2-callid")
    assert result.exit_code == 0
    assert "10.2" in result.output
    assert "restart" in result.output


def test_explain_of_an_unknown_rule_is_usage() -> None:
    assert run("explain", "no-such-rule").exit_code == 2


def test_help_has_three_examples_on_samples() -> None:
    help_text = run("--help").output
    examples = [line.split() for line in help_text.splitlines() if line.strip().startswith("sipcheck ")]
    assert len(examples) >= 3
    for words in examples:
        for word in words:
            if word.startswith("samples/"):
                assert (ROOT / word).exists(), word


def piped(script: str) -> subprocess.CompletedProcess[str]:
    """Run the real command in a shell."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PY": sys.executable}
    return subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, env=environment, timeout=60, check=False
    )


def test_a_reader_that_goes_away_is_no_traceback(faulty_log: str) -> None:
    done = piped(f"$PY -m analyzer log {faulty_log} --format ndjson | head -n 1 >/dev/null")
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_a_full_disk_is_one_line(faulty_log: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    done = piped(f"$PY -m analyzer log {faulty_log} > /dev/full")
    assert done.returncode == 3
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_log_command_does_not_load_pandas_or_asyncio(clean_log: str) -> None:
    script = f"$PY -X importtime -m analyzer log {clean_log} 2>&1 >/dev/null"
    loaded = {line.rsplit("|", 1)[-1].strip() for line in piped(script).stdout.splitlines()}
    assert "analyzer.run.pipeline" in loaded
    assert not loaded & {"pandas", "pyshark", "dpkt", "numpy"}


def test_unknown_dialect_is_usage(clean_log: str) -> None:
    result = run("log", clean_log, "--dialect", "klingon")
    assert result.exit_code == 2
    assert "asterisk-chan_sip" in result.stderr


def test_dialect_by_name(clean_log: str) -> None:
    assert run("log", clean_log, "--dialect", "asterisk-pjsip").exit_code == 0


def test_verify_digest_asks_only_the_digest_rules(faulty_log: str) -> None:
    result = run("verify-digest", faulty_log, "--format", "json")
    assert result.exit_code == 0
    outcomes = json.loads(result.output)["outcomes"]
    asked = {outcome["rule"] for outcome in outcomes}
    assert {"R7616-digest-verify", "R7616-digest-outcome", "R3261-22.4-qop-returned"} <= asked
    standards = {rule.partition("-")[0] for rule in asked}
    assert standards == {"DET", "R2617", "R3261", "R7616", "R8760"}
    of_digests = ("R3261-22", "R3261-25-digest-", "R3261-10.3-4-authorize")  # who may register what, by whose password
    assert {rule for rule in asked if rule.startswith("DET-")} <= {"DET-brute-user", "DET-nonce-replay"}
    assert not [rule for rule in asked if rule.startswith("R3261-") and not rule.startswith(of_digests)]


def test_password_takes_no_file_name_for_a_value(clean_log: str) -> None:
    result = run("log", "--password", clean_log)
    assert result.exit_code == 2  # it would prompt, and there is no terminal
    assert "terminal" in result.stderr


def test_aor_without_a_match_says_so(clean_log: str) -> None:
    text = run("log", clean_log, "--aor", "nobody@example.com").output
    assert "No registration of nobody@example.com, but 1 REGISTER of others" in text


def test_errors_escape_file_names() -> None:
    result = run("log", "nx\x1b[31m.log")
    assert "\x1b" not in result.stderr
    assert "nx\\x1b[31m.log" in result.stderr


@pytest.mark.parametrize("redirection", ["> /dev/full", ">&-"])
def test_help_without_a_place_to_go_is_no_traceback(redirection: str) -> None:
    assert "Traceback" not in piped(f"$PY -m analyzer --help {redirection}").stderr


def test_starting_is_light() -> None:
    script = "$PY -X importtime -m analyzer --help 2>&1 >/dev/null"
    loaded = {line.rsplit("|", 1)[-1].strip() for line in piped(script).stdout.splitlines()}
    assert "click" in loaded
    assert not loaded & {"analyzer.run.report", "analyzer.run.pipeline", "rich", "analyzer.sip.message"}
