"""Storms of phones whose server does not answer, for a while or at all, each in a way of its own."""

from __future__ import annotations

import random

from tests.columnar.captures import SECOND, Packet
from tests.columnar.phones import START, Phone, together
from tests.columnar.refused_phones import COURSES as REFUSED
from tests.columnar.refused_phones import TIMER_E, Course, calm, some_phones


def silent(phone: Phone, at: float, copies: int = 10) -> None:
    """It asks, and nobody answers; seconds after the first sending at which copies come may be late by a tick."""
    phone.challenged(at)
    request = phone.packets[-2]
    phone.packets[-2:] = [request._replace(time=request.time + int(after * SECOND)) for after in (0, *TIMER_E[:copies])]


def silences(phone: Phone, at: float, pauses: list[float], copies: int = 10) -> float:
    """It asks again and again, with these pauses behind Timer F; gives when it would ask next."""
    for pause in pauses:
        silent(phone, at, copies)
        at += 32 + pause
    return at


def _from_the_beginning(phone: Phone, at: float, chance: random.Random) -> None:
    """Nobody ever answers it, or only after some time."""
    at = silences(phone, at, _pauses(chance), chance.choice((10, 10, 4, 1)))
    if chance.random() < 0.5:
        phone.registers(at)


def _between_grants(phone: Phone, at: float, chance: random.Random) -> None:
    """It is registered, the server is down for a while, and it is registered again."""
    phone.registers(at)
    at = silences(phone, at + chance.choice((40.0, 600.0)), _pauses(chance), chance.choice((10, 10, 10, 6, 2)))
    phone.registers(at)


def _at_the_end(phone: Phone, at: float, chance: random.Random) -> None:
    """It is registered, and then nobody answers any more."""
    phone.registers(at)
    silences(phone, at + chance.choice((300.0, 900.0)), _pauses(chance), chance.choice((10, 3)))


def _behind_refusals(phone: Phone, at: float, chance: random.Random) -> None:
    """The server is overloaded, silent, and overloaded again."""
    for _ in range(chance.randint(1, 4)):
        if chance.random() < 0.5:
            phone.refused(at, chance.choice((403, 503)))
            at += chance.choice((2.0, 30.0))
        else:
            at = silences(phone, at, _pauses(chance))
    if chance.random() < 0.5:
        phone.challenged(at)
        phone.refused(at + 0.05, 403, brings=True)
    if chance.random() < 0.5:
        phone.registers(at + 10)


def _anyhow(phone: Phone, at: float, chance: random.Random) -> None:
    """Anything of these, and of what phones do that are refused, one after the other."""
    for turn in range(3):
        chance.choice((*COURSES[:-1], *REFUSED[:-1]))(phone, at + 1100 * turn, chance)


COURSES: tuple[Course, ...] = (_from_the_beginning, _between_grants, _at_the_end, _behind_refusals, calm, _anyhow)


def _pauses(chance: random.Random) -> list[float]:
    """Pauses between tries: at once, soon, the same each time, or longer and longer."""
    times = chance.randint(1, 6)
    return chance.choice(
        (
            [0.1] * times,
            [12.0] * times,
            [60.0] * times,
            [float(2**turn) for turn in range(times)],
            [chance.choice((0.0, 3.0, 8.0, 20.0, 31.0, 32.0, 40.0)) for _ in range(times)],
        )
    )


def silent_phones(
    count: int, seed: int, courses: tuple[Course, ...] = COURSES, *, hosts: int = 5, pace: float = 0.3
) -> list[Packet]:
    """So many phones to which the server does not always answer."""
    return some_phones(f"silent {seed}", count, courses, hosts=hosts, pace=pace)


def outage(
    count: int, seed: int, up: float, *, pace: float = 0.7, pause: float = 30.0, bound: float = 0.0
) -> list[Packet]:
    """A capture that begins while the server is down. It is `up` after so many seconds: requests that wait are answered
    at their next copy then, and phones register. A server that is up after `bound` seconds at first, and down then."""
    chance = random.Random(f"outage {seed}")
    phones = [Phone(number, host=20 + number % 7) for number in range(count)]
    for number, phone in enumerate(phones):
        at = number * pace
        if at < bound:
            phone.registers(at)
            at = bound + 60 + number * pace
        while at + TIMER_E[-1] < up:
            silent(phone, at, chance.choice((10, 10, 10, 5)))
            at += 32 + pause * chance.choice((1.0, 1.0, 0.9))
        if at < up:
            late(phone, at, up)
            at = up + 5
        elif chance.random() < 0.2:
            phone.refused(at, 503)
            at += 5
        phone.registers(at + 1)
    return together(*phones)


def late(phone: Phone, at: float, up: float) -> None:
    """It asks, and is challenged at the first copy behind `up`."""
    copies = sum(at + after < up for after in TIMER_E) + 1
    phone.challenged(at)
    request, answer = phone.packets[-2:]
    again = [request._replace(time=request.time + int(after * SECOND)) for after in TIMER_E[:copies]]
    answer = answer._replace(time=again[-1].time + SECOND // 50)
    phone.packets[-2:] = [request, *again, answer]
    phone.granted(answer.time / SECOND - START / SECOND + 0.1)
