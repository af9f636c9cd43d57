"""TCP captures with holes, late beginnings, foreign and encrypted streams."""

from __future__ import annotations

import pytest

from analyzer.capture import stream, tcp
from analyzer.evidence import Frame
from tests.capture import build
from tests.capture.build import OK, message, pcap, read
from tests.capture.tcp_talk import Talk, heard

ONE, TWO, THREE = message(1, b"0123456789"), message(2), message(3)
A, B, C = len(ONE), len(ONE + TWO), len(ONE + TWO + THREE)


def test_a_hole_that_was_acknowledged_is_given_up() -> None:
    talk = Talk().open().up(0, ONE).up(B, THREE).down(0, ack=C).down(0, ack=C)
    held = read(pcap(talk.frames))[0]
    found, _, codes = heard(talk.up(C, ONE))
    assert [one.payload for one in found] == [ONE, THREE, ONE]
    assert codes == ["tcp-gap"]
    assert held[1].place == found[1].place  # the frame that brought it, not the one that made us give up


def test_an_acknowledgement_before_what_it_acknowledges_is_no_loss() -> None:
    talk = Talk().open().up(0, ONE).up(B, THREE).down(0, ack=C).up(A, TWO)
    found, _, codes = heard(talk)
    assert [one.payload for one in found] == [ONE, TWO, THREE]
    assert codes == []


def test_without_acknowledgement_a_hole_is_given_up_at_the_end() -> None:
    found, aborts, codes = heard(Talk().open().up(0, ONE).up(B, THREE).reset())
    assert [one.payload for one in found] == [ONE, THREE]
    assert [abort.reason for abort in aborts] == ["gap", "reset"]
    assert codes == ["tcp-gap"]


def test_what_the_peer_has_and_the_capture_has_not_is_told_at_once() -> None:
    """The acknowledgement alone shows it, though nothing has come behind the hole."""
    found, aborts, codes = heard(Talk().open().up(0, ONE).down(0, ack=B))
    assert [one.payload for one in found] == [ONE]
    (gap,) = aborts
    assert (gap.reason, gap.source, gap.destination) == ("gap", found[0].destination, found[0].source)
    assert codes == []  # it may come yet


def test_what_the_peer_had_before_is_passed_over_without_waiting() -> None:
    talk = Talk().open().up(0, ONE).down(0, ack=B).up(B, THREE)
    found, aborts, codes = heard(talk)
    assert [one.payload for one in found] == [ONE, THREE]
    assert ([abort.reason for abort in aborts], codes) == (["gap", "gap"], ["tcp-gap"])


def test_an_acknowledged_end_is_no_gap() -> None:
    _, aborts, codes = heard(Talk().open().up(0, ONE).fin(A, 0).down(0, ack=A + 1))
    assert ("gap" in [abort.reason for abort in aborts], codes) == (False, [])


def test_of_a_stream_without_messages_no_gap_is_told() -> None:
    _, aborts, _ = heard(Talk().open().up(0, b"GET / HTTP/1.1\r\n\r\n").down(0, ack=500))
    assert aborts == []


def test_a_hole_inside_a_message_cuts_it() -> None:
    cut = A - 4  # within the body
    found, _, codes = heard(Talk().open().up(0, ONE[:cut]).up(A, TWO))
    assert [(one.payload, one.missing) for one in found] == [(ONE[:cut], 4), (TWO, 0)]
    assert [one.place.number for one in found if isinstance(one.place, Frame)] == [4, 5]
    assert codes == ["tcp-gap"]


def test_too_much_behind_a_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_PIECES", 3)
    talk = Talk().open().up(0, ONE)
    for index in range(8):
        talk.up(B + index * 2 * len(THREE), THREE)
    found, _, codes = heard(talk)
    assert [one.payload for one in found] == [ONE] + [THREE] * 8
    assert set(codes) == {"tcp-gap"}


def test_octets_behind_a_hole_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_WAITING", 100)
    found, _, _ = heard(Talk().open().up(0, ONE).up(B, THREE).up(C + 50, ONE).up(C + 50 + A, OK))
    assert [one.payload for one in found] == [ONE, THREE, ONE, OK]


