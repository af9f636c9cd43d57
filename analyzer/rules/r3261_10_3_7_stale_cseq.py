"""A registrar does not let an old request change what a newer one has made.

With each binding a registrar keeps the Call-ID and CSeq of the request that made it. A request with the same Call-ID
and a CSeq that is no higher is late or a mistake: the update must be aborted, and the request fails (RFC 3261 10.3
step 7; step 6 has the same for `Contact: *`). A registrar that carries it out lets a request that was held up on the
way bring a contact back, or take it away. One that answers with a 2xx and changes nothing (`unchanged`) breaks less,
but its phone believes that it was refreshed.

Which of the two it is, the list tells by the time that is left: it begins anew, or goes on running out. The same
request once more, on the same branch, is a retransmission and gets the same answer. Once a binding is gone there is
nothing to compare with, so an old request that brings back what was removed breaks no rule. A phone that begins anew
under its old Call-ID after a long silence was restarted: some registrars take that on purpose. Which status a refusal
has, the standard does not say.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.evidence import SECOND
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Confidence,
    Need,
    NotJudged,
    Rule,
    Severity,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.register import marks
from analyzer.register.contacts import read_contact, same_contact
from analyzer.register.overtaken import Overtaken
from analyzer.register.requested import expiry_in
from analyzer.register.subjects import TransactionSubject, is_printed
from analyzer.register.timers import BOOT_SILENCE
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip


class _Change(NamedTuple):
    """What an answer makes of a binding: `done` is what it did, empty where it did nothing."""

    done: str
    left: int | None


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Look at what a 2xx made of a binding that a later request had made (RFC 3261 10.3 step 7)."""
    transaction = subject.transaction
    before, request, final = transaction.overtaken, transaction.request, transaction.final
    if before is None or request is None or final is None:
        return NOT_APPLICABLE
    if not 200 <= final.status < 300:
        return PASSED
    if not final.is_whole:
        return NotJudged(Need.WHOLE.value)
    if is_printed(subject) and context.is_coarse and before.sent == transaction.first:
        return NotJudged(Need.SUBSECOND.value)  # a log may print two messages of one tick in either order
    if before.cseq == transaction.cseq and transaction.via_count > 1:
        return NotJudged("one request may have come by two ways")
    change = _change(request, final, before, context.slack)
    if isinstance(change, NotJudged):
        return change
    name, related = clip(before.contact), (before.evidence, final.raw_message.evidence)
    count = "comes again" if before.cseq == transaction.cseq else f"comes after {before.cseq}"
    late = f"CSeq {transaction.cseq} {count} for {name}"
    answered = f"{final.status} to CSeq"
    values = Values(f"{answered} {transaction.cseq}", f"{answered} above {before.cseq}")
    if not change.done:
        detail = f"{late}, and the {final.status} to it has changed nothing: {change.left} s are left"
        return Violated(detail, "unchanged", "info", related=related, values=values)  # R3261-10.2-cseq-increment is why
    confidence = Confidence.MEDIUM if _crossed(transaction, before) else Confidence.HIGH
    severity: Severity = "warning" if _is_restart(transaction, before) else "error"
    detail = f"{late}, and is carried out: {change.done}"
    return Violated(detail, severity=severity, confidence=confidence, related=related, values=values)


def _change(request: Message, final: Message, before: Overtaken, slack: int) -> _Change | NotJudged:
    """What the list says of the binding."""
    named = read_contact(before.contact)
    listed = [one for one in final.contacts if not one.star and _is(one, named) and expiry_in(final, one) != 0]
    removing = any(one.star or (_is(one, named) and expiry_in(request, one) == 0) for one in request.contacts)
    if not listed:
        return _Change("it is gone", None) if removing else NotJudged("the binding is listed in another form")
    left, now = expiry_in(final, listed[0]), final.raw_message.time
    if removing:
        return _Change("", left)
    if left is None or now is None or before.end is None or before.learned is None:
        return NotJudged("the time that was left is not known")
    if now - before.learned <= slack:
        return NotJudged("the time in between is too short to tell")
    if abs(now + left * SECOND - before.end) <= slack:
        return _Change("", left)
    return _Change(f"its time begins anew with {left} s", left)


def _is(one: Address, other: Address) -> bool:
    return same_contact(one, other)


def _crossed(transaction: Transaction, before: Overtaken) -> bool:
    """Both were on their way at the same time: they may have come in another order than they were seen."""
    return transaction.first is None or before.learned is None or transaction.first < before.learned


