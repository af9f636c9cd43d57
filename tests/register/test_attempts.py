"""Chains of transactions with one outcome (docs/rules/reconstruction.md 5, T-AUTH)."""

from __future__ import annotations

import pytest

from analyzer.register.attempt import LONGEST
from tests.register.watch import put, raw_messages, start, watch

ONE = "> REGISTER sip:a\n"
AUTH = "> REGISTER sip:a\nAuthorization: {bob secret}\n"
PROXY_AUTH = "> REGISTER sip:a\nProxy-Authorization: {bob secret}\n"
STALE = '< 401\nWWW-Authenticate: Digest realm="example.com", nonce="n%d", stale=true, qop="auth"\n'
SAME = '< 401\nWWW-Authenticate: Digest realm="example.com", nonce="n1"\n'


@pytest.mark.parametrize(
    ("flow", "attempts"),
    [
        (f"{ONE}< 200", [("registered", 200, 1)]),
        (f"{ONE}< 401\n{AUTH}< 200", [("registered", 200, 2)]),
        (f"{ONE}< 407\n{PROXY_AUTH}< 200", [("registered", 200, 2)]),
        (f"{ONE}< 407\n{PROXY_AUTH}< 401\n{AUTH}< 200", [("registered", 200, 3)]),
        (f"{ONE}< 423\nMin-Expires: 7200\n{ONE}Expires: 7200\n< 200", [("registered", 200, 2)]),
        (f"{ONE}< 401\n{AUTH}< 423\n{ONE}< 401\n{AUTH}< 200", [("registered", 200, 4)]),
        (f"{ONE}Require: outbound\n< 420\n{ONE}< 200", [("registered", 200, 2)]),
        (f"{ONE}< 421\n{ONE}Supported: path\n< 200", [("registered", 200, 2)]),
        (f"{ONE}< 494\n{ONE}< 200", [("registered", 200, 2)]),
        (f"{ONE}< 403", [("rejected", 403, 1)]),
        (f"{ONE}< 401\n{AUTH}< 403", [("rejected", 403, 2)]),
        (f"{ONE}< 503\n{ONE}< 200", [("rejected", 503, 1), ("registered", 200, 1)]),
        (f"{ONE}< 302\n{ONE}< 200", [("rejected", 302, 1), ("registered", 200, 1)]),
    ],
)
def test_chains(flow: str, attempts: list[tuple[str, int, int]]) -> None:
    assert watch(flow).attempts == attempts


@pytest.mark.parametrize(
    ("request_", "outcome"),
    [
        (ONE, "registered"),
        (f"{ONE}Expires: 0\n", "removed"),
        (f"{ONE}Contact: *\nExpires: 0\n", "removed"),
        (f"{ONE}-Contact\n", "fetched"),
        (f"{ONE}Contact: <sip:bob@192.0.2.10>;expires=0\n", "removed"),  # T-EXP: the parameter wins
        (f"{ONE}Contact: <sip:bob@192.0.2.10>;expires=60\nExpires: 0\n", "registered"),
        (f"{ONE}Contact: <sip:a@h>;expires=0, <sip:b@h>;expires=60\n", "registered"),
        (f"{ONE}Contact: <sip:a@h>;expires=0, <sip:b@h>;expires=0\n", "removed"),
        (f"{ONE}-Expires\n", "registered"),
        (f"{ONE}Contact: <sip:a@h;expires=0>\n", "registered"),  # T-TAG: that is the URI's parameter
        ("> REGISTER sip:a\n-Contact\n-Expires\nm: *\nExpires: 0\n", "removed"),  # docs/rules/traps.md T-COMPACT
    ],
)
def test_what_a_success_means(request_: str, outcome: str) -> None:
    assert watch(f"{request_}< 200").attempts == [(outcome, 200, 1)]


def test_a_stale_challenge_goes_on() -> None:
    """RFC 7616 3.3: the password was right, the nonce was old."""
    flow = f"{ONE}{STALE % 1}{AUTH}{STALE % 2}{AUTH}{STALE % 3}{AUTH}< 200"
    assert watch(flow).attempts == [("registered", 200, 4)]


def test_refused_credentials_end_the_attempt() -> None:
    """A wrong password makes attempts, each refused, not one endless chain."""
    flow = f"{ONE}< 401\n{AUTH}< 401\n{AUTH}< 401\n{AUTH}< 401"
    assert watch(flow).attempts == [("rejected", 401, 2), ("rejected", 401, 1), ("rejected", 401, 1)]


def test_old_credentials_of_before_are_no_refusal() -> None:
    """A refresh begins with the nonce that it knows; the challenge says that it is spent, though not `stale`."""
    flow = f"{ONE}< 401\n{AUTH}< 200\n@1800 {AUTH}< 401\n{AUTH}< 200"
    watched = watch(flow)
    assert [outcome for outcome, _, _ in watched.attempts] == ["registered", "registered"]


