"""Nonces that count up do so still; others are told from one another by nothing."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.redact.counters import LEAST, MOST_KNOWN, Counters, moved
from analyzer.redact.pseudonyms import Pseudonyms
from analyzer.register.challenges import number_of
from tests.redact.redacted import KEY, Parts

COUNTER = ["3a90f00d", "3a91f00d", "3a92f00d", "3a93f00d", "3a94f00d"]


def runs(*nonces: str, realm: str = "acme") -> list[list[str]]:
    counters = Counters()
    for nonce in nonces:
        counters.note(realm, nonce)
    return list(counters.runs())


def of(nonces: list[str], key: bytes = KEY) -> list[str]:
    names = Pseudonyms(key)
    for nonce in nonces:
        names.counters.note("acme", nonce)
        names.of(nonce, is_drawn=True)
    names.settle()
    return [names.of(nonce, is_drawn=True) for nonce in nonces]


@pytest.mark.parametrize(
    "nonces",
    [COUNTER, ["1490873751000000", "1490873751000060", "1490873751000120", "1490873751000180"],
     [f"{0x10f0 + step:032x}" for step in range(6)], ["0a0", "0a1", "0a2", "0a9"]],
)  # fmt: skip
def test_a_counter_counts_as_it_did(nonces: list[str]) -> None:
    made = of(nonces)
    base = 10 if nonces[0].isdigit() else 16
    steps = [[int(other, base) - int(one, base) for one, other in pairwise(each)] for each in (nonces, made)]
    assert steps[0] == steps[1]
    assert [(len(one), one.isdigit()) for one in made] == [(len(one), one.isdigit()) for one in nonces]
    assert not set(made) & set(nonces)
    assert of(nonces, b"another key of many octets") != made


@pytest.mark.parametrize(
    "nonces",
    [COUNTER[:3], COUNTER[::-1], ["3a90f00d", "4a90f00d", "5a90f00d", "6a90f00d"], ["a1z", "a2z", "a3z", "a4z"],
     ["9a", "99a", "999a", "9999a"], ["39999999", "3999999a", "3999999b", "3999999c"]],
)  # fmt: skip
def test_what_does_not_count_up_is_no_counter(nonces: list[str]) -> None:
    assert not runs(*nonces)


def test_a_nonce_that_is_given_out_again_is_no_step() -> None:
    assert runs(*(nonce for nonce in COUNTER for _ in range(2))) == [COUNTER]
    assert runs(*COUNTER, "ff", *COUNTER) == [COUNTER]


def test_each_realm_counts_by_itself() -> None:
    counters = Counters()
    for one, other in zip(COUNTER, ["7b00ffff", "7a00ffff", "1c00ffff", "9a00ffff", "2e00ffff"], strict=True):
        counters.note("acme", one)
        counters.note("other", other)
    assert list(counters.runs()) == [COUNTER]


def test_there_is_not_always_a_place() -> None:
    assert moved(COUNTER, Pseudonyms(KEY).digest, lambda _: False) == {}
    assert moved(["0", "1", "2", "9"], Pseudonyms(KEY).digest, lambda _: True) == {}


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.redact.counters.MOST_KNOWN", LEAST - 1)
    assert not runs(*COUNTER) and MOST_KNOWN > LEAST


@given(st.text(max_size=40))
def test_a_number_is_one(nonce: str) -> None:
    value = number_of(nonce)
    assert value is None or value == int(nonce, 10 if nonce.isdigit() else 16)


def test_the_second_in_a_nonce_of_res_pjsip_is_a_time() -> None:
    parts = Parts()
    parts.headers.span = 1_795_999_000, 1_795_999_999
    line = 'SIP/2.0 401 Unauthorized\nWWW-Authenticate: Digest realm="a.de", nonce="{}/{}"\n\n'
    parts.message(line.format(1_795_999_333, "ad" * 16))
    inside = parts.message(line.format(1_795_999_333, "ad" * 16))
    outside = parts.message(line.format(1_795_998_333, "ad" * 16))
    assert b'nonce="1795999333/' in inside and b"ad" * 16 not in inside
    assert b"1795998333" not in outside and b"ad" * 16 not in outside


def test_a_number_in_a_nonce_that_is_a_users_is_no_time() -> None:
    parts = Parts()
    parts.headers.span = 1_795_999_000, 1_795_999_999
    text = (
        "REGISTER sip:a.de SIP/2.0\nFrom: <sip:1795999333@a.de>;tag=1\n"
        f'Authorization: Digest username="u", realm="a.de", nonce="1795999333/{"ad" * 16}"\n\n'
    )
    assert b"1795999333" not in parts.message(text)
