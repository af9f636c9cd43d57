"""No rule fails to run, whatever is on the wire: damaged examples, RFC 4475 messages, requests and answers alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evidence import Endpoint, Fidelity, Frame, Item, RawMessage
from analyzer.judge.flowtext import CLIENT, REGISTRAR, START, read_flow
from analyzer.register.digest.secrets import Secrets
from analyzer.run.pipeline import analyze_items
from tests.rules.cases import examples
from tests.shared import shared

_FLOWS = sorted({example.flow for _, example in examples()})
_SECRETS = Secrets.of({"bob": "secret"})
_JUNK = st.sampled_from([b"", b"\r\n", b"\x00", b'"', b"<", b">", b";", b",", b"=", b"*", b"%", b"\xff", b"9" * 40])


def _failures(items: Iterable[Item]) -> dict[str, int]:
    report = analyze_items(items, secrets=_SECRETS)
    return {rule: tally.failed for rule, tally in report.outcomes.items() if tally.failed}


@given(st.data())
@settings(max_examples=60)
def test_damaged_messages_do_not_break_a_rule(draw: st.DataObject) -> None:
    items: list[Item] = []
    for item in read_flow(draw.draw(st.sampled_from(_FLOWS))):
        if isinstance(item, RawMessage):
            at = draw.draw(st.integers(0, len(item.payload)))
            gone = draw.draw(st.integers(0, 30))
            payload = item.payload[:at] + draw.draw(_JUNK) + item.payload[at + gone :]
            item = replace(item, payload=payload, missing=draw.draw(st.sampled_from([0, 0, 0, 7])))
        items.append(item)
    assert _failures(items) == {}


def _otherwise(draw: st.DataObject, item: RawMessage) -> RawMessage:
    """The same message at another time, on another way, of another kind of source."""
    return replace(
        item,
        time=draw.draw(st.sampled_from([item.time, None, START, START + 10**15])),
        source=draw.draw(st.sampled_from([item.source, REGISTRAR, CLIENT, Endpoint("2001:db8::1", 0)])),
        transport=draw.draw(st.sampled_from([item.transport, "TCP", "WSS", "", "sctp"])),
        stream=draw.draw(st.sampled_from([item.stream, 0, 1, 2])),
        fidelity=draw.draw(st.sampled_from(list(Fidelity))),
    )


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_subjects_that_no_traffic_gives_do_not_break_a_rule(draw: st.DataObject) -> None:
    """Parts of several flows, in any order and repeated, by other ways, and without a clock."""
    parts = draw.draw(st.lists(st.sampled_from(_FLOWS), min_size=1, max_size=3))
    items: list[Item] = [item for flow in parts for item in read_flow(flow)]
    order = draw.draw(st.lists(st.integers(0, len(items) - 1), min_size=1, max_size=12))
    chosen = [items[at] for at in order]
    assert _failures([_otherwise(draw, one) if isinstance(one, RawMessage) else one for one in chosen]) == {}


@pytest.mark.parametrize("keep", ["requests", "answers", "clockless", "reversed"])
def test_half_of_the_traffic_does_not_break_a_rule(keep: str) -> None:
    for flow in _FLOWS:
        items = list(read_flow(flow, tail=60))
        if keep == "clockless":
            for item in items:
                item.time = None
        elif keep == "reversed":
            items.reverse()
        else:
            wanted = keep == "answers"
            items = [item for item in items if isinstance(item, RawMessage) and _is_answer(item) is wanted]
        assert _failures(items) == {}, flow


def _is_answer(item: RawMessage) -> bool:
    return item.payload.startswith(b"SIP/2.0 ")


def test_torture_messages_do_not_break_a_rule() -> None:
    files = sorted(shared("torture").glob("*.dat"))
    assert files
    for number, file in enumerate(files, 1):
        assert _failures([RawMessage(file.read_bytes(), START, Frame(file.name, number), CLIENT, REGISTRAR)]) == {}


@pytest.mark.parametrize("name", ["escnull", "cparam01", "cparam02", "regescrt"])
def test_the_legal_torture_messages_have_no_finding(name: str) -> None:
    file = shared("torture", f"{name}.dat")
    if not file.exists():
        pytest.skip(f"{name}.dat is not there")
    report = analyze_items([RawMessage(file.read_bytes(), START, Frame(name, 1), CLIENT, REGISTRAR)])
    assert [(finding.rule, finding.sub) for finding in report.findings] == []


def test_thousands_of_challenges_and_contacts_take_no_time() -> None:
    challenges = ", ".join(f'Digest realm="r{number}", nonce="n"' for number in range(3000))
    contacts = ", ".join(f"<sip:b@h{number}>" for number in range(3000))
    flow = f"> REGISTER sip:example.com\nContact: {contacts}\n< 401\nWWW-Authenticate: {challenges}\n"
    flow += f"> REGISTER sip:example.com\nContact: {contacts}\n< 200\nContact: {contacts}"
    started = process_time()
    assert _failures(read_flow(flow)) == {}
    assert process_time() - started < 5
