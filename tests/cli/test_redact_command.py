"""`sipcheck redact`: what is written, what is said, what is refused; private files are private."""

from __future__ import annotations

import gzip
import json
import os
import stat
from pathlib import Path

import dpkt
import pytest
from click.testing import CliRunner, Result

import analyzer
from analyzer.capture import pcapng_blocks as blocks
from analyzer.capture.opener import open_sources
from analyzer.capture.pcapng_options import SAID_OF_TLS
from analyzer.cli import sipcheck
from analyzer.evidence import RawMessage
from tests.shared import ROOT
from tests.tools import Tool
from tests.views.hostile_traffic import EVERYTHING, capture, filled, log
from tests.views.test_output_harmless import assert_harmless

SAMPLE = ROOT / "samples" / "wrong-password" / "input.pcapng"
USERS = ROOT / "samples" / "wrong-password" / "users.csv"
LOG = ROOT / "samples" / "text-baresip" / "input.txt"


def run(*words: object) -> Result:
    return CliRunner().invoke(sipcheck, ["redact", *map(str, words)])


def test_a_capture_is_written_and_told_of(tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    done = run(SAMPLE, "-o", out)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "140 messages with pseudonyms" in done.stderr
    assert "gives the same findings" in done.stderr
    assert analyzer.analyze(out).summary.messages == 140
    assert [path.name for path in tmp_path.iterdir()] == ["out.pcap"]


def test_a_log_becomes_a_log(tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    done = run(LOG, "-o", out)
    assert done.exit_code == 0 and "its other lines are not" in done.stderr
    assert analyzer.analyze(out).sources[0].kind == "log"


def test_what_is_not_kept_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sample keeps its findings, so one is lost on purpose: what the network said is not written."""
    monkeypatch.setattr("analyzer.capture.savefile.SaveFile.add_error", lambda self, error: None)
    sample = ROOT / "samples" / "server-down" / "input.pcapng"
    done = run(sample, "-o", tmp_path / "out.pcap")
    assert done.exit_code == 0
    assert "not the same: R3261-17.2-unanswered (icmp), warning: 14 before, 0 now" in done.stderr
    assert "not the same" not in run(sample, "-o", tmp_path / "other.pcap", "--no-check").stderr


def test_a_capture_without_times_stays_one(tmp_path: Path) -> None:
    source, out = tmp_path / "in.pcapng", tmp_path / "out.pcapng"
    with gzip.open(ROOT / "samples" / "storm-scan" / "input.pcap.gz") as file:
        octets = [packet for _, packet in dpkt.pcap.Reader(file)]
    head = blocks.section() + blocks.interface(dpkt.pcap.DLT_EN10MB, 0, b"")
    source.write_bytes(head + b"".join(blocks.simple(one, len(one)) for one in octets))
    assert "gives the same findings" in run(source, "-o", out).stderr
    report = analyzer.analyze(out)
    assert report.summary.messages == len(octets)
    assert report.sources[0].first is None
    assert SAID_OF_TLS not in report.sources[0].quality


@pytest.mark.parametrize("transport", ["T", "U"])
def test_a_log_keeps_its_transport(tmp_path: Path, transport: str) -> None:
    text = (ROOT / "samples" / "text-ngrep" / "input.txt").read_text()
    source, out = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text(
        "".join(f"{transport} {line[2:]}" if line[:2] == "U " else line for line in text.splitlines(True))
    )
    assert "gives the same findings" in run(source, "-o", out).stderr
    with open_sources([out], kind="log") as reading:
        found = {item.transport for item in reading if isinstance(item, RawMessage)}
        assert found == {"TCP"} if transport == "T" else found <= {"UDP", ""}
        assert all(item.time is not None for item in reading)


def test_what_was_within_tls_is_written_plain_and_known_again(tmp_path: Path, tool: Tool) -> None:
    tool("tshark")
    folder, out = ROOT / "samples" / "tls-registration", tmp_path / "out.pcapng"
    done = run(folder / "input.pcapng", "--tls-keylog", folder / "keylog.txt", "-o", out)
    assert done.exit_code == 0 and "gives the same findings" in done.stderr
    with open_sources([out], engine="native") as reading:
        assert {item.transport for item in reading if isinstance(item, RawMessage)} == {"TLS"}
    again = tmp_path / "again.pcapng"  # what was redacted once is redacted as what it was
    assert "gives the same findings" in run(out, "-o", again).stderr


def test_what_asterisk_says_is_kept_and_told_of(tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    done = run(ROOT / "samples" / "asterisk-own-words" / "input.log", "-o", out)
    assert done.exit_code == 0 and "it gives the same findings as the original" in done.stderr
    assert "with them 13 lines of the server on registrations; the log's other lines are not written" in done.stderr
    assert "Failed to authenticate" in out.read_text() and "config_options" not in out.read_text()


def test_a_log_of_notices_alone_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    done = run(ROOT / "tests" / "data" / "reports" / "asterisk-notices-only" / "input.txt", "-o", out)
    assert done.exit_code == 0 and "0 messages with pseudonyms" in done.stderr
    assert "with them 8 lines of the server" in done.stderr and "the same findings" in done.stderr
    assert sum(one.count for one in analyzer.analyze(out).sources[0].notices) == 8


def test_a_notice_that_would_say_something_else_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.redact.notices._is_same", lambda before, after: False)
    out = tmp_path / "out.txt"
    done = run(ROOT / "samples" / "asterisk-own-words" / "input.log", "-o", out)
    assert "left out: 13 lines of the server on registrations that would not say the same" in done.stderr
    assert "not the same: lines in which the server says failed: 1 before, 0 now" in done.stderr
    assert "Failed to authenticate" not in out.read_text()


def test_the_words_of_freeswitch_alone_are_nothing_to_write(tmp_path: Path) -> None:
    log = tmp_path / "in.log"
    log.write_text(
        "2026-11-18 11:06:40.203456 [WARNING] sofia_reg.c:3210 Can't find user [1001@acme.de] from 192.0.2.10\n"
    )
    done = run(log, "-o", tmp_path / "out.txt")
    assert done.exit_code == 3 and "notices say is nothing that can be redacted" in done.stderr
    assert not (tmp_path / "out.txt").exists()


def test_what_may_still_tell_is_in_the_help(tmp_path: Path) -> None:
    """Who has the wheel has no docs/."""
    done = run(SAMPLE, "-o", tmp_path / "out.pcap", "--no-check")
    assert "what it still may tell says `sipcheck redact --help`" in done.stderr and "docs/" not in done.stderr
    told = run("--help").stdout
    assert all(word in told for word in ("--user-agents replaces them", "three letters", "--shift hides the day"))
    assert "docs/" not in told


def test_digests_that_nobody_can_verify_are_told_of(tmp_path: Path) -> None:
    done = run(ROOT / "samples" / "wrong-password" / "input.pcapng", "-o", tmp_path / "out.pcap")
    told = "37 digests cannot be verified any more, or never could (without a password: 00000000...)"
    assert told in done.stderr and "can be verified with" not in done.stderr


def test_a_search_for_users_is_one_still(tmp_path: Path) -> None:
    done = run(ROOT / "samples" / "storm-scan" / "input.pcap.gz", "-o", tmp_path / "out.pcap")
    assert "it gives the same findings as the original" in done.stderr


def test_private_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    os.umask(0)
    try:
        mapping, users = tmp_path / "mapping.json", tmp_path / "users.csv"
        words = ("--mapping", mapping, "--credentials", USERS, "--new-credentials", users)
        done = run(SAMPLE, "-o", tmp_path / "out.pcap", *words)
    finally:
        os.umask(0o022)
    assert done.exit_code == 0
    for path in (mapping, users):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    told = json.loads(mapping.read_text())
    assert told["schema"] == "sipcheck-mapping/1" and len(bytes.fromhex(told["key"])) == 32
    assert "alice" in told["words"] and "10.9.0.1" in told["addresses"] and len(told["accounts"]) == 9
    checked = CliRunner().invoke(
        sipcheck, ["verify-digest", str(tmp_path / "out.pcap"), "--credentials", str(users), "--format", "json"]
    )
    assert json.loads(checked.stdout)["summary"]["digests"] == {"match": 33, "mismatch": 4, "unknown": 0}
    secrets = [line.split(",")[2] for line in USERS.read_text().splitlines()[1:]]
    assert not [one for one in secrets if one and one in users.read_text() + mapping.read_text()]


def test_without_a_mapping_nothing_else_is_written(tmp_path: Path) -> None:
    run(SAMPLE, "-o", tmp_path / "out.pcap")
    assert [path.name for path in tmp_path.iterdir()] == ["out.pcap"]


@pytest.mark.parametrize("option", ["-o", "--mapping", "--new-credentials"])
def test_what_is_there_stays_unless_forced(option: str, tmp_path: Path) -> None:
    places = {"-o": tmp_path / "out.pcap", option: tmp_path / "there"}
    places[option].write_text("precious")
    words = [word for place in places.items() for word in place]
    done = run(SAMPLE, *words)
    assert done.exit_code == 2 and "--force" in done.stderr
    assert places[option].read_text() == "precious"
    assert sorted(tmp_path.iterdir()) == [places[option]]
    assert run(SAMPLE, *words, "--force").exit_code == 0
    assert places[option].read_bytes() != b"precious"


def test_the_same_key_gives_the_same_pseudonyms(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"sixteen octets or more\n")
    for name in ("one", "two"):
        assert run(SAMPLE, "-o", tmp_path / name, "--key-file", key, "--no-check").exit_code == 0
    assert run(SAMPLE, "-o", tmp_path / "random", "--no-check").exit_code == 0
    one, two, other = ((tmp_path / name).read_bytes() for name in ("one", "two", "random"))
    assert one == two != other


def test_an_earlier_mapping_is_gone_on_with(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    assert run(SAMPLE, "-o", tmp_path / "one", "--mapping", first, "--no-check").exit_code == 0
    other = ROOT / "samples" / "server-down" / "input.pcapng"
    assert run(other, "-o", tmp_path / "two", "--known", first, "--mapping", second).exit_code == 0
    before, after = json.loads(first.read_text()), json.loads(second.read_text())
    assert after["key"] == before["key"] and len(after["words"]) > len(before["words"])
    assert before["words"].items() <= after["words"].items()
    assert before["addresses"].items() <= after["addresses"].items()
    assert len(set(after["words"].values())) == len(after["words"])


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"schema": "other/1"}',
     '{"schema": "sipcheck-mapping/1", "key": "x", "words": {}, "addresses": {}}',
     '{"schema": "sipcheck-mapping/1", "key": "00", "words": [], "addresses": {}}',
     '{"schema": "sipcheck-mapping/1", "key": "00", "words": {}, "addresses": {"10.0.0.1": "::1"}}', None],
)  # fmt: skip
def test_a_bad_mapping_is_usage(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "mapping"
    if text is not None:
        path.write_text(text)
    done = run(SAMPLE, "-o", tmp_path / "out", "--known", path)
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1
    assert run(SAMPLE, "-o", tmp_path / "out", "--known", path, "--key-file", path).exit_code == 2


@pytest.mark.parametrize("key", [None, b"short", b"x" * (1 << 17)])
def test_a_bad_key_is_usage(key: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "key"
    if key is not None:
        path.write_bytes(key)
    done = run(SAMPLE, "-o", tmp_path / "out", "--key-file", path)
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("words", [("-", "-o", "x"), (ROOT / "samples", "-o", "x"), (SAMPLE, "-o", "-"), (SAMPLE,)])
def test_what_cannot_be_read_twice_or_written_once_is_usage(words: tuple[object, ...]) -> None:
    assert run(*words).exit_code == 2


def test_nothing_is_written_over_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "in.pcapng"
    path.write_bytes(SAMPLE.read_bytes())
    assert run(path, "-o", path, "--force").exit_code == 2
    assert run(path, "-o", tmp_path / "out", "--mapping", tmp_path / "out").exit_code == 2
    assert path.read_bytes() == SAMPLE.read_bytes()


def test_flows_of_a_document_become_flows(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run(ROOT / "samples" / "flow-text-rfc" / "input.txt", "-o", out)
    assert done.exit_code == 0 and "as call flows; of the text their titles" in done.stderr
    assert "the same findings" in done.stderr
    assert len(analyzer.analyze(out).sources[0].flows) == 3
    assert b"Ines" not in out.read_bytes() and b"lisboa" not in out.read_bytes()


@pytest.mark.parametrize("octets", [b"", b"\x00" * 40, b"no sip here\n" * 9])
def test_a_source_that_is_none_is_exit_code_3(octets: bytes, tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(octets)
    done = run(path, "-o", tmp_path / "out")
    assert done.exit_code == 3 and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_capture_without_sip_leaves_nothing(tmp_path: Path) -> None:
    """What to do stands beside it."""
    done = run(ROOT / "samples" / "tls-registration" / "input.pcapng", "-o", tmp_path / "out")
    assert done.exit_code == 3 and "no SIP message in 32 packets" in done.stderr and "--tls-keylog FILE" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [capture, log])
def test_hostile_octets_are_rewritten_and_reach_no_terminal(kind: object, tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(kind(filled(EVERYTHING)))  # type: ignore[operator]
    done = run(path, "-o", tmp_path / "out", "--mapping", tmp_path / "mapping")
    assert done.exit_code == 0, done.output
    assert_harmless(done.stderr_bytes)
    assert (tmp_path / "mapping").read_text().isascii()
    assert b"evil" not in (tmp_path / "out").read_bytes()


def test_a_leak_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.redact.lexer.Lexer.strict", lambda self, text: text)
    monkeypatch.setattr("analyzer.redact.leaks.LeakSearch.found", lambda self, octets: "carol")
    done = run(SAMPLE, "-o", tmp_path / "out", "--mapping", tmp_path / "mapping")
    assert done.exit_code == 3 and "nothing is written" in done.stderr and "carol" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_times_are_shifted_if_asked(tmp_path: Path) -> None:
    run(SAMPLE, "-o", tmp_path / "out", "--shift", "-86400", "--no-check")
    before, after = analyzer.analyze(SAMPLE, rules=()), analyzer.analyze(tmp_path / "out", rules=())
    assert before.span[0] is not None and after.span[0] == before.span[0] - 86_400 * 10**9


def test_it_is_not_loaded_for_others() -> None:
    from tests.cli.test_start import imported

    assert not [name for name in imported("log", str(LOG)) if name.startswith(("analyzer.redact", "analyzer.compare"))]


@pytest.mark.parametrize("shift", ["nan", "inf", "1e30", "-1e11"])
def test_a_shift_that_no_calendar_holds_is_usage(shift: str, tmp_path: Path) -> None:
    done = run(SAMPLE, "-o", tmp_path / "out.pcap", f"--shift={shift}")
    assert done.exit_code == 2 and "--shift: at most" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_times_before_the_epoch_are_not_written(tmp_path: Path) -> None:
    old = tmp_path / "old.pcap"
    old.write_bytes(capture(filled("x")))
    done = run(old, "-o", tmp_path / "out.pcap", "--shift=-999999999", "--no-check")
    first = analyzer.analyze(old).span[0]
    assert first is not None
    if first < 999_999_999 * 10**9:
        assert done.exit_code == 3 and "before 1970" in done.stderr
    else:
        moved = analyzer.analyze(tmp_path / "out.pcap").span[0]
        assert moved is not None and first - moved == 999_999_999 * 10**9
