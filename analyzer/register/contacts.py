"""Which contacts name the same binding: by instance *and* reg-id (RFC 5626 6), or as URIs, compared in pairs. Who has
an instance alone may have several contacts, which are told apart by their URIs.

Comparison is no equivalence (RFC 3261 19.1.4), so there is no key for a contact. There is one for what equal contacts
always share (user, host, port), and only contacts that share it are compared; a list of hundreds that differ in
parameters alone is nobody's honest set, so only so many of it are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from analyzer.register.identity import instance_of
from analyzer.sip.address import Address
from analyzer.sip.text import unescape
from analyzer.sip.uri import canonical_host, uri_equal

_FEW = 4
_LONGEST_KEPT = 256
_MOST_COMPARED = 16


def same_contact(one: Address, two: Address) -> bool:
    """Compare contacts by instance and reg-id (RFC 5626 6) if both have both, else as URIs (RFC 3261 19.1.4)."""
    if one is two:
        return one.uri is not None
    if "reg-id" in one.params and "reg-id" in two.params:
        first, second = instance_of(one), instance_of(two)
        if first and second:
            return first == second
    return one.uri is not None and two.uri is not None and uri_equal(one.uri, two.uri)


@lru_cache(maxsize=4096)
def _read_short(written: str) -> Address:
    return Address.parse(written)


def read_contact(written: str) -> Address:
    """A contact of which the text was kept: many have one, and few are asked for more than that."""
    return _read_short(written) if len(written) <= _LONGEST_KEPT else Address.parse(written)


class Contacts:
    """Contacts to be looked for in: `find` gives the position of the first that names the same binding. Those of which
    the text was kept are read only where their text alone does not tell (`Contacts.written`)."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses: Sequence[Address | str] = addresses
        if len(addresses) > _FEW:
            self._by_instance: dict[str, int] = {}
            self._by_shared: dict[tuple[str, str, str], list[int]] = defaultdict(list)
            for position, address in enumerate(addresses):
                if "reg-id" in address.params:
                    self._by_instance.setdefault(instance_of(address), position)
                self._by_shared[_shared(address)].append(position)

    @classmethod
    def written(cls, texts: Sequence[str]) -> Contacts:
        """The same of contacts as they were written."""
        if len(texts) > _FEW:
            return cls([read_contact(text) for text in texts])
        few = cls(())
        few._addresses = texts
        return few

    def find(self, contact: Address) -> int | None:
        """Position of the first contact that names the binding of `contact`; None without one."""
        if contact.star or contact.uri is None:
            return None
        addresses = self._addresses
        if len(addresses) <= _FEW:
            for at, one in enumerate(addresses):
                if _is_same(one, contact):
                    return at
            return None
        instance = instance_of(contact) if "reg-id" in contact.params else ""
        if instance and instance in self._by_instance:
            return self._by_instance[instance]
        likely = self._by_shared.get(_shared(contact), [])[:_MOST_COMPARED]
        return next((at for at in likely if _is_same(addresses[at], contact)), None)


def _is_same(one: Address | str, contact: Address) -> bool:
    if isinstance(one, str):
        return one == contact.raw or same_contact(read_contact(one), contact)
    return same_contact(one, contact)


def _shared(address: Address) -> tuple[str, str, str]:
    """What two equal contacts have in common: user, host, port; of other schemes than sip the text."""
    uri = address.uri
    if uri is None:
        return ("", address.raw, "")
    return (unescape(uri.user or ""), canonical_host(unescape(uri.host)), f"{uri.port} {uri.opaque}")
