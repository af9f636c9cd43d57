"""Option tags of a message (RFC 3261 19.2): which it supports, and which it demands. Tags compare without case."""

from __future__ import annotations

from functools import lru_cache

from analyzer.register.requested import requested_contacts
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import split_list

_LONGEST_KEPT = 256


def tags(message: Message, *keys: str) -> frozenset[str]:
    """The option tags of all rows called `keys` (canonical), in small letters."""
    rows = [row for key in keys for row in message.all(key)]
    return _tags(rows[0]) if len(rows) == 1 else frozenset().union(*map(_tags, rows))


@lru_cache(maxsize=256)
def _short(row: str) -> frozenset[str]:
    return frozenset(tag.strip().lower() for tag in split_list(row))


def _tags(row: str) -> frozenset[str]:
    """The option tags of one row; phones of a kind send the same."""
    return _short(row) if len(row) <= _LONGEST_KEPT else _short.__wrapped__(row)


def supports(message: Message, tag: str) -> bool:
    """Whether a request says that its sender knows an extension, or demands it."""
    return tag in tags(message, "supported", "require")


def flow_contacts(request: Message) -> list[Address]:
    """The contacts of a request that ask for a flow of RFC 5626: those to be bound that have a reg-id."""
    return [contact for contact in requested_contacts(request) if "reg-id" in contact.params]


def has_instance(contact: Address) -> bool:
    """Whether a contact has an instance (RFC 5626 4.1), whatever its form."""
    return bool(contact.params.get("+sip.instance"))
