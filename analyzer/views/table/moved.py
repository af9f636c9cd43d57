"""Words for a client whose NAT let it appear elsewhere while it was registered, and for its contacts then: no fault of
phone or registrar."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.register.registration import Registration
from analyzer.register.translation import Move
from analyzer.views.states import ClientSummary
from analyzer.views.words import place_words, times


def moved(clients: ClientSummary, one: Registration) -> str:
    """`its NAT changed its port from 40001 to 40022 at 12:30:00 (frame 5); its Contact named the former one until ...`;
    of several changes the latest."""
    translation = one.translation
    if translation is None or not translation.moves:
        return ""
    last = translation.moves[-1]
    often = f" {times(translation.changes)}, the last time" if translation.changes > 1 else ""
    when = clients.at(one, last.evidence.time)
    change = f"its NAT changed its {_change(last, often)}{when} ({place_words(last.evidence.place)})"
    return "; ".join([change, *_behind(clients, one, last), *_both(clients, one, last)])


def _change(move: Move, often: str) -> str:
    if move.before.host == move.after.host:
        return f"port{often} from {move.before.port} to {move.after.port}"
    return f"address{often} from {move.before} to {move.after}"


def _former(move: Move) -> str:
    return f"port {move.before.port}" if move.before.host == move.after.host else str(move.before)


def _behind(clients: ClientSummary, one: Registration, move: Move) -> Iterator[str]:
    """That its Contact names what an earlier response told it, which was over by then."""
    if not move.behind:
        return
    late = "one refresh" if move.behind == 1 else f"{move.behind} refreshes"
    if move.caught_up is None:
        yield f"its Contact is {late} behind and names {_former(move)} still"
        return
    until = clients.at(one, move.caught_up.time, " until ")
    yield f"its Contact was {late} behind and named {_former(move)}{until} ({place_words(move.caught_up.place)})"


def _both(clients: ClientSummary, one: Registration, move: Move) -> Iterator[str]:
    """That the registrar has a contact of it at each."""
    if move.left is not None:
        until = clients.at(one, move.left_until, " until ")
        yield f"two bindings were left ({place_words(move.left.place)}), that at {_former(move)}{until}"
