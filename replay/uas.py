"""The user agent server that a played registrar is (RFC 3261 8.2): a machine without sockets and clocks.

    octets -> transaction (a copy? the response again) -> client -> who answers: the plain registrar, or the captured
    one

Each message, received and sent, also goes into the conversation, whose findings are told at once. Whatever comes, the
memory stays bounded: transactions, clients, delayed answers, what is judged. It ends when as many clients as were asked
for have finished, when its time is over, or when it is stopped; after the last client it lingers, for answers get lost.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from analyzer.evidence import Endpoint, Frame, RawMessage
from analyzer.sip.message import Message, parse
from analyzer.sip.sniff import Kind, kind
from analyzer.sip.timers import Timers
from analyzer.sip.transports import STREAMS
from replay.conversation import Conversation
from replay.events import Ignored
from replay.known_clients import Client, Clients, Round
from replay.machine import SECOND, Command, Notify, Send
from replay.message_editor import MessageEditor
from replay.registrar_events import Ended, Finished, Found, Replied, Requested, Serving, TurnedAway
from replay.responses import Received, Reply, destination
from replay.server_transaction import MOST_TRANSACTIONS, ServerTransaction, Transactions, key_of

MOST_IGNORED = 1000
"""Stray messages that are told one by one; the rest are counted."""
MOST_FINDINGS = 1000
"""Findings that are told as they happen; the report has all."""
MOST_DELAYED = 1000
"""Answers that wait for their time; further ones go out at once."""
MOST_KINDS = 50
"""Reasons for connections that had to go that are told apart."""
LONGEST_MESSAGE = 65_536
"""Octets of a request that is looked at; a longer one, out of a stream, is answered with 513."""


class TransactionUser(Protocol):
    """Who answers the requests. `checks_merged`: a request that came on two ways is refused (8.2.2.2)."""

    checks_merged: bool

    @property
    def note(self) -> str:
        """What a user must know, "" if nothing."""

    def say(self, received: Received, status: int) -> MessageEditor:
        """A bare answer."""

    def answer(self, received: Received, client: Client, round_: Round) -> Reply:
        """The response to a new request; what it is about is noted in `round_`."""

    def has_finished(self, client: Client) -> bool:
        """Whether a client has done what is waited for."""


@dataclass(frozen=True, slots=True)
class StopCondition:
    """How long it goes on: until `clients` have finished (0: without end) and `linger` nanoseconds more, and no longer
    than `time` nanoseconds (0: without end)."""

    clients: int = 0
    time: int = 0
    linger: int = SECOND


@dataclass(slots=True)
class UserAgentServer:
    """A `Machine` (see machine.py) for a listener: it answers whoever sends. `most` bounds its transactions.

    `ignored` counts what was no request, `turned_away` connections that had to go, by the reason, `hastened` delayed
    responses that found no room, `found` the findings that were told, `finished` the clients that have done what was
    waited for; `ended` says why it is done.
    """

    user: TransactionUser
    conversation: Conversation
    term: StopCondition = StopCondition()
    timers: Timers = field(default_factory=Timers)
    clients: Clients = field(default_factory=Clients)
    most: int = MOST_TRANSACTIONS
    local: Endpoint = field(default_factory=lambda: Endpoint("", 0))
    transport: str = "UDP"
    ignored: int = 0
    turned_away: Counter[str] = field(default_factory=Counter)
    hastened: int = 0
    found: int = 0
    finished: int = 0
    deadline: int | None = None
    done: bool = False
    ended: str = ""
    _epoch: int = 0
    _transactions: Transactions = field(init=False)
    _delayed: list[tuple[int, int, ServerTransaction, Endpoint, Replied]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)
    _until: int | None = None
    _why: str = ""

    def __post_init__(self) -> None:
        self._transactions = Transactions(self.timers, self.most)

    @property
    def transactions(self) -> int:
        """How many transactions live."""
        return len(self._transactions)

    @property
    def evicted(self) -> int:
        """Transactions that had to make room."""
        return self._transactions.evicted

    def bound(self, local: Endpoint, transport: str, epoch: int) -> None:
        """The I/O boundary's address, transport, and the epoch's nanoseconds at instant 0; told before `start`."""
        self.local, self.transport, self._epoch = local, transport.upper(), epoch
        if (self.transport in STREAMS) != self.timers.reliable:
            self.timers = Timers(self.timers.t1, self.timers.t2, self.timers.t4, self.transport in STREAMS)
            self._transactions = Transactions(self.timers, self.most)

    def start(self, now: int) -> list[Command]:
        """The listener is up."""
        if self.term.time:
            self._end_at(now + self.term.time, "the time is over")
        self._set_deadline()
        return [Notify(Serving(self.local, self.transport, self.user.note))]

    def receive(self, octets: bytes, peer: Endpoint, now: int) -> list[Command]:
        """Take in one message from `peer`."""
        if self.done:
            return []
        what = kind(octets)
        if what is Kind.KEEPALIVE or what is Kind.STUN:
            self.conversation.source.keepalives += 1
            return []
        if what is not Kind.SIP:
            self.conversation.source.other += 1
            return self._ignore(f"{len(octets)} octets from {peer} are no SIP")
        commands = self._heard(octets, peer, self.local, now)
        request = parse(RawMessage(octets, now, Frame("live", 1), peer, self.local, self.transport))
        commands[:0] = self._taken(request, peer, now)
        self._set_deadline()
        return commands

    def wake(self, now: int) -> list[Command]:
        """Delayed answers, timers, the end."""
        commands: list[Command] = []
        while self._delayed and self._delayed[0][0] <= now:
            _, _, transaction, to, replied = heapq.heappop(self._delayed)
            commands += [*self._send(self._say(transaction, replied.editor, to, now), now), Notify(replied)]
        self._transactions.wake(now)
        if self._until is not None and self._until <= now and not self.done:
            commands += self._end(self._why)
        self._set_deadline()
        return commands

    def failed(self, reason: str, now: int) -> list[Command]:
        """The transport gave an error: the client will send again, or not."""
        del now
        return self._ignore(reason)

    def turn_away(self, why: str, now: int) -> list[Command]:
        """A connection had to go: told once for each reason."""
        del now
        if why not in self.turned_away and len(self.turned_away) >= MOST_KINDS:
            why = "connections had to go for other reasons"
        self.turned_away[why] += 1
        return [Notify(TurnedAway(why))] if self.turned_away[why] == 1 else []

    def stop(self, now: int) -> list[Command]:
        """Somebody wants an end."""
        del now
        return [] if self.done else self._end("stopped")

    def _end(self, why: str) -> list[Command]:
        self.done, self.ended, self.deadline = True, why, None
        return [Notify(Ended(why))]

    def _end_at(self, instant: int, why: str) -> None:
        if self._until is None or instant < self._until:
            self._until, self._why = instant, why

    def _set_deadline(self) -> None:
        due = [self._transactions.deadline, self._until, self._delayed[0][0] if self._delayed else None]
        self.deadline = None if self.done else min((at for at in due if at is not None), default=None)

    def _ignore(self, reason: str) -> list[Command]:
        self.ignored += 1
        return [Notify(Ignored(reason))] if self.ignored <= MOST_IGNORED else []

    # A message.

    def _taken(self, request: Message, peer: Endpoint, now: int) -> list[Command]:
        if not request.method:
            return self._ignore(f"a {request.status} from {peer}, to no request of ours")
        key = key_of(request)
        if key is None:
            return self._ignore(f"a {request.method[:32]} from {peer} without a Via that an answer could follow")
        if request.method == "ACK":  # 17.2.1: of no INVITE that would have been accepted
            return []
        known = self._transactions.find(key)
        if known is None:
            received = Received(request, peer, self.local, self.transport, now, now + self._epoch)
            return self._new(received, self._transactions.is_merged(request), now)
        strange = []
        if (request.call_id, request.cseq.number if request.cseq else -1) != (known.call_id, known.cseq):
            strange = self._ignore(f"a {request.method[:32]} from {peer} has the branch of an earlier request (17.2.3)")
        return strange + self._send(known.again(now), now)

    def _new(self, received: Received, merged: bool, now: int) -> list[Command]:
        request, key = received.request, key_of(received.request)
        assert key is not None
        transaction = self._transactions.open(key, request, now)
        to = destination(request, received.peer, self.transport)
        if len(request.raw) > LONGEST_MESSAGE or (merged and self.user.checks_merged):
            status = 482 if len(request.raw) <= LONGEST_MESSAGE else 513
            return self._send(self._say(transaction, self.user.say(received, status), to, now), now)
        client = self.clients.of(request, received.peer)
        round_ = client.begin(request)
        reply = self.user.answer(received, client, round_)
        client.replied(round_, reply.final, status_of(reply.final) if reply.final is not None else 0)
        commands: list[Command] = [Notify(Requested(client.number, request, received.peer))]
        commands += [Notify(event) for event in reply.events]
        for editor in reply.provisional:
            commands += self._send(self._say(transaction, editor, to, now), now)
        if reply.final is None:  # the client is waited for as long as it may go on asking (17.1.2.2)
            return commands + self._count(client, now + self.timers.f)
        replied = Replied(client.number, status_of(reply.final), reply.final, round_.step)
        self.hastened += bool(reply.delay) and len(self._delayed) >= MOST_DELAYED
        if reply.delay and len(self._delayed) < MOST_DELAYED:
            heapq.heappush(self._delayed, (now + reply.delay, next(self._order), transaction, to, replied))
        else:
            commands += [*self._send(self._say(transaction, reply.final, to, now), now), Notify(replied)]
        return commands + self._count(client, now + reply.delay)

    def _say(self, transaction: ServerTransaction, editor: MessageEditor, to: Endpoint, now: int) -> Sequence[Command]:
        return self._transactions.say(transaction, editor.octets(), status_of(editor), to, now)

    def _count(self, client: Client, now: int) -> list[Command]:
        """Tell that a client has finished, once; after the last one, look for the end."""
        if client.counted or not self.user.has_finished(client):
            return []
        client.counted = True
        self.finished += 1
        if self.term.clients and self.finished >= self.term.clients:
            self._end_at(now + self.term.linger, f"{self.finished} finished")
        return [Notify(Finished(client.number, client.aor))]

    # The conversation.

    def _send(self, commands: Sequence[Command], now: int) -> list[Command]:
        """Commands as they are, with what the rules say of the octets that go out."""
        told: list[Command] = []
        for command in commands:
            told.append(command)
            if isinstance(command, Send) and command.to is not None:
                told += self._heard(command.octets, self.local, command.to, now)
        return told

    def _heard(self, octets: bytes, source: Endpoint, to: Endpoint, now: int) -> list[Command]:
        findings = self.conversation.heard(octets, now + self._epoch, source, to, self.transport)
        told = [Notify(Found(finding)) for finding in findings[: MOST_FINDINGS - self.found]]
        self.found += len(told)
        return [*told]


def status_of(editor: MessageEditor) -> int:
    """The status of a response that is a draft; 0 for what is no response."""
    words = editor.start.split(None, 2)
    return int(words[1]) if len(words) > 1 and words[1].isdecimal() and len(words[1]) == 3 else 0
