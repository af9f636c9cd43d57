"""A user's credentials serve to register that user.

Who is authenticated may still not be allowed to change the bindings of an address-of-record: then the registrar must
answer 403 (RFC 3261 10.3 step 4). What is allowed stands in a database that no capture shows. What shows is that one
number's registration was accepted with the credentials of another number (`cross-account`): a telephone number in To,
another of the same length in `username`, and From no better. It may be meant so, for a trunk whose numbers all
authenticate by the first; it may also be a registrar that asks for any valid password and then lets everybody register
as anybody.

Names for authentication that look like no number of the same kind are usual and prove nothing, and somebody may
register for another one with his own name in From (10.2, third-party registration).
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, InProfile, Need, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.address import Address
from analyzer.sip.text import clip, unescape


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Compare the user name of credentials that were accepted with To and From (RFC 3261 10.3 step 4)."""
    del context
    transaction = subject.transaction
    request, final = transaction.request, transaction.final
    if not subject.digests:
        return NOT_APPLICABLE
    if request is None or final is None or not 200 <= final.status < 300:
        return PASSED
    registered, sender = _user(request.to), _user(request.from_)
    for record in subject.digests:
        name = record.username.partition("@")[0]
        if name in (registered, sender) or not _alike(name, registered):
            continue
        detail = f"{clip(registered)} was registered with the credentials of {clip(name)}"
        values = Values(clip(name), clip(registered))
        return Violated(detail, "cross-account", related=(final.raw_message.evidence,), values=values)
    return PASSED


def _user(address: Address | None) -> str:
    return unescape(address.uri.user or "") if address is not None and address.uri is not None else ""


def _alike(one: str, other: str) -> bool:
    """Whether both are numbers of one kind."""
    one, other = one.removeprefix("+"), other.removeprefix("+")
    return len(one) == len(other) and one.isdecimal() and other.isdecimal()


_FLOW = "> REGISTER sip:example.com\nTo: <sip:{0}@example.com>\nFrom: <sip:{1}@example.com>;tag=1\n< 401\n"
_FLOW += "> REGISTER sip:example.com\nTo: <sip:{0}@example.com>\nFrom: <sip:{1}@example.com>;tag=1\n"
_FLOW += "Authorization: {{{2} x}}\n< {3}"

RULE = Rule(
    id="R3261-10.3-4-authorize",
    title="Authenticated but unauthorised modification handled wrongly",
    short_title="One user registers with another's credentials",
    question="whether users register with their own credentials",
    clause="RFC 3261 §10.3 step 4, §21.4.4",
    force="MUST",
    severity="info",
    at_fault="registrar",
    group="E",
    subject="transaction",
    check=check,
    applies_if=marks.DIGESTS,
    violates_only_if=marks.OTHER_USER,
    observed_at="last",
    needs=(Need.C2S, Need.WHOLE),
    profiles=(InProfile("ims"),),
    why="Authorisation data is invisible; only contradictions show.",
    fix="if this is no trunk whose numbers share one account, let the registrar hold the user name of the digest "
    "against To, and answer 403 (Kamailio: `auth_check` with flag 1)",
    etsi=("RG_RR_V_004", "RG_RR_V_019"),
    examples=(
        bad(_FLOW.format("1001", "1001", "1002", 200), "cross-account", severity="info"),
        bad(_FLOW.format("+4930123", "+4930123", "4930124", 200), "cross-account", title="one with a plus"),
        good(_FLOW.format("1001", "1001", "1001", 200)),
        good(_FLOW.format("1001", "1001", "a8f3x9", 200), title="a name for authentication alone"),
        good(_FLOW.format("1001", "1001", "20011001", 200), title="a longer number: the tenant's, it may be"),
        good(_FLOW.format("1001", "1001", "1001@example.com", 200), title="with a domain"),
        good(_FLOW.format("1001", "1002", "1002", 200), title="registered by a third party"),
        good(_FLOW.format("1001", "1001", "1002", 403), title="refused as it has to be"),
        good(_FLOW.format("%31001", "%31001", "1001", 200), title="an escaped character"),
        good("> REGISTER sip:example.com\n< 200", title="without credentials"),
    ),
)
