"""One source asks for many users, and is let in as hardly any.

Tools that look for users (SIPVicious `svwar`) send a REGISTER for one name after the other, and tell by the answers
which of them exist; others try one common password with each name. Said where one address asked for ten users and more
within five minutes at one server, the server answered, and nine of ten never got in, each after no more than a few
tries; and where something else tells a tool from a house full of phones: its User-Agent, names that are consecutive
numbers, or one port for all. A branch office behind one address has many users too, but most of them register, and its
phones go on trying; where a server does not answer at all, or refuses with 5xx, that is its own trouble.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from analyzer.evidence import SECOND, Endpoint, Evidence
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Confidence, Rule, Severity, Violated, bad, good
from analyzer.judge.parameters import ENUM_FAILED, ENUM_USERS, ENUM_WINDOW, is_scanner
from analyzer.register.fleet import FleetSubject
from analyzer.register.registration import Registration
from analyzer.sip.text import clip

_TRIES = 3
"""Tries for one user after which a tool has gone on to the next."""
_ROW = 0.5
"""Share of the users that are the next number each, from which on they were counted up."""


def check(subject: FleetSubject, context: object) -> Iterator[Answer]:
    """Count the users of each source at each server (heuristic)."""
    del context
    judged = False
    for (source, server), clients in subject.by_source().items():
        if len(clients) >= ENUM_USERS:
            judged = True
            yield _answer(source, server, clients, subject)
    if not judged:
        yield NOT_APPLICABLE


def _answer(source: str, server: Endpoint, clients: Sequence[Registration], subject: FleetSubject) -> Answer:
    answered = [one for one in clients if one.outcome != "unknown" and one.first is not None]
    window = _busiest(sorted(answered, key=lambda one: (one.first or 0, one.id)))
    users = list(dict.fromkeys(one.aor for one in window))
    failed = [one for one in window if _is_denied(one)]
    if len(users) < ENUM_USERS or len(failed) < ENUM_FAILED * len(window):
        return PASSED
    scanner = next((one.user_agent for one in window if is_scanner(one.user_agent)), "")
    in_a_row = _is_counted_up(users)
    one_port = len({one.source for one in window}) == 1
    if not (scanner or in_a_row or one_port):
        return PASSED
    first, last = window[0], window[-1]
    span = round(((last.first or 0) - (first.first or 0)) / SECOND)
    within = f" within {max(1, span)} s" if subject.has_clock else ""
    how = f", calling itself {clip(scanner, 40)!r}" if scanner else ", by consecutive numbers" if in_a_row else ""
    more = " at least" if subject.evicted else ""
    detail = (
        f"{source} asked {server} for{more} {len(users)} users{within}{how}, and was let in as "
        f"{len(window) - len(failed) or 'none'} of them (from {clip(users[0], 60)!r} to {clip(users[-1], 60)!r})"
    )
    severity: Severity = "error" if scanner or in_a_row else "warning"
    return Violated(
        detail,
        severity=severity,
        confidence=Confidence.HIGH if scanner else Confidence.MEDIUM,
        count=len(users),
        at=Evidence(first.place, first.first),
        related=(Evidence(last.place, last.first),),
        group_key=(server, source),
    )


def _busiest(clients: list[Registration]) -> list[Registration]:
    """Those that began within the five minutes in which most did."""
    best, start = (0, 0), 0
    for end, one in enumerate(clients):
        while (one.first or 0) - (clients[start].first or 0) > ENUM_WINDOW:
            start += 1
        if end + 1 - start > best[1] - best[0]:
            best = start, end + 1
    return clients[best[0] : best[1]]


def _is_denied(client: Registration) -> bool:
    """It never got in, though it was answered, and did not go on."""
    if client.was_well or client.attempts > _TRIES or client.outcome == "timeout":
        return False
    return client.outcome in ("rejected", "abandoned", "open") and 400 <= client.status < 500


def _is_counted_up(users: Sequence[str]) -> bool:
    numbers = [int(user) if user.isdecimal() and len(user) < 16 else None for user in map(_user, users)]
    steps = sum(a is not None and b is not None and b - a == 1 for a, b in pairwise(numbers))
    return steps >= _ROW * (len(users) - 1)


def _user(aor: str) -> str:
    return aor.partition(":")[2].partition("@")[0]


_ASK = (
    "@{0} src={1} > REGISTER sip:example.com\nCall-ID: c{2}\nFrom: <sip:{2}@example.com>;tag=t\n"
    "To: <sip:{2}@example.com>\nUser-Agent: {3}\nContact: <sip:{2}@{1}>\n< {4}\n"
)


def _scan(
    users: range,
    agent: str = "friendly-scanner",
    *,
    status: int = 404,
    source: str = "203.0.113.7:5060",
    pace: float = 0.1,
) -> str:
    return "".join(_ASK.format(pace * at, source, user, agent, status) for at, user in enumerate(users))


RULE = Rule(
    id="DET-enum-users",
    title="Many users from one source (enumeration or password spraying)",
    short_title="Somebody looks for users",
    question="whether one source looks for users",
    clause="heuristic",
    force="none",
    severity="error",
    at_fault="attacker",
    group="I",
    subject="fleet",
    check=check,
    why="Scanner (SIPVicious svwar/svcrack pattern).",
    fix="block that address, answer every unknown user with the same 401 as a known one, and look whether one of the "
    "users was let in from there",
    examples=(
        bad(_scan(range(100, 200)), title="100 to 199 by friendly-scanner", severity="error"),
        bad(_scan(range(100, 130), "Phone", status=403), title="by consecutive numbers", severity="error"),
        bad(_scan(range(100, 160, 5), "Phone", status=401), title="401 for all, one port", severity="warning"),
        good(_scan(range(100, 180), "Phone", status=200), title="a branch office: all succeed"),
        good(_scan(range(100, 109)), title="not enough of them"),
        good(_scan(range(100, 180), "Phone", status=503), title="the server is in trouble"),
        good(_scan(range(100, 200), pace=60), title="one a minute is no burst"),
        good(
            "".join(
                _scan(range(100 + 7 * n, 101 + 7 * n), "Phone", source=f"203.0.113.7:{6000 + n}", pace=1)
                for n in range(30)
            ),
            title="phones behind one address, each refused at its own port",
        ),
        good("> REGISTER sip:h\n< 401", title="one client"),
    ),
)
