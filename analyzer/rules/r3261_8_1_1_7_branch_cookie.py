"""Each request has a branch in its Via that begins with z9hG4bK.

The branch is the transaction's name. By the seven characters `z9hG4bK` a server knows that the name is unique, as RFC
3261 8.1.1.7 has it, and compares only branch, sent-by and method to tell a repeated request from a new one (17.2.3).
Without them it takes the phone for one of RFC 2543 (before 2002) and compares Request-URI, tags, Call-ID, CSeq and Via
instead; with no branch at all (`no-branch`), or with nothing behind the cookie (`cookie-alone`), there is no name at
all. Most servers still cope, but proxies that keep state, load balancers and trackers mix such requests up.

The cookie in other letters (`cookie-case`) is a note: by 7.3.1 parameter values are compared without case, yet 8.1.1.7
names the characters, and many programs compare octets. What a proxy puts on top is not the phone's: its own Via is the
lowest. Responses repeat what was sent and are not looked at.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, InProfile, Need, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.sip.text import clip
from analyzer.sip.via import MAGIC_COOKIE

_BRANCH = f"{MAGIC_COOKIE} and something of its own"


def check(subject: MessageSubject, context: CaptureContext) -> Answer:
    """Look at the branch of the user agent's own Via (RFC 3261 8.1.1.7)."""
    del context
    message = subject.message
    if not message.method or not message.vias:
        return NOT_APPLICABLE  # no Via at all is for 8.1.1
    via = message.vias[-1]
    if via.has_cookie:
        return PASSED
    if not via.branch:
        return Violated(f"the Via {clip(via.raw)!r} has no branch", "no-branch", values=Values("none", _BRANCH))
    values = Values(clip(via.branch), _BRANCH)
    if via.branch == MAGIC_COOKIE:
        return Violated(
            f"the branch is {MAGIC_COOKIE} alone, the same for every request", "cookie-alone", values=values
        )
    detail = f"the branch {clip(via.branch)!r} does not begin with {MAGIC_COOKIE}"
    if via.branch.lower().startswith(MAGIC_COOKIE.lower()):
        return Violated(f"{detail} but with the same letters in another case", "cookie-case", "info", values=values)
    return Violated(detail, values=values)


_FLOW = "> REGISTER sip:example.com\nVia: SIP/2.0/UDP 192.0.2.10:5060{}\n< 200"

RULE = Rule(
    id="R3261-8.1.1.7-branch-cookie",
    title="Via branch missing or without magic cookie",
    short_title="The branch in Via does not begin with z9hG4bK",
    sub_titles={
        "no-branch": "The Via has no branch",
        "cookie-alone": "The branch in Via is z9hG4bK and nothing more",
        "cookie-case": "The branch has the cookie in another case",
    },
    question="whether requests have a branch with the magic cookie",
    clause="RFC 3261 §8.1.1.7, §20.42, §17.2.3",
    force="MUST",
    severity="warning",
    at_fault="UAC",
    group="G",
    subject="message",
    check=check,
    profiles=(InProfile("legacy2543"),),
    applies_if=marks.REQUEST,
    violates_only_if=marks.NO_COOKIE,
    needs=(Need.WHOLE,),
    why="RFC 2543 sender; forces legacy matching.",
    fix="update the phone's firmware, or the script that sends: the branch begins with z9hG4bK, and goes on with "
    "characters that no other request has",
    examples=(
        bad(_FLOW.format(""), "no-branch", severity="warning"),
        bad(_FLOW.format(";branch="), "no-branch", title="an empty branch"),
        bad(_FLOW.format(";branch=1-4711-0"), "", severity="warning", title="a branch of RFC 2543"),
        bad(_FLOW.format(";branch=z9hG4bK"), "cookie-alone", title="RFC 4475 badbranch"),
        bad(_FLOW.format(";branch=Z9HG4BKnashds7"), "cookie-case", severity="info"),
        bad(
            "> REGISTER sip:h\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKp\nVia: SIP/2.0/UDP 192.0.2.10;branch=1",
            title="the phone's own Via is below that of a proxy",
        ),
        bad(_FLOW.format(";branch=1"), log=True, title="in a log"),
        good(_FLOW.format(";branch=z9hG4bK87asd")),
        good("> REGISTER sip:h\nv: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK87asd", title="the compact form"),
        good("> REGISTER sip:h\nVia: SIP / 2.0 / UDP 10.0.0.5 ;rport; Branch = z9hG4bKa", title="blanks and case"),
        good(
            "> REGISTER sip:h\nVia: SIP/2.0/UDP 192.0.2.20;branch=1\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKp",
            title="a proxy of RFC 2543: not the phone's",
        ),
        good("> REGISTER sip:h\n< 200\nVia: SIP/2.0/UDP 192.0.2.10:5060", title="what an answer lost"),
    ),
)
