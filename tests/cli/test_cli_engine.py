"""The options --engine and --tls-keylog, as a user gives them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import sipcheck
from tests.capture import build
from tests.capture.build import pcap, write
from tests.capture.deep import EXPORTED, TLS_SAMPLE, exported
from tests.shared import ROOT

needs_tshark = pytest.mark.needs_tool("tshark")
CAPTURE, KEYLOG, USERS = (str(TLS_SAMPLE / name) for name in ("input.pcapng", "keylog.txt", "users.csv"))


def run(*arguments: str, **environment: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(sipcheck, list(arguments), env=environment)


@needs_tshark
def test_passwords_over_tls() -> None:
    result = run("verify-digest", CAPTURE, "--tls-keylog", KEYLOG, "--credentials", USERS, "--format", "json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.output)
    assert document["summary"]["digests"] == {"match": 2, "mismatch": 0, "unknown": 0}
    assert {row["transport"] for row in document["transactions"]} == {"TLS"}
    assert "read by tshark" in document["sources"][0]["quality"][0]


def test_without_keys_the_command_says_what_it_missed() -> None:
    result = run("pcap", CAPTURE)
    assert result.exit_code == 3
    assert "--tls-keylog FILE" in result.stderr
    assert result.stderr.count("\n") == 1


@needs_tshark
def test_both_engines_say_the_same(tmp_path: Path) -> None:
    path = str(ROOT / "samples" / "cseq-not-raised" / "input.pcap")
    reports = []
    for engine in ("native", "tshark"):
        document = json.loads(run("pcap", path, "--engine", engine, "--format", "json").output)
        del document["sources"]
        reports.append(document)
    assert reports[0] == reports[1]
    assert reports[0]["findings"]


def test_a_missing_tshark_is_one_line(tmp_path: Path) -> None:
    path = str(write(tmp_path, "exported.pcap", pcap([exported(build.REGISTER)], EXPORTED)))
    result = run("pcap", path, PATH=str(tmp_path))
    assert result.exit_code == 3
    because = "needs tshark because its link type is 252, which sipcheck does not read"
    assert result.stderr == f"sipcheck: {path}: {because}: tshark is not installed, or not on PATH\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["pcap", CAPTURE, "--engine", "native", "--tls-keylog", KEYLOG],
        ["pcap", CAPTURE, "--engine", "magic"],
        ["log", CAPTURE, "--engine", "some"],
        ["log", CAPTURE, "--jobs", "-1"],
    ],
)
def test_usage(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_a_key_log_that_is_none(tmp_path: Path) -> None:
    keys = write(tmp_path, "k\x1b[31m", b"nothing")
    result = run("pcap", CAPTURE, "--tls-keylog", str(keys))
    assert result.exit_code == 3
    assert "is no TLS key log" in result.stderr
    assert "\x1b" not in result.stderr


def test_what_tshark_says_is_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tshark").write_text(
        "#!/bin/sh\ncase $1 in --version) echo 'TShark (Wireshark) 4.2.0 (x)';; *) printf 'tshark: \\033[31mno\\n' >&2;"
        " exit 2;; esac\n"
    )
    (tmp_path / "tshark").chmod(0o755)
    path = str(write(tmp_path, "exported.pcap", pcap([exported(build.REGISTER)], EXPORTED)))
    result = run("pcap", path, PATH=f"{tmp_path}:/usr/bin:/bin")
    assert result.exit_code == 3
    assert "tshark cannot read it: " in result.stderr
    assert "\x1b" not in result.stderr
