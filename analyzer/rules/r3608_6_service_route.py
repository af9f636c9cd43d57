"""Service-Route stands in the 2xx to a REGISTER, as a list of routes.

By Service-Route a registrar tells the phone which proxies its calls have to pass (RFC 3608 5, 6.3): the phone puts
these URIs into the Route of what it sends later, in the same order, so each value is a name-addr as in Route, and has
`lr` (`syntax`). A phone that cannot read one sends its calls past the services that it pays for, or not at all. The
header says something in a 2xx alone (`where`): in a request, or in a refusal, nobody may act on it.

Whether the phone uses it is its own choice, the REGISTER itself does not go along it, and several values are one list.
A proxy that the phone is set to may stand before the list, and a phone that calls by SIPS writes sips where it was told
sip (RFC 5630). But a phone that goes along the list keeps its order (`order`), and goes along the list of the latest
2xx: one that an earlier 2xx told, and the latest has not (`stale`), may lead to a server that is gone. A route that was
the phone's own before is nobody's list. A query should be told the same as the registration (`fetch-differs`).
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.evidence import SECOND
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Confidence,
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
from analyzer.register.given import Guidance, Route, route_of
from analyzer.register.subjects import TransactionSubject
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip

_KEY = "service-route"
_FIX_UAC = "let the phone put the Service-Route of its latest 200 into the Route of its requests, unchanged"

_IN_BRACKETS = "a SIP URI in angle brackets"


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at Service-Route in a request and in its final response (RFC 3608 5, 6)."""
    del context
    transaction = subject.transaction
    if transaction.method != "REGISTER":
        yield _followed(transaction, subject.given)
        return
    if not transaction.is_last_hop:
        yield NOT_APPLICABLE
        return
    request, final = transaction.request, transaction.final
    found: list[Violated] = list(_of_query(request, final, subject.given))
    if request is not None and request.has(_KEY):
        detail = f"the REGISTER has Service-Route: {clip(request.first(_KEY) or '')}"
        found.append(Violated(detail, "where", "info", at_fault="UAC", values=_values_of(request)))
    if final is not None and final.has(_KEY):
        severity: Severity = "info" if not 200 <= final.status < 300 else "warning"
        for sub, detail, values in _of_answer(final):
            key = (transaction.destination.host, sub)
            at = final.raw_message.evidence
            found.append(Violated(detail, sub, severity, at=at, at_fault="registrar", group_key=key, values=values))
    elif not found:
        yield NOT_APPLICABLE
        return
    if not found:
        yield PASSED
    yield from found


def _of_query(request: Message | None, final: Message | None, given: Guidance) -> Iterator[Violated]:
    """Hold what a query is told against what the registration was told before."""
    if request is None or final is None or request.has("contact") or not 200 <= final.status < 300:
        return
    told, before = route_of(final, _KEY), given.latest[0] if given.latest else None
    if before is not None and told and before.service and not _same(told, before.service):
        detail = (
            f"the query is told Service-Route: {_listed(told)}, the registration was told {_listed(before.service)}"
        )
        at, values = final.raw_message.evidence, _apart(told, before.service)
        yield Violated(detail, "fetch-differs", "info", force="none", at=at, related=(before.evidence,), values=values)


def _followed(transaction: Transaction, given: Guidance) -> Answer:
    """Hold the Route of a request that begins a dialog, or none, against the lists that its sender was told."""
    request, first = transaction.request, transaction.first
    route = route_of(request, "route") if request is not None else ()
    if request is None or not given.latest or not route or first is None:
        return NOT_APPLICABLE
    if route in given.own or any(_ends_with(route, one.service) for one in given.latest):
        return PASSED
    for told in given.latest:
        own = route[-len(told.service) :] if told.service else ()
        if len(own) > 1 and sorted(map(_plain, own)) == sorted(map(_plain, told.service)):
            detail = f"the {transaction.method} has Route: {_listed(route)}, and was told {_listed(told.service)}"
            values = _apart(own, told.service)
            return Violated(
                detail, "order", "warning", related=(told.evidence,), at_fault="UAC", fix=_FIX_UAC, values=values
            )
    newest = {one.registration: one for one in given.latest}
    for old in given.former:
        told_now = newest.get(old.registration)
        if told_now is None or told_now.time is None or first - told_now.time < SECOND:
            continue  # it may have been on the way
        if _same(route, old.service):
            now = f"which the latest 2xx has as {_listed(told_now.service)}" if told_now.service else "now taken back"
            detail = f"the {transaction.method} has Route: {_listed(route)}, a Service-Route {now}"
            related = (old.evidence, told_now.evidence)
            sure = Confidence.MEDIUM  # a 2xx that was not seen may have told it anew
            return Violated(
                detail,
                "stale",
                "warning",
                confidence=sure,
                related=related,
                at_fault="UAC",
                fix=_FIX_UAC,
                values=_apart(route, told_now.service),
            )
    return PASSED


