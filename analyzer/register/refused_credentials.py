"""Credentials that a server has just refused, client by client (RFC 3261 22.1).

Refused for what they are: they answered the latest challenge, soon after it, and were the first use of its nonce, so
the nonce cannot have been the reason; and the server did not say `stale`. A server that forgets to say so refuses a
nonce that was used before, which is not meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from analyzer.evidence import Evidence
from analyzer.register.bounded import Bounded
from analyzer.register.challenges import Challenged, for_header
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.registration import Registration
from analyzer.register.timers import AUTH_LINK
from analyzer.register.transaction import Transaction
from analyzer.register.witnesses import leading

MOST_CLIENTS = 50_000
"""Clients whose latest refusal is remembered."""


class Refusal(NamedTuple):
    """Credentials that were refused: whose, when the answer came (nanoseconds or None), what is known of the password
    (None: nothing), and how many refusals of the same stand before it, each by the next."""

    header: str
    realm: str
    username: str
    status: int
    time: int | None
    evidence: Evidence
    is_right: bool | None
    before: int = 0

    def is_of(self, record: DigestRecord) -> bool:
        """Whether these are the same credentials, as far as can be told: the same user in the same realm, and no other
        password."""
        if (record.header, record.realm, record.username) != (self.header, self.realm, self.username):
            return False
        known = known_right(record)
        return self.is_right is None or known is None or self.is_right == known


def known_right(record: DigestRecord) -> bool | None:
    """Whether the phone has the password that is known; None where nothing is."""
    return None if record.verdict == "unknown" else record.password_is_right


class Refusals:
    """The latest refusal of each client, bounded.

    It remembers for rules, as `refusal` of a transaction's signs: that these very credentials had been refused.
    """

    def __init__(self) -> None:
        self._latest: Bounded[int, Refusal] = Bounded(MOST_CLIENTS, lambda _, one: len(one.realm) + len(one.username))

    def keep_all(self) -> None:
        """Keep that of every client, whatever memory that takes."""
        self._latest.keep_all()

    def take(
        self,
        transaction: Transaction,
        client: Registration,
        records: Sequence[DigestRecord],
        in_force: Mapping[str, Sequence[Challenged]],
    ) -> Refusal | None:
        """Take in a transaction with credentials and its outcome; the refusal that stood against them, if any."""
        before = self._latest.get(client.id)
        same = next((one for one in records if before is not None and before.is_of(one)), None)
        refused = next((one for one in records if _is_refused(one, transaction, in_force)), None)
        if refused is not None:
            count = before.before + 1 if before is not None and before.is_of(refused) else 0
            self._latest[client.id] = Refusal(
                refused.header,
                refused.realm,
                refused.username,
                transaction.status,
                transaction.answered_at,
                refused.evidence,
                known_right(refused),
                count,
            )
        elif before is not None and (transaction.challenged or any(one.accepted for one in records)):
            self._latest.pop(client.id)
        return before if same is not None else None


def _is_refused(record: DigestRecord, transaction: Transaction, in_force: Mapping[str, Sequence[Challenged]]) -> bool:
    if record.accepted is not False or record.is_empty or record.is_cut or record.is_aka or record.reused:
        return False
    if record.form.word == "other-form":
        return False  # than was asked for: that is reason enough, and told by the rules on the form
    final = transaction.final
    if final is None or any(challenge.stale for challenge in final.challenges) or record.lacking:
        return False
    if final.status == 403 and known_right(record):
        return False  # RFC 3261 21.4.4: it is authorisation that failed
    said = leading([one for one in final.raw_message.notices if not one.alone])
    if said is not None and not said.notice.about_password:
        return False
    latest = next(iter(for_header(in_force.get(record.realm, ()), record.header)), None)
    if latest is None or record.nonce not in latest.nonces:
        return False
    sent = transaction.first
    return sent is None or latest.time is None or 0 <= sent - latest.time <= AUTH_LINK
