"""What a client session may leave behind at the registrar: removal in a hurry, bindings that nobody can be sure of."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.sip.message import parse_bytes
from replay.machine import SECOND
from replay.plan import steps_of
from replay.rewrite import REPAIRS, written
from replay.session import PATIENCE, ReplayMode
from tests.replay.memory import MemoryRegistrar, Respond, header, played, silence, table
from tests.replay.said import CLEAN, LOCAL, agent_of, flow_of
from tests.replay.scripted import answer_to

R = "> REGISTER sip:example.com"
AUTHORIZED = f"{R}\nAuthorization: {{bob secret}}"
REFRESHED = f"{CLEAN}\n@1800 {AUTHORIZED}\n< 200\n@3600 {AUTHORIZED}\nExpires: 0\n< 200"
OURS = f"sip:bob@{LOCAL}"


def dying(registrar: MemoryRegistrar, after: int = 2) -> Respond:
    """A registrar that answers so many requests, and then nothing."""

    def respond(request: bytes) -> list[bytes]:
        return registrar(request) if len(registrar.requests) < after else []

    return respond


def test_nothing_is_left_where_all_was_removed(tmp_path: Path) -> None:
    session, _ = played(CLEAN, tmp_path, MemoryRegistrar(), ReplayMode())
    assert session.left == () and session.removal


def test_what_shall_be_kept_is_not_left_behind(tmp_path: Path) -> None:
    session, _ = played(CLEAN, tmp_path, MemoryRegistrar(), ReplayMode(keep=True))
    assert session.left == () and session.removal == []


def test_a_removal_after_a_stop_does_not_wait_for_timer_f(tmp_path: Path) -> None:
    session, seen = table(REFRESHED, tmp_path, dying(MemoryRegistrar()), ReplayMode())
    seen.play(until=60 * SECOND)
    stopped = seen.now
    seen.stop()
    seen.play()
    assert session.done and seen.now - stopped == PATIENCE < session.timers.f // 4
    (removal,) = session.removal
    assert (removal.ending, removal.status, removal.copies) == ("timeout", 0, 3)
    assert session.left == (OURS,)


def test_a_removal_that_nobody_hurries_has_timer_f(tmp_path: Path) -> None:
    session, seen = played(CLEAN, tmp_path, dying(MemoryRegistrar()), ReplayMode())
    assert seen.now >= session.timers.f and session.left == (OURS,)


def test_provisional_answers_do_not_prolong_a_stop(tmp_path: Path) -> None:
    registrar = MemoryRegistrar()

    def slow(request: bytes) -> list[bytes]:
        if len(registrar.requests) < 2:
            return registrar(request)
        return [answer_to(request, 100)]

    session, seen = table(REFRESHED, tmp_path, slow, ReplayMode())
    seen.play(until=60 * SECOND)
    stopped = seen.now
    seen.stop()
    seen.play()
    assert (session.done, seen.now - stopped, session.left) == (True, PATIENCE, (OURS,))


def test_a_second_stop_says_what_is_left(tmp_path: Path) -> None:
    session, seen = table(CLEAN, tmp_path, dying(MemoryRegistrar()), ReplayMode())
    seen.play(until=SECOND)
    seen.stop()
    seen.stop()
    assert session.done and session.left == (OURS,) and session.removal[-1].ending == "stopped"


def test_a_stop_while_the_bindings_are_removed_hurries(tmp_path: Path) -> None:
    session, seen = table(CLEAN, tmp_path, dying(MemoryRegistrar()), ReplayMode())
    seen.play(until=SECOND)
    assert session.removal and not session.done
    stopped = seen.now
    seen.stop()
    seen.play()
    assert (session.done, seen.now - stopped, session.left) == (True, PATIENCE, (OURS,))


def test_a_request_that_nobody_answered_may_have_bound(tmp_path: Path) -> None:
    """No answer is no proof that nothing came: it is not asked to remove, but it is told."""
    session, _ = played(CLEAN, tmp_path, silence, ReplayMode())
    assert session.removal == [] and session.left == (OURS,)


def test_a_request_that_was_refused_at_the_door_has_bound_nothing(tmp_path: Path) -> None:
    session, seen = table(f"{R}\n< 200", tmp_path, silence, ReplayMode())
    seen.play(until=SECOND // 10)
    seen.fail("connection refused")
    seen.play()
    assert session.done and session.left == ()


def test_an_error_after_a_copy_that_may_have_come_in_is_told(tmp_path: Path) -> None:
    session, seen = table(f"{R}\n< 200", tmp_path, silence, ReplayMode())
    seen.play(until=SECOND)
    seen.fail("connection refused")
    seen.play()
    assert session.left == (OURS,)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refusal_leaves_nothing(status: int, tmp_path: Path) -> None:
    session, _ = played(f"{R}\n< 200", tmp_path, lambda request: [answer_to(request, status)], ReplayMode())
    assert session.left == () and session.removal == []


def test_a_removal_that_is_refused_leaves_it(tmp_path: Path) -> None:
    def unwilling(request: bytes) -> list[bytes]:
        return [answer_to(request, 403 if b"expires=0" in request else 200)]

    session, _ = played(f"{R}\n< 200", tmp_path, unwilling, ReplayMode())
    assert session.left == (OURS,) and session.removal[-1].status == 403


def test_what_an_early_silence_may_have_bound_is_removed_when_the_peer_lives(tmp_path: Path) -> None:
    answered = iter([*[False] * 11, *[True] * 9])
    registrar = MemoryRegistrar()

    def deaf_at_first(request: bytes) -> list[bytes]:
        answers = registrar(request)
        return answers if next(answered) else []

    text = f"{R}\nContact: <sip:first@192.0.2.10:5060>\n< 200\n@99 {R}\nContact: <sip:second@192.0.2.10:5060>\n< 200"
    session, _ = played(text, tmp_path, deaf_at_first, ReplayMode())
    assert session.left == () and registrar.bindings == {}
    assert b"first@" in registrar.requests[-1] and b"second@" in registrar.requests[-1]


# 423 for a request that leaves the expiry to the registrar.


def test_423_to_a_request_without_expires_adds_it(tmp_path: Path) -> None:
    def brief(request: bytes) -> list[bytes]:
        enough = int(header(request, "Expires") or 0) >= 120
        return [answer_to(request, 200) if enough else answer_to(request, 423, "Min-Expires: 120")]

    session, seen = played(f"{R}\n-Expires\n< 200", tmp_path, brief)
    assert [(one.why, one.status) for one in session.results[0].tries] == [("", 423), ("Min-Expires: 120", 200)]
    (edit,) = [edit for edit in session.results[0].edits if edit.what == "Expires"]
    assert (edit.before, edit.after, edit.why) == ("", "120", "the registrar grants no less than 120 s")
    assert parse_bytes(seen.sent[-1][1]).expires == 120


@pytest.mark.parametrize(
    ("lines", "expires", "contacts"),
    [
        ("-Expires", 90, [None]),
        ("-Expires\nContact: <sip:a@h>;expires=30, <sip:b@h>", 90, [90, None]),
        ("-Expires\nContact: <sip:a@h>;expires=30, <sip:b@h>;expires=0", None, [90, 0]),
        ("Expires: 30\nContact: <sip:a@h>;expires=3600, <sip:b@h>", 90, [3600, None]),
        ("Expires: 3600\nContact: <sip:a@h>;expires=30", 3600, [90]),
        ("Expires: 0", 0, [None]),
        ("-Expires\n-Contact", None, []),
    ],
)
def test_every_interval_is_raised(lines: str, expires: int | None, contacts: list[int | None], tmp_path: Path) -> None:
    """10.2.8: of all contact addresses in the request; what is removed stays removed, a query stays one."""
    agent = agent_of()
    agent.min_expires = 90
    (step,) = steps_of(flow_of(f"{R}\n{lines}\n< 200", tmp_path))
    sent = parse_bytes(written(step, agent, REPAIRS).octets())
    assert (sent.expires, [contact.expires for contact in sent.contacts]) == (expires, contacts)
