"""Values that the header does not show: a word for "nothing" hashed for the cnonce, and nc or cnonce left out.

The first is proven by the response; of the second nobody can say that a password is wrong.
"""

from __future__ import annotations

import hashlib

import pytest

from analyzer.register.digest.arithmetic import Reading, expected
from analyzer.register.digest.diagnosis.context import DigestContext
from analyzer.register.digest.diagnosis.engine import all_hypotheses, diagnose
from analyzer.register.digest.diagnosis.likely import FIXED_CNONCES, PLACEHOLDERS
from analyzer.register.digest.input import DigestInput, left_out
from analyzer.register.digest.secrets import Secret, Secrets
from analyzer.register.digest.verdict import UNCHECKABLE, DigestVerdict, Verdict, judge

PASSWORD = "q7-Unlikely"
SENT = DigestInput("u", "lab.invalid", "9f21aa", "sip:10.9.0.1", "", "MD5", "auth", "00000001", "ee7b4e6c")
BARE = SENT._replace(qop="", nc="", cnonce="")
ASKED, NOT_ASKED, UNSEEN = (DigestContext(qop_asked=asked) for asked in (True, False, None))


def response(digest: DigestInput, session: tuple[str, str] | None = None, password: str = PASSWORD) -> str:
    """What a client sends that hashes these values; `session`: nonce and cnonce of the -sess step."""
    right = expected(Reading(digest, session or (digest.nonce, digest.cnonce)), Secret(password))
    assert right is not None
    return right


def judged(digest: DigestInput, context: DigestContext = ASKED, password: str = PASSWORD) -> DigestVerdict:
    return judge(digest, Secrets.of({"u": password}), context)


@pytest.mark.parametrize("algorithm", ["MD5-sess", "SHA-256-sess", "SHA-512-256-sess"])
@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("", "an empty cnonce"),
        ('"ee7b4e6c"', "quotes round cnonce"),
        ("b'ee7b4e6c'", "\"b'ee7b4e6c'\" in place"),
        ("9f21aa", "the nonce twice"),
        *((word, f'"{word}" in place of the cnonce') for word in PLACEHOLDERS),
    ],
)
def test_a_session_ha1_with_another_cnonce(word: str, said: str, algorithm: str) -> None:
    digest = SENT._replace(algorithm=algorithm)
    found = judged(digest._replace(response=response(digest, (digest.nonce, word))))
    assert found.verdict is Verdict.MISMATCH
    assert found.diagnosis is not None
    assert found.diagnosis.hypothesis == "D36"
    assert found.diagnosis.password_is_right
    assert said in found.reason


def test_the_response_of_a_real_client() -> None:
    """opensip 0.2.1 makes A1 of `MD5-sess` before it draws its cnonce."""
    digest = DigestInput(
        username="u",
        realm="lab.invalid",
        nonce="50c47257f28da959fc0f",
        uri="sip:10.9.0.1",
        response="0b00afc53261c3275870cdef930941e3",
        algorithm="MD5-sess",
        qop="auth",
        nc="00000001",
        cnonce="ee7b4e6c0dbd1ef7",
    )
    found = diagnose(digest, Secret("pw"))
    assert found is not None
    assert (found.hypothesis, found.password_is_right) == ("D36", True)
    assert found.text == 'the response is computed with a -sess A1 that has "None" in place of the cnonce'
    assert diagnose(digest, Secret("pw2")) is None


@pytest.mark.parametrize("word", [*PLACEHOLDERS, "b'ee7b4e6c'"])
@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess"])
def test_a_word_for_nothing_in_the_whole_response(word: str, algorithm: str) -> None:
    digest = SENT._replace(algorithm=algorithm)
    found = judged(digest._replace(response=response(digest._replace(cnonce=word))))
    assert found.diagnosis is not None
    assert (found.diagnosis.hypothesis, found.diagnosis.password_is_right) == ("D24", True)


def test_a_right_session_response_stays_right() -> None:
    digest = SENT._replace(algorithm="MD5-sess")
    assert judged(digest._replace(response=response(digest))).verdict is Verdict.MATCH


# Left out of the header, and hashed all the same.


@pytest.mark.parametrize(
    ("digest", "asked", "missing"),
    [
        (SENT, True, ()),
        (BARE, False, ()),
        (BARE, None, ()),  # the older formula, as long as nobody is seen to ask for another
        (BARE, True, ("qop", "nc", "cnonce")),
        (SENT._replace(qop=""), False, ()),
        (SENT._replace(qop=""), True, ()),  # one of two words, both of which are tried
        (SENT._replace(nc=""), True, ("nc",)),
        (SENT._replace(cnonce=""), None, ("cnonce",)),
        (SENT._replace(nc="", cnonce=""), False, ("nc", "cnonce")),
        (BARE._replace(cnonce="c"), None, ("qop", "nc")),
        (BARE._replace(cnonce="c"), False, ()),  # without qop nothing beside it is hashed (RFC 2617 3.2.2)
        (BARE._replace(nc="00000001"), None, ("qop", "cnonce")),
        (BARE._replace(algorithm="MD5-sess"), False, ("cnonce",)),
        (BARE._replace(algorithm="MD5-sess", cnonce="c"), False, ()),
    ],
)
def test_what_was_left_out(digest: DigestInput, asked: bool | None, missing: tuple[str, ...]) -> None:
    assert left_out(digest, asked) == missing


