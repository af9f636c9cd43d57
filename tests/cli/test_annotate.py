"""`sipcheck annotate`: the comments as tshark reads them, and everything that is no capture to be read twice."""

from __future__ import annotations

import gzip
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import analyzer
from analyzer.capture.formats import pcap
from analyzer.capture.record import Record
from analyzer.cli import sipcheck
from analyzer.evidence import Frame, Source
from analyzer.views.packet_comments import filter_of
from tests.capture.build import interface, section, simple
from tests.shared import ROOT
from tests.tools import Tool
from tests.views.hostile_traffic import TEXTS, capture, filled

PCAP = ROOT / "samples" / "cseq-not-raised" / "input.pcap"
PCAPNG = ROOT / "samples" / "wrong-password" / "input.pcapng"
USERS = ROOT / "samples" / "wrong-password" / "users.csv"
LOG = ROOT / "samples" / "asterisk-first-registration" / "input.txt"


def run(*words: object) -> Result:
    return CliRunner().invoke(sipcheck, ["annotate", *map(str, words)])


def tshark(tool: Tool, path: Path, *words: str) -> list[str]:
    command = [tool("tshark"), "-r", str(path), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()


@pytest.mark.needs_tool("tshark")
@pytest.mark.parametrize("source", [PCAP, PCAPNG], ids=lambda path: path.name)
def test_tshark_shows_every_finding_on_its_frames(tmp_path: Path, source: Path, tool: Tool) -> None:
    out = tmp_path / "out.pcapng"
    done = run(source, "-o", out, "--credentials", USERS)
    assert done.exit_code == 0, done.stderr
    rows = tshark(tool, out, "-T", "fields", "-e", "frame.number", "-e", "frame.comment", "-E", "aggregator=|")
    shown = {int(number): text for number, _, text in (row.partition("\t") for row in rows)}
    report = analyzer.analyze(source, credentials=USERS)
    wanted = {
        (place.number, one.rule) for one in report.findings for place, _ in one.evidence if isinstance(place, Frame)
    }
    assert wanted and {(number, rule) for number, rule in wanted if rule not in shown[number]} == set()
    assert {number for number, text in shown.items() if text} == {number for number, _ in wanted}


@pytest.mark.needs_tool("tshark")
def test_the_filter_printed_selects_what_it_says(tmp_path: Path, tool: Tool) -> None:
    out = tmp_path / "out.pcapng"
    done = run(PCAPNG, "-o", out, "--credentials", USERS)
    assert filter_of("error") in done.stdout
    numbers = tshark(tool, out, "-Y", filter_of("error"), "-T", "fields", "-e", "frame.number")
    assert numbers == ["7", "79", "83", "87"]
    everything = tshark(tool, out, "-Y", filter_of(), "-T", "fields", "-e", "frame.number")
    assert f"on {len(everything)} packets" in done.stderr


@pytest.mark.needs_tool("tshark")
@pytest.mark.parametrize("source", [PCAP, PCAPNG], ids=lambda path: path.name)
def test_the_packets_are_the_same_to_tshark(tmp_path: Path, source: Path, tool: Tool) -> None:
    out = tmp_path / "out.pcapng"
    assert run(source, "-o", out).exit_code == 0
    fields = ("-T", "fields", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len", "-e", "sip.Call-ID")
    assert tshark(tool, out, *fields) == tshark(tool, source, *fields) != []
    assert tshark(tool, out, "-x", "-c", "5") == tshark(tool, source, "-x", "-c", "5")


@pytest.mark.parametrize("source", [PCAP, PCAPNG], ids=lambda path: path.name)
def test_the_findings_are_the_same(tmp_path: Path, source: Path) -> None:
    out = tmp_path / "out.pcapng"
    assert run(source, "-o", out).exit_code == 0
    before, after = analyzer.analyze(source), analyzer.analyze(out)
    assert [(one.rule, one.detail, one.evidence[0].place[1]) for one in before.findings] == [
        (one.rule, one.detail, one.evidence[0].place[1]) for one in after.findings
    ]


def test_done_twice_it_says_nothing_twice(tmp_path: Path) -> None:
    once, twice = tmp_path / "once.pcapng", tmp_path / "twice.pcapng"
    assert run(PCAP, "-o", once).exit_code == run(once, "-o", twice).exit_code == 0
    assert once.read_bytes() == twice.read_bytes()


def test_compressed_input(tmp_path: Path) -> None:
    packed, plain, out = tmp_path / "x.pcapng.gz", tmp_path / "plain", tmp_path / "out"
    packed.write_bytes(gzip.compress(PCAPNG.read_bytes()))
    assert run(packed, "-o", out).exit_code == run(PCAPNG, "-o", plain).exit_code == 0
    assert out.read_bytes() == plain.read_bytes()


def test_a_capture_without_time_keeps_its_blocks(tmp_path: Path) -> None:
    source, out = tmp_path / "simple.pcapng", tmp_path / "out.pcapng"
    octets = [record.octets for record in _packets(PCAP)]
    source.write_bytes(section() + interface(1) + b"".join(map(simple, octets)))
    done = run(source, "-o", out)
    assert done.exit_code == 0
    assert "no packet can carry: in the comment of the file" in done.stderr
    copy = out.read_bytes()
    assert b"frame 5: sipcheck error: The phone does not count CSeq up" in copy
    assert all(simple(one) in copy for one in octets)


def _packets(path: Path) -> list[Record]:
    with path.open("rb") as file:
        return list(pcap.records(file, Source("x")))


@pytest.mark.needs_tool("tshark")
@pytest.mark.parametrize("name", ["markup", "bidi", "C0", "lone surrogates", "formula"])
def test_hostile_headers_are_harmless_in_comments(tmp_path: Path, name: str, tool: Tool) -> None:
    source, out = tmp_path / "in.pcap", tmp_path / "out.pcapng"
    source.write_bytes(capture(filled(TEXTS[name], "user", "agent", "realm", "reason", "contact")))
    assert run(source, "-o", out).exit_code == 0
    rows = tshark(tool, out, "-T", "fields", "-e", "frame.number", "-e", "frame.comment")
    assert any("sipcheck" in row for row in rows)
    assert all(row.replace("\t", "").isprintable() for row in rows)


def test_a_log_has_no_packets(tmp_path: Path) -> None:
    done = run(LOG, "-o", tmp_path / "out.pcapng")
    assert done.exit_code == 3
    assert f"sipcheck export {LOG} --to pcap -o messages.pcap" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_advice_for_a_log_works(tmp_path: Path) -> None:
    messages, out = tmp_path / "messages.pcap", tmp_path / "out.pcapng"
    words = ["export", str(LOG), "--to", "pcap", "-o", str(messages)]
    assert CliRunner().invoke(sipcheck, words).exit_code == 0
    done = run(messages, "-o", out)
    assert done.exit_code == 0 and "comments on" in done.stderr


def test_what_can_be_read_once_only_is_usage(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for name in ("-", pipe):
        done = run(name, "-o", tmp_path / "out.pcapng")
        assert done.exit_code == 2 and "no file that can be read twice" in done.stderr


def test_the_input_is_never_written_over(tmp_path: Path) -> None:
    source, link = tmp_path / "in.pcap", tmp_path / "link.pcap"
    source.write_bytes(PCAP.read_bytes())
    link.symlink_to(source)
    for out in (source, link):
        done = run(source, "-o", out, "--force")
        assert done.exit_code == 2 and "not replaced" in done.stderr
    assert source.read_bytes() == PCAP.read_bytes()


def test_what_is_there_stays_unless_forced(tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    out.write_bytes(b"before")
    assert run(PCAP, "-o", out).exit_code == 2
    assert out.read_bytes() == b"before"
    assert run(PCAP, "-o", out, "--force").exit_code == 0
    assert out.read_bytes().startswith(b"\n\r\r\n")


@pytest.mark.parametrize("name", ["no-such.pcap", str(ROOT / "README.md")])
def test_what_cannot_be_read_leaves_nothing(tmp_path: Path, name: str) -> None:
    done = run(name, "-o", tmp_path / "out.pcapng")
    assert done.exit_code == 3 and done.stderr.startswith("sipcheck: ")
    assert list(tmp_path.iterdir()) == []


def test_no_sip_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(PCAP.read_bytes()[:24])
    assert run(empty, "-o", tmp_path / "out.pcapng").exit_code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["empty.pcap"]


def test_options_of_the_analysis_count(tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    assert run(PCAP, "-o", out, "--select", "R3261-10.2-cseq-increment").exit_code == 0
    assert b"R3261-10.2-cseq-increment" in out.read_bytes()
    assert b"DET-weak-md5" not in out.read_bytes()
    assert run(PCAP, "-o", out, "--force", "--aor", "nobody@example.com").exit_code == 0
    assert b"sipcheck error" not in out.read_bytes()
