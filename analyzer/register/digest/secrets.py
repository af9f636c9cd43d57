"""The secrets that the user gave, and who they belong to.

The table is keyed (realm, user name), then user name for any realm, then the one password for everybody
(docs/rules/reconstruction.md 8). Look-ups are exact on the user name: `alice` is not `alice@lab.invalid`. A client that
hashes the other form is what the diagnosis is for; a guess here would hide it. A password (not an HA1) entered for
another realm is offered apart (`elsewhere`), because it may prove what happened, while a mismatch with it proves
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from analyzer.register.digest.credential_files import read_credentials
from analyzer.register.digest.credential_source import first_line_of
from analyzer.register.digest.hashed_users import HashedUsers
from analyzer.register.digest.secret import MASK, CredentialsError, Kind, Secret

__all__ = ["MASK", "CredentialsError", "Kind", "Secret", "Secrets", "read_password_file"]

MOST_TRIED = 64
"""Secrets of one user for one realm that are held against one response, beside that for everybody. A history of
passwords is shorter, and each costs up to fifteen hashes a request."""
_CROWDED = 16
"""Secrets of one user from which on they are found by realm, and not by looking through them."""
_LOOKED_THROUGH = 256
"""Secrets of one user that are looked through for one of another realm."""


class Secrets:
    """Every secret known, in the order given. Empty and false when there is none."""

    def __init__(self, entries: Iterable[Secret] = (), *, for_all: Secret | None = None) -> None:
        """Hold `entries`; `for_all` is tried for every user after the user's own."""
        self._entries: list[Secret] = list(entries)
        self._for_all = for_all
        self._by_user: dict[str, list[Secret]] = {}
        self._by_realm: dict[tuple[str, str], list[Secret]] = {}
        for secret in self._entries:
            self._by_user.setdefault(secret.username, []).append(secret)
        for crowd in self._by_user.values():
            for secret in crowd if len(crowd) > _CROWDED else ():
                self._by_realm.setdefault((secret.username, secret.realm), []).append(secret)
        named = {secret.realm for secret in self._entries if secret.realm}
        self.hashed = HashedUsers(self._by_user.keys() - {""} if "" in self._by_user else self._by_user.keys(), named)

    @classmethod
    def load(
        cls,
        paths: Iterable[str | Path] = (),
        *,
        password: str | bytes | None = None,
        password_file: str | Path | None = None,
    ) -> Secrets:
        """Read credential files, each recognised by its content, and the password for everybody.

        Raises `CredentialsError`, naming file and line, never quoting them.
        """
        entries = [secret for path in paths for secret in read_credentials(path)]
        for_all = None if password is None else Secret(password, kind="password", origin="the password given")
        if password_file is not None:
            for_all = read_password_file(password_file)
        return cls(entries, for_all=for_all)

    @classmethod
    def of(cls, passwords: Mapping[str, str | bytes], realm: str = "") -> Secrets:
        """From user name -> password (text) or key (bytes), for one realm or, when empty, any."""
        return cls(Secret(value, username=user, realm=realm) for user, value in passwords.items())

    def lookup(self, username: str, realm: str) -> list[Secret]:
        """The secrets of a user, best first: of this realm, of any realm, the one for everybody. Empty: not known. At
        most `MOST_TRIED` of them and the last."""
        found = [*self._of(username, realm), *self._of(username, "")] if realm else [*self._of(username, "")]
        del found[MOST_TRIED:]
        if self._for_all is not None:
            found.append(self._for_all)
        return found

    def overflows(self, username: str, realm: str) -> bool:
        """Whether `lookup` leaves some of a user's secrets out."""
        return len(self._of(username, realm)) + (len(self._of(username, "")) if realm else 0) > MOST_TRIED

    def _of(self, username: str, realm: str) -> Sequence[Secret]:
        """The secrets that were given for this very user name and realm."""
        own = self._by_user.get(username, ())
        if len(own) > _CROWDED:
            return self._by_realm.get((username, realm), ())
        return [secret for secret in own if secret.realm == realm]

    def elsewhere(self, username: str, realm: str) -> list[Secret]:
        """The passwords of a user that were given for other realms (an HA1 holds its realm and cannot be moved): at
        most `MOST_TRIED`, of the first of the user's secrets."""
        own = islice(self._by_user.get(username, ()), _LOOKED_THROUGH)
        return [secret for secret in own if secret.realm not in ("", realm) and not secret.is_ha1][:MOST_TRIED]

    def users(self) -> Iterator[str]:
        """Each user name once, in the order given."""
        return (user for user in self._by_user if user)

    def knows(self, username: str) -> bool:
        """Whether a secret was given for this very user name, in whatever realm."""
        return username in self._by_user

    def __iter__(self) -> Iterator[Secret]:
        yield from self._entries
        if self._for_all is not None:
            yield self._for_all

    def __len__(self) -> int:
        return len(self._entries) + (self._for_all is not None)

    def __repr__(self) -> str:
        return f"<Secrets: {len(self)}>"


def read_password_file(path: str | Path) -> Secret:
    """The password for every user: the first line of a file. Only its line end is cut, blanks belong to the password.

    Raises `CredentialsError` when the file cannot be read or its first line is empty.
    """
    name = str(path)
    value = first_line_of(path).removesuffix(b"\r")
    if not value:
        raise CredentialsError(name, "the first line is empty, no password there", line=1)
    return Secret(value, kind="password", origin=f"{name}:1")
