"""Every registration of the lab captures and logs: its registrar, played to the project's own client."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from analyzer.register.digest.secrets import Secrets
from analyzer.run.pipeline import analyze
from replay.captured_registrar import PlaybackOptions, Scenario
from replay.flow import Flow, Wish, read_flow
from replay.session import ReplayMode
from tests.replay.registrar_stage import client_of, house, play, tokens
from tests.shared import lab_file

FILES = [
    "1a-chansip-real-clients/capture.pcapng",
    "1a-chansip-real-clients/full",
    "2a-pjsip-asterisk16/full",
    "3-kamailio-md5-qop-nc/capture.pcapng",
    "3-kamailio-no-qop/capture.pcapng",
    "6-tcp-plain/capture.pcapng",
]


def flows(file: Path, most: int = 8) -> list[Flow]:
    numbers = [one.id for one in analyze([file]).registrations[:most]]
    return [read_flow([file], Wish(number=number)) for number in numbers]


@pytest.mark.parametrize("name", FILES)
def test_the_captured_sequence_is_played(name: str) -> None:
    file = lab_file(name)
    seen = 0
    for captured in flows(file):
        scenario = Scenario(captured, Secrets(), tokens(), PlaybackOptions(speed=0))
        server = house(scenario)
        play(client_of(captured, mode=ReplayMode(repaired=False, speed=0, keep=True)), server)
        rounds = [one for client in server.clients.listed() for one in client.rounds]
        assert [one.now or 0 for one in rounds] == [one.status for one in captured.exchanges]
        assert [one.then for one in rounds] == [one.status for one in captured.exchanges]
        seen += len(rounds)
    assert seen >= 2


@pytest.mark.parametrize("name", FILES)
def test_what_is_changed_is_what_must_be(name: str) -> None:
    file = lab_file(name)
    allowed = {"Via", "From", "To", "Call-ID", "CSeq", "Contact", "Date", "WWW-Authenticate", "Content-Length"}
    for captured in flows(file, 3):
        server = house(Scenario(captured, Secrets(), tokens(), PlaybackOptions(speed=0)))
        play(client_of(captured, mode=ReplayMode(repaired=False, speed=0, keep=True)), server)
        rounds = [one for client in server.clients.listed() for one in client.rounds]
        assert {edit.what for one in rounds for edit in one.edits} <= allowed
        assert all(edit.before != edit.after for one in rounds for edit in one.edits)


OF_THE_NONCE = {"R7616-3.3-challenge-quality", "R3581-4-received-rport"}
"""Rules on what depends on who plays: the nonces are ours, and so is the address that a Via does not name."""
QUIRKS = [
    "5-v-ok-contact-no-expires/sipp-uas/capture.pcap",
    "5-v-423-without-min-expires/sipp-uas/capture.pcap",
    "3-kamailio-no-qop/capture.pcapng",
    "1a-chansip-real-clients/capture.pcapng",
]


@pytest.mark.parametrize("name", QUIRKS)
def test_the_captured_registrars_faults_are_found_live(name: str) -> None:
    """What the rules hold against the captured registrar's responses to a client they hold against the played ones: but
    for its nonces, which are ours, nothing is lost and nothing comes in (some rules speak of a server once for all)."""
    file = lab_file(name)
    found = set()
    for captured in flows(file, 4):
        assert captured.report is not None
        faults = [one for one in captured.report.findings if one.at_fault == "registrar"]
        server = house(Scenario(captured, Secrets(), lambda: uuid4().hex, PlaybackOptions(speed=0)))
        play(client_of(captured, mode=ReplayMode(repaired=False, speed=0, keep=True)), server)
        report = server.conversation.finish()
        now = {one.rule for one in report.findings if one.at_fault == "registrar"}
        assert now <= {one.rule for one in faults} | OF_THE_NONCE
        assert {one.rule for one in faults if one.registration == captured.number} <= now | OF_THE_NONCE
        found |= now
    assert found
