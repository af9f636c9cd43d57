"""TCP: messages out of segments, sound ones."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.evidence import Endpoint, Fidelity, Frame
from tests.capture.build import ACK, FIN, OK, SYN, ethernet, ip4, ip6, message, messages, pcap, read, tcp
from tests.capture.tcp_talk import Talk, heard

ONE, TWO, THREE = message(1), message(2, b"body"), message(3)


def payloads(talk: Talk) -> list[bytes]:
    return [one.payload for one in heard(talk)[0]]


def test_one_message_in_one_segment() -> None:
    found, aborts, codes = heard(Talk().open().up(0, ONE).down(0, OK, ack=len(ONE)).fin(len(ONE), len(OK)))
    assert [one.payload for one in found] == [ONE, OK]
    assert [one.fidelity for one in found] == [Fidelity.WIRE] * 2
    assert {one.stream for one in found} == {1}
    assert {one.transport for one in found} == {"TCP"}
    assert (found[0].source, found[0].destination) == (Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 5060))
    assert (found[1].source, found[1].destination) == (found[0].destination, found[0].source)
    assert [(abort.reason, abort.source.port, abort.stream) for abort in aborts] == [
        ("closed", 40000, 1),
        ("closed", 5060, 1),
    ]
    assert codes == []


def test_several_messages_in_one_segment() -> None:
    found, _, _ = heard(Talk().open().up(0, ONE + TWO + THREE))
    assert [one.payload for one in found] == [ONE, TWO, THREE]
    assert {one.fidelity for one in found} == {Fidelity.WIRE}
    assert {one.place.number for one in found if isinstance(one.place, Frame)} == {4}


def test_one_message_over_many_segments_belongs_to_the_last_frame() -> None:
    talk = Talk().open()
    for at in range(0, len(TWO), 7):
        talk.up(at, TWO[at : at + 7])
    (found,), _, _ = heard(talk)
    assert found.payload == TWO
    assert found.fidelity is Fidelity.REASSEMBLED
    assert isinstance(found.place, Frame)
    assert found.place.number == len(talk.frames)
    assert found.time is not None and found.time % 10**10 == (len(talk.frames) - 1) % 10 * 10**9


def test_a_message_that_begins_in_the_segment_of_another() -> None:
    cut = len(ONE) + 10
    found, _, _ = heard(Talk().open().up(0, (ONE + TWO)[:cut]).up(cut, (ONE + TWO)[cut:] + THREE))
    assert [one.fidelity for one in found] == [Fidelity.WIRE, Fidelity.REASSEMBLED, Fidelity.WIRE]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_any_order_of_segments(order: tuple[int, ...]) -> None:
    stream = ONE + TWO + THREE
    cuts = [0, 40, len(ONE) + 3, len(ONE) + 60, len(stream)]
    talk = Talk().open()
    for index in order:
        talk.up(cuts[index], stream[cuts[index] : cuts[index + 1]])
    found, _, codes = heard(talk.fin(len(stream), 0))
    assert [one.payload for one in found] == [ONE, TWO, THREE]
    assert codes == []


@given(st.randoms(use_true_random=False), st.sampled_from([0, 2**32 - 60, 2**31 - 100, 2**32 - 1]))
def test_repeated_overlapping_wrapping_and_mixed(rng: random.Random, isn: int) -> None:
    stream = ONE + TWO + THREE + message(4, b"x" * 500)
    cuts = sorted({0, len(stream), *(rng.randrange(len(stream)) for _ in range(8))})
    parts = list(itertools.pairwise(cuts))
    for _ in range(4):
        start = rng.randrange(len(stream))
        parts.append((start, rng.randrange(start + 1, len(stream) + 1)))
    rng.shuffle(parts)
    talk = Talk(isn).open()
    for start, end in parts:
        talk.up(start, stream[start:end])
    found, _, codes = heard(talk)
    assert b"".join(one.payload for one in found) == stream
    assert len(found) == 4
    assert codes == []


def test_a_retransmission_is_no_second_message() -> None:
    assert payloads(Talk().open().up(0, ONE).up(0, ONE).up(0, ONE + TWO).up(len(ONE), TWO)) == [ONE, TWO]


@pytest.mark.parametrize("late", [False, True])
def test_a_copy_that_differs_is_a_defect_and_the_first_wins(late: bool) -> None:
    other = ONE.replace(b"lab.invalid", b"LAB.INVALID")
    talk = Talk().open()
    if late:
        talk.up(0, ONE).up(0, other)
    else:
        talk.up(5, ONE[5:]).up(5, other[5:]).up(0, ONE[:5])
    found, _, codes = heard(talk)
    assert [one.payload for one in found] == [ONE]
    assert codes == ["overlapping-segments"]


def test_keepalive_probes_are_no_conflict() -> None:
    found, _, codes = heard(Talk().open().up(0, ONE).up(len(ONE) - 1, b"\0").up(len(ONE) - 1, b"").up(len(ONE), TWO))
    assert [one.payload for one in found] == [ONE, TWO]
    assert codes == []


def test_crlf_keepalives_are_counted() -> None:
    talk = Talk().open().up(0, b"\r\n\r\n").down(0, b"\r\n").up(4, ONE)
    found, _, reading = read(pcap(talk.frames))
    assert [one.payload for one in found] == [ONE]
    assert reading.sources[0].keepalives == 2
    assert reading.sources[0].other == 0


def test_the_port_pair_used_again_is_another_connection() -> None:
    first, second = Talk(isn=1000).open().up(0, ONE + TWO[:20]), Talk(isn=70000).open().up(0, THREE)
    found, _, _ = read(pcap(first.frames + second.frames))
    assert [(one.payload, one.stream) for one in found] == [(ONE, 1), (TWO[:20], 1), (THREE, 2)]
    assert found[1].missing > 0


def test_a_repeated_syn_is_the_same_connection() -> None:
    talk = Talk().up(-1, flags=SYN).up(-1, flags=SYN).down(-1, flags=SYN | ACK).down(-1, flags=SYN | ACK)
    found, _, _ = heard(talk.up(0, ONE).up(-1, flags=SYN).up(len(ONE), TWO))
    assert [(one.payload, one.stream) for one in found] == [(ONE, 1), (TWO, 1)]


def test_octets_in_a_syn() -> None:
    assert payloads(Talk().up(-1, ONE[:10], flags=SYN).down(-1, flags=SYN | ACK).up(10, ONE[10:])) == [ONE]


def test_ipv6_and_options() -> None:
    segment = bytearray(tcp(ONE, 1))
    segment[12] = 0x80
    with_options = bytes(segment[:20]) + b"\x01" * 12 + bytes(segment[20:])
    (found,) = messages([ethernet(ip6(with_options, 6))])
    assert found.payload == ONE
    assert found.source.host == "fd00::1"


def test_a_segment_in_ip_fragments_is_reassembled() -> None:
    segment = tcp(message(1, b"x" * 200), 1)
    parts = [ethernet(ip4(segment[:120], 6, more=True)), ethernet(ip4(segment[120:], 6, offset=120))]
    (found,) = messages(parts)
    assert found.fidelity is Fidelity.REASSEMBLED


def test_reset_is_told_once() -> None:
    _, aborts, _ = heard(Talk().open().up(0, ONE).reset().reset())
    assert [(abort.reason, abort.transport, abort.source.port) for abort in aborts] == [("reset", "TCP", 5060)]
    assert aborts[0].time == 1_700_000_004 * 10**9


def test_the_end_of_other_connections_is_not_told() -> None:
    assert heard(Talk().open().fin(0, 0))[1] == []
    assert heard(Talk().open().up(0, b"GET / HTTP/1.1\r\n\r\n").reset())[1] == []


def test_fin_with_octets_and_early_fin() -> None:
    assert payloads(Talk().open().up(0, ONE, flags=FIN | ACK)) == [ONE]
    talk = Talk().open().up(0, ONE[:20]).up(len(ONE), flags=FIN | ACK).up(20, ONE[20:])
    assert payloads(talk) == [ONE]


def test_what_is_no_tcp_header() -> None:
    _, _, reading = read(pcap([ethernet(ip4(b"short", 6)), ethernet(ip4(bytes(20), 6))]))
    assert [defect.code for _, defect in reading.sources[0].defect_list] == ["bad-tcp-header"] * 2


@given(st.lists(st.tuples(st.integers(-3, 60), st.binary(max_size=20), st.integers(0, 31), st.booleans()), max_size=12))
def test_noise_never_raises(segments: list[tuple[int, bytes, int, bool]]) -> None:
    talk = Talk()
    for at, octets, flags, up in segments:
        (talk.up if up else talk.down)(at, octets, flags=flags)
    heard(talk)
