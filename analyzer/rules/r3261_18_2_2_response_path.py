"""Each answer goes where its request says, and where it can arrive.

A phone that asks for `rport` in its Via wants the answer at the address and port from which its request came, and sent
from the very port that it wrote to (RFC 3581 4): only that passes back through a NAT. One that does not ask gets it at
the port its Via names (RFC 3261 18.2.2), at the address the packet came from, or at `maddr`. Over TCP, TLS and
WebSocket the answer takes the connection of the request, as long as that is open. An answer that goes elsewhere is
lost: the phone repeats its request, though the registrar has long answered, and says "timeout".

An answer to where the request came from is never wrong in itself: many servers answer so unasked. It is only where the
phone listens at the port of its Via, and repeats itself (`source-port`). Where an answer comes from another address or
port than was asked (`other-source`), a NAT or firewall drops it. Another connection (`connection`) than the request's
may not be the phone's at all.

The commonest case breaks no rule at the registrar (`no-rport`): a phone behind a NAT that asks for no `rport` makes the
registrar answer to a port of the NAT behind which nobody listens. That is told only where the phone is seen not to hear
it, and is the phone's to mend. Where the client goes on with what the answer says, it has arrived all the same.
"""

from __future__ import annotations

from analyzer.evidence import Endpoint
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Confidence,
    NotJudged,
    Rule,
    Severity,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.register import marks
from analyzer.register.identity import is_private
from analyzer.register.subjects import ClosedSubject
from analyzer.register.transaction import Transaction, Way
from analyzer.register.way_back import is_repeated_late, other_via, sent_by_of, sources_of, ways_back
from analyzer.sip.via import Via

_REWRITTEN = 3
"""From this key on, request and response were not paired by the Via (docs/rules/reconstruction.md 2)."""
_LOOPBACK = ("127.", "::1")
_FORCE = "let the phone ask for rport (RFC 3581; often `rport`, `NAT support` or `symmetric response`)"


def check(subject: ClosedSubject, context: CaptureContext) -> Answer:
    """Hold the way of the final responses against Via and source of the request (RFC 3261 18.2.2, RFC 3581 4)."""
    del context
    transaction, request = subject.transaction, subject.transaction.request
    if not transaction.response_ways and not is_repeated_late(transaction):
        return PASSED
    via, sent_by = request.via if request is not None else None, sent_by_of(transaction)
    if via is None or sent_by is None:
        return NOT_APPLICABLE
    if transaction.pairing >= _REWRITTEN and (written := other_via(transaction)) and _is_lost(subject):
        return _rewritten(subject, written, sent_by)
    if transaction.pairing >= _REWRITTEN:
        return NotJudged("the Via of the answer is not that of the request")
    if transaction.stream or (transaction.transport or via.transport) not in ("UDP", ""):
        return _connection(subject)
    ways = ways_back(transaction)
    due = _due(via, sent_by, transaction.source)
    wanted = {_due(via, sent_by, source) for source in sources_of(transaction)}
    if any(client in wanted for client, _, _ in ways):
        return _at_its_place(subject, via, sent_by, ways)
    if any(client in sources_of(transaction) for client, _, _ in ways):
        return _to_the_source(subject, due)
    return _astray(subject, via, due, ways[0][0])


def _rewritten(subject: ClosedSubject, written: str, sent_by: Endpoint) -> Violated:
    """RFC 3261 18.1.2: a response whose topmost Via does not name the client is discarded."""
    transaction = subject.transaction
    return Violated(
        f"the {transaction.status} names {written} in its Via, where the request names {sent_by}: the phone must "
        f"discard it, and repeats its request {_copies(transaction)}",
        sub="via-rewritten",
        confidence=_proof(transaction),
        at_fault="registrar / SBC / ALG",
        related=transaction.copies[-1:],
        fix="switch off the SIP ALG of the router between them (it translates the Via on the way out, not on the way "
        "back), or let the phone use TLS, which no ALG can rewrite",
        values=Values(f"Via {written}", f"Via {sent_by}"),
    )


