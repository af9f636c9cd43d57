"""The server transaction of RFC 3261 17.2.2 (figure 8), its matching (17.2.3), and the bound of the table."""

from __future__ import annotations

import pytest

from analyzer.evidence import Endpoint
from analyzer.sip.message import parse_bytes
from analyzer.sip.timers import Timers
from analyzer.sip.transaction_key import TransactionKey
from replay.machine import SECOND, Send
from replay.server_transaction import ServerTransaction, Transactions, key_of, merged_key
from replay.timers import SERVER, ServerState
from tests.replay.registrar_stage import request

PEER = Endpoint("192.0.2.10", 5060)
TIMERS = Timers()
J = 64 * 500_000_000


def transaction(reliable: bool = False) -> ServerTransaction:
    return ServerTransaction(("b", "h:5060", "REGISTER"), Timers(reliable=reliable), deadline=J)


def state_of(one: ServerTransaction) -> ServerState:
    return one.state


def test_copies_before_any_answer_are_discarded() -> None:
    one = transaction()
    assert one.again(1) == [] and one.state == "trying" and one.copies == 1


def test_a_copy_gets_the_latest_provisional_answer() -> None:
    one = transaction()
    assert one.say(b"100", 100, PEER, 1) == [Send(b"100", PEER)]
    assert one.state == "proceeding"
    assert one.again(2) == [Send(b"100", PEER)]
    assert one.say(b"199", 199, PEER, 3) == [Send(b"199", PEER)]
    assert one.again(4) == [Send(b"199", PEER)]


def test_a_copy_gets_the_very_final_answer_until_timer_j() -> None:
    one = transaction()
    assert one.say(b"200", 200, PEER, 10) == [Send(b"200", PEER)]
    assert one.deadline == 10 + J
    assert one.again(10 + J - 1) == [Send(b"200", PEER)]
    assert one.wake(10 + J - 1) == [] and state_of(one) == "completed"
    one.wake(10 + J)
    assert state_of(one) == "terminated"
    assert one.again(10 + J + 1) == []


def test_further_final_answers_are_discarded() -> None:
    one = transaction()
    one.say(b"200", 200, PEER, 0)
    assert one.say(b"500", 500, PEER, 1) == []
    assert one.say(b"100", 100, PEER, 1) == []
    assert (one.octets, one.status) == (b"200", 200)
    assert one.again(2) == [Send(b"200", PEER)]


def test_over_a_reliable_transport_it_ends_with_its_final_answer() -> None:
    one = transaction(reliable=True)
    assert one.say(b"200", 200, PEER, 5) == [Send(b"200", PEER)]
    assert one.state == "terminated"


@pytest.mark.parametrize(("said", "state"), [(0, "trying"), (100, "terminated"), (200, "terminated")])
def test_an_error_of_the_transport_ends_what_was_answered(said: int, state: ServerState) -> None:
    one = transaction()
    if said:
        one.say(b"x", said, PEER, 0)
    one.fail(1)
    assert one.state == state


def test_an_unanswered_one_is_let_go_with_the_clients_patience() -> None:
    one = transaction()
    assert one.wake(J - 1) == [] and state_of(one) == "trying"
    one.wake(J)
    assert state_of(one) == "terminated"


def test_every_state_of_the_table_can_be_reached_and_left() -> None:
    left = {state for state, _ in SERVER}
    reached = {move.state for move in SERVER.values()}
    assert left == {"trying", "proceeding", "completed"}
    assert reached == left | {"terminated"}


# 17.2.3


def key(**given: str) -> TransactionKey:
    found = key_of(parse_bytes(request(**{"branch": "z9hG4bKa", **given})))  # type: ignore[arg-type]
    assert found is not None
    return found


