"""Lab captures changed in one place: an answer lost by the capture or late, a port moved, a grant shortened, a list in
another order. What is said of each client stays true: held against the whole capture, or against the words of the
answers alone."""

from __future__ import annotations

from functools import cache

import pytest

from analyzer.evidence import RawMessage
from analyzer.judge.findings import Confidence
from analyzer.register.client_state import state_of
from analyzer.run.report import Report
from tests.shared import needs_shared
from tests.truth.mutations import (
    answers,
    bound_by_timelines,
    bound_by_words,
    is_shared,
    items_of,
    later,
    moved,
    reported,
    same_client,
    shortened,
    swapped,
    untruths,
    with_tail,
    without,
)
from tests.truth.test_lab_truth import captures
from tests.truth.timelines import agree, contradictions

pytestmark = needs_shared

_SMALL = [case for case in captures() if case != "4-storm"]
_ALL_ITS_OWN = [case for case in _SMALL if not case.startswith("6-tcp")]  # those list a contact of nobody in them
_RICH = [
    "1a-chansip-real-clients",
    "1b-chansip-sipp-matrix",
    "1e-chansip-as-client-outbound",
    "2a-pjsip-asterisk16",
    "3-kamailio-md5-qop-nc",
    "3-kamailio-no-qop",
    "5-c-clean/asterisk-chan_sip",
    "5-c-clean/kamailio",
    "5-c-same-callid-two-registrars/kamailio",
    "6-ipv6",
]
_TROUBLE = {"refused", "no answer", "gave up", "ran out", "not removed", "taken away"}
_OF_ABSENCE = ("R3261-10.2.4-refresh-late", "R3261-17.2-unanswered", "R3261-10.2-pending")
_MOST = 25
"""Answers of one capture that are changed, one after the other."""


@cache
def whole(case: str) -> Report:
    """The report on the capture as it is, which goes on in silence."""
    return reported(with_tail(items_of(case)), rules=True)


def _udp(case: str, *statuses: int) -> list[int]:
    """The answers over UDP, where a client repeats what it hears no answer to."""
    found = answers(items_of(case), *statuses)
    return [at for at in found if getattr(items_of(case)[at], "transport", "") == "UDP"][:_MOST]


def _findings(report: Report) -> set[tuple[str, str]]:
    """What rules that look for what is missing are sure of, and the address-of-record of each finding."""
    sure = (one for one in report.findings if one.severity != "info" and one.confidence is Confidence.HIGH)
    return {(one.rule, one.aor) for one in sure if one.rule in _OF_ABSENCE}


@pytest.mark.parametrize("case", _ALL_ITS_OWN)
def test_the_timelines_are_what_the_answers_say(case: str) -> None:
    words, told = bound_by_words(items_of(case)), bound_by_timelines(whole(case))
    assert [key for key in told if not agree(told[key], words.get(key, []))] == []


@pytest.mark.parametrize("case", _RICH)
def test_an_answer_that_the_capture_lost_makes_nothing_false(case: str) -> None:
    """The phone heard it, as it did not repeat its request; what it said is not known, and nobody is blamed."""
    for at in _udp(case):
        report = reported(with_tail(without(items_of(case), at)), rules=True)
        assert contradictions(report) == []
        assert untruths(report, whole(case)) == []
        assert _findings(report) <= _findings(whole(case))
        for one in report.registrations:
            known = same_client(one, whole(case))
            if known is not None and set(known.call_ids) == set(one.call_ids):  # or else others seem to be this phone
                state, before = state_of(one), state_of(known)
                current = known.reach.current
                if state == "ran out" and (current is None or current.state != "bound"):
                    continue  # whatever the lost answer granted is over at the end
                assert state == before or state not in _TROUBLE, (at, one, before)


@pytest.mark.parametrize("seconds", [0.3, 3.0, 20.0])
@pytest.mark.parametrize("case", _RICH)
def test_an_answer_that_comes_late_makes_no_gap(case: str, seconds: float) -> None:
    for at in answers(items_of(case))[:_MOST]:
        items = later(items_of(case), at, seconds)
        report = reported(with_tail(items), rules=True)
        assert contradictions(report) == []
        assert _findings(report) <= _findings(whole(case))
        for one in report.registrations:
            known = same_client(one, whole(case))
            assert known is None or one.reach.gaps <= known.reach.gaps


@pytest.mark.parametrize("seconds", [1, 5, 12])
@pytest.mark.parametrize("case", _RICH)
def test_a_shorter_grant_ends_when_it_says(case: str, seconds: int) -> None:
    for at in [at for at in answers(items_of(case), 200) if not is_shared(items_of(case), at)][:_MOST]:
        items = shortened(items_of(case), at, seconds)
        report = reported(with_tail(items))
        assert contradictions(report) == []
        words, told = bound_by_words(items), bound_by_timelines(report)
        assert [key for key in told if not agree(told[key], words.get(key, []))] == [], at


@pytest.mark.parametrize("case", _SMALL)
def test_the_order_of_contacts_says_nothing(case: str) -> None:
    report = reported(with_tail(swapped(items_of(case))), rules=True)
    assert contradictions(report) == []
    for one, known in zip(report.registrations, whole(case).registrations, strict=True):
        assert (state_of(one), one.outcome, one.status) == (state_of(known), known.outcome, known.status)
        told, real = (
            [
                (stretch.state, stretch.cause, stretch.start, stretch.end, stretch.expires)
                for stretch in of.reach.stretches
            ]
            for of in (one, known)
        )
        assert told == real
        assert {binding.contact for binding in one.bindings} == {binding.contact for binding in known.bindings}
    assert _findings(report) == _findings(whole(case))


@pytest.mark.parametrize("case", _RICH)
def test_a_port_that_moves_is_the_same_client(case: str) -> None:
    """A NAT forgot the phone between two requests."""
    items = items_of(case)
    registers = [
        (at, item) for at, item in enumerate(items) if isinstance(item, RawMessage) and item.payload[:9] == b"REGISTER "
    ]
    for client in sorted({item.source for _, item in registers})[:8]:
        for after in [at for at, item in registers if item.source == client and item.transport == "UDP"][1:4]:
            report = reported(with_tail(moved(items, client, after)), rules=True)
            assert contradictions(report) == []
            assert untruths(report, whole(case)) == []
            told = [(one.aor, state_of(one)) for one in report.registrations]
            assert told == [(one.aor, state_of(one)) for one in whole(case).registrations]


def test_there_is_something_to_change() -> None:
    """None of the above is empty."""
    assert all(answers(items_of(case), 200) for case in _RICH)
    assert sum(len(_udp(case)) for case in _RICH) > 120
    assert sum(one.reach.gaps for case in _RICH for one in whole(case).registrations) >= 3
    changed = [case for case in _SMALL if swapped(items_of(case)) != list(items_of(case))]
    assert len(changed) >= 3
