"""A registrar of another domain does not know the user.

Where nobody configured a registrar, a phone sends its REGISTER to the domain of its address-of-record (RFC 3261
10.2.6). Where one was configured, the Request-URI may name anything, and hosted systems and proxies live by that. So a
Request-URI of a domain that has nothing in common with that of To is no fault; but where the answer is that the user is
not known or not allowed here (403, 404, 480), it is the first thing to look at: two settings of the phone that do not
belong together. It is more than a hint where the registrar did not even ask for a password before it refused.

Addresses, names without a dot, and names that share their last two labels (`ss2.biloxi.example.com` and
`biloxi.example.com`) are not compared.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Rule, Severity, Violated, bad, good
from analyzer.judge.values import apart
from analyzer.register import marks
from analyzer.register.domains import last_labels
from analyzer.register.subjects import TransactionSubject
from analyzer.register.unusual import REFUSED_AS_UNKNOWN
from analyzer.sip.hosts import is_address
from analyzer.sip.text import clip


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Compare the hosts of Request-URI and To where the user is refused as unknown (RFC 3261 10.2.6, 10.1)."""
    del context
    transaction = subject.transaction
    request, status = transaction.request, transaction.status
    if request is None or status not in REFUSED_AS_UNKNOWN or request.to is None:
        return NOT_APPLICABLE
    uri, to = request.uri, request.to.uri
    if uri is None or to is None or not (_is_name(uri.host) and _is_name(to.host)):
        return NOT_APPLICABLE
    if last_labels(uri.host) == last_labels(to.host):
        return PASSED
    attempt = subject.attempt
    was_asked = attempt is not None and any(one.challenged for one in attempt.transactions)
    detail = f"the Request-URI is of {clip(uri.host)} and To of {clip(to.host)}, and the answer is {status}"
    firm = status != 480 and attempt is not None and not was_asked and not transaction.has_credentials
    severity: Severity = "warning" if firm else "info"
    return Violated(detail, severity=severity, values=apart(clip(uri.host), clip(to.host)))


def _is_name(host: str) -> bool:
    """Whether it is a domain name of more than one label, and no address."""
    return "." in host.strip(".") and not is_address(host)


_OTHER = "> REGISTER sip:pbx.other.net\nTo: <sip:bob@biloxi.example.com>\n"

RULE = Rule(
    id="R3261-10.2.6-ruri-domain",
    title="Request-URI domain unrelated to the AOR domain",
    short_title="The registrar asked is of another domain",
    question="whether a registrar that refuses is of the user's domain",
    clause="RFC 3261 §10.2.6, §10.1",
    force="SHOULD",
    severity="info",
    at_fault="UAC",
    group="A",
    subject="transaction",
    check=check,
    explains=(403, 404, 480),
    applies_if=marks.ODD_EXCHANGE,
    why="A configured registrar legitimately differs, so only ever a hint for a 404.",
    fix="compare the phone's settings for its domain (the part of its address behind the @) and for its registrar or "
    "SIP server: one of both is probably that of another account",
    etsi=("RG_RT_V_003", "RG_RT_V_004"),
    examples=(
        bad(_OTHER + "< 404", severity="warning"),
        bad(_OTHER + "< 403", severity="warning"),
        bad(_OTHER + "< 480", severity="info"),
        bad(_OTHER + "< 401\n" + _OTHER + "Authorization: {bob x}\n< 403", severity="info", title="it asked before"),
        bad("> REGISTER sip:a.co.net\nTo: <sip:b@b.do.net>\n< 404", title="a top-level domain in common"),
        good(_OTHER.replace("pbx.other.net", "ss2.biloxi.example.com") + "< 404"),
        good(_OTHER.replace("pbx.other.net", "BILOXI.example.com.") + "< 404"),
        good(_OTHER + "< 200", title="a registrar that was configured"),
        good(_OTHER + "< 401", title="it may know the user"),
        good(_OTHER.replace("pbx.other.net", "192.0.2.1") + "< 404", title="an address says nothing"),
        good(_OTHER.replace("pbx.other.net", "[2001:db8::1]") + "< 404"),
        good(_OTHER.replace("pbx.other.net", "pbx") + "< 404", title="nor does a name without a dot"),
        good(_OTHER.replace("<sip:bob@biloxi.example.com>", "tel:+1234") + "< 404"),
    ),
)
