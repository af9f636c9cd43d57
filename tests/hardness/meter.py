"""The counters: what a call, a loop turn, a slice or a search costs, summed.

`calls` counts calls and loop turns, those inside of built-in functions over a list too. `octets` counts what is read or
copied of texts and octet strings: the result of a slice or a concatenation, what a `find` went over, the span of a
match, the square of the digits that `int` reads.

One cost stays unseen: how far an anchored pattern looked before it failed, and how often it went back. A failing
`match` is charged for `UNSEEN` octets at most. Patterns are therefore measured in seconds by hand, at full size.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import BuiltinFunctionType, FunctionType
from typing import Any, NamedTuple

UNSEEN = 64

_TEXTS = (bytes, str, bytearray)
_LISTS = (list, tuple, dict, set, frozenset)
_WORD = 8  # octets of a reference
_PREFIX = frozenset({"startswith", "endswith", "append", "isdigit", "isascii", "removeprefix", "removesuffix"})
_SEARCH = frozenset({"find", "index", "count", "rfind", "rindex"})
_WALKING = frozenset({sorted, sum, min, max, any, all})
_UNCHARGED = ("analyzer", "replay", "tests", "builtins")  # zip, map and the like touch nothing yet
_HANDING_ON = frozenset({getattr, next, iter})  # what they return was there before
_HOLDERS = (dict, deque, OrderedDict, Counter)
_WHOLE = frozenset({"sub", "subn", "split", "findall", "finditer"})


class Work(NamedTuple):
    """What was done."""

    calls: int
    octets: int


class TooMuchWork(BaseException):
    """The limit is passed. No Exception, so that nothing on the way takes it for a fault of its own."""


class _Meter:
    __slots__ = ("calls", "most_calls", "most_octets", "octets")

    def __init__(self) -> None:
        self.calls = self.octets = 0
        self.most_calls = self.most_octets = float("inf")


_meter = _Meter()


def work_of(function: Callable[[], object]) -> Work:
    """What `function` costs. Only modules loaded after `rewrite.install()` are counted."""
    before = Work(_meter.calls, _meter.octets)
    function()
    return Work(_meter.calls - before.calls, _meter.octets - before.octets)


@contextmanager
def limited(most: Work) -> Iterator[None]:
    """Raise `TooMuchWork` inside as soon as more is done: what would never end, ends."""
    _meter.most_calls, _meter.most_octets = _meter.calls + most.calls, _meter.octets + most.octets
    try:
        yield
    finally:
        _meter.most_calls = _meter.most_octets = float("inf")


def tick(turns: int = 1) -> None:
    """Loop turns."""
    _meter.calls += turns
    if _meter.calls > _meter.most_calls or _meter.octets > _meter.most_octets:
        most, _meter.most_calls, _meter.most_octets = _meter.most_calls, float("inf"), float("inf")
        raise TooMuchWork(f"more than {most} calls, or too many octets")


def each(iterable: Iterable[Any]) -> Iterator[Any]:
    """The items of a loop, counted."""
    for item in iterable:
        tick()
        yield item


def made(value: Any) -> Any:
    """A value that was just made by copying."""
    _meter.octets += _size(value)
    return value


def grown(value: Any) -> None:
    """What `+=` made: an immutable text was copied whole."""
    if type(value) in (bytes, str):
        _meter.octets += len(value)


def contains(item: Any, container: Any) -> bool:
    """`item in container`."""
    found = item in container
    if type(container) in _TEXTS:
        _meter.octets += container.find(item) + 1 if found else len(container)
    elif type(container) in (list, tuple):
        tick(len(container))
    return found


def call(function: Any, /, *arguments: Any, **named: Any) -> Any:
    """A call, and what a built-in function reads and writes."""
    tick()
    result = function(*arguments, **named)
    kind = type(function)
    if isinstance(function, BuiltinFunctionType):  # or one of its kinds: a pattern's methods are
        _builtin(function, arguments, result)
    elif function in _CONSTRUCTORS:
        _construct(function, arguments, result)
    elif kind in (FunctionType, type) and not str(function.__module__).startswith(_UNCHARGED):
        _meter.octets += sum(map(_size, arguments)) + _size(result)
    return result


_CONSTRUCTORS: tuple[type, ...] = (int, bytes, bytearray, str, *_LISTS)


def _size(value: Any) -> int:
    kind = type(value)
    return len(value) if kind in _TEXTS else _WORD * len(value) if kind in (list, tuple) else 0


def _construct(function: Any, arguments: tuple[Any, ...], result: Any) -> None:
    size = _size(arguments[0]) if arguments else 0
    if function is int:
        _meter.octets += size * size // 64 if type(arguments[0]) in _TEXTS else 0
    else:
        _meter.octets += max(size, _size(result))
        if type(result) in _LISTS:
            tick(len(result))


def _builtin(function: Any, arguments: tuple[Any, ...], result: Any) -> None:
    owner = function.__self__
    kind = type(owner)
    if kind in _TEXTS:
        _meter.octets += _of_text(owner, function.__name__, arguments, result)
    elif kind is re.Pattern:
        _meter.octets += _of_pattern(function.__name__, arguments, result)
    elif kind is list:
        _meter.octets += _of_list(owner, function.__name__, arguments)
    elif kind not in _HOLDERS and function not in _HANDING_ON:
        _meter.octets += _size(result)
        if function in _WALKING:
            tick(sum(len(one) for one in arguments if type(one) in _LISTS))


def _of_text(owner: Any, name: str, arguments: tuple[Any, ...], result: Any) -> int:
    if name in _PREFIX:
        return 1
    if name not in _SEARCH:
        return len(owner) + _size(result)
    start, end, _ = slice(*(arguments[1:] or (None,)), *(() if len(arguments) > 2 else (None,))).indices(len(owner))
    if name in ("find", "index") and result >= 0:
        return int(result) - start + 1
    return max(0, end - start)


def _of_pattern(name: str, arguments: tuple[Any, ...], result: Any) -> int:
    if name in _WHOLE:
        return len(arguments[1 if name.startswith("sub") else 0])
    start = arguments[1] if len(arguments) > 1 else 0
    if result is not None:
        return int(result.end()) - start
    end = min(arguments[2], len(arguments[0])) if len(arguments) > 2 else len(arguments[0])
    return max(0, end - start if name == "search" else min(end - start, UNSEEN))


def _of_list(owner: list[Any], name: str, arguments: tuple[Any, ...]) -> int:
    if name in ("insert", "pop") and arguments and arguments[0] != -1:
        return _WORD * (len(owner) - min(len(owner), abs(int(arguments[0]))))
    if name in ("append", "pop"):
        return 0
    if name == "extend":
        return _size(arguments[0])
    tick(len(owner))
    return 0