def _plain(value: str) -> str:
    """A route as it is compared: its URI without the scheme, for a phone that calls by SIPS changes that (RFC 5630)."""
    uri = Address.parse(value).uri
    return value if uri is None else uri.text.partition(":")[2]


def _same(one: Route, other: Route) -> bool:
    return [*map(_plain, one)] == [*map(_plain, other)]


def _ends_with(route: Route, told: Route) -> bool:
    return bool(told) and _same(route[-len(told) :], told)


def _listed(route: Route) -> str:
    return clip(", ".join(route))


def _apart(seen: Route, due: Route) -> Values:
    return apart(_listed(seen), _listed(due) or "none of it")


def _values_of(message: Message) -> Values:
    """Of a message that may not have the header."""
    return Values(f"Service-Route: {clip(message.first(_KEY) or '')}".rstrip(), "no Service-Route")


def _of_answer(final: Message) -> Iterator[tuple[str, str, Values]]:
    if not 200 <= final.status < 300:
        yield "where", f"the {final.status} has Service-Route: {clip(final.first(_KEY) or '')}", _values_of(final)
        return
    routes = final.values(_KEY)
    if not routes:
        yield "syntax", f"the Service-Route of the {final.status} is empty", Values("empty", _IN_BRACKETS)
    for value in routes:
        address = Address.parse(value)
        uri = address.uri
        if uri is None or not uri.is_sip or not uri.host or not address.bracketed:
            values = Values(clip(value) or "empty", _IN_BRACKETS)
            yield "syntax", f"the Service-Route {clip(value)} is no SIP URI in angle brackets", values
            return
        if "lr" not in uri.params:
            yield "syntax", f"the Service-Route {clip(value)} has no lr", Values("no lr", "lr")
            return


_TOLD = "> REGISTER sip:h\n< 200\nService-Route: <sip:a;lr>, <sip:b;lr>\n"
_CALL = "> INVITE sip:al@h\nCall-ID: i1\nCSeq: 1\nRoute: {}\n< 200"

RULE = Rule(
    id="R3608-6-service-route",
    title="Service-Route malformed or not followed",
    short_title="The Service-Route cannot be followed",
    sub_titles={
        "where": "Service-Route stands where it says nothing",
        "order": "The phone changes the order of its Service-Route",
        "stale": "The phone goes along a Service-Route that is over",
        "fetch-differs": "A query is told another Service-Route",
    },
    question="whether Service-Route is a list of routes in a 2xx",
    clause="RFC 3608 §5, §6.1, §6.3",
    force="MUST",
    severity="info",
    at_fault="registrar / UAC",
    group="H",
    subject="transaction",
    check=check,
    applies_if=marks.ROUTED | marks.GUIDED,
    observed_at="any",
    methods=(),
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
        bad(_TOLD + _CALL.format("<sip:b;lr>, <sip:a;lr>"), "order", severity="warning"),
        bad(
            f"{_TOLD}@1800 > REGISTER sip:h\n< 200\nService-Route: <sip:c;lr>\n@1900 "
            + _CALL.format("<sip:a;lr>, <sip:b;lr>"),
            "stale",
            severity="warning",
        ),
        bad(
            f"{_TOLD}@1800 > REGISTER sip:h\n< 200\n@1900 " + _CALL.format("<sip:a;lr>, <sip:b;lr>"),
            "stale",
            title="taken back",
        ),
        bad(
            f"{_TOLD}> REGISTER sip:h\n-Contact\n< 200\n-Contact\nService-Route: <sip:b;lr>",
            "fetch-differs",
            severity="info",
        ),
        good(_TOLD + _CALL.format("<sip:pcscf;lr>, <sip:a;lr>, <sip:b;lr>"), title="behind the phone's own proxy"),
        good(_TOLD + _CALL.format("<sips:a;lr>, <sips:b;lr>"), title="a call by SIPS"),
        good(_TOLD + _CALL.format("<sip:pcscf;lr>"), title="a phone that does not use it"),
        good(
            "> INVITE sip:al@h\nCall-ID: i0\nCSeq: 1\nRoute: <sip:b;lr>, <sip:a;lr>\n< 200\n"
            + _TOLD
            + _CALL.format("<sip:b;lr>, <sip:a;lr>"),
            title="its own route before it was told one",
        ),
    ),
)
