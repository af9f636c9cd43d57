"""The container file: linted everywhere; built and run where an engine is at hand."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import zipfile
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
    for_docker = (ROOT / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert for_docker == lines, "docker reads no .containerignore"


def test_what_it_takes_makes_the_whole_wheel(tmp_path: Path) -> None:
    """As the first stage does, without a network: of the files that are sent alone."""
    for line in (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()[1:]:
        if line.startswith("!"):
            source, there = ROOT / line[1:], tmp_path / "src" / line[1:]
            there.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, there, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(source, there)
    script = f"import setuptools.build_meta as build; build.build_wheel({str(tmp_path)!r})"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path / "src", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"analyzer/cli/__init__.py", "replay/cli/__init__.py", "analyzer/views/sipcheck-1.schema.json"} <= names
    assert any(name.startswith("analyzer/_samples/") for name in names)
    assert any(name.endswith("man1/sipcheck.1") for name in names)


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
