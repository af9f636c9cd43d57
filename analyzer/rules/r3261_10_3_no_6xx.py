"""A registrar never answers 6xx.

A global failure says that nobody anywhere will take the request, so whoever gets it must not try elsewhere (RFC 3261
16.7 step 5, 21.6). A registrar speaks for itself alone, and must not generate one (10.3): another registrar of the same
domain, or the same one a moment later, may well accept. `603` is sent all the same by some for a limit that is reached,
by filters against abuse, and by gateways that hand on what a telephone exchange said.

The hop nearest the registrar is looked at. Where a box in front of the registrar made it, that is to blame; only its
own answers, by their Server header, may tell.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.text import clip


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Look for a final response of class 6 (RFC 3261 10.3)."""
    del context
    final = subject.transaction.final
    if final is None:
        return NOT_APPLICABLE
    if final.status < 600:
        return PASSED if subject.transaction.request is not None else NOT_APPLICABLE
    by = final.first("server") or final.first("user-agent")
    who = f" by {clip(by)}" if by else ""
    detail = f"a REGISTER is answered with {final.status} {clip(final.reason)}{who}".rstrip()
    related, values = (subject.transaction.evidence,), Values(str(final.status), "no 6xx")
    return Violated(detail, at=final.raw_message.evidence, related=related, values=values)


_AT = "> REGISTER sip:example.com\n"

RULE = Rule(
    id="R3261-10.3-no-6xx",
    title="Registrar answers 6xx",
    short_title="The registrar answers with a 6xx",
    question="whether the registrar leaves 6xx to others",
    clause="RFC 3261 §10.3 ¶1",
    force="MUST",
    severity="error",
    at_fault="registrar",
    group="E",
    subject="transaction",
    check=check,
    applies_if=marks.ANSWERED | marks.GLOBAL_FAILURE,
    violates_only_if=marks.GLOBAL_FAILURE,
    observed_at="last",
    why="6xx forbids the client to try elsewhere.",
    fix="let the registrar refuse with a 4xx or 5xx that says why (403, 423, 500, 503); look also at what stands in "
    "front of it, a filter or a gateway",
    examples=(
        bad(f"{_AT}< 603 Decline", severity="error"),
        bad(f"{_AT}< 401\n{_AT}Authorization: {{bob x}}\n< 604 Does Not Exist Anywhere", title="after a challenge"),
        good(f"{_AT}< 403"),
        good(f"{_AT}< 503"),
        good("> OPTIONS sip:example.com\n< 603 Decline", title="another method"),
    ),
)
