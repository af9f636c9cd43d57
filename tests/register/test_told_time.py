"""Whether the time that a registrar tells goes on."""

from __future__ import annotations

import pytest

from analyzer.register.told_time import TOLERANCE
from tests.register.traffic import answer, request
from tests.register.watch import watch

_DATE = "Date: Fri, 14 Jul 2017 02:{}:{:02d} GMT\r\n"


def told(*dates: str, times: tuple[float, ...] = (), statuses: tuple[int, ...] = ()) -> list[str | None]:
    """What each answer of one client is held against, as it was written; the answers come ten seconds apart."""
    items = []
    for number, date in enumerate(dates):
        at = times[number] if times else 10.0 * number
        ids = {"branch": f"z9hG4bK{number}"}
        items.append(request(at, cseq=number + 1, **ids))
        status = statuses[number] if statuses else 200
        items.append(answer(at + 0.1, status, cseq=number + 1, extra=date, **ids))
    return [one.set_back.written if one.set_back is not None else None for one in watch(items).transactions]


def date(minute: int, second: int) -> str:
    """A Date header of that minute."""
    return _DATE.format(minute, second)


def test_a_clock_that_goes_on_is_not_noted() -> None:
    assert told(date(40, 0), date(40, 10), date(40, 20)) == [None, None, None]


def test_a_clock_that_was_set_back_is_held_against_the_date_before() -> None:
    assert told(date(40, 0), date(39, 30), date(39, 40)) == [None, "Fri, 14 Jul 2017 02:40:00 GMT", None]


@pytest.mark.parametrize("back", range(TOLERANCE + 2))
def test_answers_of_one_moment_may_overtake_each_other(back: int) -> None:
    found = told(date(40, 30), date(40, 30 - back))
    assert (found[1] is not None) == (back > TOLERANCE)


def test_an_answer_without_a_date_in_between_does_not_matter() -> None:
    assert told(date(40, 0), "", date(39, 0))[2] == "Fri, 14 Jul 2017 02:40:00 GMT"


def test_a_date_that_cannot_be_read_is_no_time() -> None:
    assert told(date(40, 0), "Date: yesterday\r\n", date(40, 20)) == [None, None, None]


def test_where_the_recording_itself_steps_back_nothing_is_noted() -> None:
    assert told(date(40, 0), date(39, 0), times=(500.0, 440.0)) == [None, None]


def test_only_what_grants_is_asked() -> None:
    assert told(date(40, 0), date(39, 0), statuses=(200, 403)) == [None, None]
