"""Numbers and dates in header values (RFC 3261 25.1 delta-seconds, qvalue, SIP-date).

Digits are counted before they are converted: int() of a megabyte of digits is quadratic, so a number of more than
`MAX_DIGITS` digits reads as `HUGE`, which is beyond every limit that SIP knows.
"""

from __future__ import annotations

import calendar
import re
from functools import lru_cache

MAX_DIGITS = 30
HUGE = 10**MAX_DIGITS
MAX_DELTA_SECONDS = 2**32 - 1
"""The largest expiry (RFC 3261 20.19: "between 0 and (2**32)-1")."""

# rfc1123-date = wkday "," SP date1 SP time SP "GMT"; SIP allows no other zone (RFC 3261 20.17).
_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4})"
    r" (\d{2}):(\d{2}):(\d{2}) GMT",
    re.ASCII,
)
_DATE_LENGTH = len("Thu, 30 Mar 2017 11:35:51 GMT")
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
# qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
_QVALUE = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


def decimal(s: str) -> int | None:
    """The number that ASCII digits spell (leading zeros are legal), `HUGE` for absurdly many; else None."""
    if len(s) < 6:
        return _short(s)  # the expiry of a million phones is one number
    return _decimal(s)


@lru_cache(maxsize=4096)
def _short(s: str) -> int | None:
    return _decimal(s)


def _decimal(s: str) -> int | None:
    if not (s.isascii() and s.isdigit()):
        return None
    if len(s) > MAX_DIGITS:
        s = s.lstrip("0") or "0"
    return HUGE if len(s) > MAX_DIGITS else int(s)


def qvalue(s: str) -> float | None:
    """The preference 0 to 1 with at most three decimals, or None if malformed."""
    return float(s) if _QVALUE.fullmatch(s) else None


def sip_date(s: str) -> int | None:
    """Seconds since the epoch of a SIP-date, or None if malformed (another zone than GMT is, RFC 4475 3.1.2.12)."""
    return _date(s) if len(s) == _DATE_LENGTH else None


@lru_cache(maxsize=1024)
def _date(s: str) -> int | None:  # all answers of one second tell the same
    found = _DATE.fullmatch(s)
    if found is None:
        return None
    day, month, year = int(found[1]), _MONTHS.index(found[2]) // 3 + 1, int(found[3])
    hour, minute, second = int(found[4]), int(found[5]), int(found[6])
    if year < 1 or not 1 <= day <= calendar.monthrange(year, month)[1] or hour > 23 or minute > 59 or second > 60:
        return None
    return calendar.timegm((year, month, day, hour, minute, second))
