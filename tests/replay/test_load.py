"""One flow as many users: pacing and ceilings by the clock of the test, and 2,000 users at a real registrar."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.evidence import Endpoint
from analyzer.register.digest.secrets import Secrets
from analyzer.sip.timers import Timers
from replay.agent import Agent, Mapping
from replay.digest_client import DigestClient
from replay.flow import read_flow
from replay.load import Load, Pace
from replay.machine import SECOND, Command, Notify, Send
from replay.net.play import ConnectionOptions, play_many
from replay.plan import steps_of
from replay.session import PATIENCE, ClientSession, ReplayMode
from replay.views.load import is_same, load_record
from tests.replay.peers import Kamailio, answer_to, kamailio_server, password, scripted_peer
from tests.replay.playing import sample

FLOW = read_flow([sample("cseq-jump")])
PEER = Endpoint("127.0.0.1", 5060)


def load(users: int, pace: Pace, *, mode: ReplayMode = ReplayMode(speed=0)) -> Load:  # noqa: B008 - frozen
    numbers = iter(range(10**6))

    def token() -> str:
        return f"t{next(numbers)}"

    def make(number: int) -> ClientSession:
        mapping = Mapping.parse((f"carol@=u{number}@",))
        secrets = Secrets.of({f"u{number}": "pw"})
        agent = Agent(Endpoint("127.0.0.1", 40000), "UDP", token, DigestClient(secrets, f"u{number}", token), mapping)
        return ClientSession(steps_of(FLOW), agent, Timers(), mode)

    return Load(make, users, pace)


def octets(commands: list[Command]) -> list[bytes]:
    assert not any(isinstance(command, Notify) for command in commands), "events of thousands stay inside"
    return [command.octets for command in commands if isinstance(command, Send)]


def run_silent(machine: Load, until: float) -> list[float]:
    """When (seconds) each request was first sent if nobody ever answers."""
    sent, seen, now = [], set(), 0
    waiting = octets(machine.start(0))
    while True:
        for one in waiting:
            if one not in seen:
                seen.add(one)
                sent.append(now / SECOND)
        if machine.done or machine.deadline is None or machine.deadline > until * SECOND:
            return sent
        now = max(now, machine.deadline)
        waiting = octets(machine.wake(now))


def run_answered(machine: Load, status: int = 200) -> int:
    """Answer everything at once; returns the instant of the end."""
    now, waiting = 0, octets(machine.start(0))
    while not machine.done:
        answered: list[bytes] = []
        for one in waiting:
            answered += octets(machine.receive(answer_to(one, status), PEER, now))
        waiting = answered
        if not waiting and machine.deadline is not None and not machine.done:
            now = max(now, machine.deadline)
            waiting = octets(machine.wake(now))
    return now


def test_the_rate_is_kept_whatever_comes_back() -> None:
    sent = run_silent(load(20, Pace(rate=10, concurrency=1000)), until=1.95)
    assert sent == pytest.approx([number / 10 for number in range(20)])


def test_no_more_at_a_time_than_the_ceiling() -> None:
    machine = load(20, Pace(rate=1000, concurrency=3))
    sent = run_silent(machine, until=30)
    assert len(sent) == 3
    assert machine.tally.begun == 3
    assert machine.tally.late == 0


def test_a_start_that_had_to_wait_is_late() -> None:
    machine = load(4, Pace(rate=1000, concurrency=2))
    run_silent(machine, until=400)
    assert (machine.tally.begun, machine.tally.late) == (4, 2)
    assert machine.tally.timeouts == 4 * len(FLOW.exchanges)


def test_each_user_has_one_turn() -> None:
    machine = load(50, Pace(rate=1000))
    run_answered(machine)
    assert (machine.tally.begun, machine.tally.ended) == (50, 50)
    assert machine.tally.statuses == {200: 50 * 5}  # four steps and the removal
    assert machine.tally.requests == len(machine.tally.latencies) == 250
    assert machine.tally.same == 50  # of each chain the last step alone is an outcome


def test_with_a_duration_users_take_turns_until_it_is_over() -> None:
    machine = load(3, Pace(rate=10, duration=2))
    end = run_answered(machine)
    assert machine.tally.begun == 20
    assert end <= 2 * SECOND
    assert machine.done


def test_the_hard_stop_ends_what_is_under_way() -> None:
    machine = load(3, Pace(rate=10, duration=1))
    run_silent(machine, until=1.5)
    assert machine.done
    assert machine.tally.ended == machine.tally.begun
    assert machine.tally.same == 0 and not is_same(machine), "nothing at all went as then"
    assert sum(machine.tally.unlike.values()) + machine.tally.cut == machine.tally.begun


def run_then_silent(machine: Load, silent_from: float, silent_until: float = 1e9) -> None:
    """Answer everything at once until `silent_from` seconds, and nothing from then on until `silent_until`."""
    now, waiting = 0, octets(machine.start(0))
    while not machine.done:
        answered: list[bytes] = []
        for one in waiting:
            if not silent_from * SECOND <= now < silent_until * SECOND:
                answered += octets(machine.receive(answer_to(one, 200), PEER, now))
        waiting = answered
        if not waiting and machine.deadline is not None and not machine.done:
            now = max(now, machine.deadline)
            waiting = octets(machine.wake(now))


def test_what_the_hard_stop_cuts_short_is_no_failure() -> None:
    machine = load(3, Pace(rate=10, duration=1))
    run_then_silent(machine, silent_from=0.7, silent_until=1)
    assert (machine.tally.same, machine.tally.cut, machine.tally.begun) == (7, 3, 10)
    assert machine.tally.unlike == {} and machine.tally.not_removed == 0 and is_same(machine)


def test_what_may_be_left_of_what_was_cut_short_is_counted() -> None:
    """Requests that are under way at the hard stop may have bound, and so may those whose removal has no answer."""
    machine = load(3, Pace(rate=10, duration=1))
    run_then_silent(machine, silent_from=0.7)
    assert (machine.tally.cut, machine.tally.not_removed) == (3, 3)
    assert machine.ended_at == SECOND + PATIENCE and not is_same(machine)


def test_a_second_stop_ends_at_that_instant_and_counts_what_is_left() -> None:
    machine = load(1, Pace(rate=1), mode=ReplayMode(speed=1))
    (first,) = octets(machine.start(0))
    machine.receive(answer_to(first, 200), PEER, 1)
    machine.stop(SECOND)
    machine.stop(2 * SECOND)
    assert (machine.done, machine.ended_at, machine.tally.not_removed) == (True, 2 * SECOND, 1)


def test_a_registrar_that_dies_before_the_hard_stop_is_a_failure() -> None:
    machine = load(3, Pace(rate=10, duration=2))
    run_then_silent(machine, silent_from=0.7)
    assert machine.tally.same == 7 and machine.tally.unlike and not is_same(machine)


def test_stop_removes_what_was_bound_and_the_second_ends_at_once() -> None:
    machine = load(1, Pace(rate=1), mode=ReplayMode(speed=1))
    (first,) = octets(machine.start(0))
    machine.receive(answer_to(first, 200), PEER, 1)
    assert machine.deadline is not None
    assert octets(machine.wake(machine.deadline))  # the second step
    (removal,) = octets(machine.stop(SECOND // 10))
    assert b"expires=0" in removal
    assert not machine.done
    machine.stop(SECOND // 5)
    assert machine.done


def test_what_belongs_to_nobody_is_counted() -> None:
    machine = load(1, Pace(rate=1))
    (first,) = octets(machine.start(0))
    assert machine.receive(first, PEER, 1) == []
    assert machine.receive(b"nonsense", PEER, 1) == []
    assert machine.receive(answer_to(first, 200).replace(b"branch=", b"branch=x"), PEER, 1) == []
    assert machine.receive(b"\r\n\r\n", PEER, 1) == []
    assert machine.tally.ignored == 2  # the request itself has a branch of ours: its session leaves it


def test_percentiles() -> None:
    tally = load(1, Pace()).tally
    assert tally.percentile(0.5) is None
    tally.latencies.extend(number * SECOND for number in range(1, 101))
    assert (tally.percentile(0.5), tally.percentile(0.99), tally.percentile(1.0)) == (51, 100, 100)


def test_a_flow_that_ends_otherwise_says_how() -> None:
    machine = load(5, Pace(rate=1000))
    run_answered(machine, 403)
    assert machine.tally.same == 0
    assert machine.tally.unlike == {"step 2 refused (403) now, registered (200) then": 5}
    record = load_record(machine, "x", "y")
    assert record["outcome"] == {
        "then": "",
        "now": "step 2 refused (403) now, registered (200) then",
        "same": False,
    }
    assert record["steps"] == []
    assert record["statuses"] == {"403": 20}


def test_2000_users_at_a_real_registrar(tmp_path: Path) -> None:
    users = [f"u{number:05d}" for number in range(2000)]
    secrets = Secrets.of({user: password(user) for user in users})
    with kamailio_server() as server:
        course = ConnectionOptions(Endpoint(*server.address), mode=ReplayMode(speed=0, keep=True))
        result = play_many(FLOW, secrets, course, users, Pace(rate=400, concurrency=400))
        assert all(len(server.bindings(user)) == 1 for user in users[::100])
    assert is_same(result), result.tally.unlike
    assert result.tally.statuses == {200: 4000, 401: 4000}
    assert result.tally.timeouts == 0


def test_bindings_of_all_users_are_removed(kamailio: Kamailio) -> None:
    users = [f"z{number:03d}" for number in range(30)]
    secrets = Secrets.of({user: password(user) for user in users})
    course = ConnectionOptions(Endpoint(*kamailio.address), mode=ReplayMode(speed=0))
    result = play_many(FLOW, secrets, course, users, Pace(rate=200))
    assert is_same(result)
    assert all(kamailio.bindings(user) == [] for user in users[::10])


def test_a_registrar_that_answers_nobody_costs_timeouts_and_no_more() -> None:
    users = [f"q{number}" for number in range(5)]
    short = replace(Timers(), t1=2_000_000, t2=10_000_000)
    with scripted_peer(lambda request: []) as peer:
        course = ConnectionOptions(Endpoint(*peer.address), mode=ReplayMode(speed=0), timers=short)
        result = play_many(FLOW, Secrets(), course, users, Pace(rate=1000))
    assert result.tally.timeouts == 20
    assert result.tally.unlike == {"step 2 no answer now, registered (200) then": 5}
    assert result.tally.retransmissions > 0
