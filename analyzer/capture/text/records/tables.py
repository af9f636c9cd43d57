"""Tables in CSV with a column of text: what Grafana, Splunk, CloudWatch Insights, Kibana and data bases export.

A field may hold line ends where it is in quotes (RFC 4180 2), so a row may be several lines. The first row names the
columns.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator

from analyzer.capture.text.carrier_kinds import MARK, TEXT_KEYS, TIME_KEYS, Carrier, Part, json_stamp
from analyzer.capture.text.records import RECORDS
from analyzer.capture.text.rows_of_homer import banner_of

_MOST = 1 << 18
"""Octets of a row; what is longer has a quote that is none of its own."""
_TEXTS = tuple(key.lower() for key in TEXT_KEYS)
_TIMES = tuple(key.lower() for key in TIME_KEYS)
_LOKI = re.compile(r"([A-Z][a-z]{2}) (\d{1,2}), (\d{4}) @ (.*)")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class Table:
    """A table whose columns `text` and `time` (None: it has none) are read."""

    code = "repaired-table"
    says = RECORDS["repaired-table"]

    def __init__(self, delimiter: str, names: list[str], text: int, time: int | None) -> None:
        self._delimiter, self._names, self._text, self._time = delimiter, names, text, time
        self.carriers = (Carrier(self.code, self.says, 0, self._taken),)

    def joined(self, lines: Iterable[bytes]) -> Iterator[tuple[int, bytes | None]]:
        """The rows; that with the names of the columns is none."""
        parts: list[bytes] = []
        octets, is_open, first = 0, False, True
        for line in lines:
            parts.append(line)
            octets += len(line) + 1
            is_open ^= line.count(b'"') % 2 == 1
            if is_open and octets < _MOST:
                continue
            yield len(parts), None if first else b"\n".join(parts)
            parts.clear()
            octets, is_open, first = 0, False, False
        if parts:
            yield len(parts), b"\n".join(parts)

    def _taken(self, row: bytes) -> list[Part] | None:
        fields = _fields(row, self._delimiter)
        if fields is None or len(fields) <= self._text:
            return None
        stamp = b"" if self._time is None else json_stamp(_plain(fields[self._time]))
        before = banner_of(dict(zip(self._names, map(_value, fields), strict=False))) if MARK in row else ""
        text = (before + fields[self._text]).encode("utf-8", "surrogateescape")
        return [(part, stamp) for part in text.removesuffix(b"\n").split(b"\n")]


def _plain(stamp: str) -> str:
    """A time as Kibana writes it (`Nov 29, 2026 @ 15:03:33.486`), in the order of ISO 8601; any other as it is."""
    match = _LOKI.match(stamp)
    if match is None or match[1] not in _MONTHS:
        return stamp
    return f"{match[3]}-{_MONTHS.index(match[1]) + 1:02}-{int(match[2]):02} {match[4]}"


def _value(field: str) -> object:
    """A field, or the object of JSON that it is (a column of a data base)."""
    if not field.startswith("{"):
        return field
    try:
        return json.loads(field)
    except ValueError:
        return field


def _fields(row: bytes, delimiter: str) -> list[str] | None:
    try:
        return next(csv.reader([row.decode("utf-8", "surrogateescape")], delimiter=delimiter), None)
    except csv.Error:
        return None


def found(head: bytes) -> Table | None:
    """The table that begins with `head`, if its first row names a column of text."""
    first = head.split(b"\n", 1)[0].rstrip(b"\r")
    for delimiter in ",;\t":
        names = [name.strip().lower() for name in _fields(first, delimiter) or ()]
        text = next((names.index(key) for key in _TEXTS if key in names), None)
        if text is None or (len(names) == 1 and not first.startswith(b'"')):
            continue
        time = next((names.index(key) for key in _TIMES if key in names), None)
        return Table(delimiter, [name.strip() for name in _fields(first, delimiter) or ()], text, time)
    return None
