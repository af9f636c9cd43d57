"""Credentials name the realm that asked for them.

A challenge names a realm, and user name and password belong to that realm (RFC 3261 22.1, RFC 7616 3.3). The phone
repeats the name in its credentials, octet for octet; it is hashed with the password, so a realm that is spelled in
another way, or comes from the phone's own settings, gives a response that the registrar cannot have computed. Many
phones have a setting for the realm ("authentication domain"), which has to be empty or exactly what the registrar
sends. `mismatch` is said where a request answers a challenge with credentials for none of its realms, or brings a nonce
that the server gave out for another realm.

Who behind a proxy has credentials for two realms sends each in its own header, and one that answers is enough. Before
any challenge a phone may send what it has from earlier; only where that is what another server asked for, and this one
refuses it and asks for another realm, it went astray (`foreign`): a hash of the password for one server was shown to
another. Nor is it a mismatch where CSeq jumps after the challenge: baresip answers a proxy and a registrar one after
the other, and where the capture lacks the second question the answer seems to be one to the first. `domain` in a
challenge, and where requests beyond it go, is not looked at: no registrar in the field sends it.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.evidence import Evidence
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Violated, bad, good
from analyzer.judge.values import apart
from analyzer.register import marks
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.subjects import TransactionSubject
from analyzer.register.transaction import Transaction
from analyzer.sip.text import clip


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Hold the realm of each credentials against those of the challenge that they answer (RFC 3261 22.1, 22.3)."""
    place = subject.evidence.place
    sent = [one for one in subject.digests if one.place == place and not (one.is_cut or one.is_empty or one.malformed)]
    if not sent:
        yield NOT_APPLICABLE  # what is malformed is another fault (R3261-25-digest-syntax)
    before = _challenged_before(subject)
    for record in sent:
        if subject.in_force.get(record.realm):
            yield PASSED
        else:
            yield _answer(record, sent, before, subject, context)


def _challenged_before(subject: TransactionSubject) -> Transaction | None:
    """The transaction before this one in the attempt, if it was challenged."""
    links = subject.attempt.transactions if subject.attempt is not None else []
    at = links.index(subject.transaction) if subject.transaction in links else 0
    before = links[at - 1] if at else None
    return before if before is not None and before.challenged and before.final is not None else None


def _answer(
    record: DigestRecord,
    sent: list[DigestRecord],
    before: Transaction | None,
    subject: TransactionSubject,
    context: CaptureContext,
) -> Answer:
    server = subject.transaction.destination.host
    owner = context.challenges.realm_of(server, record.nonce, other_than=record.realm)
    asked = _realms(before)
    if owner is not None:
        return _mismatch(record, [owner], before)
    if before is None or not asked:
        return _foreign(record, server, subject, context)
    if any(one.realm in asked for one in sent):
        return PASSED  # another of its credentials answers; these are for somebody else on the way
    if before.final is not None and not before.final.is_whole:
        return NotJudged(Need.WHOLE.value)
    if _had(before, record.realm) or record.realm in _realms(subject.transaction):
        return NotJudged(Need.HEAD.value)  # it was asked for them before, by somebody whom the capture does not show
    if subject.transaction.cseq > before.cseq + 1:
        return NotJudged("CSeq jumps after the challenge: another one may be missing")
    return _mismatch(record, asked, before)


def _realms(transaction: Transaction | None) -> list[str]:
    """The realms of the Digest challenges in its final response."""
    final = transaction.final if transaction is not None else None
    return list(dict.fromkeys(one.realm or "" for one in final.challenges if one.is_digest)) if final else []


def _had(before: Transaction, realm: str) -> bool:
    request = before.request
    return request is not None and any(one.realm == realm for one in request.credentials)


def _mismatch(record: DigestRecord, asked: list[str], before: Transaction | None) -> Violated:
    named = " and ".join(repr(clip(realm)) for realm in asked[:3])
    detail = f"asked for realm {named}, the phone sends credentials for realm {clip(record.realm)!r}"
    if any(realm.lower() == record.realm.lower() for realm in asked):
        detail += ", which differs in upper and lower case"
    related: tuple[Evidence, ...] = ()
    if before is not None and before.final is not None:
        related = (before.final.raw_message.evidence,)
    sent, wanted = clip(record.realm), " or ".join(clip(realm) for realm in asked[:3])
    return Violated(detail, "mismatch", at=record.evidence, related=related, values=apart(sent, wanted))


