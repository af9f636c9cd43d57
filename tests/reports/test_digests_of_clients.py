"""What real clients do with challenges and digests, and what must be said of it: captures in `tests/data/clients`.

Each was taken on loopback, of a program as it is shipped against a scripted registrar. Words are looked for in the
table with white space folded; the JSON has the verdicts and what is tied to what.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import sipcheck
from tests.shared import DATA

FOLDER = DATA / "clients"
USERS = str(FOLDER / "users.csv")


class Answer(NamedTuple):
    """What the table must say and must not say, word for word, and the exit code."""

    says: tuple[str, ...]
    never: tuple[str, ...]
    code: int


ANSWERS = {
    "md5-sess-cnonce-none-opensip": Answer(
        (
            "1 client, refused",
            "WRONG DIGEST, though the password is right",
            'a -sess A1 that has "None" in place of the cnonce',
            "the error explains 2 failed attempts",
            "mend that setting, or its firmware",
        ),
        ("WRONG PASSWORD", "does not match the password", "still bound", "same password"),
        1,
    ),
    "simplesip-qop-left-out": Answer(
        (
            "whether its password is right cannot be told",
            "answers with no qop although the challenge offers auth",
            "refused 29 times in a row",
            "the phone must send qop, nc and cnonce",
            "36 responses checked: all not known",
            "cannot be checked for sure: qop, nc and cnonce were not sent",
            "(D02, D37)",
        ),
        ("WRONG", "does not match", "it is not the password", "tells which side", "no password known"),
        0,
    ),
    "realm-with-quote": Answer(
        (
            "401 again and again",
            "the response is right in itself, but in a form that was not asked for (a malformed header",
            'the value of realm is no quoted string: realm="a\\")',
            "An authentication header is malformed: the Authorization header of u is not well-formed",
            "phone pyVoIP 1.6.8 and 1 other kind · 2 clients",
            "explains 4 failed attempts",
            "if it does not give the realm back as it came",
            "u in a\\ 4 times, refused",
        ),
        ("IMS", "WRONG", "no password known", 'a",nonce='),
        1,
    ),
    "proxy-and-registrar-one-credential-at-a-time-baresip": Answer(
        (
            "1 client, refused",
            "the phone leaves out credentials that the same request needs",
            "The phone answers one of two that ask for credentials",
            "has Authorization for realm 'r', and leaves out Proxy-Authorization for realm 'p'",
            "phone baresip v1.1.0 (x86_64/linux) · 14 times · explains 2 failed attempts",
            "15 responses checked: all right.",
        ),
        ("refused all the same", "contradicts the digest", "WRONG", "same password"),
        0,
    ),
    "401-with-both-challenges-one-answered-aiosipua": Answer(
        (
            "1 client, refused",
            "Proxy-Authorization for realm 'p', which a proxy asks for",
            "the warning explains 2 failed attempts",
            "RFC 3261 22.3",
            "2 responses checked: all right.",
        ),
        ("refused all the same", "contradicts the digest", "still bound", "WRONG", "own database"),
        0,
    ),
    "proxy-and-registrar-both-credentials-pjsua2": Answer(
        (
            "1 client, signed off",
            "u sends nc=00000001, which does not rise over that of an earlier request with this nonce, and is accepted",
            "6 right, 3 right, but in a form that was not asked for",
        ),
        ("error", "leaves out", "contradicts"),
        0,
    ),
    "sha256-asked-md5-answered-sibilant": Answer(
        (
            "1 client, signed off",
            "2 responses checked: all right, but in a form that was not asked for.",
            "algorithm MD5 although the challenge asks for SHA-256",
            "The nonce count jumps: u sends nc=00028811 at the first use of a nonce",
        ),
        ("WRONG", "all right."),
        1,
    ),
    "two-challenges-md5-first": Answer(
        (
            "Offered MD5 and SHA-256: 4 clients answered MD5 (sipsak 0.9.8.1, pyVoIP 1.6.8, Linphonec/5.1.65",
            "4 answered none (baresip v1.0.0 (x86_64/linux), Twinkle/1.10.2, JsSIP 3.10.1 and SIP.js/0.21.1).",
            "the capture ends before it is decided",
            "The phone does not answer the challenge: offered MD5 and SHA-256, it sends no credentials",
            "baresip v1.0.0 (x86_64/linux) and 3 other kinds · 4 clients",
            "MD5 is offered before a better algorithm",
        ),
        ("no password set", "Only MD5 is offered", "WRONG"),
        0,
    ),
}


def run(command: str, case: str, *more: str) -> Result:
    """Run a command on a case, with its passwords."""
    path = str(FOLDER / f"{case}.pcap")
    return CliRunner(env={"COLUMNS": "100"}).invoke(sipcheck, [command, path, "--credentials", USERS, *more])


@pytest.mark.parametrize("case", ANSWERS)
def test_what_is_said(case: str) -> None:
    done = run("pcap", case)
    text = " ".join(done.output.split())
    wanted = ANSWERS[case]
    assert [words for words in wanted.says if words not in text] == []
    assert [words for words in wanted.never if words in text] == []
    assert done.exit_code == wanted.code


def report(case: str, *more: str) -> dict[str, Any]:
    """The JSON of a case."""
    found: dict[str, Any] = json.loads(run("pcap", case, "--format", "json", *more).stdout)
    return found


def test_clients_are_told_by_what_they_answer() -> None:
    found = report("two-challenges-md5-first")["registrations"]
    answered = {one["user_agent"].partition("/")[0]: one["choice"]["answered"] for one in found if one["choice"]}
    assert answered["Twinkle"] == answered["baresip v1.0.0 (x86_64"] == []
    silent = ("Twinkle", "baresip", "JsSIP", "SIP.js")
    assert {tuple(taken) for name, taken in answered.items() if not name.startswith(silent)} == {("MD5",)}
    assert {tuple(taken) for name, taken in answered.items() if name.startswith(silent)} == {()}
    assert all(one["choice"]["offered"] == ["MD5", "SHA-256"] for one in found if one["choice"])


def test_the_advice_to_offer_more_warns_of_who_will_not_answer_then() -> None:
    """The phones of this capture are offered MD5 alone: what they do beside SHA-256 is known of some."""
    advised = [one for one in report("realm-with-quote")["findings"] if one["rule"] == "DET-weak-md5"]
    assert all("try each kind of phone first" in one["fix"] for one in advised)
    assert any(
        "baresip v1.0.0 (x86_64/linux) answers nothing where SHA-256 is offered" in one["fix"] for one in advised
    )
    assert any("sipsak 0.9.8.1 looks at the first challenge alone" in one["fix"] for one in advised)


def first_line_of_digests(case: str) -> str:
    """What `verify-digest` says first of all."""
    lines = run("verify-digest", case).output.split("\n\n")[1].splitlines()
    return lines[0]


def test_a_wrong_cnonce_is_no_wrong_password() -> None:
    case = "md5-sess-cnonce-none-opensip"
    digests = report(case)["digests"]
    assert [digest["verdict"] for digest in digests] == ["mismatch"] * 2
    assert {digest["diagnosis"]["hypothesis"] for digest in digests} == {"D36"}
    assert first_line_of_digests(case) == "u's password is right; u's phone computes the response wrongly."


def test_a_realm_that_was_cut_is_malformed_and_the_others_say_which_octets_they_hashed() -> None:
    digests = report("realm-with-quote")["digests"]
    cut = [digest for digest in digests if digest["realm"] == "a\\"]
    whole = [digest for digest in digests if digest["realm"] == 'a"b\\c' and digest["form"] == "as-asked"]
    assert (len(cut), {digest["verdict"] for digest in cut}) == (4, {"match"})
    assert {digest["form_reason"] for digest in cut} == {
        'a malformed header: the value of realm is no quoted string: realm="a\\"'
    }
    assert len(whole) >= 8
    assert {digest["verdict"] for digest in whole} == {"match"}
    assert all("with quoted-pairs hashed as they stand between the quotes" in digest["reason"] for digest in whole)
    assert "hashed as they stand between the quotes" in " ".join(
        run("verify-digest", "realm-with-quote").output.split()
    )


def test_what_was_not_sent_is_judged_by_nobody() -> None:
    found = report("simplesip-qop-left-out")
    assert {digest["verdict"] for digest in found["digests"]} == {"unknown"}
    outcomes = {row["rule"]: row["not_judged"] for row in found["outcomes"]}
    reason = "values that a response may have been made with were not sent"
    assert set(outcomes["R7616-digest-verify"]) == {reason}
    assert set(outcomes["R7616-digest-outcome"]) == {reason}
    assert first_line_of_digests("simplesip-qop-left-out") == "No password could be judged."
