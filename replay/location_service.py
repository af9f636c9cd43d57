"""The location service of a registrar: which contacts are bound to an address-of-record, until when (RFC 3261 10.3).

An update is worked out on a copy and put in place as a whole, or not at all (10.3 step 7: "committed if and only if all
binding updates and additions succeed"). A binding keeps the Call-ID and the CSeq that made it, so that a request that
was overtaken on its way changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analyzer.escape import Told
from analyzer.evidence import SECOND
from analyzer.register.contacts import Contacts
from analyzer.sip.address import Address

MOST_BINDINGS = 20_000
"""Bindings of all users together."""
MOST_CONTACTS = 32
"""Bindings of one address-of-record."""
LONGEST_CONTACT = 1024
"""Octets of a Contact value that is kept."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A contact that is bound `until` an instant (nanoseconds), by the request with this Call-ID and CSeq."""

    contact: Address
    call_id: str
    cseq: int
    until: int

    def left(self, now: int) -> int:
        """Seconds until it expires, rounded up: what was granted a moment ago is told as it was granted."""
        return max(0, -((now - self.until) // SECOND))


class Change(NamedTuple):
    """What a request asks for one contact: `seconds` granted, 0 to remove it."""

    contact: Address
    seconds: int


class OutOfOrder(Told):
    """A request whose CSeq is not higher than that of a binding with its Call-ID (10.3 steps 6 and 7)."""


class Full(Told):
    """There is no room for more; the text says of what."""


class Bindings:
    """The bindings of every address-of-record. What has expired is gone, whenever it is asked for."""

    def __init__(self, limit: int = MOST_BINDINGS) -> None:
        self.limit = limit
        self._by_aor: dict[str, tuple[Binding, ...]] = {}
        self._count = 0
        self._swept: int | None = None

    def __len__(self) -> int:
        return self._count

    def of(self, aor: str, now: int) -> tuple[Binding, ...]:
        """What is bound at `now`, in the order of first registration."""
        found = tuple(one for one in self._by_aor.get(aor, ()) if one.until > now)
        if len(found) != len(self._by_aor.get(aor, ())):
            self._put(aor, found)
        return found

    def update(self, aor: str, changes: Sequence[Change], call_id: str, cseq: int, now: int) -> None:
        """Add, renew and remove (10.3 step 7), all or nothing. Raises OutOfOrder, Full."""
        if len(changes) > MOST_CONTACTS:
            raise Full(f"more than {MOST_CONTACTS} contacts")
        current = self.of(aor, now)
        found = Contacts([one.contact for one in current])
        kept: list[Binding | None] = list(current)
        added: list[Binding] = []
        for contact, seconds in changes:
            bound = Binding(contact, call_id, cseq, now + seconds * SECOND) if seconds else None
            at = found.find(contact)
            if at is not None:
                _check_order(current[at], call_id, cseq)
                kept[at] = bound
                continue
            again = Contacts([one.contact for one in added]).find(contact)  # twice in one request: the last one counts
            if again is not None:
                del added[again]
            if bound is not None:
                added.append(bound)
        self._commit(aor, (*(one for one in kept if one is not None), *added), now)

    def remove_all(self, aor: str, call_id: str, cseq: int, now: int) -> None:
        """`Contact: *` (10.3 step 6). Raises OutOfOrder."""
        for one in self.of(aor, now):
            _check_order(one, call_id, cseq)
        self._put(aor, ())

    def _commit(self, aor: str, bindings: tuple[Binding, ...], now: int) -> None:
        more = len(bindings) - len(self._by_aor.get(aor, ()))
        if more > 0 and len(bindings) > MOST_CONTACTS:
            raise Full(f"more than {MOST_CONTACTS} contacts")
        if more > 0 and self._count + more > self.limit:
            self._sweep(now)
            if self._count + more > self.limit:
                raise Full("no room for more bindings")
        self._put(aor, bindings)

    def _sweep(self, now: int) -> None:
        """Let all go that has expired; once a second, for whoever fills the table may ask again at once."""
        if self._swept is None or now >= self._swept + SECOND:
            self._swept = now
            for aor in [*self._by_aor]:
                self.of(aor, now)

    def _put(self, aor: str, bindings: tuple[Binding, ...]) -> None:
        self._count += len(bindings) - len(self._by_aor.get(aor, ()))
        if bindings:
            self._by_aor[aor] = bindings
        else:
            self._by_aor.pop(aor, None)


def _check_order(bound: Binding, call_id: str, cseq: int) -> None:
    """A request with another Call-ID comes from elsewhere, or after a restart: it is not compared (10.3 step 7)."""
    if bound.call_id == call_id and cseq <= bound.cseq:
        raise OutOfOrder
