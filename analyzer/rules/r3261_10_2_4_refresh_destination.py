"""A refresh goes to the server that has the binding.

A phone should send its refresh to the same network address as the registration (RFC 3261 10.2.4), unless it was
redirected, or that server failed. Where the name of the registrar stands for several addresses that do not share their
bindings, a phone that takes turns is registered now here, now there: at each of them its binding runs out, and calls
that come in there do not reach it.

Told is what the servers' own answers show: a phone comes back to an address where its binding had run out, and was
accepted by another one in between, although nothing had failed. From the second time on it is a habit, and a warning.
It counts where the phone went to the other server when the binding here was due, a third of its time after it was
granted or later: a phone that registers at two servers side by side does both at once, and one that was asleep comes
back to both. A phone that moved once does not come back.
"""

from __future__ import annotations

from analyzer.evidence import SECOND
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Confidence,
    Need,
    NotJudged,
    PerRun,
    Rule,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.register import marks
from analyzer.register.subjects import TransitionSubject
from analyzer.register.transaction import Transaction

_HABIT = 2


def check(subject: TransitionSubject, context: CaptureContext) -> Answer:
    """Look whether the client registered elsewhere while its binding here ran out (RFC 3261 10.2.4 last paragraph)."""
    here, there, later = subject.earlier, subject.stream.last, subject.later
    if here is None or there is None or there is here or there.destination.host == later.destination.host:
        return NOT_APPLICABLE
    if there.destination == later.destination or not (_accepted(here) and _accepted(there)):
        return NOT_APPLICABLE
    registration = subject.registration
    granted = registration.granted
    if not granted or registration.outcome != "registered":
        return NOT_APPLICABLE
    if here.answered_at is None or there.answered_at is None or later.first is None:
        return NotJudged(Need.CLOCK.value)
    if there.request is None or later.request is None or there.request.request_uri != later.request.request_uri:
        return NOT_APPLICABLE  # another domain's registrar
    away, moved = later.first - here.answered_at, there.answered_at - here.answered_at
    if away <= granted * SECOND + context.slack or not granted * SECOND // 3 <= moved <= granted * SECOND:
        return PASSED
    if subject.stream.is_missing(there, later):
        return NotJudged("CSeq jumps: a request may be missing in the capture")
    before = sum(gap > granted * SECOND + context.slack for gap in registration.refresh_gaps)
    text = (
        f"the binding at {later.destination.host} was granted for {granted} s and not refreshed for "
        f"{away / SECOND:.0f} s: meanwhile the phone registered at {there.destination.host}"
    )
    return Violated(
        text,
        severity="warning" if before + 1 >= _HABIT else None,
        confidence=Confidence.MEDIUM,
        related=(here.evidence, there.evidence),
        group_key=("turns", registration.aor, PerRun(later.call_id)),
        values=Values(f"refreshed after {away / SECOND:.0f} s", f"within {granted} s"),
    )


def _accepted(transaction: Transaction) -> bool:
    return 200 <= transaction.status < 300


def _turn(at: float, server: int) -> str:
    return (
        f"@{at} dst=198.51.100.{server}:5060 > REGISTER sip:example.com\nExpires: 60\n"
        f"< 200\nContact: <sip:bob@192.0.2.10:5060>;expires=60\n"
    )


RULE = Rule(
    id="R3261-10.2.4-refresh-destination",
    title="Refresh sent to a different network address without redirection",
    short_title="The phone refreshes now at one server, now at another",
    question="whether a phone refreshes where it is registered",
    clause="RFC 3261 §10.2.4 last ¶, §8.1.3.4; RFC 3263 §4.3; RFC 5626 §4.2.2",
    force="SHOULD",
    severity="info",
    at_fault="UAC",
    group="C",
    subject="step",
    check=check,
    applies_if=marks.OTHER_SERVER,
    needs=(Need.C2S,),
    why="Legal after failure/DNS change; matters when two registrars do not share state.",
    fix="let the phone keep to the address that accepted it until that fails (RFC 3263 4.3), or let the registrars "
    "share their bindings, or give them one address",
    examples=(
        bad(
            _turn(0, 1) + _turn(50, 2) + _turn(100, 1),
            severity="info",
            title="here, there, and here again after the binding ran out",
        ),
        bad(
            "".join(_turn(50 * number, 1 + number % 2) for number in range(8)),
            severity="warning",
            title="at each refresh the other one",
        ),
        good("".join(_turn(at, server) for at in (0, 30, 60, 90) for server in (1,)), title="one server"),
        good(
            "".join(_turn(at + server, server) for at in (0, 30, 60, 90) for server in (1, 2)),
            title="two servers side by side, each refreshed in time",
        ),
        good(
            _turn(0, 1)
            + "@50 dst=198.51.100.1:5060 > REGISTER sip:example.com\n< 503\n"
            + _turn(51, 2)
            + _turn(110, 1),
            title="the first one failed",
        ),
        good(_turn(0, 1) + _turn(50, 2) + _turn(100, 2), title="moved once"),
        good(
            "".join(_turn(at + server, server) for at in (0, 200, 400) for server in (1, 2)),
            title="two servers side by side, both late",
        ),
        good(
            "".join(_turn(at, 2 if at else 1) for at in (0, 50, 100, 150)) + _turn(200, 1),
            title="for some time at the other one",
        ),
        good(
            _turn(0, 1) + _turn(50, 2).replace("sip:example.com", "sip:example.net", 1) + _turn(100, 1),
            title="another domain's registrar",
        ),
    ),
)
