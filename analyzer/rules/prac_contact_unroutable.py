"""The Contact is where calls go, so it has to be an address that the registrar can reach.

A phone registers the address at which it wants to be called (RFC 3261 10.2.1). Behind a NAT it often writes its private
address, of which the other side has one, too, or none; then it is registered, and calls do not arrive. Servers help
themselves: they rewrite the Contact, note `received` beside it, or keep the packet's source to themselves, and where an
answer shows that, nothing is said. What a server keeps to itself no capture shows, so it is a warning and no error.

A loopback or link-local address (`local`) is the phone's own and nobody else's; 0.0.0.0, `::` or port 0 (`unspecified`)
is none at all. Where the host is that of the packet but, over UDP behind a NAT, the port is another one (`port`), a
call passes the NAT only if that port is forwarded. Outbound flows (RFC 5626), a Path, WebSocket and IMS have their own
ways back, names are not looked up, and two hosts of one private network reach each other.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Confidence,
    InProfile,
    Rule,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.register import marks
from analyzer.register.contacts import same_contact
from analyzer.register.requested import requested_contacts
from analyzer.register.subjects import TransactionSubject
from analyzer.register.transaction import Transaction
from analyzer.register.transport_marks import is_at_its_contact
from analyzer.register.way_back import sent_by_of
from analyzer.sip.address import Address
from analyzer.sip.hosts import Address as HostAddress
from analyzer.sip.hosts import address_of, is_address
from analyzer.sip.text import clip
from analyzer.sip.transports import default_port
from analyzer.sip.uri import canonical_host

_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)  # RFC 1918, 6598, 4193
_MOST = 16


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Hold the contacts of a registration that was accepted against where it came from."""
    del context
    transaction = subject.transaction
    request, final = transaction.request, transaction.final
    if final is None or not 200 <= final.status < 300:
        return NOT_APPLICABLE
    if is_at_its_contact(transaction):
        return PASSED
    if request is None or _has_own_way(transaction):
        return NOT_APPLICABLE
    if not is_address(transaction.source.host) or transaction.source.host == transaction.destination.host:
        return PASSED  # a log that does not tell, or one host
    for contact in requested_contacts(request)[:_MOST]:
        answer = _judged(transaction, contact)
        if answer is not None:
            return answer
    return PASSED


def _has_own_way(transaction: Transaction) -> bool:
    request, final = transaction.request, transaction.final
    assert request is not None and final is not None
    if transaction.transport in ("WS", "WSS") or transaction.via_count != 1:
        return True
    if request.has("path") or request.has("security-verify") or request.has("security-client"):
        return True
    return "outbound" in {tag.lower() for tag in final.values("require")}


def _judged(transaction: Transaction, contact: Address) -> Violated | None:
    uri, source = contact.uri, transaction.source
    if uri is None or not uri.is_sip or "ob" in uri.params:
        return None
    host, own = address_of(uri.host), address_of(source.host)
    if host is None or own is None:
        return None
    if uri.port == 0 or host.is_unspecified:
        what = "port 0" if uri.port == 0 else "no address"
        pair = ("port 0", "port 1 to 65535") if uri.port == 0 else (clip(uri.host), "an address of the phone")
        return Violated(f"the Contact {clip(uri.text)} names {what}", "unspecified", "error", values=Values(*pair))
    if not _is_kept(transaction, contact):
        return None
    if host == own:
        return _other_port(transaction, contact)
    if own.is_loopback or own.is_link_local:
        return None
    where = f"the request came from {source}, and the {transaction.status} lists it as it is"
    if host.is_loopback or host.is_link_local:
        kind = "a loopback address" if host.is_loopback else "a link-local address"
        detail = f"the Contact {clip(uri.text)} is {kind}; {where}"
        return Violated(detail, "local", confidence=Confidence.MEDIUM)
    block = _block(host)
    if block is None or _block(own) is block:
        return None
    detail = f"the Contact {clip(uri.text)} is a private address; {where}"
    return Violated(detail, confidence=Confidence.MEDIUM)


@lru_cache(maxsize=4096)
def _block(address: HostAddress) -> object:
    return next((network for network in _PRIVATE if address in network), None)


def _is_kept(transaction: Transaction, contact: Address) -> bool:
    """The answer lists the contact as it was asked for, and shows nothing of where it will call instead."""
    final = transaction.final
    assert final is not None
    listed = [one for one in final.contacts if same_contact(one, contact)]
    if not listed or listed[0].uri is None or contact.uri is None or listed[0].uri.host != contact.uri.host:
        return False
    params = {*listed[0].params, *listed[0].uri.params}
    return not params & {"received", "rcv", "alias", "nat", "pub-gruu"}


