"""Real traffic that is odd but valid, of real programs: what must be said of it, and what must not.

`tests/data/real` has the captures (../data/README.md says which programs they are of). Words are looked for in the
table with white space folded.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import sipcheck
from tests.reports.answers import Answer
from tests.shared import DATA

FOLDER = DATA / "real"
ANSWERS = {
    "kamailio-420-yet-bound": Answer(
        (
            "1 refused, 1 only asked",
            "P-Registrar-Error: No support for found Path indicated",
            "bound all the same",
            "The registrar refuses and binds all the same",
        ),
        ("open", "all is well"),
        1,
    ),
    "kamailio-max-contacts": Answer(
        ("Too many registered contacts", "it lists <sip:a@127.0.0.1:1111>;expires=300"),
        ("overloaded",),
        0,
    ),
    "kamailio-same-cseq-not-renewed": Answer(
        ("renewed once; answered 200 once without a renewal", "CSeq 50 is used again"),
        ("renewed twice",),
        1,
    ),
    "one-account-two-phones-kicked-out-asterisk22": Answer(
        ("1 taken away", "bound no more since 16:06:10", "at frame 15 lists its contact no more"),
        ("3 registered",),
        0,
    ),
    "never-refreshed-removal-unauthenticated-simple-sip-client": Answer(
        ("not renewed, gone at 15:54:17", "registered for 30 s; its sign-off at 15:54:18 was not finished (401)"),
        ("no password set", "still bound", "calls go there"),
        0,
    ),
    "netsip-registrar": Answer(
        (
            "A query makes the registrar forget what it granted",
            "the 423 has no Min-Expires",
            "the 401 to CSeq 1 has the Via of an older request",
            "registrar or proxy · 4 times",
        ),
        ("A new REGISTER before the last one was answered", "without an answer"),
        1,
    ),
    "twinkle-same-second": Answer(
        ("3 clients, all registered", "Two phones use the same Call-ID", "u1@lab.invalid (CSeq 117)"),
        ("does not count CSeq up", "went down", "used again for a new REGISTER"),
        0,
    ),
    "nat-port-changes-contact-behind-and-two-bindings-pjsua2": Answer(
        (
            "its NAT changed its port from 40001 to 40022 at 04:16:52 (frame 6)",
            "its Contact was one refresh behind",
            "two bindings were left",
        ),
        ("without a renewal", "could not be called"),
        0,
    ),
    "nat-port-changes-registrar-binds-the-source-baresip": Answer(
        (
            "the registrar lists its contact at 203.0.113.7:40022",
            "its NAT changed its port from 40001 to 40022 at 04:12:08 (frame 5); two bindings were left",
            "renewed twice",
        ),
        ("without a renewal", "one refresh behind", "for 2 s", "error"),
        0,
    ),
    "nat-port-changes-contact-stays-baresip": Answer(
        ("its NAT changed its port from 40001 to 40022 at 04:12:08 (frame 5)", "renewed twice"),
        ("two bindings", "refresh behind", "lists its contact", "error", "warning"),
        0,
    ),
    "one-account-two-phones-in-turn-pjsua2": Answer(
        ("could not be called for 8.8 s, twice (taken away)", "could not be called for 21.2 s, twice (taken away)"),
        ("in doubt",),
        0,
    ),
    "connection-lost-in-mid-registration-pjsua2": Answer(
        ("1 client, signed off", "3 responses checked: all right"),
        ("NAT", "could not be called", "error", "warning"),
        0,
    ),
    "all-bindings-removed-by-another-client-sipsak": Answer(
        (
            "3 clients: 2 taken away, 1 signed off",
            "bound no more since 04:21:18",
            "the answer to another client of this address-of-record at frame 12 lists its contact no more",
        ),
        ("in doubt", "makes the registrar forget", "error"),
        0,
    ),
    "registrar-restarted-and-forgot-kamailio": Answer(
        (
            "The registrar forgets what it granted",
            "which had not run out, and which nobody",
            "see whether the registrar restarted",
            "could not be called for 23.3 s",
        ),
        ("A query makes the registrar forget", "error"),
        0,
    ),
    "two-registrars-one-down-for-a-minute-baresip": Answer(
        (
            "2 clients, both signed off",
            "with 10.9.0.1:5060",
            "could not be called for 28.5 s (asked in time, answered late)",
            "8 responses checked: all right",
        ),
        ("refreshed too late", "error"),
        0,
    ),
    "registrar-answers-45-s-late-baresip": Answer(
        (
            "1 client, not renewed in time",
            "its renewal at 07:57:50 had no answer in time (a 401 at frame 16 comes 45 s after it)",
            "07:59:43 was not finished (no answer)",
            "sent its 401 45.0 s after the request, 13.5 s after its last copy, and sent no 100 before",
            "explains 2 failed attempts and 1 gap without a binding",
        ),
        ("before the last one was answered", "did not answer the challenge", "no password set", "warning", "error"),
        0,
    ),
    "registrar-behind-a-proxy-stopped-baresip": Answer(
        (
            "1 client, signed off",
            "could not be called for 38.1 s (refused); refused once (408) from 08:01:49 on",
            "4 copies of the request to 10.9.0.2:5060",
            "the warning explains 1 failed attempt and 1 gap without a binding",
        ),
        ("may be banned", "refreshed too late", "error"),
        0,
    ),
}
"""Captures and what is right of them."""
_PASSWORDS = {"twinkle-same-second": "twinkle-users.csv"}


def run(case: str, *more: str) -> Result:
    """Run `sipcheck pcap` on a capture, with its passwords."""
    given = [str(FOLDER / f"{case}.pcap"), "--credentials", str(FOLDER / _PASSWORDS.get(case, "users.csv"))]
    return CliRunner(env={"COLUMNS": "200"}).invoke(sipcheck, ["pcap", *given, *more])


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


def test_a_refusal_that_binds_in_json() -> None:
    refused = registrations("kamailio-420-yet-bound")[0]
    assert (refused["outcome"], refused["status"]) == ("rejected", 420)
    (bound,) = refused["reachability"]
    assert (bound["state"], round(bound["until"] - bound["from"])) == ("bound", 300)
    assert "Path" in refused["attempts_detail"][-1]["server_words"]["p-registrar-error"]


def test_what_was_taken_away_in_json() -> None:
    first = next(one for one in registrations("one-account-two-phones-kicked-out-asterisk22") if "two" in one["aor"])
    bound, gone = first["reachability"]
    assert (bound["state"], gone["state"], gone["cause"]) == ("bound", "unbound", "taken away")
    assert gone["evidence"]["frame"] == 15


def test_what_was_not_renewed_in_json() -> None:
    (one,) = registrations("kamailio-same-cseq-not-renewed")
    (bound,) = one["reachability"]
    assert one["not_renewed"] == 1 and round(bound["until"] - bound["from"]) == 65


def test_a_nat_that_moves_in_json() -> None:
    (one,) = registrations("nat-port-changes-registrar-binds-the-source-baresip")
    (move,) = one["nat"]["moves"]
    assert (move["from"], move["to"], move["behind"]) == ("203.0.113.7:40001", "203.0.113.7:40022", 0)
    assert move["both_bound"]["frame"] == 8
    assert [binding["form"] for binding in one["bindings"]] == ["at 203.0.113.7:40001", "at 203.0.113.7:40022"]
    assert [stretch["state"] for stretch in one["reachability"]] == ["bound"]


def test_two_phones_that_take_each_others_place_in_json() -> None:
    """One binding an account, and each refresh is the other one's end."""
    causes = [
        [stretch["cause"] for stretch in one["reachability"] if stretch["state"] == "unbound"]
        for one in registrations("one-account-two-phones-in-turn-pjsua2")
    ]
    taken = "taken away"
    assert sorted(causes) == [[taken, taken, "signed off"], [taken, taken, taken]]


def test_a_lost_connection_binds_another_contact_in_json() -> None:
    """The phone takes the former contact away in the request that brings the new one: nothing is left."""
    (one,) = registrations("connection-lost-in-mid-registration-pjsua2")
    former, new = one["bindings"]
    assert former["contact"].startswith("sip:u@203.0.113.7:41001") and former["certainty"] == "absent"
    assert new["contact"].startswith("sip:u@203.0.113.7:41022") and former["end"] == new["bound_from"]
    assert one["nat"] is None
