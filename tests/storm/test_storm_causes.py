"""Each cause, made by arithmetic: it comes first, and its numbers are those that went in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analyzer.storm.analysis import storms
from analyzer.storm.values import Storm
from tests.storm.fleets import Pairs, periodic, table, together

RNG = np.random.default_rng(7)


def calm() -> pd.DataFrame:
    """Something ordinary around: 300 users every two minutes."""
    return table(periodic(300, 120.0, 240.0, np.random.default_rng(11)), granted=240, prefix="calm")


def only(*tables: pd.DataFrame) -> Storm:
    """The one storm in these tables."""
    found = storms(together(*tables)).storms
    assert len(found) == 1
    return found[0]


def repeated(users: int, every: float, times: int, start: float = 100.0) -> Pairs:
    """`users` that each register `times` times, `every` seconds apart, from moments spread evenly over `every`."""
    first = start + np.linspace(0, every, users, endpoint=False)
    return Pairs((first[:, None] + every * np.arange(times)).ravel(), np.repeat(np.arange(users), times))


@pytest.mark.parametrize("status", [401, 403])
def test_authentication_loop(status: int) -> None:
    storm = only(calm(), table(repeated(60, 1.0, 30), statuses=(401, status), prefix="wrong"))
    first = storm.causes[0]
    assert first.cause == "auth-loop"
    assert first.share == pytest.approx(3600 / storm.requests, abs=0.03)
    assert first.detail.startswith("60 users were refused 1,")
    assert storm.back_off.given >= 1790
    assert storm.back_off.obeyed == 0
    assert storm.what_if == ()


def test_short_expiry_fills_the_whole_capture() -> None:
    pairs = repeated(200, 3.0, 20, start=0.0)
    storm = only(table(pairs, granted=6))
    assert storm.causes[0].cause == "short-expiry"
    assert "granted 6 s" in storm.causes[0].detail
    assert storm.end - storm.start > 50 * 10**9


def test_the_same_load_with_an_ordinary_lifetime_is_calm() -> None:
    pairs = repeated(200 * 20, 60.0, 1, start=0.0)
    assert storms(together(table(pairs, granted=120))).storms == ()


def test_synchronised_refresh() -> None:
    storm = only(calm(), table(periodic(400, 60.0, 240.0, RNG, spread=0.005), granted=120, prefix="sync"))
    assert storm.causes[0].cause == "synchronised-refresh"
    assert storm.coherence is not None
    assert storm.coherence.period == pytest.approx(60.0, abs=0.1)
    # 400 of the 700 users keep step; the others hardly refresh in these four minutes.
    assert storm.coherence.length > 0.85
    jitter = {case.change: case.peak_rate for case in storm.what_if if case.change.startswith("jitter")}
    assert list(jitter.values()) == sorted(jitter.values(), reverse=True)
    assert jitter["jitter 100% of 60 s"] < storm.peak_rate / 20


def scan_rows(names: int, guesses: int) -> pd.DataFrame:
    """One source that tries each of `names` with `guesses` passwords, a new Call-ID each, 50 a second."""
    count = names * guesses
    pairs = Pairs(100 + np.arange(count) / 50, np.repeat(np.arange(names), guesses))
    made = table(pairs, statuses=(401, 403), prefix="x", calls=np.arange(count))
    return made.assign(source="192.0.2.9:5071", source_host="192.0.2.9")


@pytest.mark.parametrize(("names", "guesses", "said"), [(500, 1, "500 names"), (1, 400, "400 Call-IDs")])
def test_scanner_and_brute_force(names: int, guesses: int, said: str) -> None:
    storm = only(calm(), scan_rows(names, guesses))
    assert storm.causes[0].cause == "scan"
    assert said in storm.causes[0].detail
    assert storm.causes[0].detail.startswith("192.0.2.9:5071")
    assert ("source", "192.0.2.9:5071") in [(one.kind, one.name) for one in storm.culprits]


def test_one_broken_client() -> None:
    storm = only(calm(), table(repeated(1, 0.05, 400), prefix="broken"))
    assert storm.causes[0].cause == "single-client"
    assert "sip:broken0@lab.invalid" in storm.causes[0].detail
    assert storm.culprits[0].requests >= 798


def test_slow_answers() -> None:
    pairs = periodic(300, 30.0, 30.0, RNG)
    delay = np.where(pairs.time > 10, 2.0, 0.01)
    storm = only(table(Pairs(pairs.time + 100, pairs.user), delay=delay, prefix="s"), calm())
    assert storm.causes[0].cause == "slow-answers"
    assert "took 2.0 s in the middle case" in storm.causes[0].detail
    assert storm.retransmissions == 2 * 2 * int((delay > 1).sum())


def test_phones_that_start_again_together() -> None:
    burst = Pairs(100 + RNG.uniform(0, 3, 300), np.arange(300))
    storm = only(calm(), table(burst, prefix="calm", calls=5000 + np.arange(300)))
    assert storm.causes[0].cause == "restart"
    assert "no refresh due" in storm.causes[0].detail


def test_a_capture_that_begins_inside_a_storm() -> None:
    whole = table(repeated(60, 1.0, 40, start=0.0), statuses=(401, 403), prefix="wrong")
    late = table(Pairs(60 + np.arange(100) / 2, np.arange(100)), prefix="calm")
    storm = only(whole, late)
    assert storm.start / 1e9 == pytest.approx(whole["time"].min().timestamp(), abs=4.0)
    assert storm.causes[0].cause == "auth-loop"


def test_retry_after_given_and_obeyed() -> None:
    pairs = repeated(100, 4.0, 10)
    made = table(pairs, statuses=(503, 503), prefix="busy")
    wait = np.where(np.arange(len(made)) < len(made) // 2, 1, 2)
    storm = only(
        calm(),
        made.assign(retry_after=pd.array(wait, dtype="Int64")),
    )
    assert storm.retry_after.given >= 1900
    # The second request of each pair follows at once; the next pair comes 4 s later, and 2 s were asked.
    assert storm.retry_after.obeyed == pytest.approx(storm.retry_after.judged / 2, rel=0.1)
    assert storm.share(5) > 0.85


def test_scanner_by_its_own_name() -> None:
    made = table(repeated(1, 0.05, 200), statuses=(401, 403), prefix="n").assign(user_agent="friendly-scanner")
    assert only(calm().assign(user_agent="Phone"), made).causes[0].cause == "scan"
