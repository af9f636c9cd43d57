"""Traps of the rules about answers: cut lists, answers without requests, instances, nonces over time and clients."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.evidence import Item, RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.register.contact_relations import MOST_PAIRS, is_listed, is_similar
from analyzer.run.pipeline import analyze_items
from analyzer.sip.address import Address
from analyzer.sip.message import parse_bytes
from tests.rules.cases import rule_of, run, subs

_AT = "> REGISTER sip:example.com"
_ASKED = f"{_AT}\nContact: <sip:b@h1>\n"


def _cut_answer(flow: str, octets: int) -> list[Item]:
    request, answer = read_flow(flow)
    assert isinstance(answer, RawMessage)
    return [request, replace(answer, payload=answer.payload[:octets], missing=len(answer.payload) - octets)]


@pytest.mark.parametrize("rule", ["R3261-10.3-8-contact-list", "R3261-10.3-8-expires-param"])
def test_a_cut_list_of_contacts_is_not_judged(rule: str) -> None:
    items = _cut_answer(f"{_ASKED}< 200\nContact: <sip:c@h2>;q=1, <sip:b@h1>;expires=60", 260)
    report = analyze_items(items, rules=[rule_of(rule)])
    assert report.findings == []
    assert "WHOLE" in report.outcomes[rule].not_judged


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("<sip:b@h1>;expires=60", []),
        ("<sip:b@h1;x=1>;expires=60", []),
        ("<sip:B@h1>;expires=60", [""]),
        ("<sip:b@h1:5060>;expires=60", []),  # rewritten: an explicit port is another URI
        ("<sips:b@h1>;expires=60", []),  # rewritten: another scheme
        ("<sip:c@h1>;expires=60", [""]),
        ("<tel:+123>;expires=60", [""]),
        ("<sip:c@h1>;expires=60, <sip:b@h1>;expires=60", []),
        ("<sip:b@>;expires=60", []),  # cannot be read: not judged
        ("*", [""]),
    ],
)
def test_what_counts_as_listed(listed: str, expected: list[str]) -> None:
    assert subs(run("R3261-10.3-8-contact-list", f"{_ASKED}< 200\nContact: {listed}")) == expected


@pytest.mark.parametrize("status", ["200", "202 Accepted", "299 Whatever"])
def test_any_2xx_lists_what_it_registered(status: str) -> None:
    assert subs(run("R3261-10.3-8-contact-list", f"{_ASKED}< {status}\n-Contact")) == [""]


def test_the_sentence_names_what_is_lost_and_what_is_there() -> None:
    (finding,) = run("R3261-10.3-8-contact-list", f"{_ASKED}< 200\nContact: <sip:c@h2>;expires=6").findings
    assert finding.detail == "sip:b@h1 was registered, and the 200 lists only sip:c@h2"
    assert [place[1] for place, _ in finding.evidence] == [1, 2]


@pytest.mark.parametrize(
    ("one", "two", "listed"),
    [
        ('<sip:a@h>;+sip.instance="<urn:1>";reg-id=1', '<sip:b@i>;+sip.instance="<urn:1>";reg-id=1', True),
        ('<sip:a@h>;+sip.instance="<urn:1>";reg-id=1', '<sip:b@i>;+sip.instance="<urn:1>";reg-id=2', False),
        ('<sip:a@h>;+sip.instance="<urn:1>";reg-id=1', '<sip:b@i>;+sip.instance="<urn:1>"', False),
        ('<sip:a@h>;+sip.instance="<urn:1>";reg-id=1', '<sip:a@h>;+sip.instance="<urn:1>"', True),
        ('<sip:a@h>;+sip.instance="<urn:1>"', '<sip:b@i>;+sip.instance="<urn:2>"', False),
        ('<sip:a@h>;+sip.instance="<urn:1>"', '<sip:a@h>;+sip.instance="<urn:2>"', True),
        ("<sip:a@h>", '<sip:b@i>;+sip.instance="<urn:2>"', False),
    ],
)
def test_instances_are_compared_with_their_flows(one: str, two: str, listed: bool) -> None:
    assert is_listed(Address.parse(one), Address.parse(two)) is listed
    assert is_listed(Address.parse(two), Address.parse(one)) is listed


@pytest.mark.parametrize(
    ("one", "two", "similar"),
    [
        ("<sip:b@192.168.1.5:5060>", "<sip:b@203.0.113.7:40001>", True),
        ("<sip:b@h>", "<sip:c@h>", False),
        ("<sip:h>", "<sip:h:5060>", True),
        ("<sip:h>", "<sip:i>", False),
        ("<sip:x@h;line=1>", "<sip:y@i;line=1>", True),
        ("<mailto:b@h>", "<sip:b@h>", False),
    ],
)
def test_what_counts_as_rewritten(one: str, two: str, similar: bool) -> None:
    request = parse_bytes(b"REGISTER sip:h SIP/2.0\r\nTo: <sip:bob@h>\r\n\r\n")
    assert is_similar(Address.parse(one), Address.parse(two), request) is similar


def test_thousands_of_contacts_are_not_compared_one_by_one() -> None:
    many = ", ".join(f"<sip:b@h{number}>" for number in range(MOST_PAIRS // 100))
    other = ", ".join(f"<sip:c@i{number}>;expires=60" for number in range(200))
    report = run("R3261-10.3-8-contact-list", f"{_AT}\nContact: {many}\n< 200\nContact: {other}")
    assert report.outcomes["R3261-10.3-8-contact-list"].not_judged == {"too many contacts": 1}


def test_an_answer_without_its_request_still_promises_an_expiry() -> None:
    _, answer = read_flow(f"{_ASKED}< 200\nContact: <sip:b@h1>")
    report = analyze_items(
        [answer], rules=[rule_of("R3261-10.3-8-expires-param"), rule_of("R3261-10.3-8-contact-list")]
    )
    assert subs(report) == ["unknown-interval"]


def test_an_unreadable_expires_header_is_nothing_to_fall_back_to() -> None:
    flow = f"{_AT}\n< 200\nContact: <sip:b@h>\nExpires: soon"
    assert subs(run("R3261-10.3-8-expires-param", flow)) == ["unknown-interval"]


def _challenges(*rows: tuple[float, str, str]) -> str:
    """401s at a time, to a client host with a Call-ID of its own, with a nonce."""
    return "\n".join(
        f"@{at} src={host}:5060 {_AT}\nCall-ID: {host}\nFrom: <sip:{host}@x>;tag=1\nTo: <sip:{host}@x>\n"
        f'Contact: <sip:u@{host}>\n< 401\nWWW-Authenticate: Digest realm="example.com", nonce="{nonce}", qop="auth"'
        for at, host, nonce in rows
    )


_LONG = "ea9c8e88df84f1cec4341ae6cbe5a359"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(0, "192.0.2.1", _LONG), (5, "192.0.2.1", _LONG)], []),
        ([(0, "192.0.2.1", _LONG), (0.2, "192.0.2.2", _LONG)], ["nonce-reused"]),
        ([(0, "192.0.2.1", _LONG), (3590, "192.0.2.1", _LONG)], []),
        ([(0, "192.0.2.1", _LONG), (3610, "192.0.2.1", _LONG)], ["nonce-constant"]),
        ([(0, "192.0.2.1", _LONG), (3610, "192.0.2.2", _LONG)], ["nonce-reused,nonce-constant"]),
        ([(at, f"192.0.2.{at}", _LONG) for at in (1, 2, 3)], ["nonce-reused,nonce-constant"]),
    ],
)
def test_when_a_nonce_is_reused_or_constant(rows: list[tuple[float, str, str]], expected: list[str]) -> None:
    assert subs(run("R7616-3.3-challenge-quality", _challenges(*rows))) == expected


@pytest.mark.parametrize(
    ("nonces", "expected"),
    [
        ([f"{number:016x}" for number in (10, 11, 12)], []),
        ([f"{number:016x}" for number in (10, 11, 12, 13)], ["nonce-sequential"]),
        ([f"{number:016x}" for number in (10, 11, 12, 10**6)], []),
        ([f"{number:016x}" for number in (13, 12, 11, 10)], []),
        ([f"1490873751{number:06d}" for number in (0, 900, 4000, 9000)], ["nonce-sequential"]),
    ],
)
def test_when_nonces_count(nonces: list[str], expected: list[str]) -> None:
    rows = [(60.0 * number, "192.0.2.1", nonce) for number, nonce in enumerate(nonces)]
    assert subs(run("R7616-3.3-challenge-quality", _challenges(*rows))) == expected


@pytest.mark.parametrize(
    ("realm", "generic"),
    [
        ("asterisk", True),
        ("Asterisk", True),
        ("xivo", True),
        ("", True),
        ("192.0.2.1", True),
        ("192.0.2.1:5060", True),
        ("[2001:db8::1]", True),
        ("2001:db8::1", True),
        ("atlanta.example.com", False),
        ("sip.example.com:5060", False),
    ],
)
def test_which_realms_are_generic(realm: str, generic: bool) -> None:
    flow = f'{_AT}\n< 401\nWWW-Authenticate: Digest realm="{realm}", nonce="{_LONG}"'
    assert subs(run("R7616-3.3-challenge-quality", flow)) == (["realm-generic"] if generic else [])


@pytest.mark.parametrize(
    ("nonce", "short"),
    [
        ("0123456789abcde", True),
        ("0123456789abcdef", False),
        ("aGVsbG8gd/", True),
        ("aGVsbG8gd/8", False),
        ("", True),
    ],
)
def test_how_long_a_nonce_must_be(nonce: str, short: bool) -> None:
    flow = f'{_AT}\n< 401\nWWW-Authenticate: Digest realm="a.example", nonce="{nonce}"'
    assert subs(run("R7616-3.3-challenge-quality", flow)) == (["nonce-short"] if short else [])


def test_one_finding_for_each_realm_and_server() -> None:
    step = '< 401\nWWW-Authenticate: Digest realm="{}", nonce="360fd7e8"\n'
    flow = f"{_AT}\n{step.format('a')}@60 {_AT}\n{step.format('a')}@120 {_AT}\n{step.format('b')}"
    flow += f"@180 dst=198.51.100.2:5060 {_AT}\n{step.format('b')}"
    for rule in ("R7616-3.3-challenge-quality", "R3261-22.4-qop-offered", "DET-weak-md5"):
        assert sorted(finding.count for finding in run(rule, flow).findings) == [1, 1, 2]


def test_what_the_challenge_says_is_in_the_sentence() -> None:
    flow = f'{_AT}\n< 401\nWWW-Authenticate: Digest realm="xivo", nonce="360fd7e8"'
    (finding,) = run("R7616-3.3-challenge-quality", flow, log=True).findings
    assert "'xivo'" in finding.detail
    assert "'360fd7e8'" in finding.detail
    assert "32 bits" in finding.detail
