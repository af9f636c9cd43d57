"""The container file: linted everywhere; built and run where an engine is at hand."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.docs.fences import fences
from tests.project.pages import words_of
from tests.shared import ROOT

HADOLINT = Path(sysconfig.get_path("scripts"), "hadolint")
ENGINE = next((name for name in ("podman", "docker") if shutil.which(name)), None)


def has_engine() -> bool:
    """Whether a program is there and something answers it: a client alone builds nothing."""
    return ENGINE is not None and subprocess.run([ENGINE, "info"], capture_output=True, check=False).returncode == 0


def test_it_has_no_lint() -> None:
    done = subprocess.run([HADOLINT, "--no-color", ROOT / "Containerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_takes_nothing_that_it_does_not_need() -> None:
    """What is sent to the engine is named, so no capture that lies about gets into an image."""
    lines = (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()
    named = [line[1:] for line in lines if line.startswith("!")]
    assert lines[0] == "*" and all((ROOT / name).exists() for name in named)


def commands_of_the_page(folder: str) -> list[list[str]]:
    """Those of docs/install.md, for the engine that is here; its capture is a sample's."""
    (text,) = (fence.text for fence in fences("docs/install.md") if fence.mark == "run by" and fence.language == "sh")
    changed = {"podman": ENGINE or "podman", "sipcheck": "sipcheck-test", "$PWD:/data:ro": f"{folder}:/data:ro"}
    changed["capture.pcap"] = "input.pcap"
    made = [[changed.get(word, word) for word in words] for words in words_of(text)]
    return [[*words, "-f", "Containerfile"] if words[1] == "build" else words for words in made]


def test_the_commands_of_the_page_are_those_of_the_file() -> None:
    build, run = commands_of_the_page("/samples")
    assert build[1:] == ["build", "-t", "sipcheck-test", ".", "-f", "Containerfile"]
    assert run[1:] == ["run", "--rm", "-v", "/samples:/data:ro", "sipcheck-test", "pcap", "input.pcap"]
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    assert "WORKDIR /data" in text and 'ENTRYPOINT ["sipcheck"]' in text and "USER 1000" in text


@pytest.mark.timeout(1200)
def test_it_builds_and_runs() -> None:
    if not has_engine():
        pytest.skip("no container engine answers")
    build, run = commands_of_the_page(str(ROOT / "samples" / "cseq-not-raised"))
    subprocess.run(build, cwd=ROOT, check=True)
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1) and "REGISTERs" in done.stdout
