"""What a ladder shows, from flow text through the real pipeline."""

from __future__ import annotations

from analyzer.evidence import SECOND, Endpoint, Frame, RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.register.digest.secrets import Secrets
from analyzer.rules import all_rules
from analyzer.run.conversation import Conversation
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from analyzer.views.ladder import model
from analyzer.views.ladder.model import Between, Ladder, Step, ladder_of
from tests.run.test_kept_conversation import item, request
from tests.views.findings import finding
from tests.views.reports import LOGIN

AOR = "sip:bob@example.com"


def ladder(flow: str, most: int = 0) -> Ladder:
    """The ladder of a flow, judged by all rules."""
    conversation = Conversation()
    items = list(read_flow(flow))
    report = analyze_items([one for one in items if conversation.take(one)], rules=all_rules(), secrets=Secrets())
    return ladder_of(conversation, report, most)


def of_messages(*items: RawMessage, most: int = 0, findings: object = (), **bounds: int) -> Ladder:
    conversation = Conversation(AOR, **bounds)
    for one in items:
        conversation.take(one)
    report = analyze_items(items, rules=())
    report.findings = list(findings)  # type: ignore[call-overload]
    return ladder_of(conversation, report, most)


def texts(drawn: Ladder) -> list[str]:
    return [row.text if isinstance(row, Between) else row.message.what for row in drawn.rows]


def test_lanes_are_the_endpoints_in_the_order_in_which_they_are_seen() -> None:
    drawn = ladder(LOGIN % 200)
    assert [(step.start, step.end) for step in drawn.steps] == [(0, 1), (1, 0), (0, 1), (1, 0)]
    assert len(drawn.lanes) == 2
    assert drawn.title == "Registration of bob@example.com"
    assert drawn.is_whole


def test_facts_say_what_one_looks_for() -> None:
    facts = [step.facts for step in ladder(LOGIN % 200).steps]
    assert facts[0][0] == "CSeq 1" and "challenge" in facts[1]
    assert "with credentials" in facts[2] and "with credentials" not in facts[0]


def test_a_sign_off_and_a_star_are_named() -> None:
    gone = of_messages(item(1, request(1, more="Contact: *\r\nExpires: 0\r\n"))).steps[0].facts
    assert gone == ["CSeq 1", "Contact *", "expires 0: sign-off"]


def test_copies_and_pauses() -> None:
    asked = request(1)
    drawn = of_messages(
        item(1, asked, 0), item(2, asked, 0.5), item(3, asked, 1.5), item(4, request(2), 1801.5), item(5, request(3), 5)
    )
    assert texts(drawn)[1::2] == ["30 min later", "30 min earlier, as the source has it"]
    assert "seen 3 times in 1.5 s" in drawn.steps[0].facts


def test_no_time_is_no_pause() -> None:
    drawn = of_messages(RawMessage(request(1), None, Frame("x", 1), Endpoint("a", 1), Endpoint("b", 2)))
    assert drawn.steps[0].clock == "no time"
    assert "no clock" in drawn.subtitle


def test_a_finding_is_in_full_at_its_first_place_and_named_at_the_others() -> None:
    place = [item(n, request(n), n).evidence for n in (1, 2, 3)]
    one = finding(aor=AOR, evidence=[place[1], place[0], place[2]])
    drawn = of_messages(*(item(n, request(n), n) for n in (1, 2, 3)), findings=[one])
    notes = [step.notes[0].text for step in drawn.steps]
    assert notes[1].startswith("Userinfo in the Request-URI: the Request-URI is")
    assert notes[0] == notes[2] == "Userinfo in the Request-URI: see frame 2"
    assert drawn.steps[1].notes[0].source == "R3261-10.2-ruri-userinfo, RFC 3261 10.2"
    assert drawn.unplaced == []


def test_a_finding_at_a_copy_is_at_its_message() -> None:
    one = finding(aor=AOR, evidence=[item(2, b"", 1).evidence])
    drawn = of_messages(item(1, request(1), 0), item(2, request(1), 1), findings=[one])
    assert [note.severity for note in drawn.steps[0].notes] == ["error"]


def test_findings_of_others_are_not_told_and_those_without_a_place_are() -> None:
    here = finding(1, aor=AOR, evidence=[])
    drawn = of_messages(item(1, request(1)), findings=[here, finding(2, aor="sip:eve@example.com")])
    assert [note.text.partition(":")[0] for note in drawn.unplaced] == ["Userinfo in the Request-URI"]
    assert drawn.more_unplaced == 0


