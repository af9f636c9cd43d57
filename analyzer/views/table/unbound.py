"""Words for a client that is, or was, not bound although no request of its own was refused: its binding ran out,
another client took it away, or a list leaves it in doubt."""

from __future__ import annotations

from analyzer.register.reachability import Cause
from analyzer.register.registration import Registration
from analyzer.views.states import ClientSummary
from analyzer.views.table.witness import removed
from analyzer.views.words import duration, place_words, times

_WHY: dict[Cause, str] = {"answered late": "asked in time, answered late"}
"""Causes of a gap that need more words than their name."""


def ran_out(clients: ClientSummary, one: Registration) -> str:
    """That its binding ran out, and when."""
    return f"not renewed, gone{clients.at(one, one.reach.ran_out)}"


def why_ran_out(clients: ClientSummary, one: Registration) -> str:
    """How long it had one, and what came instead of a renewal."""
    until, end = one.reach.ran_out, clients.end(one.place)
    if until is None or end is None or end < until:
        return ""
    granted = f"registered for {one.granted} s; " if one.granted is not None else ""
    current = one.reach.current
    unseen = one.reach.unseen_before(current) if current is not None else None
    if unseen is not None:
        place = place_words(unseen.place)
        return f"{granted}the answer to its request at {place} was not seen, and what that asked for is over, too"
    if current is not None and current.by is not None and current.cause == "ran out":
        place = place_words(current.by.place)
        return f"{granted}a renewal was not seen, and the answer to another client at {place} does not list its contact"
    last = one.history.last
    if last is not None and last.purpose == "remove" and last.failed:  # it came too late to matter
        told = f"{one.status}" if one.status else "no answer"
        return f"{granted}{_renewal(clients, one)}its sign-off{clients.at(one, last.start)} was not finished ({told})"
    return f"{granted}the {clients.medium(one.place)} goes on for {duration(end - until)} without a renewal"


def answered_too_late(one: Registration) -> str:
    """The answer to its latest request, where that came when the client had given up."""
    late, last = one.history.overdue, one.history.last
    if late is None or last is None or last.start is None or (late.evidence.time or 0) < last.start:
        return ""
    place = place_words(late.evidence.place)
    told = f"a {late.status} at {place} comes {duration(late.delay)} after the request, when the phone has given up"
    return f"{told}: it is bound by that" if late.status < 300 and one.reach.bound_until is not None else told


def _renewal(clients: ClientSummary, one: Registration) -> str:
    """How the renewal failed that came before a sign-off which failed too."""
    first = one.history.episodes[-1].first
    late = first.overdue
    if first.purpose == "remove":
        return ""
    how = f"was refused ({first.status})" if first.status else "had no answer in time"
    place = (
        f" (a {late.status} at {place_words(late.evidence.place)} comes {duration(late.delay)} after it)"
        if late
        else ""
    )
    return f"its renewal{clients.at(one, first.start)} {how}{place}; "


def taken_away(clients: ClientSummary, one: Registration) -> str:
    """Since when it is bound no more."""
    return f"bound no more{clients.at(one, clients.since(one), ' since ')}"


def why_taken_away(clients: ClientSummary, one: Registration) -> str:
    """Which answer to another client shows it."""
    current = one.reach.current
    shown = f" at {place_words(current.by.place)}" if current is not None and current.by is not None else ""
    if current is not None and current.cause == "taken over":
        return f"another client of this address-of-record registered the same contact{shown}"
    if current is not None and current.cause == "removed" and one.history.removed is not None:
        whose = " for another client's" if one.history.removed.notice.said == "remove existing" else ""
        return f"the server took its contact away{whose}{removed(one)}"
    if current is not None and current.cause == "not listed":
        return f"the registrar's answer to its own request{shown} lists its contact no more"
    gone = f"the answer to another client of this address-of-record{shown} lists its contact no more"
    whole = ": that client signed off" if current is not None and current.cause == "removed by another" else ""
    return f"{gone}{whole}{removed(one)}"


def why_in_doubt(clients: ClientSummary, one: Registration) -> str:
    """Which answer does not list it."""
    del clients
    current = one.reach.current
    shown = f" at {place_words(current.by.place)}" if current is not None and current.by is not None else ""
    return (
        f"the answer to another client{shown} does not list its contact: it is gone, or this registrar lists only what "
        "a request names"
    )


def not_signed_off(clients: ClientSummary, one: Registration) -> str:
    """What its sign-off was told, and until when calls go there."""
    last, reach = one.history.last, one.reach.current
    until = one.reach.bound_until if reach is None or reach.state != "unbound" else reach.start
    end = f" until {clients.clock(one.place).at(until)}" if until is not None else ""
    if one.reach.is_listed_again:
        return f"signed off{clients.at(one, one.since)}, but calls go there{end}"
    told = f"{one.status}" if one.status else "no answer"
    at = clients.at(one, last.start if last is not None else one.since)
    verb = "went" if reach is not None and reach.state == "unbound" else "go"
    return f"{told} to its sign-off{at}{f', calls {verb} there{end}' if end else ''}"


def why_listed_again(one: Registration) -> str:
    """Which answer to another client lists it."""
    current = one.reach.current
    shown = f" at {place_words(current.by.place)}" if current is not None and current.by is not None else ""
    return f"its sign-off was accepted; the answer to another client{shown} lists its contact again"


def gaps(one: Registration) -> str:
    """For how long it could not be called in between, how often, and why."""
    if not one.reach.gaps:
        return ""
    over = [gap for gap in one.reach.stretches if gap.state == "unbound" and gap.end is not None]
    causes = {gap.cause for gap in over if gap.cause != "signed off"}  # that was its own wish
    cause = next(iter(causes), None)
    why = f" ({_WHY.get(cause, cause)})" if cause is not None and len(causes) == 1 else ""
    often = f", {times(one.reach.gaps)}" if one.reach.gaps > 1 else ""
    if not one.reach.lost:  # no clock tells how long
        return f"could not be called in between{often}{why}"
    return f"could not be called for {duration(one.reach.lost)}{often}{why}"


def listed_as(one: Registration) -> str:
    """In what other form the registrar lists the contact that was asked for last, if it does."""
    found = next((binding for binding in reversed(one.bindings) if binding.certainty == "present"), None)
    return f"the registrar lists its contact {found.form}" if found is not None and found.form else ""
