"""The verdict and its reason: match, mismatch, and the many ways of not being able to tell."""

from __future__ import annotations

import pytest

from analyzer.register.digest.arithmetic import ALGORITHMS, Reading, expected, ha1, user_hash
from analyzer.register.digest.diagnosis.context import DigestContext, Sent
from analyzer.register.digest.input import DigestInput, clip, from_credentials
from analyzer.register.digest.secrets import Secret, Secrets
from analyzer.register.digest.verdict import DigestVerdict, Verdict, judge, without_password
from analyzer.sip.auth import Credentials, parse_credentials

PASSWORD = "Wonderland-1"
PLAIN = DigestInput("alice", "lab.invalid", "39907f80", "sip:10.9.0.1:5060", "")
ALICE = Secrets.of({"alice": PASSWORD})


def signed(digest: DigestInput = PLAIN, password: str | bytes = PASSWORD) -> DigestInput:
    """The credentials with the response that the password gives."""
    right = expected(Reading(digest, (digest.nonce, digest.cnonce)), Secret(password))
    assert right is not None
    return digest._replace(response=right)


def sent(parameters: str) -> Credentials:
    """Credentials as they stand in a header."""
    return parse_credentials("authorization", f"Digest {parameters}")


def unknown(digest: DigestInput, secrets: Secrets = ALICE, context: DigestContext | None = None) -> str:
    """The reason, of a verdict that must be unknown."""
    verdict = judge(digest, secrets, context)
    assert verdict.verdict is Verdict.UNKNOWN
    return verdict.reason


def test_a_right_response_matches() -> None:
    verdict = judge(signed(), ALICE)
    assert verdict == DigestVerdict(
        Verdict.MATCH, "the response is right for the password known", None, "alice", "", ""
    )


def test_a_wrong_one_does_not() -> None:
    verdict = judge(signed(password="quite another"), ALICE)
    assert verdict.verdict is Verdict.MISMATCH
    assert verdict.reason == "wrong password or unknown cause (tried D01-D37 alone and the simple ones in pairs)"
    assert verdict.diagnosis is None


def test_a_mismatch_says_its_cause() -> None:
    verdict = judge(signed(password=PASSWORD.upper()), ALICE)
    assert verdict.verdict is Verdict.MISMATCH
    assert verdict.diagnosis is not None
    assert verdict.diagnosis.hypothesis == "D15"
    assert verdict.reason == verdict.diagnosis.text


def test_the_secret_that_fits_is_found_among_several() -> None:
    secrets = Secrets([Secret("old", username="alice"), Secret(PASSWORD, username="alice", origin="users.csv:3")])
    verdict = judge(signed(), secrets)
    assert (verdict.verdict, verdict.origin) == ("match", "users.csv:3")


def test_the_password_for_everybody_serves() -> None:
    assert judge(signed(), Secrets(for_all=Secret(PASSWORD))).verdict == "match"
    assert judge(signed(), Secrets(for_all=Secret("other"))).verdict == "mismatch"


def test_no_password() -> None:
    assert unknown(signed(PLAIN._replace(username="nobody"))) == "no password known for nobody"
    assert unknown(signed(), Secrets()) == "no password known for alice"


def test_the_user_name_is_exact() -> None:
    assert unknown(signed(PLAIN._replace(username="alice@"))) == "no password known for alice@"
    assert unknown(signed(PLAIN._replace(username="Alice"))) == "no password known for Alice"


def test_no_user_name() -> None:
    assert unknown(signed(PLAIN._replace(username=""))) == "no user name in the credentials"


def test_a_password_of_another_realm_may_prove_a_match_but_no_mismatch() -> None:
    secrets = Secrets.of({"alice": PASSWORD}, realm="elsewhere")
    found = judge(signed(), secrets)
    assert (found.verdict, found.realm) == ("match", "elsewhere")
    assert "realm elsewhere" in found.reason
    assert "another realm's is wrong" in unknown(signed(password="other"), secrets)
    diagnosed = judge(signed(PLAIN._replace(realm="elsewhere"))._replace(realm="lab.invalid"), secrets)
    assert (diagnosed.verdict, diagnosed.diagnosis and diagnosed.diagnosis.hypothesis) == ("mismatch", "D06")


def test_an_ha1_of_another_realm_is_no_secret_here() -> None:
    secrets = Secrets([Secret("0" * 32, username="alice", realm="elsewhere", kind="ha1")])
    assert unknown(signed(), secrets) == "no password known for alice in realm lab.invalid"


def test_an_ha1_of_another_hash() -> None:
    secrets = Secrets([Secret("0" * 64, username="alice", realm="lab.invalid", kind="ha1")])
    assert unknown(signed(), secrets) == "the HA1 known for alice is not one of algorithm MD5"


