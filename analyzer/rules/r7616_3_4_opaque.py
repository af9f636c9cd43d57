"""What the challenge calls opaque comes back as it was.

`opaque` is the server's note to itself, which the phone returns unchanged and does not hash (RFC 7616 3.3). Most
servers send none, or do not look at it; one that keeps its state there refuses a phone that drops or changes it. An
empty one says as much as none, so its loss is nothing to speak of.

pjsip gives one nonce and another opaque to each challenge of a second: where a challenge may be missing in the capture,
the one that is there with this nonce need not be the one that was answered.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.digest_forms import REFUSALS, by_form
from analyzer.judge.findings import Answer, NotJudged, Rule, Severity, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.digest.form import Difference
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.auth import parse_credentials
from analyzer.sip.text import clip

_WEIGHTS: dict[str, tuple[str, Severity]] = {
    "opaque-missing": ("missing", "warning"),
    "opaque-other": ("changed", "error"),
    "opaque-invented": ("invented", "info"),
}

_DUE = {"missing": "opaque", "changed": "that of the challenge", "invented": "no opaque"}


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Compare opaque with that of the challenge with the same nonce (RFC 7616 3.3, RFC 2617 3.2.1)."""
    del context
    for answer in by_form(subject, tuple(_WEIGHTS), _tell):
        is_other = isinstance(answer, Violated) and answer.sub == "changed"
        yield NotJudged("a challenge may be missing") if is_other and _may_lack_a_challenge(subject) else answer


def _may_lack_a_challenge(subject: TransactionSubject) -> bool:
    """Whether an answer to the client, or a request of it, is missing since the challenge in force."""
    latest = [challenged[0] for challenged in subject.in_force.values() if challenged]
    holes = subject.registration.holes if subject.registration is not None else 0
    return not latest or any(holes > one.holes for one in latest)


def _tell(record: DigestRecord, difference: Difference, subject: TransactionSubject) -> Violated:
    del subject
    sub, severity = _WEIGHTS[difference.kind]
    sent = parse_credentials(record.header, record.raw).opaque
    values = Values("no opaque" if sent is None else f'opaque="{clip(sent)}"', _DUE[sub])
    return Violated(
        f"{record.username} answers with {difference.text}", sub, severity, at=record.evidence, values=values
    )


_FLOW = "> REGISTER sip:example.com\n< 401\n{}> REGISTER sip:example.com\nAuthorization: {{bob x {}}}\n< 200\n"
_ONE = 'WWW-Authenticate: Digest realm="example.com", nonce="AAAA", qop="auth"'

RULE = Rule(
    id="R7616-3.4-opaque",
    title="opaque not returned unchanged",
    short_title="The challenge's opaque does not come back",
    question="whether the phone returns opaque",
    clause="RFC 7616 §3.3 (opaque), §3.4, §3.6; RFC 2617 §3.2.1, §3.2.2",
    force="SHOULD",
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
    why="Servers that keep state in opaque reject.",
    fix="the phone must return opaque as it was sent: update its firmware",
    stacks=(
        "pyVoIP 1.6.8: leaves out opaque",
        "pjsua2 2.15.1, baresip 1.0.0, Twinkle 1.10.2, JsSIP 3.10.1, SIP.js 0.21.2: leave out an empty opaque",
    ),
    disputed="returning opaque is a should in one sentence of RFC 2617 and a must in another, and SHOULD in RFC "
    "7616: a warning",
    examples=(
        bad(_FLOW.format(f'{_ONE}, opaque="5ccc069c"\n', ""), "missing", severity="warning"),
        bad(_FLOW.format(f'{_ONE}, opaque="5ccc069c"\n', "opaque=5CCC069C"), "changed", severity="error"),
        bad(_FLOW.format(f"{_ONE}\n", "opaque=5ccc069c"), "invented", severity="info"),
        good(_FLOW.format(f'{_ONE}, opaque="5ccc069c"\n', "opaque=5ccc069c")),
        good(_FLOW.format(f'{_ONE}, opaque=""\n', ""), title="an empty one says nothing"),
        good(_FLOW.format(f"{_ONE}\n", "")),
        good(_FLOW.format(f'{_ONE}, opaque="5ccc069c"\n', "nonce=before"), title="the challenge was not seen"),
    ),
)
