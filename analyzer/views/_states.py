"""What became of a registration, in the words of the table: its state, since when, and why as far as that is known.

A state refines the outcome of the core by one thing: a binding that ran out before the source's end, with no renewal
seen, is no health. Who registered for 30 s and was silent for a minute is `ran out`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from analyzer.evidence import SECOND, Frame, Place, Source
from analyzer.register.digests import DigestRecord
from analyzer.register.registration import Registration
from analyzer.report import Report
from analyzer.views._words import Clock, clock_of, count, duration, source_names, times


class State(NamedTuple):
    """`word` stands before a line, `counted` in the verdict; `trouble` is what somebody must look after."""

    word: str
    counted: str
    sign: str
    trouble: bool
    listed: bool


REGISTERED = State("registered", "registered", "✓", False, False)
RAN_OUT = State("ran out", "ran out", "✗", True, True)
STATES = {
    "registered": REGISTERED,
    "rejected": State("refused", "refused", "✗", True, True),
    "timeout": State("no answer", "without an answer", "✗", True, True),
    "abandoned": State("gave up", "gave up", "✗", True, True),
    "ran out": RAN_OUT,
    "removed": State("signed off", "signed off", "·", False, False),
    "fetched": State("asked", "only asked what is registered", "·", False, False),
    "open": State("open", "still open at the end", "?", False, True),
    "unknown": State("unclear", "unclear", "?", False, True),
}
"""By outcome, in the order in which the verdict counts them."""

_STATUS = {
    400: "the registrar cannot read the request",
    403: "the registrar forbids it",
    404: "the registrar does not know this user",
    405: "the server takes no REGISTER",
    408: "the server itself got no answer in time",
    420: "the registrar does not know an extension that the phone insists on",
    423: "the registrar wants a longer time than the phone asks for",
    439: "the first hop does not support outbound (RFC 5626)",
    480: "the registrar cannot serve this user now",
    481: "the registrar takes the request for part of a call",
    494: "the registrar insists on a security agreement",
    500: "the registrar failed",
    501: "the server takes no REGISTER",
    503: "the registrar is overloaded or down",
    504: "the server got no answer from one behind it",
}
_CLASS = {
    3: "the registrar sends the phone elsewhere",
    5: "the registrar failed",
    6: "the registrar refuses everywhere",
}


class Story:
    """The tellers' common ground: the report, its clocks and names, who answers at all, which digests were wrong."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.names = source_names(report.sources)
        self._sources = {source.name: source for source in report.sources}
        self._clocks = {source.name: clock_of(source) for source in report.sources}
        self._end = max(
            (one.last for one in report.sources if one.kind == "capture" and one.last is not None), default=None
        )
        self._slack = 2 * max([SECOND, *(source.resolution for source in report.sources)])
        self._answering = {one.registrar.endpoint.host for one in report.registrations if one.reasons or one.status}
        self._hosts = Counter(one.registrar.endpoint.host for one in report.registrations)
        self._wrong = {record.transaction: record for record in report.digests if record.verdict == "mismatch"}
        self.states = [(one, self._state(one)) for one in report.registrations]
        self.counts = Counter(state for _, state in self.states)
        self.troubled = {one.id for one, state in self.states if state.trouble}

    def clock(self, place: Place) -> Clock:
        """The clock of the source that a place is in."""
        return self._clocks.get(place.source) or Clock()

    def place(self, *places: Place) -> str:
        """A place as the reader finds it again; the file is named where there are several."""
        words = place_words(*places)
        return words if len(self._sources) < 2 else f"{self.names.get(places[0].source, places[0].source)} {words}"

    def end(self, place: Place) -> int | None:
        """When the source of a place ends; several captures are one."""
        source = self._sources.get(place.source)
        if source is None or isinstance(place, Frame):
            return self._end
        return source.last

    def medium(self, place: Place) -> str:
        """`capture` or `log`."""
        source: Source | None = self._sources.get(place.source)
        return source.kind if source is not None else "capture"

    def since(self, one: Registration) -> int | None:
        """Since when it is so: the first failed try after the last success, or the end of the binding."""
        if self._state(one) is RAN_OUT:
            return _bound_until(one)
        return one.failing_since if one.failing_since is not None else one.since

    def what(self, one: Registration, state: State) -> str:
        """What happened: `403 since 11:47:09, 2 tries`."""
        return _WHAT.get(state.word, _nothing)(self, one)

    def what_all(self, several: Sequence[Registration], state: State) -> str:
        """What happened to many: the status, and since when for the first of them."""
        known = [(since, one) for one in several if (since := self.since(one)) is not None]
        status = f"{several[0].status} " if several[0].status and state is not RAN_OUT else ""
        if not known:
            return status.strip()
        since, one = min(known, key=lambda pair: pair[0])
        return f"{status}since {self.clock(one.place).at(since)}"

    def why(self, one: Registration) -> str:
        """The cause as far as it is known, or what to do to know it."""
        if one.outcome == "rejected":
            return self._why_refused(one)
        if one.outcome == "timeout":
            return self._why_silent(one)
        if self._state(one) is RAN_OUT:
            return self._why_gone(one)
        if one.outcome == "abandoned":
            return "never answered the challenge: no password set in the phone, or the challenge was lost"
        return ""

    def trouble_key(self, one: Registration) -> tuple[object, ...]:
        """What is equal for clients with the same trouble."""
        if self._state(one) is RAN_OUT:
            return ()
        wrong = self._wrong.get(one.last_transaction.id) if one.last_transaction is not None else None
        if wrong is not None:
            return (one.status, wrong.judged.diagnosis.hypothesis if wrong.judged.diagnosis else "")
        return (one.status, self.why(one))

    def at(self, one: Registration, time: int | None, before: str = "at ") -> str:
        """`at 11:47:09`, or nothing where there is no clock."""
        return f"{before}{self.clock(one.place).at(time)}" if time is not None else ""

    def _state(self, one: Registration) -> State:
        if one.outcome != "registered":
            return STATES[one.outcome]
        until, end = _bound_until(one), self.end(one.place)
        if until is not None and end is not None and end - until > self._slack:
            return RAN_OUT
        return REGISTERED

    def _why_refused(self, one: Registration) -> str:
        last = one.last_transaction
        wrong = self._wrong.get(last.id) if last is not None else None
        if wrong is not None:
            return _why_wrong(wrong)
        cause = one.failures[-1].cause if one.failures else ""
        if cause:
            return cause
        if last is not None and last.has_credentials and one.status in (401, 403, 407):
            return "password wrong or refused" + self._ask_password()
        return _STATUS.get(one.status) or _CLASS.get(one.status // 100, "")

    def _why_gone(self, one: Registration) -> str:
        until, end = _bound_until(one), self.end(one.place)
        if until is None or end is None:
            return ""
        granted = f"registered for {one.granted} s; " if one.granted is not None else ""
        return f"{granted}the {self.medium(one.place)} goes on for {duration(end - until)} without a renewal"

    def _ask_password(self) -> str:
        return "" if self.report.secrets_given else " (--credentials FILE tells which)"

    def _why_silent(self, one: Registration) -> str:
        aborted = one.last_transaction.aborted if one.last_transaction is not None else None
        if aborted is not None:
            return f"the network says: {aborted.text or aborted.reason}"
        host = one.registrar.endpoint.host
        if one.reasons or one.outcomes["registered"]:
            return f"{host} answered this phone before"
        if host in self._answering:
            return f"{host} answers others, not this phone"
        return f"{host} answers nobody here" if self._hosts[host] > 1 else f"nothing came from {host}"


def _bound_until(one: Registration) -> int | None:
    ends = [binding.end for binding in one.bindings if binding.end is not None and binding.certainty == "present"]
    return max(ends) if ends else None


def _why_wrong(record: DigestRecord) -> str:
    if record.judged.diagnosis is not None:
        return f"WRONG DIGEST: {record.judged.reason}"
    return "WRONG PASSWORD: the response does not match the password given"


def _tries(one: Registration) -> str:
    return f", {count(one.failure_count, 'try')}" if one.failure_count > 1 else ""


def _since(story: Story, one: Registration) -> str:
    several = one.failure_count > 1
    return story.at(one, story.since(one), " since " if several else " at ") + _tries(one)


def _refused(story: Story, one: Registration) -> str:
    again = " again and again" if one.status in (401, 407) and one.failure_count > 2 else ""
    before = ", registered before" if one.outcomes["registered"] else ""
    return f"{one.status or 'failed'}{again}{_since(story, one)}{before}"


def _silent(story: Story, one: Registration) -> str:
    last = one.last_transaction
    sends = 1 + last.retransmissions if last is not None else 1
    over = ""
    if last is not None and sends > 1 and last.first is not None and last.last is not None:
        over = f" in {duration(last.last - last.first)}"
    again = f", {times(one.failure_count)}" if one.failure_count > 1 else ""
    return f"{count(sends, 'send')}{over}{again}{story.at(one, story.since(one), ' since ')}"


def _gave_up(story: Story, one: Registration) -> str:
    return f"after {one.status or 'the answer'}{_since(story, one)}"


def _ran_out(story: Story, one: Registration) -> str:
    return f"not renewed, gone{story.at(one, _bound_until(one), ' at ')}"


def _registered(story: Story, one: Registration) -> str:
    granted = f" for {one.granted} s" if one.granted is not None else ""
    renewed = one.outcomes["registered"] - 1
    first = one.since if renewed > 0 else one.last_success
    again = f", renewed {times(renewed)}" if renewed > 0 else ""
    word = " since " if renewed > 0 else " "
    return f"registered{story.at(one, first, word)}{granted}{again}"


def _open(story: Story, one: Registration) -> str:
    asked = f"{one.status}" if one.status else "no answer yet"
    end, last = story.end(one.place), one.last
    left = (
        f"; the {story.medium(one.place)} ends {duration(end - last)} later"
        if end is not None and last is not None
        else ""
    )
    return f"{asked}{story.at(one, one.last, ' at ')}{left}"


def _nothing(story: Story, one: Registration) -> str:
    return f"what came of it was not seen{story.at(one, one.since, ', ')}"


def _off(story: Story, one: Registration) -> str:
    return f"signed off{story.at(one, one.since, ' at ')}"


def _asked(story: Story, one: Registration) -> str:
    return f"asked what is registered{story.at(one, one.since, ', ')}"


_WHAT = {
    "registered": _registered,
    "refused": _refused,
    "no answer": _silent,
    "gave up": _gave_up,
    "ran out": _ran_out,
    "signed off": _off,
    "asked": _asked,
    "open": _open,
}


def commonest(kinds: Counter[str]) -> tuple[str, str]:
    """The commonest of some words, and how many other kinds there are: `Snom 300`, ` and 2 other kinds`."""
    named = [word for word, _ in kinds.most_common() if word]
    if not named:
        return "", ""
    return named[0], f" and {count(len(named) - 1, 'other kind')}" if len(named) > 1 else ""
