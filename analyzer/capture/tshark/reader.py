"""The deep engine: what tshark shows of a capture, beside our own walk over the same file.

Our walk, where the file is of a format that we know, goes along with tshark frame by frame: it counts the packets,
gives their exact times and offsets, and notes what the file itself says of its damage, its drops and its snap length.
tshark says where the SIP is. Where the format is foreign there is no walk, and the number of frames is that of the last
one that mattered.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator
from datetime import datetime

from analyzer.capture import links, tls
from analyzer.capture.engine import UNUSED_KEYS, TsharkInput
from analyzer.capture.record import Record
from analyzer.capture.tally import Tally
from analyzer.capture.tshark import program
from analyzer.capture.tshark.dissection import Garbled, Run, Seen
from analyzer.capture.tshark.items import Items
from analyzer.capture.tshark.program import Tls
from analyzer.defect import SourceError
from analyzer.evidence import SECOND, Endpoint, Frame, Item, Source

_NO_LINK = -1
_HEADLESS = "the handshake was not captured, and no keys open TLS without it"
_MOST_PORTS = 20  # that are told


def items(
    tshark_input: TsharkInput,
    source: Source,
    records: Iterator[Record] | None,
    interrupted: threading.Event | None = None,
) -> Generator[Item, None, None]:
    """All items of a capture; `records` is our own walk over it, or None where its format is foreign. Raises
    KeyboardInterrupt where another thread has set `interrupted`."""
    source.quality.append(f"read by {tshark_input.program}{tshark_input.reason}; it does not count keep-alives")
    keyed = tshark_input.keylog is not None or tshark_input.secrets
    survey = (
        program.survey(tshark_input.program, tshark_input.path, tshark_input.keylog)
        if keyed or records is None
        else None
    )
    walk = _Walk(source, records, look_for_tls=survey is None)
    words = program.arguments(tshark_input.keylog, survey.ports if survey else ())
    run = Run(tshark_input.program, tshark_input.path, words, interrupted)
    kept = Items()
    try:
        for item in _through(run, walk, kept, source):
            walk.hear(item)
            yield item
    finally:
        run.close()
    for item in kept.finish():
        walk.hear(item)
        yield item
    walk.finish(kept.opened)
    _judge(run, walk, source, tshark_input.path)
    if survey is not None:
        _tell(survey, source, keyed=keyed)


def _judge(run: Run, walk: _Walk, source: Source, path: str) -> None:
    """How tshark ended. Of a damaged file our walk has told, and more exactly."""
    reason = run.hung or program.ending(run.code, run.said, path)
    if not reason or (run.code > 0 and source.damaged and not run.hung):
        return
    if not walk.shown:
        raise SourceError(source.name, reason)
    source.damaged = True
    source.defect("tshark-stopped", f"{reason}; what it had read until then is reported")


def _tell(survey: Tls, source: Source, *, keyed: bool) -> None:
    """What the keys did not open: never silently. Of a connection that began before the capture no key is known to fit
    or not."""
    why = "the keys given do not fit" if keyed else "--tls-keylog FILE opens TLS"
    for closed, reason in ((survey.closed, why), (survey.headless, _HEADLESS)):
        for port, count in closed.most_common(_MOST_PORTS):
            plural = "s were" if count > 1 else " was"
            source.quality.append(f"TLS on port {port}: {count} packet{plural} not opened ({reason})")
    if survey.failure and not source.damaged:
        source.quality.append(f"not all TLS was looked at: {survey.failure}")
    elif keyed and not survey.closed and not survey.opened and not survey.headless:
        source.quality.append(UNUSED_KEYS)


def _through(run: Run, walk: _Walk, kept: Items, source: Source) -> Iterator[Item]:
    try:
        for seen in run:
            yield from kept.take(seen, walk.record(seen))
    except Garbled as error:
        source.damaged = True
        source.defect("tshark-output", f"what tshark wrote cannot be read: {error}")


class _Walk:
    """Our own walk over the records, as far as tshark is."""

    def __init__(self, source: Source, records: Iterator[Record] | None, *, look_for_tls: bool) -> None:
        self._source = source
        self._records = records
        self._last: Record | None = None
        self._tally = Tally(source)
        self.hear = self._tally.speakers.hear
        self.shown = 0
        self._decoders = links.table() if look_for_tls else {}

    def record(self, seen: Seen) -> Record:
        """The record of a packet that tshark shows; one made from what tshark says where the walk has none."""
        self.shown += 1
        while self._records is not None and (self._last is None or self._last.number < seen.number):
            self._last = next(self._records, None)
            if self._last is None:
                self._records = None
            else:
                self._count(self._last)
        if self._last is not None and self._last.number == seen.number:
            return self._last
        octets = seen.raw["frame"][0][0] if "frame" in seen.raw else b""
        time = self._source.dated(nanoseconds(seen.time), Frame(self._source.name, seen.number))
        record = Record(self._source, seen.number, 0, time, _NO_LINK, len(octets), octets)
        self._source.frames = max(self._source.frames, seen.number)
        self._source.note_time(record.time)
        return record

    def finish(self, opened: Iterable[tuple[Endpoint, Endpoint]]) -> None:
        """Count what came after the last packet that tshark let through, and tell; TLS between `opened` was read."""
        for record in self._records or ():
            self._count(record)
        for pair in opened:  # with keys that came late in the file, or that the user's own tshark knows
            self._tally.tls.pop(_server_last(pair), None)
        self._tally.tell()

    def _count(self, record: Record) -> None:
        self._source.frames = record.number
        self._source.note_time(record.time)
        if record.length > len(record.octets):
            self._tally.note_cut(record)
        decode = self._decoders.get(record.linktype)
        ends = tls.ends(record.octets, *decode(record.octets)) if decode is not None else None
        if ends is not None:
            self._tally.note_tls(*_server_last(ends))


def _server_last(ends: tuple[Endpoint, Endpoint]) -> tuple[Endpoint, Endpoint]:
    """The lower port, most likely the server's, last: as our own reader of TCP has it."""
    return ends if ends[0].port >= ends[1].port else (ends[1], ends[0])


def nanoseconds(text: str) -> int | None:
    """A packet's time as tshark writes it, seconds since the epoch or, since 4.2, ISO 8601; None where it has none."""
    try:
        if "T" not in text:
            seconds, _, fraction = text.partition(".")
            sign = -1 if seconds.startswith("-") else 1
            return int(seconds) * SECOND + sign * int(fraction.ljust(9, "0")[:9] or "0")
        whole, _, fraction = text.rstrip("Z").partition(".")
        moment = datetime.fromisoformat(whole + "+00:00")
        return int(moment.timestamp()) * SECOND + int(fraction.ljust(9, "0")[:9] or "0")
    except (ValueError, OverflowError):
        return None
