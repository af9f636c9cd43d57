"""How each state of a client (`register/client_state.py`) is shown, and what all tellers of the table share."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import NamedTuple

from analyzer.evidence import Between, Endpoint, Frame, Place, between
from analyzer.register.client_state import ClientState, state_of, state_of_outcome
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.identity import domain_of
from analyzer.register.registration import Registration
from analyzer.run.report import Report
from analyzer.views.words import Clock, clock_of, count, source_names

_MOST_PHONES = 64
"""Phones of one address-of-record that are looked through."""


class State(NamedTuple):
    """`word` stands before a line, `counted` in the verdict. `trouble` is what somebody must look after, `listed`
    what has a line of its own without --all."""

    word: ClientState
    counted: str
    sign: str
    trouble: bool
    listed: bool


REGISTERED = State("registered", "registered", "✓", False, False)
REFUSED = State("refused", "refused", "✗", True, True)
NO_ANSWER = State("no answer", "without an answer", "✗", True, True)
GAVE_UP = State("gave up", "gave up", "✗", True, True)
NOT_SIGNED_OFF = State("not removed", "could not sign off", "✗", True, True)
AGAIN = State("ok again", "registered after trouble in between", "!", False, True)
RAN_OUT = State("ran out", "not renewed in time", "✗", True, True)
TAKEN_AWAY = State("taken away", "taken away", "!", False, True)
IN_DOUBT = State("in doubt", "perhaps taken away", "?", False, True)
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
    IN_DOUBT,
    SIGNED_OFF,
    ASKED,
    OPEN,
    UNCLEAR,
)
"""In the order in which the verdict counts them."""
_SHOWN = {state.word: state for state in STATES}


class ClientSummary:
    """The report with its clocks and names: who answers at all, which digests were wrong, who is in trouble."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.names = source_names(report.sources)
        self._sources = {source.name: source for source in report.sources}
        self._clocks = {source.name: clock_of(source) for source in report.sources}
        ends = [source.last for source in report.sources if source.kind == "capture" and source.last is not None]
        self._end = max(ends, default=None)
        self._wrong = {record.transaction: record for record in report.digests if record.verdict == "mismatch"}
        self.asked = Counter(one.registrar.endpoint for one in report.registrations)
        self.answering = {
            one.registrar.endpoint for one in report.registrations if one.heard or one.reasons or one.status
        }
        self.states = [(one, self.state(one)) for one in report.registrations]
        self.counts = Counter(state for _, state in self.states)
        for outcome, number in report.unlisted.items():
            self.counts[_SHOWN[state_of_outcome(outcome)]] += number
        histories = [one.history for one in report.registrations]
        self.failures = sum(episode.count for history in histories for episode in history.episodes)
        self.failures += sum(history.asides.count for history in histories if history.asides is not None)
        self.gaps = sum(one.reach.gaps for one in report.registrations)
        self.troubled = {one.id for one, state in self.states if state.trouble}

    def other_ports(self, registrar: Endpoint) -> list[int]:
        """The ports on which the host of a registrar answered, if it is another than the one that was asked."""
        return sorted({one.port for one in self.answering if one.host == registrar.host} - {registrar.port})

    def title(self, rule: str, attempt: int) -> str:
        """What the finding of a rule is called that explains an attempt; the rule's id where there is none."""
        return self._titles.get((rule, attempt), rule)

    @cached_property
    def _titles(self) -> dict[tuple[str, int], str]:
        found: dict[tuple[str, int], str] = {}
        for finding in self.report.findings:
            for attempt in finding.explains:
                found.setdefault((finding.rule, attempt), finding.short_title or finding.title)
        return found

    def flow(self, one: Registration) -> str:
        """The title of the flow that a registration is in, where a document shows several; empty otherwise."""
        place = self.place(one)
        source = self._sources.get(place.source)
        flow = source.flow_at(place) if source is not None and len(source.flows) > 1 else None
        return "" if flow is None else flow.title or f"flow {flow.flow}"

    def state(self, one: Registration) -> State:
        """What became of a registration."""
        return _SHOWN[state_of(one)]

    def place(self, one: Registration) -> Place:
        """What shows the state: the answer that refused, or granted, or took away; the request that had none."""
        state, reach = state_of(one), one.reach.current
        if state == "ran out" and one.success_place is not None:
            return one.success_place
        if state == "unclear" and one.reach.is_unseen and reach is not None and reach.by is not None:
            return reach.by.place
        if (state in ("taken away", "in doubt") or one.reach.gaps) and reach is not None and reach.by is not None:
            return reach.by.place if one.outcome == "registered" else one.since_place
        return one.since_place

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
        if state in (RAN_OUT, TAKEN_AWAY) and reach is not None:
            return reach.start
        if state is SIGNED_OFF and one.outcome != "removed" and reach is not None:
            return reach.start
        return one.failing_since if one.failing_since is not None else one.since

    def since_words(self, one: Registration, before: str = " at ") -> str:
        """` at 11:47:09`; ` between 11:47:09 and 11:47:12` where no more is known; nothing where there is no clock."""
        time = self.since(one)
        if time is not None:
            return self.at(one, time, before)
        bounds = self.since_between(one)
        if bounds is None:
            return ""
        clock = self.clock(one.place)
        if bounds.latest is None:
            return f" after {clock.at(bounds.earliest)}"
        return f" between {clock.at(bounds.earliest)} and {clock.at(bounds.latest)}"

    def since_between(self, one: Registration) -> Between | None:
        """Between which times it began, where that is all that is known."""
        failing = one.history.is_troubled
        return between(one.history.episodes[-1].first.evidence.place if failing else one.since_place)

    def registrar(self, one: Registration) -> str:
        """Where a client registers, if its address-of-record is registered elsewhere too: ` with 192.0.2.1:5060`."""
        endpoint = one.registrar.endpoint
        return f" with {endpoint}" if endpoint.port and len(self._registrars[one.aor]) > 1 else ""

    @cached_property
    def _registrars(self) -> dict[str, set[Endpoint]]:
        found: dict[str, set[Endpoint]] = {}
        for one in self.report.registrations:
            found.setdefault(one.aor, set()).add(one.registrar.endpoint)
        return found

    def other_domain(self, one: Registration) -> str:
        """The domain of all whom the registrar of a phone lets in, where that is not the phone's; nothing elsewhere."""
        domains = self._let_in.get(one.registrar.endpoint, set())
        own = domain_of(one.aor)
        return next(iter(domains)) if len(domains) == 1 and own and own not in domains else ""

    @cached_property
    def _let_in(self) -> dict[Endpoint, set[str]]:
        found: dict[Endpoint, set[str]] = {}
        for one in self.report.registrations:
            if one.was_well:
                found.setdefault(one.registrar.endpoint, set()).add(domain_of(one.aor))
        return found

    def elsewhere(self, one: Registration) -> str:
        """With which other registrar the same phone is registered, where this one does not have it: a phone that was
        sent there, or failed over. Nothing where there is none."""
        for other in self._by_aor.get(one.aor, ()):
            if other.registrar.endpoint != one.registrar.endpoint and other.reach.bound_until and _alike(one, other):
                return f"is registered with {other.registrar.endpoint}{self.at(other, other.since, ' since ')}"
        return ""

    @cached_property
    def _by_aor(self) -> dict[str, list[Registration]]:
        found: dict[str, list[Registration]] = {}
        for one in self.report.registrations:
            found.setdefault(one.aor, []).append(one)
        return found

    def answered_challenge(self, one: Registration) -> Place | None:
        """Where the phone of a registration sent credentials: it has a password. It is the same phone where the
        address-of-record and its User-Agent, a contact or its host are the same."""
        other = self._answering(one)
        return other.credentials_place if other is not None else None

    def answered_whom(self, one: Registration) -> str:
        """Whose challenge that was, if not its own registrar's: ` of 198.51.100.2:5060`."""
        other = self._answering(one)
        same = other is None or other.registrar.endpoint == one.registrar.endpoint
        return "" if same or other is None else f" of {other.registrar.endpoint}"

    def _answering(self, one: Registration) -> Registration | None:
        """The registration of the same phone that answered a challenge, with the same registrar if there is one."""
        if one.credentials_place is not None:
            return one
        alike = [other for other in self._with_password.get(one.aor, ()) if _alike(one, other)]
        return min(alike, key=lambda other: other.registrar.endpoint != one.registrar.endpoint, default=None)

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

    def sent(self, one: Registration) -> DigestRecord | None:
        """The credentials of the latest request, whatever is known of them."""
        return self._sent.get(one.last_seen.id) if one.last_seen is not None else None

    @cached_property
    def _sent(self) -> dict[int, DigestRecord]:
        return {record.transaction: record for record in self.report.digests if not record.is_empty}


def _alike(one: Registration, other: Registration) -> bool:
    """Whether two registrations of one address-of-record may be of one phone."""
    same_agent = bool(one.user_agent) and one.user_agent == other.user_agent
    return same_agent or one.source.host == other.source.host or not set(one.contacts).isdisjoint(other.contacts)


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
