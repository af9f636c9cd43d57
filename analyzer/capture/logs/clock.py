"""The clock of a log: from printed stamps to nanoseconds since the epoch.

A log prints local time, most often without year and zone (RULES T-LOG). Both are found from Date headers (RFC 3261
20.17: always GMT) of the messages in the log: the difference between a block's stamp and its Date, rounded to a
quarter of an hour, is the zone, and it votes. A message that the server sent carries the server's own clock, so its
vote outweighs those of received messages, whose clocks may be anyone's. Without Date headers the log is read in the
zone of this machine, in the latest year that does not put it into the future, and `zone` says so.

Stamps without a year are followed through the log: a step back by more than half a year is New Year's Eve, a step
forward by more than half a year is a late line of the old year. So each stamp has a year relative to the first one.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime
from typing import NamedTuple

from analyzer.capture.logs.stamps import Stamp, parse_stamp
from analyzer.evidence import SECOND, Source

QUARTER = 900
HALF_YEAR = 183
EARLIEST, LATEST = -12 * 3600, 14 * 3600
"""The zones that exist, in seconds east of UTC."""
SLACK = 120
"""Seconds by which a stamp may differ from a Date header, beyond the zone."""
STALE_SLACK = 5
"""The same where the stamp is that of an earlier line: more would move the zone."""
SENT_WEIGHT, RECEIVED_WEIGHT = 16, 1
SWITCH = 3
"""So many votes in a row for another zone are a change of the zone (summer time)."""


class Moment(NamedTuple):
    """A stamp, with its year counted from that of the log's first stamp (or the printed one)."""

    stamp: Stamp
    year: int


class Clock:
    """Follows the stamps of one log, collects votes for its zone, and turns stamps into times once told to `decide`."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._text = b""
        self._last: Moment | None = None
        self._turns = 0
        self._ends: dict[bool, Moment] = {}
        self._votes: Counter[tuple[int, int]] = Counter()
        self._contrary = 0
        self._streak: list[int] = []
        self._offset: int | None = None
        self._base = 0
        self._decided = False
        self.count = 0
        self.zones: list[int] = []
        self.step = SECOND

    def see(self, text: bytes) -> Moment | None:
        """Note the stamp of the next line; without one, the moment last seen stands (None before the first)."""
        if text and text != self._text:
            self._text = text
            if stamp := parse_stamp(text):
                self._last = self._follow(stamp)
        return self._last

    def _follow(self, stamp: Stamp) -> Moment:
        if stamp.year is not None:
            moment = Moment(stamp, stamp.year)
        else:
            if self._last is not None:
                days = (stamp.month - self._last.stamp.month) * 30.5 + stamp.day - self._last.stamp.day
                self._turns += (days < -HALF_YEAR) - (days > HALF_YEAR and self._turns > 0)
            moment = Moment(stamp, self._turns)
        self.step = min(self.step, stamp.step)
        self._ends.setdefault(False, moment)
        self._ends[True] = moment
        return moment

    def vote(self, moment: Moment, date: int, *, sent: bool, fresh: bool = True) -> None:
        """A message printed at `moment` carries `date` (seconds since the epoch) in its Date header.

        `fresh` says that the message itself is stamped; otherwise the moment is that of an earlier line.
        """
        found = _compare(moment, date, SLACK if fresh else STALE_SLACK)
        if found is None:
            self._contrary += fresh
            return
        self.count += 1
        weight = SENT_WEIGHT if sent and fresh else RECEIVED_WEIGHT
        self._votes[found] += weight
        if self._decided and sent and self._offset is not None and found[1] != self._offset:
            self._streak.append(found[1])
            if self._streak[-SWITCH:] == [found[1]] * SWITCH:
                self._offset, self._streak = found[1], []
                self.zones.append(found[1])
        else:
            self._streak.clear()

    def decide(self) -> None:
        """Settle zone and base year from what was seen so far; later calls change nothing."""
        if self._decided:
            return
        self._decided = True
        if self._votes:
            (self._base, self._offset), _ = max(self._votes.items(), key=lambda vote: (vote[1], -abs(vote[0][1])))
            self.zones.append(self._offset)
        elif (last := self._ends.get(True)) and last.stamp.year is None:
            self._base = _latest_year(last, self._now)

    def time(self, moment: Moment | None) -> int | None:
        """Nanoseconds since the epoch (UTC) of `moment`; None without one."""
        if moment is None:
            return None
        return self._seconds(moment) * SECOND + moment.stamp.nanosecond

    def _seconds(self, moment: Moment) -> int:
        stamp = moment.stamp
        local = stamp.seconds(moment.year if stamp.year is not None else self._base + moment.year)
        if stamp.zone is not None:
            return local - stamp.zone
        return local - (_machine_offset(local) if self._offset is None else self._offset)

    def report(self, source: Source) -> None:
        """Write span, resolution, zone and what is doubtful about them into `source`."""
        self.decide()
        source.resolution = self.step
        first, last = self._ends.get(False), self._ends.get(True)
        if first is None or last is None:
            _once(source, "The log has no time stamps: nothing can be said about times.")
            return
        source.note_time(self.time(first))
        source.note_time(self.time(last))
        source.utc_offset, source.zone = self._zone(first)
        if self._offset is not None and self._disagreement():
            _once(source, f"Date headers contradict each other or the stamps; {source.zone}, is what most of them say.")

    def _zone(self, first: Moment) -> tuple[int, str]:
        if first.stamp.zone is not None:
            return first.stamp.zone, f"{zone_name(first.stamp.zone)}, from the stamps"
        if self.zones:
            names = " then ".join(dict.fromkeys(zone_name(zone) for zone in self.zones[:4]))
            return self.zones[0], f"{names}, from Date headers"
        local = first.stamp.seconds(first.year if first.stamp.year is not None else self._base + first.year)
        year = "" if first.stamp.year is not None else f", year assumed {self._base}"
        return _machine_offset(local), f"local time{year} (no Date header in the log)"

    def _disagreement(self) -> bool:
        """Whether Date headers of equal weight say something else than what was settled on."""
        strongest = max(self._votes.values())
        others = sum(weight for (_, zone), weight in self._votes.items() if zone not in self.zones)
        return others * 8 > strongest or self._contrary * 4 > self.count


def _compare(moment: Moment, date: int, slack: int) -> tuple[int, int] | None:
    """(base year, zone) by which the stamp and the Date header name the same time, if a real zone does."""
    stamp = moment.stamp
    year = time.gmtime(date).tm_year
    years = (stamp.year,) if stamp.year is not None else (year - 1, year, year + 1)
    best = min(years, key=lambda candidate: abs(stamp.seconds(candidate) - date))
    difference = stamp.seconds(best) - date
    zone = round(difference / QUARTER) * QUARTER
    if abs(difference - zone) > slack or not EARLIEST <= zone <= LATEST:
        return None
    return (best - moment.year if stamp.year is None else 0), zone


def _latest_year(last: Moment, now: float) -> int:
    """The base year that puts `last` at most a day after `now`."""
    year = time.gmtime(now).tm_year + 1
    while last.stamp.seconds(year) > now + 86400:
        year -= 1
    return year - last.year


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


def _once(source: Source, sentence: str) -> None:
    if sentence not in source.quality:
        source.quality.append(sentence)
