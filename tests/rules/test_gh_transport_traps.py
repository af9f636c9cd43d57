"""Groups G and H of the rules, beyond what examples say: who is blamed and how much, logs, halves of a capture, cut
messages, profiles, and what stays true when ports and sizes are shifted. Traps by docs/rules/traps.md."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evidence import Fidelity, Item, RawMessage
from analyzer.judge.findings import PASSED, Answer, Rule
from analyzer.judge.flowtext import read_flow
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from tests.rules.cases import rule_of, run, subs

_COOKIE = "R3261-8.1.1.7-branch-cookie"
_REUSE = "R3261-8.1.1.7-branch-reuse"
_MTU = "R3261-18.1.1-mtu"
_RPORT = "R3581-4-received-rport"
_TRANSPORT = "R3261-18.1.1-via-transport"
_LENGTH = "R3261-18.3-content-length"
_CONTACT = "PRAC-contact-unroutable"
_SIPS = "R3261-26.2.2-sips-tls"
_GROUPS = [rule for rule in all_rules() if rule.group in ("G", "H")]
_AT = "> REGISTER sip:example.com"
_VIA = "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK{}"


def _of(rule: str, items: list[Item]) -> Report:
    return analyze_items(items, rules=[rule_of(rule)])


def _raw(flow: str) -> list[RawMessage]:
    return [item for item in read_flow(flow) if isinstance(item, RawMessage)]


# The branch: cookie and reuse


def test_the_old_profile_has_no_cookies() -> None:
    flow = f"{_AT}\n{_VIA.format('').replace('z9hG4bK', '1')}\n< 200"
    assert subs(run(_COOKIE, flow)) == [""]
    assert subs(run(_COOKIE, flow, profile="legacy2543")) == []


def test_one_finding_for_all_requests_of_a_phone() -> None:
    via = "Via: SIP/2.0/UDP 192.0.2.10:5060;branch="
    (finding,) = run(_COOKIE, f"{_AT}\n{via}1\n< 401\n{_AT}\n{via}2\nAuthorization: {{bob x}}\n< 200").findings
    assert finding.count == 2
    assert "'1'" in finding.detail


@pytest.mark.parametrize("octets", [60, 100])
def test_a_branch_that_was_cut_is_not_missing(octets: int) -> None:
    first, *rest = _raw(f"{_AT}\n{_VIA.format('abc')}\n< 200")
    cut = replace(first, payload=first.payload[:octets], missing=len(first.payload) - octets)
    report = _of(_COOKIE, [cut, *rest])
    assert report.findings == []
    assert report.outcomes[_COOKIE].not_judged == {"WHOLE": 1}


def test_a_branch_that_never_changes_is_counted() -> None:
    flow = "".join(f"@{1800 * number} {_AT}\n{_VIA.format('x')}\n< 200\n" for number in range(4))
    (finding,) = run(_REUSE, flow, tail=60).findings
    assert (finding.sub, finding.severity, finding.count) == ("reuse", "warning", 3)
    assert "of CSeq 1, answered with 200" in finding.detail


@settings(max_examples=20, deadline=None)
@given(apart=st.integers(1, 120), answered=st.booleans())
def test_an_error_is_what_is_seen_to_wait_in_vain_while_the_old_one_lives(apart: int, answered: bool) -> None:
    flow = f"@0 {_AT}\n{_VIA.format('x')}\n@0.1 < 200\n@{apart} {_AT}\n{_VIA.format('x')}\n"
    flow += f"@{apart}.1 < 200\n" if answered else f"@{apart + 1} > again\n"
    (finding,) = run(_REUSE, flow, tail=120).findings
    assert finding.severity == ("error" if not answered and apart <= 32 else "warning")


def test_two_phones_with_one_branch_are_not_compared() -> None:
    """A branch is unique by itself; that two user agents draw the same one is told by their Call-ID."""
    flow = f"{_AT}\n{_VIA.format('x')}\n< 200\nsrc=192.0.2.11:5060 {_AT}\n{_VIA.format('x').replace('.10', '.11')}\n"
    assert subs(run(_REUSE, flow + "To: <sip:carol@example.com>\nCall-ID: c\n< 200", tail=60)) == []


def test_a_reused_branch_explains_the_silence() -> None:
    flow = (
        f"@0 {_AT}\n{_VIA.format('x')}\n@0.1 < 401\n@0.2 {_AT}\n{_VIA.format('x')}\nAuthorization: {{bob x}}\n"
        "@0.3 to=1 < again\n" + "".join(f"@{at} > again\n" for at in (0.7, 1.7, 3.7, 7.7, 11.7))
    )
    report = analyze_items(read_flow(flow, tail=120))
    found = {finding.rule: finding for finding in report.findings}
    assert found[_REUSE].severity == "error"
    assert found[_REUSE].explained == 1


def test_a_copy_that_a_log_prints_with_another_body_is_a_copy() -> None:
    one, two = _raw(f"@0 body=v=0 {_AT}\n{_VIA.format('x')}\nContent-Length: 3\n@0.6 > again")
    changed = replace(two, payload=two.payload.replace(b"v=0", b"v=1"))
    assert subs(_of(_REUSE, [one, changed])) == ["mutated-retransmission"]
    printed: list[Item] = [replace(item, fidelity=Fidelity.TEXT_LOG) for item in (one, changed)]
    assert subs(_of(_REUSE, printed)) == []


# Size


@settings(max_examples=25, deadline=None)
@given(octets=st.integers(500, 2500))
def test_the_limit_is_1300_octets(octets: int) -> None:
    (item,) = _raw(_AT)
    padded = item.payload.replace(b"\r\n\r\n", b"\r\nX: " + b"a" * (octets - len(item.payload) - 5) + b"\r\n\r\n")
    assert len(padded) == octets
    found = _of(_MTU, [replace(item, payload=padded)]).findings
    assert [finding.severity for finding in found] == ["warning"] * (octets > 1300)
    assert all(f"{octets} octets" in finding.detail for finding in found)
    assert all(("Ethernet" in finding.detail) == (octets > 1472) for finding in found)


def test_what_the_snap_length_cut_counts_along() -> None:
    (item,) = _raw(_AT)
    (finding,) = _of(_MTU, [replace(item, missing=1200)]).findings
    assert f"{len(item.payload) + 1200} octets" in finding.detail


def test_ipv6_has_less_room_in_a_frame() -> None:
    (item,) = _raw("src=[2001:db8::7]:5060 dst=[2001:db8::1]:5060 " + _AT)
    (finding,) = _of(_MTU, [replace(item, missing=1460 - len(item.payload))]).findings
    assert "Ethernet" in finding.detail


# received and rport

_NAT = f"src=203.0.113.7:40001 {_AT}\nVia: SIP/2.0/UDP 10.0.0.5:5060;rport;branch=z9hG4bKa\n< 200\n"


@settings(max_examples=25, deadline=None)
@given(port=st.integers(1, 65535), host=st.sampled_from(["203.0.113.7", "198.51.100.9"]))
def test_a_port_is_wrong_beside_the_packets_own_address_alone(port: int, host: str) -> None:
    flow = f"{_NAT}Via: SIP/2.0/UDP 10.0.0.5:5060;received={host};rport={port};branch=z9hG4bKa"
    wrong = host == "203.0.113.7" and port != 40001
    assert subs(run(_RPORT, flow)) == ["wrong-port"] * wrong


def test_one_finding_for_each_server() -> None:
    via = "Via: SIP/2.0/UDP 10.0.0.5:5060;rport;branch=z9hG4bK"
    flow = "".join(
        f"src=203.0.113.7:4000{number} {_AT}\nCall-ID: {number}\nTo: <sip:u{number}@h>\n{via}{number}\n"
        f"< 200\n{via}{number}\n"
        for number in range(3)
    )
    (finding,) = run(_RPORT, flow).findings
    assert (finding.at_fault, finding.count, finding.severity) == ("registrar", 3, "warning")


def test_a_translator_seen_on_both_sides_is_none_of_the_servers_faults() -> None:
    via = "Via: SIP/2.0/UDP 192.168.1.5:5060;rport;branch=z9hG4bKa\n"
    flow = (
        f"src=192.168.1.5:5060 ip_id=1 {_AT}\n{via}@0.01 src=203.0.113.5:40001 ip_id=1 > again\n"
        "@0.02 dst=203.0.113.5:40001 < 200\nVia: SIP/2.0/UDP 192.168.1.5:5060;rport=40001;received=203.0.113.5"
        ";branch=z9hG4bKa"
    )
    assert subs(run(_RPORT, flow)) == []


# Via, sips, length, contact


@pytest.mark.parametrize("transport", ["UDP", "TCP", "TLS", "SCTP", "WS", "WSS"])
@pytest.mark.parametrize("written", ["UDP", "TCP", "TLS", "SCTP", "WS", "WSS"])
def test_every_transport_against_every_other(transport: str, written: str) -> None:
    flow = f"transport={transport} stream=1 {_AT}\nVia: SIP/2.0/{written} 192.0.2.10:5060;branch=z9hG4bKa"
    offloaded = (transport, written) in {("TCP", "TLS"), ("WS", "WSS")}
    expected = [] if transport == written else ["offloaded"] if offloaded else [""]
    assert subs(run(_TRANSPORT, flow)) == expected


def test_a_source_that_does_not_say_its_transport_is_not_held_against_the_via() -> None:
    (item,) = _raw(_AT)
    assert subs(_of(_TRANSPORT, [replace(item, transport="")])) == []


def test_a_proxys_via_is_the_proxys_fault() -> None:
    flow = f"transport=TCP stream=1 {_AT}\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKp\n{_VIA.format('u')}"
    (finding,) = run(_TRANSPORT, flow).findings
    assert finding.at_fault == "proxy"


def test_without_a_transport_the_via_of_a_sips_request_is_believed() -> None:
    (item,) = _raw("> REGISTER sips:example.com")
    (finding,) = _of(_SIPS, [replace(item, transport="", fidelity=Fidelity.TEXT_LOG)]).findings
    assert finding.severity == "warning"


def test_a_terminator_of_tls_is_not_judged() -> None:
    flow = "transport=TCP stream=1 > REGISTER sips:h\nVia: SIP/2.0/TLS 192.0.2.10;branch=z9hG4bKa\n< 200"
    tally = run(_SIPS, flow).outcomes[_SIPS]
    assert tally.not_judged == {"TLS may end before the point of capture": 1}


def test_who_sent_a_wrong_length_is_named() -> None:
    flow = f"transport=TCP stream=1 {_AT}\ntransport=TCP stream=1 < 200\n-Content-Length"
    (finding,) = run(_LENGTH, flow).findings
    assert (finding.at_fault, finding.sub) == ("registrar", "missing")
    assert "the 200 goes over TCP" in finding.detail


def test_a_cut_message_has_no_wrong_length() -> None:
    (item,) = _raw(f"{_AT}\nContent-Length: 300")
    assert subs(_of(_LENGTH, [item])) == ["beyond"]
    report = _of(_LENGTH, [replace(item, missing=300)])
    assert report.findings == []
    assert report.outcomes[_LENGTH].not_judged == {"the message is cut": 1}


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ("10.9.8.7", [""]),
        ("100.64.0.9", [""]),
        ("[fd00::1]", [""]),
        ("169.254.1.1", ["local"]),
        ("127.0.0.1", ["local"]),
        ("0.0.0.0", ["unspecified"]),
        ("203.0.113.7:40001", []),
        ("203.0.113.7:5060", ["port"]),
        ("198.51.100.77", []),
        ("phone.invalid", []),
        ("pbx.example.com", []),
    ],
)
def test_which_contacts_cannot_be_reached(contact: str, expected: list[str]) -> None:
    flow = f"src=203.0.113.7:40001 {_AT}\nVia: SIP/2.0/UDP 10.9.8.7:5060;rport;branch=z9hG4bKa\n"
    assert subs(run(_CONTACT, f"{flow}Contact: <sip:bob@{contact}>\n< 200")) == expected
    assert subs(run(_CONTACT, f"{flow}Contact: <sip:bob@{contact}>\n< 200", profile="ims")) == []


def test_a_request_over_a_proxy_does_not_come_from_the_phone() -> None:
    flow = f"src=203.0.113.7:5060 {_AT}\nVia: SIP/2.0/UDP 203.0.113.7;branch=z9hG4bKp\n{_VIA.format('u')}\n"
    assert subs(run(_CONTACT, f"{flow}Contact: <sip:bob@10.0.0.5>\n< 200")) == []


# All of them


@pytest.mark.parametrize("rule", _GROUPS, ids=lambda rule: rule.id)
def test_answers_without_requests_blame_nobody_for_the_request(rule: Rule) -> None:
    """One direction alone (T-ONESIDE): what a request had, or had not, is not known."""
    items: list[Item] = [
        item for one in _GROUPS for example in one.examples for item in _raw(example.flow)
        if item.payload.startswith(b"SIP/2.0 ")
    ]  # fmt: skip
    for finding in analyze_items(items, rules=[rule]).findings:
        assert finding.at_fault != "UAC"
        assert finding.sub in ("420-no-unsupported", "421-no-require", "missing", "syntax", "where", "response")


def test_an_ordinary_registration_is_asked_of_none_of_them() -> None:
    asked: list[str] = []

    def told(name: str, subject: object, context: object) -> Answer:
        del subject, context
        asked.append(name)
        return PASSED

    rules = [replace(rule, check=partial(told, rule.id)) for rule in _GROUPS]
    flow = f"{_AT}\n< 401\n{_AT}\nAuthorization: {{bob x}}\n< 200"
    analyze_items(read_flow(flow, tail=60), rules=rules)
    assert asked == ["R5626-4.1-instance-regid"]  # at the end, of all clients together
