"""Which registrars list all bindings in an answer, and which only those that the request named.

RFC 3261 10.3 step 8 has a 2xx list all current bindings, so a contact that it does not list is gone. Not all registrars
obey (docs/rules/registrar.md R3261-10.3-8-other-bindings): some list what the request named, and others' contacts stay
bound. So the absence of a contact that the request did not name proves something only where the registrar is known to
list others: it has done so in this capture, or its Server header names a program that does. To a query (10.2.3) it
lists what there is.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from analyzer.register.bounded import Notes
from analyzer.sip.address import Address
from analyzer.sip.message import Message

LIST_ALL = ("asterisk pbx", "kamailio", "opensips")
"""Beginnings of Server headers, in small letters, of programs that were seen to list all bindings of an
address-of-record in every 2xx (Asterisk 16 to 22, Kamailio 5 and 6; OpenSIPS, which shares that code)."""
_MOST = 100_000


class Listing:
    """What each registrar was seen to list."""

    def __init__(self) -> None:
        self._lists_others: Notes[Hashable, bool] = Notes(_MOST)

    def note(self, registrar: Hashable, final: Message, asked: Sequence[Address], foreign: int) -> bool:
        """Take in a 2xx to a request that named the contacts `asked`; `foreign` others are listed. True if what it does
        not list is gone."""
        known = self._lists_others.get(registrar)
        if not asked:
            return True  # a query
        if known is None and (foreign or _server(final).startswith(LIST_ALL)):
            known = True
            self._lists_others.note(registrar, True)
        return bool(known)

    def contradicted(self, registrar: Hashable) -> None:
        """A query lists a contact that an answer before did not, and nobody registered it in between."""
        self._lists_others.note(registrar, False)


def _server(final: Message) -> str:
    return (final.first("server") or final.first("user-agent") or "").strip().lower()
