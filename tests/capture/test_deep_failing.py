"""tshark fails in every way that a program can: what was read is reported, nothing hangs, nothing is left behind."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from analyzer.capture.opener import open_sources
from analyzer.capture.tshark import child as _tshark_child
from analyzer.capture.tshark import dissection
from analyzer.capture.tshark import program as _tshark
from analyzer.capture.tshark.child import Child, Failed, lines, run
from analyzer.defect import SourceError
from tests.capture import build, deep
from tests.capture.build import REGISTER, message, pcap, write
from tests.capture.deep import EXPORTED, deep_messages, exported
from tests.capture.test_deep_run import children
from tests.tools import Tool

REAL = 'case "$*" in *--version*|*fields*) exec {real} "$@";; esac\n'
SURVEYED = 'case "$*" in *--version*|*json*|*"-c 1"*) exec {real} "$@";; esac\n'
PROBED = 'case "$*" in *--version*) echo "TShark (Wireshark) 4.0.17"; exit;; esac\n'
COUNT = 3000
NAP = f"sleep {10_000_000 + os.getpid()}"
"""What a child does that hangs; the number tells ours from those of others."""


def stand_in(folder: Path, script: str) -> str:
    return deep.stand_in(folder, script.replace("NAP", NAP))


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for minutes here."""
    monkeypatch.setattr(_tshark_child, "PATIENCE", 2)
    monkeypatch.setattr(_tshark_child, "_GRACE", 2)
    monkeypatch.setattr(_tshark, "_TIMEOUT", 3)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    return write(tmp_path, "many.pcap", pcap([build.frame(message(number)) for number in range(COUNT)]))


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A capture that has to be probed."""
    return write(tmp_path, "stranger.pcap", pcap([exported(REGISTER)], EXPORTED))


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> object:
    """No child, no child of a child, no thread."""
    before, threads = children(), threading.active_count()
    yield
    assert children() == before
    assert [name for name in running() if str(tmp_path) in name or NAP in name] == []
    assert threading.active_count() == threads


def running() -> list[str]:
    """Command lines of all processes."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
            except OSError:
                continue
    return found


def because(source: object) -> list[str]:
    return [f"{defect.code}: {defect.text}" for _, defect in source.defect_list]  # type: ignore[attr-defined]


HUNG = "tshark-stopped: tshark did nothing for 2 seconds and was ended; what it had read until then is reported"
MIDWAY = {
    "hangs": ("{real} \"$@\" | head -c 40000; exec NAP", HUNG),
    "is stopped": ("{real} \"$@\" | head -c 40000; kill -STOP $$", HUNG),
    "dies, and its child lives": (
        "{real} \"$@\" | head -c 40000; sh -c 'NAP' & kill -KILL $$",
        "tshark-stopped: tshark ended with signal 9; what it had read until then is reported",
    ),
    "crashes": (
        "{real} \"$@\" | head -c 40000; kill -SEGV $$",
        "tshark-stopped: tshark ended with signal 11; what it had read until then is reported",
    ),
    "complains without end": (
        "{real} \"$@\" | head -c 40000; yes 'a complaint' | head -c 30000000 >&2; echo last >&2; exit 3",
        "tshark-stopped: tshark ended with exit code 3: last; what it had read until then is reported",
    ),
    "goes on with a line without end": (
        "{real} \"$@\" | head -c 40000; exec cat /dev/zero",
        "tshark-output: what tshark wrote cannot be read: 1 MB without a packet",
    ),
}  # fmt: skip


@pytest.mark.needs_tool("tshark")
@pytest.mark.parametrize(("script", "told"), MIDWAY.values(), ids=MIDWAY)
def test_midway(
    script: str, told: str, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: Tool
) -> None:
    monkeypatch.setattr(dissection, "_MOST_OCTETS", 1 << 20)
    monkeypatch.setenv("PATH", stand_in(tmp_path, (REAL + script).format(real=tool("tshark"))))
    found, _, source = deep_messages(many, engine="tshark")
    assert 0 < len(found) < COUNT
    assert because(source) == [told]
    assert (source.damaged, source.frames) == (True, COUNT)  # those our own walk counted


@pytest.mark.needs_tool("tshark")
def test_one_that_says_nothing_at_all(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: Tool) -> None:
    monkeypatch.setenv("PATH", stand_in(tmp_path, (REAL + "exec NAP").format(real=tool("tshark"))))
    with pytest.raises(SourceError, match=r"many.pcap: tshark did nothing for 2 seconds and was ended$"):
        deep_messages(many, engine="tshark")


