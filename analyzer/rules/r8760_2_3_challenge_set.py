"""Several challenges, each for another algorithm: in the right order, and the phone answers one of them.

A server that takes SHA-256 and MD5 sends a challenge for each, in one response, the one it likes best on top; a phone
answers the topmost that it can compute (RFC 8760 2.3, 2.4). The measure of what goes wrong: some phones look at the
first challenge alone, some at the last, and some give up as soon as one of them is strange to them. These answer none
(`none-answered`): they ask again without credentials, or never, though the password in them may be right and the
algorithm they know is among those offered. No order suits all of them. Servers may not offer one algorithm twice
(`duplicate`), though a proxy that forks may bring together what several of them ask; MD5 above a better one
(`weaker-first`) makes phones that could do better answer with MD5, and a phone that has shown that it can do better is
`downgrade`d then. One answer to one realm is enough (`two-answered`). Which of several a phone takes is no fault.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    Values,
    Violated,
    bad,
    good,
)
from analyzer.register import marks
from analyzer.register.attempt import Attempt
from analyzer.register.challenges import STRONG
from analyzer.register.choices import Choice, token_of
from analyzer.register.subjects import AttemptSubject
from analyzer.sip.text import clip

_PATIENCE = 2 * SECOND
"""How long a phone may take to answer before it counts as one that does not: nearly all do within milliseconds."""


def check(subject: AttemptSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at what an attempt was offered, and at what it answered (RFC 8760 2.3-2.5)."""
    choice, attempt = subject.registration.choice, subject.attempt
    last = next((one for one in reversed(attempt.transactions) if one.challenged), None)
    if choice is None or last is None:
        yield NOT_APPLICABLE
        return
    server = subject.registration.registrar.endpoint.host
    found: list[Answer] = [*_of_server(choice, server), *_of_client(choice, attempt, context)]
    yield from found or [PASSED]


def _of_server(choice: Choice, server: str) -> Iterator[Violated]:
    at_fault, key, realm = "registrar", (server, choice.realm), clip(choice.realm)
    twice = next((one for at, one in enumerate(choice.offered) if one in choice.offered[:at]), None)
    if twice is not None:
        detail = f"the challenge for realm {realm!r} offers {twice} twice"
        yield Violated(
            detail,
            "duplicate",
            "error",
            at=choice.evidence,
            at_fault=at_fault,
            group_key=key,
            explains=(),
            fix=_ONCE,
            values=Values(f"{twice} twice", "once"),
        )
    weak = next((at for at, one in enumerate(choice.offered) if one.lower() not in STRONG), len(choice.offered))
    better = next((one for one in choice.offered[weak:] if one.lower() in STRONG), None)
    if better is not None:
        first = choice.offered[weak]
        detail = f"the challenge for realm {realm!r} offers {first} before {better}"
        yield Violated(
            detail,
            "weaker-first",
            "info",
            at=choice.evidence,
            at_fault=at_fault,
            group_key=key,
            explains=(),
            fix=_ORDER,
            values=Values(f"{first} before {better}", f"{better} before {first}"),
        )


def _of_client(choice: Choice, attempt: Attempt, context: CaptureContext) -> Iterator[Violated | NotJudged]:
    if not attempt.credentialed:
        if attempt.outcome in ("abandoned", "open"):
            yield _none_answered(choice, attempt, context)
        return
    request = attempt.last.request
    own = [one for one in request.credentials if (one.realm or "") == choice.realm] if request is not None else []
    tokens = [token_of(one.algorithm) for one in own]
    if len({one.header for one in own}) < len(own):
        algorithms = " and ".join(tokens[:4])
        detail = f"one request answers realm {clip(choice.realm)!r} with {algorithms}"
        values = Values(algorithms, "one of them")
        yield Violated(detail, "two-answered", "info", at_fault="UAC", explains=(), values=values)
    weak = tokens[0] if tokens and not any(token.lower() in STRONG for token in tokens) else ""
    earlier = choice.taken[: choice.taken.index(weak)] if weak in choice.taken else ()
    better = next((one for one in earlier if one.lower() in STRONG and one in choice.offered), "")
    if better:
        detail = f"it answers with {weak}, though it has answered with {better} before, which is offered"
        yield Violated(detail, "downgrade", "info", at_fault="UAC", explains=(), values=Values(weak, better))


def _none_answered(choice: Choice, attempt: Attempt, context: CaptureContext) -> Violated | NotJudged:
    answered, end = attempt.last.answered_at, context.end
    waited = end - answered if attempt.outcome == "open" and end is not None and answered is not None else None
    if waited is not None and waited < _PATIENCE:
        return NotJudged(Need.TAIL.value)
    sure = Confidence.HIGH if attempt.outcome == "abandoned" else Confidence.MEDIUM
    detail = f"offered {choice.words}, it sends no credentials"
    at, values = choice.evidence, Values("no credentials", "credentials")
    return Violated(detail, "none-answered", "warning", confidence=sure, at_fault="UAC", at=at, values=values)