def _foreign(record: DigestRecord, server: str, subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Credentials that answer no challenge: those of another server?"""
    asked = _realms(subject.transaction)
    if record.accepted is not False or not asked or record.realm in context.challenges.realms(server):
        return PASSED if record.accepted else NotJudged(Need.HEAD.value)
    other = context.challenges.server_of(record.realm, other_than=server)
    if other is None:
        return NotJudged(Need.HEAD.value)
    detail = (
        f"the phone sends {server} credentials for realm {clip(record.realm)!r}, for which {other} has asked; "
        f"{server} asks for {clip(asked[0])!r}"
    )
    sent, wanted = clip(record.realm), clip(asked[0])
    return Violated(detail, "foreign", "warning", at=record.evidence, fix=_FOREIGN, values=apart(sent, wanted))


_FOREIGN = "give the phone's accounts a server each, so that no credentials go to a server that did not ask for them"
_PLAIN, _ASKS = "> REGISTER sip:example.com\n", '< {}\n{}: Digest realm="{}", nonce="{}", qop="auth"\n'
_401 = _PLAIN + _ASKS.format(401, "WWW-Authenticate", "asterisk", "n1")
_WITH = "> REGISTER sip:example.com\nAuthorization: {{bob x realm={} nonce={}}}\n"
_OTHER = "> REGISTER sip:b.example\nCall-ID: b\n"

RULE = Rule(
    id="R7616-3.4-realm",
    title="Credentials for a realm that was not challenged",
    short_title="The phone answers for another realm",
    sub_titles={"foreign": "Credentials for another server's realm"},
    question="whether credentials are for the realm that asked",
    clause="RFC 3261 §22.1, §22.3; RFC 7616 §3.3, §3.4",
    force="none",
    severity="error",
    at_fault="UAC",
    group="F",
    subject="transaction",
    check=check,
    explains=(401, 403, 407),
    supersedes=("R3261-22.1-same-credentials",),
    applies_if=marks.DIGESTS,
    violates_only_if=marks.OTHER_NONCE,
    needs=(Need.S2C,),
    why="It is never accepted, and shows a hash of one server's password to another.",
    fix="leave the phone's setting for realm or authentication domain empty, or enter exactly what the registrar sends",
    etsi=("RG_RT_V_018", "RG_RT_V_020"),
    examples=(
        bad(_401 + _WITH.format("sip.example.com", "n1") + "< 403", "mismatch", severity="error"),
        bad(_401 + _WITH.format("Asterisk", "n1") + "< 401", "mismatch", title="in another case"),
        bad(_401 + _WITH.format("h.example", "other") + "< 401", "mismatch", title="and with a nonce of its own"),
        bad(
            _401
            + _WITH.format("asterisk", "n1")
            + "< 200\n@60 "
            + _WITH.format("example.com", "n1")
            + "< 401\n"
            + "@400 "
            + _WITH.format("example.com", "n1")
            + "< 401",
            "mismatch",
            title="without a challenge before: the nonce tells whose it is",
        ),
        bad(
            _401
            + _WITH.format("asterisk", "n1")
            + "< 200\n@60 dst=198.51.100.2:5060 "
            + _OTHER
            + "Authorization: {bob x realm=asterisk nonce=n1}\n"
            + _ASKS.format(401, "WWW-Authenticate", "b", "m2"),
            "foreign",
            severity="warning",
            title="what one server asked for goes to another",
        ),
        good(_401 + _WITH.format("asterisk", "n1") + "< 200"),
        good(
            _PLAIN
            + _ASKS.format(407, "Proxy-Authenticate", "p", "p1")
            + _PLAIN
            + "Proxy-Authorization: {bob x realm=p nonce=p1}\n"
            + _ASKS.format(401, "WWW-Authenticate", "r", "r1")
            + _PLAIN
            + "Proxy-Authorization: {bob x realm=p nonce=p1}\nAuthorization: {bob x realm=r nonce=r1}\n< 200",
            title="a proxy and a registrar, each its own",
        ),
        good(
            _WITH.format("elsewhere", "old") + _ASKS.format(401, "WWW-Authenticate", "asterisk", "n1"),
            title="before any challenge was seen",
        ),
        good(
            _PLAIN
            + "Proxy-Authorization: {bob x realm=p nonce=p1}\n"
            + _ASKS.format(401, "WWW-Authenticate", "r", "r1")
            + _PLAIN
            + "Proxy-Authorization: {bob x realm=p nonce=p1}\nAuthorization: {bob x realm=r nonce=r1}\n< 200",
            title="the proxy's challenge is older than the capture",
        ),
        good(
            _PLAIN
            + '< 401\nWWW-Authenticate: Digest realm="a\\"b", nonce="n1", qop="auth"\n'
            + _PLAIN
            + 'Authorization: Digest username="bob", realm="a\\"b", nonce="n1", uri="sip:example.com", response="00"',
            title="a quote within the realm, escaped",
        ),
        good(
            _PLAIN
            + '< 401\nWWW-Authenticate: Digest realm="", nonce="n1", qop="auth"\n'
            + _PLAIN
            + 'Authorization: Digest username="bob", realm="", nonce="n1", uri="sip:example.com", response="00"',
            title="an empty realm is odd, and the same",
        ),
        good(
            _PLAIN
            + '< 401\nWWW-Authenticate: Digest realm="b", nonce="n1", qop="auth"\n'
            + _PLAIN
            + 'Authorization: Digest username="", realm="a", nonce="", uri="sip:example.com", response=""',
            title="credentials that answer nothing",
        ),
    ),
)
