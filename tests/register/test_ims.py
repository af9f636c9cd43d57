"""Registration in a mobile network: a SIM answers, over an association of its own (3GPP TS 24.229, RFC 3310)."""

from __future__ import annotations

import pytest

from analyzer.judge.findings import PROFILES, Profile
from analyzer.register.digest.secrets import Secrets
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze
from tests.register.watch import Watched, raw_messages, watch
from tests.rules.cases import run, subs
from tests.shared import shared
from tests.views.reports import drawn, lines_with, report_of

USER = 'username="bob@ims.example", realm="ims.example", uri="sip:ims.example"'
EMPTY = f'Authorization: Digest {USER}, nonce="", response=""\n'
CHALLENGE = '< 401\nWWW-Authenticate: Digest realm="ims.example", nonce="{}", algorithm=AKAv1-MD5, qop="auth"\n'
ANSWER = (
    f'Authorization: Digest {USER}, nonce="{{}}", algorithm=AKAv1-MD5, qop=auth, nc=00000001, cnonce="c", '
    'response="00112233445566778899aabbccddeeff"{}\n'
)
AUTS = ', auts="CjkyMzRfOiwg5CfkJ2UK"'
UNPROTECTED = "@{} > REGISTER sip:ims.example\nSecurity-Client: ipsec-3gpp;alg=hmac-md5-96\n"
PROTECTED = (
    "@{} src=192.0.2.10:6100 dst=198.51.100.1:6060 > REGISTER sip:ims.example\n"
    "Security-Verify: ipsec-3gpp;alg=hmac-md5-96\n"
)
INITIAL = UNPROTECTED.format(0) + EMPTY + CHALLENGE.format("AAAA")
REGISTERED = INITIAL + PROTECTED.format(1) + ANSWER.format("AAAA", "") + "< 200\n"
ANEW = UNPROTECTED.format(3000) + EMPTY + CHALLENGE.format("BBBB")
RESYNCHRONISED = (
    INITIAL + UNPROTECTED.format(1) + ANSWER.format("AAAA", AUTS) + CHALLENGE.format("BBBB")
    + PROTECTED.format(2) + ANSWER.format("BBBB", "") + "< 200\n"
)  # fmt: skip


def legs(watched: Watched) -> list[tuple[int, str, int]]:
    return [(one.registrar.endpoint.port, one.outcome, one.attempts) for one in watched.registrations]


def test_the_protected_leg_is_the_same_registration() -> None:
    watched = watch(REGISTERED)
    assert legs(watched) == [(5060, "registered", 1)]
    assert watched.attempts == [("registered", 200, 2)]


def test_refreshes_over_the_protected_leg_and_a_new_agreement_are_it_too() -> None:
    refresh = PROTECTED.format(1800) + ANSWER.format("AAAA", "").replace("nc=00000001", "nc=00000002") + "< 200\n"
    again = ANEW + PROTECTED.format(3001).replace("6060", "6062") + ANSWER.format("BBBB", "") + "< 200\n"
    watched = watch(REGISTERED + refresh + again)
    assert legs(watched) == [(5060, "registered", 3)]
    assert len({event.binding.contact for event in watched.events}) == 1


def test_another_call_id_over_the_known_leg_is_the_same_client() -> None:
    refresh = PROTECTED.format(1800) + "Call-ID: other\n" + ANSWER.format("AAAA", "") + "< 200\n"
    assert legs(watch(REGISTERED + refresh)) == [(5060, "registered", 2)]


@pytest.mark.parametrize(
    "other",
    [
        REGISTERED.replace("Security-Verify: ipsec-3gpp;alg=hmac-md5-96\n", "").replace("AKAv1-MD5", "MD5"),
        REGISTERED.replace("dst=198.51.100.1:6060", "dst=198.51.100.2:6060"),
        REGISTERED.replace('nonce="AAAA", algorithm=AKAv1-MD5, qop=auth, nc', 'nonce="ZZZZ", algorithm=AKAv1-MD5, nc'),
        REGISTERED.replace("Security-Verify", "Call-ID: another\nSecurity-Verify"),
    ],
    ids=["nothing agreed on", "another host", "another nonce", "another Call-ID"],
)
def test_another_port_without_a_tie_is_a_registrar_of_its_own(other: str) -> None:
    assert len(watch(other).registrations) == 2


def test_the_challenge_may_come_from_the_protected_port() -> None:
    crossed = REGISTERED.replace("< 401", "src=198.51.100.1:6060 < 401", 1)
    assert legs(watch(crossed)) == [(5060, "registered", 1)]


def test_a_resynchronisation_is_one_attempt() -> None:
    watched = watch(RESYNCHRONISED)
    assert watched.attempts == [("registered", 200, 3)]
    assert legs(watched) == [(5060, "registered", 1)]


def test_a_resynchronisation_is_never_judged() -> None:
    for given in ({}, {"bob@ims.example": ""}, {"bob@ims.example": "secret"}, {"bob@ims.example": b"\0" * 8}):
        records = watch(RESYNCHRONISED, secrets=Secrets.of(given)).reconstructor.digests.records
        assert {record.verdict for record in records} == {"unknown"}
        assert [record.is_resynchronisation for record in records] == [False, True, False]


