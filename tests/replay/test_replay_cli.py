"""The `sipcheck replay` commands from the outside: the JSON of docs/interface.md 3.3, exit codes, what is refused, what
is said."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.replay.peers import Kamailio, answer_to, password, scripted_peer
from tests.replay.playing import sample

TWICE = str(sample("cseq-not-raised"))


def run(*words: str, stdin: bytes | None = None, timeout: float = 60) -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if name != "SIPCHECK_PASSWORD"}
    command = [sys.executable, "-m", "analyzer", "replay", *words]
    return subprocess.run(command, capture_output=True, timeout=timeout, env=environment, input=stdin, check=False)


def read(*words: str) -> Any:
    return json.loads(run(*words, "--format", "json").stdout)


@pytest.fixture
def users(tmp_path: Path) -> str:
    path = tmp_path / "users.csv"
    names = ["carol", *(f"c{number}" for number in range(20))]
    path.write_text("username,realm,password\n" + "".join(f"{name},,{password(name)}\n" for name in names))
    return str(path)


def test_plan_as_the_contract_has_it() -> None:
    plan = read("plan", TWICE)
    assert plan["schema"] == "sipcheck/1"
    assert plan["mode"] == "plan"
    assert [step["step"] for step in plan["steps"]] == [1, 2, 3, 4]
    assert [step["then"]["status"] for step in plan["steps"]] == [401, 200, 401, 200]
    for step in plan["steps"]:
        assert step["now"] is None
        assert step["differences"] == []
        assert step["sent"]["start_line"] == "REGISTER sip:127.0.0.1:5060 SIP/2.0"
        for edit in step["sent"]["edits"]:
            assert {"what", "from", "to", "rule"} <= edit.keys()
    cited = [edit["rule"] for edit in plan["steps"][2]["sent"]["edits"] if edit["what"] == "CSeq"]
    assert cited == ["R3261-10.2-cseq-increment"]
    assert plan["outcome"] == {"then": "registered (200)", "now": None, "same": False, "unlike": []}


def test_a_plan_says_what_it_is() -> None:
    result = run("plan", TWICE)
    assert result.returncode == 0
    assert b"Nothing was sent" in result.stdout
    assert b"CSeq 2 REGISTER -> 3 REGISTER" in result.stdout
    assert b"R3261-10.2-cseq-increment" in result.stdout


def test_standard_input_is_read_twice() -> None:
    result = run("plan", "-", "--format", "json", stdin=Path(TWICE).read_bytes())
    assert len(json.loads(result.stdout)["steps"]) == 4
    assert b"/tmp" not in run("plan", "-", stdin=Path(TWICE).read_bytes()).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--aor", "nobody@lab.invalid"], b"no registration of sip:nobody@lab.invalid was seen"),
        (["--call-id", "nonsense"], b"no registration has Call-ID nonsense"),
        (["--number", "9"], b"no registration has number 9 (there are 1: sip:carol@lab.invalid)"),
    ],
)
def test_what_is_not_there(words: list[str], said: bytes) -> None:
    result = run("plan", TWICE, *words)
    assert result.returncode == 3
    assert said in result.stderr
    assert result.stdout == b""


def test_no_file_no_sip() -> None:
    assert run("plan", "/nowhere/at.all").returncode == 3
    assert run("plan", __file__).returncode == 3
    assert run("plan").returncode == 2


@pytest.mark.parametrize("target", ["192.0.2.1", "10.1.2.3:5060", "[2001:db8::1]:5060"])
def test_nobody_else_is_sent_to(target: str) -> None:
    result = run("client", TWICE, "--target", target)
    assert result.returncode == 2
    assert b"--allow" in result.stderr
    assert result.stdout == b""


def test_a_bad_target_is_usage() -> None:
    assert run("client", TWICE, "--target", "host:99999").returncode == 2
    assert run("client", TWICE).returncode == 2


@pytest.mark.parametrize("maps", ["x", "a@=b", "a=", "=b"])
def test_a_bad_mapping_is_usage(maps: str) -> None:
    assert run("plan", TWICE, "--map", maps).returncode == 2


def test_client_same_outcome(kamailio: Kamailio, users: str) -> None:
    words = ["client", TWICE, "--target", kamailio.target, "--credentials", users, "--speed", "0"]
    result = read(*words, "--map", "carol@=c1@")
    assert [step["now"]["status"] for step in result["steps"]] == [401, 200, 401, 200]
    assert result["outcome"] == {
        "then": "registered (200)",
        "now": "registered (200)",
        "same": True,
        "unlike": [],
    }
    assert result["removal"][-1]["status"] == 200
    assert run(*words, "--map", "carol@=c2@").returncode == 0


def test_client_another_outcome(kamailio: Kamailio) -> None:
    words = ["client", TWICE, "--target", kamailio.target, "--speed", "0", "--map", "carol@=c3@"]
    result = run(*words)
    assert result.returncode == 1
    said = b" ".join(result.stdout.split())  # however wide the terminal is
    assert b"Another outcome: step 2 refused (401) now, registered (200) then; likewise otherwise: step 4." in said
    assert b"no password" in said
    suite = ElementTree.fromstring(run(*words, "--format", "junit").stdout)
    assert (suite.get("tests"), suite.get("failures")) == ("4", "2")


def test_no_secret_is_said(kamailio: Kamailio, users: str) -> None:
    words = ["client", TWICE, "--target", kamailio.target, "--credentials", users, "--speed", "0", "--all"]
    for view in ("table", "json", "junit"):
        result = run(*words, "--map", "carol@=c4@", "--format", view)
        assert b"c4pw" not in result.stdout + result.stderr


def test_nobody_answers() -> None:
    result = run("client", TWICE, "--target", "127.0.0.1:9", "--speed", "0")
    assert result.returncode == 1
    assert b"connection refused" in result.stdout
    assert run("client", TWICE, "--target", "127.0.0.1:9", "--transport", "tcp").returncode == 3


def test_hostile_answers_reach_no_terminal() -> None:
    def hostile(request: bytes) -> list[bytes]:
        return [answer_to(request, 200, "Server: \x1b[2J\u202eevil", reason="\x1b]0;x\x07")]

    with scripted_peer(hostile) as peer:
        for view in ("table", "json", "junit"):
            result = run("client", TWICE, "--target", peer.target, "--speed", "0", "--format", view, "--color", "never")
            assert b"\x1b" not in result.stdout
            assert "\u202e".encode() not in result.stdout
            assert b"\x07" not in result.stdout


def test_ctrl_c_removes_the_bindings(kamailio: Kamailio, users: str) -> None:
    words = [
        "client",
        TWICE,
        "--target",
        kamailio.target,
        "--credentials",
        users,
        "--map",
        "carol@=c5@",
        "--speed",
        "0.01",
    ]
    command = [sys.executable, "-m", "analyzer", "replay", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        end = time.monotonic() + 20
        while not kamailio.bindings("c5") and time.monotonic() < end:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert b"were removed (200)" in stdout
    assert kamailio.bindings("c5") == []


def test_as_many_users(kamailio: Kamailio, users: str) -> None:
    words = ["client", TWICE, "--target", kamailio.target, "--users", users, "--rate", "100", "--speed", "0"]
    result = read(*words)
    assert (result["begun"], result["same"], result["not_removed"]) == (21, 21, 0)
    assert result["outcome"] == {"then": "registered (200)", "now": "registered (200)", "same": True}
    assert result["latency"]["p50"] <= result["latency"]["p100"]
    said = run(*words)
    assert said.returncode == 0
    assert b"21 of 21 registrations went as captured" in said.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["--rate", "5"],
        ["--concurrency", "5"],
        ["--duration", "5"],
        ["--users", "USERS", "--as-captured"],
        ["--users", "USERS", "--format", "junit"],
        ["--users", "USERS", "--rate", "0"],
    ],
)
def test_what_does_not_go_together(users: str, words: list[str]) -> None:
    words = [users if word == "USERS" else word for word in words]
    assert run("client", TWICE, "--target", "127.0.0.1:9", *words).returncode == 2


def test_sipp_writes_two_files_and_says_the_command(users: str, tmp_path: Path) -> None:
    xml, csv = tmp_path / "s.xml", tmp_path / "s.csv"
    words = ["sipp", TWICE, "--credentials", users, "-o", str(xml), "--csv", str(csv), "--target", "127.0.0.1:5060"]
    result = run(*words)
    assert result.returncode == 0
    assert result.stdout.startswith(b"sipp 127.0.0.1:5060 ")
    assert ElementTree.parse(xml).getroot().tag == "scenario"
    assert stat.S_IMODE(csv.stat().st_mode) == 0o600
    assert "carolpw" not in xml.read_text()
    assert run(*words).returncode == 2
    assert run(*words, "--force").returncode == 0


def test_sipp_does_not_write_the_users_over_the_scenario(users: str, tmp_path: Path) -> None:
    words = ["-o", str(tmp_path / "one"), "--csv", str(tmp_path / "." / "one")]
    result = run("sipp", TWICE, "--credentials", users, *words)
    assert result.returncode == 2 and b"are the same file" in result.stderr
    assert not (tmp_path / "one").exists()


def test_junit_says_why_there_is_no_answer() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))  # the port is nobody's over UDP
        target = f"127.0.0.1:{taken.getsockname()[1]}"
        result = run("client", TWICE, "--target", target, "--speed", "0", "--format", "junit")
    assert result.returncode == 1
    assert b'message="no answer (connection refused) now, 200 then"' in result.stdout
