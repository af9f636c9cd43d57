"""The values and their JSON: against a schema, against each other, and as a notebook shows them."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from functools import cache
from typing import Any
from xml.etree import ElementTree as Tree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from analyzer.storm.analysis import storms
from analyzer.storm.values import CauseShare, RetryAfterCompliance, Storm, StormReport, rounded, seconds
from tests.dataframes.talks import Said, any_talk, talk
from tests.storm.fleets import Pairs, avalanche, periodic, table, together
from tests.storm.storm_schema import REPORT, STORM

Draft202012Validator: Any = pytest.importorskip("jsonschema").Draft202012Validator  # it has no stubs of its own


def stories() -> dict[str, pd.DataFrame]:
    """A table of each kind."""
    rng = np.random.default_rng(7)
    calm = table(periodic(300, 120.0, 240.0, rng), granted=240, prefix="calm")
    first = 100 + np.linspace(0, 1, 60, endpoint=False)
    loop = Pairs((first[:, None] + np.arange(30)).ravel(), np.repeat(np.arange(60), 30))
    late = periodic(300, 30.0, 30.0, rng)
    return {
        "restart": avalanche(300, 20.0, rng),
        "loop": together(calm, table(loop, statuses=(401, 403), prefix="wrong")),
        "in step": together(calm, table(periodic(400, 60.0, 240.0, rng, spread=0.005), granted=120, prefix="s")),
        "slow": together(calm, table(Pairs(late.time + 100, late.user), delay=2.0, prefix="s")),
        "calm": together(calm),
        "overload": talk(*(Said(n / 10, 503, user=f"u{n % 70}", retry_after=2, host="sbc") for n in range(900))),
        "empty": calm.iloc[:0],
    }


@cache
def told(name: str) -> StormReport:
    return storms(stories()[name])


@pytest.mark.parametrize("name", list(stories()))
def test_the_json_is_that_of_the_schema(name: str) -> None:
    record = json.loads(json.dumps(told(name).to_dict(), allow_nan=False))
    Draft202012Validator(REPORT).validate(record)
    assert record["summary"]["storms"] == len(record["storms"]) == (name not in ("calm", "empty"))


@settings(max_examples=60, deadline=None)
@given(any_talk(most=80))
def test_any_traffic_gives_json_of_the_schema(said: list[Said]) -> None:
    record = json.loads(json.dumps(storms(talk(*said)).to_dict(), allow_nan=False))
    Draft202012Validator(REPORT).validate(record)


def test_the_schema_refuses_what_is_missing_and_what_is_more() -> None:
    (record,) = told("restart").to_dict()["storms"]
    checker = Draft202012Validator(STORM)
    assert checker.is_valid(record)
    for name in record:
        assert not checker.is_valid({key: value for key, value in record.items() if key != name}), name
    assert not checker.is_valid({**record, "more": 1})
    assert not checker.is_valid({**record, "requests": -1})


@pytest.mark.parametrize("name", ["restart", "loop", "in step", "slow", "overload"])
def test_the_numbers_of_a_storm_agree_with_each_other(name: str) -> None:
    (storm,) = told(name).storms
    series, width = storm.series, storm.series.width
    assert storm.requests == storm.first_copies + storm.retransmissions
    assert sum(series.first) * width == pytest.approx(storm.first_copies)
    assert sum(series.copies) * width == pytest.approx(storm.retransmissions)
    assert {len(getattr(series, one.name)) for one in fields(series)[2:]} == {len(series.first)}
    assert storm.start <= storm.peak_time <= storm.end
    assert storm.peak_rate * (storm.end - storm.start) / 1e9 >= storm.requests * 0.9
    assert sum(cause.share for cause in storm.causes) <= 1 + 1e-9
    assert [cause.share for cause in storm.causes] == sorted((cause.share for cause in storm.causes), reverse=True)
    assert storm.phases[0].start == storm.start
    assert storm.phases[-1].end == storm.end
    assert storm.latency is not None
    assert list(storm.latency) == sorted(storm.latency)
    assert max(series.unbound) <= storm.outage.peak <= storm.users
    for kept in (storm.retry_after, storm.back_off):
        assert kept.obeyed <= kept.judged <= kept.given


def test_shares_of_answers() -> None:
    storm = replace(told("loop").storms[0], responses={200: 10, 401: 60, 403: 20, 500: 4, 503: 6})
    assert storm.share(401) == 0.6
    assert storm.share(403) == 0.2
    assert storm.share(423) == 0.0
    assert storm.share(5) == 0.1
    assert storm.share(200, 5) == 0.2
    assert storm.to_dict()["shares"] == {"401": 0.6, "403": 0.2, "423": 0.0, "5xx": 0.1}
    assert replace(storm, responses={}).share(401) == 0.0


def test_the_shares_are_those_of_the_traffic() -> None:
    shares = told("loop").storms[0].to_dict()["shares"]
    assert shares["401"] == pytest.approx(0.5, abs=0.01)
    assert shares["403"] == pytest.approx(0.48, abs=0.02)
    assert told("overload").storms[0].to_dict()["shares"]["5xx"] == 1.0


@pytest.mark.parametrize(
    ("time", "expected"), [(None, None), (0, 0.0), (1_500_000_000, 1.5), (1_790_000_000_123_456_000, 1790000000.123456)]
)
def test_times_in_json_are_seconds_to_the_microsecond(time: int | None, expected: float | None) -> None:
    assert seconds(time) == expected


@pytest.mark.parametrize(("value", "expected"), [(None, None), (float("nan"), None), (1.23456, 1.235), (2, 2)])
def test_numbers_in_json_are_rounded_and_never_nan(value: float | None, expected: float | None) -> None:
    assert rounded(value) == expected


def test_values_in_json_keep_their_names() -> None:
    assert RetryAfterCompliance(3, 2, 1).to_dict() == {"given": 3, "judged": 2, "obeyed": 1}
    assert CauseShare("scan", 0.123456, "x").to_dict() == {"cause": "scan", "share": 0.1235, "detail": "x"}


def page(report: StormReport) -> Tree.Element:
    """What a notebook shows, as a tree: it must be well formed."""
    return Tree.fromstring(f"<div>{report._repr_html_()}</div>")


def test_a_notebook_shows_a_row_for_each_storm() -> None:
    rows = page(told("restart")).findall(".//tbody/tr")
    assert len(rows) == 1
    text = "".join(rows[0].itertext())
    assert "restart" in text
    assert "2026" in text  # a date that a person reads, no seconds since 1970


def test_a_notebook_shows_calm_in_words() -> None:
    text = "".join(page(told("calm")).itertext())
    assert "No storm" in text
    assert f"{told('calm').transactions:,}" in text


def test_a_hostile_name_is_no_markup() -> None:
    storm: Storm = told("restart").storms[0]
    hostile = replace(storm, causes=(CauseShare("restart", 1.0, "<script>alert(1)</script>"),))
    shown = StormReport(storms=(hostile,), transactions=1)
    assert page(shown).findall(".//script") == []


def test_everything_is_known_of_nothing() -> None:
    record: dict[str, Any] = StormReport().to_dict()
    Draft202012Validator(REPORT).validate(record)
    assert record["summary"]["first"] is None
