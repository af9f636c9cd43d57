"""Public reports of registrations that failed, rebuilt: what a right answer must say, and what it must not.

Each folder of `tests/data/reports` has the input (own wording, documentation names and addresses), the command in
`run`, and `expect.md`, which says why the answer is right. Words are looked for in the table with white space folded,
and the client's story in JSON.
"""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import sipcheck
from tests.reports.answers import Answer
from tests.shared import DATA

FOLDER = DATA / "reports"


ANSWERS = {
    "reboot-keeps-call-id": Answer(
        ("CSeq went down from 504 to 1", "explains 3 failed attempts", "refused 3", "could not be called for 30 s"),
        ("none of which broke", "WRONG", "contradicts"),
        1,
    ),
    "unregister-repeats-cseq": Answer(
        ("could not sign off", "08:35:00", "CSeq 2 is used again", "explains 1 failed attempt", "all right"),
        ("WRONG", "no password set"),
        1,
    ),
    "interval-shrinks-to-423": Answer(
        ("423 at 10:02:00", "Min-Expires 60", "wants a longer time", "asks 59 s"),
        ("is refused all the same", "WRONG", "refresh late"),
        0,
    ),
    "unregister-challenge-ignored": Answer(
        ("could not sign off", "407 to its sign-off", "16:30:00", "all right"),
        ("no password set", "WRONG"),
        0,
    ),
    "qop-nobody-offered": Answer(
        (
            "ivan's password is right",
            "answers in a form that was not asked for",
            "401 again and again",
            "phone · 4 times",
        ),
        ("WRONG", "does not check"),
        1,
    ),
    "ims-refresh-after-days": Answer(
        (
            "1 client, registered after trouble",
            "for 2400 s",
            "could not be called for 12.5 s",
            "was granted 2400 s and not refreshed",
            "12 s too late",
            "explains 1 gap without a binding",
            "a SIM answers there",
        ),
        ("WRONG", "does not match"),
        0,
    ),
    "chan-sip-old-nonce-again": Answer(
        ("goes on with an old nonce", "4 responses checked: all right", "the error explains 1 failed attempt", "(ALG)"),
        ("WRONG", "contradicts", "never gave out"),
        1,
    ),
    "asterisk-notices-only": Answer(
        (
            "No SIP message is in this log",
            "from 192.0.2.45:55997",
            "no question of the password",
            "pjsip set logger on",
        ),
        ("No rule is broken", "registered"),
        3,
    ),
    "chan-sip-trunk-wrong-port": Answer(
        ("7 sends, twice", "no answer came from 192.0.2.245", "did you mean port 5060?", "12 of them repeats"),
        ("WRONG", "1 registered"),
        0,
    ),
    "nat-answer-to-sent-by-port": Answer(
        ("1 client, gave up", "port 52780 of its NAT 198.51.100.29", "sends from port 60437", "asks for no rport"),
        ("no password set", "WRONG"),
        0,
    ),
    "ngrep-nonce-used-once": Answer(
        (
            "output of ngrep",
            "148 lines, 10 SIP messages · 5 REGISTERs",
            "registered after trouble in between",
            "could not be called for 30.1 s",
            "An old nonce is refused without stale=true",
            "registrar · explains 1 failed attempt and 1 gap without a binding · lines 62, 78",
            "3 responses checked: all right",
        ),
        ("WRONG", "does not match", "no password set"),
        0,
    ),
    "pjsua-log-423": Answer(
        ("log of pjsua", "1 client, registered.", "for 480 s", "which explains no failure"),
        ("refused", "WRONG", "password", "error"),
        0,
    ),
    "too-many-contacts-603": Answer(
        (
            'the registrar says "Too Many Contacts"',
            "3 contacts of this address were bound then",
            "all right",
            "The registrar answers with a 6xx",
        ),
        ("is refused all the same", "WRONG"),
        1,
    ),
}


def run(case: str, *more: str) -> Result:
    """Run the command of a case in its folder."""
    words = shlex.split((FOLDER / case / "run").read_text())[1:]
    place = FOLDER / case
    given = [str(place / word) if (place / word).is_file() else word for word in words]
    return CliRunner(env={"COLUMNS": "100"}).invoke(sipcheck, [*given, *more])


@pytest.mark.parametrize("case", ANSWERS)
def test_what_is_said(case: str) -> None:
    done = run(case)
    text = " ".join(done.output.split())
    wanted = ANSWERS[case]
    assert [words for words in wanted.says if words not in text] == []
    assert [words for words in wanted.never if words in text] == []
    assert done.exit_code == wanted.code


def registrations(case: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(case, "--format", "json").stdout)["registrations"]
    return found


def test_the_reboot_in_json() -> None:
    (one,) = registrations("reboot-keeps-call-id")
    refused = [attempt for attempt in one["attempts_detail"] if attempt["outcome"] == "rejected"]
    assert [attempt["findings"] for attempt in refused] == [["R3261-10.2-cseq-increment"]] * 3
    bound, gap, again = one["reachability"]
    assert (bound["state"], gap["state"], gap["cause"], again["state"]) == ("bound", "unbound", "refused", "bound")
    assert round(gap["until"] - gap["from"]) == 30


@pytest.mark.parametrize("case", ["unregister-repeats-cseq", "unregister-challenge-ignored"])
def test_a_failed_sign_off_in_json(case: str) -> None:
    one = registrations(case)[0]
    assert (one["attempts_detail"][-1]["purpose"], one["outcome"] in ("timeout", "abandoned")) == ("remove", True)
    assert [stretch["state"] for stretch in one["reachability"]] == ["bound"]


def test_the_lapse_after_a_423_in_json() -> None:
    (one,) = registrations("interval-shrinks-to-423")
    last = one["reachability"][-1]
    assert (last["state"], one["attempts_detail"][-1]["server_words"]["min-expires"]) == ("unbound", "60")


def test_words_of_the_registrar_in_json() -> None:
    refused = next(one for one in registrations("too-many-contacts-603") if one["outcome"] == "rejected")
    assert refused["attempts_detail"][-1]["server_words"]["reason"] == "Too Many Contacts"
