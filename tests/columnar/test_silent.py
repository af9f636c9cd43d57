"""Clients that nobody answers are read in columns; what is said of them is what the object path says, to the word."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from analyzer.columnar.classes import is_constant
from analyzer.dataframes import tables
from analyzer.run.pipeline import analyze
from tests.columnar import silent_phones as storms
from tests.columnar.captures import SECOND, Both, Packet, as_json, assert_same, write
from tests.columnar.phones import Phone, saying, together
from tests.columnar.refused_phones import Course, harmed
from tests.columnar.silent_phones import COURSES, silences, silent
from tests.columnar.test_classes import RULES, _shared_classes


def _same(several: list[Packet], folder: Path) -> Both:
    return assert_same(write(folder / "silent.pcap", several))


def _after_three(phones: list[Phone]) -> list[Packet]:
    """Some phones, and three before them that are let in."""
    known = [Phone(900 + number) for number in range(3)]
    for number, phone in enumerate(known):
        phone.registers(number - 20)
    return together(*known, *phones)


def _findings(found: Both, rule: str) -> list[dict[str, object]]:
    return [one for one in json.loads(found.objects)["findings"] if one["rule"] == rule]


@pytest.mark.parametrize("course", COURSES[:-1], ids=lambda one: one.__name__.strip("_"))
def test_each_kind_of_silence_is_read_in_columns(course: Course, tmp_path: Path) -> None:
    found = _same(storms.silent_phones(80, 1, (course,)), tmp_path)
    assert found.columnar > 30, found.why


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("is_harmed", [False, True])
def test_all_kinds_of_silence_together(seed: int, is_harmed: bool, tmp_path: Path) -> None:
    several = storms.silent_phones(60, seed, pace=(0.0, 0.3, 2.0, 20.0)[seed])
    found = _same(harmed(several, seed) if is_harmed else several, tmp_path)
    assert found.columns is not None or found.why == "times step back", found.why


@pytest.mark.parametrize("seconds", [b"0060", b"0300", b"0900"])
def test_what_is_granted_for_less(seconds: bytes, tmp_path: Path) -> None:
    """Of some it runs out while nobody answers: these are for the object path."""
    several = storms.silent_phones(60, 7, COURSES[:-1])
    several = saying(saying(several, b"expires=3600", b"expires=" + seconds), b"Expires: 3600", b"Expires: " + seconds)
    found = _same(several, tmp_path)
    assert found.columns is not None, found.why
    assert (found.columnar > 5) == (seconds != b"0060")


def test_without_detail(tmp_path: Path) -> None:
    path = write(tmp_path / "silent.pcap", storms.silent_phones(80, 5, COURSES[:-1]))
    assert assert_same(path, detail=False).columnar > 20


@pytest.mark.parametrize("seed", range(2))
def test_each_class_has_one_answer_of_all_rules(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All clients are read by the object path here; what it says of each of them alone is what columns say."""
    monkeypatch.setattr("analyzer.columnar.classes._OF_ONE_CLIENT", 10_000)
    shared = _shared_classes(write(tmp_path / "silent.pcap", storms.silent_phones(150, seed)))
    assert sum(map(len, shared.values())) > 500
    assert [kind for kind, several in shared.items() if not is_constant(several, RULES)] == []


def test_report_and_tables_by_the_public_function(tmp_path: Path) -> None:
    path = write(tmp_path / "silent.pcap", storms.silent_phones(80, 3, COURSES[:-1]))
    one, two = (analyze(path, tables=True, columnar=how) for how in ("always", "never"))
    assert as_json(one) == as_json(two)
    for (name, frame), (_, wanted) in zip(tables(one), tables(two), strict=True):
        assert len(frame) == len(wanted), name
        pd.testing.assert_frame_equal(frame, wanted)