@pytest.mark.parametrize("profile", PROFILES)
def test_an_empty_nonce_is_no_invented_one(profile: Profile) -> None:
    """The second agreement comes after a challenge was seen, and names the user without a nonce as the first did."""
    report = run("R7616-3.4-nonce-current", REGISTERED + ANEW, profile=profile)
    assert subs(report) == []
    assert report.outcomes["R7616-3.4-nonce-current"].passed == 1, "the answer to the first challenge"


SILENT = UNPROTECTED.format(0) + CHALLENGE.format("AAAA")


@pytest.mark.parametrize(
    "flow", [REGISTERED, RESYNCHRONISED, INITIAL, RESYNCHRONISED.replace("< 200", "< 403"), SILENT + REGISTERED]
)
def test_no_sentence_asks_for_a_password(flow: str) -> None:
    text = drawn(report_of(flow, rules=all_rules(), tail=60))
    assert "password given" not in text
    assert "--credentials" not in text
    assert "password set" not in text
    assert lines_with(text, "a SIM answers there")


def test_a_sim_that_does_not_answer_is_told_so() -> None:
    text = " ".join(drawn(report_of(SILENT, rules=all_rules(), tail=60)).split())
    assert "the SIM's answer to the network's challenge (AKA) was not sent, or was lost" in text
    assert "password" not in text


@pytest.mark.parametrize("known", [{"bob@ims.example": "secret"}, {"alice": "x"}])
def test_with_passwords_for_others_nothing_is_right_or_wrong(known: dict[str, str]) -> None:
    report = report_of(RESYNCHRONISED.replace("< 200", "< 403"), rules=all_rules(), passwords=known, tail=60)
    assert report.summary.digests == {"unknown": 3}
    assert not [finding for finding in report.findings if finding.rule.startswith("R7616-digest")]
    assert "password" not in " ".join(failure.cause for one in report.registrations for failure in one.failures)


LATE = INITIAL + PROTECTED.format(33.5) + ANSWER.format("AAAA", "") + "< 200\n"


def test_an_initial_registration_has_no_credentials_yet() -> None:
    """3GPP TS 24.229 5.1.1.2: nonce and response are empty; it names the user, and answers nothing."""
    first, second = watch(REGISTERED).transactions
    assert (first.has_credentials, second.has_credentials) == (False, True)
    rows = report_of(REGISTERED, detail=True).transactions
    assert [row.credentials for row in rows] == [False, True]


@pytest.mark.parametrize(
    ("sent", "answers"),
    [
        ('Digest username="b", realm="r", nonce="", uri="sip:r", response=""', False),
        ('Digest username="b", realm="r", nonce=" ", uri="sip:r", response=""', False),
        ('Digest username="b", realm="r", uri="sip:r"', False),
        ('Digest username="b", realm="r", nonce="n", uri="sip:r", response=""', True),  # 5.1.1.5.3: no network
        ('Digest username="b", realm="r", nonce="", uri="sip:r", response="00"', True),
        ("Basic Ym9iOng=", True),
        ("Bearer abc", True),
    ],
)
def test_which_credentials_answer_a_challenge(sent: str, answers: bool) -> None:
    assert watch(f"> REGISTER sip:r\nAuthorization: {sent}\n").only.has_credentials is answers


def test_an_answer_printed_before_the_initial_registration_changes_nothing() -> None:
    """A log may print the challenge first."""
    watched = watch(reversed(raw_messages(INITIAL)))
    assert not watched.only.has_credentials
    assert watched.only.status == 401


def test_a_challenge_that_is_answered_late_is_no_refusal() -> None:
    """It is challenged, and answers after more than the 32 s of an attempt (docs/rules/conventions.md 5)."""
    watched = watch(LATE)
    assert watched.attempts == [("abandoned", 401, 1), ("registered", 200, 1)]
    (episode,) = watched.registration.history.episodes
    assert episode.answered_after is not None and round(episode.answered_after / 1e9, 1) == 33.5
    text = " ".join(drawn(report_of(LATE, rules=all_rules(), tail=60)).split())
    assert "answered the challenge (401) of" in text and "only after 33" in text
    assert "refused" not in text


def test_a_sim_that_never_answers_gave_up_and_was_not_refused() -> None:
    watched = watch(INITIAL, tail=60)
    assert watched.attempts == [("abandoned", 401, 1)]
    assert watched.registration.credentials_place is None


def test_a_new_initial_registration_leaves_the_challenge_before() -> None:
    """It brings no credentials for it, so it is no retry."""
    again = UNPROTECTED.format(10) + EMPTY + CHALLENGE.format("BBBB") + PROTECTED.format(11) + ANSWER.format("BBBB", "")
    watched = watch(f"{INITIAL}{again}< 200\n")
    assert watched.attempts == [("abandoned", 401, 1), ("registered", 200, 2)]
    (episode,) = watched.registration.history.episodes
    assert (episode.outcomes, episode.answered_after) == (("abandoned",), None)
    assert "left the challenge unanswered once (401)" in drawn(report_of(f"{INITIAL}{again}< 200\n"), width=160)


def test_the_phone_in_a_public_capture_was_challenged_and_then_registered() -> None:
    """Frames 14 to 29 of a capture of others: the answer to the challenge comes 32.6 s after it."""
    report = analyze(shared("captures", "public", "arkime__arkime", "tests", "pcap", "gtp-iphone.pcap"))
    (one,) = report.registrations
    assert one.outcomes == {"abandoned": 1, "registered": 1, "removed": 1}
    text = " ".join(drawn(report).split())
    assert "answered the challenge (401) of 17:16:52 only after 32.6 s" in text
    assert "refused" not in text
