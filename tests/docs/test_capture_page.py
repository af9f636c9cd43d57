"""docs/capture.md and docs/verdicts.md: their commands capture what they say, their words are all that there are."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import pytest

from analyzer.judge.findings import NEED_TEXT, Severity
from analyzer.register.client_state import CLIENT_STATES
from tests.cli.test_live import REGISTER
from tests.docs.fences import fences
from tests.project.pages import code, read, rows, section, words_of
from tests.replay.spaces import FAR, Space, namespace
from tests.shared import ROOT
from tests.tools import Tool

COMMANDS = {words[0]: words for fence in fences("docs/capture.md") if fence.mark for words in words_of(fence.text)}
PATIENCE = 30


def send(space: Space) -> None:
    """A REGISTER to a port where nobody listens, and one that needs three packets."""
    with space.socket() as out:
        out.sendto(REGISTER.format(user="bob").encode(), ("127.0.0.1", 5060))
    with space.socket() as out:
        padded = REGISTER.format(user="carol").replace("Max-Forwards", f"X-Padding: {'x' * 3000}\r\nMax-Forwards")
        out.sendto(padded.encode(), (FAR, 5060))


def captured(space: Space, words: list[str], folder: Path, pattern: str) -> list[Path]:
    """The files that a command of the page has written when it has seen something, and Ctrl-C ended it."""
    with space.popen(*words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder) as process:
        try:
            for _ in range(PATIENCE * 4):
                time.sleep(0.25)
                send(space)
                files = sorted(folder.glob(pattern))
                if files and files[-1].stat().st_size > 20_000:
                    break
        finally:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    return files


@pytest.mark.parametrize(("program", "pattern"), [("tcpdump", "phone.pcap"), ("dumpcap", "trunk_*.pcapng")])
def test_the_commands_capture_registers_fragments_and_errors(
    program: str, pattern: str, tool: Tool, tmp_path: Path
) -> None:
    words = [tool(program), *COMMANDS[program][1:]]
    with namespace() as space:
        space.run(tool("ip"), "link", "set", "lo", "mtu", "1500")
        if program == "tcpdump":
            words.insert(1, "-U")  # or all is written at the end, and nobody here knows that it works
        files = captured(space, words, tmp_path, pattern)
    assert files
    done = subprocess.run(
        [sys.executable, "-m", "analyzer", "pcap", *map(str, files), "--format", "json"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert {one["aor"] for one in found["registrations"]} == {"sip:bob@example.com", "sip:carol@example.com"}
    assert [one["defect_list"] for one in found["sources"] if one["defect_list"]] == []


def test_the_page_has_both_commands() -> None:
    assert set(COMMANDS) == {"tcpdump", "dumpcap"}


def test_every_state_of_a_client_has_its_row() -> None:
    words = [code(row[0])[0] for row in rows(section(read("docs/verdicts.md"), "1"))]
    assert sorted(words) == sorted(CLIENT_STATES) and len(set(words)) == len(words)


def test_what_a_source_lacks_is_quoted_as_it_is_said() -> None:
    told = [words for row in rows(section(read("docs/capture.md"), "4")) for words in code(row[0])]
    said = " ".join(NEED_TEXT.values())
    elsewhere = (
        "no SIP message",
        "TLS on ",
        "the capturing program reports ",
        " dropped packets",
        "cut at ",
        " octets",
    )
    parts = [part for words in told for part in words.split("...") if part]
    assert [part for part in parts if part not in said and part not in elsewhere] == []
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "analyzer").rglob("*.py"))
    assert [part for part in elsewhere if part not in sources] == []
    assert set(NEED_TEXT.values()) - set(told) == {"the source has no clock"}


def test_every_severity_is_named() -> None:
    told = {"info": "note"}
    text = section(read("docs/verdicts.md"), "2")
    assert [one for one in get_args(Severity) if f"`{told.get(one, one)}`" not in text] == []
