"""The search for IPv6 addresses knows all spellings, takes nothing else for one, and is linear."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.redact.leaks import LeakSearch
from analyzer.redact.six import SixSearch

SHORT, LONG, FOUR = "2001:db8::77", "2001:db8:1234:5678:9abc:def0:1357:2468", "192.0.2.77"
SEARCH = LeakSearch([], [SHORT, LONG, FOUR])


@pytest.mark.parametrize(
    "written",
    [
        SHORT,
        "2001:DB8:0:0:0:0:0:77",
        "[2001:db8::77]:5060",
        "2001:db8::77:5060",
        "2001:db8:0::0077",
        "2001:db8::0.0.0.119",
        "phone2001:db8::77.",
        "_2001:db8::77-x",
        f"{LONG}:5060",
        f"v{LONG}",
        f"x{LONG.upper()}x",
        LONG.replace(":", "%3A"),
        LONG.replace(":", "%3a") + ":5060",
        "2001:db8:1234:5678:9abc:def0:19.87.36.104",
        LONG.replace(":", "-") + ".ipv6-literal.net",
        "20010db8123456789abcdef013572468",
        "0x20010DB8123456789ABCDEF013572468",
        IPv6Address(LONG).reverse_pointer,
        "::ffff:192.0.2.77",
        "v0:0:0:0:0:ffff:c000:24d",
        "64:ff9b::c000:24d",
    ],
)
def test_every_spelling_is_found(written: str) -> None:
    assert SEARCH.found(f"User-Agent: Phone {written}\r\n".encode())


@pytest.mark.parametrize(
    "written",
    [
        "2001:db8::78",
        "2001:db8::7",
        "12:34:56",
        "2026-11-20 11:53:43.746947",
        "00:00:5e:00:53:01",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "2001:db8:1234:5678:9abc:def0:1357:2469",
        "20010db8123456789abcdef0135724680",
        "::ffff:192.0.2.78",
        ":::::",
        "a.b.c",
    ],
)
def test_nothing_else_is_taken_for_one(written: str) -> None:
    assert not SEARCH.found(f"User-Agent: Phone {written}\r\n".encode())


@given(st.ip_addresses(v=6), st.sampled_from(("", "v", "x=", "[")), st.sampled_from(("", ":5060", "]:5060", " ", ";")))
def test_any_address_is_found_in_full_and_short(address: IPv6Address, before: str, behind: str) -> None:
    search = SixSearch([str(address)])
    for text in (str(address), address.exploded):
        assert any(search.found(f"{before}{text}{behind}".encode()))


@pytest.mark.parametrize("unit", [b"a", b"a:", b":", b"::", b"-", b"1.", b"0123456789abcdef"])
def test_windows_grow_with_the_text_alone(unit: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    for times in (200, 400):
        read: list[str] = []
        monkeypatch.setattr("analyzer.redact.six._packed", lambda text, read=read: read.append(text) or b"")
        search = SixSearch([])
        search._packed = {b"x"}
        assert not any(search.found(unit * times))
        counts.append(len(read))
    assert counts[1] <= 2.2 * counts[0] + 20


def test_nothing_is_looked_for_where_no_address_is_known() -> None:
    assert not any(SixSearch([]).found(LONG.encode()))
