"""The key of RFC 3261 17.2.3, one for who reads a capture and who serves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.register.keys import branch_key, request_key
from analyzer.sip.message import Message, parse_bytes
from analyzer.sip.transaction_key import LEGACY, transaction_key
from replay.server_transaction import key_of

MODERN = "SIP/2.0/UDP h:5060;branch=z9hG4bKa"
OLD = "SIP/2.0/UDP h:5060;branch=1"
ROWS = {"Via": MODERN, "From": "<sip:a@h>;tag=1", "To": "<sip:a@h>", "Call-ID": "c", "CSeq": "1 REGISTER"}


def request(start: str = "REGISTER sip:h SIP/2.0", **changed: str) -> Message:
    rows = {**ROWS, **{name.replace("_", "-"): value for name, value in changed.items()}}
    lines = [start, *(f"{name}: {value}" for name, value in rows.items() if value)]
    return parse_bytes("\r\n".join([*lines, "", ""]).encode())


CHANGES: list[dict[str, str]] = [
    {"To": "<sip:a@h>;tag=2"},
    {"From": "<sip:a@h>;tag=2"},
    {"Call_ID": "d"},
    {"CSeq": "2 REGISTER"},
    {"CSeq": "1 OPTIONS"},
    {"CSeq": "nonsense"},
    {"CSeq": ""},
    {"start": "REGISTER sip:i SIP/2.0"},
]


@pytest.mark.parametrize("changed", CHANGES)
def test_the_cookie_says_all_and_without_it_nothing(changed: dict[str, str]) -> None:
    assert transaction_key(request(Via=MODERN, **changed)) == transaction_key(request(Via=MODERN))
    assert transaction_key(request(Via=OLD, **changed)) != transaction_key(request(Via=OLD))


def test_method_and_sent_by_count_beside_the_branch() -> None:
    options = request("OPTIONS sip:h SIP/2.0")
    assert transaction_key(options) != transaction_key(request())
    assert transaction_key(request(Via=MODERN.replace("5060", "5061"))) != transaction_key(request())
    assert transaction_key(request(Via=MODERN.replace(":5060", ""))) == transaction_key(request())


@pytest.mark.parametrize("via", [OLD, "SIP/2.0/UDP h", "SIP/2.0/UDP h;branch=z9hG4bK", ""])
def test_who_has_no_cookie_is_marked(via: str) -> None:
    assert transaction_key(request(Via=via))[0] == LEGACY


def test_unreadable_numbers_are_told_apart_as_written() -> None:
    assert transaction_key(request(Via=OLD, CSeq="x")) != transaction_key(request(Via=OLD, CSeq="y"))
    assert transaction_key(request(Via=OLD, CSeq="01 REGISTER")) == transaction_key(request(Via=OLD))


def test_the_reader_tells_a_reused_branch_apart_and_the_server_does_not() -> None:
    again = request(CSeq="2 REGISTER")
    assert key_of(again) == key_of(request())
    assert request_key(again) != request_key(request())
    assert request_key(request(Call_ID="d")) != request_key(request())


def test_reader_and_server_build_on_the_same_key() -> None:
    modern, old = request(), request(Via=OLD)
    assert request_key(modern)[:3] == key_of(modern) == transaction_key(modern)
    assert request_key(old) == key_of(old) == transaction_key(old)
    assert request_key(modern) == branch_key(modern, "REGISTER")  # so a response finds it
    assert key_of(request(Via="")) is None and request_key(request(Via=""))[0] == LEGACY


@given(
    st.sampled_from([MODERN, OLD, "", "SIP/2.0/UDP h"]),
    st.sampled_from(CHANGES),
    st.sampled_from(CHANGES),
)
@settings(max_examples=200, deadline=None)
def test_the_servers_key_never_splits_what_the_reader_joins(
    via: str, first: dict[str, str], second: dict[str, str]
) -> None:
    one, two = request(Via=via, **first), request(Via=via, **second)
    if request_key(one) == request_key(two):
        assert transaction_key(one) == transaction_key(two)
