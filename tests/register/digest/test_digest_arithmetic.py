"""The arithmetic of RFC 7616 3.4 against published vectors, and each place where it may be read in two ways."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.register.digest.arithmetic import (
    ALGORITHMS,
    Reading,
    algorithm_of,
    expected,
    ha1,
    ha2,
    hash_function,
    matching,
    response_auth,
    verify,
)
from analyzer.register.digest.diagnosis.recipe import recipe_of
from analyzer.register.digest.input import DigestInput
from analyzer.register.digest.secrets import Secret, Secrets
from analyzer.register.digest.verdict import judge
from tests.shared import DATA, DIGEST_VECTORS

VECTORS: list[dict[str, Any]] = json.loads((DATA / "digest" / "vectors.json").read_text())
REFERENCES: list[dict[str, str]] = json.loads(DIGEST_VECTORS.read_text())["references"]

MUFASA = DigestInput(
    username="Mufasa",
    realm="testrealm@host.com",
    nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
    uri="/dir/index.html",
    response="6629fae49393a05397450978507c4ef1",
    qop="auth",
    nc="00000001",
    cnonce="0a4f113b",
    method="GET",
)
"""RFC 2617 3.5."""
LION = Secret("Circle Of Life")


def of_vector(vector: dict[str, Any]) -> tuple[DigestInput, Secret]:
    """A row of vectors.json; its malformed ones state no password."""
    names = ("username", "realm", "nonce", "response", "algorithm", "qop", "nc", "cnonce")
    values = {name: vector[name] for name in names}
    body = vector.get("body", "").encode()
    key = vector.get("password_hex")
    secret = Secret(bytes.fromhex(key)) if key else Secret(vector["password"] or "any")
    return DigestInput(**values, uri=vector["uri"] or "", method=vector["method"] or "", body=body), secret


def test_there_are_vectors() -> None:
    assert len(VECTORS) == 45
    assert {vector["expect"] for vector in VECTORS} == {"match", "mismatch", "malformed"}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['source']}/{v['algorithm']}/{v['method']}")
def test_published_vector(vector: dict[str, Any]) -> None:
    digest, secret = of_vector(vector)
    assert verify(digest, secret) is (vector["expect"] == "match")
    if "computed" in vector:
        assert expected(Reading(digest, (digest.nonce, digest.cnonce)), secret) == vector["computed"]
    verdict = judge(digest, Secrets([secret.of(digest.username)])).verdict
    assert verdict == {"match": "match", "mismatch": "mismatch", "malformed": "unknown"}[vector["expect"]]


@pytest.mark.parametrize("vector", [v for v in VECTORS if v.get("ha1")], ids=lambda v: str(v["source"]))
def test_published_ha1(vector: dict[str, Any]) -> None:
    digest, secret = of_vector(vector)
    assert ha1(ALGORITHMS["md5"], digest.username, digest.realm, secret.reveal()).decode() == vector["ha1"]
    assert verify(digest, Secret(vector["ha1"].upper(), kind="ha1"))


@pytest.mark.parametrize("row", REFERENCES, ids=lambda row: row["name"])
def test_reference(row: dict[str, str]) -> None:
    algorithm = {"SHA-512-trunc": "SHA-512-256"}.get(row["alg"], row["alg"])
    digest = DigestInput(
        row["u"],
        row["r"],
        row["n"],
        row["uri"],
        row["response"],
        algorithm,
        row["qop"],
        row["nc"],
        row["cn"],
        "",
        "GET",
    )
    assert verify(digest, Secret(row["p"])) is (row["alg"] != "SHA-512-trunc")


def test_the_example_of_rfc_2617() -> None:
    assert verify(MUFASA, LION)
    assert not verify(MUFASA, Secret("Circle of Life"))


def test_without_qop_the_formula_is_that_of_rfc_2069() -> None:
    legacy = MUFASA._replace(qop="", nc="", cnonce="", response="670fd8c2df070c60b045671b8b24ff02")
    assert verify(legacy, LION)
    by_hand = hashlib.md5(
        b":".join(
            (
                hashlib.md5(b"Mufasa:testrealm@host.com:Circle Of Life").hexdigest().encode(),
                MUFASA.nonce.encode(),
                hashlib.md5(b"GET:/dir/index.html").hexdigest().encode(),
            )
        )
    ).hexdigest()
    assert by_hand == legacy.response


@pytest.mark.parametrize("changed", ["username", "realm", "nonce", "uri", "nc", "cnonce", "qop", "method"])
def test_every_value_counts(changed: str) -> None:
    assert not verify(MUFASA._replace(**{changed: "other"}), LION)  # type: ignore[arg-type]


def test_the_body_counts_for_auth_int_alone() -> None:
    assert verify(MUFASA._replace(body=b"any"), LION)
    integrity = MUFASA._replace(qop="auth-int", body=b"v=0\r\n")
    right = expected(Reading(integrity, ("", "")), LION)
    assert right is not None
    assert verify(integrity._replace(response=right), LION)
    assert not verify(integrity._replace(response=right, body=b"v=0\n"), LION)


def test_an_empty_body_is_hashed_too() -> None:
    inner = b"REGISTER:sip:a:d41d8cd98f00b204e9800998ecf8427e"
    assert ha2(ALGORITHMS["md5"], "REGISTER", "sip:a", "auth-int").decode() == hashlib.md5(inner).hexdigest()


def test_hex_digits_compare_without_case() -> None:
    assert verify(MUFASA._replace(response=MUFASA.response.upper()), LION)


@pytest.mark.parametrize("token", ["MD5", "md5", "Md5", " MD5 ", ""])
def test_algorithm_tokens_compare_without_case_and_default_to_md5(token: str) -> None:
    assert verify(MUFASA._replace(algorithm=token), LION)


@pytest.mark.parametrize("token", ["SHA-512", "SHA256", "token", "MD4"])
def test_other_tokens_are_not_guessed(token: str) -> None:
    assert algorithm_of(token) is None
    assert expected(Reading(MUFASA._replace(algorithm=token), ("", "")), LION) is None


def test_an_odd_qop_and_a_long_nc_are_hashed_as_sent() -> None:
    odd = MUFASA._replace(qop="auth-conf", nc="000000002")
    right = expected(Reading(odd, ("", "")), LION)
    other = expected(Reading(odd._replace(nc="00000002"), ("", "")), LION)
    assert right != other


def session(first: tuple[str, str]) -> DigestInput:
    """MD5-sess credentials whose session HA1 was made with `first`."""
    later = MUFASA._replace(algorithm="MD5-sess", nc="00000002", cnonce="later")
    right = expected(Reading(later, first), LION)
    assert right is not None
    return later._replace(response=right)


def test_sess_may_follow_rfc_7616() -> None:
    reading = matching(session((MUFASA.nonce, "later")), LION)
    assert reading is not None
    assert reading.note == ""


def test_sess_may_follow_rfc_2617_if_the_first_request_was_seen() -> None:
    digest = session((MUFASA.nonce, "first"))
    assert matching(digest, LION) is None
    assert matching(digest, LION, (MUFASA.nonce, "other")) is None
    reading = matching(digest, LION, (MUFASA.nonce, "first"))
    assert reading is not None
    assert "RFC 2617" in reading.note


def test_the_first_request_means_nothing_without_sess() -> None:
    assert matching(MUFASA._replace(nc="00000002"), LION, ("n", "c")) is None


def escaped(hashed: str, shown: str) -> DigestInput:
    """Credentials whose realm `a"b` stands as `a\\"b`, hashed in the form `hashed`."""
    digest = MUFASA._replace(realm=hashed)
    right = expected(Reading(digest, ("", "")), LION)
    assert right is not None
    return digest._replace(realm='a"b', response=right, escaped=(("realm", shown),))


def test_a_quoted_pair_is_hashed_unescaped() -> None:
    reading = matching(escaped('a"b', 'a\\"b'), LION)
    assert reading is not None
    assert reading.note == ""


def test_a_quoted_pair_may_be_hashed_as_it_stands() -> None:
    reading = matching(escaped('a\\"b', 'a\\"b'), LION)
    assert reading is not None
    assert "quoted-pairs" in reading.note


def test_escaping_some_values_and_not_others_is_a_mismatch() -> None:
    digest = escaped('a\\"b', 'a\\"b')
    assert not verify(digest._replace(escaped=(*digest.escaped, ("cnonce", "\\0a4f113b"))), LION)


def test_octets_that_are_no_utf8_are_hashed_as_they_were() -> None:
    latin = MUFASA._replace(username=b"J\xe4s".decode("utf-8", "surrogateescape"))
    stored = hashlib.md5(b"J\xe4s:testrealm@host.com:Circle Of Life").hexdigest()
    right = expected(Reading(MUFASA, ("", "")), Secret(stored, kind="ha1"))
    assert right is not None
    assert verify(latin._replace(response=right), LION)


def test_a_stored_ha1_serves_sess_too() -> None:
    stored = ha1(ALGORITHMS["md5"], "Mufasa", "testrealm@host.com", LION.reveal()).decode()
    assert verify(session((MUFASA.nonce, "later")), Secret(stored, kind="ha1"))


def test_an_ha1_of_another_hash_computes_nothing() -> None:
    stored = Secret("0" * 64, kind="ha1")
    assert expected(Reading(MUFASA, ("", "")), stored) is None
    assert not verify(MUFASA, stored)


def test_rspauth_leaves_the_method_out() -> None:
    answer = response_auth(MUFASA, LION)
    assert answer == expected(Reading(MUFASA._replace(method=""), ("", "")), LION)
    assert answer != MUFASA.response
    integrity = MUFASA._replace(qop="auth-int", body=b"request")
    assert response_auth(integrity, LION, b"answer") != response_auth(integrity, LION, b"request")


def test_an_aka_resynchronisation_is_neither_right_nor_wrong() -> None:
    asked = MUFASA._replace(algorithm="AKAv1-MD5", auts="CjkyMzRfOiwg5CfkJ2UK")
    right = expected(Reading(MUFASA, ("", "")), Secret(""))
    assert right is not None
    for secrets in (Secrets(), Secrets.of({"Mufasa": "Circle Of Life"}), Secrets.of({"Mufasa": b"12345678"})):
        for response in (right, MUFASA.response, "0" * 32):
            verdict = judge(asked._replace(response=response), secrets)
            assert (verdict.verdict, verdict.diagnosis) == ("unknown", None)
            assert verdict.reason == "the SIM asks for resynchronisation (auts, RFC 3310 3.4)"
    other = judge(asked._replace(response=right, algorithm="MD5"), Secrets.of({"Mufasa": "other"}))
    assert other.verdict == "mismatch", "auts means something under AKA alone"


def test_a_hash_that_the_library_has_not_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, *_: object, **__: object) -> None:
        raise ValueError(f"unsupported hash type {name}")

    hash_function.cache_clear()
    monkeypatch.setattr(hashlib, "new", missing)
    try:
        digest = MUFASA._replace(algorithm="SHA-512-256")
        assert hash_function("sha512_256") is None
        assert expected(Reading(digest, ("", "")), LION) is None
        assert "crypto library" in judge(digest, Secrets.of({"Mufasa": "x"})).reason
        with pytest.raises(ValueError, match="crypto library"):
            ha1(ALGORITHMS["sha-512-256"], "a", "b", b"c")
    finally:
        hash_function.cache_clear()


def test_sha_512_256_is_that_of_fips_180_4() -> None:
    made = hash_function("sha512_256")
    if made is None:
        pytest.skip("this Python's crypto library has no SHA-512/256")
    assert made(b"abc").hex() == "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"  # FIPS 180-4


texts = st.text(max_size=12)


@given(
    st.builds(
        DigestInput,
        username=texts,
        realm=texts,
        nonce=texts,
        uri=texts,
        response=texts,
        algorithm=st.sampled_from([a.token for a in ALGORITHMS.values() if not a.aka]),
        qop=st.sampled_from(["", "auth", "auth-int", "AUTH"]),
        nc=texts,
        cnonce=texts,
        method=texts,
        body=st.binary(max_size=8),
        opaque=st.just(""),
        userhash=st.just(False),
        auts=st.just(""),
        scheme=st.just("Digest"),
        escaped=st.just(()),
        damage=st.just(""),
    ),
    st.text(max_size=20),
)
def test_the_unchanged_recipe_gives_the_same_response(digest: DigestInput, password: str) -> None:
    recipe = recipe_of(digest, Secret(password))
    assert recipe is not None
    assert recipe.response() == expected(Reading(digest, (digest.nonce, digest.cnonce)), Secret(password))
