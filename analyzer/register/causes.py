"""What an attempt that failed shows of the reason by its digests, in the words of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analyzer.evidence import SECOND
from analyzer.register.attempt import SUCCESSFUL_OUTCOMES, Attempt
from analyzer.register.challenges import Challenged, Challenges, for_header
from analyzer.register.digest.verdict import AKA_TOKENS
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.timers import AUTH_LINK
from analyzer.register.transaction import Transaction
from analyzer.register.witnesses import of_a_witness
from analyzer.sip.auth_headers import ANSWERED_IN, CHALLENGED_IN, CREDENTIALS, HEADER_NAMES
from analyzer.sip.message import Message
from analyzer.sip.text import clip

WRONG = "the response does not match the password given"
OLD_NONCE = "the phone goes on with an old nonce"
STALE = "the registrar calls the nonce stale again and again"
RIGHT = (
    "the response is right for the password given, and is refused all the same: the registrar may have another "
    "password or realm on file"
)
FORBIDDEN = (
    "the response is right for the password given, and is refused all the same: the account may not register there, or "
    "the registrar has another password on file"
)
ASKED_TOO = "the phone answers {}, and leaves the challenge unanswered that comes then from {}"
OTHER_FORM = "the response is right in itself, but in a form that was not asked for"
RESYNCHRONISATION = "the SIM asks for resynchronisation (auts), and the network goes on refusing"
SIM_REFUSED = "the network refuses the SIM's answer to its challenge (AKA)"
SIM_SILENT = "the SIM's answer to the network's challenge (AKA) was not sent, or was lost"
OTHER_REALM = "the phone's credentials are for another realm than the one that it was asked for"
OTHER_SERVER = "the phone answers {} with the nonce of {}, and the one does not take what the other gave out"
LATE = "the phone answers a challenge after {} s, and the registrar calls its nonce stale then"
LEFT_OUT = "the phone leaves out credentials that the same request needs"
UNCHECKABLE = (
    "the phone leaves out what it may have hashed (qop, nc, cnonce), so whether its password is right cannot be told"
)
OF_A_PASSWORD = frozenset((WRONG, RIGHT, FORBIDDEN))
"""Those that a look at the password may help with."""


def is_old_nonce(
    transaction: Transaction,
    record: DigestRecord,
    in_force: Mapping[str, Sequence[Challenged]],
    challenges: Challenges,
) -> bool:
    """Whether credentials have a nonce that the server gave out, but not in its latest challenge; that it once did is
    told by the challenge itself, by an earlier use, or by the server's own `stale=true`. `in_force`: by realm, when
    they were sent."""
    challenged = for_header(in_force.get(record.realm, ()), record.header)
    if not challenged or record.nonce in challenged[0].nonces:
        return False
    if record.outlived or (transaction.final and any(one.stale for one in transaction.final.challenges)):
        return True
    return challenges.was_issued(transaction.destination.host, record.realm, record.nonce)


def is_for_another_realm(record: DigestRecord, server: str, challenges: Challenges) -> bool:
    """Whether credentials bring a nonce that the server gave out for another realm than they name."""
    return not record.malformed and challenges.realm_of(server, record.nonce, other_than=record.realm) is not None


def of_another_server(record: DigestRecord, server: str, challenges: Challenges) -> str:
    """The reason where credentials go to another server than the one whose challenge they answer; empty elsewhere."""
    if record.malformed or record.is_empty:
        return ""
    issuer = challenges.issuer_of(record.realm, record.nonce, other_than=server)
    return OTHER_SERVER.format(server, issuer) if issuer is not None else ""


def of_lateness(
    transaction: Transaction, records: Sequence[DigestRecord], in_force: Mapping[str, Sequence[Challenged]]
) -> str:
    """That a challenge was answered only when its nonce may have run out, in words; empty elsewhere."""
    for record in records:
        challenged = for_header(in_force.get(record.realm, ()), record.header)
        if not challenged or record.nonce not in challenged[0].nonces or record.reused:
            continue
        asked, sent = challenged[0].time, transaction.first
        if asked is not None and sent is not None and sent - asked > AUTH_LINK:
            return LATE.format((sent - asked) // SECOND)
    return ""


def of_a_sim(final: Message, records: Sequence[DigestRecord]) -> str:
    """The reason where a SIM is asked and no password (RFC 3310); empty elsewhere."""
    answers = [record for record in records if record.is_aka and not record.is_empty]
    if any(record.is_resynchronisation for record in answers):
        return RESYNCHRONISATION
    if answers:
        return SIM_REFUSED
    asked = any((challenge.algorithm or "").lower() in AKA_TOKENS for challenge in final.challenges)
    return SIM_SILENT if asked else ""


def of_another_challenger(transaction: Transaction) -> str:
    """The reason where what the client sent is not refused, and somebody else asks (`asks_too`)."""
    request, final = transaction.request, transaction.final
    assert request is not None and final is not None
    answered, asks = request.credentials[0], final.challenges[0]
    return ASKED_TOO.format(
        _challenger(answered.header, answered.realm or ""), _challenger(ANSWERED_IN[asks.header], asks.realm or "")
    )


def _challenger(header: str, realm: str) -> str:
    return f"{'a proxy' if header == CREDENTIALS[1] else 'the registrar'} (realm {clip(realm)!r})"


def of_a_digest(
    final: Message,
    records: Sequence[DigestRecord],
    *,
    old_nonce: bool,
    other_realm: bool = False,
    other_server: str = "",
    late: str = "",
) -> str:
    """The reason that the digests of a refused request show; empty if none. `other_server`: `of_another_server`;
    `late`: `of_lateness`."""
    wrong = [record for record in records if record.verdict == "mismatch"]
    if wrong:
        judged = wrong[0].judged
        return f"the password is right, but {judged.reason}" if wrong[0].password_is_right else WRONG
    if other_realm:
        return OTHER_REALM
    if other_server and final.status in CHALLENGED_IN:
        return other_server
    if old_nonce:
        return OLD_NONCE
    if any(challenge.stale for challenge in final.challenges):
        return late or STALE
    if records and records[0].lacking:
        return f"{LEFT_OUT}: {records[0].lacking[0]}"
    if any(record.is_uncheckable for record in records):
        return UNCHECKABLE
    broken = next((record for record in records if record.malformed and record.verdict == "unknown"), None)
    if broken is not None:
        return f"the phone's {HEADER_NAMES[broken.header]} header is malformed: {broken.malformed}"
    other = next((record for record in records if record.is_right_in_another_form), None)
    if other is not None:
        return f"{OTHER_FORM} ({other.form.reason})"
    if not any(record.verdict == "match" and record.accepted is False for record in records):
        return ""
    return FORBIDDEN if final.status == 403 else RIGHT


def cause_of(
    attempt: Attempt,
    records: Sequence[DigestRecord],
    in_force: Mapping[str, Sequence[Challenged]],
    challenges: Challenges,
) -> str:
    """What an attempt that failed shows of the reason, in the words of a report, the server's own words first.
    `records` are the credentials of its last request, `in_force` what stood for its client then."""
    last = attempt.last
    if last.final is None or attempt.outcome in SUCCESSFUL_OUTCOMES:
        return ""
    if said := of_a_witness(attempt.notices):
        return said
    if attempt.asks_too:
        return of_another_challenger(last)
    old_nonce = any(is_old_nonce(last, record, in_force, challenges) for record in records)
    host = last.destination.host
    other_realm = any(is_for_another_realm(record, host, challenges) for record in records)
    other_server = next(filter(None, (of_another_server(record, host, challenges) for record in records)), "")
    return of_a_sim(last.final, records) or of_a_digest(
        last.final,
        records,
        old_nonce=old_nonce,
        other_realm=other_realm,
        other_server=other_server,
        late=of_lateness(last, records, in_force),
    )
