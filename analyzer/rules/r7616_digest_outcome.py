"""What the registrar decides agrees with the digest.

With the password known, two things can be seen that no log of a registrar tells. A right response, for the nonce in
force and the Request-URI, that is refused all the same: then the registrar has another password (or another realm) on
file, or refuses for another reason, such as an access list; which of them, the messages do not tell. A 403 is what a
registrar has to send to a user who is who he says and may not register (RFC 3261 10.3 step 4): a note, and no fault.
Where the registrar's own log names another reason beside its response, that is the reason, and nothing is contradicted.
And a response that no reading of the password explains, which is accepted: then the password given to this tool is the
wrong one, or the registrar does not check at all (trusted address, `insecure`).
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.evidence import Evidence, LogNotice
from analyzer.judge.context import CaptureContext
from analyzer.judge.digest_forms import UNSENT
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, NotJudged, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.subjects import TransactionSubject
from analyzer.register.timers import AUTH_LINK
from analyzer.register.witnesses import leading
from analyzer.sip.uri import Uri, uri_equal

_UNDECIDED = "registrar / account"
"""What is stored for the account at the registrar, or the registrar itself: refusing tells no more."""


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Hold the final response against the verdict (RFC 3261 10.3 step 3, RFC 7616 3.6)."""
    del context
    records = [record for record in subject.digests if record.accepted is not None and not record.is_empty]
    if not records:
        yield NOT_APPLICABLE
    for record in records:
        yield _answer(record, subject)


def _answer(record: DigestRecord, subject: TransactionSubject) -> Answer:
    final = subject.transaction.final
    related: tuple[Evidence, ...] = (final.raw_message.evidence,) if final else ()
    if record.verdict == "match":
        if record.accepted:
            return PASSED
        doubt = _excuse(record, subject)
        if doubt is not None:
            return doubt
        detail = (
            f"the response of {record.username} is right for the password given, and was refused with {record.status}"
        )
        said = _said(subject)
        if said is not None and not said.notice.about_password:
            return _other_reason(said)
        if said is not None:
            detail += f'; its own log says "{said.notice.said}"'
            related += (said.evidence,)
        elif record.status == 403:  # RFC 3261 10.3 step 4: who is proven to be a user need not be one who may
            detail += ": it may be authorisation that failed, or the registrar has another password"
            return Violated(detail, "forbidden", "info", related=related, at=record.evidence, at_fault=_UNDECIDED)
        values = Values(str(record.status), "2xx")
        return Violated(
            detail, "rejected-good", related=related, at=record.evidence, at_fault=_UNDECIDED, values=values
        )
    if record.verdict == "unknown":
        return NotJudged(_why_not(record))
    if not record.accepted or record.judged.diagnosis is not None:
        return PASSED
    if any(other.verdict == "match" for other in subject.digests):
        return PASSED  # the other Authorization header is the one that was accepted
    detail = f"the response of {record.username} is wrong for the password given, and was accepted with {record.status}"
    fix = "check the password given to sipcheck; if it is right, the registrar lets this phone in unchecked"
    values = Values(str(record.status), "401 or 403")
    return Violated(detail, "accepted-bad", related=related, at=record.evidence, fix=fix, values=values)


def _why_not(record: DigestRecord) -> str:
    if record.is_aka:
        return "only the SIM can tell (AKA)"
    return UNSENT if record.is_uncheckable else "no password known for this user"


def _said(subject: TransactionSubject) -> LogNotice | None:
    """What the server's own log says of why it refused."""
    final = subject.transaction.final
    said = leading([one for one in final.raw_message.notices if not one.alone]) if final is not None else None
    return said if said is not None and said.notice.side == "server" else None


def _other_reason(said: LogNotice) -> Answer:
    """The registrar says that it is not about the digest."""
    if said.notice.cause == "other":
        return NotJudged("the registrar's own log gives another reason")
    return NOT_APPLICABLE