def test_an_ha1_matches_and_is_named_as_such() -> None:
    stored = ha1(ALGORITHMS["md5"], "alice", "lab.invalid", PASSWORD.encode()).decode()
    verdict = judge(signed(), Secrets([Secret(stored, username="alice", realm="lab.invalid", kind="ha1")]))
    assert verdict.reason == "the response is right for the HA1 known"


@pytest.mark.parametrize(
    ("response", "count"),
    [
        ("b315a52de5cc51546da", "19 hex digits"),
        ("7587245234b3434cc3412213e5f113a5432", "35 hex digits"),
        ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "32 characters, not all hex digits"),
        ("<hidden>", "8 characters, not all hex digits"),
    ],
)
@pytest.mark.parametrize("secrets", [ALICE, Secrets()], ids=["known", "not known"])
def test_a_response_that_is_none(response: str, count: str, secrets: Secrets) -> None:
    reason = unknown(PLAIN._replace(response=response), secrets)
    assert reason == f"the response is cut or malformed ({count}, MD5 has 32)"


def test_a_cut_response_may_still_be_a_piece_of_the_right_one() -> None:
    digest = signed()
    verdict = judge(digest._replace(response=digest.response[:19]), ALICE)
    assert verdict.verdict is Verdict.UNKNOWN
    assert "19 hex digits" in verdict.reason
    assert verdict.diagnosis is not None
    assert verdict.diagnosis.hypothesis == "D31"


def test_a_response_of_another_hash_is_a_mismatch_though_it_is_too_long() -> None:
    longer = signed(PLAIN._replace(algorithm="SHA-256"))
    verdict = judge(longer._replace(algorithm="MD5"), ALICE)
    assert (verdict.verdict, verdict.diagnosis and verdict.diagnosis.hypothesis) == ("mismatch", "D20")


def test_the_initial_ims_registration() -> None:
    void = 'username="alice", realm="lab.invalid", uri="sip:lab.invalid", nonce="", response=""'
    assert unknown(from_credentials(sent(void), "REGISTER")) == "no response value (initial IMS registration)"
    assert unknown(PLAIN) == "no response value"


@pytest.mark.parametrize(
    "parameters",
    [
        'username="alice", realm="lab.invalid"',
        'username="alice", realm="lab.invalid", nonce=""',
        'username="alice", realm="lab.invalid", nonce="n", response=""',
        "username=\"alice\", nonce='n'",
        "",
    ],
)
def test_what_is_missing_or_half_empty_is_no_ims_registration(parameters: str) -> None:
    assert unknown(from_credentials(sent(parameters), "REGISTER")) == "no response value"
    without = without_password(sent(parameters))
    assert without is not None
    assert without.reason == "no response value"


def test_a_header_whose_syntax_cost_the_response_is_called_so() -> None:
    broken = sent('username="alice", realm="x" nonce "y", junk')
    assert unknown(from_credentials(broken, "REGISTER")).startswith("the header is malformed: ")
    without = without_password(broken)
    assert without is not None
    assert without.reason.startswith("the header is malformed: ")


BROKEN_REALMS = [
    (r'realm="a\"', "a\\"),  # cut behind the backslash
    (r'realm="a"b\c"', 'a"b\\c'),  # its escapes taken off
    ('realm="lab.invalid', "lab.invalid"),  # never closed
]


@pytest.mark.parametrize(("written", "realm"), BROKEN_REALMS)
def test_a_broken_realm_can_still_be_right_or_wrong(written: str, realm: str) -> None:
    """Each value is read from its name to the next; one that does not fit proves nothing."""
    for password, verdict in ((PASSWORD, Verdict.MATCH), ("another-one", Verdict.UNKNOWN)):
        digest = signed(PLAIN._replace(realm=realm, algorithm="MD5"), password)
        parameters = f'username="alice",{written},nonce="39907f80",uri="{PLAIN.uri}",response="{digest.response}"'
        found = from_credentials(sent(f"{parameters},algorithm=MD5"), "REGISTER")
        assert (found.realm, found.response) == (realm, digest.response)
        judged = judge(found, ALICE)
        assert judged.verdict is verdict
        if verdict is Verdict.UNKNOWN:
            assert judged.reason.startswith("the value of realm is no quoted string")


def test_other_schemes() -> None:
    assert unknown(PLAIN._replace(scheme="Bearer")) == "scheme Bearer is not Digest"
    assert judge(signed()._replace(scheme="dIGEST"), ALICE).verdict == "match"


def test_unknown_algorithm() -> None:
    assert unknown(PLAIN._replace(response="0" * 32, algorithm="SHA-3")) == "algorithm SHA-3 is not known"


