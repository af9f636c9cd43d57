"""What phones make of several challenges, or of one that is not MD5: who answered which algorithm, and who none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from analyzer.register.choices import words_of
from analyzer.register.digest.input import clip
from analyzer.register.registration import Registration
from analyzer.views.drawing.canvas import Canvas
from analyzer.views.states import ClientSummary
from analyzer.views.words import count, listed

MOST_OFFERS = 4
MOST_NAMES = 4
LONGEST_NAME = 40
_NONE = ("",)


def draw_choices(canvas: Canvas, clients: ClientSummary) -> None:
    """A sentence for each set of algorithms that was offered; nothing where MD5 alone was."""
    lines = list(sentences(clients.report.registrations))
    if not lines:
        return
    canvas.gap()
    for line in lines[:MOST_OFFERS]:
        canvas.line(line, hang=2)
    if len(lines) > MOST_OFFERS:
        canvas.line(f"and {count(len(lines) - MOST_OFFERS, 'more set')} of algorithms", indent=2)


def sentences(registrations: Iterable[Registration]) -> Iterator[str]:
    """`Offered MD5 and SHA-256: 4 clients answered MD5 (...), 2 answered none (...).`"""
    offers: dict[tuple[str, ...], dict[tuple[str, ...], list[Registration]]] = {}
    for one in registrations:
        if one.choice is not None:
            answers = offers.setdefault(one.choice.offered, {})
            answers.setdefault(one.choice.taken or _NONE, []).append(one)
    for offered, answers in offers.items():
        order = sorted(answers, key=lambda taken: (taken == _NONE, -len(answers[taken]), taken))
        parts = [_part(taken, answers[taken], first=at == 0) for at, taken in enumerate(order)]
        yield f"Offered {words_of(offered)}: {', '.join(parts)}."


def _part(taken: tuple[str, ...], several: list[Registration], *, first: bool) -> str:
    who = count(len(several), "client") if first else f"{len(several):,}"
    names = _named(several)
    return f"{who} answered {'none' if taken == _NONE else listed(taken)}{f' ({names})' if names else ''}"


def _named(several: Iterable[Registration]) -> str:
    """The programs, the commonest first: `baresip v1.0.0, Twinkle/1.10.2 and 3 other kinds`."""
    kinds = Counter(one.user_agent for one in several)
    nameless = kinds.pop("", 0)
    named = [clip(agent, LONGEST_NAME) for agent, _ in kinds.most_common()]
    if not named:
        return ""
    more = [count(len(named) - MOST_NAMES, "other kind")] if len(named) > MOST_NAMES else []
    return listed([*named[:MOST_NAMES], *more, *([f"{nameless:,} without a name"] if nameless else [])])
