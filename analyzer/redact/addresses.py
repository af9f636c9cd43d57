"""What stands for an IP address: another one of its class, where neighbours stay neighbours.

The same /24 (of IPv6 the same /64) becomes the same /24, so that what is behind one NAT, or in one office, still is.
Private, shared and link-local addresses stay what they are (RFC 1918, 6598, 3927, 4193, 4291); loopback, multicast,
unspecified and broadcast addresses name nobody and stay. Every other one becomes one of the blocks for documentation
and tests (RFC 5737, 2544, 3849), which is nobody's: whether an address was a public one can no more be told by it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from functools import lru_cache

from analyzer.redact.pseudonyms import Pseudonyms

_V4 = ipaddress.IPv4Address
_KEPT = tuple(map(ipaddress.ip_network, ("127.0.0.0/8", "0.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32")))
_KEPT_V6 = tuple(map(ipaddress.ip_network, ("::/127", "ff00::/8")))
_CLASSES = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"))
)
_OUT = tuple(map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15")))
_FAR = 240 << 16
"""240.0.0.0/5, where there are more than 515 public networks: reserved, and used by nobody (RFC 1112 4)."""
_DRAWS = 64
_DOCUMENTATION = 0x20010DB8 << 96
_LINK_LOCAL, _UNIQUE_LOCAL = ipaddress.ip_network("fe80::/10"), ipaddress.ip_network("fc00::/7")


class Addresses:
    """The addresses of one key, noted and settled as words are."""

    def __init__(self, names: Pseudonyms, given: Mapping[str, str] | None = None) -> None:
        self._names = names
        self._networks: dict[int, int] = {}
        self._known: dict[str, str] = {}
        self._noted: set[int] = set()
        self._originals: set[str] = set()
        self._given = {_network(one): _network(other) for one, other in (given or {}).items() if ":" not in one}
        self._order = lru_cache(maxsize=4096)(self._drawn)

    def settle(self) -> None:
        """All were noted: give each network its own, in an order that does not depend on the file's."""
        self._networks.update(self._given)
        used = set(self._given.values())
        for network in sorted(self._noted - self._given.keys()):
            free = (one for one in self._candidates(network) if one not in used)
            found = next((one for one in free if one not in self._noted), None)
            if found is None:  # a block of which nearly all is in use: its networks change places
                found = next(one for one in self._candidates(network) if one not in used)
            used.add(found)
            self._networks[network] = found
        self._originals = {text for text in self._known if not _stays(text)}
        self._known.clear()

    def known(self) -> Iterator[tuple[str, str]]:
        """The addresses that were replaced, each with what stands for it."""
        yield from ((one, other) for one, other in self._known.items() if one != other)

    def originals(self) -> Iterator[str]:
        """The addresses that were noted, as they were written, but for those that stay."""
        yield from self._originals

    def has(self, text: str) -> bool:
        """Whether an address was noted, and does not stay."""
        return text in self._originals

    def of(self, text: str) -> str | None:
        """What stands for an address, written as usual; None where it is none."""
        found = self._known.get(text)
        if found is None:
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                return None
            found = self._of(address)
            if found != str(address) and text.upper() == text:
                found = found.upper()
            self._known[text] = found = text if found.lower() == str(address) else found
        return found

    def _of(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
        if isinstance(address, ipaddress.IPv6Address):
            if address.ipv4_mapped is not None:
                return f"::ffff:{self._of(address.ipv4_mapped)}"
            return str(self._six(address))
        if any(address in one for one in _KEPT):
            return str(address)
        number = int(address)
        network, host = number >> 8, number & 0xFF
        if self._names.noting:
            self._noted.add(network)
            return str(address)
        return str(_V4(self._networks.get(network, network) << 8 | self._host(network, host)))

    def _host(self, network: int, host: int) -> int:
        """The last octet: those of one network change places; its first and last address stay."""
        if host in (0, 255):
            return host
        order = self._order(network)
        return order[(order.index(host) + 1) % len(order)]  # along a circle, so that none stays where it is

    def _drawn(self, network: int) -> list[int]:
        return sorted(range(1, 255), key=lambda one: self._names.digest("host", f"{network}/{one}"))

    def _candidates(self, network: int) -> Iterator[int]:
        """Networks of the same class: drawn ones first, then all of them in their order."""
        address = _V4(network << 8)
        within = next((one for one in _CLASSES if address in one), None)
        blocks = (within,) if within is not None else _OUT
        pool = [range(start := int(one.network_address) >> 8, start + (one.num_addresses >> 8)) for one in blocks]
        size = sum(map(len, pool))
        for count in range(_DRAWS):
            at = int.from_bytes(self._names.digest("network", f"{network}/{count}")[:8], "big") % size
            for part in pool:
                if at < len(part):
                    yield part[at]
                    break
                at -= len(part)
        far = range(_FAR, _FAR + (1 << 19) if within is None else _FAR)
        for part in (*pool, far):
            yield from part

    def _six(self, address: ipaddress.IPv6Address) -> ipaddress.IPv6Address:
        if any(address in one for one in _KEPT_V6):
            return address
        if self._names.noting:
            return address
        number = int(address)
        drawn = self._names.digest("network", f"{number >> 64:x}")
        host = int.from_bytes(self._names.digest("host", f"{number:x}")[:8], "big")
        if address in _LINK_LOCAL:
            return ipaddress.IPv6Address(number >> 64 << 64 | host)
        if address in _UNIQUE_LOCAL:
            return ipaddress.IPv6Address(0xFD << 120 | int.from_bytes(drawn[:7], "big") << 64 | host)
        return ipaddress.IPv6Address(_DOCUMENTATION | int.from_bytes(drawn[:4], "big") << 64 | host)


def _network(text: str) -> int:
    return int(_V4(text)) >> 8


def _stays(text: str) -> bool:
    """Whether an address names nobody."""
    address = ipaddress.ip_address(text)
    return any(address in one for one in (_KEPT if address.version == 4 else _KEPT_V6))
