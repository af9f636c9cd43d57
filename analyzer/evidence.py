"""Evidence: where each octet came from, and how faithfully it was seen.

Everything that the tool says must be found again by the reader: frames as Wireshark numbers them (from 1), lines as
the editor numbers them (from 1). `Fidelity` says what the octets are worth: a text log has lost line endings, folding
and blanks, so a rule about lost things is not applicable there, rather than wrong.

Times are integer nanoseconds since the epoch (UTC), or None where the source has no clock, or one that is out of its
mind: pcapng can say any time between 10^39 years before us and as many after. What is outside of what classic pcap can
say (`0 <= time < LATEST`) is no time: the octets are kept and judged as those of a source without clock, and the source
has a defect. To take the nearest time that fits instead would make up an order and intervals that nobody saw. All
that is reckoned from a time that fits (an expiry of up to 2^32 s later, the difference of two) fits into 64 bits.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from analyzer.defect import Defect
from analyzer.escape import visible

SECOND = 1_000_000_000
"""Nanoseconds in a second."""

REPAIRED = "repaired-"
"""How the code of a defect begins that says what the reader of a log put right."""

LATEST = SECOND << 32
"""The first time that is too late to be one: 7 February 2106, where the 32 bits of classic pcap end."""
_YEAR = 31_556_952 * SECOND


class Fidelity(enum.Enum):
    """What the octets of a datagram are worth as evidence."""

    WIRE = "wire"
    REASSEMBLED = "reassembled"
    TEXT_LOG = "text log"


class Frame(NamedTuple):
    """A place in a capture: frame `number` counts from 1 within `source`; `offset` is that of its record in octets."""

    source: str
    number: int
    offset: int = 0

    def __str__(self) -> str:
        return visible(f"frame {self.number} of {self.source}")


class Between(NamedTuple):
    """When something was, where no stamp of its own says it: not before `earliest`, and not after `latest` (None: not
    known). Nanoseconds since the epoch."""

    earliest: int
    latest: int | None


class LogLines(NamedTuple):
    """A place in a text log: lines `first` to `last`, counted from 1, both included. `between` is of lines without a
    stamp: between which times they stand, as the stamps before and after tell."""

    source: str
    first: int
    last: int
    between: Between | None = None

    def __str__(self) -> str:
        lines = f"line {self.first}" if self.first == self.last else f"lines {self.first}-{self.last}"
        return visible(f"{lines} of {self.source}")


class FlowStep(NamedTuple):
    """Where in a document of call flows a message stands: `flow` counts its flows from 1, each of which is a capture of
    its own; `title` is what the document calls that one (from the text: hostile), `step` the number of the message in
    it, as in `F3`."""

    flow: int
    title: str
    step: int


class ShownFlow(NamedTuple):
    """A flow that a document shows: its number, counted from 1, its title (hostile), its lines, and its messages."""

    flow: int
    title: str
    first: int
    last: int
    messages: int


Place = Frame | LogLines


def between(place: Place) -> Between | None:
    """Between which times something at `place` was, where that is all that is known of its time."""
    return place.between if isinstance(place, LogLines) else None


class Evidence(NamedTuple):
    """Where something was seen, and when (nanoseconds since the epoch; None where the source has no clock)."""

    place: Place
    time: int | None


class Endpoint(NamedTuple):
    """A transport address. `port` 0 and a host that is no address (`asterisk`) mean: the source does not say."""

    host: str
    port: int

    @property
    def written(self) -> str:
        """Host and port as a URI or a Via has them, the host as the source gave it; IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host

    def __str__(self) -> str:
        return visible(self.written)


@dataclass(slots=True, repr=False)
class RawMessage:
    """The octets of (presumably) one SIP message: a UDP payload, a message framed out of a stream, a printed block.

    `transport` is `UDP`, `TCP`, `TLS`, `WS`, `WSS`, `SCTP`, or empty where the source does not say.
    `missing` counts octets known to be cut off the end (snap length, a log line cut short).
    `ip_id` is the IPv4 identification, by which mirror-port duplicates are told from retransmissions.
    `resend` is the log's own count (`Retransmitting #n`); `stream` numbers the TCP connection (0: none); `notices` are
    what the writer of the log says beside it: of this response, or `alone` behind it. `flow_step` is there where a
    document shows several flows: nothing of one has to do with another.
    """

    payload: bytes
    time: int | None
    place: Place
    source: Endpoint
    destination: Endpoint
    transport: str = "UDP"
    fidelity: Fidelity = Fidelity.WIRE
    missing: int = 0
    ip_id: int | None = None
    resend: int | None = None
    stream: int = 0
    defects: tuple[Defect, ...] = ()
    notices: tuple[LogNotice, ...] = ()
    flow_step: FlowStep | None = None

    @property
    def is_repaired(self) -> bool:
        """Whether the text is not as its program printed it: something was taken off, or put right, by its reader."""
        return any(defect.code.startswith(REPAIRED) for defect in self.defects)

    def __repr__(self) -> str:
        way = f"{self.transport} {self.source} -> {self.destination}"
        return visible(f"<RawMessage {self.place}: {len(self.payload):,} octets, {way}>")

    @property
    def evidence(self) -> Evidence:
        """Where and when it was seen."""
        return Evidence(self.place, self.time)


