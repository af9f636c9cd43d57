"""Contacts that were asked for in vain: what a later list must not hold (RFC 3261 10.3 step 7, last paragraph)."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from analyzer.evidence import Evidence
from analyzer.register.bounded import Bounded
from analyzer.register.contacts import read_contact, same_contact
from analyzer.register.requested import expiry_in, requested_contacts
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address
from analyzer.sip.message import Message

MOST_USERS = 20_000
"""Addresses-of-record whose refused contacts are remembered."""
MOST_REFUSED = 16
"""Refused contacts of one address-of-record, the latest."""


class Refused(NamedTuple):
    """A contact in a request that was refused with `status`: for how many seconds (None: not said), and when."""

    contact: str
    status: int
    requested: int | None
    time: int | None
    evidence: Evidence


class Refusals:
    """The contacts of every address-of-record that were refused and not accepted since.

    It remembers for rules, which ask `context.refused`: whether a contact in a list was ever refused. A challenge is no
    refusal here: the request that answers it may not be in the capture.
    """

    def __init__(self) -> None:
        self._refused: Bounded[tuple[Hashable, str], tuple[Refused, ...]] = Bounded(
            MOST_USERS, lambda _, refused: sum(len(one.contact) for one in refused)
        )

    def keep_all(self) -> None:
        """Keep those of every address-of-record, whatever memory that takes."""
        self._refused.keep_all()

    def note(self, place: Hashable, aor: str, transaction: Transaction) -> None:
        """A final response that is no 2xx and no challenge."""
        request, final = transaction.request, transaction.final
        if request is None or final is None or final.status < 400:
            return
        evidence, time = final.raw_message.evidence, final.raw_message.time
        refused = tuple(
            Refused(one.raw, final.status, expiry_in(request, one), time, evidence)
            for one in requested_contacts(request)[:MOST_REFUSED]
        )
        kept = self._refused.get((place, aor)) or ()
        if refused:
            self._refused[(place, aor)] = (*kept, *refused)[-MOST_REFUSED:]

    def accepted(self, place: Hashable, aor: str, request: Message) -> None:
        """The contacts of a request were accepted, or may have been."""
        kept = self._refused.get((place, aor)) if len(self._refused) else None
        if not kept:
            return
        left = tuple(one for one in kept if not _is_among(read_contact(one.contact), request))
        if left:
            self._refused[(place, aor)] = left
        else:
            self._refused.pop((place, aor))

    def of(self, place: Hashable, aor: str, contact: Address) -> Refused | None:
        """How a listed contact was refused last."""
        kept = self._refused.get((place, aor)) if len(self._refused) else None
        return next((one for one in reversed(kept or ()) if same_contact(read_contact(one.contact), contact)), None)


def _is_among(contact: Address, request: Message) -> bool:
    return any(same_contact(contact, one) for one in request.contacts[:MOST_REFUSED])
