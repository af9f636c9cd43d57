"""Refused tries with credentials, user by user at each server, whoever sent them.

What differs between a guesser and a phone with a wrong password is kept: from how many addresses the tries came, under
how many Call-IDs and with how many contacts, and whether one and the same challenge was answered with different
responses, all else in the credentials being equal octet for octet. Nothing but the password is left then that could
differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from analyzer.evidence import SECOND, Evidence
from analyzer.register.bounded import Bounded, brief
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.transaction import Transaction
from analyzer.sip.text import octets

MOST_USERS = 10_000
"""Users of a server whose refused tries are remembered."""
KEPT_TIMES = 20
"""Times of refused tries that are kept of each."""
KEPT = 8
"""Addresses, contacts and responses that are kept of each; what comes beyond them is not told from them."""
DAY = 86_400 * SECOND


class Guesses:
    """The refused tries for one user. Times in nanoseconds: `times` of the latest, `day` of the first of the `today`
    tries within a day. `different` counts the responses that differ in nothing but the
    password, to one challenge; `latest` are the credentials that were refused last."""

    __slots__ = (
        "_said",
        "_same",
        "agents",
        "call_ids",
        "contacts",
        "day",
        "different",
        "first",
        "hosts",
        "latest",
        "times",
        "today",
        "total",
    )

    def __init__(self, evidence: Evidence) -> None:
        self.first = evidence
        self.times: tuple[int, ...] = ()
        self.hosts: tuple[str, ...] = ()
        self.contacts: tuple[str, ...] = ()
        self.agents: tuple[str, ...] = ()
        self.call_ids: tuple[str, ...] = ()
        self.total = self.today = self.different = 0
        self.day: int | None = None
        self.latest: DigestRecord | None = None
        self._same = b""
        self._said: tuple[str, ...] = ()

    def take(self, transaction: Transaction, record: DigestRecord) -> None:
        """One more refused try."""
        self.total += 1
        self.latest = record
        time, request = transaction.first, transaction.request
        if time is not None:
            self.times = (*self.times[1 - KEPT_TIMES :], time)
            if self.day is None or not 0 <= time - self.day < DAY:
                self.day, self.today = time, 0
            self.today += 1
        self.hosts = _with(self.hosts, transaction.source.host)
        self.call_ids = _with(self.call_ids, brief(transaction.call_id))
        if request is not None:
            self.agents = _with(self.agents, request.user_agent[:64])
            contact = next((one.uri.text for one in request.contacts if one.uri is not None), "")
            self.contacts = _with(self.contacts, contact[:128])
        self._compare(record)

    def _compare(self, record: DigestRecord) -> None:
        """Hold the response against those that had all else in common."""
        if not record.nonce or not record.response or record.qop.lower() == "auth-int" or record.malformed:
            return  # a body is hashed too
        rest = record.raw.replace(record.response, "", 1)
        same = blake2b(octets(f"{record.method} {record.header} {rest}"), digest_size=16).digest()
        if same != self._same:
            self._same, self._said = same, ()
            self.different = 0
        if record.response[:64] not in self._said:
            self._said = (*self._said[1 - KEPT :], record.response[:64])
            self.different += 1

    @property
    def span(self) -> int | None:
        """From the first of the kept times to the last; None where fewer are kept than could be."""
        return self.times[-1] - self.times[0] if len(self.times) == KEPT_TIMES else None


def _with(known: tuple[str, ...], value: str) -> tuple[str, ...]:
    return known if value in known or len(known) >= KEPT else (*known, value)


class GuessLedger:
    """The refused tries of each user at each server, bounded.

    It remembers for rules, as `guesses` of a transaction's signs: how often credentials for this user were refused.
    """

    def __init__(self) -> None:
        self._users: Bounded[tuple[str, str], Guesses] = Bounded(MOST_USERS, lambda key, _: len(key[1]))

    def keep_all(self) -> None:
        """Keep those of every user, whatever memory that takes."""
        self._users.keep_all()

    def take(self, transaction: Transaction, aor: str, records: Sequence[DigestRecord]) -> Guesses | None:
        """Take in a transaction with its outcome; what was tried for its user, if this was one more refused try and
        there were enough to look at."""
        refused = next((one for one in records if _is_refused(one, transaction)), None)
        if refused is None:
            return None
        key = (transaction.destination.host, aor)
        guesses = self._users.get(key)
        if guesses is None:
            guesses = self._users[key] = Guesses(refused.evidence)
        guesses.take(transaction, refused)
        return guesses if guesses.total >= ENOUGH else None


ENOUGH = 5
"""Refused tries from which on a user is looked at."""


def _is_refused(record: DigestRecord, transaction: Transaction) -> bool:
    final = transaction.final
    if final is None or record.accepted is not False or record.is_empty or record.is_cut or record.is_aka:
        return False
    return not record.lacking and not any(challenge.stale for challenge in final.challenges)
