"""Who may read what is written: what holds messages, digests or passwords unasked is its owner's alone, whatever the
umask; what the user named is under the umask, unless passwords are in it."""

from __future__ import annotations

import io
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import sipcheck
from analyzer.cluster.tabulate import LocalExecutor, tabulated
from tests.shared import ROOT

STORM = ROOT / "samples" / "storm-none" / "input.pcap.gz"
WRONG = ROOT / "samples" / "wrong-password" / "input.pcapng"
OWNERS_FILE, OWNERS_FOLDER = 0o600, 0o700


@pytest.fixture(params=[0o022, 0o077, 0o000], ids="{:03o}".format)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """What the user's shell takes away."""
    before = os.umask(request.param)
    yield int(request.param)
    os.umask(before)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, open to all as /tmp is."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def mode(path: Path) -> int:
    """Permissions of a file or folder."""
    return stat.S_IMODE(path.lstat().st_mode)


def not_owners(folder: Path) -> list[str]:
    """What in a folder anybody else can look into, or change."""
    wanted = {True: OWNERS_FOLDER, False: OWNERS_FILE}
    return [f"{path} {mode(path):o}" for path in folder.rglob("*") if mode(path) != wanted[path.is_dir()]]


def run(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    """The command, which must end well."""
    done = CliRunner().invoke(sipcheck, [*map(str, arguments)], input=stdin)
    assert done.exit_code in (0, 1), done.output
    return done


class Watched(LocalExecutor):
    """Notes what is too open in the midst of a run, when all rows are there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seen, self.open = folder, 0, list[str]()

    def run(self, task: Callable[[Any], Any], told: Sequence[Any]) -> list[Any]:
        made = super().run(task, told)
        self.seen += len(list(self.folder.rglob("rows/*.arrow")))
        self.open += not_owners(self.folder.parent)
        return made


def test_rows_are_their_owner_s(umask: int, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir(OWNERS_FOLDER)
    executor = Watched(tmp_path / "x" / "spool")
    tabulated([STORM], executor.folder, executor, buckets=2)
    assert executor.seen and executor.open == []
    assert len(list(executor.folder.rglob("*.parquet"))) > 5 and not_owners(tmp_path / "x") == []


@pytest.mark.parametrize("given", [0o755, 0o777, 0o750, 0o711])
def test_a_folder_that_was_there_is_left_as_it_is_and_told_of(umask: int, tmp_path: Path, given: int) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    folder.chmod(given)
    executor = Watched(folder)
    tabulated([STORM], folder, executor, buckets=2)
    assert executor.seen and mode(folder) == given
    assert not_owners(folder) == [] and all(one.startswith(f"{folder} ") for one in executor.open)


@pytest.mark.parametrize(("given", "told"), [(None, False), (0o700, False), (0o755, True), (0o701, True)])
def test_workers_of_this_machine(scratch: Path, tmp_path: Path, given: int | None, told: bool) -> None:
    pytest.importorskip("distributed", reason="needs dask, which is not installed")
    folder, before = tmp_path / "spool", os.umask(0)
    try:
        if given is not None:
            folder.mkdir()
            folder.chmod(given)
        done = run("storm", STORM, "--spool", folder, "--jobs", "1")
    finally:
        os.umask(before)
    line = f"sipcheck: {folder} is open to other users; what is written in it is for you alone\n"
    assert done.stderr == (line if told else "")
    assert mode(folder) == (OWNERS_FOLDER if given is None else given)
    assert list(folder.iterdir()) and not_owners(folder) == [] and list(scratch.iterdir()) == []


def umask_of(_: int) -> int:
    """The umask of a process."""
    before = os.umask(0o777)
    os.umask(before)
    return before


def test_what_dask_writes_is_its_owner_s(umask: int, scratch: Path) -> None:
    """Its folders lie in one that is closed; a process that runs in there, or a link to it, needs no more."""
    pytest.importorskip("distributed", reason="needs dask, which is not installed")
    from analyzer.cluster.executor import dask_executor

    with dask_executor(jobs=2) as executor:
        assert executor.run(umask_of, [1, 2]) == [0o077, 0o077]
        assert len([*scratch.rglob("*")]) > 3 and not_owners(scratch) == []
    assert umask_of(0) == umask


@pytest.mark.parametrize(("form", "name"), [("pcap", ""), ("ndjson", ""), ("csv", "messages.csv"), ("parquet", "")])
def test_what_the_user_named_is_under_the_umask(
    umask: int, scratch: Path, tmp_path: Path, form: str, name: str
) -> None:
    out = tmp_path / "out"
    run("export", WRONG, "--to", form, "-o", out)
    assert mode(out) == (0o777 if out.is_dir() else 0o666) & ~umask
    assert all(mode(path) & umask == 0 for path in out.rglob("*"))
    if name:
        assert mode(out / name) == 0o666 & ~umask
    assert not list(scratch.iterdir()) and [one.name for one in tmp_path.iterdir() if one != scratch] == ["out"]


def test_a_picture_is_under_the_umask(umask: int, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    run("storm", STORM, "--plot", tmp_path / "storm.svg")
    assert mode(tmp_path / "storm.svg") == 0o666 & ~umask


@pytest.mark.parametrize("there", [False, True])
def test_passwords_are_their_owner_s(umask: int, tmp_path: Path, there: bool) -> None:
    users, scenario = tmp_path / "users.csv", tmp_path / "scenario.xml"
    if there:
        users.write_text("", encoding="ascii")
        users.chmod(0o666)
    force = ["--force"] if there else []
    given = tmp_path / "known.csv"
    given.write_text("frank,,secret\n", encoding="ascii")
    run("replay", "sipp", WRONG, "--csv", users, "-o", scenario, "--credentials", given, *force)
    assert mode(users) == OWNERS_FILE and mode(scenario) == 0o666 & ~umask
    assert b"secret" not in scenario.read_bytes()


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The modes of the files to which streams were copied, while they were there."""
    modes: list[int] = []
    plain = shutil.copyfileobj

    def watched(source: IO[bytes], target: IO[bytes], length: int = 0) -> None:
        plain(source, target)
        modes.append(stat.S_IMODE(os.fstat(target.fileno()).st_mode))

    monkeypatch.setattr(shutil, "copyfileobj", watched)
    return modes


def test_a_copy_of_standard_input_is_its_owner_s_and_does_not_stay(
    umask: int, scratch: Path, copied: list[int]
) -> None:
    run("replay", "plan", "-", stdin=WRONG.read_bytes())
    assert copied == [OWNERS_FILE] and list(scratch.iterdir()) == []


@pytest.mark.needs_tool("tshark")
def test_what_tshark_is_given_is_its_owner_s_and_does_not_stay(umask: int, scratch: Path) -> None:
    packed = io.BytesIO(STORM.read_bytes())
    from analyzer.capture.opener import open_sources

    with open_sources([packed], engine="tshark") as reading:
        (given,) = [one.tshark_input for one in reading._opened if one.tshark_input is not None]
        assert given.spool is not None
        assert stat.S_IMODE(os.fstat(given.spool.fileno()).st_mode) == OWNERS_FILE
        assert list(scratch.iterdir()) == []  # it has no name
        assert sum(1 for _ in reading) > 100
    assert list(scratch.iterdir()) == []


def test_a_copy_that_is_never_whole_does_not_stay(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        assert len(list(scratch.iterdir())) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copyfileobj", broken)
    done = CliRunner().invoke(sipcheck, ["replay", "plan", "-"], input=b"x")
    assert done.exit_code != 0 and list(scratch.iterdir()) == []
