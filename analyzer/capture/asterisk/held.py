"""What waits until its time is known, and what is known of that.

In a logger file every entry has a stamp. On a console only some lines have one: notices and warnings, unless it was
told to stamp all. A message without a stamp was printed after the stamp before it and before the next one, whoever
those were of; where both are of one tick of the clock, that is its time, and else it is known to lie between them and
no more. To take the stamp before for its time would make up waits and delays that nobody saw.

The server's own words narrow that down. A response that it sends with a Date (RFC 3261 20.17) was sent in that second;
so was a challenge of res_pjsip, whose nonce begins with the second in which it was made (`1795968365/79b0...`). A
request that uses such a nonce came after that. What is printed again, as a copy, tells nothing. And a notice that has a
stamp, and goes with a response, tells when that was (`pairing.py`).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyzer.capture.text.clock import Clock, Moment, Setting
from analyzer.evidence import SECOND, Between, LogLines, RawMessage

if TYPE_CHECKING:
    from analyzer.capture.asterisk.notices import Said

_COPIES = 256
"""Responses that are remembered, so that one that is printed again is not taken for a new one."""
_NONCE = re.compile(rb'nonce="(\d{9,10})/[0-9a-f]{32}"')
_SIGN = b'nonce="'
_CROSSED = 2 * SECOND
"""By so much a later line may have an earlier stamp."""


@dataclass(slots=True, eq=False)
class Held:
    """A message that waits. `moment` is the stamp of its line, or the last one before (`fresh` tells which);
    `sure` the setting that its own Date tells. `told` is its second by Date or nonce, `floor` the one it is not before;
    `said` are the notices that go with it. Found later: `start`, the time of `moment`; `after`, the first stamp behind
    it, or `bound`, the second that a later message tells; `gone`: it has come out."""

    raw_message: RawMessage
    moment: Moment | None
    fresh: bool = True
    sure: Setting | None = None
    told: int | None = None
    floor: int | None = None
    said: tuple[Said, ...] = ()
    start: int | None = None
    after: Moment | None = None
    bound: int | None = None
    gone: bool = False

    @property
    def is_open(self) -> bool:
        """Whether a later line may still tell more of its time."""
        return not self.fresh and self.after is None and self.bound is None

    @property
    def size(self) -> int:
        """Octets that it keeps."""
        return len(self.raw_message.payload)


class OwnWords:
    """The seconds that the server's own messages tell."""

    def __init__(self) -> None:
        self._printed: OrderedDict[int, None] = OrderedDict()

    def told(self, payload: bytes, date: int | None) -> int | None:
        """The second of a response that the server sent, by its Date (`date`, seconds) or the nonce in it; None where
        it tells none, or was printed before."""
        second = nonce_second(payload) if date is None else date
        if second is None or not payload.startswith(b"SIP/2.0 "):
            return None
        key = hash(payload)
        if key in self._printed:
            return None
        self._printed[key] = None
        if len(self._printed) > _COPIES:
            self._printed.popitem(last=False)
        return second


def nonce_second(payload: bytes) -> int | None:
    """The second in which res_pjsip made the first nonce in a message; None where there is none of that form."""
    if _SIGN not in payload:
        return None
    found = _NONCE.search(payload)
    return int(found[1]) if found else None


class Dating:
    """Turns what is known of each into a time, in the order of the log. `between` counts the messages that are known
    only to lie between two times, `timeless` those of which not even that is known; `narrow` says that some are known
    to a second though the stamps have a finer step; `first` and `last` are the times by the server's own words alone,
    in a log without any stamp."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._moment: Moment | None = None
        self._told: int | None = None
        self.between = self.timeless = 0
        self.narrow = False
        self.first: int | None = None
        self.last: int | None = None

    def date(self, held: Held) -> None:
        """Give a message its time, or the times that it lies between, and what is said of it its own."""
        raw_message = held.raw_message
        if held.moment is not self._moment:
            self._moment, self._told = held.moment, None
        if held.fresh:
            raw_message.time = held.start
        else:
            self._estimate(held, raw_message)
        for said in held.said:
            alone = None if said.notice.alone else raw_message.time
            said.notice.time = self._clock.time(said.moment) if said.fresh else alone

    def _estimate(self, held: Held, raw_message: RawMessage) -> None:
        start, end = held.start, self._end(held)
        told = self._trusted(held.told, start, end)
        stamped = next((said.moment for said in held.said if said.fresh and not said.notice.alone), None)
        if told is not None:
            raw_message.time = self._told = told
            self._note(told)
        elif stamped is not None:
            raw_message.time = self._clock.time(stamped)
        else:
            for later in (self._told, self._trusted(held.floor, start, end)):
                if later is not None and (start is None or later > start):
                    start = later
            self._bound(raw_message, start, end)

    def _bound(self, raw_message: RawMessage, start: int | None, end: int | None) -> None:
        step = self._clock.step
        if start is None:
            self.timeless += 1
            return
        if end is not None and end < start:
            end = start if start - end <= _CROSSED else None  # threads that overtook each other; or the clock was set
        if end is not None and (end // step == start // step or end - start < SECOND):
            raw_message.time, self.narrow = start, self.narrow or (end - start >= step)
            return
        self.between += 1
        place = raw_message.place
        raw_message.place = LogLines(place[0], place[1], place[2], Between(start, end))

    def _end(self, held: Held) -> int | None:
        bound = self._trusted(held.bound, held.start, None)
        if bound is not None:
            return bound + SECOND - 1
        after = self._clock.time(held.after)
        return None if after is None else after + self._clock.step - 1

    def _trusted(self, second: int | None, start: int | None, end: int | None) -> int | None:
        """A second that the server told, in nanoseconds, if it can be held against the stamps and lies between them."""
        if second is None or (self._clock.setting is None and (self._clock.has_stamps or self._clock.unknown)):
            return None
        time = second * SECOND
        if start is None:
            return time
        if time < start - SECOND or (end is not None and time > end + SECOND):
            return None
        return max(time, start)

    def _note(self, time: int) -> None:
        self.first = time if self.first is None else min(self.first, time)
        self.last = time if self.last is None else max(self.last, time)