PROHIBITED = "administratively prohibited"
"""What an ICMP error of a router says that rejects packets on purpose (RFC 1812 5.2.7.1)."""


@dataclass(slots=True)
class NetworkError:
    """The network ended an exchange: ICMP error, TCP reset or close; or the capture lost what it carried (`gap`).

    `source` and `destination` are those of the packet that failed (for ICMP: of the quoted packet; for a reset or
    close: of the packet that carries it; for a gap: of whom the octets went to, and who sent them). `reason` is `icmp`,
    `reset`, `closed` or `gap`; `text` is what an ICMP error says, or what came back on the connection that was no SIP;
    `quoted` is what an ICMP error quotes of the payload; `stream` numbers the TCP connection (0: none); `sender` is the
    host that an ICMP error came from (empty: not known).
    """

    time: int | None
    place: Place
    source: Endpoint
    destination: Endpoint
    transport: str
    reason: Literal["icmp", "reset", "closed", "gap"]
    text: str = ""
    quoted: bytes = b""
    stream: int = 0
    sender: str = ""

    @property
    def said(self) -> str:
        """What the network did, in words: `port unreachable`, `198.51.100.1:5060 reset the connection`."""
        if self.reason == "icmp":
            other = f", from {self.sender}" if self.sender not in ("", self.destination.host) else ""
            return f"{self.text}{other}"
        did = {"reset": "reset the connection", "closed": "closed the connection"}.get(self.reason, self.reason)
        return f"{self.source} {did}" + (f" after it sent {self.text}, which is no SIP" if self.text else "")

    @property
    def evidence(self) -> Evidence:
        """Where and when it was seen."""
        return Evidence(self.place, self.time)


Item = RawMessage | NetworkError


@dataclass(slots=True)
class LogNotice:
    """One line in which the writer of a log says in words of its own what came of a registration: a witness beside the
    messages. `notice` is what it says, `port` that of `notice.host` (0: not said), `call_id` the Call-ID that it names;
    `alone` that it is about no response that was printed near it. `group` is the notice of the source that counts it,
    None where there are too many.
    """

    time: int | None
    place: LogLines
    notice: Notice
    port: int = 0
    call_id: str = ""
    alone: bool = False
    group: Notice | None = None

    @property
    def evidence(self) -> Evidence:
        """Where it stands, and when it was written."""
        return Evidence(self.place, self.time)


@dataclass(slots=True)
class Notice:
    """What the writer of a log says of registrations in words of its own: equal ones are one with a count.

    `side` says what the writer of the log is in it: `server` (it refused `account`, which sent from `host`) or `client`
    (it tried to register `account` with `server`). `state` is `refused`, `no answer`, `gave up`, `challenged`,
    `removed` or `ok`; `said` the reason in the log's words, `meaning` and `advice` in ours; `about_password` says that
    it is about the digest; `method` is empty where REGISTER is meant; `host` is empty where the line does not tell it,
    or not for certain; `contact` is what was removed. `tied` counts the lines that go with a response, or with a client
    among the messages of the log. Times in nanoseconds, lines from 1.
    """

    cause: str
    side: str
    state: str
    account: str
    host: str = ""
    server: str = ""
    method: str = ""
    status: int = 0
    said: str = ""
    meaning: str = ""
    advice: str = ""
    about_password: bool = False
    contact: str = ""
    module: str = ""
    count: int = 0
    tied: int = 0
    ports: list[int] = field(default_factory=list)
    first: int | None = None
    last: int | None = None
    first_line: int = 0
    last_line: int = 0


Way = tuple[Endpoint, Endpoint, int]
"""From whom to whom packets go, and the number of the TCP connection (0: none)."""
MOST_WAYS = 5000
KEPT_TIMES = 64