SURVEYS = {
    "hangs": ("exec NAP", "tshark did nothing for 2 seconds and was ended"),
    "is killed": ("kill -KILL $$", "tshark ended with signal 9"),
    "writes a line without end": ("exec cat /dev/zero", "tshark wrote a line without end and was ended"),
    "writes garbage without end": ("exec yes rubbish", "tshark wrote what it never writes and was ended"),
    "writes numbers that are none": (
        "exec yes 'x\ty\teth\t23\t5\t\t\t'", "tshark wrote what it never writes and was ended"
    ),
}  # fmt: skip


@pytest.mark.needs_tool("tshark")
@pytest.mark.parametrize(("script", "told"), SURVEYS.values(), ids=SURVEYS)
def test_at_the_survey(
    script: str, told: str, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: Tool
) -> None:
    """The messages are there all the same."""
    keys = write(tmp_path, "keys", b"CLIENT_RANDOM 00 00\n")
    monkeypatch.setenv("PATH", stand_in(tmp_path, (SURVEYED + script).format(real=tool("tshark"))))
    found, _, source = deep_messages(many, engine="tshark", tls_keylog=str(keys))
    assert (len(found), source.damaged) == (COUNT, False)
    assert f"not all TLS was looked at: {told}" in source.quality


PROBES = {
    "hangs": ("exec NAP", "tshark (?:does not answer within 3|did nothing for 2) seconds"),
    "closes its output and hangs": ("exec >&- 2>&-; exec NAP", "tshark does not answer within 3 seconds"),
    "is stopped": ("kill -STOP $$", "tshark (?:does not answer within 3|did nothing for 2) seconds"),
    "is killed": ("kill -KILL $$", "signal 9"),
    "writes without end": ("exec cat /dev/zero", "tshark writes without end"),
    "complains without end": ("yes no | head -c 30000000 >&2; echo 'no more' >&2; exit 1", "no more"),
    "takes it for a picture": ("echo '1\tmime_dlt:image-jfif'", "tshark takes it for image-jfif"),
}


@pytest.mark.parametrize(("script", "told"), PROBES.values(), ids=PROBES)
def test_at_the_probe(script: str, told: str, stranger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", stand_in(tmp_path, PROBED + script))
    with pytest.raises(SourceError, match=told) as caught:
        open_sources([stranger])
    assert "\n" not in str(caught.value)


VERSIONS = {
    "hangs": ("exec NAP", "does not run: tshark (?:does not answer within 3|did nothing for 2) seconds"),
    "writes without end": ("exec cat /dev/zero", "does not run: tshark writes without end"),
    "is killed": ("kill -KILL $$", "does not say its version"),
}


@pytest.mark.parametrize(("script", "told"), VERSIONS.values(), ids=VERSIONS)
def test_at_its_version(
    script: str, told: str, stranger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", stand_in(tmp_path, script))
    with pytest.raises(SourceError, match=told):
        open_sources([stranger])


def test_one_that_works_in_silence_is_waited_for() -> None:
    """It reads and reads and has nothing to say: a capture of hours without SIP."""
    busy = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 0.5; read x < /proc/self/stat; done; echo done"
    assert run(["sh", "-c", busy], 60).out == b"done\n"


def test_lines_come_whole() -> None:
    assert list(lines([b"a\nb", b"c\n", b"", b"d"])) == [b"a", b"bc", b"d"]
    assert list(lines([])) == []
    with pytest.raises(Failed, match="a line without end"):
        list(lines([b"x" * 1000] * 2000))


def test_a_run_gives_both_ways_and_the_code() -> None:
    assert run(["sh", "-c", "echo out; echo said >&2; exit 7"], 60) == (7, b"out\n", b"said\n")
    with pytest.raises(FileNotFoundError):
        run(["/nonexistent/tshark"], 60)


def test_of_what_it_says_the_end_is_kept() -> None:
    done = run(["sh", "-c", "head -c 1000000 /dev/zero >&2; echo end >&2"], 60)
    assert (len(done.said), done.said[-5:]) == (_tshark_child.SAID, b"\0end\n")


def test_a_child_that_was_reaped_is_not_killed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number may be another's by then."""
    with Child(["true"]) as child:
        assert list(child.pieces()) == []
    monkeypatch.setattr(os, "killpg", lambda *_: pytest.fail("a stranger was killed"))
    child.kill()
    assert child.code == 0


def test_a_child_of_which_no_more_is_wanted() -> None:
    with pytest.raises(KeyboardInterrupt), Child(["yes"]) as child:
        next(child.pieces())
        raise KeyboardInterrupt
    assert child.code in (-signal.SIGKILL, -signal.SIGPIPE)
