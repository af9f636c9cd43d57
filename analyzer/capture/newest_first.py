"""Logs that list the newest message first, as exports of log servers and tables of capture servers do.

Read as it stands, such a text would have every answer before its request, and a clock that is set back at each line. So
its messages are given out in the order of their times, where all of the text shows it: no message is later than the one
above it, and at least two are earlier (or one is, and it is the request that the message above it answers, RFC 3261
17.1.3). The first step forward ends that: a text that steps back here and there is read as it stands, and what stepped
back is judged. A text whose CSeq numbers rise while its times fall was written in its order, by a strange clock.

Some list the newest call first, and the messages of each in their order. A step forward within a call is none of the
text then, if what stands below is not later than the beginning of what stands above.

Messages of one time are turned round with the others, as the text lists them in that order as well, but where requests
stand above their answers among them: then each second is listed in its own order.

A text without times is turned round where it lists every answer above its request, and every number of CSeq above the
next lower one, at least two in all, and none the other way.

To know that, messages are kept while they run backwards; of a log in its own order that is one or two, or those of one
call. Beyond `MOST` messages or `MOST_OCTETS` they are given out as they stand, and the source says so: the memory stays
bounded.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.capture.text.exchanges import Exchanged, Order, call_of, exchanged
from analyzer.defect import Defect
from analyzer.evidence import Item, RawMessage, Source, has_ended

MOST, MOST_OCTETS = 200_000, 128 << 20
"""Messages, and octets of them, that are kept at most while they run backwards."""
STEPS = 2
"""Steps back, at least, without any forward."""
WITHIN = 64
"""Messages of one call that are kept without a step back, at most."""
CODE = "repaired-turned"
SAYS = "turned round, where the text lists the newest message first"
TURNED = "The text lists the newest message first: it was turned round, to the order of its times."
TURNED_UNTIMED = "The text lists answers above their requests, all through: it was turned round."
TOO_LONG = "The text lists the newest message first, and is too long to be turned round: sort it by time."


class _Backwards:
    """Whether the messages of a text still run backwards: `fits` is asked of each. `steps` counts the steps back,
    `onward` those forward within a call; `untimed` are the exchanges of a text without times."""

    def __init__(self) -> None:
        self.steps = self.onward = 0
        self.untimed: Order | None = None
        self._last: int | None = None
        self._call: bytes | None = None
        self._begin = 0
        self._ceiling: int | None = None
        self._count = 0

    def fits(self, item: Item) -> bool:
        time, last = item.time, self._last
        if time is None or self.untimed is not None:
            return time is None and last is None and self._fits_untimed(item)
        call = call_of(item.payload) if isinstance(item, RawMessage) else None
        if last is None or time < last:
            if last is not None and time > self._begin:
                return False  # a step back within a call that had gone on
            self.steps += last is not None
            self._ceiling = None if last is None else self._begin
            self._begin, self._count = time, 0
        elif time > last:
            above = self._ceiling is None or time <= self._ceiling
            if call is None or call != self._call or not above or self._count >= WITHIN:
                return False
            self.onward += 1
        self._count += 1
        self._last, self._call = time, call
        return True

    def _fits_untimed(self, item: Item) -> bool:
        """The same where no time tells it: no exchange is in its order so far."""
        one = exchanged(item.payload, self._count) if isinstance(item, RawMessage) else None
        if one is None:
            return False
        self.untimed = self.untimed or Order(together=False)
        self.untimed.add(one)
        self._count += 1
        return not self.untimed.onward


def in_time_order(items: Iterator[Item], source: Source) -> Iterator[Item]:
    """The items of a log in its order, or turned round where it runs backwards from its beginning to its end. A log
    that is still written grows at its end, and is read as it stands."""
    if source.goes_on is not has_ended:
        yield from items
        return
    held: list[Item] = []
    octets = 0
    order = _Backwards()
    try:
        for item in items:
            octets += len(item.payload) if isinstance(item, RawMessage) else 0
            is_over = len(held) >= MOST or octets > MOST_OCTETS
            if is_over and order.steps >= STEPS:
                source.quality.append(TOO_LONG)
            if is_over or not order.fits(item):
                yield from (*held, item)
                held = []
                break
            held.append(item)
    except KeyboardInterrupt:
        yield from _turned(held, source, order)
        raise
    yield from _turned(held, source, order)
    yield from items


def _turned(held: list[Item], source: Source, order: _Backwards) -> Iterator[Item]:
    """What was kept at the end of a text that runs backwards all through."""
    if not held or not _is_newest_first(held, order):
        yield from held
        return
    source.quality.append(TURNED if order.untimed is None else TURNED_UNTIMED)
    defect = Defect(CODE, f"the messages were {SAYS}")
    same = Order(_exchanges(held), together=True)
    in_seconds = order.untimed is None and (order.onward or same.onward > same.backward)
    for item in sorted(held, key=lambda one: one.time or 0) if in_seconds else reversed(held):
        if isinstance(item, RawMessage):
            item.defects = (defect, *item.defects)
        yield item


def _is_newest_first(held: list[Item], order: _Backwards) -> bool:
    """Whether steps back are those of a list, and not of a clock."""
    if order.untimed is not None:
        return order.untimed.backward >= STEPS
    if not order.steps:
        return False
    apart = Order(_exchanges(held), together=False)
    if order.onward:  # then no call runs backwards, and none goes on below another
        return order.steps >= STEPS and not apart.answered and not _goes_on(held)
    if apart.onward > apart.backward:
        return False
    return order.steps >= STEPS or _is_answered_before(held)


def _exchanges(held: list[Item]) -> Iterator[Exchanged]:
    for item in held:
        if isinstance(item, RawMessage) and (one := exchanged(item.payload, item.time)) is not None:
            yield one


def _goes_on(held: list[Item]) -> bool:
    """Whether a call goes on below a step back, with a greater number: the text is in order then, and its clock was set
    back."""
    last: dict[bytes, Exchanged] = {}
    above: int | None = None
    since: dict[bytes, Exchanged] = {}
    for item in held:
        if above is not None and item.time is not None and item.time < above:
            last.update(since)
            since = {}
        above = item.time
        if not isinstance(item, RawMessage) or (one := exchanged(item.payload, item.time)) is None:
            continue
        if one.call in last and one.number > last[one.call].number:
            return True
        since[one.call] = one
    return False


def _is_answered_before(held: list[Item]) -> bool:
    """Whether an answer stands above its request: the same Call-ID and CSeq, and an earlier time."""
    answers: dict[tuple[bytes, int, bytes], int] = {}
    for one in _exchanges(held):
        assert isinstance(one.time, int)
        if one.is_answer:
            answers.setdefault((one.call, one.number, one.method), one.time)
        elif one.time < answers.get((one.call, one.number, one.method), 0):
            return True
    return False
