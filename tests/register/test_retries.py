"""What a client did after a failure: the row of failures, its waits, and whether the next request asks for the same."""

from __future__ import annotations

import pytest

from analyzer.evidence import SECOND
from analyzer.judge.flowtext import START, read_flow
from analyzer.register.digest.secrets import Secrets
from analyzer.register.reconstruct import Reconstructor
from analyzer.register.retries import KEPT, MOST_ROWS, Retries, Retry
from analyzer.sip.message import parse
from tests.register.watch import Watched, watch

_TIMER_E = (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)


def row(flow: str) -> tuple[Retry, ...]:
    """The failures of the one client of a flow, at its end."""
    watched: Watched = watch(flow)
    return watched.reconstructor.retries.of(watched.registration.id)


def test_a_refusal_and_the_next_try() -> None:
    (one,) = row("@1 > REGISTER sip:h\n@1.5 < 403\n@6 > REGISTER sip:h\n< 403")
    assert (one.status, one.is_cut, one.is_unchanged, one.unchanged) == (403, False, True, 1)
    assert one.begun == START + SECOND
    assert one.wait == 4.5 * SECOND


def test_a_timeout_ends_64_t1_after_the_first_sending() -> None:
    copies = "".join(f"@{at} > again\n" for at in _TIMER_E)
    (one,) = row(f"@0 > REGISTER sip:h\n{copies}@40 > REGISTER sip:h\n< 200")
    assert (one.status, one.is_cut) == (0, False)
    assert one.failed_at == START + 32 * SECOND
    assert one.wait == 8 * SECOND


def test_what_has_not_failed_yet_is_no_failure() -> None:
    assert row("@0 > REGISTER sip:h\n@10 > REGISTER sip:h\n< 200") == ()


def test_a_network_error_ends_it_at_once() -> None:
    (one,) = row("@0 > REGISTER sip:h\n@0.25 ! icmp\n@2.25 > REGISTER sip:h\n< 200")
    assert (one.status, one.is_cut, one.wait) == (0, True, 2 * SECOND)


def test_an_error_that_an_answer_followed_is_none() -> None:
    (one,) = row("@0 > REGISTER sip:h\n@0.25 ! icmp\n@1 < 503\n@2 > REGISTER sip:h\n< 200")
    assert (one.status, one.is_cut, one.wait) == (503, False, SECOND)


@pytest.mark.parametrize(
    "between",
    ["> REGISTER sip:h\n< 200\n", "> REGISTER sip:h\n< 401\n@70 > REGISTER sip:h\n< 403\n"],
    ids=["a success", "a challenge that is not answered"],
)
def test_what_ends_a_row(between: str) -> None:
    found = row(f"> REGISTER sip:h\n< 403\n@9 > REGISTER sip:h\n< 403\n@18 {between}@99 > REGISTER sip:h\n< 200")
    assert len(found) <= 1


def test_the_challenge_of_an_attempt_does_not_end_it() -> None:
    turn = "@{} > REGISTER sip:h\n< 401\n> REGISTER sip:h\nAuthorization: {{bob x}}\n< 403\n"
    found = row("".join(turn.format(10 * number) for number in range(4)))
    assert [one.unchanged for one in found] == [1, 2, 3]


@pytest.mark.parametrize(
    ("change", "is_unchanged"),
    [
        ("Call-ID: other", True),
        ("CSeq: 90", True),
        ("From: <sip:bob@example.com>;tag=other", True),
        ("Date: Fri, 14 Jul 2017 02:40:00 GMT", True),
        ("Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKother", True),
        ("Contact: <sip:bob@192.0.2.10:5070>", False),
        ("Expires: 60", False),
        ("-Expires", False),
        ("To: <sip:al@example.com>", False),
        ("Require: x", False),
        ("Route: <sip:p;lr>", False),
    ],
)
def test_what_is_a_change(change: str, is_unchanged: bool) -> None:
    flow = f"> REGISTER sip:h\n< 403\n@5 > REGISTER sip:h\n{change}\n< 403"
    watched = watch(flow)
    found = [one for each in watched.registrations for one in watched.reconstructor.retries.of(each.id)]
    assert not found or found[-1].is_unchanged is is_unchanged
    assert found or change.startswith("To:")  # another address-of-record is another client


def test_another_user_in_the_credentials_is_a_change() -> None:
    digest = 'Digest username="{}", realm="r", nonce="n", uri="sip:h", response="1"'
    turn = f"@{{}} > REGISTER sip:h\nAuthorization: {digest}\n< 403\n"
    assert not row(turn.format(0, "al") + turn.format(5, "bo"))[-1].is_unchanged
    assert row(turn.format(0, "al") + turn.format(5, "al"))[-1].is_unchanged


def test_another_request_uri_is_another_registrars_business() -> None:
    watched = watch("> REGISTER sip:h\n< 403\n@5 > REGISTER sip:other\n< 403")
    assert not any(
        one.is_unchanged for each in watched.registrations for one in watched.reconstructor.retries.of(each.id)
    )


def test_another_status_begins_to_count_anew() -> None:
    flow = "".join(
        f"@{5 * number} > REGISTER sip:h\n< {status}\n" for number, status in enumerate((403, 403, 404, 404, 404))
    )
    assert [(one.status, one.unchanged) for one in row(flow)] == [(403, 1), (403, 2), (404, 1), (404, 2)]


def test_a_420_counts_within_its_attempt() -> None:
    flow = "".join(f"@{number} > REGISTER sip:h\nRequire: x\n< 420\nUnsupported: x\n" for number in range(4))
    assert [one.unchanged for one in row(flow)] == [1, 2, 3]


def test_a_row_is_bounded_and_goes_on_counting() -> None:
    found = row("".join(f"@{5 * number} > REGISTER sip:h\n< 403\n" for number in range(KEPT + 20)))
    assert len(found) == KEPT
    assert found[-1].unchanged == KEPT + 19


def test_the_oldest_client_makes_room() -> None:
    retries = Retries()
    for number in range(MOST_ROWS + 3):
        retries._rows[number] = ()
    assert retries.evicted == 3
    assert retries.of(0) == ()


def test_without_a_clock_the_wait_is_not_known() -> None:

    reconstructor = Reconstructor(Secrets.of({}), lambda *_: None)
    for item in read_flow("> REGISTER sip:h\n< 403\n> REGISTER sip:h\n< 403"):
        item.time = None
        reconstructor.feed(parse(item))  # type: ignore[arg-type]
    (one,) = reconstructor.retries.of(next(iter(reconstructor.registry)).id)
    assert one.wait is None
    assert one.is_unchanged
