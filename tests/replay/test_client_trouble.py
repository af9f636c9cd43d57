"""The client's half where the way or the peer is bad: loss, delay, copies, strangers, lies, silence, death."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Iterator
from itertools import repeat

import pytest

from analyzer.register.digest.secrets import Secrets
from replay.session import MOST_TRIES
from tests.replay.peers import (
    HANG_UP,
    Kamailio,
    Rule,
    answer_to,
    corrupt,
    delay,
    drop,
    duplicate,
    forever_trying,
    kamailio_server,
    lossy_relay,
    password,
    reorder,
    scripted_peer,
    spoof,
)
from tests.replay.playing import SHORT, played, sample, statuses

TWICE = sample("cseq-jump")
CHALLENGE = 'WWW-Authenticate: Digest realm="r", nonce="n{}", qop="auth"'


@pytest.mark.parametrize(
    ("name", "rule", "copies"),
    [
        ("first-request-lost", drop("request", 1), 1),
        ("first-three-lost", drop("request", 1, 2, 3), 3),
        ("answers-lost", drop("response", 1, 3), 2),
        ("answer-late", delay("response", 0.05, 1), None),
        ("answers-doubled", duplicate("response", 3), 0),
        ("requests-doubled", duplicate("request", 2), 0),
        ("answers-reordered", reorder("response", 1), None),
        ("answer-broken", corrupt("response", lambda octets: octets.replace(b"branch=", b"brunch="), 1), 1),
        ("answer-cut", corrupt("response", lambda octets: octets[: len(octets) // 8], 1), 1),
        ("answer-from-elsewhere", spoof(1), 1),
    ],
)
def test_what_udp_does_to_packets(kamailio: Kamailio, name: str, rule: Rule, copies: int | None) -> None:
    user = f"y{name}"
    with lossy_relay(kamailio.address, rule) as relay:
        result = played(
            TWICE, relay.target, maps=[f"carol@={user}@"], secrets=Secrets.of({user: password(user)}), timers=SHORT
        )
    assert statuses(result) == [[401], [200], [401], [200]]
    assert result.outcome.same
    assert kamailio.bindings(user) == []
    sent = sum(one.copies for row in result.rows if row.result for one in row.result.tries)
    assert sent >= (copies if copies is not None else 1)  # more on a busy machine: these timers are short


def test_trying_for_ever_ends_with_timer_f(kamailio: Kamailio) -> None:
    with lossy_relay(kamailio.address, forever_trying(0.005)) as relay:
        result = played(TWICE, relay.target, timers=SHORT)
    assert statuses(result) == [[0], [0], [0], [0]]
    for row in result.rows:
        assert row.result is not None
        (only,) = row.result.tries
        assert only.ending == "timeout"
        assert 0 < len(only.provisional) <= 32


def test_a_server_that_dies_in_mid_flow() -> None:
    with kamailio_server() as server:
        killer = threading.Timer(0.3, server.kill)
        killer.start()
        result = played(TWICE, server.target, speed=1, timers=SHORT)
        killer.join()
    assert statuses(result)[:2] == [[401], [200]]
    assert statuses(result)[2:] == [[0], [0]]
    assert result.outcome.unlike == (4,)
    last = result.rows[-1].result
    assert last is not None
    assert last.tries[-1].error == "connection refused"
    assert result.removal[-1].status == 0


def test_a_server_that_hangs_and_comes_back() -> None:
    with kamailio_server() as server:
        server.pause()
        waking = threading.Timer(0.2, server.resume)
        waking.start()
        result = played(TWICE, server.target, timers=SHORT)
        waking.join()
        assert result.outcome.same
        assert result.rows[0].result is not None
        assert result.rows[0].result.tries[0].copies > 0


def test_challenged_for_ever() -> None:
    def challenges(request: bytes) -> Iterable[bytes]:
        fresh = CHALLENGE.format(time.monotonic_ns()) + ", stale=true"
        yield answer_to(request, 401, fresh)

    with scripted_peer(challenges) as peer:
        result = played(TWICE, peer.target, timers=SHORT)
    assert [len(tries) for tries in statuses(result)] == [1, MOST_TRIES, 1, MOST_TRIES]
    assert result.outcome.now == "refused (401)"


def test_an_interval_that_is_raised_for_ever() -> None:
    seconds = iter(range(4000, 10**6, 1000))

    def briefer(request: bytes) -> Iterable[bytes]:
        yield answer_to(request, 423, f"Min-Expires: {next(seconds)}")

    with scripted_peer(briefer) as peer:
        result = played(TWICE, peer.target, timers=SHORT)
    assert max(len(tries) for tries in statuses(result)) <= MOST_TRIES
    assert len(peer.received) <= 4 * MOST_TRIES


def test_huge_answers_are_taken_or_left_and_nothing_hangs() -> None:
    rows = [f"X-{number}: {'x' * 500}" for number in range(100)]

    def huge(request: bytes) -> Iterator[bytes]:
        yield answer_to(request, 200, *rows)

    with scripted_peer(huge) as peer:
        result = played(TWICE, peer.target, timers=SHORT)
    assert statuses(result) == [[200], [200], [200], [200]]


def test_an_endless_stream_without_a_message() -> None:
    def drip(request: bytes) -> Iterator[bytes]:
        del request
        yield from repeat(b"SIP/2.0 200 OK\r\nX: " + b"y" * 60_000, 60)

    with scripted_peer(drip, transport="tcp") as peer:
        result = played(TWICE, peer.target, transport="TCP", timers=SHORT)
    assert result.outcome.now in ("no answer", "refused (200)", "registered (200)")
    assert len(result.rows) == 4


def test_a_flood_of_strangers_answers_is_counted_and_left() -> None:
    def flood(request: bytes) -> Iterator[bytes]:
        for number in range(3000):
            yield re.sub(rb"branch=[^;\r\n]*", b"branch=z9hG4bKno%d" % number, answer_to(request, 200))
        yield answer_to(request, 200)

    with scripted_peer(flood, transport="tcp") as peer:
        result = played(TWICE, peer.target, transport="TCP", timers=SHORT)
    assert statuses(result) == [[200], [200], [200], [200]]
    assert result.ignored >= 3000


@pytest.mark.parametrize(
    "junk", [b"\x00" * 2000, b"SIP/2.0 200 OK\r\n\r\n", b"\xff\xfe\xfd", b"REGISTER x SIP/2.0\r\n\r\n"]
)
def test_junk_is_no_answer(junk: bytes) -> None:
    with scripted_peer(lambda request: [junk, answer_to(request, 200)]) as peer:
        result = played(TWICE, peer.target, timers=SHORT)
    assert statuses(result) == [[200], [200], [200], [200]]


def test_a_connection_that_is_closed_is_made_again() -> None:
    with scripted_peer(lambda request: [answer_to(request, 200), HANG_UP], transport="tcp") as peer:
        result = played(TWICE, peer.target, transport="TCP", timers=SHORT, speed=5)
        assert statuses(result) == [[200], [200], [200], [200]]
        assert len(set(peer.sources)) > 1


def test_a_connection_that_is_closed_before_the_answer() -> None:
    with scripted_peer(lambda request: [HANG_UP], transport="tcp") as peer:
        result = played(TWICE, peer.target, transport="TCP", timers=SHORT)
    assert {status for tries in statuses(result) for status in tries} == {0}
