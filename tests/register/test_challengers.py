"""A proxy and a registrar that both ask for credentials: what a request left out, and whom it says nothing against."""

from __future__ import annotations

import pytest

from analyzer.register.challengers import LeftOut
from analyzer.register.digest.secrets import Secrets
from analyzer.rules import all_rules
from tests.register.watch import watch
from tests.rules.cases import run as judged_alone
from tests.views.reports import drawn, report_of

REGISTER = "> REGISTER sip:example.com\n"
R, P = ("authorization", "r"), ("proxy-authorization", "p")


def asks(*challenges: tuple[str, str, str], status: int | None = None) -> str:
    """A response with challenges: (header, realm, nonce)."""
    rows = "".join(
        f'{"WWW" if header == "authorization" else "Proxy"}-Authenticate: Digest realm="{realm}", nonce="{nonce}"\n'
        for header, realm, nonce in challenges
    )
    return f"< {status or (401 if challenges[0][0] == 'authorization' else 407)}\n{rows}"


def brings(*credentials: tuple[str, str, str]) -> str:
    """A request with credentials for these."""
    names = {"authorization": "Authorization", "proxy-authorization": "Proxy-Authorization"}
    rows = [f"{names[header]}: {{bob secret realm={realm} nonce={nonce}}}" for header, realm, nonce in credentials]
    return REGISTER + "\n".join(rows) + "\n"


BEGUN = REGISTER + asks((*P, "p1")) + brings((*P, "p1")) + asks((*R, "r1"))
BOTH = REGISTER + asks((*R, "r1"), (*P, "p1"))


def lacking(flow: str) -> list[tuple[LeftOut, ...]]:
    """What was left out of each request with credentials, in turn."""
    records = watch(flow, secrets=Secrets.of({"bob": "secret"})).reconstructor.digests.records
    return [record.lacking for record in {record.transaction: record for record in records}.values()]


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        (BEGUN + brings((*R, "r1")) + asks((*P, "p2")), [(), (LeftOut(*P),)]),
        (BEGUN + brings((*R, "r1"), (*P, "p1")) + "< 200\n", [(), ()]),
        (BEGUN + brings((*R, "r1"), (*P, "p1")) + asks((*R, "r2")), [(), ()]),  # a wrong password
        (BOTH + brings((*R, "r1")) + asks((*R, "r2"), (*P, "p2")), [(LeftOut(*P),)]),
        (BOTH + brings((*P, "p1")) + asks((*R, "r2"), (*P, "p2")), [(LeftOut(*R),)]),
        (BOTH + brings((*R, "r1")) + "< 200\n", [()]),  # nobody minds
        (BOTH + brings((*R, "r1")) + "< 403\n", [()]),  # another reason
        (BOTH + brings((*R, "r1")) + "< 500\n", [()]),
    ],
    ids=["dropped", "kept", "refused", "registrar alone", "proxy alone", "taken", "forbidden", "failed"],
)
def test_what_a_request_left_out(flow: str, found: list[tuple[LeftOut, ...]]) -> None:
    assert lacking(flow) == found


def test_in_turn_each_of_the_two_is_left_out() -> None:
    rounds = "".join(
        brings((*R, f"r{n}")) + asks((*P, f"p{n + 1}")) + brings((*P, f"p{n + 1}")) + asks((*R, f"r{n + 1}"))
        for n in range(1, 9)
    )
    assert lacking(BEGUN + rounds) == [(), *[(LeftOut(*P),), (LeftOut(*R),)] * 8]


@pytest.mark.parametrize("realm", ["r", "same"])
def test_one_realm_may_have_two_challengers(realm: str) -> None:
    proxy = ("proxy-authorization", realm)
    begun = REGISTER + asks((*proxy, "p1")) + brings((*proxy, "p1")) + asks(("authorization", realm, "r1"))
    both = brings(("authorization", realm, "r1"), (*proxy, "p1"))
    assert lacking(begun + both + "< 200\n") == [(), ()]
    dropped = begun + brings(("authorization", realm, "r1")) + asks((*proxy, "p2"))
    assert lacking(dropped) == [(), (LeftOut(*proxy),)]


