"""Parts of a SIP URI exchanged within its text: all that is not exchanged stays as it was written (RFC 3261 19.1)."""

from __future__ import annotations

import re
from typing import NamedTuple

from analyzer.escape import visible
from analyzer.evidence import Endpoint

_URI = re.compile(
    r"(?P<scheme>sips?):(?:(?P<userinfo>[^@]*)@)?(?P<hostport>[^;?]*)(?P<tail>.*)", re.IGNORECASE | re.DOTALL
)


class SipUri(NamedTuple):
    """The four parts of a sip or sips URI as written; `userinfo` None without an `@`, `tail` parameters and headers."""

    scheme: str
    userinfo: str | None
    hostport: str
    tail: str

    @staticmethod
    def of(text: str) -> SipUri | None:
        """The parts, or None for a URI of another scheme."""
        found = _URI.fullmatch(text)
        return SipUri(found["scheme"], found["userinfo"], found["hostport"], found["tail"]) if found else None

    @property
    def user(self) -> str | None:
        """The user without its password (19.1.1)."""
        return None if self.userinfo is None else self.userinfo.partition(":")[0]

    def with_transport(self, transport: str) -> SipUri:
        """The same with `transport=` as it is now; UDP needs none (19.1.1, table 1)."""
        tail = re.sub(r";transport=[^;?]*", "", self.tail, flags=re.IGNORECASE)
        if transport.upper() in ("UDP", "TLS"):  # TLS is told by the scheme or the port, `transport=tls` is deprecated
            return self._replace(tail=tail)
        params, mark, headers = tail.partition("?")
        return self._replace(tail=f"{params};transport={transport.lower()}{mark}{headers}")

    @property
    def text(self) -> str:
        """The whole URI as it is sent."""
        user = "" if self.userinfo is None else f"{self.userinfo}@"
        return f"{self.scheme}:{user}{self.hostport}{self.tail}"

    def __str__(self) -> str:
        return visible(self.text)


def hostport(endpoint: Endpoint) -> str:
    """An address as host and port of a URI or a Via; IPv6 in brackets."""
    return endpoint.written
