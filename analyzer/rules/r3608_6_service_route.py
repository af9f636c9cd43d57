"""Service-Route stands in the 2xx to a REGISTER, as a list of routes.

By Service-Route a registrar tells the phone which proxies its calls have to pass (RFC 3608 5, 6.3): the phone puts
these URIs into the Route of what it sends later, in the same order, so each value is a name-addr as in Route, and has
`lr` (`syntax`). A phone that cannot read one sends its calls past the services that it pays for, or not at all. The
header says something in a 2xx alone (`where`): in a request, or in a refusal, nobody may act on it.

Whether the phone uses it is its own choice, the REGISTER itself does not go along it, and several values are one list.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, Rule, Severity, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip

_KEY = "service-route"


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at Service-Route in a request and in its final response (RFC 3608 5, 6)."""
    del context
    transaction = subject.transaction
    request, final = transaction.request, transaction.final
    found: list[Violated] = []
    if request is not None and request.has(_KEY):
        detail = f"the REGISTER has Service-Route: {clip(request.first(_KEY) or '')}"
        found.append(Violated(detail, "where", "info", at_fault="UAC"))
    if final is not None and final.has(_KEY):
        severity: Severity = "info" if not 200 <= final.status < 300 else "warning"
        for sub, detail in _of_answer(final):
            key = (transaction.destination.host, sub)
            at = final.raw_message.evidence
            found.append(Violated(detail, sub, severity, at=at, at_fault="registrar", group_key=key))
    elif not found:
        yield NOT_APPLICABLE
        return
    if not found:
        yield PASSED
    yield from found


def _of_answer(final: Message) -> Iterator[tuple[str, str]]:
    if not 200 <= final.status < 300:
        yield "where", f"the {final.status} has Service-Route: {clip(final.first(_KEY) or '')}"
        return
    values = final.values(_KEY)
    if not values:
        yield "syntax", f"the Service-Route of the {final.status} is empty"
    for value in values:
        address = Address.parse(value)
        uri = address.uri
        if uri is None or not uri.is_sip or not uri.host or not address.bracketed:
            yield "syntax", f"the Service-Route {clip(value)} is no SIP URI in angle brackets"
            return
        if "lr" not in uri.params:
            yield "syntax", f"the Service-Route {clip(value)} has no lr"
            return


RULE = Rule(
    id="R3608-6-service-route",
    title="Service-Route malformed or not followed",
    short_title="The Service-Route cannot be followed",
    sub_titles={"where": "Service-Route stands where it says nothing"},
    question="whether Service-Route is a list of routes in a 2xx",
    clause="RFC 3608 §5, §6.1, §6.3",
    force="MUST",
    severity="info",
    at_fault="registrar / UAC",
    group="H",
    subject="transaction",
    check=check,
    applies_if=marks.ROUTED,
    observed_at="last",
    needs=(Need.WHOLE,),
    why="Originating services skipped.",
    fix="let the registrar write each Service-Route as `<sip:host;lr>`, and send it in the 2xx to a REGISTER alone",
    examples=(
        bad("> REGISTER sip:h\n< 200\nService-Route: <sip:a.example.com>", "syntax", severity="warning"),
        bad("> REGISTER sip:h\n< 200\nService-Route: sip:a.example.com;lr", "syntax", title="without brackets"),
        bad("> REGISTER sip:h\n< 200\nService-Route: <sip:a;lr>, <tel:+1>", "syntax", title="one of two"),
        bad("> REGISTER sip:h\n< 401\nService-Route: <sip:a;lr>", "where", severity="info"),
        bad("> REGISTER sip:h\nService-Route: <sip:a;lr>\n< 200", "where", title="in a request"),
        good("> REGISTER sip:h\n< 200\nService-Route: <sip:a;lr>, <sip:b;lr>"),
        good('> REGISTER sip:h\n< 200\nService-Route: "Home" <sips:a:5061;transport=tcp;lr>;x=1'),
        good("> REGISTER sip:h\n< 200", title="none"),
    ),
)
