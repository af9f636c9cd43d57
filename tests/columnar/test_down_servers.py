"""Storms behind a server that was down: requests that are sent again and again, answers that come late, and phones that
register in bursts because they are granted little."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.columnar.captures import SECOND, Both, Packet, assert_same, write
from tests.columnar.phones import Phone, saying, together

_TIMER_E = (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)
"""Seconds after the first sending at which copies come (RFC 3261 17.1.2.2)."""


def _late(phone: Phone, at: float, copies: int, answered: float) -> None:
    """It is challenged `answered` seconds after its request, of which there are copies, and then registers."""
    phone.challenged(at)
    request, answer = phone.packets[-2:]
    phone.packets[-2:] = [
        request,
        *(request._replace(time=request.time + int(after * SECOND)) for after in _TIMER_E[:copies]),
        answer._replace(time=request.time + int(answered * SECOND)),
    ]
    phone.granted(at + answered + 0.05)


def _some_late(count: int, every: int, copies: int, answered: float) -> list[Packet]:
    """So many phones register twice, and one of `every` few is answered late the first time."""
    phones = [Phone(number) for number in range(count)]
    for number, phone in enumerate(phones):
        if number % every:
            phone.registers(number * 0.1)
        else:
            _late(phone, number * 0.1, copies, answered)
        phone.registers(600 + number)
    return together(*phones)


def _same(several: list[Packet], folder: Path) -> Both:
    """Both reports on some phones, and on three that the server answered before."""
    return _in_order(sorted(several, key=lambda one: one.time), folder)


def _in_order(several: list[Packet], folder: Path) -> Both:
    """The same of packets that are in the order of their file already."""
    known = [Phone(900 + number) for number in range(3)]
    for number, phone in enumerate(known):
        phone.registers(number - 100)
    return assert_same(write(folder / "late.pcap", [*together(*known), *several]))


def _count(found: Both, rule: str) -> int:
    """How often a rule was violated."""
    return sum(one["count"] for one in json.loads(found.objects)["findings"] if one["rule"] == rule)


@pytest.mark.parametrize("copies", range(11))
def test_a_server_that_answers_a_second_after_the_last_copy(copies: int, tmp_path: Path) -> None:
    """Every phone is ordinary, whatever it had to send, up to the last copy before Timer F ends the transaction."""
    phones = [Phone(number) for number in range(30)]
    answered = 0.02 if not copies else min(_TIMER_E[copies - 1] + 0.3, 31.9)
    for number, phone in enumerate(phones):
        _late(phone, number * 0.1, copies, answered)
        phone.registers(600 + number)
    found = _same(together(*phones), tmp_path)
    assert found.columnar > 15, found.why


@pytest.mark.parametrize(("answered", "is_late"), [(10.9, False), (11.2, True)])
def test_a_server_that_owes_a_100_is_told(answered: float, is_late: bool, tmp_path: Path) -> None:
    """More than 3.5 s after the last copy (RFC 4320 4.1), the sentence has seconds, and the object path reads it."""
    found = _same(_some_late(40, 4, 4, answered), tmp_path)
    assert found.columnar > 15, found.why
    assert _count(found, "R4320-4-nit-responses") == (10 if is_late else 0)


@pytest.mark.parametrize("after", [31.9, 32.1, 35.0, 39.9, 40.1])
def test_an_answer_when_the_phone_gives_up(after: float, tmp_path: Path) -> None:
    """Just before Timer F ends, just behind it, and behind what is waited for at all."""
    found = _same(_some_late(30, 3, 10, after), tmp_path)
    assert found.columnar > 10, found.why


@pytest.mark.parametrize("answered", [0.02, 3.0])
@pytest.mark.parametrize("after", [31.9, 32.1, 39.9, 40.1, 60.0])
def test_a_copy_of_an_answer_when_its_transaction_is_forgotten(answered: float, after: float, tmp_path: Path) -> None:
    """Then it is an answer whose request was not seen, though the octets say otherwise."""
    phones = [Phone(number, host=20 + number) for number in range(30)]
    for number, phone in enumerate(phones):
        phone.challenged(number * 0.1)
        phone.granted(number * 0.1 + 0.1)
        if number % 2:
            request, grant = phone.packets[-2:]
            grant = grant._replace(time=request.time + int(answered * SECOND))
            phone.packets[-1:] = [grant, grant._replace(time=grant.time + int(after * SECOND))]
    last = Phone(990, host=220)
    last.registers(200)
    found = _same(together(*phones, last), tmp_path)
    assert found.columnar > 5, found.why


@pytest.mark.parametrize("after", [39.8, 40.1, 40.5, 40.9, 41.1])
def test_a_copy_of_an_answer_whose_time_is_behind_that_of_others(after: float, tmp_path: Path) -> None:
    """The latest time of all is what transactions end by, while two processors stamp packets that are apart by less
    than a second."""
    phones = [Phone(number, host=20 + number) for number in range(30)]
    several = []
    for number, phone in enumerate(phones):
        phone.registers(number * 0.1)
        several += phone.packets
        if number % 2:
            late = phone.packets[-1]._replace(time=phone.packets[-1].time + int(after * SECOND))
            several.append(late)
    clock = Phone(990, host=220)
    for turn in range(500):
        clock.challenged(turn * 0.1)
    ordered = sorted([*several, *clock.packets[::2]], key=lambda one: one.time)
    begin = ordered[0].time
    back = [
        one._replace(time=one.time - 9 * SECOND // 10)
        if one.time > begin + int(38 * SECOND) and one not in clock.packets
        else one
        for one in ordered
    ]
    found = _in_order(back, tmp_path)
    assert found.columnar > 5, found.why


@pytest.mark.parametrize("seed", range(4))
def test_answers_at_any_time(seed: int, tmp_path: Path) -> None:
    """Copies by Timer E, of which some are lost, answers whenever they come, and copies behind them."""
    chance = random.Random(seed)
    phones = [Phone(number) for number in range(60)]
    for number, phone in enumerate(phones):
        at = number * 0.05
        for turn in range(3):
            copies = chance.choice((0, 0, 1, 2, 5, 8, 10))
            least = _TIMER_E[copies - 1] if copies else 0.0
            _late(phone, at + turn * 300, copies, least + chance.choice((0.01, 0.3, 1.7, 3.4, 3.6, -0.2, 5.0)) + 0.21)
    found = _same(together(*phones), tmp_path)
    assert found.columnar > 0, found.why


@pytest.mark.parametrize("every", [0.11, 1.9, 6.0])
def test_phones_that_are_granted_little(every: float, tmp_path: Path) -> None:
    """A phone with more than five requests a second is told of as a flood, in columns, too."""
    phones = [Phone(number, host=20 + number) for number in range(30)]
    for number, phone in enumerate(phones):
        for turn in range(70):
            phone.registers(number * 0.01 + turn * every)
    several = saying(saying(together(*phones), b"expires=3600", b"expires=0010"), b"Expires: 3600", b"Expires: 0010")
    found = _same(several, tmp_path)
    assert found.columnar > 15, found.why
    assert (_count(found, "DET-register-flood") > 0) == (every < 1)


def test_bursts_of_those_in_columns_and_those_that_are_not(tmp_path: Path) -> None:
    """The worst of them is named, whichever path has it."""
    phones = [Phone(number) for number in range(30)]
    for number, phone in enumerate(phones):
        for turn in range(6 if number % 5 else 10):
            phone.registers(number * 0.01 + turn * 0.9)
    several = together(*phones)
    odd = saying(several, b"Call-ID: call1000005", b"X-Odd: \xff\r\nCall-ID: call1000005")
    for one in (several, odd):
        assert _same(one, tmp_path).columnar > 10
