"""Real user agents register with the played registrar: baresip, linphonec, SIPp, sipsak; plain, and out of captures."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.replay.live_stage import ADDRESS, CONF, client, configured, namespace, served
from tests.shared import DATA, lab_file
from tests.tools import Tool

PORT = 5060
KAMAILIO = ("3-kamailio-md5-qop-nc", "capture.pcapng")
ASTERISK = ("1a-chansip-real-clients", "capture.pcapng")


@pytest.fixture(scope="module")
def lab() -> Iterator[list[str]]:
    with namespace(f"sipcheck-{os.getpid()}") as within:
        yield within


def there(**given: Any) -> Any:
    return {"host": ADDRESS, "port": PORT, "count": 1, "timeout": 12.0, **given}


def phone(name: str, home: Path, tool: Tool, **values: str) -> list[str]:
    """The command of a phone with its configuration in `home`."""
    folder = configured(name, home, PORT=str(PORT), **values)
    (home / ".local" / "share" / "linphone").mkdir(parents=True)  # linphonec does not make it
    program = tool("baresip" if name == "baresip" else "linphonec")
    return [program, "-f", str(folder)] if name == "baresip" else [program, "-c", str(folder / "linphonerc")]


def register(lab: Sequence[str], given: Any, command: list[str], home: Path) -> tuple[Any, dict[str, Any]]:
    """One phone and one registrar; the lines of the registrar, and its result."""
    with served(given, lab) as registrar:
        registrar.until("ready")
        with client([*lab, *command], home):
            return registrar, registrar.result()


PHONES = pytest.mark.parametrize(
    ("name", "user"),
    [
        pytest.param("baresip", "alice", marks=pytest.mark.needs_tool("baresip")),
        pytest.param("linphone", "bob", marks=pytest.mark.needs_tool("linphonec")),
    ],
)


@PHONES
def test_a_phone_registers_with_the_plain_registrar(
    name: str, user: str, lab: list[str], tmp_path: Path, tool: Tool
) -> None:
    command = phone(name, tmp_path, tool, USER=user, PASSWORD="secret-1", REALM="lab.invalid", EXPIRES="120")
    given = there(users={user: "secret-1"}, realm="lab.invalid")
    registrar, last = register(lab, given, command, tmp_path)
    assert registrar.statuses()[:2] == [401, 200]
    assert registrar.kinds("verified", "verdict") == ["match"]
    assert last["result"]["outcome"] == {"then": None, "now": "registered", "same": True}
    assert not [line for line in registrar.lines if line["kind"] == "found" and line["at_fault"] == "registrar"
                and line["rule"] != "DET-weak-md5"]  # fmt: skip


@PHONES
def test_a_phone_meets_the_captured_registrar(name: str, user: str, lab: list[str], tmp_path: Path, tool: Tool) -> None:
    command = phone(name, tmp_path, tool, USER=user, PASSWORD="other", REALM="lab.invalid", EXPIRES="120")
    given = there(file=str(lab_file(*KAMAILIO)), aor="sip:bob@10.9.0.1", users={user: "secret-1"})
    registrar, last = register(lab, given, command, tmp_path)
    assert registrar.statuses()[:2] == [401, 200], "as captured, though the password is wrong"
    assert registrar.kinds("verified", "verdict")[:1] == ["mismatch"]
    steps = last["result"]["steps"]
    assert [(step["then"]["status"], step["now"]["status"]) for step in steps[:2]] == [(401, 401), (200, 200)]
    assert {"Via", "Call-ID"} <= {edit["what"] for edit in steps[0]["sent"]["edits"]}
    assert last["result"]["outcome"]["then"] == "registered"


@pytest.mark.needs_tool("baresip")
def test_a_phone_is_refused_as_the_captured_one_was(lab: list[str], tmp_path: Path, tool: Tool) -> None:
    command = phone("baresip", tmp_path, tool, USER="alice", PASSWORD="x", REALM="", EXPIRES="120")
    _, last = register(lab, there(file=str(lab_file(*ASTERISK)), aor="sip:frank@10.9.0.1"), command, tmp_path)
    assert [step["now"]["status"] for step in last["result"]["steps"][:2]] == [401, 403]
    assert last["result"]["outcome"] == {"then": "rejected", "now": "rejected", "same": True}


# SIPp and sipsak need no namespace.


def sipp(tool: Tool, home: Path, scenario: Path, port: int, *more: str) -> int:
    """SIPp's exit code."""
    command = [tool("sipp"), "-sf", str(scenario), "-i", "127.0.0.1", f"127.0.0.1:{port}", "-nostdin", *more]
    with open(home / "sipp.log", "wb") as log:
        return subprocess.run(command, cwd=home, stdout=log, stderr=log, timeout=15, check=False).returncode


@pytest.mark.needs_tool("sipp")
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_sipp_registers_many_users(tmp_path: Path, tool: Tool, transport: str) -> None:
    users = [f"user{number}" for number in range(20)]
    rows = ["SEQUENTIAL", *(f"{user};[authentication username={user} password=pw-{user}]" for user in users)]
    (tmp_path / "users.csv").write_text("\n".join(rows) + "\n")
    given: Any = {
        "users": {user: f"pw-{user}" for user in users}, "realm": "lab.invalid", "count": 20, "timeout": 8.0,
        "transport": transport,
    }  # fmt: skip
    with served(given) as registrar:
        port = registrar.until("ready")["port"]
        more = ["-t", "t1" if transport == "TCP" else "u1", "-inf", "users.csv", "-m", "20", "-r", "50"]
        assert sipp(tool, tmp_path, CONF / "sipp" / "register.xml", port, *more) == 0, (
            tmp_path / "sipp.log"
        ).read_text()
        last = registrar.result()["result"]
    assert len(last["clients"]) == 20
    assert {one["outcome"] for one in last["clients"]} == {"removed"}
    assert {tuple(step["now"]["status"] for step in one["steps"]) for one in last["clients"]} == {(401, 200, 200)}


@pytest.mark.needs_tool("sipp")
def test_sipp_says_the_captured_flow_to_the_captured_registrar(tmp_path: Path, tool: Tool) -> None:
    given: Any = {
        "file": str(lab_file(*KAMAILIO)), "aor": "sip:carol@lab.invalid", "call_id": "1-19287@127.0.0.13",
        "users": {"carol": "carolpw"},
    }  # fmt: skip
    with served(given) as registrar:
        port = registrar.until("ready")["port"]
        scenario = DATA / "lab" / "sipp" / "carol_query_star.xml"
        code = sipp(tool, tmp_path, scenario, port, "-m", "1")
        last = registrar.result()["result"]
    assert [step["now"]["status"] for step in last["steps"]] == [step["then"]["status"] for step in last["steps"]]
    assert last["outcome"]["same"] and code == 0


@pytest.mark.needs_tool("sipsak")
@pytest.mark.parametrize(("password", "statuses"), [("davepw", [401, 200]), ("wrong", [401, 403])])
def test_sipsak_registers(tmp_path: Path, tool: Tool, password: str, statuses: list[int]) -> None:
    given: Any = {"users": {"dave": "davepw"}, "realm": "lab.invalid", "timeout": 1.5}
    with served(given) as registrar:
        port = registrar.until("ready")["port"]
        command = [tool("sipsak"), "-U", "-x", "300", "-C", f"sip:dave@127.0.0.1:{port}", "-u", "dave", "-a", password]
        command += ["-s", f"sip:dave@127.0.0.1:{port}"]
        subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=10, check=False)
        registrar.result()
        assert registrar.statuses() == statuses
