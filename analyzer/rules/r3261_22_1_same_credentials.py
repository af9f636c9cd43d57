"""What was just refused is not sent again.

A phone must not try again with credentials that were refused a moment ago (RFC 3261 22.1): neither user name nor
password will be better the second time, each try costs the registrar a look-up, and after some of them the account is
locked or the address banned. Said where the phone answered a fresh challenge, was refused all the same, and within a
minute answers the next challenge for the same realm as the same user: once is a warning, and hardly more than a note
where somebody may have typed the password anew; twice in a row is a program that does not stop. A response is
another each time, because the nonce is: that the password is the same is seen where it is known, and taken for granted
else.

Not meant: a nonce that the registrar calls stale, or that was in use before (some registrars forget to call it so);
credentials for a proxy and for a registrar in turn; a 403 to a password that is known to be right, or to one that the
server's own log does not name as the reason; and what was refused for its form, nonce or realm, of which the rule about
that speaks.
"""

from __future__ import annotations

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
from analyzer.judge.lapse import lapse
from analyzer.judge.parameters import AGAIN, HUMAN_RETRY
from analyzer.register import marks
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.text import clip

_RIGHT = (
    "the response is right for the password given: find out why it is refused all the same (the other findings on this "
    "request, the registrar's log), and let the phone wait for minutes between its tries"
)


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Look whether credentials of the request had been refused just before (RFC 3261 22.1, last paragraph)."""
    refusal, sent = subject.signs.refusal, subject.transaction.first
    if not subject.digests:
        return NOT_APPLICABLE
    if refusal is None:
        return PASSED
    if refusal.time is None or sent is None:
        return NotJudged(Need.CLOCK.value)
    gap = sent - refusal.time
    if not 0 <= gap <= AGAIN:
        return PASSED
    after = lapse(refusal.time, sent, context.resolution)
    several = refusal.before > 0
    severity: Severity = "error" if several else "info" if gap > HUMAN_RETRY else "warning"
    times = f", {refusal.before + 2} times in a row" if several else ""
    detail = (
        f"a request with credentials of {clip(refusal.username)!r} for realm {clip(refusal.realm)!r} was refused with "
        f"{refusal.status}, and they are sent again{f' after {after}' if after else ''}{times}"
    )
    sure = Confidence.HIGH if several else Confidence.MEDIUM
    values = Values(f"{refusal.before + 2} times", "once")
    is_right = any(one.verdict == "match" and one.realm == refusal.realm for one in subject.digests)
    fix = _RIGHT if is_right else ""
    return Violated(detail, severity=severity, confidence=sure, related=(refusal.evidence,), fix=fix, values=values)


_PLAIN = "> REGISTER sip:example.com\n< 401\n"
_TRY = "@{} > REGISTER sip:example.com\nAuthorization: {{bob wrong}}\n< {}\n"
_ANEW = "@{} > REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {{bob {}}}\n< {}\n"

RULE = Rule(
    id="R3261-22.1-same-credentials",
    title="Credentials that were just rejected are sent again",
    short_title="The phone repeats what was refused",
    question="whether refused credentials are sent again",
    clause="RFC 3261 §22.1 last ¶",
    force="MUST",
    severity="error",
    at_fault="UAC",
    group="F",
    subject="transaction",
    check=check,
    applies_if=marks.DIGESTS,
    violates_only_if=marks.SIGNS,
    needs=(Need.S2C,),
    why="Wrong password loop; leads to lock-out and fail2ban.",
    fix="enter user name and password at the phone as the registrar has them; a phone that does not stop by itself "
    "should wait for its user, or for minutes",
    examples=(
        bad(_PLAIN + _TRY.format(1, 401) + _TRY.format(2, 401), title="once", severity="warning"),
        bad(
            _PLAIN + "".join(_TRY.format(turn, 401) for turn in range(1, 6)),
            title="each 401 is answered with the same",
            severity="error",
        ),
        bad(_ANEW.format(0, "wrong", 403) + _ANEW.format(30, "wrong", 403), title="after 30 s", severity="info"),
        bad(
            "".join(_ANEW.format(30 * turn, "wrong", 403) for turn in range(4)),
            title="every 30 s, by itself",
            severity="error",
        ),
        bad(_ANEW.format(0, "bad", 403) + _ANEW.format(5, "bad", 200), title="though it was taken the second time"),
        good(_ANEW.format(0, "wrong", 403), title="stops after one"),
        good(_ANEW.format(0, "wrong", 403) + _ANEW.format(120, "wrong", 403), title="two minutes later"),
        good(
            _ANEW.format(0, "wrong", 403) + _ANEW.format(5, "secret", 200),
            passwords={"bob": "secret"},
            title="somebody mended the password",
        ),
        good(
            _ANEW.format(0, "x", 200) + "@600 > REGISTER sip:example.com\nAuthorization: {bob x}\n< 401\n"
            "> REGISTER sip:example.com\nAuthorization: {bob x}\n< 200",
            title="a refresh with the cached nonce, 401 without stale, and anew",
        ),
        good(
            _PLAIN
            + "> REGISTER sip:example.com\nAuthorization: {bob x}\n"
            + '< 401\nWWW-Authenticate: Digest realm="example.com", nonce="n2", qop="auth", stale=true\n'
            + _TRY.format(1, 200),
            title="stale: the nonce was too old",
        ),
        good(
            _PLAIN + "> REGISTER sip:example.com\nAuthorization: {bob x}\n< 401\n"
            "> REGISTER sip:example.com\nAuthorization: {alice x}\n< 200",
            title="another user name",
        ),
        good(
            '> REGISTER sip:h\n< 407\nProxy-Authenticate: Digest realm="h", nonce="p", qop="auth"\n'
            '> REGISTER sip:h\nProxy-Authorization: {bob x}\n< 401\nWWW-Authenticate: Digest realm="h", nonce="r"\n'
            "> REGISTER sip:h\nProxy-Authorization: {bob x nonce=p qop=auth}\nAuthorization: {bob x}\n< 200",
            title="a proxy first, then the registrar",
        ),
        good(
            _ANEW.format(0, "secret", 403) + _ANEW.format(5, "secret", 403),
            passwords={"bob": "secret"},
            title="the password is right: it is authorisation that fails",
        ),
        good(_PLAIN + "> REGISTER sip:example.com\nAuthorization: {bob x}\n< 500\n" + _TRY.format(5, 200)),
    ),
)
