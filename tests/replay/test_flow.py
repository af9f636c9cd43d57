"""One registration out of a capture or a log: which, with what messages, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.defect import SourceError
from analyzer.evidence import SECOND, Fidelity
from replay.flow import Flow, NoFlow, Wish, read_flow
from tests.capture.build import REGISTER, pcap, write
from tests.capture.tcp_talk import Talk
from tests.replay.said import CLEAN, READABLE, capture_of, flow_of, raw_messages, secrets_of
from tests.shared import ROOT, lab_file

R = "> REGISTER sip:example.com"
BOB_AND_CAROL = f"""
{CLEAN}
src=192.0.2.20:5060 > REGISTER sip:example.com
From: <sip:carol@example.com>;tag=c
To: <sip:carol@example.com>
Call-ID: carols
Contact: <sip:carol@192.0.2.20>
< 403
"""


def statuses(flow: Flow) -> list[int]:
    return [exchange.status for exchange in flow.exchanges]


def test_a_flow_has_its_messages_times_and_outcome(tmp_path: Path) -> None:
    flow = flow_of(CLEAN, tmp_path)
    captured = raw_messages(CLEAN)
    assert (flow.aor, flow.outcome, flow.number, flow.others, flow.unseen) == (
        "sip:bob@example.com",
        "registered",
        1,
        0,
        0,
    )
    assert [one.request.raw for one in flow.exchanges] == [captured[0].payload, captured[2].payload]
    assert [one.final.raw for one in flow.exchanges if one.final] == [captured[1].payload, captured[3].payload]
    assert [one.request_time for one in flow.exchanges] == [captured[0].time, captured[2].time]
    assert [one.final_time for one in flow.exchanges] == [captured[1].time, captured[3].time]
    assert statuses(flow) == [401, 200]
    assert flow.report is not None and flow.sources == (str(tmp_path / "flow.pcap"),)


def test_retransmissions_and_provisional_answers_are_counted_not_repeated(tmp_path: Path) -> None:
    text = f"{R}\n> again\n> again\n< 100\n< 100\n< 200\n< again"
    (exchange,) = flow_of(text, tmp_path).exchanges
    assert (exchange.retransmissions, exchange.status) == (2, 200)
    assert set(exchange.provisional) == {100}


def test_a_request_without_answer_has_none(tmp_path: Path) -> None:
    (exchange,) = flow_of(f"{R}\n", tmp_path).exchanges
    assert (exchange.final, exchange.status, exchange.final_time) == (None, 0, None)


def test_what_the_rules_found_stands_at_its_exchange(tmp_path: Path) -> None:
    text = f"{R}\n< 401\n> REGISTER sip:bob@example.com\nAuthorization: {{bob secret}}\n< 200"
    first, second = flow_of(text, tmp_path).exchanges
    assert "R3261-10.2-ruri-userinfo" in second.rules - first.rules


def test_secrets_reach_the_rules(tmp_path: Path) -> None:
    flow = read_flow([capture_of(CLEAN, tmp_path)], secrets=secrets_of(bob="another"))
    assert "R7616-digest-verify" in flow.exchanges[-1].rules


# Which one.


@pytest.mark.parametrize(
    ("wish", "aor"),
    [
        (Wish(), "sip:bob@example.com"),
        (Wish(number=1), "sip:bob@example.com"),
        (Wish(number=2), "sip:carol@example.com"),
        (Wish(aor="sip:carol@example.com"), "sip:carol@example.com"),
        (Wish(call_id="carols"), "sip:carol@example.com"),
        (Wish(call_id="carols", number=2), "sip:carol@example.com"),
        (Wish(call_id="call-1@192.0.2.10"), "sip:bob@example.com"),
    ],
)
def test_a_registration_is_chosen(wish: Wish, aor: str, tmp_path: Path) -> None:
    flow = read_flow([capture_of(BOB_AND_CAROL, tmp_path)], wish)
    assert flow.aor == aor
    assert flow.others == (0 if wish.aor else 1)
    assert {one.request.to.uri.user for one in flow.exchanges if one.request.to and one.request.to.uri} == {aor[4:-12]}


def test_a_call_id_chooses_its_exchanges_alone(tmp_path: Path) -> None:
    text = f"{R}\n< 200\n@1800 {R}\nCall-ID: second\nCSeq: 1\n< 200\n@3000 {R}\nCall-ID: second\n< 200"
    assert len(flow_of(text, tmp_path).exchanges) == 3
    flow = flow_of(text, tmp_path, call_id="second")
    assert [one.request.call_id for one in flow.exchanges] == ["second", "second"]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Wish(number=7), "no registration has number 7 (there are 1: sip:bob@example.com, 2: sip:carol@example.com)"),
        (Wish(call_id="x"), "no registration has Call-ID x (there are 1: sip:bob"),
        (Wish(call_id="carols", number=1), "no registration has Call-ID carols (there are"),
        (Wish(aor="sip:dave@example.com"), "no registration of sip:dave@example.com was seen"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(wish: Wish, words: str, tmp_path: Path) -> None:
    with pytest.raises(NoFlow) as caught:
        read_flow([capture_of(BOB_AND_CAROL, tmp_path)], wish)
    assert words in str(caught.value)


def test_many_others_are_not_all_listed(tmp_path: Path) -> None:
    text = "\n".join(
        f"src=192.0.2.{number}:5060 {R}\nCall-ID: {number}\nFrom: <sip:u{number}@x>;tag=1\nTo: <sip:u{number}@x>\n< 200"
        for number in range(1, 9)
    )
    with pytest.raises(NoFlow, match=r"5: sip:u5@x, \.\.\.\)"):
        flow_of(text, tmp_path, number=99)


def test_a_capture_without_registration(tmp_path: Path) -> None:
    with pytest.raises(NoFlow, match="no registration was seen"):
        flow_of("> OPTIONS sip:example.com\n< 200", tmp_path)


def test_answers_alone_are_no_registration(tmp_path: Path) -> None:
    only_answers = [item for item in raw_messages(CLEAN) if item.payload.startswith(b"SIP/2.0")]
    with pytest.raises(NoFlow, match="no registration was seen"):
        read_flow([capture_of(only_answers, tmp_path)])


def test_an_answer_without_its_request_is_no_exchange_and_counted(tmp_path: Path) -> None:
    captured = raw_messages(CLEAN)
    flow = read_flow([capture_of([captured[0], captured[1], captured[3]], tmp_path)])
    assert (statuses(flow), flow.unseen) == ([401], 1)


@pytest.mark.parametrize("octets", [None, b"", b"no capture and no log"])
def test_a_source_that_cannot_be_read_says_so(octets: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "broken"
    if octets is not None:
        path.write_bytes(octets)
    with pytest.raises(SourceError):
        read_flow([path])


# Where messages stand.


def test_several_messages_in_one_segment(tmp_path: Path) -> None:
    one = REGISTER.replace(b"UDP", b"TCP")
    two = one.replace(b"CSeq: 1", b"CSeq: 2").replace(b"z9hG4bK1", b"z9hG4bK2")
    other = one.replace(b"Call-ID: 1@lab", b"Call-ID: 2@lab").replace(b"z9hG4bK1", b"z9hG4bK3")
    both = [
        request.replace(b"Content-Length", b"From: <sip:a@x>;tag=1\r\nTo: <sip:a@x>\r\nContent-Length")
        for request in (one, two, other)
    ]
    answers = [
        request.replace(b"REGISTER sip:lab.invalid SIP/2.0", b"SIP/2.0 %d X" % status)
        for request, status in zip(both, (403, 200, 500), strict=True)
    ]
    up, down = b"".join(both), b"".join(answers)
    frames = Talk().open().up(0, up).down(0, down, ack=len(up)).frames
    flow = read_flow([write(tmp_path, "tcp.pcap", pcap(frames))], Wish(call_id="1@lab"))
    assert [(one.request.raw, one.final.raw) for one in flow.exchanges if one.final] == [
        (both[0], answers[0]),
        (both[1], answers[1]),
    ]
    assert len({exchange.place for exchange in flow.exchanges}) == 1


def two_hops(number: int, status: int) -> str:
    """A request and its answer between phone and proxy, and between proxy and registrar."""
    return f"""
    src=192.0.2.10:5060 dst=192.0.2.50:5060 > REGISTER sip:example.com
    Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKc{number}
    CSeq: {number}
    src=192.0.2.50:5060 dst=198.51.100.1:5060 > REGISTER sip:example.com
    Via: SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKp{number}
    Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKc{number}
    CSeq: {number}
    < {status}
    to={2 * number - 1} < {status}
    """


def test_of_two_hops_the_clients_own_is_said(tmp_path: Path) -> None:
    flow = flow_of(two_hops(1, 200) + two_hops(2, 403) + two_hops(3, 200), tmp_path)
    assert flow.others == 0
    assert [len(one.request.vias) for one in flow.exchanges] == [1, 1, 1]
    assert [one.request.raw_message.source.host for one in flow.exchanges] == ["192.0.2.10"] * 3
    assert statuses(flow) == [200, 403, 200]


def test_one_phone_at_two_registrars_is_two_flows() -> None:
    path = ROOT / "samples" / "two-registrars" / "input.pcap"
    flows = [read_flow([path], Wish(number=number)) for number in (1, 2)]
    ends = [{one.request.raw_message.destination for one in flow.exchanges} for flow in flows]
    assert len(ends[0]) == len(ends[1]) == 1 and ends[0] != ends[1]
    assert [flow.others for flow in flows] == [1, 1]


def test_two_files_are_one_capture(tmp_path: Path) -> None:
    captured = raw_messages(CLEAN)
    files = [capture_of(captured[2:], tmp_path, "b.pcap"), capture_of(captured[:2], tmp_path, "a.pcap")]
    assert statuses(read_flow(files)) == [401, 200]


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.parent.name)
def test_samples_have_flows_in_order(path: Path) -> None:
    flow = read_flow([path])
    times = [one.request_time for one in flow.exchanges if one.request_time is not None]
    assert times == sorted(times)
    assert [one.number for one in flow.exchanges] == sorted({one.number for one in flow.exchanges}) != []
    assert all(one.request.method == "REGISTER" for one in flow.exchanges)
    for one in flow.exchanges:
        assert one.final is None or one.final.call_id == one.request.call_id
        assert one.final is None or one.final.cseq == one.request.cseq


def test_a_log_is_a_source_like_any_other() -> None:
    flow = read_flow([ROOT / "samples" / "pjsip-log" / "input.log"])
    assert {one.request.raw_message.fidelity for one in flow.exchanges} == {Fidelity.TEXT_LOG}
    assert statuses(flow)[:2] == [401, 200] and flow.others > 0


def test_a_dialect_that_is_named_is_obeyed() -> None:
    path = ROOT / "samples" / "pjsip-log" / "input.log"
    with pytest.raises(SourceError):
        read_flow([path], dialect="no-such-dialect")


@pytest.mark.parametrize("name", ["5-v-callid-change-on-refresh", "5-c-third-party", "5-v-no-from-tag", "6-gzip"])
def test_lab_captures_have_flows(name: str) -> None:
    path = next(path for path in sorted(lab_file(name).rglob("*")) if ".pcap" in path.name)
    flow = read_flow([path])
    assert flow.exchanges
    assert all(one.request_time is not None and one.request_time > 10**9 * SECOND for one in flow.exchanges)
