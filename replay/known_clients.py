"""Who is talking to a registrar that is played: clients, told apart, in bounded number.

A client is known by its Call-ID (RFC 3261 10.2: one for all its registrations). A request with a new Call-ID is that
of a client which began anew if address-of-record and contact are known and it has not come to its end; otherwise it is
another client.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from analyzer.evidence import Endpoint
from analyzer.register.bounded import Bounded
from analyzer.register.identity import aor_of, instance_of
from analyzer.sip.message import Message
from analyzer.sip.text import clip
from replay.message_editor import Edit, MessageEditor

MOST_CLIENTS = 2000
"""Clients that are told apart; of more, the one that was silent longest is evicted, and counted."""
MOST_ROUNDS = 50
"""Requests of one client that are listed; the rest are counted."""
MOST_OCTETS = 1 << 26
"""Octets of all that is listed of all clients; beyond it requests are counted."""
_LEAST = 500
"""Octets that a request is counted for at least."""
_LONGEST_NAME = 200
_LONGEST_EDIT = 2000


@dataclass(slots=True)
class Round:
    """A request and its answer. `step` counts the captured steps from 1 (None: beyond them, or without a capture);
    `then` is the captured status (0: none was seen), `now` what was answered (None: nothing), `verdict` of the digest
    ("" without credentials, or without secrets). `start_line` and `edits` are the response's."""

    request: str
    credentials: bool
    step: int | None = None
    then: int | None = None
    now: int | None = None
    start_line: str = ""
    edits: list[Edit] = field(default_factory=list)
    differences: tuple[str, ...] = ()
    verdict: str = ""
    reason: str = ""

    @property
    def weight(self) -> int:
        """About how many octets it holds."""
        return _LEAST + len(self.start_line) + sum(len(one.before) + len(one.after) + 100 for one in self.edits)

    def replied(self, answer: MessageEditor | None, status: int) -> None:
        """This was answered (None: nothing)."""
        if answer is not None:
            self.now, self.start_line = status, answer.start
            self.edits = [
                edit._replace(before=clip(edit.before, _LONGEST_EDIT), after=clip(edit.after, _LONGEST_EDIT))
                for edit in answer.edits
            ]


@dataclass(slots=True)
class Room:
    """What is left for the lists of all clients, in octets."""

    left: int = MOST_OCTETS


@dataclass(slots=True)
class Client:
    """One client. `steps` counts the captured steps that it has gone, `nonces` what became of captured nonces,
    `contacts` are those it named last; `registered` and `finished` (the captured flow) as far as it has come; `counted`
    among those that were waited for. `more` requests were not listed: they were too many, or there was no `room`."""

    number: int
    aor: str
    peer: Endpoint
    call_ids: list[str] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    more: int = 0
    steps: int = 0
    registered: bool = False
    finished: bool = False
    counted: bool = False
    nonces: dict[str, str] = field(default_factory=dict)
    contacts: list[str] = field(default_factory=list)
    room: Room = field(default_factory=Room)

    def begin(self, request: Message) -> Round:
        """A new request of this client."""
        one = Round(f"{request.method} {request.request_uri}"[:_LONGEST_NAME], request.has_credentials)
        if len(self.rounds) < MOST_ROUNDS and self.room.left > 0:
            self.rounds.append(one)
        else:
            self.more += 1
        return one

    def replied(self, one: Round, answer: MessageEditor | None, status: int) -> None:
        """The latest request was answered (None: it was not)."""
        one.replied(answer, status)
        if self.rounds and self.rounds[-1] is one:
            self.room.left -= one.weight


class _Origin(NamedTuple):
    aor: str
    contact: str


class Clients:
    """All clients. `forgotten` counts those that had to make room."""

    def __init__(self, limit: int = MOST_CLIENTS) -> None:
        self._by_call: Bounded[str, Client] = Bounded(limit)
        self._by_origin: Bounded[_Origin, Client] = Bounded(limit)
        self._all: Bounded[int, Client] = Bounded(limit)
        self._room = Room()
        self.count = 0

    @property
    def evicted(self) -> int:
        """Clients that had to make room."""
        return self._all.evicted

    def of(self, request: Message, peer: Endpoint) -> Client:
        """The client of a request, a new one if need be."""
        call_id, origin = request.call_id[:_LONGEST_NAME], _origin(request, peer)
        client = self._by_call.get(call_id)
        if client is None:
            before = self._by_origin.get(origin)
            client = before if before is not None and not before.finished else self._new(origin, peer)
            if len(client.call_ids) < MOST_ROUNDS:
                client.call_ids.append(call_id)
            self._by_call[call_id] = client
        self._by_origin[origin] = client
        self._all[client.number] = client
        return client

    def _new(self, origin: _Origin, peer: Endpoint) -> Client:
        self.count += 1
        return Client(self.count, origin.aor, peer, room=self._room)

    def listed(self) -> list[Client]:
        """Those that are remembered, in the order in which they came."""
        return [one for number in range(1, self.count + 1) if (one := self._all.get(number)) is not None]


def _origin(request: Message, peer: Endpoint) -> _Origin:
    """Address-of-record and contact, or the source address where no contact tells."""
    for contact in request.contacts:
        if contact.uri is not None and not contact.star:
            where = instance_of(contact) or f"{contact.uri.host}:{contact.uri.port or ''}"
            return _Origin(aor_of(request)[:_LONGEST_NAME], where[:_LONGEST_NAME])
    return _Origin(aor_of(request)[:_LONGEST_NAME], str(peer))
