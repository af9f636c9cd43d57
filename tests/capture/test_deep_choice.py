"""Which engine reads, and what is said where there is none: `auto`, a missing tshark, one that is too old."""

from __future__ import annotations

import bz2
import io
import lzma
import os
from pathlib import Path

import pytest

from analyzer.capture.opener import open_sources
from analyzer.capture.tshark import program
from analyzer.defect import SourceError
from analyzer.evidence import SECOND, Endpoint, RawMessage
from tests.capture import build
from tests.capture.build import EPOCH, REGISTER, message, pcap, pcapng, write
from tests.capture.deep import EXPORTED, commented, deep_messages, exported, snoop, stand_in, two_links, with_secrets
from tests.tools import Tool

needs_tshark = pytest.mark.needs_tool("tshark")
NO_TSHARK = "tshark is not installed, or not on PATH"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without tshark."""
    monkeypatch.setenv("PATH", str(tmp_path))


def refused(path: Path | str, **given: str) -> str:
    """The one line with which a capture is refused."""
    with pytest.raises(SourceError) as caught:
        open_sources([path], **given)  # type: ignore[arg-type]
    line = str(caught.value)
    assert "\n" not in line
    return line.removeprefix(f"{path}: ")


def test_what_is_known_needs_no_tshark(bare: None, tmp_path: Path) -> None:
    for capture in (pcap([build.frame()]), pcapng([build.frame()])):
        found, _, source = deep_messages(write(tmp_path, "known", capture))
        assert (len(found), source.quality) == (1, [])


@needs_tshark
def test_a_link_layer_that_we_do_not_know(tmp_path: Path) -> None:
    frames = [exported(REGISTER), exported(message(2), bytes(15) + b"\x01", bytes(15) + b"\x02")]
    found, _, source = deep_messages(write(tmp_path, "exported.pcap", pcap(frames, EXPORTED)))
    assert [item.payload for item in found] == [REGISTER, message(2)]
    assert [(item.source, item.destination) for item in found] == [
        (Endpoint("10.0.0.1", 5070), Endpoint("10.0.0.2", 5060)),
        (Endpoint("::1", 5070), Endpoint("::2", 5060)),
    ]
    assert {item.transport for item in found} == {"UDP"}
    assert (source.format, source.frames, source.messages) == ("pcap", 2, 2)
    assert "because its link type is 252, which sipcheck does not read" in source.quality[0]


@needs_tshark
def test_a_file_format_that_we_do_not_know(tmp_path: Path) -> None:
    path = write(tmp_path, "sun.snoop", snoop([build.frame(), build.frame(build.RTP), build.frame(message(2))]))
    found, _, source = deep_messages(path)
    assert [(item.payload, item.time) for item in found] == [
        (REGISTER, EPOCH * SECOND + SECOND // 4),
        (message(2), (EPOCH + 2) * SECOND + SECOND // 4),
    ]
    assert [item.place.number for item in found] == [1, 3]  # type: ignore[union-attr]
    assert (source.format, source.title, source.frames) == ("tshark", "capture that tshark reads", 3)
    assert (source.first, source.last) == (found[0].time, found[1].time)
    assert "because it is a Sun snoop capture" in source.quality[0]


@needs_tshark
@pytest.mark.parametrize("pack", [lzma.compress, bz2.compress], ids=["xz", "bz2"])
def test_compressed_by_what_tshark_does_not_unpack(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    found, _, source = deep_messages(write(tmp_path, "packed", pack(pcap([build.frame()]))), engine="tshark")
    assert (len(found), source.frames) == (1, 1)


def zstandard(octets: bytes) -> bytes:
    """A zstd frame that packs nothing (RFC 8878 3.1.1): size in one octet, one raw block."""
    return b"\x28\xb5\x2f\xfd\x20" + bytes([len(octets)]) + (len(octets) << 3 | 1).to_bytes(3, "little") + octets


@needs_tshark
def test_compressed_by_what_we_do_not_unpack(tmp_path: Path) -> None:
    found, _, source = deep_messages(write(tmp_path, "packed.zst", zstandard(pcap([build.frame()]))))
    assert (len(found), source.format) == (1, "tshark")
    assert "because it is compressed with zstd" in source.quality[0]


@needs_tshark
def test_a_stream_is_put_into_a_file() -> None:
    with open_sources([io.BytesIO(pcap([exported(REGISTER)], EXPORTED))]) as reading:
        deep = reading._opened[0].tshark_input
        assert deep is not None
        assert deep.spool is not None
        assert os.path.exists(deep.path)
        (item,) = reading
    assert isinstance(item, RawMessage)
    assert deep.spool.closed


@needs_tshark
def test_a_name_that_looks_like_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("-w.pcap", "./-", "a\n b", "ü\udcff"):
        Path(name).write_bytes(pcap([build.frame()]))
        with open_sources([name], engine="tshark") as reading:
            assert len(list(reading)) == 1


@needs_tshark
def test_several_files_are_one_capture(tmp_path: Path) -> None:
    times = [(EPOCH + 1, 0)]
    one = write(tmp_path, "one.pcap", pcap([exported(message(1))], EXPORTED, times=[(EPOCH + 2, 0)]))
    two = write(tmp_path, "two.pcap", pcap([build.frame(message(2))], times=times))
    with open_sources([one, two]) as reading:
        numbers = [item.payload[:60] for item in reading if isinstance(item, RawMessage)]
    assert numbers == [message(2)[:60], message(1)[:60]]
    assert "streams that go on in another file" in reading.sources[0].quality[0]
    assert reading.sources[1].quality == []


@needs_tshark
def test_one_interface_of_two(tmp_path: Path) -> None:
    found, _, _ = deep_messages(write(tmp_path, "two.pcapng", two_links(build.frame(), exported(message(2)))))
    assert [item.payload for item in found] == [REGISTER, message(2)]


def test_one_interface_of_two_without_tshark(bare: None, tmp_path: Path) -> None:
    found, _, source = deep_messages(write(tmp_path, "two.pcapng", two_links(build.frame(), exported(message(2)))))
    assert [item.payload for item in found] == [REGISTER]
    because = "needs tshark because its link type is 252, which sipcheck does not read"
    assert source.quality == [
        f"not all of it can be read: {because}: {NO_TSHARK}",
        "1 packet is of link type 252, which is not read",
    ]


def test_without_tshark(bare: None, tmp_path: Path) -> None:
    path = write(tmp_path, "exported.pcap", pcap([exported(REGISTER)], EXPORTED))
    assert refused(path) == f"needs tshark because its link type is 252, which sipcheck does not read: {NO_TSHARK}"
    assert refused(path, engine="tshark") == f"cannot be read by tshark: {NO_TSHARK}"
    packed = refused(write(tmp_path, "packed.zst", zstandard(b"")))
    assert packed == f"needs tshark because it is compressed with zstd: {NO_TSHARK}"
    foreign = refused(write(tmp_path, "sun.snoop", snoop([build.frame()])))
    assert foreign == f"needs tshark because it is a Sun snoop capture: {NO_TSHARK}"


def test_keys_in_the_file_without_tshark(bare: None, tmp_path: Path) -> None:
    found, _, source = deep_messages(write(tmp_path, "keys", with_secrets(pcapng([build.frame()]), b"CLIENT_RANDOM")))
    assert len(found) == 1
    assert source.quality == [f"not all of it can be read: needs tshark because it holds keys of TLS: {NO_TSHARK}"]


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("echo 'TShark (Wireshark) 2.6.20 (Git v2.6.20)'", "tshark is too old: 2.6.20, and 3.0.0 is the first that"),
        ("echo 'TShark 1.12.1 (Git Rev Unknown)'", "tshark is too old: 1.12.1, and"),
        ("echo hello", "tshark does not say its version"),
        ("exit 3", "tshark does not say its version"),
    ],
)
def test_a_tshark_that_will_not_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, line: str) -> None:
    monkeypatch.setenv("PATH", stand_in(tmp_path, script))
    path = write(tmp_path, "exported.pcap", pcap([exported(REGISTER)], EXPORTED))
    assert f": {line}" in refused(path)
    assert f"cannot be read by tshark: {line}" in refused(path, engine="tshark")


def test_a_tshark_that_cannot_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stand_in(tmp_path, "")
    (tmp_path / "tshark").write_bytes(b"\x7fELF nonsense")
    monkeypatch.setenv("PATH", path)
    with pytest.raises(program.Unusable, match="does not run"):
        program.find()


@needs_tshark
def test_what_tshark_cannot_read_either(tmp_path: Path) -> None:
    unknown = write(tmp_path, "unknown", b"\0\x01\x02 what may this be?" * 20)
    line = refused(unknown, engine="tshark")  # by itself it is not asked
    assert line.startswith("is neither a capture nor a log that is known, and tshark cannot read it: ")
    assert "isn't a capture file in a format TShark understands" in line
    assert str(tmp_path) not in line
    undefined = refused(write(tmp_path, "undefined.pcap", pcap([b"x" * 60], 65000)))
    assert undefined.startswith("tshark cannot read it: ")
    assert "65000" in undefined


def test_text_is_not_given_to_tshark(tmp_path: Path) -> None:
    line = refused(write(tmp_path, "notes.txt", b"Dear diary,\n" * 50))
    told = "is neither a capture nor a log that is known, it looks like text (it holds no SIP message; known: "
    assert line.startswith(told)


@needs_tshark
def test_what_a_user_link_type_means_nobody_knows(tmp_path: Path) -> None:
    _, _, source = deep_messages(write(tmp_path, "user.pcap", pcap([b"x" * 40], 147)))
    assert source.quality == ["1 packet is of link type 147, which is not read"]


def test_a_log_has_no_engine(bare: None, tmp_path: Path) -> None:
    block = b"<--- SIP read from UDP:192.0.2.1:5060 --->\n" + REGISTER + b"\n<------------->\n"
    log = write(tmp_path, "log.txt", block)
    with open_sources([log], engine="tshark") as reading:
        assert len(list(reading)) == 1
    assert "sipcheck log" in refused(log, engine="tshark", kind="capture")


def test_an_engine_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no engine is called 'magic'"):
        open_sources([tmp_path], engine="magic")  # type: ignore[arg-type]


@needs_tshark
@pytest.mark.parametrize(
    "comment", [b"plain", b"\xff\xfe\x80", b'"}]\n  },\n  {"', "\u202e\x1b[31m".encode(), b"x" * 60000]
)
def test_comments_of_packets_do_not_confuse(tmp_path: Path, comment: bytes) -> None:
    found, _, source = deep_messages(write(tmp_path, "said.pcapng", commented(build.frame(), comment)), engine="tshark")
    assert (len(found), source.defects) == (1, 0)


@needs_tshark
def test_a_version_is_asked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: Tool) -> None:
    asked = tmp_path / "asked"
    monkeypatch.setenv("PATH", stand_in(tmp_path, f'echo "$1" >> {asked}; exec {tool("tshark")} "$@"'))
    assert program.find() == program.find()
    assert asked.read_text() == "--version\n"
