"""The user agent server: copies, wrong branches, ends, findings as they happen, and what a hostile sender can do."""

from __future__ import annotations

from itertools import pairwise

import pytest

from analyzer.evidence import Endpoint
from replay.captured_registrar import Scenario
from replay.events import Ignored
from replay.known_clients import MOST_ROUNDS, Client, Clients, Round
from replay.machine import SECOND, Send
from replay.registrar import Registrar, RegistrarPolicy
from replay.registrar_events import Ended, Finished, Found, Requested, Serving
from replay.responses import Received, Reply
from replay.uas import LONGEST_MESSAGE, MOST_DELAYED, MOST_IGNORED, StopCondition, UserAgentServer
from tests.replay.registrar_stage import PHONE, SECRETS, START, flow, house, request, sent, tokens, told


def test_it_says_where_it_listens_and_what_to_know() -> None:
    serving = told(house().start(START), Serving)[0]
    assert str(serving.local) == "192.0.2.1:5060" and "everybody" in serving.note


def test_a_copy_gets_the_same_octets_to_the_same_place() -> None:
    server, asked = house(), request(branch="z9hG4bK1")
    first = server.receive(asked, PHONE, START)
    again = server.receive(asked, Endpoint("192.0.2.66", 9), START + SECOND)
    assert [one for one in first if isinstance(one, Send)] == [one for one in again if isinstance(one, Send)] != []
    assert not told(again, Requested), "the registrar itself hears of it once"
    later = server.receive(asked, PHONE, START + 40 * SECOND)
    assert sent(later)[0].status == 200 and not told(later, Requested), "Timer J was not fired by anybody"
    server.wake(START + 40 * SECOND)
    assert server.transactions == 0
    assert sent(server.receive(asked, PHONE, START + 41 * SECOND))[0].status == 500, "a new one now, and an old CSeq"


def test_a_copy_from_a_phone_without_cookie() -> None:
    server, asked = house(), request(via="SIP/2.0/UDP 192.0.2.10;branch=1")
    assert sent(server.receive(asked, PHONE, START))[0].raw == sent(server.receive(asked, PHONE, START))[0].raw


def test_over_tcp_a_copy_is_a_new_request() -> None:
    server, asked = house(transport="TCP"), request(branch="z9hG4bK1")
    assert sent(server.receive(asked, PHONE, START))[0].status == 200
    assert server.transactions == 0
    assert sent(server.receive(asked, PHONE, START))[0].status == 500


def test_a_branch_used_again_gets_the_old_answer_and_is_told() -> None:
    server = house()
    first = server.receive(request(branch="z9hG4bK1", cseq=1), PHONE, START)
    again = server.receive(request(branch="z9hG4bK1", cseq=2), PHONE, START)
    assert sent(again)[0].raw == sent(first)[0].raw
    assert "branch of an earlier request" in told(again, Ignored)[0].reason


def test_a_request_that_comes_on_two_ways_is_a_loop() -> None:
    server = house()
    server.receive(request(branch="z9hG4bK1"), PHONE, START)
    assert sent(server.receive(request(branch="z9hG4bK2"), PHONE, START))[0].status == 482


@pytest.mark.parametrize(
    "octets",
    [
        b"garbage: of no kind",
        b"\x00\xff" * 700,
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\n\r\n",
        request(drop=["Via"]),
        request(via="SIP/2.0/UDP"),
        b"REGISTER sip:x SIP/2.0\r\n",
        b"REGISTER sip:x SIP/2.0\r\nVia: ;;;;\r\n\r\n",
    ],
)
def test_what_cannot_be_answered_is_told_and_left(octets: bytes) -> None:
    server = house()
    commands = server.receive(octets, PHONE, START)
    assert sent(commands) == [] and len(told(commands, Ignored)) == 1 and server.ignored == 1
    assert server.transactions == 0


