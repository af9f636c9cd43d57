"""The rules on timers and on what a client does after a failure (docs/rules/README.md, group D): what their
examples cannot say. One side alone, logs, workers, shifted times, and who is blamed how surely. Traps by 0.7."""

from __future__ import annotations

from dataclasses import replace
from email.utils import formatdate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evidence import Fidelity, Item, RawMessage
from analyzer.judge.findings import Example
from analyzer.judge.flowtext import read_flow
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from tests.rules.cases import rule_of, run, subs

_TIMEOUT = "R3261-10.2.7-retry-after-timeout"
_AFTER = "R3261-21.5.4-retry-after"
_AGAIN = "R3261-21.4-retry-unmodified"
_RETX = "R3261-17.1.2.2-retransmit"
_BACKOFF = "R5626-4.5-backoff"
_NIT = "R4320-4-nit-responses"
_DATE = "R3261-20.17-date"
_ALL = (_TIMEOUT, _AFTER, _AGAIN, _RETX, _BACKOFF, _NIT, _DATE)
_TIMER_E = (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)
_ALIVE = (
    "@{} src=192.0.2.66:5060 > REGISTER sip:example.com\nTo: <sip:x@example.com>\nCall-ID: x{}\n"
    "Contact: <sip:x@192.0.2.66>\n< 200\n"
)


def silent(at: float, copies: int = 10, headers: str = "") -> str:
    """A request that nothing answers, with the copies that Timer E has."""
    again = "".join(f"@{at + offset} > again\n" for offset in _TIMER_E[:copies])
    return f"@{at} > REGISTER sip:example.com\n{headers}{again}"


def copies_at(*times: float, options: str = "") -> str:
    """A request and its copies."""
    return f"@0 {options}> REGISTER sip:example.com\n" + "".join(f"@{time} {options}> again\n" for time in times)


# -- after a timeout


@settings(max_examples=40, deadline=None)
@given(pause=st.floats(0.05, 60))
def test_whatever_the_pause_only_a_short_one_counts(pause: float) -> None:
    report = run(_TIMEOUT, silent(0) + f"@{32 + pause:.3f} > REGISTER sip:example.com\n")
    assert subs(report) == ([""] if round(pause, 3) <= 5 else [])


def test_who_kept_on_to_the_end_has_heard_nothing() -> None:
    (finding,) = run(_TIMEOUT, silent(0) + "@33 > REGISTER sip:example.com\n").findings
    assert finding.confidence.word == "high"
    assert "198.51.100.1:5060" in finding.detail and "1.0 s after that" in finding.detail


def test_who_stopped_early_may_know_an_answer_that_was_missed() -> None:
    """T-LOSS: a server that answers others, and two copies."""
    flow = _ALIVE.format(0, 1) + silent(1, 2) + "@34 > REGISTER sip:example.com\n"
    (finding,) = run(_TIMEOUT, flow).findings
    assert finding.confidence.word == "medium"
    report = run(_TIMEOUT, _ALIVE.format(0, 1) + silent(1, 0) + "@34 > REGISTER sip:example.com\n")
    assert report.findings == []
    assert report.outcomes[_TIMEOUT].not_judged == {"S2C": 1}


def test_a_late_answer_is_an_answer() -> None:
    assert run(_TIMEOUT, silent(0, 8) + "@30 < 200\n@33 > REGISTER sip:example.com\n< 200").findings == []


def test_an_answer_with_the_via_of_another_request_is_that_rules() -> None:
    assert run(_TIMEOUT, silent(0) + "@33 ! icmp\n@33.1 > REGISTER sip:example.com\n").findings == []


def test_a_steady_pause_is_told_with_its_length() -> None:
    flow = "".join(silent(47 * number) for number in range(4)) + "@188 > REGISTER sip:example.com\n"
    (finding,) = run(_TIMEOUT, flow).findings
    assert finding.sub == "steady"
    assert "15 s after the timeout" in finding.detail