def _due(via: Via, sent_by: Endpoint, source: Endpoint) -> Endpoint:
    """Where a response to a request from `source` must go."""
    maddr = via.params.get("maddr")
    if maddr:
        return Endpoint(maddr.strip("[]"), sent_by.port)
    return source if via.rport is not None else Endpoint(source.host, sent_by.port)


def _at_its_place(subject: ClosedSubject, via: Via, sent_by: Endpoint, ways: list[Way]) -> Answer:
    """It went where it must; may it come from there, and does it arrive?"""
    transaction = subject.transaction
    if via.rport is not None:
        return _from_where(subject, sent_by, [server for _, server, _ in ways])
    if any(client in sources_of(transaction) for client, _, _ in ways) or "maddr" in via.params:
        return PASSED
    if not _is_lost(subject):
        return PASSED
    to, source = ways[0][0], transaction.source
    nat = f"of its NAT {to.host}" if sent_by.host != source.host else f"of {to.host}"
    return Violated(
        f"the {transaction.status} goes to port {to.port} {nat}, as the Via says, but the phone sends from port "
        f"{source.port} and does not ask for rport; it repeats its request {_copies(transaction)}",
        sub="no-rport",
        severity="warning",
        force="none",
        confidence=_proof(transaction),
        at_fault="UAC",
        related=transaction.copies[-1:],
        fix=f"{_FORCE}, or let the server answer to the source unasked (Asterisk: nat=force_rport in sip.conf, "
        "force_rport=yes in pjsip.conf; Kamailio and OpenSIPS: force_rport())",
        values=Values("no rport", "rport"),
    )


def _from_where(subject: ClosedSubject, sent_by: Endpoint, servers: list[Endpoint]) -> Answer:
    """RFC 3581 4: from the address and port that the request was sent to."""
    transaction = subject.transaction
    asked = [transaction.destination, *(destination for _, destination, _ in transaction.request_ways)]
    if any(server in asked for server in servers) or not (servers[0].port and transaction.destination.port):
        return PASSED
    if servers[0].host == transaction.source.host or servers[0].host.startswith(_LOOPBACK):
        return PASSED  # both on one machine, which has several addresses: it never left that
    translated = sent_by.host != transaction.source.host
    severity: Severity = "error" if (translated and subject.went_on is None) or _is_lost(subject) else "warning"
    return Violated(
        f"the {transaction.status} comes from {servers[0]}, though {transaction.destination} was asked: "
        f"{_who_drops_it(subject)}",
        sub="other-source",
        severity=severity,
        confidence=_proof(transaction),
        fix=_own_address(servers[0]),
        values=Values(f"from {servers[0]}", f"from {transaction.destination}"),
    )


def _who_drops_it(subject: ClosedSubject) -> str:
    if _is_lost(subject):
        return "the phone does not hear it, as behind a NAT or firewall that lets in answers of whom it asked alone"
    return "a NAT or firewall before the phone may drop it"


def _own_address(server: Endpoint) -> str:
    """What to do about a server that answers from another address than it was asked at."""
    fix = "let the server answer from the address and port that it was asked at: bind it to that address, and send "
    fix = f"{fix}nodes of a cluster behind one"
    if not is_private(server.host):
        return fix
    return f"let the NAT of the server translate its answers as well (that of {server.host} is missing); else {fix}"


def _to_the_source(subject: ClosedSubject, due: Endpoint) -> Answer:
    """It went back to where the request came from, not to the port of the Via: wrong only where that is deaf."""
    transaction = subject.transaction
    if not _is_lost(subject) or due.host != transaction.source.host or transaction.late_copies == 1:
        return PASSED
    sent_by = sent_by_of(transaction)
    if sent_by is None or sent_by.host != transaction.source.host:
        return PASSED  # behind a NAT the port of the Via is none of the phone's
    return Violated(
        f"the {transaction.status} goes back to port {transaction.source.port}, from which the phone sends; its Via "
        f"names port {due.port}, it asks for no rport, and repeats its request {_copies(transaction)}",
        sub="source-port",
        related=transaction.copies[-1:],
        fix="let the server answer to the port of the Via where no rport is asked for (Asterisk: nat=no or "
        "force_rport=no for this phone), or let the phone listen where it sends from",
        values=Values(f"to port {transaction.source.port}", f"to port {due.port}"),
    )


