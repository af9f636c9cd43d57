"""Retransmission, duplicate, changed copy; provisional and final responses (docs/rules/reconstruction.md 3, T-RETX,
T-DUP, T-LOG, T-LOSS)."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from analyzer.evidence import SECOND, Endpoint, Fidelity, RawMessage
from analyzer.register.duplicates import is_same_packet
from analyzer.sip.message import parse
from tests.register.watch import edited, raw_messages, summary, watch, without_clock

MS = SECOND // 1000
ONE = "> REGISTER sip:a"


def again(first: RawMessage, after: int, **changes: object) -> RawMessage:
    """The same octets, nanoseconds later."""
    return replace(first, **({"time": (first.time or 0) + after, "ip_id": 77} | changes))  # type: ignore[arg-type]


def test_retransmissions_are_one_transaction() -> None:
    transaction = watch(f"{ONE}\n@0.51 > again\n@1.51 > again\n@1.6 < 200").only
    assert summary(transaction) == ("answered", 200, 2, 0)
    assert [one.place[1] for one in transaction.copies] == [2, 3]
    assert transaction.changed_count == 0
    assert (transaction.last or 0) - (transaction.first or 0) == 1500 * MS


@pytest.mark.parametrize(
    ("after", "ip_id", "duplicates"),
    [
        (MS, 1, 1),
        (190 * MS, 1, 1),  # one IP-ID within a fifth of a second is one packet
        (500 * MS, 1, 0),  # T1 has passed: a retransmission of a stack whose IP-ID never changes
        (MS, 2, 0),  # two IP-IDs are two packets, however close
        (MS, None, 1),
        (4 * MS, None, 1),
        (6 * MS, None, 0),
        (MS, 0, 1),  # an IP-ID of zero tells nothing (RFC 6864)
        (6 * MS, 0, 0),
    ],
)
def test_t_dup_by_ip_id_or_by_time(after: int, ip_id: int | None, duplicates: int) -> None:
    first = replace(raw_messages(ONE)[0], ip_id=1)
    transaction = watch([first, again(first, after, ip_id=ip_id)]).only
    assert (transaction.duplicates, transaction.retransmissions) == (duplicates, 1 - duplicates)


def test_t_dup_on_two_links() -> None:
    """Captured before and after an address translator: one packet, whatever its IP-ID."""
    first = raw_messages(ONE)[0]
    other = again(first, 3 * MS, source=Endpoint("203.0.113.1", 40000), ip_id=9)
    late = again(first, 500 * MS, source=Endpoint("203.0.113.1", 40000), ip_id=9)
    assert summary(watch([first, other]).only)[2:] == (0, 1)
    assert summary(watch([first, late]).only)[2:] == (1, 0)


def test_t_dup_of_answers() -> None:
    request, answer = raw_messages(f"{ONE}\n< 401")
    watched = watch([request, answer, again(answer, MS, ip_id=answer.ip_id)])
    assert summary(watched.only) == ("answered", 401, 0, 1)
    assert watched.only.final_copies == 0
    assert watched.reconstructor.responses[401] == 1


def test_duplicates_are_not_counted_as_requests() -> None:
    first = raw_messages(ONE)[0]
    watched = watch([first, again(first, MS, ip_id=first.ip_id), again(first, 500 * MS)])
    assert (watched.reconstructor.requests, watched.reconstructor.table.duplicates) == (2, 1)


@pytest.mark.parametrize(
    "change",
    [{"fidelity": Fidelity.TEXT_LOG}, {"resend": 1}, {"time": None}, {"stream": 4}],
    ids=["printed", "resend", "no clock", "stream"],
)
def test_what_is_never_a_duplicate(change: dict[str, object]) -> None:
    """A log prints no packet twice, and its own `Retransmitting #n` overrides; a stream's copies were taken out."""
    first = raw_messages(ONE)[0]
    earlier = replace(first, **{key: value for key, value in change.items() if key != "resend"})  # type: ignore[arg-type]
    later = again(first, MS, ip_id=first.ip_id, **change)
    assert not is_same_packet(parse(earlier), parse(later))
    assert summary(watch([earlier, later]).only)[2:] == (1, 0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b";rport;", b";rport=40000;received=203.0.113.1;"),
        (b"Max-Forwards: 70\r\n", b"Max-Forwards: 70\r\nTimestamp: 54.2\r\n"),
        (b"Max-Forwards: 70\r\n", b"Max-Forwards: 70  \r\n"),
    ],
    ids=["received and rport", "timestamp", "trailing blanks"],
)
def test_what_the_way_changes_makes_no_changed_copy(old: bytes, new: bytes) -> None:
    first = raw_messages(ONE)[0]
    transaction = watch([first, edited(again(first, 500 * MS), old, new)]).only
    assert (transaction.retransmissions, transaction.changed_count) == (1, 0)


