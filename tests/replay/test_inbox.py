"""The bounded queue with one reader, and the conversation of a machine with a link, both without sockets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from analyzer.evidence import Endpoint
from replay.machine import SECOND, Command, Notify, Send
from replay.net.converse import converse, now
from replay.net.inbox import MOST_QUEUED, Inbox, MessageReceived, Stop, TransportError
from replay.net.links import LinkError

PEER = Endpoint("127.0.0.1", 5060)


def test_what_is_there_comes_at_once_and_in_order() -> None:
    async def run() -> list[object]:
        inbox = Inbox()
        for number in range(3):
            inbox.put(MessageReceived(b"%d" % number, PEER))
        return [await inbox.get(None), inbox.take(), await inbox.get(0), inbox.take(), await inbox.get(0)]

    first, second, third, *rest = asyncio.run(run())
    assert [one.octets for one in (first, second, third) if isinstance(one, MessageReceived)] == [b"0", b"1", b"2"]
    assert rest == [None, None]


def test_who_waits_is_woken() -> None:
    async def run() -> object:
        inbox = Inbox()
        asyncio.get_running_loop().call_soon(inbox.put, TransportError("refused"))
        return await inbox.get(None)

    assert asyncio.run(run()) == TransportError("refused")


def test_a_flood_loses_what_finds_no_room_but_an_end_always_has_some() -> None:
    inbox = Inbox()
    for _ in range(MOST_QUEUED + 5):
        inbox.put(TransportError("x"))
    inbox.put(Stop())
    assert inbox.lost == 5
    taken = [inbox.take() for _ in range(MOST_QUEUED + 2)]
    assert taken[-2:] == [Stop(), None]


class FakeLink:
    """Keeps what is sent; `errors` sends fail first."""

    def __init__(self, errors: int = 0) -> None:
        self.local = Endpoint("127.0.0.1", 1)
        self.inbox = Inbox()
        self.sent: list[bytes] = []
        self.errors = errors

    async def send(self, octets: bytes) -> None:
        if self.errors:
            self.errors -= 1
            raise LinkError("cannot")
        self.sent.append(octets)

    async def close(self) -> None:
        """Nothing to close."""


class Script:
    """A machine that notes what it is told; done after `last` of those."""

    def __init__(self, last: str, after: float | None = None, *, held: bool = False) -> None:
        self.last = last
        self.deadline: int | None = None if after is None else now() + int(after * SECOND)
        self.done = False
        self.held = held
        self.told: list[str] = []

    def _note(self, what: str) -> Sequence[Command]:
        self.told.append(what)
        self.done = what == self.last
        return [Notify(what)]

    def start(self, now: int) -> Sequence[Command]:
        return [Send(b"hello"), *self._note("start")]

    def receive(self, octets: bytes, peer: Endpoint, now: int) -> Sequence[Command]:
        return self._note(octets.decode())

    def wake(self, now: int) -> Sequence[Command]:
        self.deadline = None
        return self._note("wake")

    def failed(self, reason: str, now: int) -> Sequence[Command]:
        return self._note(reason)

    def proceed(self, now: int) -> Sequence[Command]:
        self.held = False
        return self._note("proceed")

    def stop(self, now: int) -> Sequence[Command]:
        return self._note("stop")


def test_everything_reaches_the_machine_in_order() -> None:
    link, machine = FakeLink(), Script("stop")
    heard: list[object] = []
    link.inbox.put(MessageReceived(b"one", PEER))
    link.inbox.put(TransportError("gone"))
    link.inbox.put(Stop())
    asyncio.run(converse(machine, link, heard.append))
    assert machine.told == heard == ["start", "one", "gone", "stop"]
    assert link.sent == [b"hello"]


def test_a_deadline_wakes_it() -> None:
    machine = Script("wake", after=0.02)
    asyncio.run(converse(machine, FakeLink(), lambda event: None))
    assert machine.told == ["start", "wake"]


def test_a_deadline_has_its_turn_in_a_flood() -> None:
    link, machine = FakeLink(), Script("wake", after=0.0)
    for _ in range(1000):
        link.inbox.put(MessageReceived(b"x", PEER))
    asyncio.run(converse(machine, link, lambda event: None))
    assert machine.told.count("x") < 200


def test_what_cannot_be_sent_is_told() -> None:
    machine = Script("cannot")
    asyncio.run(converse(machine, FakeLink(errors=1), lambda event: None))
    assert machine.told[-1] == "cannot"


def test_a_machine_that_holds_is_asked_about() -> None:
    asked: list[int] = []

    def ask() -> bool:
        asked.append(1)
        return True

    machine = Script("proceed", held=True)
    asyncio.run(converse(machine, FakeLink(), lambda event: None, ask=ask))
    assert asked == [1]


def test_who_wants_nothing_more_sent_stops_it() -> None:
    machine = Script("stop", held=True)
    asyncio.run(converse(machine, FakeLink(), lambda event: None, ask=lambda: False))
    assert machine.told[-1] == "stop"


def test_silence_is_broken_by_a_keep_alive() -> None:
    link, machine = FakeLink(), Script("wake", after=0.05)
    asyncio.run(converse(machine, link, lambda event: None, keepalive=0.02))
    assert link.sent[0] == b"hello"
    assert set(link.sent[1:]) == {b"\r\n\r\n"}
    assert 1 <= len(link.sent[1:]) <= 3


def test_an_end_does_not_wait_for_an_answer_to_the_question() -> None:
    """Ctrl-C while somebody is asked for the next step."""
    link, machine, nobody = FakeLink(), Script("stop", held=True), threading.Event()

    def ask() -> bool:
        link.inbox.put(Stop())
        return nobody.wait()

    try:
        asyncio.run(asyncio.wait_for(converse(machine, link, lambda event: None, ask=ask), timeout=20))
    finally:
        nobody.set()
    assert machine.told == ["start", "stop"]
