"""R3261-18.2.2-response-path and R3261-17.1.2-retx-after-final: whose fault, how sure, and what stays true when a flow
is shifted, delayed or cut. Traps by docs/rules/traps.md."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.judge.flowtext import read_flow
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze, analyze_items
from analyzer.run.report import Report
from tests.rules.cases import rule_of, run, subs
from tests.shared import shared

_PATH = "R3261-18.2.2-response-path"
_RETX = "R3261-17.1.2-retx-after-final"
_TIMER_E = (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)
_ASK = "@0 src=198.51.100.7:{source} > REGISTER sip:example.com\nVia: SIP/2.0/UDP {via}{rport};branch=z9hG4bKa\n"


def flow_of(source: int, via: str, to: str, *, rport: bool = False, copies: int = 10, delay: float = 0.003) -> str:
    """A phone that sends from `source` of the NAT, and hears nothing of the 401s that go to `to`."""
    flow = _ASK.format(source=source, via=via, rport=";rport" if rport else "") + f"@{delay} dst={to} < 401\n"
    return flow + "".join(f"@{at} > again\n@{at + delay:.3f} < again\n" for at in _TIMER_E[:copies])


def both(flow: str, tail: float = 60) -> Report:
    """The report of the two rules together."""
    return analyze_items(read_flow(flow, tail=tail), rules=[rule_of(_PATH), rule_of(_RETX)])


def test_the_sentence_names_both_ports_and_the_phone() -> None:
    (finding,) = both(flow_of(43712, "192.168.1.5:5060", "198.51.100.7:5060")).findings
    assert (finding.rule, finding.sub, finding.at_fault, finding.force) == (_PATH, "no-rport", "UAC", "none")
    assert "port 5060 of its NAT 198.51.100.7" in finding.detail
    assert "sends from port 43712 and does not ask for rport" in finding.detail
    assert "repeats its request 10 times" in finding.detail
    assert "rport" in finding.fix
    assert "force_rport" in finding.fix
    assert "must" not in finding.title.lower(), "the registrar keeps the rule"


def test_the_copies_are_a_consequence_of_the_way() -> None:
    report = both(flow_of(43712, "192.168.1.5:5060", "198.51.100.7:5060"))
    assert [finding.folded for finding in report.findings] == [[_RETX]]


def test_without_the_way_the_copies_speak_for_themselves() -> None:
    (finding,) = both(flow_of(5060, "198.51.100.7:5060", "198.51.100.7:5060")).findings
    assert (finding.rule, finding.sub, finding.severity) == (_RETX, "", "warning")
    assert "10 copies of the request" in finding.detail or "9 copies of the request" in finding.detail
    assert "from where the requests come" in finding.detail


@settings(max_examples=30, deadline=None)
@given(source=st.integers(1024, 65535), listens=st.integers(1, 65535), copies=st.integers(2, 10))
def test_whatever_the_ports_what_is_said_holds(source: int, listens: int, copies: int) -> None:
    """Shift a port: the sentence has these two, and where they are equal the way is not blamed."""
    flow = flow_of(source, f"192.168.1.5:{listens}", f"198.51.100.7:{listens}", copies=copies)
    findings = both(flow).findings
    if source == listens:
        assert {finding.rule for finding in findings} == {_RETX}
    else:
        (finding,) = findings
        assert (finding.rule, finding.sub) == (_PATH, "no-rport")
        assert f"port {listens} of its NAT" in finding.detail
        assert f"from port {source} " in finding.detail


@settings(max_examples=30, deadline=None)
@given(delay=st.floats(0.001, 30), copies=st.integers(0, 10), proceeds=st.booleans())
def test_a_late_answer_that_arrives_is_no_finding_of_the_way(delay: float, copies: int, proceeds: bool) -> None:
    """Delay the answer: copies before it prove nothing; and a phone that goes on has heard it, wherever it went."""
    times = [at for at in _TIMER_E[:copies] if at < delay]
    flow = _ASK.format(source=40001, via="192.168.1.5:5060", rport="")
    flow += "".join(f"@{at} > again\n" for at in times) + f"@{delay:.3f} dst=198.51.100.7:5060 < 401\n"
    if proceeds:
        flow += f"@{delay + 0.05:.3f} > REGISTER sip:example.com\nAuthorization: {{bob x}}\n< 200\n"
    assert both(flow).findings == []


@settings(max_examples=30, deadline=None)
@given(dropped=st.sets(st.integers(0, 9)))
def test_answers_lost_by_the_capture_change_nothing_but_the_count(dropped: set[int]) -> None:
    flow = _ASK.format(source=43712, via="192.168.1.5:5060", rport="") + "@0.003 dst=198.51.100.7:5060 < 401\n"
    for number, at in enumerate(_TIMER_E):
        flow += f"@{at} > again\n" + ("" if number in dropped else f"@{at + 0.003:.3f} < again\n")
    assert [(finding.rule, finding.sub) for finding in both(flow).findings] == [(_PATH, "no-rport")]


@pytest.mark.parametrize(
    ("to", "rport", "expected"),
    [
        ("198.51.100.7:43712", True, []),
        ("198.51.100.7:5060", True, [""]),  # asked for rport, answered to the port of the Via
        ("192.168.1.5:5060", True, [""]),
        ("192.168.1.5:5060", False, [""]),  # nor may it go to the private address
        ("198.51.100.7:9999", False, [""]),
        ("203.0.113.1:5060", False, [""]),
    ],
)
def test_what_the_registrar_breaks(to: str, rport: bool, expected: list[str]) -> None:
    report = run(_PATH, flow_of(43712, "192.168.1.5:5060", to, rport=rport), tail=60)
    assert subs(report) == expected
    assert all(finding.severity == "error" and finding.at_fault == "registrar" for finding in report.findings)


def test_a_rewritten_via_is_not_judged() -> None:
    flow = "> REGISTER sip:example.com\ndst=192.0.2.10:9 < 200\nVia: SIP/2.0/UDP 203.0.113.5;branch=z9hG4bKother"
    report = run(_PATH, flow, tail=60)
    assert report.findings == []
    assert report.outcomes[_PATH].not_judged == {"the Via of the answer is not that of the request": 1}


def test_an_answer_on_an_astray_way_that_arrives_is_not_judged() -> None:
    """T-NAT: seen outside on the way up, inside on the way down."""
    flow = _ASK.format(source=43712, via="192.168.1.5:5060", rport=";rport")
    flow += "dst=192.168.1.5:5060 < 401\n> REGISTER sip:example.com\nAuthorization: {bob x}\n< 200"
    report = run(_PATH, flow, tail=60)
    assert report.findings == []
    (reason,) = report.outcomes[_PATH].not_judged
    assert reason.startswith("the answer arrived all the same")


def test_two_addresses_of_one_machine_are_no_other_server() -> None:
    """A server bound to all addresses answers a client of its own machine from the client's address."""
    for client, server in (("127.0.0.13", "127.0.0.1"), ("10.9.0.1", "10.9.0.1")):
        flow = f"src={client}:5099 dst=10.9.0.2:5060 > REGISTER sip:example.com\nsrc={server}:5060 < 200"
        assert run(_PATH, flow, tail=60).findings == []


