"""`sipcheck samples`: all of it, or nothing; and never over, through or beside what is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import samples as module
from analyzer.cli import sipcheck
from tests.shared import ROOT

ALL = {
    path.relative_to(ROOT / "samples"): path.read_bytes()
    for path in (ROOT / "samples").rglob("*")
    if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
}


def run(folder: object) -> Result:
    return CliRunner().invoke(sipcheck, ["samples", str(folder)])


def written(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("is_there", [True, False])
def test_a_new_or_empty_folder_gets_all(tmp_path: Path, is_there: bool) -> None:
    folder = tmp_path / "samples"
    if is_there:
        folder.mkdir()
    done = run(folder)
    assert (done.exit_code, done.stdout) == (0, "")
    assert written(folder) == ALL and f"{len(ALL)} files" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["samples"], "nothing is left beside it"
    assert folder.stat().st_mode & 0o777 == 0o777 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_they_are_no_more_than_is_said() -> None:
    assert sum(map(len, ALL.values())) <= module.MOST_OCTETS


def test_what_is_there_stays(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    done = run(folder)
    assert done.exit_code == 3 and "new or empty folder" in done.stderr
    assert written(tmp_path) == {Path("samples/letter.txt"): b"dear"}


@pytest.mark.parametrize("target", ["elsewhere", "nowhere", "file"])
def test_a_link_is_not_followed(tmp_path: Path, target: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "file").write_text("x")
    link = tmp_path / "samples"
    link.symlink_to(tmp_path / target)
    assert run(link).exit_code == 3
    assert link.is_symlink() and list((tmp_path / "elsewhere").iterdir()) == []
    assert (tmp_path / "file").read_text() == "x" and not (tmp_path / "nowhere").exists()


def test_a_link_that_is_put_there_meanwhile_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may write to the folder in which DIR is made cannot turn a file of ours aside."""
    folder, elsewhere, rename = tmp_path / "samples", tmp_path / "elsewhere", os.rename
    elsewhere.mkdir()

    def late(made: Path, there: Path) -> None:
        folder.symlink_to(elsewhere)
        rename(made, there)

    monkeypatch.setattr(os, "rename", late)
    assert run(folder).exit_code == 3
    assert list(elsewhere.iterdir()) == [] and folder.is_symlink()


@pytest.mark.parametrize("name", ["file", "no/such/folder", "."])
def test_where_nothing_can_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    done = run(f"{tmp_path}/{name}")
    assert done.exit_code == 3 and len(done.stderr.splitlines()) == 1
    assert written(tmp_path) == {Path("file"): b"x"}


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    done = run(tmp_path / "samples")
    assert done.exit_code == 3 and "No space left" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_installation_without_samples_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "samples_folder", lambda: None)
    done = run(tmp_path / "samples")
    assert done.exit_code == 3 and "not part of this installation" in done.stderr


def test_the_list_of_commands_has_it() -> None:
    assert "Write the samples" in CliRunner().invoke(sipcheck, ["--help"]).stdout
    assert run("--help").exit_code == 0
