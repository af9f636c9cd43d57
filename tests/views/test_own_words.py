"""What the table and the JSON say where a log explains itself, and where it has few stamps."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from analyzer.cli import sipcheck
from analyzer.evidence import Between, LogLines
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from analyzer.views import ViewOptions
from analyzer.views.formats.table import render
from analyzer.views.schema import evidence
from tests.register.loose import loose, notice, with_notices
from tests.shared import ROOT, shared

WORDS, STAMPS = (ROOT / "samples" / name for name in ("asterisk-own-words", "asterisk-console-few-stamps"))
REGISTER = "> REGISTER sip:example.com\n"


def run(path: Path, credentials: Path, *more: str) -> str:
    """The output of `sipcheck log` in one line."""
    done = CliRunner(env={"COLUMNS": "100"}).invoke(
        sipcheck, ["log", str(path), "--credentials", str(credentials), *more], catch_exceptions=False
    )
    return " ".join(done.output.split())


def sample(folder: Path, *more: str) -> str:
    (path,) = folder.glob("input.*")
    return run(path, folder / "users.csv", *more)


def drawn(items: Any, **given: Any) -> str:
    out = io.StringIO()
    render(analyze_items(items, **given), out, ViewOptions(width=100))
    return " ".join(out.getvalue().split())


@pytest.mark.parametrize(
    "words",
    [
        'the server\'s log: "will exceed max contacts of 1", as many devices as are allowed are registered already',
        'the server\'s log: "No matching endpoint found"',
        'the server\'s log: "Not match Endpoint ACL", an access list forbids this address (line 350)',
        "took its contact away for another client's; the server's log: \"remove existing\" (line 210)",
        "The log itself says, between the messages:",
        "fix: set remove_existing=yes at the AOR, or raise max_contacts.",
        "Follows from the unknown name, or the access list: no password would have been right",
        "8 clients: 2 registered, 5 refused, 1 taken away",
    ],
)
def test_the_servers_own_words(words: str) -> None:
    assert words in sample(WORDS)


def test_its_words_come_before_the_findings_and_accuse_nobody() -> None:
    text = sample(WORDS)
    assert text.index("The log itself says") < text.index("1 error")
    for guess in ("contradicts", "is refused all the same", "password wrong or refused"):
        assert guess not in text


@pytest.mark.parametrize(
    "words",
    [
        "403 between 15:54:09 and 15:54:11",
        "with 10.9.0.1:24100",
        "with 10.9.0.1:24160",
        "11 sends, the first between 15:54:11 and 15:54:45",
        "no answer came from port 24160; 10.9.0.1 answers on port",
        "the challenge asks for no algorithm that Asterisk knows",
        "these messages have no time stamp of their own: ",
        "74 messages have no time stamp of their own: their time is known only to lie between two stamps",
        "(UTC, from the nonces of its challenges)",
        "Trouble since 15:54:09 at the earliest.",
        "refused once (503)",
    ],
)
def test_a_console_with_few_stamps(words: str) -> None:
    assert words in sample(STAMPS)


@pytest.mark.parametrize(
    "false",
    [
        "too late",
        "s too",
        "answers others",
        "it answered one",
        "the source has no clock",
        "in 29 s",
        "200 since",
        "ran out",
    ],
)
def test_nothing_is_said_that_the_log_does_not_carry(false: str) -> None:
    assert false not in sample(STAMPS)


def test_the_real_logs_line_by_line() -> None:
    """What was said of them before was false; what is said now stands in them."""
    users = shared("cases", "real", "users.csv")
    text = run(shared("cases", "real", "one-account-two-phones-asterisk22-full.txt"), users)
    assert '"will exceed max contacts of 1" · full · once · line 223' in text
    assert "contradicts" not in text
    text = run(shared("cases", "real", "asterisk22-outbound-console-without-stamps.txt"), users)
    assert "too late" not in text
    assert "did not answer the challenge" not in text
    assert "No response" in text or "no response from the server" in text


def test_json_has_what_was_tied() -> None:
    (path,) = WORDS.glob("input.*")
    done = CliRunner().invoke(sipcheck, ["log", str(path), "--format", "json"], catch_exceptions=False)
    record = json.loads(done.stdout)
    told = [
        (one["status"], said["cause"], said["side"], said["evidence"]["line"])
        for registration in record["registrations"]
        for one in registration["attempts_detail"]
        for said in one["notices"]
    ]
    assert (403, "max-contacts", "server", 100) in told
    assert {(one["cause"], one["count"], one["tied"]) for one in record["notices"]} >= {
        ("max-contacts", 2, 2),
        ("removed", 1, 1),
        ("acl", 2, 2),
    }


def test_json_has_the_times_that_it_lies_between() -> None:
    (path,) = STAMPS.glob("input.*")
    done = CliRunner().invoke(sipcheck, ["log", str(path), "--format", "json"], catch_exceptions=False)
    places = [one["request"] for one in json.loads(done.stdout)["transactions"]]
    assert {"source", "line", "end_line", "time"} <= set(places[0])
    bounded = [place["between"] for place in places if "between" in place]
    assert bounded
    assert all(place["time"] is None for place in places if "between" in place)
    assert all(one[1] is None or one[0] <= one[1] for one in bounded)


def test_the_record_of_a_place() -> None:
    place = LogLines("a", 3, 9, Between(10**9, 3 * 10**9))
    assert evidence(place, None) == {"source": "a", "line": 3, "end_line": 9, "time": None, "between": [1.0, 3.0]}
    assert evidence(place._replace(between=None), None) == {"source": "a", "line": 3, "end_line": 9, "time": None}
    assert evidence(place._replace(between=Between(10**9, None)), None) is not None


def test_since_when_by_what_is_known() -> None:
    others = "@60 > OPTIONS sip:a\nCall-ID: o\n< 200\n"
    flow = f"> OPTIONS sip:a\nCall-ID: p\n< 200\n@30 {REGISTER}< 403\n"
    assert "403 between 02:40:00 and 02:41:00" in drawn(loose(flow + others, {2, 3}), rules=())
    assert "403 after 02:40:00" in drawn(loose(flow, {2, 3}, until_end=True), rules=())
    assert "403 at 02:40:30" in drawn(loose(flow + others, ()), rules=())


def test_forty_phones_with_the_servers_words_are_one_line() -> None:
    flow, items = "", []
    for number in range(5):
        user = f"To: <sip:u{number}@x>\nFrom: <sip:u{number}@x>;tag=t\nCall-ID: c{number}\n"
        flow += f"@{number} {REGISTER}{user}Contact: <sip:u{number}@192.0.2.10>\n< 403\n"
    items = loose(flow, ())
    for number in range(5):
        items = with_notices(items, 2 * number + 1, notice("max-contacts", "will exceed", line=7 + number))
    assert "+4" in drawn(items, rules=all_rules())


def test_registrations_of_one_address_with_several_registrars_are_told_apart() -> None:
    other = "Call-ID: two\nFrom: <sip:bob@example.com>;tag=2\n"
    flow = f"dst=198.51.100.1:5060 {REGISTER}< 403\n@1 dst=198.51.100.1:5070 {REGISTER}{other}< 404\n"
    text = drawn(loose(flow, ()), rules=())
    assert "with 198.51.100.1:5060" in text
    assert "with 198.51.100.1:5070" in text
    assert "with 198.51" not in drawn(loose(f"dst=198.51.100.1:5060 {REGISTER}< 403\n", ()), rules=())


def test_others_are_answered_only_where_that_port_answers() -> None:
    silent = f"dst=198.51.100.1:5070 {REGISTER}@0.5 > again\n@1.5 > again\n"
    others = "To: <sip:eve@x>\nFrom: <sip:eve@x>;tag=e\nCall-ID: e\nContact: <sip:eve@192.0.2.20>\n"
    same = f"@40 src=192.0.2.20:5060 dst=198.51.100.1:5070 {REGISTER}{others}src=198.51.100.1:5070 < 200\n"
    end = "@90 > OPTIONS sip:a\nCall-ID: o\n< 200\n"
    assert "answers others, not this phone" in drawn(loose(silent + same + end, ()), rules=())
    port = same.replace(":5070", ":5060")
    assert "no answer came from port 5070; 198.51.100.1 answers on port 5060" in drawn(
        loose(silent + port + end, ()), rules=()
    )


def test_hostile_words_reach_no_terminal() -> None:
    said = notice("other", "\x1b[2J\u202efdp.exe", account="b\x1b]0;x\x07ob")
    text = drawn(with_notices(loose(f"{REGISTER}< 403", ()), 1, said), rules=())
    assert "\x1b" not in text
    assert "\u202e" not in text
