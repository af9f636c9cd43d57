"""Addresses as the packet has them to addresses as people write them."""

from __future__ import annotations

import functools
import socket

from analyzer.evidence import Endpoint


@functools.lru_cache(maxsize=1 << 16)
def endpoint(address: bytes, port: int) -> Endpoint:
    """The transport address of 4 or 16 octets and a port; the cache holds because few pairs send most packets."""
    family = socket.AF_INET if len(address) == 4 else socket.AF_INET6
    return Endpoint(socket.inet_ntop(family, address), port)
