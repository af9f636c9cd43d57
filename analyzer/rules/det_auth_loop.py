"""A phone that is refused again and again.

The most frequent fault in the field: a wrong password after a migration, a phone that repeats an old nonce, a realm
that changed, a registrar whose clock jumped. One refused try is nothing; five in a row within ten minutes (or twenty in
the capture) with credentials and without a success between are a loop, which fills logs, locks accounts and looks like
an attack. A 401 before each success is how digest works and does not count: attempts are counted, not 401s. The finding
names the cause where the capture or the password shows it.
"""

from __future__ import annotations

from collections import Counter

from analyzer.evidence import SECOND
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, Rule, Violated, bad, good
from analyzer.judge.lapse import lapse
from analyzer.register import marks
from analyzer.register.attempt import SUCCESSFUL_OUTCOMES
from analyzer.register.causes import OF_A_PASSWORD, UNCHECKABLE
from analyzer.register.registration import Failure, Registration
from analyzer.register.subjects import AttemptSubject

_IN_A_ROW = 5
_WINDOW = 600 * SECOND
_ANY_TIME = 20
_REFUSED = (401, 403, 407)
_ANOTHER = "mend the cause that is named here: it is not the password"
_SEND_ALL = (
    "the phone must send qop, nc and cnonce as the challenge asks for them (its firmware): before that, no look at its "
    "password helps"
)


def check(subject: AttemptSubject, context: CaptureContext) -> Answer:
    """Count the attempts in a row that ended refused (heuristic; RFC 3261 22.1 in spirit)."""
    outcome = subject.attempt.outcome
    if outcome in SUCCESSFUL_OUTCOMES:
        return PASSED
    if outcome != "rejected" or subject.attempt.status not in _REFUSED:
        return NOT_APPLICABLE
    run = _run(subject.registration)
    if not any(failure.credentialed for failure in run):
        return NOT_APPLICABLE
    count = max(len(run), subject.registration.refused_in_a_row)
    if count < _ANY_TIME and not _dense(run):
        return PASSED
    first, last = run[0].time, run[-1].time
    every = ""
    if first is not None and last is not None and len(run) > 1:
        pace = lapse(first, first + (last - first) // (len(run) - 1), context.resolution)
        every = f", one every {pace}" if pace else ""
    causes = Counter(failure.cause for failure in run if failure.cause)
    cause = causes.most_common(1)[0][0] if causes else ""
    detail = f"refused {count} times in a row (last {run[-1].status}){every}{': ' if cause else ''}{cause}"
    fix = _SEND_ALL if cause == UNCHECKABLE else _ANOTHER if cause and cause not in OF_A_PASSWORD else ""
    return Violated(detail, count=count, related=(run[0].evidence,), fix=fix)


def _run(registration: Registration) -> list[Failure]:
    """The latest failures, as far back as all were refusals."""
    run: list[Failure] = []
    for failure in reversed(registration.failures):
        if failure.status not in _REFUSED:
            break
        run.append(failure)
    return run[::-1]


def _dense(run: list[Failure]) -> bool:
    if len(run) < _IN_A_ROW:
        return False
    first, last = run[-_IN_A_ROW].time, run[-1].time
    return first is not None and last is not None and last - first <= _WINDOW


_TRY = "@{} > REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {{bob wrong}}\n< {}\n"

RULE = Rule(
    id="DET-auth-loop",
    title="Authentication-failure loop",
    short_title="Refused again and again",
    question="whether a phone is refused in a loop",
    clause="heuristic (RFC 3261 §22.1 in spirit)",
    force="none",
    severity="warning",
    at_fault="UAC / operator",
    group="I",
    subject="attempt",
    check=check,
    violates_only_if=marks.FAILED,
    needs=(Need.S2C,),
    why="Most frequent real-world fault: wrong password, stale loop, realm or clock trouble.",
    fix="compare user name, password and realm at both ends (sipcheck verify-digest tells which side is wrong)",
    examples=(
        bad("".join(_TRY.format(8 * number, 401) for number in range(40)), title="40 times in five minutes"),
        bad("".join(_TRY.format(60 * number, 403) for number in range(6))),
        bad("".join(_TRY.format(3600 * number, 403) for number in range(20)), title="slow, but for ever"),
        bad(
            "> REGISTER sip:example.com\n< 401\n"
            + "".join(
                f"@{number + 1} > REGISTER sip:example.com\nAuthorization: {{bob wrong}}\n< 401\n"
                for number in range(6)
            ),
            title="each 401 is answered with the same wrong password",
        ),
        good("".join(_TRY.format(60 * number, 200) for number in range(60)), title="a 401 before each success"),
        good(_TRY.format(0, 403), title="one failure is no loop"),
        good(
            "".join(_TRY.format(10 * number, 401 if number % 3 else 200) for number in range(12)),
            title="successes between",
        ),
        good("".join(_TRY.format(900 * number, 403) for number in range(6)), title="six in more than an hour"),
        good(
            "".join(
                f"@{60 * number} > REGISTER sip:example.com\nAuthorization: {{bob x nonce=n{number}}}\n"
                f'< 401\nWWW-Authenticate: Digest realm="example.com", nonce="n{number + 1}", stale=true\n'
                "> REGISTER sip:example.com\nAuthorization: {bob x}\n< 200\n"
                for number in range(20)
            ),
            title="nonces that live shorter than the refresh",
        ),
    ),
)