def _is_restart(transaction: Transaction, before: Overtaken) -> bool:
    """The phone counts from the beginning, after a silence in which it can have been restarted."""
    if transaction.first is None or before.learned is None or transaction.cseq >= before.cseq:
        return False
    return transaction.first - before.learned > BOOT_SILENCE


_AT = "> REGISTER sip:example.com\n"
_MADE = f"{_AT}CSeq: 9\n< 200\n"
_LISTED = "< 200\nContact: <sip:bob@192.0.2.10:5060>;expires={}"

RULE = Rule(
    id="R3261-10.3-7-stale-cseq",
    title="Out-of-order request processed (same Call-ID, CSeq not higher)",
    short_title="The registrar carries out an old request",
    sub_titles={"unchanged": "The registrar says 200 and does nothing"},
    question="whether old requests are refused",
    clause="RFC 3261 §10.3 steps 6-7, ¶ `in the order that they are received`",
    force="MUST",
    severity="error",
    at_fault="registrar",
    group="E",
    subject="transaction",
    check=check,
    applies_if=marks.OVERTAKEN,
    observed_at="last",
    why="A delayed REGISTER resurrects or deletes a binding.",
    fix="let the registrar compare CSeq within one Call-ID and refuse what is not higher; and let the phone count up "
    "with each new request, which keeps it from being refused",
    etsi=("RG_RR_O_001", "RG_RR_O_002", "RG_RR_O_003"),
    stacks=(
        "Asterisk 16.28, 22.10 (PJSIP): 200 to a lower CSeq, and the binding changes",
        "Kamailio 5.6.3, 6.1.5 refuse it with 400, ejabberd 23.01 with 500",
    ),
    disputed="RFC 3261 names no status for an old CSeq, ETSI TS 102 027 expects 500: the binding is judged, not "
    "the status",
    examples=(
        bad(f"{_MADE}@60 {_AT}CSeq: 8\n{_LISTED.format(3600)}", severity="error", title="the time begins anew"),
        bad(f"{_MADE}@60 {_AT}CSeq: 8\nExpires: 0\n< 200", title="removed by an old request"),
        bad(f"{_MADE}@60 {_AT}CSeq: 9\n{_LISTED.format(3600)}", title="the same CSeq, and another branch"),
        bad(f"{_MADE}@60 {_AT}CSeq: 4\nContact: *\nExpires: 0\n< 200", title="everything is removed"),
        bad(f"{_MADE}@600 {_AT}CSeq: 1\n{_LISTED.format(3600)}", severity="warning", title="a restart, it may be"),
        bad(f"{_MADE}@60 {_AT}CSeq: 9\n{_LISTED.format(3540)}", "unchanged", severity="info"),
        bad(f"{_MADE}@60 {_AT}CSeq: 8\nExpires: 0\n{_LISTED.format(3540)}", "unchanged", title="not removed"),
        good(f"{_MADE}@60 {_AT}CSeq: 8\n< 500", title="refused"),
        good(f"{_MADE}@0.5 > again\n< again", title="a retransmission gets the same answer"),
        good(f"{_MADE}@60 {_AT}CSeq: 10\n{_LISTED.format(3600)}", title="it counts up"),
        good(f"{_MADE}@60 {_AT}CSeq: 1\nCall-ID: other\n{_LISTED.format(3600)}", title="another Call-ID"),
        good(f"{_MADE}@4000 {_AT}CSeq: 1\n{_LISTED.format(3600)}", title="it had run out"),
        good(
            f"{_MADE}@60 {_AT}CSeq: 10\nExpires: 0\n< 200\n@61 {_AT}CSeq: 8\n{_LISTED.format(3600)}",
            title="removed meanwhile: there is nothing to compare with",
        ),
        good(f"{_MADE}@1 {_AT}CSeq: 8\n{_LISTED.format(3600)}", title="at once: the time cannot tell"),
        good(
            f"{_MADE}@60 dst=198.51.100.2:5060 {_AT}CSeq: 8\n{_LISTED.format(3600)}",
            title="another registrar has numbers of its own",
        ),
        good(
            f"{_MADE}@60 {_AT}CSeq: 8\nContact: <sip:bob@192.0.2.11>\n< 200\n"
            "Contact: <sip:bob@192.0.2.11>;expires=3600, <sip:bob@192.0.2.10:5060>;expires=3540",
            title="another contact has no CSeq yet",
        ),
    ),
)
