"""Each new request has a branch of its own, and a repeated one is the same to the octet.

The branch names the transaction, and is unique over all requests that a phone ever sends (RFC 3261 8.1.1.7). Only
copies of one request share it, and CANCEL and ACK, of which a registration has none. A server that keeps transactions
compares branch, sent-by and method (17.2.3), takes a new request with an old branch (`reuse`) for a copy, and sends the
old answer again: for 32 seconds after it the phone gets no other. That is an error where the phone is seen to wait in
vain; where it is answered all the same, the server looks at more than the branch.

A copy with another Contact, Expires, body or other credentials (`mutated-retransmission`) is a new request that has the
name and number of the old one: what it asks for may never be read. Where only the response to the same nonce is counted
on, or drawn anew, nothing else is asked for, and it is a note. What changes on the way is not meant (`received`,
`rport`, or what stands on the other side of a translator). RFC 3665 prints one branch in all its flows; each of them is
a capture of its own.
"""

from __future__ import annotations

from analyzer.evidence import Fidelity
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import PASSED, Answer, Need, Rule, Severity, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.branches import EarlierUse
from analyzer.register.subjects import ClosedSubject
from analyzer.sip.auth_headers import CREDENTIALS, HEADER_NAMES
from analyzer.sip.message import Message
from analyzer.sip.text import clip
from analyzer.sip.timers import TIMER_F

_TOLD = {"contact": "Contact", "expires": "Expires", **{key: HEADER_NAMES[key] for key in CREDENTIALS}}


def check(subject: ClosedSubject, context: CaptureContext) -> Answer:
    """Hold a request against the client's earlier ones, and its copies against it (RFC 3261 8.1.1.7, 17.1.2.2)."""
    del context
    if subject.transaction.reuses is not None:
        return _reused(subject, subject.transaction.reuses)
    return _mutated(subject) or PASSED


def _reused(subject: ClosedSubject, before: EarlierUse) -> Answer:
    transaction = subject.transaction
    late = transaction.first is not None and before.ended is not None and transaction.first - before.ended > TIMER_F
    in_vain = transaction.final is None and transaction.state == "timeout"
    severity: Severity = "error" if in_vain and not late else "warning"
    same = before.call_id == transaction.call_id
    was = f"CSeq {before.cseq}" if same else f"Call-ID {clip(before.call_id)}, CSeq {before.cseq}"
    end = f"answered with {before.status}" if before.status else "not answered"
    detail = f"the REGISTER with CSeq {transaction.cseq} has the branch {clip(transaction.branch)} of {was}, {end}"
    if in_vain:
        detail += "; it gets no answer of its own"
    explains = None if severity == "error" else ()
    values = Values(clip(transaction.branch), "a new branch")
    return Violated(detail, "reuse", severity, related=(before.evidence,), explains=explains, values=values)


def _mutated(subject: ClosedSubject) -> Answer | None:
    transaction, request = subject.transaction, subject.transaction.request
    for copy in transaction.changed if request is not None else ():
        assert request is not None
        raw_message = copy.raw_message
        same_way = (raw_message.source, raw_message.destination) == (transaction.source, transaction.destination)
        if not same_way or raw_message.missing or request.raw_message.missing:
            continue  # a box between may have changed it; or what differs is cut off
        if differ := _differences(request, copy):
            at, related = raw_message.evidence, (transaction.evidence,)
            detail = f"a copy of the REGISTER with CSeq {transaction.cseq} and the same branch has another {differ}"
            severity: Severity = "info" if _is_counted_on(request, copy, differ) else "error"
            values = Values(f"another {differ}", f"the same {differ}")
            return Violated(detail, "mutated-retransmission", severity, at=at, related=related, values=values)
    return None


def _differences(request: Message, copy: Message) -> str:
    names = [name for key, name in _TOLD.items() if request.all(key) != copy.all(key)]
    printed = copy.raw_message.fidelity is Fidelity.TEXT_LOG
    if not printed and request.body != copy.body:
        names.append("body")
    return " and ".join(names)


def _is_counted_on(request: Message, copy: Message, differ: str) -> bool:
    """Only the credentials differ, and answer the same challenge for the same user: the copy asks for nothing else."""
    one, two = ([(row.username, row.nonce) for row in message.credentials] for message in (request, copy))
    return one == two and differ in ("Authorization", "Proxy-Authorization")


