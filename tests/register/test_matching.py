"""Which answer belongs to which request (docs/rules/reconstruction.md 2; RFC 3261 17.1.3, 17.2.3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.evidence import Endpoint, RawMessage
from analyzer.judge.flowtext import read_flow
from tests.register.watch import Watched, edited, raw_messages, summary, watch

ELSEWHERE = Endpoint("198.51.100.77", 5080)
NEAR = Endpoint("203.0.113.9", 40000)
PAIR = "> REGISTER sip:example.com\n< 200"


def answered_with(*edits: tuple[bytes, bytes], source: Endpoint | None = None, to: Endpoint | None = None) -> Watched:
    """One request and its 200, the answer edited and coming from and going to other places."""
    request, answer = raw_messages(PAIR)
    for old, new in edits:
        answer = edited(answer, old, new)
    answer = replace(answer, source=source or answer.source, destination=to or answer.destination)
    return watch([request, answer])


def test_a_request_and_its_answer_are_one_transaction() -> None:
    transaction = watch(PAIR).only
    assert summary(transaction) == ("answered", 200, 0, 0)
    assert (transaction.pairing, transaction.method, transaction.cseq) == (1, "REGISTER", 1)
    assert transaction.branch == "z9hG4bK1"
    assert transaction.sent_by == "192.0.2.10:5060"


def test_k1_asks_for_no_address() -> None:
    """An answer that was sent astray still belongs to its request: where it went is a finding (T-NAT)."""
    assert answered_with(source=ELSEWHERE, to=NEAR).only.pairing == 1


def test_k1_takes_a_default_port_as_written() -> None:
    request, answer = raw_messages(PAIR)
    request = edited(request, b"192.0.2.10:5060;rport;branch", b"192.0.2.10;rport;branch")
    assert watch([request, answer]).only.pairing == 1


def test_k1_compares_the_sent_by_host_without_case() -> None:
    request, answer = raw_messages("> REGISTER sip:a\nVia: SIP/2.0/UDP Phone.Example:5060;branch=z9hG4bKx\n< 200")
    answer = edited(answer, b"Phone.Example", b"PHONE.example")
    assert watch([request, answer]).only.pairing == 1


@pytest.mark.parametrize(
    "edit", [(b"CSeq: 1 ", b"CSeq: 9 "), (b"Call-ID: call-1", b"Call-ID: call-2")], ids=["cseq", "call-id"]
)
def test_k1_pairs_although_a_guard_differs(edit: tuple[bytes, bytes]) -> None:
    """Branch and sent-by match: the wrong CSeq or Call-ID in the answer is the server's fault, not another call."""
    transaction = answered_with(edit).only
    assert summary(transaction) == ("answered", 200, 0, 0)
    assert transaction.pairing == 1


def test_k3_when_the_via_was_rewritten() -> None:
    transaction = answered_with((b"z9hG4bK1", b"z9hG4bKsbc")).only
    assert (transaction.status, transaction.pairing) == (200, 3)


def test_k3_when_the_via_is_gone() -> None:
    transaction = watch("> REGISTER sip:a\n< 200\n-Via").only
    assert (transaction.status, transaction.pairing) == (200, 3)


def test_k3_takes_the_answer_back_at_one_end_at_least() -> None:
    assert answered_with((b"z9hG4bK1", b"z9hG4bKsbc"), source=ELSEWHERE).only.pairing == 3
    assert answered_with((b"z9hG4bK1", b"z9hG4bKsbc"), source=ELSEWHERE, to=NEAR).only.pairing == 4


def test_k4_when_the_from_tag_differs_too() -> None:
    transaction = answered_with((b"z9hG4bK1", b"z9hG4bKsbc"), (b"tag=f1", b"tag=other")).only
    assert (transaction.status, transaction.pairing) == (200, 4)


def test_a_better_key_wins_over_a_later_request() -> None:
    """Two hops wait for the answer of one Call-ID and CSeq; the one with the same From tag is meant."""
    first, second, answer = raw_messages(
        "> REGISTER sip:a\nCSeq: 1\n> REGISTER sip:a\nCSeq: 1\nFrom: <sip:bob@example.com>;tag=f2\n< 200\n-Via"
    )
    answer = edited(answer, b"tag=f2", b"tag=f1")
    transactions = watch([first, second, answer]).transactions
    assert [(one.status, one.pairing) for one in transactions] == [(200, 3), (0, 1)]


