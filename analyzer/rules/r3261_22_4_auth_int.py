"""With auth-int the body is hashed too, and an empty body is hashed as one.

Under `qop=auth-int` the response covers the body: its hash stands in A2 behind method and uri (RFC 2617 3.2.2.3, RFC
7616 3.4.3). A REGISTER has none, which is the hash of nothing, d41d8cd98f00b204e9800998ecf8427e for MD5 (RFC 3261 22.4
item 7), and not a missing hash. Phones that leave it out, take that of another algorithm, or of a body that a box on
the way has changed since, are refused though their password is right. It is said where the password is known and
exactly such a substitution gives the value that was sent; that is proof, and it is told here and not as a wrong digest.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.text import clip

_INTEGRITY = "D26"
"""The hypothesis on the body (docs/rules/diagnosis.md)."""


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at what explains a digest under auth-int (RFC 3261 22.4 item 7)."""
    del context
    protected = [one for one in subject.digests if one.qop.lower() == "auth-int"]
    if not protected:
        yield NOT_APPLICABLE
    for record in protected:
        yield _answer(record, subject)


def _answer(record: DigestRecord, subject: TransactionSubject) -> Answer:
    if record.verdict == "match":
        return PASSED
    found = record.judged.diagnosis
    if record.verdict == "unknown":
        return NotJudged(Need.WHOLE.value if record.is_cut else "no password known for this user")
    if found is None or _INTEGRITY not in found.hypothesis.split("+"):
        return PASSED  # a wrong digest for another reason (R7616-digest-verify)
    request = subject.transaction.request
    has_body = request is not None and bool(request.body)
    fault = "UAC / middlebox" if has_body else "UAC"
    detail = f"{clip(record.username)!r} answers under auth-int, and {found.text}"
    hashed = "the hash of an empty body" if "empty body" in found.text else "no hash of the body"
    key, values = (record.aor, record.username, record.realm), Values(hashed, "the hash of the body")
    return Violated(detail, at=record.evidence, at_fault=fault, group_key=key, values=values)


_ASK = '> REGISTER sip:h\n< 401\nWWW-Authenticate: Digest realm="h", nonce="n1", qop="auth-int"\n> REGISTER sip:h\n'
_WITH = (
    'Authorization: Digest username="bob", realm="h", nonce="n1", uri="sip:h", qop=auth-int, nc=00000001, cnonce="c", '
    'response="{}"\n< {}'
)

RULE = Rule(
    id="R3261-22.4-auth-int",
    title="auth-int body hash wrong",
    short_title="The body's hash is wrong",
    question="whether the body's hash is right",
    clause="RFC 3261 §22.4 item 7; RFC 2617 §3.2.2.3; RFC 8760 §2.6 item 7; RFC 7616 §3.4.5",
    force="MUST",
    severity="error",
    at_fault="UAC / middlebox",
    group="F",
    subject="transaction",
    check=check,
    explains=(401, 403, 407),
    supersedes=("R7616-digest-verify", "R3261-22.1-same-credentials"),
    applies_if=marks.ODD_CREDENTIALS,
    methods=(),
    why="Integrity failure: body altered, or the classic `empty body` bug.",
    fix="the phone must hash the body that it sends, and of none the empty text (firmware); let the registrar offer "
    "qop=auth until then; a box on the way must not change bodies",
    examples=(
        bad(
            _ASK + _WITH.format("5b71abc75489d0ef7b64b9264b5942fb", 401),
            passwords={"bob": "secret"},
            title="hashed as if it were auth",
        ),
        bad(
            _ASK + _WITH.format("ac6abaa8646b5aa7598028c208588786", 401),
            passwords={"bob": "secret"},
            title="the empty hash of SHA-256",
        ),
        good(
            _ASK + "Authorization: {bob secret qop=auth-int cnonce=c nc=00000001}\n< 200", passwords={"bob": "secret"}
        ),
        good(_ASK + "Authorization: {bob unlike qop=auth-int}\n< 401", passwords={"bob": "Circle-of-Life"}),
        good(_ASK + "Authorization: {bob secret qop=auth-int}\n< 401", title="no password known"),
        good("> REGISTER sip:h\n< 401\n> REGISTER sip:h\nAuthorization: {bob x}\n< 401", title="qop=auth"),
    ),
)
