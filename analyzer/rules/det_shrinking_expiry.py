"""A phone asks each time anew for the time that it wants, not for what it was granted last.

A registrar may grant less than a phone asks for (RFC 3261 10.3 step 7), and the phone refreshes by what it was granted
(10.2.4). Some phones take the granted time for their own wish and ask for that at the next refresh. Where the registrar
takes a little off again, the time sinks with each refresh: 63, 62, 61 ... until it falls below the registrar's minimum,
and the registrar answers 423 (Interval Too Brief). The phone worked for hours or days by then, so nobody looks at its
first request. To grant less is the registrar's right; to take over the granted time as the next wish is the phone's
slip. While the row sinks and is not refused yet, it is told for information (`sinking`).
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Rule, Violated, bad, good
from analyzer.register import marks
from analyzer.register.registration import Registration
from analyzer.register.requested import requested_expiry
from analyzer.register.subjects import TransactionSubject
from analyzer.register.transaction import Transaction

_ROW = 4
"""Values of a row that is told while nothing has come of it."""


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Hold what was asked for against the row before it (heuristic; RFC 3261 10.2.4, 10.2.8, 10.3 step 7)."""
    del context
    transaction, registration = subject.transaction, subject.registration
    if transaction.status == 423:
        return _refused(transaction, registration) if registration is not None else NOT_APPLICABLE
    row = registration.sinking if registration is not None else ()
    if registration is None or len(row) < _ROW or not 200 <= transaction.status < 300:
        return PASSED
    granted = f", and was granted {registration.granted} s now" if registration.granted is not None else ""
    return Violated(f"{_told(row)}{granted}", sub="sinking", severity="info", count=len(row) - 1, explains=())


def _refused(transaction: Transaction, registration: Registration) -> Answer:
    """A 423: did the phone ask for too little because it took over what it was granted?"""
    asked, before, final = _asked(transaction), registration.asked, transaction.final
    assert final is not None
    if asked is None or before is None or asked != registration.granted or asked >= before:
        return PASSED
    row = (*(registration.sinking or (before,)), asked)
    minimum = final.min_expires
    if minimum is not None and not asked < minimum <= row[0]:
        return PASSED  # the registrar wants more than the phone ever asked for
    wants = f", which wants at least {minimum} s" if minimum is not None else ""
    return Violated(
        f"{_told(row)}, until a 423{wants}",
        replaces="sinking",
        count=len(row) - 1,
        related=(final.raw_message.evidence,),
    )


def _asked(transaction: Transaction) -> int | None:
    request = transaction.request
    contacts = request.contacts if request is not None else ()
    if request is None or len(contacts) != 1 or contacts[0].star:
        return None
    return requested_expiry(contacts[0], request.expires)


def _told(row: tuple[int, ...]) -> str:
    values = ", ".join(map(str, row))
    return f"the phone asked for {values} s in turn, each time for what it was granted last"


def _turn(at: int, asked: int, answer: str) -> str:
    return f"@{at} > REGISTER sip:example.com\nContact: <sip:bob@192.0.2.10>;expires={asked}\n{answer}\n"


def _granted(seconds: int) -> str:
    return f"< 200\nContact: <sip:bob@192.0.2.10>;expires={seconds}"


_BRIEF = "< 423\nMin-Expires: 60"
_SINKS = "".join(_turn(30 * turn, 63 - turn, _granted(62 - turn)) for turn in range(4))

RULE = Rule(
    id="DET-shrinking-expiry",
    title="Requested expiry sinks to the granted one at each refresh",
    short_title="The phone asks for less at each refresh",
    question="whether the phone asks anew for the time it wants",
    clause="heuristic (RFC 3261 §10.2.4, §10.2.8, §10.3 step 7)",
    force="none",
    severity="warning",
    at_fault="UAC",
    group="I",
    subject="transaction",
    check=check,
    explains=(423,),
    is_momentary=True,
    violates_only_if=marks.SINKING | marks.TOO_BRIEF,
    why="After hours or days of service the registrar refuses with 423, and the phone is not registered any more.",
    fix="let the phone ask for its configured time at every refresh, and use the granted one only to time it; until it "
    "is mended, let the registrar grant exactly what is asked for",
    examples=(
        bad(_SINKS + _turn(120, 59, _BRIEF), title="63, 62, 61, 60, 59, and then 423", severity="warning"),
        bad(_SINKS, "sinking", title="not refused so far", severity="info"),
        bad(
            _turn(0, 61, _granted(59)) + _turn(30, 59, _BRIEF) + _turn(31, 60, _granted(60)),
            title="one step is enough, and 423 mends it for once",
        ),
        good(_turn(0, 3600, _granted(1800)) + _turn(900, 1800, _granted(1800)), title="sinks once, and stays there"),
        good(
            "".join(_turn(30 * turn, 63, _granted(62 - turn)) for turn in range(4)),
            title="the registrar grants less each time, the phone asks for the same",
        ),
        good(_turn(0, 30, _BRIEF) + _turn(1, 60, _granted(60)), title="the first wish is too short"),
        good(_turn(0, 600, _granted(600)) + _turn(300, 30, _BRIEF), title="somebody set the phone to less"),
        good(
            _turn(0, 300, _granted(60)) + _turn(30, 60, "< 423\nMin-Expires: 600"),
            title="the registrar wants more than the phone ever asked for",
        ),
        good(_turn(0, 3600, _granted(3600)) + _turn(1800, 3600, _granted(3600)), title="as it should be"),
    ),
)
