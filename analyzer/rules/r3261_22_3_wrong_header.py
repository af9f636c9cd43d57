"""Credentials go into the header that belongs to the challenge.

A registrar asks with WWW-Authenticate and looks into Authorization; a proxy asks with Proxy-Authenticate and looks into
Proxy-Authorization (RFC 3261 22.2, 22.3, 20.7, 20.28). Credentials in the other header are looked at by nobody: the
server challenges again, for ever, though the response in them is right. It is proven by the nonce: the phone sends one
that was given out in the other header, and nothing in the header where it belongs.

That a registrar asks with 407 is not judged: it may be a proxy too, RFC 3261 26.3.2.1 itself mixes the names, and
every phone answers either. Nor is a challenge of the other kind beside the one that the status asks for (Table 3).
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.auth_headers import ANSWERED_IN, CHALLENGES, CREDENTIALS, HEADER_NAMES
from analyzer.sip.text import clip

_OTHER = dict(zip(CREDENTIALS, reversed(CREDENTIALS), strict=True))
_ASKED_IN = {answer: asked for asked, answer in ANSWERED_IN.items()}


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Hold the header of each credentials against that in which their nonce came (RFC 3261 22.2, 22.3)."""
    del context
    place = subject.evidence.place
    sent = [one for one in subject.digests if one.place == place and not (one.is_cut or one.is_empty)]
    if not sent:
        yield NOT_APPLICABLE
    for record in sent:
        yield _answer(record, sent, subject)


def _answer(record: DigestRecord, sent: list[DigestRecord], subject: TransactionSubject) -> Answer:
    challenged = subject.in_force.get(record.realm, ())
    if not challenged:
        return NotJudged(Need.HEAD.value)
    if any(one.header == record.header and record.nonce in one.nonces for one in challenged):
        return PASSED
    other = _OTHER[record.header]
    wanted = next((one for one in challenged if one.header == other and record.nonce in one.nonces), None)
    if wanted is None or any(one.header == other and one.realm == record.realm for one in sent):
        return PASSED  # an old nonce is another fault; and who sends the same in both headers is answered
    detail = (
        f"realm {clip(record.realm)!r} asked in {HEADER_NAMES[_ASKED_IN[other]]}, and the phone answers in "
        f"{HEADER_NAMES[record.header]}: nobody looks there"
    )
    values, related = Values(HEADER_NAMES[record.header], HEADER_NAMES[other]), (wanted.evidence,)
    return Violated(detail, severity="error", at=record.evidence, at_fault="UAC", related=related, values=values)


assert set(_ASKED_IN.values()) == set(CHALLENGES)
_R = "> REGISTER sip:example.com\n"

RULE = Rule(
    id="R3261-22.3-wrong-header",
    title="Challenge and credentials headers mixed up (401/WWW/Authorization vs 407/Proxy)",
    short_title="Credentials in the wrong header",
    question="whether credentials are in the header asked for",
    clause="RFC 3261 §22.1 (UAS 401, proxies MUST NOT 401 -> 407), §22.2, §22.3, §20.27, §20.44",
    force="MUST",
    severity="warning",
    at_fault="UAC / proxy",
    group="F",
    subject="transaction",
    check=check,
    explains=(401, 407),
    supersedes=("R3261-22.1-same-credentials",),
    applies_if=marks.DIGESTS,
    violates_only_if=marks.OTHER_NONCE,
    needs=(Need.S2C,),
    why="Credentials are not looked at by the right element.",
    fix="the phone has to answer WWW-Authenticate in Authorization and Proxy-Authenticate in Proxy-Authorization: "
    "update its firmware",
    etsi=("RG_RT_V_019", "RG_RT_V_020"),
    disputed="a registrar asks with 401 by RFC 3261 22.1, 26.3.2.1 calls that 401 Proxy Authentication Required, "
    "and Table 3 allows both header fields in both: a remark",
    examples=(
        bad(_R + "< 401\n" + _R + "Proxy-Authorization: {bob x}\n< 401", severity="error"),
        bad(_R + "< 407\n" + _R + "Authorization: {bob x}\n< 407", title="407, and the registrar's header"),
        good(_R + "< 401\n" + _R + "Authorization: {bob x}\n< 200"),
        good(_R + "< 407\n" + _R + "Proxy-Authorization: {bob x}\n< 200", title="a registrar that asks with 407"),
        good(
            _R + "< 401\n" + _R + "Authorization: {bob x}\nProxy-Authorization: {bob x}\n< 200",
            title="the same in both headers",
        ),
        good(
            _R
            + '< 401\nWWW-Authenticate: Digest realm="r", nonce="r1"\n'
            + 'Proxy-Authenticate: Digest realm="p", nonce="p1"\n'
            + _R
            + "Authorization: {bob x realm=r nonce=r1}\nProxy-Authorization: {bob x realm=p nonce=p1}\n< 200",
            title="both kinds in one response, each answered",
        ),
        good(_R + "Proxy-Authorization: {bob x nonce=old}\n< 401", title="no challenge was seen before"),
        good(
            _R + "< 401\n" + _R + "Proxy-Authorization: {bob x nonce=another}\n< 401",
            title="a nonce that nobody is seen to give out",
        ),
    ),
)
