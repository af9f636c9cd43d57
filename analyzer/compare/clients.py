"""Which client of one run is which client of the other, and what became of it.

Clients are told apart within their address-of-record by the first of these that both have and that no other has: the
instance of RFC 5626 4.1, the token in their contact, the contact's host and port, host and User-Agent, User-Agent
alone; and at last by there being no other. First at the same registrar, then at any. Where several remain that nothing
tells apart, nothing is said of them but how many they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from analyzer.compare.side import Side
from analyzer.compare.values import ClientChange, ClientFacts, Verdict
from analyzer.register.client_state import ClientState

LENGTHS_ALIKE = 2.0
"""Times as long as the other that a run may be, and what is rare in it still be held against the other."""
Key = tuple[str, ...]


class _Criterion(NamedTuple):
    """By what a client is told from others of its address-of-record: empty strings in the key mean that it is not."""

    words: str
    key: Callable[[ClientFacts], Key]


_CRITERIA = (
    _Criterion("instance", lambda one: (one.instance,)),
    _Criterion("contact token", lambda one: (one.token,)),
    _Criterion("contact", lambda one: (one.contact,)),
    _Criterion("address and User-Agent", lambda one: (one.host, one.user_agent)),
    _Criterion("User-Agent", lambda one: (one.user_agent,)),
)
_ALONE = "address-of-record alone"
_BAD: frozenset[ClientState] = frozenset(("refused", "no answer", "gave up", "ran out", "not removed"))
_IN_DOUBT: frozenset[ClientState] = frozenset(("taken away", "in doubt", "open", "unclear"))
_ORDER: tuple[Verdict, ...] = ("worse", "better", "changed", "new", "gone", "not compared", "same")


def client_changes(before: Side, after: Side) -> list[ClientChange]:
    """What became of each client of both sides, the worst first, and who is the same last. Who cannot be told from
    others of its address-of-record is `not compared`, on both sides."""
    pairs = _pairs(before.clients, after.clients)
    changes = [_change(one, other, matched, before.span, after.span) for one, other, matched in pairs]
    changes.sort(key=lambda change: (_ORDER.index(change.verdict), change.one.state, change.one.aor))
    return changes


_Pair = tuple[ClientFacts | None, ClientFacts | None, str]


def _pairs(before: Sequence[ClientFacts], after: Sequence[ClientFacts]) -> Iterator[_Pair]:
    """Every client once: with its like on the other side and by what they were matched, or with None."""
    here, there = _by_aor(before), _by_aor(after)
    for aor, ones in here.items():
        others = there.get(aor, [])
        yield from _matched(list(ones), list(others))
    for aor, others in there.items():
        if aor not in here:
            yield from ((None, other, "") for other in others)


def _by_aor(clients: Sequence[ClientFacts]) -> dict[str, list[ClientFacts]]:
    found: dict[str, list[ClientFacts]] = defaultdict(list)
    for one in clients:
        found[one.aor].append(one)
    return found


def _matched(ones: list[ClientFacts], others: list[ClientFacts]) -> Iterator[_Pair]:
    if len(ones) == len(others) == 1:  # as nearly all are
        one, other = ones[0], others[0]
        alike = (words for words, key in _CRITERIA if all(name := key(one)) and name == key(other))
        yield one, other, next(alike, _ALONE)
        return
    for words, key in _CRITERIA:
        for at_registrar in (True, False):
            if ones and others:
                yield from _take_unique(ones, others, words, key, at_registrar=at_registrar)
    if len(ones) == len(others) == 1:
        yield ones.pop(), others.pop(), _ALONE
    ambiguous = _AMBIGUOUS if ones and others else ""
    yield from ((one, None, ambiguous) for one in ones)
    yield from ((None, other, ambiguous) for other in others)


_AMBIGUOUS = "several clients of this address-of-record cannot be told apart"


def _take_unique(
    ones: list[ClientFacts],
    others: list[ClientFacts],
    words: str,
    key: Callable[[ClientFacts], Key],
    *,
    at_registrar: bool,
) -> Iterator[_Pair]:
    """Take out of both lists who is the only one with a key in each."""
    here, there = _keyed(ones, key, at_registrar), _keyed(others, key, at_registrar)
    taken: set[int] = set()
    for name, one in here.items():
        other = there.get(name)
        if one is not None and other is not None:
            taken.update((id(one), id(other)))
            yield one, other, words
    if taken:
        ones[:] = [one for one in ones if id(one) not in taken]
        others[:] = [one for one in others if id(one) not in taken]


def _keyed(
    clients: Sequence[ClientFacts], key: Callable[[ClientFacts], Key], at_registrar: bool
) -> dict[Key, ClientFacts | None]:
    """Who has each key; None where several do."""
    found: dict[Key, ClientFacts | None] = {}
    for one in clients:
        name = key(one)
        if all(name):
            full = (*name, one.registrar) if at_registrar else name
            found[full] = None if full in found else one
    return found


def _change(
    before: ClientFacts | None, after: ClientFacts | None, matched: str, length: int | None, later: int | None
) -> ClientChange:
    if before is None or after is None:
        if matched:
            return ClientChange("not compared", before, after, reason=matched)
        return ClientChange("new" if before is None else "gone", before, after)
    verdict, reason = _verdict(before.state, after.state, length, later)
    return ClientChange(verdict, before, after, matched, reason)


def _verdict(before: ClientState, after: ClientState, length: int | None, later: int | None) -> tuple[Verdict, str]:
    if before == after:
        return "same", ""
    if before in _IN_DOUBT or after in _IN_DOUBT:
        return "changed", "what became of it is not certain on both sides"
    if after in _BAD:
        if before in _BAD:
            return "changed", "in trouble on both sides"
        return ("worse", "") if before != "asked" else ("changed", "it only asked before")
    if before in _BAD:
        return ("better", "") if after != "asked" else ("changed", "it only asks now")
    if {before, after} == {"registered", "ok again"}:
        shorter, longer = (length, later) if after == "ok again" else (later, length)
        if shorter and longer and longer <= LENGTHS_ALIKE * shorter:
            return ("worse" if after == "ok again" else "better"), ""
        return "changed", "trouble in between shows in the longer of the two more likely"
    return "changed", ""
