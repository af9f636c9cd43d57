"""The binding timeline: what the registrar said is bound, from when to when (docs/rule-catalogue.md 1.7).

Each 2xx to any REGISTER of an address-of-record is authoritative for its whole set at that instant (RFC 3261 10.3
step 8): what it lists is present until the response's time plus the granted expiry, what it does not list is absent. An
answer that was not seen changes nothing but makes the asked contacts `maybe`. Contacts are compared pairwise as URIs
(19.1.4), or by instance and reg-id where both have them (RFC 5626 6).

Lateness is counted from the 2xx, the latest instant at which the client can have started its clock (RFC 3261 20.19).
When the capture's clock was set back, every entry is `maybe` until a list names it again (docs/rule-catalogue.md 1.7
step 7).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from analyzer.escape import visible
from analyzer.evidence import SECOND
from analyzer.register.contacts import Contacts
from analyzer.register.contacts import same_contact as same_contact
from analyzer.register.identity import Registrar
from analyzer.register.requested import expiry_in
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address

Certainty = Literal["present", "maybe", "absent"]
EXPIRY_SLACK = 2 * SECOND
"""Tolerance at the end of a binding (docs/rule-catalogue.md 0.6)."""
_LONGEST_KEPT = 256
MOST_CONTACTS = 200
"""Contacts of one address-of-record that are followed; a registrar that lists more is not followed further."""


class Binding:
    """One contact of one address-of-record. `granted` and `requested` in seconds, times in nanoseconds or None.

    `start` is the first copy of the request that added it, `learned` the last 2xx that listed it, `end` when it runs
    out (or was removed). `asked_again` becomes true with the first request after `learned` that names it.
    `transaction` is the one that granted it last, `epoch` counts the clock steps before that.
    """

    __slots__ = (
        "_written",
        "asked_again",
        "certainty",
        "end",
        "epoch",
        "granted",
        "lapsed",
        "learned",
        "registration",
        "requested",
        "start",
        "transaction",
        "watched",
    )

    def __init__(self, address: Address, registration: int | None, start: int | None) -> None:
        self._written = address.raw
        self.registration = registration
        self.granted: int | None = None
        self.requested: int | None = None
        self.start = start
        self.learned: int | None = None
        self.end: int | None = None
        self.certainty: Certainty = "maybe"
        self.lapsed = False
        self.asked_again = False
        self.epoch = 0
        self.transaction: Transaction | None = None
        self.watched = False

    def __repr__(self) -> str:
        granted = "" if self.granted is None else f" for {self.granted} s"
        return visible(f"<Binding {self._written}{granted}: {self.certainty}>")

    @property
    def address(self) -> Address:
        """The contact as it was listed last. It is kept as written: every client has one, and few are asked."""
        return _read(self._written)

    @property
    def contact(self) -> str:
        """The contact's URI as written."""
        return self.address.uri.text if self.address.uri else self.address.raw

    def is_of(self, other: Address) -> bool:
        """Whether `other` names the same binding."""
        return same_contact(self.address, other)


@lru_cache(maxsize=4096)
def _read_short(written: str) -> Address:
    return Address.parse(written)


def _read(written: str) -> Address:
    return _read_short(written) if len(written) <= _LONGEST_KEPT else Address.parse(written)


class BindingEvent(NamedTuple):
    """Something happened to a binding: `renewal` (a request names a known one, seen at its first copy), `added`,
    `refreshed`, `removed`, `lapsed` (it ran out twice over and was not asked for again; `transaction` is the one that
    granted it)."""

    kind: Literal["renewal", "added", "refreshed", "removed", "lapsed"]
    binding: Binding
    transaction: Transaction


