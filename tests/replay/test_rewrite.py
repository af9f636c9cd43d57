"""Each repair: what it mends, by which rule, that a clean request stays as it is, and what verbatim changes."""

from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path

import pytest

import replay.rewrite
from analyzer.evidence import Endpoint
from analyzer.sip.message import Message, parse_bytes
from replay.agent import Agent
from replay.flow import read_flow
from replay.message_editor import Edit, MessageEditor
from replay.plan import steps_of
from replay.rewrite import BARE, NECESSITIES, REPAIRS, Change, written
from tests.replay.said import (
    CLEAN,
    READABLE,
    agent_of,
    capture_of,
    raw_messages,
    spoiled,
    steps_in,
    with_payload,
)
from tests.shared import RULES_JSON

LIVE = {"Via", "Call-ID", "Contact", "Authorization"}
"""What every replay has to change."""


def drafts(
    text: str, folder: Path, agent: Agent | None = None, changes: tuple[Change, ...] = REPAIRS
) -> list[MessageEditor]:
    agent = agent or agent_of()
    return [written(step, agent, changes) for step in steps_in(text, folder)]


def last(text: str, folder: Path, agent: Agent | None = None, changes: tuple[Change, ...] = REPAIRS) -> MessageEditor:
    return drafts(text, folder, agent, changes)[-1]


def sent(editor: MessageEditor) -> Message:
    return parse_bytes(editor.octets())


def edits_of(editor: MessageEditor, what: str) -> list[Edit]:
    return [edit for edit in editor.edits if edit.what == what]


def cited_rules() -> set[str]:
    """The rule ids that stand as constants in the modules of the package."""
    found = set()
    for module in pkgutil.iter_modules(replay.rewrite.__path__, "replay.rewrite."):
        names = vars(importlib.import_module(module.name))
        found |= {value for name, value in names.items() if name.isupper() and str(value)[:2] in ("R3", "R7", "R8")}
    return found


def test_every_rule_that_a_repair_cites_exists() -> None:
    known = {rule["id"] for rule in json.loads(RULES_JSON.read_text())}
    cited = cited_rules()
    assert len(cited) > 20 and cited <= known


def test_a_clean_request_changes_in_what_is_live_alone(tmp_path: Path) -> None:
    for editor in drafts(CLEAN, tmp_path):
        assert {edit.what for edit in editor.edits} <= LIVE
        assert [edit.rule for edit in editor.edits] == [None] * len(editor.edits)


def test_a_clean_refresh_is_clean(tmp_path: Path) -> None:
    text = f"{CLEAN}\n@1800 > REGISTER sip:example.com\n< 200\n@1900 > REGISTER sip:example.com\nExpires: 0\n< 200"
    assert {(edit.what, edit.rule) for editor in drafts(text, tmp_path) for edit in editor.edits} <= {
        (what, None) for what in LIVE
    }


def test_what_is_not_edited_keeps_its_octets(tmp_path: Path) -> None:
    editor = last("> REGISTER sip:example.com\nX-Odd:   a  b\nfrom: <sip:bob@example.com>;tag=f1\n< 200", tmp_path)
    assert b"\r\nfrom: <sip:bob@example.com>;tag=f1\r\n" in editor.octets()
    assert b"X-Odd: a  b\r\n" in editor.octets()


