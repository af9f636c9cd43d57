"""The bindings, storm's users without a binding, and the timeline of each client say the same: of every capture of the
lab, of every sample, of rebuilt reports, and of traffic with a registrar that is known to the last second."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import analyzer
from analyzer.evidence import SECOND, Source
from analyzer.judge.flowtext import START, read_flow
from analyzer.register.client_state import state_of
from analyzer.register.reachability import SLACK
from analyzer.run.pipeline import Analysis
from analyzer.run.report import Report
from tests.shared import DATA, LAB, ROOT
from tests.truth.timelines import (
    Span,
    agree,
    binding_times,
    bound_times,
    contradictions,
    is_whole,
    merged,
    of_one_client,
)

CAPTURES = sorted(
    path
    for folder, pattern in (
        (LAB, "**/*.pcap*"),
        (ROOT / "samples", "*/input.pcap*"),
        (DATA / "reports", "*/input.pcap"),
    )
    for path in folder.glob(pattern)
)


def _name(path: Path) -> str:
    return "/".join(path.parts[-3:])


@pytest.mark.parametrize("capture", CAPTURES, ids=_name)
def test_three_tellers_say_the_same(capture: Path) -> None:
    assert contradictions(analyzer.analyze(capture)) == []


def report_of(flow: str) -> Report:
    """The report on a flow text, with tables and without rules."""
    analysis = Analysis([Source("flow", kind="capture")], rules=[], tables=True)
    for item in read_flow(flow):
        analysis.feed(item)
    return analysis.finish()


PHONES = 3
ANSWERED = 0.05


@dataclass
class KnownRegistrar:
    """A registrar that obeys RFC 3261 10.3 to the letter; `spans` are the times for which each phone was bound."""

    now: int = 0
    until: dict[int, int] = field(default_factory=dict)
    since: dict[int, int] = field(default_factory=dict)
    spans: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: {phone: [] for phone in range(PHONES)})
    lines: list[str] = field(default_factory=list)
    cseq: dict[int, int] = field(default_factory=dict)

    def _expire(self) -> None:
        for phone in [phone for phone, until in self.until.items() if until <= self.now]:
            self._end(phone, self.until[phone])

    def _end(self, phone: int, at: int) -> None:
        self.spans[phone].append((self.since.pop(phone), at))
        del self.until[phone]

    def serve(self, wait: int, phone: int, what: str, seconds: int) -> None:
        """Let a phone register, sign off, ask, or remove all contacts of the address-of-record."""
        self.now += wait
        self._expire()
        ended = self.spans[phone][-1][1] if self.spans[phone] else None
        if phone not in self.until and ended is not None and self.now - ended <= SLACK // SECOND:
            self.now += 5  # within the tolerance it is not known which it is
            self._expire()
        asked = {
            "register": f"Contact: <sip:p@192.0.2.1{phone}>\nExpires: {seconds}\n",
            "remove": f"Contact: <sip:p@192.0.2.1{phone}>;expires=0\nExpires: 0\n",
            "ask": "-Contact\n-Expires\n",
            "all": "Contact: *\nExpires: 0\n",
        }[what]
        if what == "register":
            self.since.setdefault(phone, self.now)
            self.until[phone] = self.now + seconds
        for gone in list(self.until) if what == "all" else [phone] if what == "remove" and phone in self.until else []:
            self._end(gone, self.now)
        self.cseq[phone] = self.cseq.get(phone, 0) + 1
        head = f"Call-ID: c{phone}\nCSeq: {self.cseq[phone]}\nUser-Agent: phone {phone}\n"
        self.lines.append(f"@{self.now} src=192.0.2.1{phone}:5060 > REGISTER sip:example.com\n{head}{asked}")
        left = [f"Contact: <sip:p@192.0.2.1{one}>;expires={until - self.now}" for one, until in self.until.items()]
        self.lines.append(f"@{self.now + ANSWERED} < 200\n-Expires\n-Contact\n" + "".join(f"{one}\n" for one in left))

    def finish(self, after: int) -> str:
        """The flow, which ends so many seconds later."""
        self.now += after
        self._expire()
        for phone in list(self.until):
            self._end(phone, self.until[phone])
        return "".join(self.lines) + f"@{self.now} src=192.0.2.99:5060 > OPTIONS sip:example.com\nCall-ID: end\n"


STEPS = st.lists(
    st.tuples(
        st.integers(1, 150),
        st.integers(0, PHONES - 1),
        st.sampled_from(["register", "register", "register", "remove", "ask", "all"]),
        st.integers(30, 120),
    ),
    min_size=1,
    max_size=25,
)


def _known(spans: list[tuple[int, int]]) -> list[Span]:
    shift = START + round(ANSWERED * SECOND)
    return merged((shift + start * SECOND, shift + end * SECOND) for start, end in spans if end > start)


@settings(max_examples=150, deadline=None)
@given(STEPS, st.integers(1, 300))
def test_the_timeline_is_what_the_registrar_had(steps: list[tuple[int, int, str, int]], tail: int) -> None:
    """Three phones of one address-of-record; every answer lists all that is bound, with what is left of it."""
    registrar = KnownRegistrar()
    for step in steps:
        registrar.serve(*step)
    report = report_of(registrar.finish(tail))
    assert contradictions(report) == []
    for one in report.registrations:
        if is_whole(one):
            phone = int(one.call_id.removeprefix("c"))
            assert agree(bound_times(one), _known(registrar.spans[phone])), registrar.lines


def spans(found: list[Span]) -> list[tuple[float, float]]:
    """In seconds from the start of the flow."""
    return [(round((start - START) / SECOND, 1), round((end - START) / SECOND, 1)) for start, end in found]


_ONE = "> REGISTER sip:example.com\nContact: <sip:a@192.0.2.10>\nExpires: {}\n"
_OTHER = "src=192.0.2.11:5060 > REGISTER sip:example.com\nCall-ID: other\nUser-Agent: other\n"


def lacks_at(report: Report, host: str) -> list[tuple[float, float]]:
    """Storm's times without a binding of who is at a host."""
    found = [lacks for lacks, several in of_one_client(report) if several[0].source.host == host]
    return [pair for lacks in found for pair in spans(sorted(lacks))]


