"""What the registrar lets in: authentication, order of checks, whose credentials, which domain (RFC 3261 10.3 steps 3
to 5), beyond what the examples on the cards say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.evidence import Item, RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.register.domains import is_foreign
from analyzer.run.pipeline import analyze_items
from tests.register.watch import watch
from tests.rules.cases import rule_of, run, subs

_AUTHENTICATE, _ORDER, _DOMAIN = "R3261-10.3-3-authenticate", "R3261-10.3-check-order", "R3261-10.3-5-aor-domain"
_AT = "> REGISTER sip:example.com\n"
_ASKED = f"{_AT}< 401\n{_AT}Authorization: {{bob x}}\n< 200\n"
_TWO_VIAS = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKp\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKc\n"


@pytest.mark.parametrize(
    ("flow", "reason"),
    [
        (f"{_AT}{_TWO_VIAS}< 200", "a proxy on the way may have authenticated the client"),
        (f"transport=TLS stream=1 {_AT}< 200", "the client may be known by its secured connection"),
        (f"transport=WSS stream=1 {_AT}< 200", "the client may be known by its secured connection"),
        (f"{_AT}Security-Verify: tls\n< 200", "the client may be known by its secured connection"),
    ],
)
def test_where_the_client_may_be_known_otherwise_nothing_is_said(flow: str, reason: str) -> None:
    report = run(_AUTHENTICATE, flow)
    assert report.findings == []
    assert report.outcomes[_AUTHENTICATE].not_judged == {reason: 1}


def test_one_server_is_one_finding_with_all_who_were_let_in() -> None:
    others = "".join(
        f"src=192.0.2.{n}:5060 {_AT}To: <sip:u{n}@example.com>\nCall-ID: c{n}\n< 200\n" for n in range(20, 25)
    )
    (finding,) = run(_AUTHENTICATE, others).findings
    assert finding.count == 5
    assert "u20@example.com" in finding.detail
    assert "asks others" not in finding.detail


def test_that_others_are_asked_is_said_of_the_same_port_alone() -> None:
    eve = "src=192.0.2.9:5060 {}> REGISTER sip:example.com\nTo: <sip:eve@example.com>\nCall-ID: e\n< 200"
    (same,) = run(_AUTHENTICATE, _ASKED + eve.format("")).findings
    assert same.detail.endswith("without credentials, though the server asks others for theirs")
    (other,) = run(_AUTHENTICATE, _ASKED + eve.format("dst=198.51.100.1:5070 ")).findings
    assert other.detail.endswith("without credentials")


def test_a_registrar_that_asks_later_is_no_reason_to_take_it_back() -> None:
    report = run(_AUTHENTICATE, f"{_AT}< 200\n@60 {_ASKED}")
    assert [finding.count for finding in report.findings] == [1]


def test_the_ims_has_ways_of_its_own() -> None:
    for rule in (_AUTHENTICATE, _ORDER):
        assert run(rule, f"{_ASKED}@9 {_AT}Expires: 0\n< 200", profile="ims").findings == []


def test_a_log_makes_it_less_sure() -> None:
    (wire,) = run(_AUTHENTICATE, f"{_AT}< 200").findings
    (log,) = run(_AUTHENTICATE, f"{_AT}< 200", log=True).findings
    assert (wire.confidence.word, log.confidence.word) == ("high", "medium")


def test_a_request_that_was_cut_may_have_had_credentials() -> None:
    request, answer = read_flow(f"{_AT}User-Agent: phone\n< 200")
    assert isinstance(request, RawMessage)
    cut: list[Item] = [replace(request, payload=request.payload[:-30], missing=30), answer]
    report = analyze_items(cut, rules=[rule_of(_AUTHENTICATE)])
    assert report.findings == []
    assert report.outcomes[_AUTHENTICATE].not_judged == {"WHOLE": 1}


def test_the_hop_of_the_user_agent_counts_where_a_proxy_takes_the_credentials_out() -> None:
    hop = "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKc\n"
    flow = (
        f"{_AT}{hop}Proxy-Authorization: {{bob x}}\n"
        f"src=198.51.100.1:5060 dst=198.51.100.9:5060 {_AT}CSeq: 1\n"
        f"Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKp\n{hop}Max-Forwards: 69\n"
        "to=2 < 200\nto=1 < 200"
    )
    report = run(_AUTHENTICATE, flow)
    assert report.findings == []
    assert report.outcomes[_AUTHENTICATE].not_judged == {}


def test_a_removal_without_credentials_is_told_once() -> None:
    items = list(read_flow(f"{_ASKED}@9 {_AT}Expires: 0\n< 200"))
    report = analyze_items(items, rules=[rule_of(_AUTHENTICATE), rule_of(_ORDER)])
    assert [finding.rule for finding in report.findings] == [_AUTHENTICATE]
    assert report.findings[0].folded == [_ORDER]


@pytest.mark.parametrize("status", ["401", "407", "420 Bad Extension", "400", "503", "500", "302 Moved"])
def test_what_needs_no_authentication_is_no_slip_of_the_order(status: str) -> None:
    assert run(_ORDER, f"{_ASKED}{_AT}Call-ID: c2\nTo: <sip:eve@example.com>\n< {status}").findings == []


def test_each_status_of_one_server_is_one_finding() -> None:
    users = "".join(
        f"src=192.0.2.{n}:5060 {_AT}To: <sip:u{n}@example.com>\nCall-ID: c{n}\n< {404 if n % 2 else 403}\n"
        for n in range(20, 26)
    )
    report = run(_ORDER, _ASKED + users)
    assert sorted(finding.count for finding in report.findings) == [3, 3]
    assert {finding.severity for finding in report.findings} == {"info"}


@pytest.mark.parametrize(
    ("asked", "at", "foreign"),
    [
        ("example.com", "example.net", True),
        ("a.example.com", "b.example.com", False),
        ("Example.COM", "example.com.", False),
        ("example.com", "192.0.2.1", False),
        ("192.0.2.1", "example.com", False),
        ("[2001:db8::1]", "example.com", False),
        ("example.com", "asterisk", False),
        ("a.co.uk", "b.co.uk", False),  # labels are all that is looked at: too little is said rather than too much
        ("lab.invalid", "example.com", True),
    ],
)
def test_which_domains_have_nothing_in_common(asked: str, at: str, foreign: bool) -> None:
    watched = watch(f"> REGISTER sip:{at}\nTo: <sip:bob@{asked}>\n< 200")
    assert is_foreign(watched.only) is foreign
    assert subs(run(_DOMAIN, f"> REGISTER sip:{at}\nTo: <sip:bob@{asked}>\n< 200")) == ["foreign-accepted"] * foreign


def test_a_foreign_domain_is_told_once_for_a_server() -> None:
    users = "".join(
        f"src=192.0.2.{n}:5060 > REGISTER sip:sip.example.net\nTo: <sip:u{n}@example.com>\nCall-ID: c{n}\n< 200\n"
        for n in range(20, 25)
    )
    assert [finding.count for finding in run(_DOMAIN, users).findings] == [5]


def test_two_keys_are_told_instead_of_a_contact_that_was_dropped() -> None:
    flow = (
        "> REGISTER sip:h.example\nCall-ID: a\nContact: <sip:b@192.0.2.1>\nTo: <sip:bob@h.example>\n< 200\n"
        "@9 src=192.0.2.2:5060 > REGISTER sip:h.example\nCall-ID: b\nContact: <sip:b@192.0.2.2>\n"
        "To: <sip:bob@h.example;user=phone>\n< 200\nServer: kamailio\nContact: <sip:b@192.0.2.2>;expires=3600"
    )
    report = analyze_items(list(read_flow(flow)), rules=[rule_of(_DOMAIN), rule_of("R3261-10.3-8-other-bindings")])
    assert [(finding.rule, finding.sub, finding.confidence.word) for finding in report.findings] == [
        (_DOMAIN, "split-key", "high")
    ]


@pytest.mark.parametrize(("name", "found"), [("1001", []), ("1002", ["cross-account"]), ("10020", []), ("bob", [])])
def test_whose_credentials_are_whose(name: str, found: list[str]) -> None:
    flow = (
        "> REGISTER sip:example.com\nTo: <sip:1001@example.com>\nFrom: <sip:1001@example.com>;tag=1\n< 401\n"
        "> REGISTER sip:example.com\nTo: <sip:1001@example.com>\nFrom: <sip:1001@example.com>;tag=1\n"
        f"Authorization: {{{name} x}}\n< 200"
    )
    assert subs(run("R3261-10.3-4-authorize", flow)) == found


def test_the_second_of_two_credentials_is_looked_at_too() -> None:
    flow = (
        "> REGISTER sip:example.com\nTo: <sip:1001@example.com>\nFrom: <sip:1001@example.com>;tag=1\n"
        "Authorization: {1001 x}\nProxy-Authorization: {1002 x}\n< 200"
    )
    assert subs(run("R3261-10.3-4-authorize", flow)) == ["cross-account"]
