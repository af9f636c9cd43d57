"""What is noted of messages for the tables: expiry asked and granted, and the columns of several workers as one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from analyzer.evidence import Endpoint, RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.run.pipeline import Analysis
from analyzer.run.recording import AttemptRow, Recording, granted, requested, together
from analyzer.sip.message import Message, parse
from tests.register.traffic import answer, request

OWN, OTHER = "<sip:bob@192.0.2.10>", "<sip:bob@198.51.100.7>"


def messages(flow: str) -> Iterator[Message]:
    return (parse(item) for item in read_flow(flow) if isinstance(item, RawMessage))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (f"Contact: {OWN};expires=60\nExpires: 3600", 60),
        (f"Contact: {OWN}\nExpires: 3600", 3600),
        (f"Contact: {OWN}, {OTHER};expires=9\nExpires: 3600", 3600),
        (f"Contact: {OWN};expires=soon\nExpires: 3600", 3600),
        ("Contact: *\nExpires: 0", 0),
        (f"Contact: {OWN}\nExpires:", None),
        ("Contact:\nExpires: 3600", None),
    ],
)
def test_what_is_asked_for(headers: str, seconds: int | None) -> None:
    (message,) = messages(f"> REGISTER sip:example.com\n{headers}")
    assert requested(message) == seconds


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (200, f"Contact: {OWN};expires=120", 120),
        (200, f"Contact: {OTHER};expires=7, {OWN};expires=120", 120),
        (200, f"Contact: {OWN}\nExpires: 240", 240),
        (200, "Contact: <sip:bob@203.0.113.5:33333>;expires=55", 55),
        (200, f"Contact: {OTHER};expires=7, <sip:bob@203.0.113.5>;expires=8", None),
        (200, "Contact:", None),
        (403, f"Contact: {OWN};expires=120", None),
    ],
)
def test_what_is_granted(status: int, headers: str, seconds: int | None) -> None:
    flow = f"> REGISTER sip:example.com\nContact: {OWN};expires=600\n< {status}\n{headers}"
    asked, final = messages(flow)
    assert granted(asked, final) == seconds
    assert granted(None, final) is None


def test_columns_of_workers_are_put_in_the_order_of_the_messages() -> None:
    whole = together([recording_of(2, 3, 7), recording_of(1, 5), recording_of()])
    assert list(whole.number) == [1, 2, 3, 5, 7]
    assert list(whole.transaction) == [10, 20, 30, 50, 70]
    assert [source.port for source in whole.source] == [1, 2, 3, 5, 7]
    assert [row.first for row in whole.attempts] == [10, 20, 30, 50, 70]


def recording_of(*numbers: int) -> Recording:
    recording = Recording()
    for number in numbers:
        recording.number.append(number)
        for column in (recording.time, recording.request, recording.status, recording.copy, recording.size):
            column.append(1)
        recording.frame.append(number)
        recording.transaction.append(number * 10)
        recording.source.append(Endpoint("h", number))
        recording.destination.append(Endpoint("h", 0))
        recording.source_file.append("f")
        recording.attempts.append(AttemptRow(number * 10, number * 10, 1, 1, None, None, "open", 0, False, False))
    return recording


def test_numbers_are_those_of_all_workers() -> None:
    recording = recording_of(1, 2)
    recording.renumber(lambda number: number // 10, lambda number: number + 5)
    assert list(recording.transaction) == [1, 2]
    assert [(row.first, row.last, row.registration) for row in recording.attempts] == [(1, 1, 6), (2, 2, 6)]


def test_a_packet_that_was_captured_twice_is_one_message() -> None:
    analysis = Analysis([], rules=(), tables=True)
    for item in (request(0), request(0.001), answer(0.1), answer(0.1005), request(0.6)):
        analysis.feed(item)
    recording = analysis.finish().recording
    assert recording is not None
    assert list(recording.number) == [1, 3, 5]
    assert list(recording.copy) == [0, 0, 1]


def test_other_methods_are_not_noted() -> None:
    analysis = Analysis([], rules=(), tables=True)
    for item in read_flow("> OPTIONS sip:example.com\n< 200\n> REGISTER sip:example.com\n< 200\n"):
        analysis.feed(item)
    recording = analysis.finish().recording
    assert recording is not None and len(recording.number) == 2
