"""What a server says behind its 200 agrees with the request.

In Authentication-Info a server may prove that it knows the secret too (`rspauth`), and announce the next nonce (RFC
7616 3.5, RFC 2617 3.2.3). With `rspauth` it has to repeat the phone's cnonce and nc, because these are hashed into it;
without them a strict phone cannot check it (`incomplete`), and with others than it has sent (`echo`) the answer belongs
to another request. An `rspauth` that is not what the password gives (`rspauth`) comes from a server that does not know
the password, or computes it in another way: an impostor looks the same. That is said only where the password is known.

Most servers send `nextnonce` alone, which is complete; whether the phone uses it is R7616-3.4-nonce-current. A proxy's
header is Proxy-Authentication-Info.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Rule, Values, Violated, bad, good
from analyzer.judge.values import apart
from analyzer.register import marks
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.nonce_counts import nonce_count
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.auth import parse_auth_params, parse_credentials
from analyzer.sip.auth_headers import INFO_OF
from analyzer.sip.message import Message
from analyzer.sip.text import clip

_NAMES = {"authentication-info": "Authentication-Info", "proxy-authentication-info": "Proxy-Authentication-Info"}
_NEEDED = ("rspauth", "cnonce", "nc")


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Hold Authentication-Info of a 2xx against the credentials that it accepts (RFC 7616 3.5)."""
    del context
    final = subject.transaction.final
    judged = False
    if final is not None and 200 <= final.status < 300:
        for record in subject.digests:
            header = INFO_OF[record.header]
            if not record.is_empty and final.has(header):
                judged = True
                yield _answer(record, header, final, subject)
    if not judged:
        yield NOT_APPLICABLE


def _answer(record: DigestRecord, header: str, final: Message, subject: TransactionSubject) -> Answer:
    told = {one.name.lower(): one.value for row in final.all(header) for one in parse_auth_params(row)}
    name, at = _NAMES[header], final.raw_message.evidence
    server, related = subject.transaction.destination.host, (record.evidence,)
    if not ("qop" in told or "rspauth" in told):
        return PASSED  # it announces a nonce, and proves nothing
    missing = [one for one in _NEEDED if not told.get(one)]
    if missing and record.qop:
        detail = f"{name} leaves out {' and '.join(missing)}, without which the phone cannot check it"
        values = Values(
            ", ".join(f"an empty {one}" if one in told else f"no {one}" for one in missing), ", ".join(missing)
        )
        return Violated(detail, "incomplete", at=at, related=related, group_key=(server,), values=values)
    own = parse_credentials(record.header, record.raw)
    for one, sent, received in (("cnonce", own.cnonce, told.get("cnonce")), ("nc", own.nc, told.get("nc"))):
        if sent and received and not _is_same(one, sent, received):
            detail = f"{name} has {one} {clip(received, 40)!r}, and the request has {clip(sent, 40)!r}"
            values = apart(clip(received, 40), clip(sent, 40))
            return Violated(detail, "echo", at=at, related=related, group_key=(server,), values=values)
    if record.rspauth is False:
        detail = f"rspauth in {name} is not what the password of {clip(record.username)!r} gives"
        return Violated(detail, "rspauth", "error", at=at, related=related, group_key=(server, "rspauth"))
    return PASSED


def _is_same(name: str, sent: str, received: str) -> bool:
    return sent == received or (name == "nc" and nonce_count(sent) == nonce_count(received) is not None)


_FLOW = (
    "> REGISTER sip:h\n< 401\n> REGISTER sip:h\nAuthorization: {{bob secret nonce=n1 cnonce=c1}}\n"
    "< 200\nAuthentication-Info: {}"
)
_RIGHT = "7db93ba683fefca0b979ff2cec80cda9"

RULE = Rule(
    id="R7616-3.5-auth-info",
    title="Authentication-Info wrong (rspauth, nextnonce, nc/cnonce echo)",
    short_title="The server's own proof is wrong",
    question="whether the server's proof agrees with the request",
    clause="RFC 7616 §3.5; RFC 2617 §3.2.3; RFC 3261 §20.6, §22.4",
    force="MUST",
    severity="warning",
    at_fault="registrar",
    group="F",
    subject="transaction",
    check=check,
    applies_if=marks.MORE_TOLD,
    methods=(),
    why="Mutual authentication fails; possible impostor.",
    fix="let the server send rspauth with the cnonce and nc of the very request, or leave all three out",
    examples=(
        bad(_FLOW.format('qop=auth, rspauth="00000000000000000000000000000000"'), "incomplete", severity="warning"),
        bad(_FLOW.format(f'qop=auth, rspauth="{_RIGHT}", cnonce="c1"'), "incomplete", title="nc is left out"),
        bad(_FLOW.format(f'qop=auth, rspauth="{_RIGHT}", cnonce="other", nc=00000001'), "echo"),
        bad(_FLOW.format(f'qop=auth, rspauth="{_RIGHT}", cnonce="c1", nc=00000002'), "echo", title="another count"),
        bad(
            _FLOW.format(f'qop=auth, rspauth="{"0" * 32}", cnonce="c1", nc=00000001'),
            "rspauth",
            severity="error",
            passwords={"bob": "secret"},
        ),
        good(
            _FLOW.format(f'qop=auth, rspauth="{_RIGHT}", cnonce="c1", nc=00000001'),
            passwords={"bob": "secret"},
            title="right",
        ),
        good(_FLOW.format('nextnonce="47364c"'), title="the next nonce alone"),
        good(_FLOW.format(f'qop=auth, rspauth="{"0" * 32}", cnonce="c1", nc=00000001'), title="no password known"),
        good(_FLOW.format(f'qop=auth, rspauth="{_RIGHT}", cnonce="c1", nc=1'), title="a count without its zeros"),
        good("> REGISTER sip:h\n< 401\n> REGISTER sip:h\nAuthorization: {bob x}\n< 200", title="it says no more"),
    ),
)
