"""The documents that the project began from, and RFC 3665 as they copy it: exactly what has to be said of them.

The documents belong to their authors, so they are not in the repository; what is expected of each flow is
(`tests/data/rules/known_documents.json`, docs/rules/documents.md 3).
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import sipcheck
from analyzer.judge.copied_text import KNOWN_IN_RFC3665, NORMALISED
from analyzer.judge.findings import Finding
from analyzer.run.pipeline import analyze
from analyzer.run.report import Report
from tests.shared import DATA, shared

DOCUMENTS: dict[str, list[dict[str, str]]] = json.loads(
    (DATA / "rules" / "known_documents.json").read_text(encoding="utf-8")
)
COPIES = [name for name in DOCUMENTS if name.split()[1] == "flow"]
TITLES = {
    "2.1": "Successful New Registration",
    "2.2": "Update of Contact List",
    "2.3": "Request for Current Contact List",
    "2.4": "Cancellation of Registration",
    "2.5": "Unsuccessful Registration",
}
DISPLAYED = {"retry-ids": "info", "date": "info", "weak-md5": "info"}
"""What stays a note; all else is a warning, since text that was mended makes every error doubtful."""


def document(number: str) -> Path:
    """A document by its number."""
    (path,) = shared("seeds").glob(f"{number}_*.txt")
    return path


def report(number: str) -> Report:
    return analyze(str(document(number)))


def in_flow(number: str, title: str) -> list[Finding]:
    return [one for one in report(number).findings if one.flow_step is not None and one.flow_step.title == title]


@pytest.mark.parametrize("name", COPIES)
def test_every_flow_has_the_findings_that_are_expected(name: str) -> None:
    number, _, section = name.split()
    found = in_flow(number, TITLES[section])
    assert Counter((one.rule, f"F{one.flow_step.step}") for one in found if one.flow_step) == Counter(
        (row["rule"], row["where"]) for row in DOCUMENTS[name]
    )
    assert all(one.count == 1 for one in found)


@pytest.mark.parametrize("name", COPIES)
def test_causes_are_tags(name: str) -> None:
    """What the RFC prints is known, what the copy did is not; a response may be both, cut once more."""
    number, _, section = name.split()
    tags = {(one.rule, one.flow_step.step): one.tags for one in in_flow(number, TITLES[section]) if one.flow_step}
    for row in DOCUMENTS[name]:
        told = tags[row["rule"], int(row["where"][1:])]
        assert (KNOWN_IN_RFC3665 in told) is ("known-in-rfc3665" in row["cause"]), row
        assert NORMALISED in told


@pytest.mark.parametrize("name", COPIES)
def test_severities(name: str) -> None:
    number, _, section = name.split()
    for one in in_flow(number, TITLES[section]):
        wanted = next((word for end, word in DISPLAYED.items() if one.rule.endswith(end)), "warning")
        assert (one.rule, one.severity) == (one.rule, wanted)


def test_sub_codes_of_the_copies() -> None:
    subs = {(one.flow_step.flow, one.rule): one.sub for one in report("001").findings if one.flow_step}
    assert subs[1, "R3261-8.1.3.5-retry-ids"] == "from-tag"
    assert subs[1, "R3261-25-digest-syntax"] == "no-comma"
    assert subs[2, "R3261-25-digest-syntax"] == "quoted"
    assert subs[4, "R3261-10.3-6-star"] == "still-listed"
    assert (subs[1, "R3261-8.2.6.2-echo"], subs[5, "R3261-8.2.6.2-echo"]) == ("to", "from")
    lengths = [one.detail for one in report("001").findings if one.rule == "R8760-2.7-response-form"]
    assert sorted(int(detail.split(" has ")[1].split()[0]) for detail in lengths) == [19, 19, 20, 21, 21]


def test_nothing_else_is_said_of_them() -> None:
    for number, flows in (("001", 5), ("003", 1)):
        one = report(number)
        assert all(finding.flow_step for finding in one.findings)
        assert len(one.sources[0].flows) == flows
        assert one.sources[0].format == "flow-text"
        assert not one.failed
        assert one.summary.retransmissions == one.summary.duplicates == 0


def test_addresses_that_a_page_hides_are_malformed_and_nothing_more() -> None:
    """The web copy: every rule that would read them is folded into that."""
    request, answer = (one for one in report("003").findings if one.rule == "R3261-7.3-syntax")
    assert (request.sub, answer.sub) == ("call-id,from,to", "contact")
    assert "R3261-10.2-to-aor" not in {one.rule for one in report("003").findings}


def test_messages_of_the_slides_are_in_their_order() -> None:
    one = report("001")
    assert [(row.cseq, row.status) for row in one.transactions] == [
        (1, 401), (2, 200), (1, 200), (1, 200), (1, 200), (1, 401), (2, 200),
    ]  # fmt: skip
    assert {row.request_uri for row in one.transactions} == {"sips:ss2.biloxi.example.com"}
    assert {registration.aor for registration in one.registrations} == {"sip:bob@biloxi.example.com"}


@pytest.mark.parametrize(("number", "code"), [("001", 0), ("003", 0)])
def test_copies_break_no_run(number: str, code: int) -> None:
    """Text that was mended has no error that is sure."""
    assert CliRunner().invoke(sipcheck, ["log", str(document(number))]).exit_code == code


@pytest.mark.parametrize("number", ["002", "004"])
def test_documents_without_messages(number: str) -> None:
    run = CliRunner().invoke(sipcheck, ["log", str(document(number))])
    assert (run.exit_code, run.stdout, run.stderr.count("\n")) == (3, "", 1)
    assert "it holds no SIP message; known: " in run.stderr


@pytest.mark.parametrize(("number", "code"), [("001", 1), ("003", 0)])  # of the latter, lines are seen to be lost
def test_read_strictly_they_look_like_copied_text(number: str, code: int) -> None:
    run = CliRunner().invoke(sipcheck, ["log", str(document(number)), "--dialect", "bare"])
    assert "looks like copied text" in " ".join(run.output.split())
    assert run.exit_code == code


def test_the_page_has_what_the_data_have() -> None:
    assert len(COPIES) == 6
    assert {name.split()[2] for name in COPIES} == set(TITLES)


PRISTINE = [name for name in DOCUMENTS if name.startswith("rfc3665 pristine")]


@pytest.mark.parametrize("name", PRISTINE)
def test_every_row_of_the_rfc_is_known_by_its_title(name: str) -> None:
    """The RFC's text is not at hand here; that its rows are in the table of what is known, is."""
    from analyzer.judge.copied_text import _RFC_3665

    rows = {(int(row["where"][1:]), row["rule"]) for row in DOCUMENTS[name]}
    assert _RFC_3665[TITLES[name.split()[2]].lower()] == rows
