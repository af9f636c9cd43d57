"""Phones that all refresh at the same time, or all begin anew at once.

A site whose phones were switched on together registers together, and if each is granted the same time and refreshes at
the same share of it, the peak comes back with every refresh, for ever (`synchronised`). It overloads the registrar,
whose late answers bring retransmissions. Told by the phases of the refreshes: each phone's time of day modulo their
common interval, as an angle; where twenty phones and more share an interval, and their mean resultant length is over
one half (by chance in less than one of a thousand cases, Rayleigh), they go in step. `avalanche` is said where three of
ten clients of a server began anew within a minute: power or the network came back, or the server did.

Each phone has to be seen for two intervals. A capture that is shorter, or one of many different intervals, shows
nothing of the kind. Clients that stand at the beginning of the capture have not begun anew: it begins there.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from analyzer.evidence import SECOND, Endpoint, Evidence
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Violated, bad, good
from analyzer.judge.parameters import AVALANCHE_SHARE, AVALANCHE_WINDOW, HERD, HERD_CHANCE, HERD_LENGTH
from analyzer.register.fleet import TICK, FleetSubject
from analyzer.register.registration import Registration

_ALIKE = 20
"""Intervals that differ by no more than a twentieth are one."""
_SHORTEST = 10 * SECOND
"""Of shorter intervals, the second of a log's clock is too much of a part."""
_INTERVALS = 2


def check(subject: FleetSubject, context: object) -> Iterator[Answer]:
    """Look at the times of each server's clients (heuristic; RFC 5626 4.5 spreads them for that reason)."""
    del context
    if subject.begin is None:
        yield NotJudged(Need.CLOCK.value)
        return
    judged = False
    for server, clients in subject.by_server().items():
        if len(clients) >= HERD:
            judged = True
            found: list[Answer] = [*_in_step(server, clients), *_avalanche(server, clients, subject)]
            yield from found or [PASSED]
    if not judged:
        yield NOT_APPLICABLE


