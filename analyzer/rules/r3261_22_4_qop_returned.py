"""The phone uses qop if the challenge offers it, and not if it does not.

A challenge without qop asks for the older formula (RFC 2069), and the server computes that one. A phone that adds
`qop=auth`, `nc` and `cnonce` of its own accord hashes them too, and so sends another value: refused, though the
password is right, and for ever. The other way round, a phone that leaves out a qop that was offered gives up the
protection against replay; a strict server refuses that as well. Of several offers one is to be named as it was offered.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.digest_forms import REFUSALS, by_form, refused_though_right
from analyzer.judge.findings import Answer, Rule, Severity, Violated, bad, good
from analyzer.register import marks
from analyzer.register.digest.form import Difference
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.subjects import TransactionSubject

_KINDS = ("uninvited", "not-offered", "omitted")


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Hold the qop of each credentials against the challenge with its nonce (RFC 3261 22.4 item 8)."""
    del context
    yield from by_form(subject, _KINDS, _tell)


def _tell(record: DigestRecord, difference: Difference, subject: TransactionSubject) -> Violated:
    del subject
    costly = refused_though_right(record)
    severity: Severity = "error" if costly or difference.kind == "not-offered" else "warning"
    detail = f"{record.username} answers with {difference.text}"
    if costly:
        detail += f"; the password is right, and was refused with {record.status} in this form"
    return Violated(detail, difference.kind, severity, at=record.evidence)


_PLAIN = 'WWW-Authenticate: Digest realm="example.com", nonce="AAAA", algorithm=MD5\n'
_NO_QOP = f"> REGISTER sip:example.com\n< 401\n{_PLAIN}> REGISTER sip:example.com\n"
_QOP = "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\n"

RULE = Rule(
    id="R3261-22.4-qop-returned",
    title="qop offered but not returned, or value not among those offered",
    short_title="The digest's qop is not the one that was offered",
    question="whether the phone uses qop as it was offered",
    clause="RFC 3261 §22.4 item 8; RFC 2617 §3.2.2; RFC 7616 §3.4; RFC 8760 §2.6 item 8",
    force="MUST",
    severity="warning",
    at_fault="UAC",
    group="F",
    subject="transaction",
    check=check,
    explains=REFUSALS,
    applies_if=marks.DIGESTS,
    violates_only_if=marks.ODD_FORM,
    methods=(),
    observed_at="first",
    why="A server without qop computes the older formula and refuses; without the qop offered, no replay is noticed.",
    fix="the phone must take qop from the challenge: update its firmware, or let the registrar offer qop",
    disputed="qop has to be returned by RFC 3261 22.4 and RFC 8760, should be by RFC 2617, and is not in flows "
    "that RFC 3665 prints: a warning",
    examples=(
        bad(
            _NO_QOP + f"Authorization: {{bob secret qop=auth}}\n< 401\n{_PLAIN.replace('AAAA', 'BBBB')}",
            "uninvited",
            passwords={"bob": "secret"},
            severity="error",
            title="right in itself, and refused",
        ),
        bad(_NO_QOP + "Authorization: {bob x qop=auth}\n< 200", "uninvited", severity="warning"),
        bad(_QOP + "Authorization: {bob x qop=auth-int}\n< 401", "not-offered", severity="error"),
        bad(_QOP + "Authorization: {bob x qop=}\n< 200", "omitted", severity="warning"),
        good(_NO_QOP + "Authorization: {bob x}\n< 200", title="the older formula, as asked"),
        good(_QOP + "Authorization: {bob x}\n< 200"),
        good(
            _QOP.replace("< 401\n", '< 401\nWWW-Authenticate: Digest realm="h", nonce="x", qop="auth,auth-int"\n')
            + "Authorization: {bob x qop=AUTH}\n< 200",
            title="one of two, in capitals",
        ),
        good("> REGISTER sip:example.com\nAuthorization: {bob x nonce=before qop=auth}\n< 200", title="no challenge"),
    ),
)
