"""A Call-ID is unique: no two phones use the same one.

RFC 3261 8.1.1.4 has the Call-ID be a globally unique identifier, drawn at random (20.8). The registrar keeps it with
each binding, and with it tells an old request from a new one (10.3 step 7): two phones of one address-of-record that
share a Call-ID abort each other's refreshes, whichever has the lower CSeq. A log or a monitoring system takes their
messages for one dialogue. Usual causes are a cloned configuration, a Call-ID made of a MAC address that is zero, an
empty or constant one, and a random generator that is seeded with the second of the clock, so that phones that start
together draw the same values (From tag, branch and cnonce, too).

One user agent that registers several addresses-of-record under one Call-ID does what 10.2 recommends, and its one
counter gives each request another CSeq. So two user agents are told by two instances (RFC 5626 4.1) (`instances`); by
another address-of-record from another host with another contact (`hosts`); or by another address-of-record from
another port with another contact, whose CSeq cannot come from the same counter (`counters`). A phone that changed its
address, or whose address a translator changed, keeps its address-of-record and is none of these.
"""

from __future__ import annotations

from analyzer.escape import visible
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, Rule, Violated, bad, good
from analyzer.judge.values import apart
from analyzer.register import marks
from analyzer.register.identity import Client, client_of
from analyzer.register.registry import CallIdSequence
from analyzer.register.subjects import TransitionSubject
from analyzer.sip.text import clip


def check(subject: TransitionSubject, context: CaptureContext) -> Answer:
    """Hold a new client of a Call-ID against the one that used it before (RFC 3261 8.1.1.4)."""
    del context
    other, later = subject.namesake, subject.later
    if other is None or other.last is None or later.request is None:
        return NOT_APPLICABLE
    told = _told_apart(other, subject, client_of(later.request))
    if not told:
        return PASSED
    sub, how = told
    users = f"{_user(other.aor)} (CSeq {other.last.cseq}) and {_user(subject.registration.aor)} (CSeq {later.cseq})"
    detail = f"Call-ID {clip(later.call_id)} is used for {users}, by {how}"
    values = apart(clip(later.call_id), "a Call-ID of its own")
    return Violated(detail, sub, related=(other.last.evidence,), values=values)


def _told_apart(other: CallIdSequence, subject: TransitionSubject, own: Client) -> tuple[str, str] | None:
    """The sub-code and the words for what tells two user agents apart; None where it may be one."""
    its, later, last = other.client, subject.later, other.last
    assert last is not None
    if own.instance and its.instance:
        differ = own.instance.partition("#")[0] != its.instance.partition("#")[0]
        return ("instances", "two instances") if differ else None
    if other.aor == subject.registration.aor or not own.contact or not its.contact or own.contact == its.contact:
        return None
    if own.host != its.host and _host(own.contact) != _host(its.contact):
        return "hosts", f"two hosts, {its.host} and {own.host}"
    counts_on = later.cseq > last.cseq or later.destination != last.destination
    if own.host == its.host and own.sent_by != its.sent_by and not counts_on:
        return "counters", f"{its.contact} and {own.contact}, which do not count together"
    return None


def _host(contact: str) -> str:
    return contact.rpartition(":")[0]


def _user(aor: str) -> str:
    return visible(clip(aor.partition(":")[2] or aor))


RULE = Rule(
    id="R3261-8.1.1.4-callid-collision",
    title="Same Call-ID used by different UAs",
    short_title="Two phones use the same Call-ID",
    question="whether a Call-ID is one phone's alone",
    clause="RFC 3261 §8.1.1.4, §20.8",
    force="MUST",
    severity="warning",
    at_fault="UAC",
    group="B",
    subject="step",
    check=check,
    applies_if=marks.NAMESAKE,
    needs=(Need.C2S,),
    why="A registrar takes one phone's refresh for an old request of the other and leaves its binding to run out.",
    fix="give each phone a configuration of its own (MAC address, instance), update firmware that draws its Call-ID "
    "from the clock or from a constant, and do not start many phones of that make in the same second",
    stacks=(
        "Twinkle 1.10.2: processes that start in the same second send the same Call-ID, CSeq, From tag and branch",
        "pyVoIP 1.6.8: the same Call-ID in every process on every host but for the address behind the @",
    ),
    examples=(
        bad(
            """
            > REGISTER sip:example.com
            Call-ID: 1@0.0.0.0
            < 200
            src=192.0.2.9:5060 > REGISTER sip:example.com
            Call-ID: 1@0.0.0.0
            To: <sip:carol@example.com>
            Contact: <sip:carol@192.0.2.9>
            """,
            "hosts",
        ),
        bad(
            """
            > REGISTER sip:example.com
            CSeq: 117
            Contact: <sip:bob@192.0.2.10:26001>
            Via: SIP/2.0/UDP 192.0.2.10:26001;branch=z9hG4bKsame
            src=192.0.2.10:26003 > REGISTER sip:example.com
            CSeq: 116
            To: <sip:carol@example.com>
            Contact: <sip:carol@192.0.2.10:26003>
            Via: SIP/2.0/UDP 192.0.2.10:26003;branch=z9hG4bKsame
            """,
            "counters",
            title="started in the same second on one host",
        ),
        bad(
            """
            > REGISTER sip:example.com
            Contact: <sip:bob@192.0.2.10>;+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000a>"
            < 200
            src=192.0.2.9:5060 > REGISTER sip:example.com
            Contact: <sip:bob@192.0.2.9>;+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000b>"
            """,
            "instances",
            title="one account on two phones",
        ),
        good(
            """
            > REGISTER sip:example.com
            < 200
            > REGISTER sip:example.com
            To: <sip:carol@example.com>
            Contact: <sip:carol@192.0.2.10>
            """,
            title="one phone registers two addresses-of-record with one counter",
        ),
        good(
            """
            > REGISTER sip:example.com
            Contact: <sip:bob@192.0.2.10:5062>
            Via: SIP/2.0/UDP 192.0.2.10:5062;branch=z9hG4bKa
            < 200
            src=192.0.2.10:5064 > REGISTER sip:example.com
            To: <sip:carol@example.com>
            Contact: <sip:carol@192.0.2.10:5064>
            Via: SIP/2.0/UDP 192.0.2.10:5064;branch=z9hG4bKb
            """,
            title="... with a port for each",
        ),
        good(
            """
            > REGISTER sip:example.com
            < 200
            @60 src=203.0.113.7:1024 > REGISTER sip:example.com
            Contact: <sip:bob@203.0.113.7>
            """,
            title="the phone changed its address",
        ),
    ),
)
