"""Addresses: display name, URI and parameters apart; lists; what the grammar refuses is still read."""

from __future__ import annotations

import time

import pytest

from analyzer.sip.address import Address, empty_elements, parse_addresses


@pytest.mark.parametrize(
    ("text", "display", "uri", "params"),
    [
        ("sip:bob@h", "", "sip:bob@h", {}),
        ("sip:bob@h;tag=8", "", "sip:bob@h", {"tag": "8"}),
        ("<sip:bob@h>;tag=8", "", "sip:bob@h", {"tag": "8"}),
        ("<sip:bob@h;tag=8>", "", "sip:bob@h;tag=8", {}),
        ("Bob <sip:bob@h>", "Bob", "sip:bob@h", {}),
        ("A. G. Bell  <sip:bob@h> ; Tag = x", "A. G. Bell", "sip:bob@h", {"tag": "x"}),
        ("caller<sip:caller@h>", "caller", "sip:caller@h", {}),
        ('"Bob <1>, \\"x\\"" <sip:bob@h>', 'Bob <1>, "x"', "sip:bob@h", {}),
        ('""<sip:bob@h>', "", "sip:bob@h", {}),
        ('"Jörgen" <sip:j@h>', "Jörgen", "sip:j@h", {}),
        ('<sip:b@h>;+sip.instance="<urn:uuid:0,1;2>";q=1.0', "", "sip:b@h", None),
        ("mailto:bob@h;expires=4294967295", "", "mailto:bob@h", {"expires": "4294967295"}),
    ],
)
def test_legal_forms(text: str, display: str, uri: str, params: dict[str, str] | None) -> None:
    address = Address.parse(text)
    assert address.defects == () and str(address) == text and not address.star
    assert address.uri is not None and (address.display, address.uri.text) == (display, uri)
    assert params is None or dict(address.params) == params
    assert address.bracketed == ("<sip" in text)


def test_instance_keeps_its_quotes_and_can_lose_them() -> None:
    params = Address.parse('<sip:b@h>;+sip.Instance="<urn:uuid:0,1;2>";reg-id=1').params
    assert params["+sip.instance"] == '"<urn:uuid:0,1;2>"'
    assert params.unquoted("+sip.instance") == "<urn:uuid:0,1;2>" and params.unquoted("nothing") is None


@pytest.mark.parametrize(
    ("text", "params"), [("*", {}), (" * ", {}), ("*;expires=0", {"expires": "0"}), ("* ;a", {"a": None})]
)
def test_star(text: str, params: dict[str, str | None]) -> None:
    address = Address.parse(text)
    assert address.star and address.uri is None and dict(address.params) == params and not address.defects


def test_a_star_in_the_user_part_is_no_star() -> None:
    assert not Address.parse("sip:*@h").star and not Address.parse("<*>").star and not Address.parse("*x").star


@pytest.mark.parametrize(
    ("text", "codes", "uri"),
    [
        ('"Bob <sip:bob@h>', {"unterminated-quote"}, "sip:bob@h"),
        ('"Bob', {"unterminated-quote"}, None),
        ('"Bob"', {"bad-address"}, None),
        ('"Bob" sip:bob@h;tag=1', {"bad-address"}, "sip:bob@h"),
        ('"Bob";tag=1', {"bad-address"}, None),
        ("Bob, A <sip:bob@h>", {"bad-display-name"}, "sip:bob@h"),
        ('"A" "B" <sip:bob@h>', {"bad-display-name"}, "sip:bob@h"),
        ("Jörgen <sip:j@h>", {"bad-display-name"}, "sip:j@h"),
        ("< sip:bob@h >", {"bad-address"}, "sip:bob@h"),
        ("<sip:bob@h", {"bad-address"}, "sip:bob@h"),
        ("<sip:bob@h> junk;tag=1", {"bad-address"}, "sip:bob@h"),
        ("sip:bob@h?Route=%3Cx%3E", {"uri-not-bracketed"}, "sip:bob@h?Route=%3Cx%3E"),
        ("sip:bob,alice@h", {"uri-not-bracketed"}, "sip:bob,alice@h"),
        ("sip:bob;par=1@h", {"uri-not-bracketed"}, "sip:bob"),
        ("bob@h", {"bad-uri"}, "bob@h"),
        ("", {"bad-uri"}, ""),
        ("<>", {"bad-uri"}, ""),
        ("<sip:bob@h>;;tag=1", {"empty-parameter"}, "sip:bob@h"),
        ("<sip:bob@h>;tag=1;TAG=2", {"duplicate-parameter"}, "sip:bob@h"),
        ("<sip:bob@h>;a=b c", {"bad-parameter"}, "sip:bob@h"),
        ("<sip:bob@h>;a b=c", {"bad-parameter"}, "sip:bob@h"),
        ('<sip:bob@h>;a="b', {"unterminated-quote"}, "sip:bob@h"),
        ("<sip:bob@h>;a=", {"bad-parameter"}, "sip:bob@h"),
        ("<sip:bob@h>;q=2", {"bad-q"}, "sip:bob@h"),
        ("<sip:bob@h:x>", {"bad-port"}, "sip:bob@h:x"),
    ],
)
def test_defects_and_what_is_read_all_the_same(text: str, codes: set[str], uri: str | None) -> None:
    address = Address.parse(text)
    assert {defect.code for defect in address.defects} == codes
    assert (None if address.uri is None else address.uri.text) == uri