def test_no_uri() -> None:
    assert unknown(signed()._replace(uri="")) == "no uri in the credentials"


AKA = PLAIN._replace(algorithm="AKAv1-MD5", response="0" * 32)


def test_aka_needs_the_key() -> None:
    assert unknown(AKA) == "only the SIM and its home network can compute AKAv1-MD5 (RFC 3310)"
    assert unknown(AKA, Secrets()) == "only the SIM and its home network can compute AKAv1-MD5 (RFC 3310)"


def test_aka_is_judged_with_the_octets_of_its_res_alone() -> None:
    res = bytes.fromhex("a54211d5e3ba50bf")
    digest = signed(AKA, res)
    assert judge(digest, Secrets.of({"alice": res})).verdict == "match"
    for other in (b"12345678", res.hex(), "0123456789abcdef", "", PASSWORD):
        assert "only the SIM" in unknown(digest, Secrets.of({"alice": other}))


def test_what_no_password_judges_asks_for_none() -> None:
    aka = without_password(sent('algorithm=akav2-md5, response="0", nonce="n"'))
    assert aka is not None
    assert aka.verdict == "unknown"
    assert aka.reason == "only the SIM and its home network can compute akav2-md5 (RFC 3310)"
    initial = without_password(sent('nonce="", response=""'))
    assert initial is not None
    assert initial.reason == "no response value (initial IMS registration)"
    assert without_password(sent('algorithm=MD5, response="0", nonce="n"')) is None
    assert without_password(sent('response="0", nonce=""')) is None


HASHED = PLAIN._replace(username=user_hash(ALGORITHMS["md5"], "alice", "lab.invalid"), userhash=True)


def hashed_right() -> DigestInput:
    """Credentials under userhash: HA1 is made with the plain name (RFC 7616 3.4.4)."""
    return HASHED._replace(response=signed().response)


def test_userhash_finds_the_user() -> None:
    verdict = judge(hashed_right(), Secrets.of({"bob": "x", "alice": PASSWORD}))
    assert (verdict.verdict, verdict.username) == ("match", "alice")


def test_userhash_of_nobody_known() -> None:
    expected_reason = "userhash: the user name is hashed and no known user matches"
    assert unknown(hashed_right(), Secrets.of({"bob": "x"})) == expected_reason
    assert unknown(hashed_right(), Secrets(for_all=Secret(PASSWORD))) == expected_reason


def test_userhash_with_one_password_and_the_user_named_in_to() -> None:
    verdict = judge(hashed_right(), Secrets(for_all=Secret(PASSWORD)), DigestContext(users=("alice",)))
    assert (verdict.verdict, verdict.username) == ("match", "alice")


def test_userhash_though_the_name_is_plain() -> None:
    assert judge(signed()._replace(userhash=True), ALICE).verdict == "match"


def test_userhash_by_another_hash_is_still_the_user() -> None:
    name = user_hash(ALGORITHMS["sha-256"], "alice", "lab.invalid")
    assert judge(signed()._replace(username=name, userhash=True), ALICE).verdict == "match"


def test_userhash_in_the_wrong_realm_is_nobody() -> None:
    assert "no known user" in unknown(hashed_right()._replace(realm="other"))


def test_a_repeated_response_is_seen_without_a_secret() -> None:
    digest = signed()
    context = DigestContext(earlier=(Sent(digest.response, "older"),))
    verdict = judge(digest, Secrets(), context)
    assert verdict.verdict is Verdict.UNKNOWN
    assert verdict.diagnosis is not None
    assert verdict.diagnosis.hypothesis == "D33"
    same = DigestContext(earlier=(Sent(digest.response, digest.nonce),))
    assert judge(digest, Secrets(), same).diagnosis is None


def test_a_damaged_header_proves_no_mismatch() -> None:
    cut = signed()._replace(nonce="39907", damage="the quoted value of nonce is never closed")
    assert unknown(cut) == "the quoted value of nonce is never closed"
    assert judge(signed()._replace(damage="cut"), ALICE).verdict == "match"


def test_a_reading_is_named_in_the_reason() -> None:
    raw = signed(PLAIN._replace(nonce="a\\b"))
    verdict = judge(raw._replace(nonce="ab", escaped=(("nonce", "a\\b"),)), ALICE)
    assert verdict.verdict == "match"
    assert "quoted-pairs" in verdict.reason


def test_long_wire_values_are_cut_in_reasons() -> None:
    assert clip("a" * 80) == "a" * 80
    assert len(clip("a" * 10_000)) == 80
    assert len(unknown(signed(PLAIN._replace(username="x" * 10_000)))) < 200
