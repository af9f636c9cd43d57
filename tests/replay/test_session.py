"""The client's half of a flow at a registrar in memory, by a clock that the test holds: what is sent, and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.sip.message import parse_bytes
from replay.events import Answered, Ignored, Sent, Waiting
from replay.machine import SECOND
from replay.session import MOST_IGNORED, MOST_TRIES, ClientSession, ReplayMode
from tests.replay.memory import MemoryRegistrar, Respond, header, played, silence, table
from tests.replay.said import CLEAN
from tests.replay.scripted import answer_to

R = "> REGISTER sip:example.com"
AUTHORIZED = f"{R}\nAuthorization: {{bob secret}}"
REFRESHED = f"{CLEAN}\n@1800 {AUTHORIZED}\n< 200\n@3600 {AUTHORIZED}\nExpires: 0\n< 200"


def statuses(session: ClientSession) -> list[int]:
    return [result.status for result in session.results]


def tries(session: ClientSession) -> list[list[tuple[str, int]]]:
    return [[(one.why, one.status) for one in result.tries] for result in session.results]


def test_a_flow_is_said_again(tmp_path: Path) -> None:
    registrar = MemoryRegistrar()
    session, seen = played(CLEAN, tmp_path, registrar)
    assert session.done and statuses(session) == [401, 200]
    assert registrar.bindings == {"sip:bob@127.0.0.1:40000": 3600}
    assert [type(event) for event in seen.told] == [Sent, Answered, Waiting, Sent, Answered]
    assert session.ignored == 0 and session.removal == []


def test_gaps_are_as_captured(tmp_path: Path) -> None:
    _, seen = played(REFRESHED, tmp_path, MemoryRegistrar())
    assert [round(at / SECOND) for at, _ in seen.sent] == [0, 0, 1800, 3600]


def test_gaps_after_silence_run_from_the_request_as_captured(tmp_path: Path) -> None:
    """No answer then, none now: 99 s lay between the requests, and the 32 s of Timer F are part of them."""
    _, seen = played(f"@0 {R}\n@99 {R}\n< 200", tmp_path, silence)
    first, *_, second = dict.fromkeys(octets for _, octets in seen.sent)
    starts = [next(at for at, octets in seen.sent if octets == one) for one in (first, second)]
    assert [at // SECOND for at in starts] == [0, 99]


@pytest.mark.parametrize(("speed", "last"), [(2.0, 1800), (100.0, 36), (0.5, 7200), (0.0, 0)])
def test_gaps_are_divided_by_the_speed(speed: float, last: int, tmp_path: Path) -> None:
    session, seen = played(REFRESHED, tmp_path, MemoryRegistrar(), ReplayMode(speed=speed, keep=True))
    assert round(seen.sent[-1][0] / SECOND) == last and statuses(session) == [401, 200, 200, 200]


def test_one_call_id_and_rising_cseq_on_the_wire(tmp_path: Path) -> None:
    registrar = MemoryRegistrar(nonce_uses=1)
    played(REFRESHED, tmp_path, registrar)
    messages = [parse_bytes(request) for request in registrar.requests]
    assert len({one.call_id for one in messages}) == 1
    assert [one.cseq.number for one in messages if one.cseq] == list(range(1, len(messages) + 1))
    assert len({one.via.branch for one in messages if one.via}) == len(messages)
    assert all(one.all_defects() == [] for one in messages)


@pytest.mark.parametrize("hash_name", ["MD5", "SHA-256"])
@pytest.mark.parametrize("qop", [True, False])
def test_every_refresh_is_authorized(hash_name: str, qop: bool, tmp_path: Path) -> None:
    registrar = MemoryRegistrar(hash_name=hash_name, qop=qop)
    session, _ = played(REFRESHED, tmp_path, registrar)
    assert statuses(session) == [401, 200, 200, 200]
    assert registrar.statuses == [401, 200, 200, 200]


def test_a_challenge_that_was_not_captured_is_answered(tmp_path: Path) -> None:
    session, _ = played(f"{R}\n< 200", tmp_path, MemoryRegistrar())
    assert tries(session) == [[("", 401), ("the challenge", 200)]]


def test_a_challenge_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    def open_house(request: bytes) -> list[bytes]:
        return [answer_to(request, 200)]

    session, seen = played(CLEAN, tmp_path, open_house)
    assert statuses(session) == [200, 200]
    assert all(header(octets, "Authorization") is None for _, octets in seen.sent)


def test_a_stale_nonce_is_replaced(tmp_path: Path) -> None:
    registrar = MemoryRegistrar(nonce_uses=1)
    session, _ = played(REFRESHED, tmp_path, registrar)
    assert tries(session)[2] == [("", 401), ("the challenge", 200)]
    assert registrar.bindings == {}


def test_423_raises_the_expiry_at_once(tmp_path: Path) -> None:
    registrar = MemoryRegistrar(min_expires=120)
    session, _ = played(f"{R}\nExpires: 60\n< 200", tmp_path, registrar)
    assert tries(session) == [[("", 401), ("the challenge", 423), ("Min-Expires: 120", 200)]]
    assert list(registrar.bindings.values()) == [120]


def test_423_as_captured_is_followed_by_the_captured_request(tmp_path: Path) -> None:
    text = (
        f"{R}\nExpires: 60\n< 401\n{AUTHORIZED}\nExpires: 60\n< 423\nMin-Expires: 90\n{AUTHORIZED}\nExpires: 90\n< 200"
    )
    session, _ = played(text, tmp_path, MemoryRegistrar(min_expires=120))
    assert [status for one in tries(session) for _, status in one] == [401, 423, 200]
    assert statuses(session) == [401, 423, 200]


def test_423_of_the_past_that_does_not_come_now(tmp_path: Path) -> None:
    text = (
        f"{R}\nExpires: 60\n< 401\n{AUTHORIZED}\nExpires: 60\n< 423\nMin-Expires: 90\n{AUTHORIZED}\nExpires: 90\n< 200"
    )
    session, _ = played(text, tmp_path, MemoryRegistrar())
    assert statuses(session) == [401, 200, 200]


def test_a_wrong_password_is_not_repeated(tmp_path: Path) -> None:
    def challenging(request: bytes) -> list[bytes]:
        return [answer_to(request, 401, 'WWW-Authenticate: Digest realm="x", nonce="n", qop="auth"')]

    session, seen = played(f"{R}\n< 200", tmp_path, challenging)
    assert tries(session) == [[("", 401), ("the challenge", 401)]]
    assert session.agent.digest_client.unanswerable == "the password is refused" and len(seen.sent) == 2


def test_without_a_password_a_challenge_is_an_outcome(tmp_path: Path) -> None:
    session, seen = table(f"{R}\n< 200", tmp_path, MemoryRegistrar(), passwords={})
    seen.play()
    assert tries(session) == [[("", 401)]] and session.done


def stale_for_ever() -> Respond:
    nonces = iter(range(10_000))

    def respond(request: bytes) -> list[bytes]:
        return [answer_to(request, 401, f'WWW-Authenticate: Digest realm="x", nonce="{next(nonces)}", stale=true')]

    return respond


def brief_for_ever() -> Respond:
    seconds = iter(range(100, 10_000))

    def respond(request: bytes) -> list[bytes]:
        return [answer_to(request, 423, f"Min-Expires: {next(seconds)}")]

    return respond


@pytest.mark.parametrize("peer", [stale_for_ever, brief_for_ever])
def test_a_peer_that_is_never_content_is_left_alone(peer: object, tmp_path: Path) -> None:
    assert callable(peer)
    session, seen = played(f"{R}\nExpires: 60\n< 200\n@60 {R}\nExpires: 60\n< 200", tmp_path, peer(), ReplayMode())
    assert [len(result.tries) for result in session.results] == [MOST_TRIES, MOST_TRIES]
    assert session.done and len(seen.sent) == 2 * MOST_TRIES


def test_a_423_that_asks_for_no_more_is_an_outcome(tmp_path: Path) -> None:
    for least in ("", "Min-Expires: 0", "Min-Expires: soon"):
        headers = [least] if least else []
        session, _ = played(
            f"{R}\n< 200",
            tmp_path,
            lambda request, headers=headers: [answer_to(request, 423, *headers)],  # type: ignore[misc]
        )
        assert tries(session) == [[("", 423)]]


def test_silence_ends_after_32_seconds_and_the_next_step_follows(tmp_path: Path) -> None:
    session, seen = played(f"{R}\n< 200\n@100 {R}\n< 200", tmp_path, silence)
    assert [one.ending for result in session.results for one in result.tries] == ["timeout", "timeout"]
    assert len(seen.sent) == 22 and len({octets for _, octets in seen.sent}) == 2
    assert [one.copies for result in session.results for one in result.tries] == [10, 10]
    assert session.done and statuses(session) == [0, 0]


def test_a_lost_request_is_sent_again(tmp_path: Path) -> None:
    registrar, lost = MemoryRegistrar(), iter([True, False, True, True, False])

    def lossy(request: bytes) -> list[bytes]:
        return [] if next(lost) else registrar(request)

    session, seen = played(CLEAN, tmp_path, lossy)
    assert statuses(session) == [401, 200]
    assert [one.copies for result in session.results for one in result.tries] == [1, 2]
    assert len(seen.sent) == 5


def test_latency_is_from_the_first_copy_to_the_answer(tmp_path: Path) -> None:
    session, _ = played(f"{R}\n< 200", tmp_path, lambda request: [answer_to(request, 200)])
    assert session.results[0].tries[0].latency == SECOND // 100


def test_provisional_answers_are_kept_and_do_not_end_it(tmp_path: Path) -> None:
    def trying(request: bytes) -> list[bytes]:
        return [answer_to(request, 100), answer_to(request, 183), answer_to(request, 200)]

    session, _ = played(f"{R}\n< 200", tmp_path, trying)
    (one,) = session.results[0].tries
    assert ([answer.status for answer in one.provisional], one.status) == ([100, 183], 200)


def test_copies_of_an_answer_do_not_count_twice(tmp_path: Path) -> None:
    registrar = MemoryRegistrar()
    session, seen = played(CLEAN, tmp_path, lambda request: registrar(request) * 3)
    assert statuses(session) == [401, 200] and len(seen.sent) == 2


@pytest.mark.parametrize("reason", ["connection refused", "no route to host"])
def test_a_transport_error_ends_the_request_at_once(reason: str, tmp_path: Path) -> None:
    session, seen = table(f"{R}\n< 200\n@9 {R}\n< 200", tmp_path, silence)
    seen.play(until=SECOND // 10)
    seen.fail(reason)
    (one,) = session.results[0].tries
    assert (one.ending, one.error, one.status) == ("error", reason, 0)
    seen.respond = lambda request: [answer_to(request, 200)]
    seen.play()
    assert statuses(session) == [0, 200] and session.done


def test_an_error_when_nothing_is_under_way_changes_nothing(tmp_path: Path) -> None:
    session, seen = played(f"{R}\n< 200", tmp_path, lambda request: [answer_to(request, 200)])
    seen.fail("connection reset")
    assert statuses(session) == [200] and session.results[0].tries[0].ending == "answered"


# What is not ours.


def stray(request: bytes) -> list[bytes]:
    answer = answer_to(request, 200)
    return [
        answer.replace(b"branch=z9hG4bK", b"branch=z9hG4bKx"),
        answer.replace(b" REGISTER\r\n", b" OPTIONS\r\n"),
        answer.replace(b"CSeq: ", b"CSeq: 9"),
        b"OPTIONS sip:bob@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK\r\n\r\n",
        bytes(range(256)),
        b"\x1b[2J" * 10,
    ]


def test_stray_messages_are_told_and_change_nothing(tmp_path: Path) -> None:
    session, seen = played(f"{R}\n< 200", tmp_path, stray)
    told = [event.reason for event in seen.told if isinstance(event, Ignored)]
    assert session.ignored == len(told) == 6 * 11
    assert statuses(session) == [0] and session.results[0].tries[0].ending == "timeout"
    assert "a 200 from 127.0.0.1:5060 that belongs to no request of ours" in told
    assert any(reason.startswith("a OPTIONS from") for reason in told)


def test_a_flood_of_strays_is_counted_not_told(tmp_path: Path) -> None:
    session, seen = table(f"{R}\n< 200", tmp_path, silence)
    seen.play(until=0)
    for _ in range(MOST_IGNORED + 500):
        seen.hand(b"SIP/2.0 200 OK\r\n\r\n")
    told = [event for event in seen.told if isinstance(event, Ignored)]
    assert (session.ignored, len(told)) == (MOST_IGNORED + 500, MOST_IGNORED)


@pytest.mark.parametrize("octets", [b"", b"\r\n", b"\r\n\r\n", b"\0\0\0\0", b"\0"])
def test_keepalives_are_no_strays(octets: bytes, tmp_path: Path) -> None:
    session, seen = table(f"{R}\n< 200", tmp_path, silence)
    seen.play(until=0)
    assert seen.hand(octets) == [] and session.ignored == 0


def test_a_late_answer_to_an_earlier_request_is_a_stray(tmp_path: Path) -> None:
    session, seen = table(f"{R}\n< 200\n@99 {R}\n< 200", tmp_path, silence)
    for second in range(200):
        if len(session.results) < 2:
            seen.play(until=second * SECOND)
    seen.hand(answer_to(seen.sent[0][1], 200))
    assert session.ignored == 1 and statuses(session) == [0, 0]


# Step by step, and verbatim.


def test_step_by_step_waits_for_a_word_between_attempts(tmp_path: Path) -> None:
    session, seen = table(REFRESHED, tmp_path, MemoryRegistrar(), ReplayMode(stepwise=True, keep=True))
    counts = []
    for _ in range(5):
        seen.play()
        counts.append(len(seen.sent))
        seen._carry(session.proceed(seen.now))
    assert counts == [2, 3, 4, 4, 4] and session.done


def test_a_word_that_nobody_waits_for_does_nothing(tmp_path: Path) -> None:
    session, seen = table(CLEAN, tmp_path, silence)
    seen.play(until=0)
    assert session.proceed(seen.now) == []


def test_verbatim_is_one_request_for_each_captured_one(tmp_path: Path) -> None:
    text = f"{R}\nCSeq: 7\n< 401\n{AUTHORIZED}\nCSeq: 7\n< 200\n@9 {R}\nCSeq: 7\n< 200"
    registrar = MemoryRegistrar()
    session, seen = played(text, tmp_path, registrar, ReplayMode(repaired=False, keep=True))
    assert [len(result.tries) for result in session.results] == [1, 1, 1]
    assert {header(octets, "CSeq") for _, octets in seen.sent} == {"7 REGISTER"}
    assert {header(octets, "Call-ID") for _, octets in seen.sent} == {"call-1@192.0.2.10"}
    assert registrar.statuses == [401, 200, 401]


def test_verbatim_removal_is_repaired_for_it_is_ours(tmp_path: Path) -> None:
    text = f"{R}\n< 401\n{AUTHORIZED}\n< 200"
    registrar = MemoryRegistrar()
    session, _ = played(text, tmp_path, registrar, ReplayMode(repaired=False))
    assert registrar.bindings == {} and [one.status for one in session.removal] == [200]
    messages = [parse_bytes(request) for request in registrar.requests]
    assert len({one.call_id for one in messages}) == 1
    assert [one.cseq.number for one in messages if one.cseq] == [1, 2, 3]


def test_over_tcp_a_request_is_sent_once(tmp_path: Path) -> None:
    session, seen = table(CLEAN, tmp_path, silence, reliable=True)
    seen.play()
    assert len(seen.sent) == 2 and [one.ending for result in session.results for one in result.tries] == ["timeout"] * 2
