"""Flows of a document are captures of their own: nothing of one is known in another, and one report tells of all."""

from __future__ import annotations

import gc
import io
import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

import analyzer
from analyzer.cli import sipcheck
from analyzer.evidence import FlowStep, RawMessage
from analyzer.run import flows as flows_module
from analyzer.run.flows import FlowAnalyses
from analyzer.run.pipeline import Analysis, analyze
from analyzer.run.report import Report
from tests.capture.call_flows import ANSWERED, REGISTER, SLIDES, WHOLE, message, read
from tests.shared import ROOT

RFC = ROOT / "samples" / "flow-text-rfc"
CONTACT = "Contact: <sip:eva@phone.example.com:5060>"
REGISTERED = (
    f"F1 REGISTER Eva -> Server\n\n{message(REGISTER, CONTACT)}\n"
    f"F2 200 OK Server -> Eva\n\n{message('SIP/2.0 200 OK', CONTACT + ';expires=60')}\n"
)


def report(text: str | bytes) -> Report:
    octets = text.encode() if isinstance(text, str) else text
    return analyze(io.BytesIO(octets), dialect="flow-text")


def found(one: Report) -> Counter[tuple[str, str, int]]:
    return Counter((finding.rule, finding.sub, finding.count) for finding in one.findings)


def test_equal_flows_are_as_many_clients() -> None:
    """One after the other they would be copies of one request, or a CSeq that is not raised."""
    once, thrice = report(REGISTERED), report(3 * REGISTERED)
    assert thrice.summary.transactions == 3 == thrice.summary.registrations
    assert thrice.summary.retransmissions == thrice.summary.duplicates == 0
    assert found(thrice) == Counter({key: 3 * count for key, count in found(once).items()})
    assert [finding.count for finding in thrice.findings] == [1] * len(thrice.findings)


def test_counts_are_those_of_the_flows_together() -> None:
    once, thrice = report(REGISTERED), report(3 * REGISTERED)
    assert thrice.summary.messages == 6
    assert thrice.summary.responses == {200: 3}
    assert thrice.summary.outcomes == {"registered": 3}
    for rule, tally in once.outcomes.items():
        of_all = thrice.outcomes[rule]
        assert (of_all.passed, of_all.violated, of_all.not_applicable, of_all.failed) == (
            3 * tally.passed, 3 * tally.violated, 3 * tally.not_applicable, 3 * tally.failed,
        )  # fmt: skip
        assert of_all.not_judged == {why: 3 * count for why, count in tally.not_judged.items()}


def test_numbers_go_through_the_report() -> None:
    whole = report(WHOLE)
    assert [row.id for row in whole.transactions] == list(range(1, len(whole.transactions) + 1))
    assert [one.id for one in whole.registrations] == [1, 2, 3]
    owned = {
        one.id: [row.id for row in whole.transactions if row.registration == one.id] for one in whole.registrations
    }
    assert owned == {1: [1, 2, 3, 4, 5], 2: [6], 3: [7, 8]}
    assert {finding.registration for finding in whole.findings} == {3}
    (cause,) = (finding for finding in whole.findings if finding.explains)
    assert cause.explains == [8]


def test_a_nonce_of_another_flow_is_none_of_this() -> None:
    """In 4.2 and 4.3 the phone uses the nonce of 4.1: nothing is known of it there, neither that it was drawn nor that
    its count was used up to 2."""
    whole = report(WHOLE)
    parted = [report(part) for part in _sections()]
    assert [len(one.registrations) for one in parted] == [1, 1, 1]
    assert found(whole) == sum((found(one) for one in parted), Counter())
    assert whole.summary.not_judged == sum(one.summary.not_judged for one in parted)
    assert [one.outcome for one in whole.registrations] == [one.registrations[0].outcome for one in parted]


def _sections() -> list[str]:
    heads = [WHOLE.index(f"\n{title}") for title in ("4.1.  Reg", "4.2.  Rem", "4.3.  A N")]
    return [WHOLE[at:end] for at, end in zip(heads, [*heads[1:], len(WHOLE)], strict=True)]


