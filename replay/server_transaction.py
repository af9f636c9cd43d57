"""A server transaction for requests other than INVITE (RFC 3261 17.2.2), and the bounded table that finds one (17.2.3).

A request belongs to a transaction if it has its key (`analyzer.sip.transaction_key`). To a copy of a request goes the
very answer that went to the first, and where it went.

Two things are not in figure 8. A transaction that nobody answers is evicted after 64*T1, when the client has given up,
too; and the table is bounded: the transaction that would end first makes room, and is counted.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from analyzer.evidence import Endpoint
from analyzer.sip.message import Message
from analyzer.sip.timers import Timers
from analyzer.sip.transaction_key import TransactionKey, transaction_key
from replay.machine import Command, Send
from replay.timers import SERVER, ServerEvent, ServerState

MOST_TRANSACTIONS = 10_000
"""Transactions that are kept at once: some thousand octets each."""
MOST_OCTETS = 1 << 26
"""Octets of requests and responses that all of them together stand for: some senders use 64 kB for each."""


class Merged(NamedTuple):
    """What a request shares with one that came on another way (8.2.2.2)."""

    call_id: str
    from_tag: str
    cseq: str


def key_of(request: Message) -> TransactionKey | None:
    """The key of a request; None without a Via that can be read, for then no response finds back (18.2.2)."""
    return transaction_key(request) if request.via is not None and request.via.host else None


def merged_key(request: Message) -> Merged | None:
    """8.2.2.2 asks about requests without To tag; None for one that has it, or that names nothing."""
    sender, cseq = request.from_, request.cseq
    if cseq is None or sender is None or not request.call_id or (request.to is not None and request.to.tag):
        return None
    return Merged(request.call_id, sender.tag or "", f"{cseq.number} {cseq.method}")


@dataclass(slots=True)
class ServerTransaction:
    """One request and what was answered. `octets` is the latest answer, `status` its status (0: none yet), `to` where
    it went, `copies` how often the request came again, `deadline` when Timer J fires or patience ends. `weight` is the
    octets that it stands for."""

    key: TransactionKey
    timers: Timers
    deadline: int
    call_id: str = ""
    cseq: int = -1
    merged: Merged | None = None
    state: ServerState = "trying"
    octets: bytes = b""
    status: int = 0
    to: Endpoint | None = None
    copies: int = 0
    weight: int = 0

    def again(self, now: int) -> list[Command]:
        """The request came once more."""
        self.copies += 1
        return self._on("request", now)

    def say(self, octets: bytes, status: int, to: Endpoint | None, now: int) -> list[Command]:
        """Answer. What comes after a final response is not sent (17.2.2)."""
        if self.state in ("trying", "proceeding"):
            self.octets, self.status, self.to = octets, status, to
        return self._on("say 1xx" if status < 200 else "say final", now)

    def fail(self, now: int) -> list[Command]:
        """The transport gave an error (17.2.4)."""
        return self._on("error", now)

    def wake(self, now: int) -> list[Command]:
        """Timer J, or the end of patience."""
        if now < self.deadline or self.state == "terminated":
            return []
        if self.state == "completed":
            return self._on("J", now)
        self.state = "terminated"
        return []

    def _on(self, event: ServerEvent, now: int) -> list[Command]:
        move = SERVER.get((self.state, event))
        if move is None:
            return []
        self.state = move.state
        commands: list[Command] = []
        for action in move.actions:
            if action in ("send", "again"):
                commands.append(Send(self.octets, self.to))
            else:
                self.deadline = now + self.timers.j
                self.state = "terminated" if self.timers.j == 0 else self.state
        return commands


class Transactions:
    """The transactions that live, soonest end first: every end is 64*T1 after the request or its final response.

    `evicted` counts those that had to make room.
    """

    def __init__(self, timers: Timers, limit: int = MOST_TRANSACTIONS, most_octets: int = MOST_OCTETS) -> None:
        self.timers = timers
        self.limit = limit
        self.most_octets = most_octets
        self.octets = 0
        self.evicted = 0
        self._live: OrderedDict[TransactionKey, ServerTransaction] = OrderedDict()
        self._merged: dict[Merged, TransactionKey] = {}

    def __len__(self) -> int:
        return len(self._live)

    @property
    def deadline(self) -> int | None:
        """When the next one ends."""
        return next((one.deadline for one in self._live.values()), None)

    def find(self, key: TransactionKey) -> ServerTransaction | None:
        """The transaction that a request belongs to."""
        return self._live.get(key)

    def is_merged(self, request: Message) -> bool:
        """Whether this new request is one under way that came on another way (8.2.2.2)."""
        merged = merged_key(request)
        return merged is not None and merged in self._merged

    def open(self, key: TransactionKey, request: Message, now: int) -> ServerTransaction:
        """A transaction for a request that belongs to none."""
        cseq = request.cseq
        merged = merged_key(request)
        one = ServerTransaction(
            key, self.timers, now + self.timers.f, request.call_id, cseq.number if cseq else -1, merged
        )
        self._live[key] = one
        if merged is not None:
            self._merged[merged] = key
        self._weigh(one, len(request.raw))
        return one

    def say(self, one: ServerTransaction, octets: bytes, status: int, to: Endpoint | None, now: int) -> list[Command]:
        """Answer, and keep the order of ends."""
        commands = one.say(octets, status, to, now)
        if one.state == "terminated":
            self._drop(one)
        elif self._live.get(one.key) is one:
            if one.state == "completed":
                self._live.move_to_end(one.key)
            self._weigh(one, len(octets) if commands else 0)
        return commands

    def wake(self, now: int) -> list[Command]:
        """Evict those whose end has come."""
        commands: list[Command] = []
        while self._live:
            one = next(iter(self._live.values()))
            if one.deadline > now:
                break
            commands += one.wake(now)
            self._drop(one)
        return commands

    def _weigh(self, one: ServerTransaction, octets: int) -> None:
        """Note what it costs more; who would end first makes room."""
        one.weight += octets
        self.octets += octets
        while len(self._live) > self.limit or (self.octets > self.most_octets and len(self._live) > 1):
            self.evicted += 1
            self._drop(next(iter(self._live.values())))

    def _drop(self, one: ServerTransaction) -> None:
        if self._live.get(one.key) is not one:
            return
        del self._live[one.key]
        self.octets -= one.weight
        if one.merged is not None and self._merged.get(one.merged) == one.key:
            del self._merged[one.merged]