@pytest.mark.parametrize(
    ("value", "seconds", "codes"),
    [
        ("3600", 3600, set()),
        ("0003600", 3600, set()),
        ("0", 0, set()),
        ("4294967295", 4294967295, set()),
        ("4294967296", 4294967295, {"expires-out-of-range"}),
        ("9" * 100_000, 4294967295, {"expires-out-of-range"}),
        ("1h", None, {"bad-expires"}),
        ('"3600"', None, {"bad-expires"}),
        ("-1", None, {"bad-expires"}),
        ("٣", None, {"bad-expires"}),
        ('"Sat, 01 Jan 2030 00:00:00 GMT"', None, {"bad-expires"}),
        ("", None, {"bad-expires", "bad-parameter"}),
    ],
)
def test_expires(value: str, seconds: int | None, codes: set[str]) -> None:
    address = Address.parse(f"<sip:b@h>;ExPiReS={value}")
    assert address.expires == seconds and {defect.code for defect in address.defects} == codes


def test_expires_without_value_and_absent() -> None:
    flag, absent = Address.parse("<sip:b@h>;expires"), Address.parse("<sip:b@h;expires=5>")
    assert flag.expires is None and [d.code for d in flag.defects] == ["bad-expires"]
    assert absent.expires is None and absent.defects == ()


@pytest.mark.parametrize(
    ("q", "number"), [("0", 0.0), ("1", 1.0), ("0.33", 0.33), ("1.000", 1.0), ("0.", 0.0), (".5", None)]
)
def test_q(q: str, number: float | None) -> None:
    assert Address.parse(f"<sip:b@h>;q={q}").q == number


def test_lists_split_outside_quotes_and_brackets_only() -> None:
    rows = ['"Mr. Watson, x" <sip:w,a@h> ;q=0.7, "W" <mailto:w@h>;q=0.1', "sip:c@h,,*"]
    addresses = [one for row in rows for one in parse_addresses(row)]
    assert [a.uri and a.uri.text for a in addresses] == ["sip:w,a@h", "mailto:w@h", "sip:c@h", None]
    assert [a.q for a in addresses[:2]] == [0.7, 0.1] and addresses[3].star
    assert [d.code for d in empty_elements(rows)] == ["empty-list-element"]
    assert [d.code for d in empty_elements(["", "a"])] == ["empty-list-element"]


def test_the_last_bracket_counts_after_an_open_quote() -> None:
    address = Address.parse('"a <sip:x@h> b <sip:y@h>;tag=1')
    assert address.uri is not None and address.uri.text == "sip:y@h" and address.tag == "1"


def test_addresses_are_values() -> None:
    assert Address.parse("<sip:b@h>;x=1") == Address.parse("<sip:b@h>;x=1")
    assert len({Address.parse("<sip:b@h>"), Address.parse("<sip:b@h>"), Address.parse("sip:b@h")}) == 2


@pytest.mark.parametrize(
    "text", ['"' * 300_000, "<" * 300_000, '"\\' * 150_000, "<sip:b@h>" + ";" * 300_000, ' "a" ' * 60_000]
)
def test_long_values_are_linear(text: str) -> None:
    started = time.perf_counter()
    parse_addresses(text)
    parse_addresses(text + ",<sip:b@h>")
    assert time.perf_counter() - started < 5
