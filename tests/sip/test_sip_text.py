"""The tokenizer, quoted strings, escapes, parameters, numbers and dates."""

from __future__ import annotations

import time

import pytest

from analyzer.sip.params import NO_PARAMS, Params, parse_params, parse_uri_params
from analyzer.sip.scalar import HUGE, decimal, qvalue, sip_date
from analyzer.sip.text import clip, is_token, octets, quote, segments, split_list, text, unescape, unpair, unquote


@pytest.mark.parametrize(
    "wire", [b"plain", "Jörgen".encode(), "Jörgen".encode("latin-1"), bytes(range(256)), b"\xed\xa0\x80"]
)
def test_octets_come_back(wire: bytes) -> None:
    assert octets(text(wire)) == wire


def test_octets_of_text_that_never_was_wire() -> None:
    assert octets("a\ud800b") == b"a?b"


@pytest.mark.parametrize(
    ("value", "elements"),
    [
        ("", []),
        ("a", ["a"]),
        (" a , b,\tc ", ["a", "b", "c"]),
        (",a,,b,", ["a", "b"]),
        ('"a,b",c', ['"a,b"', "c"]),
        ('"a\\",b",c', ['"a\\",b"', "c"]),
        ("<a,b>,c", ["<a,b>", "c"]),
        ('"<",a,">"', ['"<"', "a", '">"']),
        ('<">,a', ['<">', "a"]),
        ('a,"b,c', ["a", '"b,c']),
        ('a,"b,c\\', ["a", '"b,c\\']),
        ("a,<b,c", ["a", "<b,c"]),
        ('x="1,2";y,z', ['x="1,2";y', "z"]),
    ],
)
def test_split_list(value: str, elements: list[str]) -> None:
    assert split_list(value) == elements
    assert ",".join(segments(value)) == value


def test_split_at_another_separator() -> None:
    assert split_list('a;b="x;y";<c;d>', ";") == ["a", 'b="x;y"', "<c;d>"]


@pytest.mark.parametrize(
    ("quoted", "plain"),
    [
        ('"a"', "a"),
        ('""', ""),
        (' "a b" ', "a b"),
        ('"a\\"b\\\\"', 'a"b\\'),
        ("a", "a"),
        ('"a', '"a'),
        ('"a\\"', '"a\\"'),
        ('"a"b"', '"a"b"'),
        ('"', '"'),
        ("", ""),
        ("'a'", "'a'"),
    ],
)
def test_unquote(quoted: str, plain: str) -> None:
    assert unquote(quoted) == plain


@pytest.mark.parametrize("plain", ["", "a", 'a"b', "a\\", '\\"', "Jörgen"])
def test_quote_is_the_inverse(plain: str) -> None:
    assert unquote(quote(plain)) == plain and unpair(quote(plain)[1:-1]) == plain


def test_unescape() -> None:
    assert unescape("%61%00%C3%B6%fc%zz%4") == "a\0ö\udcfc%zz%4" and unescape("abc") == "abc"


def test_tokens_and_clipping() -> None:
    assert is_token("a-.!%*_+`'~0") and not is_token("") and not is_token("a b") and not is_token("ä")
    assert clip("a\r\nb") == "a  b" and clip("x" * 61) == "x" * 60 + "..."


def test_params_keep_order_spelling_and_duplicates() -> None:
    params = parse_params(' ; A = 1;b; a=2;C="x;y" ')
    assert params.items_as_written == (("A", "1"), ("b", None), ("a", "2"), ("C", '"x;y"'))
    assert dict(params) == {"a": "1", "b": None, "c": '"x;y"'} and str(params) == ';A=1;b;a=2;C="x;y"'
    assert [defect.code for defect in params.defects] == ["duplicate-parameter"]
    assert "a" in params and params.get("b", "x") is None and params.get("z", "x") == "x" and params.get("z") is None
    assert params["a"] == "1" and len(params) == 3 and list(params) == ["a", "b", "c"]
    with pytest.raises(KeyError):
        params["z"]


def test_params_are_values() -> None:
    assert parse_params("a=1;b") == parse_params(";b;A=1") == {"a": "1", "b": None}
    assert hash(parse_params("a=1;b")) == hash(parse_params(";b;A=1")) and repr(parse_params("a")) == "Params(';a')"
    assert parse_params("") is NO_PARAMS and not parse_params(" ; ") and Params() == {}


def test_uri_params_know_no_quotes() -> None:
    params = parse_uri_params('a="x;y"')
    assert dict(params) == {"a": '"x', 'y"': None} and not params.defects


@pytest.mark.parametrize(
    ("digits", "number"), [("0", 0), ("007", 7), ("", None), ("+1", None), (" 1", None), ("1_0", None), ("²", None)]
)
def test_decimal(digits: str, number: int | None) -> None:
    assert decimal(digits) == number


def test_decimal_of_absurdly_many_digits() -> None:
    started = time.perf_counter()
    assert decimal("1" * 3_000_000) == HUGE and decimal("0" * 3_000_000 + "1") == 1
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    ("q", "number"), [("0.5", 0.5), ("1.0000", None), ("1.001", None), ("", None), ("0.1234", None)]
)
def test_qvalue(q: str, number: float | None) -> None:
    assert qvalue(q) == number


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Sat, 13 Nov 2010 23:29:00 GMT", 1289690940),
        ("Thu, 30 Mar 2017 11:35:51 GMT", 1490873751),
        ("Thu, 29 Feb 2024 00:00:00 GMT", 1709164800),
        ("Thu, 29 Feb 2023 00:00:00 GMT", None),
        ("Fri, 01 Jan 2010 16:00:00 EST", None),
        ("Fri, 01 Jan 2010 24:00:00 GMT", None),
        ("Fri, 00 Jan 2010 16:00:00 GMT", None),
        ("Fri, 01 Jan 0000 16:00:00 GMT", None),
        ("1289690940", None),
        ("", None),
    ],
)
def test_sip_date(date: str, seconds: int | None) -> None:
    assert sip_date(date) == seconds


@pytest.mark.parametrize(
    "value", ['"' * 500_000, '"\\' * 250_000, "<" * 500_000, ',"' * 250_000, "\\" * 500_000 + '"', '<"' * 250_000]
)
def test_the_tokenizer_is_linear(value: str) -> None:
    started = time.perf_counter()
    assert ",".join(segments(value)) == value
    unquote(value)
    parse_params(value)
    assert time.perf_counter() - started < 5
