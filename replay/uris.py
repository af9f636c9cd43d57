"""Parts of a SIP URI exchanged within its text: all that is not exchanged stays as it was written (RFC 3261 19.1)."""

from __future__ import annotations

import re
from typing import NamedTuple

from analyzer.evidence import Endpoint
from analyzer.sip.address import Address

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

    def __str__(self) -> str:
        user = "" if self.userinfo is None else f"{self.userinfo}@"
        return f"{self.scheme}:{user}{self.hostport}{self.tail}"


def swap_uri(address: Address, uri: str) -> str:
    """The text of an address with another URI in it, brackets put around it where it had none (20.10)."""
    if address.uri is None:
        return address.raw
    text = address.uri.text
    if address.bracketed:
        head, _, rest = address.raw.partition("<")
        return f"{head}<{uri}>{rest[rest.find('>') + 1 :]}" if ">" in rest else f"{head}<{uri}>"
    at = address.raw.find(text)
    return f"{address.raw[:at].rstrip()}<{uri}>{address.raw[at + len(text) :]}"


def without_param(address_text: str, name: str) -> str:
    """An address without the header parameter `name` (a parameter within the brackets is the URI's)."""
    head, close, tail = address_text.rpartition(">")
    cut = re.sub(
        rf";[ \t]*{re.escape(name)}(?:[ \t]*=[ \t]*(?:\"(?:[^\"\\]|\\.)*\"|[^;]*))?(?=;|\Z)",
        "",
        tail,
        flags=re.IGNORECASE,
    )
    return f"{head}{close}{cut}"


def with_param(address_text: str, name: str, value: str) -> str:
    """An address with the header parameter `name` set, brackets put around a bare URI so that it stays the header's."""
    bare = without_param(address_text, name)
    if ">" not in bare:
        uri, semicolon, rest = bare.strip().partition(";")
        bare = f"<{uri}>{semicolon}{rest}"
    return f"{bare.rstrip()};{name}={value}"


def hostport(endpoint: Endpoint) -> str:
    """An address as host and port of a URI or a Via; IPv6 in brackets."""
    return str(endpoint)