@pytest.mark.parametrize(
    "before",
    [
        BEGUN + brings((*R, "r1"), (*P, "p1")) + "< 200\n@600 ",  # a refresh that begins anew
        BEGUN + brings((*R, "r1"), (*P, "p1")) + "Expires: 0\n< 200\n",  # ... and one right after a sign-off
        BEGUN + brings((*R, "r1"), (*P, "p1")) + asks((*R, "r2")) + "@5 ",  # ... and after a refusal
        BEGUN + "@40 ",  # ... and after it gave up
    ],
    ids=["refresh", "sign-off", "refusal", "gave up"],
)
def test_who_begins_anew_is_asked_by_one_after_the_other(before: str) -> None:
    assert lacking(before + BEGUN)[-1] == ()


def test_what_was_asked_for_long_ago_is_not_held_against_it() -> None:
    late = brings((*R, "r1")) + asks((*P, "p2"))
    assert lacking(f"{BEGUN}@20 {late}")[-1] == (LeftOut(*P),)
    assert lacking(f"{BEGUN}@40 {late}")[-1] == ()


def test_another_realm_in_the_same_header_is_a_realm_that_was_spelled_wrongly() -> None:
    flow = REGISTER + asks((*R, "r1")) + brings(("authorization", "R", "r1")) + asks((*R, "r2"))
    assert lacking(flow) == [()]


def test_two_algorithms_of_one_realm_are_one_challenger() -> None:
    rows = asks((*R, "n1"), (*R, "n1")).replace('nonce="n1"\n', 'nonce="n1", algorithm=SHA-256\n', 1)
    assert lacking(REGISTER + rows + brings((*R, "n1")) + asks((*R, "n2"))) == [()]


def test_a_challenge_from_before_the_capture_is_not_known() -> None:
    assert lacking(brings((*R, "r1")) + asks((*P, "p1"))) == [()]


def test_a_crowd_of_challengers_is_bounded() -> None:
    many = [("authorization", f"r{n}", f"n{n}") for n in range(40)]
    (found,) = lacking(REGISTER + asks(*many) + brings(many[0]) + asks(*many))
    assert len(found) == 8


# What is said of it.


def test_the_registrar_is_not_accused_and_the_phone_is() -> None:
    flow = BOTH + brings((*R, "r1")) + asks((*R, "r2"), (*P, "p2"))
    report = report_of(flow, rules=all_rules(), passwords={"bob": "secret"}, tail=60)
    rules = {finding.rule: finding for finding in report.findings}
    assert "R7616-digest-outcome" not in rules
    finding = rules["R3261-22.3-left-out"]
    assert (finding.at_fault, finding.severity, finding.explained) == ("UAC", "warning", 1)
    assert finding.detail == (
        "the request of bob has Authorization for realm 'r', and leaves out Proxy-Authorization for realm 'p', "
        "which a proxy asks for"
    )
    (registration,) = report.registrations
    assert registration.failures[-1].cause == (
        "the phone leaves out credentials that the same request needs: Proxy-Authorization for realm 'p', "
        "which a proxy asks for"
    )


def test_a_wrong_password_comes_first() -> None:
    flow = BOTH + brings((*R, "r1")).replace("secret", "wrong") + asks((*R, "r2"), (*P, "p2"))
    report = report_of(flow, rules=all_rules(), passwords={"bob": "Qx-7-secret"}, tail=60)
    (registration,) = report.registrations
    assert registration.failures[-1].cause == "the response does not match the password given"


