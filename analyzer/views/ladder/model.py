"""What a ladder shows: lanes, and in order messages, pauses and what is left out, with the findings at each message.

Each endpoint (address and port) has a lane, as in sngrep, in the order in which they are first seen; where these are
too many, each host has one, and of too many hosts the busiest. Who uses several phones on one address-of-record sees
them side by side.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from analyzer.evidence import SECOND, Endpoint, LogLines, Place
from analyzer.judge.findings import SEVERITIES, Finding, Severity
from analyzer.run.conversation import Conversation, LadderMessage
from analyzer.run.report import Report
from analyzer.views.words import SEVERITY_WORD, Clock, clause_words, clock_of, count, duration, place_words, times

PAUSE = 2 * SECOND
"""From this time without a message on, a pause is marked; nanoseconds."""
MOST_LANES = 6
DEFAULT_MOST = 300
"""Messages that are drawn where nobody says how many."""
MOST_NOTES = 8
"""Findings at one message that are drawn; the rest are counted."""
MOST_UNPLACED = 20
_MOST_DETAIL = 400


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane: `label` is its endpoint, its host, or says how many others it stands for; `agent` the program there."""

    label: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A finding at a message: in full at the first one that shows it, else with a word where that is."""

    severity: Severity
    text: str
    source: str

    @property
    def word(self) -> str:
        """`error`, `warning`, `note`."""
        return SEVERITY_WORD[self.severity]


@dataclass(slots=True)
class Step:
    """A message from lane `start` to lane `end`, with `facts` in few words, and the `notes` at it."""

    message: LadderMessage
    start: int
    end: int
    clock: str
    facts: list[str]
    where: str
    notes: list[Note] = field(default_factory=list)
    more_notes: int = 0


@dataclass(frozen=True, slots=True)
class Between:
    """What stands between two messages: a pause, messages that are left out (`is_cut`), the title of a flow."""

    text: str
    is_cut: bool = False
    is_title: bool = False


@dataclass(slots=True)
class Ladder:
    """All of it. `subtitle` says what was read and how many messages there are; `unplaced` are findings at messages
    that are not drawn, or at none."""

    aor: str
    subtitle: list[str]
    lanes: list[Lane]
    rows: list[Step | Between]
    unplaced: list[Note]
    more_unplaced: int
    is_whole: bool

    @property
    def title(self) -> str:
        """What a reader calls it."""
        return f"Registration of {self.aor.removeprefix('sip:')}"

    @property
    def steps(self) -> list[Step]:
        """The messages that are drawn."""
        return [row for row in self.rows if isinstance(row, Step)]


def ladder_of(conversation: Conversation, report: Report, most: int = DEFAULT_MOST) -> Ladder:
    """The ladder of what was kept, with the findings of the report on the same address-of-record; `most` messages of it
    at the most (0: all that were kept)."""
    findings = [one for one in report.findings if one.aor in ("", conversation.aor)]
    kept = [*conversation.first, *conversation.last]
    notes = _notes(findings)
    drawn = _chosen(kept, most, notes)
    lanes, numbers, is_merged = _lanes([kept[at] for at in drawn])
    clocks = {source.name: (clock_of(source), source.resolution < SECOND) for source in report.sources}
    rows = list(_rows(conversation, kept, drawn, clocks, lanes, numbers, is_merged))
    placed = _place(rows, notes)
    unplaced = [_note(one, None) for one in findings if id(one) not in placed]
    return Ladder(
        aor=conversation.aor,
        subtitle=list(_subtitle(conversation, report, findings)),
        lanes=lanes,
        rows=rows,
        unplaced=unplaced[:MOST_UNPLACED],
        more_unplaced=max(0, len(unplaced) - MOST_UNPLACED),
        is_whole=len(drawn) == len(kept) and not conversation.left_out,
    )


def _subtitle(conversation: Conversation, report: Report, findings: Sequence[Finding]) -> Iterator[str]:
    yield ", ".join(source.name.rpartition("/")[2] or source.name for source in report.sources[:4]) + (
        f" and {count(len(report.sources) - 4, 'more file')}" if len(report.sources) > 4 else ""
    )
    first, last = report.span
    if first is None or last is None:
        yield "no clock"
    else:
        source = report.sources[0]
        zone = " UTC" if source.kind == "capture" or not source.zone else f" ({source.zone})"
        yield clock_of(source).span(first, last) + zone
    yield count(conversation.messages, "message")
    several = [one for one in report.registrations if one.aor == conversation.aor]
    if len(several) > 1:
        yield f"{count(len(several), 'client')} of this address-of-record"
    if findings:
        seen = Counter(one.severity for one in findings)
        yield ", ".join(count(seen[one], SEVERITY_WORD[one]) for one in reversed(SEVERITIES) if seen[one])
    else:
        yield "no finding"


_Mark = tuple[str, int]


def _mark(place: Place) -> _Mark:
    return place.source, place.first if isinstance(place, LogLines) else place.number


def _notes(findings: Sequence[Finding]) -> dict[_Mark, list[tuple[Finding, bool]]]:
    """The findings at each place, the worst first, and whether it is the finding's first place."""
    found: dict[_Mark, list[tuple[Finding, bool]]] = defaultdict(list)
    for finding in sorted(findings, key=lambda one: -SEVERITIES.index(one.severity)):
        marks = list(dict.fromkeys(_mark(place) for place, _ in finding.evidence))
        for mark in marks:
            found[mark].append((finding, mark == marks[0]))
    return found


