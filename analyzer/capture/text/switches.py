"""Messages held back until the zone of their stamps is known.

Date headers tell the zone, and they stand in answers: a request is printed before it. So messages wait, at first until
a few Date headers are there, later for the next one of the server, in bounded number. When that one says that the zone
has changed, the change is put where the stamps show it: at a step back as summer time ends, at a step forward as it
begins. Where no step shows it (an hour of silence, then the same hour again), the messages of the last half minute
before the Date header follow it; so a request and its answer are always in the same zone.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from analyzer.capture.text.clock import Clock, Moment, Setting
from analyzer.capture.text.exchanges import Order, exchanged
from analyzer.capture.text.stamps import parse_date
from analyzer.evidence import RawMessage

WAIT_MESSAGES, WAIT_OCTETS, WAIT_VOTES, WAIT_AFTER = 20_000, 8 << 20, 5, 64
"""Held back until the zone is known: so many messages, octets, Date headers, messages after the first Date header."""
KEEP_MESSAGES, KEEP_OCTETS = 512, 1 << 20
"""Held back later, for the next Date header of the server."""
STEP, BACK, GROUP = 600, 60, 32
"""Seconds: a step forward, a step back, that a change of the zone may have made; what belongs to a Date header."""

_DATE = re.compile(rb"\r\ndate[ \t]*:([^\r\n]{1,80})", re.IGNORECASE)


class Held(NamedTuple):
    """A message that waits; `sure` is the setting that its own Date header tells."""

    raw_message: RawMessage
    moment: Moment | None
    sure: Setting | None


class Waiting:
    """`add` messages; those whose time is known come out, in order. `finish` gives the rest.

    `on_decided` is called when the clock is settled for the first time, before a message comes out. `may_turn` says
    that the stamps are those of the messages alone: where exchanges stand the other way round, they are followed anew.
    """

    def __init__(self, clock: Clock, on_decided: Callable[[], None], *, may_turn: bool = False) -> None:
        self._clock = clock
        self._may_turn = may_turn
        self._on_decided = on_decided
        self._held: deque[Held] = deque()
        self._octets = 0
        self._after = 0
        self._last: Moment | None = None
        self._decided = False

    def add(self, held: Held) -> Iterator[RawMessage]:
        """Take the next message."""
        self._held.append(held)
        self._octets += len(held.raw_message.payload)
        if not self._decided:
            self._after += self._clock.count > 0
            if self._is_enough():
                yield from self.settle()
        elif held.sure is not None:
            yield from self._release(len(self._held), held.sure)
        elif self._clock.setting is None:
            yield from self._release(len(self._held))
        elif len(self._held) > KEEP_MESSAGES or self._octets > KEEP_OCTETS:
            yield from self._release(1)

    def _is_enough(self) -> bool:
        return (
            len(self._held) >= WAIT_MESSAGES
            or self._octets >= WAIT_OCTETS
            or self._clock.count >= WAIT_VOTES
            or self._after >= WAIT_AFTER
        )

    def settle(self) -> Iterator[RawMessage]:
        """Decide on a zone, and release what comes before the last Date header that is sure."""
        self._decided = True
        if self._may_turn and self._is_newest_first():
            self._turn_back()
        self._clock.decide(next((held.sure for held in self._held if held.sure is not None), None))
        self._on_decided()
        waiting, self._held = self._held, deque()
        while waiting:
            held = waiting.popleft()
            self._held.append(held)
            if held.sure is not None:
                yield from self._release(len(self._held), held.sure)
        if self._clock.setting is None:
            yield from self._release(len(self._held))

    def _is_newest_first(self) -> bool:
        """Whether stamps lack their year or day, and the messages show that the text lists the newest first."""
        if all(held.moment is None or held.moment.stamp.year is not None for held in self._held):
            return False
        found = (exchanged(held.raw_message.payload, place) for place, held in enumerate(self._held))
        order = Order((one for one in found if one is not None), together=False)
        return order.backward > order.onward

    def _turn_back(self) -> None:
        """Follow the stamps from the latest back, and ask Date headers once more."""
        self._clock.turn_back()
        for place, held in enumerate(self._held):
            if held.moment is None or (moment := self._clock.follow(held.moment.stamp)) is None:
                continue
            match = _DATE.search(held.raw_message.payload)
            date = None if match is None else parse_date(match[1])
            sure = None if date is None else self._clock.vote(moment, date, sent=held.sure is not None)
            self._held[place] = held._replace(moment=moment, sure=sure)

    def finish(self) -> Iterator[RawMessage]:
        """What is left at the end of the log."""
        if not self._decided:
            yield from self.settle()
        yield from self._release(len(self._held))

    def _release(self, count: int, sure: Setting | None = None) -> Iterator[RawMessage]:
        """Release the first `count` messages, the last of which tells `sure`."""
        old = self._clock.setting
        change = count if sure is None or old is None or sure == old else self._change(sure)
        for index in range(count):
            if index == change and sure is not None:
                self._clock.switch(sure)
            held = self._held.popleft()
            self._octets -= len(held.raw_message.payload)
            held.raw_message.time = self._clock.time(held.moment)
            self._last = held.moment or self._last
            yield held.raw_message

    def _change(self, sure: Setting) -> int:
        """Index of the first held message that the setting told by the last one holds for."""
        times = [None if held.moment is None else self._clock.seconds(held.moment) for held in self._held]
        before = None if self._last is None else self._clock.seconds(self._last)
        steps: list[tuple[int, int]] = []
        for index, time in enumerate(times):
            if time is not None and before is not None:
                steps.append((time - before, -index))
            before = time if time is not None else before
        later = self._shift(sure)
        lowest, highest = min(steps, default=(0, 0)), max(steps, default=(0, 0))
        if later > 0 and lowest[0] < -BACK:
            return -lowest[1]
        if highest[0] > (STEP if later > 0 else max(STEP, -later - BACK)):
            return -highest[1]
        end = times[-1] or 0
        return next(
            (n for n, time in enumerate(times) if time is not None and abs(end - time) <= GROUP), len(times) - 1
        )

    def _shift(self, sure: Setting) -> int:
        """Seconds by which times come later under `sure`."""
        old, moment = self._clock.setting, self._held[-1].moment
        if old is None or moment is None:
            return 0
        if moment.stamp.month == 0:
            return (sure.base - old.base) * 86400 - (sure.zone - old.zone)
        return (sure.base - old.base) * 365 * 86400 - (sure.zone - old.zone)
