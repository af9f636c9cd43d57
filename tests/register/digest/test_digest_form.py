"""A digest is held against what the challenge asked for: whatever a phone changes, what is said of it is true."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.register.digest.form import (
    AS_ASKED,
    MOST_OFFERS,
    NO_RESPONSE,
    NOT_SEEN,
    TOO_MANY_OFFERS,
    Offer,
    _asked,
    _own,
    form_of,
    offer_of,
)
from analyzer.register.digest_ledger import DigestRecord
from analyzer.rules import all_rules
from analyzer.sip.auth import Challenge, Credentials, parse_challenges, parse_credentials
from tests.views.reports import drawn, report_of

PLAIN = Offer("md5", (), "")
AUTH = Offer("md5", ("auth",), "")
BASE = {"username": "bob", "realm": "r", "nonce": "n", "uri": "sip:r", "response": "0" * 32}
WITH_QOP = {"qop": "auth", "nc": "00000001", "cnonce": "c"}
BARE = ("qop", "nc", "algorithm")


def credentials(**values: str | None) -> Credentials:
    """Credentials with these parameters beside the usual ones; None leaves one out."""
    whole = {name: value for name, value in (BASE | values).items() if value is not None}
    written = (f"{name}={value}" if name in BARE and value else f'{name}="{value}"' for name, value in whole.items())
    return parse_credentials("authorization", f"Digest {', '.join(written)}")


def challenge(text: str) -> Challenge:
    (found,) = parse_challenges("www-authenticate", f'Digest realm="r", nonce="n"{text}')
    return found


@pytest.mark.parametrize(
    ("offer", "values", "reason"),
    [
        (PLAIN, {}, ""),
        (PLAIN, WITH_QOP, "qop=auth, nc and cnonce although the challenge offers no qop"),
        (PLAIN, {"nc": "00000001", "cnonce": "c"}, "nc and cnonce without qop"),
        (PLAIN, {"algorithm": "md5"}, ""),
        (PLAIN, {"algorithm": "SHA-256"}, "algorithm SHA-256 although the challenge asks for MD5"),
        (PLAIN, {"opaque": ""}, ""),
        (PLAIN, {"opaque": "x"}, "an opaque although the challenge has none"),
        (AUTH, WITH_QOP, ""),
        (AUTH, WITH_QOP | {"qop": "AUTH"}, ""),
        (AUTH, {}, "no qop although the challenge offers auth"),
        (AUTH, WITH_QOP | {"qop": "auth-int"}, "qop=auth-int although the challenge offers auth"),
        (AUTH, WITH_QOP | {"nc": None}, "qop=auth without nc"),
        (AUTH, {"qop": "auth"}, "qop=auth without nc and cnonce"),
        (AUTH, WITH_QOP | {"nc": "1"}, "nc=1 is not eight hexadecimal digits"),
        (AUTH, WITH_QOP | {"nc": "0000000A"}, ""),
        (AUTH._replace(qop=("auth", "auth-int")), WITH_QOP | {"qop": "auth-int"}, ""),
        (AUTH._replace(opaque="x"), WITH_QOP, "no opaque although the challenge has one"),
        (AUTH._replace(opaque="x"), WITH_QOP | {"opaque": "X"}, "another opaque than that of the challenge"),
        (AUTH._replace(opaque="x"), WITH_QOP | {"opaque": "x"}, ""),
        (Offer("md5-sess", (), ""), {"algorithm": "MD5-sess", "cnonce": "c"}, ""),
        (Offer("md5-sess", (), ""), {"algorithm": "MD5-sess"}, "a -sess algorithm without cnonce"),
    ],
)
def test_what_differs_is_named(offer: Offer, values: dict[str, str | None], reason: str) -> None:
    form = form_of(credentials(**values), (offer,))
    assert form.reason == reason
    assert form.word == ("other-form" if reason else "as-asked")


def test_of_several_challenges_with_one_nonce_the_nearest_counts() -> None:
    offers = (Offer("sha-256", ("auth",), ""), AUTH)
    assert form_of(credentials(**WITH_QOP), offers) is AS_ASKED
    assert form_of(credentials(**WITH_QOP, algorithm="SHA-256"), offers) is AS_ASKED
    assert form_of(credentials(**WITH_QOP, algorithm="SHA-512-256"), offers).word == "other-form"
    many = tuple(AUTH._replace(opaque=str(number)) for number in range(MOST_OFFERS))
    assert form_of(credentials(**WITH_QOP), many) is TOO_MANY_OFFERS, "others may have been left out"


def test_without_the_challenge_only_what_none_asks_for_is_told() -> None:
    assert form_of(credentials(**WITH_QOP), ()) is NOT_SEEN
    assert form_of(credentials(), ()) is NOT_SEEN
    assert form_of(credentials(qop="auth"), ()).reason == "qop=auth without nc and cnonce"
    assert form_of(credentials(**WITH_QOP), (), count_repeated=True).reason.startswith(
        "nc=00000001, which does not rise"
    )
    assert form_of(credentials(response="", nonce=""), (AUTH,)) is NO_RESPONSE


@pytest.mark.parametrize(
    ("text", "offer"),
    [
        ("", PLAIN),
        (', qop=""', PLAIN),
        (', qop="auth"', AUTH),
        (', QOP="Auth , auth-int"', Offer("md5", ("auth", "auth-int"), "")),
        (', algorithm="SHA-256", opaque="o"', Offer("sha-256", (), "o")),
    ],
)
def test_an_offer_is_what_the_challenge_says(text: str, offer: Offer) -> None:
    assert offer_of(challenge(text)) == offer


def test_long_values_are_compared_whole_and_kept_short() -> None:
    one, other = "x" * 5000, "x" * 4999 + "y"
    offer = offer_of(challenge(f', opaque="{one}"'))
    assert len(offer.opaque) < 300
    assert form_of(credentials(opaque=one), (offer,)) is AS_ASKED
    assert form_of(credentials(opaque=other), (offer,)).differences[0].kind == "opaque-other"


@given(
    st.fixed_dictionaries(
        {
            "algorithm": st.sampled_from([None, "MD5", "md5-sess", "SHA-256", "x" * 300]),
            "qop": st.sampled_from([None, "", "auth", "AUTH", "auth-int", "q" * 300]),
            "nc": st.sampled_from([None, "", "00000001", "1", "f" * 90]),
            "cnonce": st.sampled_from([None, "", "c"]),
            "opaque": st.sampled_from([None, "", "o", "p"]),
        }
    ),
    st.lists(
        st.builds(
            Offer, st.sampled_from(["md5", "sha-256"]), st.sampled_from([(), ("auth",)]), st.sampled_from(["", "o"])
        ),
        max_size=3,
    ),
    st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_what_is_remembered_of_a_shape_is_what_would_be_found_again(
    values: dict[str, str | None], offers: list[Offer], count_repeated: bool
) -> None:
    """Of long credentials nothing is remembered, so they are looked at each time."""
    short, long = credentials(**values), credentials(**values, x="y" * 3000)
    before = _own.cache_info().currsize, _asked.cache_info().currsize
    looked_at = form_of(long, offers, count_repeated=count_repeated)
    assert before == (_own.cache_info().currsize, _asked.cache_info().currsize)
    assert form_of(short, offers, count_repeated=count_repeated) == looked_at


def test_phones_of_a_kind_have_one_shape() -> None:
    form_of(credentials(**WITH_QOP), (AUTH,))
    before = _own.cache_info().misses, _asked.cache_info().misses
    for number in map(str, range(5)):
        one = credentials(**WITH_QOP | {"cnonce": number, "opaque": number}, username=number, nonce=number)
        assert form_of(one, (AUTH._replace(opaque=number),)) is AS_ASKED
    assert before == (_own.cache_info().misses, _asked.cache_info().misses)


QOP = st.sampled_from([None, "auth", "auth-int", "auth,auth-int", ""])
ALGORITHM = st.sampled_from([None, "MD5", "md5", "SHA-256"])
OPAQUE = st.sampled_from([None, "", "one", "two"])
COUNT = st.sampled_from([None, "00000001", "00000002", "1"])
CNONCE = st.sampled_from([None, "c0ffee"])
SENT_QOP = st.sampled_from([None, "auth", "auth-int", "AUTH"])


def _flow(asked: dict[str, str | None], sent: dict[str, str | None], status: int) -> str:
    offered = "".join(f', {name}="{value}"' for name, value in asked.items() if value is not None)
    answered = " ".join(f"{name}={value or ''}" for name, value in sent.items())
    return (
        f'> REGISTER sip:example.com\n< 401\nWWW-Authenticate: Digest realm="example.com", nonce="AAAA"{offered}\n'
        f"> REGISTER sip:example.com\nAuthorization: {{bob secret {answered}}}\n< {status}\n"
        + ('WWW-Authenticate: Digest realm="example.com", nonce="BBBB"\n' if status == 401 else "")
    )


def _is_as_asked(asked: dict[str, str | None], record: DigestRecord, raw: Credentials) -> bool:
    """RFC 7616 3.3, 3.4 and RFC 2617 3.2.2, written down once more and apart."""
    offers = [one.strip().lower() for one in (asked["qop"] or "").split(",") if one.strip()]
    qop = record.qop.lower()
    fits_qop = qop in offers if qop else not offers
    beside = (raw.nc is not None, raw.cnonce is not None)
    fits_beside = beside == ((True, True) if qop else (False, False))
    fits_count = not qop or len(raw.nc or "") == 8
    fits_algorithm = (record.algorithm or "MD5").upper() == (asked["algorithm"] or "MD5").upper()
    return fits_qop and fits_beside and fits_count and fits_algorithm and (raw.opaque or "") == (asked["opaque"] or "")


@settings(max_examples=150, deadline=None)
@given(
    asked=st.fixed_dictionaries({"qop": QOP, "algorithm": ALGORITHM, "opaque": OPAQUE}),
    sent=st.fixed_dictionaries(
        {"qop": SENT_QOP, "nc": COUNT, "cnonce": CNONCE, "algorithm": ALGORITHM, "opaque": OPAQUE}
    ),
    status=st.sampled_from([200, 401, 403]),
    password=st.sampled_from(["secret", "unlike"]),
)
def test_whatever_a_phone_changes_what_is_said_is_true(
    asked: dict[str, str | None], sent: dict[str, str | None], status: int, password: str
) -> None:
    report = report_of(_flow(asked, sent, status), rules=all_rules(), passwords={"bob": password}, detail=True)
    (record,) = report.digests
    raw = parse_credentials(record.header, record.raw)
    as_asked = _is_as_asked(asked, record, raw)
    assert record.form.word == ("as-asked" if as_asked else "other-form")
    assert bool(record.form.reason) != as_asked
    assert report.summary.other_form == (record.verdict == "match" and not as_asked)
    blamed = {finding.rule: finding for finding in report.findings}
    contradiction = blamed.get("R7616-digest-outcome")
    rejected_good = contradiction is not None and contradiction.sub in ("rejected-good", "forbidden")
    assert rejected_good == (record.verdict == "match" and status != 200 and as_asked)
    forms = [name for name in blamed if name in _FORM_RULES]
    assert bool(forms) != as_asked
    assert all(blamed[name].at_fault == "UAC" for name in forms)
    assert not report.failed


_FORM_RULES = frozenset(
    {
        "R3261-22.4-qop-returned",
        "R2617-3.2.2-cnonce-nc",
        "R7616-3.4-algorithm",
        "R7616-3.4-opaque",
        "R7616-3.4-nc-count",
    }
)


@pytest.mark.parametrize(("status", "command"), list(product((200, 401), ("verify-digest", "pcap"))))
def test_right_in_another_form_is_a_verdict_of_its_own(status: int, command: str) -> None:
    sent: dict[str, str | None] = dict(WITH_QOP)
    flow = _flow({"algorithm": "MD5"}, sent, status)
    report = report_of(flow, passwords={"bob": "secret"}, detail=True)
    text = " ".join(drawn(report, leads_with="digests" if command == "verify-digest" else "clients").split())
    assert "1 response checked: right, but in a form that was not asked for." in text
    assert "qop=auth, nc and cnonce although the challenge offers no qop" in text
    assert "! other form bob in example.com" in text
    assert ("bob's password is right; bob's phone answers in a form that was not asked for." in text) == (
        command == "verify-digest"
    )
    assert "refused all the same" not in text


def test_hostile_values_in_a_form_are_harmless() -> None:
    flow = _flow({"qop": "auth"}, {"qop": "\x1b[31m<script>", "nc": "\x07" * 400, "cnonce": "c"}, 401)
    text = drawn(report_of(flow, rules=all_rules(), passwords={"bob": "secret"}, detail=True))
    assert "\x1b" not in text
    assert "\x07" not in text
