"""TLS: opened with a key log or with keys in the file, on any port; what stays closed is told."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

import analyzer
from analyzer.capture import tls
from analyzer.capture.formats import pcap as pcap_format
from analyzer.capture.formats import pcapng as pcapng_format
from analyzer.capture.input_stream import InputStream
from analyzer.capture.opener import open_sources
from analyzer.capture.preface import read as preface
from analyzer.capture.tshark.program import check_keylog, find, survey
from analyzer.defect import SourceError
from analyzer.evidence import Source
from tests.capture import build
from tests.capture.build import ACK, SYN, ethernet, ip4, message, pcap, pcapng, tcp, write
from tests.capture.deep import TLS_SAMPLE, deep_messages, snoop, two_links, with_secrets
from tests.capture.tcp_talk import Talk

needs_tshark = pytest.mark.needs_tool("tshark")

CAPTURE, KEYLOG = TLS_SAMPLE / "input.pcapng", TLS_SAMPLE / "keylog.txt"
KEYS = KEYLOG.read_bytes()
HELLO = b"\x16\x03\x01\x00\x05hello"


def keys_of(version: str) -> bytes:
    """The keys of one of the two connections: those of TLS 1.2 are one line."""
    lines = KEYS.splitlines(keepends=True)
    return b"".join(line for line in lines if line.startswith(b"CLIENT_RANDOM") == (version == "1.2"))


@needs_tshark
def test_two_registrations(tmp_path: Path) -> None:
    found, aborts, source = deep_messages(CAPTURE, tls_keylog=str(KEYLOG))
    assert [item.payload.split(b" ")[0 if item.payload.startswith(b"R") else 1] for item in found] == [
        b"REGISTER", b"401", b"REGISTER", b"200",
    ] * 2  # fmt: skip
    assert {item.transport for item in found} == {"TLS"}
    assert [{item.source.port, item.destination.port} & {5061, 15061} for item in found] == [{5061}] * 4 + [{15061}] * 4
    assert [item.stream for item in found] == [1] * 4 + [2] * 4
    assert [(abort.transport, abort.reason) for abort in aborts] == [("TLS", "closed")] * 4
    assert source.quality == [f"read by {find()}, because TLS is to be opened; it does not count keep-alives"]


@needs_tshark
def test_the_digests_are_right() -> None:
    report = analyzer.analyze(CAPTURE, tls_keylog=KEYLOG, credentials=TLS_SAMPLE / "users.csv")
    assert report.summary.digests == {"match": 2}
    assert report.summary.outcomes == {"registered": 2}
    assert {row.transport for row in report.transactions} == {"TLS"}


@needs_tshark
@pytest.mark.parametrize(("version", "port", "closed"), [("1.3", 5061, 15061), ("1.2", 15061, 5061)])
def test_keys_of_one_connection(tmp_path: Path, version: str, port: int, closed: int) -> None:
    keylog = write(tmp_path, "keys", keys_of(version))
    found, _, source = deep_messages(CAPTURE, tls_keylog=str(keylog))
    assert len(found) == 4
    assert all(port in (item.source.port, item.destination.port) for item in found)
    (note,) = source.quality[1:]
    assert note.startswith(f"TLS on port {closed}: ")
    assert note.endswith(" packets were not opened (the keys given do not fit)")


@needs_tshark
def test_keys_of_something_else(tmp_path: Path) -> None:
    keylog = write(tmp_path, "keys", b"CLIENT_RANDOM " + b"00" * 32 + b" " + b"11" * 48 + b"\n")
    found, _, source = deep_messages(CAPTURE, tls_keylog=str(keylog))
    assert found == []
    assert source.quality[1:] == [
        "TLS on port 5061: 7 packets were not opened (the keys given do not fit)",
        "TLS on port 15061: 4 packets were not opened (the keys given do not fit)",
    ]


HEADLESS = "(the handshake was not captured, and no keys open TLS without it)"


@needs_tshark
@pytest.mark.parametrize("hello", [1, 2])
def test_keys_cannot_fit_where_a_hello_was_not_captured(tmp_path: Path, hello: int) -> None:
    """That of the client or that of the server, in either connection: the others are opened, or do not fit."""
    lost = {1: [4, 20], 2: [6, 22]}[hello]
    frames = [octets for number, octets in enumerate(frames_of(CAPTURE), 1) if number not in lost]
    path = write(tmp_path, "late.pcap", build.pcap(frames))
    found, _, source = deep_messages(path, tls_keylog=str(KEYLOG))
    assert found == []
    assert [sentence.partition(": ")[0] for sentence in source.quality[1:]] == ["TLS on port 5061", "TLS on port 15061"]
    assert all(sentence.endswith(HEADLESS) for sentence in source.quality[1:])


@needs_tshark
def test_each_connection_by_itself(tmp_path: Path) -> None:
    """The first has no handshake; the keys of the second are others."""
    frames = [octets for number, octets in enumerate(frames_of(CAPTURE), 1) if number > 8]
    keylog = write(tmp_path, "keys", b"CLIENT_RANDOM " + b"00" * 32 + b" " + b"11" * 48 + b"\n")
    _, _, source = deep_messages(write(tmp_path, "late.pcap", build.pcap(frames)), tls_keylog=str(keylog))
    fit, headless = source.quality[1:]
    assert fit == "TLS on port 15061: 4 packets were not opened (the keys given do not fit)"
    assert headless.startswith("TLS on port 5061: 5 packets were not opened ")
    assert headless.endswith(HEADLESS)


@needs_tshark
def test_keys_in_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "own.pcapng", with_secrets(CAPTURE.read_bytes(), KEYS))
    found, _, source = deep_messages(path)
    assert len(found) == 8
    assert "because it holds keys of TLS" in source.quality[0]
    assert source.quality[1:] == []


def test_without_keys() -> None:
    found, _, source = deep_messages(CAPTURE)
    assert found == []
    assert [sentence.rpartition(": ")[2] for sentence in source.quality] == [
        "8 packets could not be read without keys (--tls-keylog FILE)"
    ] * 2


@needs_tshark
def test_without_keys_the_deep_engine_tells_too() -> None:
    _, _, source = deep_messages(CAPTURE, engine="tshark")
    assert len(source.quality) == 3
    assert all("could not be read without keys (--tls-keylog FILE)" in sentence for sentence in source.quality[1:])


@needs_tshark
def test_in_a_format_that_we_do_not_know(tmp_path: Path) -> None:
    path = tmp_path / "tls.snoop"
    path.write_bytes(snoop(frames_of(CAPTURE)))
    _, _, source = deep_messages(path)
    assert source.quality[1:] == [
        "TLS on port 5061: 7 packets were not opened (--tls-keylog FILE opens TLS)",
        "TLS on port 15061: 4 packets were not opened (--tls-keylog FILE opens TLS)",
    ]
    found, _, _ = deep_messages(path, tls_keylog=str(KEYLOG))
    assert len(found) == 8


def frames_of(path: Path) -> list[bytes]:
    """The packets of a pcapng file."""
    with path.open("rb") as stream:
        return [record.octets for record in pcapng_format.records(stream, Source("x"))]


@needs_tshark
def test_as_a_stream() -> None:
    with CAPTURE.open("rb") as stream, open_sources([stream], tls_keylog=KEYLOG) as reading:
        assert len(list(reading)) == 12


def test_keys_without_tls_need_no_tshark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found, _, source = deep_messages(write(tmp_path, "plain.pcap", pcap([build.frame()])), tls_keylog=str(KEYLOG))
    assert len(found) == 1
    assert source.quality == ["no TLS was found: the keys given were not needed"]
    with pytest.raises(SourceError, match="needs tshark because TLS is to be opened: tshark is not installed"):
        open_sources([CAPTURE], tls_keylog=KEYLOG)


@needs_tshark
def test_keys_that_nothing_needed_and_tshark_read_it(tmp_path: Path) -> None:
    path = write(tmp_path, "plain.pcap", pcap([build.frame()]))
    _, _, source = deep_messages(path, tls_keylog=str(KEYLOG), engine="tshark")
    assert source.quality[1:] == ["no TLS was found: the keys given were not needed"]


@pytest.mark.parametrize("line", KEYS.splitlines()[1:])
def test_a_key_log_is_told_by_any_line(tmp_path: Path, line: bytes) -> None:
    check_keylog(str(write(tmp_path, "keys", b"# words\n" + line + b"\n")))


@pytest.mark.parametrize(
    "octets", [b"", b"# TLS secrets log file\n", b"CLIENT_RANDOM xyz\n", b"\0" * 500, b"-----BEGIN"]
)
def test_a_file_without_keys(tmp_path: Path, octets: bytes) -> None:
    path = write(tmp_path, "keys", octets)
    with pytest.raises(SourceError, match="is no TLS key log"):
        open_sources([CAPTURE], tls_keylog=path)


def test_a_key_log_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the key log cannot be read: No such file"):
        open_sources([CAPTURE], tls_keylog=tmp_path / "absent")
    os.mkfifo(tmp_path / "pipe")  # what a shell makes of <(command) can be read but once
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(SourceError, match="the key log must be a plain file"):
            open_sources([CAPTURE], tls_keylog=path)


@needs_tshark
def test_keys_that_the_users_own_tshark_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "preferences").write_text(f"tls.keylog_file: {KEYLOG}\n")
    monkeypatch.setenv("WIRESHARK_CONFIG_DIR", str(tmp_path))
    found, _, source = deep_messages(CAPTURE, engine="tshark")
    assert len(found) == 4  # on the port that tshark knows: nobody told us that there were keys
    (note,) = source.quality[1:]
    assert "127.0.0.1:15061: 8 packets could not be read" in note


def test_our_own_reader_takes_no_keys() -> None:
    with pytest.raises(ValueError, match="only the engine tshark opens TLS"):
        open_sources([CAPTURE], engine="native", tls_keylog=KEYLOG)


@needs_tshark
def test_the_survey_counts() -> None:
    opened = survey(find(), str(CAPTURE), str(KEYLOG))
    assert (opened.opened, sum(opened.closed.values()), set(opened.ports)) == (8, 0, {5061, 15061})
    shut = survey(find(), str(CAPTURE), None)
    assert (shut.opened, dict(shut.closed), shut.ports) == (0, {5061: 7, 15061: 4}, ())


def tls_seen(frames: list[bytes]) -> bool:
    return tls.seen(pcap_format.records(io.BytesIO(pcap(frames)), Source("x")))


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (Talk().open().up(0, HELLO).frames, True),
        ([ethernet(ip4(ip4(tcp(HELLO, 1), 6), 4))], True),
        ([ethernet(ip4(tcp(HELLO, 1), 6), tags=(0x8100,))], True),
        (Talk().open().up(0, message(1)).frames, False),
        ([build.frame(HELLO)], False),
        ([ethernet(ip4(tcp(b"\x16\x03\x01\xff\xff", 1), 6))], False),
        ([ethernet(ip4(tcp(b"", 1, flags=SYN | ACK)[:14], 6))], False),
        ([ethernet(ip4(tcp(HELLO, 1), 6, offset=8))], False),
        ([b""], False),
    ],
)
def test_tls_is_seen_from_outside(frames: list[bytes], expected: bool) -> None:
    assert tls_seen(frames) is expected


def described(capture: bytes) -> tuple[set[int], bool]:
    found = preface(InputStream(io.BytesIO(capture), Source("x")))
    return set(found.links), found.secrets


@pytest.mark.parametrize(
    ("capture", "expected"),
    [
        (pcap([], 113), ({113}, False)),
        (pcap([], 113, order=">"), ({113}, False)),
        (pcap([], 1 | 0x10000000, magic=0xA1B23C4D), ({1}, False)),
        (pcapng([build.frame()]), ({1}, False)),
        (two_links(b"", b""), ({1, 252}, False)),
        (with_secrets(pcapng([]), b"x" * 5), ({1}, True)),
        (build.section(">") + build.interface(113, order=">"), ({113}, False)),
        (pcapng([build.frame()]) + build.block(10, bytes(8)), ({1}, False)),
        (build.section() + build.interface()[:9], (set(), False)),
        (build.section() + build.interface() + b"\x05\0\0\0\x01\0\0\0" + bytes(20), ({1}, False)),
        (b"\n\r\r\n", (set(), False)),
    ],
)
def test_what_stands_before_the_first_packet(capture: bytes, expected: tuple[set[int], bool]) -> None:
    assert described(capture) == expected
