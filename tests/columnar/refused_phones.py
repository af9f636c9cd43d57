"""Storms of phones that are refused, each in a way of its own, and what can go wrong with their packets."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from hashlib import md5

from tests.columnar.captures import SECOND, Packet
from tests.columnar.phones import Phone, together
from tests.columnar.shared_nonces import shared_nonces

REASONS = {400: "Bad Request", 403: "Forbidden", 404: "Not Found", 480: "Temporarily Unavailable",
           500: "Server Internal Error", 503: "Service Unavailable", 603: "Decline"}  # fmt: skip
TIMER_E = (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)
"""Seconds after the first sending at which copies come (RFC 3261 17.1.2.2)."""
Course = Callable[[Phone, float, random.Random], None]
After = Callable[[Phone, random.Random], None]


def _again(phone: Phone, at: float, chance: random.Random) -> None:
    """It is challenged and refused, time after time, as one with a wrong password."""
    status, every, times = chance.choice((401, 403)), chance.choice((2.0, 14.0, 61.0, 130.0)), chance.randint(1, 9)
    for turn in range(times):
        phone.challenged(at + every * turn)
        phone.refused(at + every * turn + 0.05, status, brings=True)


def _without_a_pause(phone: Phone, at: float, chance: random.Random) -> None:
    """It answers each challenge by which it is refused."""
    phone.challenged(at)
    for turn in range(chance.randint(1, 8)):
        phone.refused(at + 0.1 + turn * chance.choice((0.1, 3.0)), 401, brings=True)


def _at_once(phone: Phone, at: float, chance: random.Random) -> None:
    """It is refused without being asked, and comes again at the same or at any pace."""
    status, every = chance.choice((400, 403, 404, 480, 500, 503)), chance.choice((0.5, 1.9, 3.0, 20.0, 70.0))
    for _ in range(chance.randint(1, 13)):
        phone.refused(at, status)
        at += every if chance.random() < 0.9 else chance.choice((0.3, 40.0, 90.0))


def _until_it_is_let_in(phone: Phone, at: float, chance: random.Random) -> None:
    """The server is overloaded, and recovers."""
    status = chance.choice((500, 503))
    for _ in range(chance.randint(1, 5)):
        phone.refused(at, status)
        at += chance.choice((1.0, 5.0, 30.0))
    phone.registers(at)


def _between_two_grants(phone: Phone, at: float, chance: random.Random) -> None:
    """It is registered, refused for a while, and let in again, or not."""
    phone.registers(at)
    at += chance.choice((30.0, 300.0))
    for _ in range(chance.randint(1, 6)):
        if chance.random() < 0.3:
            phone.challenged(at)
            phone.refused(at + 0.05, chance.choice((401, 403, 503)), brings=True)
        else:
            phone.refused(at, chance.choice((403, 503, 503, 503)))
        at += chance.choice((1.0, 10.0, 65.0))
    if chance.random() < 0.6:
        phone.registers(at)


def calm(phone: Phone, at: float, chance: random.Random) -> None:
    """Nothing is wrong with it."""
    for turn in range(chance.randint(1, 3)):
        phone.registers(at + 300 * turn)


def _anyhow(phone: Phone, at: float, chance: random.Random) -> None:
    """Anything of these, one after the other."""
    for _ in range(3):
        chance.choice(COURSES[:-1])(phone, at, chance)
        at += 700


COURSES: tuple[Course, ...] = (
    _again, _without_a_pause, _at_once, _until_it_is_let_in, _between_two_grants, calm, _anyhow
)  # fmt: skip


def some_phones(
    seed: str, count: int, courses: tuple[Course, ...], *, hosts: int, pace: float, then: After | None = None
) -> list[Packet]:
    """So many phones behind some addresses, each with a course of its own, and three before them that are let in. What
    becomes of each in the end does `then`."""
    chance = random.Random(seed)
    known = [Phone(900 + number) for number in range(3)]
    for number, phone in enumerate(known):
        phone.registers(number - 20)
    phones = [Phone(number, host=20 + number % hosts) for number in range(count)]
    for number, phone in enumerate(phones):
        chance.choice(courses)(phone, round(number * pace, 3), chance)
        if then is not None:
            then(phone, chance)
    return together(*known, *phones)


def refused_phones(
    count: int, seed: int, courses: tuple[Course, ...] = COURSES, *, hosts: int = 5, pace: float = 0.3
) -> list[Packet]:
    """So many phones that are refused, some of them by a server that answers late."""
    return some_phones(f"phones {seed}", count, courses, hosts=hosts, pace=pace, then=_perhaps_wait)


def _perhaps_wait(phone: Phone, chance: random.Random) -> None:
    if chance.random() < 0.15:
        _wait(phone, chance)


def _wait(phone: Phone, chance: random.Random) -> None:
    """One of its requests is answered late, and sent again until then."""
    at = 2 * chance.randrange(len(phone.packets) // 2)
    request, answer = phone.packets[at : at + 2]
    after = phone.packets[at + 2].time - request.time if at + 2 < len(phone.packets) else 10 * SECOND
    copies = chance.randint(1, 3)
    late = int((TIMER_E[copies - 1] + chance.choice((0.1, 0.4, 3.6))) * SECOND)
    if late < after:
        again = [request._replace(time=request.time + int(one * SECOND)) for one in TIMER_E[:copies]]
        phone.packets[at : at + 2] = [request, *again, answer._replace(time=request.time + late)]


def harmed(several: list[Packet], seed: int) -> list[Packet]:
    """The same capture with packets that are lost or there twice, cut at its beginning or end, or with a clock that
    steps."""
    chance = random.Random(f"harm {seed}")
    lost = set(chance.sample(range(len(several)), chance.choice((0, 0, 1, 5))))
    twice = [
        one._replace(time=one.time + chance.choice((5, 4999, 5001, 250_000, 700_000)))
        for one in chance.sample(several, chance.choice((0, 0, 1, 4)))
    ]
    whole = sorted([*(one for at, one in enumerate(several) if at not in lost), *twice], key=lambda one: one.time)
    if chance.random() < 0.3:
        whole = whole[chance.choice((1, 7, 40)) :]
    if chance.random() < 0.4:
        whole = whole[: -chance.choice((1, 2, 17, 60))]
    how = chance.random()
    if how < 0.15:
        at = chance.randrange(len(whole))
        step = chance.choice((-5, -1, 3, 33, 400)) * SECOND
        whole = [one._replace(time=one.time + step) if number > at else one for number, one in enumerate(whole)]
    elif how < 0.3:
        for at in chance.sample(range(1, len(whole)), 10):
            whole[at] = whole[at]._replace(time=whole[at - 1].time - chance.randint(1, 50_000))
    return whole


_RESPONSE = re.compile(rb'username="([^"]+)".* nonce="([^"]+)".* response="([^"]+)".* nc=(\w+)')


def of_the_time(several: list[Packet], seconds: float) -> list[Packet]:
    """The same storm with one nonce for each so many seconds, and with responses that are made of what stands beside
    them."""
    found = []
    for one in shared_nonces(several, seconds=seconds):
        said = _RESPONSE.search(one.message)
        if said is not None:
            drawn = md5(b":".join((said[1], said[2], said[4])), usedforsecurity=False).hexdigest().encode()
            one = one.saying(one.message.replace(said[3], drawn))
        found.append(one)
    return found
