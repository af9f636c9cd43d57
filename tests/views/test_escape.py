"""What the eye gets of wire text: nothing active, nothing invisible, and all else as it is."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.escape import visible


@pytest.mark.parametrize(
    "text", ["alice@example.com", "Größe", "日本語", "👍", "a b", "back\\slash", "e\u0301", "[red]", "<script>", ""]
)
def test_harmless_text_stays(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\r\nb\tc\0", "a\\r\\nb\\tc\\0"),
        ("\x07\x7f\x9b31m", "\\x07\\x7f\\x9b31m"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("\ufeff\u200b\u200d", "\\ufeff\\u200b\\u200d"),
        ("a\u2028b\u2029", "a\\u2028b\\u2029"),
        ("\xa0\xad", "\\xa0\\xad"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), "caf\\xe9"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\u3164\u115f\u2800", "\\u3164\\u115f\\u2800"),
        ("\u2764\ufe0f", "\u2764\\ufe0f"),
        ("\ue000\U0010ffff", "\\ue000\\U0010ffff"),
    ],
)
def test_what_is_active_or_invisible_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_marks_are_not_heaped() -> None:
    assert visible("a" + "\u0301" * 5) == "a\u0301\u0301" + "\\u0301" * 3
    assert visible("\u0301a") == "\\u0301a"


@given(st.text(st.characters(codec=None)))
def test_nothing_harmful_passes(text: str) -> None:
    shown = visible(text)
    for character in shown:
        assert unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        assert character == " " or not character.isspace()


@given(st.text(st.characters(codec=None)))
def test_what_is_shown_is_shown_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(st.text(st.characters(codec=None)))
def test_it_grows_by_a_constant_factor_at_most(text: str) -> None:
    assert len(visible(text)) <= 10 * len(text)


@given(st.binary())
def test_undecodable_octets_are_shown_in_hex(octets: bytes) -> None:
    visible(octets.decode("utf-8", "surrogateescape")).encode("utf-8")
