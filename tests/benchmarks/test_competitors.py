"""The competitors: what they are asked, how their word is read, and that none wins by not doing the job."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.competitors import FIELDS, Tool, mismatches, tools
from benchmarks.race import Race, race
from benchmarks.traffic import Traffic, media_in, storm_in
from tests.tools import Tool as Find

NAMES = {
    "sipcheck": None,
    "tshark -T fields": "tshark",
    "tshark -q -z sip,stat": "tshark",
    "sngrep -N -q": "sngrep",
    "pyshark, first 40 packets": "tshark",
}
SAID = {
    "sipcheck": (
        "made.pcap · pcap capture · 1 Jan 2026\n  1,000,000 packets, 20,000\n"
        "  SIP messages · 1,010 REGISTERs, 38 of them repeats\n",
        {"packets": 1_000_000, "messages": 20_000, "requests": 1010, "retransmissions": 38},
    ),
    "tshark -T fields": (
        "1\t0.0\tREGISTER sip:example.com SIP/2.0\t\n2\t0.1\t\tSIP/2.0 200 OK\n",
        {"messages": 2, "requests": 1},
    ),
    "tshark -q -z sip,stat": (
        "Number of SIP messages: 2000\nNumber of resent SIP messages: 56\n  SIP 200 OK              :   482 Packets\n"
        "  SIP 401 Unauthorized    :   499 Packets\n  REGISTER        :  1010 Packets\n",
        {"messages": 2000, "requests": 1010, "challenged": 499, "accepted": 482},
    ),
    "sngrep -N -q": ("\rDialog count: 0\rDialog count: 120\n", {"users": 120}),
    "pyshark, first 40 packets": ("1\t0.0\n2\t0.1\n3\t0.2\n", {"messages": 3}),
}


def named(name: str, *, media: bool = False) -> Tool:
    """The competitor of that name."""
    (tool,) = (tool for tool in tools(media=media, slice_packets=40) if tool.name == name)
    return tool


def raced(tool: Tool, traffic: Traffic, folder: Path) -> Race:
    """One round of it alone."""
    return race("test", "messages/s", traffic, [tool], 1, folder, lambda line: None)


@pytest.mark.parametrize("name", SAID)
def test_output_is_read(name: str, tmp_path: Path) -> None:
    text, expected = SAID[name]
    (tmp_path / "stdout").write_text(text, newline="")
    assert named(name).read(tmp_path / "stdout") == expected


@pytest.mark.parametrize("name", SAID)
def test_silence_is_read_as_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / "stdout").write_text("")
    assert set(named(name).read(tmp_path / "stdout").values()) == {0}


def test_every_tool_has_its_reader_tested() -> None:
    plain = {tool.name for tool in tools(media=False, slice_packets=40)} - {"sipcheck --jobs 2"}
    assert plain == set(SAID) == set(NAMES)


def test_mismatch_says_both_numbers() -> None:
    made = {"messages": 2000, "requests": 1010}
    assert mismatches({"messages": 2000, "requests": 1010}, made) == []
    assert mismatches({"messages": 1999}, made) == ["saw 1,999 messages, not 2,000"]


@pytest.mark.parametrize("media", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_tool_does_the_whole_job(name: str, media: bool, tmp_path: Path, tool: Find) -> None:
    program = NAMES[name]
    if program is not None:
        tool(program)
    name = name.replace("-T fields", "-Y sip -T fields") if media else name
    traffic = media_in(tmp_path, 4000, 10) if media else storm_in(tmp_path, 120, 10)
    (result,) = raced(named(name, media=media), traffic, tmp_path).results
    assert (result.skipped, result.faults) == ("", [])
    assert result.valid
    assert result.packets == (40 if "pyshark" in name else traffic.totals.packets)


@pytest.mark.needs_tool("tshark")
def test_each_field_has_values_and_is_known(tmp_path: Path) -> None:
    traffic = storm_in(tmp_path, 40, 5)
    raced(named("tshark -T fields"), traffic, tmp_path)
    rows = [line.split("\t") for line in (tmp_path / "stdout").read_text().splitlines()]
    assert {len(row) for row in rows} == {len(FIELDS)}
    empty = [field for field, *values in zip(FIELDS, *rows, strict=True) if not any(values)]
    assert empty == []


@pytest.mark.parametrize("media", [False, True])
def test_jobs_is_skipped_with_a_reason_or_run(media: bool) -> None:
    assert named("sipcheck --jobs 2", media=media).missing() in {"", "one core", "this sipcheck has no --jobs"}


def test_missing_program_is_skipped_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    traffic = storm_in(tmp_path, 40, 5)
    monkeypatch.setenv("PATH", str(tmp_path))
    (result,) = raced(named("tshark -T fields"), traffic, tmp_path).results
    assert result.skipped == "tshark is not installed"
    assert not result.runs


def test_command_is_shown_without_the_folder(tmp_path: Path) -> None:
    traffic = storm_in(tmp_path, 40, 5)
    (result,) = race("test", "messages/s", traffic, [named("sipcheck")], 0, tmp_path, lambda line: None).results
    assert str(tmp_path) not in result.command
    assert traffic.path.name in result.command


def stand_in(code: str, *, proof: str | None = None) -> Tool:
    """A competitor that is a line of shell."""
    return Tool(
        "stand-in",
        lambda path: ["sh", "-c", code],
        lambda out: {"messages": int(out.read_text() or 0)},
        lambda: "",
        proof=None if proof is None else lambda path: ["sh", "-c", proof],
    )


@pytest.mark.parametrize(
    ("tool", "fault"),
    [
        (stand_in("echo 39"), "saw 39 messages, not 40"),
        (stand_in("exit"), "saw 0 messages, not 40"),
        (stand_in("echo 40; echo it broke >&2; exit 7"), "exit status 7: it broke"),
        (stand_in("kill -11 $$"), "exit status -11: no word"),
        (stand_in("exit", proof="echo 12"), "saw 12 messages, not 40"),
        (stand_in("exit 1", proof="echo 40"), "exit status 1: no word"),
    ],
)
def test_who_did_not_do_the_job_is_out(tool: Tool, fault: str, tmp_path: Path) -> None:
    (result,) = raced(tool, storm_in(tmp_path, 40, 5), tmp_path).results
    assert result.faults == [fault]
    assert not result.valid


def test_silent_tool_is_believed_by_its_proof(tmp_path: Path) -> None:
    (result,) = raced(stand_in("exit", proof="echo 40"), storm_in(tmp_path, 40, 5), tmp_path).results
    assert result.valid
    assert len(result.runs) == 1