def _chosen(kept: Sequence[LadderMessage], most: int, notes: dict[_Mark, list[tuple[Finding, bool]]]) -> list[int]:
    """Which of the messages are drawn: of too many the first half and the last quarter, and between these what has
    findings, then what comes first."""
    if not most or len(kept) <= most:
        return list(range(len(kept)))
    head, tail = max(1, most // 2), most // 4
    chosen = {*range(head), *range(len(kept) - tail, len(kept))}
    between = range(head, len(kept) - tail)
    marked = [at for at in between if any(_mark(place) in notes for place in kept[at].places)]
    for at in (*marked, *between):
        if len(chosen) >= most:
            break
        chosen.add(at)
    return sorted(chosen)


def _lanes(messages: Sequence[LadderMessage]) -> tuple[list[Lane], dict[Endpoint, int], bool]:
    """The lanes, the lane of each endpoint, and whether one stands for several endpoints."""
    busy: Counter[Endpoint] = Counter()
    agents: dict[Endpoint, str] = {}
    for message in messages:
        busy.update((message.source, message.destination))
        if message.agent:
            agents.setdefault(message.source, message.agent)
    if len(busy) <= MOST_LANES:
        lanes = [Lane(one.written, agents.get(one, "")) for one in busy]
        return lanes, {one: at for at, one in enumerate(busy)}, False
    hosts: Counter[str] = Counter()
    for one, number in busy.items():
        hosts[one.host] += number
    named = list(hosts)
    if len(hosts) > MOST_LANES:
        busiest = {host for host, _ in hosts.most_common(MOST_LANES - 1)}
        named = [host for host in hosts if host in busiest]
    places = {host: at for at, host in enumerate(named)}
    programs = {one.host: agent for one, agent in reversed(agents.items())}
    lanes = [Lane(Endpoint(host, 0).written, programs.get(host, "")) for host in named]
    if len(hosts) > len(named):
        lanes.append(Lane(f"{len(hosts) - len(named):,} other hosts"))
    return lanes, {one: places.get(one.host, len(named)) for one in busy}, True


def _rows(
    conversation: Conversation,
    kept: Sequence[LadderMessage],
    drawn: Sequence[int],
    clocks: dict[str, tuple[Clock, bool]],
    lanes: Sequence[Lane],
    numbers: dict[Endpoint, int],
    is_merged: bool,
) -> Iterator[Step | Between]:
    before: LadderMessage | None = None
    expected, flow = 0, ""
    split = len(conversation.first) if conversation.left_out else -1
    for at in drawn:
        message = kept[at]
        gone = conversation.left_out if expected <= split <= at else Counter[str]()
        skipped = kept[expected:at]
        if gone or skipped:
            yield _left_out(skipped, gone)
        if message.flow != flow:
            flow = message.flow
            yield Between(flow or "outside of any flow", is_title=True)
        elif before is not None:
            yield from _pause(before, message, is_cut=bool(gone or skipped))
        clock = _at(message, *clocks.get(message.place.source, (Clock(), True)))
        facts = list(_facts(message, is_merged=is_merged))
        where = place_words(message.place)
        yield Step(message, numbers[message.source], numbers[message.destination], clock, facts, where)
        before, expected = message, at + 1
    if rest := kept[expected:]:
        yield _left_out(rest, Counter())


def _left_out(skipped: Sequence[LadderMessage], gone: Counter[str]) -> Between:
    kinds = Counter(gone)
    for message in skipped:
        kinds[message.kind] += 1 + message.copies
    words = ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common(6))
    more = f", {len(kinds) - 6} other kinds" if len(kinds) > 6 else ""
    return Between(f"{count(kinds.total(), 'message')} left out here: {words}{more}", is_cut=True)