class KeepAlives:
    """When keep-alives (RFC 5626 3.5) went which way: the first `KEPT_TIMES` of each of the latest `MOST_WAYS` ways.
    `crlf` are the ways of UDP on which CRLFCRLF went, which is a keep-alive of connections."""

    __slots__ = ("_times", "crlf")

    def __init__(self) -> None:
        self._times: dict[Way, list[int]] = {}
        self.crlf: set[Way] = set()

    def note(self, way: Way, time: int | None, *, crlf: bool = False) -> None:
        """One went this way; nanoseconds since the epoch."""
        if time is None:
            return
        times = self._times.get(way)
        if times is None:
            if len(self._times) >= MOST_WAYS:
                oldest = next(iter(self._times))
                del self._times[oldest]
                self.crlf.discard(oldest)
            times = self._times[way] = []
        if len(times) < KEPT_TIMES:
            times.append(time)
        if crlf:
            self.crlf.add(way)

    def ways(self) -> Iterator[tuple[Way, list[int]]]:
        """The ways, each with the times of those that went it."""
        yield from self._times.items()

    def of(self, way: Way) -> list[int]:
        """The times of those that went this way."""
        return self._times.get(way, [])


MAX_DEFECTS = 100
"""Defects of one source that are kept with their text; the rest are counted."""


def has_ended() -> bool:
    """A file that nobody follows goes on no more when it was read."""
    return False


@dataclass(slots=True)
class Source:
    """One input and the tally of reading it. Readers fill it in as they go; it is complete when they are exhausted.

    `frames` counts records (captures) or lines (logs); `messages` SIP messages; `keepalives` keep-alives of any form;
    `other` payloads that are not SIP; `defects` the count of defects met outside messages, `defect_list` the first of
    them; `quality` sentences for the reader about what this source cannot show; `resolution` the clock's step in
    nanoseconds; `zone` how the times were put on UTC (empty for captures); `undated` counts what had a time that
    cannot be one; `hint` says what to do where it holds no SIP message; `notices` are what it says of registrations in
    other words; `notices_more` counts those that were too many to be kept; `unopened` are kinds of packets, with their
    number, that may hold SIP and were not opened, where no SIP message was found; `interfaces` counts those that were
    described, `secured` are the numbers of those whose streams were taken out of TLS; `shows_flows` says that its
    messages are those of flows, each a capture of its own: `flows` are the first of them. `goes_on` is asked by a log's
    reader where its stream gives no more: it waits, and says whether the stream has more. `kept` has the times of
    keep-alives, of a capture. `hear`, where set, is given each notice of a log: its line, text, and what tells its time
    (None: no stamp) once the messages before it are out.
    """

    name: str
    kind: Literal["capture", "log"] = "capture"
    format: str = ""
    title: str = ""
    frames: int = 0
    messages: int = 0
    keepalives: int = 0
    other: int = 0
    defects: int = 0
    defect_list: list[tuple[Place | None, Defect]] = field(default_factory=list)
    quality: list[str] = field(default_factory=list)
    first: int | None = None
    last: int | None = None
    resolution: int = 1000
    zone: str = ""
    utc_offset: int = 0
    damaged: bool = False
    undated: int = 0
    hint: str = ""
    notices: list[Notice] = field(default_factory=list)
    notices_more: int = 0
    unopened: list[tuple[str, int]] = field(default_factory=list)
    interfaces: int = 1
    secured: set[int] = field(default_factory=set)
    goes_on: Callable[[], bool] = field(default=has_ended, repr=False, compare=False)
    hear: Callable[[int, bytes, Callable[[], int | None]], None] | None = field(default=None, repr=False, compare=False)
    shows_flows: bool = False
    flows: list[ShownFlow] = field(default_factory=list)
    kept: KeepAlives = field(default_factory=KeepAlives, repr=False, compare=False)

    @property
    def gaps(self) -> int:
        """Holes in streams, as far as their defects were kept."""
        return sum(1 for _, defect in self.defect_list if defect.code == "tcp-gap")

    def defect(self, code: str, text: str, place: Place | None = None, offset: int | None = None) -> None:
        """Count a defect of the source, and keep it while there are few."""
        self.defects += 1
        if len(self.defect_list) < MAX_DEFECTS:
            self.defect_list.append((place, Defect(code, text, offset)))

    def dated(self, time: int | None, place: Place | None = None) -> int | None:
        """A time as a reader found it, if it can be one; else None, and a defect of the source the first time."""
        if time is None or 0 <= time < LATEST:
            return time
        self.undated += 1
        if self.undated == 1:
            text = f"dated to the year {1970 + time // _YEAR}: times outside of 1970 to 2106 are taken as not known"
            self.defect("absurd-time", text, place)
        return None

    def flow_at(self, place: Place) -> ShownFlow | None:
        """The flow in which a place lies, where the source shows flows."""
        if not isinstance(place, LogLines):
            return None
        return next((flow for flow in self.flows if flow.first <= place.first <= flow.last), None)

    def note_time(self, time: int | None) -> None:
        """Widen the span of the source to `time`, if that can be one."""
        if time is not None and 0 <= time < LATEST:
            self.first = time if self.first is None or time < self.first else self.first
            self.last = time if self.last is None or time > self.last else self.last
