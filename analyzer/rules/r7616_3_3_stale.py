"""A nonce that is too old is called stale.

A registrar may let a nonce live for one request or for an hour. Where a phone uses one once too often, and its digest
is right for it, the new challenge has to say `stale=true` (RFC 2617 3.2.1, RFC 7616 3.3): the phone then answers the
new nonce at once. Without it (`missing`) a phone must take the 401 for a wrong password, and gives up, or asks its
user. With it where the nonce was not old the phone tries again without a word to anybody: after a digest that is wrong
(`true-but-bad`; RFC 2617 3.2.1 forbids it, RFC 7616 lets it pass), or for a nonce that had been issued seconds before
and was used for the first time (`true-but-fresh`), as servers do that share an address and not their nonces. The third
time in a row (`stale-loop`) it will not end by itself.

`missing` and `true-but-bad` are told only with the password known, the former only of nonces that this phone had used
before, or that a newer challenge had replaced; a form that nobody asked for, or a count that does not rise, is another
reason to be refused. A nonce is not called fresh where the request or its challenge was sent twice (a registrar that
knows the latest nonce alone has another one by then), or where a challenge may be missing in the capture.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.evidence import SECOND
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Confidence,
    InProfile,
    NotJudged,
    Rule,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.register import marks
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.subjects import TransactionSubject

_FRESH = 30 * SECOND
_LOOP = 3
_NOT_STALE = Values("stale=true", "no stale=true")


_NOT_KNOWN = (
    "let the registrar know its own nonces again: where several nodes or processes answer for it, keep a phone at one "
    "of them, or give all the same secret for nonces (Kamailio: `secret` of the auth module) and the same clock; let "
    "nonces live longer than a round trip (`nonce_expire`)"
)


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Hold `stale` in a challenge against the nonce that was answered before, and the digest (RFC 7616 3.3)."""
    final = subject.transaction.final
    if final is None or not subject.digests or not subject.transaction.challenged:
        yield NOT_APPLICABLE
        return
    renewed = {(one.realm or "", one.nonce or "") for one in final.challenges}
    stale = any(one.stale for one in final.challenges)
    for record in subject.digests:
        again = (record.realm, record.nonce) in renewed  # challenged with the very nonce: nothing is stale
        if stale and not again and (undue := _undue(record, subject)) is not None:
            yield undue
        elif record.accepted is not False or again or not _is_old(record, subject, context):
            yield NOT_APPLICABLE
        elif stale:
            yield PASSED
        else:
            yield _answer(record, subject)


def _undue(record: DigestRecord, subject: TransactionSubject) -> Violated | None:
    """What is wrong with `stale=true` in the answer to these credentials; None where it is due, or may be."""
    transaction = subject.transaction
    related = (transaction.final.raw_message.evidence,) if transaction.final else ()
    if record.verdict == "mismatch":
        detail = f"the response of {record.username} is wrong, and the {record.status} says stale=true: no password is"
        detail = f"{detail} asked for, and the phone tries again"
        return Violated(detail, "true-but-bad", related=related, values=_NOT_STALE)
    if not _is_fresh(record, subject):
        return None
    row = _stale_in_a_row(subject)
    if row >= _LOOP:
        detail = f"the {record.status} says stale=true {row} times in a row, each time of a nonce just issued"
        return Violated(
            detail, "stale-loop", related=related, replaces="true-but-fresh", fix=_NOT_KNOWN, values=_NOT_STALE
        )
    detail = f"the nonce of {record.username} was issued at once before and used once, and the {record.status} says"
    return Violated(f"{detail} stale=true", "true-but-fresh", related=related, fix=_NOT_KNOWN, values=_NOT_STALE)


def _is_fresh(record: DigestRecord, subject: TransactionSubject) -> bool:
    """Whether the nonce is that of the latest challenge, of seconds before, and used for the first time."""
    in_force, registration = subject.challenged(record), subject.registration
    if record.reused or record.replayed or not in_force or registration is None:
        return False
    newest = in_force[0]
    if record.nonce not in newest.nonces or len(newest.nonces) > 1 or newest.holes != registration.holes:
        return False
    links = subject.attempt.transactions if subject.attempt is not None else []
    challenged = next((one for one in links if one.id == newest.transaction), None)
    if challenged is None or challenged.retransmissions or subject.transaction.retransmissions:
        return False
    if subject.transaction.cseq <= challenged.cseq:
        return False  # chan_sip takes it for the same request, and answers with stale=true: R3261-22.2-cseq-retry
    return record.time is not None and newest.time is not None and 0 <= record.time - newest.time <= _FRESH


def _stale_in_a_row(subject: TransactionSubject) -> int:
    """How many of the attempt's latest answers say stale=true, this one included."""
    count = 0
    for one in reversed(subject.attempt.transactions if subject.attempt is not None else []):
        if one.final is None or not any(challenge.stale for challenge in one.final.challenges):
            break
        count += 1
    return count


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
    sure, values = Confidence.MEDIUM, Values("no stale=true", "stale=true")
    return Violated(detail, "missing", confidence=sure, at=record.evidence, related=related, values=values)


_IN = (
    '> REGISTER sip:example.com\n< 401\n{0}, nonce="AAAA"\n'
    "> REGISTER sip:example.com\nAuthorization: {{bob secret}}\n< 200\n"
    '@1800 > REGISTER sip:example.com\nAuthorization: {{bob {1}}}\n< 401\n{0}, nonce="BBBB"'
)
_PLAIN = 'WWW-Authenticate: Digest realm="example.com"'
_KNOWN = {"bob": "secret"}
_ROW = '> REGISTER sip:example.com\n< 401\nWWW-Authenticate: Digest realm="example.com", nonce="{}"\n'
_OK = "> REGISTER sip:example.com\nAuthorization: {bob secret}\n< 200\n"
_STALE = (
    "> REGISTER sip:example.com\nAuthorization: {{bob secret}}\n"
    '< 401\nWWW-Authenticate: Digest realm="example.com", nonce="{}", stale=true\n'
)

RULE = Rule(
    id="R7616-3.3-stale",
    title="stale flag misused",
    short_title="The registrar misuses stale=true",
    sub_titles={
        "missing": "An old nonce is refused without stale=true",
        "true-but-bad": "A wrong digest is called stale",
        "true-but-fresh": "A nonce just issued is called stale",
        "stale-loop": "The registrar calls each new nonce stale",
    },
    profiles=(InProfile("modern", ("true-but-bad",), "info"),),
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
        bad(_ROW.format("n1") + _STALE.format("n2") + _OK, "true-but-fresh", severity="warning"),
        bad(
            _ROW.format("n1") + _STALE.format("n2") + _STALE.format("n3") + _STALE.format("n4"),
            "stale-loop",
            severity="warning",
        ),
        bad(_ROW.format("n1") + _STALE.format("n2"), "true-but-bad", passwords={"bob": "other"}),
        good(_ROW.format("n1") + "> again\n" + _STALE.format("n2"), title="a challenge may have gone twice"),
        good(_ROW.format("n1") + "@60 " + _STALE.format("n2"), title="a minute old"),
        good(_ROW.format("n1") + _OK + "@1800 " + _STALE.format("n2") + _OK, title="used before"),
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
