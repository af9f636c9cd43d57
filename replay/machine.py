"""What every half of a replay is to the I/O boundary: a machine without sockets and clocks.

The I/O boundary (`net.py`) hands in octets, the instant and errors, and carries out the commands that come back.
Instants are nanoseconds of one clock that only goes forward; a machine asks for none, it is told. On a stream the I/O
boundary cuts messages (RFC 3261 18.3), so what comes in is always one message or what was taken for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from analyzer.evidence import Endpoint

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Send:
    """Put these octets on the wire: to the peer that the link leads to, or to `to` (a listener answers many)."""

    octets: bytes
    to: Endpoint | None = None


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell who watches what happened: `event` is one of the values of `events.py`."""

    event: Any


Command = Send | Notify


class Machine(Protocol):
    """A half of a conversation. `deadline` is when it wants to be woken (None: by nothing but a message)."""

    deadline: int | None
    done: bool

    def start(self, now: int) -> Sequence[Command]:
        """The link is up."""

    def receive(self, octets: bytes, peer: Endpoint, now: int) -> Sequence[Command]:
        """One message came from `peer`."""

    def wake(self, now: int) -> Sequence[Command]:
        """`deadline` has come."""

    def failed(self, reason: str, now: int) -> Sequence[Command]:
        """The transport gave an error (an ICMP message, a reset, a connection that cannot be made)."""

    def stop(self, now: int) -> Sequence[Command]:
        """Somebody wants an end: finish as decency asks (bindings removed), then be `done`."""


class Stepwise(Machine, Protocol):
    """A machine that may be `held`: it waits for somebody to say `proceed`."""

    held: bool

    def proceed(self, now: int) -> Sequence[Command]:
        """Somebody wants the next step."""
