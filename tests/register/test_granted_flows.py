"""Flows of RFC 5626: which connection a phone left and came back to, and when it was heard on what it was granted."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.evidence import KEPT_TIMES, MOST_WAYS, SECOND, Endpoint, KeepAlives, RawMessage, Source
from analyzer.judge.flowtext import START, read_flow
from analyzer.register import flows
from analyzer.register.subjects import EndSubject
from analyzer.run.pipeline import Analysis
from analyzer.sip.sniff import PING
from tests.register.watch import watch

_URN = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000{}>"'
_ASKS = "> REGISTER sip:h\nSupported: path, outbound\nContact: <sip:bob@192.0.2.10>;reg-id={};{}\nCall-ID: {}\n"


def over(stream: int, call_id: str = "c", reg_id: int = 1, urn: str = "a", answer: str = "< 200\n") -> str:
    """A registration over a connection."""
    where = f"src=192.0.2.10:{5060 + stream} transport=TCP stream={stream} "
    return where + _ASKS.format(reg_id, _URN.format(urn), call_id) + answer


def left(flow: str) -> list[int]:
    """The connections that were left, of all steps that go back to one."""
    return [step.left_flow.stream for step in watch(flow).steps if step.left_flow is not None]


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        (over(1) + over(2) + over(1), [2]),
        (over(1) + over(2) + over(1) + over(2), [2, 1]),
        (over(1) + over(2) + over(3), []),  # a new one each time
        (over(1) + over(1) + over(2), []),
        (over(1) + over(2, reg_id=2) + over(1), []),  # two flows, as it should be
        (over(1) + over(2) + over(1, "other", 1, "b") + over(1), []),  # the connection of a proxy
        ((over(1) + over(2) + over(1)).replace("transport=TCP ", "").replace("stream", "ip_id"), []),
        ((over(1) + over(2) + over(1)).replace(";reg-id=1", ""), []),
    ],
)
def test_who_goes_back_to_a_connection_had_both(flow: str, found: list[int]) -> None:
    assert left(flow) == found


def test_of_many_clients_the_latest_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "MOST_FLOWS", 1)
    assert left(over(1) + over(2) + over(1)) == []  # of connections it knows one


_GRANTS = "< 200\nRequire: outbound\nFlow-Timer: 30\n"


def granted(flow: str) -> list[tuple[int | None, list[float]]]:
    """Seconds and times of each flow that a client was granted."""
    (end,) = [one for one in watch(flow).subjects if isinstance(one, EndSubject)]
    return [(one.seconds, [(time - START) / SECOND for time in one.times]) for one in end.flows]


def test_a_phone_is_heard_from_the_grant_on() -> None:
    flow = over(1, answer=_GRANTS) + "@60 " + over(1, answer="@61 " + _GRANTS)
    assert granted(flow) == [(30, [0.02, 60.0])]


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (_GRANTS, [30]),
        (_GRANTS.replace("30", "x"), [None]),
        (_GRANTS.replace("30", "0"), [None]),
        (_GRANTS.replace("Flow-Timer: 30\n", ""), [None]),
        (_GRANTS.replace("outbound", "gruu"), []),
        (_GRANTS.replace("200", "403"), []),
        ("< 200\n", []),
    ],
)
def test_what_grants_a_flow(answer: str, seconds: list[int | None]) -> None:
    assert [each for each, _ in granted(over(1, answer=answer))] == seconds


def test_lines_on_one_connection_have_flows_of_their_own() -> None:
    other = over(1, "d", answer=_GRANTS).replace("Supported", "To: <sip:al@h>\nFrom: <sip:al@h>;tag=2\nSupported")
    ends = [one for one in watch(over(1, answer=_GRANTS) + "@9 " + other).subjects if isinstance(one, EndSubject)]
    assert [len(one.flows) for one in ends] == [1, 1]
    assert [len(one.flows[0].times) for one in ends] == [2, 1]


def test_times_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "KEPT_TIMES", 3)
    flow = over(1, answer=_GRANTS) + "".join(f"@{60 * turn} " + over(1, answer=_GRANTS) for turn in range(1, 9))
    ((_, times),) = granted(flow)
    assert len(times) == 3


_HERE, _THERE = Endpoint("192.0.2.10", 5060), Endpoint("198.51.100.1", 5060)


def test_keep_alives_are_kept_by_their_way() -> None:
    kept = KeepAlives()
    kept.note((_HERE, _THERE, 0), 5, crlf=True)
    kept.note((_THERE, _HERE, 0), 6)
    kept.note((_HERE, _THERE, 0), None)
    assert kept.of((_HERE, _THERE, 0)) == [5]
    assert kept.of((_THERE, _HERE, 0)) == [6]
    assert kept.of((_HERE, _THERE, 1)) == []
    assert kept.crlf == {(_HERE, _THERE, 0)}


def test_keep_alives_are_bounded() -> None:
    kept = KeepAlives()
    for number in range(MOST_WAYS + 5):
        kept.note((_HERE, _THERE, number), number, crlf=True)
    for number in range(KEPT_TIMES + 5):
        kept.note((_HERE, _THERE, 9), number)
    assert kept.of((_HERE, _THERE, 4)) == []
    assert len(kept.of((_HERE, _THERE, 9))) == KEPT_TIMES
    assert len(kept.crlf) == MOST_WAYS


def test_keep_alives_of_a_flow_are_no_messages() -> None:
    source = Source("flow")
    analysis = Analysis([source])
    for item in read_flow(over(1) + "~ ping\n~ pong\n> REGISTER sip:h\n< 200\n@9 ~ ping"):
        analysis.feed(item)
    assert analysis.finish().summary.messages == 4
    way = (Endpoint("192.0.2.10", 5061), _THERE, 1)
    assert len(source.kept.of(way)) == len(source.kept.of((way[1], way[0], 1))) == 1
    assert len(source.kept.of((_HERE, _THERE, 0))) == 1
    assert source.kept.crlf == {(_HERE, _THERE, 0)}


def test_readers_of_captures_tell_of_keep_alives(tmp_path: Path) -> None:
    import dpkt

    from analyzer.capture.opener import open_sources

    path = tmp_path / "kept.pcap"
    message = next(one for one in read_flow(over(0)) if isinstance(one, RawMessage))
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file)
        for number, payload in enumerate((message.payload, PING, b"jaK\0", b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12))):
            datagram = dpkt.udp.UDP(sport=5060, dport=5060, data=payload, ulen=8 + len(payload))
            packet = dpkt.ip.IP(src=bytes((192, 0, 2, 10)), dst=bytes((198, 51, 100, 1)), p=17, data=datagram)
            packet.len = 20 + datagram.ulen
            frame = dpkt.ethernet.Ethernet(src=b"\2" * 6, dst=b"\4" * 6, type=0x0800, data=packet)
            writer.writepkt(bytes(frame), ts=1000 + number)
    with open_sources([path], engine="native") as reading:
        assert len(list(reading)) == 1
    (source,) = reading.sources
    assert [time // SECOND for time in source.kept.of((_HERE, _THERE, 0))] == [1001, 1002, 1003]
    assert source.kept.crlf == {(_HERE, _THERE, 0)}
