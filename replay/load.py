"""One flow as many users: sessions that begin at a steady rate, whatever became of those before (sans-IO).

Open loop: the schedule does not wait for answers, for a storm does not either; what a slow registrar delays are the
answers, and that is measured. Two ceilings hold it: `concurrency` sessions at a time (a start that has to wait is
counted as late), and `duration`, after which nothing begins and what is under way is ended, its bindings removed.

All users share one link. A response finds its session by the branch of its top Via (RFC 3261 17.1.3), so what belongs
to nobody costs one look and is counted.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from analyzer.evidence import Endpoint
from analyzer.sip.message import parse_bytes
from replay.events import Try
from replay.machine import SECOND, Command, Notify
from replay.outcome import Outcome, outcome_of
from replay.session import ClientSession

MOST_REASONS = 100
"""Reasons of failures that are told apart."""


@dataclass(slots=True)
class Tally:
    """What came of it so far. `latencies` are nanoseconds from a request's first copy to its final response; `statuses`
    final responses, 0 for none; `unlike` how sessions ended that did not end as then; `late` starts that had to wait,
    `cut` sessions that the end of the time ended, and that had gone as then until there; `not_removed` counts contacts
    that the registrar may hold still, `realms` sessions by a realm that got a digest and that nobody expected."""

    begun: int = 0
    ended: int = 0
    same: int = 0
    requests: int = 0
    retransmissions: int = 0
    timeouts: int = 0
    late: int = 0
    ignored: int = 0
    not_removed: int = 0
    cut: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    unlike: Counter[str] = field(default_factory=Counter)
    realms: Counter[str] = field(default_factory=Counter)
    latencies: array[int] = field(default_factory=lambda: array("q"))

    def percentile(self, share: float) -> float | None:
        """Latency in seconds that `share` (0 to 1) of the answers did not exceed; None without answers."""
        if not self.latencies:
            return None
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / SECOND


@dataclass(frozen=True, slots=True)
class Pace:
    """`rate` sessions a second, at most `concurrency` at a time, no longer than `duration` seconds (0: until each user
    had a turn; else users take turns until then)."""

    rate: float = 20.0
    concurrency: int = 200
    duration: float = 0.0


@dataclass(slots=True)
class Load:
    """A `Machine` of many sessions. `make` gives the session of a user by number, from 0. With `retreat` it ends where
    the first request cannot be delivered, and `refused` says why: the peer has another address. `peer` is whom it spoke
    with, `notes` what the reader should know beside, `then` the captured outcome."""

    make: Callable[[int], ClientSession]
    users: int
    pace: Pace
    tally: Tally = field(default_factory=Tally)
    deadline: int | None = None
    done: bool = False
    held: bool = False
    stopped: bool = False
    retreat: bool = False
    refused: str = ""
    peer: Endpoint | None = None
    notes: list[str] = field(default_factory=list)
    then: str = ""
    heard: bool = False
    began_at: int = 0
    ended_at: int = 0
    _live: dict[int, ClientSession] = field(default_factory=dict)
    _by_branch: dict[str, int] = field(default_factory=dict)
    _branches: dict[int, str] = field(default_factory=dict)
    _due: list[tuple[int, int]] = field(default_factory=list)
    _next: int = 0
    _next_at: int = 0

    def start(self, now: int) -> list[Command]:
        """Begin the first session."""
        self.began_at = self._next_at = now
        return self._pump(now)

    def receive(self, octets: bytes, peer: Endpoint, now: int) -> list[Command]:
        """Hand a message to the session that it belongs to."""
        if not octets.strip(b"\r\n\0"):
            return []
        message = parse_bytes(octets)
        via = message.via
        number = self._by_branch.get((via.branch or "") if via is not None else "")
        if number is None:
            self.tally.ignored += 1
            return []
        commands = self._live[number].take(message, peer, now)
        return self._after(number, commands, now) + self._pump(now)

    def wake(self, now: int) -> list[Command]:
        """Timers of sessions, and starts that are due."""
        commands: list[Command] = []
        while self._due and self._due[0][0] <= now:
            _, number = heapq.heappop(self._due)
            session = self._live.get(number)
            if session is not None and session.deadline is not None and session.deadline <= now:
                commands += self._after(number, session.wake(now), now)
        if self._over(now) and not self.stopped:
            commands += self.stop(now)
        return commands + self._pump(now)

    def failed(self, reason: str, now: int) -> list[Command]:
        """An error of the shared link is everybody's: an ICMP error does not say whose request it answers."""
        commands: list[Command] = []
        for number, session in list(self._live.items()):
            commands += self._after(number, session.failed(reason, now), now)
        return commands + self._pump(now)

    def proceed(self, now: int) -> list[Command]:
        """Nothing is held."""
        return []

    def stop(self, now: int) -> list[Command]:
        """Begin nothing more and end what is under way; the second time at once."""
        commands: list[Command] = []
        self.stopped = True
        for number, session in list(self._live.items()):
            commands += self._after(number, session.stop(now, careful=self.heard), now)
        return commands + self._pump(now)

    def _over(self, now: int) -> bool:
        return bool(self.pace.duration) and now - self.began_at >= self.pace.duration * SECOND

    def _more(self, now: int) -> bool:
        """Whether another session may begin at all."""
        if self.stopped or self._over(now):
            return False
        return bool(self.pace.duration) or self._next < self.users

    def _pump(self, now: int) -> list[Command]:
        """Begin what is due, and say when to be woken."""
        commands: list[Command] = []
        while self._more(now) and self._next_at <= now and len(self._live) < self.pace.concurrency:
            self.tally.late += now - self._next_at > SECOND // 10
            self._next_at += int(SECOND / self.pace.rate)
            number, self._next = self._next, self._next + 1
            session = self.make(number % self.users)
            session.retreat = self.retreat and not self.heard
            self._live[number] = session
            self.tally.begun += 1
            commands += self._after(number, session.start(now), now)
        if not self._live and not self._more(now) and not self.done:
            self.done, self.ended_at = True, now
        self._set_deadline(now)
        return commands

    def _set_deadline(self, now: int) -> None:
        due = [self._due[0][0]] if self._due else []
        if self._more(now):
            if len(self._live) < self.pace.concurrency:
                due.append(self._next_at)
            if self.pace.duration:
                due.append(self.began_at + int(self.pace.duration * SECOND))
        self.deadline = min(due, default=None)

    def _after(self, number: int, commands: list[Command], now: int) -> list[Command]:
        """A session has moved: note where its answers go and when it wants to be woken; events stay here."""
        session = self._live[number]
        self.heard = self.heard or session.heard
        branch = session.branch
        if self._branches.get(number) != branch:
            self._by_branch.pop(self._branches.get(number, ""), None)
            if branch:
                self._by_branch[branch] = number
            self._branches[number] = branch
        if session.done:
            self._close(number, now)
        elif session.deadline is not None:
            heapq.heappush(self._due, (session.deadline, number))
        return [command for command in commands if not isinstance(command, Notify)]

    def _close(self, number: int, now: int) -> None:
        session = self._live.pop(number)
        self._by_branch.pop(self._branches.pop(number, ""), None)
        tally = self.tally
        tally.ended += 1
        tally.ignored += session.ignored
        for result in session.results:
            for one in result.tries:
                self._count(one)
        for one in session.removal:
            self._count(one)
        tally.not_removed += len(session.left)
        outcome = outcome_of(session.steps, session.results)
        tally.same += outcome.same
        if session.stopped and not outcome.same and not _went_wrong(session, outcome):
            tally.cut += 1
        elif not outcome.same:
            _count_among(tally.unlike, outcome.words)
        for realm in session.agent.digest_client.strange:
            _count_among(tally.realms, realm)
        if session.refused and not self.heard:
            self.refused, self.done, self.ended_at = session.refused, True, now

    def _count(self, one: Try) -> None:
        tally = self.tally
        tally.requests += 1
        tally.retransmissions += one.copies
        tally.statuses[one.status] += 1
        tally.timeouts += one.ending == "timeout"
        if one.latency is not None:
            tally.latencies.append(one.latency)


def _count_among(counter: Counter[str], name: str) -> None:
    """Count one more; what a peer makes up does not make it grow beyond MOST_REASONS."""
    counter[name if name in counter or len(counter) < MOST_REASONS else "other"] += 1


def _went_wrong(session: ClientSession, outcome: Outcome) -> bool:
    """Whether a step ended otherwise than then, or had no response in the time in which the first copy may ask for one:
    a registrar that has died must not look like one that was not given the time."""
    if session.unanswered > session.timers.t1:
        return True
    ended = {one.step.number for one in session.results if one.tries and one.tries[-1].ending != "stopped"}
    return any(number in ended for number in outcome.unlike)
