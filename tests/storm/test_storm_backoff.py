"""Who waits when asked to: Retry-After (RFC 3261 20.33) and the back-off of RFC 5626 4.5, waits given in seconds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from analyzer.storm.backoff import back_off_of, retry_after_of
from analyzer.storm.marks import marks_of
from analyzer.storm.traffic import traffic_of
from analyzer.storm.values import RetryAfterCompliance
from tests.dataframes.talks import Said, any_talk, talk

FEW = settings(max_examples=100, deadline=None)


def judged(*said: Said) -> tuple[RetryAfterCompliance, RetryAfterCompliance]:
    """Retry-After, back-off."""
    traffic = traffic_of(talk(*said))
    marks, every = marks_of(traffic), np.ones(len(said), dtype=bool)
    return retry_after_of(traffic, marks, every), back_off_of(traffic, marks, every)


@pytest.mark.parametrize(("wait", "kept"), [(0.1, 0), (4.0, 0), (4.9, 1), (5.0, 1), (600.0, 1)])
def test_retry_after_is_kept_by_who_waits_as_long(wait: float, kept: int) -> None:
    asked, _ = judged(Said(0, 503, took=0.5, retry_after=5), Said(0.5 + wait))
    assert asked == RetryAfterCompliance(1, 1, kept)


def test_an_answer_nobody_came_back_after_is_not_judged() -> None:
    asked, _ = judged(Said(0, 503, retry_after=5), Said(1, user="b"))
    assert asked == RetryAfterCompliance(1, 0, 0)


@pytest.mark.parametrize(
    ("failures", "wait", "kept"),
    [
        (1, 29, True),  # half of 30 s times 2, less a twentieth for clocks
        (1, 28, False),
        (2, 58, True),  # 60 s after the second
        (2, 56, False),
        (3, 120, True),
        (3, 100, False),
        (7, 900, True),  # no more than half of 1,800 s, however many
        (7, 800, False),
        (12, 900, True),
    ],
)
def test_back_off_doubles_to_half_of_half_an_hour(failures: int, wait: float, kept: bool) -> None:
    apart = [1000.0 * number for number in range(failures)]
    said = [Said(time, 403, took=0.0) for time in apart]
    _, asked = judged(*said, Said(apart[-1] + wait))
    assert asked.given == asked.judged == failures
    assert asked.obeyed == failures - 1 + kept  # those before waited for a thousand seconds


@pytest.mark.parametrize(("status", "counts"), [(0, 1), (403, 1), (404, 1), (503, 1), (600, 1), (423, 0), (200, 0)])
def test_what_is_a_failure(status: int, counts: int) -> None:
    _, asked = judged(Said(0, status, copies=1), Said(100))
    assert asked.given == counts


def test_a_first_challenge_is_no_failure() -> None:
    _, asked = judged(Said(0, 401, credentials=False), Said(1, 403), Said(2, 401, credentials=False), Said(3, 403))
    assert asked == RetryAfterCompliance(2, 1, 0)


def test_an_unanswered_request_is_counted_from_its_last_copy() -> None:
    _, asked = judged(Said(0, 0, copies=3), Said(3.5 + 29))
    assert asked == RetryAfterCompliance(1, 1, 1)


def test_who_is_told_how_long_to_wait_owes_that_alone() -> None:
    asked, back_off = judged(Said(0, 503, retry_after=5), Said(6, 503, retry_after=5), Said(12))
    assert asked == RetryAfterCompliance(2, 2, 2)
    assert back_off == RetryAfterCompliance(0, 0, 0)


def test_a_guesser_owes_no_back_off() -> None:
    said = [Said(number / 10, 403, user="admin", call=f"c{number}") for number in range(60)]
    assert judged(*said)[1] == RetryAfterCompliance(0, 0, 0)


def test_only_what_is_within_counts() -> None:
    traffic = traffic_of(talk(Said(0, 403), Said(1, 403), Said(2, 403)))
    within = np.array([False, True, False])
    assert back_off_of(traffic, marks_of(traffic), within) == RetryAfterCompliance(1, 1, 0)


@FEW
@given(any_talk())
def test_nothing_is_kept_that_was_not_judged_or_given(said: list[Said]) -> None:
    for kept in judged(*said):
        assert 0 <= kept.obeyed <= kept.judged <= kept.given <= len(said)
    given_ = sum(one.retry_after is not None and one.status > 0 for one in said)
    assert judged(*said)[0].given == given_
