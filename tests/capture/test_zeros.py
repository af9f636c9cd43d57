"""Zeros where a record should begin: room that a writer made, or a hole. Told once, and never walked as records."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from analyzer.capture.formats import pcap as pcap_format
from analyzer.capture.formats import pcapng as pcapng_format
from analyzer.capture.opener import open_sources
from analyzer.capture.window import KEPT, Window
from analyzer.evidence import RawMessage, Source
from tests.capture import build
from tests.capture.build import EPOCH, frame, message, pcap, pcapng
from tests.capture.endless import Endless

FORMS: dict[str, Callable[[list[bytes]], bytes]] = {"pcap": pcap, "pcapng": pcapng}
RECORDS = pcap([frame(message(2)), frame(message(3))])[24:]
BLOCKS = pcapng([frame(message(2)), frame(message(3))])


def read(octets: bytes | Endless) -> tuple[list[tuple[int, int]], Source]:
    """Number of the frame and CSeq of each message."""
    stream = octets if isinstance(octets, Endless) else io.BytesIO(octets)
    with open_sources([stream], engine="native") as reading:  # type: ignore[list-item]
        items = [item for item in reading if isinstance(item, RawMessage)]
    found = [(item.place.number, int(item.payload.split(b"CSeq: ")[1].split()[0])) for item in items]  # type: ignore[union-attr]
    return found, reading.sources[0]


def codes(source: Source) -> list[str]:
    return [defect.code for _, defect in source.defect_list]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("size", [16, 17, 1000, 1 << 20])
def test_zeros_at_the_end_are_no_damage(form: Callable[[list[bytes]], bytes], size: int) -> None:
    whole = form([frame(message(1))])
    found, source = read(whole + bytes(size))
    assert found == [(1, 1)]
    assert (source.frames, source.damaged, source.defects) == (1, False, 0)
    assert source.quality == [
        f"the rest of the file, {size} octets from offset {len(whole)} on, is zeros: room that was not written to"
    ]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_file_that_was_made_and_not_written_to(form: Callable[[list[bytes]], bytes]) -> None:
    found, source = read(form([]) + bytes(1 << 16))
    assert (found, source.frames, source.damaged) == ([], 0, False)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_zeros_without_end(form: Callable[[list[bytes]], bytes]) -> None:
    whole = form([frame(message(1))])
    stream = Endless(whole)
    found, source = read(stream)
    assert (found, codes(source), source.damaged) == ([(1, 1)], ["zeros"], True)
    defect = source.defect_list[0][1]
    assert defect.text.startswith("more than 64 million zeros where ")
    assert defect.text.endswith("; what follows is not read")
    assert defect.offset == len(whole)
    assert stream.read_octets < pcap_format.MAX_HOLE + (1 << 20)


@pytest.mark.parametrize("size", [16, 32, 1 << 20])
def test_zeros_between_records(size: int) -> None:
    """Wireshark takes them for packets, and frames are numbered as it does."""
    whole = pcap([frame(message(1))])
    found, source = read(whole + bytes(size) + RECORDS)
    assert found == [(1, 1), (2 + size // 16, 2), (3 + size // 16, 3)]
    assert source.defect_list[0][1] == ("zeros", f"{size} zeros between two records", len(whole))
    assert (source.defects, source.damaged) == (1, True)


@pytest.mark.parametrize("size", [17, 18, 19, 31, 4097])
def test_zeros_that_are_no_whole_records(size: int) -> None:
    found, source = read(pcap([frame(message(1))]) + bytes(size) + RECORDS)
    assert found == [(1, 1), (2, 2), (3, 3)]
    assert codes(source) == ["zeros"]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("seconds", [EPOCH, EPOCH & ~0xFF, EPOCH & ~0xFFFF, EPOCH & ~0xFFFFFF])
@pytest.mark.parametrize("size", [16, 21, pcap_format.MAX_HOLE // 100])
def test_a_record_may_begin_with_zeros(order: str, seconds: int, size: int) -> None:
    after = pcap([frame(message(2))], order=order, times=[(seconds, 0)])[24:]
    found, source = read(pcap([frame(message(1))], order=order) + bytes(size) + after)
    assert [number for _, number in found] == [1, 2]
    assert source.last == max(seconds, EPOCH) * 10**9


def test_what_follows_zeros_and_is_no_record_is_not_read() -> None:
    found, source = read(pcap([frame(message(1))]) + bytes(64) + b"\xff" * 64 + RECORDS)
    assert (found, codes(source)) == ([(1, 1)], ["zeros"])
    assert source.defect_list[0][1].text == "64 zeros where record 2 should begin; what follows is not read"


def test_a_packet_without_octets_is_a_packet() -> None:
    _, source = read(pcap([b"", b"", frame()], times=[(0, 1), (1, 0), (2, 0)]))
    assert (source.frames, source.messages, source.damaged) == (3, 1, False)


@pytest.mark.parametrize("size", [8, 16, 1 << 20, 18, 4099])
def test_zeros_between_blocks(size: int) -> None:
    whole = pcapng([frame(message(1))])
    found, source = read(whole + bytes(size) + BLOCKS)
    assert source.defect_list[0][1] == ("zeros", f"{size & ~3} zeros where a block should begin", len(whole))
    assert (found == [(1, 1), (2, 2), (3, 3)]) == (not size % 4)
    assert source.damaged


@pytest.mark.parametrize("size", [4, 8, 100, 1 << 20])
def test_zeros_after_damage(size: int) -> None:
    found, source = read(pcapng([frame(message(1))]) + b"\xff" * 16 + bytes(size) + BLOCKS)
    assert (found, codes(source)) == ([(1, 1), (2, 2), (3, 3)], ["absurd-length"])


def test_damage_without_end() -> None:
    stream = Endless(pcapng([frame(message(1))]), b"\xff\x01\x02\x03" * 9999)
    found, source = read(stream)
    assert (found, codes(source)) == ([(1, 1)], ["absurd-length", "no-block"])
    assert "no block begins within 16 MB; what follows is not read" in source.defect_list[1][1].text
    assert stream.read_octets < pcapng_format.MAX_SEARCH + (1 << 20)


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 64])
@pytest.mark.parametrize("before", [0, 1, 7])
@pytest.mark.parametrize("size", [KEPT, 16, 100])
def test_a_window_passes_zeros(chunk: int, before: int, size: int) -> None:
    octets = b"y" * before + bytes(size) + b"xabc"
    window = Window(Pieces(octets, chunk))  # type: ignore[arg-type]
    window.need(before)
    window.at += before
    assert window.zeros(1 << 20) == (size, False)
    assert window.position == before + size
    assert window.buffer[window.at - KEPT : window.at + 1] == bytes(KEPT) + b"x"


@pytest.mark.parametrize("chunk", [1, 3, 64])
def test_a_window_passes_zeros_to_the_end_or_to_the_limit(chunk: int) -> None:
    assert Window(Pieces(bytes(100), chunk)).zeros(1 << 20) == (100, True)  # type: ignore[arg-type]
    passed, ended = Window(Pieces(bytes(1000), chunk)).zeros(100)  # type: ignore[arg-type]
    assert 100 <= passed < 100 + chunk
    assert not ended


class Pieces:
    """A stream that gives a few octets at a time."""

    def __init__(self, octets: bytes, size: int) -> None:
        self._stream, self._size = io.BytesIO(octets), size

    def read1(self, _: int) -> bytes:
        return self._stream.read(self._size)

    read = read1


def test_interfaces_are_remembered_in_bounded_number() -> None:
    many = pcapng_format.MAX_INTERFACES + 5
    octets = build.section() + build.interface() * many
    octets += build.enhanced(frame(message(1)), number=many - 6) + build.enhanced(frame(message(2)), number=many - 5)
    found, source = read(octets)
    assert found == [(1, 1)]
    assert codes(source) == ["short-block", "many-interfaces"]
    assert source.defect_list[1][1].text.startswith("5 interfaces beyond the first 65536 of a section")