@pytest.mark.parametrize("pauses", [(12, 20, 35), (10, 14, 11), (40, 40, 40)])
def test_pauses_that_are_no_steady_short_ones(pauses: tuple[int, ...]) -> None:
    at, flow = 0.0, ""
    for pause in pauses:
        flow += silent(at)
        at += 32 + pause
    assert run(_TIMEOUT, flow + f"@{at} > REGISTER sip:example.com\n").findings == []


# -- Retry-After


@settings(max_examples=40, deadline=None)
@given(asked=st.integers(2, 100), waited=st.floats(0.1, 120))
def test_a_second_is_forgiven(asked: int, waited: float) -> None:
    flow = f"> REGISTER sip:example.com\n@1 < 503\nRetry-After: {asked}\n@{1 + waited:.3f} > REGISTER sip:example.com"
    found = run(_AFTER, flow).findings
    assert bool(found) is (round(waited, 3) < asked - 1)
    assert all(f"asked for {asked} s" in finding.detail for finding in found)


def test_a_new_call_id_is_the_same_client() -> None:
    """As pjsip has it after a failure."""
    flow = "> REGISTER sip:example.com\n< 503\nRetry-After: 60\n@5 > REGISTER sip:example.com\nCall-ID: new\n"
    assert subs(run(_AFTER, flow)) == [""]


def test_the_syntax_is_the_servers() -> None:
    (finding,) = run(
        _AFTER, "> REGISTER sip:example.com\n< 503\nRetry-After: soon\n@5 > REGISTER sip:example.com"
    ).findings
    assert (finding.sub, finding.at_fault, finding.severity) == ("syntax", "registrar", "info")
    assert "soon" in finding.detail


def test_a_log_of_whole_seconds_is_given_a_tick() -> None:
    flow = "> REGISTER sip:example.com\n< 503\nRetry-After: 5\n@3.9 > REGISTER sip:example.com\n"
    assert run(_AFTER, flow, log=True).findings == []


# -- the same again


@settings(max_examples=30, deadline=None)
@given(rounds=st.integers(1, 14), every=st.integers(1, 90))
def test_rounds_and_pace_decide(rounds: int, every: int) -> None:
    flow = "".join(f"@{number * every} > REGISTER sip:example.com\n< 404\n" for number in range(rounds + 1))
    found = run(_AGAIN, flow).findings
    assert bool(found) is (rounds >= 3 and every <= 60)
    for finding in found:
        assert finding.severity == ("error" if rounds >= 10 else "warning")
        assert finding.count == rounds
        assert f"unchanged {rounds} times in a row after a 404" in finding.detail


def test_it_is_one_finding_with_the_newest_count() -> None:
    flow = "".join(f"@{5 * number} > REGISTER sip:example.com\n< 403\n" for number in range(41))
    (finding,) = run(_AGAIN, flow).findings
    assert finding.count == 40
    assert "one every 5.0 s" in finding.detail


def test_who_was_refused_after_credentials_is_the_loops() -> None:
    one = "@{} > REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {{bob x}}\n< 403\n"
    rules = [rule_of(_AGAIN), rule_of("DET-auth-loop")]
    report = analyze_items(read_flow("".join(one.format(8 * number) for number in range(12))), rules=rules)
    assert [finding.rule for finding in report.findings] == ["DET-auth-loop"]


# -- Timer E and F


@settings(max_examples=60, deadline=None)
@given(
    t1=st.floats(0.1, 2),
    jitter=st.lists(st.floats(-0.04, 0.04), min_size=9, max_size=9),
    lost=st.sets(st.integers(0, 8)),
)
def test_the_schedule_itself_is_never_blamed(t1: float, jitter: list[float], lost: set[int]) -> None:
    """Whatever T1 from 0.1 to 2 s, with jitter, and with copies that the capture missed (T-LOSS)."""
    times, at, interval = [], 0.0, t1
    for number in range(9):
        at += interval
        interval = min(2 * interval, 4)
        if at < 64 * t1 and number not in lost:
            times.append(round(at + jitter[number] * t1, 4))
    report = run(_RETX, copies_at(*times), tail=200)
    assert {sub for sub in subs(report) if sub != "past-F"} == set()
    assert "past-F" not in subs(report) or t1 < 0.5, "a T1 below the standard's is its own network's"


