"""The answer tells the phone from which address and port its request came.

A phone that writes `;rport` without a value into its Via asks the server to fill in the port that the request came
from, and its address as `received`, equal or not (RFC 3581 4). By that a phone behind a NAT learns its public address,
for its Contact and for STUN-less keep-alives. A server that leaves `rport` empty or takes it out (`no-rport`), or gives
no `received` beside it (`no-received`), breaks that; one that writes a port other than that of the packet, beside the
packet's own address (`wrong-port`), misleads the phone. Without rport a server still has to add `received` where the
Via names a host by name or another address than the packet has (`received-missing`; RFC 3261 18.2.1).

Values that differ from what was captured are right where a NAT stands between: then the address differs, too. Over
WebSocket a server may leave `received` out (RFC 7118 5.3). Over TCP the answer finds its way without either, and a
phone whose Via has the packet's own address and port learns nothing new: then it is a note. A phone that sends `rport`
with a value, or `received`, writes what only a server may (`client-prefill`).
"""

from __future__ import annotations

from analyzer.evidence import Endpoint, Fidelity
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NO_VALUES,
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
from analyzer.register.subjects import TransactionSubject
from analyzer.register.transaction import Transaction
from analyzer.register.way_back import sent_by_of, sources_of, tells_source
from analyzer.sip.hosts import is_address
from analyzer.sip.scalar import decimal
from analyzer.sip.text import clip
from analyzer.sip.transports import STREAMS
from analyzer.sip.uri import canonical_host
from analyzer.sip.via import Via

