"""Content-Length says how long the body is.

In a stream (TCP, TLS) nothing else tells where a message ends and the next begins, so the header must be there
(`missing`; RFC 3261 18.3, 20.14): without it a server waits for more, or closes the connection. In a datagram it may be
left out, and the body goes to the end; a length beyond that (`beyond`) is an error that the server answers with 400,
and octets behind the length (`trailing-octets`) are thrown away, which is only worth a note. A value that is no number
(`no-number`) is wrong anywhere. A body needs a Content-Type beside it (`no-type`; 20.15), or nobody knows what it is.

Messages that the capture cut are not looked at, and a printed log has lost its line ends, so that its lengths prove
nothing. WebSocket frames bound the message themselves (RFC 7118 5), and keep-alive line ends between two messages
belong to neither.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.evidence import Fidelity
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import PASSED, Answer, NotJudged, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.register.transport_marks import is_plainly_bounded
from analyzer.sip.message import Message
from analyzer.sip.text import clip

_STREAMS = ("TCP", "TLS")
_SHORT = 40
_SUBS = {
    "bad-content-length": "no-number",
    "content-length-beyond-message": "beyond",
    "trailing-octets": "trailing-octets",
}


def check(subject: MessageSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at the length of a request or a final response, and at what bounds it (RFC 3261 18.3)."""
    del context
    message = subject.message
    if is_plainly_bounded(message):
        yield PASSED
        return
    if message.raw_message.missing or not message.complete_headers:
        yield NotJudged("the message is cut")
        return
    sender = "UAC" if message.method else "registrar"
    found = list(_faults(message))
    for sub, detail, values in found:
        severity = {"trailing-octets": "info", "no-type": "warning"}.get(sub)
        key = None if message.method else (subject.transaction.destination.host, sub)
        yield Violated(detail, sub, severity, at_fault=sender, group_key=key, values=values)  # type: ignore[arg-type]
    if not found:
        yield PASSED


def _faults(message: Message) -> Iterator[tuple[str, str, Values]]:
    raw_message = message.raw_message
    what = message.method or str(message.status)
    printed = raw_message.fidelity is Fidelity.TEXT_LOG
    if not message.has("content-length") and raw_message.transport in _STREAMS and not printed:
        values = Values("no Content-Length", "Content-Length")
        yield "missing", f"the {what} goes over {raw_message.transport} and has no Content-Length", values
    for defect in message.defects:
        sub = _SUBS.get(defect.code)
        if sub == "trailing-octets" and raw_message.transport != "UDP":
            continue  # a frame's end, or the next message
        if sub is not None:
            yield sub, f"the {what}: {defect.text}", _values(message, sub)
    if message.body.strip(b"\r\n\0 ") and not message.has("content-type"):
        values = Values("no Content-Type", "Content-Type")
        yield "no-type", f"the {what} has a body of {len(message.body)} octets and no Content-Type", values


def _values(message: Message, sub: str) -> Values:
    if sub == "trailing-octets":
        return Values(f"{len(message.trailing)} octets after the body", "none")
    written = clip((message.first("content-length") or "").strip(), _SHORT) or "empty"
    return Values(written, "a number of octets" if sub == "no-number" else str(len(message.body)))


_TCP = "transport=TCP stream=1 "

RULE = Rule(
    id="R3261-18.3-content-length",
    title="Content-Length wrong or missing",
    short_title="Content-Length is wrong or missing",
    sub_titles={
        "trailing-octets": "Octets follow the message in its datagram",
        "no-type": "A body has no Content-Type",
    },
    question="whether Content-Length says how long the body is",
    clause="RFC 3261 §18.3, §20.14, §20.15, §7.4.2; RFC 4475 §3.1.1.8, §3.1.2.2-3",
    force="MUST",
    severity="error",
    at_fault="sender",
    group="G",
    subject="message",
    check=check,
    violates_only_if=marks.ODD_LENGTH,
    observed_at="any",
    explains=(400, "silence"),
    why="Breaks framing on TCP; truncated body on UDP.",
    fix="update the program that sends it, or the ALG on its way that rewrites messages: Content-Length is the number "
    "of octets after the empty line, in TCP and TLS also where that is 0",
    examples=(
        bad(f"{_TCP}> REGISTER sip:h\n-Content-Length\n{_TCP}< 200", "missing", severity="error"),
        bad(f"{_TCP}> REGISTER sip:h\n{_TCP}< 200\n-Content-Length", "missing", title="in an answer"),
        bad("> REGISTER sip:h\nContent-Length: 9999\n< 400", "beyond", severity="error", title="RFC 4475 clerr"),
        bad("> REGISTER sip:h\nContent-Length: -999\n< 400", "no-number", title="RFC 4475 ncl"),
        bad("body=INVITE > REGISTER sip:h\n< 200", "trailing-octets", severity="info", title="RFC 4475 dblreq"),
        bad(
            "body=v=0 > REGISTER sip:h\nContent-Length: 3\n< 200",
            "no-type",
            severity="warning",
            title="a body of an unknown kind",
        ),
        good("body=v=0 > REGISTER sip:h\nContent-Length: 3\nc: text/plain\n< 200", title="a body and its type"),
        good("> REGISTER sip:h\n< 200"),
        good("> REGISTER sip:h\n-Content-Length\n< 200\n-Content-Length", title="a datagram ends the message"),
        good("> REGISTER sip:h\nl: 0\n< 200", title="the compact form"),
        good("> REGISTER sip:h\nContent-Length: 9999\n< 400", title="a log", log=True),
        good("transport=WS stream=1 > REGISTER sip:h\n-Content-Length\n< 200", title="a WebSocket frame"),
    ),
)
