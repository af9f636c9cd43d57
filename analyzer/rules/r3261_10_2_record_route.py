"""Record-Route has no meaning in a registration.

With Record-Route a proxy says that it wants to see the later requests of a dialog. A REGISTER makes no dialog, so the
registrar must ignore the header and put it into no answer (`registrar-sent`; RFC 3261 10.3), and the phone must not
make a route of it (10.2): one that does sends its calls through an element that never asked for them. In a request it
is a remark (`in-request`): a proxy that treats all requests alike has added it, or, on the first hop, the phone itself.

Path (RFC 3327) and Service-Route (RFC 3608) are other headers, made for registrations.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import PASSED, Answer, Rule, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import TransactionSubject
from analyzer.register.transaction import Transaction
from analyzer.sip.text import clip

_FIX_PROXY = "let the proxy add Record-Route to requests that begin a dialog alone, and not to REGISTER"


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look for Record-Route in a REGISTER and in its answer (RFC 3261 10.2, 10.3)."""
    del context
    transaction = subject.transaction
    wrong = [*_answered(transaction), *_asked(transaction)]
    yield from wrong or (PASSED,)


def _answered(transaction: Transaction) -> Iterator[Violated]:
    final = transaction.final
    written = final.first("record-route") if final is not None and transaction.is_last_hop else None
    if final is None or written is None:
        return
    copied = transaction.request is not None and transaction.request.has("record-route")
    how = ", copied from the request" if copied else ""
    detail = f"the {final.status} has Record-Route: {clip(written.strip())}{how}"
    who = "registrar" if 200 <= final.status < 300 else "registrar or proxy"
    yield Violated(detail, "registrar-sent", at=final.raw_message.evidence, at_fault=who)


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
    )


RULE = Rule(
    id="R3261-10.2-record-route",
    title="Record-Route given meaning in a registration",
    short_title="Record-Route in a registration",
    sub_titles={
        "registrar-sent": "The registrar answers with Record-Route",
        "in-request": "A REGISTER has a Record-Route",
    },
    question="whether registrations are without Record-Route",
    clause="RFC 3261 §10.2 ¶ on Record-Route, §10.3",
    force="MUST",
    severity="warning",
    at_fault="UAC / registrar",
    group="A",
    subject="transaction",
    check=check,
    violates_only_if=marks.ODD_EXCHANGE,
    observed_at="any",
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
        good("> REGISTER sip:h\n< 200\nService-Route: <sip:p1;lr>\nPath: <sip:p1;lr>"),
        good("> REGISTER sip:h\nRoute: <sip:p1;lr>\n< 200"),
        good("> INVITE sip:bob@h\nRecord-Route: <sip:p1;lr>\n< 200\nRecord-Route: <sip:p1;lr>", title="a call"),
    ),
)
