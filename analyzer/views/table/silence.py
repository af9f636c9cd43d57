"""What is told of a client that hears nothing: who answers at all, what the network said, which way the answers go."""

from __future__ import annotations

from analyzer.register.registration import Registration
from analyzer.views.states import ClientSummary
from analyzer.views.table.credentials import OF_CREDENTIALS


def network_words(aborted: str) -> str:
    """What ended the exchange: `the network says: port unreachable`, `198.51.100.1:5060 reset the connection`."""
    return aborted if " the connection" in aborted else f"the network says: {aborted}"


def _banned(one: Registration) -> str:
    """That a phone is not heard any more which was refused before: a registrar may ban its address."""
    refused = [str(failure.status) for failure in one.failures if failure.status in OF_CREDENTIALS]
    if not refused or one.failures[-1].status:
        return ""
    return f" ({refused[-1]}): it may have banned its address after that (fail2ban)"


def silence(clients: ClientSummary, one: Registration) -> str:
    """Whether the server answers at all: this phone, others on this very port, or on other ports of its host."""
    registrar = one.registrar.endpoint
    host = registrar.host
    if one.last_seen is not None and one.last_seen.provisional:
        return f"{host} answers {one.last_seen.provisional} and nothing after it: what it asks behind it may be silent"
    if one.reasons or one.outcomes["registered"]:
        return f"{host} answered this phone before{_banned(one)}"
    if one.heard and one.last_seen is not None and one.last_seen.has_credentials:
        return f"{host} answered this phone's request without credentials, and not the one with them"
    if one.heard:
        return f"{host} answered this phone before"
    if registrar in clients.answering:
        return f"{host} answers others, not this phone"
    ports = clients.other_ports(registrar)
    if ports:  # one that did not answer says nothing of another
        many = clients.asked[registrar] > 1
        answers = f"port {ports[0]}" + (f" and {len(ports) - 1} more" if len(ports) > 1 else "")
        silent = f"port {registrar.port} answers nobody here" if many else f"no answer came from port {registrar.port}"
        return f"{silent}; {host} answers on {answers}"
    return f"{host} answers nobody here" if clients.asked[registrar] > 1 else f"no answer came from {host}"


def way_back(one: Registration) -> str:
    """Which way the latest answer went, where the phone has not heard it; else nothing."""
    way = one.unheard
    if way is None:
        return ""
    if way.answered_from is not None:
        asked = one.registrar.endpoint
        return f"the {way.status} comes from {way.answered_from}, not from {asked} that was asked, and is not heard"
    if way.other_via:
        return (
            f"the {way.status} names {way.other_via} in its Via, the request {way.sent_by}: the phone must take it for "
            "somebody else's, and repeats its request (RFC 3261 18.1.2)"
        )
    if not way.is_astray:
        return f"the {way.status} goes to {way.to}, and the phone repeats its request as if it did not hear it"
    if way.to.host != way.source.host:
        return f"the {way.status} goes to {way.to}, but the phone sends from {way.source}"
    nat = f"its NAT {way.to.host}" if way.is_translated else f"{way.to.host}"
    asks = "" if way.asks_rport else " and does not ask for rport"
    return f"the {way.status} goes to port {way.to.port} of {nat}; the phone sends from port {way.source.port}{asks}"
