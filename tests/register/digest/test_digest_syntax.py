"""Where authentication headers leave the grammar, and what looks like it and is legal."""

from __future__ import annotations

import pytest

from analyzer.judge.findings import Example
from analyzer.register.digest.syntax import NO_DEVIATIONS, combined, deviations, named
from analyzer.run.report import Report
from analyzer.sip.auth import parse_challenges, parse_credentials
from tests.rules.cases import judged, rule_of

ALL = 'username="bob", realm="r", nonce="n", uri="sip:h", response="0123456789abcdef0123456789abcdef"'
RULE = rule_of("R3261-25-digest-syntax")


def of_credentials(value: str) -> list[tuple[str, str]]:
    found = deviations(parse_credentials("authorization", value))
    return [(one.kind, one.text) for one in found]


def of_challenge(value: str) -> list[tuple[str, str]]:
    return [(one.kind, one.text) for one in deviations(parse_challenges("www-authenticate", value)[0])]


@pytest.mark.parametrize(
    "value",
    [
        f"Digest {ALL}",
        f'DIGEST {ALL}, algorithm=MD5, qop=auth, nc=00000001, cnonce="c"',
        f"Digest {ALL.replace(', ', ' , ').replace('=', ' = ')}",
        f"Digest {ALL.replace(', ', ',')}",
        f'Digest {ALL}, x-new=1, x-other="a b"',
        f"Digest {ALL.replace('bob', 'b, c=d')}",
        'Digest username="u", realm="r", uri="sip:h", nonce="", response=""',
        "Bearer abc.def",
        'NoOneKnows opaque-data=here, and="more"',
        'NTLM qop="auth"',
    ],
)
def test_what_is_legal(value: str) -> None:
    assert deviations(parse_credentials("authorization", value)) == NO_DEVIATIONS


@pytest.mark.parametrize(
    "value",
    [
        'Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=MD5, stale=FALSE, opaque=""',
        'Digest realm="r", nonce="n", domain="sip:a sip:b"',
        'Digest realm="r"',  # whether it can be answered is another rule's question
    ],
)
def test_legal_challenges(value: str) -> None:
    assert of_challenge(value) == []


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (f"Digest {ALL.replace(', nonce', ' nonce')}", [("no-comma", "no comma before nonce")]),
        (f'Digest {ALL}, realm="r"', [("dup-param", "realm is given twice")]),
        (f"Digest {ALL},", [("trailing-comma", "a comma with no parameter before or after it")]),
        ("Digest " + ALL.replace('"n"', "n"), [("unquoted", "nonce is no quoted string")]),
        (
            "Digest " + ALL.replace('"', ""),
            [("unquoted", "uri, username, realm, nonce, response are no quoted strings")],
        ),
        (f'Digest {ALL}, nc="00000001"', [("quoted", "nc is a quoted string")]),
        (f'Digest {ALL}, algorithm="MD5", qop="auth"', [("quoted", "algorithm, qop are quoted strings")]),
        (f'Digest {ALL}, algorithm=MD5"', [("malformed", "'\"' is no parameter")]),
        ("Digest oops, " + ALL.replace('realm="r", ', ""), [("lost-value", "'oops' is no parameter")]),
        (f"Digest {ALL[:-1]}", [("lost-value", "the quoted value of response is never closed")]),
        (ALL, [("malformed", "no scheme stands before the parameters")]),
        (
            f"Digest {ALL}, username*=UTF-8''b",
            [("both-usernames", "there is a username and a username* (RFC 7616 3.4)")],
        ),
    ],
)  # fmt: skip
def test_each_deviation_of_credentials(value: str, found: list[tuple[str, str]]) -> None:
    assert of_credentials(value) == found


