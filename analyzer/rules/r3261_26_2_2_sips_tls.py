"""A request for a sips URI goes over TLS.

`sips:` promises that every hop up to the domain is protected by TLS (RFC 3261 26.2.2, 19.1): a phone that registers
with a sips Request-URI, or whose topmost Route is one, must send that request over TLS (8.1.2), and a server that gets
it in clear may refuse it. What goes over UDP or plain TCP instead can be read and changed on the way, credentials and
contacts, though the URI says it cannot. Usual causes are a `sips:` account with the transport set to UDP or TCP by
hand, and a server that is found by its address instead of by its NAPTR or SRV record.

Where the Via says TLS and the packet shows TCP, TLS ended before the point of capture; between two programs on one host
a TLS terminator hands on what came in protected. Neither is judged. Where a log does not say over which transport a
message came, the Via is taken at its word.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    NotJudged,
    Rule,
    Severity,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.register.transport_marks import SIPS, goes_as_written
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip

_CLEAR = frozenset(("UDP", "TCP", "WS", "SCTP"))
_PROTECTED = frozenset(("TLS", "WSS", "TLS-SCTP"))
_LOOPBACK = ("127.", "::1")


def check(subject: MessageSubject, context: CaptureContext) -> Answer:
    """Hold a sips Request-URI or Route against the transport of the packet (RFC 3261 26.2.2)."""
    del context
    message = subject.message
    if not message.method:
        return NOT_APPLICABLE
    asks = "" if goes_as_written(message) else _asks(message)
    raw_message, via = message.raw_message, message.via
    written = via.transport if via is not None else ""
    transport = raw_message.transport or written
    if not asks or transport not in _CLEAR:
        return PASSED
    if written in _PROTECTED:
        return NotJudged("TLS may end before the point of capture")
    source, destination = raw_message.source.host, raw_message.destination.host
    if source == destination or (source.startswith(_LOOPBACK) and destination.startswith(_LOOPBACK)):
        return NotJudged("it stays on one host, where TLS may have ended")
    severity: Severity = "error" if raw_message.transport else "warning"
    detail = f"the {asks}, and the request goes over {transport}"
    return Violated(detail, severity=severity, values=Values(transport, "TLS"))


def _asks(message: Message) -> str:
    """What asks for TLS, in words; empty where nothing does."""
    if message.uri is not None and message.uri.scheme == SIPS:
        return f"Request-URI is {clip(message.request_uri)}"
    routes = message.values("route")
    uri = Address.parse(routes[0]).uri if routes else None
    return f"topmost Route is {clip(routes[0])}" if uri is not None and uri.scheme == SIPS else ""


_SENT = "REGISTER sips:example.com\n"

RULE = Rule(
    id="R3261-26.2.2-sips-tls",
    title="SIPS Request-URI sent without TLS",
    short_title="A request for a sips URI goes unprotected",
    question="whether requests for sips URIs go over TLS",
    clause="RFC 3261 §8.1.2 ¶1-2, §26.2.2, §19.1; RFC 5630 §5.1.1",
    force="MUST",
    severity="error",
    at_fault="UAC",
    group="G",
    subject="message",
    check=check,
    applies_if=marks.REQUEST,
    violates_only_if=marks.ODD_WAY,
    explains=(400, 403, 416, 480, "silence"),
    why="Security promise of sips broken on the first hop.",
    fix="set the phone's transport to TLS (port 5061), or register with `sip:` where no protection is meant",
    examples=(
        bad(f"> {_SENT}< 200", severity="error"),
        bad(f"transport=TCP stream=1 > {_SENT}< 403", title="plain TCP"),
        bad("> REGISTER sip:example.com\nRoute: <sips:p.example.com;lr>\n< 200", title="the topmost Route"),
        good(f"transport=TLS stream=1 > {_SENT}< 200", title="TLS"),
        good(
            f"transport=TCP stream=1 > {_SENT}Via: SIP/2.0/TLS 192.0.2.10;branch=z9hG4bKa\n< 200",
            title="behind a terminator of TLS",
        ),
        good(f"src=127.0.0.1:5070 dst=127.0.0.1:5060 > {_SENT}< 200", title="within one host"),
        good("> REGISTER sip:example.com\nContact: <sips:bob@192.0.2.10>\n< 200", title="a sips contact alone"),
        good("> REGISTER sip:example.com\nRoute: <sip:p;lr>, <sips:q;lr>\n< 200", title="not the topmost"),
    ),
)
