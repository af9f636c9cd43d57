"""Two values of the wire, told apart and without passwords."""

from __future__ import annotations

import pytest

from analyzer.judge.findings import NO_VALUES, Values
from analyzer.judge.values import apart, without_password
from analyzer.sip.text import clip


@pytest.mark.parametrize(
    ("seen", "due", "values"),
    [
        ("sip:a@h", "sip:b@h", Values("sip:a@h", "sip:b@h")),
        ("", "sip:b@h", Values("empty", "sip:b@h")),
        ("sip:a@h", "", Values("sip:a@h", "empty")),
        ("sip:a@h", "sip:a@h", NO_VALUES),
        ("", "", NO_VALUES),
        ("sip:a:x@h", "sip:a:y@h", NO_VALUES),
        ("sip:a:x@h", "sip:b:y@h", Values("sip:a:...@h", "sip:b:...@h")),
    ],
)
def test_two_values_differ_or_are_left_out(seen: str, due: str, values: Values) -> None:
    assert apart(seen, due) == values


def test_what_differs_behind_the_cut_is_left_out() -> None:
    assert apart(clip("a" * 60 + "b"), clip("a" * 60 + "c")) == NO_VALUES


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("sip:bob:pw@h", "sip:bob:...@h"),
        ("SIPS:bob:pw@h", "SIPS:bob:...@h"),
        ("sip:bob:p;w?@h", "sip:bob:...@h"),
        ('"B" <sip:bob:p:w@h>;tag=1, <sip:al:pw@h>', '"B" <sip:bob:...@h>;tag=1, <sip:al:...@h>'),
        ("sip:bob@h:5060", "sip:bob@h:5060"),
        ("sip:h:5060;lr", "sip:h:5060;lr"),
        ("<sip:p1:5060;lr>, <sip:bob@h>", "<sip:p1:5060;lr>, <sip:bob@h>"),
        ("sip:[2001:db8::1]:5060", "sip:[2001:db8::1]:5060"),
        ("mailto:bob@h", "mailto:bob@h"),
        ("no password", "no password"),
        ("", ""),
    ],
)
def test_the_password_of_a_uri_is_not_told(written: str, told: str) -> None:
    assert without_password(written) == told


def test_nor_is_the_beginning_of_one_that_was_cut() -> None:
    assert "secret" not in without_password(clip(f"sip:bob:{'secret' * 20}@h"))


def test_much_text_takes_no_long_time() -> None:
    assert without_password("sip:" + ":" * 20_000) == "sip:" + ":" * 20_000