@pytest.mark.parametrize(
    "octets", [b"", b"\r\n\r\n", b"\0\0\0\0", b"jaK", b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)]
)
def test_keep_alives_are_counted(octets: bytes) -> None:
    server = house()
    assert server.receive(octets, PHONE, START) == []
    assert server.conversation.source.keepalives == 1 and server.ignored == 0


def test_an_ack_is_never_answered() -> None:
    assert sent(house().receive(request("ACK"), PHONE, START)) == []


def test_a_huge_request_is_refused_unread() -> None:
    server = house(transport="TCP")
    answer = sent(server.receive(request(extra=[f"X: {'x' * LONGEST_MESSAGE}"]), PHONE, START))[0]
    assert answer.status == 513 and len(answer.raw) < 1000


# The end.


def is_done(server: UserAgentServer) -> bool:
    return server.done


def test_it_ends_some_time_after_so_many_clients() -> None:
    server = house(term=StopCondition(clients=2, linger=SECOND))
    server.start(START)
    commands = server.receive(request(user="alice", call_id="a", contact="<sip:alice@1.1.1.1>"), PHONE, START)
    assert [event.aor for event in told(commands, Finished)] == ["sip:alice@example.com"]
    assert not told(server.receive(request(user="alice", call_id="a", cseq=2), PHONE, START), Finished), "once"
    server.receive(request(user="bob", call_id="b", contact="<sip:bob@1.1.1.2>"), PHONE, START + 5)
    assert not is_done(server) and server.deadline == START + 5 + SECOND
    assert sent(server.receive(request("OPTIONS", branch="z9hG4bKo"), PHONE, START + 6)), "it still answers"
    assert [event.reason for event in told(server.wake(START + 5 + SECOND), Ended)] == ["2 finished"]
    assert (is_done(server), server.wake(START + 9 * SECOND)) == (True, [])
    assert server.receive(request(), PHONE, START + 2 * SECOND) == []


def test_it_ends_when_its_time_is_over_or_when_it_is_stopped() -> None:
    server = house(term=StopCondition(time=5 * SECOND))
    server.start(START)
    assert server.deadline == START + 5 * SECOND
    assert told(server.wake(START + 5 * SECOND), Ended)[0].reason == "the time is over"
    server = house()
    assert told(server.stop(START), Ended)[0].reason == "stopped"
    assert server.stop(START) == []


# Findings as they happen, and in the end.


def test_a_finding_is_told_with_the_message_that_shows_it() -> None:
    server = house()
    clean = server.receive(request(call_id="a", uri="sip:example.com", cseq=1), PHONE, START)
    assert [event.finding.rule for event in told(clean, Found) if event.finding.at_fault == "ua"] == []
    broken = server.receive(request(call_id="b", user="bob", uri="sip:bob@example.com"), PHONE, START + SECOND)
    assert "R3261-10.2-ruri-userinfo" in [event.finding.rule for event in told(broken, Found)]
    again = server.receive(
        request(call_id="b", user="bob", uri="sip:bob@example.com", cseq=2), PHONE, START + 2 * SECOND
    )
    assert "R3261-10.2-ruri-userinfo" not in [event.finding.rule for event in told(again, Found)], "told once"
    report = server.conversation.finish()
    found = {finding.rule: finding.count for finding in report.findings}
    assert found["R3261-10.2-ruri-userinfo"] == 2
    assert report.summary.register_requests == 3 and report.summary.responses[200] == 3


def test_the_registrars_own_answers_break_no_rule() -> None:
    server = house(secrets=SECRETS, user=Registrar(SECRETS, RegistrarPolicy(), tokens()))
    for number, octets in enumerate(
        (request(cseq=1), request(cseq=2, expires="5"), request("OPTIONS", cseq=3), request(cseq=4, contact="*"))
    ):
        server.receive(octets, PHONE, START + number * SECOND)
    faults = {finding.at_fault for finding in server.conversation.finish().findings if finding.severity == "error"}
    assert "registrar" not in faults


# Hostile senders.


