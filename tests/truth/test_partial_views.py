"""Who sees less of the same traffic is told of no error that the whole capture does not have: a capture that begins
late, lacks a packet, shows one direction, holds everything twice, or also shows the way behind a proxy.

What this found is told in the files of the rules that it taught, with the capture that was misread. With
`SIPCHECK_PARTIAL_VIEWS=40` it looks at ten times as many."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.evidence import RawMessage
from analyzer.judge.flowtext import read_flow
from tests.truth.partial_views import (
    MOST,
    VIEWS,
    View,
    begun_later,
    captures,
    findings,
    items_of,
    names,
    of_one_direction,
    over_a_proxy,
    twice,
    with_a_loss,
)

CAPTURES = captures()


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: "/".join(path.parts[-3:]))
def test_who_sees_less_is_told_of_no_other_error(path: Path) -> None:
    items = items_of(path)
    if len(items) < 2:
        pytest.skip("one message has no part")
    whole = findings(items)
    told, folded = names(whole), {rule for one in whole for rule in one.folded}
    for view in VIEWS:
        for name, seen in view(items):
            errors = names(findings(seen), "error") if seen else set()
            assert {(rule, sub) for rule, sub in errors - told if rule not in folded} == set(), name


def test_there_is_something_to_look_at() -> None:
    assert len(CAPTURES) > 40
    folders = {path.relative_to(path.parents[len(path.parts) - 2]).parts[-2] for path in CAPTURES}
    assert len(folders) > 20


_FLOW = "> REGISTER sip:h\n< 401\n> REGISTER sip:h\nAuthorization: {bob x}\n< 200\n@60 > REGISTER sip:h\n< 200"


@pytest.mark.parametrize(
    ("view", "sizes"),
    [
        (begun_later, [6 - 6 * part // MOST for part in range(1, MOST)]),
        (with_a_loss, [5] * len(range(0, 6, max(1, 6 // MOST)))),
        (of_one_direction, [3, 3]),
        (twice, [12]),
        (over_a_proxy, [12]),
    ],
)
def test_each_view_is_what_it_says(view: View, sizes: list[int]) -> None:
    items = list(read_flow(_FLOW))
    assert [len(seen) for _, seen in view(items)] == sizes


def test_a_proxy_is_taken_for_one() -> None:
    """What is made is a path of two hops, not two registrations."""
    ((_, seen),) = over_a_proxy(list(read_flow(_FLOW)))
    above = [one for one in seen if isinstance(one, RawMessage) and b"192.0.2.77" in one.payload]
    assert len(above) == 6
    assert all(one.payload.count(b"Via:") == 2 for one in above)
    assert names(findings(seen), "error", "warning") == names(findings(list(read_flow(_FLOW))), "error", "warning")


def test_a_fault_is_seen_through_each_view_that_shows_it() -> None:
    """None of the above is silent because it breaks what it looks at."""
    items = list(read_flow("> REGISTER sip:bob@h\n< 200\n@60 > REGISTER sip:bob@h\n< 200"))
    fault = ("R3261-10.2-ruri-userinfo", "")
    assert fault in names(findings(items), "error")
    for view in (begun_later, with_a_loss, twice, over_a_proxy):
        assert any(fault in names(findings(seen), "error") for _, seen in view(items))
