"""Logs that list the newest message first, as exports of log servers and tables of capture servers do.

Read as it stands, such a text would have every answer before its request, and a clock that is set back at each line. So
its messages are given out in the order of their times, where all of the text shows it: no message is later than the one
above it, and at least two are earlier (or one is, and it is the request that the message above it answers, RFC 3261
17.1.3). The first step forward ends that: a text that steps back here and there is read as it stands, and what stepped
back is judged. Messages of one time are turned round with the others: the text lists them in that order as well.

To know that, messages are kept while they run backwards; of a log in its own order that is one or two. Beyond `MOST`
messages or `MOST_OCTETS` they are given out as they stand, and the source says so: the memory stays bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.defect import Defect
from analyzer.evidence import Item, RawMessage, Source, has_ended

MOST, MOST_OCTETS = 200_000, 128 << 20
"""Messages, and octets of them, that are kept at most while they run backwards."""
STEPS = 2
"""Steps back, at least, without any forward."""
CODE = "repaired-turned"
SAYS = "turned round, where the text lists the newest message first"
TURNED = "The text lists the newest message first: it was turned round, to the order of its times."
TOO_LONG = "The text lists the newest message first, and is too long to be turned round: sort it by time."
_EXCHANGE = re.compile(rb"\r\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_NUMBER = re.compile(rb"\r\ncseq[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_STATUS = b"SIP/2.0 "


def in_time_order(items: Iterator[Item], source: Source) -> Iterator[Item]:
    """The items of a log in its order, or turned round where it runs backwards from its beginning to its end. A log
    that is still written grows at its end, and is read as it stands."""
    if source.goes_on is not has_ended:
        yield from items
        return
    held: list[Item] = []
    octets = steps = 0
    last: int | None = None
    try:
        for item in items:
            time = item.time
            octets += len(item.payload) if isinstance(item, RawMessage) else 0
            is_over = len(held) >= MOST or octets > MOST_OCTETS
            if is_over and steps >= STEPS:
                source.quality.append(TOO_LONG)
            if time is None or is_over or (last is not None and time > last):
                yield from (*held, item)
                held = []
                break
            steps += last is not None and time < last
            last = time
            held.append(item)
    except KeyboardInterrupt:
        yield from _turned(held, source, steps)
        raise
    yield from _turned(held, source, steps)
    yield from items


def _turned(held: list[Item], source: Source, steps: int) -> Iterator[Item]:
    """What was kept at the end of a text without a step forward."""
    if not held or (steps < STEPS and not (steps and _is_answered_before(held))):
        yield from held
        return
    source.quality.append(TURNED)
    defect = Defect(CODE, f"the messages were {SAYS}")
    for item in reversed(held):
        if isinstance(item, RawMessage):
            item.defects = (defect, *item.defects)
        yield item


def _is_answered_before(held: list[Item]) -> bool:
    """Whether an answer stands above its request: the same Call-ID and CSeq, and an earlier time."""
    answers: dict[tuple[bytes, bytes], int] = {}
    for item in held:
        if not isinstance(item, RawMessage) or item.time is None:
            continue
        call, number = _EXCHANGE.search(item.payload), _NUMBER.search(item.payload)
        if call is None or number is None:
            continue
        exchange = call[1].strip(), number[1].strip()
        if item.payload.startswith(_STATUS):
            answers.setdefault(exchange, item.time)
        elif item.time < answers.get(exchange, 0):
            return True
    return False