@pytest.mark.parametrize("copies", range(11))
def test_as_many_copies_as_timer_e_has(copies: int, tmp_path: Path) -> None:
    """What is sent once tells nothing by itself: its answer may be lost."""
    phones = [Phone(number) for number in range(30)]
    for number, phone in enumerate(phones):
        phone.registers(number * 0.1)
        silences(phone, 300 + number * 0.1, [40.0], copies)
        phone.registers(400 + number * 0.1)
    found = _same(_after_three(phones), tmp_path)
    assert found.columnar > 15 if copies else found.columnar == 0, found.why
    told = _findings(found, "R3261-17.2-unanswered")
    assert len(told) == (30 if copies else 0)
    assert all(f"{copies + 1} copies of the request to 192.0.2.10:5060" in str(one["detail"]) for one in told)


@pytest.mark.parametrize("after", [0.2, 0.7, 31.4, 31.6, 31.99, 32.0, 32.01, 39.9, 40.1, 63.4, 63.5, 63.6, 200.0])
@pytest.mark.parametrize("is_bound", [False, True])
def test_a_capture_that_ends_while_they_wait(after: float, is_bound: bool, tmp_path: Path) -> None:
    """Before the first copy, before and behind Timer F, and before and behind it is noticed at a message."""
    phones = [Phone(number) for number in range(30)]
    for number, phone in enumerate(phones):
        if is_bound:
            phone.registers(number * 0.1)
        silent(phone, 300)
    last = Phone(990)
    last.registers(300 + after - 0.07)
    several = [one for one in _after_three([*phones, last]) if one.time <= last.packets[-1].time]
    found = _same(several, tmp_path)
    assert found.columnar > 15 if after > 0.5 or not is_bound else found.columnar == 0, found.why


@pytest.mark.parametrize("pause", [0.0, 0.01, 4.99, 5.01, 29.9, 31.4, 31.5, 31.6])
@pytest.mark.parametrize("copies", [4, 10])
def test_the_next_request_is_answered_before_it_is_noticed(pause: float, copies: int, tmp_path: Path) -> None:
    """Silence is known when a message comes behind the deadline: what the client was told by then stands."""
    phones = [Phone(number) for number in range(30)]
    for number, phone in enumerate(phones):
        phone.registers(number * 0.1)
        at = silences(phone, 300 + number * 0.01, [pause, pause], copies)
        if number % 2:
            phone.registers(at)
        else:
            phone.refused(at, 503)
    found = _same(_after_three(phones), tmp_path)
    assert found.columnar > 15, found.why
    assert len(_findings(found, "R3261-10.2.7-retry-after-timeout")) == (30 if pause < 5 else 0)


@pytest.mark.parametrize("wait", [31.0, 31.9, 31.99])
def test_the_next_request_comes_too_soon(wait: float, tmp_path: Path) -> None:
    """Then the answer may be missing, and the object path tells."""
    phones = [Phone(number) for number in range(30)]
    for number, phone in enumerate(phones):
        phone.registers(number * 0.1)
        silences(phone, 300, [wait - 32], 9)
        phone.registers(300 + wait)
    found = _same(_after_three(phones), tmp_path)
    assert found.columnar == 0


def test_a_phone_that_comes_again_at_a_steady_pace(tmp_path: Path) -> None:
    phones = [Phone(number) for number in range(20)]
    for number, phone in enumerate(phones):
        phone.registers(silences(phone, number * 0.1, [12.0] * 5))
    found = _same(_after_three(phones), tmp_path)
    assert found.columnar > 10, found.why
    told = _findings(found, "R3261-10.2.7-retry-after-timeout")
    assert [one["count"] for one in told] == [3] * 20
    assert all("and each time the next one came 12 s after the timeout" in str(one["detail"]) for one in told)


def test_silence_explains_the_attempts_that_it_ended(tmp_path: Path) -> None:
    phones = [Phone(number) for number in range(20)]
    for number, phone in enumerate(phones):
        phone.registers(silences(phone, number * 0.1, [40.0] * (1 + number % 2)))
    found = _same(_after_three(phones), tmp_path)
    assert found.columnar > 10, found.why
    told = _findings(found, "R3261-17.2-unanswered")
    assert sorted(len(one["explains"]) for one in told) == [1] * 10 + [2] * 10  # type: ignore[arg-type]


