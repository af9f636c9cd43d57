"""Time stamps as logs print them, and the Date header (RFC 3261 20.17, always GMT).

A stamp may lack its year and its zone; `Stamp` keeps what was printed, and `clock.py` finds the rest.
"""

from __future__ import annotations

import calendar
import datetime
import re
import time
from typing import NamedTuple

MONTHS = {name: n for n, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}

_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_WEEKDAY = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_TIME = rb"(?:\d\d:\d\d:\d\d|\d:\d\d:\d\d(?=(?:[.,]\d{1,9})? ?[AaPp]\.?[Mm]))(?:[.,]\d{1,9})?"
_ZONE = rb"(?: ?(?:Z|[+-]\d\d:?\d\d))?"
_HALF = re.compile(rb"(?<!\d)(\d{1,2})(:\d\d:\d\d(?:[.,:]\d{1,9})?) ?([AaPp])\.?[Mm]\.?(?![A-Za-z])")
PATTERN = (
    rb"(?:(?:" + _WEEKDAY + rb" )?" + _MONTH + rb" [ 0-3]?\d (?:\d{4} )?" + _TIME + rb"(?: \d{4}(?:[.,]\d{1,9})?)?"
    rb"|(?:\d{4}[-/.]\d\d[-/.]\d\d[T\t |]|[ \d]?\d[-/.][ \d]?\d[-/.](?:\d\d)?\d\d,?[\t |]"
    rb"|[ \d]?\d[-/. ]"
    + _MONTH
    + rb"[-/. ]\d{4}[:T\t ])"
    + _TIME
    + _ZONE
    + rb"|"
    + _MONTH
    + rb" [ 0-3]?\d, \d{4},? "
    + _TIME
    + rb"|[01]\d-[0-3]\d "
    + _TIME
    + rb"|\d{9,10}(?:[.,]\d{1,9})?"
    rb"|" + _TIME + rb")"
)
"""One stamp of a log, without its brackets: `Nov 20 11:53:45`, `2026-11-20 11:56:12.449`, ISO 8601 with a zone; what
other `dateformat`s print: `Fri Nov 20 11:53:45 2026`, `20/11/2026 11:53:45` (day or month first), `11-20 11:53:45`
(month first, as Android has it), `20-Nov-2026 11:53:45`, `20/Nov/2026:11:53:45 +0000`, `Nov 20, 2026 11:53:45`,
seconds since the epoch, and the mere time of day."""

_CLOCK = rb"(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
_SHORT = re.compile(
    rb"(?:"
    + _WEEKDAY
    + rb" +)?("
    + _MONTH
    + rb") +(\d{1,2}) (?:(\d{4}) )?"
    + _CLOCK
    + rb"(?: (\d{4})(?:[.,](\d{1,9}))?)?\Z",
)
_DAY_FIRST = re.compile(
    rb" ?(\d{1,2})[-/. ](" + _MONTH + rb")[-/. ](\d{4})[:T\t ]" + _CLOCK + rb" ?(Z|[+-]\d\d:?\d\d)?\Z"
)
_WITH_COMMA = re.compile(rb"(" + _MONTH + rb") +(\d{1,2}), (\d{4}),? " + _CLOCK + rb"\Z")
_ISO = re.compile(rb"(\d{4})[-/.](\d\d)[-/.](\d\d)[T\t |]" + _CLOCK + rb" ?(Z|[+-]\d\d:?\d\d)?\Z")
_NUMERIC = re.compile(rb" ?(\d{1,2})[-/.] ?(\d{1,2})[-/.](\d{4}|\d\d),?[\t |]" + _CLOCK + rb" ?(Z|[+-]\d\d:?\d\d)?\Z")
_YEARLESS = re.compile(rb"(\d\d)-(\d\d) " + _CLOCK + rb"\Z")
_EPOCH = re.compile(rb"(\d{9,10})(?:[.,](\d{1,9}))?\Z")
_ALONE = re.compile(_CLOCK + rb"\Z")
_DATE = re.compile(
    rb"\s*(?:[A-Za-z]{3},)?\s*(\d{1,2})\s+([A-Z][a-z]{2})\s+(\d{4})\s+(\d\d):(\d\d):(\d\d)\s+(?:GMT|UTC)\s*\Z",
)


class Stamp(NamedTuple):
    """A printed time: `year` None and `zone` (seconds east of UTC) None where they are not printed; `step` in ns.

    `month` is 0 where the time of day stands alone. `numeric` says that the order of day and month is not known: the
    number printed first is in `day` then, the other one in `month`.
    """

    year: int | None
    month: int
    day: int
    second: int
    nanosecond: int
    zone: int | None
    step: int
    numeric: bool = False

    def seconds(self, year: int) -> int:
        """Seconds since the epoch, were this a time of `year` (a day since the epoch, without a date) in UTC."""
        if not self.month:
            return year * 86400 + self.second
        # A log without years whose stamps go back again and again turns its year each time, until there is none left.
        year = min(max(year, datetime.MINYEAR), datetime.MAXYEAR)
        return calendar.timegm((year, self.month, self.day, 0, 0, 0)) + self.second

    def ordered(self, month_first: bool) -> Stamp:
        """The stamp with day and month told apart; what is impossible in the order given is read in the other."""
        if not self.numeric:
            return self
        swap = self.day <= 12 if month_first else self.month > 12
        month, day = (self.day, self.month) if swap else (self.month, self.day)
        return self._replace(month=month, day=day, numeric=False)


