"""Nonce counts are numbers, counted for each realm and nonce (RFC 7616 3.4, RFC 3261 22.3)."""

from __future__ import annotations

import pytest

from analyzer.register.nonce_counts import nonce_count
from tests.register.watch import watch

_CHALLENGE = 'WWW-Authenticate: Digest realm="example.com", nonce="AAAA", qop="auth"\n'
_BOTH = _CHALLENGE + 'Proxy-Authenticate: Digest realm="proxy.example.com", nonce="PPPP", qop="auth"\n'


def credentials(nc: str, *, realm: str = "example.com", nonce: str = "AAAA", header: str = "Authorization") -> str:
    return (
        f'{header}: Digest username="bob", realm="{realm}", nonce="{nonce}", uri="sip:example.com", qop=auth, nc={nc}, '
        f'cnonce="c", response="00112233445566778899aabbccddeeff"\n'
    )


def replays(*requests: str, challenge: str = _CHALLENGE) -> list[bool]:
    """Of each credentials in turn, whether its count was there before."""
    flow = f"> REGISTER sip:example.com\n< 401\n{challenge}"
    flow += "".join(
        f"@{10 * number} > REGISTER sip:example.com\n{one}< 200\n" for number, one in enumerate(requests, 1)
    )
    return [record.replayed for record in watch(flow).reconstructor.digests.records]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (("00000001", "00000002", "00000003"), [False, False, False]),
        (("9", "10"), [False, False]),
        (("9", "A", "f", "10"), [False, False, False, False]),
        (("0000000A", "a"), [False, True]),
        (("2", "1", "2", "3"), [False, True, True, False]),
        (("00000001", "00000001"), [False, True]),
        (("1", "0x2", "1"), [False, False, True]),
    ],
)
def test_a_count_that_does_not_rise_is_a_replay(counts: tuple[str, ...], expected: list[bool]) -> None:
    assert replays(*map(credentials, counts)) == expected


def test_each_nonce_counts_by_itself() -> None:
    assert replays(credentials("2"), credentials("1", nonce="BBBB"), credentials("2")) == [False, False, True]


def test_a_replay_beside_another_realm_is_seen() -> None:
    proxy = {"realm": "proxy.example.com", "nonce": "PPPP", "header": "Proxy-Authorization"}
    both = [credentials(nc, **proxy) + credentials(own) for nc, own in (("1", "1"), ("2", "1"), ("3", "2"))]
    assert replays(*both, challenge=_BOTH) == [False, False, False, True, False, False]


def test_two_responses_in_one_request_are_no_replay_of_each_other() -> None:
    twice = credentials("1") + credentials("1").replace("qop=auth", "qop=auth, algorithm=SHA-256")
    assert replays(twice, credentials("1")) == [False, False, True]


@pytest.mark.parametrize(("nc", "number"), [("", None), ("00000010", 16), ("g", None), ("-1", None), ("1 ", None)])
def test_the_number_of_a_count(nc: str, number: int | None) -> None:
    assert nonce_count(nc) == number


def test_a_count_of_absurd_length_is_no_number() -> None:
    assert nonce_count("f" * 64) == 16**64 - 1
    assert nonce_count("f" * 65) is None


# A count that jumps: far from any use of the nonce that is known.


def jumps(*requests: str, before: str = "", challenge: str = _CHALLENGE) -> list[int | None]:
    """Of each credentials in turn, the count from which it jumped."""
    flow = f"{before}> REGISTER sip:example.com\n< 401\n{challenge}"
    flow += "".join(
        f"@{10 * number} > REGISTER sip:example.com\n{one}< 200\n" for number, one in enumerate(requests, 1)
    )
    return [
        record.counted_before for record in watch(flow).reconstructor.digests.records if record.method == "REGISTER"
    ]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (("00000001", "00000002"), [None, None]),
        (("00028811",), [0]),
        (("00000010",), [None]),
        (("00000011",), [0]),
        (("00000001", "00000011"), [None, None]),
        (("00000001", "00000012"), [None, 1]),
        (("ffffffff", "fffffffe"), [0, None]),
        (("", "00000090"), [None, None]),
        (("zz", "00000090"), [None, None]),
    ],
)
def test_far_from_any_use_it_jumps(counts: tuple[str, ...], expected: list[int | None]) -> None:
    assert jumps(*map(credentials, counts)) == expected


@pytest.mark.parametrize(
    "before",
    [
        f"> REGISTER sip:example.com\nCall-ID: another\nTo: <sip:eve@example.com>\n< 401\n{_CHALLENGE}",
        f"> SUBSCRIBE sip:example.com\nCall-ID: another\n< 401\n{_CHALLENGE}",
        f"> SUBSCRIBE sip:example.com\n{credentials('00000001')}< 200\n",
    ],
    ids=["another client has the nonce", "another dialog has it", "another method used it"],
)
def test_where_others_may_have_counted_nothing_jumps(before: str) -> None:
    assert jumps(credentials("00028811"), before=before) == [None]


def test_a_nonce_from_before_the_capture_may_have_any_count() -> None:
    flow = f"> REGISTER sip:example.com\n{credentials('00028811', nonce='old')}< 200\n"
    assert [record.counted_before for record in watch(flow).reconstructor.digests.records] == [None]


def test_a_missing_request_may_have_counted() -> None:
    """docs/rules/traps.md T-LOSS: CSeq 2 and 3 are not in the capture."""
    flow = f"> REGISTER sip:example.com\nCSeq: 1 REGISTER\n< 401\n{_CHALLENGE}"
    flow += f"> REGISTER sip:example.com\nCSeq: 40 REGISTER\n{credentials('00000028')}< 200\n"
    assert [record.counted_before for record in watch(flow).reconstructor.digests.records] == [None]


def test_the_same_nonce_given_again_may_count_on_or_begin_anew() -> None:
    flow = (
        f"> REGISTER sip:example.com\n< 401\n{_CHALLENGE}> REGISTER sip:example.com\n{credentials('00000001')}< 401\n"
    )
    for count in ("00000001", "00000002", "00000090"):
        again = f"{flow}{_CHALLENGE}> REGISTER sip:example.com\n{credentials(count)}< 200\n"
        assert [record.counted_before for record in watch(again).reconstructor.digests.records] == [None, None]
