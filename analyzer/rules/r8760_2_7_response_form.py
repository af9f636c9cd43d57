"""The response has the length and the letters of its algorithm.

A digest response is written in lower-case hexadecimal digits: 32 for MD5, 64 for SHA-256 and SHA-512/256 (RFC 3261
25.1, RFC 7616 3.4, RFC 8760 2.2). One of another length was cut, or made with another hash than the one that it names
(`length`); one with other letters is no hash at all (`alphabet`). Both cannot match. Upper-case digits (`case`) are
the same number, but many servers compare text, and refuse them.

The empty response of a mobile phone's first REGISTER answers no challenge and is legal (RFC 8760 2.7), as is that of a
SIM that asks for another challenge (RFC 3310). A log that hides responses, or writes `xxx` for them, says nothing of
the phone (`redacted`). `rspauth` of a server is held to the same form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.digest.arithmetic import algorithm_of
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.subjects import TransactionSubject, is_printed
from analyzer.sip.text import clip

_SPOILING = frozenset(("broken-value", "cut-value", "auth-junk", "duplicate-parameter", "bad-auth-scheme"))
_HEX = re.compile("[0-9a-fA-F]+")
_HIDDEN = re.compile(r"(?i)([x*#.-])\1+|[<\[(].*[>\])]|hidden|redacted|removed|masked|secret|response")
"""What people and programs write in the place of a response."""


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at the response of each Digest credentials (RFC 3261 25.1: 32LHEX; RFC 8760 2.2, 2.7)."""
    del context
    answering = [one for one in subject.digests if not one.is_empty and one.scheme.lower() == "digest"]
    if not answering:
        yield NOT_APPLICABLE
    for record in answering:
        spoiled = bool(record.malformed) and _may_have_lost_it(subject, record)
        yield _answer(record, spoiled=spoiled, is_log=is_printed(subject))


def _may_have_lost_it(subject: TransactionSubject, record: DigestRecord) -> bool:
    """Whether what is wrong with the header may have cost the response; a comma that is missing between two values that
    are there costs none."""
    request = subject.transaction.request
    values = () if request is None else request.credentials
    value = next((one for one in values if one.raw == record.raw), None)
    return value is None or any(defect.code in _SPOILING for defect in value.defects)


def _answer(record: DigestRecord, *, spoiled: bool, is_log: bool) -> Answer:
    if record.is_cut:
        return NotJudged(Need.WHOLE.value)
    algorithm = algorithm_of(record.algorithm)
    if algorithm is None or spoiled or record.is_resynchronisation:
        return NOT_APPLICABLE  # what is malformed is another fault (R3261-25-digest-syntax)
    sent, token = record.response, record.algorithm or "MD5"
    if _HIDDEN.fullmatch(sent):
        detail = f"the response of {clip(record.username)!r} was taken out of the record ({clip(sent, 20)!r})"
        return Violated(detail, "redacted", "info", at=record.evidence, at_fault="operator", explains=(), fix=_RECORD)
    whose = f"the response of {clip(record.username)!r}"
    if sent and not _HEX.fullmatch(sent):
        detail = f"{whose} is no hexadecimal number: {clip(sent, 40)!r}"
        return Violated(detail, "alphabet", at=record.evidence, values=Values(clip(sent, 40), "hex digits"))
    if len(sent) != algorithm.digits:
        cut = "; the log may have cut it" if is_log and len(sent) < algorithm.digits else ""
        detail = f"{whose} has {len(sent)} digits, and {clip(token)} has {algorithm.digits}{cut}"
        values = Values(f"{len(sent)} digits", f"{algorithm.digits} digits")
        return Violated(detail, "length", at=record.evidence, values=values)
    if sent != sent.lower():
        detail = f"{whose} is written in upper-case digits: {clip(sent, 12)}"
        values = Values(clip(sent, 12), clip(sent.lower(), 12))
        return Violated(detail, "case", "warning", at=record.evidence, explains=(401, 403, 407), values=values)
    return PASSED


_RECORD = "nothing is wrong with the phone; record without the filter to have its digests judged"
_FLOW = (
    "> REGISTER sip:h\n< 401\n> REGISTER sip:h\n"
    'Authorization: Digest username="bob", realm="example.com", nonce="n", uri="sip:h", {}\n< 401'
)
_MD5, _LONG = "5f80d6a4c02e256508e62bfbb06c6057", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"

RULE = Rule(
    id="R8760-2.7-response-form",
    title="response value has the wrong length or alphabet",
    short_title="The response cannot be one",
    sub_titles={"redacted": "The response was taken out of the record", "case": "The response is in upper case"},
    question="whether responses have the right form",
    clause="RFC 3261 §25.1 (32LHEX); RFC 8760 §2.2, §2.7; RFC 2617 §3.1.3",
    force="none",
    severity="error",
    at_fault="UAC",
    group="F",
    subject="transaction",
    check=check,
    explains=(400, 401, 403, 407),
    supersedes=("R3261-22.1-same-credentials",),
    applies_if=marks.DIGESTS,
    violates_only_if=marks.ODD_CREDENTIALS,
    methods=(),
    why="Cannot match; also tells that the value was truncated by a logger.",
    fix="the phone must send the whole hash, in lower-case hexadecimal digits, of the algorithm that it names: update "
    "its firmware",
    examples=(
        bad(_FLOW.format('response="dfe56131d1958046689"'), "length", severity="error"),
        bad(_FLOW.format(f'response="{_MD5}", algorithm=SHA-256'), "length", title="MD5's length for SHA-256"),
        bad(_FLOW.format(f'response="{_LONG}"'), "length", title="SHA-256's length, and MD5 is named"),
        bad(_FLOW.format('response=""'), "length", title="a nonce, and no response"),
        bad(_FLOW.format('opaque="" response="12"'), "length", title="a comma is missing before it"),
        bad(_FLOW.format('response="5f80d6a4c02e256508e62bfbb06cgggg"'), "alphabet"),
        bad(_FLOW.format(f'response="{_MD5.upper()}"'), "case", severity="warning"),
        bad(_FLOW.format('response="xxxxxxxx"'), "redacted", severity="info", log=True),
        bad(_FLOW.format('response="<hidden>"'), "redacted", title="a filter says so"),
        good(_FLOW.format(f'response="{_MD5}"')),
        good(_FLOW.format(f'response="{_LONG}", algorithm=SHA-256')),
        good(_FLOW.format(f'response="12", response="{_MD5}"'), title="which one of two is meant is not known"),
        good(_FLOW.format(f'response="{_LONG}", algorithm=SHA-512-256-sess')),
        good(_FLOW.format(f'response="{_MD5}", algorithm=AKAv1-MD5'), title="a SIM's answer"),
        good(_FLOW.format('response="", algorithm=AKAv1-MD5, auts="AAAA"'), title="a SIM asks for another challenge"),
        good(_FLOW.replace('nonce="n"', 'nonce=""').format('response=""'), title="the first REGISTER of IMS"),
        good(_FLOW.format('response="1234", algorithm=X-NEW'), title="an algorithm that we do not know"),
    ),
)
