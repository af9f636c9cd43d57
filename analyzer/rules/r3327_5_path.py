"""The Path that proxies note on the way up is kept for the way down.

A proxy between phone and registrar that wants to be passed by later calls, for it alone can reach the phone, puts its
URI into Path (RFC 3327 5.2). The registrar keeps it with the binding, and repeats it in its 2xx, the same values in the
same order (5.3), so that everybody sees it did; if it does not (`not-echoed`), calls go past the edge and are lost. A
proxy that hands on the answer must leave it alone (`altered`). Where the phone has not said in Supported that it knows
Path (`unsupported`), a proxy should rather not add any, and the registrar may refuse it with 420; and a registrar need
not repeat it. A URI without `lr` (`no-lr`) makes the next hop rewrite the request as RFC 2543 had it.

Where the phone asks for a flow (RFC 5626: reg-id), the first proxy after it says by `ob` in its URI that it keeps flows
(`ob`; 5.1). One farther on that says so (a warning) promises what it cannot keep; a first one that does not (for
information) knows nothing of flows, which is legal, and the phone is called as without them. Whose a Path URI is, its
host must tell, which is that of a Via.

Path may stand in rows or in one comma list, and a phone that puts in its own is unusual and legal. What a refusal says
of Path is noise.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.evidence import Evidence
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Force,
    Need,
    Rule,
    Severity,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.judge.values import apart
from analyzer.register import marks
from analyzer.register.extensions import flow_contacts, supports
from analyzer.register.subjects import TransactionSubject
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip
from analyzer.sip.uri import uri_equal

_PATH = "path"
_WEIGHTS: dict[str, tuple[Severity, Force, str]] = {
    "unsupported": ("info", "SHOULD", "proxy"),
    "not-echoed": ("warning", "none", "registrar"),
    "altered": ("warning", "MUST", "proxy"),
    "no-lr": ("info", "none", "proxy"),
    "ob": ("warning", "MUST", "proxy"),
    "no-ob": ("info", "none", "proxy"),
}

_Fault = tuple[str, str, Values]
"""Sub-code, sentence and values."""


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Follow Path from the request into its 2xx, and over the hops (RFC 3327 5.2, 5.3)."""
    del context
    transaction = subject.transaction
    request, final = transaction.request, transaction.final
    if request is None or final is None or not (request.is_whole and final.is_whole):
        yield NOT_APPLICABLE
        return
    above = _above(transaction)
    if not any(message.has(_PATH) for message in (request, final, above or final)):
        yield NOT_APPLICABLE
        return
    found = [*_at_registrar(transaction, request, final), *_on_the_way(final, above)]
    for sub, detail, values in found:
        severity, force, at_fault = _WEIGHTS[sub]
        sub = "ob" if sub == "no-ob" else sub
        key = (transaction.destination.host, sub)
        related = _answer(final)
        yield Violated(detail, sub, severity, force, at_fault=at_fault, related=related, group_key=key, values=values)
    if not found:
        yield PASSED


def _answer(final: Message) -> tuple[Evidence, ...]:
    return (final.raw_message.evidence,)


def _above(transaction: Transaction) -> Message | None:
    """What the registrar answered, where this hop is the phone's and another is nearer the registrar."""
    path = transaction.path
    return path.last.final if path is not None and transaction.is_first_hop and path.last is not transaction else None


def _at_registrar(transaction: Transaction, request: Message, final: Message) -> Iterator[_Fault]:
    sent = request.values(_PATH)
    if not (transaction.is_last_hop and sent):
        return
    loose = next((value for value in sent if not _is_loose(value)), None)
    if loose is not None:
        yield "no-lr", f"the Path {clip(loose)} has no lr", Values("no lr", "lr")
    if not supports(request, _PATH):
        values = Values("no path in Supported", "Supported: path")
        yield "unsupported", f"the request brings Path {clip(sent[0])}, and its Supported does not name path", values
    elif 200 <= final.status < 300 and not _same(sent, final.values(_PATH)):
        seen, due = _listed(final), _listed(request)
        detail = f"the request has Path {due}, and the {final.status} has {seen}"
        yield "not-echoed", detail, apart(seen, due)
    yield from _of_flows(request, sent)


def _of_flows(request: Message, sent: list[str]) -> Iterator[_Fault]:
    """Who of the proxies up to the registrar says that it keeps flows; the Via at the bottom is the phone's."""
    proxies = [{via.host.lower(), (via.received or "").lower()} for via in request.vias[:-1]]
    if not proxies or not flow_contacts(request) or not supports(request, "outbound"):
        return
    for value in sent:
        uri = Address.parse(value).uri
        if uri is None or not uri.is_sip or not uri.host:
            continue
        places = [at for at, hosts in enumerate(proxies) if uri.host.lower() in hosts]
        if len(places) != 1:
            continue  # nothing tells whose it is
        is_edge, keeps = places[0] == len(proxies) - 1, "ob" in uri.params
        if keeps and not is_edge:
            detail = f"the Path {clip(value)} has ob, and its proxy is not the first after the phone"
            yield "ob", detail, Values("ob", "no ob")
        elif is_edge and not keeps:
            detail = f"the phone asks for a flow, and the Path {clip(value)} of the first proxy has no ob"
            yield "no-ob", detail, Values("no ob", "ob")


