"""Routes, flows and facts beyond the rules' examples: what is legal and looks like the fault, in logs, over proxies, by
several processes. Traps by docs/rules/traps.md."""

from __future__ import annotations

import pytest

from analyzer.evidence import Source
from analyzer.judge.findings import PASSED, Seen
from analyzer.judge.flowtext import read_flow
from analyzer.judge.tally import Tally
from analyzer.rules import all_rules
from analyzer.run.partial_result import report_of
from analyzer.run.pipeline import Analysis, analyze_items
from analyzer.run.shard import Inseparable, Shard
from analyzer.views.schema import outcome_record
from tests.rules.cases import rule_of, run, subs

_RECORD = "R3261-10.2-record-route"
_SERVICE = "R3608-6-service-route"
_TIMER = "R5626-4.4-flow-timer"
_MARGIN = "R5627-4.2-refresh-margin"
_INSTANCE = "R5626-4.1-instance-regid"
_TOLD = "> REGISTER sip:h\n< 200\nRecord-Route: {0}\nService-Route: <sip:s;lr>\n"
_CALL = "> INVITE sip:al@h\nCall-ID: i1\nCSeq: 1\nRoute: {0}\n< 200\n"


@pytest.mark.parametrize(
    ("recorded", "route", "used"),
    [
        ("<sip:p1;lr>", "<sip:p1;lr>", True),
        ("<sip:198.51.100.1;lr>", "<sip:198.51.100.1;lr>", False),  # where it registers: its own proxy, it may be
        ("<sip:198.51.100.1;lr;ftag=f1;did=7a>", "<sip:198.51.100.1;lr;ftag=f1;did=7a>", True),  # nobody sets that
        ("<sip:p1;lr>", "<sip:p2;lr>", False),
        ("<sip:p1;lr>, <sip:p2;lr>", "<sip:p2;lr>, <sip:p1;lr>", True),
        ("<sip:p1;lr>", "<sip:s;lr>", False),  # its Service-Route
    ],
)
def test_which_route_comes_from_a_record_route(recorded: str, route: str, used: bool) -> None:
    found = subs(run(_RECORD, _TOLD.format(recorded) + _CALL.format(route)))
    assert ("uac-used" in found) is used


def test_a_route_that_a_register_had_was_configured() -> None:
    flow = _TOLD.format("<sip:p1;lr>").replace("sip:h\n", "sip:h\nRoute: <sip:p1;lr>\n", 1)
    assert "uac-used" not in subs(run(_RECORD, flow + _CALL.format("<sip:p1;lr>")))


def test_a_request_within_a_dialog_has_a_route_set_of_its_own() -> None:
    call = _CALL.format("<sip:p1;lr>").replace("\nRoute", "\nTo: <sip:al@h>;tag=9\nRoute")
    assert "uac-used" not in subs(run(_RECORD, _TOLD.format("<sip:p1;lr>") + call))


def test_calls_are_not_counted_as_registrations() -> None:
    report = run(_RECORD, "> REGISTER sip:h\n< 200\n" + _CALL.format("<sip:x;lr>"))
    assert (report.outcomes[_RECORD].passed, report.outcomes[_RECORD].not_applicable) == (1, 1)


_LIST = "> REGISTER sip:h\n< 200\nService-Route: {}\n"
_A = _LIST.format("<sip:a;lr>")


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        (_A + "@60 " + _LIST.format("<sip:b;lr>") + _CALL.format("<sip:a;lr>"), []),  # it may have been on the way
        (_A + "@60 " + _LIST.format("<sip:b;lr>") + "@70 " + _CALL.format("<sip:a;lr>"), ["stale"]),
        (_A + "@60 " + _A + "@70 " + _CALL.format("<sip:a;lr>"), []),
        (_LIST.format("<sip:a;lr>, <sip:b;lr>") + _CALL.format("<sip:b;lr>"), []),  # a part of it is a route of its own
        (_A + _CALL.format('"x" <sip:a;lr>'), []),
    ],
)  # fmt: skip
def test_which_service_route_is_followed(flow: str, found: list[str]) -> None:
    assert subs(run(_SERVICE, flow)) == found


