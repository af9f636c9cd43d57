"""Group H of the rules beyond its examples: flows, instances, GRUUs, Path, Service-Route and option tags over hops, in
cut messages and logs, and who is blamed. Traps by docs/rules/traps.md."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evidence import Fidelity, Item, RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.register.extensions import flow_contacts, has_instance, supports, tags
from analyzer.register.transport_marks import is_plainly_bounded
from analyzer.run.pipeline import analyze_items
from analyzer.sip.message import parse_bytes
from tests.rules.cases import rule_of, run, subs

_AT = "> REGISTER sip:h"
_URN = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000{}>"'
_FLOW = f"{_AT}\nSupported: path, outbound\nContact: <sip:bob@192.0.2.10>;reg-id={{}};{_URN.format('a')}\n< 200\n"
_EXTENSIONS = "R3261-8.2.4-extensions"
_OUTBOUND = "R5626-4.2.1-outbound-request"
_INSTANCE = "R5626-4.1-instance-regid"
_RESPONSE = "R5626-6-outbound-response"
_PATH = "R3327-5-path"
_SERVICE = "R3608-6-service-route"
_GRUU = "R5627-4.1-gruu-request"


def _raw(flow: str) -> list[RawMessage]:
    return [item for item in read_flow(flow) if isinstance(item, RawMessage)]


def _request(headers: str) -> bytes:
    return f"REGISTER sip:h SIP/2.0\r\n{headers}\r\n\r\n".encode()


# Option tags


def test_tags_are_told_without_case_over_rows_and_compact_names() -> None:
    message = parse_bytes(_request("Supported: Path , gruu\r\nk: OUTBOUND\r\nRequire: x"))
    assert tags(message, "supported") == {"path", "gruu", "outbound"}
    assert supports(message, "outbound")
    assert supports(message, "x")
    assert not supports(message, "timer")


@settings(max_examples=30, deadline=None)
@given(
    demanded=st.sets(st.sampled_from(["gruu", "path", "ice", "Ice", "timer"])),
    refused=st.sets(st.sampled_from(["gruu", "path", "ice", "timer"]), min_size=1),
)
def test_a_420_may_refuse_what_was_demanded_and_nothing_else(demanded: set[str], refused: set[str]) -> None:
    require = f"Require: {', '.join(sorted(demanded))}\n" if demanded else ""
    flow = f"{_AT}\n{require}< 420\nUnsupported: {', '.join(sorted(refused))}"
    strange = refused - {tag.lower() for tag in demanded}
    assert subs(run(_EXTENSIONS, flow)) == ["420-undemanded"] * bool(strange)


def test_what_a_cut_request_supports_is_not_known() -> None:
    request, answer = _raw(f"{_AT}\nSupported: path\n< 200\nRequire: gruu")
    assert subs(analyze_items([request, answer], rules=[rule_of(_EXTENSIONS)])) == ["uninvited"]
    cut = replace(request, payload=request.payload[:-60], missing=60)
    assert subs(analyze_items([cut, answer], rules=[rule_of(_EXTENSIONS)])) == []


def test_a_420_alone_can_lack_its_unsupported() -> None:
    _, answer = _raw(f"{_AT}\nRequire: ice\n< 420")
    (finding,) = analyze_items([answer], rules=[rule_of(_EXTENSIONS)]).findings
    assert finding.sub == "420-no-unsupported"


def test_a_420_that_does_not_say_what_is_tied_to_the_attempt_it_ended() -> None:
    report = analyze_items(read_flow(f"{_AT}\nRequire: ice\n< 420", tail=60))
    (finding,) = [one for one in report.findings if one.rule == _EXTENSIONS]
    assert finding.explained == 1


# Flows


def test_everything_that_is_left_out_is_told() -> None:
    flow = f"{_AT}\nContact: <sip:bob@192.0.2.10>;reg-id=1, <sip:bob@192.0.2.11>;reg-id=2\n< 200"
    assert subs(run(_OUTBOUND, flow)) == ["multi", "no-instance", "no-outbound", "no-path"]


def test_the_alias_of_an_address_is_no_third_party() -> None:
    flow = _FLOW.format(1).replace("\n< 200", "\nFrom: <sips:bob@EXAMPLE.com:5061>;tag=1\n< 200")
    assert subs(run(_OUTBOUND, flow)) == []


def test_contacts_that_ask_for_a_flow() -> None:
    message = parse_bytes(_request("Contact: <sip:a@h>;reg-id=1, <sip:b@h>;reg-id=2;expires=0, <sip:c@h>"))
    assert [contact.uri.user for contact in flow_contacts(message) if contact.uri is not None] == ["a"]
    assert not any(map(has_instance, message.contacts))


@pytest.mark.parametrize(
    ("instance", "wrong"),
    [
        ('"<urn:uuid:00000000-0000-1000-8000-00000000000a>"', False),
        ('"<URN:UUID:00000000-0000-1000-8000-00000000000A>"', False),
        ('"<urn:gsma:imei:90420156-025763-0>"', False),
        ('"<uuid:00000000-0000-1000-8000-00000000000a>"', True),
        ('"<urn:uuid:0000 0000>"', True),
        ('"urn:uuid:00000000-0000-1000-8000-00000000000a"', True),
        ("00112233", True),
        ('""', True),
    ],
)
def test_the_form_of_an_instance(instance: str, wrong: bool) -> None:
    flow = f"{_AT}\nContact: <sip:bob@192.0.2.10>;+sip.instance={instance}\n< 200"
    assert subs(run(_INSTANCE, flow)) == ["form"] * wrong


@pytest.mark.parametrize(("number", "wrong"), [("1", 0), ("2147483647", 0), ("0", 1), ("2147483648", 1), ("x", 1)])
def test_the_form_of_a_reg_id(number: str, wrong: int) -> None:
    assert subs(run(_INSTANCE, _FLOW.format(number))) == ["form"] * wrong


def test_a_changed_instance_is_the_root_of_two_phones_under_one_call_id() -> None:
    contact = "Contact: <sip:bob@192.0.2.10>;"
    flow = f"{_AT}\n{contact}{_URN.format('a')}\n< 200\n@1800 {_AT}\n{contact}{_URN.format('b')}\n< 200"
    report = analyze_items(read_flow(flow))
    found = {finding.rule: finding for finding in report.findings}
    assert found[_INSTANCE].folded == ["R3261-8.1.1.4-callid-collision"]
    assert "R3261-8.1.1.4-callid-collision" not in found


def test_an_instance_that_changes_between_two_ports_may_be_two_phones() -> None:
    contact = "Contact: <sip:bob@192.0.2.10>;"
    flow = (
        f"{_AT}\n{contact}{_URN.format('a')}\n< 200\n"
        f"@1800 src=192.0.2.10:5099 {_AT}\n{contact}{_URN.format('b')}\n< 200"
    )
    assert subs(run(_INSTANCE, flow)) == []


def test_a_flow_that_ends_is_no_new_one() -> None:
    ending = _FLOW.format(1).replace(";reg-id", ";expires=0;reg-id") + "Require: outbound"
    assert subs(run(_RESPONSE, ending)) == []


def test_the_path_of_any_hop_may_say_that_it_keeps_flows() -> None:
    hops = "Via: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKp\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKu\n"
    asks = _FLOW.format(1).replace("\n< 200\n", f"\n{hops}Path: <sip:core;lr>, <sip:edge;lr;ob>\n< 200\n")
    assert subs(run(_RESPONSE, f"{asks}Require: outbound")) == []
    assert subs(run(_RESPONSE, f"{asks.replace(';ob', '')}Require: outbound")) == ["no-439"]


# Path, Service-Route, GRUU


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("Path: <sip:p1;lr>, <sip:p2;lr>", []),
        ("Path: <sip:P1;lr>\nPath: <sip:p2;lr>", []),
        ("Path: <sip:p2;lr>, <sip:p1;lr>", ["not-echoed"]),
        ("Path: <sip:p1;lr>", ["not-echoed"]),
        ("", ["not-echoed"]),
    ],
)
def test_the_same_values_in_the_same_order(listed: str, expected: list[str]) -> None:
    flow = f"{_AT}\nSupported: path\nPath: <sip:p1;lr>, <sip:p2;lr>\n< 200\n{listed}"
    assert subs(run(_PATH, flow)) == expected


def test_each_fault_of_path_is_somebodys() -> None:
    (finding,) = run(_PATH, f"{_AT}\nSupported: path\nPath: <sip:p1;lr>\n< 200").findings
    assert (finding.at_fault, finding.force, finding.severity) == ("registrar", "none", "warning")
    (finding,) = run(_PATH, f"{_AT}\nPath: <sip:p1;lr>\n< 200\nPath: <sip:p1;lr>").findings
    assert (finding.at_fault, finding.force, finding.severity) == ("proxy", "SHOULD", "info")


def test_one_finding_for_each_registrar_that_forgets_path() -> None:
    flow = "".join(
        f"{_AT}\nCall-ID: {number}\nTo: <sip:u{number}@h>\nSupported: path\nPath: <sip:p1;lr>\n< 200\n"
        for number in range(3)
    )
    (finding,) = run(_PATH, flow).findings
    assert finding.count == 3


def test_service_route_in_a_request_is_the_phones() -> None:
    (finding,) = run(_SERVICE, f"{_AT}\nService-Route: <sip:a;lr>\n< 200").findings
    assert (finding.at_fault, finding.sub, finding.severity) == ("UAC", "where", "info")


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("<sip:a;lr>", 0),
        ('"x, y" <sip:a;lr>;p="q,r", <sips:b;lr=on>', 0),
        ("<sip:a>", 1),
        ("sip:a;lr", 1),
        ("<tel:+1>", 1),
        (",", 1),
    ],
)
def test_the_syntax_of_service_route(value: str, wrong: int) -> None:
    assert subs(run(_SERVICE, f"{_AT}\n< 200\nService-Route: {value}")) == ["syntax"] * wrong


def test_other_phones_of_the_user_have_their_own_gruus() -> None:
    """T-MULTIUA: the list of a 2xx names contacts of others; what this request supports decides for all of them."""
    own, other = (f"<sip:bob@192.0.2.1{at}>;{_URN.format(at)};expires=60" for at in "ab")
    listed = f'Contact: {own}, {other};pub-gruu="sip:bob@h;gr=b"'
    assert subs(run(_GRUU, f"{_AT}\nSupported: gruu\nContact: {own}\n< 200\n{listed}")) == []
    assert subs(run(_GRUU, f"{_AT}\nContact: {own}\n< 200\n{listed}")) == ["uninvited"]


def test_a_bulk_registration_is_the_pbxs_matter() -> None:
    flow = f"{_AT}\nSupported: gin, gruu\nContact: <sip:192.0.2.10;bnc>\n< 200"
    assert subs(run(_GRUU, flow)) == []


# All of them


def test_what_is_plain_is_told_as_plain() -> None:
    plain = parse_bytes(_request("Supported: path, outbound\r\nContact: <sip:b@h>;expires=60\r\nContent-Length: 0"))
    assert not plain.is_extended
    assert is_plainly_bounded(plain)
    for row in ("Require: x", "Path: <sip:p>", "Flow-Timer: 1", "Contact: <sip:a@h;gr>", "m: <sip:a@h>;REG-ID=1"):
        assert parse_bytes(_request(row)).is_extended, row


@pytest.mark.parametrize("rule", [_EXTENSIONS, _OUTBOUND, _RESPONSE, _PATH, _SERVICE, _GRUU])
def test_a_log_says_the_same_as_the_wire(rule: str) -> None:
    for example in rule_of(rule).examples:
        if example.log:
            continue
        wire = [item for item in read_flow(example.flow, tail=example.tail) if isinstance(item, RawMessage)]
        printed: list[Item] = [replace(item, fidelity=Fidelity.TEXT_LOG) for item in wire]
        assert subs(analyze_items(printed, rules=[rule_of(rule)])) == sorted(example.expect), example.title
