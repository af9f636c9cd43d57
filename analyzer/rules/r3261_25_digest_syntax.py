"""An authentication header is written as the grammar has it.

The values of username, realm, nonce, uri, response, cnonce and opaque stand in quotes, those of algorithm, qop and nc
do not, and a comma stands between one parameter and the next (RFC 3261 25.1, RFC 7616 3.4). A quote or backslash within
quotes has a backslash before it, and goes back to the registrar as it came: a phone that cuts the realm there, or takes
the backslashes off, shifts all quotes that follow, and whoever reads it as it stands finds neither nonce nor response
(`lost-value`). Words that are no parameter are `malformed`; further kinds are `no-comma`, `trailing-comma`,
`dup-param`, `unquoted`, `quoted`, `combined` (several values in one row, which RFC 3261 7.3.1 forbids for these
headers) and `both-usernames`. Most readers cope with most of it, each in its own way. Blanks around `=`, folded rows
and unknown parameters are legal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from analyzer.judge.context import CaptureContext
from analyzer.judge.digest_forms import REFUSALS
from analyzer.judge.findings import (
    NO_VALUES,
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Need,
    Rule,
    Severity,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.register import marks
from analyzer.register.digest.syntax import Deviation, combined, deviations, named
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.auth import AuthValue, Challenge, Credentials
from analyzer.sip.auth_headers import CHALLENGES
from analyzer.sip.message import Message
from analyzer.sip.text import clip

_BROKEN = ("lost-value", "dup-param", "combined", "both-usernames")
"""What a reader that keeps to the grammar cannot make sense of."""

_IN_WORDS = {
    "trailing-comma": Values("a comma with nothing beside it", "commas between parameters alone"),
    "combined": Values("several values in a row", "a row for each"),
    "both-usernames": Values("username and username*", "one of them"),
}
_BY_SENTENCE = (
    (r"(.*) is given twice", r"\1 twice", "once"),
    (r"(no comma before .*)", r"\1", "a comma"),
    (r"the value of .* is no quoted string: (.*)", r"\1", "a quoted string"),
    (r"the quoted value of (.*) is never closed", r"\1 without a closing quote", "a closing quote"),
    (r"a value without a name: .(.*).", r"\1", "name=value"),
    (r".(.*). is no parameter", r"\1", "name=value"),
    (r"no scheme stands before the parameters", "no scheme", "Digest"),
)
"""What a deviation's sentence has of the wire, and what the grammar has there."""


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at the credentials of the request and at the challenges of its final response (RFC 3261 25.1)."""
    del context
    transaction = subject.transaction
    request, final = transaction.request, transaction.final
    answers: list[Answer] = []
    if request is not None and request.has_credentials and transaction.is_first_hop:
        answers += _of_request(subject, request) or [PASSED]
    if final is not None and final.has_challenge and transaction.is_last_hop:
        answers += _of_challenges(subject, final) or [PASSED]
    yield from answers or [NOT_APPLICABLE]


def _of_request(subject: TransactionSubject, request: Message) -> list[Answer]:
    wrong = {record.raw for record in subject.digests if record.verdict == "mismatch"}
    return [
        violation if value.raw not in wrong else replace(violation, explains=())  # the password is reason enough
        for value in request.credentials
        for violation in (_violated(value, deviation, "UAC") for deviation in deviations(value))
    ]


def _of_challenges(subject: TransactionSubject, final: Message) -> list[Answer]:
    server, evidence = subject.transaction.destination.host, final.raw_message.evidence
    found = [(value, deviation) for value in final.challenges for deviation in deviations(value)]
    for key in CHALLENGES:
        values = [value for value in final.challenges if value.header == key]
        several = combined(final.all(key), values)
        if several is not None:
            found.append((values[0], several))
    return [
        replace(_violated(value, deviation, "registrar"), at=evidence, group_key=(server, value.realm))
        for value, deviation in found
    ]


def _violated(value: AuthValue, deviation: Deviation, sender: str) -> Violated:
    detail = f"{named(value)} is not well-formed: {deviation.text}"
    broken = deviation.kind in _BROKEN
    fix = _OF_REGISTRARS if isinstance(value, Challenge) else _OF_REALMS if deviation.kind == "lost-value" else ""
    explains = None if broken and isinstance(value, Credentials) else ()
    values = _values(value, deviation)
    return Violated(
        detail, deviation.kind, _severity(deviation), at_fault=sender, fix=fix, explains=explains, values=values
    )


def _values(value: AuthValue, deviation: Deviation) -> Values:
    """What stands there, and what the grammar has in its place."""
    if deviation.kind in ("quoted", "unquoted"):
        written = clip(value.get(deviation.name) or "")
        bare, quoted = f"{deviation.name}={written}", f'{deviation.name}="{written}"'
        return Values(quoted, bare) if deviation.kind == "quoted" else Values(bare, quoted)
    words = _IN_WORDS.get(deviation.kind)
    if words is not None:
        return words
    for sentence, observed, due in _BY_SENTENCE:
        said = re.fullmatch(sentence, deviation.text, re.DOTALL)
        if said is not None:
            return Values(said.expand(observed), due)
    return NO_VALUES


def _severity(deviation: Deviation) -> Severity:
    if deviation.kind in _BROKEN or (deviation.kind == "unquoted" and deviation.name == "uri"):
        return "error"
    return "info" if deviation.kind == "quoted" and deviation.name != "qop" else "warning"


_OF_REALMS = (
    "update the phone's firmware; until then, if it does not give the realm back as it came, use one without quotes "
    "and backslashes"
)
_OF_REGISTRARS = (
    "mend the realm or the challenge in the registrar's configuration: quotes and backslashes in it need a `\\`"
)
_FLOW = "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: Digest {}\n< 401"
_ALL = 'username="bob", realm="r", nonce="n", uri="sip:example.com", response="0123456789abcdef0123456789abcdef"'
_CHALLENGED = "> REGISTER sip:example.com\n< 401\nWWW-Authenticate: {}"

RULE = Rule(
    id="R3261-25-digest-syntax",
    title="Authentication header syntax: commas, quoting, duplicates, combining",
    short_title="An authentication header is malformed",
    question="whether authentication headers are well-formed",
    clause="RFC 3261 §25.1 (credentials, challenge), §20.7, §20.28, §7.3.1, §22.4 item 2; RFC 7616 §3.3, §3.4",
    force="MUST",
    severity="warning",
    at_fault="sender",
    group="F",
    subject="transaction",
    check=check,
    explains=REFUSALS,
    applies_if=marks.DIGESTS | marks.CHALLENGE,
    violates_only_if=marks.MALFORMED,
    methods=(),
    observed_at="any",
    needs=(Need.BYTES, Need.WHOLE),
    why="Lenient parsers cope, strict ones drop a parameter and fail.",
    fix="update the phone's firmware: it must build the header as the grammar has it",
    stacks=("JsSIP 3.10.1: writes a realm with quotes in it without their backslashes",),
    examples=(
        bad(
            _FLOW.format(r'username="bob",realm="a\",nonce="n",uri="sip:example.com",response="00",algorithm=MD5'),
            "lost-value",
            severity="error",
            title="the realm is cut behind its backslash",
        ),
        bad(
            _FLOW.format(r'username="bob", realm="a"b\c", nonce="n", uri="sip:example.com", response="00"'),
            "lost-value",
            severity="error",
            title="the backslashes are taken off the realm",
        ),
        bad(
            _FLOW.format('username="bob, realm="r", nonce="n", uri="sip:example.com", response="00"'),
            "lost-value",
            title="a quote is never closed",
        ),
        bad(_FLOW.format(f'{_ALL}, algorithm=MD5"'), "malformed", severity="warning", title="a quote too many"),
        bad(_FLOW.format(_ALL.replace(", uri", " uri")), "no-comma", severity="warning"),
        bad(_FLOW.format(f"{_ALL},"), "trailing-comma", severity="warning"),
        bad(_FLOW.format(f'{_ALL}, nonce="other"'), "dup-param", severity="error"),
        bad(_FLOW.format(_ALL.replace('"sip:example.com"', "sip:example.com")), "unquoted", severity="error"),
        bad(_FLOW.format(_ALL.replace('"n"', "n")), "unquoted", severity="warning"),
        bad(_FLOW.format(f'{_ALL}, qop="auth", nc=00000001, cnonce="c"'), "quoted", severity="warning"),
        bad(_FLOW.format(f'{_ALL}, algorithm="MD5"'), "quoted", severity="info"),
        bad(_CHALLENGED.format('Digest realm="a", nonce="1", algorithm="MD5", qop="auth"'), "quoted", severity="info"),
        bad(_FLOW.format(f"{_ALL}, Digest {_ALL}"), "combined", "dup-param", title="two credentials in one row"),
        bad(_FLOW.format(f"{_ALL}, username*=UTF-8''bob"), "both-usernames", severity="error"),
        bad(
            _CHALLENGED.format('Digest realm="a", nonce="1", Digest realm="b", nonce="2"'),
            "combined",
            severity="error",
            title="two challenges in one row",
        ),
        bad(
            _CHALLENGED.format('Digest realm="a"b", nonce="1"'),
            "lost-value",
            severity="error",
            title="a realm as it is",
        ),
        good(_FLOW.format(_ALL)),
        good(_FLOW.format(r'username="bob",realm="a\"b\\c, d",nonce="n" , uri = "sip:example.com",response="00"')),
        good(_FLOW.format(f'{_ALL}, algorithm=MD5, x-vendor="1"'), title="an unknown parameter"),
        good(
            _CHALLENGED.format('Digest realm="a", nonce="1"\nWWW-Authenticate: Digest realm="a", nonce="1"'),
            title="two challenges in two rows",
        ),
        good("> REGISTER sip:h\nAuthorization: NoOneKnowsThisScheme opaque-data=here\n< 401", title="another scheme"),
        good(_FLOW.format(f'{_ALL}, algorithm=MD5"'), title="a log that prints it so", log=True),
    ),
)
