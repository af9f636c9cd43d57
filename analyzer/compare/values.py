"""What a comparison tells: plain values. Times are nanoseconds since the epoch, rates and shares are floats.

A verdict is `worse`, `better`, `same`, `changed` (neither better nor worse by itself), `new`, `gone`, or `not
compared`, then with the reason. What is not in the second capture is *gone from it*, never broken: nobody saw what
became of it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, NamedTuple

from analyzer.evidence import Evidence
from analyzer.judge.findings import Severity
from analyzer.register.client_state import ClientState
from analyzer.run.baseline import FindingKey

Verdict = Literal["worse", "better", "changed", "same", "new", "gone", "not compared"]
Unit = Literal["share", "seconds", "per second", "per client-hour", "count"]


class Reached(NamedTuple):
    """How long a client was bound, was not though it did not want that, and nobody knows (nanoseconds); and how many
    gaps lie between two times with a binding."""

    bound: int = 0
    unbound: int = 0
    unknown: int = 0
    gaps: int = 0

    @property
    def share(self) -> float | None:
        """The bound share of the time of which it is known; None where that is none."""
        known = self.bound + self.unbound
        return self.bound / known if known else None

    def plus(self, other: Reached) -> Reached:
        """Both together."""
        return Reached(*(one + two for one, two in zip(self, other, strict=True)))


class ClientFacts(NamedTuple):
    """What is kept of one client at one registrar. The first fields tell it from others of its address-of-record, the
    others what became of it; `since` is when that began, `place` what shows it."""

    aor: str
    registrar: str
    instance: str
    token: str
    contact: str
    host: str
    user_agent: str
    state: ClientState
    status: int
    since: int | None
    place: Evidence
    reached: Reached
    failures: int


class FindingFacts(NamedTuple):
    """What is kept of a finding under one of the keys that it is known by; `number` is how often it was seen."""

    severity: Severity
    title: str
    clause: str
    detail: str
    fix: str
    aor: str
    number: int
    evidence: Evidence | None


class ClientChange(NamedTuple):
    """A client that is in both (`matched` says by what), or in one alone: then the other is None."""

    verdict: Verdict
    before: ClientFacts | None
    after: ClientFacts | None
    matched: str = ""
    reason: str = ""

    @property
    def one(self) -> ClientFacts:
        """The newer of the two that is there."""
        found = self.after or self.before
        assert found is not None
        return found


class FindingChange(NamedTuple):
    """A finding that is in both, or in one alone; `reason` says why it is no more than `new` or `gone`."""

    verdict: Verdict
    key: FindingKey
    before: FindingFacts | None
    after: FindingFacts | None
    reason: str = ""

    @property
    def one(self) -> FindingFacts:
        """The newer of the two that is there."""
        found = self.after or self.before
        assert found is not None
        return found


class Figure(NamedTuple):
    """A number of both sides; None where a side has none. `basis` is what each is counted over: answers, requests,
    clients; `reason` why they are not compared."""

    name: str
    unit: Unit
    before: float | None
    after: float | None
    verdict: Verdict
    basis: tuple[int, int] = (0, 0)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The whole. `clients` are those that changed, the worst first; `counts` counts all by verdict, the same included;
    `not_compared` are sentences."""

    clients: list[ClientChange]
    counts: Counter[Verdict]
    findings: list[FindingChange]
    figures: list[Figure]
    not_compared: list[str]

    @property
    def verdict(self) -> Literal["worse", "better", "mixed", "same"]:
        """In one word: `mixed` where some got better and some worse."""
        verdicts = {one.verdict for one in self.clients}
        verdicts.update(one.verdict for one in self.findings)
        verdicts.update(one.verdict for one in self.figures)
        if "worse" in verdicts:
            return "mixed" if "better" in verdicts else "worse"
        return "better" if "better" in verdicts else "same"

    @property
    def is_worse(self) -> bool:
        """Whether anything got worse."""
        return self.verdict in ("worse", "mixed")