@pytest.mark.parametrize(("after", "attempts"), [(31, 1), (33, 2)])
def test_a_retry_belongs_to_its_challenge_for_32_seconds(after: float, attempts: int) -> None:
    flow = f"{ONE}< 401\n@{after} {AUTH}< 200"
    watched = watch(flow)
    assert watched.registration.attempts == attempts
    assert watched.attempts[-1][0] == "registered"


@pytest.mark.parametrize(
    ("tail", "attempt"), [(60, ("abandoned", 401, 1)), (33, ("abandoned", 401, 1)), (5, ("open", 401, 1))]
)
def test_a_challenge_that_is_not_answered(tail: float, attempt: tuple[str, int, int]) -> None:
    """Abandoned after 32 s, if the capture goes on for so long (docs/rules/traps.md T-TAIL)."""
    assert watch(f"{ONE}< 401", tail=tail).attempts == [attempt]


def test_a_challenge_that_is_followed_by_a_fresh_request_is_abandoned_at_once() -> None:
    watched = start()
    put(watched, raw_messages(f"{ONE}< 401\n{ONE}"))
    assert watched.attempts == [("abandoned", 401, 1)]


@pytest.mark.parametrize("status", [423, 420, 494])
def test_what_is_given_up_after_another_linking_answer_was_rejected(status: int) -> None:
    assert watch(f"{ONE}< {status}", tail=60).attempts == [("rejected", status, 1)]


def test_an_abandoned_proxy_chain() -> None:
    """Two challenges in a row; credentials for the first were given, so it was not simply abandoned."""
    assert watch(f"{ONE}< 407\n{PROXY_AUTH}< 401", tail=60).attempts == [("rejected", 401, 2)]


def test_a_chain_has_an_end() -> None:
    """A registrar that calls every nonce stale makes rounds, not one attempt for ever."""
    flow = ONE + "".join(f"{STALE % number}{AUTH}" for number in range(30)) + "< 200"
    lengths = [length for _, _, length in watch(flow).attempts]
    assert max(lengths) == LONGEST
    assert sum(lengths) == 31


def test_a_chain_of_brief_intervals_has_an_end_too() -> None:
    lengths = [length for _, _, length in watch(f"{ONE}< 423\n" * 30, tail=60).attempts]
    assert max(lengths) == LONGEST
    assert sum(lengths) == 30


def test_a_retry_with_another_call_id_is_linked_by_its_nonce() -> None:
    """RFC 3261 8.1.3.5 wants the same Call-ID; the nonce shows that it is the answer all the same."""
    flow = f"{ONE}< 401\n> REGISTER sip:a\nCall-ID: other\nAuthorization: {{bob secret}}\n< 200"
    assert watch(flow).attempts == [("registered", 200, 2)]


def test_another_call_id_with_another_nonce_is_a_new_attempt() -> None:
    flow = f"{ONE}< 401\n> REGISTER sip:a\nCall-ID: other\nAuthorization: {{bob secret nonce=zzz}}\n< 200"
    assert [length for _, _, length in watch(flow).attempts] == [1, 1]


def test_the_same_nonce_in_every_challenge() -> None:
    """A registrar with one nonce for all: right credentials are accepted, wrong ones refused."""
    assert watch(f"{ONE}{SAME}{AUTH}< 200\n@60 {AUTH}{SAME}").attempts[0] == ("registered", 200, 2)
    assert watch(f"{ONE}{SAME}{AUTH}{SAME}{AUTH}{SAME}").attempts == [("rejected", 401, 2), ("rejected", 401, 1)]


def test_a_new_request_while_one_is_pending_is_an_attempt_of_its_own() -> None:
    flow = f"> OPTIONS sip:a\nCall-ID: o\n< 200\n{ONE}@0.5 > again\n@1 {ONE}< 200"
    watched = watch(flow, tail=60)
    assert sorted(watched.attempts) == [("registered", 200, 1), ("timeout", 0, 1)]


def test_silence_that_is_known_late_does_not_undo_a_later_success() -> None:
    """The pending request times out 40 s later, when the client has long been registered."""
    flow = f"> OPTIONS sip:a\nCall-ID: o\n< 200\n{ONE}@0.5 > again\n@1 {ONE}< 200"
    registration = watch(flow, tail=60).registration
    assert (registration.outcome, registration.status) == ("registered", 200)
    assert registration.outcomes == {"registered": 1, "timeout": 1}
    assert registration.failing_since is None


def test_a_refusal_on_two_hops_is_one() -> None:
    via = "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa\n"
    proxy = "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKp\n"
    flow = f"{ONE}CSeq: 1\n{via}src=198.51.100.7:5060 {ONE}CSeq: 1\n{proxy}{via}to=2 < 403\nto=1 < 403"
    assert watch(flow).attempts == [("rejected", 403, 1)]
