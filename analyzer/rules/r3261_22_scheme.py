"""No password in clear: no Basic, no bearer token without TLS, no password in an address.

SIP took Basic authentication out: a server must not ask for it, nor accept it, and a client must not send it (RFC 3261
22), because it is the password, in another spelling. Whoever recorded such a request has the password (it is not
printed here). A bearer token opens the account for whoever has it, so it goes over TLS alone (RFC 8898 2.1.2, 5); over
UDP or TCP it is a warning, as the token itself may be encrypted. A password in a SIP URI (`sip:bob:secret@host`) is
allowed by the grammar and advised against (RFC 3261 19.1.1), as everybody on the way reads it: `password-in-uri`, which
is therefore a warning, where the catalogue has an error.

Other schemes, known or not, are legal and ignored by who does not know them (RFC 4475, regaut01).
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import PASSED, Answer, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.fleet import PROTECTED
from analyzer.register.odd_values import has_password
from analyzer.register.subjects import TransactionSubject

_NOT_BASIC = Values("Basic", "Digest")


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at the schemes of credentials and challenges, and at the URIs (RFC 3261 22, 19.1.1; RFC 8898 2.1.2)."""
    del context
    transaction = subject.transaction
    request, final = transaction.request, transaction.final
    found: list[Violated] = []
    if final is not None and any(one.scheme.lower() == "basic" for one in final.challenges):
        detail = f"a {final.status} asks for Basic authentication, which shows the password to everybody on the way"
        at, host = final.raw_message.evidence, transaction.destination.host
        found.append(
            Violated(
                detail, "basic-asked", at=at, at_fault="registrar", group_key=(host,), fix=_DIGEST, values=_NOT_BASIC
            )
        )
    schemes = {one.scheme.lower() for one in request.credentials} if request is not None else set()
    if "basic" in schemes:
        detail = "the request has Basic credentials: whoever saw it has user name and password"
        found.append(Violated(detail, "basic", at_fault="UAC", values=_NOT_BASIC))
    transport = transaction.transport.upper()
    if "bearer" in schemes and transport and transport not in PROTECTED:
        detail = f"a bearer token goes over {transport} in clear: whoever saw it can use it"
        values = Values(transport, "TLS")
        found.append(Violated(detail, "bearer", "warning", at_fault="UAC", fix=_TLS, values=values))
    if request is not None and has_password(request):
        detail = "a SIP URI of the request has a password in it, which everybody on the way reads"
        values = Values("a password in a URI", "no password")  # and not which
        found.append(Violated(detail, "password-in-uri", "warning", "SHOULD", at_fault="UAC", fix=_URI, values=values))
    if not found:
        yield PASSED
    yield from found


_DIGEST = "let the server ask for Digest (with SHA-256 where the phones know it)"
_TLS = "register over TLS wherever tokens are used"
_URI = "take the password out of the phone's address or user name setting, and change it"

RULE = Rule(
    id="R3261-22-scheme",
    title="Basic authentication, or unprotected Bearer token",
    short_title="A password or token in clear",
    sub_titles={
        "basic-asked": "The server asks for the password in clear",
        "password-in-uri": "A password stands in an address",
    },
    question="whether passwords or tokens go in clear",
    clause="RFC 3261 §22, §22.4; RFC 8760 §2.6; RFC 8898 §2.1.2",
    force="MUST",
    severity="error",
    at_fault="registrar / UAC",
    group="F",
    subject="transaction",
    check=check,
    violates_only_if=marks.ODD_CREDENTIALS,
    observed_at="any",
    methods=(),
    why="Password or token in clear.",
    fix="use Digest, and change the password: it has to be taken for known",
    examples=(
        bad('> REGISTER sip:h\n< 401\nWWW-Authenticate: Basic realm="pbx"', "basic-asked", severity="error"),
        bad("> REGISTER sip:h\nAuthorization: Basic Ym9iOnB3\n< 200", "basic", severity="error"),
        bad("> REGISTER sip:h\nAuthorization: Bearer abc.def.ghi\n< 200", "bearer", severity="warning"),
        bad("> REGISTER sip:h\nFrom: <sip:bob:pw@h>;tag=1\n< 200", "password-in-uri", severity="warning"),
        bad("> REGISTER sip:h\nContact: <sip:bob:pw@192.0.2.10>\n< 200", "password-in-uri", title="in Contact"),
        good(
            "> REGISTER sip:h\nAuthorization: NoOneKnowsThisScheme opaque-data=here\n< 401", title="an unknown scheme"
        ),
        good("transport=TLS > REGISTER sip:h\nAuthorization: Bearer abc.def.ghi\n< 200", title="a token within TLS"),
        good('> REGISTER sip:h\n< 401\nWWW-Authenticate: NTLM realm="h"', title="a scheme of one vendor"),
        good('> REGISTER sip:h\n< 401\nWWW-Authenticate: Bearer authz_server="https://h/"', title="a token is asked"),
        good("> REGISTER sip:h\n< 401\n> REGISTER sip:h\nAuthorization: {bob x}\n< 200"),
        good("> REGISTER sip:h\nContact: <sip:bob@192.0.2.10:5060>\n< 200", title="a port is no password"),
    ),
)
