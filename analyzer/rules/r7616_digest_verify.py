"""The response is what the password gives.

A digest response is a hash over user name, realm, password, nonce, method and uri (RFC 2617 3.2.2, RFC 7616 3.4). With
the password known it can be computed again from the values in the credentials themselves; no challenge needs to be in
the capture. If it differs, either the phone has another password, or it hashes something else than it sends: then one
substitution (another realm, the user name with its domain, a password cut at a semicolon ...) gives the very value that
was sent, which is proof, and names what to mend. Without the password nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.digest_forms import UNSENT
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, NotJudged, Rule, Violated, bad, good
from analyzer.register import marks
from analyzer.register.digest.verdict import UNCHECKABLE, Verdict
from analyzer.register.digest_ledger import NO_SECRETS, DigestRecord
from analyzer.register.subjects import TransactionSubject

ENTER = "enter the same password at the phone and at the registrar"
MEND = "the phone hashes another value than it sends: mend that setting, or its firmware"


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Judge each credentials of a transaction by the known secrets (RFC 7616 3.4.1)."""
    del context
    if not subject.digests:
        yield NOT_APPLICABLE
    for record in subject.digests:
        yield _answer(record)


def _answer(record: DigestRecord) -> Answer:
    if record.judged.verdict is Verdict.MATCH:
        return PASSED
    if record.is_empty:
        return NOT_APPLICABLE  # it answers nothing yet (3GPP TS 24.229 5.1.1.2)
    if record.judged.verdict is Verdict.UNKNOWN:
        return NotJudged(_why_not(record))
    diagnosis = record.judged.diagnosis
    whose = f"{record.username} in realm {record.realm}"
    detail = f"the response of {whose} does not match the password given"
    fix = MEND if record.password_is_right else ENTER
    sub = diagnosis.hypothesis if diagnosis else ""
    if record.password_is_right and diagnosis is not None:
        detail = f"the password of {whose} is right, but {diagnosis.text}"
    elif diagnosis is not None:
        detail = f"{detail}: {diagnosis.text}"
    return Violated(detail, sub, at=record.evidence, group_key=(record.aor, record.username, record.realm), fix=fix)


def _why_not(record: DigestRecord) -> str:
    """A reason without the values of one message, so that reasons can be counted."""
    if record.judged is NO_SECRETS:
        return "no password given"
    reason = record.judged.reason
    for start, phrase in (
        ("no password known", "no password known for this user"),
        (UNCHECKABLE, UNSENT),
        ("the response is cut", "the response is cut or malformed"),
        ("no response", "no response value"),
        ("no uri", "no uri in the credentials"),
        ("only the SIM", "only the SIM can tell (AKA)"),
        ("the SIM asks", "only the SIM can tell (AKA)"),
    ):
        if reason.startswith(start):
            return phrase
    return "the digest cannot be computed"


RULE = Rule(
    id="R7616-digest-verify",
    title="Digest response does not verify with the known password",
    short_title="Wrong digest",
    question="whether the digests are right",
    clause="RFC 2617 §3.2.2.1-3.2.2.3; RFC 7616 §3.4.1-3.4.3; RFC 3261 §22.4",
    force="MUST",
    severity="error",
    at_fault="UAC",
    group="F",
    subject="transaction",
    check=check,
    supersedes=("R3261-22.1-same-credentials",),
    explains=(401, 403, 407),
    applies_if=marks.DIGESTS,
    methods=(),
    observed_at="first",
    why="The tool's core promise. It needs the secret.",
    more_subs=r"D\d\d(\+D\d\d)?",
    fix=f"where the password is wrong, {ENTER}; where it is right, {MEND}",
    etsi=("RG_RT_V_018", "RG_RT_V_020"),
    disputed="A1 of a -sess algorithm has the first nonce and cnonce of the session by RFC 2617, those of the "
    "response by RFC 7616: both are taken for right",
    examples=(
        bad(
            "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {bob unlike}\n< 401",
            passwords={"bob": "Circle-of-Life"},
        ),
        bad(
            "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {bob Secret}\n< 401",
            "D15",
            passwords={"bob": "secret"},
            title="the password in another case: the cause is found",
        ),
        bad(
            "> INVITE sip:carol@example.com\n< 407\n> INVITE sip:carol@example.com\nProxy-Authorization: {bob unlike}",
            passwords={"bob": "Circle-of-Life"},
            title="any request that carries credentials",
        ),
        good(
            "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {bob secret}\n< 200",
            passwords={"bob": "secret"},
        ),
        good(
            "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {bob x}",
            title="no password known",
        ),
        good(
            '> REGISTER sip:example.com\nAuthorization: Digest username="bob", realm="example.com", nonce="", uri="sip:example.com", response=""',  # noqa: E501
            title="the first REGISTER of IMS",
            passwords={"bob": "secret"},
        ),
    ),
)