_ONCE = "send one challenge for each algorithm and realm"
_ORDER = (
    "put the challenge with SHA-256 first, once each kind of phone is seen to answer then: no order suits all of them"
)
_MD5 = 'WWW-Authenticate: Digest realm="h", nonce="n{}", qop="auth", algorithm=MD5\n'
_SHA = 'WWW-Authenticate: Digest realm="h", nonce="n{}", qop="auth", algorithm=SHA-256\n'
_ASK, _BEST, _WORST = "> REGISTER sip:h\n", "< 401\n" + _SHA + _MD5, "< 401\n" + _MD5 + _SHA
_TAKES = "> REGISTER sip:h\nAuthorization: {{bob x realm=h nonce=n{} algorithm={}}}\n"

RULE = Rule(
    id="R8760-2.3-challenge-set",
    title="Multiple challenges: duplicates, order, or wrong choice",
    short_title="Several challenges, and trouble with them",
    sub_titles={
        "none-answered": "The phone does not answer the challenge",
        "duplicate": "One algorithm is offered twice",
        "weaker-first": "MD5 is offered before a better algorithm",
        "downgrade": "The phone answers with a weaker algorithm than it can",
        "two-answered": "Two answers to one realm",
    },
    question="whether of several challenges one is answered",
    clause="RFC 8760 §2.3, §2.4, §2.5; RFC 7616 §3.7; RFC 3261 §22.3",
    force="MUST",
    severity="warning",
    at_fault="registrar / UAC",
    group="F",
    subject="attempt",
    check=check,
    applies_if=marks.CHOICE,
    explains=("given up",),
    needs=(Need.S2C, Need.C2S),
    why="Downgrade to MD5 or interop failure with MD5-only phones.",
    fix="offer such phones MD5 alone (an account or a port of their own), or update them: some find MD5 as the first "
    "challenge alone, some as the last",
    stacks=(
        "baresip 1.0.0, 1.1.0: answers none of two challenges in one response",
        "Twinkle 1.10.2, JsSIP 3.10.1, SIP.js 0.21.2: look at the last challenge alone; sipsak 0.9.8.1, SIPp "
        "3.6.1: at the first",
        "pjsua2 2.15.1, Linphone 5.1, Asterisk 22.10: answer the first that they can",
    ),
    examples=(
        bad(
            _ASK + _BEST.format(1, 1) + _ASK + _BEST.format(2, 2),
            "none-answered",
            tail=60,
            severity="warning",
            title="it asks again without credentials",
        ),
        bad(_ASK + "User-Agent: Twinkle/1.10.2\n" + _WORST.format(1, 1), "none-answered", "weaker-first", tail=40),
        bad(_ASK + "< 401\n" + _SHA.format(1), "none-answered", tail=40, title="SHA-256 alone is not answered either"),
        bad(_ASK + _BEST.format(1, 1), "none-answered", tail=5, title="silent for 5 s, which is long for a phone"),
        bad(
            _ASK + "< 401\n" + _MD5.format(1) + _MD5.format(2) + _TAKES.format(1, "MD5") + "< 200",
            "duplicate",
            severity="error",
        ),
        bad(_ASK + _WORST.format(1, 1) + _TAKES.format(1, "MD5") + "< 200", "weaker-first", severity="info"),
        bad(
            _ASK
            + _BEST.format(1, 1)
            + _TAKES.format(1, "SHA-256")
            + "< 200\n@60 "
            + _ASK
            + _BEST.format(2, 2)
            + _TAKES.format(2, "MD5")
            + "< 200",
            "downgrade",
            severity="info",
        ),
        bad(
            _ASK
            + _BEST.format(1, 1)
            + _TAKES.format(1, "SHA-256")
            + "Authorization: {bob x realm=h nonce=n1 algorithm=MD5}\n< 200",
            "two-answered",
            severity="info",
        ),
        good(_ASK + _BEST.format(1, 1) + _TAKES.format(1, "SHA-256") + "< 200"),
        good(_ASK + _BEST.format(1, 1) + _TAKES.format(1, "MD5") + "< 200", title="MD5 is what it knows"),
        good(_ASK + _BEST.format(1, 1), tail=1, title="the capture ends too early"),
        good(_ASK + "< 401\n" + _MD5.format(1), tail=60, title="MD5 alone: there is no choice"),
        good(
            _ASK + '< 401\nWWW-Authenticate: Digest realm="h", nonce="x", algorithm=AKAv1-MD5', tail=60, title="a SIM"
        ),
        good(
            _ASK
            + "< 401\n"
            + _MD5.format(1)
            + _MD5.format(2).replace("WWW", "Proxy").replace('"h"', '"p"')
            + _ASK
            + "< 200",
            title="two realms, MD5 each",
        ),
    ),
)
