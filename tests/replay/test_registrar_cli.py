"""`sipcheck replay registrar` from the outside."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from analyzer.register.digest.secrets import Secrets
from tests.replay.playing import SECRETS, played, sample, statuses

TWICE = sample("cseq-not-raised")
USERS = TWICE.with_name("users.csv")


@contextlib.contextmanager
def served(*words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A registrar that listens: its target, and the process."""
    command = [sys.executable, "-m", "analyzer", "replay", "registrar", *words, "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            found = re.search(r"listening on (\S+) over", line)
            assert found, line
            yield found[1], process
        finally:
            process.kill()


def test_the_captured_registrar_meets_the_captured_client() -> None:
    with served(str(TWICE), "--credentials", str(USERS), "--count", "1", "--format", "json") as (target, process):
        result = played(TWICE, target, repaired=False)
        stdout, stderr = process.communicate(timeout=30)
    assert statuses(result) == [[401], [200], [401], [200]]
    record = json.loads(stdout)
    assert (record["schema"], record["mode"]) == ("sipcheck/1", "registrar")
    assert record["outcome"] == {"then": "registered", "now": "registered", "same": True}
    assert [step["now"]["status"] for step in record["steps"][:4]] == [401, 200, 401, 200]
    assert process.returncode == 0
    assert "R3261-10.2-cseq-increment" in stderr, "findings are told as they happen"
    assert "carolpw" not in stdout + stderr


def test_a_mended_client_breaks_nothing() -> None:
    with served(str(TWICE), "--credentials", str(USERS), "--count", "1") as (target, process):
        played(TWICE, target, keep=True)
        stdout, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "CSeq 2 is used again" not in stdout
    assert stdout.startswith("1 client. The outcome: registered, as then.")


def test_a_plain_registrar() -> None:
    with served("--credentials", str(USERS), "--realm", "here.invalid", "--count", "1") as (target, process):
        result = played(TWICE, target, keep=True)
        stdout, _ = process.communicate(timeout=30)
    assert statuses(result)[-1][-1] == 200
    assert process.returncode == 0
    assert "1 client. The outcome: registered" in stdout


def test_a_wrong_password_is_told() -> None:
    with served("--credentials", str(USERS), "--realm", "here.invalid", "--timeout", "3") as (target, process):
        result = played(TWICE, target, secrets=Secrets.of({"carol": "wrong"}))
        stdout, stderr = process.communicate(timeout=30)
    assert result.outcome.now == "refused (403)"
    assert process.returncode == 1
    assert "digest of carol" in stderr
    assert "Not all registered" in stdout


def cases(stdout: str) -> dict[str, str | None]:
    """Each case of the only suite, and why it fails."""
    (suite,) = ElementTree.fromstring(stdout).findall("testsuite")
    found = {}
    for case in suite.findall("testcase"):
        failure = case.find("failure")
        found[case.get("name", "")] = None if failure is None else failure.get("message")
    assert suite.get("failures") == str(sum(why is not None for why in found.values()))
    assert suite.get("tests") == str(len(found))
    return found


def test_junit_has_a_suite_a_phone_with_the_rules_that_it_broke() -> None:
    options = ("--credentials", str(USERS), "--count", "1", "--format", "junit")
    with served(str(TWICE), *options) as (target, process):
        played(TWICE, target, repaired=False)
        stdout, _ = process.communicate(timeout=30)
    found = cases(stdout)
    assert found["it ends as captured: registered"] is None
    assert found["R3261-10.2-cseq-increment"], "broken, though the exit code is that of the outcome"
    assert process.returncode == 0
    assert "DET-weak-md5" not in found, "the registrar's fault"
    assert "carolpw" not in stdout


def test_junit_of_a_mended_phone_has_no_failure() -> None:
    options = ("--credentials", str(USERS), "--count", "1", "--format", "junit")
    with served(str(TWICE), *options) as (target, process):
        played(TWICE, target, keep=True)
        stdout, _ = process.communicate(timeout=30)
    found = cases(stdout)
    assert [why for why in found.values() if why is not None] == []
    assert sum(name.startswith("request ") for name in found) >= 4


def test_junit_tells_a_wrong_password_and_that_nobody_came() -> None:
    options = ("--credentials", str(USERS), "--realm", "here.invalid", "--timeout", "3", "--format", "junit")
    with served(*options) as (target, process):
        played(TWICE, target, secrets=Secrets.of({"carol": "wrong"}))
        stdout, _ = process.communicate(timeout=30)
    found = cases(stdout)
    assert found["it has what it asked for"] == "in the end: rejected"
    assert [name for name, why in found.items() if name.startswith("request ") and why], "its digest is wrong"
    with served("--timeout", "0.3", "--format", "junit") as (_, process):
        stdout, _ = process.communicate(timeout=30)
    assert list(cases(stdout)) == ["a phone came"] and process.returncode == 1


def test_ctrl_c_gives_the_report() -> None:
    with served() as (target, process):
        played(TWICE, target, secrets=SECRETS, keep=True)
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "1 client." in stdout


def test_nobody_came() -> None:
    with served("--timeout", "0.3") as (_, process):
        stdout, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert stdout.startswith("Nobody came.")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--listen", "0.0.0.0:5060"], 2),
        (["--listen", "192.0.2.1:5060"], 2),
        (["--listen", "nonsense:x"], 2),
        ([], 2),
        (["--listen", "127.0.0.1:0", "--transport", "tls"], 2),
        (["--listen", "127.0.0.1:0", "--algorithm", "ROT13"], 2),
        (["/nowhere", "--listen", "127.0.0.1:0"], 3),
    ],
)
def test_refusals(words: list[str], code: int) -> None:
    command = [sys.executable, "-m", "analyzer", "replay", "registrar", *words]
    run = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert run.returncode == code
    assert run.stderr
    assert "Traceback" not in run.stderr


def test_an_address_in_use_is_one_line() -> None:
    with served("--timeout", "5") as (target, _):
        command = [sys.executable, "-m", "analyzer", "replay", "registrar", "--listen", target]
        run = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert run.returncode == 3
    assert "in use" in run.stderr
    assert run.stderr.count("\n") == 1
