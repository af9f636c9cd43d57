"""Columns to transactions (docs/rules/reconstruction.md 2, 3), as far as they are plain (docs/columnar.md).

Call-ID, CSeq and branch make one transaction. It is plain where its first message is a request that is certified, all
copies of request and answer are the same octets on the same way, no packet is there twice, copies come by Timer E, and
the answer repeats what it has to repeat. Whatever else there is makes its client one for the object path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.columnar.columns import Keys, Values, mixed
from analyzer.columnar.records import Flags, Numbers, Unsuited
from analyzer.columnar.shapes import Shapes
from analyzer.columnar.template import PLACE
from analyzer.evidence import SECOND
from analyzer.register.timers import GRACE, SAME_PACKET_WINDOW
from analyzer.sip.timers import T1, T2, TIMER_F, TRYING_DUE

_REPEATED = ("branch", "sent_by", "from_name", "from_user", "from_tag", "to_name", "to_user", "call_id", "call_host",
             "cseq")  # fmt: skip
"""What an answer repeats of its request, octet for octet (RFC 3261 8.2.6.2)."""
_OF_CONTACT = ("contact_user", "contact_place", "instance")
MOST_COPIES = 3
_LEAST_INTERVAL, _MOST_INTERVAL = SECOND // 10, 2 * SECOND
"""Within these the first interval between copies is T1 (`rules/r3261_17_1_2_2_retransmit.py`)."""
MOST_DIGITS = 9


@dataclass(slots=True)
class Exchanges:
    """Transactions in the order in which they begin; rows are those of the scan. `first` is the request, `final` its
    first answer (the request where there is none), `last` its last message; `copies` of the request, `finals` in all,
    `after` the copies that came behind the answer; `begun` and `answered` in nanoseconds; `closes` is the time behind
    which it is over. `call` keys the Call-ID. `plain` tells those that may be ordinary. `of` gives the transaction of
    each message, -1 for none."""

    first: Numbers
    final: Numbers
    last: Numbers
    copies: Numbers
    finals: Numbers
    after: Numbers
    begun: Numbers
    answered: Numbers
    closes: Numbers
    call: Keys
    plain: Flags
    of: Numbers

    def __len__(self) -> int:
        return len(self.first)


@dataclass(slots=True)
class _Groups:
    """Messages by transaction: the row of each, its transaction, where these begin, and the row of the first."""

    rows: Numbers
    which: Numbers
    starts: Numbers

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


def readable(values: Values) -> Flags:
    """The messages that have all that tells their transaction, in columns."""
    scanned = values.scanned
    found = scanned.known.copy()
    for name in ("call_id", "branch", "cseq", "to_user"):
        found &= scanned.lengths[PLACE[name]] > 0
    found &= scanned.lengths[PLACE["cseq"]] <= MOST_DIGITS
    return found


def exchanges_of(values: Values, shapes: Shapes) -> Exchanges:
    """Put messages together to transactions."""
    scanned = values.scanned
    packets = scanned.packets
    rows = np.flatnonzero(readable(values))
    if not len(rows):
        raise Unsuited("no message is of a common form")
    call = values.key(rows, "call_id", "call_host")
    groups = _grouped(rows, mixed(call, scanned.cseq[rows], values.key(rows, "branch")))
    at, heads, which = groups.rows, groups.heads, groups.which
    is_answer, time = packets.is_response[at], packets.records.time[packets.plain[at]]
    if not bool(
        (values.equal(at, heads, "call_id", "call_host", "branch") & (scanned.cseq[at] == scanned.cseq[heads])).all()
    ):
        raise Unsuited("two transactions have one key")
    count = len(groups.starts)
    place = np.arange(len(at))
    behind = np.minimum.reduceat(np.where(is_answer, place, len(at)), groups.starts)
    has_answer = behind < len(at)
    final = np.where(has_answer, at[np.minimum(behind, len(at) - 1)], at[groups.starts])
    begun = time[groups.starts]
    answered = packets.records.time[packets.plain[final]]
    is_after = ~is_answer & (place > behind[which])
    last_copy = np.maximum.reduceat(np.where(is_answer, 0, time), groups.starts)
    after = groups.count(is_after)
    closes = np.maximum(begun + GRACE, answered + TIMER_F)
    closes = np.where(after > 0, np.maximum(closes, last_copy + TIMER_F), closes)
    plain = has_answer & ~is_answer[groups.starts] & groups.none(~shapes.ordinary[at])
    plain &= groups.none(~_is_on_its_way(values, at, np.where(is_answer, final[which], heads), heads, is_answer))
    plain &= groups.none(is_after & (time - answered[which] > T1)) & (answered - begun <= TRYING_DUE)
    plain &= _is_in_time(groups, is_answer, time)
    plain &= _repeats(values, shapes, at[groups.starts], final)
    ends = np.append(groups.starts[1:], len(at)) - 1
    keys = values.key(at[groups.starts], "call_id", "call_host")
    of = np.full(len(scanned.known), -1, np.int64)
    sequence = np.argsort(at[groups.starts], kind="stable")
    rank = np.empty(count, np.int64)
    rank[sequence] = np.arange(count)
    of[at] = rank[which]
    copies, finals = groups.count(~is_answer) - 1, groups.count(is_answer)
    return Exchanges(
        first=at[groups.starts][sequence],
        final=final[sequence],
        last=at[ends][sequence],
        copies=copies[sequence],
        finals=finals[sequence],
        after=after[sequence],
        begun=begun[sequence],
        answered=answered[sequence],
        closes=closes[sequence],
        call=keys[sequence],
        plain=plain[sequence],
        of=of,
    )


def _grouped(rows: Numbers, keys: Keys) -> _Groups:
    sequence = np.argsort(keys, kind="stable")
    ordered = keys[sequence]
    is_new = np.append(True, ordered[1:] != ordered[:-1])
    return _Groups(rows[sequence], np.cumsum(is_new) - 1, np.flatnonzero(is_new))


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
        again = np.flatnonzero(which[1:] == which[:-1]) + 1
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


def _time_of(groups: _Groups, is_answer: Flags, time: Numbers, which: Numbers, copy: int) -> Numbers:
    """When the copies of that number of the requests of some transactions came."""
    requests = np.cumsum(~is_answer)
    before: Numbers = requests[groups.starts] - ~is_answer[groups.starts]
    rows = np.flatnonzero(~is_answer)
    found: Numbers = time[rows[before[which] + copy]]
    return found


def _repeats(values: Values, shapes: Shapes, first: Numbers, final: Numbers) -> Flags:
    """Whether answers repeat what they have to, and list the contact that was asked for."""
    found = values.equal(final, first, *_REPEATED)
    grants = np.flatnonzero(shapes.column([shape.status for shape in shapes.all])[final] == 200)
    found[grants] &= values.equal(final[grants], first[grants], *_OF_CONTACT)
    return found
