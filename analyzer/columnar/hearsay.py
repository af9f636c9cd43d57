"""Who was heard, and who answered whom, of messages that are passed on and of those that are not (docs/columnar.md).

What the object path notes of each message that comes by is noted as ever; what the others say is looked up in columns
when somebody asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from analyzer.columnar.facts import NO_NUMBER, number_of
from analyzer.columnar.records import Flags, Numbers, Unsuited
from analyzer.evidence import Endpoint
from analyzer.register import responding
from analyzer.register.bounded import MessageCounter, Notes


@dataclass(slots=True)
class Messages:
    """The messages that are not passed on, in order: row, number and time of each, and the latest `time` so far, which
    may step back a little."""

    row: Numbers
    number: Numbers
    time: Numbers
    latest: Numbers

    def latest_of(self, places: Numbers, upto: int, own: int | None, noted: int) -> int | None:
        """The time of the last of some of these before message `upto`, or `own`, that of message `noted`, where that is
        later in the file: what it says need not be later."""
        at = int(np.searchsorted(places, np.searchsorted(self.number, upto, "left"), "left")) - 1
        if at < 0 or (own is not None and noted >= int(self.number[places[at]])):
            return own
        return int(self.time[places[at]])


class Index:
    """The places of some numbers in a column, each number's in order; they are sorted when the first is asked for."""

    def __init__(self, column: Numbers) -> None:
        self._column = column

    @cached_property
    def _order(self) -> Numbers:
        return np.argsort(self._column, kind="stable")

    def places(self, number: int) -> Numbers:
        """Where a number stands."""
        begin, end = (np.searchsorted(self._column, number, side, sorter=self._order) for side in ("left", "right"))
        return self._order[begin:end]


class Heard(Notes[str, int]):
    """When each host was heard last: noted of messages that come by, looked up of those that do not."""

    def __init__(self, limit: int, counter: MessageCounter, keys: list[str], which: Numbers, told: Messages) -> None:
        super().__init__(limit)
        self._counter = counter
        self._keys = {key: number for number, key in enumerate(keys)}
        self._index = Index(which)
        self._told = told
        self._noted = 0
        self._numbers: dict[str, int] = {}

    def note(self, key: str, value: int) -> None:
        """Note when the host of a message that is passed on was heard."""
        super().note(key, value)
        self._noted = self._numbers[key] = self._counter.number

    def get(self, key: str) -> int | None:
        """When a host was heard last, up to the message that the run is at."""
        own, number = super().get(key), self._keys.get(key)
        if number is None:
            return own
        rows = self._index.places(number)
        upto = self._counter.number + (self._noted == self._counter.number)
        return self._told.latest_of(rows, upto, own, self._numbers.get(key, 0))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key) is not None


class Pairs(Notes[tuple[str, str], "int | None"]):
    """When each server answered each host last, in the same way."""

    def __init__(
        self, counter: MessageCounter, answers: Flags, source: Numbers, target: Numbers, told: Messages
    ) -> None:
        super().__init__(responding.MOST_PAIRS)
        self._counter = counter
        self._answers = np.flatnonzero(answers)
        self._index = Index(source[self._answers] << 32 | target[self._answers])  # all 64 bits, the sign among them
        self._told = told
        self._numbers: dict[tuple[str, str], int] = {}

    def note(self, key: tuple[str, str], value: int | None) -> None:
        """Note when a server answered a host."""
        super().note(key, value)
        self._numbers[key] = self._counter.number

    def get(self, key: tuple[str, str]) -> int | None:
        """When a server answered a host last."""
        source, target = (number_of(host) for host in key)
        is_known = NO_NUMBER not in (source, target)
        pair = int(np.int64(source) << 32 | target) if is_known else 0
        rows = self._answers[self._index.places(pair)] if is_known else self._answers[:0]
        return self._told.latest_of(rows, self._counter.number, super().get(key), self._numbers.get(key, 0))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, tuple) and self.get(key) is not None


class Unheard(dict[tuple[Endpoint, Endpoint], int]):
    """Requests without an answer by server and client: an answer from the one to the other since then takes them
    back, whoever was answered."""

    def __init__(self, counter: MessageCounter, source: Numbers, target: Numbers, told: Messages) -> None:
        super().__init__()
        self._counter = counter
        self._source, self._index = source, Index(target)
        self._told = told
        self._since: dict[tuple[Endpoint, Endpoint], int] = {}

    def __setitem__(self, key: tuple[Endpoint, Endpoint], value: int) -> None:
        super().__setitem__(key, value)
        self._since[key] = self._counter.number
        if len(self) >= responding.MOST_UNHEARD:  # some may have been taken back, and leave room for others
            raise Unsuited("too many requests have no answer")

    def get(self, key: tuple[Endpoint, Endpoint], default: Any = None) -> Any:
        """How many requests are without an answer, `default` where none is."""
        found = super().get(key, default)
        if key not in self:
            return found
        server, client = (number_of(one.host) << 16 | one.port for one in key)
        places = self._index.places(client)
        told = self._told.number[places[self._source[places] == server]]
        return default if ((told > self._since[key]) & (told < self._counter.number)).any() else found
