"""How often each client has used each nonce, by its own count (RFC 7616 3.4).

`nc` is "the hexadecimal count of the number of requests", so `9` comes before `10`. Each realm's nonce has a count of
its own: a request may answer a proxy and a registrar at once (RFC 3261 22.3). A registrar that challenges anew with the
same nonce (one for each second, say) lets the phone begin anew with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from analyzer.register.bounded import Bounded
from analyzer.register.challenges import Challenged
from analyzer.sip.grammar import LHEX

MOST_SESSIONS = 50_000
"""Clients and nonces whose use is remembered."""
_MOST_DIGITS = 64
_HEXADECIMAL = re.compile(f"{LHEX}{{1,{_MOST_DIGITS}}}")
FAR = 16
"""Requests that nobody saw before or between two uses of a nonce, beyond which a count is said to jump: some go to
other servers, which may give out the same nonce (the nodes of a cluster do), and some were not captured."""


class NonceSpent(NamedTuple):
    """How a client used a nonce: the highest count (-1: none), the number of the latest message, and the transactions
    whose challenges were in force when it was used first and last (0: none was seen)."""

    highest: int
    message: int
    first: int
    last: int


class NonceUsed(NamedTuple):
    """What earlier requests of the client say of this use. `reused`: it used the nonce before, `outlived`: and did so
    before the challenge that is in force; `replayed`: the count does not rise over the one sent then. `before` is the
    count that it had reached, 0 at its first use of a challenge that was seen; None where that is not known."""

    reused: bool = False
    outlived: bool = False
    replayed: bool = False
    before: int | None = None


_FIRST_USE, _NOT_KNOWN = NonceUsed(before=0), NonceUsed()


class NonceCounts:
    """The use of nonces by clients, bounded."""

    def __init__(self) -> None:
        self._spent: Bounded[tuple[int, str, str], NonceSpent] = Bounded(
            MOST_SESSIONS, lambda key, _: len(key[1]) + len(key[2])
        )

    def remember(self, table: Bounded[tuple[int, str, str], NonceSpent]) -> None:
        """Keep the use of nonces in a table that knows how many others there are."""
        self._spent = table

    def use(
        self, client: int, realm: str, nonce: str, nc: str, in_force: Sequence[Challenged], message: int
    ) -> NonceUsed:
        """Take in a use of a nonce. `in_force` are the challenges that stand for it, the latest first, `message` is the
        number of its message: one request may hold a response for each algorithm."""
        key, count = (client, realm, nonce), nonce_count(nc)
        challenge = in_force[0].transaction if in_force else 0
        is_current = bool(in_force) and nonce in in_force[0].nonces
        spent = self._spent.get(key)
        if spent is None or (is_current and spent.last != challenge):
            self._spent[key] = NonceSpent(-1 if count is None else count, message, challenge, challenge)
            is_first = spent is None and is_current and not self._spent.evicted
            return _FIRST_USE if is_first else _NOT_KNOWN
        reused = spent.message != message
        self._spent[key] = NonceSpent(
            max(spent.highest, -1 if count is None else count), message, spent.first, challenge
        )
        return NonceUsed(
            reused,
            reused and spent.first != challenge,
            reused and count is not None and count <= spent.highest,
            spent.highest if reused and spent.highest >= 0 else None,
        )


def jumped(nc: str, before: int | None) -> bool:
    """Whether a count is higher than any use of the nonce explains, `before` being the count reached before."""
    count = nonce_count(nc)
    return count is not None and before is not None and count > before + FAR


def nonce_count(nc: str) -> int | None:
    """The number that `nc` stands for (RFC 7616 3.4: hexadecimal digits, here of any number); None for none."""
    return _number(nc) if len(nc) <= _MOST_DIGITS else None


@lru_cache(maxsize=1024)
def _number(nc: str) -> int | None:
    return int(nc, 16) if _HEXADECIMAL.fullmatch(nc) else None
