"""Files in which each packet is shorter than its own headers say, although the file calls it whole."""

from __future__ import annotations

import struct

import pytest

from analyzer import analyze
from tests.capture.build import EPOCH, REGISTER, ethernet, frame, ip4, ip6, message, read, udp
from tests.capture.tcp_talk import Talk
from tests.capture.test_ip import geneve
from tests.capture.test_udp_tunnels import moved
from tests.shared import DATA

SIPGREP = " (`sipgrep -O` writes them so)"


def short(frames: list[bytes], by: int, linktype: int = 1) -> bytes:
    """A capture whose packets lack their last octets, and whose lengths say nothing of it."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, linktype)]
    for second, octets in enumerate(frames):
        kept = octets[:-by] if by else octets
        out.append(struct.pack("<IIII", EPOCH + second, 0, len(kept), len(kept)) + kept)
    return b"".join(out)


def said(count: int, octets: str, writer: str = "") -> list[str]:
    return [f"the last {octets} of {count} packets are missing, though the file says that they are whole{writer}"]


FRAMES = {
    "UDP": [frame(message(number)) for number in range(4)],
    "IPv6": [ethernet(ip6(udp(message(number)))) for number in range(4)],
    "options": [ethernet(ip4(udp(message(number)), options=b"\1" * 4)) for number in range(4)],
    "a tunnel": [ethernet(ip4(moved(geneve(frame(message(number)))))) for number in range(4)],
}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("by", [14, 1, 20])
def test_every_frame_is_short(name: str, by: int) -> None:
    found, _, reading = read(short(FRAMES[name], by))
    assert [(one.payload, one.missing) for one in found] == [(message(number)[:-by], by) for number in range(4)]
    octets = f"{by} octets" if by > 1 else "octet"
    assert reading.sources[0].quality == said(4, octets, SIPGREP if by == 14 else "")


def test_linux_cooked_frames() -> None:
    """As many are missing as the header of the link has."""
    frames = [bytes(14) + b"\x08\0" + ip4(udp(message(number))) for number in range(3)]
    assert read(short(frames, 16, 113))[2].sources[0].quality == said(3, "16 octets", SIPGREP)


def test_segments() -> None:
    talk = Talk().open().up(0, message(1)).up(len(message(1)), message(2)).up(2 * len(message(1)), message(3))
    found, _, reading = read(short(talk.frames[3:], 14))
    assert [one.missing for one in found] == [14, 14, 14]
    assert reading.sources[0].quality == said(3, "14 octets", SIPGREP)


def test_keep_alives_and_media_count_as_well() -> None:
    frames = [frame(b"\r\n\r\n" + bytes(20)), frame(REGISTER), frame(bytes(30))]
    assert read(short(frames, 14))[2].sources[0].quality == said(3, "14 octets", SIPGREP)


def test_a_few_that_are_short_are_no_way_of_writing() -> None:
    one = short([frame()], 14)[24:]
    whole = short([frame(message(number)) for number in range(9)], 0)
    assert read(whole + one)[2].sources[0].quality == []
    assert read(whole + one * 4)[2].sources[0].quality == []
    assert read(short([frame()] * 2, 14))[2].sources[0].quality == []


def test_different_numbers_are_no_way_of_writing() -> None:
    assert read(short([frame()] * 3, 14) + short([frame()] * 3, 9)[24:])[2].sources[0].quality == []


def test_a_snap_length_is_told_as_one() -> None:
    octets = bytearray(short([frame()] * 3, 14))
    for number in range(3):
        at = 24 + number * (16 + len(frame()) - 14) + 12
        octets[at : at + 4] = struct.pack("<I", len(frame()))
    (sentence,) = read(bytes(octets))[2].sources[0].quality
    assert sentence.startswith("3 packets are cut at ")


def test_what_sipgrep_saved() -> None:
    """sipgrep 2.1.0 -O: 10 frames, of which one is not what it was. What is there of each message is judged as cut."""
    report = analyze(DATA / "real" / "sipgrep-saved.pcap")
    (source,) = report.sources
    assert source.quality == said(9, "14 octets", SIPGREP)
    assert (source.frames, source.messages) == (10, 7)
    told = {defect.code: defect.text for _, defect in source.defect_list}
    assert set(told) == {"tcp-gap", "overwritten-fragments"}
    assert told["overwritten-fragments"].startswith("a packet that its writer had put together is saved as the last of")
    assert {one.rule for one in report.findings if one.severity == "error"} == set()
    assert report.outcomes["R3261-8.1.1-mandatory"].not_judged == {"WHOLE": 7}


@pytest.mark.parametrize(
    ("filling", "code"), [(0, "incomplete-fragments"), (26, "incomplete-fragments"), (900, "overwritten-fragments")]
)
def test_a_fragment_with_much_behind_it_was_put_together_by_its_writer(filling: int, code: str) -> None:
    """A frame of Ethernet is filled up to 60 octets; what goes on behind a fragment for longer is no filling."""
    last = ethernet(ip4(udp(message(1))[-64:], offset=1480)) + bytes(filling)
    assert [defect.code for _, defect in read(short([last], 0))[2].sources[0].defect_list] == [code]
