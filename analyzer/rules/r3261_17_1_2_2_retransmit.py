"""A request without an answer is sent again at the times that the standard has, and no longer than it has.

Over UDP a phone sends its REGISTER again after 0.5, 1.5, 3.5, 7.5 and 11.5 s and so on, each interval twice the one
before, up to 4 s, and gives up after 32 s (RFC 3261 17.1.2.2, Timer E and F). Too fast (`fast`) multiplies the load
just when the registrar is slow; longer than Timer F (`past-F`) keeps old requests alive; too slow (`slow`) only costs
the user time. Over TCP, TLS and WebSocket nothing is sent again at all (`reliable`): the transport does that.

T1, the first interval, may be longer, and shorter within a network of one's own: it is taken from the capture, from 0.1
to 2 s. One interval that is short may be a packet that was held up, so two count. Copies that the capture missed make
intervals longer, and a multiple of what is due is not called slow. A packet that the capture holds twice is no copy,
and a client that answers each copy of a challenge (SIPp) does not repeat itself by its timer. By a clock of whole
seconds only four copies within one second are fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from analyzer.evidence import SECOND
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.judge.lapse import lapse
from analyzer.register import marks
from analyzer.register.subjects import TransactionSubject, is_printed
from analyzer.register.transaction import Transaction
from analyzer.sip.timers import T1, T2, Timers
from analyzer.sip.transports import STREAMS

_LEAST, _MOST = SECOND // 10, 2 * SECOND
"""Within these the first interval is T1."""
_TOO_MANY = 4
_IN_A_SECOND = "at most 2 times"
"""By Timer E, from its first interval of 0.5 s on."""
_TIMER_E = "0.5 s, then doubled up to 4 s"
_TWICE = 2
_TENTH = 10


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Hold the intervals between the copies of a request against Timer E and F (RFC 3261 17.1.2.2)."""
    transaction = subject.transaction
    if not transaction.retransmissions:
        return PASSED
    if transaction.transport in STREAMS:
        return _over_a_stream(subject)
    if transaction.transport not in ("UDP", ""):
        return NOT_APPLICABLE
    first, last = transaction.first, transaction.last
    if first is None or last is None:
        return NotJudged(Need.CLOCK.value)
    times = [first, *(copy.time for copy in transaction.copies if copy.time is not None)]
    intervals = [two - one for one, two in pairwise(times)]
    if any(interval < 0 for interval in intervals):
        return NotJudged("the clock steps back")
    estimate = min(max(intervals[0], T1), _MOST) if intervals else T1
    limit = Timers(t1=estimate).f
    if last - first > limit + limit // 20 + context.slack * context.is_coarse:
        text = f"a copy of the request came {(last - first) / SECOND:.0f} s after the first, and Timer F ends at "
        values = Values(f"{(last - first) / SECOND:.0f} s", f"at most {limit // SECOND} s")
        return Violated(f"{text}{limit // SECOND} s", "past-F", related=transaction.copies[-1:], values=values)
    echoes = _echoes(subject)
    return _coarse(transaction, times, echoes) if context.is_coarse else _schedule(transaction, intervals, echoes)


def _echoes(subject: TransactionSubject) -> int:
    """How many copies of the challenge that it answers came: each may have made the client send its answer again."""
    links = subject.attempt.transactions if subject.attempt is not None else []
    at = links.index(subject.transaction) if subject.transaction in links else 0
    return links[at - 1].final_copies if at else 0


def _over_a_stream(subject: TransactionSubject) -> Answer:
    """Copies on the very connection of the request; on another one it was opened anew."""
    transaction = subject.transaction
    if transaction.request_ways:
        return NOT_APPLICABLE
    if is_printed(subject) and transaction.last == transaction.first:
        return NotJudged(Need.SUBSECOND.value)  # a log may print a message twice
    copies = transaction.retransmissions
    text = f"the request was sent {copies + 1} times over one {transaction.transport} connection"
    return Violated(text, "reliable", related=transaction.copies, values=Values(f"{copies + 1} times", "once"))


def _coarse(transaction: Transaction, times: list[int], echoes: int) -> Answer:
    most = max((times.count(time) for time in times), default=0)
    if most > 1 and times[-1] == times[0]:
        return NotJudged(Need.SUBSECOND.value)  # one stamp may stand for many lines
    if most - echoes < _TOO_MANY:
        return PASSED
    text = f"the request came {most} times within one second"
    values = Values(f"{most} times in one second", _IN_A_SECOND)
    return Violated(text, "fast", related=transaction.copies, values=values)


def _schedule(transaction: Transaction, intervals: list[int], echoes: int) -> Answer:
    fast = list(_fast(intervals))
    written = ", ".join(lapse(0, interval, 1) for interval in intervals[:6])
    if len(fast) - echoes >= _TWICE:
        text = f"the request was sent again after {written}, half of what is due or less {len(fast)} times"
        return Violated(text, "fast", related=transaction.copies, values=Values(written, _TIMER_E))
    if len(intervals) >= _TWICE and all(map(_is_slow, intervals)):
        text = f"the request was sent again after {written}, and never sooner"
        return Violated(text, "slow", "info", related=transaction.copies, values=Values(written, _TIMER_E))
    return PASSED


