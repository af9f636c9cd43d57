"""Finds the registration, the stream and the earlier transaction that a new REGISTER belongs to
(docs/rules/reconstruction.md 6).

A stream is one Call-ID of one user agent for one address-of-record; its CSeq is compared only between transactions to
the same destination, because a second registrar has a number space of its own (8.1.2, RFC 3263 4.3). A user agent may
use one Call-ID, and one counter, for several addresses-of-record (docs/rules/disagreements.md item 9), so a number that
is missing in one of these streams may have been used in another. That CSeq goes down from one to the other breaks
nothing: the registrar compares it with that of a binding (10.3 step 7), and it may be that two phones drew the same
Call-ID.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from analyzer.evidence import Endpoint
from analyzer.register.bounded import Bounded, MessageCounter
from analyzer.register.digest.verdict import AKA_TOKENS
from analyzer.register.identity import Client, Registrar, aor_of, may_be_same, may_try_again
from analyzer.register.keys import from_tag
from analyzer.register.registration import Registration
from analyzer.register.transaction import Transaction
from analyzer.sip.message import Message

MOST_CLIENTS = 1_000_000
"""(registrar, address-of-record) pairs whose clients can be told again."""
MOST_REGISTRATIONS = 1_250_000
"""Registrations that are kept: a million phones and some, 4 kB each. What makes up a new client with each request would
otherwise take all memory there is."""
_OCTETS_OF_ONE = 2048
"""Octets of names, addresses and Call-IDs that count as one more registration."""
MOST_STREAMS = 200_000
"""Call-IDs that are followed; each keeps its latest transaction, some 7 kB."""
STEPS_OF_A_HABIT = 2
"""Steps of CSeq that were all alike, after which one more is how that client counts."""
_MOST_SIDE_BY_SIDE = 64
"""Clients of one address-of-record, or user agents of one Call-ID, that are looked through; older ones are not."""
_NONE: frozenset[int] = frozenset()
_NO_GAPS: Mapping[int, int] = {}


class CallIdSequence:
    """One Call-ID of one user agent for one address-of-record: the latest transaction over all destinations (`last`)
    and for each, and whose it is (`registration`); `highest` is the highest CSeq so far, `orphans` the numbers whose
    answer alone was seen, `is_shared` says that requests for another address-of-record use the Call-ID too."""

    __slots__ = (
        "aor",
        "client",
        "from_tag",
        "gaps",
        "highest",
        "is_shared",
        "last",
        "orphans",
        "others",
        "registration",
        "steps",
    )

    def __init__(self, aor: str, client: Client, from_tag: str) -> None:
        self.aor = aor
        self.is_shared = False
        self.client = client
        self.from_tag = from_tag
        self.others: dict[Endpoint, Transaction] | None = None
        self.last: Transaction | None = None
        self.registration = 0
        self.highest = -1
        self.orphans: frozenset[int] = _NONE
        self.steps = 0
        self.gaps: Mapping[int, int] = _NO_GAPS

    def latest(self, destination: Endpoint) -> Transaction | None:
        """The latest transaction to this destination."""
        last = self.last
        if last is not None and last.destination == destination:
            return last
        return None if self.others is None else self.others.get(destination)

    def is_missing(self, earlier: Transaction | None, later: Transaction) -> bool:
        """Whether an answer or a request between two was not seen: the first was neither answered nor sent again; or
        their numbers are not neighbours, no other address-of-record counts along, and the client does not leave out the
        same numbers at every step."""
        if earlier is not None and earlier.state in ("open", "unjudged") and not earlier.retransmissions:
            return True
        return self._is_jump(earlier, later)

    def _is_jump(self, earlier: Transaction | None, later: Transaction) -> bool:
        if earlier is None or later.cseq <= earlier.cseq + 1 or self.is_shared:
            return False
        return self.steps < STEPS_OF_A_HABIT or self.gaps.get(later.cseq - earlier.cseq, 0) < self.steps

    def unseen(self, earlier: Transaction | None, later: Transaction) -> int:
        """How many requests between two were not seen, nor an answer to them; none where numbers had fallen, and go on
        from the highest."""
        if earlier is None or not self._is_jump(earlier, later) or later.cseq == self.highest + 1:
            return 0
        known = sum(earlier.cseq < orphan < later.cseq for orphan in self.orphans)
        return max(0, later.cseq - earlier.cseq - 1 - known)

    def take(self, transaction: Transaction, client: Client, registration: int = 0) -> None:
        """Note the newest transaction, and whose it is; `gaps` counts by how much CSeq jumped, `steps` how often it
        moved."""
        last = self.last
        self.registration = registration
        self.highest = max(self.highest, transaction.cseq)
        if last is not None and transaction.cseq > last.cseq >= 0:
            self.steps += 1
            jump = transaction.cseq - last.cseq
            if jump > 1 and (jump in self.gaps or len(self.gaps) < _MOST_SIDE_BY_SIDE):
                self.gaps = {**self.gaps, jump: self.gaps.get(jump, 0) + 1}
        if last is not None and last.destination != transaction.destination:
            self.others = others = self.others or {}
            if len(others) < _MOST_SIDE_BY_SIDE or last.destination in others:
                others[last.destination] = last
        self.last = transaction
        self.client = client

    def is_of(self, aor: str, client: Client, from_tag: str) -> bool:
        """Two user agents may draw the same Call-ID (8.1.1.4 forbids it): something else must agree too."""
        if aor != self.aor:
            return False
        if client.instance and self.client.instance and client.instance != self.client.instance:
            return False
        return (
            client.host == self.client.host
            or (bool(from_tag) and from_tag == self.from_tag)
            or (bool(client.contact) and client.contact == self.client.contact)
            or (bool(client.instance) and client.instance == self.client.instance)
        )


class Registry:
    """All registrations and streams; the oldest are given up beyond a bound, and counted.

    It remembers for rules, which get the registration as their subject's `registration` and the Call-ID as the `stream`
    of a step: how often a client tried, refreshed and changed its Call-ID, and the CSeq of each Call-ID so far.
    """

    def __init__(self, counter: MessageCounter | None = None) -> None:
        self._ordinal = counter or MessageCounter()
        self._clients: Bounded[tuple[Registrar, str], tuple[Registration, ...]] = Bounded(MOST_CLIENTS)
        self._sequences: Bounded[str, tuple[CallIdSequence, ...]] = Bounded(
            MOST_STREAMS, lambda call_id, _: len(call_id)
        )
        self._legs: Bounded[tuple[Registrar, str], Registrar] = Bounded(MOST_STREAMS)
        self._all: dict[int, Registration] = {}
        self._begun = 0
        self._weight = 0
        self._look_at = MOST_REGISTRATIONS
        self.begun = array("q")
        self.unlisted: Counter[str] = Counter()

    def keep_all(self) -> None:
        """Follow every Call-ID, whatever memory that takes."""
        self._sequences.keep_all()
        self._legs.keep_all()

    def __iter__(self) -> Iterator[Registration]:
        return iter(self._all.values())

    def __len__(self) -> int:
        return len(self._all)

    @property
    def evicted(self) -> int:
        """Clients and Call-IDs that were evicted to stay within bounds."""
        return self._clients.evicted + self._sequences.evicted

    def find(self, registrar: Registrar, aor: str, client: Client, transaction: Transaction) -> Registration:
        """The registration that a REGISTER belongs to; a new one if it fits none."""
        known = self._clients.get((registrar, aor)) or ()
        for registration in reversed(known):
            if transaction.call_id in registration.call_ids and (
                registration.client.host == client.host or _agrees(registration.client, client)
            ):
                return registration
        for registration in reversed(known):
            if may_be_same(registration.client, client, alive=registration.alive(transaction.first)):
                return registration
        for registration in reversed(known):
            if registration.has_given_up(transaction.first) and may_try_again(registration.client, client):
                return registration
        self._begun += 1
        number = self._ordinal.number if self._ordinal.joined else self._begun
        registration = Registration(number, aor, registrar, client, transaction)
        self._all[registration.id] = registration
        self._weight += 1 + (len(aor) + len(transaction.call_id) + len(client.contact)) // _OCTETS_OF_ONE
        if self._ordinal.joined:
            self.begun.append(number)
        self._clients[(registrar, aor)] = (*known[1 - _MOST_SIDE_BY_SIDE :], registration)
        return registration

    def make_room(self) -> Sequence[Registration]:
        """Give up an eighth of what may be kept, once that is exceeded, and return them; `unlisted` counts them by
        outcome. Nobody goes who has a transaction alive. First go those who never had what they asked for: a scan
        makes up clients, and tries each once; then the others, and of all the one first that was seen longest ago."""
        if self._weight <= self._look_at:
            return ()
        idle = [one for one in self._all.values() if one.current is None]
        idle.sort(key=lambda one: (one.was_well, one.attempts > 1, one.last or 0))
        self._weight = sum(map(_weight, self._all.values()))
        wanted = max(1, MOST_REGISTRATIONS // 8)
        gone: list[Registration] = []
        for one in idle if self._weight > MOST_REGISTRATIONS else ():
            if self._weight <= MOST_REGISTRATIONS - wanted:
                break
            self._weight -= _weight(one)
            self._give_up(one)
            gone.append(one)
        # Where all are alive, look again when there are an eighth more: not at all of them for every new one.
        self._look_at = max(MOST_REGISTRATIONS, self._weight + max(wanted, self._weight // 8))
        return gone

    def _give_up(self, registration: Registration) -> None:
        del self._all[registration.id]
        self.unlisted[registration.outcome] += 1
        key = (registration.registrar, registration.aor)
        others = tuple(one for one in self._clients.get(key) or () if one is not registration)
        if others:
            self._clients[key] = others
        else:
            self._clients.pop(key)

    def of(self, number: int) -> Registration | None:
        """The registration of a number; None for one that was evicted."""
        return self._all.get(number)

    def first_leg(self, registrar: Registrar, aor: str, transaction: Transaction) -> Registrar:
        """The registrar of a request: that of the challenge it answers, where a security agreement moved it to another
        port of the same host (RFC 3329 2.3, 3GPP TS 24.229 5.1.1.5: the answer goes over the IPsec association that the
        challenge set up). Elsewhere each port is a registrar of its own (docs/rules/traps.md
        T-MULTIREG)."""
        known = self._legs.get((registrar, aor)) if len(self._legs) else None  # hardly a capture has any
        if known is not None:
            return known
        request = transaction.request
        if request is None or (registrar, aor) in self._clients or not _is_protected(request):
            return registrar
        answered = {one.nonce for one in request.credentials if one.nonce}
        for stream in self._sequences.get(transaction.call_id) or ():
            last = stream.last
            moved = last is not None and last.destination.host == registrar.endpoint.host
            if last is not None and moved and last.destination != registrar.endpoint and answered & last.nonces:
                first = self._legs.get((registrar._replace(endpoint=last.destination), aor))
                self._legs[(registrar, aor)] = first = first or registrar._replace(endpoint=last.destination)
                return first
        return registrar

    def clients(self, registrar: Registrar, aor: str) -> Sequence[Registration]:
        """The registrations of an address-of-record at a registrar that can be found, the oldest first."""
        return self._clients.get((registrar, aor)) or ()

    def has_clients(self, registrar: Registrar, aor: str) -> bool:
        """Whether a registration of this address-of-record at this registrar can be found."""
        return (registrar, aor) in self._clients

    def stream(self, transaction: Transaction, aor: str, client: Client, from_tag: str) -> CallIdSequence:
        """The stream of a request's Call-ID, address-of-record and user agent."""
        streams = self._sequences.get(transaction.call_id) or ()
        for stream in streams:
            if stream.is_of(aor, client, from_tag):
                return stream
        stream = CallIdSequence(aor, client, from_tag)
        for other in streams:
            if other.aor != aor:
                other.is_shared = stream.is_shared = True
        self._sequences[transaction.call_id] = (*streams[1 - _MOST_SIDE_BY_SIDE :], stream)
        return stream

    def namesake(self, stream: CallIdSequence, call_id: str) -> CallIdSequence | None:
        """The stream that used a Call-ID last before `stream` began with it; None where that is no news, or there was
        none."""
        streams = () if stream.last is not None else self._sequences.get(call_id) or ()
        return streams[-2] if len(streams) > 1 else None

    def asked_by(self, answer: Transaction) -> tuple[Registration | None, Transaction | None]:
        """Whose request an answer without one answers, and the latest transaction of its Call-ID with that server;
        (None, None) where neither is known."""
        final = answer.final
        if final is None or answer.method != "REGISTER":
            return None, None
        aor, tag = aor_of(final), from_tag(final)
        for stream in self._sequences.get(answer.call_id) or ():
            last = stream.latest(answer.destination)
            if stream.aor == aor and stream.from_tag == tag and last is not None:
                return self.of(stream.registration), last
        return None, None

    def orphan(self, call_id: str, cseq: int) -> None:
        """A response without its request proves that the request existed (docs/rules/traps.md T-LOSS)."""
        for stream in self._sequences.get(call_id) or ():
            if len(stream.orphans) < _MOST_SIDE_BY_SIDE:
                stream.orphans |= {cseq}


def _is_protected(request: Message) -> bool:
    """Whether a request goes over what was agreed on: it says so (RFC 3329), or a SIM answers (RFC 3310)."""
    if request.all("security-verify"):
        return True
    return any((one.algorithm or "").lower() in AKA_TOKENS for one in request.credentials)


def _weight(registration: Registration) -> int:
    return 1 + registration.size // _OCTETS_OF_ONE


def _agrees(one: Client, two: Client) -> bool:
    if one.instance and two.instance:
        return one.instance == two.instance
    return one.contact == two.contact or one.token == two.token != "" or one.user_agent == two.user_agent
