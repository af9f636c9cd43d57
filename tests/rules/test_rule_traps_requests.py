"""Traps of the rules about requests that an example cannot hold: cut messages, profiles, words that name the origin."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.evidence import RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.run.pipeline import analyze_items
from tests.rules.cases import rule_of, run, subs

_AT = "> REGISTER sip:example.com"


def _cut(flow: str, octets: int, rule: str) -> dict[str, int]:
    """Cut the first datagram of a flow as a short snap length does; what the rule did not judge, and why."""
    first, *rest = read_flow(flow)
    assert isinstance(first, RawMessage)
    short = replace(first, payload=first.payload[:octets], missing=len(first.payload) - octets)
    report = analyze_items([short, *rest], rules=[rule_of(rule)])
    assert report.findings == []
    return report.outcomes[rule].not_judged


@pytest.mark.parametrize("octets", [60, 120, 200])
@pytest.mark.parametrize("rule", ["R3261-8.1.1-mandatory", "R3261-10.2.2-star-form"])
def test_what_a_cut_message_lacks_is_not_missing(rule: str, octets: int) -> None:
    assert _cut(f"{_AT}\nContact: *\n-Max-Forwards", octets, rule) == {"WHOLE": 1}


def test_the_old_profile_asks_for_neither_tags_nor_max_forwards() -> None:
    flow = f"{_AT}\nFrom: <sip:bob@example.com>\nTo: <sip:bob@example.com>;tag=x\n-Max-Forwards"
    for rule in ("R3261-8.1.1-mandatory", "R3261-8.1.1.2-to-tag", "R3261-8.1.1.3-from-tag"):
        assert subs(run(rule, flow, profile="legacy2543")) == []
        assert len(subs(run(rule, flow))) == 1
    assert subs(run("R3261-8.1.1-mandatory", f"{_AT}\n-To\n-Max-Forwards", profile="legacy2543")) == ["to"]


def test_missing_headers_are_all_named() -> None:
    (finding,) = run("R3261-8.1.1-mandatory", f"{_AT}\n-To\n-Call-ID\n-Max-Forwards").findings
    assert finding.detail == "the request has no To and no Call-ID and no Max-Forwards header"
    assert finding.sub == "to,call-id,max-forwards"


def test_text_copied_from_a_page_is_told_as_such() -> None:
    (item,) = read_flow(_AT)
    assert isinstance(item, RawMessage)
    broken = replace(item, payload=item.payload.replace(b"Max-Forwards", b"\r\nMax-Forwards"))
    (finding,) = analyze_items([broken], rules=[rule_of("R3261-8.1.1-mandatory")]).findings
    assert finding.detail.endswith("this looks like copied text")
    assert finding.severity == "error"


def test_a_folded_header_is_there() -> None:
    (item,) = read_flow(f"{_AT}\nTo: <sip:bob@example.com>")
    assert isinstance(item, RawMessage)
    folded = replace(item, payload=item.payload.replace(b"To: ", b"To:\r\n "))
    assert analyze_items([folded], rules=[rule_of("R3261-8.1.1-mandatory")]).findings == []


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("f1", "the tag of its own From header"),
        ("r1", "copied back from the 401 answer before it"),
        ("f0", "the From tag of the request before it"),
        ("zz", "tag=zz"),
    ],
)
def test_where_a_to_tag_was_copied_from(tag: str, words: str) -> None:
    flow = f"""
        {_AT}
        From: <sip:bob@example.com>;tag=f0
        < 401
        {_AT}
        From: <sip:bob@example.com>;tag=f1
        To: <sip:bob@example.com>;tag={tag}
        Authorization: {{bob secret}}
        < 200
    """
    (finding,) = run("R3261-8.1.1.2-to-tag", flow).findings
    assert finding.detail.endswith(words)


def test_the_tag_of_a_200_half_an_hour_ago_is_remembered() -> None:
    flow = f"{_AT}\n< 200\n@1800 {_AT}\nTo: <sip:bob@example.com>;tag=r1\n< 200"
    (finding,) = run("R3261-8.1.1.2-to-tag", flow).findings
    assert "copied back from the 200" in finding.detail


def test_two_phones_may_draw_the_same_tag_for_all_we_know() -> None:
    eve = "From: <sip:eve@example.com>;tag=f1\nTo: <sip:eve@example.com>\nContact: <sip:eve@192.0.2.20>"
    flow = f"{_AT}\n< 200\nsrc=192.0.2.20:5060 {_AT}\n{eve}\nCall-ID: eve\n< 200"
    assert subs(run("R3261-8.1.1.3-from-tag", flow)) == []


@pytest.mark.parametrize("header", ["Expires: 0", "expires:0", "EXPIRES:   0000"])
def test_the_header_may_be_written_in_many_ways(header: str) -> None:
    report = run("R3261-10.2.2-star-form", f"{_AT}\nContact: *\n{header}")
    assert subs(report) == []
    assert report.outcomes["R3261-10.2.2-star-form"].passed == 1


def test_a_star_in_each_refresh_is_one_finding() -> None:
    flow = "\n".join(f"@{60 * number} {_AT}\nContact: *\nExpires: 60\n< 400" for number in range(4))
    (finding,) = run("R3261-10.2.2-star-form", flow).findings
    assert (finding.sub, finding.count) == ("nonzero", 4)


def test_wire_text_in_a_sentence_is_short() -> None:
    flow = f"{_AT}\nFrom: <sip:{'b' * 5000}@example.com>\nContact: *;{'q' * 5000}=1\n-Expires"
    for rule in ("R3261-10.2.2-star-form", "R3261-8.1.1.3-from-tag"):
        assert all(len(finding.detail) < 300 for finding in run(rule, flow).findings)


_MIN = "< 423\nMin-Expires: 300"


def _rounds(*asked: int) -> str:
    return "\n".join(f"{_AT}\nExpires: {seconds}\n{_MIN}" for seconds in asked)


@pytest.mark.parametrize(
    ("asked", "count", "severity"),
    [((60, 60), 1, "warning"), ((60, 60, 61), 2, "warning"), ((60, 60, 60, 60), 3, "error")],
)
def test_rounds_after_423_are_counted(asked: tuple[int, ...], count: int, severity: str) -> None:
    (finding,) = run("R3261-10.2.8-423-retry", f"{_rounds(*asked)}\n{_AT}\nExpires: 300\n< 200").findings
    assert (finding.count, finding.severity) == (count, severity)


def test_a_challenge_between_does_not_hide_the_423() -> None:
    flow = f"""
        {_AT}
        < 401
        {_AT}
        Authorization: {{bob secret}}
        Expires: 60
        {_MIN}
        {_AT}
        Authorization: {{bob secret}}
        Expires: 60
        < 401
        {_AT}
        Authorization: {{bob secret}}
        Expires: 300
        < 200
    """
    (finding,) = run("R3261-10.2.8-423-retry", flow).findings
    assert "asks 60 s" in finding.detail
    assert [place[1] for place, _ in finding.evidence] == [5, 4]
    assert all(time is not None for _, time in finding.evidence)


def test_a_retry_after_more_than_32_seconds_is_none() -> None:
    flow = f"{_AT}\nExpires: 60\n{_MIN}\n@100 {_AT}\nExpires: 300\n< 200\n@200 ."
    assert subs(run("R3261-10.2.8-423-retry", flow)) == ["never-retried"]


def test_an_endless_loop_is_not_called_given_up() -> None:
    report = run("R3261-10.2.8-423-retry", _rounds(*[60] * 30) + "\n@100 .")
    assert subs(report) == ["", "never-retried"]
    (low,) = [finding for finding in report.findings if finding.severity == "error"]
    assert low.count >= 25
    assert next(finding.count for finding in report.findings if finding.sub) == 1