def test_k3_is_not_asked_after_forty_seconds() -> None:
    watched = watch("> REGISTER sip:a\n@20 > again\n@41 < 200\n-Via")
    assert [one.state for one in watched.transactions] == ["timeout", "headless"]


def test_k3_takes_the_latest_request() -> None:
    watched = watch("> REGISTER sip:a\nCSeq: 1\n> REGISTER sip:a\nCSeq: 1\n< 200\n-Via")
    assert [one.status for one in watched.transactions] == [0, 200]


def test_never_by_address_alone() -> None:
    """Another Call-ID between the same two addresses is another call (T-NAT), even if only one request waits."""
    watched = answered_with((b"z9hG4bK1", b"z9hG4bKsbc"), (b"Call-ID: call-1", b"Call-ID: call-2"))
    assert [one.state for one in watched.transactions] == ["open", "headless"]


def test_k5_for_an_answer_that_was_cut_before_its_call_id() -> None:
    request, answer = raw_messages(PAIR)
    cut = replace(answer, payload=b"SIP/2.0 200 OK\r\n", missing=400)
    transaction = watch([request, cut]).only
    assert (transaction.status, transaction.pairing) == (200, 5)


def test_k5_not_while_two_requests_wait() -> None:
    first, second = raw_messages("> REGISTER sip:a\n> REGISTER sip:a\nCall-ID: other")
    cut = replace(first, payload=b"SIP/2.0 200 OK\r\n", source=first.destination, destination=first.source)
    assert [one.state for one in watch([first, second, cut]).transactions] == ["open", "open"]


def test_k5_not_against_the_call_id_that_can_be_read() -> None:
    request, answer = raw_messages(PAIR)
    answer = edited(edited(answer, b"CSeq: 1 REGISTER\r\n", b""), b"Call-ID: call-1", b"Call-ID: call-2")
    answer = edited(answer, b"z9hG4bK1", b"z9hG4bKsbc")
    assert [one.state for one in watch([request, answer]).transactions] == ["open"]


OLD = "> REGISTER sip:a\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=1\n"


def test_k2_without_the_cookie() -> None:
    transaction = watch(f"{OLD}< 200").only
    assert (transaction.status, transaction.pairing) == (200, 2)


@pytest.mark.parametrize("via", ["SIP/2.0/UDP 192.0.2.10:5060", "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK"])
def test_k2_without_a_branch_or_with_the_bare_cookie(via: str) -> None:
    """The cookie alone is no branch (RFC 4475 3.2.1: it must be longer)."""
    transaction = watch(f"> REGISTER sip:a\nVia: {via}\n< 200").only
    assert (transaction.status, transaction.pairing) == (200, 2)


def test_k2_repeats_only_what_is_equal_in_everything() -> None:
    assert watch(f"{OLD}@0.5 > again\n< 200").only.retransmissions == 1
    assert len(watch(f"{OLD}@0.5 > REGISTER sip:a\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=1\nCSeq: 2").closed) == 2
    assert len(watch(f"{OLD}@0.5 > REGISTER sip:b\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=1\nCSeq: 1").closed) == 2
    assert len(watch(f"{OLD}@0.5 > REGISTER sip:a\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=2\nCSeq: 1").closed) == 2


def test_a_branch_used_again_for_another_cseq_is_another_transaction() -> None:
    """The answers go by branch and CSeq, not to whoever used the branch last."""
    flow = """
        > REGISTER sip:a
        Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKsame
        > REGISTER sip:a
        Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKsame
        to=1 < 401
        to=2 < 403
    """
    assert [(one.cseq, one.status) for one in watch(flow).transactions] == [(1, 401), (2, 403)]


def test_methods_with_one_branch_are_apart() -> None:
    flow = """
        > INVITE sip:a
        Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKsame
        > CANCEL sip:a
        Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKsame
        CSeq: 1
        to=2 < 200
        to=1 < 487
        > ACK sip:a
        Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKsame
        CSeq: 1 ACK
    """
    watched = watch(flow)
    assert watched.closed == []  # only REGISTER is handed on
    assert watched.reconstructor.requests == 0


RETRY = """
    > REGISTER sip:a
    Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKsame
    CSeq: 7
    < 401
    > REGISTER sip:a
    Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKsame
    CSeq: 7
    Authorization: {bob secret}
"""


