"""Which of the known users a hashed user name is (RFC 7616 3.4.4): H(username:realm) of every one of them.

Realms come from the wire, and each costs one hash for each user of the credential files, so a client that names another
realm in each request would make a run hash all users for each. What a run spends is therefore bounded: with M users it
is (MOST_TABLES + MOST_NAMED_TABLES) x M hashes, however many requests there are, and 2 x M for one request.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping

MOST_TABLES = 48
"""Times that a run hashes all users for a realm that no credential file names: 16 realms with each hash of RFC 8760. A
capture shows one server or a few."""
MOST_NAMED_TABLES = 192
"""The same for realms that the files name; apart, so that realms made up in the traffic do not use up their share."""
LONGEST_REALM = 256
"""Characters of a realm that no file names; a longer one would make each of the hashes a long one."""
MOST_HASHES = 4_000_000
"""Hashes kept for all realms, some 150 octets each; the realm that was asked for longest ago makes room."""
_DIGITS = 16
"""Hex digits that are kept of a hash: who looks one up computes the whole of it again."""


class HashedUsers:
    """The hashed names of `users`, made when a realm is first asked for; `named` are the realms of the files."""

    def __init__(self, users: Collection[str], named: Collection[str]) -> None:
        self._users = users
        self._named = named
        self._tables: OrderedDict[tuple[str, str], Mapping[str, str]] = OrderedDict()
        self._made = {True: 0, False: 0}
        self._kept = 0

    def find(self, name: str, token: str, realm: str, hashed: Callable[[str], str]) -> str | None:
        """The user who may have this hashed name, to be confirmed by the whole hash; None where no one has. `hashed`
        makes the name of a user for algorithm `token` in `realm`; it is not called once the bound is reached."""
        table = self._tables.get((token, realm))
        if table is None:
            if not self._users or not self.admits(token, realm):
                return None
            table = self._make((token, realm), hashed)
        self._tables.move_to_end((token, realm))
        return table.get(name[:_DIGITS])

    def admits(self, token: str, realm: str) -> bool:
        """Whether the users are, or can still be, hashed for this realm."""
        if not self._users or (token, realm) in self._tables:
            return True
        if realm in self._named:
            return self._made[True] < MOST_NAMED_TABLES
        return self._made[False] < MOST_TABLES and len(realm) <= LONGEST_REALM

    def _make(self, key: tuple[str, str], hashed: Callable[[str], str]) -> Mapping[str, str]:
        """A table that had to go and is asked for again counts once more."""
        self._made[key[1] in self._named] += 1
        self._tables[key] = table = {hashed(user)[:_DIGITS]: user for user in self._users if user}
        self._kept += len(table)
        while self._kept > MOST_HASHES and len(self._tables) > 1:
            _, gone = self._tables.popitem(last=False)
            self._kept -= len(gone)
        return table