def test_each_hop_is_judged_by_its_own_via() -> None:
    """T-FORK: the proxy's request has two Vias, and its answer goes to the proxy."""
    own = "Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bKa\n"
    flow = (
        f"@0 > REGISTER sip:example.com\n{own}"
        "@0.01 src=198.51.100.1:5060 dst=198.51.100.2:5060 > REGISTER sip:example.com\nCSeq: 1\n"
        f"Via: SIP/2.0/UDP 198.51.100.1:5060;rport;branch=z9hG4bKp\n{own}"
        f"@0.02 < 200\nVia: SIP/2.0/UDP 198.51.100.1:5060;rport=5060;branch=z9hG4bKp\n{own}"
        "@0.03 to=1 < 200\n"
    )
    assert both(flow).findings == []


def test_no_clock_no_copies_that_are_late() -> None:
    items = list(read_flow(flow_of(5060, "198.51.100.7:5060", "198.51.100.7:5060")))
    for item in items:
        item.time = None
    report = analyze_items(items, rules=[rule_of(_RETX)])
    assert report.findings == []
    assert report.outcomes[_RETX].not_judged == {"CLOCK": 1}


def test_the_report_from_the_field() -> None:
    """A softphone behind a NAT, seen at the registrar: told once, at the phone, and nowhere a word of its password."""
    report = analyze(str(shared("cases", "reports", "nat-answer-to-sent-by-port", "input.pcap")), rules=all_rules())
    findings = {(finding.rule, finding.sub): finding for finding in report.findings}
    told = findings[_PATH, "no-rport"]
    assert "port 52780 of its NAT 198.51.100.29" in told.detail
    assert "port 60437" in told.detail
    assert told.at_fault == "UAC"
    assert (_RETX, "") not in findings
    assert len(report.registrations) == 1
