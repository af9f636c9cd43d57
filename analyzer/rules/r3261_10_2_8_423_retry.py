"""After 423 (Interval Too Brief) a phone asks again, with every expiry at least as long as Min-Expires says.

A registrar that finds a registration too short answers 423 and names the shortest one it takes in Min-Expires. The
phone may then try again, once all its contacts ask for at least that. A phone that repeats the old value gets 423 for
ever and is never registered; from the third such round on this is an error.

The common slip is to raise the Expires header and to leave `;expires=60` behind the contact: where both are there, the
parameter at the contact wins. Contacts that are being removed (expires=0) need not be raised, and a phone that says
nothing at all leaves the choice to the registrar, which is fine. One that does not try again (`never-retried`) broke no
rule but is not registered either.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.attempt import LONGEST, Attempt
from analyzer.register.requested import requested_expiry
from analyzer.register.subjects import AttemptSubject
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address
from analyzer.sip.text import clip

_MANY = 3


def check(subject: AttemptSubject, context: CaptureContext) -> Iterator[Answer]:
    """Compare each request after a 423 with its Min-Expires (RFC 3261 10.2.8): one answer for each 423."""
    del context
    links = subject.attempt.transactions
    if not any(_minimum(link) for link in links):
        yield NOT_APPLICABLE
        return
    low = 0
    for earlier, later in pairwise(links):
        if _minimum(earlier):
            answer = _retried(earlier, later, low + 1)
            low += isinstance(answer, Violated)
            yield answer
    if _minimum(links[-1]):
        yield _never_retried(subject.attempt)


def _minimum(transaction: Transaction) -> int | None:
    """Min-Expires of a 423, seconds; None for other responses and for a 423 that names none (R3261-10.3-7-423)."""
    final = transaction.final
    return final.min_expires if final is not None and final.status == 423 else None


def _retried(earlier: Transaction, later: Transaction, number: int) -> Answer:
    request, minimum = later.request, _minimum(earlier) or 0
    if request is None or request.raw_message.missing:
        return NotJudged(Need.WHOLE.value)
    for contact in request.contacts:
        asked = None if contact.star else requested_expiry(contact, request.expires)
        if asked and asked < minimum:
            assert earlier.final is not None
            return Violated(
                _sentence(contact, asked, request.expires, minimum, number),
                severity="error" if number >= _MANY else "warning",
                at=later.evidence,
                related=(earlier.final.raw_message.evidence,),
                values=Values(str(asked), f"at least {minimum}"),
            )
    return PASSED


def _sentence(contact: Address, asked: int, header: int | None, minimum: int, number: int) -> str:
    named = clip(contact.uri.text if contact.uri else contact.raw.strip())
    overruled = contact.expires is not None and header is not None and header >= minimum
    why = f"; the header Expires: {header} does not help, the parameter wins" if overruled else ""
    times = f" (round {number})" if number > 1 else ""
    return f"423 asked for at least {minimum} s, and the next request asks {asked} s for {named}{why}{times}"


def _never_retried(attempt: Attempt) -> Answer:
    """The client did not go on after a 423, as far as the source goes."""
    if attempt.outcome == "open" or len(attempt.transactions) >= LONGEST:
        return NotJudged(Need.TAIL.value)
    text = f"423 asked for at least {_minimum(attempt.last)} s, and no other request came within 32 s"
    return Violated(text, sub="never-retried", severity="info", at=attempt.last.evidence)


def _round(*headers: str) -> str:
    return "\n".join(["> REGISTER sip:example.com", *headers, "< 423", "Min-Expires: 300", ""])


_LOW = ("Contact: <sip:b@h>;expires=60", "Expires: 300")


RULE = Rule(
    id="R3261-10.2.8-423-retry",
    title="Retry after 423 does not raise every expiry to Min-Expires",
    short_title="The retry after 423 asks for too little",
    sub_titles={"never-retried": "The phone does not ask again after 423"},
    question="whether the phone raises its expiry after 423",
    clause="RFC 3261 §10.2.8, §21.4.17",
    force="MAY",
    severity="warning",
    at_fault="UAC",
    group="D",
    subject="attempt",
    check=check,
    explains=(423,),
    is_momentary=True,
    applies_if=marks.TOO_BRIEF,
    why="Endless 423 loop, never registered.",
    fix="set the phone's registration interval (often `Register Expires`) to the registrar's Min-Expires or more, or "
    "lower the registrar's minimum (Kamailio: `min_expires`; Asterisk raises short ones by itself, to `minexpiry` in "
    "sip.conf or `minimum_expiration` in the aor of pjsip.conf)",
    examples=(
        bad(
            _round("Expires: 60") + "> REGISTER sip:example.com\nExpires: 300\nContact: <sip:b@h>;expires=60\n< 200",
            title="only the header was raised",
            severity="warning",
        ),
        bad(
            _round("Expires: 60") + "> REGISTER sip:example.com\nExpires: 299\n< 200",
            title="one second too few",
        ),
        bad(
            _round(*_LOW) + "> REGISTER sip:example.com\nContact: <sip:b@h>;expires=300, <sip:c@h>;expires=60\n< 200",
            title="one of two contacts",
        ),
        bad(_round(*_LOW) * 4 + "@60 . ", "", "never-retried", title="round after round", severity="error"),
        bad(_round(*_LOW), "never-retried", title="given up", severity="info", tail=60),
        good(_round("Expires: 60") + "> REGISTER sip:example.com\nContact: <sip:b@h>;expires=300\n< 200"),
        good(_round("Expires: 60") + "> REGISTER sip:example.com\nExpires: 300\n< 200", title="the header alone"),
        good(
            _round("Expires: 60") + "> REGISTER sip:example.com\nExpires: 30\nContact: <sip:b@h>;expires=300\n< 200",
            title="the parameter wins this way too",
        ),
        good(
            _round("Expires: 60")
            + "> REGISTER sip:example.com\nContact: <sip:b@h>;expires=300, <sip:c@h>;expires=0\n< 200",
            title="what is removed need not be raised",
        ),
        good(_round("Expires: 60") + "> REGISTER sip:example.com\n-Expires\n< 200", title="left to the registrar"),
        good(
            "> REGISTER sip:example.com\nExpires: 60\n< 423\n> REGISTER sip:example.com\nExpires: 60\n< 200",
            title="a 423 without Min-Expires names nothing to raise to",
        ),
        good(
            _round("Expires: 60") + "dst=198.51.100.2:5060 > REGISTER sip:example.com\nExpires: 60\n< 200",
            title="another registrar may have another minimum",
        ),
        good(_round("Expires: 60"), title="the capture ends too early to tell"),
        good("> REGISTER sip:example.com\n< 200", title="no 423"),
    ),
)
