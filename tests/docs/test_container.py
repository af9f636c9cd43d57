"""The container file: linted everywhere; built and run where an engine is at hand."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

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


@pytest.mark.timeout(1200)
def test_it_builds_and_runs() -> None:
    if not has_engine():
        pytest.skip("no container engine answers")
    assert ENGINE is not None
    subprocess.run([ENGINE, "build", "-q", "-t", "sipcheck-test", "-f", "Containerfile", "."], cwd=ROOT, check=True)
    command = [ENGINE, "run", "--rm", "-v", f"{ROOT}/samples:/data:ro", "sipcheck-test", "log", "pjsip-log/input.log"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1) and "REGISTERs" in done.stdout
