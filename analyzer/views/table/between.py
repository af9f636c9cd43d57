"""What a client went through before it was as it is at the end: refusals, silence, times without a binding."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.evidence import SECOND
from analyzer.register.history import Episode
from analyzer.register.registration import Registration
from analyzer.views.states import AGAIN, NOT_SIGNED_OFF, RAN_OUT, REGISTERED, ClientSummary, State
from analyzer.views.table.moved import moved
from analyzer.views.table.unbound import gaps
from analyzer.views.words import count, duration, listed, times

MOST_EPISODES = 3
"""Times of trouble of one client that are told one by one."""


def in_between(clients: ClientSummary, one: Registration) -> str:
    """What a client that had success went through: times without a binding, refusals and silence, and what
    its NAT did."""
    parts = (gaps(one), *_episodes(clients, one), _asides(clients, one), moved(clients, one))
    return "; ".join(part for part in parts if part)


def _asides(clients: ClientSummary, one: Registration) -> str:
    """`its query was refused (403 "Not for you") at 15:02:00`: what took nothing from it."""
    asides = one.history.asides
    if asides is None:
        return ""
    refused = "was refused" if asides.outcomes == ("rejected",) else "failed"
    often = f" {times(asides.count)}" if asides.count > 1 else ""
    return f"its query {refused}{often} ({_statuses(asides)}){clients.at(one, asides.first.start)}"


def _statuses(episode: Episode) -> str:
    """`400 "Invalid CSeq"`: the statuses of an episode, and the words beside the first."""
    statuses = [str(status) if status else "no answer" for status in episode.statuses]
    said = episode.first.words.reason
    return listed(statuses) + (f' "{said}"' if said else "")


def _episodes(clients: ClientSummary, one: Registration) -> Iterator[str]:
    over = [episode for episode in one.history.episodes if episode.over]
    for episode in over[:MOST_EPISODES]:
        yield _episode(clients, one, episode)
    rest = len(over) - MOST_EPISODES + one.history.missed
    if rest > 0:
        yield f"and {count(rest, 'more time')} like that"


def _episode(clients: ClientSummary, one: Registration, episode: Episode) -> str:
    """`refused 3 times (400 "Invalid CSeq") from 15:02:00 on, for 8 min 30 s`."""
    first = episode.first
    if episode.answered_after is not None and episode.count == 1:
        of = clients.at(one, first.end, " of ")
        status = str(episode.statuses[0]) if episode.statuses[0] else "no answer"
        return f"answered the challenge ({status}){of} only after {duration(episode.answered_after)}"
    what = _failed(episode)
    start = clients.at(one, first.start, " from ")
    long = episode.until - first.start if episode.until is not None and first.start is not None else 0
    lasted = f"{' on' if start else ''}, for {duration(long)}" if long > SECOND else ""
    return f"{what} {times(episode.count)} ({_statuses(episode)}){start}{lasted}"


def _failed(episode: Episode) -> str:
    """What went wrong in an episode, in a word or two that hold for all of its attempts."""
    if episode.first.purpose == "remove":
        return "sign-off failed"
    if episode.outcomes == ("abandoned",):
        return "left the challenge unanswered"
    return "refused" if episode.outcomes == ("rejected",) else "failed"


def before(clients: ClientSummary, one: Registration, state: State) -> str:
    """What was before the trouble, or how often all went well."""
    registered = one.outcomes["registered"]
    if state in (REGISTERED, AGAIN):
        renewed = registered - 1 - one.not_renewed
        idle = f"answered 200 {times(one.not_renewed)} without a renewal" if one.not_renewed else ""
        return "; ".join(part for part in (f"renewed {times(renewed)}" if renewed > 0 else "", idle) if part)
    late = state in (RAN_OUT, NOT_SIGNED_OFF)
    if not registered or not state.trouble or late:
        return ""
    until = one.reach.bound_until
    return "was registered before" + (f", and is bound{clients.at(one, until, ' until ')}" if until is not None else "")
