"""Messages that the snap length cut (docs/rules/traps.md T-FRAG): what was captured is used, what may be missing is
not judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.evidence import Fidelity, Item, RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.register.digest.secrets import Secrets
from analyzer.run.pipeline import analyze_items
from analyzer.sip.message import parse

FLOW = """
> REGISTER sip:example.com
< 401
> REGISTER sip:example.com
Authorization: {bob secret}
< 200
@1800 > REGISTER sip:example.com
Authorization: {bob secret nc=00000002}
< 200
"""


def cut(flow: str, length: int) -> list[Item]:
    """The flow as a capture with this snap length has it."""
    items: list[Item] = []
    for item in read_flow(flow):
        assert isinstance(item, RawMessage)
        missing = max(0, len(item.payload) - length)
        items.append(replace(item, payload=item.payload[:length], missing=missing))
    return items


@pytest.mark.parametrize("length", range(60, 620, 7))
def test_clean_traffic_is_never_accused_for_a_cut(length: int) -> None:
    report = analyze_items(cut(FLOW, length), secrets=Secrets.of({"bob": "secret"}))
    accused = {(finding.rule, finding.sub) for finding in report.findings if finding.severity != "info"}
    assert not accused
    assert report.summary.digests["mismatch"] == 0
    assert report.summary.messages == 6


@pytest.mark.parametrize("length", range(60, 620, 7))
def test_every_request_is_counted_and_none_is_a_copy_for_being_cut(length: int) -> None:
    summary = analyze_items(cut(FLOW, length)).summary
    assert summary.register_requests == summary.transactions == 3
    assert (summary.retransmissions, summary.duplicates) == (0, 0)


def test_credentials_that_were_cut_are_counted_and_say_why() -> None:
    whole = parse(
        next(item for item in read_flow(FLOW) if isinstance(item, RawMessage) and b"Authorization" in item.payload)
    )
    header = next(header for header in whole.headers if header.key == "authorization")
    report = analyze_items(cut(FLOW, header.end - 30), secrets=Secrets.of({"bob": "secret"}))
    assert report.summary.digests == {"unknown": 2}
    assert {digest.judged.reason for digest in report.digests} == {"the message is cut within these credentials"}


def test_an_ok_to_a_request_that_was_cut_before_contact_is_no_fetch() -> None:
    whole = next(iter(read_flow("> REGISTER sip:example.com")))
    assert isinstance(whole, RawMessage)
    length = whole.payload.index(b"Contact:")
    request, answer = read_flow("> REGISTER sip:example.com\n< 200")
    assert isinstance(request, RawMessage)
    missing = len(request.payload) - length
    report = analyze_items([replace(request, payload=request.payload[:length], missing=missing), answer])
    assert dict(report.summary.outcomes) == {"unknown": 1}


def test_the_last_row_of_a_cut_message_is_no_value() -> None:
    (raw_message,) = read_flow("> REGISTER sip:example.com")
    assert isinstance(raw_message, RawMessage)
    end = raw_message.payload.index(b";tag=f1")
    message = parse(replace(raw_message, payload=raw_message.payload[:end], missing=99))
    assert message.from_ is None
    assert message.cut_header is not None and message.cut_header.key == "from"
    assert b"".join(raw_message.payload[h.start : h.end] for h in message.headers).endswith(b"<sip:bob@example.com>")


def test_a_row_that_ends_where_the_capture_ends_is_whole_on_the_wire_only() -> None:
    (raw_message,) = read_flow("> REGISTER sip:example.com")
    assert isinstance(raw_message, RawMessage)
    end = raw_message.payload.index(b"To:")
    on_wire = replace(raw_message, payload=raw_message.payload[:end], missing=99)
    assert parse(on_wire).from_ is not None
    assert parse(replace(on_wire, fidelity=Fidelity.TEXT_LOG)).from_ is None  # a log's line ends are the reader's


def test_answers_cut_before_cseq_are_answers() -> None:
    items = list(read_flow("> REGISTER sip:example.com\n< 401"))
    answer = items[1]
    assert isinstance(answer, RawMessage)
    length = answer.payload.index(b"Call-ID:")
    items[1] = replace(answer, payload=answer.payload[:length], missing=50)
    report = analyze_items(items)
    assert dict(report.summary.responses) == {401: 1}
    assert [row.state for row in report.transactions] == ["answered"]