def spelled(month: int, day: bytes, time: bytes) -> bytes:
    """A stamp of month, day and time of day as syslog has it; empty where there is no such month."""
    return b"%b %b %b" % ([*MONTHS][month - 1], day, time) if 1 <= month <= len(MONTHS) else b""


def parse_stamp(text: bytes) -> Stamp | None:
    """A stamp without brackets, or None."""
    if text[-1:] in b"mM." and text[-1:]:
        text = _HALF.sub(_whole_day, text)
    if match := _SHORT.match(text):
        month, day, year, *clock, fraction, late_year, late_fraction = match.groups()
        year, fraction = year or late_year, fraction or late_fraction
        return _stamp(int(year) if year else None, MONTHS[month], int(day), clock, fraction, None)
    if match := _ISO.match(text):
        year, month, day, *clock, fraction, zone = match.groups()
        return _stamp(int(year), int(month), int(day), clock, fraction, _zone(zone))
    if match := _NUMERIC.match(text):
        first, second, year, *clock, fraction, zone = match.groups()
        return _numeric(int(year) + 2000 * (len(year) == 2), int(first), int(second), clock, fraction, _zone(zone))
    if match := _DAY_FIRST.match(text):
        named, month, year, *clock, fraction, zone = match.groups()
        return _stamp(int(year), MONTHS[month], int(named), clock, fraction, _zone(zone))
    if match := _WITH_COMMA.match(text):
        month, named, year, *clock, fraction = match.groups()
        return _stamp(int(year), MONTHS[month], int(named), clock, fraction, None)
    return _without_year(text)


def _without_year(text: bytes) -> Stamp | None:
    """A stamp of month and day, or of the time of day alone; seconds since the epoch."""
    if match := _YEARLESS.match(text):
        month, day, *clock, fraction = match.groups()
        return _stamp(None, int(month), int(day), clock, fraction, None)
    if match := _ALONE.match(text):
        *clock, fraction = match.groups()
        found = _stamp(None, 1, 1, clock, fraction, None)
        return found and found._replace(month=0, day=0)
    return _epoch(match[1], match[2]) if (match := _EPOCH.match(text)) else None


def _whole_day(match: re.Match[bytes]) -> bytes:
    """A time of the twelve-hour clock (`1:02:03 PM`) as one of 24 hours; what is none is left."""
    hour = int(match[1])
    if not 1 <= hour <= 12:
        return match[0]
    return b"%02d" % (hour % 12 + 12 * (match[3] in b"pP")) + match[2]


def _numeric(
    year: int, first: int, second: int, clock: list[bytes], fraction: bytes | None, zone: int | None
) -> Stamp | None:
    found = _stamp(year, min(first, second), max(first, second), clock, fraction, zone)
    return found and found._replace(day=first, month=second, numeric=True)


def _epoch(seconds: bytes, fraction: bytes | None) -> Stamp | None:
    year, month, day, *clock = time.gmtime(int(seconds))[:6]
    return _stamp(year, month, day, [b"%d" % number for number in clock], fraction, 0)


_WORD, _NUMBER = re.compile(rb"[A-Za-z\x80-\xff]+"), re.compile(rb" *\d+")


def stamp_shape(text: bytes) -> bytes:
    """What the stamps of one unknown form have in common: words and numbers each made one sign."""
    return _NUMBER.sub(b"0", _WORD.sub(b"a", text))


def _stamp(
    year: int | None, month: int, day: int, clock: list[bytes], fraction: bytes | None, zone: int | None
) -> Stamp | None:
    hour, minute, second = map(int, clock)
    plausible = 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60
    if not plausible or (year is not None and not 1970 <= year <= 2200):
        return None
    nanosecond = int(fraction.ljust(9, b"0")) if fraction else 0
    step: int = 10 ** (9 - len(fraction)) if fraction else 10**9
    return Stamp(year, month, day, hour * 3600 + minute * 60 + second, nanosecond, zone, step)


def _zone(text: bytes | None) -> int | None:
    if not text:
        return None
    if text == b"Z":
        return 0
    digits = text[1:].replace(b":", b"")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if text[:1] == b"-" else seconds


def parse_date(value: bytes) -> int | None:
    """The value of a Date header (RFC 3261 20.17) in seconds since the epoch, or None."""
    match = _DATE.match(value)
    if not match or match[2] not in MONTHS or not 1970 <= int(match[3]) <= 2200:
        return None
    day, hour, minute, second = (int(match[n]) for n in (1, 4, 5, 6))
    return calendar.timegm((int(match[3]), MONTHS[match[2]], day, hour, minute, second))
