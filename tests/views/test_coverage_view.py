"""What was not judged, and why; the quality of the sources; notes."""

from __future__ import annotations

from analyzer.evidence import Source
from analyzer.judge.findings import NEED_TEXT, Need
from analyzer.judge.tally import Tally
from analyzer.rules import all_rules
from analyzer.views.states import ClientSummary
from analyzer.views.table.coverage import gaps_of
from tests.views.reports import REGISTERED, drawn, report_of, user

RULE = all_rules()[0]


def text_of(
    outcomes: dict[str, Tally], flow: str = REGISTERED, *, tail: float = 0, width: int = 120, every: bool = False
) -> str:
    report = report_of(flow, tail=tail)
    report.outcomes = outcomes
    return drawn(report, width, all=every)


def test_every_flag_has_words() -> None:
    assert set(NEED_TEXT) == {need.value for need in Need}


def test_a_flag_is_told_in_words_with_the_rule() -> None:
    text = text_of({RULE.id: Tally(not_judged={"BYTES": 12})})
    assert f"  a printed log does not keep the octets: {RULE.question}" in text
    assert "BYTES" not in text


def test_a_phrase_is_told_as_it_is() -> None:
    assert "two Call-IDs are used side by side: " in text_of(
        {"R-x": Tally(not_judged={"two Call-IDs are used side by side": 1})}
    )


def test_the_tail_is_told_by_how_long_it_is() -> None:
    text = text_of({"R-x": Tally(not_judged={"TAIL": 1})}, tail=15)
    assert "the capture ends 15 s after it registered: " in text
    text = text_of({"R-x": Tally(not_judged={"TAIL": 1})}, user("a") + user("b"), tail=15)
    assert "the capture ends 15 s after the last client registered: " in text
    assert NEED_TEXT["TAIL"] in text_of({"R-x": Tally(not_judged={"TAIL": 1})}, user("a", 403))


def test_what_was_judged_elsewhere_is_not_judged_in_part() -> None:
    assert "in part, R-x" in text_of({"R-x": Tally(passed=3, not_judged={"HEAD": 1})})
    outcomes = {f"R-{number}": Tally(passed=number, not_judged={"HEAD": 1}) for number in range(3)}
    assert "3 rules, 2 of them only in part" in text_of(outcomes)


def test_reasons_are_ordered_by_the_rules_they_cost() -> None:
    report = report_of(REGISTERED)
    report.outcomes = {
        "R-1": Tally(passed=1, not_judged={"often": 900}),
        "R-2": Tally(not_judged={"never": 1, "once": 1}),
        "R-3": Tally(not_judged={"never": 1}),
    }
    assert [gap.reason for gap in gaps_of(ClientSummary(report))] == ["never", "once", "often"]


def test_many_reasons_are_counted() -> None:
    outcomes = {"R-x": Tally(not_judged={f"reason {number}": 1 for number in range(9)})}
    assert "and for 3 more reasons (--all lists them)" in text_of(outcomes)
    assert "reason 8" in text_of(outcomes, every=True)


def test_a_missing_password_is_said_once() -> None:
    assert "Not judged" not in text_of({"R-x": Tally(not_judged={"no password given": 1})})


def test_nothing_unjudged_no_section() -> None:
    assert "Not judged" not in text_of({"R-x": Tally(passed=1)})


def test_quality_and_notes_are_sentences() -> None:
    report = report_of(REGISTERED)
    report.sources[0].quality = ["3 packets are cut at 96 octets"]
    report.notes = ["7 more findings were counted but not kept"]
    text = drawn(report)
    assert "Note: 3 packets are cut at 96 octets.\n" in text
    assert text.endswith("Note: 7 more findings were counted but not kept.\n")


def test_the_same_quality_of_several_sources_is_said_once() -> None:
    report = report_of(REGISTERED)
    report.sources += [Source("a.pcap"), Source("b.pcap")]
    report.sources[1].quality = ["cut"]
    assert "Note: a.pcap: cut.\n" in drawn(report)
    for source in report.sources:
        source.quality = ["cut"]
    assert drawn(report).count("Note: cut.\n") == 1
