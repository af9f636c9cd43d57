"""A UDP relay that loses, delays, doubles, reorders, spoils or forges what it passes on, the same way every time.

Packets are counted per direction, from 1: "request" is what goes to the server, "response" what comes back. Rules say
what becomes of a packet by its number; the first rule that has a word on it counts, the others pass it on. Time is only
a matter of `delay` and of `forever_trying`.
"""

from __future__ import annotations

import contextlib
import heapq
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tests.replay.scripted import answer_to

Direction = Literal["request", "response"]
Address = tuple[str, int]
_TICK = 0.05


class Packet(NamedTuple):
    """What came: the `number` counts those of its `direction`, over all clients."""

    direction: Direction
    number: int
    octets: bytes


class Delivery(NamedTuple):
    """One thing to do with a packet. `delay` and `every` are seconds; `every` repeats it until the relay ends;
    `after_next`: only when the next packet of the direction has passed; `forged`: from another source port; `back`:
    to where the packet came from."""

    octets: bytes
    delay: float = 0.0
    after_next: bool = False
    forged: bool = False
    back: bool = False
    every: float = 0.0


Rule = Callable[[Packet], Sequence[Delivery] | None]
"""What becomes of a packet; None: no word on it."""


def _rule(direction: Direction, numbers: tuple[int, ...], fate: Callable[[bytes], Sequence[Delivery]]) -> Rule:
    def rule(packet: Packet) -> Sequence[Delivery] | None:
        meant = packet.direction == direction and (not numbers or packet.number in numbers)
        return fate(packet.octets) if meant else None

    return rule


def drop(direction: Direction, *numbers: int) -> Rule:
    """Lose these (all, if no number is given)."""
    return _rule(direction, numbers, lambda octets: ())


def delay(direction: Direction, seconds: float, *numbers: int) -> Rule:
    """Pass these on later."""
    return _rule(direction, numbers, lambda octets: (Delivery(octets, delay=seconds),))


def duplicate(direction: Direction, copies: int, *numbers: int) -> Rule:
    """Pass these on `copies` times."""
    return _rule(direction, numbers, lambda octets: [Delivery(octets)] * copies)


def reorder(direction: Direction, *numbers: int) -> Rule:
    """Hold these back until the one that follows has passed."""
    return _rule(direction, numbers, lambda octets: (Delivery(octets, after_next=True),))


def corrupt(direction: Direction, change: Callable[[bytes], bytes], *numbers: int) -> Rule:
    """Pass these on changed."""
    return _rule(direction, numbers, lambda octets: (Delivery(change(octets)),))


def spoof(*numbers: int) -> Rule:
    """Pass these responses on from another source port."""
    return _rule("response", numbers, lambda octets: (Delivery(octets, forged=True),))


def forever_trying(every: float = 0.02, *numbers: int) -> Rule:
    """Answer these requests with 100 Trying again and again, `every` so many seconds, and pass nothing on."""

    def trying(octets: bytes) -> Sequence[Delivery]:
        return (Delivery(answer_to(octets, 100, reason="Trying"), back=True, every=every),)

    return _rule("request", numbers, trying)


@dataclass
class LossyRelay:
    """A relay that runs. `address` is where clients send to; `packets` all that came, `delivered` how many it sent."""

    address: Address
    upstream: Address
    rules: list[Rule]
    packets: list[Packet] = field(default_factory=list)
    delivered: dict[Direction, int] = field(default_factory=lambda: {"request": 0, "response": 0})
    refused: int = 0
    errors: list[BaseException] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def target(self) -> str:
        """`HOST:PORT`, as the command line takes it."""
        host, port = self.address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def count(self, direction: Direction) -> int:
        """How many packets came in this direction."""
        return sum(packet.direction == direction for packet in self.packets)