def test_a_right_response_that_is_refused_alone_still_accuses_the_registrar() -> None:
    flow = REGISTER + asks((*R, "r1")) + brings((*R, "r1")) + asks((*R, "r2"))
    found = {finding.rule for finding in report_of(flow, rules=all_rules(), passwords={"bob": "secret"}).findings}
    assert "R7616-digest-outcome" in found
    assert "R3261-22.3-left-out" not in found


def test_the_proxys_nonce_is_not_old_because_the_registrar_of_the_same_realm_gave_another() -> None:
    same = ("proxy-authorization", "r")
    flow = (
        f"@0 {REGISTER}{asks((*same, 'p1'))}@1 {brings((*same, 'p1'))}{asks((*R, 'r1'))}"
        f"@2 {brings((*same, 'p1'), (*R, 'r1')).replace('nonce=p1', 'nonce=p1 nc=00000002')}< 200\n"
    )
    assert judged_alone("R7616-3.4-nonce-current", flow).findings == []
    old = f"@0 {REGISTER}{asks((*R, 'r1'))}@1 {brings((*R, 'r1'))}{asks((*R, 'r2'))}@2 {brings((*R, 'r1'))}< 401\n"
    assert [one.rule for one in judged_alone("R7616-3.4-nonce-current", old).findings] == ["R7616-3.4-nonce-current"]


def test_a_challenge_of_the_second_that_is_left_unanswered_refuses_nothing() -> None:
    """The proxy lets it pass, the registrar asks for the first time, and the phone stops there (Asterisk does)."""
    flow = REGISTER + asks((*P, "p1")) + brings((*P, "p1")) + asks((*R, "r1"))
    for passwords in ({"bob": "secret"}, None):
        report = report_of(flow, rules=all_rules(), passwords=passwords, tail=60)
        (registration,) = report.registrations
        assert (registration.outcome, registration.status) == ("rejected", 401)
        cause = (
            "the phone answers a proxy (realm 'p'), and leaves the challenge unanswered that comes then from the "
            "registrar (realm 'r')"
        )
        assert registration.failures[-1].cause == cause
        assert not {finding.rule for finding in report.findings} & {"R7616-digest-outcome", "R3261-22.3-left-out"}
        text = " ".join(drawn(report).split())
        assert "refused" in text and cause in text and "refused all the same" not in text


def test_it_is_the_same_the_other_way_round() -> None:
    flow = REGISTER + asks((*R, "r1")) + brings((*R, "r1")) + asks((*P, "p1"))
    (registration,) = report_of(flow, tail=60).registrations
    assert registration.failures[-1].cause.endswith("that comes then from a proxy (realm 'p')")


def test_credentials_for_a_realm_that_nobody_named_are_no_answer_to_a_first_challenger() -> None:
    """The registrar asks again and again, and the phone spells its realm otherwise: it is refused."""
    other = ("authorization", "another")
    flow = REGISTER + asks((*R, "r1")) + brings((*other, "r1")) + asks((*R, "r2"))
    (registration,) = report_of(flow, tail=60).registrations
    assert registration.outcome == "rejected"


@pytest.mark.parametrize(
    ("status", "sub", "severity", "cause"),
    [
        (401, "rejected-good", "warning", "the registrar may have another password or realm on file"),
        (403, "forbidden", "info", "the account may not register there, or the registrar has another password on file"),
    ],
)
def test_a_refusal_that_leaves_two_reasons_names_both(status: int, sub: str, severity: str, cause: str) -> None:
    refusal = asks((*R, "r2")) if status == 401 else "< 403\n"
    flow = REGISTER + asks((*R, "r1")) + brings((*R, "r1")) + refusal
    report = report_of(flow, rules=all_rules(), passwords={"bob": "secret"}, tail=60)
    (finding,) = [one for one in report.findings if one.rule == "R7616-digest-outcome"]
    assert (finding.sub, finding.severity, finding.at_fault) == (sub, severity, "registrar / account")
    (registration,) = report.registrations
    assert registration.failures[-1].cause.endswith(cause)
