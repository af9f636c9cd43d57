"""R3261-17.2-unanswered: what is silence, whose, how sure, and what is not known."""

from __future__ import annotations

import pytest

from analyzer.evidence import NetworkError, RawMessage
from analyzer.judge.flowtext import CLIENT, REGISTRAR, read_flow
from analyzer.run.pipeline import analyze_items
from tests.rules.cases import rule_of, run, subs

_RULE = "R3261-17.2-unanswered"
_AT = "> REGISTER sip:example.com"
_TIMES = (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)
_COPIES = "".join(f"\n@{at} > again" for at in _TIMES)
_EVE = "From: <sip:eve@x>;tag=e\nTo: <sip:eve@x>\nCall-ID: eve\nContact: <sip:eve@192.0.2.20>"


@pytest.mark.parametrize(
    ("tail", "confidence"), [(0.4, None), (8.4, None), (8.6, "medium"), (31.9, "medium"), (32.1, "high")]
)
def test_how_long_the_capture_must_go_on(tail: float, confidence: str | None) -> None:
    report = run(_RULE, f"@0 {_AT}{_COPIES}", tail=tail)
    assert [finding.confidence.word for finding in report.findings] == ([confidence] if confidence else [])
    if confidence is None:
        assert report.outcomes[_RULE].not_judged == {"TAIL": 1}


def test_a_client_that_stops_early_may_know_more_than_the_capture() -> None:
    flow = f"{_AT}\n@0.5 > again\n@1.5 > again"
    (finding,) = run(_RULE, flow, tail=60).findings
    assert (finding.sub, finding.confidence.word) == ("dead-server", "medium")


def test_tcp_has_no_retransmissions_to_tell_by() -> None:
    flow = f"transport=TCP stream=1 {_AT}\n@40 src=192.0.2.20:5060 {_AT}\n{_EVE}\n< 401"
    (finding,) = run(_RULE, flow, tail=60).findings
    assert (finding.sub, finding.confidence.word) == ("selective", "high")


def test_the_sentence_counts_copies_and_names_the_server() -> None:
    (finding,) = run(_RULE, f"@0 {_AT}{_COPIES}", tail=60).findings
    assert "11 copies of the request to 198.51.100.1:5060 in 31.5 s" in finding.detail
    assert "nobody had got an answer" in finding.detail


def test_failures_before_are_noted() -> None:
    flow = f"{_AT}\n< 403\n@60 {_AT}\n< 403\n@600 {_AT}\n@600.5 > again\n@601.5 > again"
    (finding,) = run(_RULE, flow, tail=60).findings
    assert "2 attempts of this client failed before" in finding.detail
    assert "last heard" in finding.detail


def test_a_server_that_still_talks_to_others_is_told_from_one_that_fell_silent() -> None:
    silent = f"{_AT}\n< 200\n@60 {_AT}\n@60.5 > again"
    (fallen,) = run(_RULE, silent, tail=60).findings
    (alive,) = run(_RULE, f"{silent}\n@70 src=192.0.2.20:5060 {_AT}\n{_EVE}\n< 401", tail=60).findings
    assert "last heard 60.0 s before" in fallen.detail or "last heard 59.9" in fallen.detail
    assert "answers other requests" in alive.detail


@pytest.mark.parametrize(
    ("reason", "by_client", "expected"),
    [
        ("icmp", True, ["icmp"]),
        ("reset", False, ["icmp"]),
        ("closed", False, ["selective"]),
        ("reset", True, []),
        ("closed", True, []),
    ],
)
def test_who_ended_the_connection(reason: str, by_client: bool, expected: list[str]) -> None:
    (request,) = read_flow(f"transport=TCP stream=1 {_AT}")
    assert isinstance(request, RawMessage)
    ends = (CLIENT, REGISTRAR) if by_client else (REGISTRAR, CLIENT)
    abort = NetworkError(request.time, request.place, *ends, "TCP", reason, "as tested", stream=1)  # type: ignore[arg-type]
    report = analyze_items([request, abort, *read_flow("@60 .")], rules=[rule_of(_RULE)])
    assert subs(report) == expected
    if not expected:
        assert report.outcomes[_RULE].not_judged == {"the client hung up": 1}


def test_a_log_does_not_know_one_way() -> None:
    report = run(_RULE, _AT, tail=60, log=True)
    assert report.findings == []
    assert report.outcomes[_RULE].not_judged == {"S2C": 1}


def test_a_log_knows_that_the_server_kept_silent() -> None:
    flow = f"{_AT}\n@1 > again\n@3 > again\n@20 src=192.0.2.20:5060 {_AT}\n{_EVE}\n< 401"
    assert subs(run(_RULE, flow, tail=60, log=True)) == ["selective"]


def test_a_source_without_clock_is_not_judged() -> None:
    items = list(read_flow(f"{_AT}\n@0.5 > again"))
    for item in items:
        item.time = None
    report = analyze_items(items, rules=[rule_of(_RULE)])
    assert report.findings == []
    assert report.outcomes[_RULE].not_judged == {"CLOCK": 1}


_VIA = "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa"
_PROXY = "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKp"
_PATH = f"dst=198.51.100.7:5060 {_AT}\n{_VIA}\nsrc=198.51.100.7:5060 {_AT}\nCSeq: 1\n{_PROXY}\n{_VIA}"


def test_on_a_path_the_hop_nearest_the_registrar_is_told() -> None:
    (finding,) = run(_RULE, f"{_PATH}\n@0.5 > again", tail=60).findings
    assert (finding.sub, finding.count) == ("dead-server", 1)
    assert "198.51.100.1:5060" in finding.detail


def test_a_proxy_that_keeps_the_answer_to_itself() -> None:
    again = "".join(f"\n@{at} dst=198.51.100.7:5060 {_AT}\nCSeq: 1\n{_VIA}" for at in (0.5, 1.5, 3.5))
    (finding,) = run(_RULE, f"{_PATH}\n< 200\n{_PROXY}\n{_VIA}{again}", tail=60).findings
    assert finding.at_fault == "proxy / network"
    assert "answered 200 to the proxy" in finding.detail


def test_what_the_capture_missed_is_not_silence() -> None:
    later = 'Authorization: Digest username="bob", realm="x", nonce="n", uri="sip:x", response="r"\n< 200'
    report = run(_RULE, f"{_AT}\n@0.1 {_AT}\n{later}", tail=60)
    assert report.findings == []
    assert report.outcomes[_RULE].not_judged == {"the client went on as if it was answered": 1}


@pytest.mark.parametrize("status", [200, 401, 403, 423, 500, 603])
def test_any_final_answer_ends_the_silence(status: int) -> None:
    report = run(_RULE, f"{_AT}\n@5 < {status}", tail=60)
    assert report.findings == []
    assert report.outcomes[_RULE].passed == 1


def test_an_answer_without_request_is_no_silence() -> None:
    _, answer = read_flow(f"{_AT}\n< 401")
    assert analyze_items([answer], rules=[rule_of(_RULE)]).outcomes[_RULE].not_applicable == 1