@pytest.mark.parametrize("every", [0.1, 0.3, 0.5, 1.0, 1.9])
def test_an_interval_that_never_grows_is_too_fast(every: float) -> None:
    (finding,) = run(_RETX, copies_at(*(round(every * number, 3) for number in range(1, 7)))).findings
    assert (finding.sub, finding.severity, finding.at_fault) == ("fast", "warning", "UAC")


def test_a_proxys_own_copies_are_not_the_phones() -> None:
    via = "Via: SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bKp\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa\n"
    flow = f"@0 src=203.0.113.5:5060 > REGISTER sip:example.com\n{via}" + "".join(
        f"@{number / 10} > again\n" for number in range(1, 8)
    )
    (finding,) = run(_RETX, flow).findings
    assert finding.confidence.word != "high", "the capture is upstream of the phone"


@pytest.mark.parametrize("transport", ["TCP", "TLS", "WS", "WSS"])
def test_over_every_stream_nothing_is_repeated(transport: str) -> None:
    flow = copies_at(0.5, options=f"transport={transport} stream=1 ")
    (finding,) = run(_RETX, flow).findings
    assert finding.sub == "reliable"
    assert f"2 times over one {transport} connection" in finding.detail


def test_a_log_that_prints_a_message_twice_is_not_believed() -> None:
    flow = copies_at(0.1, options="transport=TCP ")
    report = run(_RETX, flow, log=True)
    assert report.findings == []


def test_a_reset_clock_is_not_judged() -> None:
    items = list(read_flow(copies_at(0.1, 0.2, 0.3), tail=60))
    items[2].time = 1
    report = analyze_items(items, rules=[rule_of(_RETX)])
    assert report.findings == []


# -- back-off of managed flows

_OUTBOUND = 'Supported: outbound\nContact: <sip:bob@192.0.2.10>;reg-id=1;+sip.instance="<urn:uuid:1>"\n'


def test_the_delay_is_said_beside_what_is_due() -> None:
    flow = "".join(f"@{at} > REGISTER sip:example.com\n{_OUTBOUND}< 500\n" for at in (0, 60, 61))
    (finding,) = run(_BACKOFF, flow).findings
    assert finding.sub == "at-once"
    assert "failure 2 in a row" in finding.detail and "60 s are due" in finding.detail


def test_a_registrar_that_refuses_is_no_failed_flow() -> None:
    for status in (403, 404, 401):
        flow = "".join(f"@{at} > REGISTER sip:example.com\n{_OUTBOUND}< {status}\n" for at in (0, 1, 2, 3, 4))
        assert run(_BACKOFF, flow).findings == []


def test_a_success_begins_anew() -> None:
    flow = "".join(
        f"@{at} > REGISTER sip:example.com\n{_OUTBOUND}< {status}\n"
        for at, status in ((0, 500), (20, 200), (40, 500), (60, 200), (80, 500), (100, 200), (120, 500), (140, 200))
    )
    assert run(_BACKOFF, flow).findings == []


# -- provisional responses


@settings(max_examples=40, deadline=None)
@given(at=st.floats(0.001, 12))
def test_100_over_udp_waits_for_timer_e(at: float) -> None:
    copies = "".join(f"@{time} > again\n" for time in _TIMER_E if time < at)
    flow = f"@0 > REGISTER sip:example.com\n{copies}@{at:.4f} < 100\n@13 < 200"
    assert ("early-100" in subs(run(_NIT, flow))) is (round(at, 4) < 3.5)


def test_it_is_told_once_for_each_server() -> None:
    flow = "".join(
        f"@{10 * number} > REGISTER sip:example.com\nCall-ID: c{number}\nTo: <sip:u{number}@example.com>\n"
        "< 100\n< 200\n"
        for number in range(5)
    )
    (finding,) = run(_NIT, flow).findings
    assert finding.count == 5


