"""From names to sources."""

from __future__ import annotations

import gzip
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.capture import formats, opener
from analyzer.capture.formats import Format
from analyzer.capture.opener import open_sources
from analyzer.defect import SourceError
from analyzer.evidence import Frame, RawMessage
from tests.capture import build
from tests.capture.build import EPOCH, enhanced, frame, interface, message, pcap, pcapng, section, udp, write
from tests.capture.tcp_talk import Talk

LOG = (
    b"<--- SIP read from UDP:127.0.0.13:5073 --->\nREGISTER sip:a SIP/2.0\nCall-ID: 1\nCSeq: 1 REGISTER\n"
    b"Content-Length: 0\n\n<------------->\n--- (4 headers 0 lines) ---\n"
)


def test_a_file_and_its_sources(tmp_path: Path) -> None:
    path = write(tmp_path, "a.pcap", pcap([frame()]))
    with open_sources([path], kind="capture") as reading:
        (item,) = list(reading)
        assert isinstance(item.place, Frame)
        assert item.place.source == str(path)
        assert [(source.name, source.format, source.frames) for source in reading.sources] == [(str(path), "pcap", 1)]
        assert reading.position() == reading.total() == path.stat().st_size


def test_a_compressed_file(tmp_path: Path) -> None:
    path = write(tmp_path, "a.pcapng.gz", pcapng([frame()] * 3), compress=True)
    with open_sources([str(path)]) as reading:
        assert len(list(reading)) == 3
        assert reading.sources[0].title == "pcapng capture"
        assert reading.position() == reading.total() == path.stat().st_size


def test_a_compressed_file_that_ends_early(tmp_path: Path) -> None:
    octets = gzip.compress(pcap([octets for _ in range(50) for octets in (frame(os.urandom(400)), frame())]))
    path = write(tmp_path, "a.pcap.gz", octets[:-500])
    with open_sources([path]) as reading:
        found = list(reading)
    assert 30 < len(found) < 50
    codes = [defect.code for _, defect in reading.sources[0].defect_list]
    assert codes == ["damaged-compression", "truncated-record"]
    assert reading.sources[0].damaged


def test_standard_input_has_no_seek() -> None:
    program = (
        "from analyzer.capture.opener import open_sources as o; r = o(['-']); print(len(list(r)), r.sources[0].name)"
    )
    root = Path(opener.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=gzip.compress(pcap([frame()] * 4)),
        capture_output=True,
        cwd=root,
        check=True,
    )
    assert done.stdout.split() == [b"4", b"-"]


def test_an_open_stream_keeps_its_name(tmp_path: Path) -> None:
    path = write(tmp_path, "a.pcap", pcap([frame()]))
    with path.open("rb") as stream, open_sources([stream]) as reading:
        assert reading.sources[0].name == str(path)
        assert len(list(reading)) == 1
    assert open_sources([io.BytesIO(pcap([]))]).sources[0].name == "stream"


def test_several_captures_are_one_in_time_order() -> None:
    one = pcap([frame(message(1)), frame(message(4))], times=[(EPOCH, 0), (EPOCH + 3, 0)])
    two = (
        section()
        + interface()
        + b"".join(enhanced(frame(message(number)), (EPOCH + number - 1) * 10**6) for number in (2, 3, 5))
    )
    reading = open_sources([io.BytesIO(two), io.BytesIO(one)])
    found = [item for item in reading if isinstance(item, RawMessage)]
    assert [one.payload for one in found] == [message(number) for number in range(1, 6)]
    assert [source.messages for source in reading.sources] == [3, 2]
    assert [source.frames for source in reading.sources] == [3, 2]


def test_rotated_files_share_streams_and_fragments() -> None:
    talk = Talk().open().up(0, message(1)[:50])
    first = [*talk.frames, build.ethernet(build.ip4(udp(message(2, b"x" * 99))[:80], ident=5, more=True))]
    talk.frames = []
    talk.up(50, message(1)[50:])
    second = [*talk.frames, build.ethernet(build.ip4(udp(message(2, b"x" * 99))[80:], ident=5, offset=80))]
    later = [(EPOCH + len(first), 0), (EPOCH + len(first), 1)]
    reading = open_sources([io.BytesIO(pcap(second, times=later)), io.BytesIO(pcap(first))])
    assert [item.payload for item in reading if isinstance(item, RawMessage)] == [message(1), message(2, b"x" * 99)]
    assert [source.defects for source in reading.sources] == [0, 0]


