"""The digest's uri is the Request-URI.

The digest covers a uri, which is sent beside it and has to be that of the request line (RFC 3261 22.4, RFC 7616 3.4.6):
or who intercepts a response could use it for another request. A registrar may refuse where the two differ. A phone that
writes them differently has to be mended; where they agreed when the phone wrote them, something on the way (the SIP
helper of a router, a box that rewrites addresses) has changed the request line, which the digest does not let pass
unseen. Many phones write the two a little differently (without the port, without the brackets of an IPv6 address), and
most registrars do not mind: so where both name one host, the difference is told only of a request that was refused, and
whose digest is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Confidence,
    NotJudged,
    Rule,
    Severity,
    Violated,
    bad,
    good,
)
from analyzer.judge.values import apart
from analyzer.register import marks
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.text import clip
from analyzer.sip.uri import Uri, uri_equal

_REFUSED = (400, 401, 403, 407)


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Compare each digest's uri with the Request-URI, on the first hop alone (RFC 3261 22.4 item 6)."""
    del context
    transaction = subject.transaction
    request = transaction.request
    if request is None or not subject.digests or transaction.via_count != 1 or not transaction.is_first_hop:
        yield NOT_APPLICABLE  # a proxy may have changed the Request-URI by then (16.5)
        return
    for record in subject.digests:
        judged = record.uri and not (record.is_cut or record.is_empty)
        yield _answer(record, request.request_uri, subject) if judged else NOT_APPLICABLE


def _answer(record: DigestRecord, request_uri: str, subject: TransactionSubject) -> Answer:
    if record.uri == request_uri:
        return PASSED
    final, refused = subject.transaction.final, subject.transaction.status in _REFUSED
    stale = final is not None and any(challenge.stale for challenge in final.challenges)
    if not _is_for_another_host(record.uri, request_uri):
        if not refused or record.verdict == "mismatch":
            return PASSED  # the server MAY accept it (RFC 7616 3.4.6); a wrong digest is reason enough to refuse
        if record.verdict == "unknown" and not stale:  # stale=true says that the digest is right (RFC 2617 3.2.1)
            return NotJudged("whether the digest is right is not known")
    detail = f"the digest of {record.username} is for {clip(record.uri)}, and the request goes to {clip(request_uri)}"
    if uri_equal(Uri.parse(record.uri), Uri.parse(request_uri)):
        spelling = f"{detail}: the same, written in two ways"
        values = apart(clip(record.uri), clip(request_uri))
        return Violated(spelling, "spelling", "info", at=record.evidence, explains=(), values=values)
    if refused and not stale and record.verdict == "match" and _is_reason(subject, record):
        detail += f"; it is right in itself, and was refused with {subject.transaction.status}"
        return _difference(record, request_uri, detail, "error")
    return _difference(record, request_uri, detail, "warning")


def _difference(record: DigestRecord, request_uri: str, detail: str, severity: Severity) -> Violated:
    """Who changed which of the two is not to be seen. That it was refused for this is proven where it is an error."""
    fault, explains = "UAC / middlebox", None if severity == "error" else ()
    return Violated(
        detail,
        "",
        severity,
        confidence=Confidence.MEDIUM,
        at=record.evidence,
        at_fault=fault,
        explains=explains,
        values=apart(clip(record.uri), clip(request_uri)),
    )


def _is_for_another_host(uri: str, request_uri: str) -> bool:
    """Whether the digest's uri does not even name the host of the request, however loosely it is written."""
    host = Uri.parse(request_uri).host.strip("[]").lower()
    return re.search(rf"(?<![\w.-]){re.escape(host)}(?![\w.-])", uri.lower()) is None


def _is_reason(subject: TransactionSubject, record: DigestRecord) -> bool:
    """Whether nothing else explains the refusal: an old nonce, or a form that was not asked for."""
    in_force = subject.challenged(record)
    if in_force and record.nonce not in in_force[0].nonces:
        return False
    return record.form.word != "other-form"


_FLOW = "> REGISTER {}\n< 401\n> REGISTER {}\nAuthorization: {{bob secret uri={}}}\n< {}\n"
_RIGHT = {"bob": "secret"}

RULE = Rule(
    id="R3261-22.4-digest-uri",
    title="digest uri differs from the Request-URI",
    short_title="The digest is for another URI than the request",
    question="whether the digest is for the URI of the request",
    clause="RFC 3261 §22.4 items 3, 6; RFC 7616 §3.4.6; RFC 8760 §2.6 item 6",
    force="none",
    severity="warning",
    at_fault="UAC",
    group="F",
    subject="transaction",
    check=check,
    explains=_REFUSED,
    applies_if=marks.DIGESTS,
    violates_only_if=marks.OTHER_URI,
    methods=(),
    observed_at="first",
    why="Frequent cause of 401 or 400 from strict registrars.",
    fix="switch off the SIP helper (ALG) of the router between phone and registrar; if there is none, update the phone",
    etsi=("RG_RT_V_018", "RG_RT_V_020"),
    examples=(
        bad(_FLOW.format("sip:h:5070", "sip:h:5070", "sip:h", 403), severity="error", passwords=_RIGHT),
        bad(_FLOW.format("sip:h:5070", "sip:h:5070", "sip:h", 401), severity="error", passwords=_RIGHT),
        good(_FLOW.format("sip:h:5070", "sip:h:5070", "sip:h", 401), title="no password known"),
        bad(_FLOW.format("sip:h", "sip:h", "sip:H", 403), "spelling", severity="info", passwords=_RIGHT),
        bad(
            _FLOW.format("sip:h", "sip:h", "sip:b", 401)
            + 'WWW-Authenticate: Digest realm="example.com", nonce="n2", stale=true',
            severity="warning",
            passwords=_RIGHT,
            title="the registrar names another reason",
        ),
        bad(_FLOW.format("sip:h", "sip:h", "sip:other.invalid", 200), severity="warning", title="another host"),
        good(_FLOW.format("sip:h:5070", "sip:h:5070", "sip:h", 200), title="the registrar does not mind"),
        good(_FLOW.format("sip:h:5070", "sip:h:5070", "sip:h", 401), passwords={"bob": "x"}, title="wrong anyway"),
        good(_FLOW.format("sip:h", "sip:h", "sip:h", 403)),
        good(_FLOW.format("tel:123", "tel:123", "tel:123", 403), title="a URI that names no host"),
        good(
            "> REGISTER sip:h\n< 401\n> REGISTER sip:other.example\n"
            "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKp\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKq\n"
            "Authorization: {bob secret uri=sip:h}\n< 200",
            title="behind a proxy, which may change the Request-URI",
        ),
    ),
)
