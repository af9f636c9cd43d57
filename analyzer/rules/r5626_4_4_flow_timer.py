"""A phone keeps a flow that it was granted alive, as often as the server says.

Calls come to a phone with outbound (RFC 5626) over the connection by which it registered. A server that says in
Flow-Timer how many seconds a flow may be silent takes it for dead afterwards, and the phone must send something at
least that often (4.4): a phone whose keep-alives come more rarely loses its flow again and again, and cannot be called
in between. CRLFCRLF is the keep-alive of connections, which the server answers with CRLF (4.4.1); over UDP it is a STUN
request (4.4.2): CRLFCRLF there (`crlf-on-udp`) opens the NAT, but nobody answers, so the phone never learns that its
flow is gone. And a phone whose CRLFCRLF nobody answers over a connection should give the flow up after ten seconds
(`no-pong`).

Whatever the phone sends counts, keep-alive or message. Many captures hold SIP alone, and nothing is said where no
keep-alive of the flow was seen; nor where one gap alone is too long, for the capture may lack a packet; nor of phones
that sleep until they are pushed (RFC 8599).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from analyzer.evidence import KEPT_TIMES, SECOND
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.flows import GrantedFlow
from analyzer.register.subjects import EndSubject

_PATIENCE = 10 * SECOND
_ENOUGH = 3
"""Keep-alives that nobody answered, until it is told."""
_NO_PINGS = "no keep-alive of the flow is in the source"


def check(subject: EndSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at how often a phone was heard on each flow that it was granted (RFC 5626 4.4)."""
    if not subject.flows:
        yield NOT_APPLICABLE
    for flow in subject.flows:
        pings = context.kept_alive(flow.way)
        if flow.is_pushed:
            yield NOT_APPLICABLE
        elif context.is_coarse:
            yield NotJudged(Need.SUBSECOND.value)
        elif not pings:
            yield NotJudged(_NO_PINGS)
        else:
            yield from list(_faults(flow, pings, context)) or (PASSED,)


def _faults(flow: GrantedFlow, pings: list[int], context: CaptureContext) -> Iterator[Violated]:
    client, server, stream = flow.way
    text, gaps = f"the flow of {client} to {server}", _gaps(flow, pings)
    limit = (flow.seconds or 0) * SECOND + context.slack
    long = sorted(gap for gap in gaps if gap > limit)
    if flow.seconds and len(long) > 1 and 2 * len(long) > len(gaps):
        pause = f"{long[len(long) // 2] / SECOND:.0f} s"
        detail = f"{text} has Flow-Timer: {flow.seconds}, and {len(long)} times the phone sent nothing for {pause}"
        values = Values(f"nothing sent for {pause}", f"at most {flow.seconds} s")
        yield Violated(detail, severity="warning", at=flow.evidence, values=values)
    if flow.transport.upper() == "UDP" and context.has_crlf(flow.way):
        detail = f"{text} goes over UDP, and is kept alive with CRLFCRLF"
        yield Violated(detail, "crlf-on-udp", at=flow.evidence, values=Values("CRLFCRLF", "STUN"))
    elif stream and _is_unanswered(flow, pings, context):
        detail = f"{text} was kept up though none of {len(pings)} keep-alives was answered"
        values = Values("kept up without an answer", "given up 10 s after a keep-alive")
        yield Violated(detail, "no-pong", at=flow.evidence, values=values)


def _gaps(flow: GrantedFlow, pings: list[int]) -> list[int]:
    """How long the phone sent nothing, each time; up to the last keep-alive where not all may be kept."""
    times = sorted([*flow.times, *pings])
    since, until = flow.times[0] if flow.times else pings[0], pings[-1] if len(pings) >= KEPT_TIMES else times[-1]
    seen = [time for time in times if since <= time <= until]
    return [later - earlier for earlier, later in pairwise(seen)]


def _is_unanswered(flow: GrantedFlow, pings: list[int], context: CaptureContext) -> bool:
    """Whether no keep-alive was answered, and the phone went on long after it had to know."""
    client, server, stream = flow.way
    if len(pings) < _ENOUGH or context.kept_alive((server, client, stream)) or not context.answers_from(server):
        return False
    return max([*flow.times, *pings]) - pings[0] > _PATIENCE


_WAY = "transport=TCP stream=1 src=192.0.2.10:5070"
_URN = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000a>"'
_ASKS = f"> REGISTER sip:h\nSupported: path, outbound\nContact: <sip:bob@192.0.2.10>;reg-id=1;{_URN}\n"
_GRANTED = f"{_WAY} {_ASKS}< 200\nRequire: outbound\nFlow-Timer: {{}}\n"
_UDP = f"{_ASKS}< 200\nRequire: outbound\n"


def _pings(every: int, count: int, *, pongs: bool = True) -> str:
    """Keep-alives at so many seconds, each answered or none."""
    ends = "~ pong\n" if pongs else ""
    return "".join(f"@{every * number} ~ ping\n{ends}" for number in range(1, count + 1))


RULE = Rule(
    id="R5626-4.4-flow-timer",
    title="Keep-alives rarer than Flow-Timer, or CRLF keep-alive on UDP",
    short_title="The phone keeps its flow alive too rarely",
    sub_titles={
        "crlf-on-udp": "The phone keeps a flow over UDP alive with CRLF",
        "no-pong": "Nobody answers the phone's keep-alives",
    },
    question="whether flows are kept alive as often as the server says",
    clause="RFC 5626 §4.4, §4.4.1, §4.4.2",
    force="MUST",
    severity="info",
    at_fault="UAC",
    group="H",
    subject="end",
    check=check,
    applies_if=marks.TIMED_FLOW,
    needs=(Need.CLOCK,),
    why="Flow is dropped by the server.",
    fix="let the phone send keep-alives at 80 to 100 % of Flow-Timer: CRLFCRLF over TCP and TLS, STUN over UDP",
    examples=(
        bad(_GRANTED.format(30) + _pings(60, 4), severity="warning", title="every 60 s instead of 30"),
        bad(_UDP + _pings(25, 3), "crlf-on-udp", severity="info"),
        bad(_GRANTED.format(120) + _pings(100, 4, pongs=False), "no-pong", severity="info"),
        good(_GRANTED.format(120) + _pings(100, 4)),
        good(_GRANTED.format(30), title="a capture of SIP alone", tail=600),
        good(_GRANTED.format(30) + _pings(25, 2) + "@75 ~ pong\n@100 ~ ping\n~ pong\n", title="one may be lost"),
        good(f"{_WAY} > REGISTER sip:h\n< 200\n" + _pings(60, 4), title="no flow was granted"),
    ),
)
