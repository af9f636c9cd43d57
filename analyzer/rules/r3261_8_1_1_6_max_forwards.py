"""Max-Forwards begins at 70, and each proxy takes one off.

It stops a request that runs in circles. A phone should begin with 70 (RFC 3261 8.1.1.6); a smaller number is legal and
only a remark (`not70`). 0 ends the journey at the first proxy, with 483 or without an answer (`zero`); more than 255 is
beyond the header's range (20.22), and some parsers take it for missing (`range`). A proxy that passes a request on
without taking one off (`no-decrement`) takes the brake out: two such proxies that send to each other do so for ever.
That is seen where one request was captured on two hops, told by the Via that the proxy adds.

Where only a hop behind a proxy was captured, nothing is said of what the phone began with. A gateway that makes a
request of its own begins anew, with a Via and a Call-ID of its own. A missing Max-Forwards is for
R3261-8.1.1-mandatory.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, InProfile, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import TransactionSubject
from analyzer.register.transaction import Transaction
from analyzer.sip.text import clip

_MOST = 255
_USUAL = 70
_FIX_PROXY = (
    "let the proxy take one off Max-Forwards before it passes a request on (Kamailio: `mf_process_maxfwd_header`)"
)


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at Max-Forwards of a request, and of the hop before (RFC 3261 8.1.1.6, 16.6 step 3)."""
    transaction = subject.transaction
    value = None if transaction.request is None else transaction.request.max_forwards
    if value is None:
        yield NOT_APPLICABLE
        return
    wrong = [*_of_the_phone(transaction, value, context), *_of_the_proxy(transaction, value)]
    yield from wrong or (PASSED,)


def _of_the_phone(transaction: Transaction, value: int, context: CaptureContext) -> Iterator[Violated]:
    if transaction.via_count != 1 or not transaction.is_first_hop or value == _USUAL:
        return
    if value > _MOST:
        shown = clip(str(value), 20)
        values = Values(shown, "at most 255")
        yield Violated(f"Max-Forwards is {shown}, beyond 255", "range", at_fault="UAC", values=values)
    elif value == 0 and transaction.status == 483:
        detail, values = "Max-Forwards is 0, and the request is refused with 483", Values("0", str(_USUAL))
        yield Violated(detail, "zero", "error", at_fault="UAC", values=values)
    elif value == 0 and transaction.state == "timeout" and context.answers_from(transaction.destination):
        detail, values = "Max-Forwards is 0, and the request has no answer", Values("0", str(_USUAL))
        yield Violated(detail, "zero", "error", at_fault="UAC", values=values)
    else:
        values = Values(str(value), str(_USUAL))
        detail = f"Max-Forwards is {value}, where 70 is usual"
        yield Violated(detail, "not70", "info", at_fault="UAC", explains=(), values=values)


def _of_the_proxy(transaction: Transaction, value: int) -> Iterator[Violated]:
    before = _hop_before(transaction)
    earlier = before.request.max_forwards if before is not None and before.request is not None else None
    if before is None or earlier is None or value < earlier:
        return
    detail = f"Max-Forwards is {clip(str(earlier), 20)} before the proxy and {clip(str(value), 20)} behind it"
    yield Violated(
        detail,
        "no-decrement",
        "error",
        "MUST",
        at_fault="proxy",
        fix=_FIX_PROXY,
        related=(before.evidence,),
        values=Values(clip(str(value), 20), clip(str(max(0, earlier - 1)), 20)),
    )


def _hop_before(transaction: Transaction) -> Transaction | None:
    """The hop nearer the user agent that was seen, nearest to this one."""
    if transaction.path is None:
        return None
    nearer = [hop for hop in transaction.path.transactions if hop.via_count < transaction.via_count]
    return nearer[-1] if nearer else None


_HOPS = """
> REGISTER sip:example.com
CSeq: 1
Max-Forwards: {}
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa
src=198.51.100.7:5060 dst=198.51.100.1:5060 > REGISTER sip:example.com
CSeq: 1
Max-Forwards: {}
Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKp
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa
< 200
"""

RULE = Rule(
    id="R3261-8.1.1.6-max-forwards",
    title="Max-Forwards value unusable, or not decremented by a hop",
    short_title="Max-Forwards is out of order",
    sub_titles={
        "not70": "Max-Forwards does not begin at 70",
        "zero": "Max-Forwards is 0",
        "range": "Max-Forwards is beyond 255",
        "no-decrement": "A proxy takes nothing off Max-Forwards",
    },
    question="whether Max-Forwards is usable and counted down",
    clause="RFC 3261 §8.1.1.6, §20.22, §16.6 step 3, §16.3 step 3",
    force="MUST",
    severity="warning",
    at_fault="UAC / proxy",
    group="A",
    profiles=(InProfile("legacy2543"),),
    subject="transaction",
    check=check,
    explains=(400, 483, "silence"),
    violates_only_if=marks.ODD_EXCHANGE,
    observed_at="any",
    why="0 or >255 makes the request die or be parsed as absent; a proxy that does not decrement allows loops.",
    fix="update the phone's firmware, or set its Max-Forwards to 70",
    examples=(
        bad(_HOPS.format(70, 70), "no-decrement", severity="error"),
        bad(_HOPS.format(69, 70), "not70", "no-decrement", severity="error", title="set anew by the proxy"),
        bad("> REGISTER sip:example.com\nMax-Forwards: 0\n< 483", "zero", severity="error"),
        bad(
            "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nMax-Forwards: 0\n@0.6 > again\n@100 .",
            "zero",
        ),
        bad("> REGISTER sip:example.com\nMax-Forwards: 300\n< 400", "range", severity="warning"),
        bad("> REGISTER sip:example.com\nMax-Forwards: 8\n< 200", "not70", severity="info"),
        bad("> REGISTER sip:example.com\nMax-Forwards: 0\n< 200", "not70", title="who answers has not to pass it on"),
        good(_HOPS.format(70, 69)),
        good(_HOPS.format(70, 60), title="hops between them were not captured"),
        good("> REGISTER sip:example.com\nMax-Forwards: 0070\n< 200"),
        good(
            """
            > REGISTER sip:example.com
            Max-Forwards: 16
            Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKp
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa
            < 200
            """,
            title="behind a proxy nobody knows what it began with",
        ),
        good(
            _HOPS.format(70, 70).replace("CSeq: 1", "Call-ID: b2b", 2).replace("Call-ID: b2b", "CSeq: 1", 1),
            title="a gateway makes a request of its own",
        ),
        good("> REGISTER sip:example.com\n-Max-Forwards\n< 200", title="what is missing is another rule's"),
    ),
)