def test_a_retry_with_credentials_on_the_same_branch_and_cseq_is_no_copy() -> None:
    """RFC 3261 22.2 wants a new CSeq; one that has none is still the next transaction (T-AUTH)."""
    watched = watch(f"{RETRY}< 200")
    assert [summary(one) for one in watched.transactions] == [("answered", 401, 0, 0), ("answered", 200, 0, 0)]
    assert watched.attempts == [("registered", 200, 2)]


def test_late_copies_of_the_challenge_do_not_answer_such_a_retry() -> None:
    items = list(read_flow(f"{RETRY}< 200"))
    late = items[1]
    assert isinstance(late, RawMessage)
    copy = replace(late, time=(items[2].time or 0) + 1_000_000, ip_id=99)
    watched = watch([*items[:3], copy, items[3]])
    assert [one.status for one in watched.transactions] == [401, 200]


def test_a_late_copy_of_the_first_request_is_not_one_of_such_a_retry() -> None:
    items = raw_messages(f"{RETRY}< 200")
    copy = replace(items[0], time=(items[2].time or 0) + 1_000_000, ip_id=99)
    first, second = watch([*items[:3], copy, items[3]]).transactions
    assert (first.retransmissions, second.retransmissions, second.changed_count) == (1, 0, 0)


def test_a_stale_retry_on_the_same_branch_and_cseq_is_the_next_transaction() -> None:
    flow = f"{RETRY}< 401\n{RETRY.partition('< 401')[2]}< 200"
    watched = watch(flow)
    assert [one.status for one in watched.transactions] == [401, 401, 200]


def test_credentials_again_with_another_nonce_count_are_a_changed_copy() -> None:
    """sipp answers each copy of the challenge: same branch and CSeq, new nc and response (docs/lab.md 5)."""
    again = RETRY.partition("< 401")[2].replace("secret", "secret nc=00000002")
    watched = watch(f"{RETRY}{again}< 200")
    assert [one.status for one in watched.transactions] == [401, 200]
    assert (watched.transactions[1].retransmissions, watched.transactions[1].changed_count) == (1, 1)


def test_compact_and_folded_headers_are_the_same_headers() -> None:
    """docs/rules/traps.md T-COMPACT, T-FOLD: the client folds and abbreviates, the server does neither."""
    request, answer = raw_messages(PAIR)
    for old, new in (
        (b"Via: SIP/2.0/UDP ", b"v:SIP/2.0/UDP\r\n "),
        (b"Call-ID: ", b"i  :\r\n\t"),
        (b"From: ", b"F: "),
        (b"CSeq: 1 REGISTER", b"CSEQ: 1\r\n   REGISTER"),
    ):
        request = edited(request, old, new)
    transaction = watch([request, answer]).only
    assert (transaction.status, transaction.pairing, transaction.cseq) == (200, 1, 1)
    assert transaction.call_id == "call-1@192.0.2.10"


def test_call_ids_and_tags_keep_their_case() -> None:
    """docs/rules/traps.md T-CASE: another spelling is another call."""
    flow = "> REGISTER sip:a\nCall-ID: ABC\nCSeq: 1\n> REGISTER sip:a\nCall-ID: abc\nCSeq: 1\n< 200\n-Via"
    assert [one.status for one in watch(flow).transactions] == [0, 200]


def test_pipelined_requests_on_one_connection() -> None:
    """docs/rules/traps.md T-TCP: several messages of one connection, answered in another order."""
    flow = """
        stream=1 transport=TCP > REGISTER sip:a
        stream=1 transport=TCP > REGISTER sip:a
        Call-ID: b
        to=2 stream=1 < 403
        to=1 stream=1 < 200
    """
    assert [one.status for one in watch(flow).transactions] == [200, 403]


def test_the_same_request_to_a_second_registrar_is_no_copy() -> None:
    """RFC 3261 8.1.2: failover keeps the CSeq and takes a new branch (docs/rules/traps.md T-MULTIREG)."""
    flow = "> REGISTER sip:a\nCSeq: 1\n@33 dst=198.51.100.2:5060 > REGISTER sip:a\nCSeq: 1\n< 200"
    watched = watch(flow, tail=60)
    assert [one.status for one in watched.transactions] == [0, 200]
    assert [one.path for one in watched.transactions] == [None, None]
    assert [one.outcome for one in watched.registrations] == ["unknown", "registered"]
