"""A new file in a folder of plug-ins is fuzzed, and held to linear work, without being named in any test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.capture import dialects
from tests.fuzz import on_plugins
from tests.fuzz.targets import MORE_SEEDS, TARGETS, cases, discovered
from tests.plugins.added import added
from tests.plugins.folders import FOLDERS, found
from tests.shared import ROOT

LOG = '''"""A log with a message behind each line that says so."""
from analyzer.evidence import Endpoint, Fidelity, LogLines, RawMessage
NAME = "line-log"
TITLE = "line log"
EXAMPLE = b"#sip OPTIONS sip:a SIP/2.0\\n#sip SIP/2.0 200 OK\\n"
ENDS = Endpoint("192.0.2.1", 5060), Endpoint("192.0.2.2", 5060)

def looks_like(head):
    return head.startswith(b"#sip ")

def read(stream, source):
    for line in stream:
        source.frames += 1
        %s
        if line.startswith(b"#sip ") and len(line) > 9:
            place = LogLines(source.name, source.frames, source.frames)
            source.messages += 1
            yield RawMessage(line[5:], None, place, *ENDS, "UDP", Fidelity.TEXT_LOG)
'''
FAULTS = {
    "pass": "",
    "line.decode('ascii')": "UnicodeDecodeError",
    "seen = line * 100_000": "TooMuchWork",
    "source.other += 1_000": "AssertionError",
}
RUN = """
import sys
from tests.hardness import rewrite
rewrite.install()
from analyzer.capture import dialects
dialects.__path__.append(sys.argv.pop(1))
from tests.fuzz.__main__ import main
rewrite.install = lambda *_, **__: None
sys.exit(main())
"""


def fuzzed(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A short run of one target, with the dialects of `folder` beside those of the package."""
    command = [sys.executable, "-c", RUN, str(folder), name, "--runs", "300", "--found", str(folder / "found")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("statement", FAULTS)
def test_a_new_dialect_is_fuzzed_and_its_faults_are_found(statement: str, tmp_path: Path) -> None:
    (tmp_path / "line_log.py").write_text(LOG % statement, encoding="utf-8")
    run = fuzzed("line_log", tmp_path)
    assert run.returncode == (1 if FAULTS[statement] else 0), run.stderr[-3000:]
    assert FAULTS[statement] in run.stderr


def test_a_new_dialect_is_a_target(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with added(dialects, "line_log", LOG % "pass", monkeypatch, tmp_path):
        target = discovered()["line_log"]
        seeds = target.seeds()
        assert len(set(seeds)) > 2
        assert b"#sip OPTIONS sip:a SIP/2.0\n#sip SIP/2.0 200 OK\n" in seeds
        for octets in seeds:
            target.check(octets)
    assert "line_log" not in discovered()


def test_every_format_and_dialect_is_a_target() -> None:
    names = [name for _, name in found("format", "dialect")]
    assert set(names) <= set(TARGETS)
    assert set(MORE_SEEDS) <= set(names)
    assert any(cases(name) for name in names)


def test_the_samples_of_a_dialect_are_seeds_of_it() -> None:
    seeds = on_plugins.seeds_of("dialect", "asterisk_pjsip")
    sample = (ROOT / "samples" / "pjsip-log" / "input.log").read_bytes()
    from_it = [octets for octets in seeds if len(octets) > 1000 and octets in sample]
    assert from_it
    assert all(FOLDERS["dialect"].load("asterisk_pjsip").looks_like(octets) for octets in from_it)


@pytest.mark.parametrize("kind", ["link", "credentials"])
def test_every_example_is_a_seed_of_what_covers_its_folder(kind: str) -> None:
    target = {"link": "links", "credentials": "credentials"}[kind]
    seeds = TARGETS[target].seeds()
    for name in FOLDERS[kind].names():
        example = FOLDERS[kind].load(name).EXAMPLE
        assert any(example in octets for octets in seeds), name
