"""The columns of the analysis: the order of rows, codes, what is missing, and every copy in its place in time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.storm.traffic import SECOND, UNKNOWN, after, distinct, sends_of, traffic_of
from tests.dataframes.talks import Said, any_talk, nanoseconds, talk

FEW = settings(max_examples=60, deadline=None)


def seconds(times: object) -> list[float]:
    """Nanoseconds as seconds since the table's beginning."""
    return [round((int(time) - nanoseconds(0)) / SECOND, 3) for time in np.asarray(times)]


def test_timer_e_is_that_of_the_rfc() -> None:
    """RFC 3261 17.1.2.2: T1, doubling up to T2 = 4 s; the eleventh would come after Timer F."""
    due = after(np.arange(11)) / SECOND
    assert due.tolist() == [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]


def test_rows_are_put_in_the_order_of_time() -> None:
    traffic = traffic_of(talk(Said(5, user="b"), Said(1, user="a"), Said(3, user="c")))
    assert seconds(traffic.time) == [1, 3, 5]
    assert [traffic.users[code] for code in traffic.user] == [f"sip:{name}@lab.invalid" for name in "acb"]


def test_rows_of_the_same_time_keep_the_order_of_their_numbers() -> None:
    made = talk(Said(1, user="a"), Said(1, user="b"), Said(1, user="c"))
    for order in ([2, 0, 1], [1, 2, 0], [0, 1, 2]):
        traffic = traffic_of(made.iloc[order])
        assert [traffic.users[code][4] for code in traffic.user] == ["a", "b", "c"]


def test_a_row_without_a_time_is_left_out() -> None:
    made = talk(Said(1), Said(2), Said(3))
    made.loc[1, "time"] = pd.NaT
    traffic = traffic_of(made)
    assert seconds(traffic.time) == [1, 3]
    assert traffic.notes[0] == "1 transactions without a time were left out"


@pytest.mark.parametrize(
    "column", ["time", "final_time", "status", "retransmissions", "aor", "source", "call_id", "credentials"]
)
def test_what_must_be_there(column: str) -> None:
    with pytest.raises(KeyError, match=f"lacks {column}"):
        traffic_of(talk(Said(1)).drop(columns=column))


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("granted", "granted lifetimes are not known"),
        ("retry_after", "no answer gave Retry-After"),
        ("last_sent", "copies are placed by Timer E"),
    ],
)
def test_what_may_be_missing_is_told(column: str, said: str) -> None:
    whole = talk(Said(1, granted=60, retry_after=5)).assign(last_sent=lambda made: made["time"])
    assert traffic_of(whole).notes == ()
    assert [said in note for note in traffic_of(whole.drop(columns=column)).notes] == [True]
    empty = whole.assign(**{column: whole[column].where(pd.Series([False]))})
    assert [said in note for note in traffic_of(empty).notes] == [True]


def test_other_columns_do_not_matter() -> None:
    made = talk(Said(1), Said(2))
    assert seconds(traffic_of(made.assign(request_uri=pd.Series([[], {}], dtype=object))).time) == [1, 2]


def test_missing_names_are_one_more_name() -> None:
    made = talk(Said(1, user="a"), Said(2, user="b"), Said(3, user="c"))
    made["aor"] = made["aor"].where(pd.Series([True, False, False]))
    traffic = traffic_of(made)
    assert [traffic.users[code] for code in traffic.user] == ["sip:a@lab.invalid", "", ""]
    assert distinct(traffic.user) == 2


def test_a_client_is_a_user_at_a_host() -> None:
    traffic = traffic_of(
        talk(
            Said(1, user="a", host="h"),
            Said(2, user="a", host="h", port=99),
            Said(3, user="a", host="g"),
            Said(4, user="b", host="h"),
        )
    )
    assert len(set(traffic.client.tolist())) == 3
    assert traffic.client[0] == traffic.client[1]
    assert distinct(traffic.source) == 3


