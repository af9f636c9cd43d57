"""The registrar says `Require: outbound` where it uses the flow, and nowhere else.

A phone that asks for a flow (RFC 5626: reg-id with an instance, and `outbound` in Supported) learns by `Require:
outbound` in the 200 that it is called over its connection: then it keeps that alive, and lets its Contact be what it
is. A registrar that says so to a phone which did not ask (`bogus-require`; RFC 5626 6, RFC 3261 8.2.4) promises what it
cannot keep. Where the request came through a proxy, the edge proxy must have said by `;ob` in its Path that it can keep
flows; without such a Path the registrar answers 439 (`no-439`; 11.6). Flow-Timer (`flow-timer`) says how often a flow
wants a sign of life, and means nothing where there is none.

That a registrar does not answer with `Require: outbound` is legal: many know nothing of it, and ignore reg-id. One that
granted this very phone a flow before, and now takes the same request without a word of it (`missing-require`), has
another program behind the same address, or forgets: the phone stops its keep-alives, and the flow is lost.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, Rule, Severity, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.extensions import flow_contacts, has_instance, supports, tags
from analyzer.register.subjects import TransactionSubject
from analyzer.register.transaction import Transaction
from analyzer.register.transport_marks import extended_exchange
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip

_OUTBOUND = "outbound"

_NOT_REQUIRED = Values("Require: outbound", "no outbound")
_Fault = tuple[str, Severity, str, Values]
"""Sub-code, severity, sentence and values."""


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Hold what a 2xx says of flows against what was asked for (RFC 5626 6)."""
    del context
    transaction = subject.transaction
    request, final = extended_exchange(transaction) or (None, None)
    if request is None or final is None or not 200 <= final.status < 300:
        yield NOT_APPLICABLE
        return
    found = list(_faults(transaction, request, final))
    if subject.given.flow is not None and _is_ungranted(transaction, request, final):
        at, before = final.raw_message.evidence, subject.given.flow
        detail = f"the {final.status} grants no flow (Require: outbound), which the phone asks for as before"
        values = Values("no Require: outbound", "Require: outbound")
        yield Violated(
            detail, "missing-require", "warning", at=at, related=(transaction.evidence, before), values=values
        )
        return
    for sub, severity, detail, values in found:
        at, related = final.raw_message.evidence, (transaction.evidence,)
        yield Violated(detail, sub, severity, at=at, related=related, values=values)
    if not found:
        yield PASSED


def _faults(transaction: Transaction, request: Message, final: Message) -> Iterator[_Fault]:
    if _OUTBOUND not in tags(final, "require"):
        if final.has("flow-timer"):
            timer = clip((final.first("flow-timer") or "").strip())
            detail = f"the {final.status} has Flow-Timer: {timer}, and no Require: outbound"
            yield "flow-timer", "info", detail, Values(f"Flow-Timer: {timer}".rstrip(), "Require: outbound with it")
        return
    if not flow_contacts(request):
        if any("reg-id" in contact.params for contact in request.contacts):
            return  # it ends a flow
        detail = f"the {final.status} requires outbound; the request asks for no flow (reg-id)"
        yield "bogus-require", "error", detail, _NOT_REQUIRED
    elif not supports(request, _OUTBOUND):
        detail = f"the {final.status} requires outbound, which the request does not support"
        yield "bogus-require", "error", detail, _NOT_REQUIRED
    elif transaction.via_count > 1 and not _keeps_flows(request):
        path = clip(request.first("path") or "") if request.has("path") else "none"
        yield (
            "no-439",
            "error",
            f"the request came over {transaction.via_count} hops with no `ob` in Path ({path}), and the {final.status} "
            "requires outbound",
            Values(str(final.status), "439"),
        )


def _is_ungranted(transaction: Transaction, request: Message, final: Message) -> bool:
    """Whether a flow is asked for with all that it takes, and the answer says nothing of it."""
    if _OUTBOUND in tags(final, "require") or not flow_contacts(request) or not supports(request, _OUTBOUND):
        return False
    is_complete = all(has_instance(contact) for contact in flow_contacts(request))
    return is_complete and (transaction.via_count == 1 or _keeps_flows(request))


def _keeps_flows(request: Message) -> bool:
    """Whether any URI of Path has `ob`. Which one is the edge proxy's depends on who added more behind it."""
    uris = [Address.parse(value).uri for value in request.values("path")]
    return any(uri is not None and "ob" in uri.params for uri in uris)


_URN = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000a>"'
_BOB = "Contact: <sip:bob@192.0.2.10>"
_ASKS = f"> REGISTER sip:h\nSupported: path, outbound\n{_BOB};reg-id=1;{_URN}\n"
_HOPS = "Via: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKp\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKu\n"

RULE = Rule(
    id="R5626-6-outbound-response",
    title="Registrar's outbound answer inconsistent",
    short_title="The registrar promises a flow that there is not",
    sub_titles={
        "no-439": "The registrar trusts a first hop that keeps no flows",
        "missing-require": "The registrar grants a flow no more",
        "flow-timer": "The answer times a flow that there is not",
    },
    question="whether answers promise flows that were asked for",
    clause="RFC 5626 §6, §5.1, §11.6; RFC 3261 §8.2.4",
    force="MUST",
    severity="warning",
    at_fault="registrar / proxy",
    group="H",
    subject="transaction",
    check=check,
    applies_if=marks.EXTENDED,
    observed_at="last",
    needs=(Need.C2S, Need.S2C),
    why="UA starts keep-alives nobody answers, or registers an unroutable contact.",
    fix="let the registrar say Require: outbound only to a request with reg-id and Supported: outbound that came "
    "directly, or whose Path has `ob`",
    examples=(
        bad("> REGISTER sip:h\nSupported: outbound\n< 200\nRequire: outbound", "bogus-require", severity="error"),
        bad(
            f"> REGISTER sip:h\nSupported: path\n{_BOB};reg-id=1;{_URN}\n< 200\nRequire: outbound",
            "bogus-require",
            title="the phone does not support it",
        ),
        bad(f"{_ASKS}{_HOPS}< 200\nRequire: outbound", "no-439", severity="error"),
        bad(f"{_ASKS}{_HOPS}Path: <sip:p;lr>\n< 200\nRequire: outbound", "no-439", title="a Path without ob"),
        bad(f"{_ASKS}< 200\nFlow-Timer: 120", "flow-timer", severity="info"),
        good(f"{_ASKS}< 200\nRequire: outbound\nFlow-Timer: 120"),
        bad(
            f"{_ASKS}< 200\nRequire: outbound\n@1800 {_ASKS}< 200",
            "missing-require",
            severity="warning",
            title="it did before",
        ),
        good(f"{_ASKS}< 200\nRequire: outbound\n@1800 {_ASKS}< 200\nRequire: outbound", title="granted each time"),
        good(f"{_ASKS}< 200", title="a registrar that knows nothing of it"),
        good(f"{_ASKS}{_HOPS}Path: <sip:p;lr;ob>\n< 200\nRequire: Outbound", title="the edge proxy keeps flows"),
        good(f"{_ASKS}{_HOPS}< 439", title="refused for it"),
        good(
            f"> REGISTER sip:h\nSupported: path, outbound\n{_BOB};reg-id=1;{_URN};expires=0\n< 200\nRequire: outbound",
            title="the end of a flow",
        ),
    ),
)
