"""Refused without being asked for a password; or an answer that tells who exists.

A registrar asks for credentials first, and decides then (RFC 3261 10.3 steps 3 to 5). One that answers 403 or 404, 480,
503 or 603 at once, while it challenges others, has another reason than the password: an access list, a ban, a user or
domain that it does not know (`unchallenged`, once for each server, for information). It explains many a "wrong
password?".

Where one source asks for several users, and is challenged for those who exist and refused at once for those who do not,
the answers are an oracle: a stranger can find out every user by it (`oracle`). A server that challenges everybody alike
tells nothing. It is said only where users of the same source that were challenged got in, and no credentials were ever
seen from those that were refused: a ban after failures, or a challenge before the capture began, look the same else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.evidence import Endpoint, Evidence
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Confidence, Rule, Values, Violated, bad, good
from analyzer.register.fleet import FleetSubject
from analyzer.register.identity import domain_of
from analyzer.register.registration import Registration
from analyzer.sip.text import clip

_AT_ONCE = (403, 404, 480, 503, 603)
_TELLING = (403, 404)


def check(subject: FleetSubject, context: object) -> Iterator[Answer]:
    """Hold those whom a server refused at once against those whom it asked (RFC 3261 10.3, 22.2)."""
    del context
    judged = False
    for server, clients in subject.by_server().items():
        challenged = [one for one in clients if one.credentials_place is not None or one.reasons[401]]
        refused = [one for one in clients if _is_refused_at_once(one)]
        if challenged and refused:
            judged = True
            yield _unchallenged(server, refused, challenged)
        elif challenged:
            judged = True
            yield PASSED
    yield from _oracles(subject)
    if not judged:
        yield NOT_APPLICABLE


def _is_refused_at_once(client: Registration) -> bool:
    if client.credentials_place is not None or client.was_well or client.outcome != "rejected":
        return False
    return client.status in _AT_ONCE and not client.reasons[401] and not client.reasons[407]


def _unchallenged(server: Endpoint, refused: Sequence[Registration], challenged: Sequence[Registration]) -> Violated:
    first = refused[0]
    statuses = " and ".join(str(one) for one in sorted({one.status for one in refused}))
    detail = (
        f"{server} refuses {len(refused)} of its clients with {statuses} without asking for credentials (first "
        f"{clip(first.aor, 60)!r}), and asks {len(challenged)} other{'s' * (len(challenged) != 1)}"
        f"{_other_domain(refused, challenged)}"
    )
    at = Evidence(first.since_place, first.since)
    values = Values(statuses, "401 or 407")
    return Violated(detail, "unchallenged", "info", count=len(refused), at=at, group_key=(server,), values=values)


def _other_domain(refused: Sequence[Registration], challenged: Sequence[Registration]) -> str:
    """That those whom it refuses name another domain than those whom it lets in, if they do."""
    wrong = {domain_of(one.aor) for one in refused}
    right = {domain_of(one.aor) for one in challenged if one.was_well}
    if len(wrong) != 1 or len(right) != 1 or wrong == right:
        return ""
    return f"; the former register as users of {clip(wrong.pop(), 60)}, the latter of {clip(right.pop(), 60)}"


def _oracles(subject: FleetSubject) -> Iterator[Violated]:
    for (source, server), clients in subject.by_source().items():
        known = {one.aor for one in clients if one.was_well and one.credentials_place is not None}
        unknown = [one for one in clients if _is_refused_at_once(one) and one.status in _TELLING]
        unknown = [one for one in unknown if one.aor not in known]
        if not known or not unknown:
            continue
        first = unknown[0]
        detail = (
            f"to {source}, {server} answers {first.status} at once for {clip(first.aor, 60)!r}, and asks for "
            f"credentials of {clip(min(known), 60)!r}, who exists: the answers tell which users there are"
        )
        yield Violated(
            detail,
            "oracle",
            "warning",
            confidence=Confidence.MEDIUM,
            count=len(unknown),
            at=Evidence(first.since_place, first.since),
            group_key=(server, "oracle"),
            fix="answer every REGISTER without credentials with 401, whoever it is for (Asterisk: `alwaysauthreject`)",
            values=Values(str(first.status), "401 or 407"),
        )


_ONE = (
    "@{0} src={1}:5060 > REGISTER sip:example.com\nCall-ID: {2}\nFrom: <sip:{2}@example.com>;tag=t\n"
    "To: <sip:{2}@example.com>\n< {3}\n"
)
_IN = _ONE.replace("< {3}", "< 401") + _ONE.replace("@{0} ", "").replace("< {3}", "Authorization: {{{2} x}}\n< {3}")

RULE = Rule(
    id="R3261-22.1-unchallenged",
    title="Rejected without ever being challenged; or reject codes reveal valid users",
    short_title="Refused without being asked for a password",
    sub_titles={"oracle": "The answers tell which users there are"},
    question="whether refusals come before a challenge",
    clause="RFC 3261 §10.3 steps 3-5, §22.1, §22.2, §21.4.4, §21.4.5",
    force="none",
    severity="info",
    at_fault="registrar",
    group="F",
    subject="fleet",
    check=check,
    why="Explains `wrong password?` tickets that are ACLs; different answers per user allow enumeration.",
    fix="look at the registrar's access lists, bans, users and domains rather than at the password",
    examples=(
        bad(
            _IN.format(0, "203.0.113.1", "bob", 200) + _ONE.format(5, "203.0.113.2", "eve", 403),
            "unchallenged",
            severity="info",
        ),
        bad(
            _IN.format(0, "203.0.113.1", "1001", 200) + _ONE.format(5, "203.0.113.1", "9999", 404),
            "oracle",
            "unchallenged",
            title="404 for who does not exist, 401 for who does",
            severity="warning",
        ),
        good(_IN.format(0, "203.0.113.1", "bob", 200) + _IN.format(5, "203.0.113.1", "eve", 403), title="all asked"),
        good(_ONE.format(0, "203.0.113.1", "bob", 403), title="nobody else is seen to be asked"),
        good(
            _IN.format(0, "203.0.113.1", "bob", 200)
            + _IN.format(5, "203.0.113.1", "eve", 403)
            + _ONE.format(60, "203.0.113.1", "eve", 403),
            title="banned after it had failed",
        ),
        good(_IN.format(0, "203.0.113.1", "bob", 200) + _ONE.format(5, "203.0.113.2", "eve", 423), title="423"),
    ),
)
