"""The Via names the transport by which the request was sent, and where the answer can go.

A server sends its answer over the transport that the topmost Via names, to the host and port there (RFC 3261 18.2.2),
so the sender writes what it uses into it (18.1.1): UDP, TCP, TLS, SCTP, WS or WSS. A request over TCP whose Via says
UDP gets its answer over UDP, or not at all, if the server is strict; the usual cause is a phone or proxy that turned
from UDP to TCP, because the request was large, and kept the Via. The host must be one that can be written to
(`no-host`: none, or 0.0.0.0), and so must the port (`port`: 0).

Where TLS ends before the point of capture, the packet shows TCP and the Via TLS, or WS and WSS (`offloaded`): that is a
note. Names that end in `.invalid` are what WebSocket clients have to write (RFC 7118 5.1), and blanks around slash and
colon are legal.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.register.transport_marks import goes_as_written
from analyzer.sip.text import clip

_KNOWN = frozenset(("UDP", "TCP", "TLS", "SCTP", "WS", "WSS", "TLS-SCTP"))
_OFFLOADED = frozenset((("TCP", "TLS"), ("WS", "WSS"), ("SCTP", "TLS-SCTP")))
_NOWHERE = frozenset(("", "0.0.0.0", "::"))


def check(subject: MessageSubject, context: CaptureContext) -> Answer:
    """Hold the topmost Via against the packet that brought it (RFC 3261 18.1.1)."""
    del context
    message, transport = subject.message, subject.message.raw_message.transport
    if not message.method:
        return NOT_APPLICABLE
    via = message.via
    if goes_as_written(message) or via is None or not via.transport:
        return PASSED  # a Via that is missing or cannot be read is for other rules
    sender = "" if len(message.vias) == 1 else "proxy"
    if via.host in _NOWHERE:
        shown = via.host or "no host"
        values = Values(shown, "the sender's address or name")
        return Violated(f"the Via names {shown}: {clip(via.raw)!r}", "no-host", at_fault=sender, values=values)
    if via.port == 0:
        detail, values = f"the Via names port 0: {clip(via.raw)!r}", Values("port 0", "port 1 to 65535")
        return Violated(detail, "port", at_fault=sender, values=values)
    if not transport or via.transport == transport or via.transport not in _KNOWN:
        return PASSED
    detail = f"the request came over {transport}, and its Via says {via.transport}"
    values = Values(via.transport, transport)
    if (transport, via.transport) in _OFFLOADED:
        text = f"{detail}: TLS ends before the point of capture"
        return Violated(text, "offloaded", "info", at_fault=sender, values=values)
    return Violated(detail, at_fault=sender, values=values)


def _flow(via: str, transport: str = "UDP") -> str:
    stream = "" if transport == "UDP" else "stream=1 "
    return f"transport={transport} {stream}> REGISTER sip:h\nVia: {via};branch=z9hG4bKa\n< 200"


RULE = Rule(
    id="R3261-18.1.1-via-transport",
    title="Via transport or sent-by contradicts the packet",
    short_title="The Via names another transport than is used",
    sub_titles={
        "no-host": "The Via names no host that can be answered",
        "port": "The Via names port 0",
        "offloaded": "The Via says TLS where the capture shows none",
    },
    question="whether the Via names the transport that is used",
    clause="RFC 3261 §8.1.1.7, §18.1.1, §20.42; RFC 7118 §5.1",
    force="MUST",
    severity="warning",
    at_fault="UAC",
    group="G",
    subject="message",
    check=check,
    applies_if=marks.REQUEST,
    violates_only_if=marks.ODD_WAY,
    needs=(Need.WHOLE,),
    why="Responses are sent over the wrong transport.",
    fix="let the phone or proxy write the transport and the address into its Via that it sends from, anew when it "
    "turns from UDP to TCP",
    examples=(
        bad(_flow("SIP/2.0/UDP 192.0.2.10:5060", "TCP"), severity="warning"),
        bad(_flow("SIP/2.0/TCP 192.0.2.10:5060"), title="TCP in a datagram"),
        bad(_flow("SIP/2.0/TCP x7.invalid", "WSS"), title="WebSocket that says TCP"),
        bad(_flow("SIP/2.0/UDP 0.0.0.0:5060"), "no-host", severity="warning"),
        bad(_flow("SIP/2.0/UDP [::]:5060"), "no-host"),
        bad(_flow("SIP/2.0/UDP 192.0.2.10:0"), "port"),
        bad(_flow("SIP/2.0/TLS 192.0.2.10:5061", "TCP"), "offloaded", severity="info"),
        good(_flow("SIP / 2.0 / TCP first.example.com: 4000", "TCP"), title="blanks"),
        good(_flow("SIP/2.0/udp 192.0.2.10"), title="small letters"),
        good(_flow("SIP/2.0/WSS x7.invalid", "WSS"), title="WebSocket"),
        good(_flow("SIP/2.0/TLS 192.0.2.10", "TLS")),
        good(_flow("SIP/2.0/DTLS 192.0.2.10"), title="a transport that nobody knows"),
    ),
)
