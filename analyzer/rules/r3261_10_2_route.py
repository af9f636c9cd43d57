"""A REGISTER may name the proxies that it goes by.

A phone with an outbound proxy puts that into Route before it sends the first REGISTER (RFC 3261 8.1.1.1, 8.1.2), as
every phone of a mobile network does with its P-CSCF. That is allowed, and worth knowing: the request goes to the first
of these and not to the host of its Request-URI, where answers seem to come from elsewhere than was asked.

A first route without `lr` (`strict`) is that of a proxy by RFC 2543, which wants to find itself in the Request-URI
(12.2.1.1); who sends it the domain there gets by with it as long as the proxy reads Route all the same. What a
registrar told of routes is no matter of this rule (R3261-10.2-record-route, R3608-6-service-route).
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, Answer, Need, Rule, Seen, good, seen
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.sip.address import Address
from analyzer.sip.uri import uri_equal


def check(subject: MessageSubject, context: CaptureContext) -> Answer:
    """Look for a Route in a REGISTER (RFC 3261 10.2)."""
    del context
    message = subject.message
    routes = message.values("route") if message.method else []
    if not routes:
        return NOT_APPLICABLE
    first = Address.parse(routes[0]).uri
    is_loose = first is None or not first.is_sip or "lr" in first.params
    if is_loose or (message.uri is not None and first is not None and uri_equal(first, message.uri)):
        return Seen("preloaded")
    return Seen("strict")


RULE = Rule(
    id="R3261-10.2-route",
    title="Preloaded Route in REGISTER",
    short_title="The REGISTER names the proxies that it goes by",
    question="whether requests name the proxies that they go by",
    clause="RFC 3261 §10.2, §8.1.1.1, §8.1.2",
    force="MAY",
    severity="info",
    at_fault="UAC",
    group="A",
    subject="message",
    check=check,
    is_fact=True,
    applies_if=marks.SECURE,
    needs=(Need.WHOLE,),
    why="Permission; recorded so that later destination and digest-uri rules know the path.",
    fix="nothing: where requests go astray, look at the outbound proxy in the phone's settings",
    examples=(
        seen("> REGISTER sip:h\nRoute: <sip:p1.example.com;lr>\n< 200", "preloaded"),
        seen("> REGISTER sip:h\nRoute: <sip:p1.example.com>\n< 200", "strict", title="a proxy by RFC 2543"),
        seen("> REGISTER sip:p1\nRoute: <sip:p1>, <sip:h>\n< 200", "preloaded", title="its own form"),
        good("> REGISTER sip:h\n< 200", title="no Route"),
        good("> REGISTER sips:h\n< 200", title="a SIPS URI, and no Route"),
    ),
)
