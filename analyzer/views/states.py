"""What became of each registration, and what all tellers of the table share.

A state refines the outcome of the core by four things. A binding that ran out before the source's end, with no
renewal seen, is no health: who registered for 30 s and was silent for a minute is `ran out`. Who is well at the end and
was refused, or could not be called, in between is `ok again`. Whose binding another client's request removed, and who
did not come back, is `taken away`: that may be its own successor, so it is no trouble by itself. And a failed sign-off
is no failed registration: calls still go to a phone that is gone.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import NamedTuple

from analyzer.evidence import SECOND, Endpoint, Frame, Place
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.history import FAILED
from analyzer.register.registration import Registration
from analyzer.run.report import Report
from analyzer.views.words import Clock, clock_of, count, source_names

_MOST_PHONES = 64
"""Phones of one address-of-record that are looked through."""


class State(NamedTuple):
    """`word` stands before a line, `counted` in the verdict. `trouble` is what somebody must look after, `listed`
    what has a line of its own without --all."""

    word: str
    counted: str
    sign: str
    trouble: bool
    listed: bool


REGISTERED = State("registered", "registered", "✓", False, False)
REFUSED = State("refused", "refused", "✗", True, True)
NO_ANSWER = State("no answer", "without an answer", "✗", True, True)
GAVE_UP = State("gave up", "gave up", "✗", True, True)
NOT_SIGNED_OFF = State("still bound", "could not sign off", "✗", True, True)
AGAIN = State("ok again", "registered after trouble in between", "!", False, True)
RAN_OUT = State("ran out", "not renewed in time", "✗", True, True)
TAKEN_AWAY = State("taken away", "taken away", "!", False, True)
SIGNED_OFF = State("signed off", "signed off", "·", False, False)
ASKED = State("asked", "only asked what is registered", "·", False, False)
OPEN = State("open", "still open at the end", "?", False, True)
UNCLEAR = State("unclear", "unclear", "?", False, True)
STATES = (
    REGISTERED,
    AGAIN,
    REFUSED,
    NO_ANSWER,
    GAVE_UP,
    RAN_OUT,
    NOT_SIGNED_OFF,
    TAKEN_AWAY,
    SIGNED_OFF,
    ASKED,
    OPEN,
    UNCLEAR,
)
"""In the order in which the verdict counts them."""
_OF_OUTCOME = {
    "registered": REGISTERED,
    "rejected": REFUSED,
    "timeout": NO_ANSWER,
    "abandoned": GAVE_UP,
    "removed": SIGNED_OFF,
    "fetched": ASKED,
    "open": OPEN,
    "unknown": UNCLEAR,
}


class ClientSummary:
    """The report with its clocks and names: who answers at all, which digests were wrong, who is in trouble."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.names = source_names(report.sources)
        self._sources = {source.name: source for source in report.sources}
        self._clocks = {source.name: clock_of(source) for source in report.sources}
        ends = [source.last for source in report.sources if source.kind == "capture" and source.last is not None]
        self._end = max(ends, default=None)
        self._slack = 2 * max([SECOND, *(source.resolution for source in report.sources)])
        self._wrong = {record.transaction: record for record in report.digests if record.verdict == "mismatch"}
        self._titles = {finding.rule: finding.short_title or finding.title for finding in report.findings}
        self.asked = Counter(one.registrar.endpoint for one in report.registrations)
        self.answering = {one.registrar.endpoint for one in report.registrations if one.reasons or one.status}
        self.states = [(one, self.state(one)) for one in report.registrations]
        self.counts = Counter(state for _, state in self.states)
        for outcome, number in report.unlisted.items():
            self.counts[_OF_OUTCOME[outcome]] += number
        self.failures = sum(episode.count for one in report.registrations for episode in one.history.episodes)
        self.troubled = {one.id for one, state in self.states if state.trouble}

    def other_ports(self, registrar: Endpoint) -> list[int]:
        """The ports on which the host of a registrar answered, if it is another than the one that was asked."""
        return sorted({one.port for one in self.answering if one.host == registrar.host} - {registrar.port})

    def title(self, rule: str) -> str:
        """What the findings of a rule are called; the rule's id where there is none."""
        return self._titles.get(rule, rule)

    def state(self, one: Registration) -> State:
        """What became of a registration."""
        if one.outcome != "registered":
            last = one.history.last
            signing_off = last is not None and last.purpose == "remove" and one.outcome in FAILED
            return NOT_SIGNED_OFF if signing_off else _OF_OUTCOME[one.outcome]
        until, end = bound_until(one), self.end(one.place)
        if until is not None and end is not None and end - until > self._slack:
            return RAN_OUT
        if one.reach.is_taken_away:
            return TAKEN_AWAY
        return AGAIN if one.reach.gaps or one.history.episodes else REGISTERED

    def clock(self, place: Place) -> Clock:
        """The clock of the source that a place is in."""
        return self._clocks.get(place.source) or Clock()

    def at(self, one: Registration, time: int | None, before: str = " at ") -> str:
        """` at 11:47:09`, or nothing where there is no clock."""
        return f"{before}{self.clock(one.place).at(time)}" if time is not None else ""

    def file(self, place: Place) -> str:
        """`in morning.pcap`, where there are several files to look in; else nothing."""
        return f"in {self.names.get(place.source, place.source)}" if len(self._sources) > 1 else ""

    def end(self, place: Place) -> int | None:
        """When the source of a place ends; several captures are one."""
        source = self._sources.get(place.source)
        return self._end if source is None or isinstance(place, Frame) else source.last

    def medium(self, place: Place) -> str:
        """`capture` or `log`."""
        source = self._sources.get(place.source)
        return source.kind if source is not None else "capture"

    def since(self, one: Registration) -> int | None:
        """Since when it is so: the first failed try after the last success, or since when it is not bound."""
        state, reach = self.state(one), one.reach.current
        if state is RAN_OUT:
            return bound_until(one)
        if state is TAKEN_AWAY and reach is not None:
            return reach.start
        return one.failing_since if one.failing_since is not None else one.since

    def answered_challenge(self, one: Registration) -> Place | None:
        """Where the phone of a registration sent credentials: it has a password. It is the same phone where the
        address-of-record and its User-Agent, a contact or its host are the same."""
        if one.credentials_place is not None:
            return one.credentials_place
        return next(
            (other.credentials_place for other in self._with_password.get(one.aor, ()) if _alike(one, other)), None
        )

    @cached_property
    def _with_password(self) -> dict[str, list[Registration]]:
        found: dict[str, list[Registration]] = {}
        for one in self.report.registrations:
            if one.credentials_place is not None and len(several := found.setdefault(one.aor, [])) < _MOST_PHONES:
                several.append(one)
        return found

    def wrong(self, one: Registration) -> DigestRecord | None:
        """The digest of the latest request, if it is known to be wrong."""
        return self._wrong.get(one.last_seen.id) if one.last_seen is not None else None


def _alike(one: Registration, other: Registration) -> bool:
    """Whether two registrations of one address-of-record may be of one phone."""
    same_agent = bool(one.user_agent) and one.user_agent == other.user_agent
    return same_agent or one.source.host == other.source.host or not set(one.contacts).isdisjoint(other.contacts)


def bound_until(one: Registration) -> int | None:
    """When the last of the client's bindings runs out."""
    held = [binding for binding in one.bindings if binding.certainty == "present" or binding.lapsed]
    ends = [binding.end for binding in held if binding.end is not None]
    return max(ends, default=None)


def address_of(one: Registration) -> str:
    """Where a phone is, if its source says so: a log that does not know its own address prints none."""
    host, port = one.source
    return str(one.source) if port or "." in host or ":" in host else ""


def commonest(kinds: Counter[str]) -> tuple[str, str]:
    """The commonest of some words, and how many other kinds there are: `Snom 300`, ` and 2 other kinds`."""
    named = [word for word, _ in kinds.most_common() if word]
    if not named:
        return "", ""
    return named[0], f" and {count(len(named) - 1, 'other kind')}" if len(named) > 1 else ""
