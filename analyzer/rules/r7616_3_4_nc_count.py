"""The nonce count goes up with every request that uses a nonce.

`nc` is how often the phone has used this nonce, eight hexadecimal digits from 00000001 on (RFC 7616 3.4). It is what
tells a new request from one that somebody recorded and plays again: so a server that counts refuses a value that it has
had, and challenges anew. The phone gets in, but each refresh takes two rounds; or it takes the 401 for a wrong password
and gives up. Gaps are allowed, as other requests count too, each nonce counts by itself, and a retransmission is the
same request; a count that is far from any use of the nonce (`jumps`), as one that is made of CSeq, is worth a note.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.digest_forms import REFUSALS, by_form, without_challenge
from analyzer.judge.findings import Answer, Need, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.digest.form import Difference
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.text import clip


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Hold the count against those that the same client sent before (RFC 7616 3.4): no challenge is needed for that."""
    del context
    yield from without_challenge(by_form(subject, ("count-repeated", "count-format"), _tell))
    for record in subject.digests:
        if record.counted_before is not None:
            yield _jump(record, record.counted_before)


def _tell(record: DigestRecord, difference: Difference, subject: TransactionSubject) -> Violated:
    """That a count which does not rise costs anything is proven where it is refused."""
    del subject
    if difference.kind == "count-format":
        return Violated(f"{record.username} sends {difference.text}", "format", "warning", at=record.evidence)
    detail = f"{record.username} sends {difference.text}"
    if record.accepted is not False:
        detail += ", and is accepted all the same" if record.accepted else ""
        return Violated(detail, "not-increasing", "warning", at=record.evidence)
    return Violated(f"{detail}, and is refused with {record.status}", "not-increasing", at=record.evidence)


def _jump(record: DigestRecord, before: int) -> Violated:
    since = f"after {before:08x}" if before else "at the first use of a nonce"
    detail = f"{record.username} sends nc={clip(record.nonce_count)} {since}"
    shown, next_one = clip(record.nonce_count), f"{before + 1:08x}"
    return Violated(detail, "jumps", "info", at=record.evidence, explains=(), values=Values(shown, next_one))


_FIRST = "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {bob x}\n< 200\n"
_SAME = 'WWW-Authenticate: Digest realm="example.com", nonce="same", qop="auth"\n'
_LATE = "> REGISTER sip:example.com\nAuthorization: {bob x nonce=before nc=00000009}\n< 200\n"
_NEXT = "@1800 > REGISTER sip:example.com\nAuthorization: {{bob x nc={}}}\n< {}\n"

RULE = Rule(
    id="R7616-3.4-nc-count",
    title="Nonce count malformed, repeated or decreasing for one nonce",
    short_title="The nonce count does not count up",
    question="whether the phone counts its use of a nonce up",
    clause="RFC 7616 §3.4 (nc), §3.5 (8 hex digits); RFC 2617 §3.2.2; RFC 3261 §25.1 (8LHEX)",
    force="MUST",
    severity="error",
    at_fault="UAC",
    group="F",
    subject="transaction",
    check=check,
    explains=REFUSALS,
    is_momentary=True,
    applies_if=marks.DIGESTS,
    violates_only_if=marks.ODD_FORM,
    needs=(Need.C2S,),
    methods=(),
    observed_at="first",
    why="The server takes the request for a replay and challenges again; every refresh needs two rounds.",
    fix="the phone must raise nc by one with each request under a nonce: update its firmware",
    sub_titles={"jumps": "The nonce count jumps"},
    examples=(
        bad(_FIRST + _NEXT.format("00000001", 401), "not-increasing", severity="error", title="counted from one again"),
        bad(_LATE + _NEXT.format("00000008 nonce=before", 200), "not-increasing", title="fallen"),
        bad(_FIRST.replace("x}", "x nc=1}"), "format", severity="warning"),
        bad(_FIRST.replace("x}", "x nc=00028811}"), "jumps", severity="info", title="CSeq for the count"),
        bad(_FIRST + _NEXT.format("00000100", 200), "jumps", severity="info", title="255 requests that nobody saw"),
        bad(_FIRST + _NEXT.format("00000001", 200), "not-increasing", severity="warning", title="taken all the same"),
        good(_FIRST + _NEXT.format("00000002", 200)),
        good(
            f"> SUBSCRIBE sip:bob@example.com\nCall-ID: other\n< 401\n{_SAME}"
            + _FIRST.replace("x}", "x nc=00000099}").replace("< 401\n", f"< 401\n{_SAME}"),
            title="the same nonce was given to another Call-ID, which may have used it first",
        ),
        good(
            _LATE + _NEXT.format("0000000a nonce=before", 200), title="hexadecimal: 9, then a; begun before the capture"
        ),
        good(_FIRST + _NEXT.format("00000007", 200), title="gaps are allowed: other requests count too"),
        good(_FIRST.replace("x}", "x nc=00000003}"), title="used first at another node of the cluster, say"),
        good(_FIRST.replace("< 200\n", "@0.6 > again\n< 200\n"), title="a retransmission is the same request"),
        good(
            _FIRST + "@1800 > REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {bob x}\n",
            title="a new nonce counts from one",
        ),
    ),
)
