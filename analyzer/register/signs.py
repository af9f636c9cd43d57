"""What earlier requests of the same client or user make of a transaction with credentials: the signs by which the
detectors of abuse begin to look.

Each ledger behind it is bounded, and is asked once for a transaction with credentials, at its final response or at the
end of its time. An ordinary transaction has no signs, and no rule that needs some is asked about it
(`register/marks.py: SIGNS`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from analyzer.register.challenges import Challenged
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.guesses import Guesses, GuessLedger
from analyzer.register.refused_credentials import Refusal, Refusals
from analyzer.register.registration import Registration
from analyzer.register.replays import Replays, Sent
from analyzer.register.transaction import Transaction


class Signs(NamedTuple):
    """`refusal`: these credentials had just been refused. `guesses`: it is one more refused try for its user.
    `replay`: the same credentials were sent before, from another address."""

    refusal: Refusal | None = None
    guesses: Guesses | None = None
    replay: Sent | None = None


NO_SIGNS = Signs()


class SignLedgers:
    """The ledgers that give signs.

    It remembers for rules, which get them as a transaction's `signs`: see `Refusals`, `GuessLedger` and `Replays`.
    """

    def __init__(self) -> None:
        self._refusals = Refusals()
        self._guesses = GuessLedger()
        self.replays = Replays()

    def keep_all(self) -> None:
        """Keep what was refused of every client and user, whatever memory that takes."""
        self._refusals.keep_all()
        self._guesses.keep_all()

    def take(
        self,
        transaction: Transaction,
        client: Registration | None,
        records: Sequence[DigestRecord],
        in_force: Mapping[str, Sequence[Challenged]],
    ) -> Signs:
        """Take in a transaction with its outcome, and tell what earlier ones say of it."""
        if client is None or not records or not transaction.is_first_hop:
            return NO_SIGNS
        refusal = self._refusals.take(transaction, client, records, in_force)
        guesses = self._guesses.take(transaction, client.aor, records)
        replay = self.replays.take(transaction, client.aor, records)
        if refusal is None and guesses is None and replay is None:
            return NO_SIGNS
        return Signs(refusal, guesses, replay)