def test_digests_are_checked_in_every_flow() -> None:
    whole = analyze(str(RFC / "input.txt"), credentials=str(RFC / "users.csv"))
    assert whole.summary.digests == {"match": 6}
    assert [record.order for record in whole.digests] == sorted(record.order for record in whole.digests)


def test_what_one_flow_lost_makes_no_other_less_sure() -> None:
    """An answer without its request is lost traffic (docs/rules/reconstruction.md 1 item 6)."""
    bad = REGISTERED + REGISTERED.replace("F1", "F3").replace("F2", "F4")
    sure = [finding.confidence for finding in report(bad).findings]
    unsure = report(f"{bad}3.1. Lost\n\n{ANSWERED}3.2. Lost\n\n{ANSWERED}")
    assert sure
    assert [one.confidence for one in unsure.findings if one.flow_step and one.flow_step.flow == 1] == sure


def test_findings_say_in_which_flow_they_are() -> None:
    (cseq,) = report(WHOLE).findings
    assert cseq.flow_step == FlowStep(3, "A Number That Is Not Raised", 3)
    (tag,) = report(SLIDES).findings
    assert tag.flow_step == FlowStep(3, "A Phone Sends a Tag Back", 1)


def test_flows_and_a_log_in_one_run(tmp_path: Path) -> None:
    """What is in no flow is analyzed as ever, and told in the same report."""
    log = ROOT / "samples" / "asterisk-first-registration" / "input.txt"
    document = tmp_path / "flows.txt"
    document.write_text(2 * REGISTERED)
    alone = analyze(str(log))
    both = analyze([str(document), str(log)])
    assert both.summary.registrations == 3
    assert found(both) == found(alone) + found(report(2 * REGISTERED))
    assert [row.id for row in both.transactions] == [1, 2, 3, 4]
    again = analyze([str(log), str(document)])
    assert found(again) == found(both)


def test_two_documents_are_two(tmp_path: Path) -> None:
    paths = [tmp_path / "one.txt", tmp_path / "two.txt"]
    for path in paths:
        path.write_text(REGISTERED)
    both = analyze([str(path) for path in paths])
    assert both.summary.transactions == 2
    assert both.summary.duplicates == 0
    assert {one.place.source for one in both.registrations} == {str(path) for path in paths}


def test_a_document_without_messages_is_told_as_one() -> None:
    empty = report("F1 REGISTER a -> b\n\nand nothing more\n")
    assert (empty.summary.messages, empty.registrations, empty.findings) == (0, [], [])


def test_tables_have_all_flows() -> None:
    tables = analyzer.tables(analyze(str(RFC / "input.txt")))
    assert list(tables.registrations["registration"]) == [1, 2, 3]
    assert list(tables.transactions["transaction"]) == list(range(1, 9))
    assert tables.transactions["time"].isna().all()
    assert list(tables.bindings["state"]) == ["active", "active"]


def test_by_address_of_record() -> None:
    first, *others = _sections()
    text = first + "".join(others).replace("ines@lisboa", "rosa@lisboa")
    assert report(text).summary.registrations == 3
    for aor, count in (("sip:ines@lisboa.example", 1), ("sip:rosa@lisboa.example", 2), ("sip:eva@lisboa.example", 0)):
        assert analyze(io.BytesIO(text.encode()), aor=aor).summary.registrations == count


def test_analyses_begin_where_the_one_before_ended() -> None:
    messages, source = read(2 * REGISTERED)
    begun: list[tuple[int, int]] = []

    def begin(part: int = 0, after: int = 0) -> Analysis:
        begun.append((part, after))
        return Analysis([source], part=part, after=after)

    flows = FlowAnalyses(begin)
    for one in messages:
        flows.feed(one)
    parts = flows.partials(interrupted=False)
    assert begun == [(1, 0), (2, 2)]
    assert [part.part for part in parts] == [1, 2]
    assert [list(part.opened) for part in parts] == [[1], [3]]
    assert parts[1].outcomes == {}, "counted with the first"


