"""The binding timeline: what the registrar said is bound, from when to when (docs/rules/reconstruction.md 7).

Each 2xx to any REGISTER of an address-of-record is authoritative for its whole set at that instant (RFC 3261 10.3
step 8): what it lists is present until the response's time plus the granted expiry, what it does not list is absent;
where the registrar may not list what it was not asked for (`listing.py`), that is `maybe`. An answer that was not
seen changes nothing but makes the asked contacts `maybe`. Contacts are compared pairwise as URIs (19.1.4), or by
instance and reg-id where both have them (RFC 5626 6).

Lateness is counted from the 2xx, the latest instant at which the client can have started its clock (RFC 3261 20.19).
When the capture's clock was set back, every entry is `maybe` until a list names it again (docs/rules/reconstruction.md
7 step 7).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from analyzer.escape import visible
from analyzer.evidence import SECOND, RawMessage, between
from analyzer.register.contact_relations import EXACT, is_successor, match_contacts
from analyzer.register.contacts import Contacts, read_contact
from analyzer.register.contacts import same_contact as same_contact
from analyzer.register.identity import Registrar, instance_of
from analyzer.register.listed import doubtful, is_left_over, is_taken_over, known_form, places
from analyzer.register.listing import Listing
from analyzer.register.reachability import Reachability
from analyzer.register.requested import expiry_in, requested_contacts
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address

Certainty = Literal["present", "maybe", "absent"]
EXPIRY_SLACK = 2 * SECOND
"""Tolerance at the end of a binding (docs/rules/conventions.md 5)."""
_MOST_OWNERS = 8
_FEW_SUCCESSORS = 8
MOST_CONTACTS = 200
"""Contacts of one address-of-record that are followed; a registrar that lists more is not followed further."""


class Binding:
    """One contact of one address-of-record. `granted` and `requested` in seconds, times in nanoseconds or None.

    `start` is the first copy of the request that added it, `bound_from` the first 2xx that listed it, `learned` the
    last, `end` when it runs out (or was removed). What is granted anew after that is another binding. `asked_again`
    becomes true with the first request after `learned` that names it. `registration` is the client that asked for it
    last, `before` are those that did so earlier from the same address: the same phone, most often, which was not known
    again. `form` says in what other form than it was asked for the registrar lists it, empty for the same
    (`contact_relations.py`). `transaction` is the one that granted it last, `epoch` counts the clock steps before that.
    `is_unlisted`: an answer to another request did not list it, which may mean nothing.
    """

    __slots__ = (
        "asked_again",
        "asked_text",
        "before",
        "bound_from",
        "certainty",
        "end",
        "epoch",
        "form",
        "granted",
        "is_unlisted",
        "lapsed",
        "learned",
        "listed_text",
        "registration",
        "requested",
        "start",
        "transaction",
        "watched",
    )

    def __init__(self, address: Address, registration: int | None, start: int | None) -> None:
        self.listed_text = self.asked_text = address.raw
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
        self.lapsed = self.is_unlisted = False
        self.asked_again = False
        self.epoch = 0
        self.transaction: Transaction | None = None
        self.watched = False

    def __repr__(self) -> str:
        granted = "" if self.granted is None else f" for {self.granted} s"
        return visible(f"<Binding {self.listed_text}{granted}: {self.certainty}>")

    @property
    def address(self) -> Address:
        """The contact as it was listed last. It is kept as written: every client has one, and few are asked."""
        return read_contact(self.listed_text)

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
        return read_contact(self.asked_text)

    @property
    def asked_contact(self) -> str:
        """Its URI as written there."""
        return self.asked_as.uri.text if self.asked_as.uri else self.asked_as.raw

    def is_of(self, other: Address) -> bool:
        """Whether `other` names the same binding."""
        if other.raw == self.asked_text and other.uri is not None:
            return True
        return same_contact(self.address, other) or (bool(self.form) and same_contact(self.asked_as, other))


class BindingEvent(NamedTuple):
    """Something happened to a binding: `renewal` (a request names a known one, seen at its first copy, or its client
    registers another contact in the place of one that ran out), `added`, `refreshed`, `kept` (asked for, and listed
    with no more than was left of it), `removed`, `taken` (it is another client's now: the same private address behind
    two translators), `unlisted` (it may be gone), `lapsed` (it ran out
    twice over and was not asked for again; `transaction` is the one that granted it). `was`: how sure it was before."""

    kind: Literal["renewal", "added", "refreshed", "kept", "removed", "taken", "unlisted", "lapsed"]
    binding: Binding
    transaction: Transaction
    was: Certainty = "present"


class BindingTable:
    """The bindings of every address-of-record at every registrar that was seen.

    It remembers for rules, which get each change as the `event` of a binding: what is bound until when, and how sure.
    """

    def __init__(self) -> None:
        self._sets: dict[tuple[Hashable, str], list[Binding]] = {}
        self._listing = Listing()
        self._epoch = 0
        self._step = (0, 0)

    def known(self, registrar: Registrar, aor: str) -> list[Binding]:
        """The entries of one address-of-record, those that ran out included until a list replaces them."""
        return self._known((location(registrar), aor))

    def _known(self, key: tuple[Hashable, str]) -> list[Binding]:
        entries = self._sets.get(key, [])
        for binding in entries:
            self.is_present(binding)
        return entries

    def bound(self, registrar: Registrar, aor: str) -> int:
        """How many contacts are bound for certain."""
        return sum(binding.certainty == "present" for binding in self.known(registrar, aor))

    def forget(self, registrar: Registrar, aor: str) -> None:
        """Its client is evicted: what another one of the same address-of-record has bound is learned again."""
        self._sets.pop((location(registrar), aor), None)

    def take_away(self, registrar: Registrar, aor: str, binding: Binding, now: int | None) -> bool:
        """The server says that a binding ended `now`; whether it was among those of the address-of-record."""
        entries = self._sets.get((location(registrar), aor), [])
        if binding not in entries:
            return False
        self._sets[location(registrar), aor] = [one for one in entries if one is not binding]
        binding.certainty, binding.lapsed = "absent", binding.is_over(now)
        binding.end = binding.end if now is None or binding.end is None else min(binding.end, now)
        return True

    @property
    def is_stepped(self) -> bool:
        """Whether the capture's clock was ever set back."""
        return self._epoch > 0

    def clock_stepped(self, before: int, now: int) -> None:
        """The capture's clock was set back from `before` to `now`: no end can be compared with what follows
        (docs/rules/reconstruction.md 7 step 7)."""
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
        """All is read: say of every entry how certain it is (docs/rules/reconstruction.md 7 steps 6 and 7). `end_of`
        tells when the source of the transaction ends that granted it."""
        for key in self._sets:
            for binding in self._known(key):
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
        index = Contacts.written([binding.asked_text for binding in known])
        for contact in request.contacts[:MOST_CONTACTS] if known else ():
            position = index.find(contact)
            binding = known[position] if position is not None else None
            if binding is None or binding.asked_again or binding.certainty != "present":
                continue
            binding.asked_again = True
            if expiry_in(request, contact) != 0:
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
        """A 2xx replaces the set (docs/rules/reconstruction.md 7 step 2)."""
        final, request = transaction.final, transaction.request
        if final is None or request is None or not 200 <= final.status < 300 or final.raw_message.missing:
            return
        place, old, wanted = location(registrar), self.known(registrar, aor), request.contacts[:MOST_CONTACTS]
        listed = [one for one in final.contacts if not one.star and expiry_in(final, one) != 0]
        listed = listed[:MOST_CONTACTS]
        index = Contacts.written([binding.listed_text for binding in old])
        owned = match_contacts(wanted, listed, request, lambda one: known_form(old, index, one, final.raw_message.time))
        lists_all = self._listing.note(place, final, wanted, len(listed) - len(owned))
        lists_all = lists_all or any(contact.star for contact in wanted)
        if not wanted and any(binding.is_unlisted and any(binding.is_of(one) for one in listed) for binding in old):
            self._listing.contradicted(place)
        asked = {at: (wanted[own.asked], own.reason) for at, own in owned.items()}
        kept, events = self._listed(old, listed, asked, places(old, index, listed, asked), transaction, registration)
        yield from events
        gone = [] if kept == old else [binding for binding in old if binding not in kept]
        doubted = [] if lists_all or not gone else doubtful(gone, Contacts(wanted), final.raw_message.time)
        entries = [*kept, *doubted]
        if entries:
            self._sets[place, aor] = entries
        else:
            self._sets.pop((place, aor), None)
        yield from self._doubted(doubted, transaction)
        yield from self._ended([one for one in gone if one not in doubted], transaction, "removed")

    def _listed(
        self,
        old: Sequence[Binding],
        listed: Sequence[Address],
        asked: Mapping[int, tuple[Address, str]],
        at_places: Sequence[int | None],
        transaction: Transaction,
        registration: int,
    ) -> tuple[list[Binding], list[BindingEvent]]:
        """The bindings that an answer lists, and what it does to them. `asked` tells of each position in the list what
        the request asked for, and in what form it is listed."""
        final = transaction.final
        assert final is not None
        kept: list[Binding] = []
        events: list[BindingEvent] = []
        seen: set[object] = set()
        for at, contact in enumerate(listed):
            position, own = at_places[at], asked.get(at)
            name = (contact.uri.text if contact.uri else contact.raw, instance_of(contact))
            if position in seen or name in seen:
                continue  # listed twice
            seen |= {name} if position is None else {name, position}
            if position is not None and own is not None and self._ran_out(old[position], final.raw_message.time):
                position = None
            if position is not None and own is not None and is_taken_over(old[position], transaction, registration):
                events += self._ended([old[position]], transaction, "taken")
                position = None
            binding = Binding(contact, None, transaction.first) if position is None else old[position]
            kept.append(binding)
            before = binding.end, binding.learned
            if own is not None:
                binding.asked_text, binding.form = own[0].raw, own[1]
            self._grant(binding, contact, transaction, None if own is None else own[0], registration)
            if position is None:
                events.append(BindingEvent("added", binding, transaction))
            elif own is not None:
                kind: Literal["kept", "refreshed"] = "kept" if is_left_over(binding, before) else "refreshed"
                events.append(BindingEvent(kind, binding, transaction))
        return kept, events

    @staticmethod
    def _ended(
        bindings: Sequence[Binding], transaction: Transaction, kind: Literal["removed", "taken"]
    ) -> Iterator[BindingEvent]:
        """What an answer does not list any more, or lists as another client's."""
        assert transaction.final is not None
        gone = transaction.final.raw_message
        for binding in bindings:
            if binding.certainty != "absent":
                binding.lapsed = binding.is_over(gone.time)
                was = binding.certainty
                binding.certainty, binding.end = "absent", _ended(binding.end, gone)
                if binding.start is not None and binding.end is not None:
                    binding.end = max(binding.start, binding.end)  # the clock may have stepped back in between
                yield BindingEvent(kind, binding, transaction, was)

    @staticmethod
    def _doubted(bindings: Sequence[Binding], transaction: Transaction) -> Iterator[BindingEvent]:
        """What an answer does not list, of a registrar that may list no more than it was asked for."""
        for binding in bindings:
            if binding.certainty == "present":
                binding.certainty, binding.is_unlisted = "maybe", True
                yield BindingEvent("unlisted", binding, transaction)

    def _ran_out(self, binding: Binding, now: int | None) -> bool:
        """Whether a binding that is granted `now` had run out by then: that ends it."""
        over = binding.epoch == self._epoch and binding.certainty != "absent" and binding.is_over(now)
        if over:
            binding.lapsed = binding.certainty == "present" or binding.is_unlisted
            binding.certainty = "absent"
        return over

    def unanswered(self, registrar: Registrar, aor: str, transaction: Transaction) -> None:
        """No response was seen: the asked contacts may be bound, may be changed, may be gone
        (docs/rules/reconstruction.md 7 step 4)."""
        request, first, known = transaction.request, transaction.first, self.known(registrar, aor)
        index = Contacts.written([binding.asked_text for binding in known])
        for contact in request.contacts[:MOST_CONTACTS] if request and known else ():
            position = index.find(contact)
            named = known if contact.star else [] if position is None else [known[position]]
            for binding in named:
                if binding.learned is None or first is None or binding.learned <= first:  # or a later list names it
                    binding.certainty = "maybe"

    def _grant(
        self, binding: Binding, contact: Address, transaction: Transaction, own: Address | None, registration: int
    ) -> None:
        """Take the granted expiry over; `own` is the contact as this transaction asked for it, if it did."""
        final, request = transaction.final, transaction.request
        assert final is not None and request is not None
        granted, time = expiry_in(final, contact), final.raw_message.time
        if granted is not None and time is not None:
            binding.end = time + granted * SECOND
        if binding.bound_from is None:
            binding.bound_from = time
        if own is None and self.is_present(binding):
            return  # another client's answer lists it with what is left of it
        binding.is_unlisted = False
        if time is None:
            binding.end = None  # it was renewed, and nothing tells when
        binding.listed_text = contact.raw
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
            binding.requested = expiry_in(request, own)


def location(registrar: Registrar) -> Hashable:
    """What keeps the bindings: the registrar by its address, whichever domain the Request-URI names; the domain alone
    where no address is known."""
    return registrar.endpoint if registrar.endpoint.port else registrar


def _ended(until: int | None, gone: RawMessage) -> int | None:
    """When a binding that would have held `until` ended, by the response that does not list it any more."""
    if gone.time is None and between(gone.place) is not None:
        return None
    if until is None or gone.time is None:
        return until if gone.time is None else gone.time
    return min(until, gone.time)
