"""Whole storms with a twist, told by arithmetic: what came first is named first, and calm stays calm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import analyzer
from analyzer.storm.analysis import storms
from analyzer.storm.values import Storm, StormReport
from tests.capture.asterisk_text import full, received, sent
from tests.dataframes.talks import Said, talk
from tests.storm.fleets import START, Pairs, avalanche, periodic, poisson, table, together

SECOND = 1_000_000_000
FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SEEDS = st.integers(0, 2**32 - 1)


def calm(seed: int = 11) -> pd.DataFrame:
    """Something ordinary around: 300 users every two minutes."""
    return table(periodic(300, 120.0, 240.0, np.random.default_rng(seed)), granted=240, prefix="calm")


def only(*tables: pd.DataFrame) -> Storm:
    """The one storm in these tables."""
    found = storms(together(*tables)).storms
    assert len(found) == 1
    return found[0]


def overload(users: int, wait: float, least: int) -> pd.DataFrame:
    """Phones that all come in a second; each second the registrar lets 20 in and turns the rest away with Retry-After
    of 5 s, and they wait for `wait`."""
    rng = np.random.default_rng(users)
    coming = [(100 + moment, user) for user, moment in enumerate(rng.uniform(0, 1, users).tolist())]
    said: list[Said] = []
    served: dict[int, int] = {}
    while coming:
        coming.sort()
        time, user = coming.pop(0)
        room = served.setdefault(int(time), 0) < 20
        served[int(time)] += room
        status, granted, retry_after = (200, 600, None) if room else (503, None, 5)
        host = f"10.9.0.{user}"
        said.append(Said(time, status, f"busy{user}", granted=granted, retry_after=retry_after, host=host))
        if not room:
            coming.append((time + wait + rng.uniform(0, 0.1), user))
    assert len(said) >= least
    return talk(*said)


@pytest.mark.parametrize(("wait", "kept"), [(5.1, True), (0.3, False)])
def test_an_overloaded_registrar_that_says_so(wait: float, kept: bool) -> None:
    made = overload(300, wait, 900)
    storm = only(calm(), made)
    refused = int((made["status"] == 503).sum())
    assert storm.causes[0].cause == "restart"  # all came at once: that is what it began with
    assert f"{refused:,} times they were turned away" in storm.causes[0].detail
    assert storm.responses[503] == refused
    assert storm.retry_after.given == refused == storm.retry_after.judged
    assert storm.retry_after.obeyed == (refused if kept else 0)
    assert storm.back_off.given == 0
    assert "amplification" in [phase.phase for phase in storm.phases]
    assert storm.retransmissions == 0


def test_phones_that_were_registered_and_are_turned_away() -> None:
    """No new ones: the registrar fails those who refresh, and they come again at once."""
    said = [
        Said(50 + user / 10 + again, 503 if 100 <= 50 + user / 10 + again < 130 else 200, user=f"p{user}", granted=600)
        for user in range(400)
        for again in (0, *(range(40, 80) if user < 300 else ()))
    ]
    storm = only(talk(*said))
    assert storm.causes[0].cause == "slow-answers"
    assert "were 5xx" in storm.causes[0].detail
    assert storm.share(5) > 0.5


def back_off(obeyed: bool) -> pd.DataFrame:
    """Phones that refresh every 20 s; the registrar is away from 100 to 150; who fails waits by RFC 5626, or not."""
    rng = np.random.default_rng(4)
    said: list[Said] = []
    for user in range(150):
        time, failures = float(rng.uniform(0, 20)), 0
        while time < 400:
            away = 100 <= time < 150
            said.append(Said(time, 0 if away else 200, user=f"p{user}", granted=60))
            failures = failures + 1 if away else 0
            due = 30 * 2.0**failures
            time += 20 if not away else float(rng.uniform(due / 2, due)) + 0.1 if obeyed else 1.0
    return talk(*said)


@pytest.mark.parametrize("obeyed", [True, False])
def test_back_off_obeyed_or_not(obeyed: bool) -> None:
    storm = only(back_off(obeyed))
    assert storm.causes[0].cause == "restart"
    assert storm.silences[0].end is not None
    assert (storm.silences[0].end - storm.silences[0].start) / SECOND == pytest.approx(50, abs=1)
    assert storm.back_off.judged >= 150
    assert storm.back_off.obeyed == (storm.back_off.judged if obeyed else 0)
    # Who waits by RFC 5626 is gone longer, and makes less of a storm.
    assert storm.outage.peak == 150


def test_back_off_makes_the_storm_smaller() -> None:
    waiting, hasty = only(back_off(True)), only(back_off(False))
    assert waiting.peak_rate < hasty.peak_rate
    assert waiting.unanswered < hasty.unanswered / 10


def frozen(before: float) -> pd.DataFrame:
    """Phones on TCP that refresh every 10 s; for 12 s the registrar answers nobody, then all at once; from then on they
    keep step. `before` is how much of the interval their refreshes were spread over."""
    rng = np.random.default_rng(8)
    said: list[Said] = []
    for user in range(200):
        time = float(rng.uniform(0, 10 * before))
        while time < 130:
            took = max(0.01, 72 - time + user / 1000) if 60 <= time < 72 else 0.01
            said.append(Said(time, took=took, user=f"p{user}", granted=30))
            time += took + 10
    return talk(*said)


def test_an_echo_of_a_silence_is_the_silences() -> None:
    storm = only(frozen(1.0))
    assert storm.causes[0].cause == "restart"
    assert "have refreshed in step since" in storm.causes[0].detail
    assert storm.causes[0].share > 0.9


def test_phones_that_kept_step_before_a_silence_are_in_step_by_themselves() -> None:
    assert only(frozen(0.01)).causes[0].cause == "synchronised-refresh"


def test_a_registrar_that_never_comes_back() -> None:
    made = avalanche(500, 20.0, np.random.default_rng(2))
    end = pd.Timestamp(START + 134 * SECOND, tz="UTC")
    cut = made[made["time"] < end].copy()
    open_ = cut["final_time"] > end
    cut.loc[open_, "final_time"] = pd.NaT
    cut.loc[open_, "status"] = 0
    cut.loc[open_, "granted"] = pd.NA
    cut.loc[open_, "retransmissions"] = 3
    storm = only(cut)
    assert storm.causes[0].cause == "restart"
    assert storm.silences[-1].end is None
    assert "still no answer at the end" in storm.causes[0].detail
    assert storm.recovery is None
    assert storm.outage.recovered is None
    assert storm.unanswered == int(open_.sum())


def test_interval_too_brief_again_and_again_is_short_expiry() -> None:
    said = [Said(100 + n / 2 + user / 100, 423, user=f"p{user}", requested=10) for n in range(20) for user in range(40)]
    storm = only(calm(), talk(*said))
    assert storm.causes[0].cause == "short-expiry"
    assert "40 users ask for 10 s, and again after 423 (too brief), 800 times" in storm.causes[0].detail
    assert storm.to_dict()["shares"]["423"] > 0.85


def test_late_answers_on_tcp_have_no_copies() -> None:
    said = [Said(100 + n / 20, took=3.0, user=f"p{n}", granted=600) for n in range(400)]
    storm = only(calm(), talk(*said))
    assert storm.causes[0].cause == "slow-answers"
    assert "nothing was sent again" in storm.causes[0].detail
    assert storm.latency is not None
    assert storm.latency[0] == pytest.approx(3.0)


def test_two_causes_at_once_share_the_storm() -> None:
    """Half of the requests are a scanner's, half are a loop's."""
    scan = talk(*(Said(100 + n / 50, 403, user=f"x{n}", host="192.0.2.9", call=f"x{n}") for n in range(1000)))
    first = 100 + np.linspace(0, 1, 50, endpoint=False)
    loop = Pairs((first[:, None] + np.arange(20)).ravel(), np.repeat(np.arange(50), 20))
    storm = only(
        calm(), scan.drop(columns=["user_agent", "requested", "retry_after"]), table(loop, statuses=(401, 401))
    )
    shares = {cause.cause: cause.share for cause in storm.causes}
    assert shares["auth-loop"] == pytest.approx(2 * shares["scan"], rel=0.05)
    assert sum(shares.values()) > 0.85


@FEW
@given(SEEDS, st.sampled_from([20.0, 300.0]))
def test_a_clock_of_whole_seconds_makes_no_storm(seed: int, rate: float) -> None:
    """As in a log: all that comes in a second comes at once."""
    made = together(table(poisson(50_000, rate, 120.0, np.random.default_rng(seed)), calls=None))
    for name in ("time", "final_time"):
        made[name] = made[name].dt.floor("s")
    assert storms(made).storms == ()


def test_a_clock_of_whole_seconds_hides_no_storm() -> None:
    made = avalanche(700, 20.0, np.random.default_rng(3))
    whole = storms(made).storms[0]
    for name in ("time", "final_time"):
        made[name] = made[name].dt.floor("s")
    storm = only(made)
    assert storm.causes[0].cause == "restart"
    assert storm.start == pytest.approx(whole.start, abs=2 * SECOND)
    assert storm.end == pytest.approx(whole.end, abs=2 * SECOND)
    assert storm.requests == pytest.approx(whole.requests, rel=0.03)
    assert storm.series.width >= 1.0


REQUEST = (
    "REGISTER sip:10.9.0.1 SIP/2.0\nVia: SIP/2.0/UDP 10.9.1.{user}:5060;branch=z9hG4bK{user}-{number};rport\n"
    "From: <sip:u{user}@10.9.0.1>;tag=t{user}\nTo: <sip:u{user}@10.9.0.1>\nCall-ID: c{user}\nCSeq: {number} REGISTER\n"
    "Contact: <sip:u{user}@10.9.1.{user}>\nExpires: 600\nContent-Length: 0\n\n"
)


def log_of(path: Path, users: int, tries: int) -> Path:
    """A chan_sip log in which so many phones are refused again and again, a try a second."""
    text = []
    for second in range(tries):
        stamp = f"Nov 20 11:{second // 60:02}:{second % 60:02}"
        for user in range(users):
            ask = REQUEST.format(user=user, number=second + 1)
            answer = ask.replace("REGISTER sip:10.9.0.1 SIP/2.0", "SIP/2.0 403 Forbidden (Bad auth)", 1)
            answer = answer.replace(f"To: <sip:u{user}@10.9.0.1>", f"To: <sip:u{user}@10.9.0.1>;tag=as1")
            text.append(full(received(ask, f"UDP:10.9.1.{user}:5060"), stamp=stamp))
            text.append(full(sent(answer, f"10.9.1.{user}:5060"), stamp=stamp))
    path.write_text("".join(text), encoding="utf-8", newline="")
    return path


def found_in(path: Path) -> StormReport:
    return storms(analyzer.tables(analyzer.analyze(str(path), rules=[])).transactions)


def test_a_storm_in_a_log(tmp_path: Path) -> None:
    report = found_in(log_of(tmp_path / "full", users=40, tries=30))
    assert report.requests == 1200
    (storm,) = report.storms
    assert storm.causes[0].cause == "auth-loop"
    assert storm.responses == {403: storm.requests}
    assert storm.requests == pytest.approx(1200, rel=0.08)  # the first two of each phone are anybody's
    assert storm.users == 40


def test_a_log_of_a_few_phones_is_calm(tmp_path: Path) -> None:
    assert found_in(log_of(tmp_path / "full", users=5, tries=2)).storms == ()
