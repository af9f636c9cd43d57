"""What is no capture says so in one line, and costs neither a copy nor a run of tshark; a foreign capture is known."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import struct
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from analyzer.capture import magics, spool
from analyzer.capture.formats import HEAD
from analyzer.capture.input_stream import CHUNK
from analyzer.capture.opener import open_sources
from analyzer.defect import SourceError
from analyzer.evidence import RawMessage
from tests.capture.build import EPOCH, REGISTER, frame, message, pcap, udp, write
from tests.capture.deep import snoop, stand_in
from tests.capture.endless import Endless
from tests.shared import ROOT
from tests.tools import Tool

SAMPLE = ROOT / "samples" / "clean-registration" / "input.pcap"
NOISE = random.Random(7).randbytes(5000)


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("input.pcap", pcap([frame()]))
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("input.pcap"), None)
    return out.getvalue()


OTHERS = {
    "png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + NOISE, "a PNG picture"),
    "jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF\0" + NOISE, "a JPEG picture"),
    "gif": (b"GIF89a" + NOISE, "a GIF picture"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + NOISE, "a PDF document"),
    "pdf of text": (b"%PDF-1.1\n1 0 obj\n" * 50, "a PDF document"),
    "elf": (b"\x7fELF\x02\x01\x01" + bytes(9) + NOISE, "a program"),
    "exe": (b"MZ\x90\0\3\0" + NOISE, "a Windows program"),
    "zip": (zipped(), "a ZIP archive or an office document (unpack it first; "),
    "tar": (tarred(), "a tar archive (unpack it first; "),
    "mp4": (b"\0\0\0\x18ftypmp42" + NOISE, "a film"),
    "packed twice": (gzip.compress(gzip.compress(pcap([frame()]))), "a file packed by gzip (unpack it first; "),
    "zstd in xz": (lzma.compress(b"\x28\xb5\x2f\xfd" + NOISE), "a file packed by zstd (unpack it first; "),
    "zeros": (bytes(5000), "nothing but zeros"),
    "text": (b"Dear diary,\n" * 500, "text ("),
    "text of Windows": (b"MZ, said she.\r\n" * 500, "text ("),
    "wide text": (("Dear diary,\n" * 500).encode("utf-16"), "text ("),
    "noise": (NOISE, None),
}  # fmt: skip


@pytest.fixture
def no_tshark_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tshark that notes each time it is run."""
    asked = tmp_path / "asked"
    monkeypatch.setenv("PATH", stand_in(tmp_path, f'echo "$@" >> {asked}; echo "TShark (Wireshark) 4.0.17"'))
    return asked


@pytest.mark.parametrize("kind", ["capture", None])
@pytest.mark.parametrize(("octets", "looks"), OTHERS.values(), ids=OTHERS)
def test_what_is_no_capture(
    octets: bytes, looks: str | None, kind: str | None, tmp_path: Path, no_tshark_needed: Path
) -> None:
    path = write(tmp_path, "input", octets)
    with pytest.raises(SourceError) as caught:
        open_sources([path], kind=kind)  # type: ignore[arg-type]
    line = str(caught.value).removeprefix(f"{path}: ")
    assert line.startswith(f"is neither a capture nor a log that is known{f', it looks like {looks}' if looks else ''}")
    assert "\n" not in line
    assert not no_tshark_needed.exists()


def test_a_text_is_pointed_to_the_logs(tmp_path: Path) -> None:
    path = write(tmp_path, "notes.txt", b"Dear diary,\n" * 50)
    with pytest.raises(SourceError, match=r"known: pcap, pcapng; sipcheck log knows: announced, asterisk"):
        open_sources([path], kind="capture")


def test_a_foreign_capture_is_no_log(tmp_path: Path) -> None:
    path = write(tmp_path, "sun.snoop", snoop([frame()]))
    with pytest.raises(SourceError, match=rf"is a Sun snoop capture \(use: sipcheck pcap {path}\)"):
        open_sources([path], kind="log")


@pytest.mark.needs_tool("tshark")
@pytest.mark.parametrize("name", ["png", "elf", "mp4"])
def test_tshark_takes_pictures_for_packets_and_is_not_believed(name: str, tmp_path: Path) -> None:
    path = write(tmp_path, "input", OTHERS[name][0])
    with pytest.raises(SourceError, match="is no capture: tshark takes it for "):
        open_sources([path], engine="tshark")


