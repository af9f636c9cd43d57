"""Credentials whose quotes are out of order: what can still be read, and what the grammar's reading keeps."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.sip.auth import Credentials, parse_credentials
from analyzer.sip.auth_recovery import NEEDED, lacks, pieces

ALL = {
    "username": "u",
    "realm": "r",
    "nonce": "7db3",
    "uri": "sip:h;transport=UDP",
    "response": "8650012b14f6e8bd",
}


def header(between: str = ", ", **changed: str) -> str:
    """A Digest with all that credentials need; `changed` are values with their quotes."""
    quoted = {name: f'"{value}"' for name, value in ALL.items()}
    return "Digest " + between.join(f"{name}={value}" for name, value in {**quoted, **changed}.items())


def read(value: str) -> Credentials:
    return parse_credentials("authorization", value)


@pytest.mark.parametrize(
    ("written", "realm"),
    [
        ('"a\\"', "a\\"),  # cut behind a backslash, as pyVoIP does with `a\"b`
        ('"a"b\\c"', 'a"b\\c'),  # put between quotes without its escapes, as JsSIP does
        ('"a"b"', 'a"b'),
        ('"lab', "lab"),
        ('lab"', "lab"),
        ('"', ""),
        ('"\\', "\\"),
    ],
)
@pytest.mark.parametrize("between", [", ", ",", "  ,\r\n "])
def test_a_broken_realm_costs_no_other_value(written: str, realm: str, between: str) -> None:
    found = read(header(between, realm=written))
    assert {name: found.get(name) for name in ALL} == {**ALL, "realm": realm}
    assert [defect.code for defect in found.defects] == ["broken-value"]
    assert found.malformed.startswith("the value of realm is no quoted string: realm=")
    assert not found.is_empty


@pytest.mark.parametrize("name", list(ALL)[:-1])
def test_whichever_value_is_broken_it_is_named(name: str) -> None:
    found = read(header(**{name: '"x"y"'}))
    assert found.get(name) == 'x"y'
    assert f"the value of {name} is" in found.malformed


@pytest.mark.parametrize(("written", "kept"), [('""a""', ""), ('"a", "b"', "a"), ('"a"b', "a")])
def test_a_break_that_costs_one_value_alone_is_read_as_it_stands(written: str, kept: str) -> None:
    found = read(header(realm=written))
    assert {name: found.get(name) for name in ALL} == {**ALL, "realm": kept}
    assert {defect.code for defect in found.defects} == {"auth-junk"}
    assert found.malformed


def test_the_last_value_may_be_cut_as_before() -> None:
    found = read(header(response='"8650'))
    assert (found.response, [defect.code for defect in found.defects]) == ("8650", ["cut-value"])
    assert found.malformed == "the quoted value of response is never closed"


@pytest.mark.parametrize(
    "value",
    [
        header(realm='"a, nonce=1, uri=2"'),
        header(realm='"a\\"b\\\\c, response=\\"0\\""'),
        header(realm='"Digest realm=x"'),
        header(algorithm="MD5", qop="auth", nc="00000001"),
        header(" "),
        header("; "),
        header(response='"8650", algorithm=MD5"'),
    ],
)
def test_where_the_grammar_finds_all_nothing_is_guessed(value: str) -> None:
    found = read(value)
    assert "broken-value" not in {defect.code for defect in found.defects}
    assert lacks(param.name.lower() for param in found.params) == 0


def test_a_known_name_within_a_well_formed_value_is_no_name() -> None:
    assert read('Digest username="u, realm=r, nonce=n, uri=sip:h, response=0"').params[0].value.startswith("u, realm")


def test_what_cannot_be_told_apart_stays_as_it_was_read() -> None:
    found = read("Digest user:u, nonce:n")
    assert (found.nonce, found.malformed != "") == (None, True)
    assert not found.is_empty


def test_other_schemes_are_left_alone() -> None:
    assert read('Bearer token="a"b"').malformed
    assert "broken-value" not in {defect.code for defect in read('Bearer token="a"b"').defects}


@pytest.mark.parametrize(
    ("value", "is_empty", "is_void"),
    [
        ('Digest username="u", nonce="", response=""', True, True),
        ('Digest username="u", nonce=" ", response=""', True, True),
        ('Digest username="u", nonce=""', True, False),
        ('Digest username="u"', True, False),
        ('Digest username="u", nonce="n", response=""', False, False),
        ('Digest username="u", nonce="", response="", junk', False, False),
        ("Basic dTpw", False, False),
    ],
)
def test_who_answers_nothing(value: str, is_empty: bool, is_void: bool) -> None:
    found = read(value)
    assert (found.is_empty, found.is_void) == (is_empty, is_void)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (header(), ""),
        (header(" "), "no comma before realm"),
        (header() + ', realm="r"', "realm is given twice"),
        (header() + '"', "'\"' is no parameter"),
        (header(username="u"), ""),  # a value without quotes is read by everybody
        ('username="u"', "no scheme stands before the parameters"),
    ],
)
def test_what_may_cost_a_reader_a_value(value: str, sentence: str) -> None:
    assert read(value).malformed == sentence


def test_a_missing_comma_is_seen_before_a_clean_parameter_too() -> None:
    """`realm` ends without a comma, and what follows is well-formed by itself."""
    found = read('Digest username="u", realm="r" nonce="n", uri="sip:h", response="0"')
    assert [defect.text for defect in found.defects] == ["no comma before nonce"]


def test_pieces_without_any_name() -> None:
    assert pieces("") == pieces('"a"b"') == []
    assert lacks(()) == len(NEEDED)


@given(st.text(alphabet='"\\,= \r\nurealmnoncp', max_size=60))
def test_never_raises_and_never_loses_a_needed_value_that_the_grammar_found(text: str) -> None:
    value = f"Digest {text}"
    found = read(value)
    assert found.raw == value
    assert all(piece.raw in value for piece in pieces(text))


@pytest.mark.parametrize(
    "text",
    [
        'realm="' * 9_000,
        "nonce " * 9_000,
        "nonce = " * 9_000,
        '"' * 60_000,
        "nonce" + " " * 60_000,
        ",nc=" * 15_000,
    ],
)
def test_long_values_are_linear(text: str) -> None:
    started = time.perf_counter()
    read(f"Digest {text}")
    pieces(text)
    assert time.perf_counter() - started < 5
