"""From a path or from items to a report."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.defect import SourceError
from analyzer.evidence import SECOND, RawMessage
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, NotJudged, Rule, Violated
from analyzer.judge.flowtext import START, read_flow
from analyzer.register import registry
from analyzer.register.digest.secrets import Secrets
from analyzer.register.subjects import AttemptSubject, MessageSubject, TransactionSubject
from analyzer.run.pipeline import INTERNAL, Analysis, analyze, analyze_items
from analyzer.run.report import Report
from tests.capture.build import ethernet, ip4, pcap, udp
from tests.shared import lab_file

FLOW = """
    > REGISTER sip:example.com
    < 100
    < 401
    > REGISTER sip:example.com
    Authorization: {bob secret}
    @0.6 > again
    < 200
    > OPTIONS sip:example.com
    Call-ID: o
    < 200
"""


def report(flow: str = FLOW, **given: object) -> Report:
    """The report of a flow, without rules unless they are given."""
    return analyze_items(read_flow(flow), **({"rules": ()} | given))


def rule(check: object, **card: object) -> Rule:
    """A rule for tests."""
    given: dict[str, object] = {
        "id": "T-1",
        "title": "t",
        "clause": "",
        "force": "MUST",
        "severity": "error",
        "at_fault": "UAC",
        "subject": "message",
        "short_title": "p",
        "question": "a",
        "fix": "",
        "why": "",
        "examples": (),
    }
    return Rule(check=check, **(given | card))  # type: ignore[arg-type]


def test_the_summary_counts() -> None:
    summary = report().summary
    assert (summary.messages, summary.register_requests, summary.transactions, summary.retransmissions) == (8, 3, 2, 1)
    assert summary.responses == {100: 1, 401: 1, 200: 1}
    assert (summary.registrations, summary.outcomes) == (1, {"registered": 1})
    assert summary.methods == {"REGISTER": 3, "OPTIONS": 1}
    assert summary.states == {"answered": 2}
    assert summary.digests == {"unknown": 1}


def test_the_rows_are_in_order_and_whole() -> None:
    first, second = report().transactions
    assert (first.id, first.cseq, first.status, first.challenge, first.credentials) == (1, 1, 401, True, False)
    assert (second.id, second.cseq, second.status, second.challenge, second.credentials) == (2, 2, 200, False, True)
    assert (first.provisional, second.retransmissions, second.registration) == ((100,), 1, 1)
    assert (first.aor, first.request_uri, first.state) == ("sip:bob@example.com", "sip:example.com", "answered")
    assert (first.request_time, first.final_time) == (START + SECOND // 100, START + 3 * SECOND // 100)
    assert (first.request, first.final) == (("flow", 1, 0), ("flow", 3, 0))


def test_without_detail_only_counts_are_kept() -> None:
    lean = report(detail=False)
    assert (lean.transactions, lean.digests) == ([], [])
    assert lean.summary == report().summary


def test_secrets_make_verdicts() -> None:
    assert report(secrets=Secrets.of({"bob": "secret"})).summary.digests == {"match": 1}
    wrong = report(secrets=Secrets.of({"bob": "wrong"}))
    assert (wrong.summary.digests, wrong.secrets_given) == ({"mismatch": 1}, True)
    assert not report().secrets_given


def test_one_address_of_record_may_be_asked_for() -> None:
    other = "> REGISTER sip:example.com\nTo: <sip:eve@example.com>\nCall-ID: e\n< 200\n"
    some = report(FLOW + other, aor="sip:eve@example.com")
    assert (some.summary.messages, some.summary.register_requests, some.summary.registrations) == (10, 1, 1)
    assert [row.aor for row in some.transactions] == ["sip:eve@example.com"]


def test_duplicates_are_told() -> None:
    items = [item for item in read_flow(FLOW) if isinstance(item, RawMessage)]
    twice = [copy for item in items for copy in (item, replace(item, time=(item.time or 0) + 1000))]
    found = analyze_items(twice, rules=())
    assert found.summary.duplicates == 8
    assert found.summary.register_requests == 3
    assert any("8 packets" in note for note in found.notes)
    assert report().notes == []


def test_what_is_forgotten_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MOST_STREAMS", 3)
    flow = "".join(f"> REGISTER sip:example.com\nCall-ID: c{number}\n< 200\n" for number in range(5))
    assert any(note.startswith("2 clients or Call-IDs") for note in report(flow).notes)


def test_a_headless_answer_has_a_row() -> None:
    *_, answer = read_flow("> REGISTER sip:example.com\n< 200")
    (row,) = analyze_items([answer], rules=()).transactions
    assert (row.state, row.request, row.status, row.registration, row.aor) == (
        "headless",
        None,
        200,
        None,
        "sip:bob@example.com",
    )


def test_a_headless_provisional_answer_has_a_row() -> None:
    *_, answer = read_flow("> REGISTER sip:example.com\n< 100")
    (row,) = analyze_items([answer], rules=()).transactions
    assert (row.state, row.provisional, row.status) == ("headless", (100,), 0)


def test_a_rule_that_raises_ends_nothing() -> None:
    def check(subject: MessageSubject, context: CaptureContext) -> Answer:
        del subject, context
        raise LookupError("oh")

    found = report(rules=(rule(check),))
    assert found.failed
    assert found.outcomes["T-1"].failed == 4
    (finding,) = found.findings
    assert (finding.rule, finding.count, "LookupError" in finding.detail) == (INTERNAL, 4, True)
    assert not report().failed


def test_every_answer_is_tallied() -> None:
    answers: dict[int, Answer] = {0: PASSED, 401: NOT_APPLICABLE, 200: NotJudged("why")}

    def check(subject: MessageSubject, context: CaptureContext) -> Answer:
        del context
        return answers[subject.message.status]

    tally = report(rules=(rule(check),)).outcomes["T-1"]
    assert (tally.passed, tally.not_applicable, tally.not_judged, tally.violated) == (2, 1, {"why": 1}, 0)


def test_subjects_of_each_kind_are_asked_for() -> None:
    seen: list[str] = []

    def check(subject: object, context: CaptureContext) -> Answer:
        del context
        seen.append(type(subject).__name__)
        return PASSED

    kinds = ("message", "transaction", "attempt", "step", "binding", "closed", "end")
    report(rules=tuple(rule(check, id=f"T-{kind}", subject=kind) for kind in kinds))
    assert sorted(set(seen)) == [
        "AttemptSubject",
        "BindingSubject",
        "ClosedSubject",
        "EndSubject",
        "MessageSubject",
        "TransactionSubject",
        "TransitionSubject",
    ]


def test_findings_of_one_registration_are_one() -> None:
    def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
        del context
        return Violated(f"status {subject.transaction.status}")

    (finding,) = report(rules=(rule(check, subject="transaction"),)).findings
    assert (finding.count, finding.aor, finding.registration) == (2, "sip:bob@example.com", 1)
    assert [place for place, _ in finding.evidence] == [("flow", 1, 0), ("flow", 4, 0)]


def test_the_finding_that_explains_takes_the_other_in() -> None:
    """docs/rules/precedence.md: on the same transaction only."""

    def root(subject: AttemptSubject, context: CaptureContext) -> Answer:
        del subject, context
        return Violated("root")

    def consequence(subject: TransactionSubject, context: CaptureContext) -> Answer:
        del subject, context
        return Violated("consequence")

    cards = (
        rule(root, id="T-root", subject="attempt", supersedes=("T-leaf",)),
        rule(consequence, id="T-leaf", subject="transaction"),
    )
    found = {finding.rule: finding for finding in report(rules=cards).findings}
    assert (found["T-root"].folded, found["T-root"].count, found["T-leaf"].count) == (["T-leaf"], 1, 1)


def test_a_live_run_gives_the_same_as_a_file() -> None:
    """Fed one by one, asked at the end."""
    analysis = Analysis([], rules=())
    for item in read_flow(FLOW):
        analysis.feed(item)
    assert analysis.finish().summary == report().summary


CAPTURE = pcap(
    [
        ethernet(ip4(udp(item.payload), ident=number))
        for number, item in enumerate(read_flow(FLOW))
        if isinstance(item, RawMessage)
    ]
)


def test_a_capture_from_a_path_and_from_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "c.pcap"
    path.write_bytes(CAPTURE)
    for given in (path, str(path), [path], io.BytesIO(CAPTURE)):
        summary = analyze(given).summary
        assert (summary.messages, summary.register_requests, summary.transactions) == (8, 3, 2)


def test_two_captures_are_one(tmp_path: Path) -> None:
    for name in ("a.pcap", "b.pcap"):
        (tmp_path / name).write_bytes(CAPTURE)
    both = analyze([tmp_path / "a.pcap", tmp_path / "b.pcap"])
    assert [source.messages for source in both.sources] == [8, 8]
    assert both.summary.messages == 16
    assert both.summary.transactions == 2
    assert both.span[0] is not None


def test_progress_is_told(tmp_path: Path) -> None:
    path = tmp_path / "c.pcap"
    path.write_bytes(CAPTURE)
    told: list[tuple[int, int | None]] = []
    analyze(path, progress=lambda done, total: told.append((done, total)))
    assert told
    assert told[-1][1] == len(CAPTURE)


def test_an_interrupted_run_reports_what_it_read(tmp_path: Path) -> None:
    path = tmp_path / "c.pcap"
    path.write_bytes(CAPTURE)

    def stop(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    found = analyze(path, progress=stop)
    assert found.interrupted
    assert found.summary.messages == 1


def test_what_cannot_be_read_is_a_source_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        analyze(tmp_path / "none.pcap")


@pytest.mark.parametrize(
    ("name", "outcomes"),
    [
        ("5-c-clean", {"removed": 1}),
        ("5-c-retransmission", {"registered": 1}),
        ("5-c-interval-too-brief", {"registered": 1}),
        ("5-c-star-expires-0", {"removed": 1}),
        ("5-c-same-callid-two-registrars", {"registered": 1, "rejected": 1}),
        ("5-v-star-with-expires-3600", {"rejected": 1}),
        ("5-v-cseq-not-incremented", None),
        ("5-v-userinfo-in-ruri", {"registered": 1}),
    ],
)
def test_a_capture_and_the_servers_log_of_it_tell_the_same(name: str, outcomes: dict[str, int] | None) -> None:
    """The same registration as the wire had it and as Asterisk printed it, in every way of printing."""
    folder = lab_file(name, "asterisk-chan_sip", "full").parent
    wire = analyze(folder / "capture.pcap").summary
    if outcomes is not None:
        assert wire.outcomes == outcomes
    for log in sorted(folder.glob("console-*.txt")):
        printed = analyze(log).summary
        assert (printed.register_requests, printed.transactions, printed.retransmissions) == (
            wire.register_requests,
            wire.transactions,
            wire.retransmissions,
        )
        assert (printed.responses, printed.states, printed.outcomes) == (wire.responses, wire.states, wire.outcomes)


def test_a_late_refusal_of_a_copy_is_no_failure() -> None:
    """Asterisk answers a retransmitted request with 200 and then 401 stale; Kamailio does not (docs/lab.md 5)."""
    for server in ("asterisk-chan_sip", "kamailio"):
        found = analyze(lab_file("5-c-retransmission", server, "capture.pcap"))
        assert [(row.status, row.retransmissions) for row in found.transactions] == [(401, 2), (200, 2)]
        assert found.summary.outcomes == {"registered": 1}
