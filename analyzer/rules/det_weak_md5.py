"""The registrar lets phones prove their password with MD5 only.

MD5 is kept in Digest authentication for the sake of old phones. Whoever records a registration can try passwords
against it offline, billions in a second; a better hash does not make a weak password good, but it is the direction the
standards have taken (RFC 7616, RFC 8760): a server offers SHA-256 or SHA-512/256 first and MD5 beside it, each in a
header of its own, and a phone takes the first that it knows. A challenge that names no algorithm means MD5.

Not every phone finds its way among several challenges: some look at the first alone, some at the last, and some answer
none as soon as one is strange to them. So before anybody offers more, each kind of phone has to be tried; where
programs of the capture are known to fail, they are named.

`legacy` says that the challenge offers no qop either, so the phone must use the oldest and weakest formula of all. A
fleet of phones that know only MD5 is a fact and nobody's fault: the finding is for information.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from analyzer.judge.choosers import warning
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, InProfile, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.challenges import STRONG, by_realm
from analyzer.register.subjects import MessageSubject
from analyzer.sip.text import clip

_WEAK = ("md5", "md5-sess")


def check(subject: MessageSubject, context: CaptureContext) -> Sequence[Answer]:
    """Look for a realm that offers MD5 and nothing better (RFC 8760 3): one answer for each realm."""
    challenges = by_realm(subject.message)
    server = subject.transaction.destination.host
    answers: list[Answer] = []
    for realm, rows in challenges.items():
        if context.challenges.offers_strong(server, realm):
            answers.append(PASSED)
        else:
            answers.append(_judged(tuple([(row.algorithm, bool(row.qop_options)) for row in rows]), server, realm))
    return answers or [NOT_APPLICABLE]  # nothing asked, or by other means than Digest


@lru_cache(maxsize=256)
def _judged(rows: tuple[tuple[str | None, bool], ...], server: str, realm: str) -> Answer:
    """What a server's challenges for a realm come to: of each the algorithm, and whether it offers qop. A server's
    challenges are alike, so each kind is judged once."""
    offered = [(algorithm or "MD5").lower() for algorithm, _ in rows]
    if any(algorithm in STRONG for algorithm in offered):
        return PASSED
    if any(algorithm not in _WEAK for algorithm in offered):
        return NOT_APPLICABLE  # AKA of mobile networks and the like
    legacy = not any(has_qop for _, has_qop in rows)
    first = rows[0][0]
    named = f"offers {clip(first)} alone" if first else "names no algorithm, which means MD5"
    text = f"the challenge for realm {clip(realm)!r} {named}" + (", and no qop" if legacy else "")
    shown = f"{clip(first) if first else 'no algorithm'}{', no qop' * legacy}"
    values = Values(shown, "SHA-256 or SHA-512-256")
    return Violated(text, sub="legacy" if legacy else "", group_key=(server, realm), values=values)


RULE = Rule(
    id="DET-weak-md5",
    title="Only MD5 (or legacy MD5 without qop) offered",
    short_title="Only MD5 is offered",
    question="whether more than MD5 is offered",
    clause="RFC 8760 §3; RFC 7616 §3.7",
    force="SHOULD",
    severity="info",
    at_fault="registrar",
    group="I",
    # RFC 8760 2.1 wants better than MD5; SIP digest in an IMS knows MD5 alone (3GPP TS 33.203 annex N).
    profiles=(InProfile("modern", severity="warning"), InProfile("ims")),
    subject="message",
    check=check,
    applies_if=marks.CHALLENGE,
    observed_at="last",
    why="MD5 remains only for compatibility.",
    fix="offer SHA-256 before MD5 where the server can (Asterisk from 20.12, 21.7 and 22.2 on with chan_pjsip; "
    "OpenSIPS from 3.2; Kamailio: the auth module's `algorithm`), and until then use long random passwords, or TLS; "
    "but try each kind of phone first, as some look at the first challenge alone, some at the last, and some give up",
    advice=lambda clients: warning(clients.answering, clients.unanswering),
    examples=(
        bad("> REGISTER sip:h\n< 401", title="algorithm=MD5 only", severity="info"),
        bad(
            '> REGISTER sip:h\n< 401\nWWW-Authenticate: Digest realm="h", nonce="x", qop="auth"', title="none means MD5"
        ),
        bad(
            """
            > REGISTER sip:10.49.0.2
            < 401
            WWW-Authenticate: Digest algorithm=MD5, realm="xivo", nonce="360fd7e8"
            > REGISTER sip:10.49.0.2
            Authorization: {kk80ei secret}
            < 200
            """,
            "legacy",
            title="Asterisk chan_sip",
            severity="info",
            log=True,
        ),
        bad("> REGISTER sip:h\n< 401\n@1800 > REGISTER sip:h\n< 401", title="once for the realm, with a count"),
        good(
            """
            > REGISTER sip:h
            < 401
            WWW-Authenticate: Digest realm="h", nonce="x", qop="auth", algorithm=SHA-256
            WWW-Authenticate: Digest realm="h", nonce="x", qop="auth", algorithm=MD5
            """,
            title="SHA-256 row and MD5 row",
        ),
        good(
            """
            > REGISTER sip:h
            < 401
            WWW-Authenticate: Digest realm="h", nonce="x", qop="auth", algorithm=SHA-512-256
            WWW-Authenticate: Digest realm="h", nonce="x", qop="auth", algorithm=MD5
            @60 > REGISTER sip:h
            < 401
            WWW-Authenticate: Digest realm="h", nonce="y", qop="auth", algorithm=MD5
            """,
            title="the realm has offered better",
        ),
        good(
            '> REGISTER sip:h\n< 401\nWWW-Authenticate: Digest realm="h", nonce="x", algorithm=AKAv1-MD5', title="AKA"
        ),
        good(
            '> REGISTER sip:h\n< 401\nWWW-Authenticate: Bearer authz_server="https://h/"', title="a token, no password"
        ),
        good("> REGISTER sip:h\n< 200", title="no challenge"),
    ),
)
