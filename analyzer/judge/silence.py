"""What ended a request that got no final response, and what to do about it: only what the capture leaves open.

Where the network or the server itself said something, that names the place to look at; to ask whether the server
listens at all would be refuted by the same capture.
"""

from __future__ import annotations

from analyzer.defect import TORN
from analyzer.evidence import PROHIBITED, Endpoint, NetworkError
from analyzer.judge.context import CaptureContext
from analyzer.register.ports import OF_TLS, meant
from analyzer.register.transaction import Transaction
from analyzer.sip.transports import STREAMS

_DROPS = "whether a firewall or fail2ban drops the phone's address"
_TELLS = "capture at the server too: only that tells a lost request from one that was ignored"
_OF_ICMP = {
    PROHIBITED: "a router or firewall rejects the packets on purpose: let them pass at {0}",
    "time exceeded": "the packets go round in circles or too far: follow the route to the server (traceroute {1})",
    "packet too big": "let the phone use TCP or TLS, or send less (fewer codecs and header values); else mend the MTU "
    "of the tunnel or link at {0}",
    "port unreachable": "see whether the server listens on port {2} ({3}), and whether a firewall rejects it",
}
_ROUTE = "see whether the server is up, and follow the route to it (traceroute {1}, its gateway, ARP)"


def how_it_ended(abort: NetworkError) -> str:
    """What the network did: `ended in an ICMP error (port unreachable), with no answer`."""
    if abort.reason == "icmp":
        return f"ended in an ICMP error ({abort.said}), with no answer"
    what = "a reset" if abort.reason == "reset" else "a closed"
    if abort.text:
        return f"ended in {what} connection: {abort.source} sent {abort.text}, which is no SIP"
    return f"ended in {what} connection, with no answer"


def is_torn(transaction: Transaction) -> bool:
    """Whether the request came in fragments of which some are missing."""
    request = transaction.request
    return request is not None and any(defect.code == TORN for defect in request.raw_message.defects)


def torn(transaction: Transaction) -> str:
    """That a request may not have arrived whole, in words; empty for any other."""
    return "; it came in fragments, and not all of them are in the capture" if is_torn(transaction) else ""


def advice(transaction: Transaction, context: CaptureContext) -> str:
    """What to do about it, most likely first; empty where nothing special is known."""
    hint, heard = _port_hint(transaction, context), _of_what_was_heard(transaction, context)
    if not hint and not heard:
        return ""
    return "; ".join(part for part in (hint, heard or listens(transaction.transport)) if part)


def listens(transport: str) -> str:
    """What to do where nothing is known but that no answer came."""
    return f"see whether the server listens there (`{_sockets(transport)}`), {_DROPS}, and {_TELLS}"


def _sockets(transport: str) -> str:
    return "ss -tlnp" if transport in STREAMS else "ss -ulnp"


def _of_what_was_heard(transaction: Transaction, context: CaptureContext) -> str:
    abort, server = transaction.aborted, transaction.destination
    if abort is not None and abort.reason == "icmp":
        by = abort.sender or server.host
        return _OF_ICMP.get(abort.text, _ROUTE).format(by, server.host, server.port, _sockets(transaction.transport))
    if abort is not None and abort.text == "TLS":
        return f"{server} speaks TLS: set the phone's transport to TLS, or enter the port for {transaction.transport}"
    if abort is not None and abort.text:
        return f"{server} is no port of SIP over {transaction.transport}: enter the port and transport of the registrar"
    if abort is not None:
        return (
            f"something listens on {server} and ends the connection: see the server's own log for that time, and "
            "whether a firewall or ALG between cuts it"
        )
    if is_torn(transaction):
        return (
            "let the phone use TCP or TLS, or send less: a firewall, tunnel or NAT on the way may drop fragments, and "
            "then the request never arrives whole"
        )
    if transaction.provisional:
        return f"the server has the request: see what it asks behind it ({server.host}'s own log, the server after it)"
    if context.port_answers(server):
        return f"the server has answered on this port: see whether it still runs, {_DROPS}, and {_TELLS}"
    return "" if transaction.transport not in STREAMS else listens(transaction.transport)


def _port_hint(transaction: Transaction, context: CaptureContext) -> str:
    """A hint at a port that looks like a slip and never answered."""
    server = transaction.destination
    port = meant(server.port, transaction.transport) if not context.port_answers(server) else None
    return "" if port is None else _hint(server, transaction.transport, port)


def _hint(server: Endpoint, transport: str, port: int) -> str:
    if server.port == OF_TLS:
        return f"did you mean port {port}? {OF_TLS} is that of SIP over TLS, and this is {transport}"
    kind = "SIP over TLS" if transport == "TLS" else "SIP"
    return f"did you mean port {port}? {server.port} looks like a slip: the usual port of {kind} is {port}"
