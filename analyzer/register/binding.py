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

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

from analyzer.escape import visible
from analyzer.evidence import SECOND
from analyzer.register.contact_relations import EXACT, MOST_CANDIDATES, is_another_form, is_successor, match_contacts
from analyzer.register.contacts import Contacts
from analyzer.register.contacts import same_contact as same_contact
from analyzer.register.identity import Registrar, instance_of
from analyzer.register.reachability import Reachability
from analyzer.register.requested import requested_contacts, requested_expiry
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address

Certainty = Literal["present", "maybe", "absent"]
EXPIRY_SLACK = 2 * SECOND
"""Tolerance at the end of a binding (docs/rule-catalogue.md 0.6)."""
_LONGEST_KEPT = 256
_MOST_OWNERS = 8
_FEW_SUCCESSORS = 8
MOST_CONTACTS = 200
"""Contacts of one address-of-record that are followed; a registrar that lists more is not followed further."""


class Binding:
    """One contact of one address-of-record. `granted` and `requested` in seconds, times in nanoseconds or None.

    `start` is the first copy of the request that added it, `bound_from` the first 2xx that listed it, `learned` the
    last, `end` when it runs out (or was removed). What is granted anew after that is another binding. `asked_again`
    becomes true with the first request after `learned` that names it. `registration` is the client that asked for it
    last, `before` are those that did so earlier: the same phone, most often, which was not known again. `form` says in
    what other form than it was asked for the registrar lists it, empty for the same (`contact_relations.py`).
    `transaction` is the one that granted it last, `epoch` counts the clock steps before that.
    """

    __slots__ = (
        "_asked",
        "_written",
        "asked_again",
        "before",
        "bound_from",
        "certainty",
        "end",
        "epoch",
        "form",
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
        self._written = self._asked = address.raw
        self.form = EXACT
        self.registration = registration
        self.granted: int | None = None
        self.requested: int | None = None
        self.before: tuple[int, ...] = ()
        self.start = start
        self.bound_from: int | None = None
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

    @property
    def owners(self) -> tuple[int, ...]:
        """The registrations whose contact it is, by number."""
        return self.before if self.registration is None else (self.registration, *self.before)

    def is_over(self, now: int | None) -> bool:
        """Whether it had run out by `now`."""
        return now is not None and self.end is not None and now > self.end + EXPIRY_SLACK

    @property
    def asked_as(self) -> Address:
        """The contact as it was asked for last; as it is listed, where that was not seen."""
        return _read(self._asked)

    @property
    def asked_contact(self) -> str:
        """Its URI as written there."""
        return self.asked_as.uri.text if self.asked_as.uri else self.asked_as.raw

    def is_of(self, other: Address) -> bool:
        """Whether `other` names the same binding."""
        return same_contact(self.address, other) or (bool(self.form) and same_contact(self.asked_as, other))


@lru_cache(maxsize=4096)
def _read_short(written: str) -> Address:
    return Address.parse(written)


def _read(written: str) -> Address:
    return _read_short(written) if len(written) <= _LONGEST_KEPT else Address.parse(written)


class BindingEvent(NamedTuple):
    """Something happened to a binding: `renewal` (a request names a known one, seen at its first copy, or its client
    registers another contact in the place of one that ran out), `added`, `refreshed`, `removed`, `lapsed` (it ran out
    twice over and was not asked for again; `transaction` is the one that granted it)."""

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
        self._step = (0, 0)

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

    @property
    def is_stepped(self) -> bool:
        """Whether the capture's clock was ever set back."""
        return self._epoch > 0

    def clock_stepped(self, before: int, now: int) -> None:
        """The capture's clock was set back from `before` to `now`: no end can be compared with what follows
        (docs/rule-catalogue.md 1.7 step 7)."""
        self._epoch += 1
        self._step = (before, now)

    def date(self, reach: Reachability) -> None:
        """Let a timeline know of a step of the clock since it was last told anything."""
        if reach.epoch != self._epoch:
            reach.clock_stepped(*self._step, self._epoch)

    def is_present(self, binding: Binding) -> bool:
        """Whether a binding is certain, after clock steps too."""
        if binding.epoch != self._epoch and binding.certainty == "present":
            binding.certainty = "maybe"
        return binding.certainty == "present"

    def settle(self, end_of: Callable[[Transaction | None], int | None]) -> None:
        """All is read: say of every entry how certain it is (docs/rule-catalogue.md 1.7 steps 6 and 7). `end_of` tells
        when the source of the transaction ends that granted it."""
        for registrar, aor in self._sets:
            for binding in self.known(registrar, aor):
                end = end_of(binding.transaction)
                if binding.certainty == "present" and binding.is_over(end):
                    binding.certainty, binding.lapsed = "absent", True

    def asked(
        self, registrar: Registrar, aor: str, transaction: Transaction, registration: int
    ) -> Iterator[BindingEvent]:
        """A new attempt of a client names contacts: yield a `renewal` for each known one, once for each grant."""
        request = transaction.request
        if request is None:
            return
        known = self.known(registrar, aor)
        index = Contacts([binding.asked_as for binding in known])
        for contact in request.contacts[:MOST_CONTACTS] if known else ():
            position = index.find(contact)
            binding = known[position] if position is not None else None
            if binding is None or binding.asked_again or binding.certainty != "present":
                continue
            binding.asked_again = True
            if requested_expiry(contact, request.expires) != 0:
                yield BindingEvent("renewal", binding, transaction)
        wanted = requested_contacts(request)[:_FEW_SUCCESSORS] if known else []
        for binding in known if wanted else ():
            if binding.registration != registration or binding.asked_again or not self._is_past(binding, transaction):
                continue
            if any(is_successor(binding.asked_as, contact, request) for contact in wanted):
                binding.asked_again = True
                yield BindingEvent("renewal", binding, transaction)

    def _is_past(self, binding: Binding, transaction: Transaction) -> bool:
        return self.is_present(binding) and binding.is_over(transaction.first)

    def answered(
        self, registrar: Registrar, aor: str, transaction: Transaction, registration: int
    ) -> Iterator[BindingEvent]:
        """A 2xx replaces the set (docs/rule-catalogue.md 1.7 step 2)."""
        final, request = transaction.final, transaction.request
        if final is None or request is None or not 200 <= final.status < 300 or final.raw_message.missing:
            return
        old, wanted = self.known(registrar, aor), request.contacts[:MOST_CONTACTS]
        listed = [one for one in final.contacts if not one.star and requested_expiry(one, final.expires) != 0]
        listed = listed[:MOST_CONTACTS]
        index = Contacts([binding.address for binding in old])
        owned = match_contacts(wanted, listed, request, lambda one: _known(old, index, one))
        places = _places(old, index, listed, {at: wanted[own.asked] for at, own in owned.items()})
        kept: list[Binding] = []
        seen: set[object] = set()
        for at, contact in enumerate(listed):
            position, own = places[at], owned.get(at)
            name = (contact.uri.text if contact.uri else contact.raw, instance_of(contact))
            if position in seen or name in seen:
                continue  # listed twice
            seen |= {name} if position is None else {name, position}
            if position is not None and own is not None and self._ran_out(old[position], final.raw_message.time):
                position = None
            binding = Binding(contact, None, transaction.first) if position is None else old[position]
            kept.append(binding)
            if own is not None:
                binding._asked, binding.form = wanted[own.asked].raw, own.reason
            self._grant(binding, contact, transaction, None if own is None else wanted[own.asked], registration)
            if position is None:
                yield BindingEvent("added", binding, transaction)
            elif own is not None:
                yield BindingEvent("refreshed", binding, transaction)
        self._sets[(registrar, aor)] = kept
        if not kept:
            del self._sets[(registrar, aor)]
        for binding in old if len(old) > len(seen) or kept != old else ():
            if binding not in kept and binding.certainty != "absent":
                binding.lapsed = binding.is_over(final.raw_message.time)
                binding.certainty, binding.end = "absent", _earlier(binding.end, final.raw_message.time)
                if binding.start is not None and binding.end is not None:
                    binding.end = max(binding.start, binding.end)  # the clock may have stepped back in between
                yield BindingEvent("removed", binding, transaction)

    def _ran_out(self, binding: Binding, now: int | None) -> bool:
        """Whether a binding that is granted `now` had run out by then: that ends it."""
        over = self.is_present(binding) and binding.is_over(now)
        if over:
            binding.certainty, binding.lapsed = "absent", True
        return over

    def unanswered(self, registrar: Registrar, aor: str, transaction: Transaction) -> None:
        """No response was seen: the asked contacts may be bound, may be changed, may be gone (docs/rule-catalogue.md
        1.7 step 4)."""
        request, known = transaction.request, self.known(registrar, aor)
        index = Contacts([binding.asked_as for binding in known])
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
        granted, time = requested_expiry(contact, final.expires), final.raw_message.time
        if granted is not None and time is not None:
            binding.end = time + granted * SECOND
        if binding.bound_from is None:
            binding.bound_from = time
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
            if binding.registration not in (None, registration):
                earlier = (one for one in binding.owners if one != registration)
                binding.before = tuple(earlier)[:_MOST_OWNERS]
            binding.registration = registration
            binding.requested = requested_expiry(own, request.expires)


def _known(bindings: list[Binding], index: Contacts, contact: Address) -> tuple[Address, str] | None:
    """How a listed contact that was bound before was asked for, and in what form it was listed then."""
    position = index.find(contact)
    return None if position is None else (bindings[position].asked_as, bindings[position].form)


def _places(
    bindings: list[Binding], index: Contacts, listed: list[Address], owned: Mapping[int, Address]
) -> list[int | None]:
    """Which of the bindings each listed contact is, by position: the one that is equal, or was asked for as it is asked
    for now (`owned`), or else the only one that it can be another form of."""
    places = [index.find(contact) for contact in listed]
    if None not in places or len(bindings) * len(listed) > MOST_CANDIDATES:
        return places
    free = set(range(len(bindings))).difference(place for place in places if place is not None)
    for at, contact in enumerate(listed):
        if places[at] is not None or not free:
            continue
        asked = owned.get(at)
        if asked is not None:
            alike = [place for place in free if same_contact(bindings[place].asked_as, asked)]
        else:
            alike = [place for place in free if is_another_form(bindings[place].address, contact)]
        if len(alike) == 1:
            places[at] = alike[0]
            free.remove(alike[0])
    return places


def _earlier(one: int | None, two: int | None) -> int | None:
    if one is None or two is None:
        return one if two is None else two
    return min(one, two)