def _astray(subject: ClosedSubject, via: Via, due: Endpoint, to: Endpoint) -> Answer:
    """It went where neither the Via nor the source of the request is."""
    transaction = subject.transaction
    if subject.went_on is not None:
        return NotJudged("the answer arrived all the same: its address is translated on the way")
    lost = is_repeated_late(transaction)
    by = "maddr" if "maddr" in via.params else "rport" if via.rport is not None else "the port of its Via"
    unheard = f"; the phone repeats its request {_copies(transaction)}" if lost else ""
    return Violated(
        f"the {transaction.status} to the request from {transaction.source} goes to {to}; by {by} it must go to "
        f"{due}{unheard}",
        severity="error" if lost else "warning",
        confidence=_proof(transaction),
        related=transaction.copies[-1:],
        values=Values(f"to {to}", f"to {due}"),
    )


def _connection(subject: ClosedSubject) -> Answer:
    """RFC 3261 18.2.2: over a reliable transport, the connection of the request while it is open."""
    transaction = subject.transaction
    used = {transaction.stream, *(stream for _, _, stream in transaction.request_ways)}
    ways = ways_back(transaction)
    same = (transaction.source, transaction.destination)
    if any(stream in used or not stream or (client, server) == same for client, server, stream in ways):
        return PASSED
    if transaction.aborted is not None or 0 in used:
        return PASSED
    return Violated(
        f"the {transaction.status} takes another connection, to {ways[0][0]}, though the one from "
        f"{transaction.source} is open",
        sub="connection",
        severity="warning" if subject.went_on is not None else None,
        confidence=Confidence.MEDIUM,
        values=Values("another connection", "the connection of the request"),
    )


def _is_lost(subject: ClosedSubject) -> bool:
    return is_repeated_late(subject.transaction) and subject.went_on is None


def _proof(transaction: Transaction) -> Confidence:
    """One copy may repeat what was lost by chance."""
    return Confidence.HIGH if transaction.copies_after > 1 else Confidence.MEDIUM


def _copies(transaction: Transaction) -> str:
    number = transaction.copies_after
    return "once more after it" if number == 1 else f"{number} times after it"


_ASKS = "src=198.51.100.7:40001 > REGISTER sip:example.com\nVia: SIP/2.0/UDP 192.168.1.5:5060;rport;branch=z9hG4bKa\n"
_NO_RPORT = "Via: SIP/2.0/UDP {};branch=z9hG4bKa\n"
_DEAF = "@0 src=198.51.100.7:43712 > REGISTER sip:example.com\n{}@0.01 dst={} < 401\n"
_AGAIN = "@{0} > again\n@{0}1 < again\n"
_LATE = "".join(_AGAIN.format(at) for at in ("0.5", "1.5", "3.5"))
_INSIDE = _NO_RPORT.format("192.168.1.5:5060")

