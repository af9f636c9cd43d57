"""The users of a scenario as SIPp's `-inf` file: one line each, `user;domain;password;username`.

    SEQUENTIAL
    alice;lab.invalid;alicepw;alice

SIPp 3.6 knows no quoting there: a field ends at the next `;`, a line at its end, the file at an empty line, and a line
that begins with `#` is skipped. What cannot be said so is refused, never changed. `user` and `domain` stand in URIs,
`username` in a quoted-string that SIPp does not escape; the password is hashed alone, so a quote in it does no harm.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from analyzer.register.digest.secrets import Secrets
from analyzer.sip.grammar import ESCAPED, HOST_CHARACTER, IPV6_CHARACTER, PORT, UNRESERVED
from analyzer.sip.text import octets, text
from replay.sipp.errors import SippError
from replay.sipp.script import plain

MOST_FIELD = 250
"""Octets of a field; SIPp has fixed buffers for them."""
# RFC 3261 25.1 user: unreserved, escaped, and user-unreserved but `;`, which ends the field.
_USER = re.compile(f"(?:[{UNRESERVED}&=+$,?/]|{ESCAPED})+")
_DOMAIN = re.compile(rf"(?:{HOST_CHARACTER}+|\[{IPV6_CHARACTER}+\])(?::{PORT})?")
_NOT_QUOTED = re.compile(r"[\x00-\x1f\x7f;\"\\\[\]]")
_NOT_PASSWORD = re.compile(r"[\x00\n\r;]|\[authentication")


class User(NamedTuple):
    """A line: `user` and `domain` of the address-of-record, the name and the password of the digest."""

    user: str
    domain: str
    username: str
    password: str

    def __repr__(self) -> str:
        return f"<User {self.user!r}>"


@dataclass(frozen=True, slots=True)
class Users:
    """All lines, that of the captured user first. `warnings` say what is missing."""

    rows: tuple[User, ...] = field(repr=False)
    warnings: tuple[str, ...] = ()

    def csv(self) -> bytes:
        """The file. Raises SippError where a value cannot be written."""
        lines = ["SEQUENTIAL", *(_line(row) for row in self.rows)]
        return octets("".join(f"{line}\n" for line in lines))


def fits_user(value: str) -> bool:
    """Whether this can be the user of a URI and a field of the file."""
    return _USER.fullmatch(value) is not None and len(value) <= MOST_FIELD


def fits_domain(value: str) -> bool:
    """Whether this can be the host (and port) of a URI and a field of the file."""
    return _DOMAIN.fullmatch(value) is not None and len(value) <= MOST_FIELD


def fits_username(value: str) -> bool:
    """Whether this can stand between the quotes of a digest and be a field of the file."""
    return _NOT_QUOTED.search(value) is None and len(octets(value)) <= MOST_FIELD


def users_of(secrets: Secrets, user: str, domain: str, username: str, realm: str) -> Users:
    """The captured user with the password that fits the realm best, then all others that the secrets know.

    A captured name that cannot be written is left out with a warning: it is somebody else's doing. Raises SippError
    where one of the secrets' cannot.
    """
    warnings: list[str] = []
    held = username if fits_username(username) else ""
    if held != username:
        warnings.append(f"the user name {plain(username)[:60]} cannot stand in SIPp's CSV file: its field is empty")
    rows = [User(user, domain, held, _password(secrets, username, realm, warnings))]
    for other in secrets.users():
        if other != username:
            rows.append(_other(secrets, other, domain, realm, warnings))
    return Users(tuple(row for row in rows if row.password or row is rows[0]), tuple(warnings))


def _other(secrets: Secrets, username: str, domain: str, realm: str, warnings: list[str]) -> User:
    return User(username.partition("@")[0], domain, username, _password(secrets, username, realm, warnings))


def _password(secrets: Secrets, username: str, realm: str, warnings: list[str]) -> str:
    known = [*secrets.lookup(username, realm), *secrets.elsewhere(username, realm)]
    usable = [secret for secret in known if secret.kind == "password"]
    if usable:
        return text(usable[0].reveal())
    name = plain(username)[:60]
    if known:
        warnings.append(f"of {name} only a hash is known, and SIPp needs the password itself")
    else:
        warnings.append(f"no password of {name} is known: the third field of its line is empty")
    return ""


def _line(row: User) -> str:
    for what, value, fits in (
        ("user", row.user, not row.user or fits_user(row.user)),
        ("domain", row.domain, not row.domain or fits_domain(row.domain)),
        ("user name", row.username, fits_username(row.username)),
    ):
        if not fits:
            raise SippError(f"the {what} {plain(value)[:60]} cannot stand in SIPp's CSV file, which knows no quoting")
    if _NOT_PASSWORD.search(row.password):
        whose = plain(row.username)[:60]
        raise SippError(f"the password of {whose} cannot stand in SIPp's CSV file: a semicolon or a line end ends it")
    fields = (row.user, row.domain, row.password, row.username)
    if max(len(octets(value)) for value in fields) > MOST_FIELD:
        raise SippError(f"a field of {plain(row.username)[:60]} is longer than {MOST_FIELD} octets")
    return ";".join(fields)
