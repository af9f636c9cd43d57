"""More REGISTERs than any use of them needs.

A registration takes two requests, and a refresh as many, every some minutes. More than ten new transactions a second
from one address for one user, or for two or three, over ten seconds, are a program that has run wild or wants to do
harm (`source`); of a whole house of phones behind one address more may come. Fifty a second and more of all together,
five times what is usual in the same capture, are more than many registrars bear (`total`); where most of these are
clients that begin anew, that is a restart of them all (DET-herd). Retransmissions are no transactions of their own:
many of them mean a server that is slow rather than attacked.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.evidence import SECOND, Endpoint, Evidence
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Confidence,
    Need,
    NotJudged,
    Rule,
    Violated,
    bad,
    good,
)
from analyzer.judge.parameters import FLOOD_FACTOR, FLOOD_RATE, FLOOD_TOTAL, FLOOD_USERS
from analyzer.register.fleet import TICK, Burst, FleetSubject
from analyzer.sip.text import clip

_SECONDS = TICK // SECOND
_TICKS = 6
"""Ticks of a capture from which on it shows what is usual."""


def check(subject: FleetSubject, context: object) -> Iterator[Answer]:
    """Look for ticks of ten seconds with too many requests (heuristic)."""
    del context
    if subject.pace and not subject.has_clock:
        yield NotJudged(Need.CLOCK.value)  # one stamp for all tells no rate
        return
    found: list[Answer] = [*_sources(subject), *_total(subject)]
    yield from found or [PASSED if subject.pace else NOT_APPLICABLE]


def _sources(subject: FleetSubject) -> Iterator[Violated]:
    together: dict[tuple[str, Endpoint, int], list[Burst]] = {}
    for burst in subject.bursts:
        together.setdefault((burst.host, burst.server, burst.tick), []).append(burst)
    worst: dict[tuple[str, Endpoint], list[Burst]] = {}
    ticks: dict[tuple[str, Endpoint], int] = {}
    for (host, server, _), bursts in together.items():
        if len(bursts) > FLOOD_USERS or _requests(bursts) <= FLOOD_RATE * _SECONDS:
            continue
        key = (host, server)
        ticks[key] = ticks.get(key, 0) + 1
        if key not in worst or _requests(bursts) > _requests(worst[key]):
            worst[key] = bursts
    for (host, server), bursts in worst.items():
        users = " and ".join(repr(clip(burst.aor, 60)) for burst in bursts)
        yield Violated(
            f"{host} began {_requests(bursts)} REGISTER transactions at {server} within {_SECONDS} s, for {users}",
            "source",
            count=ticks[(host, server)],
            at=min(bursts, key=lambda one: one.evidence.place[1]).evidence,
            group_key=(server, host),
        )


def _requests(bursts: list[Burst]) -> int:
    return sum(burst.requests for burst in bursts)


def _total(subject: FleetSubject) -> Iterator[Violated]:
    if not subject.pace:
        return
    peak = max(subject.pace, key=lambda tick: (subject.pace[tick], -tick))
    most, first, last = subject.pace[peak], min(subject.pace), max(subject.pace)
    length = last - first + 1
    if most <= FLOOD_TOTAL * _SECONDS:
        return
    ordered = sorted([*subject.pace.values(), *([0] * min(length - len(subject.pace), 1_000_000))])
    usual = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2  # the median, without a late import
    if length >= _TICKS and most <= FLOOD_FACTOR * usual:
        return
    seen = [one for one in subject.registrations if one.first is not None and one.last is not None]
    here = [one for one in seen if (one.first or 0) // TICK <= peak <= (one.last or 0) // TICK]
    anew = sum((one.first or 0) // TICK == peak for one in here)
    restarted = sum(count for (_, tick), count in subject.restarts.items() if tick == peak)
    if not here or 4 * (anew + restarted) >= most:
        return  # each of them sends two requests: half of all at least are clients that begin anew
    at = min(here, key=lambda one: (one.first or 0, one.id))
    compared = f", {usual / _SECONDS:.1f} a second being usual" if length >= _TICKS else ""
    yield Violated(
        f"{most} REGISTERs came within {_SECONDS} s, {most / _SECONDS:.0f} a second{compared}",
        "total",
        confidence=Confidence.HIGH if length >= _TICKS else Confidence.MEDIUM,
        at=Evidence(at.place, at.first),
        group_key="total",
        at_fault="attacker / UAC",
    )


def _many(count: int, gap: float, *, users: int = 1, hosts: int = 1, at: float = 0.0) -> str:
    return "".join(
        f"@{at + gap * turn:.3f} src=203.0.113.{turn % hosts + 1}:5060 > REGISTER sip:example.com\n"
        f"Call-ID: c{turn % users}\nFrom: <sip:{turn % users}@example.com>;tag=t\n"
        f"To: <sip:{turn % users}@example.com>\n"
        f"Contact: <sip:{turn % users}@203.0.113.{turn % hosts + 1}>\n< 200\n"
        for turn in range(count)
    )


RULE = Rule(
    id="DET-register-flood",
    title="REGISTER flood",
    short_title="A flood of REGISTERs",
    question="whether REGISTERs come in a flood",
    clause="heuristic",
    force="none",
    severity="warning",
    at_fault="attacker / UAC",
    group="I",
    subject="fleet",
    check=check,
    why="Capacity threat whatever the intent.",
    fix="let the server or a firewall before it limit REGISTERs of one address, and look what sends them: a phone that "
    "loops wants its cause mended, anybody else is to be blocked",
    examples=(
        bad(_many(300, 0.02), "source", title="50 a second for one user", severity="warning"),
        bad(_many(400, 0.02, users=3), "source", title="for three users in turn"),
        bad(_many(60, 1, users=30, hosts=30) + _many(900, 0.01, users=30, hosts=30, at=64), "total", title="of all"),
        good(_many(100, 0.2), title="five a second"),
        good(_many(300, 0.03, users=50), title="many users behind one address"),
        good(_many(120, 5, users=60, hosts=60), title="a steady load"),
        good("> REGISTER sip:h\n< 200\n" + "> again\n< again\n" * 200, title="retransmissions are one transaction"),
    ),
)
