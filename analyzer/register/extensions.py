"""Option tags of a message (RFC 3261 19.2): which it supports, and which it demands. Tags compare without case."""

from __future__ import annotations

from functools import lru_cache

from analyzer.register.requested import requested_contacts
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import split_list

_LONGEST_KEPT = 256

_LISTED = """
    100rel 199 answermode early-session eventlist explicitsub from-change geolocation-http geolocation-sip gin gruu
    histinfo ice join multiple-refer norefersub nosub outbound path policy precondition pref privacy
    recipient-list-invite recipient-list-message recipient-list-subscribe record-aware replaces resource-priority
    sdp-anat sec-agree siprec tdialog timer trickle-ice uui"""
OPTION_TAGS = frozenset(_LISTED.split())
"""The option tags that IANA lists (Session Initiation Protocol Parameters, Option Tags; RFC 3261 27.1)."""


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


def demanded_tags(request: Message) -> frozenset[str]:
    """The option tags without which the sender of a request wants no answer (RFC 3261 20.32, 20.29)."""
    return tags(request, "require", "proxy-require")


def supports(message: Message, tag: str) -> bool:
    """Whether a request says that its sender knows an extension, or demands it."""
    return tag in tags(message, "supported", "require")


def flow_contacts(request: Message) -> list[Address]:
    """The contacts of a request that ask for a flow of RFC 5626: those to be bound that have a reg-id."""
    return [contact for contact in requested_contacts(request) if "reg-id" in contact.params]


def has_instance(contact: Address) -> bool:
    """Whether a contact has an instance (RFC 5626 4.1), whatever its form."""
    return bool(contact.params.get("+sip.instance"))
