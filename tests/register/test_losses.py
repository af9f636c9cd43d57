"""Whatever datagram of a healthy client the capture lost, nobody is accused of what only the loss has made."""

from __future__ import annotations

import itertools

import pytest

from analyzer.evidence import Item, NetworkError
from analyzer.judge.flowtext import read_flow
from analyzer.register.client_state import state_of
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from tests.register.watch import Watched, raw_messages, watch

_R = "> REGISTER sip:example.com\nExpires: 60\n"
_OUT = "> REGISTER sip:example.com\nExpires: 0\n"
_A = "Authorization: {bob secret}\n"
_OK = "< 200\nContact: <sip:bob@192.0.2.10:5060>;expires=60\n"
_ROUND = f"{_R}< 401\n{_R}{_A}{_OK}"
FLOWS = {
    "challenged each time": "".join(f"@{50 * number} {_ROUND}" for number in range(5)) + "@230 .",
    "one nonce": _ROUND
    + "".join(f"@{50 * n} {_R}Authorization: {{bob secret nc=0000000{n + 1}}}\n{_OK}" for n in range(1, 5))
    + "@230 .",
    "signed off": f"{_ROUND}@50 {_ROUND}@80 {_OUT}< 401\n{_OUT}{_A}< 200\n-Contact\n@100 .",
}
_ALWAYS = {"R3261-10.3-3-authenticate"}  # the registrar is as it is


def lossy(flow: str, lost: tuple[int, ...]) -> Report:
    """The report on a flow without some datagrams, counted from 0."""
    return analyze_items([item for number, item in enumerate(read_flow(flow)) if number not in lost])


@pytest.mark.parametrize("name", FLOWS)
def test_one_lost_datagram_is_nobodys_fault(name: str) -> None:
    flow = FLOWS[name]
    for lost in range(len(list(read_flow(flow))) - 1):
        report = lossy(flow, (lost,))
        (one,) = report.registrations
        assert (one.reach.gaps, one.history.episodes) == (0, ()), lost
        assert state_of(one) in ("registered", "signed off", "unclear"), lost
        loud = {finding.rule for finding in report.findings if finding.severity != "info"} - _ALWAYS
        assert loud == set(), lost


@pytest.mark.parametrize("name", ["challenged each time", "signed off"])
def test_two_lost_datagrams_make_no_gap_and_no_error(name: str) -> None:
    flow = FLOWS[name]
    numbers = range(len(list(read_flow(flow))) - 5)  # of the last ones too little is left to tell
    for lost in itertools.combinations(numbers, 2):
        report = lossy(flow, lost)
        (one,) = report.registrations
        assert (one.reach.gaps, one.history.episodes) == (0, ()), lost
        assert {finding.rule for finding in report.findings if finding.severity != "info"} - _ALWAYS == set(), lost


def test_a_challenge_left_unanswered_is_taken_back_where_numbers_tell_of_a_request() -> None:
    flow = f"{_ROUND}@50 {_R}< 401\n{_R}{_A}{_OK}@100 {_ROUND}@110 ."
    seen = watch([item for number, item in enumerate(raw_messages(flow)) if number not in (6, 7)])
    one = seen.registration
    assert (dict(one.outcome_counts), one.failure_count, one.failing_since) == (
        {"registered": 2, "unknown": 1},
        0,
        None,
    )
    records = one.history.attempts or []
    assert [record.outcome for record in records] in ([], ["registered", "unknown", "registered"])


def test_one_that_was_left_unanswered_stays_so_where_numbers_are_neighbours() -> None:
    one = watch(f"{_ROUND}@50 {_R}< 401\n@100 {_ROUND}@110 .").registration
    assert (one.outcomes["abandoned"], state_of(one)) == (1, "ok again")


def test_only_the_latest_of_several_is_taken_back() -> None:
    flow = f"{_ROUND}@50 {_R}< 401\n@100 {_R}< 401\n{_R}{_A}{_OK}@150 {_ROUND}@160 ."
    one = watch([item for number, item in enumerate(raw_messages(flow)) if number not in (8, 9)]).registration
    (episode,) = one.history.episodes
    assert (one.outcomes["abandoned"], one.outcomes["unknown"], episode.count, episode.over) == (1, 1, 1, True)


def test_silence_after_a_challenge_that_was_heard_is_no_way_of_waiting() -> None:
    """Two requests 20 ms apart, both without an answer in the capture: the second has the credentials for the first."""
    flow = f"{_ROUND}@50 {_ROUND}@100 {_ROUND}@150 ."
    seen = watch([item for number, item in enumerate(raw_messages(flow)) if number not in (5, 7)])
    assert {one.state for one in seen.transactions} == {"answered", "unjudged"}


def test_a_client_that_waits_for_two_answers_in_vain_met_silence() -> None:
    flow = f"{_ROUND}@50 {_R}@80 {_R}@110 {_R}@200 ."
    assert "timeout" in {one.state for one in watch(flow).transactions}


def over_tcp(flow: str, lost: int, *, told: bool) -> Watched:
    """A flow over one connection of which an answer, counted from 0, was not captured, and whether that shows."""
    items: list[Item] = []
    for number, item in enumerate(raw_messages(flow)):
        if number != lost:
            items.append(item)
        elif told:
            ends = item.destination, item.source
            items.append(NetworkError(item.time, item.place, *ends, "TCP", "gap", stream=1))
    return watch(items)


@pytest.mark.parametrize("lost", [1, 3, 5, 7, 9, 11])
def test_an_answer_that_a_connection_lost_is_no_silence(lost: int) -> None:
    flow = "".join(f"@{50 * number} {_ROUND}" for number in range(4)).replace("> REG", "transport=TCP stream=1 > REG")
    seen = over_tcp(f"{flow}@190 .", lost, told=True)
    assert {one.state for one in seen.transactions if one.method == "REGISTER"} == {"answered", "unjudged"}
    assert (seen.registration.reach.gaps, seen.registration.history.episodes) == (0, ())


def test_where_nothing_shows_a_loss_silence_over_tcp_is_silence() -> None:
    flow = "".join(f"@{50 * number} {_ROUND}" for number in range(4)).replace("> REG", "transport=TCP stream=1 > REG")
    seen = over_tcp(f"{flow}@190 .", 7, told=False)
    assert "timeout" in {one.state for one in seen.transactions}
    assert seen.registration.reach.gaps == 1


def test_a_gap_ends_no_connection_and_cuts_nobody_off() -> None:
    flow = _ROUND.replace("> REG", "transport=TCP stream=1 > REG")
    seen = over_tcp(f"{flow}@20 .", 3, told=True)
    assert all(one.aborted is None for one in seen.transactions)
    assert all(seen.reconstructor.cut_off(one) is None for one in seen.transactions)
