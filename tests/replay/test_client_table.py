"""The client transaction of RFC 3261 17.1.2: every state and event, the timers, and whose answers it takes."""

from __future__ import annotations

from itertools import pairwise, product
from typing import get_args

import pytest

from analyzer.sip.message import Message, parse_bytes
from analyzer.sip.timers import Timers
from replay.client_transaction import MOST_PROVISIONAL, ClientTransaction
from replay.machine import Send
from replay.timers import CLIENT, ClientAction, ClientEvent, ClientState
from tests.replay.scripted import answer_to

MS = 1_000_000
START = 7_000 * MS
STATES: tuple[ClientState, ...] = get_args(ClientState)
EVENTS: tuple[ClientEvent, ...] = get_args(ClientEvent)

REQUEST = (
    b"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:40000;rport;branch=z9hG4bKours\r\n"
    b"Max-Forwards: 70\r\nFrom: <sip:bob@example.com>;tag=f\r\nTo: <sip:bob@example.com>\r\nCall-ID: c\r\n"
    b"CSeq: 4 REGISTER\r\nContent-Length: 0\r\n\r\n"
)
UDP = Timers()
TCP = Timers(reliable=True)


def answer(status: int) -> Message:
    return parse_bytes(answer_to(REQUEST, status))


def begun(timers: Timers = UDP) -> ClientTransaction:
    transaction = ClientTransaction(REQUEST, "z9hG4bKours", "REGISTER", 4, timers)
    assert transaction.start(START) == [Send(REQUEST)]
    return transaction


def in_state(state: ClientState, timers: Timers = UDP) -> ClientTransaction:
    transaction = begun(timers)
    if state in ("proceeding",):
        transaction.receive(answer(100), START)
    if state in ("completed",):
        transaction.receive(answer(200), START)
    if state == "terminated":
        transaction.wake(START + 32_000 * MS)
    assert transaction.state == state
    return transaction


def happen(transaction: ClientTransaction, event: ClientEvent) -> int:
    """Let an event happen as the I/O boundary would; returns how many copies it sent."""
    if event == "1xx":
        commands = transaction.receive(answer(183), START + 1)
    elif event == "final":
        commands = transaction.receive(answer(403), START + 1)
    elif event == "error":
        commands = transaction.fail("network is unreachable", START + 1)
    else:
        commands = transaction._on(event, START + 1)
    assert all(command == Send(REQUEST) for command in commands)
    return len(commands)


# RFC 3261 figure 6, written down a second time: (state, event) -> (state, copies sent, ending). No other pair moves.
FIGURE_6: dict[tuple[ClientState, ClientEvent], tuple[ClientState, int, str]] = {
    ("trying", "E"): ("trying", 1, ""),
    ("trying", "F"): ("terminated", 0, "timeout"),
    ("trying", "error"): ("terminated", 0, "error"),
    ("trying", "1xx"): ("proceeding", 0, ""),
    ("trying", "final"): ("completed", 0, "answered"),
    ("proceeding", "E"): ("proceeding", 1, ""),
    ("proceeding", "F"): ("terminated", 0, "timeout"),
    ("proceeding", "error"): ("terminated", 0, "error"),
    ("proceeding", "1xx"): ("proceeding", 0, ""),
    ("proceeding", "final"): ("completed", 0, "answered"),
    ("completed", "K"): ("terminated", 0, "answered"),
}
_RESTS: dict[ClientState, str] = {"trying": "", "proceeding": "", "completed": "answered", "terminated": "timeout"}


@pytest.mark.parametrize(("state", "event"), list(product(STATES, EVENTS)))
def test_every_state_meets_every_event(state: ClientState, event: ClientEvent) -> None:
    transaction = in_state(state)
    copies = happen(transaction, event)
    expected = FIGURE_6.get((state, event), (state, 0, _RESTS[state]))
    assert (transaction.state, copies, transaction.ending) == expected


def test_table_names_nothing_that_cannot_happen() -> None:
    assert {state for state, _ in CLIENT} == set(STATES) - {"terminated"}
    assert {event for _, event in CLIENT} == set(EVENTS)
    assert {action for move in CLIENT.values() for action in move.actions} == set(get_args(ClientAction))