def test_several_processes_say_the_same_of_routes() -> None:
    flow = _TOLD.format("<sip:p1;lr>") + _CALL.format("<sip:p1;lr>")
    for number in range(6):
        whose = f"\nTo: <sip:u{number}@h>\nFrom: <sip:u{number}@h>;tag=1\nCall-ID: c{number}\n"
        flow += "> REGISTER sip:h" + whose + "< 200\nRecord-Route: <sip:q;lr>\n"
        flow += _CALL.format("<sip:q;lr>").replace(
            "\nCall-ID: i1", f"\nFrom: <sip:u{number}@h>;tag=1\nCall-ID: k{number}"
        )
    items = list(read_flow(flow))
    parts = []
    for number in range(3):
        analysis = Analysis([Source("flow")], shard=Shard(number, 3))
        for item in items:
            analysis.feed(item)
        parts.append(analysis.partial())
    together, alone = report_of(parts, all_rules()), analyze_items(items)
    assert [(one.rule, one.sub, one.detail, one.count) for one in together.findings] == [
        (one.rule, one.sub, one.detail, one.count) for one in alone.findings
    ]
    assert sum(one.sub == "uac-used" for one in alone.findings) == 7
    assert together.outcomes == alone.outcomes


def test_a_server_that_refuses_extensions_is_read_by_one_process() -> None:
    items = list(read_flow("> REGISTER sip:h\nRequire: gruu\n< 420\nUnsupported: gruu"))
    with pytest.raises(Inseparable):
        for number in range(2):
            analysis = Analysis([Source("flow")], shard=Shard(number, 2))
            for item in items:
                analysis.feed(item)


_ASKS = (
    "transport=TCP stream=1 src=192.0.2.10:5070 > REGISTER sip:h\nSupported: path, outbound\n"
    'Contact: <sip:bob@192.0.2.10>;reg-id=1;+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000a>"\n'
)
_GRANTED = _ASKS + "< 200\nRequire: outbound\nFlow-Timer: 30\n"


@pytest.mark.parametrize(
    ("pings", "found"),
    [
        ([25, 50, 75, 100], []),
        ([60, 120, 180], [""]),
        ([60, 85, 110, 135], []),  # one gap may be a lost packet
        ([31, 62, 93], []),  # within the tolerance of two seconds
        ([34, 68, 102], [""]),
        ([60], []),
    ],
)
def test_how_rare_keep_alives_may_be(pings: list[int], found: list[str]) -> None:
    flow = _GRANTED + "".join(f"@{at} ~ ping\n~ pong\n" for at in pings)
    assert subs(run(_TIMER, flow)) == found


def test_messages_keep_a_flow_alive_too() -> None:
    flow = _GRANTED + "@25 ~ ping\n~ pong\n"
    flow += "".join(f"@{at} {_ASKS}< 200\nRequire: outbound\n" for at in range(50, 200, 25))
    assert subs(run(_TIMER, flow)) == []


def test_a_phone_that_sleeps_until_it_is_pushed_keeps_nothing_alive() -> None:
    flow = (_GRANTED + "@60 ~ ping\n~ pong\n@120 ~ ping\n~ pong\n").replace(
        "192.0.2.10>", "192.0.2.10;pn-provider=apns>"
    )
    assert subs(run(_TIMER, flow)) == []


def test_what_a_printed_log_does_not_show_is_not_judged() -> None:
    report = run(_TIMER, _GRANTED + "@60 ~ ping\n@120 ~ ping\n", log=True)
    assert subs(report) == []
    assert report.outcomes[_TIMER].passed == 0


@pytest.mark.parametrize(("pongs", "found"), [(0, ["no-pong"]), (1, [])])
def test_keep_alives_that_nobody_answers(pongs: int, found: list[str]) -> None:
    """One answer is enough: the others may be missing in the capture."""
    flow = _GRANTED + "~ pong\n" * pongs + "".join(f"@{at} ~ ping\n" for at in (25, 50, 75, 100))
    assert subs(run(_TIMER, flow)) == found