@pytest.mark.parametrize("engine", ["auto", "tshark"])
@pytest.mark.parametrize("more", [bytes(CHUNK), b"text\n" * 9999, NOISE])
def test_an_endless_stream_of_nothing(more: bytes, engine: str, no_tshark_needed: Path) -> None:
    stream = Endless(b"", more)
    with pytest.raises(SourceError, match="is neither a capture nor a log"):
        open_sources([stream], engine=engine)  # type: ignore[list-item, arg-type]
    assert stream.read_octets < HEAD + 2 * CHUNK
    assert not no_tshark_needed.exists()


@pytest.mark.parametrize("engine", ["auto", "tshark"])
@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"])
def test_a_bomb_is_not_copied(pack: object, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(pack)
    monkeypatch.setattr(spool, "spooled", lambda *_: pytest.fail("a copy was made"))
    with pytest.raises(SourceError, match=r"nothing but zeros|tshark cannot read it"):
        open_sources([write(tmp_path, "bomb", pack(bytes(1 << 26)))], engine=engine)  # type: ignore[arg-type]


WRITTEN = ("5views", "commview-ncf", "k12text", "lanalyzer", "netmon1", "netmon2", "nettl",
           "ngsniffer", "ngwsniffer_1_1", "ngwsniffer_2_0", "snoop", "visual")  # fmt: skip


@pytest.mark.needs_tool("tshark")
@pytest.mark.needs_tool("editcap")
@pytest.mark.parametrize("form", WRITTEN)
def test_captures_that_other_programs_write(form: str, tmp_path: Path, tool: Tool) -> None:
    with open_sources([SAMPLE]) as reading:
        expected = [item.payload for item in reading if isinstance(item, RawMessage)]
    path = tmp_path / "foreign"
    subprocess.run([tool("editcap"), "-F", form, str(SAMPLE), str(path)], check=True, capture_output=True)
    with open_sources([path], kind="capture") as reading:
        found = [item.payload for item in reading if isinstance(item, RawMessage)]
    assert found == expected
    assert f"because it is {magics.capture(path.read_bytes())}; it does not" in reading.sources[0].quality[0]


@pytest.mark.needs_tool("editcap")
@pytest.mark.parametrize("form", [*WRITTEN, "commview-ncfx", "observer"])  # the last two editcap writes, and not well
def test_captures_that_other_programs_write_are_known(form: str, tmp_path: Path, tool: Tool) -> None:
    path = tmp_path / "foreign"
    subprocess.run([tool("editcap"), "-F", form, str(SAMPLE), str(path)], check=True, capture_output=True)
    assert magics.capture(path.read_bytes()[: magics.HEAD]).endswith("capture")


def erf(packet: bytes, seconds: int) -> bytes:
    """A record of Endace ERF: Ethernet, with the pad and the octets of the checksum that it has."""
    size = 18 + len(packet) + 4
    head = struct.pack("<Q", seconds << 32) + struct.pack("!BBHHH", 2, 4, size, 0, len(packet) + 4)
    return head + bytes(2) + packet + bytes(4)


@pytest.mark.needs_tool("tshark")
def test_a_capture_of_records_alone(tmp_path: Path) -> None:
    path = write(tmp_path, "dag.erf", erf(frame(), EPOCH) + erf(frame(message(2)), EPOCH + 1))
    with open_sources([path], kind="capture") as reading:
        assert [item.payload for item in reading if isinstance(item, RawMessage)] == [REGISTER, message(2)]
    assert "because it is an Endace ERF capture" in reading.sources[0].quality[0]


def test_records_that_do_not_follow_each_other() -> None:
    assert magics.capture(erf(b"x" * 60, EPOCH))
    assert not magics.capture(erf(b"x" * 60, EPOCH) + b"x")
    assert not magics.capture(erf(b"x" * 60, EPOCH) + erf(b"x" * 60, EPOCH + 200_000))
    assert not magics.capture(erf(b"x" * 60, EPOCH)[:-1])


def test_noise_is_no_capture() -> None:
    dice = random.Random(3)
    found = [magics.capture(dice.randbytes(300)) for _ in range(20_000)]
    assert set(found) == {""}


@pytest.mark.parametrize("cut", range(60))
def test_a_head_may_end_anywhere(cut: int) -> None:
    for head in (erf(b"x" * 60, EPOCH), b"\x05" + bytes(60), snoop([udp(b"")]), b"\x01\x10\x4c" + bytes(60), bytes(60)):
        magics.capture(head[:cut])
        magics.other(head[:cut])


def test_the_magics_are_those_of_nothing_that_we_read() -> None:
    for known in (pcap([]), b"\n\r\r\n" + os.urandom(20)):
        assert magics.capture(known) == ""