_REWRITTEN = 3
"""From this key on, request and response were not paired by the Via (docs/rules/reconstruction.md 2)."""


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Hold the top Via of the first final response against the packet of the request (RFC 3581 4, RFC 3261 18.2.1)."""
    del context
    transaction = subject.transaction
    request, final = transaction.request, transaction.final
    if tells_source(transaction):
        return PASSED
    if request is None or request.via is None or request.raw_message.missing:
        return NOT_APPLICABLE
    prefilled = _prefilled(transaction, request.via)
    if prefilled is not None:
        return prefilled
    if final is None or final.via is None or final.raw_message.missing or transaction.transport in ("WS", "WSS"):
        return NOT_APPLICABLE
    if transaction.pairing >= _REWRITTEN or final.via.branch != request.via.branch:
        return NotJudged("the Via of the answer is not that of the request")
    if request.via.rport == "":
        return _asked(subject, final.via)
    return _unasked(subject, request.via, final.via)


def _prefilled(transaction: Transaction, via: Via) -> Answer | None:
    if not (via.rport or via.received) or transaction.via_count > 1:
        return None
    message = transaction.request
    raw_message = None if message is None else message.raw_message
    if raw_message is None or (raw_message.fidelity is not Fidelity.WIRE and raw_message.flow_step is None):
        return None  # a program may log, or hand on, what it has filled in itself; a document shows what was sent
    what = [f"rport={clip(via.rport)}"] if via.rport else []
    what += [f"received={clip(via.received)}"] if via.received else []
    fix = "let the phone send `rport` without a value, and no `received`: only who receives a request writes them"
    detail = f"the phone's own Via has {' and '.join(what)}"
    return Violated(detail, "client-prefill", "info", at_fault="UAC", fix=fix, values=Values(";".join(what), "rport"))


def _asked(subject: TransactionSubject, via: Via) -> Answer:
    """The phone asked for rport without a value."""
    transaction = subject.transaction
    sources, received = sources_of(transaction), canonical_host(via.received or "")
    if not via.rport:
        how = "leaves rport without a value" if via.rport == "" else "takes rport out"
        beside = f" (it has received={clip(via.received)})" if via.received else ""
        detail = f"the phone asks for rport, the {transaction.status} {how}{beside}"
        values = Values("rport" if via.rport == "" else "no rport", f"rport={transaction.source.port}")
        return _at_server(subject, detail, "no-rport", values=values if transaction.source.port else NO_VALUES)
    if not received:
        detail = f"the {transaction.status} has rport={clip(via.rport)}, and no received beside it"
        host = transaction.source.host
        values = Values("no received", f"received={host}" if is_address(host) else "received")
        return _at_server(subject, detail, "no-received", values=values)
    seen = [source for source in sources if canonical_host(source.host) == received and source.port]
    if not seen or any(source.port == decimal(via.rport) for source in seen) or _is_printed(transaction):
        return PASSED  # another address: a translator stands between; a phone's own log guesses its port
    detail = f"the request came from {seen[0]}, and the {transaction.status} says rport={clip(via.rport)}"
    values = Values(f"rport={clip(via.rport)}", f"rport={seen[0].port}")
    return _at_server(subject, detail, "wrong-port", "error", values=values)


def _unasked(subject: TransactionSubject, asked: Via, via: Via) -> Answer:
    """RFC 3261 18.2.1: received where sent-by is a name or another address."""
    transaction = subject.transaction
    host = transaction.source.host
    if via.received or asked.rport or not asked.host or not is_address(host) or _is_printed(transaction):
        return PASSED
    if any(canonical_host(asked.host) == canonical_host(source.host) for source in sources_of(transaction)):
        return PASSED
    named = "the name" if not is_address(asked.host) else ""
    detail = (
        f"the Via names {named}{' ' * bool(named)}{clip(asked.host)}, the request came from "
        f"{Endpoint(host, transaction.source.port)}, and the {transaction.status} has no received"
    )
    return _at_server(subject, detail, "received-missing", values=Values("no received", f"received={host}"))


def _is_printed(transaction: Transaction) -> bool:
    request = transaction.request
    return request is None or request.raw_message.fidelity is Fidelity.TEXT_LOG


def _at_server(
    subject: TransactionSubject, detail: str, sub: str, severity: Severity = "warning", *, values: Values = NO_VALUES
) -> Violated:
    """A fault of the server's, one finding for each server. It has no effect over a stream, or where the phone's own
    Via says already where it is; where the source does not tell from where it came, it may have none."""
    transaction = subject.transaction
    assert transaction.final is not None
    known = is_address(transaction.source.host) and transaction.source.port
    if transaction.transport in STREAMS or not known or sent_by_of(transaction) == transaction.source:
        severity = "info"
    return Violated(
        detail,
        sub,
        severity,
        at=transaction.final.raw_message.evidence,
        related=(transaction.evidence,),
        at_fault="registrar",
        group_key=(transaction.destination.host, sub),
        values=values,
    )


_ASKS = "src=203.0.113.7:40001 > REGISTER sip:h\nVia: SIP/2.0/UDP 10.49.0.1:5064;rport;branch=z9hG4bKa\n< 200\n"
_VIA = "Via: SIP/2.0/UDP 10.49.0.1:5064;branch=z9hG4bKa"
_PLAIN = f"src=203.0.113.7:40001 > REGISTER sip:h\n{_VIA}\n< 200\n"

RULE = Rule(
    id="R3581-4-received-rport",
    title="received / rport not set correctly in the response Via (or pre-filled by the client)",
    short_title="The answer does not say where the request came from",
    sub_titles={
        "wrong-port": "The answer names another port than the request's",
        "client-prefill": "The phone fills in what the server has to",
    },
    question="whether answers say where their request came from",
    clause="RFC 3581 §3, §4; RFC 3261 §18.2.1; RFC 7118 §5.3",
    force="MUST",
    severity="warning",
    at_fault="registrar / UAC",
    group="G",
    subject="transaction",
    check=check,
    violates_only_if=marks.ODD_RETURN,
    why="NAT traversal and public-address discovery fail.",
    fix="let the server fill in rport and received (Asterisk: nat=force_rport; Kamailio and OpenSIPS: force_rport()), "
    "and look for a proxy or ALG that rewrites the Via of answers",
    examples=(
        bad(f"{_ASKS}{_VIA};received=203.0.113.7", "no-rport", severity="warning"),
        bad(f"{_ASKS}{_VIA};rport", "no-rport", title="neither is filled in"),
        bad(f"{_ASKS}{_VIA};rport=40001", "no-received"),
        bad(f"{_ASKS}{_VIA};received=203.0.113.7;rport=5064", "wrong-port", severity="error"),
        bad(f"{_PLAIN}{_VIA}", "received-missing", title="the Via has another address"),
        bad(
            "> REGISTER sip:h\nVia: SIP/2.0/UDP pc33.example.com;branch=z9hG4bKa\n< 200",
            "received-missing",
            title="the Via has a name",
        ),
        bad(
            _ASKS.replace("UDP", "TCP").replace(">", "transport=TCP stream=1 >", 1) + _VIA.replace("UDP", "TCP"),
            "no-rport",
            severity="info",
            title="over a connection",
        ),
        bad("> REGISTER sip:h\nVia: SIP/2.0/UDP 10.1.1.1;rport=5060;branch=z9hG4bKa", "client-prefill", tail=60),
        bad(
            "> REGISTER sip:h\nVia: SIP/2.0/UDP 10.1.1.1;branch=z9hG4bKa;received=192.0.2.201\n< 401",
            "client-prefill",
            severity="info",
            title="RFC 3665 2.5",
        ),
        bad(
            "> REGISTER sip:h\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKa;rport\n< 200\n"
            "Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKa;rport",
            "no-rport",
            severity="info",
            title="the phone knows its address already",
        ),
        good(f"{_ASKS}{_VIA};received=203.0.113.7;rport=40001", title="both"),
        good(f"{_ASKS}{_VIA};received=203.0.113.7;rport=5064", title="a log of the phone, which guesses", log=True),
        good(f"{_ASKS}{_VIA};received=198.51.100.9;rport=1024", title="a NAT between capture and server"),
        good(f"{_PLAIN}{_VIA};received=203.0.113.7", title="not asked for"),
        good("> REGISTER sip:h\nVia: SIP/2.0/UDP 192.0.2.10:5062;branch=z9hG4bKa\n< 200", title="nothing to say"),
        good(
            "transport=WS stream=1 > REGISTER sip:h\nVia: SIP/2.0/WS x7.invalid;branch=z9hG4bKa\n< 200",
            title="WebSocket",
        ),
        good(
            "src=[2001:db8::7]:5060 dst=[2001:db8::1]:5060 > REGISTER sip:h\n"
            "Via: SIP/2.0/UDP [2001:DB8:0::7];branch=z9hG4bKa\n< 200",
            title="one IPv6 address in two spellings",
        ),
        good("> REGISTER sip:h\nVia: SIP/2.0/UDP 10.1.1.1;rport=5060;branch=z9hG4bKa\n< 200", title="a log", log=True),
    ),
)
