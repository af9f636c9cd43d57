"""Numbers, times, places and parties in the words of a person. No terminal is known here; wire text passes as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import PurePath

from analyzer.evidence import SECOND, LogLines, Place, Source
from analyzer.judge.findings import Severity

SEVERITY_WORD: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FAULT = {"uac": "phone", "uas": "server", "fleet": "phones together", "operator": "administrator"}
_IRREGULAR = {
    "address": "addresses",
    "entry": "entries",
    "query": "queries",
    "reply": "replies",
    "retry": "retries",
    "try": "tries",
}


def count(number: int, noun: str = "") -> str:
    """`1 client`, `49,636 packets`; without a noun the bare number."""
    if not noun:
        return f"{number:,}"
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """The plural of a noun phrase, by its last word."""
    first, blank, last = noun.rpartition(" ")
    return f"{first}{blank}{_IRREGULAR.get(last, f'{last}s')}"


def times(number: int) -> str:
    """`once`, `twice`, `3 times`."""
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")


def listed(words: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def possessive(name: str) -> str:
    """`alice's`, `boss'`."""
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def duration(nanoseconds: int) -> str:
    """A span of time: `40 ms`, `0.5 s`, `31.5 s`, `4 min`, `3 h 20 min`, `5 days`."""
    milliseconds = round(abs(nanoseconds) / 1_000_000)
    if milliseconds < 100:
        return f"{milliseconds} ms"
    tenths = round(milliseconds / 100)
    if tenths < 1200:
        return f"{tenths / 10:.1f}".removesuffix(".0") + " s"
    return _long(round(milliseconds / 1000))


def _long(seconds: int) -> str:
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    if minutes < 2 * 24 * 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{round(minutes / (24 * 60))} days"


class Clock:
    """Times as the reader's source shows them, `offset` seconds east of UTC; the day is said if it is not `first`'s."""

    def __init__(self, offset: int = 0, first: int | None = None) -> None:
        self._offset = offset
        self._day = None if first is None else self._local(first)

    def _local(self, time: int) -> datetime | None:
        try:
            return _EPOCH + timedelta(seconds=time // SECOND + self._offset)
        except OverflowError:  # a damaged capture can hold any 64 bits for a time
            return None

    def at(self, time: int) -> str:
        """`13:35:51`, or `31 Mar 13:35:51` on another day than the source's first."""
        local = self._local(time)
        if local is None:
            return f"{time // SECOND} s after 1970"
        clock = f"{local:%H:%M:%S}"
        same = self._day is not None and self._day.date() == local.date()
        return clock if same else f"{self._date(local, year=self._day is None or self._day.year != local.year)} {clock}"

    def span(self, first: int, last: int) -> str:
        """`30 Mar 2017 13:35:40 - 13:36:06`."""
        local, end = self._local(first), self._local(last)
        if local is None or end is None:
            return f"{self.at(first)} - {self.at(last)}"
        start = f"{self._date(local, year=True)} {local:%H:%M:%S}"
        if local.date() == end.date():
            return f"{start} - {end:%H:%M:%S}" if (end - local) >= timedelta(seconds=1) else start
        return f"{start} - {self._date(end, year=local.year != end.year)} {end:%H:%M:%S}"

    @staticmethod
    def _date(local: datetime, *, year: bool) -> str:
        return f"{local.day} {_MONTHS[local.month - 1]}" + (f" {local.year}" if year else "")


def clock_of(source: Source) -> Clock:
    """The clock of a source: its own zone for a log, UTC for a capture."""
    return Clock(source.utc_offset if source.kind == "log" else 0, source.first)


def source_names(sources: Iterable[Source]) -> dict[str, str]:
    """A short name for each source: the file's own, or as much of the path as tells it from the others."""
    paths = {source.name: PurePath(source.name).parts or (source.name,) for source in sources}
    names = {}
    for name, parts in paths.items():
        others = [other for other in paths.values() if other is not parts]
        depth = 1
        while depth < len(parts) and any(other[-depth:] == parts[-depth:] for other in others):
            depth += 1
        names[name] = "standard input" if name == "-" else str(PurePath(*parts[-depth:]))
    return names


def number_of(place: Place) -> int:
    """The frame or first line."""
    return place.first if isinstance(place, LogLines) else place.number


def place_words(*places: Place) -> str:
    """`frame 981`, `line 39`; with a second place `frame 981 after 455`, or `frames 455, 981` where it comes later."""
    first, *rest = places
    word = "line" if isinstance(first, LogLines) else "frame"
    number = number_of(first)
    other = next(
        (number_of(place) for place in rest if place.source == first.source and number_of(place) != number), None
    )
    if other is None:
        return f"{word} {number}"
    return f"{word} {number} after {other}" if other < number else f"{word}s {number}, {other}"


def party(at_fault: str) -> str:
    """Who is at fault, in the user's words: `UAC / proxy` is `phone or proxy`."""
    words = [word.strip() for word in at_fault.split("/") if word.strip()]
    return listed([_FAULT.get(word.lower(), word) for word in words], "or")


def clause_words(clause: str, *, whole: bool = False) -> str:
    """`RFC 3261 10.2` of `RFC 3261 §10.2 (Call-ID), §8.1.1.4; RFC 5627 §4.1`; `whole`: all of it."""
    plain = re.sub(r"\blast ¶|¶ last\b", "last paragraph", clause).replace("§", "").replace("¶", "paragraph")
    if whole:
        return plain
    first = re.match(r"RFC \d+ [\d.]+(-[\d.]+)*(?<!\.)", plain)
    return first[0] if first else re.split(r"[,;(]", plain, maxsplit=1)[0].strip()


def sentence(text: str) -> str:
    """`text` with a full stop, if it ends in none."""
    text = text.strip()
    return text if not text or text.endswith((".", "!", "?", ":")) else f"{text}."


def capital(text: str) -> str:
    """`text` with its first letter raised."""
    return text[:1].upper() + text[1:]
