"""Each new REGISTER of one Call-ID counts CSeq up by one.

The registrar keeps Call-ID and CSeq with each binding. A REGISTER with the same Call-ID and a CSeq that is not higher
than the stored one is to it an old request that was delayed on the way, and it must leave the binding alone (RFC 3261
10.3 steps 6 and 7): the phone thinks it has refreshed, and drops out when the old binding runs out. Not meant are
retransmissions (same branch), and the same request sent to the next server after the first did not answer, which keeps
its CSeq (8.1.2). A phone that makes its Call-ID from its MAC address begins at 1 again after a restart: that is told
apart by the silence before.
"""

from __future__ import annotations

from analyzer.evidence import SECOND
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NO_VALUES,
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Need,
    NotJudged,
    Rule,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.register import marks
from analyzer.register.subjects import TransitionSubject, is_printed
from analyzer.register.timers import BOOT_SILENCE
from analyzer.register.transaction import Transaction

_HIGHEST = 2**31
_NEAR_WRAP = 1000
_NEIGHBOURS = 2
"""By so much CSeq falls where a log has printed two exchanges in the wrong order: one, or two where each is challenged.
By more, with the answer to the first in between, they are in order."""


def check(subject: TransitionSubject, context: CaptureContext) -> Answer:
    """Compare CSeq with the transaction before, same Call-ID and same destination (RFC 3261 10.2)."""
    earlier, later = subject.same_call, subject.later
    if earlier is None or earlier.cseq < 0 or later.cseq < 0 or subject.answers_challenge:
        return NOT_APPLICABLE  # the credentials retry is judged by 22.2
    if later.cseq > earlier.cseq:
        return PASSED
    related, highest = (earlier.evidence,), earlier.cseq
    if earlier.cseq > _HIGHEST - _NEAR_WRAP and later.cseq < _NEAR_WRAP:
        detail = f"CSeq wrapped from {earlier.cseq} to {later.cseq}"
        values = _values(earlier, later) if highest + 1 < _HIGHEST else NO_VALUES  # the last has none after it
        return Violated(detail, "wrap", "info", related=related, values=values)
    if _restarted(subject):
        detail = f"CSeq begins again at {later.cseq} after {earlier.cseq} with the same Call-ID: a restart"
        values = _values(earlier, later)
        return Violated(detail, "restart-same-callid", "info", related=related, up_to_cseq=highest, values=values)
    if (
        is_printed(subject)
        and (later.first == earlier.first or None in (later.first, earlier.first))
        and context.resolution >= SECOND
        and later.cseq != earlier.cseq
        and (earlier.final is None or later.cseq >= earlier.cseq - _NEIGHBOURS)
    ):
        return NotJudged(Need.SUBSECOND.value)  # a log may print two messages of one tick in either order
    if later.cseq == earlier.cseq:
        other = " (other branch)" if later.branch and later.branch != earlier.branch else ""
        detail = f"CSeq {later.cseq} is used again for a new REGISTER{other}"
        return Violated(detail, "repeat", related=related, up_to_cseq=highest, values=_values(earlier, later))
    detail = f"CSeq went down from {earlier.cseq} to {later.cseq}"
    return Violated(detail, "backwards", related=related, up_to_cseq=highest, values=_values(earlier, later))


def _values(earlier: Transaction, later: Transaction) -> Values:
    return Values(str(later.cseq), str(earlier.cseq + 1))


def _restarted(subject: TransitionSubject) -> bool:
    earlier, later = subject.same_call, subject.later
    if subject.boot is not None and subject.boot.is_restart:
        return True
    if earlier is None or earlier.last is None or later.first is None:
        return False
    granted = subject.registration.granted
    return later.first - earlier.last > (BOOT_SILENCE if granted is None else granted * SECOND)


RULE = Rule(
    id="R3261-10.2-cseq-increment",
    title="New REGISTER with the same Call-ID does not raise CSeq (repeated or lower)",
    short_title="The phone does not count CSeq up",
    sub_titles={
        "restart-same-callid": "CSeq starts again under the same Call-ID",
        "wrap": "CSeq has come to its end and wraps",
    },
    question="whether CSeq counts up",
    clause="RFC 3261 §10.2 (CSeq), §10.3 steps 6-7",
    force="MUST",
    severity="error",
    at_fault="UAC",
    group="B",
    subject="step",
    check=check,
    explains=(200, 400, 500, "silence"),
    is_momentary=True,
    applies_if=marks.NO_RETRY,
    violates_only_if=marks.NOT_RAISED,
    needs=(Need.C2S,),
    why="The registrar must take it for an old request: the refresh is lost.",
    fix="keep the CSeq counter over refreshes; it may begin again only with a new Call-ID",
    etsi=("RG_RT_V_011",),
    disputed="CSeq rises with each REGISTER by RFC 3261 10.2, and stays where the same request goes to the next "
    "server (8.1.2, RFC 3263 4.3): the same CSeq to another destination is legal",
    examples=(
        bad(
            """
            > REGISTER sip:example.com
            CSeq: 5
            < 200
            @1800 > REGISTER sip:example.com
            CSeq: 5
            """,
            "repeat",
        ),
        bad("> REGISTER sip:example.com\nCSeq: 11\n< 200\n@60 > REGISTER sip:example.com\nCSeq: 5", "backwards"),
        bad(
            "> REGISTER sip:example.com\nCSeq: 2147483640\n< 200\n@60 > REGISTER sip:example.com\nCSeq: 3",
            "wrap",
            severity="info",
        ),
        bad(
            "> REGISTER sip:example.com\nCSeq: 40\n< 200\n@7300 > REGISTER sip:example.com\nCSeq: 1",
            "restart-same-callid",
            severity="info",
            title="a restart with a Call-ID made of the MAC address",
        ),
        bad(
            """
            > REGISTER sip:example.com
            CSeq: 41
            < 200
            @10 > REGISTER sip:example.com
            Expires: 0
            < 200
            @50 > REGISTER sip:example.com
            CSeq: 1
            """,
            "restart-same-callid",
            severity="info",
            title="it signed off and begins again at 1",
        ),
        good(
            """
            > REGISTER sip:example.com
            CSeq: 5
            @32.1 dst=198.51.100.2:5060 > REGISTER sip:example.com
            CSeq: 5
            """,
            title="the same request to the next server after no answer (8.1.2)",
        ),
        good("> REGISTER sip:example.com\n@0.5 > again\n< 200", title="a retransmission"),
        good("> REGISTER sip:example.com\n> again\n< 200", title="one packet twice in the capture"),
        good("> REGISTER sip:example.com\nCSeq: 1\n< 401\n> REGISTER sip:example.com\nCSeq: 1\nAuthorization: {bob x}"),
        good(
            """
            > REGISTER sip:example.com
            CSeq: 5
            < 200
            > REGISTER sip:example.com
            CSeq: 6
            To: <sip:carol@example.com>
            """,
            title="two address-of-records share one counter",
        ),
        good(
            "> REGISTER sip:example.com\nCSeq: 6\n@0.2 > REGISTER sip:example.com\nCSeq: 5",
            title="two messages in one tick of a log",
            log=True,
        ),
    ),
)
