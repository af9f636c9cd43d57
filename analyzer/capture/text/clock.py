"""The clock of a log: from printed stamps to nanoseconds since the epoch.

A log prints local time, most often without year and zone (docs/rules/traps.md T-LOG). Both are found from Date
headers (RFC 3261 20.17: always GMT) of the messages in the log: the difference between a block's stamp and its Date,
rounded to a quarter of an hour, is the zone, and it votes. A message that the server sent carries the server's own
clock, so its vote is `Vote.sure`: the first one decides, and one that deviates is a change of the zone (summer time),
from where `switches.py` finds that the stamps changed. Without Date headers the log is read in the zone of this
machine, in the latest year that does not put it into the future, and `zone` says so.

Stamps without a year are followed through the log: a step back by more than half a year is New Year's Eve, a step
forward by more than half a year is a late line of the old year. So each stamp has a year relative to the first one.
Stamps without a date are followed in the same way, from day to day. In a text that lists the newest first (`turn_back`)
they are followed the other way round, and the first is the latest.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime
from typing import NamedTuple

from analyzer.capture.text.calendars import DayOrder
from analyzer.capture.text.stamps import Stamp, parse_stamp
from analyzer.evidence import SECOND, Source

QUARTER = 900
HALF_YEAR = 183
NIGHT = 2 * 3600
"""Without a date, a step back by more seconds is the next day (less may be summer time, or a late line)."""
EARLIEST, LATEST = -12 * 3600, 14 * 3600
"""The zones that exist, in seconds east of UTC."""
SLACK = 120
"""Seconds by which a stamp may differ from a Date header, beyond the zone."""
STALE_SLACK = 5
"""The same where the stamp is that of an earlier line: more would move the zone."""
SENT_WEIGHT, RECEIVED_WEIGHT = 16, 1
MOST_YEARS = 500
"""Turns of the year that are followed: more is no log, and the calendar ends in the year 9999."""
REPEATED = 3
"""So many votes in a row change the zone though their Dates go back (logs put together in the wrong order)."""

NO_STAMPS = "The log has no time stamps: nothing can be said about times."
UNKNOWN_STAMPS = "The log's time stamps are in a form that is not known: nothing can be said about times."
DAY_FIRST = "The log's stamps do not tell day from month; they were read with the day first."


class Moment(NamedTuple):
    """A stamp, with its year counted from that of the log's first stamp (or the printed one).

    Without a date, `year` counts days from the first stamp.
    """

    stamp: Stamp
    year: int


class Setting(NamedTuple):
    """What turns a stamp into a time: the year (or day) that `Moment.year` counts from, and seconds east of UTC."""

    base: int
    zone: int


class Clock:
    """Follows the stamps of one log, collects votes for its zone, and turns stamps into times once told to `decide`."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._text = b""
        self._last: Moment | None = None
        self._turns = 0
        self._first: Moment | None = None
        self._order = DayOrder()
        self._votes: Counter[Setting] = Counter()
        self._contrary = 0
        self._streak: list[Setting] = []
        self._sent = 0
        self._setting: Setting | None = None
        self._base = 0  # not known
        self._decided = False
        self._is_backward = False
        self.unknown = b""
        self.count = 0
        self.zones: list[int] = []
        self.by = ""
        self.step = SECOND

    def see(self, text: bytes) -> Moment | None:
        """Note the stamp of the next line; without one, the moment last seen stands (None before the first)."""
        if text and text != self._text:
            self._text = text
            if stamp := parse_stamp(text):
                self._last = self._follow(stamp)
            elif self._last is None:
                self.unknown = self.unknown or text
        return self._last

    def _follow(self, stamp: Stamp) -> Moment | None:
        last = self._last.stamp if self._last else None
        if last is not None and (last.month == 0) != (stamp.month == 0):
            if stamp.month == 0 or self._decided:
                return self._last
            self._restart()
            last = None
        self._order.see(stamp)
        if last is not None:
            turns = self._turns + (-self._turn(stamp, last) if self._is_backward else self._turn(last, stamp))
            most = MOST_YEARS if stamp.month else MOST_YEARS * 365
            self._turns = max(min(turns, most), -most)
        moment = Moment(stamp, self._turns if stamp.year is None else stamp.year)
        self.step = min(self.step, stamp.step)
        self._first = self._first or moment
        return moment

    def _turn(self, last: Stamp, stamp: Stamp) -> int:
        """Years (days, where there is no date) by which the count moves on from one stamp to a later one."""
        if stamp.year is not None:
            return 0
        has_turned = bool(self._turns)
        if not stamp.month:
            seconds = stamp.second - last.second
            return (seconds < -NIGHT) - (seconds > 86400 - NIGHT and has_turned)
        days = (stamp.month - last.month) * 30.5 + stamp.day - last.day
        return (days < -HALF_YEAR) - (days > HALF_YEAR and has_turned)

    def turn_back(self) -> None:
        """Begin anew, with a text that lists the newest first: a step forward over night is the day before."""
        self._restart()
        self._last, self._text, self._is_backward = None, b"", True
        self._streak.clear()
        self._sent = 0

    def follow(self, stamp: Stamp) -> Moment | None:
        """The moment of the next stamp, behind `turn_back`."""
        self._last = self._follow(stamp)
        return self._last

    def _restart(self) -> None:
        """The times of day so far were no stamps of this log: it has others, with a date."""
        self._first, self._turns, self.count, self._contrary = None, 0, 0, 0
        self._votes.clear()

    def vote(
        self, moment: Moment, date: int, *, sent: bool, fresh: bool = True, by: str = "Date headers"
    ) -> Setting | None:
        """A message printed at `moment` carries `date` (seconds since the epoch), in its Date header or by what `by`
        says.

        `fresh` says that the message itself is stamped; otherwise the moment is that of an earlier line. The response
        is the setting that is sure from this message on, if one is.
        """
        found = self._compare(moment, date, SLACK if fresh else STALE_SLACK)
        if found is None:
            self._contrary += fresh
            return None
        self.count += 1
        self.by = by if self.by != "Date headers" else self.by
        self._votes[found] += SENT_WEIGHT if sent and fresh else RECEIVED_WEIGHT
        if not sent or moment.stamp.zone is not None:
            return None
        self._streak = [*self._streak[-REPEATED:], found]
        if self._streak[-REPEATED:] != [found] * REPEATED and (not fresh or date < self._sent - SLACK):
            return None
        self._sent = date
        return found

    def decide(self, sure: Setting | None = None) -> None:
        """Settle zone and base year, on `sure` or from what was seen so far; later calls change nothing."""
        if self._decided:
            return
        self._decided = True
        last = self._first if self._is_backward else self._last
        if sure is None and self._votes:
            sure, _ = max(self._votes.items(), key=lambda vote: (vote[1], -abs(vote[0].zone)))
        if sure is not None:
            self._setting = sure
            self._base = sure.base
            self.zones.append(sure.zone)
        elif last is not None:
            self._base = self._assumed(last)

    @property
    def has_stamps(self) -> bool:
        """Whether a stamp was understood so far."""
        return self._first is not None

    @property
    def setting(self) -> Setting | None:
        """What Date headers settled; None without any."""
        return self._setting

    def switch(self, setting: Setting) -> None:
        """Hold to another setting from now on."""
        if self._setting is not None and setting.zone != self._setting.zone:
            self.zones.append(setting.zone)
        self._setting, self._base = setting, setting.base

    def time(self, moment: Moment | None) -> int | None:
        """Nanoseconds since the epoch (UTC) of `moment`; None without one."""
        if moment is None or (self._first and (self._first.stamp.month == 0) != (moment.stamp.month == 0)):
            return None
        return self.seconds(moment) * SECOND + moment.stamp.nanosecond

    def seconds(self, moment: Moment) -> int:
        """Whole seconds since the epoch (UTC) of `moment`."""
        local = self._local(moment)
        if moment.stamp.zone is not None:
            return local - moment.stamp.zone
        return local - (_machine_offset(local) if self._setting is None else self._setting.zone)

    def _local(self, moment: Moment) -> int:
        stamp = moment.stamp.ordered(self._order.month_first)
        if stamp.year is not None:
            return stamp.seconds(stamp.year)
        self._base = self._base or self._assumed(self._last or moment)
        return stamp.seconds(self._base + moment.year)

    def _assumed(self, last: Moment) -> int:
        """The base without a Date header that tells it: by a stamp that has its year, else the latest possible."""
        if last.stamp.year is not None:
            return last.stamp.year - self._turns
        return _latest_year(last, self._now) if last.stamp.month else _latest_day(last, self._now)

    def announce(self, source: Source) -> None:
        """Write the beginning, the resolution and the zone into `source`."""
        source.resolution = self.step
        if self._first is not None:
            source.note_time(self.time(self._first))
            source.utc_offset, source.zone = self._zone(self._first)

    def report(self, source: Source) -> None:
        """Write the end, the zones, and what is doubtful about them into `source`."""
        source.resolution = self.step
        if self._first is None or self._last is None:
            source.quality.append(UNKNOWN_STAMPS if self.unknown else NO_STAMPS)
            return
        source.note_time(self.time(self._last))
        source.zone = self._zone(self._first)[1]
        if self._order.assumed:
            source.quality.append(DAY_FIRST)
        if self._setting is not None and self._disagreement():
            zone = source.zone
            source.quality.append(
                f"Date headers contradict each other or the stamps; {zone}, is what most of them say."
            )

    def _zone(self, first: Moment) -> tuple[int, str]:
        stamp = first.stamp
        if stamp.zone is not None:
            return stamp.zone, f"{zone_name(stamp.zone)}, from the stamps"
        if self.zones:
            names = " then ".join(dict.fromkeys(zone_name(zone) for zone in self.zones[:4]))
            return self.zones[0], f"{names}, from {self.by}"
        assumed = "" if stamp.year is not None else f", year assumed {self._base}"
        if not stamp.month:
            assumed = f", day assumed {time.strftime('%Y-%m-%d', time.gmtime(self._base * 86400))}"
        return _machine_offset(self._local(first)), f"local time{assumed} (no Date header in the log)"

    def _disagreement(self) -> bool:
        """Whether Date headers of equal weight say something else than what was settled on."""
        strongest = max(self._votes.values())
        others = sum(weight for (_, zone), weight in self._votes.items() if zone not in self.zones)
        return others * 8 > strongest or self._contrary * 4 > self.count

    def _compare(self, moment: Moment, date: int, slack: int) -> Setting | None:
        """The setting by which the stamp and the Date header name the same time, if a real zone does."""
        for month_first in self._order.orders:
            found = _compare(moment, moment.stamp.ordered(month_first), date, slack)
            if found is not None:
                self._order.agree(moment.stamp, month_first)
                return found
        return None


