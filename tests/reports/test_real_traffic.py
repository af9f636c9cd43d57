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
