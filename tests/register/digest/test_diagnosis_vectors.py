"""Every hypothesis against its vector (docs/rules/diagnosis.md), and against responses made here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from analyzer.register.digest.arithmetic import Reading, expected
from analyzer.register.digest.diagnosis.context import DigestContext, Sent
from analyzer.register.digest.diagnosis.engine import all_hypotheses, diagnose
from analyzer.register.digest.input import DigestInput
from analyzer.register.digest.secrets import Secret, Secrets
from analyzer.register.digest.verdict import Verdict, judge
from tests.shared import DIGEST_VECTORS

VECTORS: dict[str, Any] = json.loads(DIGEST_VECTORS.read_text())["vectors"]
BASE = DigestInput(
    username="1001",
    realm="sip.example.com",
    nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093==",
    uri="sip:sip.example.com",
    response="",
    algorithm="MD5",
    qop="auth",
    nc="00000001",
    cnonce="0a4f113b",
    opaque="5ccc069c403ebaf9f0171e9517f40e41",
)
"""`base` of digest_vectors.json."""
PASSWORD = "S3cret;Pa&ss"
HA1 = "121c6c6847a94d9414a4109720ecbdf4"

# What the notes of the vectors say stands in the header instead of the base, or was seen around it.
HEADERS: dict[str, dict[str, Any]] = {
    "D02": {"qop": "", "nc": "", "cnonce": ""},
    "D11": {"username": "10%301"},
    "D26": {"qop": "auth-int"},
    "D26-correct": {"qop": "auth-int"},
}
CONTEXTS = {
    "D02": DigestContext(first=(BASE.nonce, BASE.cnonce)),
    "D22": DigestContext(uris=("sip:1001@sip.example.com",)),
    "D32": DigestContext(hosts=("10.0.0.1:5060",)),
    "D33": DigestContext(earlier=(Sent("921328d567a03400d9b8038ce7ecafc7", "older-nonce", "00000001"),)),
    "D34": DigestContext(others=(("INVITE", "sip:2000@sip.example.com"),)),
}
SECRETS = {"D08": HA1, "D16": "pä"}
EXPECTED = {"D26-correct": "D00"}
UNSTATED = {"D29"}
"""The other account's password is not stated with the vector; D29 is tested with one made here."""


def test_the_vectors_are_those_known_here() -> None:
    base = json.loads(DIGEST_VECTORS.read_text())["base"]
    assert (base["u"], base["r"], base["p"], base["n"]) == (BASE.username, BASE.realm, PASSWORD, BASE.nonce)
    assert {*HEADERS, *CONTEXTS, *SECRETS, *UNSTATED} <= set(VECTORS)


@pytest.mark.parametrize("name", [name for name in VECTORS if name not in UNSTATED])
def test_vector(name: str) -> None:
    digest = BASE._replace(response=VECTORS[name]["response"], **HEADERS.get(name, {}))
    secret = Secret(SECRETS.get(name, PASSWORD))
    found = diagnose(digest, secret, CONTEXTS.get(name))
    assert found is not None
    assert found.hypothesis == EXPECTED.get(name, name)
    assert found.text


@pytest.mark.parametrize("name", [name for name in VECTORS if name not in UNSTATED])
def test_verdict_of_vector(name: str) -> None:
    digest = BASE._replace(response=VECTORS[name]["response"], **HEADERS.get(name, {}))
    secrets = Secrets.of({digest.username: SECRETS.get(name, PASSWORD)})
    verdict = judge(digest, secrets, CONTEXTS.get(name))
    expected_verdict = {"D00": Verdict.MATCH, "D26-correct": Verdict.MATCH, "D31": Verdict.UNKNOWN}
    assert verdict.verdict is expected_verdict.get(name, Verdict.MISMATCH)


def made(**changed: Any) -> DigestInput:
    """The base credentials with the response of a client that hashed `changed`."""
    password = changed.pop("password", PASSWORD)
    hashed = BASE._replace(**changed)
    right = expected(Reading(hashed, (hashed.nonce, hashed.cnonce)), Secret(password))
    assert right is not None
    return BASE._replace(response=right)


