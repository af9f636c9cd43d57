"""A request that is larger than 1300 octets does not go over UDP.

A datagram beyond the path's MTU travels as IP fragments, and many NATs and firewalls pass the first and drop the rest:
the request never arrives whole, and everything smaller works. So a request within 200 octets of the MTU, or larger than
1300 where the MTU is not known, must go over TCP or another transport that sees congestion (RFC 3261 18.1.1). Only who
was refused TCP before may go back to UDP, and a path whose MTU is known to be large is no offence: what stays on one
host is not looked at.

It is an error where the request is too large for one Ethernet frame and no answer came. For responses no clause sets a
limit; one that must go in fragments over any Ethernet (`response`) is noted, for it is lost in the same places. A log
prints the text and no octets: there sizes are near the truth, and what comes close to the limit is not told.
"""

from __future__ import annotations

from analyzer.evidence import Fidelity
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Confidence,
    Rule,
    Severity,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.register import marks
from analyzer.register.subjects import TransactionSubject
from analyzer.register.transaction import Transaction
from analyzer.sip.layout import SAFE_OVER_UDP
from analyzer.sip.message import Message

_ETHERNET = 1500
_IP_AND_UDP = {4: 28, 6: 48}
_LOG_SLACK = 1.05
_LOOPBACK = ("127.", "::1")


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Hold the sizes of request and first final response against the limit (RFC 3261 18.1.1)."""
    del context
    transaction = subject.transaction
    request, final = transaction.request, transaction.final
    if max(_size(request), _size(final)) <= SAFE_OVER_UDP:
        return PASSED
    if transaction.transport != "UDP" or _is_local(transaction):
        return NOT_APPLICABLE
    if request is not None and _size(request) > SAFE_OVER_UDP * _slack(request):
        return _too_large(transaction, request)
    if final is not None and _size(final) > _whole_packet(transaction) * _slack(final):
        return Violated(
            f"the {final.status} has {_size(final)} octets and goes over UDP, too large for one Ethernet frame",
            "response",
            "info",
            force="none",
            at=final.raw_message.evidence,
            at_fault="registrar",
            fix="let phone and server use TCP or TLS, or make the answer smaller (fewer contacts, fewer headers)",
            explains=(),
        )
    return PASSED


def _too_large(transaction: Transaction, request: Message) -> Answer:
    size = _size(request)
    severity: Severity
    fragments = size > _whole_packet(transaction)
    if transaction.final is None and fragments and transaction.state == "timeout":
        severity, end = "error", ", too large for one Ethernet frame, and gets no answer"
    else:
        severity, end = _severity(request), ", too large for one Ethernet frame" if fragments else ""
    return Violated(
        f"the REGISTER has {size} octets and goes over UDP{end}; more than {SAFE_OVER_UDP} are for TCP, unless that "
        "was refused before",
        severity=severity,
        confidence=Confidence.MEDIUM,
        values=Values(f"{size} octets over UDP", f"at most {SAFE_OVER_UDP} octets"),
    )


def _severity(request: Message) -> Severity:
    return "info" if request.raw_message.fidelity is Fidelity.TEXT_LOG else "warning"


def _size(message: Message | None) -> int:
    return 0 if message is None else len(message.raw) + message.raw_message.missing


def _slack(message: Message) -> float:
    return _LOG_SLACK if message.raw_message.fidelity is Fidelity.TEXT_LOG else 1.0


def _whole_packet(transaction: Transaction) -> int:
    """What fits into one Ethernet frame beside the headers of IP and UDP."""
    return _ETHERNET - _IP_AND_UDP[6 if ":" in transaction.source.host else 4]


def _is_local(transaction: Transaction) -> bool:
    source, destination = transaction.source.host, transaction.destination.host
    return source == destination or (source.startswith(_LOOPBACK) and destination.startswith(_LOOPBACK))


def _flow(octets: int, answer: str = "< 200") -> str:
    return f"> REGISTER sip:example.com\nX-Vendor: {'a' * octets}\n{answer}"


RULE = Rule(
    id="R3261-18.1.1-mtu",
    title="Request too large for UDP",
    short_title="The request is too large for UDP",
    sub_titles={"response": "The answer is so large that it goes in fragments"},
    question="whether requests are small enough for UDP",
    clause="RFC 3261 §18.1.1",
    force="MUST",
    severity="warning",
    at_fault="UAC / proxy",
    group="G",
    subject="transaction",
    check=check,
    violates_only_if=marks.LARGE,
    explains=("silence",),
    why="IP fragments are dropped by NATs and firewalls: `works without video codec/without TLS header` mysteries.",
    fix="let the phone use TCP or TLS (its transport setting; RFC 3261 18.1.1 asks for it by itself), or make the "
    "request smaller: compact header names, fewer Allow and Supported values, no vendor headers",
    examples=(
        bad(_flow(1100), severity="warning"),
        bad(
            _flow(1300, "@0.5 > again\n@1.5 > again\n"), severity="error", title="fragments without an answer", tail=60
        ),
        bad(_flow(1300), severity="warning", title="in fragments, and answered"),
        bad(_flow(1300), severity="info", title="in a log", log=True),
        bad(_flow(0, f"< 200\nX-Vendor: {'a' * 1400}"), "response", severity="info"),
        good(_flow(800), title="1250 octets"),
        good(_flow(860), title="about the limit in a log", log=True),
        good(_flow(2000).replace(">", "transport=TCP stream=1 >", 1), title="TCP"),
        good(f"src=127.0.0.1:5060 dst=127.0.0.1:5062 {_flow(2000)}", title="within one host"),
        good(_flow(0, f"< 200\nX-Vendor: {'a' * 1000}"), title="a response that fits into a frame"),
    ),
)
