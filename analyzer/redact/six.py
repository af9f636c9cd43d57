"""Looks for IPv6 addresses, whatever their spelling.

With zeros or without, compressed, with an IPv4 address as the end (RFC 4291 2.2), with a port or letters before or
behind, with `-` for colons (`ipv6-literal.net`), as 32 hex digits, and as names turn them round (RFC 3596 2.5). Each
window of groups is read, so the whole is linear in what is looked through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address

_RUN = re.compile(rb"(?<![0-9a-f:.])[0-9a-f.]*+:[0-9a-f.]*+:[0-9a-f:.]*+")
_DASHED = re.compile(rb"(?<![0-9a-f-])[0-9a-f]*+-[0-9a-f]*+-[0-9a-f-]*+")
"""Runs of groups, whole ones: the search begins none within another."""
_HEX = re.compile(rb"(?<![0-9a-f])(?:0x)?([0-9a-f]{32})(?![0-9a-f])")
_TURNED = re.compile(rb"(?<![0-9a-f])(?:[0-9a-f]\.){31}[0-9a-f](?![0-9a-f])")
_WITHIN = ("::ffff:", "64:ff9b::")
_GROUPS = 8
_DIGITS = 4


class SixSearch:
    """Finds some addresses, in lower case; IPv4 ones where they are within IPv6 ones (RFC 4291 2.5.5, 6052 2.1)."""

    def __init__(self, addresses: Iterable[str]) -> None:
        spelled = (form + one for one in addresses for form in (("",) if ":" in one else _WITHIN))
        self._packed = {found for found in map(_packed, spelled) if found}

    def found(self, low: bytes) -> Iterator[str]:
        """Those that are there, as they are written."""
        if not self._packed:
            return
        runs = _RUN.findall(low) + [one.replace(b"-", b":") for one in _DASHED.findall(low)]
        for run in runs:
            for text in _windows(run.decode()):
                if _packed(text) in self._packed:
                    yield text
        for digits in _HEX.findall(low):
            if bytes.fromhex(digits.decode()) in self._packed:
                yield digits.decode()
        for turned in _TURNED.findall(low):
            if bytes.fromhex(turned[::2][::-1].decode()) in self._packed:
                yield turned.decode()


def _windows(run: str) -> Iterator[str]:
    """The parts of a run of groups that may be an address: eight groups, or fewer around a gap."""
    groups = run.split(":")
    for first in range(len(groups)):
        for last in range(first + 2, min(first + _GROUPS + 2, len(groups) + 1)):
            window = groups[first:last]
            if "" in window or last - first >= _GROUPS - 1:
                yield ":".join((window[0][-_DIGITS:], *window[1:-1], _end(window[-1])))


def _end(group: str) -> str:
    """The last group, which may be an IPv4 address, without what cannot be of it."""
    group = group.strip(".")
    return group if "." in group else group[:_DIGITS]


def _packed(text: str) -> bytes:
    """An address however it is written; nothing where it is none."""
    try:
        return IPv6Address(text).packed
    except ValueError:
        return b""
