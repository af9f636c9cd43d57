"""What was refused for good is not asked for again unchanged.

A 4xx is a definite answer of this server: the same request should not be tried again without a change (RFC 3261 21.4),
after 403 not at all (21.4.4), and a 6xx speaks for all servers. A phone that repeats it every few seconds loads the
registrar, fills its log, and gets its address banned. Three such rounds in a row, each within a minute, are told; ten
are an error.

Changed is whatever the request asks for: its contacts, expiry, user or other headers; a new Call-ID, CSeq, tag, branch
or nonce is no change. Whether a password was corrected cannot be seen, so what was refused after credentials is left to
DET-auth-loop, as 401 and 407 are to the rules on digests. What is refused for a time (408, 480, 5xx, anything with
Retry-After) may be tried again, and so may what was refused minutes ago, or what another server refused.
"""

from __future__ import annotations

from analyzer.evidence import SECOND
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.judge.lapse import lapse
from analyzer.register import marks
from analyzer.register.subjects import TransitionSubject
from analyzer.register.transaction import Transaction

_DEFINITE = (400, 403, 404, 405, 415, 416, 420, 485)
_SOON = 60 * SECOND
_ROUNDS = 3
_MANY = 10


def check(subject: TransitionSubject, context: CaptureContext) -> Answer:
    """Count the rounds in which the same request came again after a definite refusal (RFC 3261 21.4)."""
    earlier = subject.earlier
    if earlier is None or not _is_definite(earlier):
        return NOT_APPLICABLE
    if subject.same_attempt and earlier.status != 420:
        return NOT_APPLICABLE
    row = context.retries.of(subject.registration.id)
    last = row[-1] if row else None
    if last is None or not last.is_unchanged:
        return PASSED
    if last.wait is None:
        return NotJudged(Need.CLOCK.value)
    rounds = 0
    for one in reversed(row):
        if one.status != last.status or not one.is_unchanged or one.wait is None or one.wait > _SOON:
            break
        rounds += 1
    if rounds < _ROUNDS:
        return PASSED
    whole = max(rounds, last.unchanged) if rounds == len(row) else rounds
    first = row[-rounds]
    if not lapse(first.again_at, last.again_at, context.resolution) and context.is_coarse:
        return NotJudged(Need.SUBSECOND.value)
    pace = ""
    if first.again_at is not None and last.again_at is not None:
        mean = (last.again_at - first.again_at) // (rounds - 1)
        pace = lapse(first.again_at, first.again_at + mean, context.resolution)
    every = f", one every {pace}" if pace else ""
    text = f"the same request came again unchanged {whole} times in a row after a {last.status}{every}"
    severity = "error" if whole >= _MANY else None
    related, values = (first.evidence, last.evidence), Values(f"{whole} times unchanged", "not again unchanged")
    return Violated(text, severity=severity, count=whole, related=related, values=values)  # type: ignore[arg-type]


def _is_definite(earlier: Transaction) -> bool:
    final = earlier.final
    if final is None or not (final.status in _DEFINITE or final.status >= 600):
        return False
    return not earlier.has_credentials and not final.has("retry-after")


def _rounds(status: int, times: int, every: float, headers: str = "", answer: str = "") -> str:
    return "".join(
        f"@{number * every} > REGISTER sip:example.com\n{headers.format(number)}< {status}\n{answer}"
        for number in range(times + 1)
    )


RULE = Rule(
    id="R3261-21.4-retry-unmodified",
    title="Same request repeated unchanged after a definite failure",
    short_title="The phone repeats what was refused for good",
    question="whether the phone repeats what was refused for good",
    clause="RFC 3261 §21.4, §21.4.4 (403), §8.1.3.5 (420), §21.4.5 (404)",
    force="SHOULD",
    severity="warning",
    at_fault="UAC",
    group="D",
    subject="step",
    check=check,
    applies_if=marks.AFTER_REFUSAL,
    why="Loads the registrar and gets the source banned.",
    fix="mend what the registrar refuses (the user, domain or permission that the response is about), or take the "
    "account off the phone; set its retry interval after a failure to several minutes",
    examples=(
        bad(_rounds(403, 40, 5), severity="error", title="403 every 5 s, 40 times"),
        bad(_rounds(404, 3, 30), severity="warning", title="three times"),
        bad(_rounds(403, 4, 20, "Call-ID: call-{}\n"), title="a new Call-ID each time is no change"),
        bad(
            _rounds(420, 4, 1, "Require: x-new\n", "Unsupported: x-new\n"),
            title="a 420 names what to leave out, and it is not",
        ),
        bad(_rounds(603, 5, 10), title="6xx"),
        bad(_rounds(404, 5, 10), title="a log shows it too", log=True),
        good(_rounds(404, 1, 600), title="once, ten minutes later"),
        good(_rounds(403, 2, 5), title="twice"),
        good(_rounds(403, 8, 300), title="every five minutes"),
        good(_rounds(503, 8, 5), title="a 503 may be tried again"),
        good(_rounds(404, 8, 5, answer="Retry-After: 3\n"), title="the server names a time"),
        good(_rounds(400, 8, 5, "Contact: <sip:bob@192.0.2.10:{}060>\n"), title="changed each time"),
        good(
            "".join(
                f"@{10 * turn} > REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\n"
                "Authorization: {bob x}\n< 403\n"
                for turn in range(6)
            ),
            title="refused after credentials: DET-auth-loop",
        ),
        good(
            "".join(f"@{5 * turn} > REGISTER sip:example.com\n< {200 if turn % 2 else 403}\n" for turn in range(12)),
            title="successes between",
        ),
    ),
)
