"""What the comments on packets say, and the filters that select them."""

from __future__ import annotations

import pytest

from analyzer.evidence import Evidence, Frame
from analyzer.judge.findings import Confidence
from analyzer.views import packet_comments
from analyzer.views.packet_comments import colouring_rules, comment_of, comments_of, filter_of, how_to_see
from tests.views.findings import finding, with_findings
from tests.views.hostile_traffic import TEXTS


def places(*numbers: int) -> list[Evidence]:
    return [Evidence(Frame("flow", number), None) for number in numbers]


def test_the_first_packet_says_all_and_the_others_point_to_it() -> None:
    one = finding(evidence=places(4, 9, 4, 12), count=27)
    on, general = comments_of(with_findings(one))
    assert general == []
    assert on == {
        4: [
            "sipcheck error: Userinfo in the Request-URI: the Request-URI is sip:u1@example.com. Fix: send the domain "
            "alone. [phone; u1@example.com; frames 9 and 12 too, seen 27 times; R3261-10.2-ruri-userinfo; "
            "RFC 3261 10.2]"
        ],
        9: ["sipcheck error: Userinfo in the Request-URI. More in the comment on frame 4. [R3261-10.2-ruri-userinfo]"],
        12: ["sipcheck error: Userinfo in the Request-URI. More in the comment on frame 4. [R3261-10.2-ruri-userinfo]"],
    }


def test_the_worst_comes_first_and_the_word_is_what_reports_say() -> None:
    note = finding(1, proven_severity="info", evidence=places(3))
    doubtful = finding(2, confidence=Confidence.LOW, evidence=places(3))
    sure = finding(3, evidence=places(3))
    leads = [text.split(":")[0] for text in comments_of(with_findings(note, doubtful, sure)).on[3]]
    assert leads == ["sipcheck error", "sipcheck warning", "sipcheck note"]


def test_a_finding_without_a_packet_is_said_of_the_whole() -> None:
    on, general = comments_of(with_findings(finding(evidence=[])))
    assert on == {} and general[0].startswith("sipcheck error: Userinfo")


def test_one_packet_has_so_many_comments_and_a_count_of_the_rest() -> None:
    many = [finding(number, evidence=places(5)) for number in range(packet_comments.MOST_ON_ONE + 10)]
    texts = comments_of(with_findings(*many)).on[5]
    assert len(texts) == packet_comments.MOST_ON_ONE
    assert texts[-1] == "sipcheck: and 11 more comments."


@pytest.mark.parametrize("hostile", TEXTS.values(), ids=TEXTS.keys())
def test_a_comment_is_one_harmless_line_of_bounded_length(hostile: str) -> None:
    text = comment_of(finding(detail=hostile * 200, aor=f"sip:{hostile[:40]}@x"))
    assert text.isprintable() and "\n" not in text
    text.encode("utf-8")
    assert len(comment_of(finding(detail="x" * 100_000, fix="y" * 100_000))) < 3 * packet_comments.MOST_LETTERS


def test_the_filters_and_colours_name_what_the_comments_begin_with() -> None:
    report = with_findings(finding(1), finding(2, proven_severity="info"))
    texts = [text for several in comments_of(report).on.values() for text in several]
    assert filter_of() == 'frame.comment contains "sipcheck"'
    for severity, text in zip(("error", "info"), texts, strict=True):
        mark = filter_of(severity).split('"')[1]  # type: ignore[arg-type]
        assert mark in text
    lines = how_to_see(report)
    assert [line for line in lines if line.startswith("@")] == colouring_rules()
    assert any(line.split()[:1] == ["errors"] for line in lines)
    assert not any(line.split()[:1] == ["warnings"] for line in lines)


def test_where_nothing_is_found_that_is_said() -> None:
    assert how_to_see(with_findings()) == ["No finding, so there is no comment: the packets are as they were."]
