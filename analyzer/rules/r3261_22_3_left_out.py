"""The phone sends the credentials for everybody that asks for them in one request.

A proxy asks with 407 and wants Proxy-Authorization, a registrar behind it with 401 and wants Authorization; or one
response brings both challenges. Each looks for the credentials of its own realm in every request. A phone that puts the
new ones in the place of the others is then challenged in turn for ever, and registers never, though the password is
right and so is each response; some take the second challenge for a refusal and give up. It should send credentials for
a realm that has asked in all later requests of the same Call-ID (RFC 3261 22.3). Who begins anew without any, as many
do at each refresh, and then answers one after the other, is not meant, as long as it keeps what it was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.auth_headers import HEADER_NAMES
from analyzer.sip.text import clip

_MOST = 2
"""Challengers whose credentials are told as values."""


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Hold the challenges of the final response against the credentials sent, and those asked for before (22.3)."""
    del context
    answering = [record for record in subject.digests if not record.is_empty]
    if not answering:
        yield NOT_APPLICABLE
        return
    first, final = answering[0], subject.transaction.final
    if not first.lacking:
        yield PASSED
        return
    sent = sorted({f"{HEADER_NAMES[one.header]} for realm {clip(one.realm)!r}" for one in answering})
    related = (final.raw_message.evidence,) if final is not None else ()
    missing = " and ".join(map(str, first.lacking))
    detail = f"the request of {first.username} has {' and '.join(sent)}, and leaves out {missing}"
    wanted = [f"{HEADER_NAMES[one.header]} for realm {clip(one.realm)!r}" for one in first.lacking[:_MOST]]
    values = Values(", ".join(f"no {one}" for one in wanted), ", ".join(wanted))
    yield Violated(detail, at=first.evidence, related=related, values=values)


_W = 'WWW-Authenticate: Digest realm="{}", nonce="{}", qop="auth"\n'
_P = 'Proxy-Authenticate: Digest realm="{}", nonce="{}", qop="auth"\n'
_A, _PA = "Authorization: {{bob x realm={} nonce={}}}\n", "Proxy-Authorization: {{bob x realm={} nonce={}}}\n"
_REGISTER = "> REGISTER sip:example.com\n"
_BEGUN = _REGISTER + "< 407\n" + _P.format("p", "p1") + _REGISTER + _PA.format("p", "p1")
_BEGUN += "< 401\n" + _W.format("r", "r1")
_BOTH = "< 401\n" + _W.format("r", "r{}") + _P.format("p", "p{}")

RULE = Rule(
    id="R3261-22.3-left-out",
    title="Credentials for one of several challengers left out",
    short_title="The phone answers one of two that ask for credentials",
    question="whether the phone answers everybody that asks for credentials",
    clause="RFC 3261 §22.3 (credentials for a realm in all subsequent requests of the Call-ID; several challenges in "
    "one response), §22.2",
    force="SHOULD",
    severity="warning",
    at_fault="UAC",
    group="F",
    subject="transaction",
    check=check,
    explains=(401, 407),
    applies_if=marks.DIGESTS,
    violates_only_if=marks.LACKING,
    observed_at="first",
    needs=(Need.S2C,),
    why="Proxy and registrar refuse in turn, for ever, though every response is right.",
    fix="use a phone that answers both, or let one of the two alone ask: a proxy that leaves REGISTER to the "
    "registrar, or a registrar that trusts the proxy",
    etsi=("RG_RT_V_020",),
    stacks=(
        "baresip 1.1.0: 16 requests within 60 ms, Proxy-Authorization and Authorization in turn, never both",
        "Linphone 5.1, Asterisk 22.10: take the second challenge for a refusal, and stop",
    ),
    examples=(
        bad(
            _BEGUN + _REGISTER + _A.format("r", "r1") + "< 407\n" + _P.format("p", "p2"),
            title="the proxy's are dropped for the registrar's",
        ),
        bad(
            _BEGUN
            + "".join(
                f"{_REGISTER}{_A.format('r', f'r{n}')}< 407\n{_P.format('p', f'p{n + 1}')}"
                f"{_REGISTER}{_PA.format('p', f'p{n + 1}')}< 401\n{_W.format('r', f'r{n + 1}')}"
                for n in range(1, 8)
            ),
            title="one at a time, sixteen times: each of the two is left out",
        ),
        bad(
            _REGISTER + _BOTH.format(1, 1) + _REGISTER + _A.format("r", "r1") + _BOTH.format(2, 2),
            title="both in one response, and the registrar's alone answered",
        ),
        bad(
            _REGISTER + _BOTH.format(1, 1) + _REGISTER + _PA.format("p", "p1") + _BOTH.format(2, 2),
            title="... and the proxy's alone",
        ),
        bad(
            _BEGUN.replace('"r"', '"p"') + _REGISTER + _A.format("p", "r1") + "< 407\n" + _P.format("p", "p2"),
            title="proxy and registrar have one realm",
        ),
        good(_BEGUN + _REGISTER + _A.format("r", "r1") + _PA.format("p", "p1") + "< 200", title="both in one request"),
        good(
            (_BEGUN + _REGISTER + _A.format("r", "r1") + _PA.format("p", "p1") + "< 200\n") * 2,
            title="anew at the refresh, one after the other",
        ),
        good(_BEGUN + "@5 " + _BEGUN, title="anew after it gave up, one after the other"),
        good(
            _BEGUN.replace('"r"', '"p"') + _REGISTER + _A.format("p", "r1") + _PA.format("p", "p1") + "< 200",
            title="one realm, and both headers",
        ),
        good(
            _REGISTER
            + "< 401\n"
            + _W.format("r", "n1")
            + _REGISTER
            + _A.format("r", "n1")
            + "< 401\n"
            + _W.format("r", "n2"),
            title="one that asks, and refuses",
        ),
        good(
            _REGISTER
            + "< 401\n"
            + _W.format("r", "n1").replace("qop", "algorithm=SHA-256, qop")
            + _W.format("r", "n1")
            + _REGISTER
            + _A.format("r", "n1")
            + "< 200",
            title="two algorithms of one realm need one answer",
        ),
        good(
            _REGISTER
            + "< 401\n"
            + _W.format("r", "n1")
            + _REGISTER
            + _A.format("R", "n1")
            + "< 401\n"
            + _W.format("r", "n2"),
            title="another realm than the one that asked",
        ),
        good(_REGISTER + _A.format("r", "old") + "< 407\n" + _P.format("p", "p1"), title="asked for the first time"),
    ),
)
