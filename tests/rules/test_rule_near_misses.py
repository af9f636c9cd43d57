"""The catalogue's own `violates` and `near miss` flows, written down here apart from the rules' examples."""

from __future__ import annotations

import pytest

from tests.rules.cases import rule_of, run, subs

_AT = "> REGISTER sip:example.com"
_LIST = "Contact: <sip:c@h9>;expires=50, <sip:b@h1>;expires=3600"
_CHALLENGE = "< 401\nWWW-Authenticate: Digest "
_COPIES = "".join(f"\n@{at} > again" for at in (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5))
_OTHER = "From: <sip:o@example.com>;tag=o\nTo: <sip:o@example.com>\nCall-ID: o\nContact: <sip:o@192.0.2.77>"

# rule, violating flow, its sub-codes, near miss, what a good example of the rule must have in its flow
_CASES: list[tuple[str, str, list[str], str, str]] = [
    (
        "R3261-10.2-ruri-userinfo",
        "> REGISTER sip:alice@example.com",
        [""],
        "> REGISTER sip:[2001:db8::1]:5060",
        "sip:[2001:db8::1]:5060",
    ),
    ("R3261-10.2.2-star-form", f"{_AT}\nContact: *\nExpires: 3600", ["nonzero"], f"{_AT}\nExpires: 0\nm: *", "m: *"),
    (
        "R3261-10.2.2-star-form",
        f"{_AT}\nContact: *;expires=0\n-Expires",
        ["param"],
        f"{_AT}\nContact: <sip:*@h>",
        "sip:*@",
    ),
    (
        "R3261-8.1.1-mandatory",
        f"{_AT}\n-Max-Forwards",
        ["max-forwards"],
        f"{_AT}\nv: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKq\nf: <sip:b@x>;tag=1\nt: <sip:b@x>\ni: 1\nCSeq: 1\n-Contact",
        "\n            i: ",
    ),
    (
        "R3261-8.1.1.2-to-tag",
        f"{_AT}\nTo: Bob <sips:bob@biloxi.example.com>;tag=a73kszflf",
        [""],
        f"{_AT}\nTo: <sip:bob@biloxi.example.com;tag=x>",
        ";tag=x>",
    ),
    (
        "R3261-8.1.1.3-from-tag",
        f"{_AT}\nFrom: <sip:bob@biloxi.com>",
        [""],
        f"{_AT}\nf: sip:bob@biloxi.com;tag=8",
        "f: sip:bob@biloxi.com;tag=8",
    ),
    (
        "R3261-10.3-8-contact-list",
        f"{_AT}\nContact: <sip:b@h1>\n< 200\n-Contact",
        [""],
        f"{_AT}\nContact: <sip:b@h1>\n< 200\n{_LIST}",
        _LIST,
    ),
    (
        "R3261-10.3-8-expires-param",
        f"{_AT}\n< 200\nContact: <sip:b@h>\nExpires: 3600",
        ["header-only"],
        f"{_AT}\n< 200\nExpires: 3600\nm:<sip:b@h>;EXPIRES=3600",
        "EXPIRES=3600",
    ),
    (
        "R3261-22.4-qop-offered",
        f'{_AT}\n{_CHALLENGE}algorithm=MD5, realm="xivo", nonce="360fd7e8"',
        [""],
        f'{_AT}\n{_CHALLENGE}realm="h", nonce="x", qop="auth"',
        'realm="h", nonce="x", qop="auth"',
    ),
    (
        "R7616-3.3-challenge-quality",
        f'{_AT}\n{_CHALLENGE}realm="xivo", nonce="360fd7e8"',
        ["realm-generic,nonce-short"],
        f'{_AT}\n{_CHALLENGE}realm="atlanta.example.com", nonce="ea9c8e88df84f1cec4341ae6cbe5a359"',
        'realm="atlanta.example.com"',
    ),
    (
        "DET-weak-md5",
        f'{_AT}\n{_CHALLENGE}realm="h", nonce="x", algorithm=MD5, qop="auth"',
        [""],
        f'{_AT}\n{_CHALLENGE}realm="h", nonce="x", algorithm=SHA-256, qop="auth"\n'
        'WWW-Authenticate: Digest realm="h", nonce="x", algorithm=MD5, qop="auth"',
        "algorithm=SHA-256",
    ),
    (
        "R3261-10.2.8-423-retry",
        f"{_AT}\nExpires: 60\n< 423\nMin-Expires: 300\n{_AT}\nExpires: 300\nContact: <sip:b@h>;expires=60\n< 200",
        [""],
        f"{_AT}\nExpires: 60\n< 423\nMin-Expires: 300\n{_AT}\nContact: <sip:b@h>;expires=300\n< 200",
        "Contact: <sip:b@h>;expires=300",
    ),
    (
        "R3261-17.2-unanswered",
        f"{_AT}{_COPIES}\n@32 src=192.0.2.77:5060 > REGISTER sip:example.com\n{_OTHER}\n< 401\n@75 .",
        ["selective"],
        f"{_AT}\n@3 .",
        "> REGISTER sip:example.com",
    ),
]
_IDS = [f"{case[0]}-{number}" for number, case in enumerate(_CASES)]


@pytest.mark.parametrize(("rule", "flow", "expected"), [case[:3] for case in _CASES], ids=_IDS)
def test_what_the_catalogue_calls_a_violation_is_found(rule: str, flow: str, expected: list[str]) -> None:
    assert subs(run(rule, flow)) == expected


@pytest.mark.parametrize(("rule", "flow"), [(case[0], case[3]) for case in _CASES], ids=_IDS)
def test_a_near_miss_is_not_found(rule: str, flow: str) -> None:
    assert subs(run(rule, flow)) == []


@pytest.mark.parametrize(("rule", "fragment"), [(case[0], case[4]) for case in _CASES], ids=_IDS)
def test_the_near_miss_is_among_the_good_examples(rule: str, fragment: str) -> None:
    assert any(fragment in example.flow for example in rule_of(rule).examples if not example.expect)


_DECLARED = {
    "R3261-10.2.2-star-form": {"no-expires", "nonzero", "mixed", "param"},
    "R3261-8.1.1-mandatory": {"to", "from", "cseq", "call-id", "max-forwards", "via"},
    "R3261-8.1.1.3-from-tag": {"", "weak-tag"},
    "R3261-10.3-8-expires-param": {"header-only", "unknown-interval"},
    "R7616-3.3-challenge-quality": {
        "realm-generic",
        "nonce-short",
        "nonce-reused",
        "nonce-constant",
        "nonce-sequential",
    },
    "DET-weak-md5": {"", "legacy"},
    "R3261-10.2.8-423-retry": {"", "never-retried"},
    "R3261-17.2-unanswered": {"dead-server", "selective", "icmp", "one-way"},
}


@pytest.mark.parametrize("rule", _DECLARED)
def test_every_sub_code_of_the_catalogue_has_a_bad_example(rule: str) -> None:
    shown = {part for example in rule_of(rule).examples for sub in example.expect for part in sub.split(",")}
    assert shown == _DECLARED[rule]
