"""The user agent that a replay is: its names, its counter, its address, and whom it speaks for.

Everything random comes through `token`, everything of the network through `local` and `transport`, so a test that gives
both knows every octet. `Mapping` puts other users and domains in place of the captured ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analyzer.escape import Told
from analyzer.evidence import Endpoint
from replay.digest_client import DigestClient
from replay.uris import SipUri

MOST_CSEQ = 2**31 - 1
"""RFC 3261 8.1.1.5: the sequence number is less than 2**31."""


class MapError(Told, ValueError):
    """A mapping that cannot be understood; the text says how one is written."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """Users and domains by what they become: pairs of (user, domain), an empty one standing for any, or the same."""

    pairs: tuple[tuple[tuple[str, str], tuple[str, str]], ...] = ()

    @staticmethod
    def parse(texts: tuple[str, ...]) -> Mapping:
        """`alice@lab.invalid=bob@example.com`, `alice@=bob@` (the user), `lab.invalid=example.com` (the domain)."""
        pairs = []
        for text in texts:
            before, equals, after = text.partition("=")
            if not equals or not before or not after or ("@" in before) != ("@" in after):
                raise MapError(f"a mapping is OLD=NEW, as user@domain, user@ or domain, not {text}")
            pairs.append((_named(before), _named(after)))
        return Mapping(tuple(pairs))

    def user(self, user: str | None, domain: str) -> str | None:
        """What becomes of a user of a domain."""
        return self.apply(user, domain)[0]

    def apply(self, user: str | None, domain: str) -> tuple[str | None, str]:
        """The first mapping that fits, applied. Where there is no user, as in a Request-URI, a user's domain fits."""
        for (old_user, old_domain), (new_user, new_domain) in self.pairs:
            fits_domain = not old_domain or old_domain.lower() == domain.lower()
            if fits_domain and (not old_user or old_user == user or (user is None and old_domain)):
                return (new_user if user is not None and old_user and new_user else user), (new_domain or domain)
        return user, domain

    def uri(self, uri: SipUri) -> SipUri:
        """A URI with its user and host mapped; a port stays where the host does."""
        host, port = _split(uri.hostport)
        user, domain = self.apply(uri.user, host)
        if domain != host:
            uri = uri._replace(hostport=domain if ":" in domain or not port else f"{domain}:{port}")
        if user != uri.user and user is not None:
            uri = uri._replace(userinfo=user)
        return uri


@dataclass(slots=True)
class Agent:
    """What stays the same over a replay. `cseq` is the last number used (None: none yet), `min_expires` what a 423
    asked for in seconds, `contacts` what was put into Contact, for their removal at the end."""

    local: Endpoint
    transport: str
    token: Callable[[], str]
    digest_client: DigestClient
    mapping: Mapping = Mapping()
    call_id: str = ""
    from_tag: str = ""
    cseq: int | None = None
    min_expires: int = 0
    keep_contact: bool = False

    def branch(self) -> str:
        """A branch of its own for each request (RFC 3261 8.1.1.7)."""
        return f"z9hG4bK{self.token()}"

    def next_cseq(self, captured: int) -> int:
        """One more than the last; the captured number at first, if a request may have it (8.1.1.5, 10.2)."""
        if self.cseq is None:
            self.cseq = captured if 0 <= captured < MOST_CSEQ - 100_000 else 1
        else:
            self.cseq += 1
        return self.cseq


def _named(text: str) -> tuple[str, str]:
    user, at, domain = text.rpartition("@")
    return (user, domain) if at else ("", text)


def _split(hostport: str) -> tuple[str, str]:
    host, colon, port = hostport.rpartition(":")
    return (host, port) if colon and port.isdecimal() and not host.endswith(":") else (hostport, "")