def test_a_snap_length_cuts_segments() -> None:
    talk = Talk().open().up(0, ONE).up(A, TWO)
    found, _, reading = read(pcap(talk.frames, snap=54 + 40))
    assert [one.payload for one in found] == [ONE[:40], TWO[:40]]
    assert all(one.missing for one in found)
    assert reading.sources[0].quality == ["2 packets are cut at 94 octets"]


def test_the_capture_begins_in_a_connection() -> None:
    found, _, codes = heard(Talk().up(0, ONE).down(0, OK, ack=A).up(A, TWO))
    assert [(one.payload, one.defects) for one in found] == [(ONE, ()), (OK, ()), (TWO, ())]
    assert codes == []


def test_the_capture_begins_in_a_message() -> None:
    found, _, _ = heard(Talk().up(30, ONE[30:]).up(A, TWO))
    assert [one.payload for one in found] == [TWO]
    assert [defect.code for defect in found[0].defects] == ["resync"]


def test_a_message_under_way_when_the_capture_ends() -> None:
    (found,), _, _ = heard(Talk().open().up(0, ONE[:-3]))
    assert (found.payload, found.missing) == (ONE[:-3], 3)


def test_other_traffic_is_counted_and_forgotten() -> None:
    talk = Talk(server=80).open()
    for at in range(0, 200_000, 1000):
        talk.up(at, b"z" * 999 + b"\n")
    found, _, reading = read(pcap(talk.frames))
    assert found == []
    assert reading.sources[0].other == 200


@pytest.mark.parametrize(
    "first", [b"GET /sip.txt HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"SSH-2.0-x\r\n", b"OPTIONS * RTSP/1.0\r\n"]
)
def test_a_stream_of_another_protocol_may_quote_sip(first: bytes) -> None:
    found, _, reading = read(pcap(Talk().open().up(0, first).up(len(first), ONE).frames))
    assert found == []
    assert reading.sources[0].other == 2


def test_tls_is_told_and_not_read() -> None:
    talk = Talk(server=5061).open().up(0, b"\x16\x03\x01\x00\x05hello").down(0, b"\x16\x03\x03\x00\x05hello")
    found, aborts, reading = read(pcap(talk.up(10, b"\x17\x03\x03" + ONE).fin(10 + 3 + A, 10).frames))
    assert (found, aborts) == ([], [])
    assert reading.sources[0].quality == [
        "TLS on 10.0.0.1:40000 - 10.0.0.2:5061: 3 packets could not be read without keys (--tls-keylog FILE)"
    ]
    assert reading.sources[0].other == 0


def test_tls_on_many_connections_is_summed_up() -> None:
    frames = [Talk(client=port).up(0, b"\x16\x03\x01\0\0").frames[0] for port in range(20000, 21005)]
    _, _, reading = read(pcap(frames))
    quality = reading.sources[0].quality
    assert len(quality) == 1001
    assert quality[-1] == "TLS on other connections: 5 packets could not be read without keys (--tls-keylog FILE)"


def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "MAX_CONNECTIONS", 10)
    frames: list[bytes] = []
    for port in range(20000, 20050):
        frames += Talk(client=port).open().up(0, ONE + TWO[:40]).frames
    found, _, _ = read(pcap(frames))
    assert sum(one.payload == ONE for one in found) == 50
    assert sum(one.payload == TWO[:40] for one in found) == 50  # given out when forgotten, at the latest at the end
    assert len({one.stream for one in found}) == 50


def test_several_connections_at_once() -> None:
    talks = [Talk(client=port).open() for port in range(20000, 20020)]
    frames = [frame for talk in talks for frame in talk.frames]
    for at in range(0, C, 31):
        frames += [talk.up(at, (ONE + TWO + THREE)[at : at + 31]).frames[-1] for talk in talks]
    found, _, reading = read(pcap(frames))
    assert len(found) == 60
    assert build.codes(reading) == []
