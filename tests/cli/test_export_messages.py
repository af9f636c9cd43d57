"""`sipcheck export --to pcap`: the evidence alone, of captures in the packets that were captured."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import analyzer
from analyzer.capture.formats import pcap
from analyzer.capture.opener import open_sources
from analyzer.capture.pcapng_options import SAID_OF_TLS
from analyzer.capture.savefile import SaveFile
from analyzer.cli import sipcheck
from analyzer.evidence import SECOND, Endpoint, Frame, RawMessage, Source
from tests.register.traffic import request
from tests.shared import ROOT
from tests.tools import Tool

PCAP = ROOT / "samples" / "cseq-not-raised" / "input.pcap"
PCAPNG = ROOT / "samples" / "wrong-password" / "input.pcapng"
USERS = ROOT / "samples" / "wrong-password" / "users.csv"
LOG = ROOT / "samples" / "asterisk-first-registration" / "input.txt"


def run(*words: object) -> Result:
    return CliRunner().invoke(sipcheck, ["export", "--to", "pcap", *map(str, words)])


def packets(path: Path) -> list[tuple[bytes, int | None, int]]:
    with path.open("rb") as file:
        return [(one.octets, one.time, one.linktype) for one in pcap.all_records(file, Source("x"))]


def test_the_packets_are_those_that_were_captured(tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    done = run(PCAP, "-o", out)
    assert done.exit_code == 0, done.stderr
    assert "8 messages in 8 packets as they were captured" in done.stderr
    assert packets(out) == packets(PCAP)


@pytest.mark.needs_tool("tshark")
def test_tshark_finds_the_same_frames(tmp_path: Path, tool: Tool) -> None:
    out = tmp_path / "out.pcap"
    assert run(PCAPNG, "-o", out, "--aor", "frank@10.9.0.1").exit_code == 0
    fields = ["-T", "fields", "-e", "frame.time_epoch", "-e", "eth.src", "-e", "ip.id", "-e", "udp.payload"]

    def read(path: Path, *more: str) -> list[str]:
        words = [tool("tshark"), "-r", str(path), *more, *fields]
        return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()

    assert read(out) == read(PCAPNG, "-Y", 'sip.to.addr contains "frank@10.9.0.1"') != []


def test_made_packets_are_there_for_who_wants_them(tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    done = run(PCAP, "-o", out, "--made")
    assert done.exit_code == 0 and "captured" not in done.stderr
    assert {linktype for _, _, linktype in packets(out)} == {101}


def test_a_finding_comes_with_its_transactions(tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    done = run(PCAP, "-o", out, "--finding", "cseq-increment")
    assert done.exit_code == 0, done.stderr
    assert packets(out) == packets(PCAP)[2:]  # frames 3 and 5 show it; both have CSeq 2
    report = analyzer.analyze(out)
    assert any(one.rule == "R3261-10.2-cseq-increment" for one in report.findings)


@pytest.mark.parametrize("more", [(), ("--made",)])
def test_what_the_network_said_is_evidence(tmp_path: Path, more: tuple[str, ...]) -> None:
    out = tmp_path / "out.pcap"
    sample = ROOT / "samples" / "server-down" / "input.pcapng"
    done = run(sample, "-o", out, "--finding", "R3261-17.2-unanswered:icmp", *more)
    assert done.exit_code == 0, done.stderr
    found = [one for one in analyzer.analyze(out).findings if one.rule == "R3261-17.2-unanswered"]
    known = [one for one in analyzer.analyze(sample).findings if one.rule == "R3261-17.2-unanswered"]
    assert {one.sub for one in found} == {one.sub for one in known} == {"icmp"}


def test_what_the_network_said_behind_the_end_is_left_out(tmp_path: Path) -> None:
    sample = ROOT / "samples" / "server-down" / "input.pcapng"
    whole, begin = tmp_path / "whole.pcap", tmp_path / "begin.pcap"
    assert run(sample, "-o", whole).exit_code == 0
    times = [time or 0 for _, time, _ in packets(whole)]
    until = times[len(times) // 2] // 10**9
    assert run(sample, "-o", begin, "--until", until).exit_code == 0
    assert [time for _, time, _ in packets(begin)] == [time for time in times if time // 10**9 <= until]


def test_what_was_taken_out_of_tls_stays_that(tmp_path: Path) -> None:
    source, out = tmp_path / "in.pcapng", tmp_path / "out.pcapng"
    ends = Endpoint("192.0.2.10", 5061), Endpoint("192.0.2.1", 5061)
    with source.open("wb") as file:
        saved = SaveFile(file, tells_tls=True)
        saved.add(RawMessage(request(0).payload, 1_000 * SECOND, Frame("x", 1, 0), *ends, "TLS"))
        saved.finish()
    done = run(source, "-o", out)
    assert done.exit_code == 0 and "or were within TLS" in done.stderr
    with open_sources([out], engine="native") as reading:
        assert [item.transport for item in reading] == ["TLS"]
        assert reading.sources[0].quality == [SAID_OF_TLS]


def test_a_finding_that_needs_secrets(tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    assert run(PCAPNG, "-o", out, "--finding", "digest-verify").exit_code == 3
    assert run(PCAPNG, "-o", out, "--finding", "digest-verify", "--credentials", USERS).exit_code == 0
    found = analyzer.analyze(out, credentials=USERS).findings
    assert sum(one.count for one in found if one.rule == "R7616-digest-verify") == 4
    narrow = tmp_path / "narrow.pcap"
    words = ("--finding", "digest-verify", "--credentials", USERS, "--aor", "frank@10.9.0.1")
    assert run(PCAPNG, "-o", narrow, *words).exit_code == 0
    assert len(packets(narrow)) == 2


def test_a_finding_of_a_log(tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    done = run(LOG, "-o", out, "--finding", "qop-offered")
    assert done.exit_code == 0, done.stderr
    assert "2 messages" in done.stderr and "captured" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--from", "11:54"),
        ("--until", "11:53:43"),
        ("--from", "11:53:46", "--until", "11:53:46"),
        ("--from", "2026-11-20T11:53:43.75Z", "--until", "2026-11-20T11:53:43.7519Z"),
        ("--from", "1795175640"),
        ("--to", "11:53:43"),
        ("--from", "11:53:46", "--to", "11:53:46"),
    ],
    ids=" ".join,
)
def test_times(tmp_path: Path, words: tuple[str, ...]) -> None:
    out = tmp_path / "out.pcap"
    done = run(PCAPNG, "-o", out, *words)
    assert done.exit_code == 0, done.stderr
    times = _times(PCAPNG)
    within = [time for time in times if _within(time, words)]
    assert 0 < len(within) < len(times)
    assert _times(out) == within


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--to", "csv"), "name one of pcap, parquet, csv, ndjson, once"),
        (("--to", "25:00"), "'25:00' is not one of 'pcap', 'parquet', 'csv', 'ndjson', and no time"),
        (("--to", "11:54", "--to", "11:55"), "name one time"),
        (("--to", "11:54", "--until", "11:55"), "name one time"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_form_and_a_time_are_named_once(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    done = run(PCAPNG, "-o", tmp_path / "out.pcap", *words)
    assert done.exit_code == 2
    assert told in " ".join(done.stderr.split())
    assert not list(tmp_path.iterdir())


def test_a_time_is_no_form(tmp_path: Path) -> None:
    done = CliRunner().invoke(sipcheck, ["export", str(PCAPNG), "--to", "11:54", "-o", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert "name one of pcap, parquet, csv, ndjson, once" in " ".join(done.stderr.split())


def _times(path: Path) -> list[int]:
    from analyzer.capture.opener import open_sources
    from analyzer.evidence import RawMessage

    with open_sources([str(path)]) as opened:
        return [item.time or 0 for item in opened if isinstance(item, RawMessage)]


def _within(time: int, words: tuple[str, ...]) -> bool:
    """As a person would say: the text of the time, cut to what was typed, lies between."""
    from datetime import UTC, datetime

    given = dict(zip(words[::2], words[1::2], strict=True))
    shown = datetime.fromtimestamp(time // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{time % 10**9:09}"
    for option, text in given.items():
        if text.isdigit():
            inside = time // 10**9 >= int(text)
        else:
            plain = text.rstrip("Z")
            cut = shown if plain[:4] == "2026" else shown[11:]
            inside = cut[: len(plain)] >= plain if option == "--from" else cut[: len(plain)] <= plain
        if not inside:
            return False
    return True


def test_times_of_a_log_are_in_its_zone(tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    assert run(LOG, "-o", out, "--from", "13:35:51").exit_code == 0  # as the table shows it: UTC+2
    assert run(LOG, "-o", tmp_path / "other", "--until", "11:35:52").exit_code == 3


def test_messages_without_a_time_are_left_out_and_counted(tmp_path: Path) -> None:
    bare = ROOT / "samples" / "flow-text-rfc" / "input.txt"
    done = run(bare, "-o", tmp_path / "out", "--from", "11:00")
    assert done.exit_code == 3 and "no SIP message is left by" in done.stderr


def test_what_is_no_time_is_usage(tmp_path: Path) -> None:
    done = run(PCAP, "-o", tmp_path / "out", "--from", "noon")
    assert done.exit_code == 2 and "'noon' is no time" in done.stderr


@pytest.mark.parametrize("words", [("--finding", "callid"), ("--from", "11:00"), ("--until", "11:00"), ("--made",)])
def test_tables_are_of_everything(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(sipcheck, ["export", str(PCAP), "--to", "csv", "-o", str(tmp_path / "out"), *words])
    assert done.exit_code == 2 and "go with --to pcap" in done.stderr


def test_a_rule_that_is_none(tmp_path: Path) -> None:
    done = run(PCAP, "-o", tmp_path / "out", "--finding", "nonsense")
    assert done.exit_code == 2 and "no rule is called nonsense" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_nothing_left_is_nothing_written(tmp_path: Path) -> None:
    done = run(PCAP, "-o", tmp_path / "out", "--aor", "nobody@example.com")
    assert done.exit_code == 3 and "--aor" in done.stderr
    assert run(PCAP, "-o", tmp_path / "out", "--finding", "star-form").exit_code == 3
    assert list(tmp_path.iterdir()) == []


def piped(out: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "analyzer", "export", "-", "--to", "pcap", "-o", str(out), *words]
    return subprocess.run(
        command, input=PCAP.read_bytes(), capture_output=True, cwd=ROOT, env=os.environ, check=False, timeout=60
    )


def test_a_stream_makes_packets_of_its_messages(tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    done = piped(out)
    assert done.returncode == 0
    assert {linktype for _, _, linktype in packets(out)} == {101}
    assert piped(tmp_path / "other", "--finding", "callid").returncode == 2
