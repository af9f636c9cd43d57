"""The phone uses the algorithm of the challenge.

A challenge names the hash that it wants; without a name it means MD5. A phone that hashes with another one sends a
value that the server cannot get, however right the password is. A server that takes several sends a challenge for each
(RFC 8760 2.4), and may give all of them one nonce: any of them may then be answered.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.digest_forms import REFUSALS, by_form
from analyzer.judge.findings import Answer, Rule, Violated, bad, good
from analyzer.register import marks
from analyzer.register.digest.form import Difference
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.subjects import TransactionSubject


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Compare the algorithm with that of the challenge with the same nonce (RFC 7616 3.3, 3.4)."""
    del context
    yield from by_form(subject, ("algorithm",), _tell)


def _tell(record: DigestRecord, difference: Difference, subject: TransactionSubject) -> Violated:
    del subject
    return Violated(f"{record.username} answers with {difference.text}", at=record.evidence)


_FLOW = "> REGISTER sip:example.com\n< 401\n{}> REGISTER sip:example.com\nAuthorization: {{bob x {}}}\n< 200\n"
_ONE = 'WWW-Authenticate: Digest realm="example.com", nonce="AAAA", qop="auth"'

RULE = Rule(
    id="R7616-3.4-algorithm",
    title="algorithm in credentials differs from the challenge",
    short_title="The digest uses another algorithm than was asked for",
    question="whether the phone uses the algorithm that was asked for",
    clause="RFC 7616 §3.3, §3.4; RFC 2617 §3.2.1, §3.2.2; RFC 8760 §2.4, §2.7",
    force="none",
    severity="error",
    at_fault="UAC",
    group="F",
    subject="transaction",
    check=check,
    supersedes=("R3261-22.1-same-credentials",),
    explains=REFUSALS,
    applies_if=marks.DIGESTS,
    violates_only_if=marks.ODD_FORM,
    methods=(),
    observed_at="first",
    why="The digest cannot match.",
    fix="let the registrar offer an algorithm that the phone has, or update the phone's firmware",
    examples=(
        bad(_FLOW.format(f"{_ONE}, algorithm=SHA-256\n", "algorithm=MD5")),
        bad(_FLOW.format(f"{_ONE}, algorithm=SHA-256\n", "algorithm="), title="none named is MD5"),
        bad(_FLOW.format(f"{_ONE}\n", "algorithm=SHA-256"), title="none asked for is MD5 too"),
        good(_FLOW.format(f"{_ONE}, algorithm=MD5\n", "algorithm=")),
        good(_FLOW.format(f"{_ONE}\n", "algorithm=md5"), title="tokens are without case"),
        good(
            _FLOW.format(f"{_ONE}, algorithm=SHA-256\n{_ONE}, algorithm=MD5\n", "algorithm=MD5"),
            title="one nonce for two algorithms",
        ),
        good(_FLOW.format(f"{_ONE}\n", "nonce=before algorithm=SHA-256"), title="the challenge was not seen"),
    ),
)
