"""Guesses of what carries the lines of a log, by the lines around its first message: nothing else has to be read.

A carrier that fits nearly all of these lines is taken off, and what is left is looked at again. Each set of carriers is
a guess; the dialect that is asked says what it knows, and of those that it knows the one is taken that shows headers at
the beginning of lines, or from which a message can be read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from analyzer.capture.text.carrier_kinds import CARRIERS, MARK, NUMBERED, OF_ALL, Carrier, prefixed
from analyzer.capture.text.carriers import NONE, Carriers
from analyzer.capture.text.grammar import Banner
from analyzer.capture.text.lines import as_utf8
from analyzer.capture.text.records import joiners_of
from analyzer.capture.text.stamps import PATTERN
from analyzer.capture.text.trials import Asked, Reads, better, guessed, nothing, sure
from analyzer.capture.text.widths import wraps_of
from analyzer.capture.text.wraps import Wrap

_BEFORE, _AFTER = 4096, 8192
"""Octets around the first message by which carriers are told."""
_ENOUGH = 1 << 16
"""Octets behind the first message from which a dialect is told."""
_FEW = 6
"""Lines by which it is told what was done to all."""
_DEEP = 5
"""Carriers around carriers that are followed."""
_UNMISTAKABLE = frozenset(("repaired-json", "repaired-container", "repaired-compose", "repaired-grep"))
"""Carriers that no program's own lines look like: they are taken off though a dialect knows something behind them."""
_BEGINS = re.compile(rb"^(?:via|from|to|call-id|cseq|[vfti])[ \t]*:", re.MULTILINE | re.IGNORECASE)
"""A header at the beginning of a line: of a text that shows one, nothing is to be taken off."""
_ESCAPED = re.compile(
    rb"&(?:lt|quot|amp|nbsp|#\d{2,4});|[=:,] ?\xe2\x80[\x9c-\x9e]|<(?:pre|code|br)\b"
    rb"|[\w\]]\xe2\x86\x92[\w\[]|(?:[ :]|^)\xc2\xa0|\xc2\xa0 "
    rb"|@[\w.-]{1,255} ?[<\[]mailto:"
    rb"|<mailto:[^<>|]{1,300}\||\]\(mailto:|<https?://[^<>]{1,300}>|(?:\^M|<CR>|\[CR\])(?:\$|<LF>|\[LF\])?\r?$",
    re.IGNORECASE | re.MULTILINE,
)
_ERASED = re.compile(rb"\x1b\[[0-9]?K")
"""What a terminal is told to clear a line with: no program but a console writes it to a log."""
_WRITTEN_END = re.compile(rb"SIP/2\.0\\r\\n\r?$", re.MULTILINE)
"""A start line whose line end was written out: of what a dialect makes of it, more cannot be told by its looks."""
_BEFORE_VIA = re.compile(rb"(.{0,160}?(?:[^\w\s]|\S(?=[ \t])))[ \t]*(?:via|v)[ \t]*:[ \t]*SIP/2\.0/", re.IGNORECASE)
_BEFORE_ROW = re.compile(
    rb"([^\\]{1,160}?(?:[^\w\s\\]|[^\s\\](?=[ \t])))"
    rb"[ \t]*(?:0x0{3,8}:|0{4,8}:?[ \t]{1,4}(?:[0-9a-f]{2}){1,2} [0-9a-f]{2})"
)
"""The first row of a hex dump, behind something."""
_OF_OTHERS = re.compile(rb"&#?\w{1,8};|(?:\x1b|#033|\^\[)\[[0-9;]{0,32}m|<[^<>]{0,200}>")
"""What stands before a line and is no logger's: entities, escape sequences, tags."""
_STAMPED = re.compile(rb"(?<!\d)(?!\d{9,10}(?!\d)(?![.,]\d{3}))(?:" + PATTERN + rb")(?!\d)")
_NAMES = re.compile(rb"[A-Z][a-z]{2}")
"""Of days and months, in a stamp."""
_WAYS = re.compile(
    rb"(?<![\w\\])(?i:sent|sends?|sending|received?|receiving|recvd?|rcvd|tx|rx|in|out|incoming|outgoing|inbound|outbound)"
    rb"(?!\w)"
)
"""Words for one way and the other, of which one may stand before each line."""
_DIGITS = re.compile(rb"\d+")
_ANYWHERE = 5
"""The last so many carriers are no prefix: what they do stands anywhere in a line."""


