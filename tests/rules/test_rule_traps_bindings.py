"""The rules on what a client does with its contacts (docs/rules/README.md, group C): what their examples cannot
say. Other methods, one side alone, logs, cut messages, workers, and who is blamed how surely. Traps by 0.7."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evidence import Item, RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.register.contact_relations import likeness
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from analyzer.sip.address import Address
from analyzer.sip.message import parse_bytes
from analyzer.sip.uri import uri_equal
from tests.rules.cases import rule_of, run, subs

_MANGLED = "R3261-10.2.4-contact-mangled"
_STALE = "R3261-10.2.2-stale-contact"
_REMOVE = "R3261-10.2.2-remove-form"
_SET = "R3261-10.2.1.2-contact-set"
_TURNS = "R3261-10.2.4-refresh-destination"
_FOREIGN = "R3261-10.2.4-refresh-foreign"
_ALL = (_MANGLED, _STALE, _REMOVE, _SET, _TURNS, _FOREIGN)


def without(flow: str, *, requests: bool = False, answers: bool = False, tail: float = 60) -> Report:
    """The report of the six rules on one direction of a flow."""
    items: list[Item] = [
        item
        for item in read_flow(flow, tail=tail)
        if not isinstance(item, RawMessage) or (answers, requests)[not item.payload.startswith(b"SIP/")] is False
    ]
    return analyze_items(items, rules=[rule_of(name) for name in _ALL])


# -- the contact that is rewritten


def mangled(asked: str, listed: str, options: str = "") -> Report:
    return run(_MANGLED, f"{options}> REGISTER sip:example.com\nContact: {asked}\n< 200\nContact: {listed};expires=60")


def test_the_sentence_has_both_and_what_differs() -> None:
    (finding,) = mangled("<sip:b@192.168.1.5:5060>", "<sip:b@192.0.2.10:40001>").findings
    assert finding.detail == (
        "sip:b@192.168.1.5:5060 was registered, and the 200 lists sip:b@192.0.2.10:40001 instead, where the request "
        "came from: the host and the port differ"
    )
    assert finding.confidence.word == "high"
    assert [place.place[1] for place in finding.evidence] == [2, 1], "the 200 first"


def test_another_host_than_it_came_from_may_be_another_phones() -> None:
    (finding,) = mangled("<sip:b@192.168.1.5:5060>", "<sip:b@203.0.113.7:40001>").findings
    assert (finding.confidence.word, finding.severity) == ("medium", "warning")


def test_one_difference_is_told_in_the_singular() -> None:
    assert mangled("<sip:b@h1:5070>", "<sip:b@h1:5080>").findings[0].detail.endswith("the port differs")


def test_the_table_and_the_rule_tell_the_same_contact() -> None:
    report = mangled("<sip:b@192.168.1.5:5060>", "<sip:b@192.0.2.10:40001>")
    (binding,) = report.registrations[0].bindings
    assert binding.form
    assert binding.contact in report.findings[0].detail
    assert binding.asked_contact in report.findings[0].detail


def test_where_nothing_is_alike_the_other_rule_tells_it() -> None:
    flow = "> REGISTER sip:example.com\nContact: <sip:b@h1>\n< 200\nContact: {};expires=60"
    for listed, told in (("<sip:b@h2>", _MANGLED), ("<sip:x@h9>", "R3261-10.3-8-contact-list")):
        rules = [rule_of(_MANGLED), rule_of("R3261-10.3-8-contact-list")]
        report = analyze_items(read_flow(flow.format(listed)), rules=rules)
        assert [finding.rule for finding in report.findings] == [told]


def test_it_is_told_at_each_refresh_as_one_finding() -> None:
    turn = "@{} > REGISTER sip:example.com\nContact: <sip:b@h1:5070>\n< 200\nContact: <sip:b@h1:5080>;expires=60\n"
    (finding,) = run(_MANGLED, "".join(turn.format(50 * number) for number in range(4))).findings
    assert finding.count == 4


_URIS = st.builds(
    "sip:{}@{}{}{}".format,
    st.sampled_from(["b", "%62", "q7xk29ab"]),
    st.sampled_from(["h1", "H1", "192.0.2.10", "10.0.0.1"]),
    st.sampled_from(["", ":5060", ":5070"]),
    st.sampled_from(["", ";transport=tcp", ";ob", ";line=ab", ";user=phone", ";x=1"]),
)


@settings(max_examples=80, deadline=None)
@given(asked=_URIS, listed=_URIS)
def test_what_is_equal_is_never_called_different(asked: str, listed: str) -> None:
    report = mangled(f"<{asked}>", f"<{listed}>")
    one, two = Address.parse(f"<{asked}>"), Address.parse(f"<{listed}>")
    assert one.uri is not None and two.uri is not None
    if uri_equal(one.uri, two.uri) or likeness(one, two, parse_bytes(b"REGISTER sip:h SIP/2.0\r\n\r\n")) is None:
        assert report.findings == []
    assert not report.outcomes[_MANGLED].failed


# -- the contact that is left behind

_OLD = "@0 > REGISTER sip:example.com\nContact: <sip:bob@10.0.0.5:5060>\n< 200\n"
_BOTH = (
    "@60 > REGISTER sip:example.com\nContact: <sip:bob@10.0.0.5:5062>\n"
    "< 200\nContact: <sip:bob@10.0.0.5:5060>;expires={}, <sip:bob@10.0.0.5:5062>;expires=3600\n"
)


def test_the_sentence_names_the_new_and_the_old() -> None:
    (finding,) = run(_STALE, _OLD + _BOTH.format(3540), tail=60).findings
    assert finding.detail == (
        "sip:bob@10.0.0.5:5062 was registered, and sip:bob@10.0.0.5:5060 of the same phone stayed bound beside it"
    )
    assert (finding.severity, finding.at_fault) == ("info", "UAC")


def test_what_ran_out_by_itself_soon_after_is_not_left_behind() -> None:
    assert run(_STALE, _OLD + _BOTH.format(10), tail=60).findings == []


@pytest.mark.parametrize("seconds", [1, 20, 31])
def test_what_is_removed_within_the_time_is_not_left_behind(seconds: int) -> None:
    gone = f"@{60 + seconds} > REGISTER sip:example.com\nContact: <sip:bob@10.0.0.5:5060>;expires=0\n< 200\n"
    gone += "Contact: <sip:bob@10.0.0.5:5062>;expires=3500"
    assert run(_STALE, _OLD + _BOTH.format(3540) + gone, tail=60).findings == []


def test_a_source_that_ends_early_is_not_judged() -> None:
    report = run(_STALE, _OLD + _BOTH.format(3540), tail=10)
    assert report.outcomes[_STALE].not_judged == {"TAIL": 1}


def test_a_new_call_id_is_not_judged() -> None:
    flow = _OLD + _BOTH.format(3540).replace("\nContact", "\nCall-ID: new\nContact", 1)
    for port in ("5060", "5062"):
        flow = flow.replace(f"10.0.0.5:{port}", f"10.0.0.5:{port};line=ab12")  # by which the phone is known again
    report = run(_STALE, flow, tail=60)
    assert report.findings == []
    assert report.outcomes[_STALE].not_judged == {"the phone may have been restarted": 1}


def test_an_instance_and_flow_replace_the_old_one() -> None:
    flow = (_OLD + _BOTH.format(3540)).replace("Contact: <sip:bob@10.0.0.5:506", "Contact: <sip:bob@10.0.0.5:506")
    for port in ("5060", "5062"):
        flow = flow.replace(f"10.0.0.5:{port}>", f'10.0.0.5:{port}>;reg-id=1;+sip.instance="<urn:uuid:1>"')
    assert run(_STALE, flow, tail=60).findings == []


# -- the sign-off that names nothing

_NOTHING = "@600 > REGISTER sip:example.com\n-Contact\nExpires: 0\n< 200\nContact: <sip:b@10.0.0.5>;expires=3000\n"


def test_the_sign_off_names_what_is_still_listed() -> None:
    flow = "> REGISTER sip:example.com\nContact: <sip:b@10.0.0.5>\n< 200\n" + _NOTHING
    (finding,) = run(_REMOVE, flow).findings
    assert "the 200 still lists sip:b@10.0.0.5" in finding.detail
    report = analyze_items(read_flow(flow))
    assert report.registrations[0].outcome == "registered", "a query removes nothing: the table says so too"


def test_another_phones_contact_is_not_its_own() -> None:
    flow = "src=192.0.2.20:5060 > REGISTER sip:example.com\nCall-ID: two\nContact: <sip:b@10.0.0.5>\n< 200\n" + _NOTHING
    assert subs(run(_REMOVE, flow)) == ["query"]


def test_an_empty_contact_is_no_query() -> None:
    assert run(_REMOVE, _NOTHING.replace("-Contact", "Contact: ")).findings == []


def test_a_log_is_judged_like_the_wire() -> None:
    flow = "> REGISTER sip:example.com\nContact: <sip:b@10.0.0.5>\n< 200\n" + _NOTHING
    (finding,) = run(_REMOVE, flow, log=True).findings
    assert finding.confidence.word == "medium"


# -- the set of contacts


@pytest.mark.parametrize("preference", ["2", "-1", "0.5555", ".5", "1.001", "high", ""])
def test_preferences_that_are_none(preference: str) -> None:
    assert "q" in subs(run(_SET, f"> REGISTER sip:example.com\nContact: <sip:b@h1>;q={preference}\n< 200"))


@pytest.mark.parametrize("preference", ["0", "1", "0.", "1.", "0.5", "0.123", "1.000"])
def test_preferences_that_are_one(preference: str) -> None:
    assert run(_SET, f"> REGISTER sip:example.com\nContact: <sip:b@h1>;q={preference}\n< 200").findings == []


def test_a_bad_preference_may_be_why_it_was_refused() -> None:
    (finding,) = run(_SET, "> REGISTER sip:example.com\nContact: <sip:b@h1>;q=2\n< 400").findings
    assert finding.explained == 1
    (finding,) = run(_SET, "> REGISTER sip:example.com\nContact: <sip:b@h1>;q=2\n< 403").findings
    assert finding.explained == 0


def test_hundreds_of_contacts_cost_no_more_than_the_first() -> None:
    contacts = ", ".join(f"<sip:b@h{number}>;expires={number}" for number in range(3000))
    assert run(_SET, f"> REGISTER sip:example.com\nContact: {contacts}\n< 200").findings == []


def test_a_phone_at_the_address_of_record_is_no_loop() -> None:
    """An address as domain, and the phone is there: what it asks for leads to itself."""
    flow = "src=10.0.0.5:5060 > REGISTER sip:10.0.0.5\nTo: <sip:bob@10.0.0.5>\nContact: <sip:bob@10.0.0.5>\n< 200"
    assert run(_SET, flow).findings == []
    assert subs(run(_SET, flow.replace("src=10.0.0.5", "src=10.0.0.9"))) == ["aor"]


def test_escapes_do_not_hide_the_address_of_record() -> None:
    assert subs(run(_SET, "> REGISTER sip:example.com\nContact: <sip:%62ob@example.com>\n< 200")) == ["aor"]


# -- now here, now there


def turn(at: float, server: int, headers: str = "") -> str:
    return (
        f"@{at} dst=198.51.100.{server}:5060 > REGISTER sip:example.com\nExpires: 60\n{headers}"
        "< 200\nContact: <sip:bob@192.0.2.10:5060>;expires=60\n"
    )


def test_turns_are_one_finding_of_both_servers() -> None:
    (finding,) = run(_TURNS, "".join(turn(50 * number, 1 + number % 2) for number in range(9))).findings
    assert finding.count >= 5
    assert finding.severity == "warning"
    assert "198.51.100.1" in finding.detail and "198.51.100.2" in finding.detail


def test_a_missing_request_leaves_it_open() -> None:
    report = run(_TURNS, turn(0, 1) + turn(50, 2) + turn(100, 1, "CSeq: 9\n"))
    assert report.findings == []
    assert sum(report.outcomes[_TURNS].not_judged.values()) == 1


@pytest.mark.parametrize("status", [302, 403, 500, 503])
def test_a_server_that_refused_may_be_left(status: int) -> None:
    refused = f"@50 dst=198.51.100.1:5060 > REGISTER sip:example.com\n< {status}\n"
    assert run(_TURNS, turn(0, 1) + refused + turn(51, 2) + turn(110, 1)).findings == []


def test_another_port_of_the_same_host_is_the_same_server() -> None:
    moved = turn(50, 1).replace(":5060 >", ":5070 >")
    assert run(_TURNS, turn(0, 1) + moved + turn(100, 1)).findings == []


# -- all of them


_BAD = [example.flow for name in _ALL for example in rule_of(name).examples if example.expect]


@pytest.mark.parametrize("flow", _BAD)
def test_without_answers_nothing_is_said_but_of_the_request_itself(flow: str) -> None:
    assert {finding.rule for finding in without(flow, answers=True).findings} <= {_SET}


@pytest.mark.parametrize("flow", _BAD)
def test_without_requests_nothing_is_said(flow: str) -> None:
    assert without(flow, requests=True).findings == []


@pytest.mark.parametrize("flow", _BAD)
def test_other_methods_are_not_asked(flow: str) -> None:
    other = flow.replace("> REGISTER", "> SUBSCRIBE")
    assert analyze_items(read_flow(other, tail=60), rules=[rule_of(name) for name in _ALL]).findings == []


@pytest.mark.parametrize("flow", _BAD)
def test_cut_messages_are_not_judged(flow: str) -> None:
    items: list[Item] = [
        replace(item, payload=item.payload[:120], missing=400) if isinstance(item, RawMessage) else item
        for item in read_flow(flow, tail=60)
    ]
    report = analyze_items(items, rules=[rule_of(name) for name in _ALL])
    assert report.findings == []
    assert not any(tally.failed for tally in report.outcomes.values())


@pytest.mark.parametrize("profile", ["modern", "ims", "legacy2543"])
def test_every_profile_holds_them_alike(profile: str) -> None:
    for name in _ALL:
        for example in rule_of(name).examples:
            report = run(name, example.flow, tail=example.tail, profile=profile)
            assert subs(report) == sorted(example.expect)
