"""Which connections a phone registers over (RFC 5626): a flow that it goes back to was open all the time.

A phone that lost its connection opens another one and takes its reg-id along, which replaces the flow. Where a request
comes over the connection before that one again, both were open at once, with one reg-id: each registration takes the
flow of the other away. A connection that carries several instances is no phone's own, but that of a proxy.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.evidence import Evidence
from analyzer.register.bounded import Bounded
from analyzer.register.identity import instance_of
from analyzer.register.registration import Registration
from analyzer.register.transaction import Transaction

MOST_FLOWS = 20_000
"""Clients whose latest connections are remembered, and connections whose instance is."""


class Flow(NamedTuple):
    """A request that asked for a flow: by its connection, Call-ID, instance with reg-id, and host, where and when."""

    stream: int
    call_id: str
    instance: str
    host: str
    evidence: Evidence


class Flows:
    """The latest two connections of each client that names an instance and a reg-id.

    It remembers for rules, which get the flow that a client left as `left_flow` of a step.
    """

    def __init__(self) -> None:
        self._latest: Bounded[int, tuple[Flow, ...]] = Bounded(MOST_FLOWS)
        self._carried: Bounded[int, str] = Bounded(MOST_FLOWS, lambda _, instance: len(instance))

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
