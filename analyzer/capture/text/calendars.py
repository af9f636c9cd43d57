"""Which of two numbers is the day: stamps like `03/04/2026` are printed with the day or with the month first.

What settles it, the first to come: a number beyond 12; a Date header (RFC 3261 20.17) that only one order agrees with;
two stamps in which one number alone has changed, which is the day then. Else the day is first, and `assumed` says so.
"""

from __future__ import annotations

from analyzer.capture.text.stamps import Stamp


class DayOrder:
    """Follows the stamps of one log; `orders` are the readings to try, `month_first` is the one settled on."""

    def __init__(self) -> None:
        self._month_first: bool | None = None
        self._last: Stamp | None = None
        self._open = False

    @property
    def month_first(self) -> bool:
        """Whether the month is printed first; False while nothing says so."""
        return bool(self._month_first)

    @property
    def assumed(self) -> bool:
        """Whether there are stamps whose order nothing told."""
        return self._open and self._month_first is None

    @property
    def orders(self) -> tuple[bool, ...]:
        """The values of `month_first` that may be true."""
        return (False, True) if self._month_first is None else (self._month_first,)

    def see(self, stamp: Stamp) -> None:
        """Learn from the next stamp."""
        if not stamp.numeric or self._month_first is not None:
            return
        last, self._last = self._last, stamp
        if max(stamp.day, stamp.month) > 12:
            self._month_first = stamp.month > 12
            return
        self._open = self._open or stamp.day != stamp.month
        if last is not None and last.year == stamp.year and (last.day == stamp.day) != (last.month == stamp.month):
            self._month_first = last.day == stamp.day

    def agree(self, stamp: Stamp, month_first: bool) -> None:
        """A Date header agrees with `stamp` in this order."""
        if stamp.numeric and stamp.day != stamp.month and self._month_first is None:
            self._month_first = month_first
