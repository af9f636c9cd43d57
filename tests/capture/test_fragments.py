"""IP fragments put together, and what happens to those that cannot be."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import pytest

from analyzer.capture import fragments
from analyzer.defect import TORN
from analyzer.evidence import Fidelity, Frame
from tests.capture import build
from tests.capture.build import (
    EPOCH,
    codes,
    ethernet,
    fragment6,
    ip4,
    ip6,
    message,
    messages,
    pcap,
    read,
    udp,
)

BODY = message(1, b"x" * 300)
DATAGRAM = udp(BODY)


def v4(start: int, end: int, ident: int = 9, octets: bytes = DATAGRAM) -> bytes:
    return ethernet(ip4(octets[start:end], ident=ident, offset=start, more=end < len(octets)))


def v6(start: int, end: int, ident: int = 9, octets: bytes = DATAGRAM) -> bytes:
    more = end < len(octets)
    return ethernet(ip6(fragment6(octets[start:end], 17 if not start else 59, start, more, ident), 44))


Part = Callable[[int, int], bytes]
THREE = [(0, 160), (160, 320), (320, len(DATAGRAM))]


@pytest.mark.parametrize("part", [v4, v6])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_any_order(part: Part, order: tuple[int, ...]) -> None:
    (whole,) = messages([part(*THREE[index]) for index in order])
    assert whole.payload == BODY
    assert whole.fidelity is Fidelity.REASSEMBLED
    assert whole.place == Frame("stream", 3, whole.place.offset if isinstance(whole.place, Frame) else 0)
    assert whole.ip_id == (9 if part is v4 else None)
    assert whole.missing == 0


@pytest.mark.parametrize("part", [v4, v6])
def test_duplicates_and_overlaps_that_agree(part: Part) -> None:
    parts = [(0, 160), (0, 160), (80, 240), (160, 320), (320, len(DATAGRAM))]
    found, _, reading = read(pcap([part(*each) for each in parts]))
    assert [one.payload for one in found] == [BODY]
    assert codes(reading) == []


def test_an_overlap_that_differs_keeps_the_first_copy() -> None:
    other = bytearray(DATAGRAM)
    other[200] ^= 1
    frames = [v4(0, 240), v4(160, 320, octets=bytes(other)), v4(320, len(DATAGRAM))]
    found, _, reading = read(pcap(frames))
    assert [one.payload for one in found] == [BODY]
    assert codes(reading) == ["overlapping-fragments"]


def test_random_fragments() -> None:
    rng = random.Random(4)
    for _ in range(30):
        cuts = sorted({0, len(DATAGRAM), *(8 * rng.randrange(1, len(DATAGRAM) // 8) for _ in range(6))})
        parts = [v4(*ends) for ends in itertools.pairwise(cuts)]
        parts += rng.sample(parts, 2)
        rng.shuffle(parts)
        assert messages(parts)[0].payload == BODY


def test_sets_are_told_apart() -> None:
    second = udp(message(2, b"y" * 300))
    frames = [v4(0, 160, 1), v4(0, 160, 2, second), v4(160, len(second), 2, second), v4(160, len(DATAGRAM), 1)]
    found, _, _ = read(pcap(frames, times=[(EPOCH, at) for at in range(4)]))
    assert [one.payload[-1:] for one in found] == [b"y", b"x"]


def test_the_identification_may_return() -> None:
    frames = [v4(0, 160), v4(160, len(DATAGRAM))] * 3
    assert len(messages(frames)) == 3


def test_an_unfinished_set_is_reported_with_its_first_frame() -> None:
    found, _, reading = read(pcap([v4(0, 160), v4(320, len(DATAGRAM))]))
    assert [(one.payload, one.missing) for one in found] == [(BODY[:152], len(BODY) - 152)]
    ((place, defect),) = reading.sources[0].defect_list
    assert defect.code == "incomplete-fragments"
    assert place == Frame("stream", 1, 24)


def test_thirty_seconds_are_waited() -> None:
    parts = [v4(0, 160), v4(160, len(DATAGRAM))]
    for seconds, count in ((30, 1), (31, 0)):
        found, _, reading = read(pcap(parts, times=[(EPOCH, 0), (EPOCH + seconds, 0)]))
        assert sum(not one.missing for one in found) == count
        assert len(codes(reading)) == 2 * (1 - count)


def test_the_beginning_alone_is_a_message_that_is_cut() -> None:
    """Two seconds after its latest fragment, at the place and time of the first, before what comes then."""
    frames = [v4(0, 160), v4(160, 240), build.frame(message(5)), build.frame(message(6))]
    times = [(EPOCH, 0), (EPOCH, 10), (EPOCH + 1, 0), (EPOCH + 3, 0)]
    found, _, reading = read(pcap(frames, times=times))
    assert [one.payload for one in found] == [message(5), BODY[:232], message(6)]
    torn = found[1]
    assert (torn.place, torn.time, torn.missing) == (Frame("stream", 1, 24), EPOCH * 10**9, len(BODY) - 232)
    assert [defect.code for defect in torn.defects] == [TORN]
    assert codes(reading) == ["incomplete-fragments"]


def test_without_the_beginning_there_is_no_message() -> None:
    assert messages([v4(160, 240), v4(240, len(DATAGRAM))]) == []


def test_the_beginning_of_what_is_no_sip_is_none() -> None:
    media = udp(b"\x80\x08" + bytes(500))
    assert messages([v4(0, 160, octets=media)]) == []


def test_a_beginning_is_given_once() -> None:
    frames = [v4(0, 160, ident) for ident in range(fragments.MAX_OPEN * 3)]
    found, _, _ = read(pcap(frames, times=[(EPOCH, at) for at in range(len(frames))]))
    assert len({one.place for one in found}) == len(found)


def test_open_sets_are_bounded() -> None:
    count = fragments.MAX_OPEN + 10
    same = [(EPOCH, 0)] * (count + 1)
    frames = [v4(0, 160, ident) for ident in range(count)] + [v4(160, len(DATAGRAM), count - 1)]
    found, _, reading = read(pcap(frames, times=same))
    assert [one.missing for one in found].count(0) == 1
    assert reading.sources[0].defects == count - 1
    assert len(codes(reading)) == 100  # kept with their text


def test_octets_held_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "MAX_HELD", 400)
    frames = [v4(0, 160, 1), v4(0, 160, 2), v4(0, 160, 3), v4(160, len(DATAGRAM), 3)]
    found, _, reading = read(pcap(frames, times=[(EPOCH, 0)] * 4))
    assert len(found) <= 1
    assert set(codes(reading)) == {"incomplete-fragments"}


@pytest.mark.parametrize(
    "wrong",
    [
        ethernet(ip4(b"12345678", ident=9, offset=65528, more=True)),
        ethernet(ip4(b"12345678", ident=9, offset=480)),
    ],
)
def test_a_fragment_that_contradicts_the_length_is_dropped(wrong: bytes) -> None:
    found, _, reading = read(pcap([v4(320, len(DATAGRAM)), wrong, v4(0, 160), v4(160, 320)]))
    assert [one.payload for one in found] == [BODY]
    assert codes(reading) == ["bad-fragment"]


def test_a_cut_fragment_ends_the_message_early() -> None:
    frames = [v4(0, 160), v4(160, 320), v4(320, len(DATAGRAM))]
    (found,), _, reading = read(pcap(frames, snap=134))  # 34 octets of headers, 100 of each fragment
    assert found.payload == BODY[:92]
    assert found.missing == len(BODY) - 92
    assert reading.sources[0].quality == ["2 packets are cut at 134 octets"]


def test_an_ipv6_fragment_header_on_a_whole_packet() -> None:
    (found,) = messages([v6(0, len(DATAGRAM))])
    assert found.payload == BODY
    assert found.fidelity is Fidelity.WIRE