SEEN = DigestContext(
    realms=("other.example.com",),
    users=("1002",),
    request_uri="sip:sip.example.com;transport=udp",
    uris=("sip:1001@example.net",),
    nonces=("older",),
    first=("older", "firstcn"),
    previous_nc="00000009",
    qop_offers=("auth,auth-conf",),
    bodies=(b"before",),
)


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"nc": "1"}, "D04"),
        ({"nc": "00000002"}, "D04"),
        ({"nc": "00000009"}, "D04"),
        ({"qop": "auth,auth-conf"}, "D05"),
        ({"qop": '"auth"'}, "D05"),
        ({"qop": "AUTH"}, "D05"),
        ({"realm": "other.example.com"}, "D06"),
        ({"realm": "example.net"}, "D06"),
        ({"realm": "asterisk"}, "D06"),
        ({"realm": ""}, "D06"),
        ({"nonce": f'"{BASE.nonce}"'}, "D07"),
        ({"cnonce": f'"{BASE.cnonce}"'}, "D07"),
        ({"username": "1001@sip.example.com"}, "D10"),
        ({"username": "sip:1001@example.net"}, "D10"),
        ({"username": "1002"}, "D10"),
        ({"username": "+1001"}, "D10"),
        ({"username": "sip.example.com\\1001"}, "D10"),
        ({"password": PASSWORD + "\n"}, "D12"),
        ({"password": PASSWORD + " "}, "D12"),
        ({"password": "\ufeff" + PASSWORD}, "D12"),
        ({"password": "S3cret;Pa"}, "D13"),
        ({"password": "S3cret;P"}, "D13"),
        ({"password": "S3cret%3BPa%26ss"}, "D14"),
        ({"password": f'"{PASSWORD}"'}, "D14"),
        ({"password": "S3cret\\;Pa\\&ss"}, "D14"),
        ({"password": PASSWORD.lower()}, "D15"),
        ({"password": "s3cret;Pa&ss"}, "D15"),
        ({"password": "S3cret;pa&ss"}, "D15"),
        ({"algorithm": "MD5-sess"}, "D19"),
        ({"method": "SUBSCRIBE"}, "D21"),
        ({"method": ""}, "D21"),
        ({"uri": "sip:sip.example.com:5060"}, "D22"),
        ({"uri": "sip:sip.example.com;transport=udp"}, "D22"),
        ({"uri": "sip:sip.example.com;transport=tls"}, "D22"),
        ({"uri": "sips:sip.example.com"}, "D22"),
        ({"uri": "sip.example.com"}, "D22"),
        ({"uri": "<sip:sip.example.com>"}, "D22"),
        ({"uri": "sip:1001@sip.example.com"}, "D22"),
        ({"nonce": "older"}, "D23"),
        ({"nonce": BASE.nonce.rstrip("=")}, "D23"),
        ({"nonce": BASE.nonce[:32]}, "D23"),
        ({"cnonce": "firstcn"}, "D24"),
        ({"cnonce": BASE.nonce}, "D24"),
        ({"cnonce": BASE.opaque}, "D25"),
        ({"password": ""}, "D28"),
        ({"password": "1001"}, "D28"),
        ({"password": "1234"}, "D28"),
        ({"password": "the other line"}, "D29"),
    ],
    ids=lambda value: repr(value),
)
def test_substitution(changed: dict[str, Any], name: str) -> None:
    others = Secrets.of({"2001": "quite another", "2002": "the other line"})
    found = diagnose(made(**dict(changed)), Secret(PASSWORD), SEEN, others)
    assert found is not None
    assert found.hypothesis == name


def test_session_of_the_first_request() -> None:
    """Under -sess the first request's values are a legitimate reading; under plain MD5 they are D19."""
    hashed = BASE._replace(algorithm="MD5-sess")
    right = expected(Reading(hashed, ("older", "firstcn")), Secret(PASSWORD))
    assert right is not None
    found = diagnose(BASE._replace(response=right), Secret(PASSWORD), SEEN)
    assert found is not None
    assert found.hypothesis == "D19"