def test_two_credentials_in_one_row() -> None:
    found = dict(of_credentials(f"Digest {ALL}, Digest {ALL}"))
    assert found["combined"] == "two values stand in one row"
    assert "malformed" not in found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ('Digest realm="r", nonce="n", algorithm="MD5"', [("quoted", "algorithm is a quoted string")]),
        ('Digest realm="r", nonce="n", stale="true"', [("quoted", "stale is a quoted string")]),
        ('Digest realm=r, nonce="n"', [("unquoted", "realm is no quoted string")]),
        ('Digest realm="r", nonce="n", qop=auth,auth-int', [("unquoted", "qop is no quoted string")]),
        ('Digest realm="r", nonce="n', [("lost-value", "the quoted value of nonce is never closed")]),
    ],
)
def test_each_deviation_of_a_challenge(value: str, found: list[tuple[str, str]]) -> None:
    assert of_challenge(value) == found


def test_several_values_in_one_row() -> None:
    row = 'Digest realm="a", nonce="1", Digest realm="b", nonce="2"'
    values = parse_challenges("www-authenticate", row)
    found = combined([row], values)
    assert found is not None
    assert (found.kind, found.text) == ("combined", "2 values stand in 1 row")
    assert combined([row, row], values) is None


def test_headers_are_named_with_whom_they_are_about() -> None:
    assert named(parse_credentials("proxy-authorization", f"Digest {ALL}")) == "the Proxy-Authorization header of bob"
    assert named(parse_credentials("authorization", "Digest")) == "the Authorization header"
    (challenge,) = parse_challenges("proxy-authenticate", 'Digest realm="r"')
    assert named(challenge) == "the Proxy-Authenticate header for realm r"
    assert named(parse_challenges("www-authenticate", "Digest")[0]) == "the WWW-Authenticate header"


# What the rule makes of it.

_FLOW = "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {}\n< {}"


def judged_flow(flow: str, passwords: dict[str, str] | None = None) -> Report:
    return judged(RULE, Example(flow, passwords=passwords or {}, tail=60))


@pytest.mark.parametrize(
    ("credentials", "status", "tied"),
    [
        ('Digest username="bob", realm="a"b", nonce="n", uri="sip:h", response="00"', 401, 1),
        ('Digest username="bob", realm="a"b", nonce="n", uri="sip:h", response="00"', 403, 1),
        ('Digest username="bob", realm="a"b", nonce="n", uri="sip:h", response="00"', 400, 1),
        ('Digest username="bob", realm="a"b", nonce="n", uri="sip:h", response="00"', 503, 0),
        ('Digest username="bob", realm="a"b", nonce="n", uri="sip:h", response="00"', 200, 0),
        (f'Digest {ALL}, algorithm=MD5"', 401, 0),  # nothing is lost: it may be the password
        (f'Digest {ALL}, qop="auth"', 401, 0),
    ],
)
def test_it_is_tied_to_refusals_where_a_value_is_lost(credentials: str, status: int, tied: int) -> None:
    report = judged_flow(_FLOW.format(credentials, status))
    (finding,) = [one for one in report.findings if one.rule == RULE.id]
    assert (finding.at_fault, finding.explained) == ("UAC", tied)


def test_a_wrong_password_is_reason_enough() -> None:
    flow = _FLOW.format('{bob other}, realm="twice"', 403)
    report = judged_flow(flow, passwords={"bob": "Qx-7-not-a-default"})
    (finding,) = [one for one in report.findings if one.rule == RULE.id]
    assert (finding.sub, finding.explained) == ("dup-param", 0)


def test_what_a_registrar_writes_is_one_finding_for_the_realm() -> None:
    challenge = 'WWW-Authenticate: Digest realm="r", nonce="n", algorithm="MD5"'
    flow = "\n".join(f"> REGISTER sip:example.com\nCall-ID: {n}\n< 401\n{challenge}" for n in range(3))
    (finding,) = [one for one in judged_flow(flow).findings if one.rule == RULE.id]
    assert (finding.at_fault, finding.count, finding.severity) == ("registrar", 3, "info")


def test_other_methods_are_asked_too() -> None:
    flow = f"> INVITE sip:a@example.com\nAuthorization: Digest {ALL},\n< 200"
    assert [one.sub for one in judged_flow(flow).findings if one.rule == RULE.id] == ["trailing-comma"]
