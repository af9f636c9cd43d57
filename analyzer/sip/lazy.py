"""A property that is computed at its first reading and then lies in the instance's `__dict__`.

`functools.cached_property` does the same, but takes a lock in Python 3.11, which costs more than most of the values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

_T = TypeVar("_T")


class lazy(Generic[_T]):
    """Decorator: compute once per instance. The class needs a `__dict__` (name it in `__slots__`)."""

    def __init__(self, compute: Callable[[Any], _T]) -> None:
        self.compute = compute
        self.name = compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> lazy[_T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> _T: ...
    def __get__(self, instance: object | None, owner: type) -> lazy[_T] | _T:
        """The value; on the class itself the descriptor, for the sake of documentation tools."""
        if instance is None:
            return self
        value = instance.__dict__[self.name] = self.compute(instance)
        return value
