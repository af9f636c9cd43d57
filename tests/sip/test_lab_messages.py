"""Real clients and servers: each message of the single-fault captures, against what tshark's dissector counted."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import dpkt
import pytest

from analyzer.evidence import Endpoint, Frame, RawMessage
from analyzer.sip.message import Message, parse
from tests.shared import LAB

NOWHERE = Endpoint("", 0)
FOLDERS = sorted(path.parent for path in LAB.glob("5-*/*/capture.pcap"))
# What the grammar forbids in them, by design of the scenario. All the others break rules, not syntax.
MALFORMED = {"5-v-cseq-too-large": {"cseq-out-of-range"}}


@cache
def messages(folder: Path) -> dict[int, Message]:
    """Frame number -> the SIP message in it."""
    found = {}
    with (folder / "capture.pcap").open("rb") as file:
        for number, (_, octets) in enumerate(dpkt.pcap.Reader(file), 1):
            segment = dpkt.ethernet.Ethernet(octets).data.data
            payload = getattr(segment, "data", b"")
            if isinstance(payload, bytes) and b"SIP/2.0" in payload[:500]:
                found[number] = parse(RawMessage(payload, None, Frame(folder.name, number), NOWHERE, NOWHERE))
    return found


@cache
def truth(folder: Path) -> dict[str, Any]:
    """What the folder's truth.json says."""
    read: dict[str, Any] = json.loads((folder / "truth.json").read_text())
    return read


def named(folder: Path) -> str:
    """The test's id: scenario and server."""
    return f"{folder.parent.name}/{folder.name}"


def test_there_are_folders() -> None:
    assert len(FOLDERS) >= 20


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_clean_syntax_has_no_defect(folder: Path) -> None:
    codes = {defect.code for message in messages(folder).values() for defect in message.all_defects()}
    assert codes == MALFORMED.get(folder.parent.name, set())


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_counts(folder: Path) -> None:
    facts, found = truth(folder)["facts"], messages(folder).values()
    assert len(found) == facts["sip_messages"]
    assert sum(m.is_register and m.is_request for m in found) == facts["register_packets"]
    by_status: dict[str, int] = {}
    for message in found:
        if message.is_response and message.is_register:
            by_status[str(message.status)] = by_status.get(str(message.status), 0) + 1
    assert by_status == facts["register_responses_by_status"]
    stale = sum(any(challenge.stale for challenge in message.challenges) for message in found)
    assert stale == facts["responses_with_stale_true"]
    assert len({m.call_id for m in found if m.is_register}) == facts["distinct_call_ids"]
    assert sorted({m.user_agent for m in found if m.is_request} - {""}) == sorted(facts["user_agents_seen"])


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_transactions(folder: Path) -> None:
    for transaction in truth(folder)["transactions"]:
        message = messages(folder)[transaction["frame"]]
        assert message.is_register and message.request_uri == transaction["ruri"]
        assert message.call_id == transaction["callid"]
        assert message.cseq is not None and message.cseq.number == transaction["cseq"]
        assert message.expires == (None if transaction["expires"] is None else int(transaction["expires"]))
        assert message.all("contact") == transaction["contact"]
        assert len(message.credentials) == (transaction["digest"] is not None)


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_the_octets_can_be_put_together_again(folder: Path) -> None:
    for message in messages(folder).values():
        rows = b"".join(message.raw[row.start : row.end] for row in message.headers)
        start_line = message.raw[: message.headers[0].start]
        assert start_line + rows + b"\r\n" + message.body + message.trailing == message.raw
