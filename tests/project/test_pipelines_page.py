"""docs/pipelines.md runs: its commands end as they say, its files are read, its lists are those of the code."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analyzer.cli.config import KEYS
from analyzer.cli.options import LEVELS
from analyzer.judge.selection import named_rules
from analyzer.rules import all_rules
from analyzer.run.baseline import parsed
from analyzer.views import view_names
from analyzer.views.catalogue import GROUPS
from analyzer.views.formats.junit import MOST_TOLD
from analyzer.views.formats.sarif import MOST_ALIKE
from tests.project.pages import code, commands, paths, read, rows, section
from tests.shared import ROOT

PAGE = read("docs/pipelines.md")
COMMANDS = commands(PAGE)


def fence(language: str, number: str) -> list[str]:
    """What the fences of a section hold."""
    return re.findall(rf"^```{language}\n(.*?)^```$", section(PAGE, number), re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the page's reader stands: a folder with the samples."""
    (tmp_path / "samples").mkdir()
    for name in ("cseq-not-raised", "wrong-password"):
        shutil.copytree(ROOT / "samples" / name, tmp_path / "samples" / name)
    return tmp_path


def sipcheck(folder: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    """A command of the page, in that folder."""
    assert words[0] == "sipcheck"
    command = [sys.executable, "-c", "import sys; from analyzer.cli import main; sys.exit(main())", *words[1:]]
    known = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=known, capture_output=True, text=True, check=False)


def test_the_commands_of_section_1_end_as_they_say(folder: Path) -> None:
    (text,) = fence("sh", "1")
    for line in text.splitlines():
        said = re.search(r"# (\d):", line)
        done = sipcheck(folder, shlex.split(line, comments=True))
        assert done.returncode == (int(said[1]) if said else 1), done.stderr


def test_a_baseline_makes_the_second_run_pass(folder: Path) -> None:
    (text,) = fence("sh", "3")
    write, use = (shlex.split(line) for line in text.splitlines())
    assert sipcheck(folder, [word for word in write if "baseline" not in word]).returncode == 1
    assert sipcheck(folder, write).returncode == 0
    assert sipcheck(folder, use).returncode == 0


@pytest.mark.parametrize("words", [words for words in COMMANDS if "--output" in words], ids=shlex.join)
def test_the_files_of_section_5_are_written(folder: Path, words: list[str]) -> None:
    done = sipcheck(folder, words)
    assert (done.returncode, done.stdout) == (0, "")
    assert (folder / words[words.index("--output") + 1]).stat().st_size > 500


def test_the_command_of_section_6_tells_costs(folder: Path) -> None:
    (text,) = fence("sh", "6")
    done = sipcheck(folder, shlex.split(text))
    assert done.returncode == 0
    assert "us/call" in done.stderr


def test_every_command_of_the_page_is_looked_at() -> None:
    assert len(COMMANDS) == 9
    assert {words[0] for words in COMMANDS} == {"sipcheck"}


def test_the_baseline_shown_is_one() -> None:
    (text,) = fence("json", "3")
    known = parsed(text.encode(), all_rules())
    assert len(known.findings) == len(known.digests) == 1
    assert json.loads(text)["findings"][0]["comment"]


def test_the_configuration_shown_is_taken_and_whole(folder: Path) -> None:
    (text,) = fence("toml", "4")
    assert {line.partition(" = ")[0] for line in text.splitlines()} == set(KEYS)
    (folder / "sipcheck.toml").write_text(text)
    sample = ["sipcheck", "pcap", "samples/cseq-not-raised/input.pcap"]
    done = sipcheck(folder, sample)
    assert done.returncode == 2 and "sipcheck-baseline.json: cannot be read" in done.stderr
    assert (
        sipcheck(folder, [*sample, "--config", "/dev/null", "--write-baseline", "sipcheck-baseline.json"]).returncode
        == 0
    )
    done = sipcheck(folder, sample)
    assert done.returncode == 0, done.stderr
    assert "set by sipcheck.toml" in " ".join(done.stdout.split())


def test_the_names_of_section_2_are_names() -> None:
    for row in rows(section(PAGE, "2")):
        for name in code(row[0]):
            assert named_rules(name, all_rules())
    letters = section(PAGE, "2")
    assert all(re.search(rf"\b{letter} [a-z]", letters) for letter in GROUPS)


def test_the_exit_codes_are_those_of_the_interface() -> None:
    here = {row[0] for row in rows(section(PAGE, "1"))}
    there = {row[0] for row in rows(section(read("docs/interface.md"), "2"))}
    assert here == there - {"141"}  # a pipeline reads to the end


def test_every_format_is_described() -> None:
    table = [name for row in rows(section(PAGE, "5")) for name in code(row[0])]
    assert set(table) == set(view_names()) - {"table"}
    assert f"more than {MOST_ALIKE} alike" in section(PAGE, "5")
    assert f"{MOST_TOLD} findings are quoted" in section(PAGE, "5")


@pytest.mark.parametrize("path", paths(PAGE))
def test_every_path_is_there(path: str) -> None:
    made = {"sipcheck.toml", "catalogue.md"}  # the second is the end of a longer name in a link
    assert path in made or (ROOT / path).exists() or (ROOT / "docs" / path).exists()


def workflow(number: int) -> Any:
    yaml = pytest.importorskip("yaml")  # Dask brings it
    snippets = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(snippets) == 2
    return yaml.safe_load(snippets[number])


def runs(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """A line of a workflow, with a sample for the capture and an empty baseline."""
    shutil.copy(ROOT / "samples/cseq-not-raised/input.pcap", folder / "capture.pcap")
    (folder / "sipcheck-baseline.json").write_text('{"schema": "sipcheck-baseline/1"}')
    return sipcheck(folder, shlex.split(line))


def test_the_github_workflow(folder: Path) -> None:
    (job,) = workflow(0)["jobs"].values()
    (line,) = [step["run"] for step in job["steps"] if step.get("run", "").startswith("sipcheck ")]
    assert runs(folder, line).returncode == 1
    upload = job["steps"][-1]
    assert "failure()" in upload["if"], "or what failed the build would not be shown"
    assert json.loads((folder / upload["with"]["sarif_file"]).read_text())["version"] == "2.1.0"


def test_the_gitlab_job(folder: Path) -> None:
    (job,) = workflow(1).values()
    (line,) = [line for line in job["script"] if line.startswith("sipcheck ")]
    assert runs(folder, line).returncode == 1
    assert job["artifacts"]["when"] == "always"
    assert (folder / job["artifacts"]["reports"]["junit"]).read_text().startswith("<?xml")


def test_the_levels_are_named_where_they_are_needed() -> None:
    assert set(LEVELS) >= {"never", "warning"}
    assert "fail-on never" in PAGE and 'fail-on = "warning"' in PAGE