def test_endless_new_requests_stay_within_bounds() -> None:
    server = house(most=100)
    server.clients = Clients(50)
    for number in range(600):
        octets = request("OPTIONS", call_id=f"c{number}", branch=f"z9hG4bK{number}", user=f"u{number}")
        server.receive(octets, Endpoint("198.51.100.1", 1 + number), START + number)
    assert server.transactions == 100 and server.evicted == 500
    assert len(server.clients.listed()) == 50
    assert (server.clients.count, server.clients.evicted) == (600, 550)


def test_one_client_that_asks_for_ever_is_listed_so_far() -> None:
    server = house()
    for number in range(MOST_ROUNDS + 10):
        server.receive(request(cseq=number + 1), PHONE, START + number)
    client = server.clients.listed()[0]
    assert len(client.rounds) == MOST_ROUNDS and client.more == 10


def test_what_is_kept_of_a_client_is_bounded_whatever_it_sends() -> None:
    long, captured = "x" * 12_000, b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\n\r\n"
    for user in (None, Scenario(flow((request(), captured)), SECRETS, tokens())):
        server = house(user)
        octets = request(call_id=long, uri=f"sip:{long[:2000]}", contact=f"<sip:{long}@h>", to=f"<sip:{long}@h>")
        assert len(sent(server.receive(octets, PHONE, START) + server.wake(START + SECOND))[0].raw) > 12_000
        assert len(repr(server.clients.listed()[0])) < 10_000


def test_endless_garbage_is_told_so_far_and_counted() -> None:
    server = house()
    reasons = [len(told(server.receive(b"garbage!!!", PHONE, START), Ignored)) for _ in range(MOST_IGNORED + 10)]
    assert sum(reasons) == MOST_IGNORED and server.ignored == MOST_IGNORED + 10


def test_beyond_its_limit_the_conversation_is_answered_and_not_judged() -> None:
    server = house()
    server.conversation.limit = 4
    for number in range(4):
        assert len(sent(server.receive(request(cseq=number + 1), PHONE, START + number))) == 1
    report = server.conversation.finish()
    assert report.summary.register_requests == 2
    assert any("4 more messages" in note for note in report.notes)


class Slow:
    """Answers everything ten seconds late."""

    checks_merged, note = False, ""

    def __init__(self) -> None:
        self.plain = Registrar(SECRETS, RegistrarPolicy(), tokens())
        self.say = self.plain.say

    def has_finished(self, client: Client) -> bool:
        return False

    def answer(self, received: Received, client: Client, round_: Round) -> Reply:
        reply = self.plain.answer(received, client, round_)
        reply.delay = 10 * SECOND
        return reply


def test_a_delayed_answer_goes_out_in_time_and_copies_wait_for_it() -> None:
    server, asked = house(Slow()), request("OPTIONS")
    assert sent(server.receive(asked, PHONE, START)) == []
    assert sent(server.receive(asked, PHONE, START + SECOND)) == []
    assert server.deadline == START + 10 * SECOND
    assert sent(server.wake(START + 10 * SECOND - 1)) == []
    assert [answer.status for answer in sent(server.wake(START + 10 * SECOND))] == [200]
    assert [answer.status for answer in sent(server.receive(asked, PHONE, START + 11 * SECOND))] == [200]


def test_more_delayed_answers_than_are_kept_go_out_at_once() -> None:
    server = house(Slow())
    at_once = [len(sent(server.receive(request("OPTIONS"), PHONE, START + n))) for n in range(MOST_DELAYED + 3)]
    assert sum(at_once) == 3
    assert len(sent(server.wake(START + 20 * SECOND))) == MOST_DELAYED


def test_deadlines_never_go_back() -> None:
    server = house(term=StopCondition(time=100 * SECOND))
    server.start(START)
    deadlines = []
    for number in range(20):
        server.receive(request("OPTIONS", call_id=str(number)), PHONE, START + number * SECOND)
        deadlines.append(server.deadline or 0)
    assert all(a <= b for a, b in pairwise(deadlines))
