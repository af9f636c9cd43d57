"""Who is without a binding, and for how long: literal stories, and a count moment by moment in plain loops."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.storm.marks import marks_of
from analyzer.storm.outage import UnboundIntervals, outage_of, unbound_at, unbound_intervals_of
from analyzer.storm.traffic import SECOND, traffic_of
from tests.dataframes.talks import Said, any_talk, nanoseconds, talk

FEW = settings(max_examples=100, deadline=None)


def unbound_intervals(*said: Said, in_vain: bool = False) -> UnboundIntervals:
    """The times without a binding; `in_vain`: all that is unanswered went into a silence."""
    traffic = traffic_of(talk(*said))
    return unbound_intervals_of(traffic, marks_of(traffic), (traffic.status == 0) & in_vain)


def spans(found: UnboundIntervals) -> list[tuple[float, float]]:
    """Begin and end in seconds, in order."""
    pairs = zip(found.start.tolist(), found.end.tolist(), strict=True)
    return sorted(tuple(round((time - nanoseconds(0)) / SECOND, 3) for time in pair) for pair in pairs)


def test_a_client_is_without_until_its_first_success() -> None:
    assert spans(unbound_intervals(Said(10, 401, credentials=False), Said(11, took=0.5, granted=60))) == [(10, 11.5)]


def test_a_refresh_in_time_leaves_nobody_without() -> None:
    assert spans(unbound_intervals(Said(0, took=1, granted=60), Said(30, granted=60))) == [(0, 1)]


def test_a_refresh_after_the_lapse_leaves_a_gap() -> None:
    assert spans(unbound_intervals(Said(0, took=1, granted=60), Said(100, took=2, granted=60))) == [(0, 1), (61, 102)]


def test_who_gives_up_waits_no_longer_than_timer_f() -> None:
    assert spans(unbound_intervals(Said(0, took=1, granted=60), Said(100, 0, copies=2))) == [(0, 1), (61, 133.5)]


def test_who_asks_in_vain_is_without_from_then_on() -> None:
    """The registrar may still know the binding, but it answers nobody."""
    said = [Said(0, took=1, granted=3600), Said(100, 0), Said(120, took=1, granted=3600)]
    assert spans(unbound_intervals(*said)) == [(0, 1)]
    assert spans(unbound_intervals(*said, in_vain=True)) == [(0, 1), (100, 121)]


def test_who_removed_its_binding_wants_none() -> None:
    said = [Said(0, took=1, granted=60), Said(10, took=1, requested=0, granted=0), Said(500, took=1, granted=60)]
    assert spans(unbound_intervals(*said)) == [(0, 1), (500, 501)]


def test_tries_after_one_another_are_one_lack() -> None:
    said = [Said(time, 503) for time in (0, 10, 20)]
    assert spans(unbound_intervals(*said, Said(30, took=1))) == [(0, 31)]


def test_what_is_not_granted_in_words_is_as_usual() -> None:
    said = [Said(0, took=1), Said(200, took=1), Said(0, user="b", took=1, granted=100)]
    assert (101.0, 201.0) in spans(unbound_intervals(*said))


def test_names_that_a_guesser_tries_are_nobody() -> None:
    said = [Said(n / 10, 403, user=f"n{n}", host="h", call=f"c{n}") for n in range(40)]
    assert spans(unbound_intervals(*said)) == []


def by_timeline(until: list[float | None], *said: Said) -> list[tuple[float, float]]:
    """The same with what the clients' timelines say: until when each was bound, in seconds."""
    rows = talk(*said)
    times = [None if one is None else nanoseconds(one) for one in until]
    rows["bound_until"] = pd.to_datetime(pd.Series(times, dtype="Int64"), unit="ns", utc=True).to_numpy()
    traffic = traffic_of(rows)
    return spans(unbound_intervals_of(traffic, marks_of(traffic), np.zeros(len(traffic), dtype=bool)))


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ([None, None], [(0, 1), (61, 102)]),  # not known: as long as was granted
        ([161.0, 400.0], [(0, 1)]),  # another contact of it, or a refresh that another's answer shows
        ([31.0, 400.0], [(0, 1), (31, 102)]),  # taken away
        ([1.5, 400.0], [(0, 1), (1.5, 102)]),  # hardly bound at all
    ],
)
def test_the_timeline_of_a_client_counts_where_it_is_known(
    until: list[float | None], expected: list[tuple[float, float]]
) -> None:
    assert by_timeline(until, Said(0, took=1, granted=60), Said(100, took=2, granted=60)) == expected