def _on_the_way(final: Message, above: Message | None) -> Iterator[_Fault]:
    if above is None or not above.is_whole or above.status != final.status or not 200 <= final.status < 300:
        return
    if not _same(above.values(_PATH), final.values(_PATH)):
        seen, due = _listed(final), _listed(above)
        detail = f"the {final.status} that reaches the phone has {seen}, the registrar sent {due}"
        yield "altered", detail, apart(seen, due)


def _listed(message: Message) -> str:
    return clip(", ".join(message.values(_PATH))) or "no Path"


def _is_loose(value: str) -> bool:
    uri = Address.parse(value).uri
    return uri is None or not uri.is_sip or "lr" in uri.params


def _same(one: list[str], two: list[str]) -> bool:
    """The same values in the same order."""
    if len(one) != len(two):
        return False
    pairs = ((Address.parse(a).uri, Address.parse(b).uri) for a, b in zip(one, two, strict=True))
    return all(a is not None and b is not None and uri_equal(a, b) for a, b in pairs)


_KNOWS = "> REGISTER sip:h\nSupported: path\n"
_TWO = "Path: <sip:p1;lr>, <sip:p2;lr>"
_UP = (
    "> REGISTER sip:h\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKu\nSupported: path\n"
    "src=192.0.2.20:5060 dst=203.0.113.1:5060 > REGISTER sip:h\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKp\n"
    "Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKu\nCSeq: 1\nSupported: path\nPath: <sip:192.0.2.20;lr>\n"
    "< 200\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKp\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKu\n"
    "Path: <sip:192.0.2.20;lr>\nto=1 < 200\n"
)

_FLOW = (
    "> REGISTER sip:h\nVia: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bKq\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKp\n"
    "Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKu\nSupported: path, outbound\nPath: {0}\n"
    'Contact: <sip:bob@192.0.2.10>;reg-id=1;+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000a>"\n'
    "< 200\nPath: {0}"
)

RULE = Rule(
    id="R3327-5-path",
    title="Path header mishandled",
    short_title="The Path of a registration is not kept",
    sub_titles={
        "unsupported": "A proxy adds Path, which the phone does not know",
        "altered": "A proxy changes the Path of an answer",
        "ob": "A proxy is wrong about whether it keeps flows",
        "no-lr": "A Path URI has no lr",
    },
    question="whether Path is kept",
    clause="RFC 3327 §5.1, §5.2, §5.3; RFC 5626 §5.1",
    force="SHOULD",
    severity="warning",
    at_fault="proxy / registrar",
    group="H",
    subject="transaction",
    check=check,
    applies_if=marks.ROUTED,
    observed_at="any",
    needs=(Need.C2S, Need.S2C),
    why="Incoming requests bypass the edge proxy.",
    fix="let the registrar store Path and repeat it (Kamailio: use_path=1 and path_mode of the registrar module; "
    "Asterisk: support_path=yes), and let proxies leave it alone in answers and write `;lr` into their URI",
    stacks=("Asterisk 22.10 with support_path=no: 200, and the Path is dropped without a word",),
    examples=(
        bad(f"{_KNOWS}Path: <sip:p1;lr>\n< 200", "not-echoed", severity="warning"),
        bad(f"{_KNOWS}{_TWO}\n< 200\nPath: <sip:p2;lr>, <sip:p1;lr>", "not-echoed", title="in another order"),
        bad("> REGISTER sip:h\nPath: <sip:p1;lr>\n< 200", "unsupported", severity="info"),
        bad(f"{_KNOWS}Path: <sip:p1>\n< 200\nPath: <sip:p1>", "no-lr", severity="info"),
        bad(f"{_UP}", "altered", title="the phone is told nothing of it"),
        good(f"{_KNOWS}{_TWO}\n< 200\nPath: <sip:p1;lr>\nPath: <sip:p2;lr>", title="a list, and rows"),
        bad(_FLOW.format("<sip:192.0.2.30;lr;ob>, <sip:192.0.2.20;lr;ob>"), "ob", severity="warning"),
        bad(_FLOW.format("<sip:192.0.2.30;lr>, <sip:192.0.2.20;lr>"), "ob", severity="info", title="no ob"),
        good(_FLOW.format("<sip:192.0.2.30;lr>, <sip:x@192.0.2.20;lr;ob>"), title="the first proxy keeps flows"),
        good(_FLOW.format("<sip:edge.example.com;lr>"), title="a name that no Via has"),
        good(f"{_UP}Path: <sip:192.0.2.20;lr>", title="over a proxy"),
        good(f"{_KNOWS}Path: <sip:p1;lr>\n< 401", title="a challenge need not repeat it"),
        good("> REGISTER sip:h\nSupported: path\n< 200", title="no Path"),
    ),
)