def test_records_without_time_keep_their_order() -> None:
    one = section() + interface() + build.simple(frame(message(1))) + build.simple(frame(message(2)))
    two = pcap([frame(message(3))])
    found = [item for item in open_sources([io.BytesIO(two), io.BytesIO(one)]) if isinstance(item, RawMessage)]
    assert [item.payload for item in found] == [message(1), message(2), message(3)]


def test_logs_follow_captures() -> None:
    reading = open_sources([io.BytesIO(LOG), io.BytesIO(pcap([frame()]))])
    assert [source.kind for source in reading.sources] == ["log", "capture"]
    assert [item.place.source for item in reading] == ["stream", "stream"]
    assert [source.messages for source in reading.sources] == [1, 1]


@pytest.mark.parametrize(
    ("octets", "kind", "words"),
    [
        (b"", None, "is empty"),
        (gzip.compress(b"", mtime=0), None, "is empty"),
        (gzip.compress(b"abc", mtime=0)[:9], None, "ends early"),
        (b"\x1f\x8bxxxxxxxxxx", None, "the compressed file is damaged"),
        (b"hello world\n" * 99, None, "neither a capture nor a log"),
        (os.urandom(5000), None, "neither a capture nor a log"),
        (LOG, "capture", r"is no capture but a text: Asterisk .*sipcheck log "),
        (message(1), "capture", r"is no capture but a text: SIP messages without a log around them .*sipcheck log "),
        (pcap([frame()]), "log", r"is a pcap capture \(use: sipcheck pcap "),
    ],
)
def test_what_cannot_be_read_says_why_in_one_line(tmp_path: Path, octets: bytes, kind: None, words: str) -> None:
    path = write(tmp_path, "input", octets)
    with pytest.raises(SourceError) as caught:
        open_sources([path], kind=kind)
    assert re.search(words, str(caught.value))
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "words"), [("absent", "no such file"), (".", "is a directory"), ("a\0b", "null")])
def test_what_cannot_be_opened(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        open_sources([str(tmp_path / name)])


def test_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(SourceError, match="permission denied"):
        open_sources([tmp_path / "x"])


def test_one_that_cannot_be_read_spoils_all(tmp_path: Path) -> None:
    path = write(tmp_path, "a", pcap([frame()]))
    with pytest.raises(SourceError, match="no such file"):  # an open file left behind would be a ResourceWarning
        open_sources([path, tmp_path / "absent"])


def test_a_stream_that_was_handed_in_stays_open() -> None:
    stream = io.BytesIO(pcap([frame()]))
    with open_sources([stream]) as reading:
        assert len(list(reading)) == 1
    assert not stream.closed
    bad = io.BytesIO(b"nothing known\n")
    with pytest.raises(SourceError):
        open_sources([bad])
    assert not bad.closed


def test_the_total_of_a_stream_is_unknown() -> None:
    assert open_sources([io.BytesIO(pcap([]))]).total() is None


def two_claims(kind: str) -> list[Format]:
    known = formats.discover()
    form = next(form for form in known if form.kind == kind)
    return [*known, form._replace(name="other", looks_like=lambda head: True)]


def test_two_formats_that_say_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    claims = two_claims("capture")
    monkeypatch.setattr(formats, "discover", lambda: claims)
    with pytest.raises(SourceError, match="looks like pcap and like other"):
        open_sources([io.BytesIO(pcap([frame()]))])
    assert len(list(open_sources([io.BytesIO(pcap([frame()]))], dialect="pcap"))) == 1


def test_an_unknown_dialect_names_the_known() -> None:
    with pytest.raises(SourceError, match=r"cannot be read as 'nonsense' \(known: .*asterisk"):
        open_sources([io.BytesIO(LOG)], kind="log", dialect="nonsense")
    assert "pcap" not in opener.names("log")
    assert opener.names("capture") == ["pcap", "pcapng"]


def test_formats_are_found_in_name_order_and_declare_all() -> None:
    found = formats.discover()
    assert [form.name for form in found if form.kind == "capture"] == ["pcap", "pcapng"]
    assert len({form.name for form in found}) == len(found)
    for form in found:
        assert (form.records is None) != (form.read is None)
        assert form.title
        assert form.looks_like(b"") is False


def test_a_format_that_cannot_be_imported_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.py").write_text("import no_such_module_at_all\n")
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    with pytest.raises(ImportError):
        formats.discover()


def test_a_log_does_not_pay_for_captures() -> None:
    program = (
        "import io, sys; from analyzer.capture.opener import open_sources as o\n"
        f"list(o([io.BytesIO({LOG!r})], kind='log'))\n"
        "print([m for m in ('dpkt', 'pandas', 'pyshark') if m in sys.modules])"
    )
    root = Path(opener.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=root, check=True)
    assert done.stdout.strip() == b"[]"
