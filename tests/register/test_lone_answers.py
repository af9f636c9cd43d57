"""Answers whose request the capture lost, or that came when the request was given up: what they still tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.evidence import SECOND, Frame, LogLines
from analyzer.judge.flowtext import START
from analyzer.register.client_state import state_of
from analyzer.register.registration import Registration
from tests.register.watch import Watched, raw_messages, watch
from tests.truth.timelines import agree, binding_times, bound_times

_REGISTER = "> REGISTER sip:example.com\nExpires: 60\n"
_OK = "< 200\nContact: <sip:bob@192.0.2.10:5060>;expires=60\n"
_OTHER = "src=192.0.2.20:5060 > REGISTER sip:example.com\nExpires: 60\nCall-ID: b1\nFrom: <sip:bob@example.com>;tag=b\n"
_OTHER += "Contact: <sip:bob@192.0.2.20:5060>\n< 200\n{}Contact: <sip:bob@192.0.2.20:5060>;expires=60\n"
_FIRST = "Contact: <sip:bob@192.0.2.10:5060>;expires={}\n"


def without(flow: str, *lost: int) -> Watched:
    """A flow of which some datagrams, counted from 1, were not captured."""
    return watch([item for number, item in enumerate(raw_messages(flow), 1) if number not in lost])


def timeline(one: Registration) -> list[tuple[str, str, float]]:
    """State, cause and begin of each stretch, in seconds from the start of the flow."""
    return [(part.state, part.cause, round((part.start - START) / SECOND, 1)) for part in one.reach.stretches]


def until(one: Registration) -> float | None:
    """Until when it is bound, in seconds from the start of the flow."""
    bound = one.reach.bound_until
    return None if bound is None else round((bound - START) / SECOND, 1)


def is_one_model(one: Registration) -> bool:
    """Whether bindings and timeline say the same."""
    return agree(binding_times(one.bindings), bound_times(one))


def test_a_refresh_whose_request_was_lost_renews() -> None:
    one = without(f"{_REGISTER}{_OK}@50 {_REGISTER}{_OK}@100 {_REGISTER}{_OK}@130 .", 3).registration
    assert timeline(one) == [("bound", "registered", 0.0)]
    assert (one.reach.gaps, until(one), state_of(one), one.outcomes["registered"]) == (0, 160.0, "registered", 3)
    assert is_one_model(one)


def test_the_last_refresh_too() -> None:
    one = without(f"{_REGISTER}{_OK}@50 {_REGISTER}{_OK}@100 .", 3).registration
    assert (timeline(one), until(one), state_of(one)) == ([("bound", "registered", 0.0)], 110.0, "registered")


def test_what_had_run_out_may_have_been_renewed_before() -> None:
    one = without(f"{_REGISTER}{_OK}@100 {_REGISTER}{_OK}@130 .", 3).registration
    assert timeline(one) == [
        ("bound", "registered", 0.0),
        ("unknown", "request not seen", 60.0),
        ("bound", "registered", 100.0),
    ]
    assert (one.reach.gaps, one.reach.lost, state_of(one)) == (0, 0, "registered")


def test_both_lost_leave_it_unknown() -> None:
    one = without(f"{_REGISTER}{_OK}@50 {_REGISTER}{_OK}@100 {_REGISTER}{_OK}@130 .", 3, 4).registration
    assert [part[:2] for part in timeline(one)] == [
        ("bound", "registered"),
        ("unknown", "request not seen"),
        ("bound", "registered"),
    ]
    assert one.reach.gaps == 0


def test_both_lost_and_no_answer_since() -> None:
    flow = f"{_REGISTER}{_OK}@50 {_REGISTER}{_OK}@100 {_REGISTER}> again\n@1500 ."
    one = without(flow, 3, 4).registration
    assert [part[:2] for part in timeline(one)][:2] == [("bound", "registered"), ("unknown", "request not seen")]
    assert timeline(one)[-1][0] == "unbound"  # whatever the lost request was granted is over by then


def test_who_always_counts_by_two_has_lost_nothing() -> None:
    steps = "".join(f"@{50 * step} {_REGISTER}CSeq: {2 * step + 1}\n{_OK}" for step in range(4))
    one = watch(f"{steps}@300 {_REGISTER}CSeq: 9\n{_OK}@310 .").registration
    assert (one.reach.gaps, [part[0] for part in timeline(one)]) == (1, ["bound", "unbound", "bound"])


@pytest.mark.parametrize(
    ("answer", "outcome", "state"),
    [
        (_OK, "registered", "registered"),
        ("< 403\n", "rejected", "refused"),
        ("< 503\nRetry-After: 5\n", "rejected", "refused"),
        ("< 401\n", "unknown", "unclear"),
    ],
)
def test_a_retry_that_was_lost_is_no_challenge_left_unanswered(answer: str, outcome: str, state: str) -> None:
    flow = f"{_REGISTER}< 401\n{_REGISTER}Authorization: {{bob secret}}\n{answer}@45 ."
    seen = without(flow, 3)
    assert (seen.registration.outcome, state_of(seen.registration)) == (outcome, state)
    assert "abandoned" not in seen.registration.outcomes


def test_the_words_of_a_refusal_whose_request_was_lost() -> None:
    flow = f"{_REGISTER}< 401\n{_REGISTER}Authorization: {{bob secret}}\n< 403 Account suspended\n@90 ."
    last = without(flow, 3).registration.history.last
    assert last is not None
    assert (last.status, last.words.reason, last.decided_by.place) == (403, "Account suspended", Frame("flow", 4))


def test_a_sign_off_whose_retry_was_lost() -> None:
    leave = "> REGISTER sip:example.com\nExpires: 0\n"
    flow = f"{_REGISTER}{_OK}@20 {leave}< 401\n{leave}Authorization: {{bob secret}}\n< 200\n-Contact\n@90 ."
    one = without(flow, 5).registration
    assert (timeline(one)[-1][:2], state_of(one)) == (("unbound", "signed off"), "signed off")


def test_a_list_without_the_client_ends_it_whoever_asked() -> None:
    flow = f"{_REGISTER}{_OK}{_OTHER.format(_FIRST.format(60))}"
    flow += f"@20 {_REGISTER}< 200\nContact: <sip:bob@192.0.2.20:5060>;expires=40\n@30 ."
    one = without(flow, 5).registrations[0]
    assert timeline(one)[-1] == ("unbound", "not listed", 20.0)


def test_an_answer_after_the_request_was_given_up() -> None:
    flow = f"{_REGISTER}{_OK}@50 {_REGISTER}@50.5 > again\n@100 {_OK}@105 .\n@150 ."
    one = watch(flow).registration
    assert timeline(one) == [
        ("bound", "registered", 0.0),
        ("unknown", "answered late", 60.0),
        ("bound", "registered", 100.0),
    ]
    late = one.history.overdue
    assert late is not None
    assert (late.status, round(late.delay / SECOND), state_of(one)) == (200, 50, "no answer")
    assert is_one_model(one)


def test_a_late_answer_to_a_sign_off() -> None:
    leave = "> REGISTER sip:example.com\nExpires: 0\n"
    one = watch(f"{_REGISTER}{_OK}@10 {leave}@10.5 > again\n@55 < 200\n-Contact\n@58 .").registration
    assert (timeline(one)[-1], state_of(one)) == (("unbound", "signed off", 55.0), "signed off")


def test_a_late_copy_of_an_answer_changes_nothing() -> None:
    flow = f"{_REGISTER}{_OK}@20 .\n@50 .\n@55 < again\n@90 ."
    one = watch(flow).registration
    assert (timeline(one)[0], until(one), one.outcomes["registered"]) == (("bound", "registered", 0.0), None, 1)
    assert timeline(one)[-1] == ("unbound", "ran out", 60.0)


@pytest.mark.parametrize(
    "answer",
    [
        "src=198.51.100.9:5060 ",  # another server: the hop behind a proxy
        "From: <sip:bob@example.com>;tag=another\n",
        "To: <sip:eve@example.com>;tag=r\n",
        "Call-ID: unknown\n",
        "CSeq: 2 OPTIONS\n",
    ],
)
def test_what_is_somebody_elses_is_not_taken(answer: str) -> None:
    options, headers = (answer, "") if answer.startswith("src") else ("", answer)
    second = f"@50 {options}{_OK}Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKlost\n"
    second += headers if "CSeq" in headers else f"CSeq: 2 REGISTER\n{headers}"
    one = watch(f"{_REGISTER}{_OK}{second}@90 .").registration
    assert (timeline(one)[-1], one.outcomes["registered"]) == (("unbound", "ran out", 60.0), 1)


def test_a_request_that_is_printed_after_its_answer_is_counted_once() -> None:
    first, answer, again, renewed = raw_messages(f"{_REGISTER}{_OK}@50 {_REGISTER}{_OK}")
    items = [replace(item, place=LogLines("log", at, at)) for at, item in enumerate((first, answer, renewed, again))]
    one = watch(items).registration
    assert (one.outcomes, until(one), one.reach.gaps) == ({"registered": 2}, 110.0, 0)


@pytest.mark.parametrize("hostile", ["Contact: <sip:\x1b[2J@\x00>;expires=99999999999999999999\n", "Contact: *\n", ""])
def test_hostile_lists_do_no_harm(hostile: str) -> None:
    flow = f"{_REGISTER}{_OK}@50 {_REGISTER}< 200\n-Contact\n{hostile}@55 ."
    assert timeline(without(flow, 3).registration)[0] == ("bound", "registered", 0.0)


def test_many_answers_alone_are_forgotten() -> None:
    steps = "".join(f"@{40 * step} {_REGISTER}{_OK}" for step in range(1, 30))
    seen = without(f"{_REGISTER}{_OK}{steps}@1300 .", *range(3, 62, 2))
    assert seen.reconstructor._lone._attempts == {}
    assert (seen.registration.outcomes["registered"], until(seen.registration)) == (30, 1220.0)


def test_another_clients_list_disproves_a_renewal_that_was_assumed() -> None:
    flow = f"{_REGISTER}{_OK}@20 {_OTHER.format(_FIRST.format(40))}@50 {_REGISTER}@75 {_OTHER.format('')}@110 ."
    one = watch(flow).registrations[0]
    assert [part[:2] for part in timeline(one)] == [("bound", "registered"), ("unbound", "ran out")]
    current = one.reach.current
    assert current is not None and current.by is not None
    assert (state_of(one), round((current.start - START) / SECOND)) == ("ran out", 60)


def test_another_clients_list_confirms_a_renewal_that_was_assumed() -> None:
    listed = _FIRST.format(35)
    flow = f"{_REGISTER}{_OK}@20 {_OTHER.format(_FIRST.format(40))}@50 {_REGISTER}@75 {_OTHER.format(listed)}@100 ."
    one = watch(flow).registrations[0]
    assert (timeline(one), until(one)) == ([("bound", "registered", 0.0)], 110.0)


def test_what_ran_out_was_not_replaced_by_another() -> None:
    flow = f"{_REGISTER}{_OK}@20 {_OTHER.format(_FIRST.format(40))}@75 {_OTHER.format('')}"
    flow += f"@80 {_REGISTER}< 200\n{_FIRST.format(60)}Contact: <sip:bob@192.0.2.20:5060>;expires=55\n"
    flow += f"@130 {_REGISTER}@131 {_OTHER.format('')}@140 ."
    assert "taken away" not in {part[1] for part in timeline(watch(flow).registrations[0])[:3]}


def test_a_number_too_high_for_the_time_is_no_loss() -> None:
    """A phone that takes its clock for CSeq has lost no thousand requests."""
    one = watch(f"{_REGISTER}{_OK}@100 {_REGISTER}CSeq: 1700\n{_OK}@130 .").registration
    assert (one.reach.gaps, round(one.reach.lost / SECOND)) == (1, 40)


def test_numbers_that_go_on_from_the_highest_are_no_loss() -> None:
    flow = f"{_REGISTER}CSeq: 9\n{_OK}@50 {_REGISTER}CSeq: 1\n< 400 Invalid CSeq\n@90 {_REGISTER}CSeq: 10\n{_OK}@95 ."
    assert watch(flow).registration.reach.gaps == 1


def test_a_423_whose_retry_was_lost() -> None:
    flow = f"{_REGISTER}< 423\nMin-Expires: 90\n> REGISTER sip:example.com\nExpires: 90\n< 200\n@80 ."
    seen = without(flow, 3)
    assert (seen.attempts, state_of(seen.registration)) == ([("registered", 200, 2)], "registered")
