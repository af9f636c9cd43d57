"""Who may be sent to: this machine, and namespaces that lead nowhere else; anybody else must be named (`--allow`).

A replay speaks for a user with his password, so a slip of the finger must not reach a production registrar. An address
of loopback is always fine. Within a network namespace that is not the machine's own and has no route out, every address
is. Anything else, private or public, is sent to only if `--allow` names the host that `--target` does.

To look a name up is to send already: the query tells whoever runs the resolver, and an attacker whose name it is, that
somebody here is about to register. So a name is looked up only if `--allow` names that very name, within a namespace
too (a resolver may be reached by other ways than the network). An address needs no query, nor does `localhost`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from analyzer.escape import Told
from analyzer.sip.transports import SIP_PORT


class Refused(Told):
    """A target that nobody allowed; the text says how it would be."""


class BadTarget(Told, ValueError):
    """HOST:PORT that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of where the program runs: `enclosed` is a network namespace of its own without a route out."""

    enclosed: bool = False


def parse_target(text: str, default_port: int = SIP_PORT, *, any_port: bool = False) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, `HOST`, `[IPv6]:PORT` or a bare IPv6 address; raises BadTarget. `any_port`: 0 is
    a port, too, any that is free."""
    host, port = text.strip(), ""
    if host.startswith("["):
        host, closed, rest = host[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise BadTarget(f"{text} is no HOST:PORT")
        port = rest[1:]
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    least = 0 if any_port else 1
    if not host or (port and not (port.isascii() and port.isdecimal() and least <= int(port) < 65536)):
        raise BadTarget(f"{text} is no HOST:PORT")
    return host, int(port) if port else default_port


def addresses_without_asking(host: str) -> tuple[str, ...]:
    """The addresses of a host for which nobody has to be asked; () for a name that a resolver would have to know.

    An address is its own. `localhost` and names below it are loopback, and no resolver's business (RFC 6761 6.3).
    """
    name = host.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return "::1", "127.0.0.1"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return ()
    return (host,)


def check_name(host: str, allowed: Collection[str], doing: str = "sends there") -> None:
    """Whether a name may be looked up. Raises Refused where nobody allowed it by this name."""
    if host.lower() not in _names(allowed):
        raise _refused(f"{host} is not this machine, and is not looked up", host, doing)


def is_loopback(address: str) -> bool:
    """127.0.0.0/8, ::1, and the former written as IPv6."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped is not None:
        known = known.ipv4_mapped
    return known.is_loopback


def check(
    host: str, addresses: Sequence[str], allowed: Collection[str], around: Surroundings, doing: str = "sends there"
) -> bool:
    """Whether `host`, with these addresses, is here (loopback or an enclosed namespace). Raises Refused where it is
    elsewhere and not allowed; `doing` says what is not done."""
    if addresses and (around.enclosed or all(map(is_loopback, addresses))):
        return True
    names = _names(allowed)
    if host.lower() in names or (addresses and all(address.lower() in names for address in addresses)):
        return False
    raise _refused(f"{host} is not this machine", host, doing)


def _names(allowed: Collection[str]) -> set[str]:
    return {name.strip("[]").lower() for name in allowed}


def _refused(why: str, host: str, doing: str) -> Refused:
    return Refused(f"{why}: a replay {doing} only with --allow {host}, which says that you may")
