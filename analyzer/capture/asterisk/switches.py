"""Messages held back until their time is known: the zone of their stamps, and, where they have none, the next one.

Date headers tell the zone, and they stand in answers: a request is printed before it. So messages wait, at first until
a few Date headers are there, later for the next one of the server, in bounded number. When that one says that the zone
has changed, the change is put where the stamps show it: at a step back as summer time ends, at a step forward as it
begins. Where no step shows it (an hour of silence, then the same hour again), the messages of the last half minute
before the Date header follow it; so a request and its answer are always in the same zone.

A message without a stamp waits for the next stamp, in bounded number too (`held.py`); and a few messages always wait,
because what the server says of a response may stand behind it (`pairing.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

from analyzer.capture.asterisk.held import Dating, Held
from analyzer.capture.text.clock import Clock, Moment, Setting
from analyzer.evidence import RawMessage

WAIT_MESSAGES, WAIT_OCTETS, WAIT_VOTES, WAIT_AFTER = 20_000, 8 << 20, 5, 64
"""Held back until the zone is known: so many messages, octets, Date headers, messages after the first Date header. So
many messages and octets, too, until there is a stamp."""
KEEP_MESSAGES, KEEP_OCTETS = 512, 1 << 20
"""Held back later, for the next Date header of the server."""
STEP, BACK, GROUP = 600, 60, 32
"""Seconds: a step forward, a step back, that a change of the zone may have made; what belongs to a Date header."""
LAG = 16
"""Held back always, for what the server says of them behind."""
_STAMPS = 64
"""Stamps that are remembered for messages whose end shows only lines later."""


class Waiting:
    """`add` messages; those whose time is known come out, in order. `finish` gives the rest.

    `on_decided` is called when the clock is settled for the first time, before a message comes out.
    """

    def __init__(self, clock: Clock, on_decided: Callable[[], None]) -> None:
        self._clock = clock
        self._on_decided = on_decided
        self._held: deque[Held] = deque()
        self._open: deque[Held] = deque()
        self._stamps: deque[tuple[int, Moment]] = deque(maxlen=_STAMPS)
        self._octets = 0
        self._placed = self._placed_octets = 0
        self._after = 0
        self._last: Moment | None = None
        self._decided = False
        self.dating = Dating(clock)

    @property
    def waiting(self) -> list[Held]:
        """What waits, in order."""
        return list(self._held)

    @property
    def last(self) -> Held | None:
        """The latest message; it waits for what is said behind it."""
        return self._held[-1] if self._held else None

    def stamp(self, number: int, moment: Moment) -> None:
        """Line `number` has a stamp: what stands before it without one came before."""
        for held in self._open:
            held.after = moment
        self._open.clear()
        self._stamps.append((number, moment))

    def add(self, held: Held) -> Iterator[RawMessage]:
        """Take the next message."""
        self._enter(held)
        if not self._decided:
            self._after += self._clock.count > 0
            if self._is_enough():
                self.settle()
        elif held.sure is not None:
            self._place(len(self._held) - self._placed, held.sure)
        elif self._clock.setting is None:
            self._place(len(self._held) - self._placed)
        elif len(self._held) - self._placed > KEEP_MESSAGES or self._octets - self._placed_octets > KEEP_OCTETS:
            self._place(1)
        while self._placed and self._may_go():
            yield self._release()

    def _enter(self, held: Held) -> None:
        self._held.append(held)
        self._octets += held.size
        if held.told is not None:
            for one in self._open:
                one.bound = held.told
            self._open.clear()
        if held.is_open:
            first = held.raw_message.place[1]
            held.after = next((moment for number, moment in self._stamps if number > first), None)
            if held.after is None:
                self._open.append(held)

    def _is_enough(self) -> bool:
        return (
            len(self._held) >= WAIT_MESSAGES
            or self._octets >= WAIT_OCTETS
            or self._clock.count >= WAIT_VOTES
            or self._after >= WAIT_AFTER
        )

    def _may_go(self) -> bool:
        """Whether the first one that waits has nothing to wait for, or would wait with too many."""
        if len(self._held) >= WAIT_MESSAGES or self._octets >= WAIT_OCTETS:
            return True
        return len(self._held) > LAG and not self._held[0].is_open

    def settle(self) -> None:
        """Decide on a zone, and place what comes before the last Date header that is sure."""
        self._decided = True
        self._clock.decide(next((held.sure for held in self._held if held.sure is not None), None))
        self._on_decided()
        done = 0
        for count, held in enumerate(list(self._held), 1):
            if held.sure is not None:
                self._place(count - done, held.sure)
                done = count
        if self._clock.setting is None:
            self._place(len(self._held) - self._placed)

    def finish(self) -> Iterator[RawMessage]:
        """What is left at the end of the log."""
        if not self._decided:
            self.settle()
        self._place(len(self._held) - self._placed)
        while self._held:
            yield self._release()

    def _place(self, count: int, sure: Setting | None = None) -> None:
        """Tell the times by the stamps of the next `count` messages, the last of which tells `sure`."""
        group = list(islice(self._held, self._placed, self._placed + count))
        old = self._clock.setting
        change = count if sure is None or old is None or sure == old else self._change(group, sure)
        for index, held in enumerate(group):
            if index == change and sure is not None:
                self._clock.switch(sure)
            held.start = self._clock.time(held.moment)
            self._last = held.moment or self._last
            self._placed_octets += held.size
        self._placed += count

    def _release(self) -> RawMessage:
        held = self._held.popleft()
        if self._open and self._open[0] is held:
            self._open.popleft()
        self._octets -= held.size
        self._placed -= 1
        self._placed_octets -= held.size
        self.dating.date(held)
        held.gone = True
        return held.raw_message

    def _change(self, group: list[Held], sure: Setting) -> int:
        """Index of the first of the messages that the setting told by the last one holds for."""
        times = [None if held.moment is None else self._clock.seconds(held.moment) for held in group]
        before = None if self._last is None else self._clock.seconds(self._last)
        steps: list[tuple[int, int]] = []
        for index, time in enumerate(times):
            if time is not None and before is not None:
                steps.append((time - before, -index))
            before = time if time is not None else before
        later = self._shift(group[-1].moment, sure)
        lowest, highest = min(steps, default=(0, 0)), max(steps, default=(0, 0))
        if later > 0 and lowest[0] < -BACK:
            return -lowest[1]
        if highest[0] > (STEP if later > 0 else max(STEP, -later - BACK)):
            return -highest[1]
        end = times[-1] or 0
        return next(
            (n for n, time in enumerate(times) if time is not None and abs(end - time) <= GROUP), len(times) - 1
        )

    def _shift(self, moment: Moment | None, sure: Setting) -> int:
        """Seconds by which times come later under `sure`."""
        old = self._clock.setting
        if old is None or moment is None:
            return 0
        if moment.stamp.month == 0:
            return (sure.base - old.base) * 86400 - (sure.zone - old.zone)
        return (sure.base - old.base) * 365 * 86400 - (sure.zone - old.zone)
