"""What an attempt that failed shows of the reason by its digests, in the words of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analyzer.register.challenges import Challenged, Challenges
from analyzer.register.digest.verdict import AKA_TOKENS
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.transaction import Transaction
from analyzer.sip.message import Message

WRONG = "the response does not match the password given"
OLD_NONCE = "the phone goes on with an old nonce"
STALE = "the registrar calls the nonce stale again and again"
RIGHT = "the response is right for the password given, and is refused all the same"
OTHER_FORM = "the response is right in itself, but in a form that was not asked for"
RESYNCHRONISATION = "the SIM asks for resynchronisation (auts), and the network goes on refusing"
SIM_REFUSED = "the network refuses the SIM's answer to its challenge (AKA)"
SIM_SILENT = "the SIM's answer to the network's challenge (AKA) was not sent, or was lost"
OF_A_PASSWORD = frozenset((WRONG, RIGHT))
"""Those that a look at the password may help with."""


def of_a_sim(final: Message, records: Sequence[DigestRecord]) -> str:
    """The reason where a SIM is asked and no password (RFC 3310); empty elsewhere."""
    answers = [record for record in records if record.is_aka and not record.is_empty]
    if any(record.is_resynchronisation for record in answers):
        return RESYNCHRONISATION
    if answers:
        return SIM_REFUSED
    asked = any((challenge.algorithm or "").lower() in AKA_TOKENS for challenge in final.challenges)
    return SIM_SILENT if asked else ""


def of_a_digest(final: Message, records: Sequence[DigestRecord], *, old_nonce: bool) -> str:
    """The reason that the digests of a refused request show; empty if none."""
    if any(record.verdict == "mismatch" for record in records):
        return WRONG
    if old_nonce:
        return OLD_NONCE
    if any(challenge.stale for challenge in final.challenges):
        return STALE
    other = next((record for record in records if record.is_right_in_another_form), None)
    if other is not None:
        return f"{OTHER_FORM} ({other.form.reason})"
    return RIGHT if any(record.verdict == "match" for record in records) else ""


def is_old_nonce(
    transaction: Transaction,
    record: DigestRecord,
    in_force: Mapping[str, Sequence[Challenged]],
    challenges: Challenges,
) -> bool:
    """Whether credentials have a nonce that the server gave out, but not in its latest challenge (`in_force` by realm,
    the latest first); that it once did is told by the challenge itself, by an earlier use, or by the server's own
    `stale=true`."""
    challenged = in_force.get(record.realm)
    if not challenged or record.nonce in challenged[0].nonces:
        return False
    if record.outlived or (transaction.final and any(one.stale for one in transaction.final.challenges)):
        return True
    return challenges.was_issued(transaction.destination.host, record.realm, record.nonce)
