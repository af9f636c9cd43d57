"""Connections that came to nothing before SIP could be spoken: refused or unanswered ones, and TLS that was broken off.

A phone that cannot connect, or does not trust a certificate, sends no SIP at all: these packets are the only trace of
why it does not register. Told are those to ports that may be SIP's (`Speakers`). What an alert says is readable
while the handshake lasts (RFC 5246 7.2, RFC 8446 6): later it is encrypted, which its length shows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator
from typing import NamedTuple, TypeVar

from analyzer.capture.speakers import Speakers
from analyzer.evidence import Endpoint

MOST = 1000
"""Pairs of a client's host and a server that are told apart."""
_FEW = 3
"""SYNs without any answer from which on that is told: one or two may be lost."""
_ALERT = re.compile(rb"\x15\x03[\x00-\x04]\x00\x02[\x01\x02](.)", re.DOTALL)
_PROTECTED = re.compile(rb"[\x14\x17]\x03[\x00-\x04]")
"""What a handshake that goes well brings in the end: the change of the cipher, or data."""
_CLOSE_NOTIFY = 0
_ALERTS = {
    10: "unexpected message", 20: "bad record MAC", 40: "handshake failure", 42: "bad certificate",
    43: "unsupported certificate", 44: "certificate revoked", 45: "certificate expired", 46: "certificate unknown",
    47: "illegal parameter", 48: "unknown CA", 49: "access denied", 50: "decode error", 51: "decrypt error",
    70: "protocol version", 71: "insufficient security", 80: "internal error", 86: "inappropriate fallback",
    109: "missing extension", 112: "unrecognized name", 116: "certificate required", 120: "no application protocol",
}  # fmt: skip
_OF_CERTIFICATES = frozenset((42, 43, 44, 45, 46, 48))
_OF_VERSIONS = frozenset((40, 70, 71, 86))


class _Pair(NamedTuple):
    """A client's host and the server that it wants to connect to."""

    client: str
    server: Endpoint


_Key = TypeVar("_Key", bound=Hashable)


class _Broken(NamedTuple):
    """A handshake of TLS that was broken off: by which host, and the alert, or None where it only hung up."""

    pair: _Pair
    by: str
    alert: int | None


def alert_of(octets: bytes) -> int | None:
    """The number of the alert that a segment begins with, if it can be read and is no mere farewell."""
    found = _ALERT.match(octets)
    return found[1][0] if found is not None and found[1][0] != _CLOSE_NOTIFY else None


def is_protected(octets: bytes) -> bool:
    """Whether a segment may hold what comes when the handshake has gone well."""
    return _PROTECTED.search(octets) is not None


class Handshakes:
    """Counts of one capture, which may lie in several sources: a direction may have a file of its own."""

    def __init__(self) -> None:
        self._asked: Counter[_Pair] = Counter()
        self._refused: Counter[_Pair] = Counter()
        self._answered: set[Endpoint] = set()
        self._broken: Counter[_Broken] = Counter()
        self._is_told = False

    def asked(self, client: Endpoint, server: Endpoint) -> None:
        """A SYN went out."""
        _count(self._asked, _Pair(client.host, server))

    def answered(self, server: Endpoint) -> None:
        """The server took a connection."""
        if len(self._answered) < MOST:
            self._answered.add(server)

    def refused(self, client: Endpoint, server: Endpoint) -> None:
        """The answer to a SYN was a reset."""
        _count(self._refused, _Pair(client.host, server))

    def broken(self, client: Endpoint, server: Endpoint, by: Endpoint, alert: int | None) -> None:
        """A handshake of TLS ended without success."""
        _count(self._broken, _Broken(_Pair(client.host, server), by.host, alert))

    def is_broken(self, client: Endpoint, server: Endpoint) -> bool:
        """Whether TLS between a host and a server was seen to be broken off."""
        pair = _Pair(client.host, server)
        return any(one.pair == pair for one in self._broken)

    def sentences(self, speakers: Speakers) -> Iterator[str]:
        """What is to be told, once, the TLS first; `speakers` know which servers may be SIP's."""
        if self._is_told:
            return
        self._is_told = True
        for one, count in self._broken.items():
            if speakers.concern(Endpoint(one.pair.client, 0), one.pair.server):
                yield f"TLS from {one.pair.client} to {one.pair.server}: {_story(one)}{_times(count)}"
        for pair, count in self._refused.items():
            if speakers.may_serve(pair.server):
                yield (
                    f"TCP from {pair.client} to {pair.server}: refused with a reset{_times(count)}: nothing listens "
                    "there, or a firewall rejects it"
                )
        for pair, count in self._asked.items():
            is_open = pair.server in self._answered or pair in self._refused
            if count >= _FEW and not is_open and speakers.may_serve(pair.server):
                yield f"TCP from {pair.client} to {pair.server}: no answer to {count} requests to connect (SYN)"


def _story(one: _Broken) -> str:
    whose = "the client" if one.by == one.pair.client else "the server"
    if one.alert is None:
        return f"{whose} ended the connection before the handshake was over, without an alert"
    said = f"{whose} broke off the handshake with the alert '{_ALERTS.get(one.alert, str(one.alert))}'"
    if one.alert in _OF_CERTIFICATES:
        other = "server" if one.by == one.pair.client else "client"
        return f"{said}: it does not accept the certificate of the {other} (its issuer, name, date or key use)"
    if one.alert in _OF_VERSIONS:
        return f"{said}: no version or cipher of TLS that both have, or no certificate where one is needed"
    return said


def _times(count: int) -> str:
    return f", {count} times" if count > 2 else ", twice" if count == 2 else ""


def _count(counts: Counter[_Key], key: _Key) -> None:
    if key in counts or len(counts) < MOST:
        counts[key] += 1
