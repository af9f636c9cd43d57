"""Which connections a phone registers over (RFC 5626): a flow that it goes back to was open all the time.

Over a flow that the registrar granted, the phone has to be heard as often as the 2xx says in Flow-Timer (4.4): so the
times of its messages are kept there, beside those of its keep-alives (`evidence.KeepAlives`).

A phone that lost its connection opens another one and takes its reg-id along, which replaces the flow. Where a request
comes over the connection before that one again, both were open at once, with one reg-id: each registration takes the
flow of the other away. A connection that carries several instances is no phone's own, but that of a proxy.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.evidence import Evidence, RawMessage, Way
from analyzer.register.bounded import Bounded
from analyzer.register.extensions import tags
from analyzer.register.identity import instance_of
from analyzer.register.registration import Registration
from analyzer.register.transaction import Transaction
from analyzer.sip.scalar import decimal

MOST_FLOWS = 20_000
"""Clients whose latest connections are remembered, and connections whose instance is."""
MOST_GRANTED = 5000
KEPT_TIMES = 256
_FEW = 4


class Flow(NamedTuple):
    """A request that asked for a flow: by its connection, Call-ID, instance with reg-id, and host, where and when."""

    stream: int
    call_id: str
    instance: str
    host: str
    evidence: Evidence


class GrantedFlow:
    """A flow that was granted to a client: it goes `way` from phone to server, and the phone has to be heard every
    `seconds` (None: not said). `times` are those of the phone's messages on it, `evidence` is the first 2xx,
    `is_pushed`: the phone sleeps until it is pushed (RFC 8599)."""

    __slots__ = ("evidence", "is_pushed", "seconds", "times", "transport", "way")

    def __init__(self, way: Way, transport: str, evidence: Evidence, *, is_pushed: bool) -> None:
        self.way = way
        self.transport = transport
        self.evidence = evidence
        self.is_pushed = is_pushed
        self.seconds: int | None = None
        self.times: list[int] = []


class Flows:
    """The latest two connections of each client that names an instance and a reg-id, and the flows that were granted.

    It remembers for rules, which get the flow that a client left as `left_flow` of a step, and those that it was
    granted as `flows` of a client at the end.
    """

    def __init__(self) -> None:
        self._latest: Bounded[int, tuple[Flow, ...]] = Bounded(MOST_FLOWS)
        self._carried: Bounded[int, str] = Bounded(MOST_FLOWS, lambda _, instance: len(instance))
        self._granted: Bounded[int, tuple[GrantedFlow, ...]] = Bounded(MOST_GRANTED)
        self._timed: Bounded[Way, tuple[GrantedFlow, ...]] = Bounded(MOST_GRANTED)

    def granted(self, transaction: Transaction, registration: Registration | None) -> None:
        """Take in a transaction at its answer: whether that grants a flow, and how often the phone must be heard."""
        request, final = transaction.request, transaction.final
        if registration is None or request is None or final is None or not 200 <= final.status < 300:
            return
        if not final.has("require") or not transaction.is_first_hop or "outbound" not in tags(final, "require"):
            return
        way = transaction.source, transaction.destination, transaction.stream
        known, time = self._granted.get(registration.id) or (), final.raw_message.time
        flow = next((one for one in known if one.way == way), None)
        if flow is None:
            is_pushed = any(one.uri is not None and "pn-provider" in one.uri.params for one in request.contacts)
            flow = GrantedFlow(way, transaction.transport, final.raw_message.evidence, is_pushed=is_pushed)
            flow.times += [] if time is None else [time]  # from then on
            self._timed[way] = (*(self._timed.get(way) or ()), flow)[-_FEW:]  # several lines share a connection
            self._granted[registration.id] = (*known, flow)[-_FEW:]
        seconds = decimal((final.first("flow-timer") or "").strip())
        if seconds:
            flow.seconds = max(seconds, flow.seconds or 0)

    def heard(self, raw_message: RawMessage) -> None:
        """Keep when the phone sent a message over a flow that it was granted."""
        if len(self._timed) and raw_message.time is not None:
            way = raw_message.source, raw_message.destination, raw_message.stream
            for flow in self._timed.get(way) or ():
                if len(flow.times) < KEPT_TIMES:
                    flow.times.append(raw_message.time)

    def ways(self) -> list[Way]:
        """The ways of the flows that were granted."""
        return [way for way, _ in self._timed.items()]

    def of(self, registration: Registration) -> tuple[GrantedFlow, ...]:
        """The flows that a client was granted, the latest few."""
        return (self._granted.get(registration.id) or ()) if len(self._granted) else ()

    def take(self, transaction: Transaction, registration: Registration) -> Flow | None:
        """Take in a request; the flow that its client used in between, where it comes over an older connection."""
        request, stream = transaction.request, transaction.stream
        if not stream or request is None or transaction.via_count != 1 or not request.has_instance:
            return None
        contacts = request.contacts
        instance = instance_of(contacts[0]) if len(contacts) == 1 else ""
        urn, _, number = instance.partition("#")
        if not urn or not number:
            return None
        carried = self._carried.get(stream)
        if carried is None:
            self._carried[stream] = urn
        elif carried != urn:
            self._carried[stream] = ""  # several: it is no phone's own
            return None
        latest = self._latest.get(registration.id) or ()
        own = Flow(stream, transaction.call_id, instance, transaction.source.host, transaction.evidence)
        if latest and latest[-1].stream == stream:
            self._latest[registration.id] = (*latest[:-1], own)
            return None
        self._latest[registration.id] = (*latest[-1:], own)
        left = latest[-1] if len(latest) > 1 and latest[0].stream == stream else None
        return left if left is not None and left.instance == instance and self._carried.get(left.stream) else None
