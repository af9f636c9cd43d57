"""`sipcheck report`: what it reads, where it writes, how it ends."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_cli import LOG, run
from tests.shared import ROOT
from tests.views.page.pages import assert_inert, words_of

WRONG = ROOT / "samples" / "wrong-password" / "input.pcapng"
USERS = ROOT / "samples" / "wrong-password" / "users.csv"
SCRIPT = "from analyzer.cli import main; main()"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "faulty.txt"
    path.write_text(LOG.format(uri="sip:bob@example.com"))
    return path


def command(*arguments: str, **given: object) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", SCRIPT, "report", *arguments]
    return subprocess.run(words, capture_output=True, check=False, **({"env": environment} | given))  # type: ignore[call-overload,no-any-return]


def test_the_exit_code_tells_of_findings(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert run("report", str(log), "-o", str(out)).exit_code == 1
    assert_inert(out.read_text(encoding="utf-8"))
    assert run("report", str(log), "-o", str(out), "--fail-on", "never").exit_code == 0
    assert run("report", str(log), "-o", str(out), "--ignore", "A,B,C,D,E,F,G,H").exit_code == 0


def test_a_wrong_digest_makes_it_fail(tmp_path: Path) -> None:
    out = str(tmp_path / "report.html")
    other = ("-o", out, "--select", "R3261-10.2-callid")  # that finds nothing here
    assert run("report", str(WRONG), *other).exit_code == 0
    assert run("report", str(WRONG), *other, "--credentials", str(USERS)).exit_code == 1


def test_the_verdict_is_told_on_standard_error_alone(log: Path, tmp_path: Path) -> None:
    done = run("report", str(log), "-o", str(tmp_path / "report.html"))
    assert done.stdout == ""
    assert done.stderr == f"{tmp_path / 'report.html'}: 1 client, registered.\n"


def test_a_hyphen_is_standard_output(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    run("report", str(log), "-o", str(out))
    assert run("report", str(log), "-o", "-").stdout == out.read_text(encoding="utf-8")


def test_standard_output_is_utf_8_whatever_the_locale_is(log: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    page = command(str(log), "-o", "-", env=environment).stdout.decode("utf-8")
    assert_inert(page)
    assert "✓" in page


def test_an_input_is_not_written_over(log: Path) -> None:
    before = log.read_bytes()
    assert run("report", str(log), "-o", str(log)).exit_code == 2
    assert log.read_bytes() == before


def test_the_place_of_the_page_must_be_named(log: Path) -> None:
    done = run("report", str(log))
    assert done.exit_code == 2
    assert "--output" in done.output


@pytest.mark.parametrize("name", ["/nonexistent/input.pcap", str(ROOT)[:1] + "dev/null"])
def test_what_cannot_be_read_leaves_no_page(tmp_path: Path, name: str) -> None:
    out = tmp_path / "report.html"
    assert run("report", name, "-o", str(out)).exit_code == 3
    assert not out.exists()


def test_a_folder_that_is_not_there_is_told_before_the_work(log: Path, tmp_path: Path) -> None:
    done = run("report", str(log), "-o", str(tmp_path / "none" / "report.html"))
    assert done.exit_code == 3
    assert "cannot be written" in done.output


def test_standard_input_is_read_twice(tmp_path: Path) -> None:
    out, direct = tmp_path / "report.html", tmp_path / "direct.html"
    with WRONG.open("rb") as stream:
        done = command("-", "-o", str(out), stdin=stream)
    piped = command("-", "-o", "-", input=WRONG.read_bytes())
    run("report", str(WRONG), "-o", str(direct))
    assert done.returncode == piped.returncode == 1
    steps = direct.read_text(encoding="utf-8").count('class="step')
    for page in (out.read_text(encoding="utf-8"), piped.stdout.decode()):
        assert "standard input" in words_of(page)
        assert page.count('class="step') == steps > 100


def test_a_pipe_is_read_twice(tmp_path: Path) -> None:
    fifo, out = tmp_path / "fifo", tmp_path / "report.html"
    os.mkfifo(fifo)
    with subprocess.Popen(["sh", "-c", f"cat '{WRONG}' > '{fifo}'"]) as writer:
        assert run("report", str(fifo), "-o", str(out)).exit_code == 1
        writer.wait(timeout=20)
    assert out.read_text(encoding="utf-8").count('class="step') > 100


def test_compressed_captures_and_several_files_are_read(tmp_path: Path) -> None:
    packed, out = tmp_path / "a.pcapng.gz", tmp_path / "report.html"
    packed.write_bytes(gzip.compress(WRONG.read_bytes()))
    other = ROOT / "samples" / "clean-registration"
    assert run("report", str(packed), str(next(other.glob("input.*"))), "-o", str(out)).exit_code == 1
    words = words_of(out.read_text(encoding="utf-8"))
    assert "a.pcapng.gz" in words
    assert "could not be read a second time" not in words


def test_a_folder_is_what_is_in_it(tmp_path: Path) -> None:
    folder, out = tmp_path / "captures", tmp_path / "report.html"
    folder.mkdir()
    (folder / "one.pcapng").write_bytes(WRONG.read_bytes())
    assert run("report", str(folder), "-o", str(out)).exit_code == 1
    assert out.read_text(encoding="utf-8").count('class="step') > 100
    assert run("report", str(folder), "-o", str(folder / "report.html")).exit_code == 2


def test_several_processes_give_the_same_page(tmp_path: Path) -> None:
    pages = []
    for jobs in ("1", "3"):
        out = tmp_path / f"{jobs}.html"
        run("report", str(WRONG), "--credentials", str(USERS), "--jobs", jobs, "-o", str(out))
        pages.append(out.read_text(encoding="utf-8"))
    assert pages[0] == pages[1]


def test_one_address_of_record_alone(tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    run("report", str(WRONG), "--aor", "frank@lab.invalid", "-o", str(out))
    words = words_of(out.read_text(encoding="utf-8"))
    assert "1 client, refused." in words
    assert "bob@10.9.0.1" not in words


def test_a_baseline_is_kept_to(log: Path, tmp_path: Path) -> None:
    known, out = tmp_path / "known.json", tmp_path / "report.html"
    assert run("report", str(log), "-o", str(out), "--write-baseline", str(known)).exit_code == 0
    assert run("report", str(log), "-o", str(out), "--baseline", str(known)).exit_code == 0
    assert "Findings, by cause" not in words_of(out.read_text(encoding="utf-8"))


def test_a_log_with_notices_alone_has_a_page_and_the_code_of_no_sip(tmp_path: Path) -> None:
    source, out = tmp_path / "notices.txt", tmp_path / "report.html"
    source.write_text(
        "[2026-07-06 15:53:33] NOTICE[1234] chan_sip.c: Registration from '<sip:104@192.0.2.44>' failed for "
        "'198.51.100.6:5060' - Wrong password\n"
    )
    done = run("report", str(source), "-o", str(out))
    assert done.exit_code == 3
    assert "in the page" in done.output
    page = out.read_text(encoding="utf-8")
    assert_inert(page)
    assert "1 account was refused" in words_of(page)


def test_no_secret_is_in_a_page(tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    run("report", str(WRONG), "--credentials", str(USERS), "-o", str(out))
    page = out.read_text(encoding="utf-8")
    secrets = {line.split(",")[2].strip() for line in USERS.read_text().splitlines()[1:] if "," in line}
    assert secrets
    assert not [secret for secret in secrets if len(secret) > 4 and secret in page]


def test_costs_are_told_on_standard_error(log: Path, tmp_path: Path) -> None:
    done = run("report", str(log), "-o", str(tmp_path / "report.html"), "--stats")
    assert re.search(r"R3261-10\.2-ruri-userinfo", done.stderr)


def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    folder.mkdir()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    assert command("-", "-o", str(tmp_path / "r.html"), input=WRONG.read_bytes(), env=environment).returncode == 1
    assert list(folder.iterdir()) == []
