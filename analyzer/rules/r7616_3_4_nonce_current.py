"""After a new challenge, the nonce of that challenge.

A challenge opens a session that lasts until the next one (RFC 7616 3.4, 3.6). A phone that was given a new nonce and
goes on with an old one is challenged again, for ever: the classic endless 401, though the password is right. A nonce
that the registrar never gave out at all was changed on the way through the phone: cut, decoded, or made up; but that is
said only where the client's stream was seen from its beginning, and where the registrar does not itself call the nonce
stale, which is to say that it was good once. Legal are an old nonce before any challenge was seen, and a request that
crossed the challenge on the wire (sent less than 0.2 s after it).

Where a name has several servers, a phone may take the challenge of one to another (`other-server`): each names the same
realm, and where they do not share their nonces each asks anew, for ever.

Three captures that lacked a packet, or began late, made a right phone look wrong, and taught the rest: where the answer
to the client's request before is missing, or a request of it, that answer may have been the newer challenge (`holes` of
the registration); a nonce that is seen to be issued later than the challenge in force is no old one; and of a Call-ID
that was not challenged in the capture nobody knows what it was given before.

A mobile phone's first REGISTER names its user in
credentials whose nonce and response are empty (3GPP TS 24.229 5.1.1.2): it answers no challenge, and uses no nonce.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from analyzer.evidence import SECOND, LogLines
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Need,
    NotJudged,
    Rule,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.judge.values import apart
from analyzer.register import marks
from analyzer.register.challenges import MOST_USERS, Challenged
from analyzer.register.digest.input import clip
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.subjects import TransactionSubject, is_printed
from analyzer.register.timers import AUTH_LINK
from analyzer.sip.auth_headers import CREDENTIALS

_CROSSING = SECOND // 5
_FEW = 2
"""Nonces of one response that are told."""


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Compare the nonce of each credentials with the challenge in force when it was sent (RFC 7616 3.4)."""
    judged = False
    for record in subject.digests:
        challenged = subject.challenged(record)
        if (foreign := _of_another_server(record, subject, context)) is not None:
            judged = True
            yield foreign
        elif (
            record.place == subject.evidence.place and challenged and not (record.is_cut or record.is_empty)
        ):  # copies were sent later, under another challenge
            judged = True
            yield _answer(record, challenged, subject, context)
    if not judged:
        yield NOT_APPLICABLE


def _of_another_server(record: DigestRecord, subject: TransactionSubject, context: CaptureContext) -> Violated | None:
    """A nonce that another server of the same realm gave out, and that this one does not take; None for any other.

    Nodes that know each other's nonces accept it, and then nothing is wrong."""
    final, server = subject.transaction.final, subject.transaction.destination.host
    if final is None or not subject.transaction.challenged or record.place != subject.evidence.place:
        return None
    if record.malformed or record.is_empty or record.verdict == "mismatch":
        return None
    issuer = context.challenges.issuer_of(record.realm, record.nonce, other_than=server)
    use = context.challenges.use(issuer, record.realm, record.nonce) if issuer is not None else None
    if use is None or record.reused or _is_long_ago(use.last, record.time):
        return None  # after a failover the nonce that served so far may be tried, at the price of one more challenge
    detail = (
        f"{record.username} answers {server} with a nonce that {issuer} gave out for the same realm, and {server} "
        f"challenges anew with {final.status}"
    )
    fix = (
        "keep the phone at one server from the challenge to the answer (its outbound proxy, DNS SRV with priorities "
        "instead of equal weights, a load balancer that goes by address or Call-ID), or let the servers share the "
        "secret that their nonces are made with"
    )
    values = Values(f"a nonce of {issuer}", f"a nonce of {server}")
    return Violated(
        detail, "other-server", related=(final.raw_message.evidence,), at_fault="UAC / network", fix=fix, values=values
    )


def _is_long_ago(issued: int | None, used: int | None) -> bool:
    """Whether credentials are no direct answer to the challenge that brought their nonce."""
    return issued is not None and used is not None and used - issued > AUTH_LINK


