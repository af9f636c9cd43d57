"""A challenge offers `qop`, or the password is protected the way it was in 1997.

Digest authentication has two formulas. With `qop="auth"` the phone adds a random value of its own (cnonce) and a
counter (nc) to what it hashes: a recorded answer cannot be played again, and tables of hashes prepared in advance are
useless.
Without qop the phone must fall back to the older formula (RFC 2069), which has neither. So a server has to offer qop in
every challenge, in quotes: `qop="auth"`, or a list, `qop="auth,auth-int"`.

Asterisk's old channel driver chan_sip never sends it, and no setting changes that; its successor PJSIP does.
"""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, InProfile, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.challenges import by_realm
from analyzer.register.subjects import MessageSubject
from analyzer.sip.auth import Challenge
from analyzer.sip.text import clip


def check(subject: MessageSubject, context: CaptureContext) -> Sequence[Answer]:
    """Look for qop in each Digest challenge (RFC 3261 22.4 item 8, RFC 7616 3.3): one answer for each realm."""
    del context
    challenges = by_realm(subject.message)
    server = subject.transaction.destination.host
    return [_judged(realm, rows, server) for realm, rows in challenges.items()] or [NOT_APPLICABLE]


def _judged(realm: str, rows: list[Challenge], server: str) -> Answer:
    for row in rows:
        wrong = _wrong(row)
        if wrong:
            values = _values(row)
            return Violated(
                f"the challenge for realm {clip(realm)!r} {wrong}", group_key=(server, realm), values=values
            )
    return PASSED


def _values(challenge: Challenge) -> Values:
    if challenge.qop is None:
        return Values("no qop", "qop")
    if not challenge.qop_options:
        return Values("an empty qop", "a value of qop")
    shown = clip(challenge.qop)
    return Values(f"qop={shown}", f'qop="{shown}"')


def _wrong(challenge: Challenge) -> str:
    """What is wrong with the qop of a challenge; empty if nothing."""
    qop = challenge.qop
    if qop is None:
        return "offers no qop"
    if not challenge.qop_options:
        return "has an empty qop"
    return "" if challenge.is_quoted("qop") else f"has its qop without quotes: qop={clip(qop)}"


RULE = Rule(
    id="R3261-22.4-qop-offered",
    title="Challenge without qop",
    short_title="Challenge without qop",
    question="whether the challenges offer qop",
    clause="RFC 3261 §22.4 item 8; RFC 8760 §2.6 item 8; RFC 7616 §3.3",
    force="MUST",
    severity="warning",
    at_fault="registrar",
    group="F",
    profiles=(InProfile("modern", severity="error"),),  # RFC 7616 3.3: qop "MUST be used by all implementations"
    subject="message",
    check=check,
    applies_if=marks.CHALLENGE,
    observed_at="last",
    why="Forces the RFC 2069 formula: no client nonce, no replay counter. True of every chan_sip.",
    fix="Asterisk: chan_sip cannot send qop, move the phones to chan_pjsip (pjsip.conf); Kamailio and OpenSIPS: give "
    'www_challenge() its qop argument ("1" or "auth")',
    stacks=(
        "Asterisk's chan_sip: never offers qop",
        "Net::SIP 0.835 as a registrar: no qop",
    ),
    examples=(
        bad(
            """
            > REGISTER sip:10.49.0.2
            < 401
            WWW-Authenticate: Digest algorithm=MD5, realm="xivo", nonce="360fd7e8"
            > REGISTER sip:10.49.0.2
            Authorization: {kk80ei secret}
            < 200
            """,
            title="Asterisk chan_sip",
            severity="warning",
            log=True,
        ),
        bad('> REGISTER sip:h\n< 401\nWWW-Authenticate: Digest realm="h", nonce="x", qop=""', title="an empty qop"),
        bad('> REGISTER sip:h\n< 401\nWWW-Authenticate: Digest realm="h", nonce="x", qop=auth', title="without quotes"),
        bad(
            """
            > REGISTER sip:h
            < 401
            WWW-Authenticate: Digest realm="h", nonce="x1"
            @1800 > REGISTER sip:h
            < 401
            WWW-Authenticate: Digest realm="h", nonce="x2"
            """,
            title="once for the realm, with a count",
        ),
        bad(
            """
            > REGISTER sip:h
            < 407
            Proxy-Authenticate: Digest realm="a", nonce="x1"
            Proxy-Authenticate: Digest realm="b", nonce="x2"
            """,
            "",
            "",
            title="two realms",
        ),
        good('> REGISTER sip:h\n< 401\nWWW-Authenticate: Digest realm="h", nonce="x", qop="auth"'),
        good(
            '> REGISTER sip:h\n< 401\nWWW-Authenticate: Digest realm="h", nonce="x", qop="auth,auth-int"', title="list"
        ),
        good(
            '> REGISTER sip:h\n< 401\nWWW-Authenticate: Digest realm="h", nonce="x", QOP="x-new, auth"', title="token"
        ),
        good(
            '> REGISTER sip:h\n< 401\nWWW-Authenticate: Digest realm="h", nonce="x", algorithm=AKAv1-MD5, qop="auth"',
            title="a mobile network's challenge has qop too",
        ),
        good('> REGISTER sip:h\n< 401\nWWW-Authenticate: Bearer realm="h"', title="another scheme has no qop"),
        good("> REGISTER sip:h\n< 200", title="no challenge"),
    ),
)