class BindingTable:
    """The bindings of every address-of-record at every registrar that was seen.

    It remembers for rules, which get each change as the `event` of a binding: what is bound until when, and how sure.
    """

    def __init__(self) -> None:
        self._sets: dict[tuple[Registrar, str], list[Binding]] = {}
        self._epoch = 0

    def known(self, registrar: Registrar, aor: str) -> list[Binding]:
        """The entries of one address-of-record, those that ran out included until a list replaces them."""
        entries = self._sets.get((registrar, aor), [])
        for binding in entries:
            self.is_present(binding)
        return entries

    def bound(self, registrar: Registrar, aor: str) -> int:
        """How many contacts are bound for certain."""
        return sum(binding.certainty == "present" for binding in self.known(registrar, aor))

    def forget(self, registrar: Registrar, aor: str) -> None:
        """Its client is evicted: what another one of the same address-of-record has bound is learned again."""
        self._sets.pop((registrar, aor), None)

    def clock_stepped(self) -> None:
        """The capture's clock was set back: no end can be compared with what follows (docs/rule-catalogue.md 1.7 step
        7)."""
        self._epoch += 1

    def is_present(self, binding: Binding) -> bool:
        """Whether a binding is certain, after clock steps too."""
        if binding.epoch != self._epoch and binding.certainty == "present":
            binding.certainty = "maybe"
        return binding.certainty == "present"

    def settle(self, end: int | None) -> None:
        """The source has ended at `end`: say of every entry how certain it is (docs/rule-catalogue.md 1.7 steps 6 and
        7)."""
        for registrar, aor in self._sets:
            for binding in self.known(registrar, aor):
                ran_out = binding.end is not None and end is not None and binding.end + EXPIRY_SLACK < end
                if binding.certainty == "present" and ran_out:
                    binding.certainty, binding.lapsed = "absent", True

    def asked(self, registrar: Registrar, aor: str, transaction: Transaction) -> Iterator[BindingEvent]:
        """A new attempt names contacts: yield a `renewal` for each known one, once for each grant."""
        request = transaction.request
        if request is None:
            return
        known = self.known(registrar, aor)
        index = Contacts([binding.address for binding in known])
        for contact in request.contacts[:MOST_CONTACTS] if known else ():
            position = index.find(contact)
            binding = known[position] if position is not None else None
            if binding is None or binding.asked_again or binding.certainty != "present":
                continue
            binding.asked_again = True
            if expiry_in(request, contact) != 0:
                yield BindingEvent("renewal", binding, transaction)

    def answered(
        self, registrar: Registrar, aor: str, transaction: Transaction, registration: int
    ) -> Iterator[BindingEvent]:
        """A 2xx replaces the set (docs/rule-catalogue.md 1.7 step 2)."""
        final, request = transaction.final, transaction.request
        if final is None or request is None or not 200 <= final.status < 300 or final.raw_message.missing:
            return
        old = self.known(registrar, aor)
        index = Contacts([binding.address for binding in old])
        wanted = request.contacts[:MOST_CONTACTS]
        asked = Contacts(wanted)
        listed = [contact for contact in final.contacts if not contact.star][:MOST_CONTACTS]
        kept: list[Binding] = []
        for contact in listed:
            if expiry_in(final, contact) == 0:
                continue
            position = index.find(contact)
            if position is not None and old[position] in kept:
                continue  # listed twice
            binding = Binding(contact, None, transaction.first) if position is None else old[position]
            kept.append(binding)
            own = asked.find(contact)
            self._grant(binding, contact, transaction, None if own is None else wanted[own], registration)
            if position is None:
                yield BindingEvent("added", binding, transaction)
            elif own is not None:
                yield BindingEvent("refreshed", binding, transaction)
        self._sets[(registrar, aor)] = kept
        if not kept:
            del self._sets[(registrar, aor)]
        for binding in old:
            if binding not in kept and binding.certainty == "present":
                binding.certainty, binding.end = "absent", _earlier(binding.end, final.raw_message.time)
                if binding.start is not None and binding.end is not None:
                    binding.end = max(binding.start, binding.end)  # the clock may have stepped back in between
                yield BindingEvent("removed", binding, transaction)

    def unanswered(self, registrar: Registrar, aor: str, transaction: Transaction) -> None:
        """No response was seen: the asked contacts may be bound, may be changed, may be gone (docs/rule-catalogue.md
        1.7 step 4)."""
        request, known = transaction.request, self.known(registrar, aor)
        index = Contacts([binding.address for binding in known])
        for contact in request.contacts[:MOST_CONTACTS] if request and known else ():
            position = index.find(contact)
            if position is not None:
                known[position].certainty = "maybe"

    def _grant(
        self, binding: Binding, contact: Address, transaction: Transaction, own: Address | None, registration: int
    ) -> None:
        """Take the granted expiry over; `own` is the contact as this transaction asked for it, if it did."""
        final, request = transaction.final, transaction.request
        assert final is not None and request is not None
        granted, time = expiry_in(final, contact), final.raw_message.time
        if granted is not None and time is not None:
            binding.end = time + granted * SECOND
        if own is None and self.is_present(binding):
            return  # another client's answer lists it with what is left of it
        binding._written = contact.raw
        binding.granted = granted
        binding.learned = time
        binding.asked_again = False
        binding.certainty = "maybe" if granted is None else "present"
        binding.epoch = self._epoch
        binding.transaction = transaction
        if own is not None:
            binding.registration = registration
            binding.requested = expiry_in(request, own)


def _earlier(one: int | None, two: int | None) -> int | None:
    if one is None or two is None:
        return one if two is None else two
    return min(one, two)
