"""Columns to transactions (docs/rules/reconstruction.md 2, 3), as far as they are plain (docs/columnar.md).

Call-ID, CSeq and branch make one transaction. It is plain where its first message is a request that is certified, all
copies of request and answer are the same octets on the same way, no packet is there twice, copies come by Timer E, and
the answer repeats what it has to repeat. So is one that nobody answers, if it is sent again, or began so late that the
capture ends before its Timer F. Whatever else there is makes its client one for the object path.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from analyzer.columnar.columns import Values, is_again, mixed
from analyzer.columnar.crew import Crew
from analyzer.columnar.packets import Packets
from analyzer.columnar.records import Flags, Keys, Numbers, Short, Unsuited
from analyzer.columnar.scan import MOST_DIGITS
from analyzer.columnar.shapes import Shapes
from analyzer.columnar.template import PLACE
from analyzer.evidence import SECOND
from analyzer.register.timers import GRACE, SAME_PACKET_WINDOW
from analyzer.sip.timers import T1, T2, TIMER_F, TRYING_DUE

REPEATED = ("branch", "sent_by", "from_name", "from_user", "from_tag", "to_name", "to_user", "call_id", "call_host",
             "cseq")  # fmt: skip
"""What an answer repeats of its request, octet for octet (RFC 3261 8.2.6.2)."""
_OF_CONTACT = ("contact_user", "contact_place", "instance")
_AT_ONCE = 1 << 20
"""Messages that are put together at one time, about."""
_LEAST_PART = 50_000
"""Messages that are worth a process of their own."""
MOST_COPIES = 10
"""Timer E has so many within Timer F (RFC 3261 17.1.2.2)."""
_LEAST_INTERVAL, _MOST_INTERVAL = SECOND // 10, 2 * SECOND
"""Within these the first interval between copies is T1 (`rules/r3261_17_1_2_2_retransmit.py`)."""


@dataclass(slots=True)
class Exchanges:
    """Transactions in the order in which they begin; rows are those of the scan. `first` is the request, `final` its
    first answer (the request where there is none), `last` its last message; `copies` of the request, `finals` in all,
    `after` the copies that came behind the answer; `sent` is when the last copy of the request came, `closes` behind
    when it is over (nanoseconds). `call` keys the Call-ID. `plain` tells those that may be ordinary. `of` gives the
    transaction of each message, -1 for none."""

    first: Numbers
    final: Numbers
    last: Numbers
    copies: Short
    finals: Short
    after: Short
    sent: Numbers
    closes: Numbers
    call: Keys
    plain: Flags
    silent: Flags
    of: Numbers
    packets: Packets

    def __len__(self) -> int:
        return len(self.first)

    @property
    def begun(self) -> Numbers:
        """When each request came first, in nanoseconds."""
        return self.packets.time(self.first)

    @property
    def answered(self) -> Numbers:
        """When each was answered first, in nanoseconds."""
        return self.packets.time(self.final)


@dataclass(slots=True)
class _Groups:
    """Messages by transaction: the row of each, its transaction, where these begin; `sequence` is the place that each
    had before."""

    rows: Numbers
    which: Numbers
    starts: Numbers
    sequence: Numbers

    @property
    def heads(self) -> Numbers:
        """The first message of the transaction of each."""
        heads: Numbers = self.rows[self.starts][self.which]
        return heads

    def none(self, wrong: Flags) -> Flags:
        """For each transaction whether none of its messages is `wrong`."""
        right: Flags = ~np.logical_or.reduceat(wrong, self.starts)
        return right

    def count(self, flags: Flags) -> Numbers:
        """For each transaction how many of its messages have a flag."""
        counts: Numbers = np.add.reduceat(flags.astype(np.int64), self.starts)
        return counts


def readable(values: Values, shapes: Shapes) -> Flags:
    """The messages that have all that tells their transaction, in columns: of a REGISTER its user, too. What others say
    of clients has to be read (`strangers.py`)."""
    scanned = values.scanned
    lengths = scanned.layouts.lengths
    needed = [lengths[PLACE[name]] > 0 for name in ("call_id", "branch", "cseq")]
    found: Flags = np.logical_and.reduce([*needed, lengths[PLACE["cseq"]] <= MOST_DIGITS])[scanned.layout]
    found &= shapes.other | (shapes.register(np.arange(len(found))) & scanned.has("to_user"))
    return found


def exchanges_of(values: Values, shapes: Shapes, crew: Crew | None = None) -> Exchanges:
    """Put messages together to transactions: those of some clients at a time, so that what is needed on the way does
    not grow with the capture. The processes of `crew` have some of these each."""
    several = _parts(values, shapes, crew or Crew())
    sequence = np.argsort(np.concatenate([part[0] for part in several]), kind="stable")
    rank = np.empty(len(sequence), np.int64)
    rank[sequence] = np.arange(len(sequence))
    of, before = np.full(len(values.scanned.layout), -1, np.int32), 0
    for part in several:
        which, members = part.pop(), part.pop()
        of[members] = rank[which.astype(np.int64) + before]
        before += len(part[0])
    columns = [np.concatenate([part.pop(0) for part in several])[sequence] for _ in range(len(several[0]))]
    first, final, last, copies, finals, after, sent, closes, keys, plain = columns
    silent = finals == 0
    packets = values.scanned.packets
    return Exchanges(first, final, last, copies, finals, after, sent, closes, keys, plain, silent, of, packets)


def _parts(values: Values, shapes: Shapes, crew: Crew) -> list[list[npt.NDArray[Any]]]:
    rows = np.flatnonzero(readable(values, shapes))
    if not len(rows):
        raise Unsuited("no message is of a common form")
    call = values.key(rows, "call_id", "call_host")
    share = call % np.uint64(max(-(-len(rows) // _AT_ONCE), min(crew.jobs, len(rows) // _LEAST_PART)))

    def part(one: np.uint64) -> list[npt.NDArray[Any]]:
        own = share == one
        return _exchanges(values, shapes, rows[own], call[own])

    return crew.each([partial(part, one) for one in np.unique(share)])


def _exchanges(values: Values, shapes: Shapes, rows: Numbers, call: Keys) -> list[npt.NDArray[Any]]:
    """The transactions of some messages: what `Exchanges` has, in its order, and then the messages by transaction, and
    the transaction of each."""
    scanned = values.scanned
    packets = scanned.packets
    groups = _grouped(rows, mixed(call, scanned.cseq[rows], values.key(rows, "branch")))
    at, heads, which = groups.rows, groups.heads, groups.which
    is_answer, time = packets.is_response[at], packets.time(at)
    if not bool(
        (values.equal(at, heads, "call_id", "call_host", "branch") & (scanned.cseq[at] == scanned.cseq[heads])).all()
    ):
        raise Unsuited("two transactions have one key")
    place = np.arange(len(at))
    behind = np.minimum.reduceat(np.where(is_answer, place, len(at)), groups.starts)
    has_answer = behind < len(at)
    first = at[groups.starts]
    final = np.where(has_answer, at[np.minimum(behind, len(at) - 1)], first)
    begun = time[groups.starts]
    answered = packets.time(final)
    is_after = ~is_answer & (place > behind[which])
    waited = answered - np.maximum.reduceat(np.where(is_answer | is_after, 0, time), groups.starts)
    last_copy = np.maximum.reduceat(np.where(is_answer, 0, time), groups.starts)
    after = groups.count(is_after)
    closes = np.maximum(begun + GRACE, answered + TIMER_F)
    closes = np.where((after > 0) | ~has_answer, np.maximum(closes, last_copy + TIMER_F), closes)
    plain = ~is_answer[groups.starts] & groups.none(~shapes.ordinary[at])
    plain &= has_answer | _is_silence(begun, last_copy, packets.records.last)
    plain &= groups.none(~_is_on_its_way(values, at, np.where(is_answer, final[which], heads), heads, is_answer))
    plain &= groups.none(is_after & (time - answered[which] > T1))
    plain &= (waited <= TRYING_DUE) & (answered - begun < TIMER_F)
    # Its transaction is forgotten then, by the latest time of all so far, and a late copy is nobody's.
    plain &= groups.none(time >= closes[which] - SECOND)
    plain &= _is_in_time(groups, is_answer, time) & _is_in_order(groups, time)
    plain &= _repeats(values, shapes, first, final)
    last = at[np.append(groups.starts[1:], len(at)) - 1]
    rows_of_each = [column.astype(np.int32) for column in (first, final, last)]
    copies, finals = groups.count(~is_answer) - 1, groups.count(is_answer)
    counts = [column.astype(np.uint16) for column in (copies, finals, after)]
    members = [column.astype(np.uint32) for column in (at, which)]
    return [*rows_of_each, *counts, last_copy, closes, call[groups.sequence[groups.starts]], plain, *members]


def _is_silence(begun: Numbers, last_copy: Numbers, end: int) -> Flags:
    """Whether requests without an answer tell by themselves what became of them (`register/responding.py`): they are
    sent again, until Timer F at the latest, or the capture ends before that."""
    found: Flags = (last_copy - begun <= TIMER_F) & ((last_copy > begun) | (end - begun < TIMER_F))
    return found


def _grouped(rows: Numbers, keys: Keys) -> _Groups:
    sequence = np.argsort(keys, kind="stable")
    ordered = keys[sequence]
    is_new = ~is_again(ordered)
    return _Groups(rows[sequence], np.cumsum(is_new) - 1, np.flatnonzero(is_new), sequence)


def _is_on_its_way(values: Values, rows: Numbers, originals: Numbers, heads: Numbers, is_answer: Flags) -> Flags:
    """Whether each message is the octets of the first of its kind, and goes between the ends of its request."""
    packets = values.scanned.packets
    source, target = packets.source, packets.target
    one, two = np.where(is_answer, target[rows], source[rows]), np.where(is_answer, source[rows], target[rows])
    found: Flags = (one == source[heads]) & (two == target[heads])
    again = np.flatnonzero(rows != originals)
    found[again] &= values.copies(rows[again], originals[again])
    return found


def _is_in_time(groups: _Groups, is_answer: Flags, time: Numbers) -> Flags:
    """Whether no packet is there twice, and copies of the request come by Timer E (RFC 3261 17.1.2.2)."""
    plain = np.ones(len(groups.starts), np.bool_)
    for kind in (is_answer, ~is_answer):
        rows = np.flatnonzero(kind)
        which = groups.which[rows]
        again = np.flatnonzero(is_again(which))
        plain[which[again[time[rows[again]] - time[rows[again - 1]] < SAME_PACKET_WINDOW]]] = False
    asked = np.add.reduceat((~is_answer).astype(np.int64), groups.starts)
    plain &= asked <= MOST_COPIES + 1
    due = np.zeros(len(asked), np.int64)
    for copy in range(1, MOST_COPIES + 1):
        several = np.flatnonzero(plain & (asked > copy))
        interval = _time_of(groups, is_answer, time, several, copy) - _time_of(
            groups, is_answer, time, several, copy - 1
        )
        if copy == 1:
            wrong = (interval < _LEAST_INTERVAL) | (interval > _MOST_INTERVAL)
            due[several] = np.minimum(2 * interval, T2)
        else:
            wrong = (10 * interval < 6 * due[several]) | (2 * interval > 3 * due[several])
            due[several] = np.minimum(2 * due[several], T2)
        plain[several[wrong]] = False
    return plain


def _is_in_order(groups: _Groups, time: Numbers) -> Flags:
    """Whether no message has an earlier time than the one before, as those that two processors took may have."""
    return groups.none(is_again(groups.which) & (np.diff(time, prepend=0) < 0))


def _time_of(groups: _Groups, is_answer: Flags, time: Numbers, which: Numbers, copy: int) -> Numbers:
    """When the copies of that number of the requests of some transactions came."""
    requests = np.cumsum(~is_answer)
    before: Numbers = requests[groups.starts] - ~is_answer[groups.starts]
    rows = np.flatnonzero(~is_answer)
    found: Numbers = time[rows[before[which] + copy]]
    return found


def _repeats(values: Values, shapes: Shapes, first: Numbers, final: Numbers) -> Flags:
    """Whether answers repeat what they have to, and list the contact that was asked for."""
    found = values.equal(final, first, *REPEATED)
    grants = np.flatnonzero(shapes.statuses(final) == 200)
    found[grants] &= values.equal(final[grants], first[grants], *_OF_CONTACT)
    tagged = np.flatnonzero(shapes.each(lambda shape: shape.has_to_tag, first))
    found[tagged] &= values.equal(final[tagged], first[tagged], "to_tag")
    return found
