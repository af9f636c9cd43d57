"""docs/tutorial.md tells one story, and it is true: what it concludes from each command is what that prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.fences import fences
from tests.project.pages import read
from tests.shared import ROOT

PAGE = " ".join(read("docs/tutorial.md").split())


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """A shell that finds `sipcheck`, in a folder with the samples."""
    (tmp_path / "sipcheck").write_text(f'#!/bin/sh\nexec {sys.executable} -m analyzer "$@"\n')
    (tmp_path / "sipcheck").chmod(0o755)
    (tmp_path / "samples").symlink_to(ROOT / "samples", target_is_directory=True)
    return os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


def printed(text: str, folder: Path, shell: dict[str, str]) -> str:
    done = subprocess.run(["bash", "-c", text], cwd=folder, env=shell, capture_output=True, text=True, check=False)
    return " ".join(done.stdout.split())


def test_the_replay_proves_the_fix(tmp_path: Path, shell: dict[str, str]) -> None:
    (text,) = (fence.text for fence in fences("docs/tutorial.md") if "replay client" in fence.text)
    said = "Another outcome: step 2 registered (200) now, refused (403) then."
    assert f"`{said}`" in PAGE
    assert said in printed(text, tmp_path, shell)
    assert "digest: match" in (tmp_path / "registrar.txt").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Nine of thirteen clients are registered or have signed off", ["1 registered", "8 signed off", "13 clients"]),
        ("both that were refused are called frank", ["refused frank@10.9.0.1", "refused frank@lab.invalid"]),
    ],
)
def test_what_it_concludes_from_the_first_command(
    words: str, said: list[str], tmp_path: Path, shell: dict[str, str]
) -> None:
    assert words in PAGE
    assert all(one in printed("sipcheck pcap samples/wrong-password/input.pcapng", tmp_path, shell) for one in said)


@pytest.mark.parametrize("picture", ["ladder.svg", "page.png", "storm.png"])
def test_it_has_the_ladder_the_page_and_the_storm_as_pictures(picture: str) -> None:
    assert f"](pictures/{picture})" in PAGE
    assert (ROOT / "docs" / "pictures" / picture).stat().st_size > 2_000


def test_the_ladder_is_what_the_command_draws_now(tmp_path: Path, shell: dict[str, str]) -> None:
    """The other two are made by a browser and matplotlib (`make pictures`), whose versions would differ."""
    text = "sipcheck ladder samples/wrong-password/input.pcapng --aor frank@10.9.0.1 --format svg -o now.svg"
    printed(text, tmp_path, shell)
    assert (tmp_path / "now.svg").read_text() == (ROOT / "docs" / "pictures" / "ladder.svg").read_text()
