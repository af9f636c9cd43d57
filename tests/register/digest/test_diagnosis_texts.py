"""What a diagnosis says: every sentence and formula as a person reads it, for the vectors of docs/rules/diagnosis.md.

The sentences were read before they were written down here; a change of wording is meant to show as a failing test.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from analyzer.register.digest.diagnosis.context import DigestContext, Sent
from analyzer.register.digest.diagnosis.engine import diagnose
from analyzer.register.digest.diagnosis.recipe import HASH_TITLES, HASHES, Recipe, recipe_of
from analyzer.register.digest.input import DigestInput
from analyzer.register.digest.secrets import Secret
from tests.shared import DIGEST_VECTORS

VECTORS: dict[str, Any] = json.loads(DIGEST_VECTORS.read_text())

TEXTS = {
    "D00": (
        "the response is right",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D01": (
        "the response is computed without qop, nc and cnonce (RFC 2069) although qop was sent",
        "H(HA1:nonce:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D02": (
        'the response is computed with qop=auth although no qop was sent; nc "00000001"',
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D03": (
        "the response is computed without nc",
        "H(HA1:nonce:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D04": (
        'the response is computed with nc written "1"',
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D05": (
        'the response is computed with qop written "auth,auth-int"',
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D06": (
        'the response is computed with realm "asterisk"',
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D07": (
        "the response is computed with the quotes around username and realm hashed",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D08": (
        "the response is right, if the secret given is an HA1 and not a password",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = stored HA1 ********, HA2 = H(method:uri), H = MD5",
    ),
    "D09": (
        "the response is computed with the HA1 used as the password",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D10": (
        'the response is computed with user name "1001@sip.example.com"',
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D11": (
        'the response is computed with the user name percent-decoded, "1001"',
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D12": (
        "the response is computed with CR LF after the password",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D13": (
        "the response is computed with the password cut at its first semicolon",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D14": (
        "the response is computed with the password escaped as XML",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D15": (
        "the response is computed with the password in upper case",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D16": (
        "the response is computed with the texts in Latin-1",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D17": (
        "the response is computed with upper-case hex digits in HA1",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D18": (
        "the response is computed with HA1 and HA2 as binary octets instead of hex digits",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D19": (
        "the response is computed with the session HA1 although the algorithm is not -sess",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(H(username:realm:********):nonce:cnonce), "
        "HA2 = H(method:uri), H = MD5",
    ),
    "D20": (
        "the response is computed with SHA-256, cut to 32 digits",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = SHA-256",
    ),
    "D21": (
        'the response is computed with method "INVITE"',
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D22": (
        'the response is computed with uri "sip:1001@sip.example.com"',
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D23": (
        "the response is computed with the nonce in another form",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D24": (
        "the response is computed with an empty cnonce",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D25": (
        "the response is computed with opaque hashed before HA2",
        "H(HA1:nonce:nc:cnonce:qop:opaque:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D26": (
        "the response is computed without the body hash although qop is auth-int",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D26-correct": (
        "the response is right",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri:H(body)), H = MD5",
    ),
    "D27": (
        "the response is computed without the colon between HA1 and nonce",
        "H(HA1nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D28": (
        "the response is computed with an empty password",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D30": (
        "the response is computed with the hashed user name (MD5) inside HA1",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D31": (
        "the response is right, but the value shown is damaged: only a part of its digits is there",
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D32": (
        'the response is computed with another address, which was rewritten on the way: uri "sip:10.0.0.1"',
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
    "D33": (
        'the response is not computed anew: the same one was sent before with nonce and nc "older-nonce, 00000001"',
        "",
    ),
    "D34": (
        'the response is computed for another request of the same client, "INVITE sip:2000@sip.example.com"',
        "H(HA1:nonce:nc:cnonce:qop:HA2), HA1 = H(username:realm:********), HA2 = H(method:uri), H = MD5",
    ),
}

CONTEXT = DigestContext(
    uris=("sip:1001@sip.example.com",),
    others=(("INVITE", "sip:2000@sip.example.com"),),
)
OWN_CONTEXT = {
    "D02": DigestContext(first=("", "0a4f113b")),
    "D11": DigestContext(),
    "D32": DigestContext(hosts=("10.0.0.1:5060",)),
    "D33": DigestContext(earlier=(Sent("921328d567a03400d9b8038ce7ecafc7", "older-nonce", "00000001"),)),
}
OWN_HEADER: dict[str, dict[str, str]] = {
    "D02": {"qop": "", "nc": "", "cnonce": ""},
    "D11": {"username": "10%301"},
    "D26": {"qop": "auth-int"},
    "D26-correct": {"qop": "auth-int"},
}
OWN_SECRET = {"D08": "121c6c6847a94d9414a4109720ecbdf4", "D16": "pä"}


@pytest.mark.parametrize("name", TEXTS if VECTORS else [])
def test_sentence_and_formula(name: str) -> None:
    base, header = VECTORS["base"], OWN_HEADER.get(name, {})
    digest = DigestInput(
        username=header.get("username", base["u"]),
        realm=base["r"],
        nonce=base["n"],
        uri=base["uri"],
        response=VECTORS["vectors"][name]["response"],
        algorithm=base["algorithm"],
        qop=header.get("qop", base["qop"]),
        nc=header.get("nc", base["nc"]),
        cnonce=header.get("cnonce", base["cn"]),
        opaque=base["opaque"],
    )
    secret = Secret(OWN_SECRET.get(name, base["p"]))
    found = diagnose(digest, secret, OWN_CONTEXT.get(name, CONTEXT))
    assert found is not None
    assert (found.text, found.formula) == TEXTS[name]
    assert secret.reveal().decode() not in found.text + found.formula


def test_every_vector_has_its_sentence() -> None:
    if VECTORS:
        assert set(VECTORS["vectors"]) - set(TEXTS) == {"D29"}, "its password is not stated"


PLAIN = DigestInput("u", "r", "n", "sip:a", "0" * 32, "MD5", "auth", "00000001", "c")


def recipe(**changed: Any) -> Recipe:
    found = recipe_of(PLAIN, Secret("p"))
    assert found is not None
    return found._replace(**changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"form1": "HEX"},
        {"form1": "raw"},
        {"form2": "HEX"},
        {"form2": "raw"},
        {"session": "hex"},
        {"session": "raw"},
        {"session": "hex", "session_cnonce": b"first"},
        {"body": b""},
        {"body": b"", "body_hash": "sha256"},
        {"between": ("nonce",)},
        {"between": ("nonce", "opaque")},
        {"separator": b","},
        {"after_ha1": b""},
        {"stored": b"0" * 32},
        {"hash_name": "sha1"},
    ],
    ids=repr,
)
def test_each_choice_changes_the_response(changed: dict[str, Any]) -> None:
    assert recipe(**changed).response() != recipe().response()


def test_raw_octets_of_a_stored_value_that_is_no_hex() -> None:
    assert len(recipe(stored=b"zz", form1="raw").response()) == 32


@pytest.mark.parametrize("name", HASHES)
def test_every_hash_has_a_title_and_a_length(name: str) -> None:
    assert name in HASH_TITLES
    assert len(recipe(hash_name=name).response()) in (32, 40, 64)


def test_sha_512_cut_short_is_not_sha_512_256() -> None:
    if "sha512_256" in HASHES:
        assert HASHES["sha512-cut"](b"abc") != HASHES["sha512_256"](b"abc")
    assert HASHES["sha512-cut"](b"abc").hex().startswith("ddaf35a193617aba")  # FIPS 180-2, SHA-512("abc")


def test_size_counts_what_can_be_long() -> None:
    assert recipe(username=b"u" * 100).size() - recipe().size() == 99
    assert recipe(body=b"b" * 100).size() - recipe().size() == 100


def test_no_recipe_of_an_unknown_algorithm() -> None:
    assert recipe_of(PLAIN._replace(algorithm="SHA-3"), Secret("p")) is None
    assert diagnose(PLAIN._replace(algorithm="SHA-3"), Secret("p")) is None
