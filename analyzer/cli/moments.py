"""Times as people type them: `11:47`, `11:47:02.5`, `2026-11-20`, `2026-11-20T11:47:02Z`, seconds since the epoch."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, NamedTuple

import click

from analyzer.evidence import LATEST, SECOND

_DAY = 86_400 * SECOND
_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
_ZONE = r"(?P<zone>[Zz]|[+-]\d\d:?\d\d)?"
_MOMENT = re.compile(rf"(?:(?P<day>\d{{4}}-\d\d-\d\d)(?:[Tt ]+{_TIME}\s*{_ZONE})?)")
_CLOCK = re.compile(_TIME)
_EPOCH = re.compile(r"(\d{9,10})(?:\.(\d{1,9}))?")
_BORN = date(1970, 1, 1).toordinal()


class Moment(NamedTuple):
    """What was typed: nanoseconds `at`, since the epoch where `has_day`, else since midnight. `step` is the smallest
    unit that was named (a day, a minute, a second, a fraction); `has_zone` says that it is UTC already."""

    at: int
    step: int
    has_day: bool
    has_zone: bool

    def since_epoch(self, first: int, offset: int) -> int:
        """Nanoseconds since the epoch. `first` is the time of the first message, `offset` the seconds east of UTC of
        its source's clock. A time without a day is of the day of the first message, or of the next one where that is
        nearer: a capture from 23:50 on knows `00:05`."""
        east = offset * SECOND
        if self.has_day:
            return self.at if self.has_zone else self.at - east
        midnight = (first + east) // _DAY * _DAY
        local = midnight + self.at
        if local < first + east - _DAY // 2:
            local += _DAY
        return local - east


def parse_moment(text: str) -> Moment | None:
    """What a text says of a time; None where it cannot be told."""
    text = text.strip()
    if (epoch := _EPOCH.fullmatch(text)) is not None:
        whole, fraction = epoch.groups()
        return Moment(int(whole) * SECOND + _fraction(fraction), _step(fraction), has_day=True, has_zone=True)
    if (clock := _CLOCK.fullmatch(text)) is not None:
        at = _since_midnight(clock)
        return None if at is None else Moment(at, _unit(clock), has_day=False, has_zone=False)
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    try:
        days = date.fromisoformat(found["day"]).toordinal() - _BORN
    except ValueError:
        return None
    if found["hour"] is None:
        return _possible(Moment(days * _DAY, _DAY, has_day=True, has_zone=False))
    at = _since_midnight(found)
    if at is None:
        return None
    zone = found["zone"]
    return _possible(Moment(days * _DAY + at - _east(zone), _unit(found), has_day=True, has_zone=bool(zone)))


def _possible(moment: Moment) -> Moment | None:
    return moment if 0 <= moment.at < LATEST else None


def _since_midnight(found: re.Match[str]) -> int | None:
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return (hour * 3600 + minute * 60 + second) * SECOND + _fraction(found["fraction"])


def _unit(found: re.Match[str]) -> int:
    return 60 * SECOND if found["second"] is None else _step(found["fraction"])


def _fraction(digits: str | None) -> int:
    return int((digits or "0").ljust(9, "0"))


def _step(digits: str | None) -> int:
    return SECOND if digits is None else 10 ** (9 - len(digits))


def _east(zone: str | None) -> int:
    if not zone or zone in "Zz":
        return 0
    sign = -1 if zone[0] == "-" else 1
    return sign * (int(zone[1:3]) * 3600 + int(zone[-2:]) * 60) * SECOND


class MomentType(click.ParamType[Moment]):
    """A time as an option's value."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Moment:
        """What was typed; exit 2 where it is no time."""
        if isinstance(value, Moment):
            return value
        found = parse_moment(str(value))
        if found is None:
            self.fail(f"{value!r} is no time: 11:47, 11:47:02.5, 2026-11-20, 2026-11-20T11:47:02Z are some", param, ctx)
        return found


class Span:
    """From one moment to the end of another; either may be None. `left` counts what has no time, so that nobody can say
    whether it is within."""

    def __init__(self, since: Moment | None, until: Moment | None) -> None:
        self._since, self._until = since, until
        self._bounds: tuple[int, int] | None = None
        self.is_given = since is not None or until is not None
        self.left = 0

    def has(self, time: int | None, offset: int) -> bool:
        """Whether a time is within; `offset` is that of its source's clock, in seconds east of UTC. The first time that
        is asked about settles which day is meant."""
        if not self.is_given:
            return True
        if time is None:
            self.left += 1
            return False
        if self._bounds is None:
            since, until = self._since, self._until
            first = 0 if since is None else since.since_epoch(time, offset)
            last = LATEST if until is None else until.since_epoch(time, offset) + until.step
            if since is not None and until is not None and not until.has_day and last <= first:
                last += _DAY  # from 23:50 until 00:10
            self._bounds = first, last
        return self._bounds[0] <= time < self._bounds[1]