def run_out(transaction: ClientTransaction, until: int = START + 1_000_000 * MS) -> list[int]:
    """Wake it whenever it wants to be; returns when it sent, in milliseconds from the start."""
    times = []
    while transaction.deadline is not None and transaction.deadline <= until:
        now = transaction.deadline
        for command in transaction.wake(now):
            assert command == Send(REQUEST)
            times.append((now - START) // MS)
    return times


def test_unanswered_over_udp_is_sent_eleven_times_in_32_seconds() -> None:
    transaction = begun()
    assert run_out(transaction) == [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]
    assert (transaction.sent, transaction.ending, transaction.state) == (11, "timeout", "terminated")
    assert transaction.deadline is None


def test_intervals_double_up_to_t2() -> None:
    times = [0, *run_out(begun())]
    assert [later - earlier for earlier, later in pairwise(times)] == [500, 1000, 2000] + [4000] * 7


def test_unanswered_over_tcp_is_sent_once() -> None:
    transaction = begun(TCP)
    assert transaction.deadline == START + 32_000 * MS
    assert run_out(transaction) == []
    assert (transaction.sent, transaction.ending) == (1, "timeout")


@pytest.mark.parametrize("t1", [10, 100, 2000])
def test_timers_follow_t1(t1: int) -> None:
    transaction = begun(Timers(t1=t1 * MS, t2=8 * t1 * MS))
    times = run_out(transaction)
    assert times[:5] == [t1, 3 * t1, 7 * t1, 15 * t1, 23 * t1]
    assert transaction.sent == 11


def test_proceeding_goes_on_with_t2() -> None:
    transaction = begun()
    transaction.wake(START + 500 * MS)
    transaction.receive(answer(100), START + 600 * MS)
    # The timer that runs is not touched (17.1.2.2); the next interval is T2.
    assert run_out(transaction) == [1500, 5500, 9500, 13500, 17500, 21500, 25500, 29500]
    assert transaction.ending == "timeout"


def test_provisional_over_tcp_sends_nothing() -> None:
    transaction = begun(TCP)
    transaction.receive(answer(100), START + MS)
    assert run_out(transaction) == [] and transaction.ending == "timeout"


def test_late_waking_sends_one_copy_not_all_that_were_due() -> None:
    transaction = begun()
    assert transaction.wake(START + 9_000 * MS) == [Send(REQUEST)]
    assert transaction.deadline == START + 10_000 * MS


def test_very_late_waking_is_the_end() -> None:
    transaction = begun()
    assert transaction.wake(START + 60_000 * MS) == []
    assert (transaction.ending, transaction.sent) == ("timeout", 1)


def test_early_waking_does_nothing() -> None:
    transaction = begun()
    assert transaction.wake(START + 499 * MS) == []
    assert (transaction.sent, transaction.deadline) == (1, START + 500 * MS)


def test_answer_is_kept_with_its_instant_and_copies_are_counted() -> None:
    transaction = begun()
    first, second = answer(200), answer(500)
    assert transaction.receive(first, START + 30 * MS) == []
    assert transaction.receive(second, START + 40 * MS) == []
    assert transaction.receive(answer(100), START + 50 * MS) == []
    assert transaction.final is first and transaction.answered_at == START + 30 * MS
    assert transaction.copies == 1 and transaction.provisional == []
    assert transaction.deadline == START + 30 * MS + 5_000 * MS


def test_completed_soaks_up_for_t4_over_udp_and_not_at_all_over_tcp() -> None:
    over_udp, over_tcp = begun(), begun(TCP)
    for transaction in (over_udp, over_tcp):
        transaction.receive(answer(401), START + MS)
    assert (over_udp.state, over_tcp.state) == ("completed", "terminated")
    assert over_tcp.deadline is None
    assert run_out(over_udp) == []
    assert over_udp.state == "terminated" and {over_udp.ending, over_tcp.ending} == {"answered"}


def test_terminated_takes_no_answer() -> None:
    transaction = begun()
    run_out(transaction)
    transaction.receive(answer(200), START + 33_000 * MS)
    assert transaction.final is None and transaction.ending == "timeout"


def test_error_is_kept_in_words() -> None:
    transaction = begun()
    transaction.fail("connection refused", START)
    transaction.fail("something else", START)
    assert (transaction.error, transaction.ending, transaction.final) == ("connection refused", "error", None)


def test_error_after_the_answer_changes_nothing() -> None:
    transaction = begun()
    transaction.receive(answer(200), START)
    transaction.fail("connection reset", START)
    assert (transaction.state, transaction.ending) == ("completed", "answered")


@pytest.mark.parametrize("status", [100, 180, 200, 302, 401, 503, 699])
def test_its_own_answer_matches(status: int) -> None:
    assert begun().matches(answer(status))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"branch=z9hG4bKours", b"branch=z9hG4bKother"),
        (b"branch=z9hG4bKours", b"branch=z9hG4bKour"),
        (b";branch=z9hG4bKours", b""),
        (b"branch=z9hG4bKours", b"branch=Z9HG4BKOURS"),
        (b"CSeq: 4 REGISTER", b"CSeq: 5 REGISTER"),
        (b"CSeq: 4 REGISTER", b"CSeq: 3 REGISTER"),
        (b"CSeq: 4 REGISTER", b"CSeq: 4 OPTIONS"),
        (b"CSeq: 4 REGISTER", b"CSeq: 4 register"),
        (b"CSeq: 4 REGISTER", b"CSeq: four"),
        (b"CSeq: 4 REGISTER\r\n", b""),
        (b"Via: ", b"X-Via: "),
        (b"Via: ", b"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKproxy\r\nVia: "),
        (b"SIP/2.0 200 Whatever", b"REGISTER sip:example.com SIP/2.0"),
        (b"SIP/2.0 200 Whatever", b"SIP/2.0 2000 Whatever"),
        (b"SIP/2.0 200 Whatever", b"SIP/2.0 -1 Whatever"),
        (b"SIP/2.0 200 Whatever", b""),
    ],
)
def test_answer_of_somebody_else_does_not_match(before: bytes, after: bytes) -> None:
    octets = answer_to(REQUEST, 200)
    assert before in octets
    assert not begun().matches(parse_bytes(octets.replace(before, after)))


