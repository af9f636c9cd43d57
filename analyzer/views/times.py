"""Times for machines: ISO 8601 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(time: int | None) -> str:
    """`2026-11-20T11:53:43.000120Z` of nanoseconds since the epoch; empty where there is none, or none that a calendar
    has (a capture may say anything)."""
    if time is None:
        return ""
    try:
        moment = _EPOCH + timedelta(microseconds=time // 1000)
    except OverflowError:
        return ""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