def test_what_is_left_out_is_counted_and_its_findings_told() -> None:
    items = [item(n, request(n), n) for n in range(1, 101)]
    at_50 = finding(1, aor=AOR, evidence=[items[49].evidence])
    drawn = of_messages(*items, most=20, findings=[at_50])
    assert len(drawn.steps) == 20 and not drawn.is_whole
    assert any(step.notes for step in drawn.steps)
    gone = [row.text for row in drawn.rows if isinstance(row, Between) and row.is_cut]
    assert sum(int(text.split()[0]) for text in gone) == 80
    assert all("left out here" in text and "REGISTER" in text for text in gone)


def test_what_was_not_even_kept_is_counted() -> None:
    items = [item(n, request(n), n) for n in range(1, 101)]
    at_50 = finding(1, aor=AOR, evidence=[items[49].evidence])
    drawn = of_messages(*items, findings=[at_50], most_first=10, most_last=10)
    assert "80 messages left out here: 80 REGISTER" in texts(drawn)
    assert [note.severity for note in drawn.unplaced] == ["error"]
    cut = of_messages(*items, most=8, most_first=10, most_last=10)
    gone = [row.text for row in cut.rows if isinstance(row, Between) and row.is_cut]
    assert sum(int(text.split()[0]) for text in gone) == 92


def ends(number: int, host: str = "192.0.2.1") -> RawMessage:
    return RawMessage(
        request(number), number * SECOND, Frame("x", number), Endpoint(host, 1000 + number), Endpoint("10.0.0.1", 5060)
    )


def test_too_many_endpoints_are_lanes_of_hosts() -> None:
    drawn = of_messages(*map(ends, range(1, 30)))
    assert [lane.label for lane in drawn.lanes] == ["192.0.2.1", "10.0.0.1"]
    assert "port 1001 to 5060" in drawn.steps[0].facts


def test_of_too_many_hosts_the_busiest_have_a_lane() -> None:
    drawn = of_messages(*(ends(n, f"192.0.2.{n}") for n in range(1, 40)), ends(40, "192.0.2.9"))
    assert len(drawn.lanes) == model.MOST_LANES
    assert drawn.lanes[-1].label == "35 other hosts"
    assert {lane.label for lane in drawn.lanes} >= {"10.0.0.1", "192.0.2.9"}
    assert all(0 <= step.start < len(drawn.lanes) and 0 <= step.end < len(drawn.lanes) for step in drawn.steps)


def test_a_message_has_so_many_notes_and_a_count_of_the_rest() -> None:
    here = item(1, request(1))
    many = [finding(n, aor=AOR, evidence=[here.evidence], rule=f"R{n}") for n in range(model.MOST_NOTES + 3)]
    drawn = of_messages(here, findings=many)
    assert (len(drawn.steps[0].notes), drawn.steps[0].more_notes) == (model.MOST_NOTES, 3)


def test_several_clients_of_one_user_are_said() -> None:
    items = [
        RawMessage(
            request(1, more=f"Contact: <sip:b@192.0.2.{n}>\r\n").replace(b"1@x", b"%d@x" % n),
            n * SECOND,
            Frame("x", n),
            Endpoint(f"192.0.2.{n}", 5060),
            Endpoint("10.0.0.1", 5060),
        )
        for n in (1, 2)
    ]
    assert "2 clients of this address-of-record" in of_messages(*items).subtitle


def test_the_titles_of_flows_part_them() -> None:
    from dataclasses import replace

    from analyzer.evidence import FlowStep

    items = [replace(item(n, request(1), n), flow_step=FlowStep(n, f"flow {n} of it", 1)) for n in (1, 2)]
    drawn = of_messages(*items)
    assert texts(drawn)[::2] == ["flow 1 of it", "flow 2 of it"]
    assert isinstance(drawn.rows[1], Step) and drawn.steps[0].message.copies == 0


def test_a_report_of_nothing_makes_an_empty_ladder() -> None:
    empty: Report = analyze_items([], rules=())
    drawn = ladder_of(Conversation(AOR), empty)
    assert (drawn.rows, drawn.lanes, drawn.is_whole) == ([], [], True)
