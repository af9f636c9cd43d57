"""Option tags of a message (RFC 3261 19.2): which it supports, and which it demands. Tags compare without case."""

from __future__ import annotations

from analyzer.register.requested import requested_contacts
from analyzer.sip.address import Address
from analyzer.sip.message import Message


def tags(message: Message, *keys: str) -> set[str]:
    """The option tags of all rows called `keys` (canonical), in small letters."""
    return {tag.strip().lower() for key in keys for tag in message.values(key)}


def supports(message: Message, tag: str) -> bool:
    """Whether a request says that its sender knows an extension, or demands it."""
    return tag in tags(message, "supported", "require")


def flow_contacts(request: Message) -> list[Address]:
    """The contacts of a request that ask for a flow of RFC 5626: those to be bound that have a reg-id."""
    return [contact for contact in requested_contacts(request) if "reg-id" in contact.params]


def has_instance(contact: Address) -> bool:
    """Whether a contact has an instance (RFC 5626 4.1), whatever its form."""
    return bool(contact.params.get("+sip.instance"))