def found(
    head: bytes,
    recognised: Callable[[bytes], bool],
    *,
    as_it_is: bool = False,
    taken: tuple[str, ...] = (),
    reads: Reads | None = None,
    opens: Callable[[bytes], Banner | None] | None = None,
) -> Carriers:
    """The carriers around a log that begins with `head`, by which a dialect that does not know it comes to; none where
    it is `recognised` as it stands, or is not anyhow. `taken` are codes of carriers that are taken off already.

    Some dialects know their lines behind anything. They are believed where a message begins at the beginning of a
    line, where they need no such line (`as_it_is`), or where messages can be read (`reads` says how many). `opens`
    tells the lines that open a message.
    """
    return _found(head, Asked(recognised, as_it_is, reads, opens), taken)


def _found(head: bytes, asked: Asked, taken: tuple[str, ...]) -> Carriers:
    if "records" not in taken and (kept := _in_records(head, asked)) is not None:
        return kept
    if MARK not in head:
        return NONE

    def inside(text: bytes) -> Carriers:
        return _found(text, asked, (*taken, "wraps"))

    near, known = around(head), asked.recognised(head)
    is_joined = bool({"records", "wraps"} & set(taken))
    wraps = [] if is_joined else wraps_of(near)
    if wraps and (joined := sure(near, wraps, asked, inside)) is not None:
        return joined
    outer = next((one for one in OF_ALL if one.code not in taken and _is_on_all(one, near)), None)
    if outer is not None:
        inner = _found(Carriers((outer,)).bare(near), asked, (*taken, outer.code))
        return Carriers((outer, *inner.all), inner.joiner)
    is_carried = known and asked.as_it_is and _is_carried(near)
    shows = asked.as_it_is or (_BEGINS.search(near) is not None and not _WRITTEN_END.search(near))
    is_shown = not asked.as_it_is and _ERASED.search(near) is not None
    if known and shows and not _ESCAPED.search(near) and not is_carried and not is_shown:
        return NONE if is_joined else better(near, wraps, asked, inside)
    best = _best(near, asked.recognised, known=known, is_carried=is_carried, reads=asked.reads)
    if best or is_joined:
        return best
    return better(near, wraps, asked, inside) if known else guessed(near, wraps, asked, inside) or best


def _best(
    near: bytes,
    recognised: Callable[[bytes], bool],
    *,
    known: bool,
    is_carried: bool,
    reads: Reads | None,
) -> Carriers:
    """Of the guesses that are recognised, the first that leaves nothing escaped and shows headers; else one of them."""
    escaped = _escaped(near)
    readable = known and reads is not None and reads(near, NONE).messages > 0
    best, value = NONE, (-escaped, False, False)
    for guess, is_last in _guesses(near):
        if is_last and (best or (known and not _is_indented(near))):
            break
        bare = guess.bare(near)
        if not recognised(bare):
            continue
        left, begins = _escaped(bare), _BEGINS.search(bare) is not None
        helps = not known or left < escaped or is_carried or begins
        if not helps and (readable or reads is None or not reads(bare, NONE).messages):
            continue
        worth = -left, begins, helps
        if worth == (0, True, True):
            return guess
        if not best or worth > value:
            best, value = guess, worth
    return best


def _escaped(text: bytes) -> int:
    """How many signs there are in a text that it was escaped."""
    return sum(1 for _ in _ESCAPED.finditer(text))


def _in_records(head: bytes, asked: Asked) -> Carriers | None:
    """What takes a log out of records that span lines, if there it is known."""
    for joiner in joiners_of(head):
        text = Carriers(joiner.carriers, joiner).bare(head)
        if MARK not in text:
            continue
        inner = _found(text, asked, ("records",))
        if inner or asked.recognised(text):
            return Carriers((*joiner.carriers, *inner.all), joiner)
    return None