def test_two_phones_behind_one_name_are_told_once_for_an_instance() -> None:
    one = "src=192.0.2.{0}:5060 > REGISTER sip:h\nFrom: <sip:u@d{0}.com>;tag=1\nTo: <sip:u@d{0}.com>\nCall-ID: c{0}\n"
    one += 'Contact: <sip:u@192.0.2.{0}>;+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000a>"\n< 200\n'
    flow = "".join(f"@{60 * turn} " + one.format(host) for turn, host in enumerate((11, 12, 13, 11, 12, 13)))
    (finding,) = run(_INSTANCE, flow).findings
    assert (finding.sub, finding.count) == ("duplicate-instance", 1)
    moved = "".join(f"@{60 * turn} " + one.format(host) for turn, host in enumerate((11, 12, 13)))
    assert subs(run(_INSTANCE, moved)) == []


def test_only_who_uses_a_temporary_gruu_is_told() -> None:
    contact = '<sip:bob@192.0.2.10:5060>;+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000a>"'
    asks = f"> REGISTER sip:h\nSupported: gruu\nContact: {contact}\n"
    gives = f'{asks}< 200\nContact: {contact};temp-gruu="sip:t@h;gr";expires=100\n'
    call = "> MESSAGE sip:al@h\nCall-ID: i1\nCSeq: 1\nFrom: <{}>;tag=1\n< 200\n"
    for sender in ("sip:t@h;gr", "sip:bob@example.com"):  # by a GRUU in From alone nobody knows whose call it is
        assert subs(run(_MARGIN, f"{gives}{call.format(sender)}@90 {asks}")) == []
    uses = call.format("sip:bob@example.com").replace("\n< 200", "\nContact: <sip:t@h;gr>\n< 200")
    late = {at: subs(run(_MARGIN, f"{gives}{uses}@{at} {asks}")) for at in (69, 71, 99, 103)}
    assert late == {69: [], 71: [""], 99: [""], 103: []}


# Facts


def test_a_fact_is_counted_and_put_together() -> None:
    tally, other = Tally(), Tally()
    tally.add(Seen("query"))
    tally.add(Seen("query", 3), 2)
    tally.add(PASSED)
    other.add(Seen("removal"))
    other.add(Seen("query"))
    tally.merge(other)
    assert tally.seen == {"query": 8, "removal": 1}
    assert (tally.passed, tally.violated) == (1, 0)
    assert outcome_record("R", tally)["seen"] == {"query": 8, "removal": 1}


def test_the_facts_of_the_catalogue_are_there() -> None:
    assert sorted(rule.id for rule in all_rules() if rule.is_fact) == [
        "R3261-10.1-colocated",
        "R3261-10.1-ls-read",
        "R3261-10.1-ls-rw",
        "R3261-10.2-contact-optional",
        "R3261-10.2-route",
        "R3261-10.2.1-contact-scheme",
    ]


def test_facts_of_several_processes_are_those_of_one() -> None:
    flow = "".join(
        f"> REGISTER sip:h\nTo: <sip:u{number}@h>\nCall-ID: c{number}\nRoute: <sip:p;lr>\n-Contact\n< 200\n-Contact\n"
        for number in range(5)
    )
    items = list(read_flow(flow))
    parts = []
    for number in range(2):
        analysis = Analysis([Source("flow")], shard=Shard(number, 2))
        for item in items:
            analysis.feed(item)
        parts.append(analysis.partial())
    together, alone = report_of(parts, all_rules()), analyze_items(items)
    assert together.outcomes == alone.outcomes
    assert alone.outcomes["R3261-10.2-route"].seen == {"preloaded": 5}
    assert alone.outcomes["R3261-10.2-contact-optional"].seen == {"query": 5}


def test_an_ordinary_registration_shows_no_fact_of_its_request() -> None:
    report = analyze_items(read_flow("> REGISTER sip:h\n< 401\n> REGISTER sip:h\nAuthorization: {bob x}\n< 200"))
    assert {rule: tally.seen for rule, tally in report.outcomes.items() if tally.seen} == {
        "R3261-10.1-ls-rw": {"granted": 1}
    }


@pytest.mark.parametrize("profile", ["ims", "modern", "legacy2543"])
def test_facts_are_the_same_in_every_profile(profile: str) -> None:
    rule = rule_of("R3261-10.2-route")
    items = read_flow("> REGISTER sip:h\nRoute: <sip:p;lr>\n< 200")
    assert analyze_items(items, rules=[rule], profile=profile).outcomes[rule.id].seen == {"preloaded": 1}
