"""The width at which the lines of a text were broken, as it shows, and as it may be guessed (`wraps.py`)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from analyzer.capture.text.breaks import (
    ALONE,
    GLUED_END,
    HEADER,
    PARAMETER,
    STAMPED,
    has_words,
    is_filled,
    is_filled_to_value,
    is_inside,
    is_piece,
    may_be_rest,
)
from analyzer.capture.text.row_wraps import in_rows
from analyzer.capture.text.wraps import NARROWEST, WIDEST, WIDEST_TERMINAL, Wrap

_FEW = 2
"""Words that were broken, at least, of a text that a terminal broke."""
_QUOTED = re.compile(rb"(?:[ \t]{0,3}>)+ ?|[ \t]{1,16}")
_FRAMING = re.compile(rb"<-{2,}|-{2,}>")
"""What stands over messages, and in no header: behind a start line in a body, an imitation of it may stand."""
_STAMPS, _RESTS = 6, 4
"""Lines of a text with stamps before each, at least, that have one, and that have lost theirs."""


def wrap_of(head: bytes) -> Wrap | None:
    """How the text that begins with `head` was broken; None where it was not, or does not show it."""
    return next(_shown(head), None)


def wraps_of(head: bytes, *, guesses: bool = True) -> list[Wrap]:
    """The ways in which a text may have been broken: that which it shows, else, if they are wanted, guesses, of which
    that of a terminal is one, if a line that is as long as the longest one can go on behind it."""
    shown = list(_shown(head))
    if shown and not shown[0].is_guess:
        last = shown[-1]  # words that are longer than the width are broken where no word else is
        odd = Wrap(last.width, last.lead, is_cut=False)
        odd.is_odd = True
        return [*(one for one in shown if not one.is_guess), *[odd] * (last.is_cut and not last.is_stamped)]
    if not guesses:
        return []
    guessed = [one for one in shown if one.is_guess]
    return guessed + [one for one in (guess_of(head), None if shown else _hard_guess(head)) if one is not None]


def _shown(head: bytes) -> Iterator[Wrap]:
    """The ways in which a text may have been broken, by what it shows."""
    lines = [line.rstrip(b"\r") for line in head.split(b"\n")[:-1]]
    lead = _lead_of(lines)
    for found in (in_rows, _behind_stamps, _terminal, _by_words):
        if (wrap := found(lines, lead)) is not None:
            wrap.note_gaps(head)
            yield wrap


def guess_of(head: bytes) -> Wrap | None:
    """How a text may have been broken of which no header shows it: at the width of its longest line. It is a guess."""
    lines = [line.rstrip(b"\r") for line in head.split(b"\n")[:-1]]
    lead = _lead_of(lines)
    width = max((len(line) for line in lines if b" " in line[len(lead) :].strip()), default=0)
    starts = [line[len(lead) :] for line in lines if GLUED_END.search(line)]
    if not NARROWEST <= width <= WIDEST or not all(map(ALONE.match, starts)):
        return None  # behind what a logger writes before each line, the rest of one is not to be told
    wrap = Wrap(width, lead, is_cut=False)
    wrap.is_guess = True
    return wrap


def starts_in(text: bytes) -> int:
    """How many lines of a text are start lines, and nothing else."""
    return sum(ALONE.match(line) is not None for line in text.split(b"\n"))


def _by_words(lines: list[bytes], lead: bytes) -> Wrap | None:
    """The width behind which no word had room."""
    lines = [line for line in lines if line.startswith(lead.rstrip())]
    breaks = list(_breaks([line[len(lead) :] for line in lines]))
    broken = {lead + line for line, _ in breaks}  # a longer word is left whole by some, so it is no measure
    width = max((len(line) for line in lines if b" " in line[len(lead) :].strip() or line in broken), default=0)
    telling = [(line, rest) for line, rest in breaks if PARAMETER.match(rest)]
    least = 9 if telling else 10
    telling = telling or breaks
    if not breaks or not NARROWEST <= width <= WIDEST:
        return None
    if sum(is_filled(lead + line, rest, width) for line, rest in telling) * 10 < len(telling) * least:
        return None
    is_even = all(len(lead + line) == width for line, _ in telling)
    if is_even and len(telling) == 1:
        return None  # behind the longest line there never is room
    is_cut = is_even and any(line[-1:].isalnum() and rest[:1].isalnum() for line, rest in breaks)
    return Wrap(width, lead, is_cut=is_cut)


def _hard_guess(head: bytes) -> Wrap | None:
    lines = [line.rstrip(b"\r") for line in head.split(b"\n")[:-1]]
    lead = _lead_of(lines)
    width = max(map(len, lines), default=0)
    if not NARROWEST <= width <= WIDEST_TERMINAL:
        return None
    full = [(line, rest) for line, rest in pairwise(lines) if len(line) == width and rest.startswith(lead)]
    rests = [rest[len(lead) :] for _, rest in full]
    if not any(rest.strip() and not HEADER.match(rest) and not ALONE.match(rest) for rest in rests):
        return None
    wrap = Wrap(width, lead, is_cut=True, is_hard=True)
    wrap.is_guess = True
    return wrap


def _behind_stamps(lines: list[bytes], lead: bytes) -> Wrap | None:
    """The width at which lines were broken that a logger begins with a stamp each: those without one are rests."""
    texts = [line[len(lead) :] for line in lines]
    rests = [place for place, text in enumerate(texts) if place and text.strip() and not STAMPED.match(text)]
    width = max((len(line) for line, text in zip(lines, texts, strict=True) if b" " in text.strip()), default=0)
    if (
        not NARROWEST <= width <= WIDEST_TERMINAL
        or len(rests) < _RESTS
        or sum(map(bool, map(STAMPED.match, texts))) < _STAMPS
    ):
        return None
    longest = max(map(len, lines))  # only a terminal breaks words, and what is one word
    is_cut = all(len(lines[place - 1]) == longest for place in rests)
    if not is_cut and not all(is_filled_to_value(lines[place - 1], texts[place], width) for place in rests):
        return None
    wrap = Wrap(longest if is_cut else width, lead, is_cut=is_cut)
    wrap.is_stamped = True
    return wrap


def _terminal(lines: list[bytes], lead: bytes) -> Wrap | None:
    """The width of a terminal: no line is longer, and most that are as long go on in the next, within words."""
    width = max(map(len, lines), default=0)
    if not NARROWEST <= width <= WIDEST_TERMINAL:
        return None
    pairs = [(line, rest[len(lead) :]) for line, rest in pairwise(lines) if len(line) == width and has_words(line)]
    pieces = [(line, rest) for line, rest in pairs if rest.strip() and is_piece(line, rest)]
    within = sum(_is_within(line, rest) for line, rest in pieces)
    if within < _FEW or len(pieces) * 10 < len(pairs) * 7:
        return None
    breaks = list(_breaks([line[len(lead) :] for line in lines]))
    if sum(len(lead + line) < width and PARAMETER.match(rest) is not None for line, rest in breaks) * 10 > len(pieces):
        return None  # broken between words, and long words within
    wrap = Wrap(width, lead, is_cut=True, is_hard=True)
    wrap.is_shown = True
    wrap.is_guess = not any(len(lead + line) == width and HEADER.match(line.lstrip()) for line, _ in breaks)
    return wrap


def _is_within(line: bytes, rest: bytes) -> int:
    """Whether a break is within a word; one within quotes of a header cannot be anything else."""
    if not (line[-1:].isalnum() and rest[:1].isalnum()):
        return 0
    return _FEW if HEADER.match(line) and line.count(b'"') % 2 and rest.count(b'"') % 2 else 1


def _breaks(lines: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Each line in the head of a message that begins no header, with the one before it."""
    inside = False
    for line, following in pairwise(lines):
        inside = is_inside(line, before=inside)
        if inside and may_be_rest(following) and GLUED_END.search(line) is None and _FRAMING.search(line) is None:
            yield line, following


def _lead_of(lines: list[bytes]) -> bytes:
    """What each line begins with: the quoting of a mail, or an indentation; of a quoting, what most begin with."""
    filled = [line for line in lines if line.strip(b"> \t")]
    match = _QUOTED.match(filled[0]) if filled else None
    lead = match[0] if match is not None else b""
    if lead and all(line.startswith(lead) for line in filled):
        return lead
    quoted = Counter(match[0] for line in filled if line[:4].lstrip()[:1] == b">" and (match := _QUOTED.match(line)))
    lead, count = quoted.most_common(1)[0] if quoted else (b"", 0)
    return lead if count * 10 >= len(filled) * 8 else b""
