"""A phone refreshes much more often than it was granted.

A binding has to be refreshed before it runs out, and half of its time, or nine tenths of it, are what phones use. A
phone that was granted an hour and registers every twenty seconds uses REGISTER to keep a NAT open: each of them costs
the registrar a look-up, a password check and an answer, and a thousand such phones are a storm without end. Keep-alives
are for that (RFC 5626 4.4: CRLF, or STUN). Where the registrar itself grants less than a minute (`granted`), as session
border controllers do on purpose for phones behind NAT, the phone does what it has to, and it is for information.

Intervals are those between registrations that succeeded; a phone that restarts again and again, or fails, is another
matter.
"""

from __future__ import annotations

from analyzer.evidence import SECOND
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Rule, Violated, bad, good
from analyzer.judge.parameters import SHORT_GRANT, SHORT_INTERVALS, SHORT_REFRESH, SHORT_SHARE
from analyzer.register import marks
from analyzer.register.subjects import EndSubject


def check(subject: EndSubject, context: CaptureContext) -> Answer:
    """Hold the intervals between refreshes against the time granted (heuristic; RFC 3261 10.3 step 7)."""
    del context
    registration = subject.registration
    gaps, granted = sorted(registration.refresh_gaps), registration.granted
    if not gaps or granted is None or registration.outcomes["registered"] <= SHORT_INTERVALS:
        return NOT_APPLICABLE
    if registration.boot_changes + registration.call_id_changes >= len(gaps):
        return NOT_APPLICABLE  # it begins anew each time
    usual = gaps[(len(gaps) - 1) // 2]
    if usual <= 0:
        return NOT_APPLICABLE
    each = f"{usual / SECOND:.0f} s" if usual >= SECOND else "second or less"
    load = f"a thousand such phones register {1000 * SECOND / usual:.0f} times a second"
    if 0 < granted < SHORT_GRANT:
        server = registration.registrar.endpoint.host
        detail = f"the registrar grants {granted} s, and phones refresh every {each}: {load}"
        return Violated(detail, "granted", "info", group_key=(server, "granted"), at_fault="registrar", fix=_GRANT)
    if usual >= SHORT_REFRESH or usual >= SHORT_SHARE * granted * SECOND:
        return PASSED
    return Violated(f"granted {granted} s, the phone refreshes every {each}: {load}")


_GRANT = "grant more where phones are not behind NAT, or can keep it open themselves (RFC 5626)"


def _every(seconds: float, asked: int, granted: int, turns: int = 8) -> str:
    return "".join(
        f"@{seconds * turn} > REGISTER sip:example.com\nExpires: {asked}\n"
        f"< 200\nContact: <sip:bob@192.0.2.10:5060>;expires={granted}\n"
        for turn in range(turns)
    )


RULE = Rule(
    id="DET-short-refresh",
    title="Refresh interval too short for the granted lifetime",
    short_title="The phone refreshes too often",
    sub_titles={"granted": "The registrar grants very short times"},
    question="whether phones refresh too often",
    clause="heuristic (RFC 3261 §10.3 step 7 rationale)",
    force="none",
    severity="warning",
    at_fault="UAC / registrar",
    group="I",
    subject="end",
    check=check,
    applies_if=marks.STEADY,
    why="Needless load; usually used as NAT keep-alive.",
    fix="let the phone refresh at half of the granted time, and keep the NAT open with keep-alives (CRLF or STUN) or "
    "with OPTIONS from the registrar",
    examples=(
        bad(_every(20, 3600, 3600), title="every 20 s of an hour", severity="warning"),
        bad(_every(25, 3600, 50), "granted", title="the registrar grants 50 s", severity="info"),
        good(_every(45, 60, 60), title="granted 60 s, refreshed every 45 s"),
        good(_every(1800, 3600, 3600), title="at half time"),
        good(_every(300, 3600, 3600), title="early, but no load"),
        good(_every(20, 3600, 3600, turns=4), title="not often enough to tell"),
        good(
            "".join(f"@{20 * turn} > REGISTER sip:example.com\nCall-ID: c{turn}\n< 200\n" for turn in range(8)),
            title="it begins anew each time",
        ),
    ),
)
