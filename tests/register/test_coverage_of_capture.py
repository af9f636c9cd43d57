"""What a capture can and cannot show: its tail, its directions, its clock, the same traffic on two links."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.evidence import SECOND, Endpoint, Item, RawMessage, Source
from analyzer.judge.flowtext import START, read_flow
from analyzer.run.pipeline import Analysis, analyze_items
from analyzer.run.report import Report

COPIES = "\n".join(f"@{at} > again" for at in (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5))
SILENT = f"@0 > REGISTER sip:example.com\n{COPIES}"


def report_with_tail(flow: str, seconds: int) -> Report:
    """The report on a flow after which only other packets follow: the source's last time is all that tells."""
    source = Source("flow")
    analysis = Analysis([source])
    for item in read_flow(flow):
        analysis.feed(item)
    source.note_time(START + seconds * SECOND)
    return analysis.finish()


def test_silence_counts_to_the_last_packet_of_any_kind() -> None:
    report = report_with_tail(SILENT, 100)
    assert dict(report.summary.outcomes) == {"timeout": 1}
    assert [(finding.rule, finding.sub) for finding in report.findings] == [("R3261-17.2-unanswered", "dead-server")]


def test_the_end_of_the_capture_is_no_silence() -> None:
    report = report_with_tail(SILENT.split("@3.5")[0], 3)
    assert dict(report.summary.outcomes) == {"open": 1}
    assert not report.findings


def test_a_challenge_that_nobody_answers_is_abandoned() -> None:
    assert dict(report_with_tail("> REGISTER sip:example.com\n< 401", 100).summary.outcomes) == {"abandoned": 1}
    assert dict(report_with_tail("> REGISTER sip:example.com\n< 401", 10).summary.outcomes) == {"open": 1}


OTHER = "src=192.0.2.66:5060 > REGISTER sip:example.com\nTo: <sip:x@example.com>\nCall-ID: x\n< 200\n"


def test_one_phone_whose_answers_are_not_in_the_capture() -> None:
    mine = "@5 > REGISTER sip:example.com\n@5.02 > REGISTER sip:example.com\n"
    report = analyze_items(read_flow(OTHER + mine, tail=100))
    states = {row.state for row in report.transactions if row.call_id != "x"}
    assert states == {"unjudged"}
    assert all(finding.severity == "info" for finding in report.findings if finding.rule == "R3261-17.2-unanswered")


def test_a_phone_that_repeats_itself_had_no_answer() -> None:
    report = analyze_items(read_flow(OTHER + SILENT.replace("@0 ", "@0.1 "), tail=100))
    assert {row.state for row in report.transactions if row.call_id != "x"} == {"timeout"}


def test_dead_port_of_a_host_that_answers_on_another() -> None:
    dead = SILENT.replace("@0 >", "@0.1 dst=198.51.100.1:5999 >")
    report = analyze_items(read_flow(OTHER + dead, tail=100))
    (finding,) = [finding for finding in report.findings if finding.rule == "R3261-17.2-unanswered"]
    assert finding.sub == "dead-server"
    assert "port 5999" in finding.detail


def test_a_clock_that_steps_back_accuses_nobody() -> None:
    flow = "> REGISTER sip:example.com\nCSeq: 9\n< 200\n> REGISTER sip:example.com\nCSeq: 3\n< 200\n"
    items: list[Item] = list(read_flow(flow))
    late = [replace(item, time=(item.time or 0) + 3600 * SECOND) for item in items[:2] if isinstance(item, RawMessage)]
    report = analyze_items([*late, *items[2:]])
    assert not [finding for finding in report.findings if finding.rule == "R3261-10.2-cseq-increment"]
    assert report.outcomes["R3261-10.2-cseq-increment"].not_judged == {"the clock steps back": 1}


def test_tcp_on_both_sides_of_a_nat_is_one_request() -> None:
    (inner,) = read_flow("transport=TCP stream=1 > REGISTER sip:example.com")
    assert isinstance(inner, RawMessage)
    outer = replace(inner, source=Endpoint("203.0.113.5", 40000), stream=2, time=(inner.time or 0) + SECOND // 1000)
    summary = analyze_items([inner, outer]).summary
    assert (summary.transactions, summary.retransmissions, summary.duplicates) == (1, 0, 1)


def test_answers_without_requests_are_listed_but_no_transactions_of_the_count() -> None:
    items = list(read_flow("> REGISTER sip:example.com\n< 200"))[1:]
    report = analyze_items(items)
    assert (report.summary.transactions, report.summary.headless) == (0, 1)
    assert [row.state for row in report.transactions] == ["headless"]


@pytest.mark.parametrize(("tail", "certainty"), [(10, "present"), (100, "absent")])
def test_a_binding_whose_time_is_over_is_absent(tail: int, certainty: str) -> None:
    report = report_with_tail("> REGISTER sip:example.com\nExpires: 60\n< 200", tail)
    (binding,) = report.registrations[0].bindings
    assert binding.certainty == certainty
    assert binding.end is not None and binding.start is not None and binding.end > binding.start


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("Contact: <sip:bob@192.0.2.10:5060>;expires=0", "rejected"),
        ("Contact: <sip:carol@192.0.2.99>;expires=60", "rejected"),
        ("Contact: <sip:bob@10.0.0.1:6000>;expires=60", "registered"),  # rewritten by a box on the way
        ("Contact: <sip:carol@192.0.2.99>;expires=60, <sip:bob@192.0.2.10:5060>;expires=60", "registered"),
        ("-Contact", "registered"),  # tells nothing; another rule complains of it
    ],
)
def test_an_ok_that_leaves_the_phone_unbound_is_no_registration(answer: str, outcome: str) -> None:
    report = analyze_items(read_flow(f"> REGISTER sip:example.com\n< 200\n{answer}"))
    assert dict(report.summary.outcomes) == {outcome: 1}