def test_a_contact_that_is_taken_away_is_missed_from_then_on() -> None:
    """Another phone removes all; the first comes again by its own time, and was not called for so long."""
    flow = f"@0 {_ONE.format(600)}< 200\n@100 {_OTHER}Contact: *\nExpires: 0\n< 200\n-Contact\n"
    report = report_of(f"{flow}@300 {_ONE.format(600)}< 200\n@310 .")
    assert contradictions(report) == []
    assert spans(bound_times(report.registrations[0])) == [(0.0, 100.0), (300.0, 900.0)]
    assert lacks_at(report, "192.0.2.10")[-1] == (100.0, 300.0)


def test_of_two_contacts_the_one_that_lasts_longer_counts() -> None:
    both = "Contact: <sip:a@192.0.2.10>;expires=60\nContact: <sip:b@192.0.2.10>;expires=600\n"
    flow = f"@0 > REGISTER sip:example.com\n{both}< 200\n@300 > REGISTER sip:example.com\n{both}< 200\n@310 ."
    report = report_of(flow)
    assert contradictions(report) == []
    assert spans(bound_times(report.registrations[0])) == [(0.0, 900.0)]
    assert all(end < 1 for _, end in lacks_at(report, "192.0.2.10"))


def test_who_removes_one_of_two_contacts_is_still_bound() -> None:
    both = "Contact: <sip:a@192.0.2.10>;expires=600\nContact: <sip:b@192.0.2.10>;expires=600\n"
    flow = f"@0 > REGISTER sip:example.com\n{both}< 200\n@60 > REGISTER sip:example.com\n"
    flow += "Contact: <sip:a@192.0.2.10>;expires=0\n< 200\n-Contact\nContact: <sip:b@192.0.2.10>;expires=540\n@70 ."
    report = report_of(flow)
    assert contradictions(report) == []
    assert spans(bound_times(report.registrations[0])) == [(0.0, 600.0)]


def test_an_answer_to_another_phone_may_shorten_what_is_left() -> None:
    """It says what is left of every contact; the latest word counts."""
    flow = f"@0 {_ONE.format(600)}< 200\n@10 {_OTHER}Contact: <sip:b@192.0.2.11>\nExpires: 600\n< 200\n-Contact\n"
    flow += "Contact: <sip:a@192.0.2.10>;expires=20\nContact: <sip:b@192.0.2.11>;expires=600\n@100 ."
    report = report_of(flow)
    assert contradictions(report) == []
    assert spans(bound_times(report.registrations[0])) == [(0.0, 30.0)]


def test_what_is_listed_after_its_end_was_refreshed_unseen() -> None:
    """The refresh is not in the capture; that there was a gap is not said."""
    flow = f"@0 {_ONE.format(60)}< 200\n@100 {_OTHER}Contact: <sip:b@192.0.2.11>\nExpires: 600\n< 200\n-Contact\n"
    flow += "Contact: <sip:a@192.0.2.10>;expires=50\nContact: <sip:b@192.0.2.11>;expires=600\n@110 ."
    report = report_of(flow)
    assert contradictions(report) == []
    assert report.registrations[0].reach.gaps == 0
    assert spans(bound_times(report.registrations[0])) == [(0.0, 150.0)]


