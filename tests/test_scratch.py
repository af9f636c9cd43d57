"""Temporary folders and files: gone when they are left, however that is."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analyzer.interruption import Interrupted, Listener
from analyzer.scratch import temporary_file, temporary_folder


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A place of one's own for them, and a listener for SIGTERM."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = signal.signal(signal.SIGTERM, Listener())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_folder(tmp_path: Path) -> None:
    with temporary_folder() as folder:
        assert folder.parent == tmp_path and folder.name.startswith("sipcheck-")
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "in").mkdir()
        (folder / "in" / "it").write_text("x", encoding="ascii")
    assert os.listdir(tmp_path) == []


def test_a_folder_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with temporary_folder(tmp_path / "out", ".x.") as folder:
        assert folder.parent == tmp_path / "out" and folder.name.startswith(".x.")
        folder.rmdir()  # it may be gone already
    assert os.listdir(tmp_path / "out") == []
    with pytest.raises(FileNotFoundError), temporary_folder(tmp_path / "absent"):
        pytest.fail("there is none")


def test_a_file(tmp_path: Path) -> None:
    with temporary_file() as file:
        file.write(b"octets")
        file.flush()
        assert Path(file.name).read_bytes() == b"octets" and Path(file.name).stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == []
    with temporary_file() as file:
        os.unlink(file.name)


@pytest.mark.parametrize("make", [temporary_file, temporary_folder])
def test_an_interrupted_one(tmp_path: Path, make: Any) -> None:
    with pytest.raises(Interrupted), make():
        signal.raise_signal(signal.SIGTERM)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("make", ["mkdtemp", "NamedTemporaryFile"])
def test_one_that_is_interrupted_as_it_is_made(tmp_path: Path, make: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    really = getattr(tempfile, make)

    def made(**given: Any) -> Any:
        one = really(**given)
        signal.raise_signal(signal.SIGTERM)
        return one

    monkeypatch.setattr(tempfile, make, made)
    manager: Any = temporary_folder() if make == "mkdtemp" else temporary_file()
    with pytest.raises(Interrupted), manager:
        pytest.fail("nobody wants it any more")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("make", "owner", "name"), [(temporary_folder, shutil, "rmtree"), (temporary_file, os, "unlink")]
)
def test_one_that_is_interrupted_as_it_goes(
    tmp_path: Path, make: Any, owner: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = getattr(owner, name)

    def gone(*given: Any, **named: Any) -> None:
        signal.raise_signal(signal.SIGTERM)
        really(*given, **named)

    with monkeypatch.context() as patch, pytest.raises(Interrupted), make():
        patch.setattr(owner, name, gone)
    assert os.listdir(tmp_path) == []
