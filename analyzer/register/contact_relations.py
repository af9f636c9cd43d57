"""How a response's Contact values relate to those that were asked for (RFC 3261 10.2.4, 19.1.4; RFC 5626 6)."""

from __future__ import annotations

from analyzer.register.attempt import requested_expiry
from analyzer.register.identity import contact_token
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.uri import canonical_host, uri_equal

MOST_PAIRS = 10_000
"""Comparisons for one answer; beyond it nobody's phone is at the other end."""


def asked_for(request: Message) -> list[Address]:
    """The contacts that a REGISTER wants bound: those with an expiry above 0, or with none said (docs/rule-catalogue.md
    T-EXP).

    A bulk contact (`bnc`, RFC 6140 5.2) is left out: the registrar makes many contacts of it.
    """
    return [
        contact
        for contact in request.contacts
        if not contact.star
        and requested_expiry(contact.expires, request.expires) != 0
        and not (contact.uri is not None and "bnc" in contact.uri.params)
    ]


def is_listed(asked: Address, listed: Address) -> bool:
    """Whether `listed` is the contact that was asked for: equal as URI, or the same instance (and reg-id)."""
    if asked.uri is not None and listed.uri is not None and uri_equal(asked.uri, listed.uri):
        return True
    mine, theirs = asked.params.get("+sip.instance"), listed.params.get("+sip.instance")
    if not mine or not theirs or mine != theirs:
        return False
    flows = asked.params.get("reg-id"), listed.params.get("reg-id")
    return None in flows or flows[0] == flows[1]


def is_similar(asked: Address, listed: Address, request: Message) -> bool:
    """Whether `listed` may be the contact that was asked for, rewritten on the way: same user part or same token."""
    mine, theirs = asked.uri, listed.uri
    if mine is None or theirs is None or not (mine.is_sip and theirs.is_sip):
        return False
    if contact_token(asked, request) and contact_token(asked, request) == contact_token(listed, request):
        return True
    if mine.user != theirs.user:
        return False
    return mine.user is not None or canonical_host(mine.host) == canonical_host(theirs.host)