def guesses(head: bytes) -> Iterator[bytes]:
    """What a log may be without what carries its lines, a carrier less each time; first in UTF-8 with line feeds."""
    for joiner in joiners_of(as_utf8(head)):
        text = Carriers(joiner.carriers, joiner).bare(head)
        if MARK in text:
            yield text
            yield from (carriers.bare(around(text)) for carriers, _ in _guesses(around(text)))
    if MARK not in head:
        return
    text = around(as_utf8(head))
    if text != head:
        yield text
    wraps, broken = wraps_of(text), text
    yield from _as_shown(wraps, broken)
    if wraps and not wraps[0].is_guess:
        text = wraps[0].text(broken)
    for carrier in OF_ALL:
        if _is_on_all(carrier, text):
            text = Carriers((carrier,)).bare(text)
            yield text
    for carriers, _ in _guesses(text):
        yield carriers.bare(text)
    for wrap in wraps:
        if wrap.is_guess:
            yield wrap.text(broken)
            yield wrap.opening(nothing).text(broken)


def joined(head: bytes) -> Iterator[bytes]:
    """What a log is whose lines show that they were broken to a width, once these are joined."""
    text = around(as_utf8(head))
    yield from _as_shown(wraps_of(text, guesses=False), text)


def _as_shown(wraps: list[Wrap], broken: bytes) -> Iterator[bytes]:
    """A text joined in each of the ways that it shows: words that are longer than the width look like a terminal's."""
    for wrap in wraps:
        if not wrap.is_guess:
            yield wrap.text(broken)
            yield wrap.opening(nothing).text(broken)


def around(head: bytes) -> bytes:
    """As much of the beginning as is needed to tell a log: from before the first message on."""
    place = head.find(MARK)
    begin = head.rfind(b"\n", 0, max(place - _BEFORE, 0)) + 1
    return head[begin : place + _ENOUGH]


def _guesses(head: bytes) -> Iterator[tuple[Carriers, bool]]:
    """Sets of carriers that the lines around the first message may have, each a carrier longer than the last; and
    whether they are for a text of which nothing else is known."""
    place = head.find(MARK)
    sample = head[max(place - _BEFORE, 0) : place + _AFTER].split(b"\n")[1 if place > _BEFORE else 0 : -1]
    sample = sample or head.split(b"\n")
    told: _Told = {}
    yield from ((found, False) for found in _chosen(sample, told, _ANYWHERE))
    # a prefix may be the dialect's own, behind something else
    yield from ((found, False) for found in _chosen(sample, told, 0))
    # what looks like a carrier before each line may be the dialect's own as well
    yield from ((found, False) for found in _chosen(sample, told, _ANYWHERE, anywhere=True))
    yield from ((found, True) for found in _chosen(sample, told, _ANYWHERE, prose=True))


_Told = dict[tuple[Carrier, tuple[Carrier, ...]], bool]
"""Whether lines have a carrier once others are taken off: the ways to choose ask for the same again."""


def _chosen(
    sample: list[bytes], told: _Told, late: int, *, prose: bool = False, anywhere: bool = False
) -> Iterator[Carriers]:
    """Carrier after carrier of a sample; a prefix that nobody named goes before the last `late` of the named ones."""
    chosen: tuple[Carrier, ...] = ()
    place = len(CARRIERS) - late
    for _ in range(_DEEP):
        before = () if anywhere else (*_indentation(sample, prose=prose), *CARRIERS[:place], *_prefix(sample))
        known = (*before, *CARRIERS[place:])
        filled = [line for line in sample if line.strip()]
        carrier = next((one for one in known if _is_told(one, filled, chosen, told)), None)
        if carrier is None:
            return
        chosen += (carrier,)
        yield Carriers(chosen)
        taker = Carriers((carrier,))
        sample = [text for line in sample for text, _ in taker.lines(line)]


def _is_told(carrier: Carrier, lines: list[bytes], chosen: tuple[Carrier, ...], told: _Told) -> bool:
    """Whether they have it, which is found out once."""
    key = carrier, chosen
    if key not in told:
        told[key] = _fits(carrier, lines, chosen)
    return told[key]


def _fits(carrier: Carrier, lines: list[bytes], chosen: tuple[Carrier, ...]) -> bool:
    """Whether most of the lines, of which none is empty, have a carrier."""
    if any(one.code == carrier.code for one in chosen) and carrier.code != "repaired-syslog":
        return False
    if carrier.code == "repaired-grep" and (len(lines) < 2 or not _rises(lines)):
        return False
    carried = sum(carrier.take(line) is not None for line in lines)
    return carried > 0 and carried * 100 >= carrier.share * len(lines)


