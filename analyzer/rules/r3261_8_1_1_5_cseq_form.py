"""CSeq is a number below 2^31 and the method of the request, as in `CSeq: 4711 REGISTER`.

By CSeq a registrar tells a new request from an old one, so it has to be able to count with it. The sender must stay
below 2^31 (RFC 3261 8.1.1.5), which leaves room to count up; a number from there to 2^32-1 (`range`) can still be
expressed, and is a warning, one beyond cannot, and a registrar answers 400 or reads some other number. The method
behind it repeats that of the first line, in capitals too, for methods are case-sensitive (`method`): they disagree
where a program built one request out of another. What is not digits, blanks and one method (`malformed`) cannot be
counted at all, or not by everyone: one test tool is known to leave the old number behind the new one.

Leading zeros are legal, and so is CSeq 0. A request without CSeq is for R3261-8.1.1-mandatory.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Rule, Values, Violated, bad, good
from analyzer.judge.values import apart
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.sip.cseq import CSeq
from analyzer.sip.message import Message
from analyzer.sip.text import clip

_EXPRESSIBLE = 2**32


def check(subject: MessageSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at number and method of CSeq (RFC 3261 8.1.1.5, 20.16)."""
    del context
    message = subject.message
    written = message.first("cseq") if message.is_request else None
    if written is None:
        yield NOT_APPLICABLE
        return
    wrong = list(_wrong(message, written, message.cseq))
    yield from wrong or (PASSED,)


def _wrong(message: Message, written: str, cseq: CSeq | None) -> Iterator[Violated]:
    if cseq is None:
        detail = f"CSeq is {clip(written)!r}, no number and method"
        yield Violated(detail, sub="malformed", values=apart(clip(written), f"a number and {message.method}"))
        return
    codes = {defect.code for defect in cseq.defects}
    if "bad-cseq" in codes:
        detail, right = f"CSeq is {clip(written)!r}, more than a number and a method", f"{cseq.number} {cseq.method}"
        yield Violated(detail, sub="malformed", values=apart(clip(written), clip(right)))
    elif cseq.method != message.method:
        detail = f"CSeq names the method {clip(cseq.method)}, the request is {clip(message.method)}"
        yield Violated(detail, sub="method", values=Values(clip(cseq.method), clip(message.method)))
    if "cseq-out-of-range" in codes:
        beyond = cseq.number >= _EXPRESSIBLE
        limit = "beyond what 32 bits express" if beyond else "not below 2^31 (2147483648)"
        detail, values = f"CSeq is {clip(written)}, {limit}", Values(clip(written.split()[0], 40), "at most 2147483647")
        yield Violated(detail, sub="range", severity="error" if beyond else "warning", values=values)


RULE = Rule(
    id="R3261-8.1.1.5-cseq-form",
    title="CSeq malformed, wrong method, or out of range",
    short_title="CSeq is no number and method",
    sub_titles={"range": "The CSeq number is too large", "method": "CSeq names another method than the request"},
    question="whether CSeq is a proper number with the request's method",
    clause="RFC 3261 §8.1.1.5, §20.16; RFC 4475 §3.1.2.4, §3.1.2.17",
    force="MUST",
    severity="error",
    at_fault="UAC",
    group="A",
    subject="message",
    check=check,
    explains=(400, 500, "silence"),
    applies_if=marks.REQUEST,
    violates_only_if=marks.ODD_VALUES,
    why="Registrar must answer 400; ordering is meaningless.",
    fix="update the phone's firmware: CSeq starts below 2^31, counts up by one with each REGISTER, and ends with the "
    "method of the request",
    examples=(
        bad("> REGISTER sip:example.com\nCSeq: 36893488147419103232 REGISTER", "range", severity="error"),
        bad("> REGISTER sip:example.com\nCSeq: 4294967296 REGISTER", "range", severity="error"),
        bad("> REGISTER sip:example.com\nCSeq: 2147483648 REGISTER", "range", severity="warning"),
        bad("> REGISTER sip:example.com\nCSeq: 4294967295 REGISTER", "range", severity="warning"),
        bad("> REGISTER sip:example.com\nCSeq: 7 register", "method", severity="error", title="case counts"),
        bad("> REGISTER sip:example.com\nCSeq: 7 INVITE", "method", severity="error"),
        bad("> REGISTER sip:example.com\nCSeq: -7 REGISTER", "malformed", severity="error"),
        bad("> REGISTER sip:example.com\nCSeq: REGISTER 7", "malformed", severity="error"),
        bad("> REGISTER sip:example.com\nCSeq: 8 7 REGISTER", "malformed", severity="error", title="the old one too"),
        bad("> REGISTER sip:example.com\nCSeq: 8REGISTER", "malformed", severity="error", title="no blank"),
        bad("> REGISTER sip:example.com\nCSeq: 5000000000 INVITE", "method", "range", title="two faults at once"),
        good("> REGISTER sip:example.com\nCSeq: 0009 REGISTER", title="leading zeros"),
        good("> REGISTER sip:example.com\nCSeq: 0 REGISTER"),
        good("> REGISTER sip:example.com\nCSeq: 2147483647 REGISTER", title="the largest that may be sent"),
        good("> REGISTER sip:example.com\nCSeq: 7 \t REGISTER", title="any blanks"),
        good("> REGISTER sip:example.com\n-CSeq", title="without CSeq another rule speaks"),
        good("> REGISTER sip:example.com\n< 200\nCSeq: 7 register", title="an answer repeats what it was asked"),
        good("> INVITE sip:bob@example.com\nCSeq: 7 REGISTER", title="only registrations are judged"),
    ),
)