def _answer(
    record: DigestRecord, challenged: Sequence[Challenged], subject: TransactionSubject, context: CaptureContext
) -> Answer:
    latest = challenged[0]
    announced = subject.next_nonce.get(record.realm, "") if record.header == CREDENTIALS[0] else ""
    if announced and record.nonce == announced:
        return PASSED
    if record.nonce in latest.nonces:
        if not announced:
            return PASSED
        detail = "the nonce that the registrar announced for the next request (nextnonce) was not used"
        values = _values(record, (announced,))
        return Violated(detail, "nextnonce", "info", related=(latest.evidence,), values=values)
    if record.malformed and is_printed(subject):
        return NotJudged("the credentials are not whole in the log")
    if subject.registration is not None and subject.registration.holes > latest.holes:
        return NotJudged("CSeq jumps after the last challenge: a newer one may be missing")
    crossing = _may_cross(subject, latest, context)
    if crossing and any(record.nonce in before.nonces for before in challenged[1:]):
        return PASSED if not is_printed(subject) else NotJudged(Need.SUBSECOND.value)
    related = (latest.evidence,)
    server, stale = subject.transaction.destination.host, _is_called_stale(subject)
    doubt = None if record.outlived else _doubt(record, latest, subject, context)
    if doubt is not None:
        return doubt
    if record.outlived or stale or context.challenges.was_issued(server, record.realm, record.nonce):
        detail = f"{record.username} goes on with an old nonce, older than the challenge at {_at(latest)}"
        said = ", which says stale=true" if latest.stale else "; the registrar calls it stale" if stale else ""
        return Violated(f"{detail}{said}", related=related, values=_values(record, latest.nonces))
    if crossing and len(challenged) < 2:
        return NotJudged(Need.HEAD.value)  # it may cross the first challenge seen with a nonce from before the capture
    if context.challenges.evicted:
        return NotJudged("the capture is too long to remember every nonce")
    return _unknown(record, latest, subject)


def _doubt(
    record: DigestRecord, latest: Challenged, subject: TransactionSubject, context: CaptureContext
) -> NotJudged | None:
    """Reasons to think that the capture lacks the challenge that brought the nonce."""
    server, known = subject.transaction.destination.host, context.challenges
    use = known.use(server, record.realm, record.nonce)
    if use is not None:
        is_newer = use.first is not None and latest.time is not None and use.first > latest.time
        return NotJudged("its nonce is newer than the challenge that it seems to answer") if is_newer else None
    others = [known.use(server, record.realm, nonce) for nonce in latest.nonces]
    under = [call_id for one in others if one is not None for call_id in one.call_ids]
    if under and len(under) < MOST_USERS and subject.transaction.call_id not in under and subject.transaction.cseq > 1:
        return NotJudged(Need.HEAD.value)
    return None


def _unknown(record: DigestRecord, latest: Challenged, subject: TransactionSubject) -> Violated:
    """A nonce of which the capture shows nothing: made up, if all was seen that this client was given."""
    related, values = (latest.evidence,), _values(record, latest.nonces)
    if any(nonce.rstrip("=") == record.nonce for nonce in latest.nonces):
        detail = f"{record.username} does not use the nonce that it was given: its trailing '=' is lost"
        return Violated(detail, "invented", related=related, values=values)
    registration = subject.registration
    if registration is None or not registration.seen_from_start or registration.holes:
        detail = f"{record.username} uses a nonce that is not among the challenges in this capture"
        detail = f"{detail}, though it was challenged anew at {_at(latest)}"
        return Violated(detail, related=related, values=values)
    detail = f"{record.username} uses a nonce that the registrar never gave out"
    return Violated(detail, "invented", related=related, values=values)


def _values(record: DigestRecord, due: Collection[str]) -> Values:
    """The nonce that was sent, and those that were to be used."""
    return apart(clip(record.nonce), " or ".join(clip(one) for one in sorted(due)[:_FEW]))


def _is_called_stale(subject: TransactionSubject) -> bool:
    """RFC 2617 3.2.1: `stale=true` answers a valid digest for a nonce that is valid no more, so it was given out."""
    final = subject.transaction.final
    return final is not None and any(challenge.stale for challenge in final.challenges)


def _at(challenged: Challenged) -> str:
    """`frame 18`, `line 61`: where the challenge is; the source goes without saying."""
    place = challenged.evidence.place
    return f"line {place.first}" if isinstance(place, LogLines) else f"frame {place.number}"


def _may_cross(subject: TransactionSubject, latest: Challenged, context: CaptureContext) -> bool:
    """Whether the request may have been under way before the challenge arrived."""
    first = subject.transaction.first
    if first is None or latest.time is None:
        return False
    return first - latest.time <= max(_CROSSING, context.resolution - 1 if is_printed(subject) else 0)


_STALE = '< 401\nWWW-Authenticate: Digest realm="example.com", nonce="BBBB", qop="auth", stale=true\n'
_FIRST = '> REGISTER sip:example.com\n< 401\nWWW-Authenticate: Digest realm="example.com", nonce="AAAA", qop="auth"\n'

