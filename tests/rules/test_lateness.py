"""R3261-10.2.4-refresh-late: who is late, who was restarted, and who is somebody else (docs/rules/traps.md
T-REBOOT, T-NAT, T-MULTIUA)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evidence import SECOND, Evidence, Frame, Item, NetworkError
from analyzer.judge.flowtext import CLIENT, REGISTRAR, START, read_flow
from analyzer.run.pipeline import analyze, analyze_items
from analyzer.run.report import Report
from tests.rules.cases import rule_of, run, subs
from tests.shared import shared

_LATE = "R3261-10.2.4-refresh-late"
_X, _Y = ';+sip.instance="<urn:uuid:1>"', ';+sip.instance="<urn:uuid:2>"'


def first(granted: int, contact: str = f"<sip:bob@192.0.2.10:5060>{_X}") -> str:
    """A registration over connection 1."""
    bare = contact.partition(";+")[0]
    return (
        f"@0 transport=TCP stream=1 > REGISTER sip:example.com\nCall-ID: c1\nCSeq: 4\nContact: {contact}\n"
        f"Expires: 600000\n< 200\n-Contact\nContact: {bare};expires={granted}\n"
    )


def then(at: float, contact: str = f"<sip:bob@192.0.2.10:5070>{_X}", more: str = "", where: str = "") -> str:
    """The next one, over connection 2, with another Call-ID that counts from 1."""
    bare = contact.partition(";+")[0]
    return (
        f"@{at} {where}transport=TCP stream=2 > REGISTER sip:example.com\nCall-ID: c2\nCSeq: 1\n"
        f"Contact: {contact}\n{more}Expires: 600000\n< 200\n-Contact\nContact: {bare};expires=86400\n"
    )


def closed(at: float) -> NetworkError:
    """The network ends connection 1."""
    time = START + round(at * SECOND)
    return NetworkError(time, Frame("flow", 900), REGISTRAR, CLIENT, "TCP", "closed", stream=1)


def with_close(flow: str, at: float) -> Report:
    """The rule's report on a flow in which the connection is closed at some time."""
    items: list[Item] = [*read_flow(flow), closed(at)]
    items.sort(key=lambda item: item.time or 0)
    return analyze_items(items, rules=[rule_of(_LATE)])


@settings(max_examples=120, deadline=None)
@given(st.integers(60, 7200), st.integers(-50, 8000))
def test_who_is_back_at_once_was_not_restarted(granted: int, late: int) -> None:
    """By the clause it is late from the end on; where a restart is likelier than that, nothing is said."""
    at = max(1, granted + late)
    found = run(_LATE, first(granted) + then(at)).findings
    is_late = at > granted + 2 and (at - granted) * 20 <= granted and at - granted <= 60
    assert [finding.sub for finding in found] == ([""] if is_late else [])
    for finding in found:
        assert f"was granted {granted} s and not refreshed: its phone registers again {at - granted} s too late" in (
            finding.detail
        )
        (gap,) = finding.gaps
        assert abs(gap[1] - gap[0] - (at - granted) * SECOND) <= SECOND


@pytest.mark.parametrize(
    ("at", "ended", "expected"),
    [
        (6000, 2400.5, [""]),  # the network hung up when the time was over: it was there
        (6000, 2399.0, [""]),
        (6000, 5900.0, [""]),
        (6000, 600.0, []),  # it was gone long before: switched off, for all that is known
        (2450, 600.0, [""]),  # but is back at once
        (2500, 600.0, []),  # or not quite
        (2000, 1900.0, []),  # in time
    ],
)
def test_a_connection_that_was_open_until_then_shows_that_it_was_there(
    at: float, ended: float, expected: list[str]
) -> None:
    assert subs(with_close(first(2400) + then(at), ended)) == expected


@pytest.mark.parametrize(
    ("contact", "more", "where"),
    [
        (f"<sip:bob@192.0.2.10:5070>{_Y}", "", ""),  # another phone of the same kind behind the same address
        ("<sip:other@192.0.2.10:5070>", "", ""),
        ("<sip:bob@192.0.2.10:5070>", "To: <sip:carol@example.com>\nFrom: <sip:carol@example.com>;tag=c\n", ""),
        (f"<sip:bob@192.0.2.20:5070>{_Y}", "User-Agent: other\n", "src=192.0.2.20:5060 "),
    ],
)
def test_somebody_else_is_not_blamed(contact: str, more: str, where: str) -> None:
    assert subs(run(_LATE, first(2400) + then(2410, contact, more, where))) == []


def test_a_phone_without_an_instance_is_known_by_its_contact() -> None:
    plain = first(2400, "<sip:bob@192.0.2.10:5060>") + then(2410, "<sip:bob@192.0.2.10:5070>")
    assert subs(run(_LATE, plain)) == [""]
    moved = first(2400, "<sip:bob@192.0.2.10:5060>") + then(2410, "<sip:bob@203.0.113.7:5070>")
    assert subs(run(_LATE, moved)) == []


def test_who_takes_another_contact_in_time_is_not_late() -> None:
    assert subs(run(_LATE, first(2400) + then(2300))) == []


def test_who_signed_off_may_come_back_when_it_likes() -> None:
    off = "@100 transport=TCP stream=1 > REGISTER sip:example.com\nCall-ID: c1\nCSeq: 5\n"
    off += f"Contact: <sip:bob@192.0.2.10:5060>{_X};expires=0\n< 200\n-Contact\n"
    assert subs(run(_LATE, first(2400) + off + then(2410))) == []


def test_the_same_contact_again_is_told_as_a_refresh() -> None:
    again = then(2410, f"<sip:bob@192.0.2.10:5060>{_X}")
    (finding,) = run(_LATE, first(2400) + again).findings
    assert finding.detail.endswith("was granted 2400 s and refreshed 10 s too late")


def test_a_binding_that_was_replaced_too_late_is_told_once() -> None:
    """Not as one that nobody refreshed besides."""
    alive = "@9000 > OPTIONS sip:example.com\nCall-ID: o1\n"
    assert subs(run(_LATE, first(2400) + then(2410) + alive)) == [""]


def test_the_mobile_phone_that_took_what_it_had_asked_for() -> None:
    """A rebuilt report: 2400 s granted of 600000; the core hangs up when they are over; the phone is back in 12 s."""
    report = analyze(shared("cases", "reports", "ims-refresh-after-days", "input.pcap"), profile="ims")
    (finding,) = [one for one in report.findings if one.rule == _LATE]
    assert (finding.severity, finding.at_fault) == ("warning", "UAC")
    assert "12 s too late, with another contact" in finding.detail
    (gap,) = [one for one in report.registrations[0].reach.stretches if one.state == "unbound"]
    assert (gap.cause, gap.finding) == ("refreshed too late", _LATE)
    assert report.summary.broken_by_findings == 1
    assert all(isinstance(place, Evidence) for place in finding.evidence)
