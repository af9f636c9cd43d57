"""What a client says of itself, and what of that matters beside its octets (docs/columnar.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from types import SimpleNamespace

from analyzer.evidence import Endpoint
from analyzer.register.fleet import is_public
from analyzer.register.identity import contact_token, is_private
from analyzer.sip.hosts import address_of
from analyzer.sip.params import NO_PARAMS
from analyzer.sip.scalar import sip_date

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_HOST = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}(?::[1-9]\d{{0,4}})?")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SIP_PORT = "5060"


@dataclass(slots=True)
class Facts:
    """What a client says of itself in all its requests, and where it is seen."""

    user: str
    call_id: str
    source: Endpoint
    target: Endpoint
    sent_by: str
    contact_user: str
    contact_place: str


def end_of(value: int) -> Endpoint:
    """An address and port that are one number."""
    host = f"{value >> 40 & 255}.{value >> 32 & 255}.{value >> 24 & 255}.{value >> 16 & 255}"
    return Endpoint(host, value & 0xFFFF)


NO_NUMBER = 1 << 40
"""What no address in columns is."""


def number_of(host: str) -> int:
    """An address as the columns have it; `NO_NUMBER` for one that they cannot have, of IPv6 or a name."""
    parts = host.split(".")
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        return NO_NUMBER
    one, two, three, four = map(int, parts)
    return one << 24 | two << 16 | three << 8 | four


def is_plain(one: Facts, instance: str) -> bool:
    """Whether the places that a client names are addresses, and its instance a UUID."""
    if not (is_place(one.sent_by) and is_place(one.contact_place)):
        return False
    return not instance or _UUID.fullmatch(instance) is not None


def is_place(written: str) -> bool:
    """Whether this is an IPv4 address, perhaps with a port."""
    return _HOST.fullmatch(written) is not None and int(written.partition(":")[2] or 1) < 65536


def key_of(one: Facts, own: list[str]) -> tuple[object, ...]:
    """What of a client's values matters: which are equal, and what addresses they are. `own` are the user and name in
    From, the name in To, what follows `@` in Call-ID, the instance, and the user name of the credentials."""
    from_user, from_name, to_name, call_host, _, username = own
    host, port = one.source.host, str(one.source.port)
    via_host, _, via_port = one.sent_by.partition(":")
    contact_host, _, contact_port = one.contact_place.partition(":")
    return (
        from_user == one.user,
        username == one.user,
        one.contact_user == one.user,
        bool(token_of(one.contact_user, one.user)),
        from_name == one.user,
        to_name == one.user,
        call_host in (host, via_host),
        via_host == host,
        contact_host == host,
        one.sent_by == one.contact_place,
        via_port == port,
        contact_port == port,
        via_port == _SIP_PORT,
        contact_port == _SIP_PORT,
        port == _SIP_PORT,
        bool(via_port),
        bool(contact_port),
        one.target,
        *map(_block, map(_net, (host, via_host, contact_host))),
    )


def names_of(one: Facts, own: list[str], seen: str) -> tuple[object, ...]:
    """What a sentence about a client may name that others may have, too; `own` as above, `seen` is where its contact is
    said to have come from."""
    via, contact = one.sent_by.partition(":"), one.contact_place.partition(":")
    return (*own, seen, one.contact_user, one.source.host, one.source.port, *via[::2], *contact[::2])


NAMES = 14
"""How many these are."""


def token_of(contact_user: str, user: str) -> str:
    """What a user agent made up for the user part of its contact, as `register/identity.py` tells it."""
    contact = SimpleNamespace(uri=SimpleNamespace(params=NO_PARAMS, user=contact_user))
    message = SimpleNamespace(to=SimpleNamespace(uri=SimpleNamespace(user=user)))
    return contact_token(contact, message)  # type: ignore[arg-type]


def _net(host: str) -> str:
    """An address that stands for its neighbours: no kind of address ends within 256 of them but in 192.0.0.0/24."""
    return host if host.startswith("192.0.0.") else f"{host.rpartition('.')[0]}.1"


@lru_cache(maxsize=65_536)
def _block(host: str) -> tuple[object, ...]:
    """What kind of address it is."""
    address = address_of(host)
    assert address is not None
    kinds = (
        address.is_loopback,
        address.is_link_local,
        address.is_unspecified,
        address.is_multicast,
        address.is_reserved,
    )
    first = address.packed[0] if is_private(host) else 0
    return (*kinds, is_public(host), address.is_private, is_private(host), first)


@lru_cache(maxsize=65_536)
def date_of(written: str) -> int | None:
    """A Date as it should be written, as seconds since the epoch; None for any other."""
    seconds = sip_date(written)
    return seconds if seconds is not None and formatdate(seconds, usegmt=True) == written else None
