"""The way of answers in the lab's captures: real stacks answer where they must, and a translator changes nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from analyzer.capture.opener import open_sources
from analyzer.evidence import Endpoint, Item, RawMessage
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from tests.shared import LAB, needs_shared
from tests.truth.test_lab_truth import captures

pytestmark = needs_shared

_RULES = [rule for rule in all_rules() if rule.id in ("R3261-18.2.2-response-path", "R3261-17.1.2-retx-after-final")]
_CLEAN = ("5-c-clean", "3-kamailio-md5-qop-nc", "2a-pjsip-asterisk16")
_SMALL = [case for case in captures() if case != "4-storm"]


@cache
def _items(case: str) -> tuple[Item, ...]:
    with open_sources([next((LAB / case).glob("capture.p*"))]) as reading:
        return tuple(reading)


def _judged(items: list[Item]) -> Report:
    return analyze_items([_copy(item) for item in items], rules=_RULES)


def _copy(item: Item) -> Item:
    return replace(item) if isinstance(item, RawMessage) else item


def _servers(case: str) -> set[Endpoint]:
    """Where requests go."""
    return {
        item.destination
        for item in _items(case)
        if isinstance(item, RawMessage) and item.payload.startswith(b"REGISTER ")
    }


def _translated(end: Endpoint, servers: set[Endpoint], ports: int) -> Endpoint:
    return end if end in servers else Endpoint("203.0.113.77", (end.port + ports) % 65536 or 1)


@pytest.mark.parametrize("case", _SMALL)
def test_real_stacks_answer_where_they_must(case: str) -> None:
    report = _judged(list(_items(case)))
    assert [finding for finding in report.findings if finding.severity != "info"] == []
    assert not report.failed


@pytest.mark.parametrize("case", _SMALL)
def test_a_translator_that_keeps_both_ways_breaks_nothing(case: str) -> None:
    """Shift each phone's port, there and back: answers to the source are right, whatever the Via says."""
    servers = _servers(case)
    moved: list[Item] = [
        replace(
            item,
            source=_translated(item.source, servers, 1000),
            destination=_translated(item.destination, servers, 1000),
        )
        if isinstance(item, RawMessage)
        else item
        for item in _items(case)
    ]
    assert [finding.detail for finding in _judged(moved).findings if finding.sub in ("", "no-rport")] == []


@pytest.mark.parametrize("case", [case for case in _SMALL if case.startswith(_CLEAN)])
def test_answers_that_are_led_astray_are_told_unless_they_arrive(case: str) -> None:
    """Shift the port of the answers alone: told of the last answer of each client, to which nothing follows; of the
    others it is seen that they arrive, so that nothing is said of them."""
    servers = _servers(case)
    moved: list[Item] = []
    for item in _items(case):
        if isinstance(item, RawMessage) and item.payload.startswith(b"SIP/2.0 ") and item.source in servers:
            item = replace(item, destination=Endpoint(item.destination.host, item.destination.port % 65535 + 1))
        moved.append(item)
    report = _judged(moved)
    told = [finding for finding in report.findings if finding.rule == "R3261-18.2.2-response-path"]
    assert told
    assert all(finding.severity == "warning" for finding in told), "nobody repeats a request: it may have arrived"
    arrived = sum(report.outcomes["R3261-18.2.2-response-path"].not_judged.values())
    assert arrived > 0
