"""Record-Route has no meaning in a registration.

With Record-Route a proxy says that it wants to see the later requests of a dialog. A REGISTER makes no dialog, so the
registrar must ignore the header and put it into no answer (`registrar-sent`; RFC 3261 10.3), and the phone must not
make a route of it (`uac-used`; 10.2): one that does sends its calls through an element that never asked for them. In a
request it is a remark (`in-request`): a proxy that treats all requests alike has added it, or, on the first hop, the
phone itself.

Path (RFC 3327) and Service-Route (RFC 3608) are other headers, made for registrations. A phone that is set to use a
proxy for all it sends names it as Route, too, and that proxy may well be the one of the Record-Route: what it had as
Route before, or in a REGISTER, is its own, and so is a single route to the host that it registers with, if that has no
parameter but those that anybody would write.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Confidence, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.given import GivenRoutes, Guidance, Route, route_of
from analyzer.register.subjects import TransactionSubject
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address
from analyzer.sip.text import clip

_PLAIN = frozenset(("lr", "transport"))
_FIX_UAC = "let the phone take its routes from Service-Route and its settings alone: a registration makes no dialog"
_FIX_PROXY = "let the proxy add Record-Route to requests that begin a dialog alone, and not to REGISTER"


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look for Record-Route in a REGISTER, in its answer, and in what the phone makes of it (RFC 3261 10.2, 10.3)."""
    del context
    transaction = subject.transaction
    if transaction.method != "REGISTER":
        yield _used(transaction, subject.given)
        return
    wrong = [*_answered(transaction), *_asked(transaction)]
    yield from wrong or (PASSED,)


def _used(transaction: Transaction, given: Guidance) -> Answer:
    """Hold the Route of a request that begins a dialog, or none, against the Record-Route that its sender was told."""
    request = transaction.request
    route = route_of(request, "route") if request is not None else ()
    if request is None or not given.latest or not route:
        return NOT_APPLICABLE
    if route in given.own or any(route == one.service for one in given.latest):
        return PASSED
    from_ = next((one for one in given.latest if one.recorded and route in (one.recorded, one.recorded[::-1])), None)
    if from_ is None or _is_configured(route, from_):
        return PASSED
    detail = (
        f"the {transaction.method} has Route: {clip(', '.join(route))}, the Record-Route of the answer to a REGISTER"
    )
    return Violated(
        detail,
        "uac-used",
        "error",
        confidence=Confidence.MEDIUM,  # what it was set to before the capture began is not known
        related=(from_.evidence,),
        at_fault="UAC",
        fix=_FIX_UAC,
        values=Values(f"Route: {clip(', '.join(route))}", "no Route made of a Record-Route"),
    )


def _is_configured(route: Route, told: GivenRoutes) -> bool:
    """Whether a route may be the phone's own: one element, where it registers, in words that anybody would write."""
    uris = [Address.parse(value).uri for value in route]
    return len(uris) == 1 and uris[0] is not None and uris[0].host == told.server and set(uris[0].params) <= _PLAIN


def _answered(transaction: Transaction) -> Iterator[Violated]:
    final = transaction.final
    written = final.first("record-route") if final is not None and transaction.is_last_hop else None
    if final is None or written is None:
        return
    copied = transaction.request is not None and transaction.request.has("record-route")
    how = ", copied from the request" if copied else ""
    detail = f"the {final.status} has Record-Route: {clip(written.strip())}{how}"
    who = "registrar" if 200 <= final.status < 300 else "registrar or proxy"
    values = Values(f"Record-Route: {clip(written.strip())}", "no Record-Route")
    yield Violated(detail, "registrar-sent", at=final.raw_message.evidence, at_fault=who, values=values)


def _asked(transaction: Transaction) -> Iterator[Violated]:
    request = transaction.request
    written = request.first("record-route") if request is not None else None
    if written is None or not (transaction.is_first_hop or transaction.is_last_hop):
        return
    is_own = transaction.via_count == 1
    yield Violated(
        f"the REGISTER has Record-Route: {clip(written.strip())}",
        "in-request",
        "info",
        at_fault="UAC" if is_own else "proxy",
        fix="" if is_own else _FIX_PROXY,
        values=Values(f"Record-Route: {clip(written.strip())}", "no Record-Route"),
    )


_TOLD = "> REGISTER sip:h\n< 200\nRecord-Route: <sip:p1;lr>\n"

RULE = Rule(
    id="R3261-10.2-record-route",
    title="Record-Route given meaning in a registration",
    short_title="Record-Route in a registration",
    sub_titles={
        "registrar-sent": "The registrar answers with Record-Route",
        "in-request": "A REGISTER has a Record-Route",
        "uac-used": "The phone makes a route of a Record-Route",
    },
    question="whether registrations are without Record-Route",
    clause="RFC 3261 §10.2 ¶ on Record-Route, §10.3",
    force="MUST",
    severity="warning",
    at_fault="UAC / registrar",
    group="A",
    subject="transaction",
    check=check,
    applies_if=marks.REGISTRATION | marks.GUIDED,
    violates_only_if=marks.ODD_EXCHANGE | marks.GUIDED,
    observed_at="any",
    methods=(),
    why="Sends later requests through the wrong element; header alone does no harm.",
    fix="update the phone or registrar that writes the header: a registration has none",
    examples=(
        bad("> REGISTER sip:h\n< 200\nRecord-Route: <sip:p1;lr>", "registrar-sent", severity="warning"),
        bad("> REGISTER sip:h\n< 401\nRecord-Route: <sip:p1;lr>", "registrar-sent", severity="warning"),
        bad("> REGISTER sip:h\nRecord-Route: <sip:p1;lr>\n< 200", "in-request", severity="info"),
        bad(
            """
            > REGISTER sip:h
            Record-Route: <sip:p1;lr>
            Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKp
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa
            < 200
            record-route: <sip:p1;lr>
            """,
            "in-request",
            "registrar-sent",
            title="a proxy adds it, and the registrar copies it",
        ),
        bad(
            f"{_TOLD}> INVITE sip:al@h\nCall-ID: i1\nCSeq: 1\nRoute: <sip:p1;lr>\n< 200",
            "registrar-sent",
            "uac-used",
            title="the phone calls along it",
        ),
        bad(
            f"{_TOLD.replace('p1;lr', 'a;lr>, <sip:b;lr')}> MESSAGE sip:al@h\nCall-ID: i1\nCSeq: 1\n"
            "Route: <sip:b;lr>\nRoute: <sip:a;lr>\n< 200",
            "registrar-sent",
            "uac-used",
            title="the other way round, as of a dialog",
        ),
        good("> REGISTER sip:h\n< 200\nService-Route: <sip:p1;lr>\nPath: <sip:p1;lr>"),
        good(
            "> REGISTER sip:h\n< 200\nService-Route: <sip:p1;lr>\n"
            "> INVITE sip:al@h\nCall-ID: i1\nCSeq: 1\nRoute: <sip:p1;lr>\n< 200",
            title="the phone calls along its Service-Route",
        ),
        good("> REGISTER sip:h\nRoute: <sip:p1;lr>\n< 200"),
        good("> INVITE sip:bob@h\nRecord-Route: <sip:p1;lr>\n< 200\nRecord-Route: <sip:p1;lr>", title="a call"),
    ),
)
