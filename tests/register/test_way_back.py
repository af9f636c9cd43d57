"""Which way answers went, and whether they arrived: what a transaction remembers (RFC 3261 17.1.2.2, 18.2.2)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from analyzer.evidence import Endpoint
from analyzer.register.digest.secrets import Secrets
from analyzer.register.reconstruct import Reconstructor
from analyzer.register.subjects import ClosedSubject, EndSubject
from analyzer.register.transaction import KEPT, Transaction
from analyzer.register.way_back import is_repeated_late, sent_by_of, sources_of, unheard, ways_back
from analyzer.sip.message import parse
from tests.register.watch import Watched, raw_messages, watch, without_clock

INSIDE = Endpoint("192.168.1.5", 5060)
NAT = Endpoint("198.51.100.7", 43712)
DEAF = Endpoint("198.51.100.7", 5060)
ASK = f"@0 src={NAT} > REGISTER sip:example.com\nVia: SIP/2.0/UDP {INSIDE};branch=z9hG4bKa\n"


def closed(watched: Watched) -> list[ClosedSubject]:
    """The transactions as they are handed out at their end."""
    return [subject for subject in watched.subjects if isinstance(subject, ClosedSubject)]


def repeated(times: Iterable[float]) -> str:
    """Copies of the request at these seconds."""
    return "".join(f"@{at} > again\n" for at in times)


def test_an_answer_that_goes_back_as_the_request_came_leaves_nothing() -> None:
    transaction = watch("> REGISTER sip:a\n@0.5 > again\n@0.6 < 401\n@0.7 < again").only
    assert (transaction.copies_after, transaction.late_copies) == (0, 0)
    assert (transaction.request_ways, transaction.response_ways) == ((), ())
    assert not is_repeated_late(transaction)
    assert unheard(transaction) is None


@pytest.mark.parametrize(
    ("times", "after", "late"),
    [
        ((0.1,), 1, 0),
        ((0.509,), 1, 0),  # within T1 of the answer: it may have crossed it
        ((0.52,), 1, 1),
        ((0.1, 0.6, 1.6), 3, 2),
    ],
)
def test_copies_after_the_answer_are_counted_and_those_that_did_not_cross_it(
    times: tuple[float, ...], after: int, late: int
) -> None:
    transaction = watch(f"{ASK}@0.01 dst={DEAF} < 401\n{repeated(times)}").only
    assert (transaction.copies_after, transaction.late_copies) == (after, late)
    assert is_repeated_late(transaction) is (late > 0)


@pytest.mark.parametrize(("copies", "proves"), [(2, False), (3, True)])
def test_without_a_clock_three_copies_prove_it(copies: int, proves: bool) -> None:
    flow = f"{ASK}dst={DEAF} < 401\n" + "> again\n" * copies
    transaction = watch(without_clock(raw_messages(flow))).only
    assert (transaction.late_copies, transaction.copies_after) == (0, copies)
    assert is_repeated_late(transaction) is proves


def test_where_an_unheard_answer_went() -> None:
    way = unheard(watch(f"{ASK}@0.01 dst={DEAF} < 401\n{repeated((0.6, 1.6))}").only)
    assert way is not None
    assert (way.status, way.source, way.sent_by, way.to, way.asks_rport) == (401, NAT, INSIDE, DEAF, False)
    assert way.is_astray
    assert way.is_translated


def test_an_answer_on_its_way_that_is_not_heard_all_the_same() -> None:
    way = unheard(watch(f"{ASK}@0.01 < 401\n{repeated((0.6, 1.6))}").only)
    assert way is not None
    assert not way.is_astray


def test_both_sides_of_a_translator_are_remembered() -> None:
    flow = (
        f"src={INSIDE} > REGISTER sip:a\n@0.011 src={NAT} > again\n@0.02 dst={NAT} < 401\n@0.021 dst={INSIDE} < again\n"
    )
    transaction = watch(flow).only
    assert transaction.duplicates == 2
    assert sources_of(transaction) == [INSIDE, NAT]
    assert [client for client, _, _ in ways_back(transaction)] == [NAT]


def test_ways_are_bounded() -> None:
    """A flood of one request from ever new ports."""
    flow = ASK + f"@0.01 dst={DEAF} < 401\n"
    flow += "".join(f"@{1 + port} src=198.51.100.7:{port} > again\n" for port in range(1, 30))
    flow += "".join(f"@{31 + port / 100} dst=198.51.100.7:{port} < again\n" for port in range(1, 30))
    transaction = watch(flow).only
    assert len(transaction.request_ways) == len(transaction.response_ways) == KEPT


@pytest.mark.parametrize(
    ("via", "expected"),
    [
        ("SIP/2.0/UDP 10.0.0.5;branch=z9hG4bKa", Endpoint("10.0.0.5", 5060)),
        ("SIP/2.0/UDP 10.0.0.5:5080;branch=z9hG4bKa", Endpoint("10.0.0.5", 5080)),
        ("SIP/2.0/UDP [2001:db8::5]:5080;branch=z9hG4bKa", Endpoint("2001:db8::5", 5080)),
        ("SIP/2.0/TLS phone.example;branch=z9hG4bKa", Endpoint("phone.example", 5061)),
        ("rubbish", None),
    ],
)
def test_what_the_via_names(via: str, expected: Endpoint | None) -> None:
    assert sent_by_of(watch(f"> REGISTER sip:a\nVia: {via}\n< 200").only) == expected


def test_every_answered_register_is_handed_out_at_its_end_and_nothing_else() -> None:
    flow = "> REGISTER sip:a\n< 401\n> REGISTER sip:a\nAuthorization: {bob x}\n< 200\n> REGISTER sip:a\n"
    watched = watch(flow + "> OPTIONS sip:a\nCall-ID: o\n< 200")
    assert [subject.transaction.status for subject in closed(watched)] == [401, 200]
    assert [subject.went_on is not None for subject in closed(watched)] == [True, False]


def test_a_log_that_prints_the_answer_first_knows_its_way_too() -> None:
    answer, request = raw_messages(f"{ASK}dst={DEAF} < 401")[::-1]
    (transaction,) = watch([answer, request]).transactions
    assert [client for client, _, _ in transaction.response_ways] == [DEAF]


def test_what_is_unheard_is_told_of_the_latest_transaction_alone() -> None:
    flow = f"{ASK}@0.01 dst={DEAF} < 401\n{repeated((0.6, 1.6))}@60 src={NAT} > REGISTER sip:example.com\n< 200\n"
    watched = watch(flow)
    assert watched.registration.unheard is None
    assert watch(f"{ASK}@0.01 dst={DEAF} < 401\n{repeated((0.6, 1.6))}").registration.unheard is not None


def test_each_client_is_handed_out_at_the_end_of_the_source() -> None:
    eve = "From: <sip:eve@x>;tag=e\nTo: <sip:eve@x>\nCall-ID: eve\nContact: <sip:eve@192.0.2.20>\n"
    ends = [
        subject
        for subject in watch(f"> REGISTER sip:a\n< 200\n> REGISTER sip:a\n{eve}< 403").subjects
        if isinstance(subject, EndSubject)
    ]
    assert [(one.registration.aor, one.cut_off) for one in ends] == [
        ("sip:bob@example.com", False),
        ("sip:eve@x", False),
    ]


def test_an_evicted_exchange_is_handed_out_without_its_messages() -> None:
    """Its client is still there at the end; rules then know it by number and time."""
    seen: list[EndSubject] = []

    def hear(subject: object) -> None:
        if isinstance(subject, EndSubject):
            seen.append(subject)

    reconstructor = _reconstructed("> REGISTER sip:a\n< 200", hear)
    for registration in reconstructor.registry:
        last = registration.last_transaction
        assert last is not None
        last.request = last.final = None
    reconstructor.finish(None)
    assert [one.registration.outcome for one in seen] == ["registered"]


def _reconstructed(flow: str, hear: object) -> Reconstructor:
    def closed(transaction: Transaction, registration: object) -> None:
        del transaction, registration

    reconstructor = Reconstructor(Secrets.of({}), closed, hear)  # type: ignore[arg-type]
    for raw_message in raw_messages(flow):
        reconstructor.feed(parse(raw_message))
    return reconstructor
