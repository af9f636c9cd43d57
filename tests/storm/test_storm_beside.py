"""A storm that is found alone is found beside calm: minutes, days or years before it, after it, or around it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest

import analyzer
from analyzer.storm.analysis import storms
from analyzer.storm.values import Storm
from tests.shared import ROOT
from tests.storm.fleets import SECOND, START, periodic, shifted, table, together

SAMPLES = sorted(
    path.parent.name for path in (ROOT / "samples").glob("storm-*/input.pcap.gz") if path.parent.name != "storm-none"
)
DAY = 86_400.0


@lru_cache
def sample(name: str) -> pd.DataFrame:
    """The transactions of a sample, from `START` on."""
    made = analyzer.tables(analyzer.analyze(ROOT / "samples" / name / "input.pcap.gz")).transactions
    times = ["time", "last_sent", "final_time"]
    by = pd.Timestamp(START, tz="UTC") - made["time"].min()
    return made.assign(**{one: made[one] + by for one in times})[
        [*times, "status", "retransmissions", "aor", "source", "source_host", "call_id", "credentials", "granted",
         "requested", "retry_after", "user_agent"]
    ]  # fmt: skip


def the_storm(made: pd.DataFrame) -> Storm:
    (found,) = storms(made).storms
    return found


def calm(users: int, interval: float, span: float, begin: float) -> pd.DataFrame:
    """Users that refresh, each at its own moment."""
    made = table(periodic(users, interval, span, np.random.default_rng(3)), granted=int(2 * interval))
    return shifted(made, begin)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("apart", [-3650 * DAY, -7 * DAY, -6 * 3600.0, 400.0, DAY, 50 * 365 * DAY])
def test_a_calm_capture_before_or_behind(name: str, apart: float) -> None:
    alone = the_storm(sample(name))
    found = the_storm(together(sample(name), shifted(sample("storm-none"), apart)))
    assert found.causes[0].cause == alone.causes[0].cause
    assert abs(found.start - alone.start) < 5 * SECOND
    assert abs(found.end - alone.end) < 10 * SECOND


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("hours", [2, 12])
def test_calm_all_around(name: str, hours: int) -> None:
    alone = the_storm(sample(name))
    around = calm(100, 1800.0, hours * 3600.0, -hours * 1800.0)
    found = the_storm(together(sample(name), around))
    assert found.causes[0].cause == alone.causes[0].cause
    assert abs(found.start - alone.start) < 30 * SECOND


@pytest.mark.parametrize(("users", "interval"), [(5, 60.0), (100, 1800.0), (400, 600.0), (3000, 600.0)])
@pytest.mark.parametrize("apart", [300.0, DAY, 365 * DAY])
def test_two_calm_captures_are_calm(users: int, interval: float, apart: float) -> None:
    one = calm(users, interval, 3600.0, 0.0)
    assert storms(together(one, shifted(one, 3600.0 + apart))).storms == ()
