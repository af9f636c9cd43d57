"""One secret: a password, binary key material, or a stored HA1, that never shows its value.

Secrets meet the arithmetic in `analyzer/register/digest/arithmetic.py` and its hypotheses, and nothing else. Values
that are printed, formatted, logged, copied into a report or pickled by accident are how passwords leak, so each of
these ways is shut here, and there is one spelled-out way out: `reveal()`.
"""

from __future__ import annotations

from typing import Literal, NoReturn, SupportsIndex

from analyzer.escape import Told
from analyzer.sip.text import octets

MASK = "********"
"""What stands wherever a secret would stand; always eight stars, so that it does not tell the length."""

Kind = Literal["password", "ha1", "key"]


def secret_octets(value: str | bytes) -> bytes:
    """The octets that are hashed: UTF-8 (RFC 7616 4), and octets that were not UTF-8 in a file as they stood there."""
    return value if isinstance(value, bytes) else octets(value)


class CredentialsError(Told):
    """A credential file cannot be used: one line naming file and line, never quoting what stands there."""

    def __init__(self, source: str, reason: str, *, line: int | None = None) -> None:
        self.source = source
        self.reason = reason
        self.line = line
        where = source if line is None else f"{source}:{line}"
        super().__init__(f"{where}: {reason}")


class Secret:
    """A secret of `username` in `realm` (empty: any realm; empty user name: any user).

    `kind`: `password` (text, hashed into HA1), `key` (binary password: the RES of RFC 3310 AKA), `ha1` (the stored
    H(username:realm:password) in hex, RFC 7616 3.4.2). `origin` says where it came from (`users.csv:3`).
    Compared by identity, not by value; use `same_as`.
    """

    __slots__ = ("__octets", "kind", "origin", "realm", "username")

    def __init__(
        self, value: str | bytes, *, username: str = "", realm: str = "", kind: Kind | None = None, origin: str = ""
    ) -> None:
        self.__octets = secret_octets(value)
        self.kind: Kind = kind or ("key" if isinstance(value, bytes) else "password")
        if self.kind == "ha1":
            self.__octets = self.__octets.strip().lower()
        self.username = username
        self.realm = realm
        self.origin = origin

    def reveal(self) -> bytes:
        """The octets themselves. For the digest arithmetic alone; what is made of them is as secret as they are."""
        return self.__octets

    @property
    def is_ha1(self) -> bool:
        """Whether this is a stored HA1, from which no password can be had."""
        return self.kind == "ha1"

    def same_as(self, other: Secret) -> bool:
        """Whether both hold the same octets as the same kind."""
        return self.kind == other.kind and self.__octets == other.__octets

    def of(self, username: str) -> Secret:
        """The same secret, held against another user name."""
        return Secret(self.__octets, username=username, realm=self.realm, kind=self.kind, origin=self.origin)

    def __repr__(self) -> str:
        return f"<Secret {self.kind} {MASK}>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a Secret is not pickled or copied")