def test_the_last_copy_is_where_it_was_seen() -> None:
    made = talk(Said(10, 0, copies=3), Said(20, 0, copies=0))
    assert seconds(traffic_of(made).last) == [13.5, 20]
    seen = made.assign(last_sent=made["time"] + pd.to_timedelta([7, 0], unit="s"))
    assert seconds(traffic_of(seen).last) == [17, 20]


def test_the_last_copy_is_not_placed_after_the_answer() -> None:
    assert seconds(traffic_of(talk(Said(10, 200, took=2.0, copies=4))).last) == [12]


def test_copies_follow_timer_e_stretched_to_the_last_that_was_seen() -> None:
    made = talk(Said(10, 0, copies=3))
    plain = sends_of(traffic_of(made))
    assert seconds(plain.time) == [10, 10.5, 11.5, 13.5]
    assert plain.copy.tolist() == [False, True, True, True]
    stretched = sends_of(traffic_of(made.assign(last_sent=made["time"] + pd.Timedelta(7, unit="s"))))
    assert seconds(stretched.time) == [10, 11, 13, 17]


def by_loops(said: list[Said]) -> list[tuple[float, int, bool]]:
    """Each sending: when, of which transaction, whether a copy."""
    schedule = [0.0, 0.5, 1.5, 3.5]
    found = []
    for row, one in enumerate(said):
        due = schedule[one.copies]
        last = min(due, one.took) if one.answered is not None else due
        for number in range(one.copies + 1):
            part = schedule[number] / due * last if number else 0.0
            found.append((round(one.time + part, 3), row, number > 0))
    return sorted(found)


@FEW
@given(any_talk())
def test_sends_are_those_of_a_plain_loop(said: list[Said]) -> None:
    sends = sends_of(traffic_of(talk(*said)))
    assert bool((np.diff(sends.time) >= 0).all())
    made = sorted(zip(seconds(sends.time), sends.row.tolist(), sends.copy.tolist(), strict=True))
    assert made == by_loops(said)


@FEW
@given(any_talk(), st.integers(0, 700), st.integers(0, 200))
def test_sends_within_are_those_of_a_plain_loop(said: list[Said], begin: int, length: int) -> None:
    inside = sends_of(traffic_of(talk(*said))).within(nanoseconds(begin), nanoseconds(begin + length))
    expected = [one for one in by_loops(said) if begin <= one[0] <= begin + length]
    assert sorted(zip(seconds(inside.time), inside.row.tolist(), inside.copy.tolist(), strict=True)) == expected


@FEW
@given(any_talk(), st.integers(0, 700), st.integers(0, 200))
def test_a_part_has_all_that_is_between_two_times(said: list[Said], begin: int, length: int) -> None:
    traffic = traffic_of(talk(*said))
    start, end = nanoseconds(begin), nanoseconds(begin + length)
    rows = traffic.between(start, end)
    touching = (traffic.time <= end) & (np.maximum(traffic.last, traffic.final) >= start)
    inside = np.zeros(len(traffic), dtype=bool)
    inside[rows] = True
    assert not (touching & ~inside).any()
    part = traffic.part(rows)
    assert len(part) == inside.sum()
    assert part.time.tolist() == traffic.time[inside].tolist()
    assert part.users is traffic.users


def test_span_is_from_the_first_request_to_the_last_of_anything() -> None:
    traffic = traffic_of(talk(Said(1, took=50), Said(5), Said(9, 0, copies=1)))
    assert seconds(traffic.span) == [1, 51]


def test_whether_anything_is_answered_is_known_in_every_part() -> None:
    heard = traffic_of(talk(Said(1), Said(500, 0)))
    assert heard.part(slice(1, 2)).heard
    assert not traffic_of(talk(Said(1, 0))).heard


def test_unknown_times_stay_unknown() -> None:
    assert traffic_of(talk(Said(1, 0))).final.tolist() == [UNKNOWN]


@pytest.mark.parametrize("values", [[], [0], [5, 5, 5], [3, 1, 3, 0]])
def test_distinct(values: list[int]) -> None:
    assert distinct(np.array(values, dtype=np.int32)) == len(set(values))