@pytest.mark.parametrize("algorithm", ["SHA-256", "SHA-512-256"])
@pytest.mark.parametrize("digits", [32, 64])
def test_wrong_hash_whole_or_cut(algorithm: str, digits: int) -> None:
    digest = made(algorithm=algorithm)
    found = diagnose(digest._replace(response=digest.response[:digits]), Secret(PASSWORD))
    assert found is not None
    assert found.hypothesis == "D20"
    assert ("cut" in found.text) is (digits == 32)


@pytest.mark.parametrize("body", [b"before", b"now\n", b"now\r\n\r\n", b"now"], ids=repr)
def test_body_of_auth_int(body: bytes) -> None:
    now = BASE._replace(qop="auth-int", body=b"now\r\n")
    hashed = now._replace(body=body)
    right = expected(Reading(hashed, ("", "")), Secret(PASSWORD))
    assert right is not None
    found = diagnose(now._replace(response=right), Secret(PASSWORD), SEEN)
    assert found is not None
    assert found.hypothesis == "D26"


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"username": "1002", "password": PASSWORD + "\n"}, "D10+D12"),
        ({"nc": "1", "username": "1001@sip.example.com"}, "D04+D10"),
        ({"qop": "", "password": PASSWORD + "\r\n"}, "D01+D12"),
        ({"algorithm": "MD5-sess", "password": PASSWORD + " "}, "D12+D19"),
    ],
    ids=lambda value: repr(value),
)
def test_pairs(changed: dict[str, Any], name: str) -> None:
    found = diagnose(made(**dict(changed)), Secret(PASSWORD), SEEN)
    assert found is not None
    assert found.hypothesis == name
    assert "; and " in found.text


@pytest.mark.parametrize("value", ["realm", "nonce", "cnonce", "uri", "username"])
def test_one_value_still_escaped(value: str) -> None:
    ids = {"realm": "D06", "nonce": "D23", "cnonce": "D24", "uri": "D22", "username": "D10"}
    digest = made(**{value: 'a\\"b'})
    shown = digest._replace(**{value: 'a"b', "escaped": ((value, 'a\\"b'), ("opaque", "x\\y"))})  # type: ignore[arg-type]
    found = diagnose(shown, Secret(PASSWORD))
    assert found is not None
    assert found.hypothesis == ids[value]


def test_a_stored_ha1_still_serves() -> None:
    for changed in ({"uri": "sip:sip.example.com:5060"}, {"nc": "1"}, {"method": "INVITE"}):
        found = diagnose(made(**changed), Secret(HA1, kind="ha1"))
        assert found is not None
    used_as_password = diagnose(made(password=HA1), Secret(HA1, kind="ha1"))
    assert used_as_password is not None
    assert used_as_password.hypothesis == "D09"
    empty = diagnose(made(password=""), Secret(HA1, kind="ha1"))
    assert empty is not None
    assert empty.hypothesis == "D28"


def test_res_in_hex_instead_of_octets() -> None:
    res = bytes.fromhex("a54211d5e3ba50bf")
    aka = BASE._replace(algorithm="AKAv1-MD5")
    right = expected(Reading(aka._replace(algorithm="MD5"), ("", "")), Secret(res.hex()))
    assert right is not None
    found = diagnose(aka._replace(response=right), Secret(res))
    assert found is not None
    assert found.hypothesis == "D35"


def test_the_table_is_that_of_the_rules() -> None:
    ids = [hypothesis.id for hypothesis in all_hypotheses()]
    assert ids == [f"D{number:02}" for number in range(1, 38)]
    cheap = {hypothesis.id for hypothesis in all_hypotheses() if hypothesis.cheap}
    assert cheap == {"D01", "D02", "D03", "D04", "D05", "D08", "D10", "D12", "D16", "D18", "D19", "D26"}
