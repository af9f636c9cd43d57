"""A hashed user name is a hash.

With `userhash=true` a phone sends, in the place of the user name, the hash of user name and realm, made with the
algorithm of its credentials (RFC 7616 3.4.4), so that nobody on the way reads who it is; the response is computed with
the plain name all the same. A server looks that hash up. `length`: the value is no hash of that algorithm, so the
server finds nobody; most often it is the plain name, with the flag left on. `not-offered`: the phone hashes though the
challenge did not say that the server can look hashes up. `charset`: `username*`, for names that are no ASCII, has to
begin with UTF-8'' and be percent-encoded (RFC 7616 3.4, RFC 5987).

That both `username` and `username*` are there is told by R3261-25-digest-syntax.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.digest.arithmetic import algorithm_of
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.auth import Challenge, parse_credentials
from analyzer.sip.text import clip

_EXTENDED = re.compile(r"(?i)utf-8'[A-Za-z0-9-]*'(?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-Fa-f]{2})*")
"""RFC 5987 3.2.1: ext-value, in UTF-8."""
_HEX = re.compile("[0-9a-fA-F]+")


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at the user name of each Digest credentials that hash or extend it (RFC 7616 3.4, 3.4.4)."""
    del context
    judged = False
    for record in subject.digests:
        if record.is_cut or record.malformed or record.scheme.lower() != "digest":
            continue
        own = parse_credentials(record.header, record.raw)
        extended = own.get("username*")
        if own.userhash or extended is not None:
            judged = True
            yield _extended(record, extended) if extended is not None else _hashed(record, subject)
    if not judged:
        yield NOT_APPLICABLE


def _extended(record: DigestRecord, value: str) -> Answer:
    if _EXTENDED.fullmatch(value):
        return PASSED
    detail = f"username* is {clip(value, 60)!r}, and has to be UTF-8'' with the name percent-encoded behind it"
    values = Values(clip(value, 60) or "empty", "UTF-8'' and the name percent-encoded")
    return Violated(detail, "charset", at=record.evidence, values=values)


def _hashed(record: DigestRecord, subject: TransactionSubject) -> Answer:
    algorithm = algorithm_of(record.algorithm)
    if algorithm is None:
        return NOT_APPLICABLE
    name = record.username
    if len(name) != algorithm.digits or not _HEX.fullmatch(name):
        detail = (
            f"userhash is true, and the user name {clip(name, 40)!r} is no hash of {algorithm.token} "
            f"({algorithm.digits} hex digits)"
        )
        values = Values(clip(name, 40) or "empty", f"{algorithm.digits} hex digits")
        return Violated(detail, "length", "error", at=record.evidence, values=values)
    offers = _challenges(record, subject)
    if offers and not any(one.userhash for one in offers):
        detail = "the phone hashes its user name, and the challenge does not say that the server can look hashes up"
        values = Values("userhash=true", "no userhash=true")
        return Violated(detail, "not-offered", "info", at=record.evidence, values=values)
    return PASSED


def _challenges(record: DigestRecord, subject: TransactionSubject) -> list[Challenge]:
    """The challenges of the attempt that these credentials answer."""
    links = subject.attempt.transactions if subject.attempt is not None else []
    found: list[Challenge] = []
    for link in links:
        if link.final is not None and record.nonce in link.nonces:
            found += [one for one in link.final.challenges if one.nonce == record.nonce]
    return found


_ASK = '> REGISTER sip:h\n< 401\nWWW-Authenticate: Digest realm="h", nonce="n", qop="auth", algorithm=SHA-256{}\n'
_WITH = (
    "> REGISTER sip:h\nAuthorization: Digest {}, userhash=true, "
    'realm="h", nonce="n", uri="sip:h", algorithm=SHA-256, qop=auth, nc=00000001, cnonce="c", response="{}"\n< 401'
)
_HASH = "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
_OFFERED, _PLAIN = _ASK.format(", userhash=true"), _ASK.format("")

RULE = Rule(
    id="R7616-3.4.4-userhash",
    title="userhash / username* misuse",
    short_title="The hashed user name is wrong",
    sub_titles={"not-offered": "The user name is hashed unasked", "charset": "The extended user name is malformed"},
    question="whether hashed user names are right",
    clause="RFC 7616 §3.4, §3.4.4, §4",
    force="MUST",
    severity="warning",
    at_fault="UAC",
    group="F",
    subject="transaction",
    check=check,
    explains=(400, 401, 403, 404, 407),
    applies_if=marks.ODD_CREDENTIALS,
    methods=(),
    why="Server cannot find the user.",
    fix="let the phone send the plain user name without userhash, or hash it as the challenge's algorithm has it",
    examples=(
        bad(_OFFERED + _WITH.format('username="bob"', _HASH), "length", severity="error"),
        bad(_OFFERED + _WITH.format(f'username="{_HASH[:32]}"', _HASH), "length", title="MD5 where SHA-256 is due"),
        bad(_PLAIN + _WITH.format(f'username="{_HASH}"', _HASH), "not-offered", severity="info"),
        bad(_OFFERED + _WITH.format("username*=bob", _HASH).replace(", userhash=true", ""), "charset"),
        good(_OFFERED + _WITH.format(f'username="{_HASH}"', _HASH)),
        good(
            _OFFERED + _WITH.format("username*=UTF-8''J%C3%A4s%C3%B8n%20Doe", _HASH).replace(", userhash=true", ""),
            title="the example of RFC 7616 3.9.2",
        ),
        good(_WITH.format(f'username="{_HASH}"', _HASH), title="no challenge was seen"),
        good(_OFFERED + _WITH.format('username="bob"', _HASH).replace("userhash=true", "userhash=false")),
        good("> REGISTER sip:h\n< 401\n> REGISTER sip:h\nAuthorization: {bob x}\n< 200"),
    ),
)
