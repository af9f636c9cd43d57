"""How the lines of a text were broken, found out by trial: of the ways that a text may have been, the one is taken in
which most of its messages can be read.

A width that headers show (`wraps.py`) is believed. Any other is a guess, and is tried only where the text as it stands
does not give what is in it: a start line that no message came of, or a message with a line in its head that is no
header. It is taken if then more messages can be read, and none less; one message with a cleaner head is no reason:
a line of another thread may stand behind the longest one. What is tried is the beginning of a text, a few times.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from analyzer.capture.text.carrier_kinds import Carrier, untouched
from analyzer.capture.text.carriers import NONE, Carriers
from analyzer.capture.text.cuts import cut_at
from analyzer.capture.text.grammar import START, Banner
from analyzer.capture.text.widths import starts_in
from analyzer.capture.text.wraps import Wrap
from analyzer.evidence import RawMessage

_CLEANER = 2
"""Messages whose heads a guess cleans, at least, where it makes no more of them."""
_OFTEN = 50
"""Of so many messages a width breaks more than one."""
_HEADER_LINE = re.compile(rb"[A-Za-z][\w.!%*+`'~-]{0,60}[ \t]*:|[ \t]")


_NUMBERED = re.compile(rb"\r\ncseq[ \t]*:", re.IGNORECASE)
"""What every message has (RFC 3261 8.1.1), below its first lines: a head without it ended too early."""


class Score(NamedTuple):
    """What can be read of a text: messages whose heads are headers alone, and not a part of them; all messages, and the
    start lines in them, those of their bodies included: what stands in a body is not lost. `again` are those that stand
    among headers, below the first."""

    whole: int
    messages: int
    starts: int
    again: int = 0


class _Way(NamedTuple):
    """Lines joined in one way, the carriers that this makes, and what it reads."""

    wrap: Wrap
    carriers: Carriers
    score: Score


Reads = Callable[[bytes, Carriers], Score]
"""What can be read of a text, once what carries its lines is taken off: of lines that are joined it has to be known
where, since what a sender counted may be wrong by that."""


class Asked(NamedTuple):
    """A dialect that is asked about a text: whether it knows it, whether it needs a message that begins a line, what it
    reads, and which lines open a message."""

    recognised: Callable[[bytes], bool]
    as_it_is: bool
    reads: Reads | None
    opens: Callable[[bytes], Banner | None] | None


def score_of(messages: Iterable[RawMessage]) -> Score:
    """What was read of a text."""
    whole = count = starts = again = 0
    for message in messages:
        count += 1
        again += max(starts_in(message.payload.partition(b"\r\n\r\n")[0]) - 1, 0)
        starts += starts_in(message.payload)
        whole += message.missing == 0 and is_clean(message.payload) and _NUMBERED.search(message.payload) is not None
    return Score(whole, count, starts, again)


def is_clean(payload: bytes) -> bool:
    """Whether the head of a message is its start line and headers, folded ones among them."""
    start, *headers = payload.partition(b"\r\n\r\n")[0].split(b"\r\n")
    return START.match(start) is not None and all(map(_HEADER_LINE.match, headers))


Inside = Callable[[bytes], Carriers]
"""What carries the lines of a text besides."""


def nothing(line: bytes) -> Banner | None:
    """Of no line it is known that it opens a message."""
    del line
    return None


def sure(near: bytes, wraps: list[Wrap], asked: Asked, inside: Inside) -> Carriers | None:
    """How the lines were broken of a text that shows it, and what carries them besides."""
    wraps = [one for one in wraps if not one.is_guess]
    found = []
    for wrap, text in _ways(near, asked, wraps):
        if (inner := inside(text)) or asked.recognised(text):
            found.append((wrap, inner))
    if found:
        return _best(near, asked, found)
    return _taken(wraps[0], inside(wraps[0].text(near) + b"\n")) if wraps else None


def guessed(near: bytes, wraps: list[Wrap], asked: Asked, inside: Inside) -> Carriers | None:
    """How the lines may have been broken of a text that is known only if they were."""
    found = []
    for wrap, text in _ways(near, asked, _guesses(near, wraps)):
        is_known = asked.recognised(text)
        inner = inside(text) if is_known or wrap.is_shown else NONE  # where nothing shows it, no more is looked for
        if is_known or inner:
            found.append((wrap, inner))
    return _best(near, asked, found) if found else None


def better(near: bytes, wraps: list[Wrap], asked: Asked, inside: Inside) -> Carriers:
    """How the lines were broken of a text of which not all messages can be read as it stands, if then more can be. That
    is tried before what else may carry a text, which costs many times as much to find out."""
    wraps = _guesses(near, wraps)
    if asked.reads is None or not wraps:
        return NONE
    before = asked.reads(near, NONE)
    broken = before.messages - before.whole
    if before.messages and before.starts >= starts_in(near) and broken * _OFTEN <= before.messages:
        return NONE
    found = []
    for wrap, text in _ways(near, asked, wraps):
        score = asked.reads(near, _taken(wrap, NONE))
        if _is_more(score, before):
            way = _taken(wrap, inner := inside(text))
            found.append(_Way(wrap, way, asked.reads(near, way) if inner else score))
    best = max(found, key=_worth, default=None)
    return best.carriers if best is not None and _is_more(best.score, before) else NONE


def _guesses(near: bytes, wraps: list[Wrap]) -> list[Wrap]:
    """The widths that no header shows; where lines were cut, and nothing goes on (`cuts.py`), those that words show."""
    guesses = [one for one in wraps if one.is_guess]
    return [one for one in guesses if one.is_shown] if guesses and cut_at(near) else guesses


def _is_more(score: Score, before: Score) -> bool:
    """Whether messages are read of which nothing was, not even as the body of another one; or the same, and cleaner."""
    if score.messages > before.messages:
        return score.starts > before.starts
    is_same = score.messages == before.messages and score.starts >= before.starts
    return is_same and score.whole >= before.whole + _CLEANER


def _ways(near: bytes, asked: Asked, wraps: list[Wrap]) -> Iterator[tuple[Wrap, bytes]]:
    """Each way to join the lines that gives a text of its own, and that text."""
    seen = set()
    for wrap in wraps:
        ways = [wrap, wrap.opening(nothing)] if asked.opens is None else [wrap.opening(asked.opens)]
        for way in ways:
            text = way.text(near) + b"\n"
            if text not in seen:
                seen.add(text)
                yield way, text


def _best(near: bytes, asked: Asked, found: list[tuple[Wrap, Carriers]]) -> Carriers:
    """The first of the ways by which most can be read."""
    ways = [_taken(wrap, inner) for wrap, inner in found]
    if asked.reads is None or len(ways) == 1:
        return ways[0]
    tried = [_Way(wrap, way, asked.reads(near, way)) for (wrap, _), way in zip(found, ways, strict=True)]
    return max(tried, key=_worth).carriers


def _worth(way: _Way) -> tuple[int, int]:
    """Start lines that are read, which have to be twice as many for a width that headers contradict; whole heads."""
    return (way.score.starts - way.score.again) // (1 + way.wrap.is_odd), way.score.whole


def _taken(wrap: Wrap, inner: Carriers) -> Carriers:
    return Carriers((*inner.all, Carrier(wrap.code, wrap.says, 0, untouched)), wrap)