class _Engine:
    """The thread's own state: sockets and what waits to be sent."""

    def __init__(self, relay: LossyRelay, front: socket.socket, stack: contextlib.ExitStack) -> None:
        self.relay, self.front, self.stack = relay, front, stack
        self.selector = stack.enter_context(selectors.DefaultSelector())
        self.selector.register(front, selectors.EVENT_READ)
        self.forger = self._socket()
        self.forger.bind((relay.address[0], 0))
        self.backs: dict[Address, socket.socket] = {}
        self.held: dict[Direction, list[Callable[[], None]]] = {"request": [], "response": []}
        self.due: list[tuple[float, int, Callable[[], None]]] = []
        self.counter = 0

    def _socket(self) -> socket.socket:
        return self.stack.enter_context(socket.socket(self.front.family, socket.SOCK_DGRAM))

    def run(self) -> None:
        try:
            while not self.relay._over.is_set():
                self._turn()
        except BaseException as error:
            self.relay.errors.append(error)

    def _turn(self) -> None:
        wait = min(max(0.0, self.due[0][0] - time.monotonic()), _TICK) if self.due else _TICK
        for key, _ in self.selector.select(wait):
            with contextlib.suppress(ConnectionRefusedError, BlockingIOError):
                if key.fileobj is self.front:
                    octets, client = self.front.recvfrom(65535)
                    self._arrived("request", octets, client[:2])
                else:
                    self._arrived("response", self.backs[key.data].recv(65535), key.data)
                continue
            self.relay.refused += 1
        while self.due and self.due[0][0] <= time.monotonic():
            heapq.heappop(self.due)[2]()

    def _back(self, client: Address) -> socket.socket:
        if client not in self.backs:
            back = self.backs[client] = self._socket()
            back.setblocking(False)
            back.connect(self.relay.upstream)
            self.selector.register(back, selectors.EVENT_READ, client)
        return self.backs[client]

    def _arrived(self, direction: Direction, octets: bytes, client: Address) -> None:
        packet = Packet(direction, self.relay.count(direction) + 1, octets)
        self.relay.packets.append(packet)
        said = next((fate for rule in self.relay.rules if (fate := rule(packet)) is not None), (Delivery(octets),))
        waiting, self.held[direction] = self.held[direction], []
        for delivery in said:
            self._plan(direction, delivery, client)
        for late in waiting:
            late()

    def _plan(self, direction: Direction, delivery: Delivery, client: Address) -> None:
        way: Direction = ("response" if direction == "request" else "request") if delivery.back else direction

        def act() -> None:
            self._deliver(way, delivery, client)
            if delivery.every:
                self._later(delivery.every, act)

        if delivery.after_next:
            self.held[direction].append(act)
        elif delivery.delay:
            self._later(delivery.delay, act)
        else:
            act()

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self.counter += 1
        heapq.heappush(self.due, (time.monotonic() + seconds, self.counter, act))

    def _deliver(self, direction: Direction, delivery: Delivery, client: Address) -> None:
        try:
            if direction == "request":
                self._back(client).send(delivery.octets)
            else:
                (self.forger if delivery.forged else self.front).sendto(delivery.octets, client)
        except (ConnectionRefusedError, BlockingIOError):
            self.relay.refused += 1
            return
        self.relay.delivered[direction] += 1


@contextlib.contextmanager
def lossy_relay(upstream: Address, *rules: Rule) -> Iterator[LossyRelay]:
    """A relay to `upstream`, on the same loopback address and a port that the kernel chose."""
    family = socket.AF_INET6 if ":" in upstream[0] else socket.AF_INET
    with contextlib.ExitStack() as stack:
        front = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        front.bind((upstream[0], 0))
        front.setblocking(False)
        relay = LossyRelay(front.getsockname()[:2], upstream, list(rules))
        thread = threading.Thread(target=_Engine(relay, front, stack).run, name="lossy relay")
        thread.start()
        try:
            yield relay
        finally:
            relay._over.set()
            thread.join()
    assert relay.errors == []
