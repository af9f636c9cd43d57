"""An answer repeats what the request said of itself: From, To, Call-ID, CSeq and Via.

By these a phone knows which of its requests is answered (RFC 3261 17.1.3, 8.1.3.3), so a server copies them: From,
with its tag, Call-ID, CSeq and every Via in order, and To, to which it may only add a tag (8.2.6.2). What it changes
makes the phone throw the answer away: it sends again until it gives up, with a registrar that thinks all is well.
Sub-codes: `from`, `to`, `callid` and `cseq` name the header; `via` an answer with the Via of an older request (a server
that keeps answers by Call-ID and CSeq alone takes a phone that begins again at CSeq 1 for a retransmission);
`multi-via` one that reaches its phone with more Via values than the request had.

One request has one final response, sent again as it was for each copy of the request (17.2.2); a registrar cannot do
without memory (8.2.7). Two of different status (`multi-final`) leave it to chance which the phone hears; one that asks
for credentials anew costs no more than another round. Two tags in To
(`tag-varies`) look like two servers. A fresh nonce in each copy of a challenge is no other response.

Legal are what 18.2.1 and RFC 3581 add to Via (`received`, the value of `rport`), other blanks, other case in a host
name and another display name.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
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
from analyzer.register.subjects import ClosedSubject, TransactionSubject
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address
from analyzer.sip.auth_headers import CHALLENGED_IN
from analyzer.sip.cseq import CSeq
from analyzer.sip.message import Message
from analyzer.sip.text import clip
from analyzer.sip.uri import uri_equal


def check(subject: TransactionSubject | ClosedSubject, context: CaptureContext) -> Iterator[Answer]:
    """Compare the first final response with its request (RFC 3261 8.2.6.2), and the others with it (17.2.2)."""
    del context
    transaction = subject.transaction
    request, final = transaction.request, transaction.final
    if isinstance(subject, ClosedSubject):
        yield from list(_others(subject.transaction)) or [NOT_APPLICABLE]
    elif request is None:
        yield NOT_APPLICABLE
    elif final is None:
        yield _old(subject, transaction.old_answer)
    elif request.raw_message.missing or final.raw_message.missing:
        yield NOT_APPLICABLE
    else:
        differ = list(_differences(request, final))
        for sub, detail, values in differ:
            yield Violated(detail, sub, at=final.raw_message.evidence, related=(transaction.evidence,), values=values)
        if not differ:
            yield PASSED


def _others(transaction: Transaction) -> Iterator[Answer]:
    """Further final responses that are not the first once more. Where copies of the request differ, so may these."""
    first = transaction.final
    if first is None or transaction.changed_count:
        return
    at, told = first.raw_message.evidence, set()
    for other in transaction.later_finals:
        sub, related = "multi-final" if other.status != first.status else "tag-varies", (other.raw_message.evidence,)
        if sub in told or other.raw_message.missing or first.raw_message.missing:
            continue
        asked = first.status in CHALLENGED_IN and other.status not in CHALLENGED_IN
        if sub == "multi-final" and asked and not transaction.retransmissions:
            continue  # a client that keeps branch and CSeq has answered, and the capture lacks that request
        told.add(sub)
        if sub == "multi-final":
            detail = f"one request is answered with {first.status} and then with {other.status}"
            asks = other.status in CHALLENGED_IN  # the copy was taken for a new request, and the phone goes on
            severity: Severity = "warning" if asks else "error"
            values = Values(str(other.status), str(first.status))
            yield Violated(detail, sub, severity, at=at, related=related, explains=(), values=values)
        else:
            detail = f"To has tag {_tag(first)} in one copy of the {first.status}, and {_tag(other)} in another"
            values = apart(_tag(other, "tag="), _tag(first, "tag="))
            yield Violated(detail, sub, "warning", at=at, related=related, explains=(), values=values)


def _tag(message: Message, before: str = "") -> str:
    tag = message.to.tag if message.to is not None else None
    return f"{before}{clip(tag)}" if tag else "none"


def _old(subject: TransactionSubject, answer: Message | None) -> Answer:
    if answer is None:
        return NOT_APPLICABLE
    transaction = subject.transaction
    branch = clip((answer.via.branch if answer.via else "") or "none")
    detail = (
        f"the {answer.status} to CSeq {transaction.cseq} has the Via of an older request (branch {branch}, "
        f"not {clip(transaction.branch)})"
    )
    at, values = answer.raw_message.evidence, apart(branch, clip(transaction.branch) or "none")
    return Violated(detail, "via", at=at, related=(transaction.evidence,), values=values)


def _differences(request: Message, final: Message) -> Iterator[tuple[str, str, Values]]:
    if not _same(request.from_, final.from_, tag=True):
        yield _header("from", "From", _written(final, "from"), _written(request, "from"))
    if not _same(request.to, final.to, tag=request.to is not None and bool(request.to.tag)):
        yield _header("to", "To", _written(final, "to"), _written(request, "to"))
    if request.call_id != final.call_id:
        yield _header("callid", "Call-ID", clip(final.call_id), clip(request.call_id))
    if not _is_same_count(request.cseq, final.cseq):
        yield _header("cseq", "CSeq", _written(final, "cseq"), _written(request, "cseq"))
    if len(final.vias) > len(request.vias):
        due = len(request.vias)
        values = Values(f"{len(final.vias)} Via values", f"{due} Via value{'s' * (due != 1)}")
        yield "multi-via", f"it has {len(final.vias)} Via values, the request had {len(request.vias)}", values


def _header(sub: str, name: str, is_now: str, was: str) -> tuple[str, str, Values]:
    return sub, f"{name} is {is_now}, in the request it was {was}", apart(is_now, was)


def _is_same_count(one: CSeq | None, two: CSeq | None) -> bool:
    """Whether two CSeq say the same; Asterisk writes one blank where sipsak writes four."""
    if one is None or two is None:
        return one is two
    return (one.number, one.method) == (two.number, two.method) and one.raw.split() == two.raw.split()


def _same(one: Address | None, two: Address | None, *, tag: bool) -> bool:
    """Whether two headers name the same, as far as they can be read: a request that lacks one is judged by 8.1.1."""
    if one is None or one.uri is None or not one.raw.strip():
        return True
    if two is None or two.uri is None:
        return False
    return uri_equal(one.uri, two.uri) and (not tag or one.tag == two.tag)


def _written(message: Message, name: str) -> str:
    value = message.first(name)
    return "absent" if value is None else clip(value.strip())


RULE = Rule(
    id="R3261-8.2.6.2-echo",
    title="Response does not mirror the request, or several different finals for one transaction",
    short_title="The answer does not repeat what identifies the request",
    sub_titles={
        "via": "The answer is one to an older request",
        "multi-final": "One request has several final responses",
        "tag-varies": "Copies of one answer have different To tags",
    },
    question="whether answers repeat what identifies their request",
    clause="RFC 3261 §8.2.6.2, §17.2.2, §8.2.7, §18.1.2, §8.1.3.3",
    force="MUST",
    severity="error",
    at_fault="registrar / proxy",
    group="E",
    subject="transaction",
    also=("closed",),
    check=check,
    explains=("silence",),
    applies_if=marks.ANSWERED | marks.ODD_ECHO,
    violates_only_if=marks.ODD_ECHO,
    needs=(Need.C2S, Need.S2C),
    why="The phone discards the answer, sends again and gives up, although the registrar has accepted.",
    fix="update the registrar, proxy or gateway that rewrites answers (an ALG does so, too): From, To, Call-ID, CSeq "
    "and Via go back as they came; and answers are kept by branch, not by Call-ID and CSeq alone",
    examples=(
        bad(
            """
            > REGISTER sip:example.com
            From: <sip:bob@example.com>;tag=JueHGujd28dfga
            < 200
            From: <sip:bob@example.com>;tag=ja743ks76zflfH
            """,
            "from",
        ),
        bad("> REGISTER sip:example.com\n< 200\nTo: <sip:alice@example.com>;tag=1", "to"),
        bad(
            """
            > REGISTER sip:example.com
            CSeq: 1
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKfirst
            < 401
            > REGISTER sip:example.com
            CSeq: 1
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKsecond
            < again
            @40 .
            """,
            "via",
            title="a phone begins again at 1, and is taken for one that repeats itself",
        ),
        bad(
            """
            > REGISTER sip:example.com
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
            < 200
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
            Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bK2
            """,
            "multi-via",
        ),
        bad(
            """
            > REGISTER sip:example.com
            Call-ID: a@192.0.2.10
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
            < 200
            Call-ID: b@192.0.2.10
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
            """,
            "callid",
        ),
        bad(
            """
            > REGISTER sip:example.com
            CSeq: 1
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
            < 200
            CSeq: 2 REGISTER
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
            """,
            "cseq",
        ),
        good("> REGISTER sip:example.com\n< 200"),
        good(
            """
            > REGISTER sip:example.com
            Via: SIP/2.0/UDP 192.0.2.10:5064;rport;branch=z9hG4bK1
            < 200
            Via: SIP/2.0/UDP 192.0.2.10:5064;branch=z9hG4bK1;received=10.0.0.1;rport=5064
            """,
            title="received and rport are added to Via",
        ),
        good(
            """
            > REGISTER sip:example.com
            To: Bob <sip:bob@example.com>
            < 200
            To: <sip:bob@EXAMPLE.com>;tag=1
            """,
            title="display name and case are not compared",
        ),
        bad("> REGISTER sip:example.com\n< 401\n@0.5 > again\n< 403", "multi-final", severity="error"),
        bad(
            "> REGISTER sip:example.com\n< 401\nTo: <sip:bob@example.com>;tag=1\n"
            "@0.5 > again\n< 401\nTo: <sip:bob@example.com>;tag=2",
            "tag-varies",
            severity="warning",
        ),
        bad(
            "> REGISTER sip:example.com\n< 200\n@0.5 > again\n< 401",
            "multi-final",
            severity="warning",
            title="a copy is taken for a new request",
        ),
        good("> REGISTER sip:example.com\n< 200\n@1 < again", title="an answer that is repeated by itself"),
        good("> REGISTER sip:example.com\n< 401\n@0.5 > again\n< 401", title="a fresh nonce for each copy"),
        good("> REGISTER sip:example.com\n< 100\n< 401", title="a provisional one before"),
        good("> REGISTER sip:h\nCSeq: 7    REGISTER\n< 401\nCSeq: 7 REGISTER", title="other blanks in CSeq"),
    ),
)
