"""Steps: what goes on with what, how long the client waited, where an outcome stands."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from analyzer.evidence import SECOND
from replay.flow import read_flow
from replay.plan import steps_of
from tests.replay.said import CLEAN, READABLE, capture_of, raw_messages, steps_in

R = "> REGISTER sip:example.com"
MS = SECOND // 1000
AUTHORIZED = f"{R}\nAuthorization: {{bob secret}}"


def test_challenge_and_answer_are_one_chain(tmp_path: Path) -> None:
    first, second = steps_in(CLEAN, tmp_path)
    assert (first.number, first.continues, first.is_last, first.wait, first.before) == (1, False, False, 0, None)
    assert (second.number, second.continues, second.is_last, second.wait) == (2, True, True, 10 * MS)
    assert second.before == first.exchange


@pytest.mark.parametrize("status", [413, 415, 416, 420, 421, 423, 494])
def test_answers_that_ask_for_another_try(status: int, tmp_path: Path) -> None:
    steps = steps_in(f"{R}\n< {status}\n{R}\n< 200", tmp_path)
    assert [(step.continues, step.is_last) for step in steps] == [(False, False), (True, True)]


@pytest.mark.parametrize("status", [200, 302, 400, 403, 404, 408, 500, 503])
def test_answers_that_are_an_end(status: int, tmp_path: Path) -> None:
    steps = steps_in(f"{R}\n< {status}\n@60 {R}\n< 200", tmp_path)
    assert [(step.continues, step.is_last) for step in steps] == [(False, True), (False, True)]


@pytest.mark.parametrize("status", [401, 407])
def test_a_challenge_that_is_not_answered_is_an_end(status: int, tmp_path: Path) -> None:
    steps = steps_in(f"{R}\n< {status}\n@60 {R}\n< {status}", tmp_path)
    assert [(step.continues, step.is_last) for step in steps] == [(False, True), (False, True)]


def test_a_chain_of_many(tmp_path: Path) -> None:
    text = f"{R}\n< 401\n{AUTHORIZED}\n< 423\n{AUTHORIZED}\n< 401\n{AUTHORIZED}\n< 200\n@60 {R}\n< 401"
    steps = steps_in(text, tmp_path)
    assert [step.number for step in steps] == [1, 2, 3, 4, 5]
    assert [step.continues for step in steps] == [False, True, True, True, False]
    assert [step.is_last for step in steps] == [False, False, False, True, True]


def test_a_wait_runs_from_the_answer_to_the_next_request(tmp_path: Path) -> None:
    steps = steps_in(f"@0 {R}\n@2 < 200\n@62.5 {R}\n@63 < 200", tmp_path)
    assert [step.wait for step in steps] == [0, 60_500 * MS]


def test_without_an_answer_it_runs_from_the_request(tmp_path: Path) -> None:
    steps = steps_in(f"@0 {R}\n@40 {R}\n@41 < 200", tmp_path)
    assert [step.wait for step in steps] == [0, 40 * SECOND]
    assert [(step.continues, step.is_last) for step in steps] == [(False, True), (False, True)]


def test_a_request_before_the_answer_to_the_last_waits_for_nothing(tmp_path: Path) -> None:
    steps = steps_in(f"@0 {R}\n@1 {R}\n@2 to=1 < 200\n@3 to=2 < 200", tmp_path)
    assert [step.wait for step in steps] == [0, 0]


def test_an_old_capture_without_times_has_no_waits(tmp_path: Path) -> None:
    items = raw_messages(CLEAN)
    for item in items:
        item.time = 0
    steps = steps_of(read_flow([capture_of(items, tmp_path)]))
    assert [step.wait for step in steps] == [0] * len(steps)


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.parent.name)
def test_steps_of_the_samples_hang_together(path: Path) -> None:
    flow = read_flow([path])
    steps = steps_of(flow)
    assert [step.exchange for step in steps] == list(flow.exchanges)
    assert [step.before for step in steps] == [None, *flow.exchanges[:-1]]
    assert steps[-1].is_last and not steps[0].continues
    assert all(earlier.is_last is not later.continues for earlier, later in itertools.pairwise(steps))
    assert all(step.wait >= 0 for step in steps)