# -- Date


def dated(date: str, log: bool = False) -> Report:
    return run(_DATE, f"@0 > REGISTER sip:example.com\n< 200\nDate: {date}", log=log)


def test_one_finding_for_each_registrar() -> None:
    flow = "".join(
        f"> REGISTER sip:example.com\nCall-ID: c{number}\nTo: <sip:u{number}@example.com>\n< 200\n-Date\n"
        for number in range(5)
    )
    (finding,) = run(_DATE, flow).findings
    assert (finding.sub, finding.count) == ("absent", 5)


@pytest.mark.parametrize(
    "date",
    [
        "Fri, 14 Jul 2017 02:40:00 UTC",
        "Fri, 14 Jul 2017 02:40:00 +0000",
        "Friday, 14-Jul-17 02:40:00 GMT",
        "Fri Jul 14 02:40:00 2017",
        "Fri, 31 Feb 2017 02:40:00 GMT",
        "now",
    ],
)
def test_forms_that_are_none(date: str) -> None:
    (finding,) = dated(date).findings
    assert (finding.sub, finding.severity, finding.force) == ("format", "warning", "MUST")


@pytest.mark.parametrize(("offset", "found"), [(0, []), (59, []), (61, ["skew"]), (3600, ["skew"]), (90000, [])])
def test_the_two_clocks(offset: int, found: list[str]) -> None:
    assert subs(dated(formatdate(1_500_000_000 + offset, usegmt=True))) == found
    assert subs(dated(formatdate(1_500_000_000 - offset, usegmt=True))) == found
    assert subs(dated(formatdate(1_500_000_000 + offset, usegmt=True), log=True)) == []


# -- all of them


_BAD = [(name, example) for name in _ALL for example in rule_of(name).examples if example.expect]


@pytest.mark.parametrize(("name", "example"), _BAD)
def test_without_answers_no_answer_is_held_against_anybody(name: str, example: Example) -> None:
    items: list[Item] = [
        item
        for item in read_flow(example.flow, tail=60)
        if not isinstance(item, RawMessage) or not item.payload.startswith(b"SIP/")
    ]
    report = analyze_items(items, rules=[rule_of(name)])
    assert {finding.rule for finding in report.findings} <= {_TIMEOUT, _RETX, _BACKOFF}


@pytest.mark.parametrize(("name", "example"), _BAD)
def test_as_a_log_they_are_no_surer(name: str, example: Example) -> None:
    items: list[Item] = list(read_flow(example.flow, tail=example.tail, log=example.log))
    wire = analyze_items(items, rules=[rule_of(name)]).findings
    printed: list[Item] = [
        replace(item, fidelity=Fidelity.TEXT_LOG) if isinstance(item, RawMessage) else item
        for item in read_flow(example.flow, tail=example.tail, log=example.log)
    ]
    log = analyze_items(printed, rules=[rule_of(name)]).findings
    assert all(finding.confidence <= max(one.confidence for one in wire) for finding in log)


def test_none_is_asked_about_an_ordinary_registration() -> None:
    """Marks spare them all: what is left is asked of none of these."""
    asked: set[str] = set()
    rules = []
    for rule in all_rules():

        def check(subject: object, context: object, rule: object = rule) -> object:
            asked.add(rule.id)  # type: ignore[attr-defined]
            return rule.check(subject, context)  # type: ignore[attr-defined]

        rules.append(replace(rule, check=check))  # type: ignore[arg-type]
    flow = (
        "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {bob x}\n< 200\n"
        "@1800 > REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {bob x}\n< 200\n"
    )
    analyze_items(read_flow(flow, tail=60), rules=rules)
    assert "R7616-digest-verify" in asked
    assert asked & {*_ALL, "R3261-10.2.4-contact-mangled", "R3261-10.2.2-stale-contact"} <= {_DATE}