R = "> REGISTER sip:example.com"
OK = "< 200"
# Flow whose last request is wrong, what is edited, by which rule, and a line that stands in the result.
MENDED: dict[str, tuple[str, str, str, str]] = {
    "userinfo": (
        f"> REGISTER sip:bob:pw@example.com;x=y\n{OK}",
        "Request-URI",
        "R3261-10.2-ruri-userinfo",
        "REGISTER sip:example.com;x=y SIP/2.0",
    ),
    "brackets": (
        f"> REGISTER <sip:example.com>\n{OK}",
        "Request-URI",
        "R3261-10.2-ruri-form",
        "REGISTER sip:example.com SIP/2.0",
    ),
    "headers in the Request-URI": (
        f"> REGISTER sip:example.com?to=a\n{OK}",
        "Request-URI",
        "R3261-10.2-ruri-form",
        "REGISTER sip:example.com SIP/2.0",
    ),
    "tel Request-URI": (
        f"> REGISTER tel:+4912345\n{OK}",
        "Request-URI",
        "R3261-10.2-ruri-form",
        "REGISTER sip:example.com SIP/2.0",
    ),
    "branch without cookie": (
        f"{R}\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=1234;alias\n{OK}",
        "Via",
        "R3261-8.1.1.7-branch-cookie",
        "Via: SIP/2.0/UDP 127.0.0.1:40000;rport;branch=z9hG4bKt1;alias",
    ),
    "no branch": (
        f"{R}\nVia: SIP/2.0/UDP 192.0.2.10:5060\n{OK}",
        "Via",
        "R3261-8.1.1.7-branch-cookie",
        "Via: SIP/2.0/UDP 127.0.0.1:40000;rport;branch=z9hG4bKt1",
    ),
    "branch used twice": (
        f"{R}\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKx\n{OK}\n"
        f"@1800 {R}\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKx\n{OK}",
        "Via",
        "R3261-8.1.1.7-branch-reuse",
        "Via: SIP/2.0/UDP 127.0.0.1:40000;rport;branch=z9hG4bKt3",
    ),
    "no Max-Forwards": (f"{R}\n-Max-Forwards\n{OK}", "Max-Forwards", "R3261-8.1.1-mandatory", "Max-Forwards: 70"),
    "Max-Forwards 0": (f"{R}\nMax-Forwards: 0\n{OK}", "Max-Forwards", "R3261-8.1.1.6-max-forwards", "Max-Forwards: 70"),
    "Max-Forwards 256": (
        f"{R}\nMax-Forwards: 256\n{OK}",
        "Max-Forwards",
        "R3261-8.1.1.6-max-forwards",
        "Max-Forwards: 70",
    ),
    "no From tag": (
        f"{R}\nFrom: <sip:bob@example.com>\n{OK}",
        "From",
        "R3261-8.1.1.3-from-tag",
        "From: <sip:bob@example.com>;tag=t2",
    ),
    "no From tag, no brackets": (
        f"{R}\nFrom: sip:bob@example.com\n{OK}",
        "From",
        "R3261-8.1.1.3-from-tag",
        "From: <sip:bob@example.com>;tag=t2",
    ),
    "no From": (f"{R}\n-From\n{OK}", "From", "R3261-8.1.1-mandatory", "From: <sip:bob@example.com>;tag=t2"),
    "From tag changed by the answer to a challenge": (
        f"{R}\n< 401\n{R}\nFrom: <sip:bob@example.com>;tag=other\nAuthorization: {{bob secret}}\n{OK}",
        "From",
        "R3261-8.1.3.5-retry-ids",
        "From: <sip:bob@example.com>;tag=f1",
    ),
    "To tag": (
        f"{R}\nTo: <sip:bob@example.com>;tag=r1;x=y\n{OK}",
        "To",
        "R3261-8.1.1.2-to-tag",
        "To: <sip:bob@example.com>;x=y",
    ),
    "Call-ID changed by the answer to a challenge": (
        f"{R}\n< 401\n{R}\nCall-ID: other\nAuthorization: {{bob secret}}\n{OK}",
        "Call-ID",
        "R3261-8.1.3.5-retry-ids",
        "Call-ID: t2@127.0.0.1",
    ),
    "Call-ID changed by a refresh": (
        f"{R}\n{OK}\n@1800 {R}\nCall-ID: other\nCSeq: 1\n{OK}\n@3600 {R}\nCall-ID: third\nCSeq: 1\n{OK}",
        "Call-ID",
        "R3261-10.2-callid",
        "Call-ID: t2@127.0.0.1",
    ),
    "CSeq not raised": (
        f"{R}\n{OK}\n@1800 {R}\nCSeq: 1\n{OK}",
        "CSeq",
        "R3261-10.2-cseq-increment",
        "CSeq: 2 REGISTER",
    ),
    "CSeq not raised with credentials": (
        f"{R}\n< 401\n{R}\nCSeq: 1\nAuthorization: {{bob secret}}\n{OK}",
        "CSeq",
        "R3261-22.2-cseq-retry",
        "CSeq: 2 REGISTER",
    ),
    "CSeq jumps": (f"{R}\n{OK}\n@1800 {R}\nCSeq: 7\n{OK}", "CSeq", "R3261-10.2-cseq-gap", "CSeq: 2 REGISTER"),
    "CSeq too large": (
        f"{R}\nCSeq: 4294967296 REGISTER\n{OK}",
        "CSeq",
        "R3261-8.1.1.5-cseq-form",
        "CSeq: 1 REGISTER",
    ),
    "CSeq of another method": (f"{R}\nCSeq: 1 OPTIONS\n{OK}", "CSeq", "R3261-8.1.1.5-cseq-form", "CSeq: 1 REGISTER"),
    "star with a long expiry": (
        f"{R}\nContact: *\nExpires: 3600\n{OK}",
        "Expires",
        "R3261-10.2.2-star-form",
        "Expires: 0",
    ),
    "star without expiry": (f"{R}\nContact: *\n-Expires\n{OK}", "Expires", "R3261-10.2.2-star-form", "Expires: 0"),
    "star among others": (
        f"{R}\nContact: *, <sip:bob@192.0.2.10>\nExpires: 0\n{OK}",
        "Contact",
        "R3261-10.2.2-star-form",
        "Contact: *",
    ),
    "expiry that is no number": (
        f"{R}\nExpires: soon\n{OK}",
        "Expires",
        "R3261-10.2-expires-value",
        "Expires: 3600",
    ),
    "Content-Length beyond the body": (
        f"{R}\nContent-Length: 17\n{OK}",
        "Content-Length",
        "R3261-18.3-content-length",
        "Content-Length: 0",
    ),
}