RULE = Rule(
    id="R3261-18.2.2-response-path",
    title="Response not sent where it must go",
    short_title="The answer goes where the phone is not",
    sub_titles={
        "no-rport": "The answers do not reach the phone, which asks for no rport",
        "other-source": "The answer comes from another address than was asked",
        "via-rewritten": "The answer does not have the Via of the request",
        "connection": "The answer takes another connection than the request",
    },
    question="whether answers go where the request came from",
    clause="RFC 3261 §18.2.2; RFC 3581 §4; RFC 5626 §5.3",
    force="MUST",
    severity="error",
    at_fault="registrar",
    group="G",
    subject="closed",
    check=check,
    violates_only_if=marks.ASTRAY | marks.LATE_COPIES,
    observed_at="any",
    explains=("given up",),
    supersedes=("R3261-17.1.2-retx-after-final",),
    why="UA never sees 401/200: `registration timeout` tickets.",
    fix="let the server answer by the Via: to received and rport where the phone asks for rport, else to the source "
    "address and the port of the Via (look for ALGs, and for proxies that rewrite the Via)",
    examples=(
        bad(
            f"{_ASKS}dst=192.168.1.5:5060 < 401\n@0.6 > again\n@1.5 > again",
            title="asked for rport, answered to the private address",
            severity="error",
            tail=60,
        ),
        bad(
            f"{_ASKS}dst=198.51.100.7:5060 < 200",
            title="not known whether it arrived",
            severity="warning",
            tail=60,
        ),
        bad(
            _DEAF.format(_INSIDE, "198.51.100.7:5060") + _LATE,
            "no-rport",
            title="a phone behind a NAT that does not ask for rport",
            severity="warning",
            tail=60,
        ),
        bad(
            _DEAF.format(_INSIDE, "198.51.100.7:5060") + _LATE,
            "no-rport",
            title="the same in a log",
            log=True,
            tail=60,
        ),
        bad(
            _DEAF.format(_NO_RPORT.format("198.51.100.7:5060"), "198.51.100.7:43712") + _LATE,
            "source-port",
            title="a phone that listens elsewhere than it sends from, without NAT",
            severity="error",
            tail=60,
        ),
        bad(
            "> REGISTER sip:example.com\nsrc=198.51.100.9:5060 < 401\n> REGISTER sip:example.com\n"
            "Authorization: {bob x}\n< 200",
            "other-source",
            title="another node of the cluster answers, and is heard",
            severity="warning",
        ),
        bad(
            f"{_ASKS}src=198.51.100.1:5062 < 401",
            "other-source",
            title="from another port, to a phone behind a NAT",
            severity="error",
            tail=60,
        ),
        bad(
            "> REGISTER sip:example.com\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa\n"
            "< 401\nVia: SIP/2.0/UDP 203.0.113.7:5060;branch=z9hG4bKa\n" + _LATE,
            "via-rewritten",
            title="an ALG that translates the Via on one way alone",
            severity="error",
            tail=60,
        ),
        good(
            "> REGISTER sip:example.com\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa\n"
            "< 401\nVia: SIP/2.0/UDP 203.0.113.7:5060;branch=z9hG4bKa\n"
            "> REGISTER sip:example.com\nAuthorization: {bob x}\n< 200",
            title="the same, captured behind it: the phone hears",
        ),
        bad(
            "transport=TCP stream=1 > REGISTER sip:example.com\ntransport=TCP stream=2 src=198.51.100.1:40123 < 401\n",
            "connection",
            title="a connection of its own for the answer",
            tail=60,
        ),
        good(
            f"{_ASKS}< 401",
            title="to received and rport, from the same server port",
        ),
        good(
            _DEAF.format(_INSIDE, "198.51.100.7:43712"),
            title="answered to the source unasked",
            tail=60,
        ),
        good(
            _DEAF.format(_NO_RPORT.format("198.51.100.7:5060"), "198.51.100.7:5060")
            + "> REGISTER sip:example.com\nVia: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKb\n"
            "Authorization: {bob x}\n< 200",
            title="a phone that listens elsewhere than it sends from, and hears",
        ),
        good(
            _DEAF.format(_INSIDE, "198.51.100.7:5060"),
            title="nothing tells that it did not arrive",
            tail=60,
        ),
        good(
            _DEAF.format(_INSIDE, "198.51.100.7:5060") + "@0.5 > again\n",
            title="a copy that may have crossed the answer",
            tail=60,
        ),
        good(
            "src=192.0.2.10:40000 > REGISTER sip:example.com\n"
            "Via: SIP/2.0/UDP 192.0.2.10:40000;maddr=192.0.2.77;branch=z9hG4bKa\ndst=192.0.2.77:40000 < 200",
            title="maddr wins",
        ),
        good(
            "src=192.168.1.5:5060 dst=198.51.100.1:5060 ip_id=1 > REGISTER sip:example.com\n"
            "@0.01 src=203.0.113.5:40001 ip_id=1 > again\n@0.02 dst=203.0.113.5:40001 < 401\n"
            "@0.03 dst=192.168.1.5:5060 < again",
            title="captured on both sides of the NAT",
            tail=60,
        ),
        good(
            "transport=TCP stream=1 > REGISTER sip:example.com\n! icmp\n"
            "transport=TCP stream=2 src=198.51.100.1:40123 < 401",
            title="the connection was lost before the answer",
        ),
    ),
)