def test_a_challenge_from_somebody_else_is_judged_as_ever() -> None:
    """Workers with shares of one capture could not; a flow is whole."""
    challenge = 'WWW-Authenticate: Digest realm="example.com", nonce="0123456789abcdef", algorithm=MD5, qop="auth"'
    text = REGISTERED.replace("200 OK Server", "401 Unauthorized Proxy").replace(
        message("SIP/2.0 200 OK", CONTACT + ";expires=60"), message("SIP/2.0 401 Unauthorized", challenge)
    )
    one = report(2 * text)
    assert one.summary.responses == {401: 2}
    assert {row.status for row in one.transactions} == {401}


def test_what_is_kept_of_flows_is_not_looked_through_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The collector comes once in so many flows: to all that was kept by then it would take the square of them."""
    seen: list[int] = []
    collect = gc.collect

    def counted() -> int:
        done = collect()
        seen.append(len(gc.get_objects()))
        return done

    monkeypatch.setattr(flows_module, "_COLLECTED", 4)
    monkeypatch.setattr(gc, "collect", counted)
    text = "".join(f"{n}.1.  Flow {n}\n\n{REGISTERED}" for n in range(1, 33))
    assert report(text).summary.registrations == 32
    assert len(seen) == 8
    assert max(seen[2:]) < 1.5 * min(seen[2:])
    assert gc.get_freeze_count() == 0


def test_an_interruption_is_told_of_every_part() -> None:
    messages, source = read(2 * REGISTERED)
    flows = FlowAnalyses(lambda **given: Analysis([source], **given))
    for one in messages:
        assert isinstance(one, RawMessage)
        flows.feed(one)
    assert any(part.interrupted for part in flows.partials(interrupted=True))


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_jobs_tell_the_same(jobs: str) -> None:
    run = CliRunner().invoke(sipcheck, ["log", str(RFC / "input.txt"), "--format", "json", "--jobs", jobs])
    assert json.loads(run.stdout)["summary"]["registrations"] == 3


def test_json_names_flows() -> None:
    run = CliRunner().invoke(sipcheck, ["log", str(RFC / "input.txt"), "--format", "json"])
    told = json.loads(run.stdout)
    (source,) = told["sources"]
    assert [(one["flow"], one["title"], one["messages"]) for one in source["flows"]] == [
        (1, "Registration Through an Edge Proxy", 10),
        (2, "Removal of All Contacts", 2),
        (3, "A Number That Is Not Raised", 4),
    ]
    assert [one["flow"] for one in told["findings"]] == [{"flow": 3, "title": "A Number That Is Not Raised", "step": 3}]


def test_the_table_names_the_flow_of_each_client() -> None:
    run = CliRunner().invoke(sipcheck, ["log", str(RFC / "input.txt")])
    told = " ".join(run.output.split())
    assert "3 clients in 3 flows: 1 registered, 1 refused, 1 signed off." in told
    assert "line 294 A Number That Is Not Raised · The phone does not count CSeq up" in told
    assert "registered for 3600 s line 185 Registration Through an Edge Proxy" in told


def test_an_exported_capture_is_told_to_mix_flows(tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    run = CliRunner().invoke(sipcheck, ["export", str(RFC / "input.txt"), "--to", "pcap", "-o", str(out)])
    assert run.exit_code == 0
    assert "shows call flows, each a capture of its own: one capture mixes them" in run.stderr


def test_a_document_is_not_followed() -> None:
    """It does not grow; what is read of it is held to its end, where its legend may stand."""
    run = CliRunner().invoke(sipcheck, ["log", "--follow", str(RFC / "input.txt")])
    assert run.exit_code == 3
    assert (
        run.stderr
        == f"sipcheck: {RFC / 'input.txt'}: shows call flows, and no log that grows (without --follow it is read)\n"
    )
