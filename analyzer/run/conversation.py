"""The messages of one address-of-record, kept for a ladder while the analysis forgets them.

`Conversation.take` is the `gate` of `analyze`: it sees each item before the analysis does. Equal octets on the same way
are one message with copies. What is kept is bounded: the first and the last messages, and a count of what lies between.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field

from analyzer.evidence import Endpoint, Item, NetworkError, Place, RawMessage
from analyzer.register.duplicates import is_same_packet
from analyzer.register.identity import aor_of
from analyzer.register.requested import requested_expiry
from analyzer.sip.message import Message, parse
from analyzer.sip.sniff import is_keepalive
from analyzer.sip.uri import aor as canonical_aor

MOST_FIRST, MOST_LAST = 4000, 1000
"""Messages that are kept: the first ones, and the last ones."""
MOST_AORS = 10_000
"""Addresses-of-record that are counted apart."""
_MOST_WAYS = 10_000
_MOST_PLACES = 50
_MOST_KINDS = 100
_MOST_LETTERS = 400
"""Of what a sender wrote in one place; a ladder cuts it further."""


@dataclass(slots=True)
class LadderMessage:
    """A message as a ladder shows it, or an error of the network (`is_error`: then `start_line` is what it was).

    Times in nanoseconds or None. `what` is the start line without the version; `copies` counts the same octets sent
    again on the same way, the last of them at `last_copy`; `doubles` counts packets that the capture holds twice.
    `places` are those of the message and its first copies. `expires` is what a REGISTER asks for, or its 2xx has, for
    the first contact; `agent` is the program that wrote it, where it came straight from there.
    """

    place: Place
    time: int | None
    source: Endpoint
    destination: Endpoint
    what: str
    transport: str = ""
    method: str = ""
    status: int = 0
    cseq: str = ""
    call_id: str = ""
    has_credentials: bool = False
    has_challenge: bool = False
    contacts: int = 0
    is_star: bool = False
    expires: int | None = None
    min_expires: int | None = None
    retry_after: int | None = None
    agent: str = ""
    flow: str = ""
    is_error: bool = False
    is_cut: bool = False
    copies: int = 0
    doubles: int = 0
    last_copy: int | None = None
    places: list[Place] = field(default_factory=list)
    latest: Message | None = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        """What it is in a word: `REGISTER`, `401`, `network error`."""
        return self.method or (str(self.status) if self.status else "network error" if self.is_error else "other")


class Conversation:
    """The messages of `aor`; of the first that registers, where none is given. `aors` counts the REGISTERs and their
    answers of each, of `MOST_AORS` at most; `first` and `last` are messages in their order, `left_out`
    counts those between by kind, and `left_from`, `left_to` say from when to when."""

    def __init__(self, aor: str = "", *, most_first: int = MOST_FIRST, most_last: int = MOST_LAST) -> None:
        self.aor = aor
        self.aors: Counter[str] = Counter()
        self.messages = 0
        self.first: list[LadderMessage] = []
        self.last: deque[LadderMessage] = deque()
        self.left_out: Counter[str] = Counter()
        self.left_from: int | None = None
        self.left_to: int | None = None
        self._is_given = bool(aor)
        self._most_first, self._most_last = most_first, most_last
        self._seen: OrderedDict[tuple[Endpoint, Endpoint, bytes], LadderMessage] = OrderedDict()
        self._ways: set[tuple[Endpoint, Endpoint]] = set()

    @property
    def is_ambiguous(self) -> bool:
        """Whether no address-of-record was given, and there are several."""
        return not self._is_given and len(self.aors) > 1

    def take(self, item: Item) -> bool:
        """See an item; whether the analysis should, which is so unless nothing will be drawn."""
        if isinstance(item, NetworkError):
            self._take_error(item)
        elif not is_keepalive(item.payload):
            self._take_message(item)
        return not self.is_ambiguous

    def _take_message(self, raw_message: RawMessage) -> None:
        message = parse(raw_message)
        aor = aor_of(message)
        if message.is_register and aor:
            if aor in self.aors or len(self.aors) < MOST_AORS:
                self.aors[aor] += 1
            self.aor = self.aor or aor
        if not self.aor or self.is_ambiguous or self.aor not in (aor, _caller(message)):
            return
        self.messages += 1
        way = (raw_message.source, raw_message.destination)
        if len(self._ways) < _MOST_WAYS:
            self._ways.add(way)
        key = (*way, raw_message.payload)
        known = self._seen.get(key)
        if known is not None and known.flow == _flow(raw_message):
            _copied(known, message)
            return
        self._remember(key, _shown(message))

    def _take_error(self, error: NetworkError) -> None:
        way = (error.source, error.destination)
        if error.reason not in ("icmp", "reset") or self.is_ambiguous:
            return
        if way not in self._ways and way[::-1] not in self._ways:
            return
        what = error.text or error.reason
        source, destination = way[::-1] if error.reason == "icmp" else way  # what it quotes went the other way
        key = (source, destination, what.encode("utf-8", "surrogateescape") + b"\0" + error.quoted)
        known = self._seen.get(key)
        if known is not None:
            known.copies += 1
            known.last_copy = error.time
            known.places.extend([error.place] * (len(known.places) < _MOST_PLACES))
            return
        shown = LadderMessage(error.place, error.time, source, destination, what, is_error=True, places=[error.place])
        self._remember(key, shown)

    def _remember(self, key: tuple[Endpoint, Endpoint, bytes], shown: LadderMessage) -> None:
        self._keep(shown)
        self._seen[key] = shown
        if len(self._seen) > self._most_last:
            self._seen.popitem(last=False)

    def _keep(self, shown: LadderMessage) -> None:
        if len(self.first) < self._most_first:
            self.first.append(shown)
            return
        self.last.append(shown)
        if len(self.last) > self._most_last:
            gone = self.last.popleft()
            kind = gone.kind if gone.kind in self.left_out or len(self.left_out) < _MOST_KINDS else "other"
            self.left_out[kind] += 1 + gone.copies
            if self.left_from is None:
                self.left_from = gone.time
            self.left_to = gone.time if gone.time is not None else self.left_to


def _flow(raw_message: RawMessage) -> str:
    """The flow of a document that a message is in."""
    step = raw_message.flow_step
    return "" if step is None else step.title[:_MOST_LETTERS] or f"flow {step.flow}"


def _caller(message: Message) -> str:
    """The address-of-record that anything but a REGISTER is from."""
    sender = message.from_
    return "" if message.is_register or sender is None or sender.uri is None else canonical_aor(sender.uri)


def _copied(known: LadderMessage, message: Message) -> None:
    """The same octets went the same way before."""
    raw_message = message.raw_message
    if known.latest is not None and is_same_packet(known.latest, message):
        known.doubles += 1
    else:
        known.copies += 1
        known.last_copy = raw_message.time
        known.latest = message
    if len(known.places) < _MOST_PLACES:
        known.places.append(raw_message.place)


def _shown(message: Message) -> LadderMessage:
    raw_message, cseq = message.raw_message, message.cseq
    what = f"{message.method} {message.request_uri}" if message.method else f"{message.status} {message.reason}"
    contacts = message.contacts if message.is_register else []
    is_answer = bool(message.status) and not 200 <= message.status < 300
    asked = requested_expiry(contacts[0], message.expires) if contacts and not is_answer else None
    return LadderMessage(
        place=raw_message.place,
        time=raw_message.time,
        source=raw_message.source,
        destination=raw_message.destination,
        what=what.strip()[:_MOST_LETTERS],
        transport=raw_message.transport,
        method=message.method,
        status=message.status,
        cseq="" if cseq is None else f"{cseq.number}" if cseq.method == "REGISTER" else f"{cseq.number} {cseq.method}",
        call_id=message.call_id[:_MOST_LETTERS],
        has_credentials=message.answers_challenge,
        has_challenge=bool(message.challenges),
        contacts=len(contacts),
        is_star=bool(contacts) and contacts[0].star,
        expires=asked,
        min_expires=message.min_expires,
        retry_after=message.retry_after,
        agent=message.user_agent[:_MOST_LETTERS] if len(message.vias) == 1 else "",
        flow=_flow(raw_message),
        is_cut=raw_message.missing > 0,
        places=[raw_message.place],
        latest=message,
    )