@pytest.mark.parametrize("name", MENDED)
def test_a_repair_mends_and_cites(name: str, tmp_path: Path) -> None:
    text, what, rule, line = MENDED[name]
    editor = last(text, tmp_path)
    assert rule in [edit.rule for edit in edits_of(editor, what)]
    assert f"\r\n{line}\r\n" in f"\r\n{editor.octets().decode()}"
    assert all(edit.why for edit in editor.edits)


@pytest.mark.parametrize("name", MENDED)
def test_a_repair_leaves_the_rest_alone(name: str, tmp_path: Path) -> None:
    text, what, rule, _ = MENDED[name]
    edits = last(text, tmp_path).edits
    assert {edit.what for edit in edits} - LIVE - {what} <= {"CSeq"}
    assert {edit.rule for edit in edits} <= {None, rule}


@pytest.mark.parametrize("name", MENDED)
def test_what_was_repaired_needs_no_second_repair(name: str, tmp_path: Path) -> None:
    """The repaired requests, captured again, are repaired without citing a rule."""
    octets = iter([editor.octets() for editor in drafts(MENDED[name][0], tmp_path)])
    captured = raw_messages(MENDED[name][0])
    said = [with_payload(one, next(octets)) if one.payload.startswith(b"REGISTER") else one for one in captured]
    path = capture_of(said, tmp_path, "again.pcap")
    agent = agent_of(local=Endpoint("127.0.0.1", 40001))
    for step in steps_of(read_flow([path])):
        editor = written(step, agent)
        assert {edit.rule for edit in editor.edits} == {None}
        assert {edit.what for edit in editor.edits} <= LIVE


def test_lines_that_are_no_headers_go(tmp_path: Path) -> None:
    text = f"{R}\nX-Line: here\n{OK}"
    odd = spoiled(text, b"X-Line: here", b"no header at all")
    (step,) = steps_of(read_flow([capture_of(odd, tmp_path)]))
    editor = written(step, agent_of())
    assert [(edit.rule, edit.before) for edit in editor.edits if edit.rule] == [
        ("R3261-7.3-syntax", "no header at all")
    ]
    assert b"no header" not in editor.octets()


def test_routes_of_the_captured_network_go(tmp_path: Path) -> None:
    editor = last(f"{R}\nRoute: <sip:192.0.2.1;lr>\nPath: <sip:192.0.2.2;lr>\n{OK}", tmp_path)
    assert sent(editor).first("route") is None
    assert sent(editor).first("path") is not None  # a client's own, for there is one Via
    assert edits_of(editor, "Route")[0].rule is None


def test_every_via_but_ours_goes(tmp_path: Path) -> None:
    text = f"{R}\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKp\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKc\n{OK}"
    assert len(sent(last(text, tmp_path)).vias) == 1


def test_one_call_id_and_a_counting_cseq_for_all(tmp_path: Path) -> None:
    text = f"{R}\nCSeq: 40\n{OK}\n@60 {R}\nCall-ID: b\nCSeq: 90\n{OK}\n@99 {R}\nCall-ID: c\n{OK}"
    messages = [sent(editor) for editor in drafts(text, tmp_path)]
    assert len({one.call_id for one in messages}) == 1
    assert [one.cseq.number for one in messages if one.cseq] == [40, 41, 42]
    branches = [one.via.branch for one in messages if one.via]
    assert len(set(branches)) == 3


def test_a_body_keeps_its_octets_and_gets_its_length(tmp_path: Path) -> None:
    empty, full = b"Content-Length: 0\r\n\r\n", b"Content-Length: 3\r\n\r\na\r\n"
    (step,) = steps_of(read_flow([capture_of(spoiled(f"{R}\n{OK}", empty, full), tmp_path)]))
    editor = written(step, agent_of())
    assert sent(editor).body == b"a\r\n" and b"Content-Length: 3\r\n" in editor.octets()


def test_length_is_added_where_it_is_missing(tmp_path: Path) -> None:
    editor = last(f"{R}\n-Content-Length\n{OK}", tmp_path)
    assert b"Content-Length: 0\r\n" in editor.octets() and edits_of(editor, "Content-Length")[0].rule is None


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.parent.name)
@pytest.mark.parametrize("changes", [REPAIRS, BARE, NECESSITIES], ids=["repaired", "bare", "verbatim"])
def test_samples_can_be_said_again(path: Path, changes: tuple[Change, ...]) -> None:
    agent = agent_of(username="carol")
    steps = steps_of(read_flow([path]))
    for step in steps:
        message = sent(written(step, agent, changes))
        assert message.method == "REGISTER" and message.via is not None
        assert message.via.host == "127.0.0.1" and message.via.port == 40000
        if changes is not NECESSITIES:
            assert message.all_defects() == [], step.exchange.place
    assert steps
