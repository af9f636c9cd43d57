"""A nonce that is too old is called stale.

A registrar may let a nonce live for one request or for an hour. Where a phone uses one once too often, and its digest
is right for it, the new challenge has to say `stale=true` (RFC 2617 3.2.1, RFC 7616 3.3): the phone then answers the
new nonce at once. Without it a phone must take the 401 for a wrong password, and gives up, or asks its user.

This is told only with the password known, and only of nonces that this phone had used before, or that a newer challenge
had replaced; a form that nobody asked for, or a count that does not rise, is another reason to be refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Confidence, NotJudged, Rule, Violated, bad, good
from analyzer.register import marks
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.subjects import TransactionSubject


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look for `stale=true` where a right digest for an old nonce is challenged again (RFC 7616 3.3)."""
    final = subject.transaction.final
    if final is None or not subject.digests or not subject.transaction.challenged:
        yield NOT_APPLICABLE
        return
    renewed = {(one.realm or "", one.nonce or "") for one in final.challenges}
    stale = any(one.stale for one in final.challenges)
    for record in subject.digests:
        again = (record.realm, record.nonce) in renewed  # challenged with the very nonce: nothing is stale
        if record.accepted is not False or again or not _is_old(record, subject, context):
            yield NOT_APPLICABLE
        elif stale:
            yield PASSED
        else:
            yield _answer(record, subject)


def _is_old(record: DigestRecord, subject: TransactionSubject, context: CaptureContext) -> bool:
    """Whether the nonce was used before, or was replaced by a newer challenge."""
    in_force = subject.challenged(record)
    if record.reused:
        return True
    if not in_force or record.nonce in in_force[0].nonces:
        return False
    return context.challenges.was_issued(subject.transaction.destination.host, record.realm, record.nonce)


def _answer(record: DigestRecord, subject: TransactionSubject) -> Answer:
    if record.verdict == "unknown":
        return NotJudged("only the SIM can tell (AKA)" if record.is_aka else "whether the digest is right is not known")
    if record.verdict == "mismatch" or record.form.word == "other-form":
        return NOT_APPLICABLE
    transaction = subject.transaction
    related = (transaction.final.raw_message.evidence,) if transaction.final else ()
    detail = (
        f"the response of {record.username} is right for a nonce that was used before, and the {record.status} that"
        " brings a new one does not say stale=true: the phone must take its password for wrong"
    )
    return Violated(detail, "missing", confidence=Confidence.MEDIUM, at=record.evidence, related=related)


_IN = (
    '> REGISTER sip:example.com\n< 401\n{0}, nonce="AAAA"\n'
    "> REGISTER sip:example.com\nAuthorization: {{bob secret}}\n< 200\n"
    '@1800 > REGISTER sip:example.com\nAuthorization: {{bob {1}}}\n< 401\n{0}, nonce="BBBB"'
)
_PLAIN = 'WWW-Authenticate: Digest realm="example.com"'
_KNOWN = {"bob": "secret"}

RULE = Rule(
    id="R7616-3.3-stale",
    title="stale flag misused",
    short_title="An old nonce is refused without stale=true",
    question="whether the registrar calls an old nonce stale",
    clause="RFC 7616 §3.3 (stale), §3.6; RFC 2617 §3.2.1",
    force="SHOULD",
    severity="warning",
    at_fault="registrar",
    group="F",
    subject="transaction",
    check=check,
    supersedes=("R3261-22.1-same-credentials",),
    explains=(401, 407),
    is_momentary=True,
    applies_if=marks.REFUSED,
    methods=(),
    observed_at="last",
    why="Without stale=true phones prompt for a password or give up.",
    fix="let the registrar add stale=true to a challenge that only replaces the nonce, or let its nonces live longer",
    disputed="stale=true is for right digests alone by RFC 2617, for any nonce that is no longer good by RFC "
    "7616: stale=true with a wrong digest is held against nobody",
    examples=(
        bad(_IN.format(_PLAIN, "secret"), "missing", passwords=_KNOWN, title="nonces for one request each"),
        bad(_IN.format(f'{_PLAIN}, qop="auth"', "secret nc=00000002"), "missing", passwords=_KNOWN),
        good(_IN.format(_PLAIN, "secret") + ", stale=true", passwords=_KNOWN),
        good(_IN.format(_PLAIN, "secret"), title="no password known"),
        good(_IN.format(_PLAIN, "unlike"), passwords=_KNOWN, title="the digest is wrong"),
        good(
            _IN.format(f'{_PLAIN}, qop="auth"', "secret nc=00000001"),
            passwords=_KNOWN,
            title="the count does not rise: that is the phone's fault",
        ),
        good(
            "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {bob secret}\n< 401",
            passwords=_KNOWN,
            title="a fresh nonce",
        ),
    ),
)
