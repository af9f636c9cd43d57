"""Who is talking to whom (docs/rules/reconstruction.md 6).

A client is not its 5-tuple (NAT changes it), not its Call-ID alone (a restart changes it), and not its
address-of-record (a user has several phones). It is told by the first of these that is available: the instance URN of
RFC 5626 with its reg-id, the Call-ID, a stable token in the contact, the contact's host and port with the User-Agent,
the source address with User-Agent and address-of-record. The source port is never part of it.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple

from analyzer.escape import visible
from analyzer.evidence import Endpoint
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.params import NO_PARAMS
from analyzer.sip.uri import aor as canonical_aor

_OPAQUE_USER = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9_.~-]{8,}")  # digits alone are a telephone number


# RFC 1918, 6598, 4193, 3927, 4291, 1122. Not `is_private`: that counts the documentation's addresses too, and not 6598.
_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
)


class Registrar(NamedTuple):
    """A registrar: the address that requests go to, and the Request-URI's host (several domains on one address)."""

    endpoint: Endpoint
    domain: str

    def __str__(self) -> str:
        return str(self.endpoint) if self.endpoint.port else (visible(self.domain) or str(self.endpoint))


class Client(NamedTuple):
    """What tells one user agent from another on one address-of-record. Empty strings: not known. `sent_by` is host and
    port of its own Via, the lowest one."""

    instance: str
    token: str
    contact: str
    host: str
    user_agent: str
    sent_by: str = ""


def registrar_of(transaction: Transaction) -> Registrar:
    """Key the registrar by destination (T-MULTIREG), refined by the domain that the Request-URI names."""
    request = transaction.request
    uri = request.uri if request else None
    return _registrar(transaction.destination, "" if uri is None else uri.host)


@lru_cache(maxsize=4096)
def _registrar(destination: Endpoint, host: str) -> Registrar:
    """There are few of them: equal ones are one object."""
    return Registrar(destination, host.lower().rstrip("."))


def aor_of(message: Message) -> str:
    """Canonical address-of-record of a REGISTER or its answer, from To (RFC 3261 10.2); empty if it has none."""
    to = message.to
    if to is None or to.uri is None:
        return ""
    return canonical_aor(to.uri)


def domain_of(aor: str) -> str:
    """The domain of an address-of-record, with its port if it names one; empty without one."""
    return aor.rpartition("@")[2]


def client_of(message: Message) -> Client:
    """What a REGISTER tells of its sender."""
    host, agent = message.raw_message.source.host, message.user_agent
    vias = message.vias
    sent_by = vias[-1].sent_by if vias else ""
    for contact in message.contacts:
        if not contact.star:
            token = contact_token(contact, message)
            return Client(instance_of(contact), token, contact_host(contact), host, agent, sent_by)
    return Client("", "", "", host, agent, sent_by)


def instance_of(contact: Address) -> str:
    """`+sip.instance` with reg-id (RFC 5626 4.1, 4.2): one value a flow; empty without one."""
    instance = contact.params.get("+sip.instance")
    if not instance:
        return ""
    urn = instance.strip(' \t"').strip("<>").strip()
    if urn.lower().startswith("urn:uuid:"):
        urn = urn.lower()  # RFC 4122 3: without case
    return f"{urn}#{contact.params.get('reg-id') or ''}"


def contact_token(contact: Address, message: Message) -> str:
    """A value that the user agent made up for its contact and keeps: `line=`, `rinstance=`, an opaque user part."""
    uri = contact.uri
    if uri is None:
        return ""
    if uri.params is not NO_PARAMS:
        for name in ("line", "rinstance", "x-inst"):
            value = uri.params.get(name)
            if value:
                return f"{name}={value}"
    to = message.to.uri if message.to else None
    user = uri.user or ""
    if user and to is not None and user != to.user and _OPAQUE_USER.fullmatch(user):
        return f"user={user}"
    return ""


def contact_host(contact: Address) -> str:
    """Host and port of a contact, lower-case; empty for other schemes than sip and sips."""
    uri = contact.uri
    if uri is None or not uri.host:
        return ""
    return f"{uri.host.lower()}:{uri.port or ''}"


def is_private(host: str) -> bool:
    """Whether a contact host means something else behind each NAT (RFC 1918 and the like)."""
    try:
        address = ipaddress.ip_address(host.rpartition(":")[0] or host)
        return any(address in network for network in _PRIVATE)
    except ValueError:
        return host.partition(":")[0].endswith(".invalid")  # RFC 7118: a WebSocket client has no address of its own


def may_be_same(known: Client, seen: Client, *, alive: bool) -> bool:
    """Whether a request under another Call-ID comes from the client `known` (docs/rules/reconstruction.md 6, lineage).

    `alive`: the known client's binding has not run out, so a second client may stand beside it.
    """
    if known.instance or seen.instance:
        return known.instance == seen.instance
    if known.token and known.token == seen.token:
        return True
    same_agent = known.user_agent == seen.user_agent
    if _is_redrawn(known, seen) and same_agent and _same_socket(known, seen):
        return True
    if not (known.token or seen.token) and known.contact and known.contact == seen.contact and same_agent:
        return known.host == seen.host or not is_private(seen.contact) or not alive
    return known.host == seen.host and same_agent and not alive


def may_try_again(known: Client, seen: Client) -> bool:
    """Whether a request under another Call-ID comes from the client `known`, which has tried, was never registered, and
    is not trying now: from the same host behind the same address, whatever port or token it drew this time. Where the
    host is not that of a private network, a translator may stand for several phones, and only its ports tell them."""
    if known.user_agent != seen.user_agent or known.host != seen.host or known.instance != seen.instance:
        return False
    if known.token != seen.token and not _is_redrawn(known, seen):
        return False
    if not is_private(seen.contact):
        return _same_socket(known, seen)
    inside = _host_of(seen.contact), _host_of(seen.sent_by)
    return inside == (_host_of(known.contact), _host_of(known.sent_by)) and bool(inside[0])


def _is_redrawn(known: Client, seen: Client) -> bool:
    """Both have an `rinstance=`, which is drawn anew at each start, or with each Call-ID; `line=` is the line's own."""
    return known.token.startswith("rinstance=") and seen.token.startswith("rinstance=")


def _same_socket(known: Client, seen: Client) -> bool:
    """The same host and port at the phone, behind the same address: no other can have it at the same time."""
    return (
        bool(seen.contact and seen.sent_by)
        and known.host == seen.host
        and (known.contact, known.sent_by) == (seen.contact, seen.sent_by)
    )


def _host_of(host_and_port: str) -> str:
    return host_and_port.rpartition(":")[0]
