"""Why: each request of a storm is put down to one cause at most, and the shares follow.

The order decides where several would fit, the more specific first: who guesses passwords is a scanner, however late
the answers; one client that sends most of it is the cause by itself; who is refused and tries at once again is in a
loop; who was left without answers, until registered again, suffers from the restart; what keeps step is synchronised; a
lifetime of seconds makes needless refreshes; what remains and was answered late is retransmission because of late
answers. Requests that fit none are the ordinary load within the storm, and have no share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analyzer.sip.timers import T1
from analyzer.storm.coherence import coherence_of, in_step
from analyzer.storm.detect import Span
from analyzer.storm.marks import SHORTEST_LIFETIME, TOO_BRIEF, Marks
from analyzer.storm.phases import peak_of
from analyzer.storm.traffic import SECOND, UNKNOWN, Codes, Flags, Floats, Ints, Sends, Traffic, distinct
from analyzer.storm.values import Cause, CauseShare, Coherence, Silence

_SMALLEST_SHARE = 0.01
_SILENCE = 4 * T1
"""Four times T1: any client has sent at least three times by then."""
_ASKED, _ASKERS = 10, 5
_MUCH = 0.5
_TOGETHER = 0.5


@dataclass(frozen=True, slots=True)
class StormContext:
    """A storm's bounds and the sendings within; of the traffic that part which may matter to it. `weight` counts the
    sendings of each transaction; `usual` is the rate of the surroundings, in requests per second; `earlier` is how the
    refreshes kept step before the first silence."""

    traffic: Traffic
    marks: Marks
    inside: Sends
    weight: Ints
    start: int
    end: int
    usual: float
    silences: tuple[Silence, ...]
    coherence: Coherence | None
    earlier: Coherence | None

    def sum(self, rows: Flags) -> int:
        """Requests of these transactions within the storm."""
        return int(self.weight[rows].sum())

    def users(self, rows: Flags) -> int:
        """Users of these transactions, as far as they are within the storm."""
        return distinct(self.traffic.user[rows & (self.weight > 0)])


def context_of(
    traffic: Traffic, marks: Marks, sends: Sends, span: Span, usual: float | None
) -> tuple[StormContext, slice]:
    """The scene of a storm, and which rows of the whole traffic it has."""
    rows = traffic.between(span.start - _SILENCE, span.end)
    part, own = traffic.part(rows), marks.part(rows)
    inside = sends.within(span.start, span.end).of(rows)
    weight = np.bincount(inside.row, minlength=len(part))
    coherence = coherence_of(part, np.flatnonzero(own.refresh & (weight > 0)), own)
    silences = silences_of(part, inside, span.start, span.end)
    earlier = _earlier(traffic, marks, silences, coherence)
    return StormContext(
        part, own, inside, weight, span.start, span.end, usual or 0.0, silences, coherence, earlier
    ), rows


def _earlier(
    traffic: Traffic, marks: Marks, silences: tuple[Silence, ...], coherence: Coherence | None
) -> Coherence | None:
    """How the refreshes of the last few intervals before the first silence kept step."""
    if coherence is None or not silences:
        return None
    rows = traffic.between(silences[0].start - int(4 * coherence.period * SECOND), silences[0].start - 1)
    part, own = traffic.part(rows), marks.part(rows)
    return coherence_of(part, np.flatnonzero(own.refresh), own)


def silences_of(traffic: Traffic, inside: Sends, start: int, end: int) -> tuple[Silence, ...]:
    """Times of `_SILENCE` or more without any final response, though at least `_ASKED` requests of `_ASKERS` users
    came.

    A capture that begins or ends in a silence does not show how long it was: it counts from its first request on.
    """
    if not traffic.heard:
        return ()  # nothing was ever answered: one direction alone may have been seen
    finals = np.sort(traffic.final[(traffic.final >= start - _SILENCE) & (traffic.final <= end) & (traffic.status > 0)])
    edges = np.concatenate([[start - 1], finals[finals > start], [end + 1]])
    found = []
    for place in np.flatnonzero(np.diff(edges) >= _SILENCE).tolist():
        low, high = int(edges[place]), int(edges[place + 1])
        asked = inside.within(low + 1, high - 1)
        # Until the first unanswered request is sent nobody knows that nobody is there.
        if len(asked.time) < _ASKED or high - int(asked.time[0]) < _SILENCE:
            continue
        if distinct(traffic.user[asked.row]) >= _ASKERS:
            found.append(Silence(int(asked.time[0]), high if high <= end else None, len(asked.time)))
    return tuple(found)


def causes_of(context: StormContext) -> tuple[CauseShare, ...]:
    """The causes, strongest first; equal ones in the order of precedence."""
    free = context.weight > 0
    total = max(1, int(context.weight.sum()))
    found: list[CauseShare] = []
    for cause, find, tell in _CAUSES:
        rows = find(context) & free
        requests = context.sum(rows)
        if requests < _SMALLEST_SHARE * total:
            continue
        free &= ~rows
        found.append(CauseShare(cause, requests / total, tell(context, rows, requests)))
    return tuple(sorted(found, key=lambda cause: -cause.share))


def _scan(context: StormContext) -> Flags:
    return context.marks.scan


def _single(context: StormContext) -> Flags:
    """The client with most of the requests, if it has most of all and nobody else comes near."""
    load = np.bincount(context.traffic.client, weights=context.weight)
    most = int(np.argmax(load))
    others = np.delete(load, most)
    second = float(others.max(initial=0.0))
    alone = load[most] >= _MUCH * load.sum() and load[most] >= 5 * second
    rows: Flags = (context.traffic.client == most) & bool(alone)
    return rows


def _loop(context: StormContext) -> Flags:
    """What clients that came into a loop sent in vain."""
    looping = _have(context.traffic.client, context.marks.loop & (context.weight > 0))
    caught: Flags = looping & ~context.marks.success
    return caught


def _restart(context: StormContext) -> Flags:
    return _silenced(context) | _anew(context)


def _silenced(context: StormContext) -> Flags:
    """What clients sent from the silence on until they were registered again."""
    traffic, marks = context.traffic, context.marks
    rows = np.zeros(len(traffic), dtype=bool)
    for silence in context.silences:
        end = context.end if silence.end is None else silence.end
        waited = _in_vain(traffic, silence.start, end) & (context.weight > 0)
        clients = _have(traffic.client, waited)
        # Until registered again: the last success before the request is not one after the silence.
        rows |= waited | (clients & (traffic.time >= silence.start) & (marks.before < end))
        if _brought_into_step(context):
            rows |= clients & (traffic.time >= end)
    return rows


def _brought_into_step(context: StormContext) -> bool:
    """Phones that were not in step before, and are since: the silence let them all go at once, and what they do from
    then on is its echo."""
    return in_step(context.coherence) and not in_step(context.earlier)


def _have(codes: Codes, rows: Flags) -> Flags:
    """The rows whose code is one of those of `rows`."""
    chosen = np.zeros(int(codes.max(initial=-1)) + 1, dtype=bool)
    chosen[codes[rows]] = True
    found: Flags = chosen[codes]
    return found


def _in_vain(traffic: Traffic, start: int, end: int) -> Flags:
    waited = (traffic.last >= start) & (traffic.time <= end)
    unheard: Flags = waited & ((traffic.final == UNKNOWN) | (traffic.final >= end))
    return unheard


def in_vain(context: StormContext) -> Flags:
    """The transactions that were sent into a silence."""
    rows = np.zeros(len(context.traffic), dtype=bool)
    for silence in context.silences:
        rows |= _in_vain(context.traffic, silence.start, context.end if silence.end is None else silence.end)
    return rows


def _anew(context: StormContext) -> Flags:
    """Clients that register as if for the first time (a new Call-ID, or never seen before), half of all users or more,
    and in one second far more of them than all that is usual in a second."""
    traffic, marks = context.traffic, context.marks
    anew: Flags = marks.fresh & ~marks.scan & ~_loop(context) & ~marks.late & (marks.short == 0) & (context.weight > 0)
    # Those that come of themselves count; who answers a challenge comes when the registrar has let it wait.
    many = max(_ASKERS, _TOGETHER * context.users(context.weight > 0))
    if (
        context.users(anew & marks.begins) < many
        or peak_of(traffic.time[anew & marks.begins])[0] < _ASKED + 3 * context.usual
    ):
        return np.zeros(len(traffic), dtype=bool)
    return anew


def _in_step(context: StormContext) -> Flags:
    """All that clients send that refresh in step, once they have registered."""
    traffic, marks, coherence = context.traffic, context.marks, context.coherence
    if coherence is None or not in_step(coherence) or _flat(context):
        return np.zeros(len(traffic), dtype=bool)
    found: Flags = _have(traffic.client, marks.refresh & (context.weight > 0)) & (marks.before != UNKNOWN)
    return found


def _flat(context: StormContext) -> bool:
    """Whether the load is the same at all times, so that keeping step does no harm."""
    assert context.coherence is not None
    histogram = np.array(context.coherence.histogram)
    return bool(histogram.max() < 3 * histogram.mean())


def _short(context: StormContext) -> Flags:
    return context.marks.short >= _MUCH


def _slow(context: StormContext) -> Flags:
    return context.marks.late | context.marks.silent | (context.traffic.status >= 500)


def _tell_scan(context: StormContext, rows: Flags, requests: int) -> str:
    traffic, inside = context.traffic, rows & (context.weight > 0)
    sources = traffic.sources[np.unique(traffic.source[inside])]
    who = sources[0] if len(sources) == 1 else f"{len(sources):,} sources ({sources[0]}, ...)"
    users = context.users(rows)
    calls = distinct(traffic.call[inside])
    refused = int((context.marks.refused & inside).sum())
    let_in = distinct(traffic.user[inside & context.marks.success])
    what = f"tried {users:,} names" if users > 1 else f"tried one name with {calls:,} Call-IDs"
    return f"{who} {what} in {requests:,} requests: {refused:,} refused, {let_in:,} let in"


def _tell_single(context: StormContext, rows: Flags, requests: int) -> str:
    traffic, inside = context.traffic, rows & (context.weight > 0)
    place = int(np.argmax(inside))
    statuses = _statuses(traffic.status[inside])
    seconds = max(1.0, (context.end - context.start) / SECOND)
    name, source = traffic.users[traffic.user[place]], traffic.sources[traffic.source[place]]
    return f"{name} at {source} sent {requests:,} requests, {requests / seconds:,.1f} a second; answers: {statuses}"


def _statuses(status: np.typing.NDArray[np.int16]) -> str:
    values, counts = np.unique(status[status > 0], return_counts=True)
    pairs = sorted(zip(counts.tolist(), values.tolist(), strict=True), reverse=True)
    parts = [f"{count:,} times {value}" for count, value in pairs]
    return ", ".join(parts[:3]) or "none"


def _tell_loop(context: StormContext, rows: Flags, requests: int) -> str:
    traffic, marks = context.traffic, context.marks
    refused = rows & marks.refused & (context.weight > 0)
    gap = _gaps(context, refused)
    again = f", again {gap:.1f} s later in the middle case" if gap is not None else ""
    return (
        f"{context.users(rows):,} users were refused {int(refused.sum()):,} times "
        f"({_statuses(traffic.status[refused])}) and tried again at once{again}: {requests:,} requests"
    )


def _gaps(context: StormContext, rows: Flags) -> float | None:
    """The middle wait after a refusal, in seconds."""
    places = np.flatnonzero(rows & (context.marks.next_time != UNKNOWN) & (context.traffic.final != UNKNOWN))
    if not len(places):
        return None
    waited = context.marks.next_time[places] - context.traffic.final[places]
    return float(np.median(np.maximum(waited, 0))) / SECOND  # below 0: the next one did not wait for the answer


def _tell_restart(context: StormContext, rows: Flags, requests: int) -> str:
    users = context.users(rows)
    if not context.silences:
        return _tell_anew(context, rows, requests)
    ends = [context.end if one.end is None else one.end for one in context.silences]
    length = sum(end - one.start for one, end in zip(context.silences, ends, strict=True)) / SECOND
    unheard = sum(one.requests for one in context.silences)
    times = f", {len(ends)} times over" if len(ends) > 1 else ""
    said = f"no answer to anybody for {length:.1f} s{times}, {unheard:,} requests in vain; "
    if context.silences[-1].end is None:
        return f"{said}{users:,} users asked, {requests:,} requests, and there was still no answer at the end"
    echo = ", and have refreshed in step since" if _brought_into_step(context) else ""
    return f"{said}{users:,} users then had to register again{echo}: {requests:,} requests"


def _tell_anew(context: StormContext, rows: Flags, requests: int) -> str:
    """Of those that registered as if for the first time: how close together, and how often they were turned away."""
    traffic, inside = context.traffic, np.flatnonzero(rows & (context.weight > 0))
    first = traffic.time[inside[np.unique(traffic.client[inside], return_index=True)[1]]]
    early, late = np.quantile(first, (0.25, 0.75)).tolist()
    turned = int((traffic.status[inside] >= 500).sum())
    away = f"; {turned:,} times they were turned away (5xx)" if turned else ""
    return (
        f"{context.users(rows):,} users registered anew with no refresh due, half of them within "
        f"{(late - early) / SECOND:.1f} s: {requests:,} requests{away}"
    )


def _tell_in_step(context: StormContext, rows: Flags, requests: int) -> str:
    coherence = context.coherence
    assert coherence is not None
    busiest = max(coherence.histogram) / max(1, sum(coherence.histogram))
    return (
        f"{context.users(rows):,} users refresh every {coherence.period:.1f} s in step "
        f"(coherence {coherence.length:.2f} of 1): {busiest:.0%} of the refreshes fall in one 24th of the interval; "
        f"{requests:,} requests"
    )


def _tell_short(context: StormContext, rows: Flags, requests: int) -> str:
    inside = rows & (context.weight > 0)
    brief = inside & (context.traffic.status == TOO_BRIEF)
    who = f"{context.users(rows):,} users"
    if brief.sum() > 0.5 * inside.sum():
        asked = _middle(context.traffic.requested[brief])
        wish = f"ask for {asked:,.0f} s" if asked is not None else "ask for too short a lifetime"
        return f"{who} {wish}, and again after 423 (too brief), {int(brief.sum()):,} times: {requests:,} requests"
    lifetime, since = _middle(context.marks.lifetime[inside]), _middle(context.marks.since[inside])
    granted = f"granted {lifetime:,.0f} s" if lifetime is not None else "of unknown lifetime"
    pace = f", refreshed {since:.1f} s after the last success" if since is not None else ""
    refused = f"; {int(brief.sum()):,} times 423 (too brief)" if brief.any() else ""
    spared = f"; {SHORTEST_LIFETIME} s or more would spare most of it" if (lifetime or 0) < SHORTEST_LIFETIME else ""
    return f"{who}, {granted}{pace}{refused}: {requests:,} requests{spared}"


def _middle(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else None


def _tell_slow(context: StormContext, rows: Flags, requests: int) -> str:
    traffic, inside = context.traffic, rows & (context.weight > 0)
    copies = requests - int(inside[np.flatnonzero(inside)].sum())
    waited = np.sort((traffic.final - traffic.time)[inside & (traffic.status > 0)]) / SECOND
    silent = int((inside & (traffic.status == 0)).sum())
    failing = int((inside & (traffic.status >= 500)).sum())
    took = (
        f"answers took {waited[len(waited) // 2]:.1f} s in the middle case, {waited[-1]:.1f} s at worst"
        if len(waited)
        else ""
    )
    parts = [took, f"{silent:,} got none" if silent else "", f"{failing:,} were 5xx" if failing else ""]
    said = "; ".join(part for part in parts if part)
    if not copies:
        return f"{said}; nothing was sent again"
    return f"{said}; clients repeat after {T1 / SECOND} s: {copies:,} of {requests:,} requests are copies"


_Find = Callable[[StormContext], Flags]
_Tell = Callable[[StormContext, Flags, int], str]
_CAUSES: tuple[tuple[Cause, _Find, _Tell], ...] = (
    ("scan", _scan, _tell_scan),
    ("single-client", _single, _tell_single),
    ("auth-loop", _loop, _tell_loop),
    ("restart", _restart, _tell_restart),
    ("synchronised-refresh", _in_step, _tell_in_step),
    ("short-expiry", _short, _tell_short),
    ("slow-answers", _slow, _tell_slow),
)