_A, _B = ("Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK" + name for name in "ab")
_FIRST = f"> REGISTER sip:example.com\n{_A}\n"
_ANEW = "@0.5 > REGISTER sip:example.com\nCSeq: 1\n"

RULE = Rule(
    id="R3261-8.1.1.7-branch-reuse",
    title="Branch reused for another request, or a retransmission that differs",
    short_title="A new request has the branch of an old one",
    sub_titles={"mutated-retransmission": "A repeated request is not the same request"},
    question="whether each request has a branch of its own",
    clause="RFC 3261 §8.1.1.7, §17.1.2.2, §17.2.3, §8.1.2",
    force="MUST",
    severity="error",
    at_fault="UAC",
    group="G",
    subject="closed",
    check=check,
    violates_only_if=marks.REUSED_BRANCH,
    explains=("silence",),
    needs=(Need.C2S,),
    why="Registrar answers the new request with the old response (up to 32 s).",
    fix="update the phone's firmware, or the script that sends: draw a new branch for each new request, also for the "
    "one with credentials and for each refresh, and repeat a request octet for octet",
    examples=(
        bad(
            f"{_FIRST}< 401\n> REGISTER sip:example.com\n{_A}\nAuthorization: {{bob x}}\n< 200",
            "reuse",
            severity="warning",
            title="the request with credentials has the branch of the first, and is answered",
            tail=60,
        ),
        bad(
            f"{_FIRST}< 401\n@0.1 > REGISTER sip:example.com\n{_A}\nAuthorization: {{bob x}}\n"
            "to=1 < again\n@1 > again\n@1.1 to=1 < again\n",
            "reuse",
            severity="error",
            title="the registrar repeats its 401",
            tail=60,
        ),
        bad(
            f"{_FIRST}< 200\n@1800 > REGISTER sip:example.com\n{_A}\n< 200",
            "reuse",
            severity="warning",
            title="a refresh long after",
            tail=60,
        ),
        bad(
            f"{_FIRST}< 200\n@5 > REGISTER sip:example.com\n{_A}\nCall-ID: other\n< 200",
            "reuse",
            title="under another Call-ID",
            tail=60,
        ),
        bad(
            f"{_FIRST}{_ANEW}{_A}\nContact: <sip:bob@192.0.2.10:5062>\n< 200",
            "mutated-retransmission",
            severity="error",
            title="another Contact in a copy",
            tail=60,
        ),
        bad(
            f"{_FIRST}{_ANEW}{_A}\nExpires: 60\n",
            "mutated-retransmission",
            title="without an answer",
            tail=60,
        ),
        bad(
            f"{_FIRST}< 401\n> REGISTER sip:example.com\n{_B}\nAuthorization: {{bob x}}\n"
            f"@0.6 > REGISTER sip:example.com\n{_B}\nCSeq: 2\nAuthorization: {{bob x nc=00000002}}\n< 200",
            "mutated-retransmission",
            severity="info",
            title="a copy counts the nonce on",
            tail=60,
        ),
        good(f"@0 {_FIRST}@0.5 > again\n@0.6 < 200", title="two copies", tail=60),
        good(f"{_FIRST}< 401\n> REGISTER sip:example.com\n{_B}\nAuthorization: {{bob x}}\n< 200", tail=60),
        good(
            f"{_FIRST}{_ANEW}{_A};received=192.0.2.10\nDate: Sat, 01 Jan 2022 00:00:00 GMT\n< 200",
            title="what may change, and what nobody acts on",
            tail=60,
        ),
        good(
            f"src=192.168.1.5:5060 {_FIRST}@0.01 src=203.0.113.7:1024 > REGISTER sip:example.com\nCSeq: 1\n{_A}\n"
            "Contact: <sip:bob@203.0.113.7:1024>\n< 200",
            title="an ALG rewrote the Contact: captured on both sides",
            tail=60,
        ),
        good(
            f"{_FIRST}< 401\n> REGISTER sip:example.com\nVia: SIP/2.0/UDP 192.0.2.30:5060;branch=z9hG4bKp\n{_A}\n"
            "CSeq: 1\n< 401",
            title="the next hop repeats the lower Via",
            tail=60,
        ),
        good(
            "> REGISTER sip:h\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=1\n< 200\n@60 > REGISTER sip:h\n"
            "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=1\n< 200",
            title="without the cookie it names nothing",
            tail=60,
        ),
    ),
)