def test_branch_sent_by_and_method_name_a_transaction() -> None:
    assert key() == key(call_id="another", user="bob")
    assert key() != key(branch="z9hG4bKb")
    assert key() != key(method="OPTIONS")
    assert key() != key(via="SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKa")
    assert key() != key(via="SIP/2.0/UDP 192.0.2.10:5061;branch=z9hG4bKa")
    assert key() == key(via="SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKa"), "the default port is 5060"


@pytest.mark.parametrize("branch", ["", ";branch=1", ";branch=z9hG4bK"])
def test_without_the_cookie_the_request_itself_is_compared(branch: str) -> None:
    via = f"SIP/2.0/UDP 192.0.2.10:5060{branch}"
    assert key(via=via) == key(via=via)
    assert key(via=via) != key(via=via, call_id="another")
    assert key(via=via) != key(via=via, uri="sip:example.net")
    assert key(via=via) != key(via=via, user="bob", to="<sip:alice@example.com>;tag=x")
    assert key(via=via) != key(via=f"{via};ttl=1")
    again = key_of(parse_bytes(request(via=via, cseq=2)))
    assert again != key(via=via)


@pytest.mark.parametrize("drop", [["Via"]])
def test_without_a_via_there_is_no_key(drop: list[str]) -> None:
    assert key_of(parse_bytes(request(drop=drop))) is None
    assert key_of(parse_bytes(request(via="garbage"))) is None


def test_a_request_with_a_to_tag_cannot_be_merged() -> None:
    assert merged_key(parse_bytes(request())) is not None
    assert merged_key(parse_bytes(request(to="<sip:a@b>;tag=1"))) is None
    assert merged_key(parse_bytes(request(drop=["CSeq"]))) is None


# The table.


def deadline_of(table: Transactions) -> int | None:
    return table.deadline


def test_the_table_is_bounded_and_says_what_it_gave_up() -> None:
    table = Transactions(TIMERS, limit=100)
    for number in range(1000):
        asked = parse_bytes(request(branch=f"z9hG4bK{number}"))
        found = key_of(asked)
        assert found is not None
        table.open(found, asked, number)
    assert len(table) == 100 and table.evicted == 900


def test_the_table_is_bounded_in_octets_too() -> None:
    table = Transactions(TIMERS, most_octets=50_000)
    for number in range(100):
        asked = parse_bytes(request(branch=f"z9hG4bK{number}", call_id=f"c{number}", extra=[f"X: {'x' * 4000}"]))
        found = key_of(asked)
        assert found is not None
        one = table.open(found, asked, number)
        table.say(one, b"x" * 1000, 200, PEER, number)
        assert table.octets <= 50_000
    assert 5 < len(table) < 11 and table.evicted == 100 - len(table)
    table.wake(2 * J)
    assert (len(table), table.octets) == (0, 0)


def test_the_table_wakes_for_the_soonest_end() -> None:
    table = Transactions(TIMERS)
    assert deadline_of(table) is None
    for branch, at in (("a", 0), ("b", SECOND), ("c", 2 * SECOND)):
        asked = parse_bytes(request(branch=f"z9hG4bK{branch}", call_id=branch))
        table.open(key(branch=f"z9hG4bK{branch}"), asked, at)
    first = table.find(key(branch="z9hG4bKa"))
    assert first is not None
    table.say(first, b"200", 200, PEER, 5 * SECOND)
    assert deadline_of(table) == SECOND + J, "the first one was answered last, and lives longest"
    table.wake(2 * SECOND + J)
    assert len(table) == 1 and deadline_of(table) == 5 * SECOND + J
    table.wake(5 * SECOND + J)
    assert len(table) == 0 and deadline_of(table) is None


def test_a_request_on_two_ways_is_seen_while_the_first_lives() -> None:
    table = Transactions(TIMERS)
    first, second = (parse_bytes(request(branch=f"z9hG4bK{one}")) for one in "ab")
    assert not table.is_merged(first)
    table.open(key(branch="z9hG4bKa"), first, 0)
    assert table.is_merged(second)
    table.wake(J)
    assert not table.is_merged(second)
