"""What must hold for any traffic: calm never storms, a storm is found at any size, order and clock do not matter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.storm.analysis import storms
from analyzer.storm.values import StormReport
from tests.storm.fleets import Pairs, avalanche, periodic, poisson, shifted, table, together

FEW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SEEDS = st.integers(0, 2**32 - 1)


@FEW
@given(SEEDS, st.integers(1, 2000), st.sampled_from([60.0, 300.0, 1800.0]), st.floats(1.0, 6.0))
def test_periodic_traffic_is_calm(seed: int, users: int, interval: float, rounds: float) -> None:
    made = table(periodic(users, interval, interval * rounds, np.random.default_rng(seed)), granted=int(2 * interval))
    assert storms(together(made)).storms == ()


@FEW
@given(SEEDS, st.floats(0.1, 300.0), st.floats(10.0, 60.0))
def test_poisson_traffic_is_calm(seed: int, rate: float, span: float) -> None:
    pairs = poisson(100_000, rate, span, np.random.default_rng(seed))
    assert storms(together(table(pairs, granted=3600))).storms == ()


@FEW
@given(SEEDS, st.floats(0.0, 0.02))
def test_a_busy_registrar_that_loses_some_packets_is_calm(seed: int, lost: float) -> None:
    rng = np.random.default_rng(seed)
    pairs = periodic(5000, 60.0, 100.0, rng)
    delay = np.where(rng.random(len(pairs.time)) < lost, 0.6, 0.003)
    assert storms(together(table(pairs, granted=120, delay=delay))).storms == ()


def test_a_daily_rhythm_is_calm_and_a_storm_in_it_is_found() -> None:
    rng = np.random.default_rng(5)
    span = 4 * 86_400.0
    even = poisson(20_000, 1.0, span, rng)
    hour = even.time % 86_400 / 3600
    rush = np.flatnonzero((hour > 8) & (hour < 8.05))  # three minutes of four times the load, each morning
    time = np.concatenate([even.time, *[even.time[rush] + rng.uniform(-9, 9, len(rush)) for _ in range(3)]])
    user = np.concatenate([even.user, *[rng.integers(0, 20_000, len(rush)) for _ in range(3)]])
    order = np.argsort(time)
    made = table(type(even)(np.abs(time[order]), user[order]), calls=np.arange(len(order)))
    assert storms(together(made)).storms == ()
    burst = type(even)(200_000 + rng.uniform(0, 30, 3000), rng.permutation(20_000)[:3000])
    found = storms(together(made, table(burst, prefix="burst", calls=np.arange(3000)))).storms
    assert len(found) == 1
    assert found[0].causes[0].cause == "restart"
    assert found[0].requests >= 5900


@pytest.mark.parametrize("users", [200, 700, 3000])
@pytest.mark.parametrize("outage", [12.0, 25.0])
def test_an_avalanche_of_any_size_is_found(users: int, outage: float) -> None:
    made = avalanche(users, outage, np.random.default_rng(users))
    found = storms(made).storms
    assert len(found) == 1
    storm = found[0]
    assert storm.causes[0].cause == "restart"
    begin = storm.start / 1e9 - made["time"].min().timestamp()
    assert begin == pytest.approx(120.0, abs=3.0)
    assert storm.retransmissions == int(made["retransmissions"].sum())
    assert storm.phases[0].start == storm.start
    assert storm.phases[-1].end == storm.end


def _same(one: StormReport, other: StormReport) -> bool:
    return one.to_dict() == other.to_dict()


@FEW
@given(SEEDS)
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    made = avalanche(150, 15.0, np.random.default_rng(1))
    mixed = made.sample(frac=1, random_state=seed)
    assert _same(storms(made), storms(mixed))


@FEW
@given(st.integers(-(10**8), 10**8))
def test_a_shift_in_time_changes_nothing_else(seconds: int) -> None:
    made = avalanche(150, 15.0, np.random.default_rng(1))
    before, after = storms(made), storms(shifted(made, seconds))
    assert len(before.storms) == len(after.storms) == 1
    one, other = before.storms[0], after.storms[0]
    assert other.start - one.start == other.end - one.end == seconds * 10**9
    assert (one.causes, one.requests, one.outage.user_seconds) == (
        other.causes,
        other.requests,
        other.outage.user_seconds,
    )
    assert [phase.rate for phase in one.phases] == [phase.rate for phase in other.phases]


def test_a_million_rows() -> None:
    rng = np.random.default_rng(3)
    pairs = periodic(60_000, 600.0, 4800.0, rng)
    burst = type(pairs)(2000 + rng.uniform(0, 20, 20_000), np.arange(20_000))
    made = together(table(pairs, granted=1200), table(burst, calls=10**6 + np.arange(20_000)))
    assert len(made) >= 1_000_000
    found = storms(made)
    assert len(found.storms) == 1
    assert found.storms[0].causes[0].cause == "restart"
    assert found.requests == len(made)
    assert len(found.storms[0].series.first) <= 500


@pytest.mark.parametrize("columns", [[], ["granted"], ["source_host"], ["granted", "source_host", "transaction"]])
def test_columns_that_may_be_missing(columns: list[str]) -> None:
    made = avalanche(150, 15.0, np.random.default_rng(1)).drop(columns=columns)
    found = storms(made)
    assert [storm.causes[0].cause for storm in found.storms] == ["restart"]
    assert any("last copy" in note for note in found.notes)
    assert any("lifetimes are not known" in note for note in found.notes) == ("granted" in columns)


def test_a_column_that_must_be_there() -> None:
    made = avalanche(20, 5.0, np.random.default_rng(1)).drop(columns="status")
    with pytest.raises(KeyError, match="lacks status"):
        storms(made)


def test_an_empty_table_has_no_storm() -> None:
    made = avalanche(20, 5.0, np.random.default_rng(1)).iloc[:0]
    assert storms(made).to_dict()["storms"] == []
    assert storms(made).transactions == 0


def test_rows_without_a_time_are_left_out_and_told() -> None:
    made = avalanche(100, 15.0, np.random.default_rng(1))
    made.loc[:9, "time"] = pd.NaT
    found = storms(made)
    assert found.transactions == len(made) - 10
    assert found.notes[0].startswith("10 transactions without a time")


def _fleet(name: str) -> pd.DataFrame:
    """A storm of each kind, small."""
    rng = np.random.default_rng(7)
    calm = table(periodic(200, 120.0, 240.0, rng), granted=240, prefix="calm")
    first = 100 + np.linspace(0, 1, 40, endpoint=False)
    again = Pairs((first[:, None] + np.arange(20)).ravel(), np.repeat(np.arange(40), 20))
    late = periodic(200, 30.0, 30.0, rng)
    storm = {
        "auth-loop": lambda: table(again, statuses=(401, 403), prefix="wrong"),
        "scan": lambda: table(again, statuses=(401, 403), prefix="x", calls=np.arange(800)).assign(
            source="192.0.2.9:5071", source_host="192.0.2.9"
        ),
        "synchronised-refresh": lambda: table(periodic(300, 60.0, 240.0, rng, spread=0.005), granted=120, prefix="s"),
        "slow-answers": lambda: table(Pairs(late.time + 100, late.user), delay=2.0, prefix="slow"),
        "short-expiry": lambda: table(Pairs(again.time * 2 - 100, again.user), granted=4, prefix="short"),
        "single-client": lambda: table(Pairs(100 + np.arange(400) / 20, np.zeros(400, np.int64)), prefix="one"),
    }
    return avalanche(200, 15.0, rng) if name == "restart" else together(calm, storm[name]())


KINDS = ("restart", "auth-loop", "scan", "synchronised-refresh", "slow-answers", "short-expiry", "single-client")


def _renamed(made: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same with other users, addresses and Call-IDs; equal ones stay equal."""
    rng = np.random.default_rng(seed)
    out = made.copy()
    for name, form in (("aor", "sip:{}@other.invalid"), ("source_host", "2001:db8::{:x}"), ("call_id", "{}@elsewhere")):
        codes, known = pd.factorize(made[name].astype(str))
        fresh = np.array([form.format(number) for number in rng.permutation(len(known)).tolist()], dtype=object)
        out[name] = fresh[codes]
    port = made["source"].astype(str).str.rpartition(":")[2]
    out["source"] = "[" + out["source_host"].astype(str) + "]:" + port
    return out


