"""CSeq goes up by one, not by more.

RFC 3261 10.2 has the user agent raise CSeq by one for each REGISTER of a Call-ID. A jump harms nobody: a registrar
takes any higher number. From outside it cannot be told from packets that the capture did not see, from requests to a
second registrar, or from requests that a TCP client counted and could not send. So it is a remark, and becomes a
warning only where the pattern speaks for itself: every step of the stream jumps by the same amount, at least three
times, and nothing points to a loss.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import TransitionSubject, is_printed

_PATTERN = 3


def check(subject: TransitionSubject, context: CaptureContext) -> Answer:
    """Compare CSeq with the last one of the Call-ID over all destinations (RFC 3261 10.2)."""
    del context
    earlier, later, stream = subject.stream.last, subject.later, subject.stream
    if earlier is None or earlier.cseq < 0 or later.cseq <= earlier.cseq:
        return NOT_APPLICABLE
    jump = later.cseq - earlier.cseq
    if jump == 1:
        return PASSED
    if stream.is_shared:
        return NOT_APPLICABLE  # another address-of-record may count along (docs/rules/disagreements.md item 9)
    if any(earlier.cseq < orphan < later.cseq for orphan in stream.orphans):
        return PASSED  # a response with a missing number proves its request (docs/rules/traps.md T-LOSS)
    detail = f"CSeq jumps from {earlier.cseq} to {later.cseq}"
    related, values = (earlier.evidence,), Values(str(later.cseq), str(earlier.cseq + 1))
    always = stream.gaps.get(jump, 0) == stream.steps >= _PATTERN - 1  # this step is not counted yet
    if always and not is_printed(subject) and not stream.orphans and not later.stream:
        detail = f"CSeq always goes up by {jump} ({stream.steps + 1} times)"
        return Violated(detail, severity="warning", related=related, count=stream.steps + 1, values=values)
    return Violated(detail, related=related, values=values)


RULE = Rule(
    id="R3261-10.2-cseq-gap",
    title="CSeq advances by more than one for the same Call-ID",
    short_title="CSeq jumps",
    question="whether CSeq goes up by one",
    clause="RFC 3261 §10.2 (CSeq)",
    force="MUST",
    severity="info",
    at_fault="UAC",
    group="B",
    subject="step",
    check=check,
    applies_if=marks.COUNTED,
    violates_only_if=marks.JUMPED,
    needs=(Need.C2S,),
    why="Harmless to a registrar, and indistinguishable from packet loss.",
    fix="raise CSeq by exactly one for each new REGISTER of a Call-ID",
    etsi=("RG_RT_V_011",),
    examples=(
        bad("> REGISTER sip:example.com\nCSeq: 2\n< 200\n@60 > REGISTER sip:example.com\nCSeq: 4", severity="info"),
        bad(
            "".join(f"@{60 * number} > REGISTER sip:example.com\nCSeq: {number}\n< 200\n" for number in (1, 3, 5, 7)),
            severity="warning",
            title="always 1, 3, 5, 7",
        ),
        good(
            """
            > REGISTER sip:example.com
            CSeq: 2
            < 200
            @30 < 200
            CSeq: 3 REGISTER
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKlost
            @90 > REGISTER sip:example.com
            CSeq: 4
            """,
            title="the answer to the missing number was seen",
        ),
        good("> REGISTER sip:example.com\nCSeq: 1\n< 401\n> REGISTER sip:example.com\nCSeq: 2\nAuthorization: {bob x}"),
        good(
            """
            > REGISTER sip:example.com
            CSeq: 1
            dst=198.51.100.2:5060 > REGISTER sip:example.com
            CSeq: 2
            > REGISTER sip:example.com
            CSeq: 3
            """,
            title="the missing number went to the other registrar",
        ),
    ),
)
