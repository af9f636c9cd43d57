"""How a client session ends: its bindings removed, whoever wants the end, and whatever the registrar says to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.sip.message import parse_bytes
from replay.machine import SECOND
from replay.session import ClientSession, ReplayMode
from tests.replay.memory import MemoryRegistrar, played, silence, table
from tests.replay.said import CLEAN, LOCAL

R = "> REGISTER sip:example.com"
AUTHORIZED = f"{R}\nAuthorization: {{bob secret}}"
REFRESHED = f"{CLEAN}\n@1800 {AUTHORIZED}\n< 200\n@3600 {AUTHORIZED}\nExpires: 0\n< 200"


def statuses(session: ClientSession) -> list[int]:
    return [result.status for result in session.results]


def test_bindings_that_were_made_are_removed(tmp_path: Path) -> None:
    registrar = MemoryRegistrar()
    registrar.bindings["sip:somebody@else"] = 60
    session, _ = played(CLEAN, tmp_path, registrar, ReplayMode())
    assert registrar.bindings == {"sip:somebody@else": 60}
    assert [one.status for one in session.removal] == [200] and session.done
    assert statuses(session) == [401, 200]


def test_a_removal_answers_a_challenge(tmp_path: Path) -> None:
    registrar = MemoryRegistrar(nonce_uses=1)
    session, _ = played(CLEAN, tmp_path, registrar, ReplayMode())
    assert [one.status for one in session.removal] == [401, 200] and registrar.bindings == {}


def test_several_contacts_are_removed(tmp_path: Path) -> None:
    text = f"{R}\nContact: <sip:a@192.0.2.10>;expires=60;q=0.1, <sip:b@192.0.2.11>\n< 200"
    registrar = MemoryRegistrar()
    session, _ = played(text, tmp_path, registrar, ReplayMode())
    assert registrar.bindings == {} and len(session.removal) == 1


@pytest.mark.parametrize(
    "tail", ["Expires: 0", "Contact: *\nExpires: 0", "Contact: <sip:bob@192.0.2.10:5060>;expires=0"]
)
def test_a_flow_that_ends_with_a_removal_needs_no_other(tail: str, tmp_path: Path) -> None:
    registrar = MemoryRegistrar()
    session, _ = played(f"{CLEAN}\n@60 {AUTHORIZED}\n{tail}\n< 200", tmp_path, registrar, ReplayMode())
    assert session.removal == [] and registrar.bindings == {} and session.done


def test_a_query_binds_nothing(tmp_path: Path) -> None:
    session, _ = played(f"{R}\n-Contact\n-Expires\n< 200", tmp_path, MemoryRegistrar(), ReplayMode())
    assert session.removal == [] and session.done


def test_a_removal_that_is_not_answered_ends_too(tmp_path: Path) -> None:
    registrar = MemoryRegistrar()

    def dying(request: bytes) -> list[bytes]:
        return registrar(request) if len(registrar.requests) < 2 else []

    session, _ = played(CLEAN, tmp_path, dying, ReplayMode())
    assert session.done and [one.ending for one in session.removal] == ["timeout"]


def test_a_removal_is_well_formed(tmp_path: Path) -> None:
    registrar = MemoryRegistrar()
    played(CLEAN, tmp_path, registrar, ReplayMode())
    removal = parse_bytes(registrar.requests[-1])
    assert removal.all_defects() == [] and removal.expires == 0
    assert [(one.uri.text, one.expires) for one in removal.contacts if one.uri] == [(f"sip:bob@{LOCAL}", 0)]
    assert removal.call_id == parse_bytes(registrar.requests[0]).call_id


@pytest.mark.parametrize("until", [0, 1, 60 * SECOND, 1900 * SECOND])
def test_an_early_end_removes_what_was_bound(until: int, tmp_path: Path) -> None:
    registrar = MemoryRegistrar()
    session, seen = table(REFRESHED, tmp_path, registrar, ReplayMode())
    seen.play(until=until)
    bound = bool(registrar.bindings)
    seen.stop()
    seen.play()
    assert session.done and session.stopped and registrar.bindings == {}
    under_way = until < 2  # nobody has answered yet, so it may have been bound
    assert bool(session.removal) is (bound or under_way) and len(session.results) < 4


def test_an_early_end_of_a_request_under_way_says_so(tmp_path: Path) -> None:
    session, seen = table(REFRESHED, tmp_path, silence)
    seen.play(until=SECOND)
    seen.stop()
    assert session.results[0].tries[0].ending == "stopped" and session.done


def test_a_second_stop_is_an_end_at_once(tmp_path: Path) -> None:
    registrar = MemoryRegistrar()

    def dying(request: bytes) -> list[bytes]:
        return registrar(request) if len(registrar.requests) < 2 else []

    session, seen = table(CLEAN, tmp_path, dying, ReplayMode())
    seen.play(until=SECOND)
    assert not session.done and session.removal
    seen.stop()
    seen.stop()
    assert session.done


def test_a_stop_after_the_end_does_nothing(tmp_path: Path) -> None:
    session, seen = played(CLEAN, tmp_path, MemoryRegistrar(), ReplayMode())
    count = len(seen.sent)
    seen.stop()
    assert session.done and len(seen.sent) == count and not session.stopped


@pytest.mark.parametrize("lost", [1, 2])
def test_a_request_under_way_may_have_bound_and_is_removed(lost: int, tmp_path: Path) -> None:
    """The registrar takes the request in, and the user does not wait for its answer."""
    registrar = MemoryRegistrar()

    def slow(request: bytes) -> list[bytes]:
        answers = registrar(request)
        return [] if len(registrar.requests) == lost else answers

    session, seen = table(REFRESHED, tmp_path, slow, ReplayMode())
    seen.play(until=SECOND // 4)
    assert bool(registrar.bindings) is (lost == 2)
    seen.stop()
    seen.play()
    assert session.done and registrar.bindings == {} and session.removal[-1].status == 200


def test_a_lost_answer_of_a_registrar_that_lives_leaves_nothing_bound(tmp_path: Path) -> None:
    registrar = MemoryRegistrar()

    def losing(request: bytes) -> list[bytes]:
        answers = registrar(request)
        return [] if b"expires=0" not in request and registrar.bindings else answers

    session, _ = played(CLEAN, tmp_path, losing, ReplayMode())
    assert statuses(session) == [401, 0] and registrar.bindings == {} and session.removal[-1].status == 200


def test_a_peer_that_never_answered_is_not_asked_to_remove(tmp_path: Path) -> None:
    session, _ = played(CLEAN, tmp_path, silence, ReplayMode())
    assert session.removal == [] and session.done


@pytest.mark.parametrize("number", [2**31 - 1, 2**31 + 5])
def test_a_captured_number_that_cannot_grow_does_not_keep_the_binding(number: int, tmp_path: Path) -> None:
    registrar = MemoryRegistrar()
    text = f"{R}\nCSeq: {number} REGISTER\n< 401 {{bob}}\n{AUTHORIZED}\nCSeq: {number} REGISTER\n< 200"
    session, _ = played(text, tmp_path, registrar, ReplayMode(repaired=False))
    removal = parse_bytes(registrar.requests[-1])
    assert session.removal and removal.cseq is not None and removal.cseq.number < 2**31
    assert removal.call_id != parse_bytes(registrar.requests[0]).call_id
    assert registrar.bindings == {}