def test_of_two_phones_at_one_place_the_one_that_is_bound_longer_counts() -> None:
    said = [Said(0, took=1, granted=300), Said(10, took=1, granted=60, call="b"), Said(200, took=2, granted=60)]
    assert by_timeline([301.0, 71.0, 262.0], *said) == [(0, 1)]
    assert by_timeline([101.0, 71.0, 262.0], *said) == [(0, 1), (101, 202)]


@FEW
@given(any_talk())
def test_lacks_of_a_client_do_not_overlap_and_end(said: list[Said]) -> None:
    found = unbound_intervals(*said)
    assert (found.end > found.start).all()
    for client in np.unique(found.client).tolist():
        mine = np.argsort(found.start[found.client == client])
        start, end = (getattr(found, name)[found.client == client][mine] for name in ("start", "end"))
        assert (start[1:] > end[:-1]).all()


@FEW
@given(any_talk())
def test_nobody_is_without_just_after_a_success(said: list[Said]) -> None:
    kept = [one for one in said if one.status != 200 or one.granted]
    if not kept:
        return
    found = unbound_intervals(*kept)
    traffic = traffic_of(talk(*kept))
    for row, one in enumerate(kept):
        if one.status == 200 and (one.granted or 0) >= 20:
            moment = nanoseconds(one.time + one.took) + 1
            held = [
                other
                for other in kept
                if other.client == one.client and one.time < other.time <= one.time + one.took + 0.001
            ]
            mine = found.client == traffic.client[row]
            alive = ((found.start <= moment) & (found.end > moment) & mine).any()
            assert not alive or held


@FEW
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=1, max_size=20), st.integers(0, 100))
def test_the_number_at_a_moment(pairs: list[tuple[int, int]], moment: int) -> None:
    start = np.array([begin for begin, _ in pairs], dtype=np.int64)
    end = start + np.array([length for _, length in pairs], dtype=np.int64)
    made = UnboundIntervals(np.zeros(len(start), dtype=np.int32), start, end)
    expected = sum(begin <= moment < begin + length for begin, length in pairs)
    assert unbound_at(made, np.array([moment])).tolist() == [expected]


def made(*pairs: tuple[float, float]) -> UnboundIntervals:
    """UnboundIntervals of a client each, in seconds."""
    times = np.array([[round(time * SECOND) for time in pair] for pair in pairs], dtype=np.int64)
    return UnboundIntervals(np.arange(len(pairs), dtype=np.int32), times[:, 0], times[:, 1])


def test_an_outage_adds_up() -> None:
    outage = outage_of(made((1, 4), (2, 9), (3, 5)), 0, 20 * SECOND)
    assert (outage.peak, outage.peak_time, outage.user_seconds) == (3, 3 * SECOND, 12.0)
    assert outage.recovered == 9 * SECOND


def test_an_outage_is_cut_to_its_storm() -> None:
    outage = outage_of(made((0, 100), (5, 7)), 4 * SECOND, 10 * SECOND)
    assert (outage.peak, outage.user_seconds, outage.recovered) == (2, 8.0, None)


def test_a_few_left_without_do_not_keep_it_open() -> None:
    pairs = [(1.0, 5.0)] * 40 + [(1.0, 500.0)]
    assert outage_of(made(*pairs), 0, 20 * SECOND).recovered == 5 * SECOND


def test_an_answer_that_is_on_its_way_at_the_end_still_comes() -> None:
    assert outage_of(made((1, 10.2)), 0, 10 * SECOND).recovered == round(10.2 * SECOND)
    assert outage_of(made((1, 10.8)), 0, 10 * SECOND).recovered is None


def test_no_lack_is_no_outage() -> None:
    outage = outage_of(made((30, 40)), 0, 20 * SECOND)
    assert (outage.peak, outage.peak_time, outage.user_seconds, outage.recovered) == (0, None, 0.0, None)


@pytest.mark.parametrize(("clients", "kept"), [([True, True], 2), ([False, True], 1), ([False, False], 0)])
def test_only_those_who_were_in_the_storm_count(clients: list[bool], kept: int) -> None:
    found = made((1, 4), (2, 9)).of(np.array(clients), 0, 20 * SECOND)
    assert len(found.start) == kept
    assert len(made((1, 4), (2, 9)).of(np.array(clients), 10 * SECOND, 20 * SECOND).start) == 0