def _excuse(record: DigestRecord, subject: TransactionSubject) -> Answer | None:
    """Reasons other than the password to refuse a right response."""
    transaction = subject.transaction
    final, request = transaction.final, transaction.request
    if final is not None and any(challenge.stale for challenge in final.challenges):
        return PASSED  # RFC 7616 3.3: the digest is right, the nonce was too old
    if record.lacking:
        return NOT_APPLICABLE  # RFC 3261 22.3: another challenger wanted its own beside them, and did not get them
    if record.form.word == "other-form":
        return NOT_APPLICABLE  # not what was asked for, or a count that does not rise: refusing it is right
    if record.reused and final is not None and transaction.challenged:
        return NOT_APPLICABLE  # the nonce was used before and may be too old: R7616-3.3-stale says what is missing
    in_force = subject.challenged(record)
    if not in_force:
        return NotJudged("HEAD")
    latest = in_force[0]
    if record.nonce not in latest.nonces:
        return NOT_APPLICABLE  # an old nonce: refusing it is right
    if transaction.first is not None and latest.time is not None and transaction.first - latest.time > AUTH_LINK:
        return NotJudged("the nonce may have been too old")
    if request is None or not (record.uri == request.request_uri or _equal(record.uri, request.request_uri)):
        return NOT_APPLICABLE  # RFC 7616 3.4.6: a uri that is not the Request-URI may be refused
    return None


def _equal(one: str, two: str) -> bool:
    return uri_equal(Uri.parse(one), Uri.parse(two))


_RIGHT = "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {bob secret}\n"
_WRONG = "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {bob Unlike-it}\n"

RULE = Rule(
    id="R7616-digest-outcome",
    title="Registrar's decision contradicts the digest",
    short_title="The registrar's decision contradicts the digest",
    question="whether the registrar decides as the digests say",
    clause="RFC 3261 §10.3 step 3, §22.2; RFC 7616 §3.6",
    force="none",
    severity="warning",
    at_fault="registrar",
    group="F",
    subject="transaction",
    check=check,
    explains=(401, 403, 407),
    applies_if=marks.DIGESTS,
    methods=(),
    observed_at="first",
    sub_titles={"forbidden": "A right response is forbidden all the same"},
    why="Either the registrar has another password, or it does not check.",
    fix="compare password, realm and user name in the registrar's own database, and its access lists",
    etsi=("RG_RR_V_019", "RG_RR_V_022"),
    examples=(
        bad(_RIGHT + "< 401", "rejected-good", passwords={"bob": "secret"}),
        bad(_RIGHT + "< 403", "forbidden", severity="info", passwords={"bob": "secret"}),
        bad(_WRONG + "< 200", "accepted-bad", passwords={"bob": "qwertz!9"}),
        good(_RIGHT + "< 200", passwords={"bob": "secret"}),
        good(_WRONG + "< 403", passwords={"bob": "qwertz!9"}),
        good(
            _RIGHT + '< 401\nWWW-Authenticate: Digest realm="example.com", nonce="n2", qop="auth", stale=true',
            passwords={"bob": "secret"},
            title="the nonce was too old, and the registrar says so",
        ),
        good(
            _RIGHT.replace("{bob secret}", "{bob secret nonce=older}") + "< 401",
            passwords={"bob": "secret"},
            title="right, but not for the nonce in force",
        ),
        good(_RIGHT + "< 403", title="no password known"),
        good(
            '> REGISTER sip:example.com\n< 401\nWWW-Authenticate: Digest realm="example.com", nonce="AAAA"\n'
            "> REGISTER sip:example.com\nAuthorization: {bob secret qop=auth}\n< 401",
            passwords={"bob": "secret"},
            title="right in itself, but with a qop that was not offered",
        ),
        good(
            "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\n"
            "Authorization: {bob secret uri=sip:other.invalid}\n< 403",
            passwords={"bob": "secret"},
            title="its uri is not the Request-URI",
        ),
    ),
)
