"""Corners of Asterisk's configuration syntax that decide which secret a user has."""

from __future__ import annotations

import pytest

from analyzer.register.digest.credential_files import asterisk_conf, parse_credentials
from analyzer.register.digest.secret import CredentialsError


def found(text: str) -> list[tuple[str, str]]:
    return [(secret.username, secret.reveal().decode()) for secret in parse_credentials(text.encode(), "sip.conf")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("register => user:pw@host", [("user", "pw")]),
        ("register => user:pw:auth@host/ext", [("auth", "pw")]),
        ("register => user@domain:pw:auth@host:5060", [("auth", "pw")]),
        ("register => user@domain:pw@host:5060", [("user", "pw")]),
        ("register => tls://user:pw@host", [("user", "pw")]),
        ("register => peer?user:pw@host", [("user", "pw")]),
        ("register => peer?tcp://user:p@w@host~120", [("user", "p@w")]),
        ("register=user:pw@host", [("user", "pw")]),
        ("register => user@host", []),
        ("register => nonsense", []),
        ("register =>", []),
    ],
)
def test_register_lines(line: str, expected: list[tuple[str, str]]) -> None:
    assert found(f"[general]\n{line}\n[x]\nsecret=y\n") == [*expected, ("x", "y")]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("pw", "pw"),
        (" pw ", "pw"),
        ("pw ; comment", "pw"),
        ("p\\;w", "p;w"),
        ("p;w", "p"),
        ("p=w", "p=w"),
        ("p#w", "p#w"),
        ('"pw"', '"pw"'),
        ("p w", "p w"),
        ("=> pw"[3:], "pw"),
    ],
)
def test_values(written: str, read: str) -> None:
    assert found(f"[x]\nsecret={written}\n") == [("x", read)]


def test_the_last_setting_of_a_name_counts() -> None:
    assert found("[x]\nsecret=a\nsecret=b\n") == [("x", "b")]


def test_templates_inherit_in_order_and_are_no_peers() -> None:
    text = "[one](!)\nsecret=1\n[two](!,one)\nsecret=2\n[a](one)\n[b](one,two)\n[c](two)\nsecret=3\n[d](missing)\n"
    assert found(text) == [("a", "1"), ("b", "2"), ("c", "3")]


def test_a_section_named_again_with_plus_adds_to_it() -> None:
    """`[x](+)` goes on with a section; its settings are read as those of the same user."""
    assert found("[x]\ntype=friend\n[x](+)\nsecret=a\n") == [("x", "a")]


@pytest.mark.parametrize(
    "text",
    [
        ";-- secret=no --;\n[x]\nsecret=a\n",
        ";--\n[y]\nsecret=no\n--;\n[x]\nsecret=a\n",
        "[x] ;-- the rest\nsecret=no\n--;\nsecret=a\n",
        ";------ a line of dashes is a comment of one line\n[x]\nsecret=a\n",
        "# not Asterisk's, yet seen\n[x]\nsecret=a\n",
    ],
)
def test_comments(text: str) -> None:
    assert found(text) == [("x", "a")]


def test_auth_sections_name_their_user_and_realm() -> None:
    text = "[a1]\ntype=auth\nusername=alice\npassword=pw\nrealm=lab\n[b]\ntype=AUTH\npassword=bpw\n"
    secrets = parse_credentials(text.encode(), "pjsip.conf")
    assert [(secret.username, secret.realm, secret.origin) for secret in secrets] == [
        ("alice", "lab", "pjsip.conf:4"),
        ("b", "", "pjsip.conf:8"),
    ]


def test_an_endpoint_s_own_secret_setting_is_not_mixed_up_with_auth() -> None:
    assert found("[a]\ntype=auth\nusername=u\nsecret=no\npassword=yes\n") == [("u", "yes")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[x]\nnonsense\n", 2),
        ("[x]\nsecret=a\n[y\nsecret=b\n", 3),
        ("[x]\nmd5secret=0123\n", 2),
        ("[x]\ntype=auth\nmd5_cred=0123\n", 3),
    ],
)
def test_errors_name_the_line(text: str, line: int) -> None:
    with pytest.raises(CredentialsError) as raised:
        found(text)
    assert raised.value.line == line


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("[general]\n", True),
        ("\n; comment\n\n[general]\n", True),
        ("[general](!)\n", True),
        ("general\n", False),
        ("", False),
        ("alice,lab,[x]\n", False),
        ('{"a": []}\n', False),
    ],
)
def test_what_looks_like_it(text: str, yes: bool) -> None:
    assert asterisk_conf.looks_like(text.encode()) is yes
