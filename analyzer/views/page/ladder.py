"""The ladder of one client: its messages in order, each an arrow from lane to lane with what is to be said of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from analyzer.escape import visible
from analyzer.evidence import SECOND
from analyzer.judge.findings import Finding
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.registration import Registration
from analyzer.run.excerpt import Excerpt, Key, Taken, key_of
from analyzer.run.recording import granted
from analyzer.sip.message import Message
from analyzer.sip.text import clip
from analyzer.views.page.computation import Computation, computation, is_wrong
from analyzer.views.page.lanes import Lane, Lanes
from analyzer.views.page.letter import Letter, letter_of
from analyzer.views.page.marks import focus_of, focus_of_response
from analyzer.views.page.remark import Remark, remark_of
from analyzer.views.states import ClientSummary
from analyzer.views.words import count, duration, place_words

MOST_REMARKS = 12
"""Findings that stand with one message."""


class Arrow(NamedTuple):
    """From where to where, in per cent of the width; `head` points `right`, `left`, or `none` where both are one."""

    start: float
    end: float
    middle: float
    head: str


@dataclass(slots=True)
class Step:
    """A message of the ladder; `kind` says what it is (`request`, `provisional`, `success`, `challenge`, `failure`),
    `spoken` is what a screen reader says of its arrow, `since` how long after the one before it came. `gap` says how
    many messages are left out before it."""

    kind: str
    label: str
    time: str
    since: str
    place: str
    arrow: Arrow
    spoken: str
    is_copy: bool
    letter: Letter
    gap: str = ""
    remarks: list[Remark] = field(default_factory=list)
    more_remarks: int = 0
    computations: list[Computation] = field(default_factory=list)

    @property
    def worst(self) -> str:
        """The severity of the worst finding, or nothing."""
        return next((one for one in ("error", "warning", "info") if any(r.severity == one for r in self.remarks)), "")


class Ladder(NamedTuple):
    """The lanes and steps of a client; `after` says how many messages are left out behind the last one."""

    lanes: list[Lane]
    steps: list[Step]
    after: str


class Library:
    """What all ladders need: findings and digests by their places."""

    def __init__(self, clients: ClientSummary, excerpt: Excerpt) -> None:
        self.clients = clients
        self._excerpt = excerpt
        shown = {key_of(one.message.raw_message.place) for several in excerpt.of.values() for one in several}
        self._findings: dict[Key, list[Finding]] = {}
        for finding in clients.report.findings:
            for key in dict.fromkeys(key_of(place) for place, _ in finding.evidence):
                if key in shown:
                    self._findings.setdefault(key, []).append(finding)
        self._digests: dict[Key, list[DigestRecord]] = {}
        for record in clients.report.digests:
            if (key := key_of(record.place)) in shown:
                self._digests.setdefault(key, []).append(record)

    def has(self, one: Registration) -> bool:
        """Whether there is a ladder of a client."""
        return bool(self._excerpt.of.get(one.id))

    def total(self, one: Registration) -> int:
        """How many messages a client has in all."""
        return self._excerpt.total.get(one.id, 0)

    def ladder(self, one: Registration) -> Ladder:
        """The ladder of a client, of which messages were found."""
        taken = self._excerpt.of[one.id]
        raw = [each.message.raw_message for each in taken]
        requests = [each.message.raw_message for each in taken if each.message.method]
        lanes = Lanes(raw, requests, one.registrar.endpoint)
        steps = list(self._steps(one, taken, lanes))
        after = self._excerpt.after.get(one.id, 0)
        return Ladder(lanes.lanes, steps, _left_out(after))

    def _steps(self, one: Registration, taken: Sequence[Taken], lanes: Lanes) -> Iterator[Step]:
        before: int | None = None
        is_fine = any((each.message.raw_message.time or 0) % SECOND for each in taken)
        requests = {each.transaction: each.message for each in reversed(taken) if each.message.method}
        for each in taken:
            message = each.message
            step = self._step(one, each, lanes)
            step.label += _granted(requests.get(each.transaction), message)
            time = message.raw_message.time
            if time is not None and is_fine:  # a log of whole seconds claims no fraction
                step.time += f".{time % SECOND // 1_000_000:03}"
            if time is not None and before is not None and time - before >= SECOND // 1000:
                step.since = f"+{duration(time - before)}"
            before = time if time is not None else before
            yield step

    def _step(self, one: Registration, taken: Taken, lanes: Lanes) -> Step:
        message = taken.message
        raw = message.raw_message
        key = key_of(raw.place)
        findings = [each for each in self._findings.get(key, ()) if each.registration in (None, one.id)]
        label, kind = label_of(message), kind_of(message)
        again = ", sent again" if taken.is_copy else ""
        clock = self.clients.clock(raw.place)
        digests = self._digests.get(key, ()) if message.method else ()
        focuses = [*map(focus_of, findings), *(focus_of_response(record) for record in digests if is_wrong(record))]
        return Step(
            kind=kind,
            label=label,
            time=clock.at(raw.time) if raw.time is not None else "",
            since="",
            place=place_words(raw.place),
            arrow=_arrow(lanes.x(raw.source), lanes.x(raw.destination)),
            spoken=f"{lanes.who(raw.source)} to {lanes.who(raw.destination)}: {label}{again}",
            is_copy=taken.is_copy,
            letter=letter_of(message, focuses),
            gap=_left_out(taken.before),
            remarks=[remark_of(finding) for finding in findings[:MOST_REMARKS]],
            more_remarks=max(0, len(findings) - MOST_REMARKS),
            computations=list(self._computations(digests)),
        )

    def _computations(self, records: Iterable[DigestRecord]) -> Iterator[Computation]:
        for record in records:
            if not record.is_empty:
                yield computation(record, secrets_given=self.clients.report.secrets_given)


def _left_out(number: int) -> str:
    return f"{count(number, 'message')} of this client not shown here" if number else ""


def _arrow(start: float, end: float) -> Arrow:
    head = "none" if start == end else "right" if end > start else "left"
    return Arrow(start, end, (start + end) / 2, head)


def kind_of(message: Message) -> str:
    """What a message is, for its colour and sign."""
    if message.method:
        return "request"
    status = message.status
    if status in (401, 407):
        return "challenge"
    return "provisional" if status < 200 else "success" if status < 300 else "failure"


def label_of(message: Message) -> str:
    """What stands on an arrow: `REGISTER with credentials`, `200 OK`."""
    if message.method:
        return visible(clip(message.method)) + (" with credentials" if message.answers_challenge else "")
    return f"{message.status} {visible(clip(message.reason))}".strip()


def _granted(request: Message | None, response: Message) -> str:
    """`, for 3600 s`: what a 2xx grants to the contact that was asked for."""
    seconds = granted(request, response) if request is not None and not response.method else None
    return f", for {seconds} s" if seconds else ""
