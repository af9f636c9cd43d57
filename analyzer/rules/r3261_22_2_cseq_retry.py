"""The REGISTER that brings credentials is a new request: it counts CSeq up.

After a 401 or 407 the user agent sends the request again with credentials, and must raise CSeq by one (RFC 3261 22.2).
With the old number a registrar takes it for a retransmission of what it has just challenged and sends the same 401
again, or discards it as stale: the phone never registers, though its password is right. With the old branch too, the
server's transaction layer answers without anybody looking at the credentials.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import TransitionSubject


def check(subject: TransitionSubject, context: CaptureContext) -> Answer:
    """Compare CSeq of a challenged request and of its retry (RFC 3261 22.2 last paragraph, 8.1.3.5)."""
    del context
    earlier, later = subject.same_call, subject.later
    if earlier is None or not subject.answers_challenge or earlier.cseq < 0 or later.cseq < 0:
        return NOT_APPLICABLE
    if later.cseq > earlier.cseq:
        return PASSED
    branch = ", and the branch too" if later.branch == earlier.branch else ""
    detail = f"the retry with credentials has CSeq {later.cseq} after {earlier.cseq} was challenged{branch}"
    return Violated(detail, related=(earlier.evidence,), values=Values(str(later.cseq), str(earlier.cseq + 1)))


RULE = Rule(
    id="R3261-22.2-cseq-retry",
    title="Credentials retry after 401/407 reuses the CSeq",
    short_title="The retry with credentials reuses its CSeq",
    question="whether the retry with credentials counts CSeq up",
    clause="RFC 3261 §22.2 last ¶, §8.1.3.5",
    force="MUST",
    severity="error",
    at_fault="UAC",
    group="B",
    subject="step",
    check=check,
    explains=(400, 401, 407, 482, 500, "silence"),
    applies_if=marks.RETRY,
    violates_only_if=marks.NOT_RAISED,
    needs=(Need.C2S,),
    supersedes=("R3261-10.2-cseq-increment", "R7616-digest-outcome", "R3261-22.1-same-credentials"),
    why="Registrars take it for a retransmission of the challenged request and send the 401 again.",
    fix="raise CSeq by one, and make a new branch, for the request that carries the credentials",
    etsi=("RG_RT_V_007",),
    examples=(
        bad("> REGISTER sip:example.com\nCSeq: 1\n< 401\n> REGISTER sip:example.com\nCSeq: 1\nAuthorization: {bob x}"),
        bad(
            """
            > REGISTER sip:example.com
            CSeq: 1
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKsame
            < 401
            > REGISTER sip:example.com
            CSeq: 1
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKsame
            Authorization: {bob x}
            """,
            title="the branch is the same too",
        ),
        bad("> REGISTER sip:example.com\n< 407\n> REGISTER sip:example.com\nCSeq: 1\nProxy-Authorization: {bob x}"),
        good(
            """
            > REGISTER sip:example.com
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa
            @0.5 < 401
            @0.52 > REGISTER sip:example.com
            Authorization: {bob x}
            @0.53 > REGISTER sip:example.com
            CSeq: 1
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa
            """,
            title="a late retransmission of the first request crosses the retry",
        ),
        good(
            "> REGISTER sip:example.com\nCSeq: 1\n< 200\n@60 > REGISTER sip:example.com\nCSeq: 1", title="no challenge"
        ),
    ),
)