def _fast(intervals: list[int]) -> Iterator[int]:
    """Intervals of at most half of what Timer E has."""
    due: int | None = None
    for interval in intervals:
        if due is None:
            if interval < _LEAST:
                yield interval
            due = min(max(interval, _LEAST), T2)
        else:
            due = min(2 * due, T2)
            if interval <= due // 2 + due // 100:
                yield interval


def _is_slow(interval: int) -> bool:
    """Longer than the longest, and no multiple of it: copies that the capture missed would be one
    (docs/rules/traps.md T-LOSS)."""
    if interval <= T2 + T2 // _TENTH:
        return False
    rest = interval % T2
    return min(rest, T2 - rest) > T2 // _TENTH


def _copies(*times: float) -> str:
    return "> REGISTER sip:example.com\n" + "\n".join(f"@{time} > again" for time in times)


_STREAM = "transport=TCP stream=1 > REGISTER sip:example.com\n@0.5 transport=TCP stream=1 > again"

RULE = Rule(
    id="R3261-17.1.2.2-retransmit",
    title="Retransmission schedule violates Timer E / Timer F, or retransmits over a reliable transport",
    short_title="The phone repeats its request at the wrong times",
    sub_titles={
        "fast": "The phone repeats its request too fast",
        "slow": "The phone repeats its request too slowly",
        "past-F": "The phone repeats its request for too long",
        "reliable": "The phone repeats its request over a connection",
    },
    question="whether requests are repeated at the right times",
    clause="RFC 3261 §17.1.2.1, §17.1.2.2, Table 4 (T1=500 ms, T2=4 s)",
    force="MUST",
    severity="warning",
    at_fault="UAC",
    group="D",
    subject="transaction",
    check=check,
    violates_only_if=marks.UNEVEN,
    needs=(Need.C2S,),
    why="Too fast multiplies load in an outage; too slow or too long only wastes time.",
    fix="set the phone's SIP timers T1 and T2 to the standard's values (its firmware, where they cannot be set)",
    etsi=(
        "RG_RT_TI_001",
        "RG_RT_TI_002",
        "RG_RT_TI_003",
        "RG_RT_TI_004",
        "RG_RT_TI_005",
        "RG_RT_TI_006",
        "RG_RT_TI_007",
    ),
    examples=(
        bad("@0 " + _copies(0.1, 0.2, 0.3), "fast", severity="warning", title="every 0.1 s"),
        bad("@0 " + _copies(0.5, 1, 1.5, 2, 2.5), "fast", title="every 0.5 s: the interval never doubles"),
        bad("@0 " + _copies(0.02, 0.04, 0.06), "fast", title="every 20 ms"),
        bad("@0 " + _copies(5, 10, 15), "slow", severity="info", title="every 5 s", tail=60),
        bad(
            "@0 " + _copies(0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5, 35.5, 39.5),
            "past-F",
            severity="warning",
            title="40 s long",
            tail=60,
        ),
        bad(_STREAM, "reliable", severity="warning", title="over TCP"),
        bad("@0 " + _copies(0.1, 0.2, 0.3, 0.4, 1.5), "fast", title="five within one second of a log", log=True),
        good("@0 " + _copies(0.51, 1.52, 3.55, 7.56, 11.5), title="as the timers have it"),
        good("@0 " + _copies(1, 3, 7, 11), title="T1 of a second"),
        good("@0 " + _copies(1.5, 3.5, 7.5), title="the first copy was missed by the capture"),
        good("@0 " + _copies(0.5, 3.5, 7.5), title="the second was"),
        good("@0 " + _copies(4, 8, 16, 24), title="many were", tail=60),
        good("@0 " + _copies(0.5, 1.5, 1.6, 7.5), title="one that was held up, or came early"),
        good(
            "@0 ip_id=7 > REGISTER sip:example.com\n@0.001 ip_id=7 > again\n< 200", title="the capture holds it twice"
        ),
        good("@0 " + _copies(0.5, 1.5, 3.5, 7.5), title="a log", log=True),
        good(
            "transport=TCP stream=1 > REGISTER sip:example.com\n@1 transport=TCP stream=2 src=192.0.2.10:5070 > again",
            title="over a new connection",
        ),
        good(
            "@0 > REGISTER sip:example.com\n@0.5 > again\n@1.5 > again\n@1.7 < 401\n< again\n< again\n"
            "@1.75 > REGISTER sip:example.com\nAuthorization: {bob x}\n@1.751 > again\n@1.752 > again\n< 200",
            title="it answers each copy of the challenge",
        ),
        good("> REGISTER sip:example.com\n< 200"),
    ),
)
