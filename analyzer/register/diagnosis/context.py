"""What else was seen around the credentials: the values that a client may have hashed instead of those it sent."""

from __future__ import annotations

from typing import NamedTuple


class Sent(NamedTuple):
    """Credentials sent earlier, as far as a cached response is recognised by them."""

    response: str
    nonce: str
    nc: str = ""


class DigestContext(NamedTuple):
    """The surroundings of one request, each list with the likeliest first; all of it may be empty.

    `realms`: other realms of challenges, and provisioned domains. `users`: user parts of To, From, Contact.
    `request_uri`: as sent. `uris`: To, From, address-of-record, Contact. `hosts`: `host` or `host:port` seen in Via,
    `received`, Contact, the destination. `nonces`: earlier nonces of the session, latest first, and nextnonce.
    `first`: nonce and cnonce of the session's first request. `previous_nc`: of the request before. `qop_offers`:
    qop values of challenges as they stood. `earlier`: credentials sent before. `bodies`: of the request before
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


NOTHING_SEEN = DigestContext()
"""No surroundings: credentials alone."""
