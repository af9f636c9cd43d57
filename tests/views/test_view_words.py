"""Numbers, durations, times, places and parties in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.evidence import SECOND, Frame, LogLines, Place, Source
from analyzer.views.words import (
    Clock,
    capital,
    clause_words,
    clock_of,
    count,
    duration,
    listed,
    party,
    place_words,
    plural,
    possessive,
    sentence,
    source_names,
    times,
)

MORNING = 1_490_873_751 * SECOND  # 30 Mar 2017 11:35:51 UTC


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (0, "packet", "0 packets"),
        (1, "packet", "1 packet"),
        (49636, "packet", "49,636 packets"),
        (2, "try", "2 tries"),
        (2, "SIP message", "2 SIP messages"),
        (1234, "", "1,234"),
    ],
)
def test_counts(number: int, noun: str, words: str) -> None:
    assert count(number, noun) == words


def test_plural_looks_at_the_last_word() -> None:
    assert [plural(noun) for noun in ("address", "SIP address", "reply", "client")] == [
        "addresses",
        "SIP addresses",
        "replies",
        "clients",
    ]


@pytest.mark.parametrize(("number", "words"), [(1, "once"), (2, "twice"), (3, "3 times"), (1500, "1,500 times")])
def test_times(number: int, words: str) -> None:
    assert times(number) == words


def test_lists_and_possessives() -> None:
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"], "or")] == [
        "",
        "a",
        "a and b",
        "a, b or c",
    ]
    assert [possessive("alice"), possessive("boss")] == ["alice's", "boss'"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"),
        (0.04, "40 ms"),
        (0.0994, "99 ms"),
        (0.5, "0.5 s"),
        (2, "2 s"),
        (31.5, "31.5 s"),
        (119.94, "119.9 s"),
        (120, "2 min"),
        (240, "4 min"),
        (7199, "2 h"),
        (3 * 3600 + 20 * 60, "3 h 20 min"),
        (86400, "24 h"),
        (5 * 86400, "5 days"),
        (-2, "2 s"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(round(seconds * SECOND)) == words


def test_a_clock_is_that_of_the_source() -> None:
    assert Clock(7200, MORNING).at(MORNING) == "13:35:51"
    assert Clock(0, MORNING).at(MORNING) == "11:35:51"
    assert Clock(-19800, MORNING).at(MORNING) == "06:05:51"


def test_a_clock_names_the_day_where_it_is_another() -> None:
    clock = Clock(7200, MORNING)
    assert clock.at(MORNING + 86400 * SECOND) == "31 Mar 13:35:51"
    assert clock.at(MORNING + 366 * 86400 * SECOND) == "31 Mar 2018 13:35:51"
    assert Clock().at(MORNING) == "30 Mar 2017 11:35:51"


def test_midnight_is_that_of_the_zone() -> None:
    late = MORNING + 11 * 3600 * SECOND  # 22:35 UTC
    assert Clock(7200, MORNING).at(late) == "31 Mar 00:35:51"
    assert Clock(0, MORNING).at(late) == "22:35:51"


def test_spans() -> None:
    clock = Clock(7200, MORNING)
    assert clock.span(MORNING, MORNING + 15 * SECOND) == "30 Mar 2017 13:35:51 - 13:36:06"
    assert clock.span(MORNING, MORNING + 20_000_000) == "30 Mar 2017 13:35:51"
    assert clock.span(MORNING, MORNING + 86400 * SECOND) == "30 Mar 2017 13:35:51 - 31 Mar 13:35:51"
    assert clock.span(MORNING, MORNING + 366 * 86400 * SECOND).endswith(" - 31 Mar 2018 13:35:51")


@given(st.integers(-(2**63), 2**64 * 1000), st.integers(-86400, 86400))
def test_no_time_of_a_damaged_capture_breaks_the_clock(time: int, offset: int) -> None:
    clock = Clock(offset, time)
    assert clock.at(time)
    assert clock.span(time, time + SECOND)


def test_a_capture_has_no_zone_of_its_own() -> None:
    log = Source("a.txt", kind="log", utc_offset=7200, first=MORNING)
    capture = Source("a.pcap", utc_offset=7200, first=MORNING)
    assert (clock_of(log).at(MORNING), clock_of(capture).at(MORNING)) == ("13:35:51", "11:35:51")


def test_sources_are_called_by_as_much_of_the_path_as_tells_them_apart() -> None:
    names = source_names([Source("/a/x/full"), Source("/a/y/full"), Source("/b/other.txt"), Source("-")])
    assert list(names.values()) == ["x/full", "y/full", "other.txt", "standard input"]


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ([Frame("a", 981)], "frame 981"),
        ([Frame("a", 1004)], "frame 1004"),
        ([Frame("a", 981), Frame("a", 455)], "frame 981 after 455"),
        ([Frame("a", 455), Frame("a", 981)], "frames 455, 981"),
        ([Frame("a", 5), Frame("a", 5)], "frame 5"),
        ([Frame("a", 5), Frame("b", 9)], "frame 5"),
        ([LogLines("a", 39, 52)], "line 39"),
        ([LogLines("a", 39, 52), LogLines("a", 20, 25)], "line 39 after 20"),
    ],
)
def test_places_can_be_typed_into_wireshark_and_the_editor(places: list[Place], words: str) -> None:
    assert place_words(*places) == words


@pytest.mark.parametrize(
    ("at_fault", "words"),
    [
        ("UAC", "phone"),
        ("registrar", "registrar"),
        ("UAC / proxy", "phone or proxy"),
        ("registrar / SBC / ALG", "registrar, SBC or ALG"),
        ("operator", "administrator"),
        ("", ""),
    ],
)
def test_parties(at_fault: str, words: str) -> None:
    assert party(at_fault) == words


@pytest.mark.parametrize(
    ("clause", "short"),
    [
        ("RFC 3261 §10.2 (Request-URI)", "RFC 3261 10.2"),
        ("RFC 3261 §10.2 (Call-ID), §10.2.4 ¶ last, §8.1.1.4; RFC 5627 §4.1", "RFC 3261 10.2"),
        ("RFC 3261 §22.2 last ¶, §8.1.3.5", "RFC 3261 22.2"),
        ("RFC 2617 §3.2.2.1-3.2.2.3", "RFC 2617 3.2.2.1-3.2.2.3"),
        ("none, practice", "none"),
    ],
)
def test_clauses(clause: str, short: str) -> None:
    assert clause_words(clause) == short
    assert "§" not in clause_words(clause, whole=True)


def test_sentences() -> None:
    assert [sentence("so"), sentence("so."), sentence("so?"), sentence("")] == ["so.", "so.", "so?", ""]
    assert [capital("keep it"), capital("")] == ["Keep it", ""]