@pytest.mark.parametrize(
    "octets", [b"", b"\r\n\r\n", b"\0" * 100, b"SIP/2.0", b"SIP/2.0 200 OK\r\n\r\n", bytes(range(256))]
)
def test_rubbish_does_not_match(octets: bytes) -> None:
    assert not begun().matches(parse_bytes(octets))


def test_case_and_compact_forms_of_header_names_do_not_matter() -> None:
    octets = answer_to(REQUEST, 200).replace(b"Via:", b"v :").replace(b"CSeq:", b"CSEQ:")
    assert begun().matches(parse_bytes(octets))


def test_endless_provisional_answers_are_bounded_in_memory_and_time() -> None:
    transaction = begun()
    now, woken = START, 0
    while transaction.ending == "":
        now += 10 * MS
        transaction.receive(answer(100), now)
        woken += len(transaction.wake(now))
    assert len(transaction.provisional) == MOST_PROVISIONAL
    assert transaction.provisionals == 3200
    assert (transaction.ending, now) == ("timeout", START + 32_000 * MS)
    assert woken < 11


def test_instants_of_a_long_running_clock_are_as_good() -> None:
    transaction = ClientTransaction(REQUEST, "z9hG4bKours", "REGISTER", 4, UDP)
    transaction.start(10**18)
    assert (transaction.sent_at, transaction.deadline) == (10**18, 10**18 + 500 * MS)


def test_a_request_without_a_branch_has_answers_without_one() -> None:
    """RFC 2543 knew no branch; what is said as captured may have none."""
    request = REQUEST.replace(b";branch=z9hG4bKours", b"")
    transaction = ClientTransaction(request, "", "REGISTER", 4, UDP)
    transaction.start(START)
    assert transaction.matches(parse_bytes(answer_to(request, 200)))
    assert not transaction.matches(answer(200))
    assert not begun().matches(parse_bytes(answer_to(request, 200)))
