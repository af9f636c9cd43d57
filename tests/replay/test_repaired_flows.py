"""Flows that break rules, repaired, said to a registrar that is right, and judged by the rules again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.evidence import Frame, RawMessage
from analyzer.judge.flowtext import START
from analyzer.register.digest.secrets import Secrets
from analyzer.run.pipeline import analyze
from analyzer.sip.timers import Timers
from replay.flow import read_flow
from replay.plan import steps_of
from replay.session import ClientSession, ReplayMode
from tests.replay.memory import MemoryRegistrar, Table
from tests.replay.said import LOCAL, PEER, READABLE, agent_of, capture_of
from tests.replay.test_rewrite import MENDED, cited_rules
from tests.shared import LAB

PASSWORDS = {"bob": "secret", "carol": "carolpw", "alice": "alicepw", "dave": "davepw", "frank": "frankpw"}


def wire(seen: Table) -> Iterator[RawMessage]:
    """The conversation as it would have been captured."""
    for number, (at, back, payload) in enumerate(seen.wire, 1):
        ends = (PEER, LOCAL) if back else (LOCAL, PEER)
        yield RawMessage(payload, START + at, Frame("replay", number), *ends, ip_id=number)


def said_again(path: Path, folder: Path, mode: ReplayMode) -> tuple[set[str], ClientSession, MemoryRegistrar]:
    """Replay a capture's first flow to a right registrar; the rules that the conversation breaks, but for
    remarks on what is legal, and both ends."""
    flow = read_flow([path])
    user = flow.aor.removeprefix("sip:").partition("@")[0]
    realm = next((one.realm for e in flow.exchanges if e.final for one in e.final.challenges), None) or "example.com"
    secrets = Secrets.of(PASSWORDS | {user: PASSWORDS.get(user, f"{user}pw")})
    registrar = MemoryRegistrar({user: PASSWORDS.get(user, f"{user}pw")}, realm=realm)
    session = ClientSession(steps_of(flow), agent_of(secrets, username=user), Timers(), mode)
    seen = Table(session, registrar).play()
    report = analyze([capture_of(wire(seen), folder, "again.pcap")], secrets=secrets)
    assert report.summary.messages == len(seen.wire)
    return {finding.rule for finding in report.findings if finding.severity != "info"}, session, registrar


@pytest.mark.parametrize("name", MENDED)
def test_repaired_flows_break_none_of_the_repaired_rules(name: str, tmp_path: Path) -> None:
    path = capture_of(MENDED[name][0], tmp_path)
    broken, session, registrar = said_again(path, tmp_path, ReplayMode())
    assert broken & cited_rules() == set()
    assert session.done and registrar.bindings == {}


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.parent.name)
def test_repaired_samples_break_none_of_the_repaired_rules(path: Path, tmp_path: Path) -> None:
    broken, session, registrar = said_again(path, tmp_path, ReplayMode())
    assert broken & cited_rules() == set()
    assert session.done and registrar.bindings == {}


FLOWS = sorted(LAB.glob("5-*/*/*.pcap*"))


def test_lab_has_violating_flows() -> None:
    assert len(FLOWS) > 20


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_repaired_lab_flows_break_none_of_the_repaired_rules(path: Path, tmp_path: Path) -> None:
    broken, session, registrar = said_again(path, tmp_path, ReplayMode())
    assert broken & cited_rules() == set()
    assert session.done and registrar.bindings == {}


def test_verbatim_faults_are_still_there(tmp_path: Path) -> None:
    """The measure sees what is not repaired."""
    path = capture_of("> REGISTER sip:bob@example.com\nFrom: <sip:bob@example.com>\n< 200", tmp_path)
    broken, _, _ = said_again(path, tmp_path, ReplayMode(repaired=False))
    assert {"R3261-10.2-ruri-userinfo", "R3261-8.1.1.3-from-tag"} <= broken