@pytest.mark.parametrize("back", [0.2, 0.9])
def test_times_that_step_back_a_little(back: float, tmp_path: Path) -> None:
    """A deadline passes by the latest time of all, whoever stamped it."""
    phones = [Phone(number) for number in range(30)]
    for number, phone in enumerate(phones):
        at = silences(phone, number * 0.1, [31.3 + number * 0.02])
        phone.registers(at)
    ordered = _after_three(phones)
    several = [one._replace(time=one.time - int(back * SECOND) * (at % 7 == 0)) for at, one in enumerate(ordered)]
    _same(several, tmp_path)


def test_a_server_that_others_hear_of(tmp_path: Path) -> None:
    """When it was heard last is told by all messages, those of clients on the object path and of other ports among
    them."""
    phones = [Phone(number) for number in range(30)]
    for number, phone in enumerate(phones):
        phone.registers(number * 0.1)
        silent(phone, 300 + number * 3)
    odd = [Phone(950 + number) for number in range(3)]
    for number, phone in enumerate(odd):
        phone.registers(310 + 31 * number)
    several = saying(_after_three([*phones, *odd]), b"Call-ID: call10009", b"X-Odd: \xff\r\nCall-ID: call10009")
    found = _same(several, tmp_path)
    assert found.columnar > 15, found.why
    told = {str(one["detail"]).rpartition("; ")[2] for one in _findings(found, "R3261-17.2-unanswered")}
    assert len(told) == 3


@pytest.mark.parametrize(("up", "bound"), [(30.0, 0.0), (100.0, 0.0), (400.0, 0.0), (300.0, 20.0)])
def test_a_capture_that_begins_while_the_server_is_down(up: float, bound: float, tmp_path: Path) -> None:
    found = _same(storms.outage(80, 3, up, bound=bound), tmp_path)
    assert found.columnar > 20, found.why


@pytest.mark.parametrize("port", [5060, 5080])
def test_a_server_that_never_answers(port: int, tmp_path: Path) -> None:
    """Nor does anybody else; a port that looks like a slip is told."""
    phones = [Phone(number) for number in range(40)]
    for number, phone in enumerate(phones):
        silences(phone, number * 0.3, [30.0, 60.0])
    several = [_to_port(one, port) for one in together(*phones)]
    found = _same(several, tmp_path)
    assert found.columnar > 20, found.why
    told = _findings(found, "R3261-17.2-unanswered")
    assert {one["sub"] for one in told} == {"dead-server"}
    assert len(told) == 40


def _to_port(packet: Packet, port: int) -> Packet:
    return packet._replace(frame=packet.frame[:36] + port.to_bytes(2, "big") + packet.frame[38:])


@pytest.mark.parametrize("answers", [1, 10, 60])
def test_a_server_that_answers_from_another_port_at_first(answers: int, tmp_path: Path) -> None:
    """Until its own port answers, it is not known in columns what silence means."""
    several, count = [], 0
    for one in storms.outage(60, 5, 100.0):
        if one.message.startswith(b"SIP/2.0") and count < answers:
            count += 1
            one = one._replace(frame=one.frame[:34] + (5070).to_bytes(2, "big") + one.frame[36:])
        several.append(one)
    _same(several, tmp_path)


@pytest.mark.parametrize("name", [b"SIP/2.0 401 Unauthorized", b"REGISTER sip:example.com SIP/2.0"])
def test_a_server_whose_first_answers_are_in_no_columns(name: bytes, tmp_path: Path) -> None:
    ordered = storms.outage(60, 5, 100.0)
    begin = next(at for at, one in enumerate(ordered) if one.message.startswith(b"SIP/2.0")) - 5
    several = [
        one.saying(one.message.replace(name, name + b"\r\nX-Odd: \xff")) if begin <= at < begin + 20 else one
        for at, one in enumerate(ordered)
    ]
    found = _same(several, tmp_path)
    assert found.columns is None or found.columnar > 0
