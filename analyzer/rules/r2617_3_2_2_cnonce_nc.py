"""nc and cnonce go with qop: both with it, neither without.

With qop the response is computed over the counter `nc` and the phone's own random value `cnonce`, so a server cannot
check it without them; without qop they are in no formula, and a strict server takes them for a mistake (RFC 2617 3.2.2:
MUST NOT). Only the `-sess` algorithms hash a cnonce in any case.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.digest_forms import REFUSALS, by_form, without_challenge
from analyzer.judge.findings import Answer, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.digest.form import Difference
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.subjects import TransactionSubject


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look for nc and cnonce beside qop (RFC 2617 3.2.2): the credentials alone tell, whatever the challenge was."""
    del context
    yield from without_challenge(by_form(subject, ("incomplete", "without-qop"), _tell))


def _tell(record: DigestRecord, difference: Difference, subject: TransactionSubject) -> Violated:
    del subject
    severity = "error" if difference.kind == "incomplete" else "warning"
    detail = f"{record.username} answers with {difference.text}"
    values = _values(difference)
    return Violated(detail, difference.kind, severity, at=record.evidence, values=values)  # type: ignore[arg-type]


def _values(difference: Difference) -> Values:
    """`difference.text` is `qop=auth without nc and cnonce`, or `nc and cnonce without qop`."""
    there, _, lacking = difference.text.partition(" without ")
    if difference.kind == "incomplete":
        return Values(_none_of(lacking), lacking)
    return Values(f"{there}, no qop", f"qop, or {_none_of(there)}")


def _none_of(names: str) -> str:
    return f"no {names.replace(' and ', ' and no ')}"


_QOP = "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\n"
_PLAIN = _QOP.replace("< 401\n", '< 401\nWWW-Authenticate: Digest realm="example.com", nonce="AAAA"\n')
_SESSION = _PLAIN.replace('nonce="AAAA"', 'nonce="AAAA", algorithm=MD5-sess')

RULE = Rule(
    id="R2617-3.2.2-cnonce-nc",
    title="cnonce/nc missing with qop, or present without it",
    short_title="nc and cnonce do not go with qop",
    question="whether nc and cnonce go with qop",
    clause="RFC 2617 §3.2.2; RFC 3261 §22.4 item 8; RFC 7616 §3.4",
    force="MUST",
    severity="error",
    at_fault="UAC",
    group="F",
    subject="transaction",
    check=check,
    explains=REFUSALS,
    applies_if=marks.DIGESTS,
    violates_only_if=marks.ODD_FORM,
    methods=(),
    observed_at="first",
    why="The response cannot be computed unambiguously; servers answer 400 or 401.",
    fix="the phone must send nc and cnonce with qop, and neither without it: update its firmware",
    examples=(
        bad(_QOP + "Authorization: {bob x nc= cnonce=}\n< 401", "incomplete", severity="error"),
        bad(_QOP + "Authorization: {bob x cnonce=}\n< 401", "incomplete", title="the counter alone"),
        bad(_PLAIN + "Authorization: {bob x nc=00000001 cnonce=c}\n< 401", "without-qop", severity="warning"),
        bad(_SESSION + "Authorization: {bob x response=00112233445566778899aabbccddeeff}\n< 401", "incomplete"),
        good(_QOP + "Authorization: {bob x}\n< 200"),
        good(_PLAIN + "Authorization: {bob x}\n< 200", title="neither"),
        good(_SESSION + "Authorization: {bob x cnonce=c}\n< 200", title="-sess needs its cnonce without qop too"),
        good(
            '> REGISTER sip:example.com\nAuthorization: Digest username="bob", realm="h", uri="sip:h", nonce="", '
            'qop=auth, response=""\n< 401',
            title="the first REGISTER of IMS",
        ),
    ),
)