def _is_carried(head: bytes) -> bool:
    """Whether all lines around the first message have a carrier that cannot be a program's own doing."""
    lines = [line for line in head.split(b"\n")[1:-1] if line.strip()]
    return len(lines) >= _FEW and any(
        one.code in _UNMISTAKABLE and all(map(one.take, lines)) and (one.code != "repaired-grep" or _rises(lines))
        for one in CARRIERS
    )


def _is_indented(head: bytes) -> bool:
    """Whether the first message is indented as the line above it is, which is none of its own then."""
    lines = [line for line in head[: head.find(b"\n", head.find(MARK))].split(b"\n") if line.strip(b"- \t\r")]
    above, first = (
        line[: len(line) - len(line.lstrip(b" \t"))] for line in (lines[-2:] if len(lines) > 1 else (b"", b""))
    )
    return above == first != b""


def _is_on_all(carrier: Carrier, head: bytes) -> bool:
    """Whether the lines of a text were all padded, or all spaced."""
    lines = [line.rstrip(b"\r") for line in head.split(b"\n")[:-1]]
    filled = [line for line in lines if line.strip()]
    if len(filled) < _FEW:
        return False
    if carrier.code != "repaired-spacing":
        return 100 * sum(carrier.take(line) is not None for line in filled) >= carrier.share * len(filled)
    return not any(one.strip() and other.strip() for one, other in pairwise(lines))


def _indentation(sample: list[bytes], *, prose: bool) -> Iterator[Carrier]:
    """What all lines begin with, if it is blank; with `prose` before and behind, those around the first message."""
    lines = [line for line in sample if line.strip()]
    if not lines or all(map(NUMBERED.match, lines)):
        return
    share = 100
    if prose:
        first = next((n for n, line in enumerate(lines) if MARK in line), 0)
        end = next((n for n in range(first, len(lines)) if lines[n][:1] not in (b" ", b"\t")), len(lines))
        lines, share = lines[first:end], 40 if end - first >= _FEW else 101
    lead = min((line[: len(line) - len(line.lstrip(b" \t"))] for line in lines), key=len, default=b"")
    if lead and all(line.startswith(lead) for line in lines):
        take = prefixed(b"(?:" + re.escape(lead) + rb"|[ \t\r]*\Z)")
        yield Carrier("repaired-indentation", "stripped of their indentation", share, take)


def _prefix(sample: list[bytes]) -> Iterator[Carrier]:
    """What stands before a Via, or a dump, if it stands before all lines but for its digits: a logger nobody named."""
    match = next((found for one in (_BEFORE_VIA, _BEFORE_ROW) for line in sample if (found := one.match(line))), None)
    if match is None or not re.search(rb"[A-Za-z0-9]", _OF_OTHERS.sub(b"", match[1])):
        return
    before = match[1]
    stamp = _STAMPED.search(before)
    cuts = (len(before), len(before)) if stamp is None else stamp.span()
    begin, inside, end = (
        _DIGITS.sub(rb"\\d+", re.escape(part)) for part in (before[: cuts[0]], before[slice(*cuts)], before[cuts[1] :])
    )
    if before[-1:] in b":-" and stamp is None and b" " not in before:
        begin = re.sub(rb"\\?[:-]\Z", b"[:-]", begin)  # grep's, which tells a line that matched from those around it
    behind = b"" if begin.endswith(b"[:-]") else b"[ \t]?"  # grep puts nothing between
    begin, end = (_WAYS.sub(lambda _: _WAYS.pattern, part) for part in (begin, end))
    inside = _NAMES.sub(lambda _: _NAMES.pattern, inside)
    take = prefixed(begin + b"(?P<stamp>" + inside + b")" + end + behind)
    yield Carrier("repaired-prefix", "stripped of what their logger writes before each", 80, take)


def _rises(lines: list[bytes]) -> bool:
    """Whether the numbers before the lines are those of lines: each greater than the last."""
    numbers = [int(match[1] or match[2]) for line in lines if (match := NUMBERED.match(line))]
    return all(one < other for one, other in pairwise(numbers))