@pytest.mark.parametrize(
    "guess",
    [
        {},
        {"nc": "1"},
        {"nc": "00000000"},
        {"nc": "None", "cnonce": "None"},
        {"cnonce": "undefined"},
        {"cnonce": "9f21aa"},
        {"cnonce": "u"},
        *({"cnonce": value} for value in FIXED_CNONCES),
    ],
    ids=repr,
)
def test_likely_values_are_guessed(guess: dict[str, str]) -> None:
    hashed = SENT._replace(**{"cnonce": "", **guess})  # type: ignore[arg-type]
    found = judged(BARE._replace(response=response(hashed)))
    assert found.verdict is Verdict.MISMATCH
    assert found.diagnosis is not None
    assert found.diagnosis.hypothesis in ("D02", "D37")
    assert found.diagnosis.password_is_right


@pytest.mark.parametrize("number", [1, 2, 9, 10, 16])
def test_a_count_that_was_left_out_is_guessed(number: int) -> None:
    found = judged(SENT._replace(nc="", response=response(SENT._replace(nc=f"{number:08x}"))))
    assert found.diagnosis is not None
    assert found.diagnosis.hypothesis == "D37"
    assert f"nc={number:08x}" in found.reason


def test_a_cnonce_of_a_session_without_qop() -> None:
    digest = BARE._replace(algorithm="MD5-sess")
    found = judged(digest._replace(response=response(digest, (digest.nonce, "null"))), NOT_ASKED)
    assert found.diagnosis is not None
    assert found.diagnosis.hypothesis == "D24"


def test_the_offered_list_may_have_been_hashed_for_qop() -> None:
    context = ASKED._replace(qop_offers=("auth,auth-int",))
    hashed = SENT._replace(qop="auth,auth-int", cnonce="xyz")
    found = judged(BARE._replace(response=response(hashed)), context)
    assert found.diagnosis is not None
    assert found.diagnosis.hypothesis == "D37"


@pytest.mark.parametrize(
    ("digest", "context", "names"),
    [
        (BARE, ASKED, "qop, nc and cnonce were not sent"),
        (SENT._replace(nc=""), ASKED, "nc was not sent"),
        (SENT._replace(cnonce=""), UNSEEN, "cnonce was not sent"),
        (SENT._replace(nc="", cnonce=""), NOT_ASKED, "nc and cnonce were not sent"),
        (BARE._replace(algorithm="MD5-sess"), NOT_ASKED, "cnonce was not sent"),
    ],
)
@pytest.mark.parametrize("password", [PASSWORD, "another-one"])
def test_what_may_have_been_hashed_and_was_not_sent_proves_nothing(
    digest: DigestInput, context: DigestContext, names: str, password: str
) -> None:
    """Neither for the password nor against it: a random cnonce gives any value."""
    hashed = digest._replace(qop="auth", nc="0000abcd", cnonce="5d41402abc4b2a76")
    found = judged(digest._replace(response=response(hashed)), context, password)
    assert found.verdict is Verdict.UNKNOWN
    assert found.diagnosis is None
    assert found.reason.startswith(f"{UNCHECKABLE}: {names}")
    assert "D37" in found.reason


@pytest.mark.parametrize("context", [NOT_ASKED, UNSEEN])
def test_without_qop_where_none_was_offered_a_wrong_password_is_proven(context: DigestContext) -> None:
    found = judged(BARE._replace(response=response(BARE, password="another-one")), context)
    assert found.verdict is Verdict.MISMATCH
    assert found.reason.startswith("wrong password or unknown cause")


def test_the_older_formula_is_right_although_qop_was_offered() -> None:
    assert judged(BARE._replace(response=response(BARE))).verdict is Verdict.MATCH


def test_a_password_of_another_realm_still_says_nothing() -> None:
    secrets = Secrets.of({"u": PASSWORD}, realm="elsewhere")
    found = judge(BARE._replace(response=response(SENT)), secrets, ASKED)
    assert (found.verdict, UNCHECKABLE in found.reason) == (Verdict.UNKNOWN, False)


def test_a_response_of_another_length_is_cut_first_of_all() -> None:
    found = judged(BARE._replace(response="0" * 31))
    assert found.reason.startswith("the response is cut or malformed")


# What a diagnosis says of the password.

_OF_THE_PASSWORD = {"D08", "D09", "D12", "D13", "D14", "D15", "D28", "D29"}
_OF_NEITHER = {"D31", "D33", "D35"}


def test_which_hypotheses_leave_the_password_alone() -> None:
    changing = {one.id for one in all_hypotheses() if not one.keeps_password}
    assert changing == _OF_THE_PASSWORD | _OF_NEITHER


def test_a_pair_with_another_password_does_not_prove_it_right() -> None:
    made = response(SENT._replace(username="u@lab.invalid"), password=PASSWORD + "\n")
    found = diagnose(SENT._replace(response=made), Secret(PASSWORD))
    assert found is not None
    assert (found.hypothesis, found.password_is_right) == ("D10+D12", False)


def test_a_pair_that_keeps_it_does() -> None:
    made = response(SENT._replace(username="u@lab.invalid", nc="1"))
    found = diagnose(SENT._replace(response=made), Secret(PASSWORD))
    assert found is not None
    assert (found.hypothesis, found.password_is_right) == ("D04+D10", True)


def test_the_formula_is_the_standards() -> None:
    """RFC 7616 3.4.2 by hand, so that the vectors above do not come from the code that is tested."""

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    a1 = md5(f"{md5(f'u:lab.invalid:{PASSWORD}')}:9f21aa:None")
    made = md5(f"{a1}:9f21aa:00000001:ee7b4e6c:auth:{md5('REGISTER:sip:10.9.0.1')}")
    digest = SENT._replace(algorithm="MD5-sess")
    assert made == response(digest, (digest.nonce, "None"))
