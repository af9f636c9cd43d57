"""A pseudonym: the same for the same word and key, of its form, nobody else's, and not of the original."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.redact import pseudonyms
from analyzer.redact.pseudonyms import Pseudonyms, TooManyWords, is_hex
from analyzer.redact.rows import moved, rows_of
from tests.redact.redacted import KEY

WORD = st.text(st.sampled_from(string.ascii_letters + string.digits + "üé漢"), min_size=1, max_size=24)


def of(words: list[str], key: bytes = KEY) -> dict[str, str]:
    names = Pseudonyms(key)
    for word in words:
        names.of(word)
    names.settle()
    return {word: names.of(word) for word in words}


@given(st.lists(WORD, max_size=30))
def test_different_words_stay_different_and_equal_ones_equal(words: list[str]) -> None:
    found = of(words)
    assert len({one.lower() for one in found.values()}) == len({one.lower() for one in found})
    assert of(list(reversed(words))) == found


@given(WORD)
def test_the_form_of_a_word_is_kept(word: str) -> None:
    found = of([word])[word]
    if len(found) == len(word):  # a longer one stands for a short word
        for one, other in zip(word, found, strict=True):
            assert one.isdigit() == other.isdigit()
            if one.isascii() and one.isalpha():
                assert one.isupper() == other.isupper()
            assert len(one.encode()) == len(other.encode())
    assert is_hex(found.lower()) == is_hex(word.lower())


def test_no_word_of_the_original_is_a_pseudonym() -> None:
    """Two thirds of all numbers of three digits are in use."""
    numbers = [f"{number}" for number in range(100, 760)]
    found = of(numbers)
    assert set(found.values()).isdisjoint(numbers)
    assert len(set(found.values())) == len(numbers)


def test_where_all_are_in_use_pseudonyms_are_longer() -> None:
    digits = list("0123456789")
    found = of(digits)
    assert len(set(found.values())) == 10 and set(found.values()).isdisjoint(digits)
    assert all(one.isdigit() for one in found.values())


def test_numbers_in_a_row_stay_in_a_row() -> None:
    numbers = [f"{number}" for number in (*range(1000, 1400), 7001, 7002, 7003, "0815")]
    found = of(numbers)
    moved = [int(found[number]) for number in numbers[:400]]
    assert moved == list(range(moved[0], moved[0] + 400))
    assert set(found.values()).isdisjoint(numbers)
    assert len(set(found.values())) == len(numbers)
    assert all(len(made) == 4 for made in found.values())
    few = [int(found[number]) for number in ("7001", "7002", "7003")]
    assert (few[1] - few[0], few[2] - few[1]) != (1, 1)


def test_a_row_is_moved_by_the_key_and_where_there_is_room() -> None:
    row = [f"{number}" for number in range(200, 700)]
    one, same, other = of(row), of(row[::-1]), of(row, b"another key of thirty-two octets.")
    assert one == same != other
    for found in (one, other):
        assert set(found.values()).isdisjoint(row)
        values = [int(found[number]) for number in row]
        assert values == list(range(values[0], values[0] + 500))
        assert values[0] >= 1000  # no 500 numbers in a row of three digits are free


def test_rows_are_of_numbers_alone_and_long_enough() -> None:
    numbers = [str(number) for number in range(95, 112)]
    assert list(rows_of([*numbers, "x1", "00100", "٣"])) == [numbers[5:]]
    assert list(rows_of(numbers[:9])) == []
    assert list(rows_of([])) == []


def test_what_an_earlier_file_was_given_stays_in_a_row() -> None:
    given = {"105": "555"}
    names = Pseudonyms(KEY, given)
    for number in range(100, 120):
        names.of(str(number))
    names.settle()
    assert names.of("105") == "555"
    assert len({names.of(str(number)) for number in range(100, 120)}) == 20


def test_a_row_for_which_there_is_no_room_is_not_moved() -> None:
    def never(made: str) -> bool:
        return False

    assert moved(["10", "11"], lambda purpose, text: bytes(32), never, never) == {}
    late = moved(["10", "11"], lambda purpose, text: bytes(32), never, lambda made: True)
    assert late == {"10": "100", "11": "101"}


def test_no_original_stands_within_a_pseudonym() -> None:
    short = [f"{number}" for number in range(1000, 3000)]
    long = [f"555{number}77" for number in range(10000, 10400)]
    found = of([*short, *long])
    for word in long:
        assert not [one for one in (found[word][at : at + 4] for at in range(7)) if one in set(short)]


def test_another_key_gives_other_pseudonyms() -> None:
    words = ["alice", "bob", "4711", "kk80ei"]
    one, other = of(words), of(words, b"another key")
    assert all(one[word] != other[word] for word in words)


def test_case_is_that_of_the_word() -> None:
    found = of(["alice", "Alice", "ALICE"])
    assert found["ALICE"] == found["alice"].upper()
    assert found["Alice"] == found["alice"].capitalize()


@pytest.mark.parametrize("word", ["000a95a0e128", "DEADBEEF01", "7db329c0b20c12d646bf"])
def test_hex_stays_hex(word: str) -> None:
    assert all(one in string.hexdigits for one in of([word])[word])


def test_long_words_that_a_program_drew_take_no_memory() -> None:
    names = Pseudonyms(KEY)
    for number in range(1000):
        names.of(f"longrandomcallid{number:08}", is_drawn=True)
    assert len(names) == 0


def test_too_many_names_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pseudonyms, "MOST_WORDS", 3)
    names = Pseudonyms(KEY)
    with pytest.raises(TooManyWords):
        for word in ("a", "b", "c", "d"):
            names.of(word)


def test_a_long_name_is_noted_and_what_a_program_drew_is_not() -> None:
    """Who looks for what is left looks for what is noted."""
    names = Pseudonyms(KEY)
    names.of("Alexandermustermannsson")
    names.of("b7a1c09d8e7f6a5b4c3d2e1f", is_drawn=True)
    names.of("kundennummerabcdefgh", is_drawn=True)
    names.settle()
    assert names.has("alexandermustermannsson") and names.has("kundennummerabcdefgh")
    assert not names.has("b7a1c09d8e7f6a5b4c3d2e1f")
