"""The values of credentials and of what a server proves: beyond the examples of the cards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.evidence import RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.register.digest.arithmetic import ALGORITHMS
from analyzer.register.digest.mutual import server_knows_secret
from analyzer.register.digest.secrets import Secrets
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from analyzer.sip.auth import parse_credentials
from tests.rules.cases import rule_of, run, subs

FORM, SCHEME, INT = "R8760-2.7-response-form", "R3261-22-scheme", "R3261-22.4-auth-int"
INFO, HASH = "R7616-3.5-auth-info", "R7616-3.4.4-userhash"
ASKED = "> REGISTER sip:h\n< 401\n> REGISTER sip:h\n"
GIVEN = (
    'Authorization: Digest username="bob", realm="example.com", nonce="n", uri="sip:h", algorithm={}, response="{}"\n'
)


def whole(flow: str, **passwords: str) -> Report:
    return analyze_items(read_flow(flow), rules=all_rules(), secrets=Secrets.of(passwords))


@pytest.mark.parametrize("token", sorted(ALGORITHMS))
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_the_length_is_that_of_the_algorithm(token: str, more: int) -> None:
    flow = ASKED + GIVEN.format(token, "a" * (ALGORITHMS[token].digits + more)) + "< 401"
    assert subs(run(FORM, flow)) == (["length"] if more else [])


@given(st.text("0123456789abcdef", min_size=32, max_size=32))
def test_every_hash_passes(value: str) -> None:
    assert subs(run(FORM, ASKED + GIVEN.format("MD5", value) + "< 401")) == []


@pytest.mark.parametrize("value", ["xxxx", "XXXXXXXXXXXXXXXX", "********", "<hidden>", "[redacted]", "removed", "----"])
def test_what_was_taken_out_is_nobodys_fault(value: str) -> None:
    (finding,) = run(FORM, ASKED + GIVEN.format("MD5", value) + "< 401").findings
    assert (finding.sub, finding.severity, finding.at_fault) == ("redacted", "info", "operator")


def test_a_log_may_have_cut_the_response() -> None:
    flow = ASKED + GIVEN.format("MD5", "a" * 20) + "< 401"
    assert "the log may have cut it" in run(FORM, flow, log=True).findings[0].detail
    assert "the log may have cut it" not in run(FORM, flow).findings[0].detail


def test_a_response_that_cannot_be_one_is_the_root_of_its_repetition() -> None:
    turn = "@{} > REGISTER sip:h\n< 401\n> REGISTER sip:h\nAuthorization: {{bob x response=1234}}\n< 403\n"
    report = whole(turn.format(0) + turn.format(5))
    found = {one.rule: one for one in report.findings if one.count}
    assert "R3261-22.1-same-credentials" not in found
    assert "R3261-22.1-same-credentials" in found[FORM].folded


def test_no_output_has_a_password_that_was_in_clear() -> None:
    flow = "> REGISTER sip:h\nFrom: <sip:bob:Tr0ub4dor@h>;tag=1\nAuthorization: Basic Ym9iOlRyMHViNGRvcg==\n< 200"
    report = run(SCHEME, flow)
    assert subs(report) == ["basic", "password-in-uri"]
    for finding in report.findings:
        assert "Tr0ub4dor" not in f"{finding.detail} {finding.fix}"
        assert "Ym9i" not in f"{finding.detail} {finding.fix}"


@pytest.mark.parametrize(
    ("transport", "found"), [("UDP", ["bearer"]), ("TCP", ["bearer"]), ("WS", ["bearer"]), ("TLS", []), ("WSS", [])]
)
def test_where_a_token_may_go(transport: str, found: list[str]) -> None:
    flow = f"transport={transport} > REGISTER sip:h\nAuthorization: Bearer a.b.c\n< 200"
    assert subs(run(SCHEME, flow)) == found


def test_other_methods_are_looked_at_too() -> None:
    for rule in (FORM, SCHEME, INT, INFO, HASH):
        assert rule_of(rule).methods == ()
    invite = "> INVITE sip:carol@h\nProxy-Authorization: Basic Ym9iOnB3\n< 407\nProxy-Authenticate: Basic realm=x"
    assert subs(run(SCHEME, invite)) == ["basic", "basic-asked"]


def test_the_hash_of_a_body_is_told_in_the_place_of_a_wrong_digest() -> None:
    example = rule_of(INT).examples[0]
    report = whole(example.flow, **example.passwords)
    rules = {one.rule for one in report.findings if one.count}
    assert INT in rules
    assert "R7616-digest-verify" not in rules
    (digest,) = [one for one in report.digests if one.qop == "auth-int"]
    assert digest.verdict == "mismatch", "the verdict itself stands"


def test_a_body_that_was_not_captured_is_not_judged() -> None:
    items = list(read_flow(rule_of(INT).examples[0].flow))
    request = items[2]
    assert isinstance(request, RawMessage)
    request.missing = 40
    report = analyze_items(items, rules=[rule_of(INT)], secrets=Secrets.of({"bob": "secret"}))
    assert report.findings == []


CREDENTIALS = (
    'Digest username="bob", realm="h", nonce="n", uri="sip:h", qop={}, nc=00000001, cnonce="c", response="0"{}'
)


@pytest.mark.parametrize(
    ("qop", "more", "known"),
    [
        ("auth", "", True),
        ("auth-int", "", True),
        ("auth", ", algorithm=SHA-256", True),
        ("auth", ", algorithm=MD5-sess", False),
        ("auth", ", algorithm=AKAv1-MD5", False),
        ("auth", ", algorithm=X", False),
    ],
)
def test_where_the_servers_proof_can_be_judged(qop: str, more: str, known: bool) -> None:
    own = parse_credentials("authorization", CREDENTIALS.format(qop, more))
    secrets = Secrets.of({"bob": "secret"})
    assert (server_knows_secret(own, "REGISTER", "0" * 32, b"", secrets) is False) is known
    assert server_knows_secret(own, "REGISTER", "0" * 32, b"", Secrets()) is None


def test_the_body_of_the_answer_counts_under_auth_int() -> None:
    from analyzer.register.digest.arithmetic import response_auth
    from analyzer.register.digest.input import from_credentials
    from analyzer.register.digest.secret import Secret

    own = parse_credentials("authorization", CREDENTIALS.format("auth-int", ""))
    right = response_auth(from_credentials(own, "REGISTER"), Secret("secret", username="bob"), b"body") or ""
    secrets = Secrets.of({"bob": "secret"})
    assert server_knows_secret(own, "REGISTER", right, b"body", secrets) is True
    assert server_knows_secret(own, "REGISTER", right.upper(), b"body", secrets) is True
    assert server_knows_secret(own, "REGISTER", right, b"", secrets) is False


def test_a_proxys_proof_is_in_its_own_header() -> None:
    flow = "> REGISTER sip:h\n< 407\n> REGISTER sip:h\nProxy-Authorization: {bob x}\n< 200\n"
    assert subs(run(INFO, flow + "Proxy-Authentication-Info: qop=auth\n")) == ["incomplete"]
    assert subs(run(INFO, flow + "Authentication-Info: qop=auth\n")) == []


def test_only_a_success_is_asked_for_a_proof() -> None:
    flow = ASKED + "Authorization: {bob x}\n< 403\nAuthentication-Info: qop=auth\n"
    assert subs(run(INFO, flow)) == []


@pytest.mark.parametrize("name", ["", "bob", "g" * 64, "a" * 63, "a" * 65])
def test_what_is_no_hash_of_a_name(name: str) -> None:
    flow = (
        '> REGISTER sip:h\n< 401\nWWW-Authenticate: Digest realm="h", nonce="n", algorithm=SHA-256, userhash=true\n'
        f'> REGISTER sip:h\nAuthorization: Digest username="{name}", userhash=true, realm="h", nonce="n", uri="sip:h", '
        f'algorithm=SHA-256, response="{"a" * 64}"\n< 401\n'
    )
    assert subs(run(HASH, flow)) == ["length"]
