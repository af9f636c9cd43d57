"""What a replay sends is captured and read again: mended flows break none of the rules that were mended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

import analyzer
from analyzer.register.digest.secrets import Secrets
from analyzer.register.identity import aor_of
from analyzer.sip.message import parse_bytes
from replay.flow import read_flow
from replay.preview import preview
from replay.record import Result
from replay.rewrite.contact import BRIEF_RETRY, STAR_FORM
from replay.rewrite.names import CALL_ID, CSEQ_GAP, CSEQ_INCREMENT, CSEQ_RETRY, FROM_TAG, MANDATORY, TO_TAG, USERINFO
from tests.replay.peers import Kamailio, capture, password
from tests.replay.playing import played, sample
from tests.shared import LAB

MENDABLE = {
    BRIEF_RETRY, CALL_ID, CSEQ_GAP, CSEQ_INCREMENT, CSEQ_RETRY, FROM_TAG, MANDATORY, STAR_FORM, TO_TAG, USERINFO,
}  # fmt: skip

SAMPLED = [
    "call-id-changes",
    "cseq-jump",
    "cseq-not-raised",
    "no-from-tag",
    "star-with-expires",
    "to-tag-in-request",
    "userinfo-in-request-uri",
    "contact-without-expires",
    "two-registrars",
    "clean-registration",
    "interval-too-brief",
]
FLOWS = sorted(LAB.glob("5-*/*/capture.pcap*"))
FILES = {**{name: sample(name) for name in SAMPLED}, **{f"{file.parts[-3]}-{file.parts[-2]}": file for file in FLOWS}}


@dataclass(frozen=True)
class Carried:
    """What all mended replays put on the wire, and their results; each flow speaks as a user of its own."""

    pcap: Path
    results: dict[str, Result]


def user_of(name: str) -> str:
    return "r" + "".join(letter for letter in name if letter.isalnum())


def secrets_of(user: str) -> Secrets:
    return Secrets.of({user: password(user)})


@pytest.fixture(scope="module")
def carried(kamailio: Kamailio, tmp_path_factory: pytest.TempPathFactory) -> Carried:
    """All flows, one after the other, in one capture."""
    pcap = tmp_path_factory.mktemp("carried") / "again.pcap"
    with capture(pcap, f"port {kamailio.port}"):
        results = {name: mended(file, kamailio, user_of(name)) for name, file in FILES.items()}
    return Carried(pcap, results)


def mended(file: Path, server: Kamailio, user: str, *, keep: bool = False) -> Result:
    captured = analyzer.analyze(str(file)).registrations[0].aor.removeprefix("sip:").partition("@")[0]
    return played(file, server.target, maps=[f"{captured}@={user}@"], secrets=secrets_of(user), keep=keep)


def sent_aor(result: Result) -> str:
    """The address-of-record that the replay spoke for."""
    message = parse_bytes(result.rows[0].editor.octets())
    return aor_of(message)


@pytest.mark.needs_tool("dumpcap", "kamailio")
@pytest.mark.parametrize("name", FILES)
def test_a_mended_flow_breaks_nothing_that_was_mended(carried: Carried, name: str) -> None:
    result = carried.results[name]
    report = analyzer.analyze(str(carried.pcap), aor=sent_aor(result), secrets=secrets_of(user_of(name)))
    found = {finding.rule for finding in report.findings}
    repaired = {edit.rule for row in result.rows for edit in row.editor.edits if edit.rule is not None}
    assert not found & repaired, f"mended, and broken again: {found & repaired}"
    (registration,) = report.registrations
    assert len(registration.call_ids) == 1
    assert report.summary.digests.get("mismatch", 0) == 0
    assert not [one for one in report.findings if one.at_fault == "UAC" and one.severity == "error"]
    sent = [one for row in result.rows if row.result for one in row.result.tries]
    assert [row.status for row in report.transactions] == [one.status for one in (*sent, *result.removal)]


@pytest.mark.parametrize("name", FILES)
def test_what_the_rules_find_is_mended(name: str) -> None:
    """Every rule that a repair cites and that was found in the capture is cited by an edit of the plan."""
    flow = read_flow([FILES[name]])
    assert flow.report is not None
    mine = [finding for finding in flow.report.findings if finding.registration == flow.number]
    # One Call-ID leaves one tag; a counter that two registrars share has no gap where one is replayed alone.
    found = {finding.rule for finding in mine if finding.sub != "weak-tag" and "two-registrars" not in name}
    cited = {edit.rule for row in preview(flow, Secrets()).rows for edit in row.editor.edits}
    assert found & MENDABLE <= cited


@pytest.mark.needs_tool("dumpcap", "kamailio")
def test_the_outcome_of_the_capture_is_the_outcome_now(kamailio: Kamailio, tmp_path: Path) -> None:
    """The removal at the end is a transaction of its own; without it the last answer is the outcome."""
    pcap = tmp_path / "again.pcap"
    with capture(pcap, f"port {kamailio.port}"):
        result = mended(sample("cseq-jump"), kamailio, "rsame", keep=True)
    (registration,) = analyzer.analyze(str(pcap), secrets=secrets_of("rsame"), aor=sent_aor(result)).registrations
    assert f"{registration.outcome} ({registration.status})" == result.outcome.now
