"""`sipcheck storm`: what it prints, draws and exits with."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import sipcheck
from tests.shared import ROOT
from tests.storm.storm_schema import REPORT, SUMMARY, thing

jsonschema: Any = pytest.importorskip("jsonschema")  # it has no stubs of its own

RESTART = ROOT / "samples" / "storm-restart" / "input.pcap.gz"
CALM = ROOT / "samples" / "storm-none" / "input.pcap.gz"
CONTRACT_KEYS = {
    "start", "end", "peak_rate", "peak_time", "requests", "first_copies", "retransmissions", "users", "causes",
    "phases", "responses", "users_without_binding",
}  # fmt: skip


def run(*arguments: str | Path) -> Result:
    """The command with these arguments."""
    return CliRunner().invoke(sipcheck, ["storm", *map(str, arguments)])


def test_a_storm_is_told_verdict_first() -> None:
    done = run(RESTART)
    assert done.exit_code == 1
    text = done.output
    assert text.index("Everybody registered again at once after a restart") < text.index("restart   ")
    assert text.index("restart   ") < text.index("amplification")
    assert all(len(line) <= 100 for line in text.splitlines())


@pytest.mark.parametrize(("level", "code"), [("never", 0), ("error", 1), ("info", 1)])
def test_fail_on(level: str, code: int) -> None:
    assert run(RESTART, "--fail-on", level).exit_code == code


def test_calm_traffic_is_no_storm() -> None:
    done = run(CALM)
    assert done.exit_code == 0
    assert "No storm." in done.output


def test_json_is_that_of_the_contract() -> None:
    done = run(RESTART, "--format", "json")
    found: dict[str, Any] = json.loads(done.output)
    assert done.exit_code == 1
    assert list(found) == ["schema", "sources", "storms", "summary"]
    assert found["schema"] == "sipcheck/1"
    (storm,) = found["storms"]
    assert set(storm) >= CONTRACT_KEYS
    assert storm["causes"][0]["cause"] == "restart"
    assert storm["requests"] == storm["first_copies"] + storm["retransmissions"]
    assert {"phase", "start", "end", "rate"} == set(storm["phases"][0])
    assert storm["start"] == storm["phases"][0]["start"] < storm["peak_time"] < storm["end"]
    assert {"peak", "user_seconds"} <= set(storm["users_without_binding"])
    assert sum(storm["responses"].values()) + storm["unanswered"] > 0
    assert found["summary"]["storms"] == 1


def test_json_of_calm_traffic_is_empty() -> None:
    found = json.loads(run(CALM, "--format", "json").output)
    assert found["storms"] == []
    assert found["summary"]["requests"] == 680


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_plot(tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"storm.{ending}"
    assert run(RESTART, "--plot", target).exit_code == 1
    octets = target.read_bytes()
    assert octets.startswith(b"\x89PNG" if ending == "png" else b"<?xml")
    assert len(octets) > 20_000


def test_the_plot_of_the_same_capture_is_the_same(tmp_path: Path) -> None:
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    run(RESTART, "--plot", first)
    run(RESTART, "--plot", second)
    assert first.read_bytes() == second.read_bytes()


def test_a_plot_of_calm_traffic_says_so(tmp_path: Path) -> None:
    target = tmp_path / "calm.svg"
    assert run(CALM, "--plot", target).exit_code == 0
    assert target.exists()


def test_a_plot_that_cannot_be_written(tmp_path: Path) -> None:
    done = run(CALM, "--plot", tmp_path / "nowhere" / "x.png")
    assert done.exit_code == 3
    assert done.output.count("\n") == 1
    assert "cannot be written" in done.output


def test_a_plot_in_an_unknown_form(tmp_path: Path) -> None:
    done = run(CALM, "--plot", tmp_path / "x.docx")
    assert done.exit_code == 2
    assert "png and svg can" in done.output


def test_without_matplotlib_there_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *given: Any, **named: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *given, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    done = run(CALM, "--plot", tmp_path / "x.png")
    assert done.exit_code == 2
    assert "--plot needs matplotlib: pip install 'sipcheck[plot]'" in done.output


def test_no_sip_is_3(tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("nothing of interest\n")
    assert run(empty).exit_code == 3
    assert run(tmp_path / "missing.pcap").exit_code == 3


def test_it_is_in_the_list_of_commands() -> None:
    done = CliRunner().invoke(sipcheck, ["--help"])
    assert "Find and explain registration storms." in done.output


def test_its_help_shows_samples_that_exist() -> None:
    done = run("--help")
    named = [word for word in done.output.split() if word.startswith("samples/")]
    assert len(named) == 3
    assert all((ROOT / word).exists() for word in named)


@pytest.mark.parametrize("folder", sorted((ROOT / "samples").glob("storm-*")), ids=lambda folder: folder.name)
def test_the_json_of_every_sample_is_that_of_the_schema(folder: Path) -> None:
    found: dict[str, Any] = json.loads(run(folder / "input.pcap.gz", "--format", "json").output)
    summary = thing(**SUMMARY["properties"], interrupted={"const": False})
    own = {"schema": {"const": "sipcheck/1"}, "sources": {}, "summary": summary}
    schema = {**REPORT, "properties": REPORT["properties"] | own}
    jsonschema.Draft202012Validator(schema).validate(found)
    expected = (folder / "storm.txt").read_text().strip()
    assert [storm["causes"][0]["cause"] for storm in found["storms"]] == ([] if expected == "none" else [expected])


@pytest.mark.parametrize("folder", sorted((ROOT / "samples").glob("storm-*")), ids=lambda folder: folder.name)
def test_the_page_and_the_json_say_the_same(folder: Path) -> None:
    page = " ".join(run(folder / "input.pcap.gz").output.split())
    found: dict[str, Any] = json.loads(run(folder / "input.pcap.gz", "--format", "json").output)
    for storm in found["storms"]:
        assert f"{storm['requests']:,} REGISTERs, {storm['retransmissions']:,} of them repeats" in page
        assert f"at most {storm['peak_rate']:,.0f} in a second" in page
        for cause in storm["causes"]:
            assert f"{cause['share']:.0%} {cause['cause']} {cause['detail']}" in page
        for phase in storm["phases"]:
            assert phase["phase"] in page
        for status, times in storm["responses"].items():
            assert f"{times:,} times {status}" in page


def test_several_files_are_one_capture() -> None:
    found: dict[str, Any] = json.loads(run(RESTART, CALM, "--format", "json").output)
    assert len(found["sources"]) == 2
    assert [storm["causes"][0]["cause"] for storm in found["storms"]] == ["restart"]


def test_one_storm_of_two_files_is_that_of_the_one() -> None:
    """Calm in another file is no reason to see a storm otherwise, but for where its last ripples end."""
    alone: dict[str, Any] = json.loads(run(RESTART, "--format", "json").output)["storms"][0]
    beside: dict[str, Any] = json.loads(run(RESTART, CALM, "--format", "json").output)["storms"][0]
    for name in ("retransmissions", "users", "unanswered", "peak_time", "silences"):
        assert beside[name] == alone[name], name
    assert beside["start"] == pytest.approx(alone["start"], abs=1)
    assert beside["end"] == pytest.approx(alone["end"], abs=2)
    assert beside["requests"] == pytest.approx(alone["requests"], rel=0.1)