def test_a_gap_divides_a_binding_in_two() -> None:
    flow = f"@0 {_ONE.format(60)}< 200\n@100 {_ONE.format(60)}< 200\n@110 ."
    (one,) = report_of(flow).registrations
    first, second = one.bindings
    assert (first.certainty, first.lapsed, second.certainty) == ("absent", True, "present")
    assert spans(binding_times([first])) == [(0.0, 60.0)] and spans(binding_times([second])) == [(100.0, 160.0)]
    rows = analyzer.tables(report_of(flow)).bindings
    assert (rows["end"] - rows["bound_from"]).dt.total_seconds().round().tolist() == [60, 60]


def test_a_contact_that_a_silence_left_in_doubt_is_gone_when_a_list_lacks_it() -> None:
    """The sign-off had no answer; the next list, to another phone, shows that it was heard all the same."""
    flow = f"@0 {_ONE.format(600)}< 200\n@60 > REGISTER sip:example.com\nContact: <sip:a@192.0.2.10>;expires=0\n"
    flow += f"@200 {_OTHER}Contact: <sip:b@192.0.2.11>\nExpires: 600\n< 200\nServer: kamailio (5.8)\n@210 ."
    report = report_of(flow)
    assert contradictions(report) == []
    phone = report.registrations[0]
    assert spans(bound_times(phone)) == [(0.0, 60.0)]
    assert [(one.state, one.cause) for one in phone.reach.stretches[1:]] == [
        ("unknown", "answer not seen"),
        ("unbound", "signed off"),
    ]
    repeated = report_of(flow.replace("expires=0\n", "expires=0\n@60.5 > again\n"))
    assert spans(bound_times(repeated.registrations[0])) == [(0.0, 200.0)]
    assert contradictions(repeated) == []


def test_the_same_contact_under_another_registration_is_bound_for_both() -> None:
    """A phone that is not known again after a restart has its old contact: calls go there as before."""
    again = "src=192.0.2.10:5060 > REGISTER sip:example.com\nCall-ID: new\nUser-Agent: renamed\n"
    flow = f"@0 {_ONE.format(60)}User-Agent: old\n< 200\n"
    flow += f"@30 {again}Contact: <sip:a@192.0.2.10>\nExpires: 600\n< 200\n@200 ."
    report = report_of(flow)
    assert contradictions(report) == []
    assert len(report.registrations) == 2
    assert {end for one in report.registrations for _, end in spans(bound_times(one))} == {630.0}


def test_bindings_of_a_clock_that_was_set_back_are_not_compared() -> None:
    flow = f"@4000 {_ONE.format(600)}< 200\n@4300 {_ONE.format(600)}< 200\n@4400 ."
    items = list(read_flow(flow))
    analysis = Analysis([Source("flow", kind="capture")], rules=[], tables=True)
    for number, item in enumerate(items):
        analysis.feed(item if number < 2 else replace(item, time=(item.time or 0) - 3600 * SECOND))
    (one,) = analysis.finish().registrations
    told = [(stretch.state, stretch.cause) for stretch in one.reach.stretches]
    assert told == [("bound", "registered"), ("unknown", "clock stepped"), ("bound", "registered")]
    assert one.reach.gaps == 0
    before, unknown, after = one.reach.stretches
    assert before.end is not None and before.end <= before.start + SECOND
    assert after.start == unknown.end and after.expires is not None and after.expires - after.start <= 601 * SECOND


@pytest.mark.parametrize(
    ("flow", "state", "told"),
    [
        ("@50 {again}@200 .", "unclear", [("unknown", 100)]),
        ("@50 {again}@86400 .", "ran out", [("unknown", 100), ("unbound", 350)]),  # no grant that is asked for lasts so
        ("@50 {away}@80 .", "unclear", [("unknown", 50)]),
        ("@50 {away}@400 .", "signed off", [("unknown", 50), ("unbound", 100)]),
    ],
)
def test_what_a_missing_answer_leaves_unknown_ends(flow: str, state: str, told: list[tuple[str, int]]) -> None:
    """Neither a renewal nor a sign-off whose answer is not in the capture keeps anybody bound for ever."""
    report = report_of(f"@0 {_ONE.format(100)}< 200\n" + flow.format(again=_ONE.format(100), away=_ONE.format(0)))
    assert contradictions(report) == []
    (one,) = report.registrations
    assert state_of(one) == state
    assert [(each.state, round((each.start - START) / SECOND)) for each in one.reach.stretches[1:]] == told
