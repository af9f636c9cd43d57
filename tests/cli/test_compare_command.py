"""`sipcheck compare`: two files in, the verdict, the exit code; over all samples, and with all that can go wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import sipcheck
from tests.shared import ROOT
from tests.views.hostile_traffic import EVERYTHING, capture, filled, log
from tests.views.test_output_harmless import assert_harmless, assert_json_is_harmless

SAMPLES = ROOT / "samples"
CALM, STORM = (str(SAMPLES / name / "input.pcap.gz") for name in ("storm-none", "storm-slow-answers"))
CAPTURE = str(SAMPLES / "clean-registration" / "input.pcap")
LOG = str(SAMPLES / "asterisk-first-registration" / "input.txt")
INPUTS = sorted(str(path) for path in SAMPLES.glob("*/input.*") if path.parent.name != "tls-registration")


def run(*words: object) -> Result:
    return CliRunner().invoke(sipcheck, ["compare", *map(str, words), "--no-progress"])


def found(*words: object) -> dict[str, Any]:
    done = run(*words, "--format", "json")
    assert done.exit_code in (0, 1), done.output
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: Path(path).parent.name)
def test_a_sample_against_itself_is_the_same(path: str) -> None:
    whole = found(path, path)
    assert whole["summary"]["verdict"] == "same"
    assert set(whole["summary"]["clients"]) <= {"same", "not compared"}
    assert set(whole["summary"]["findings"]) <= {"same"}


def test_worse_is_exit_code_1_and_turned_round_better() -> None:
    worse, better = run(CALM, STORM), run(STORM, CALM)
    assert (worse.exit_code, better.exit_code) == (1, 0)
    assert "Worse: " in worse.stdout and "Better" not in worse.stdout
    assert "Better: " in better.stdout and "Worse" not in better.stdout
    assert run(CALM, STORM, "--fail-on", "never").exit_code == 0


def test_the_figures_are_those_of_the_storm_analysis() -> None:
    figures = {one["figure"]: one for one in found(CALM, STORM)["figures"]}
    done = CliRunner().invoke(sipcheck, ["storm", STORM, "--format", "json"])
    (storm,) = json.loads(done.stdout)["storms"]
    summary = json.loads(done.stdout)["summary"]
    assert figures["storms"]["after"] == 1 and figures["storms"]["before"] == 0
    assert figures["users without a binding, at worst"]["after"] == storm["users_without_binding"]["peak"]
    counted = figures["most REGISTERs in a second"]["after"]  # the tables know when the first and last copy came
    assert counted == pytest.approx(summary["peak_rate"], rel=0.02)
    share = summary["retransmissions"] / summary["requests"]
    assert figures["retransmissions"]["after"] == pytest.approx(share, abs=1e-6)


def test_who_is_in_one_alone_is_said_to_be_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    done = run(CAPTURE, LOG)
    text = " ".join(done.stdout.split())
    for words in ("nothing is seen of it after", "who is not in a capture", "no address-of-record is in both"):
        assert words in text
    assert done.exit_code == 0


def test_a_directory_is_an_input(tmp_path: Path) -> None:
    for name in ("one.pcap", "two.pcap"):
        (tmp_path / name).write_bytes(Path(CAPTURE).read_bytes())
    whole = found(tmp_path, CAPTURE)
    assert [len(whole[side]["sources"]) for side in ("before", "after")] == [2, 1]


def test_the_result_goes_to_a_file(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert run(CALM, STORM, "--format", "json", "--output", out).stdout == ""
    assert json.loads(out.read_text(encoding="ascii"))["summary"]["verdict"] == "worse"
    assert run(CALM, STORM, "--output", STORM).exit_code == 2


@pytest.mark.parametrize(
    "words", [(CAPTURE,), (CAPTURE, CAPTURE, CAPTURE), ("-", "-"), (CAPTURE, CAPTURE, "--no-such")]
)
def test_usage_is_exit_code_2(words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2


@pytest.mark.parametrize("turned", [False, True])
def test_a_source_that_is_none_is_exit_code_3_and_one_line(tmp_path: Path, turned: bool) -> None:
    bad = tmp_path / "empty.pcap"
    bad.write_bytes(b"")
    for path in (bad, tmp_path / "missing.pcap"):
        pair = (path, CAPTURE) if turned else (CAPTURE, path)
        done = run(*pair)
        assert (done.exit_code, done.stdout) == (3, "")
        assert len(done.stderr.splitlines()) == 1


def test_hostile_octets_reach_nobody(tmp_path: Path) -> None:
    before, after = tmp_path / "before.pcap", tmp_path / "after.txt"
    before.write_bytes(capture(filled(EVERYTHING)))
    after.write_bytes(log(filled(EVERYTHING)))
    for pair in ((before, after), (before, CAPTURE), (CAPTURE, before)):
        table = run(*pair, "--all", "--color", "always")
        assert_harmless(table.stdout_bytes, colours=True)
        assert_json_is_harmless(run(*pair, "--format", "json").stdout_bytes, "json")


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_the_table_keeps_its_width(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for pair in ((CALM, STORM), (CAPTURE, LOG)):
        assert max(map(len, run(*pair).stdout.splitlines())) <= width


def test_small_inputs_do_not_pay_for_pandas() -> None:
    from tests.cli.test_start import imported

    modules = imported("compare", CAPTURE, CAPTURE)
    assert not {"pandas", "numpy", "pyarrow"} & modules


def test_several_processes_say_the_same() -> None:
    assert run(CALM, STORM, "--format", "json", "--jobs", "2").stdout == run(CALM, STORM, "--format", "json").stdout
