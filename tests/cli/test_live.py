"""`sipcheck live` on the loopback interface of a network namespace of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.capture import interface
from analyzer.capture.interface import Interface
from analyzer.cli import sipcheck
from analyzer.defect import SourceError
from tests.replay.spaces import Space, namespace

PATIENCE = 60
REGISTER = (
    "REGISTER sip:{user}@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{user}\r\n"
    "From: <sip:{user}@example.com>;tag=1\r\nTo: <sip:{user}@example.com>\r\nCall-ID: {user}\r\nCSeq: 1 REGISTER\r\n"
    "Max-Forwards: 70\r\nContact: <sip:{user}@127.0.0.1>\r\nContent-Length: 0\r\n\r\n"
)


@pytest.fixture(scope="module")
def space() -> Iterator[Space]:
    with namespace() as made:
        yield made


@pytest.fixture(params=interface.PROGRAMS)
def program(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tool: object) -> str:
    """One of the programs that capture; no other is there."""
    name = str(request.param)
    tool(name)  # type: ignore[operator]
    monkeypatch.setattr(interface, "PROGRAMS", (name,))
    return name


def started(space: Space, *words: str) -> subprocess.Popen[bytes]:
    """The command in the namespace, which has said that it captures."""
    return space.popen(sys.executable, "-m", "analyzer", "live", *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def send(space: Space, user: str) -> None:
    """A REGISTER to a port where nobody listens."""
    with space.socket() as out:
        out.sendto(REGISTER.format(user=user).encode(), ("127.0.0.1", 5060))


def sent_until_told(space: Space, process: subprocess.Popen[bytes], user: str) -> bytes:
    """What the command prints of a REGISTER that is sent again and again until it does."""
    import selectors

    assert process.stdout is not None
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        for _ in range(PATIENCE * 2):
            send(space, user)
            if ready.select(0.5):
                return process.stdout.readline()
    raise AssertionError("nothing was told")


def test_findings_as_they_happen_and_the_report_on_a_signal(space: Space, tool: object) -> None:
    tool("dumpcap")  # type: ignore[operator]
    process = started(space, "-i", "lo")
    first = sent_until_told(space, process, "bob")
    assert b"The Request-URI names a user" in first
    process.send_signal(signal.SIGINT)
    rest, complaints = process.communicate(timeout=PATIENCE)
    assert b"1 client" in rest
    assert b"bob@example.com" in rest
    assert b"lo \xc2\xb7 pcapng capture" in rest
    assert complaints == b""
    assert process.returncode == 128 + signal.SIGINT


def test_ndjson(space: Space, tool: object) -> None:
    tool("dumpcap")  # type: ignore[operator]
    process = started(space, "-i", "lo", "--format", "ndjson", "--filter", "udp port 5060")
    first = json.loads(sent_until_told(space, process, "carol"))
    assert (first["kind"], first["aor"]) == ("news", "sip:carol@example.com")
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=PATIENCE)
    kinds = [json.loads(line)["kind"] for line in rest.splitlines()]
    assert kinds.index("summary") < kinds.index("source")


def test_each_program_gives_a_capture(space: Space, program: str) -> None:
    octets = bytearray()
    with space._entered():  # the program stays where it is started
        stream = Interface("lo", "", lambda: send(space, "dave"), poll=0.05)
    with stream:
        while b"dave@example.com" not in octets:
            octets += stream.read(1 << 16) or b""
        stream.end()
        octets += stream.readall()
    assert bytes(octets[:4]) in (b"\x0a\x0d\x0d\x0a", b"\xd4\xc3\xb2\xa1"), program
    assert stream.complaint() == ""


@pytest.mark.parametrize(
    ("words", "said"), [(["-i", "none9"], "none9"), (["-i", "lo", "--filter", "porrt 5060"], "porrt 5060")]
)
def test_what_cannot_be_captured(words: list[str], said: str, space: Space, tool: object) -> None:
    tool("dumpcap")  # type: ignore[operator]
    run = space.run(sys.executable, "-m", "analyzer", "live", *words)
    assert run.returncode == 3
    assert run.stdout == ""
    assert run.stderr.startswith(f"sipcheck: {words[1]}: ")
    assert run.stderr.count("\n") == 1
    assert said in run.stderr


def test_no_program_that_captures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(interface, "_FOLDERS", ())
    with pytest.raises(SourceError, match="neither dumpcap nor tcpdump is installed"):
        Interface("lo", "", lambda: None)


def test_an_interface_has_to_be_named() -> None:
    result = CliRunner().invoke(sipcheck, ["live"])
    assert result.exit_code == 2
    assert "--interface" in result.output


def test_a_complaint_is_harmless_and_bounded(tmp_path: Path) -> None:
    """What a capturing program says may quote anything: of it the end is told, in one line, written out."""
    program = tmp_path / "dumpcap"
    program.write_text(
        "#!/bin/sh\nyes noise | head -n 2000 >&2\nprintf 'no \\033[2J\\342\\200\\256device' >&2\nexit 1\n"
    )
    program.chmod(0o755)
    run = subprocess.run(
        [sys.executable, "-m", "analyzer", "live", "-i", "lo"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (3, b"")
    assert run.stderr.startswith(b"sipcheck: lo: ") and run.stderr.endswith(b"no \\x1b[2J\\u202edevice\n")
    assert len(run.stderr) < 500 and run.stderr.count(b"\n") == 1 and run.stderr.isascii()
