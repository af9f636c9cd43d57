"""Hosts as they are written: addresses are told from names."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_LONGEST_KEPT = 64


def address_of(host: str) -> Address | None:
    """The IPv4 or IPv6 address that a host is, without brackets; None for a name."""
    return _short(host) if len(host) <= _LONGEST_KEPT else _address_of(host)


def is_address(host: str) -> bool:
    """Whether a host is written as an IPv4 or IPv6 address, without brackets."""
    return address_of(host) is not None


def _address_of(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


_short = lru_cache(maxsize=4096)(_address_of)