def test_a_changed_copy_is_kept_and_counted() -> None:
    first = raw_messages(ONE)[0]
    copies = [
        edited(again(first, number * 500 * MS), b"Expires: 3600", b"Expires: %d" % number) for number in range(1, 20)
    ]
    transaction = watch([first, *copies]).only
    assert (transaction.retransmissions, transaction.changed_count, len(transaction.changed)) == (19, 19, 8)


@pytest.mark.parametrize(("headers", "copies"), [("", []), ("Authorization: {bob x}\n", [3])])
def test_credentials_of_copies_are_counted_where_there_are_any(headers: str, copies: list[int]) -> None:
    watched = watch(f"> REGISTER sip:a\n{headers}@1 > again\n@3 > again\n@3.1 < 200")
    assert [record.copies for record in watched.reconstructor.digests.records] == copies
    assert watched.only.retransmissions == 2


def test_a_copy_with_other_credentials_is_a_record_of_its_own() -> None:
    """And one that brings credentials where the first copy had none."""
    first, second = raw_messages("> REGISTER sip:a\nAuthorization: {bob x}\n@1 > again")
    bare = replace(first, payload=re.sub(rb"Authorization: .*\r\n", b"", first.payload))
    for begin in (bare, edited(first, b'response="', b'response="0')):
        watched = watch([begin, second])
        assert len(watched.reconstructor.digests.records) == 2 - (begin is bare)


def test_provisional_answers_complete_nothing() -> None:
    transaction = watch(f"{ONE}\n< 100\n@3 < 200").only
    assert (transaction.provisional, transaction.status, transaction.final_copies) == ((100,), 200, 0)


def test_a_provisional_answer_alone_is_silence() -> None:
    assert summary(watch(f"{ONE}\n< 100\n@1 > again", tail=60).only) == ("timeout", 0, 1, 0)


def test_the_first_final_answer_wins() -> None:
    """A retransmitted request with one-use credentials gets 200 and then 401: it is registered (docs/lab.md 5)."""
    flow = f"{ONE}\n< 401\n> REGISTER sip:a\nAuthorization: {{bob secret}}\n< 200\n@1 > again\n< 401\n"
    watched = watch(flow)
    transaction = watched.transactions[1]
    assert summary(transaction) == ("answered", 200, 1, 0)
    assert (transaction.final_copies, [one.status for one in transaction.later_finals]) == (1, [401])
    assert watched.attempts == [("registered", 200, 2)]
    assert watched.registration.outcome == "registered"


def test_copies_of_the_final_answer_are_counted() -> None:
    transaction = watch(f"{ONE}\n< 403\n@0.5 > again\n< again\n@1.5 > again\n< again").only
    assert (transaction.final_copies, transaction.retransmissions, transaction.later_finals) == (2, 2, ())


def test_each_challenge_copy_may_have_a_nonce_of_its_own() -> None:
    watched = watch(f"{ONE}\n< 401\n@0.5 > again\n< 401\n> REGISTER sip:a\nAuthorization: {{bob secret}}\n< 200")
    first = watched.transactions[0]
    assert len(first.nonces) == 2
    assert watched.attempts == [("registered", 200, 2)]
    challenges = watched.reconstructor.challenges
    assert all(challenges.was_issued("198.51.100.1", "example.com", nonce) for nonce in first.nonces)


