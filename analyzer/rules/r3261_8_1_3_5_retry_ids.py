"""A request that is tried again after a 401 keeps its Call-ID, From and To.

After 401, 407, 413, 415, 416 and 420 a user agent makes a new request out of the old one, changed as the answer asks,
and with CSeq one higher; Call-ID, To and From should stay (RFC 3261 8.1.3.5). By them the server sees that both belong
together. A phone that draws a new Call-ID for each retry (`callid`) makes the registrar keep twice as much, and one
that ties its nonces to the Call-ID refuses it. Another URI in `from` or `to` makes it a request about somebody else.
A new tag of From alone (`from-tag`) does no harm, and RFC 3665 prints it; it is a remark.

The retry is known by the nonce that it answers, or by its Call-ID.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Effect,
    Need,
    Rule,
    Severity,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.judge.values import apart
from analyzer.register import marks
from analyzer.register.retried import keeps_ids
from analyzer.register.subjects import TransitionSubject
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address
from analyzer.sip.text import clip
from analyzer.sip.uri import uri_equal


def check(subject: TransitionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Compare a retry with the request that it tries again (RFC 3261 8.1.3.5)."""
    del context
    before, later = subject.retried, subject.later
    if before is None:
        yield NOT_APPLICABLE
        return
    wrong = [] if keeps_ids(before, later) else list(_differences(before, later))
    for sub, detail, values in wrong:
        after = f"in the retry after the {before.status}"
        severity: Severity = "info" if sub == "from-tag" else "warning"
        effects: tuple[Effect, ...] = (401, 407) if sub == "callid" else ()  # nonces may be tied to the Call-ID
        yield Violated(f"{detail} {after}", sub, severity, related=(before.evidence,), explains=effects, values=values)
    if not wrong:
        yield PASSED


def _differences(before: Transaction, later: Transaction) -> Iterator[tuple[str, str, Values]]:
    if before.call_id and later.call_id and before.call_id != later.call_id:
        old, new = clip(before.call_id), clip(later.call_id)
        yield "callid", f"Call-ID changes from {old} to {new}", apart(new, old)
    request, again = before.request, later.request
    if request is None or again is None:
        return
    for sub, name, one, two in (("to", "To", request.to, again.to), ("from", "From", request.from_, again.from_)):
        if one is not None and two is not None and not _same_uri(one, two):
            yield sub, f"{name} changes from {_shown(one)} to {_shown(two)}", apart(_shown(two), _shown(one))
    if request.from_ is not None and again.from_ is not None:
        old, new = clip(request.from_.tag or ""), clip(again.from_.tag or "")
        if old and new and request.from_.tag != again.from_.tag:
            yield "from-tag", f"the tag of From changes from {old} to {new}", apart(new, old)


def _same_uri(one: Address, two: Address) -> bool:
    """Whether two addresses name the same; what cannot be read is not compared."""
    return one.uri is None or two.uri is None or uri_equal(one.uri, two.uri)


def _shown(address: Address) -> str:
    return clip(address.uri.text) if address.uri is not None else ""


_ANSWER = "Authorization: {bob x}\n< 200"

RULE = Rule(
    id="R3261-8.1.3.5-retry-ids",
    title="Call-ID / To / From not preserved on a retry after 401/407/413/415/416/420",
    short_title="The retry is not the request that was challenged",
    sub_titles={"callid": "The retry has another Call-ID", "from-tag": "The retry has another From tag"},
    question="whether a retry keeps Call-ID, From and To",
    clause="RFC 3261 §8.1.3.5, §8.1.1.4, §20.20 (From equality includes tag)",
    force="SHOULD",
    severity="warning",
    at_fault="UAC",
    group="B",
    subject="step",
    check=check,
    explains=(401, 407),
    applies_if=marks.RETRIED,
    violates_only_if=marks.NEW_IDS,
    needs=(Need.C2S,),
    why="New Call-ID on every retry doubles registrar state; a changed From tag alone is harmless and printed by RFC "
    "3665.",
    fix="let the phone make the request with credentials out of the one that was challenged: the same Call-ID, From "
    "and To, and CSeq one higher",
    etsi=("RG_RT_V_007",),
    examples=(
        bad(f"> REGISTER sip:h\nCall-ID: a\n< 401\n> REGISTER sip:h\nCall-ID: b\n{_ANSWER}", "callid"),
        bad(f"> REGISTER sip:h\n< 407\n> REGISTER sip:h\nCall-ID: b\nProxy-{_ANSWER}", "callid", severity="warning"),
        bad(f"> REGISTER sip:h\n< 401\n> REGISTER sip:h\nFrom: <sip:al@h>;tag=f1\n{_ANSWER}", "from"),
        bad(
            f"> REGISTER sip:h\n< 401\n> REGISTER sip:h\nTo: <sip:bob@example.com;x=1>\n{_ANSWER}\n> REGISTER sip:h\n"
            "To: <sip:bob@example.com;x=2>\n< 401\n> REGISTER sip:h\nTo: <sip:bob@example.com;x=3>\n" + _ANSWER,
            "to",
        ),
        bad(
            f"> REGISTER sip:h\n< 401\n> REGISTER sip:h\nFrom: <sip:bob@example.com>;tag=f2\n{_ANSWER}",
            "from-tag",
            severity="info",
        ),
        bad("> REGISTER sip:h\n< 420\n> REGISTER sip:h\nFrom: <sip:bob@example.com>;tag=f2\n< 200", "from-tag"),
        bad("> REGISTER sip:h\n< 415\n> REGISTER sip:h\nFrom: <sip:al@h>;tag=f1\n< 200", "from"),
        good(f"> REGISTER sip:h\n< 401\n> REGISTER sip:h\n{_ANSWER}"),
        good(
            f'> REGISTER sip:h\n< 401\n> REGISTER sip:h\nf:  "B" <sip:bob@EXAMPLE.com>;tag=f1\n{_ANSWER}',
            title="another name, another case",
        ),
        good(
            f"> REGISTER sip:h\nCall-ID: a\n< 401\n> REGISTER sip:h\nCall-ID: a\n{_ANSWER}\n@3600 > REGISTER sip:h\n"
            "Call-ID: b\nFrom: <sip:bob@example.com>;tag=f2\n< 200",
            title="a refresh is no retry",
        ),
        good("> REGISTER sip:h\n< 415\n@60 > REGISTER sip:h\nFrom: <sip:al@h>;tag=f1\n< 200", title="not at once"),
        good(
            "> REGISTER sip:h\nCall-ID: a\n< 401\nsrc=192.0.2.11:5060 > REGISTER sip:h\nCall-ID: b\n"
            "Contact: <sip:bob@192.0.2.11>\n< 401",
            title="another phone behind the same address-of-record",
        ),
    ),
)