def _pause(before: LadderMessage, message: LadderMessage, *, is_cut: bool) -> Iterator[Between]:
    if before.time is None or message.time is None:
        return
    apart = message.time - before.time
    if apart >= PAUSE:
        yield Between(f"{duration(apart)} later")
    elif apart <= -PAUSE and not is_cut:
        yield Between(f"{duration(apart)} earlier, as the source has it")


def _at(message: LadderMessage, clock: Clock, is_fine: bool) -> str:
    """`11:47:02.120`, or `no time`; without a fraction where the source's clock has none (`is_fine`)."""
    if message.time is None:
        return "no time"
    return clock.at(message.time) + (f".{message.time % SECOND // 1_000_000:03}" if is_fine else "")


def _facts(message: LadderMessage, *, is_merged: bool) -> Iterator[str]:
    """What a reader looks for in a message, in few words."""
    found = (
        (message.cseq, f"CSeq {message.cseq}"),
        (message.has_credentials, "with credentials"),
        (message.has_challenge, "challenge"),
        (message.is_star, "Contact *"),
        (message.contacts > 1, count(message.contacts, "contact")),
        (message.expires is not None, _expiry(message)),
        (message.min_expires is not None, f"Min-Expires {message.min_expires}"),
        (message.retry_after is not None, f"Retry-After {message.retry_after}"),
        (is_merged, f"port {message.source.port} to {message.destination.port}"),
        (message.copies, f"seen {times(message.copies + 1)}{_spread(message)}"),
        (message.doubles, f"{count(message.doubles, 'packet')} captured twice"),
        (message.is_cut, "cut in the source"),
    )
    yield from (words for is_there, words in found if is_there)


def _expiry(message: LadderMessage) -> str:
    return f"expires {message.expires}" + (": sign-off" if message.method and message.expires == 0 else "")


def _spread(message: LadderMessage) -> str:
    if message.time is None or message.last_copy is None:
        return ""
    return f" in {duration(message.last_copy - message.time)}"


def _place(rows: Sequence[Step | Between], notes: dict[_Mark, list[tuple[Finding, bool]]]) -> set[int]:
    """Put the findings at the messages that show them: in full at the first place of each that is drawn, its own first
    one if that is. Which of them are there."""
    steps = [row for row in rows if isinstance(row, Step)]
    here = [_at_step(step, notes) for step in steps]
    homes: dict[int, int] = {}
    for number, found in enumerate(here):
        for finding, is_first in found:
            if is_first or id(finding) not in homes:
                homes[id(finding)] = number
    placed: set[int] = set()
    for number, (step, found) in enumerate(zip(steps, here, strict=True)):
        step.more_notes = max(0, len(found) - MOST_NOTES)
        for finding, _ in found[:MOST_NOTES]:
            home = homes[id(finding)]
            step.notes.append(_note(finding, None if home == number else steps[home].where))
            placed.add(id(finding))
    return placed


def _at_step(step: Step, notes: dict[_Mark, list[tuple[Finding, bool]]]) -> list[tuple[Finding, bool]]:
    """The findings at a message and its copies, each once."""
    found: dict[int, tuple[Finding, bool]] = {}
    for mark in dict.fromkeys(map(_mark, step.message.places)):
        for finding, is_first in notes.get(mark, ()):
            found[id(finding)] = (finding, is_first or found.get(id(finding), (finding, False))[1])
    return sorted(found.values(), key=lambda one: -SEVERITIES.index(one[0].severity))


def _note(finding: Finding, told_at: str | None) -> Note:
    """A finding in full, or where it is told."""
    title = finding.short_title or finding.title
    if told_at is not None:
        return Note(finding.severity, f"{title}: see {told_at}", "")
    detail = finding.detail if len(finding.detail) <= _MOST_DETAIL else f"{finding.detail[:_MOST_DETAIL]}…"
    source = ", ".join(filter(None, (finding.rule, clause_words(finding.clause))))
    return Note(finding.severity, f"{title}: {detail}" if detail else title, source)
