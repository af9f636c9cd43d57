"""`sipcheck storm` for a person: which words are said of which storm, and what is said of each number."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace
from functools import cache
from typing import Any, get_args

import numpy as np
import pytest

import analyzer
from analyzer.run.report import Report
from analyzer.storm.analysis import storms
from analyzer.storm.values import Cause, CauseShare, Outage, PhaseName, RetryAfterCompliance, Silence, Storm, TopSource
from analyzer.storm.values import StormReport as Found
from analyzer.views import ViewOptions
from analyzer.views.storm.summary import (
    ADVICE,
    ANEW,
    LATE,
    NO_ANSWER,
    OVERLOAD,
    SHAPES,
    VERDICTS,
    verdict,
    write_table,
)
from tests.shared import ROOT
from tests.storm.fleets import avalanche

CAUSES: tuple[Cause, ...] = get_args(Cause)


@cache
def restart() -> Storm:
    """A storm whose registrar was away and came back."""
    return storms(avalanche(300, 20.0, np.random.default_rng(7))).storms[0]


def because(*causes: tuple[Cause, float], **changes: Any) -> Storm:
    """The same storm with other causes."""
    shares = tuple(CauseShare(cause, share, f"the detail of {cause}") for cause, share in causes)
    return replace(restart(), causes=shares, **changes)


@cache
def report() -> Report:
    return analyzer.analyze(str(ROOT / "samples" / "storm-none" / "input.pcap.gz"), rules=[])


def shown(*found: Storm, width: int = 100, notes: tuple[str, ...] = ()) -> str:
    """The page."""
    out = io.StringIO()
    options = ViewOptions(color=False, width=width)
    write_table(report(), Found(storms=found, transactions=10, users=3, requests=12, notes=notes), out, options)
    return out.getvalue()


def flat(text: str) -> str:
    """The words alone."""
    return " ".join(text.split())


def test_every_cause_has_a_verdict_and_advice_and_every_phase_words() -> None:
    assert set(VERDICTS) == set(ADVICE) == set(CAUSES)
    assert set(SHAPES) == set(get_args(PhaseName))
    said = [*VERDICTS.values(), ANEW, NO_ANSWER, OVERLOAD, LATE]
    assert len(set(said)) == len(said)
    assert not any(words.endswith(".") for words in [*said, *ADVICE.values()])


@pytest.mark.parametrize("cause", [cause for cause in CAUSES if cause not in ("restart", "slow-answers")])
def test_the_verdict_is_that_of_the_first_cause(cause: Cause) -> None:
    assert verdict(because((cause, 0.9))) == VERDICTS[cause]


def test_a_second_cause_of_weight_is_named_beside_it() -> None:
    assert verdict(because(("scan", 0.7), ("restart", 0.2))).endswith("(beside it: restart)")
    assert verdict(because(("scan", 0.7), ("restart", 0.05))) == VERDICTS["scan"]


def test_no_cause_is_no_accusation() -> None:
    assert "all of them ordinary" in verdict(because())


@pytest.mark.parametrize(
    ("silences", "words"),
    [((), ANEW), ((Silence(0, None, 9),), NO_ANSWER), ((Silence(0, 5, 9),), VERDICTS["restart"])],
)
def test_the_words_for_a_restart_tell_what_was_seen_of_it(silences: tuple[Silence, ...], words: str) -> None:
    assert verdict(because(("restart", 1.0), silences=silences)) == words


@pytest.mark.parametrize(
    ("responses", "copies", "words"),
    [({503: 60, 200: 40}, 0, OVERLOAD), ({503: 40, 200: 60}, 9, VERDICTS["slow-answers"]), ({200: 100}, 0, LATE)],
)
def test_the_words_for_late_answers_tell_what_the_registrar_did(
    responses: dict[int, int], copies: int, words: str
) -> None:
    assert verdict(because(("slow-answers", 1.0), responses=responses, retransmissions=copies)) == words


def test_the_page_goes_from_the_verdict_to_the_details() -> None:
    text = flat(shown(restart(), notes=("something was not known",)))
    parts = ("A storm: Everybody", "At worst", "restart no answer to anybody", "onset", "peak", "recovery")
    rest = ("answers:", "answer times:", "the peak would have been", "refreshes spread evenly", "Not judged")
    places = [text.find(part) for part in (*parts, *rest)]
    assert -1 not in places
    assert all(one < other for one, other in itertools.pairwise(places))


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_no_line_is_wider_than_the_page(width: int) -> None:
    text = shown(because(*((cause, 0.1) for cause in CAUSES)), width=width)
    assert max(map(len, text.splitlines())) <= width


def test_several_storms_are_counted_and_numbered() -> None:
    text = shown(restart(), because(("scan", 1.0)))
    assert "2 storms." in text
    assert "Storm 1: Everybody" in text
    assert "Storm 2: Somebody" in text


def test_shares_of_answers_stand_beside_their_counts() -> None:
    text = flat(shown(replace(restart(), responses={401: 60, 403: 20, 200: 20}, unanswered=7)))
    assert "answers: 60 times 401 (60%), 20 times 403 (20%), 20 times 200 (20%), 7 without an answer" in text


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (RetryAfterCompliance(9, 4, 3), "due 9 times, kept 3 of the 4 times that a next request shows it"),
        (RetryAfterCompliance(9, 0, 0), "due 9 times, no next request shows whether it is kept"),
        (RetryAfterCompliance(0, 0, 0), None),
    ],
)
def test_conduct_is_told_where_it_was_due(kept: RetryAfterCompliance, words: str | None) -> None:
    text = flat(shown(replace(restart(), retry_after=kept, back_off=RetryAfterCompliance(0, 0, 0))))
    assert (f"Retry-After: {words}" in text) if words else ("Retry-After:" not in text)


def test_the_outage_as_users_felt_it() -> None:
    made_up = replace(restart(), outage=Outage(5, restart().start, 90.0, restart().end), recovery=3.0)
    assert "At worst 5 users had no binding, in sum for 90 s of user time, made up at" in flat(shown(made_up))
    assert "3 s after the worst moment" in flat(shown(made_up))
    lasting = replace(restart(), outage=Outage(5, restart().start, 90.0, None), recovery=None)
    assert "not made up when it ended" in flat(shown(lasting))
    assert "No user was left without a binding." in shown(replace(restart(), outage=Outage(0, None, 0.0, None)))


@pytest.mark.parametrize(
    ("usual", "words"), [(None, "is not known"), (0.2, "usual here: less than one"), (23.4, "usual here: 23")]
)
def test_what_is_usual(usual: float | None, words: str) -> None:
    assert words in flat(shown(replace(restart(), usual_rate=usual)))


def test_culprits_are_named_and_cut() -> None:
    long = TopSource("user", "sip:" + "x" * 200, 30, 0.3)
    text = shown(replace(restart(), culprits=(long, TopSource("source", "192.0.2.9:5060", 20, 0.2))))
    assert "192.0.2.9:5060 20 (20%)" in flat(text)
    assert "x" * 100 not in text


def test_hostile_names_do_not_reach_the_terminal() -> None:
    hostile = because(("scan", 1.0), culprits=(TopSource("user", "sip:\x1b[2J@x", 30, 0.3),))
    told = replace(hostile, causes=(CauseShare("scan", 1.0, "\x1b]0;title\x07 tried"),))
    assert "\x1b" not in shown(told)
    assert "\x07" not in shown(told)


def test_a_storm_without_answers_and_without_a_knee() -> None:
    text = flat(shown(replace(restart(), latency=None, carried=None, responses={})))
    assert "answer times: there was no answer" in text


def test_calm_is_told_with_its_numbers() -> None:
    assert "No storm. 3 users sent 12 REGISTERs" in flat(shown())
