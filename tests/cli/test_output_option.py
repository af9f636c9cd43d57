"""`--output FILE`: whole or not at all, never over an input, without colours."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.cli.outcome import Outcome
from analyzer.cli.outfile import check_place, replaced
from analyzer.views import view_names
from tests.cli.test_cli import LOG, run


@pytest.fixture
def faulty(tmp_path: Path) -> str:
    path = tmp_path / "faulty.txt"
    path.write_text(LOG.format(uri="sip:bob@example.com"))
    return str(path)


@pytest.mark.parametrize("view", view_names())
def test_the_file_holds_what_standard_output_would(faulty: str, tmp_path: Path, view: str) -> None:
    out = tmp_path / "result"
    shown = run("log", faulty, "--format", view)
    written = run("log", faulty, "--format", view, "--output", str(out))
    assert written.exit_code == shown.exit_code == 1
    assert written.stdout == ""
    assert out.read_text(encoding="utf-8") == shown.stdout


def test_there_is_no_colour_in_a_file(faulty: str, tmp_path: Path) -> None:
    out = tmp_path / "result"
    run("log", faulty, "--color", "always", "--output", str(out))
    assert "\x1b" not in out.read_text()


def test_a_hyphen_is_standard_output(faulty: str, tmp_path: Path) -> None:
    assert run("log", faulty, "--output", "-").stdout == run("log", faulty).stdout
    assert not (tmp_path / "-").exists()


def test_an_older_result_is_replaced(faulty: str, tmp_path: Path) -> None:
    out = tmp_path / "result"
    out.write_text("older and much longer " * 10_000)
    run("log", faulty, "--format", "json", "--output", str(out))
    assert json.loads(out.read_text())["schema"] == "sipcheck/1"


def test_nothing_else_is_left_in_the_folder(faulty: str, tmp_path: Path) -> None:
    run("log", faulty, "--output", str(tmp_path / "result"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faulty.txt", "result"]


def test_the_mode_is_that_of_a_new_file(faulty: str, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        run("log", faulty, "--output", str(tmp_path / "result"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "result").stat().st_mode) == 0o640


def hard_link(path: Path, to: str) -> str:
    os.link(to, path)
    return str(path)


def symbolic_link(path: Path, to: str) -> str:
    path.symlink_to(to)
    return str(path)


def by_another_way(path: Path, to: str) -> str:
    (path.parent / "below").mkdir()
    return str(path.parent / "below" / ".." / Path(to).name)


@pytest.mark.parametrize("name", [lambda path, to: to, hard_link, symbolic_link, by_another_way])
@pytest.mark.parametrize("option", ["--output", "--write-baseline"])
def test_an_input_is_never_replaced(faulty: str, tmp_path: Path, name: Callable[[Path, str], str], option: str) -> None:
    before = Path(faulty).read_bytes()
    result = run("log", faulty, option, name(tmp_path / "other", faulty))
    assert result.exit_code == 2
    assert "is read by this command, so it is not replaced" in result.stderr
    assert Path(faulty).read_bytes() == before


@pytest.mark.parametrize("option", ["--credentials", "--password-file", "--baseline"])
def test_nor_is_another_file_that_is_read(faulty: str, tmp_path: Path, option: str) -> None:
    other = tmp_path / "other"
    other.write_text("username,realm,password\nbob,,x\n")
    assert run("log", faulty, option, str(other), "--output", str(other)).exit_code == 2
    assert other.read_text().startswith("username")


def test_nor_the_baseline_that_is_written(faulty: str, tmp_path: Path) -> None:
    name = str(tmp_path / "same")
    assert run("log", faulty, "--output", name, "--write-baseline", name).exit_code == 2


def test_a_folder_that_is_read_takes_no_result(faulty: str, tmp_path: Path) -> None:
    """It would be read the next time."""
    result = run("log", str(tmp_path), "--output", str(tmp_path / "result"))
    assert result.exit_code == 2
    assert "which is an input" in result.stderr


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_standard_input_is_never_replaced(faulty: str, name: str) -> None:
    before = Path(faulty).read_bytes()
    with open(faulty, "rb") as stdin:
        done = subprocess.run(
            [sys.executable, "-m", "analyzer", "log", name, "--output", faulty],
            stdin=stdin,
            capture_output=True,
            check=False,
        )
    assert done.returncode == 2
    assert b"is standard input, so it is not replaced" in done.stderr or name != "-"
    assert Path(faulty).read_bytes() == before


def test_a_folder_that_is_not_there_is_told_before_the_work(faulty: str, tmp_path: Path) -> None:
    done = run("log", faulty, "--output", str(tmp_path / "none" / "out.txt"))
    assert done.exit_code == 3
    assert done.output.count("\n") == 1


def test_a_folder_is_no_place(faulty: str, tmp_path: Path) -> None:
    assert run("log", faulty, "--output", str(tmp_path)).exit_code == 2


def test_a_place_that_cannot_be_is_one_line(faulty: str, tmp_path: Path) -> None:
    result = run("log", faulty, "--output", str(tmp_path / "absent" / "result"))
    assert result.exit_code == 3
    assert result.stderr.strip().splitlines() == [
        f"sipcheck: {tmp_path / 'absent' / 'result'} cannot be written: No such file or directory"
    ]


def test_a_full_disk_is_one_line(faulty: str) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full on this system")
    result = run("log", faulty, "--output", "/dev/full")
    assert result.exit_code == 3
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_source_without_sip_leaves_the_older_result(tmp_path: Path) -> None:
    prose, out = tmp_path / "prose.txt", tmp_path / "result"
    prose.write_text("nothing of the kind\n" * 20)
    out.write_text("older")
    assert run("log", str(prose), "--output", str(out)).exit_code == 3
    assert out.read_text() == "older"


def test_what_fails_halfway_leaves_the_older_result(tmp_path: Path) -> None:
    out = tmp_path / "result"
    out.write_text("older")
    with pytest.raises(ValueError), replaced(str(out)) as stream:
        stream.write("half")
        stream.flush()
        raise ValueError
    assert out.read_text() == "older"
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_who_reads_meanwhile_has_the_older_one_whole(tmp_path: Path) -> None:
    out = tmp_path / "result"
    out.write_text("older")
    with replaced(str(out)) as stream:
        stream.write("new")
        stream.flush()
        assert out.read_text() == "older"
    assert out.read_text() == "new"


def test_a_link_goes_on_pointing_to_where_it_pointed(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("older")
    link.symlink_to(real)
    with replaced(str(link)) as stream:
        stream.write("new")
    assert link.is_symlink() and real.read_text() == "new"


def test_a_pipe_is_written_to_as_it_is(faulty: str, tmp_path: Path) -> None:
    pipe, heard = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    listener = threading.Thread(target=lambda: heard.append(pipe.read_text()))
    listener.start()
    assert run("log", faulty, "--format", "json", "--output", str(pipe)).exit_code == 1
    listener.join(timeout=30)
    assert json.loads(heard[0])["schema"] == "sipcheck/1"
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_octets_that_are_no_text_are_written_out(tmp_path: Path) -> None:
    with replaced(str(tmp_path / "result")) as stream:
        stream.write("\udcff\n")
    assert (tmp_path / "result").read_bytes() == b"\\udcff\n"


def test_a_new_place_is_free(tmp_path: Path) -> None:
    check_place("--output", str(tmp_path / "result"), [str(tmp_path / "absent.pcap")])


def test_who_reads_no_file_may_write_one(tmp_path: Path) -> None:
    """`live` reads an interface."""
    Outcome(str(tmp_path / "result"), None, str(tmp_path / "known.json")).check_places({})