def test_nonces_of_one_transaction_are_bounded() -> None:
    flow = ONE + "".join(f"\n@{number / 100} < 401" for number in range(1, 300))
    assert 32 <= len(watch(flow).only.nonces) <= 100


@pytest.mark.parametrize("after", [33, 39.9])
def test_a_late_answer_within_the_grace_counts(after: float) -> None:
    assert watch(f"{ONE}\n@{after} < 200").only.state == "answered"


def test_a_later_answer_does_not_reopen() -> None:
    """Past the grace the answer is recorded on its own."""
    watched = watch(f"{ONE}\n< 200\n@10 > REGISTER sip:a\n@10.5 > again\n@52 < 200\n")
    states = [(one.state, one.status) for one in watched.transactions]
    assert states == [("answered", 200), ("timeout", 0), ("headless", 200)]
    assert watched.attempts == [("registered", 200, 1), ("timeout", 0, 1)]


def test_an_answer_without_its_request_is_headless() -> None:
    answer = raw_messages(f"{ONE}\n< 200")[1]
    watched = watch([answer])
    transaction = watched.only
    assert (transaction.state, transaction.status, transaction.request) == ("headless", 200, None)
    assert transaction.source == answer.destination
    assert [subject.message.status for subject in watched.messages] == [200]
    assert watched.registrations == []


def test_copies_of_a_headless_answer_join_it() -> None:
    answer = raw_messages(f"{ONE}\n< 200")[1]
    assert watch([answer, again(answer, 500 * MS)]).only.final_copies == 1


def test_a_headless_provisional_answer_is_harmless() -> None:
    answer = raw_messages(f"{ONE}\n< 100")[1]
    transaction = watch([answer, *raw_messages("@90 > REGISTER sip:a\nCall-ID: x")]).transactions[0]
    assert (transaction.state, transaction.provisional, transaction.place) == ("headless", (100,), answer.place)


def test_an_orphan_proves_that_its_request_existed() -> None:
    """docs/rules/traps.md T-LOSS: the CSeq hole is the capture's."""
    lost = raw_messages(f"{ONE}\n< 200\n> REGISTER sip:a\n< 200\n@60 > REGISTER sip:a\n< 200")
    watched = watch([*lost[:2], *lost[3:]])
    assert watched.steps[0].stream.orphans == {2}


@pytest.mark.parametrize("via", ["z9hG4bKx", "old"])
def test_a_log_may_print_the_answer_before_its_request(via: str) -> None:
    request, answer = raw_messages(f"{ONE}\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch={via}\n< 401", log=True)
    again_ = again(request, 0)
    watched = watch([answer, request, again_])
    assert summary(watched.only) == ("answered", 401, 1, 0)
    assert watched.only.place == request.place
    assert [subject.message.status for subject in watched.messages] == [0, 401]


def test_an_early_trying_and_its_request_join() -> None:
    request, answer = raw_messages(f"{ONE}\n< 100")
    assert summary(watch([answer, request]).only) == ("open", 0, 0, 0)


def test_order_inside_a_tick_is_the_order_of_the_log() -> None:
    watched = watch(f"{ONE}\n< 401\n> REGISTER sip:a\nAuthorization: {{bob secret}}\n< 200", log=True)
    assert {one.first for one in watched.closed} == {watched.closed[0].first}
    assert watched.attempts == [("registered", 200, 2)]


def test_a_source_without_clock_is_read_in_its_order() -> None:
    items = raw_messages(f"{ONE}\n< 401\n> REGISTER sip:a\nAuthorization: {{bob secret}}\n> again\n< 200")
    watched = watch(without_clock(items))
    assert [summary(one) for one in watched.transactions] == [("answered", 401, 0, 0), ("answered", 200, 1, 0)]
    assert watched.attempts == [("registered", 200, 2)]


def test_a_log_that_finds_its_clock_late_loses_nothing() -> None:
    """One dated line in a log without dates: no time has passed by that, the open request is still open."""
    request, answer = raw_messages(f"{ONE}\n< 200")
    assert summary(watch([*without_clock([request]), answer]).only) == ("answered", 200, 0, 0)
    assert summary(watch([request, *without_clock([answer])]).only) == ("answered", 200, 0, 0)