def _other_port(transaction: Transaction, contact: Address) -> Violated | None:
    """The Contact has the public address that the phone learned, and another port than the NAT gave it."""
    sent_by, uri = sent_by_of(transaction), contact.uri
    assert uri is not None
    named = address_of(sent_by.host) if sent_by is not None else None
    if sent_by is None or named is None or transaction.transport != "UDP" or not transaction.source.port:
        return None
    port = default_port("UDP") if uri.port is None else uri.port
    if canonical_host(sent_by.host) == canonical_host(transaction.source.host) or port == transaction.source.port:
        return None
    if named.is_loopback:
        return None
    detail = (
        f"the Contact {clip(uri.text)} has port {port}, the request came from {transaction.source}, "
        f"and its Via names {sent_by}"
    )
    return Violated(detail, "port", "info", confidence=Confidence.MEDIUM)


_NAT = "src=203.0.113.7:40001 > REGISTER sip:h\nVia: SIP/2.0/UDP 192.168.1.5:5060;rport;branch=z9hG4bKa\n"
_BOB = "Contact: <sip:b@192.168.1.5:5060>"

RULE = Rule(
    id="PRAC-contact-unroutable",
    title="Contact address the registrar cannot reach",
    short_title="The Contact is an address that cannot be reached",
    sub_titles={
        "unspecified": "The Contact names no address or port",
        "port": "The Contact has another port than the NAT gave",
    },
    question="whether contacts can be reached",
    clause="practice; RFC 3261 §10.2.1, §18.2.1 (handed-out URIs); RFC 3581 §9",
    force="none",
    severity="warning",
    at_fault="UAC",
    group="G",
    subject="transaction",
    check=check,
    profiles=(InProfile("ims"),),
    applies_if=marks.SUCCESS,
    violates_only_if=marks.FAR_CONTACT,
    why="Registration succeeds, incoming calls fail.",
    fix="let the server call where the request came from (Asterisk: rewrite_contact=yes in pjsip.conf, "
    "nat=force_rport,comedia in sip.conf; Kamailio: fix_nated_register()), or let the phone learn its public address "
    "(STUN, outbound)",
    stacks=("baresip 1.1.0: its private address, also behind NAT",),
    examples=(
        bad(f"{_NAT}{_BOB}\n< 200", severity="warning"),
        bad(f"{_NAT.replace('203.0.113.7', '10.1.2.3')}{_BOB}\n< 200", title="another private network"),
        bad(f"{_NAT}Contact: <sip:b@127.0.0.1:5060>\n< 200", "local", severity="warning"),
        bad(f"{_NAT}Contact: <sip:b@[fe80::1]:5060>\n< 200", "local"),
        bad("> REGISTER sip:h\nContact: <sip:b@0.0.0.0>\n< 200", "unspecified", severity="error"),
        bad("> REGISTER sip:h\nContact: <sip:b@192.0.2.10:0>\n< 200", "unspecified"),
        bad(f"{_NAT}Contact: <sip:b@203.0.113.7:5060>\n< 200", "port", severity="info"),
        good("> REGISTER sip:h\n< 200"),
        good(f"{_NAT}{_BOB}\n< 401", title="not accepted"),
        good(f"{_NAT}{_BOB}\n< 200\nContact: <sip:b@203.0.113.7:40001>;expires=60", title="the server rewrites it"),
        good(
            f'{_NAT}{_BOB}\n< 200\nContact: <sip:b@192.168.1.5:5060>;expires=60;received="sip:203.0.113.7:40001"',
            title="the server notes where it came from",
        ),
        good(
            f"{_NAT}Supported: outbound\n{_BOB};reg-id=1\n< 200\nRequire: outbound",
            title="a flow of RFC 5626",
        ),
        good(f"{_NAT}Path: <sip:edge.example.com;lr>\n{_BOB}\n< 200", title="an edge proxy has its own way"),
        good(
            "src=10.49.0.1:5064 > REGISTER sip:h\nVia: SIP/2.0/UDP 192.168.18.90:5064;rport;branch=z9hG4bKa\n"
            "Contact: <sip:b@10.49.0.1:5064>\n< 200",
            title="the packet's own address",
        ),
        good("src=10.0.0.7:5060 > REGISTER sip:h\nContact: <sip:b@10.0.0.8:5060>\n< 200", title="one private network"),
        good(
            "transport=WSS stream=1 > REGISTER sip:h\nContact: <sip:b@x7.invalid;transport=ws>\n< 200",
            title="WebSocket",
        ),
        good("src=127.0.0.1:5070 > REGISTER sip:h\nContact: <sip:b@127.0.0.9:5070>\n< 200", title="on one host"),
        good(f"{_NAT}Contact: <sip:b@phone.example.com>\n< 200", title="a name"),
        good(f"{_NAT}Contact: *\nExpires: 0\n< 200\n-Contact", title="a removal"),
    ),
)
