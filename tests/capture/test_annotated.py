"""Comments on the packets of a capture: what is there stays octet for octet, and nothing that is to be said is lost."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture import annotated
from analyzer.capture.annotated import Annotated, annotate
from analyzer.capture.formats import pcapng
from analyzer.capture.formats.pcap import all_records
from analyzer.capture.record import Record
from analyzer.defect import SourceError
from analyzer.evidence import Source
from tests.capture.build import RTP, block, enhanced, frame, interface, option, pcap, section, simple

COMMENT = 1
Block = tuple[int, bytes]


def commented(
    folder: Path, capture: bytes, comments: dict[int, list[str]], general: tuple[str, ...] = ()
) -> tuple[bytes, Annotated]:
    """What becomes of a capture."""
    source = folder / "in"
    source.write_bytes(capture)
    out = io.BytesIO()
    done = annotate(str(source), out, comments, general)
    return out.getvalue(), done


def blocks(capture: bytes, sign: str = "<") -> Iterator[Block]:
    """Kind and body of each block."""
    at = 0
    while at < len(capture):
        kind, size = struct.unpack_from(sign + "II", capture, at)
        assert struct.unpack_from(sign + "I", capture, at + size - 4) == (size,)
        yield kind, capture[at + 8 : at + size - 4]
        at += size


def texts(options: bytes, sign: str = "<") -> list[str]:
    """The comments among options, up to their end."""
    found, at = [], 0
    while at + 4 <= len(options):
        code, size = struct.unpack_from(sign + "HH", options, at)
        if code == 0:
            break
        if code == COMMENT:
            found.append(options[at + 4 : at + 4 + size].decode())
        at += 4 + size + -size % 4
    return found


def on_packets(capture: bytes, sign: str = "<") -> list[list[str]]:
    """The comments of each enhanced packet block."""
    found = []
    for kind, body in blocks(capture, sign):
        if kind == 6:
            (captured,) = struct.unpack_from(sign + "I", body, 12)
            found.append(texts(body[20 + captured + -captured % 4 :], sign))
    return found


def of_section(capture: bytes, sign: str = "<") -> list[str]:
    return texts(next(blocks(capture, sign))[1][16:], sign)


def packets(capture: bytes) -> list[Record]:
    source = Source("x")
    found = list(pcapng.records(io.BytesIO(capture), source))
    assert not source.damaged
    return found


@pytest.mark.parametrize("sign", ["<", ">"])
def test_a_comment_stands_on_its_packet(tmp_path: Path, sign: str) -> None:
    capture = section(sign) + interface(1, order=sign) + b"".join(enhanced(x, order=sign) for x in (b"abc", b"d", b"e"))
    out, done = commented(tmp_path, capture, {2: ["one", "zwei: ä"], 3: ["x"]})
    assert on_packets(out, sign) == [[], ["one", "zwei: ä"], ["x"]]
    assert done == Annotated(2, 3, (), ())
    assert [(r.number, r.octets, r.time) for r in packets(out)] == [
        (r.number, r.octets, r.time) for r in packets(capture)
    ]


def test_all_other_blocks_stay_as_they_are(tmp_path: Path) -> None:
    others = [
        interface(1, option(2, b"eth0") + option(9, b"\x09") + option(0, b"")),
        block(0x0A, struct.pack("<II", 0x544C534B, 8) + b"CLIENT_R"),  # decryption secrets
        block(4, bytes(4)),  # names
        block(0x0BAD, struct.pack("<I", 32473) + b"whatever"),  # custom
        block(0x7777, b"nobody knows"),
        block(5, bytes(12)),
    ]
    capture = section() + others[0] + enhanced(b"abcd") + b"".join(others[1:]) + enhanced(b"efgh")
    out, _ = commented(tmp_path, capture, {1: ["here"]})
    kept = [one for one in blocks(capture) if one[0] != 6]
    assert [one for one in blocks(out) if one[0] != 6] == kept
    assert out.endswith(enhanced(b"efgh"))
    assert all(one in out for one in others)


def test_comments_and_options_that_are_there_stay(tmp_path: Path) -> None:
    options = option(2, bytes(4)) + option(COMMENT, b"mine") + option(0, b"")
    packet = enhanced(b"abc")
    packet = block(6, packet[8:-4] + options)
    out, done = commented(tmp_path, section() + interface() + packet, {1: ["ours", "mine"]})
    assert on_packets(out) == [["mine", "ours"]]
    assert option(2, bytes(4)) in out
    assert done.comments == 1  # what stands there is not said again
    again, more = commented(tmp_path, out, {1: ["ours", "mine"]})
    assert (again, more.comments) == (out, 0)


@pytest.mark.parametrize("options", [option(2, bytes(4)), struct.pack("<HH", 2, 400), b""])
def test_options_without_an_end_or_beyond_it(tmp_path: Path, options: bytes) -> None:
    packet = block(6, enhanced(b"abc")[8:-4] + options)
    out, _ = commented(tmp_path, section() + interface() + packet, {1: ["ours"]})
    assert on_packets(out) == [["ours"]]
    assert options in out
    assert packets(out)[0].octets == b"abc"


def test_the_old_packet_block_carries_a_comment(tmp_path: Path) -> None:
    old = block(2, struct.pack("<HHIIII", 0, 0, 5, 6, 3, 3) + b"abc")
    out, done = commented(tmp_path, section() + interface() + old, {1: ["ours"]})
    ((_, body),) = [one for one in blocks(out) if one[0] == 2]
    assert texts(body[24:]) == ["ours"]
    assert done.frames == ()


def test_a_packet_without_room_is_named_in_the_section(tmp_path: Path) -> None:
    """A simple packet block has neither time nor options: giving it a time would make one up."""
    capture = section() + interface() + simple(b"abcd") + enhanced(b"efgh")
    out, done = commented(tmp_path, capture, {1: ["a", "b"], 2: ["c"], 99: ["d"]}, general=("whole",))
    assert of_section(out) == ["whole", "frame 1: a", "frame 1: b", "frame 99: d"]
    assert on_packets(out) == [["c"]]
    assert simple(b"abcd") in out
    assert done == Annotated(1, 1, (1, 99), ())


def test_general_comments_are_bounded_and_counted(tmp_path: Path) -> None:
    out, _ = commented(tmp_path, section() + interface(), {}, general=tuple(f"c{n}" for n in range(1200)))
    found = of_section(out)
    assert len(found) == annotated.MOST_GENERAL
    assert found[-1] == "sipcheck: and 201 more comments"


@pytest.mark.parametrize("sign", ["<", ">"])
def test_a_section_that_says_its_length_says_the_new_one(tmp_path: Path, sign: str) -> None:
    def sized(*inner: bytes) -> bytes:
        body = struct.pack(sign + "IHHq", 0x1A2B3C4D, 1, 0, sum(map(len, inner)))
        return block(0x0A0D0D0A, body, sign) + b"".join(inner)

    one = sized(interface(order=sign), enhanced(b"abc", order=sign))
    other = sized(interface(order=sign), enhanced(b"de", order=sign), enhanced(b"f", order=sign))
    out, _ = commented(tmp_path, one + other, {1: ["x"], 3: ["much longer"]}, general=("g",))
    places = [at for at in range(0, len(out), 4) if out[at : at + 4] == b"\n\r\r\n"]
    ends = [*places[1:], len(out)]
    for begin, end in zip(places, ends, strict=True):
        own = struct.unpack_from(sign + "I", out, begin + 4)[0]
        assert struct.unpack_from(sign + "q", out, begin + 16)[0] == end - begin - own
    assert on_packets(out, sign) == [["x"], [], ["much longer"]]


def test_damage_is_copied_and_what_follows_is_found(tmp_path: Path) -> None:
    broken = b"\x06\0\0\0\x30\0\0\0" + b"\xee" * 40
    capture = section() + interface() + enhanced(b"abc") + broken + enhanced(b"def") + enhanced(b"ghi") + b"\x06\0\0"
    numbers = {record.octets: record.number for record in pcapng.records(io.BytesIO(capture), Source("x"))}
    out, done = commented(tmp_path, capture, {numbers[b"abc"]: ["x"], numbers[b"ghi"]: ["y"]})
    assert broken in out and out.endswith(b"\x06\0\0")
    found = list(pcapng.records(io.BytesIO(out), Source("x")))
    assert [record.octets for record in found] == [b"abc", b"def", b"ghi"]
    assert done.packets == 2
    assert out.count(b"\x01\0\x01\0x\0\0\0") == out.count(b"\x01\0\x01\0y\0\0\0") == 1


@pytest.mark.parametrize(
    ("magic", "step"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1), (0xA1B2CD34, 1000)], ids=["us", "ns", "modified"]
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_pcap_becomes_pcapng(tmp_path: Path, magic: int, step: int, order: str) -> None:
    frames = [frame(b"REGISTER"), frame(RTP), b"\x01" * 61, frame(RTP, sport=9)]
    times = [(1, 7), (2, 999_999), (4_000_000_000, 0), (5, 5)]
    capture = pcap(frames, magic=magic, order=order, times=times, snap=60)
    out, done = commented(tmp_path, capture, {2: ["media too"], 4: ["last"]})
    assert done == Annotated(2, 2, (), ())
    assert on_packets(out) == [[], ["media too"], [], ["last"]]
    before = list(all_records(io.BytesIO(capture), Source("x")))
    bodies = [body for kind, body in blocks(out) if kind == 6]
    assert len(before) == len(bodies) == 4
    for record, body in zip(before, bodies, strict=True):
        _, high, low, captured, length = struct.unpack_from("<IIIII", body)
        assert (high << 32 | low) * step == record.time
        assert (body[20 : 20 + captured], length) == (record.octets, record.length)


def test_what_a_pcap_says_of_its_link_is_kept(tmp_path: Path) -> None:
    capture = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 96, 1 | 1 << 26 | 2 << 28)
    out, _ = commented(tmp_path, capture, {})
    kind, body = list(blocks(out))[1]
    assert (kind, struct.unpack_from("<HHI", body)) == (1, (1, 0, 96))
    assert option(13, b"\x04") in body  # two words of frame check sequence
    strange = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 96, 1 << 20)
    with pytest.raises(SourceError, match="link type"):
        commented(tmp_path, strange, {})


def test_zeros_that_are_counted_keep_the_numbers(tmp_path: Path) -> None:
    first, second = pcap([b"abcd"] * 2)[:44], pcap([b"efgh"])[24:]
    capture = first + bytes(32) + second
    out, done = commented(tmp_path, capture, {4: ["behind"]})
    assert on_packets(out) == [[], [], [], ["behind"]]
    assert done.damage == ("32 zeros between two records",)


def test_a_cut_pcap_is_told(tmp_path: Path) -> None:
    out, done = commented(tmp_path, pcap([b"abcd", b"efgh"])[:-2], {1: ["x"]})
    assert on_packets(out) == [["x"]]
    assert done.damage == ("the file ends inside record 2",)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_input_is_written_plain(tmp_path: Path, pack: object) -> None:
    capture = section() + interface() + enhanced(b"abc")
    out, _ = commented(tmp_path, pack(capture), {1: ["x"]})  # type: ignore[operator]
    assert out.startswith(section()) and on_packets(out) == [["x"]]


def test_what_is_no_capture_of_ours_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="editcap -F pcapng"):
        commented(tmp_path, b"snoop\0\0\0" + bytes(40), {})


def test_a_text_that_is_too_long_for_an_option_is_cut_between_letters(tmp_path: Path) -> None:
    out, _ = commented(tmp_path, section() + interface() + enhanced(b"abc"), {1: ["ä" * 40_000]})
    ((text,),) = on_packets(out)
    assert text == "ä" * 32766


@settings(max_examples=60, deadline=None)
@given(
    octets=st.lists(st.binary(max_size=70), min_size=1, max_size=6),
    said=st.dictionaries(st.integers(1, 8), st.lists(st.text(max_size=40), min_size=1, max_size=3), max_size=5),
)
def test_any_packets_with_any_comments(
    tmp_path_factory: pytest.TempPathFactory, octets: list[bytes], said: dict[int, list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for capture in (section() + interface() + b"".join(map(enhanced, octets)), pcap(octets)):
        out, done = commented(folder, capture, said)
        bodies = [body for kind, body in blocks(out) if kind == 6]
        assert [body[20 : 20 + struct.unpack_from("<I", body, 12)[0]] for body in bodies] == octets
        assert done.frames == tuple(sorted(number for number in said if number > len(octets)))