def _verdict(report: StormReport) -> list[object]:
    """All of the storms that names and addresses are no part of."""
    return [
        {**storm.to_dict(), "causes": [(one.cause, one.share) for one in storm.causes], "culprits": None}
        for storm in report.storms
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_named(kind: str) -> None:
    assert [storm.causes[0].cause for storm in storms(_fleet(kind)).storms] == [kind]


@FEW
@given(st.sampled_from(KINDS), SEEDS)
def test_names_and_addresses_change_nothing(kind: str, seed: int) -> None:
    made = _fleet(kind)
    assert _verdict(storms(_renamed(made, seed))) == _verdict(storms(made))


@FEW
@given(st.sampled_from(KINDS), SEEDS)
def test_the_order_of_rows_changes_nothing_in_any_kind(kind: str, seed: int) -> None:
    made = _fleet(kind)
    assert _same(storms(made), storms(made.sample(frac=1, random_state=seed)))


@FEW
@given(st.sampled_from(KINDS), st.integers(-(10**8), 10**8))
def test_a_shift_in_time_shifts_all_times_and_no_more(kind: str, by: int) -> None:
    made = _fleet(kind)
    before, after = storms(made).storms, storms(shifted(made, by)).storms
    for one, other in zip(before, after, strict=True):
        assert other.start - one.start == other.end - one.end == other.peak_time - one.peak_time == by * 10**9
        assert [phase.end - phase.start for phase in one.phases] == [phase.end - phase.start for phase in other.phases]
        for name in ("requests", "users", "responses", "latency", "retry_after", "back_off", "what_if", "carried"):
            assert getattr(one, name) == getattr(other, name), name
        assert [cause.to_dict() for cause in one.causes] == [cause.to_dict() for cause in other.causes]


@pytest.mark.parametrize("kind", KINDS)
def test_the_types_of_text_columns_change_nothing(kind: str) -> None:
    made = _fleet(kind)
    texts = ["aor", "call_id", "source", "source_host"]
    plain = made.astype(dict.fromkeys(texts, "object"))
    arrow = made.astype(dict.fromkeys(texts, "string[pyarrow]"))
    grouped = made.astype(dict.fromkeys(texts, "category"))
    assert _same(storms(plain), storms(arrow))
    assert _same(storms(plain), storms(grouped))


@FEW
@given(st.sampled_from(KINDS), st.integers(2, 4))
def test_twice_the_phones_is_the_same_verdict(kind: str, times: int) -> None:
    """The same phones over again under other names: every count is a multiple, no cause another."""
    made = _fleet(kind)
    if kind == "single-client":
        return  # two of them are two clients
    copies = [
        made.assign(**{name: f"{n}" + made[name].astype(str) for name in ("aor", "source", "source_host", "call_id")})
        for n in range(times)
    ]
    (one,), (many,) = storms(made).storms, storms(together(*copies)).storms
    assert many.causes[0].cause == one.causes[0].cause
    assert many.users == pytest.approx(times * one.users, rel=0.1)
    assert many.requests == pytest.approx(times * one.requests, rel=0.1)
    assert many.peak_rate == pytest.approx(times * one.peak_rate, rel=0.1)
