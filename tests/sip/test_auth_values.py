"""Credentials and challenges: the RFCs' examples, and what the field makes of the grammar."""

from __future__ import annotations

import time

import pytest

from analyzer.sip.auth import AuthParam, parse_auth_params, parse_challenges, parse_credentials

RFC3261_AUTHORIZATION = (  # 22.4
    'Digest username="bob",\r\n realm="biloxi.com",\r\n nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",\r\n'
    ' uri="sip:bob@biloxi.com",\r\n qop=auth,\r\n nc=00000001,\r\n cnonce="0a4f113b",\r\n'
    ' response="6629fae49393a05397450978507c4ef1",\r\n opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
RFC3261_CHALLENGE = (  # 20.44
    'Digest realm="atlanta.com", domain="sip:boxesbybob.com", qop="auth", nonce="f84f1cec41e6cbe5aea9c8e88d359", '
    'opaque="", stale=FALSE, algorithm=MD5'
)
RFC7616_CHALLENGE = (  # 3.9.2
    'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, '
    'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", '
    'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true'
)


def test_rfc_3261_authorization() -> None:
    credentials = parse_credentials("authorization", RFC3261_AUTHORIZATION)
    assert credentials.header == "authorization" and credentials.scheme == "Digest" and credentials.is_digest
    assert (credentials.username, credentials.realm, credentials.uri) == ("bob", "biloxi.com", "sip:bob@biloxi.com")
    assert (credentials.qop, credentials.nc, credentials.cnonce) == ("auth", "00000001", "0a4f113b")
    assert credentials.nonce == "dcd98b7102dd2f0e8b11d0f600bfb0c093"
    assert credentials.response == "6629fae49393a05397450978507c4ef1"
    assert credentials.opaque == "5ccc069c403ebaf9f0171e9517f40e41"
    assert credentials.algorithm is None and not credentials.userhash
    assert credentials.defects == () and credentials.raw == RFC3261_AUTHORIZATION
    assert [p.quoted for p in credentials.params] == [True, True, True, True, False, False, True, True, True]
    assert credentials.params[4] == AuthParam("qop", "auth", False, "qop=auth")
    assert credentials.params[1].raw == 'realm="biloxi.com"'


def test_rfc_3261_challenge() -> None:
    (challenge,) = parse_challenges("www-authenticate", RFC3261_CHALLENGE)
    assert (challenge.realm, challenge.domain, challenge.opaque) == ("atlanta.com", "sip:boxesbybob.com", "")
    assert challenge.qop_options == ["auth"] and not challenge.stale and challenge.algorithm == "MD5"
    assert challenge.raw == RFC3261_CHALLENGE and not challenge.defects


def test_rfc_7616_challenge() -> None:
    (challenge,) = parse_challenges("www-authenticate", RFC7616_CHALLENGE)
    assert challenge.userhash and challenge.algorithm == "SHA-512-256" and not challenge.defects
    assert challenge.nonce == "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK"


@pytest.mark.parametrize(
    ("value", "wanted", "codes"),
    [
        ('Digest username = "b" , realm= "r"', {"username": "b", "realm": "r"}, set()),
        ('DIGEST USERNAME="b"', {"username": "b"}, set()),
        ('Digest username="b"realm="r" nonce="n"', {"username": "b", "realm": "r", "nonce": "n"}, {"missing-comma"}),
        ("Digest username=b,realm=r,nc=1", {"username": "b", "realm": "r", "nc": "1"}, {"unquoted-value"}),
        ("Digest nonce=abc==, nc=1", {"nonce": "abc==", "nc": "1"}, {"unquoted-value"}),
        ("Digest uri=sip:h;transport=tcp,nc=1", {"uri": "sip:h;transport=tcp", "nc": "1"}, {"unquoted-value"}),
        ('Digest username="b",', {"username": "b"}, {"empty-list-element"}),
        ('Digest ,username="b",,realm="r"', {"username": "b", "realm": "r"}, {"empty-list-element"}),
        ("Digest username='b c', nc=1", {"username": "'b", "nc": "1"}, {"unquoted-value", "auth-junk"}),
        ("Digest username='b', nc=1", {"username": "'b'", "nc": "1"}, {"unquoted-value"}),
        ('Digest username="b", realm="cut h', {"username": "b", "realm": "cut h"}, {"cut-value"}),
        ('Digest username="b", realm="', {"username": "b", "realm": ""}, {"cut-value"}),
        ('Digest username="b", realm=', {"username": "b", "realm": ""}, {"unquoted-value"}),
        ('Digest username="b", rea', {"username": "b"}, {"auth-junk"}),
        ('Digest username="a", username="b"', {"username": "a"}, {"duplicate-parameter"}),
        ('Digest username="a\\"b\\\\c"', {"username": 'a"b\\c'}, set()),
        ('Digest username="DOMAIN\\\\bob"', {"username": "DOMAIN\\bob"}, set()),
        ('Digest username="a,b=c", realm="x y"', {"username": "a,b=c", "realm": "x y"}, set()),
        ('Digest algorithm="MD5", qop="auth", nc="00000001"', {"algorithm": "MD5", "qop": "auth"}, set()),
        ("Digest qop=auth,auth-int,nc=1", {"qop": "auth,auth-int", "nc": "1"}, {"unquoted-value"}),
        ('username="b", realm="r"', {"username": "b", "realm": "r"}, {"bad-auth-scheme"}),
        ('Digest username="b", ="x"', {"username": "b"}, {"auth-junk"}),
        ('Digest "x", username="b"', {"username": "b"}, {"auth-junk"}),
        ('Digest username="Jörg"', {"username": "Jörg"}, set()),
        ('Digest username=""', {"username": "", "realm": None}, set()),
        ("Digest", {"username": None}, set()),
        ("", {"username": None}, {"bad-auth-scheme"}),
        ("NoOneKnows opaque-data=here", {"opaque-data": "here"}, set()),
        ("Basic QWxhZGRpbjpvcGVu==", {"": "QWxhZGRpbjpvcGVu=="}, set()),
        ("Bearer abc.def-ghi", {"": "abc.def-ghi"}, set()),
    ],
)
def test_oddities(value: str, wanted: dict[str, str | None], codes: set[str]) -> None:
    credentials = parse_credentials("proxy-authorization", value)
    assert {name: credentials.get(name) for name in wanted} == wanted
    assert {defect.code for defect in credentials.defects} == codes
    assert credentials.raw == value


@pytest.mark.parametrize(
    ("value", "options"),
    [
        ('Digest qop="auth,auth-int"', ["auth", "auth-int"]),
        ('Digest qop=" Auth , AUTH-INT"', ["auth", "auth-int"]),
        ("Digest qop=auth", ["auth"]),
        ('Digest qop=auth,auth-int, realm="x"', ["auth", "auth-int"]),
        ('Digest qop=auth, auth-int, realm="x"', ["auth", "auth-int"]),
        ('Digest qop=""', []),
        ('Digest realm="x"', []),
    ],
)
def test_qop_options(value: str, options: list[str]) -> None:
    (challenge,) = parse_challenges("www-authenticate", value)
    assert challenge.qop_options == options


@pytest.mark.parametrize(
    ("value", "schemes", "realms"),
    [
        ('Digest realm="a", nonce="1", Basic realm="b"', ["Digest", "Basic"], ["a", "b"]),
        ('Digest realm="a", Digest realm="b", algorithm=SHA-256', ["Digest", "Digest"], ["a", "b"]),
        ('Basic realm="b",Digest realm = "a" , nonce="1"', ["Basic", "Digest"], ["b", "a"]),
        ('Digest realm="a" Basic realm="b"', ["Digest", "Basic"], ["a", "b"]),
        ('Negotiate, Basic realm="b"', ["Negotiate", "Basic"], [None, "b"]),
        ('Digest realm="a", Negotiate', ["Digest", "Negotiate"], ["a", None]),
        ('Bearer authz_server="https://h", realm="b"', ["Bearer"], ["b"]),
        ('Digest realm="x, Basic realm=y", nonce="1"', ["Digest"], ["x, Basic realm=y"]),
        ('Digest realm="a", basic="x"', ["Digest"], ["a"]),
        ('NewScheme p1="x", Digest realm="a"', ["NewScheme", "Digest"], [None, "a"]),
        ("", [""], [None]),
    ],
)
def test_several_challenges(value: str, schemes: list[str], realms: list[str | None]) -> None:
    challenges = parse_challenges("www-authenticate", value)
    assert [c.scheme for c in challenges] == schemes and [c.realm for c in challenges] == realms
    assert all(c.raw in value for c in challenges)
    assert not [d for c in challenges for d in c.defects] or value == ""


def test_credentials_never_split() -> None:
    credentials = parse_credentials("authorization", 'Digest realm="a", Digest realm="b"')
    assert credentials.realm == "a"
    assert {d.code for d in credentials.defects} == {"auth-junk", "duplicate-parameter"}


@pytest.mark.parametrize(
    ("stale", "true"), [("true", True), ("TRUE", True), ('"true"', True), ("false", False), ("yes", False)]
)
def test_stale(stale: str, true: bool) -> None:
    (challenge,) = parse_challenges("proxy-authenticate", f'Digest realm="a", stale={stale}')
    assert challenge.stale is true and challenge.header == "proxy-authenticate"


def test_authentication_info() -> None:
    params = parse_auth_params('qop=auth, rspauth="6629", cnonce="0a4f", nc=00000001, nextnonce="x"')
    assert {param.name: param.value for param in params}["nextnonce"] == "x" and len(params) == 5


@pytest.mark.parametrize(
    "value",
    [
        "Digest " + "a" * 300_000,
        "Digest " + 'a="' * 100_000,
        "Digest " + "a b " * 60_000,
        "Digest " + "," * 300_000,
        "Digest " + " " * 300_000 + "a",
        "Digest qop=" + "auth," * 60_000,
        "Digest " + "a=b," * 60_000,
        "Digest " + '"' * 100_000,
        "Digest a" + "\\" * 300_000,
        "Basic a=1, " * 30_000,
        "=" * 100_000,
    ],
)
def test_long_values_are_linear(value: str) -> None:
    started = time.perf_counter()
    parse_credentials("authorization", value)
    parse_challenges("www-authenticate", value)
    assert time.perf_counter() - started < 5
