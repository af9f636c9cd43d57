"""The course of each client: whether its transactions follow each other as those of an ordinary client do
(docs/columnar.md).

It is looked at for some clients at a time, so that what is needed on the way does not grow with the capture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analyzer.columnar.columns import Values
from analyzer.columnar.exchanges import Exchanges
from analyzer.columnar.facts import date_of
from analyzer.columnar.records import Flags, Numbers, rows_of
from analyzer.columnar.shapes import Shapes
from analyzer.evidence import SECOND
from analyzer.judge.parameters import BRUTE, is_scanner
from analyzer.register.challenges import MOST_NONCES
from analyzer.register.listed import LEFT_OVER_AFTER
from analyzer.register.timers import AUTH_LINK
from analyzer.register.told_time import TOLERANCE
from analyzer.sip.timers import TIMER_F

_AT_ONCE = 1 << 18
"""Transactions that are looked at together, about: a client is not cut in two."""
_CONSTANT = ("from_name", "from_user", "from_tag", "to_name", "to_user", "call_id", "call_host", "sent_by",
             "contact_user", "contact_place", "instance")  # fmt: skip
_LEAST_NONCE, _MD5, _COUNT = 16, 32, 8
"""Characters of a nonce that is long enough, of a response, and of a nonce count."""
_STEPS = 2**31
_MINUTE = 60


class Course:
    """The transactions of some clients, by client and time: `clients` are these, `starts` is where those of each begin
    in `order`, `sizes` how many they are. `before` is the place of each one's predecessor (its own for the first),
    `is_grant` tells those that end with 200, `asks` those that end with a challenge (all others, if it is not said),
    `is_refusal` those that end an attempt without success, `silent` those without an answer. Places are those in this
    order: `asked` is that of the latest challenge before each, `granted` of the latest grant before it, -1 where there
    is none."""

    def __init__(
        self,
        clients: slice,
        order: Numbers,
        starts: Numbers,
        sizes: Numbers,
        is_grant: Flags,
        asks: Flags | None = None,
        is_refusal: Flags | None = None,
        silent: Flags | None = None,
    ) -> None:
        self.clients, self.order, self.starts, self.sizes, self.is_grant = clients, order, starts, sizes, is_grant
        self.asks = ~is_grant if asks is None else asks
        nobody = np.zeros(len(order), np.bool_)
        self.is_refusal = nobody if is_refusal is None else is_refusal
        self.silent = nobody if silent is None else silent
        place = np.arange(len(order))
        self.index = place - self.spread(starts)
        self.is_first = self.index == 0
        self.before = np.where(self.is_first, place, place - 1)
        self.asked, self.granted = self._latest(self.asks), self._latest(is_grant)

    def spread(self, told: npt.NDArray[Any]) -> Any:
        """What is told of each client, for each of its transactions."""
        return np.repeat(told, self.sizes)

    def firsts(self, wanted: Flags) -> Numbers:
        """Of each client the place of its first transaction that is wanted, or of its first of all."""
        place = np.where(wanted, np.arange(len(self.order)), len(self.order))
        found = np.minimum.reduceat(place, self.starts)
        return np.where(found < len(self.order), found, self.starts)

    @property
    def is_troubled(self) -> Flags:
        """For each transaction whether its client is refused at any time."""
        found: Flags = self.spread(np.logical_or.reduceat(self.is_refusal, self.starts))
        return found

    @property
    def refusals(self) -> Numbers:
        """How often the client of each transaction was refused, up to that."""
        return self._counted(self.is_refusal)

    @property
    def silences(self) -> Numbers:
        """How often the client of each transaction had no answer, up to that."""
        return self._counted(self.silent)

    def _counted(self, flags: Flags) -> Numbers:
        counts = np.cumsum(flags)
        found: Numbers = counts - self.spread((counts - flags)[self.starts])
        return found

    def _latest(self, wanted: Flags) -> Numbers:
        """The place of the latest one before each that is wanted, of the same client."""
        place = np.arange(len(self.order))
        own = np.maximum.accumulate(np.where(wanted, place, -1)) if len(place) else place
        found = np.append(-1, own[:-1])[: len(place)]
        return np.where(found >= place - self.index, found, -1)


def courses_of(
    shapes: Shapes, exchanges: Exchanges, order: Numbers, starts: Numbers, sizes: Numbers
) -> Iterator[Course]:
    """The courses of all clients, whose transactions are `order` (`Clients`), some clients at a time."""
    cuts = np.searchsorted(starts, np.arange(0, len(order), _AT_ONCE)).tolist()
    for begin, end in zip(cuts, [*cuts[1:], len(starts)], strict=True):
        if begin < end:
            first, last = starts[begin], starts[end - 1] + sizes[end - 1]
            own = order[first:last]
            status = shapes.statuses(exchanges.final[own])
            kinds = status == 200, status == 401, is_refused(shapes, exchanges, own)
            of = starts[begin:end] - first, sizes[begin:end]
            yield Course(slice(begin, end), own, *of, *kinds, exchanges.silent[own])


def is_refused(shapes: Shapes, exchanges: Exchanges, which: Numbers) -> Flags:
    """Whether transactions end an attempt without success: with a refusal, or another challenge for credentials that
    they brought, which does not call their nonce too old (`register/attempt.py`)."""
    final = exchanges.final[which]
    status = shapes.statuses(final)
    again = shapes.carry(exchanges.first[which]) & (shapes.each(lambda shape: shape.stale, final) == 0)
    refused: Flags = (status > 200) & ((status != 401) | again)
    return refused


@dataclass(slots=True)
class Manner:
    """What an ordinary client does until the `end` of the capture. `carried` tells of each message how many had a nonce
    by then, and after `most_nonces` of them one may be forgotten. Its own times and those of the whole capture, by
    which the object path lets things end, are `slack` nanoseconds apart at most."""

    values: Values
    shapes: Shapes
    exchanges: Exchanges
    end: int
    carried: Numbers
    most_nonces: int
    slack: int

    def keeps(self, course: Course) -> Flags:
        """Whether each client of a course does what an ordinary one does."""
        values, shapes, exchanges = self.values, self.shapes, self.exchanges
        order, is_first, before = course.order, course.is_first, course.before
        first, final, last = exchanges.first[order], exchanges.final[order], exchanges.last[order]
        packets = values.scanned.packets
        heads = course.spread(first[course.starts])
        cseq = values.scanned.cseq[first].astype(np.int64)
        right = is_first | (cseq == cseq[before] + 1)
        right &= is_first | ((last[before] < first) & (packets.time(last)[before] <= packets.time(first)))
        right &= cseq < _STEPS
        right &= is_first | (np.abs(exchanges.closes[order[before]] - exchanges.begun[order]) >= self.slack)
        right &= values.equal(first, heads, *_CONSTANT)
        names = shapes.alike(lambda shape: shape.named, first)
        right &= names == course.spread(names[course.starts])
        right &= (packets.source[first] == packets.source[heads]) & (packets.target[first] == packets.target[heads])
        right &= course.silent | (last - final < MOST_NONCES // 2)
        waited = exchanges.begun[order] - exchanges.begun[order[before]]
        right &= is_first | ~course.silent[before] | (waited >= TIMER_F)
        right &= ~course.silent | (course.granted < 0) | (exchanges.copies[order] > 0)  # else it may have been renewed
        right &= self._asks_and_answers(course) & ~self._guesses(course)
        right &= self._is_held(course) & self._tells_time(course)
        right &= course.spread(self._is_seen_to_its_end(course))
        least = 10 ** (values.scanned.size("cseq", first).astype(np.int64) - 1)
        right &= least <= np.maximum(cseq, 1)  # no nought before it
        keeps: Flags = np.logical_and.reduceat(right, course.starts)
        return keeps

    def _is_seen_to_its_end(self, course: Course) -> Flags:
        """Whether what each client was granted last has not run out long before the end; not at all, where it is
        refused behind that."""
        shapes, exchanges, order = self.shapes, self.exchanges, course.order
        lasts = course.starts + course.sizes - 1
        latest = np.where(course.is_grant[lasts], lasts, course.granted[lasts])
        seconds = _granted(shapes, exchanges.final[order[latest]])
        until = exchanges.answered[order[latest]] + np.where(latest == lasts, 3, 1) * seconds
        found: Flags = (latest < 0) | (until - np.where(latest == lasts, 0, self.slack) > self.end)
        return found

    def _asks_and_answers(self, course: Course) -> Flags:
        """Whether challenges and credentials follow each other as they should: a challenge is answered by the next
        request, which is granted or refused; all credentials answer the latest challenge, and count how often
        (RFC 7616 3.4)."""
        values, shapes, exchanges = self.values, self.shapes, self.exchanges
        order, is_grant, refused, asks = course.order, course.is_grant, course.is_refusal, course.asks
        first, final = exchanges.first[order], exchanges.final[order]
        credentials, stale = shapes.carry(first), shapes.each(lambda shape: shape.stale, final) > 0
        is_end = is_grant | refused | course.silent
        right = np.where(is_end, refused | (credentials ^ course.silent), asks & (credentials == stale))
        right &= np.where(course.is_first, ~is_grant & ~credentials, is_end[course.before] | (is_end & credentials))
        right &= course.spread(is_end[course.starts + course.sizes - 1])
        right &= ~asks | (values.scanned.size("nonce", final) >= _LEAST_NONCE)
        right &= ~credentials | (values.scanned.size("response", first) == _MD5)
        wanted, given = (shapes.alike(lambda shape: shape.realm, rows) for rows in (first, final))
        own = course.spread(given[course.firsts(asks)])  # what stands for another realm stands for longer
        right &= (~asks | (given == own)) & (~credentials | (wanted == own))
        at = np.flatnonzero(credentials & (course.asked >= 0))
        right &= ~credentials | (course.asked >= 0)
        asked = course.asked[at]
        # Who is refused answers each challenge at once, with a nonce that is new.
        right &= ~course.is_troubled | ~credentials | ((course.asked == course.before) & (is_end | ~asks))
        challenge = final[asked]
        right[at] &= values.equal(first[at], challenge, "nonce", "opaque")
        leaders = course.spread(course.firsts(credentials))
        right[at] &= values.equal(first[at], first[leaders[at]], "username")
        linked = exchanges.begun[order[at]] - exchanges.answered[order[asked]] <= AUTH_LINK
        right[at] &= linked | (asked < at - 1)
        right[at] &= _is_counted(values, first[at], at - asked)
        right[at] &= (
            self.carried[first[at]] - self.carried[challenge] < self.most_nonces
        )  # it is remembered for certain
        return right

    def _guesses(self, course: Course) -> Flags:
        """Whether each transaction is one more try of a program that calls itself a scanner, of so many that it matters
        how fast they came (`rules/det_brute_user.py`)."""
        first = self.exchanges.first[course.order]
        scans = self.shapes.each(lambda shape: is_scanner(shape.example.user_agent), first) > 0
        found: Flags = scans & (guesses_of(self.shapes, self.exchanges, course) >= BRUTE)
        return found

    def _is_held(self, course: Course) -> Flags:
        """Whether each transaction falls into the time that was granted before, and each answer looks back to where its
        request came from as the first of its kind does."""
        values, shapes, exchanges = self.values, self.shapes, self.exchanges
        order = course.order
        begun, answered, final = exchanges.begun[order], exchanges.answered[order], exchanges.final[order]
        at = np.flatnonzero(course.granted >= 0)
        grant = course.granted[at]
        until = answered[grant] + _granted(shapes, final[grant])
        held = np.ones(len(order), np.bool_)
        ends = course.is_grant[at] | course.is_refusal[at]
        held[at] = np.where(ends, answered[at], begun[at]) <= until - self.slack
        heads = course.spread(course.firsts(~course.silent))
        heads = np.where(course.is_grant, course.spread(course.firsts(course.is_grant)), heads)
        held &= course.silent | values.equal(final, final[heads], "received", "rport", "contact_seen")
        later = at[course.is_grant[at]]
        sooner = course.granted[later]
        end, left = (answered[place] + _granted(shapes, final[place]) for place in (later, sooner))
        waited = answered[later] - answered[sooner]
        held[later] &= (waited < LEFT_OVER_AFTER) | (
            np.abs(end - left) > SECOND
        )  # else it may be that nothing was renewed
        return held

    def _tells_time(self, course: Course) -> Flags:
        """Whether the Date of each answer, where it has one, is right, and no grant tells an earlier time than the one
        before (`rules/r3261_20_17_date.py`)."""
        values, exchanges = self.values, self.exchanges
        final = exchanges.final[course.order]
        right, told = np.ones(len(final), np.bool_), np.zeros(len(final), np.int64)
        dated = np.flatnonzero(values.scanned.size("date", final) > 0)
        texts, times = values.texts(final[dated], "date"), exchanges.packets.time(final[dated])
        for at, written, time in zip(dated.tolist(), texts, times.tolist(), strict=True):
            date = date_of(written)
            right[at] = date is not None and abs(date - time // SECOND) < _MINUTE
            told[at] = date or 0
        later = np.flatnonzero(course.is_grant & (course.granted >= 0))
        now, before = told[later], told[course.granted[later]]
        right[later] &= ((now > 0) == (before > 0)) & (now >= before - TOLERANCE)
        return right


def guesses_of(shapes: Shapes, exchanges: Exchanges, course: Course) -> Numbers:
    """How often the credentials of each client were refused for what they are, up to each transaction
    (`register/guesses.py`)."""
    order = course.order
    status = shapes.statuses(exchanges.final[order])
    guessed = shapes.carry(exchanges.first[order]) & course.is_refusal & ((status == 401) | (status == 403))
    counts = np.cumsum(guessed)
    found: Numbers = counts - course.spread((counts - guessed)[course.starts])
    return found


def _is_counted(values: Values, rows: Numbers, uses: Numbers) -> Flags:
    """Whether requests tell how often their nonce was used, or it is new and they tell nothing."""
    sizes = values.scanned.size("nc", rows)
    found: Flags = (sizes == 0) & (uses == 1)
    eight = np.flatnonzero(sizes == _COUNT)
    digits = rows_of(values.scanned.packets.records.octets, values.scanned.place("nc", rows[eight]), _COUNT)
    number = np.zeros(len(eight), np.int64)
    for column in range(_COUNT):
        number = number * 16 + (digits[:, column] & 0xF) + 9 * (digits[:, column] >> 6)
    found[eight] = number == uses[eight]
    return found


def _granted(shapes: Shapes, rows: Numbers) -> Numbers:
    """For how long each of these grants is one, in nanoseconds."""
    return shapes.each(lambda shape: shape.expires, rows) * SECOND