RULE = Rule(
    id="R7616-3.4-nonce-current",
    title="Old nonce used after a newer challenge",
    short_title="An old nonce after a newer challenge",
    sub_titles={
        "invented": "A nonce that the registrar was not seen to give out",
        "other-server": "A nonce of another server",
        "nextnonce": "The nonce announced for the next request is not used",
    },
    question="whether the phone uses the newest nonce",
    clause="RFC 7616 §3.4, §3.6 (session lasts until the next challenge), §3.5 nextnonce; RFC 2617 §3.3",
    force="none",
    severity="error",
    at_fault="UAC",
    group="F",
    subject="transaction",
    check=check,
    supersedes=("R3261-22.1-same-credentials",),
    explains=(401, 403, 407, "silence"),
    is_momentary=True,
    applies_if=marks.DIGESTS,
    violates_only_if=marks.OTHER_NONCE,
    observed_at="first",
    needs=(Need.C2S,),
    why="Guaranteed re-challenge; the classic endless 401 loop.",
    fix="the phone must answer with the nonce of the latest challenge: update its firmware, clear its cached nonce",
    etsi=("RG_RT_V_018", "RG_RT_V_020"),
    examples=(
        good(
            _FIRST + "@1 > REGISTER sip:example.com\nCSeq: 3\nAuthorization: {bob x nonce=CCCC}",
            title="CSeq 2 and its challenge are missing in the capture",
        ),
        bad(
            _FIRST
            + "@1 > REGISTER sip:example.com\nAuthorization: {bob x}\n"
            + _STALE
            + "@2 > REGISTER sip:example.com\nAuthorization: {bob x nonce=AAAA nc=00000002}"
        ),
        bad(_FIRST + "@1 > REGISTER sip:example.com\nAuthorization: {bob x nonce=CCCC}", "invented"),
        bad(
            _FIRST + "@1 > REGISTER sip:example.com\nAuthorization: {bob x nonce=CCCC}\n" + _STALE,
            title="unknown here, but the registrar calls it stale: it was good once",
        ),
        bad(
            "> REGISTER sip:example.com\nAuthorization: {bob x nonce=CCCC}\n< 401\n"
            "@1 > REGISTER sip:example.com\nAuthorization: {bob x nonce=CCCC}\n< 401",
            title="the capture begins in the middle: the nonce may be from before",
        ),
        good(
            _FIRST
            + "@1 > REGISTER sip:example.com\n"
            + 'Authorization: Digest username="bob@example.com", realm="example.com", uri="sip:example.com", '
            + 'nonce="", response=""\n< 401',
            title="the first REGISTER of IMS: it uses no nonce",
        ),
        bad(
            _FIRST.replace("AAAA", "QUJD=") + "@1 > REGISTER sip:example.com\nAuthorization: {bob x nonce=QUJD}",
            "invented",
            title="the base64 padding was lost",
        ),
        bad(
            _FIRST
            + "@1 > REGISTER sip:example.com\nAuthorization: {bob x}\n< 200\n"
            + 'Authentication-Info: nextnonce="DDDD"\n'
            + "@60 > REGISTER sip:example.com\nAuthorization: {bob x nc=00000002}",
            "nextnonce",
            severity="info",
        ),
        good(
            _FIRST
            + "@1 > REGISTER sip:example.com\nAuthorization: {bob x}\n< 200\n@60 > REGISTER sip:example.com\n"
            + "Authorization: {bob x nc=00000002}\n"
            + _STALE
            + "@61 > REGISTER sip:example.com\nAuthorization: {bob x}",
            title="a refresh with the old nonce, then the new one",
        ),
        good(
            "> REGISTER sip:example.com\nAuthorization: {bob x nonce=seen-before}\n< 401", title="before any challenge"
        ),
        good(
            _FIRST
            + "@1 > REGISTER sip:example.com\nAuthorization: {bob x}\n"
            + _STALE
            + "> REGISTER sip:example.com\nAuthorization: {bob x nonce=AAAA nc=00000002}",
            title="sent 10 ms after the new challenge: it crossed on the wire",
        ),
        bad(
            _FIRST + "@0.1 dst=198.51.100.2:5060 > REGISTER sip:example.com\nAuthorization: {bob x}\n"
            'dst=198.51.100.2:5060 < 401\nWWW-Authenticate: Digest realm="example.com", nonce="BBBB", qop="auth"',
            "other-server",
            title="two servers of one name, each with nonces of its own",
        ),
        good(
            _FIRST + "@0.1 > REGISTER sip:example.com\nAuthorization: {bob x}\n< 200\n"
            "@60 dst=198.51.100.2:5060 > REGISTER sip:example.com\nAuthorization: {bob x nc=00000002}\n"
            'dst=198.51.100.2:5060 < 401\nWWW-Authenticate: Digest realm="example.com", nonce="BBBB", qop="auth"',
            title="a failover tries the nonce that served so far",
        ),
        good(
            _FIRST + "@0.1 dst=198.51.100.2:5060 > REGISTER sip:example.com\nAuthorization: {bob x}\n"
            "dst=198.51.100.2:5060 < 200",
            title="two servers that share their nonces",
        ),
        good(
            _FIRST + "@1 dst=198.51.100.2:5060 > REGISTER sip:example.com\nAuthorization: {bob x nonce=other}",
            title="another registrar has its own nonces",
        ),
    ),
)