def _compare(moment: Moment, stamp: Stamp, date: int, slack: int) -> Setting | None:
    count = time.gmtime(date).tm_year if stamp.month else date // 86400
    counts = (stamp.year,) if stamp.year is not None else (count - 1, count, count + 1)
    best = min(counts, key=lambda candidate: abs(stamp.seconds(candidate) - date))
    difference = stamp.seconds(best) - date
    zone = round(difference / QUARTER) * QUARTER
    if abs(difference - zone) > slack or not EARLIEST <= zone <= LATEST:
        return None
    return Setting(best - moment.year if stamp.year is None else 0, zone)


def _latest_year(last: Moment, now: float) -> int:
    """The base year that puts `last` at most a day after `now`."""
    year = time.gmtime(now).tm_year + 1
    while last.stamp.seconds(year) > now + 86400:
        year -= 1
    return year - last.year


def _latest_day(last: Moment, now: float) -> int:
    """The base day that puts `last`, in the zone of this machine, not after `now`."""
    local = int(now) + 60
    day, second = divmod(local + _machine_offset(local), 86400)
    return day - (last.stamp.second > second) - last.year


def _machine_offset(local: int) -> int:
    """Seconds east of UTC of this machine's zone when its clock shows `local` (seconds as if in UTC)."""
    zone = datetime.fromtimestamp(local).astimezone().utcoffset()
    offset = int(zone.total_seconds()) if zone else 0
    zone = datetime.fromtimestamp(local - offset).astimezone().utcoffset()
    return int(zone.total_seconds()) if zone else offset


def zone_name(seconds: int) -> str:
    """`UTC`, `UTC+2`, `UTC-3:30`."""
    if not seconds:
        return "UTC"
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"UTC{'+' if seconds > 0 else '-'}{hours}" + (f":{minutes:02}" if minutes else "")
