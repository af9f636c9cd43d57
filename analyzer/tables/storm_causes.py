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

from analyzer.tables.storm_coherence import coherence_of, in_step, refreshes_of
from analyzer.tables.storm_detect import Span
from analyzer.tables.storm_marks import SHORTEST_LIFETIME, Marks
from analyzer.tables.storm_phases import peak_of
from analyzer.tables.storm_traffic import SECOND, T1, UNKNOWN, Flags, Floats, Ints, Sends, Traffic
from analyzer.tables.storm_values import Cause, CauseShare, Coherence

_SMALLEST_SHARE = 0.01
_SILENCE = 2 * SECOND
"""Four times T1: any client has sent at least three times by then."""
_ASKED, _ASKERS = 10, 5
_MUCH = 0.5
_TOGETHER = 0.5


@dataclass(frozen=True, slots=True)
class Silence:
    """The registrar answered nobody from the first request in vain (`start`) to the first answer (`end`)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Scene:
    """A storm's bounds and the sendings within. `weight` counts them for each transaction of the capture; `usual` is
    the rate of the surroundings, in requests per second."""

    traffic: Traffic
    marks: Marks
    inside: Sends
    weight: Ints
    start: int
    end: int
    usual: float
    silences: tuple[Silence, ...]
    coherence: Coherence | None

    def sum(self, rows: Flags) -> int:
        """Requests of these transactions within the storm."""
        return int(self.weight[rows].sum())

    def users(self, rows: Flags) -> int:
        """Users of these transactions, as far as they are within the storm."""
        return len(np.unique(self.traffic.user[rows & (self.weight > 0)]))


def scene_of(traffic: Traffic, marks: Marks, inside: Sends, span: Span) -> Scene:
    """The scene of a storm."""
    weight = np.bincount(inside.row, minlength=len(traffic))
    refreshing = np.flatnonzero(refreshes_of(traffic, marks) & (weight > 0))
    coherence = coherence_of(traffic, refreshing, marks)
    silences = silences_of(traffic, inside, span.start, span.end)
    return Scene(traffic, marks, inside, weight, span.start, span.end, span.level, silences, coherence)


def silences_of(traffic: Traffic, inside: Sends, start: int, end: int) -> tuple[Silence, ...]:
    """Times of `_SILENCE` or more without any final answer, though at least `_ASKED` requests of `_ASKERS` users came.

    A capture that begins or ends in a silence does not show how long it was: it counts from its first request on.
    """
    finals = np.sort(traffic.final[(traffic.final != UNKNOWN) & (traffic.status > 0)])
    if not len(finals):
        return ()  # nothing was ever answered: one direction alone may have been seen
    near = finals[(finals >= start - _SILENCE) & (finals <= end)]
    edges = np.concatenate([[start - 1], near[near > start], [end + 1]])
    times = np.sort(inside.time)
    found = []
    for place in np.flatnonzero(np.diff(edges) >= _SILENCE).tolist():
        low, high = int(edges[place]), int(edges[place + 1])
        asked = times[(times > low) & (times < high)]
        # Until the first unanswered request is sent nobody knows that nobody is there.
        if len(asked) < _ASKED or high - int(asked[0]) < _SILENCE:
            continue
        begin = int(asked[0])
        rows = inside.within(begin, high).row
        if len(np.unique(traffic.user[rows])) >= _ASKERS:
            found.append(Silence(begin, min(high, end)))
    return tuple(found)


def causes_of(scene: Scene) -> tuple[CauseShare, ...]:
    """The causes, strongest first; equal ones in the order of precedence."""
    free = scene.weight > 0
    total = max(1, int(scene.weight.sum()))
    found: list[CauseShare] = []
    for cause, find, tell in _CAUSES:
        rows = find(scene) & free
        requests = scene.sum(rows)
        if requests < _SMALLEST_SHARE * total:
            continue
        free &= ~rows
        found.append(CauseShare(cause, requests / total, tell(scene, rows, requests)))
    return tuple(sorted(found, key=lambda cause: -cause.share))


def _scan(scene: Scene) -> Flags:
    return scene.marks.scan


def _single(scene: Scene) -> Flags:
    """The client with most of the requests, if it has most of all and nobody else comes near."""
    load = np.bincount(scene.traffic.client, weights=scene.weight)
    most = int(np.argmax(load))
    others = np.delete(load, most)
    second = float(others.max(initial=0.0))
    alone = load[most] >= _MUCH * load.sum() and load[most] >= 5 * second
    rows: Flags = (scene.traffic.client == most) & bool(alone)
    return rows


def _loop(scene: Scene) -> Flags:
    """What clients that came into a loop sent in vain."""
    looping = np.unique(scene.traffic.client[scene.marks.loop & (scene.weight > 0)])
    caught: Flags = np.isin(scene.traffic.client, looping) & ~scene.marks.success
    return caught


def _restart(scene: Scene) -> Flags:
    return _silenced(scene) | _anew(scene)


def _silenced(scene: Scene) -> Flags:
    """What clients sent from the silence on until they were registered again."""
    traffic, marks = scene.traffic, scene.marks
    rows = np.zeros(len(traffic), dtype=bool)
    for silence in scene.silences:
        waited = _in_vain(traffic, silence) & (scene.weight > 0)
        clients = np.isin(traffic.client, np.unique(traffic.client[waited]))
        # Until registered again: the last success before the request is not one after the silence.
        healed = (marks.previous >= 0) & (traffic.final[marks.previous] >= silence.end)
        rows |= waited | (clients & (traffic.time >= silence.start) & ~healed)
    return rows


def _in_vain(traffic: Traffic, silence: Silence) -> Flags:
    waited = (traffic.last >= silence.start) & (traffic.time <= silence.end)
    unheard: Flags = waited & ((traffic.final == UNKNOWN) | (traffic.final >= silence.end))
    return unheard


def in_vain(scene: Scene) -> Flags:
    """The transactions that were sent into a silence."""
    rows = np.zeros(len(scene.traffic), dtype=bool)
    for silence in scene.silences:
        rows |= _in_vain(scene.traffic, silence)
    return rows


def _anew(scene: Scene) -> Flags:
    """Clients that register as if for the first time (a new Call-ID, or never seen before), half of all users or more,
    and in one second far more of them than all that is usual in a second."""
    traffic, marks = scene.traffic, scene.marks
    anew: Flags = marks.fresh & ~marks.scan & ~_loop(scene) & ~marks.late & (marks.short == 0) & (scene.weight > 0)
    many = max(_ASKERS, _TOGETHER * scene.users(scene.weight > 0))
    if scene.users(anew) < many or peak_of(traffic.time[anew])[0] < _ASKED + 3 * scene.usual:
        return np.zeros(len(traffic), dtype=bool)
    return anew


def _in_step(scene: Scene) -> Flags:
    """All that clients send that refresh in step, once they have registered."""
    traffic, marks, coherence = scene.traffic, scene.marks, scene.coherence
    if coherence is None or not in_step(coherence) or _flat(scene):
        return np.zeros(len(traffic), dtype=bool)
    refreshing = refreshes_of(traffic, marks) & (scene.weight > 0)
    return np.isin(traffic.client, np.unique(traffic.client[refreshing])) & (marks.previous >= 0)


def _flat(scene: Scene) -> bool:
    """Whether the load is the same at all times, so that keeping step does no harm."""
    assert scene.coherence is not None
    histogram = np.array(scene.coherence.histogram)
    return bool(histogram.max() < 3 * histogram.mean())


def _short(scene: Scene) -> Flags:
    return scene.marks.short >= _MUCH


def _slow(scene: Scene) -> Flags:
    return scene.marks.late | scene.marks.silent | (scene.traffic.status >= 500)


def _tell_scan(scene: Scene, rows: Flags, requests: int) -> str:
    traffic, inside = scene.traffic, rows & (scene.weight > 0)
    sources = traffic.sources[np.unique(traffic.source[inside])]
    who = sources[0] if len(sources) == 1 else f"{len(sources):,} sources ({sources[0]}, ...)"
    users = scene.users(rows)
    calls = len(np.unique(traffic.call[inside]))
    refused = int((scene.marks.refused & inside).sum())
    let_in = len(np.unique(traffic.user[inside & scene.marks.success]))
    what = f"tried {users:,} names" if users > 1 else f"tried one name with {calls:,} Call-IDs"
    return f"{who} {what} in {requests:,} requests: {refused:,} refused, {let_in:,} let in"


def _tell_single(scene: Scene, rows: Flags, requests: int) -> str:
    traffic, inside = scene.traffic, rows & (scene.weight > 0)
    place = int(np.argmax(inside))
    statuses = _statuses(traffic.status[inside])
    seconds = max(1.0, (scene.end - scene.start) / SECOND)
    name, source = traffic.users[traffic.user[place]], traffic.sources[traffic.source[place]]
    return f"{name} at {source} sent {requests:,} requests, {requests / seconds:,.1f} a second; answers: {statuses}"


def _statuses(status: np.typing.NDArray[np.int16]) -> str:
    values, counts = np.unique(status[status > 0], return_counts=True)
    pairs = sorted(zip(counts.tolist(), values.tolist(), strict=True), reverse=True)
    parts = [f"{count:,} times {value}" for count, value in pairs]
    return ", ".join(parts[:3]) or "none"


def _tell_loop(scene: Scene, rows: Flags, requests: int) -> str:
    traffic, marks = scene.traffic, scene.marks
    refused = rows & marks.refused & (scene.weight > 0)
    gap = _gaps(scene, refused)
    again = f", again {gap:.1f} s later in the middle case" if gap is not None else ""
    return (
        f"{scene.users(rows):,} users were refused {int(refused.sum()):,} times "
        f"({_statuses(traffic.status[refused])}) and tried again at once{again}: {requests:,} requests"
    )


def _gaps(scene: Scene, rows: Flags) -> float | None:
    """The middle wait after a refusal, in seconds."""
    places = np.flatnonzero(rows & (scene.marks.following >= 0) & (scene.traffic.final != UNKNOWN))
    if not len(places):
        return None
    return float(np.median(scene.traffic.time[scene.marks.following[places]] - scene.traffic.final[places])) / SECOND


def _tell_restart(scene: Scene, rows: Flags, requests: int) -> str:
    users = scene.users(rows)
    if not scene.silences:
        times = np.sort(scene.traffic.time[rows & (scene.weight > 0)])
        half = int(times[(3 * len(times)) // 4] - times[len(times) // 4]) / SECOND
        what = "registered anew with no refresh due"
        return f"{users:,} users {what}, half of them within {half:.1f} s: {requests:,} requests"
    length = sum(silence.end - silence.start for silence in scene.silences) / SECOND
    in_vain = sum(len(scene.inside.within(silence.start, silence.end).time) for silence in scene.silences)
    return (
        f"no answer to anybody for {length:.1f} s, {in_vain:,} requests in vain; "
        f"{users:,} users then had to register again: {requests:,} requests"
    )


def _tell_in_step(scene: Scene, rows: Flags, requests: int) -> str:
    coherence = scene.coherence
    assert coherence is not None
    busiest = max(coherence.histogram) / max(1, sum(coherence.histogram))
    return (
        f"{scene.users(rows):,} users refresh every {coherence.period:.1f} s in step (coherence {coherence.length:.2f} "
        f"of 1): {busiest:.0%} of the refreshes fall in one 24th of the interval; {requests:,} requests"
    )


def _tell_short(scene: Scene, rows: Flags, requests: int) -> str:
    inside = rows & (scene.weight > 0)
    lifetime = _middle(scene.marks.lifetime[inside])
    since = _middle(scene.marks.since[inside])
    brief = int((scene.traffic.status[inside] == 423).sum())
    granted = f"granted {lifetime:,.0f} s" if lifetime is not None else "of unknown lifetime"
    pace = f", refreshed {since:.1f} s after the last success" if since is not None else ""
    refused = f"; {brief:,} times 423 (too brief)" if brief else ""
    spared = f"; {SHORTEST_LIFETIME} s or more would spare most of it" if (lifetime or 0) < SHORTEST_LIFETIME else ""
    return f"{scene.users(rows):,} users, {granted}{pace}{refused}: {requests:,} requests{spared}"


def _middle(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else None


def _tell_slow(scene: Scene, rows: Flags, requests: int) -> str:
    traffic, inside = scene.traffic, rows & (scene.weight > 0)
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
    return f"{said}; clients repeat after {T1 / SECOND} s: {copies:,} of {requests:,} requests are copies"


_Find = Callable[[Scene], Flags]
_Tell = Callable[[Scene, Flags, int], str]
_CAUSES: tuple[tuple[Cause, _Find, _Tell], ...] = (
    ("scan", _scan, _tell_scan),
    ("single-client", _single, _tell_single),
    ("auth-loop", _loop, _tell_loop),
    ("restart", _restart, _tell_restart),
    ("synchronised-refresh", _in_step, _tell_in_step),
    ("short-expiry", _short, _tell_short),
    ("slow-answers", _slow, _tell_slow),
)
