"""Provisional responses, and 408, do not suit a REGISTER.

A request other than INVITE ends after 32 s whatever a server says. RFC 4320 therefore leaves one provisional response:
100, and over UDP not before 3.5 s have passed, for it stretches the interval at which a lost request is sent again
(`early-100`); any other provisional response has no use (`non100`). A server that still has no answer then must say 100
(`late-no-100`). A 408 arrives when the phone has given up already, and only makes for another round (`sent-408`).

All this is harmless to a registration that gets its answer; old Asterisk says 100 to every REGISTER. Over TCP and TLS a
100 may come at any time. By a clock of whole seconds 100 is early only within the second of the request. It is told
once for each server.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.evidence import SECOND, Evidence
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import PASSED, Answer, Confidence, Rule, Values, Violated, bad, good
from analyzer.judge.lapse import lapse
from analyzer.register import marks
from analyzer.register.subjects import TransactionSubject
from analyzer.register.transaction import Transaction
from analyzer.sip.timers import TRYING_DUE
from analyzer.sip.transports import STREAMS

_DUE = f"{TRYING_DUE / SECOND:.1f} s"
"""When Timer E has reached T2."""


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at the provisional responses to a REGISTER, and for 408 (RFC 4320 4.1, 4.2)."""
    transaction = subject.transaction
    found = list(_findings(transaction, context)) if transaction.request is not None else []
    yield from found
    if not found:
        yield PASSED


def _findings(transaction: Transaction, context: CaptureContext) -> Iterator[Answer]:
    server, trying = transaction.destination, transaction.trying
    other = next((status for status in transaction.provisional if status != 100), None)
    related: tuple[Evidence, ...] = () if trying is None else (trying,)
    if other is not None:
        text = f"{server} answered {other} to a REGISTER"
        values = Values(str(other), "100 alone")
        key = ("nit", server.host)
        yield Violated(text, "non100", related=related, group_key=key, explains=(), values=values)
    if 100 in transaction.provisional[:1] and trying is not None and _is_early(transaction, trying.time, context):
        took = lapse(transaction.first, trying.time, context.resolution)
        text = f"{server} sent 100 {took or 'right'} after the request over UDP, before Timer E has reached T2"
        values = Values(f"100 after {took}" if took else "100 at once", f"no 100 before {_DUE}")
        key = ("nit", server.host)
        yield Violated(text, "early-100", related=related, group_key=key, explains=(), values=values)  # it was heard
    if transaction.status == 408 and transaction.final is not None:
        final = transaction.final
        yield Violated(
            f"{server} answered 408 to a REGISTER",
            "sent-408",
            at=final.raw_message.evidence,
            group_key=("nit", server.host),
            explains=(),
            values=Values("408", "no 408"),
        )
    elif not transaction.provisional and _is_late(transaction, context):
        took = lapse(transaction.first, transaction.answered_at, context.resolution)
        text = f"{server} took {took} for its {transaction.status}"
        if transaction.retransmissions:
            last = lapse(transaction.last, transaction.answered_at, context.resolution)
            text = f"{server} sent its {transaction.status} {took} after the request, {last} after its last copy,"
        text = f"{text} and sent no 100 before"
        at = transaction.final.raw_message.evidence if transaction.final is not None else None
        doubt = Confidence.MEDIUM
        values, key = Values(f"no 100 in {took}", f"100 after {_DUE}"), ("nit", server.host)
        yield Violated(text, "late-no-100", at=at, confidence=doubt, group_key=key, values=values)


def _is_early(transaction: Transaction, time: int | None, context: CaptureContext) -> bool:
    if transaction.transport in STREAMS or time is None or transaction.first is None:
        return False
    waited = time - transaction.first
    return 0 <= waited < (SECOND if context.is_coarse else TRYING_DUE)


def _is_late(transaction: Transaction, context: CaptureContext) -> bool:
    """Even if only the last copy of the request arrived, a 100 was due before the final response."""
    last, answered = transaction.last, transaction.answered_at
    if last is None or answered is None:
        return False
    return answered - last > TRYING_DUE + context.slack * context.is_coarse


_TIMER_E = "@0 > REGISTER sip:example.com\n@0.5 > again\n@1.5 > again\n@3.5 > again\n"

RULE = Rule(
    id="R4320-4-nit-responses",
    title="Provisional or 408 response misused for REGISTER",
    short_title="The server sends responses that REGISTER has no use for",
    sub_titles={
        "non100": "The server sends a provisional response but 100",
        "early-100": "The server sends 100 too early over UDP",
        "late-no-100": "The server is slow and sends no 100",
        "sent-408": "The server answers 408 to a REGISTER",
    },
    question="whether provisional responses suit a REGISTER",
    clause="RFC 4320 §4.1, §4.2; RFC 3261 §8.2.6.1",
    force="MUST",
    severity="info",
    at_fault="registrar / proxy",
    group="D",
    subject="transaction",
    check=check,
    explains=("silence",),
    violates_only_if=marks.UNEVEN,
    observed_at="any",
    why="Harmless to registration; damages UDP recovery; very common in old Asterisk.",
    fix="let the server send no provisional response to REGISTER over UDP before Timer E has reached T2, 100 after "
    'that, and never 408 (Kamailio: no `sl_send_reply("100", ...)` for REGISTER)',
    examples=(
        bad("> REGISTER sip:example.com\n< 100\n< 200", "early-100", severity="info", title="UDP, 10 ms"),
        bad("> REGISTER sip:example.com\n< 100\n< 200", "early-100", title="in one second of a log", log=True),
        bad("> REGISTER sip:example.com\n< 180\n< 200", "non100", severity="info"),
        bad("@0 > REGISTER sip:example.com\n@31 < 408", "sent-408", severity="info"),
        bad(
            "transport=TCP stream=1 > REGISTER sip:example.com\n@6 < 200",
            "late-no-100",
            severity="info",
            title="six seconds over TCP without a word",
        ),
        good("transport=TCP stream=1 > REGISTER sip:example.com\n< 100\n< 200", title="over TCP at any time"),
        good(_TIMER_E + "@3.6 < 100\n@5 < 200", title="from 3.5 s on"),
        good(_TIMER_E + "@3.6 < 200", title="only the last copy may have arrived"),
        good("@0 > REGISTER sip:example.com\n@1.2 < 100\n@2 < 200", title="a log: a tick later", log=True),
        good("> REGISTER sip:example.com\n< 200"),
    ),
)
