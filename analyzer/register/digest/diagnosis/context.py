"""What else was seen around the credentials: the values that a client may have hashed instead of those it sent."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple


class Sent(NamedTuple):
    """Credentials sent earlier, as far as a cached response is recognised by them."""

    response: str
    nonce: str
    nc: str = ""


MOST_SEEN = 32
"""Values of each kind, seen around one request, that are tried for it: what a client may have taken instead stands in
its few headers, while a message of 64 kB has room for thousands of them."""
LONGEST_SEEN = 1024
"""Characters of such a value; a longer one is left out, as every hash over it would be a long one."""


class DigestContext(NamedTuple):
    """The surroundings of one request, each list with the likeliest first; all of it may be empty.

    `realms`: other realms of challenges, and provisioned domains. `users`: user parts of To, From, Contact.
    `request_uri`: as sent. `uris`: To, From, address-of-record, Contact. `hosts`: `host` or `host:port` seen in Via,
    `received`, Contact, the destination. `nonces`: earlier nonces of the session, latest first, and nextnonce.
    `first`: nonce and cnonce of the session's first request. `previous_nc`: of the request before. `qop_offers`:
    qop values of challenges as they stood; `qop_asked`: whether the challenge with this nonce offers any (None: it was
    not seen). `earlier`: credentials sent before. `bodies`: of the request before
    rewriting. `others`: (method, uri) of the same client's other requests.
    """

    realms: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    request_uri: str = ""
    uris: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    nonces: tuple[str, ...] = ()
    first: tuple[str, str] | None = None
    previous_nc: str = ""
    qop_offers: tuple[str, ...] = ()
    earlier: tuple[Sent, ...] = ()
    bodies: tuple[bytes, ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    qop_asked: bool | None = None


def first_of(values: Iterable[str]) -> tuple[str, ...]:
    """The first `MOST_SEEN` values that are different and not too long; of an endless list no more is read."""
    short = (value for value in islice(values, 4 * MOST_SEEN) if len(value) <= LONGEST_SEEN)
    return tuple(islice(dict.fromkeys(short), MOST_SEEN))


NOTHING_SEEN = DigestContext()
"""No surroundings: credentials alone."""