def _in_step(server: Endpoint, clients: Sequence[Registration]) -> Iterator[Violated]:
    paced = [(pace, one) for one in clients if (pace := _pace(one)) >= _SHORTEST]
    if len(paced) < HERD:
        return
    common = _common([pace for pace, _ in paced])
    herd = [one for pace, one in paced if abs(pace - common) <= common // _ALIKE]
    if len(herd) < HERD:
        return
    angles = [2 * math.pi * ((one.last_success or 0) % common) / common for one in herd]
    length = math.hypot(sum(map(math.cos, angles)), sum(map(math.sin, angles))) / len(herd)
    if length <= HERD_LENGTH or math.exp(-len(herd) * length * length) >= HERD_CHANCE:
        return
    first = min(herd, key=lambda one: (one.first or 0, one.id))
    detail = (
        f"{len(herd)} of {len(clients)} clients of {server} refresh every {common / SECOND:.0f} s and go in step "
        f"(mean resultant length {length:.2f}; spread evenly it would be near 0)"
    )
    yield Violated(
        detail,
        "synchronised",
        count=len(herd),
        at=Evidence(first.place, first.first),
        group_key=(server, common // TICK),
    )


def _pace(client: Registration) -> int:
    """Its usual interval, 0 where it was not seen long enough, or has left its pace."""
    gaps = sorted(client.refresh_gaps)
    if len(gaps) < _INTERVALS or client.outcome != "registered" or client.last_success is None:
        return 0
    usual = gaps[(len(gaps) - 1) // 2]
    return usual if abs(client.refresh_gaps[-1] - usual) <= usual // _ALIKE else 0


def _common(paces: list[int]) -> int:
    """The interval that most have."""
    bins = Counter(round(math.log(pace) * _ALIKE) for pace in paces)
    best = max(bins, key=lambda one: (bins[one], -one))
    same = sorted(pace for pace in paces if round(math.log(pace) * _ALIKE) == best)
    return same[len(same) // 2]


def _avalanche(server: Endpoint, clients: Sequence[Registration], subject: FleetSubject) -> Iterator[Violated]:
    began = Counter({tick: count for (where, tick), count in subject.restarts.items() if where == server})
    first_tick = (subject.begin or 0) // TICK
    width = AVALANCHE_WINDOW // TICK
    for one in clients:
        if one.seen_from_start and one.first is not None and one.first // TICK >= first_tick + width:
            began[one.first // TICK] += 1
    if sum(began.values()) < HERD:
        return
    window = {tick: sum(began[tick + more] for more in range(width)) for tick in began}
    start = max(window, key=lambda tick: (window[tick], -tick))
    if window[start] < max(HERD, AVALANCHE_SHARE * len(clients)):
        return
    at = min(
        (one for one in clients if one.last is not None and one.last // TICK >= start),
        key=lambda one: (abs((one.first or 0) // TICK - start), one.first or 0, one.id),
        default=clients[0],
    )
    after = (start * TICK - (subject.begin or 0)) / SECOND
    detail = (
        f"{window[start]} of {len(clients)} clients of {server} began anew within {AVALANCHE_WINDOW // SECOND} s, "
        f"about {after:.0f} s after the source begins"
    )
    yield Violated(
        detail,
        "avalanche",
        count=window[start],
        at=Evidence(at.place, at.first),
        group_key=(server, "avalanche"),
        fix=_RESTART,
    )


_RESTART = (
    "look what came back at that time (power, network, server); let phones wait a random time before their first "
    "REGISTER, and size or limit the registrar for the peak"
)


def _client(number: int, at: float, *, call: str = "") -> tuple[float, str]:
    user = f"u{number}"
    return at, (
        f"@{at:.3f} src=203.0.113.{number}:5060 > REGISTER sip:example.com\nCall-ID: {user}{call}\n"
        f"From: <sip:{user}@example.com>;tag=t\nTo: <sip:{user}@example.com>\n"
        f"Contact: <sip:{user}@203.0.113.{number}>\nExpires: 120\n< 200\n"
    )


def _fleet(spread: float, *, clients: int = 30, turns: int = 4, interval: float = 60) -> list[tuple[float, str]]:
    return [
        _client(number + 1, interval * turn + spread * number / clients)
        for turn in range(turns)
        for number in range(clients)
    ]


def _flow(steps: list[tuple[float, str]]) -> str:
    return "".join(text for _, text in sorted(steps))


RULE = Rule(
    id="DET-herd",
    title="Synchronised refreshes / restart avalanche (thundering herd)",
    short_title="Clients go in step",
    sub_titles={"avalanche": "Many clients begin anew at once"},
    question="whether clients go in step",
    clause="heuristic (RFC 5626 §4.5 motivates randomisation)",
    force="none",
    severity="warning",
    at_fault="fleet / registrar",
    group="I",
    subject="fleet",
    check=check,
    why="Peaks overload the registrar; a fixed expiry preserves the peak forever.",
    fix="let the registrar grant each client a somewhat different time (a tenth more or less at random), or let the "
    "phones refresh at a random share of it",
    examples=(
        bad(_flow(_fleet(2)), "synchronised", title="thirty within two seconds", severity="warning"),
        bad(
            _flow([*_fleet(60), *(_client(n + 1, 600 + n, call="b") for n in range(30))]),
            "avalanche",
            title="after ten minutes all have a new Call-ID",
        ),
        bad(
            _flow([*_fleet(60), *(_client(n + 101, 500 + n) for n in range(25))]),
            "avalanche",
            title="as many again begin within half a minute",
        ),
        good(_flow(_fleet(60)), title="spread over the interval"),
        good(_flow(_fleet(2, clients=19)), title="too few to tell"),
        good(_flow(_fleet(2, turns=2)), title="not seen for two intervals"),
        good(
            _flow([_client(n + 1, (50 + 3 * n) * turn) for n in range(30) for turn in range(5)]),
            title="each with an interval of its own",
        ),
        good(_flow(_fleet(2, turns=1)), title="all stand at the beginning of the capture"),
        good("> REGISTER sip:h\n< 200", title="one client"),
    ),
)
