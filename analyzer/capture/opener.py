"""The way in: names or streams to a `Reading` of datagrams.

What a file is, its content says. All captures given are one capture in time order, since people rotate files and
capture on two sides; logs are read one after the other. Reading captures is imported when there is one: a log command
must not pay for it.
"""

from __future__ import annotations

import heapq
import io
import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import IO, TYPE_CHECKING, BinaryIO, Literal, NamedTuple, cast

from analyzer.capture import formats
from analyzer.capture.formats import Format
from analyzer.capture.input_stream import InputStream, UnknownFormat
from analyzer.capture.inputs import Input, check_read_once, name_of, plain_path, reason_of, size_of, stream_of
from analyzer.capture.recognition import MAGIC, check_kind, recognise
from analyzer.capture.record import Record
from analyzer.defect import SourceError
from analyzer.evidence import LATEST, Item, LogLines, RawMessage, Source, between

if TYPE_CHECKING:
    from analyzer.capture.engine import Engine, EngineRequest, TsharkInput

_BUFFER = 1 << 18


class _Opened(NamedTuple):
    """An input that was recognised; `tshark_input` where tshark reads it, and then `input_stream` only where we can go
    along; `path` where it is a plain file; `numbers` are those that the lines have in a text that was upside down."""

    source: Source
    input_stream: InputStream | None
    format: Format
    size: int | None
    tshark_input: TsharkInput | None = None
    path: str | None = None
    numbers: Sequence[int] = ()


class Reading:
    """What was opened: iterate it once for the items; `sources` are complete when it is exhausted. `asks` says whether
    tshark is asked by the engine `auto` where no SIP is found.

    A context manager: leaving it closes the files.
    """

    def __init__(self, opened: Sequence[_Opened], engine: Engine = "auto", *, asks: bool = True) -> None:
        self._opened = opened
        self._engine = engine
        self._asks = asks
        self._tshark_input: list[Generator[Item, None, None]] = []
        self._interrupted = threading.Event()
        self.sources = [one.source for one in opened]

    def __iter__(self) -> Iterator[Item]:
        captures = [one for one in self._opened if one.tshark_input is None and one.format.records is not None]
        self._tshark_input = [
            _dissected(one, one.tshark_input, self._interrupted) for one in self._opened if one.tshark_input is not None
        ]
        if len(captures) + len(self._tshark_input) > 1:
            for one in self._opened:
                if one.tshark_input is not None:
                    one.source.quality.append("read by itself: streams that go on in another file are not put together")
        if captures and not self._tshark_input:
            yield from self._looked_at(captures)
        elif self._tshark_input:
            yield from heapq.merge(*([_captured(captures)] if captures else ()), *self._tshark_input, key=_timeline())
        logs = [_logged(one) for one in self._opened if one.format.read is not None]
        if len(logs) == 1:
            yield from logs[0]
        elif logs:  # rotated logs come in any order (a shell lists the newest first)
            yield from heapq.merge(*logs, key=_timeline())

    def _looked_at(self, captures: Sequence[_Opened]) -> Iterator[Item]:
        """The items of captures that we read; where these hold no SIP, those that tshark finds."""
        from analyzer.capture import second_look

        def ask() -> Iterator[Item]:
            unopened = [one for one in captures if one.source.unopened and self._asks]
            self._tshark_input = [second_look.items(one.source, one.path, self._engine, _walk(one)) for one in unopened]
            return heapq.merge(*self._tshark_input, key=_timeline())

        return second_look.looked_at(_captured(captures), [one.source for one in captures], ask)

    def records(self) -> Iterator[Record]:
        """In place of the items: the records of the captures that we read ourselves, as of one, in time order. Media is
        not among them."""
        walks = [_records(one) for one in self._opened if one.format.records is not None and one.tshark_input is None]
        return walks[0] if len(walks) == 1 else heapq.merge(*walks, key=_timeline())

    @property
    def is_divisible(self) -> bool:
        """Whether several processes can read this, each by itself, and share the work: captures that we read ourselves.
        Reading a log is most of the work on it, and what tshark reads is read once."""
        return all(one.tshark_input is None and one.format.records is not None for one in self._opened)

    def position(self) -> int:
        """Octets taken from the files so far, before decompression."""
        return sum(one.input_stream.position for one in self._opened if one.input_stream is not None)

    def total(self) -> int | None:
        """Octets of all files, or None where one is a stream."""
        sizes = [one.size for one in self._opened if one.size is not None]
        return sum(sizes) if len(sizes) == len(self._opened) else None

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt where more is read; another thread may call this."""
        self._interrupted.set()
        for one in self._opened:
            if one.input_stream is not None:
                one.input_stream.interrupt()

    def close(self) -> None:
        """Close all files that were opened here; streams that were handed in stay open."""
        for running in self._tshark_input:
            running.close()
        for one in self._opened:
            if one.input_stream is not None:
                one.input_stream.close()
            if one.tshark_input is not None and one.tshark_input.spool is not None:
                one.tshark_input.spool.close()

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_sources(
    inputs: Sequence[Input],
    *,
    kind: Literal["capture", "log"] | None = None,
    dialect: str | None = None,
    engine: Engine = "auto",
    tls_keylog: str | os.PathLike[str] | None = None,
    asks: bool = True,
) -> Reading:
    """Open everything that was named; `-` is standard input.

    `kind` refuses the other kind; `dialect` names a format (`names()`) instead of asking each. `engine` says who reads
    captures (`analyzer.capture.engine`), `tls_keylog` names a file with keys of TLS; with `asks`, `auto` asks tshark
    about captures in which no SIP is found, if there is what was not opened. Raises `SourceError` where one of
    them cannot be read, ValueError for an engine that takes no keys.
    """
    known = formats.discover()
    engine_request = _engine_request(engine, tls_keylog)
    opened: list[_Opened] = []
    streams: dict[object, str] = {}
    try:
        for one in inputs:
            opened.append(_open(one, known, kind, dialect, engine_request, streams))
    except BaseException:
        Reading(opened).close()
        raise
    return Reading(opened, engine, asks=asks)


def names(kind: Literal["capture", "log"] | None = None) -> list[str]:
    """Names of the formats known, of one kind or of both: what `dialect` may be."""
    return [form.name for form in formats.discover() if kind in (None, form.kind)]


def _engine_request(engine: Engine, tls_keylog: str | os.PathLike[str] | None) -> EngineRequest | None:
    """What is asked of the engines; None where nothing is."""
    if engine == "auto" and tls_keylog is None:
        return None
    from analyzer.capture.engine import EngineRequest

    engine_request = EngineRequest(engine, None if tls_keylog is None else os.fspath(tls_keylog))
    engine_request.check()
    return engine_request


def _open(
    one: Input,
    known: list[Format],
    kind: str | None,
    dialect: str | None,
    engine_request: EngineRequest | None,
    streams: dict[object, str],
) -> _Opened:
    """`streams` are the names of what was opened before and can be read only once."""
    source = Source(name_of(one))
    owned = isinstance(one, (str, os.PathLike))
    stream = stream_of(one, source.name)
    try:
        check_read_once(stream, source.name, streams)
        opened = _told(one, stream, source, known, kind, dialect, engine_request)
    except (OSError, SourceError) as error:
        if owned:
            stream.close()
        if isinstance(error, OSError):
            raise SourceError(source.name, reason_of(error)) from error
        raise
    source.kind, source.format, source.title = opened.format.kind, opened.format.name, opened.format.title
    source.shows_flows = opened.format.flows
    return opened


def _told(
    one: Input,
    stream: BinaryIO,
    source: Source,
    known: list[Format],
    kind: str | None,
    dialect: str | None,
    engine_request: EngineRequest | None,
) -> _Opened:
    """What an input is, and who reads it."""
    path = plain_path(one)
    owned = isinstance(one, (str, os.PathLike))
    size = size_of(stream)
    input_stream: InputStream | None = None
    numbers: Sequence[int] = ()
    try:
        input_stream = InputStream(stream, source, owned=owned)
        if kind != "capture" and (turned := _turned_round(stream, input_stream, source, known)) is not None:
            (input_stream, numbers), size = turned, None
        form = recognise(input_stream, source, known, kind, dialect)
    except UnknownFormat as error:
        if kind == "log" or dialect is not None:
            raise
        from analyzer.capture import engine

        tshark_input = engine.foreign(path, input_stream, source, engine_request, error)
        if tshark_input is None:
            raise
        if input_stream is None:  # what cannot be unpacked here is not read here
            stream.close()
        return _Opened(source, input_stream, engine.FOREIGN, size, tshark_input)
    check_kind(form, source.name, kind)
    if form.kind == "log":
        return _Opened(source, input_stream, form, size, numbers=numbers)
    from analyzer.capture import engine

    tshark_input = engine.choose(path, input_stream, form, source, engine_request)
    return _Opened(source, input_stream, form, size, tshark_input, path)


def _buffered(input_stream: InputStream | None) -> BinaryIO:
    assert input_stream is not None
    return io.BufferedReader(input_stream, _BUFFER)


def _captured(captures: Sequence[_Opened]) -> Iterator[Item]:
    """The items of all captures as of one, the records in time order."""
    from analyzer.capture.packets import PacketReader

    walks = [_records(one) for one in captures]
    merged = walks[0] if len(walks) == 1 else heapq.merge(*walks, key=_timeline())
    return PacketReader().items(merged)


def _dissected(one: _Opened, tshark_input: TsharkInput, interrupted: threading.Event) -> Generator[Item, None, None]:
    """The items of a capture that tshark reads, with our own walk beside it where the format is ours."""
    from analyzer.capture.tshark.reader import items

    walk = None
    if one.format.records is not None:
        walk = _dated(one, _buffered(one.input_stream) if tshark_input.spool is None else _again(tshark_input.spool))
    yield from items(tshark_input, one.source, walk, interrupted)


def _walk(one: _Opened) -> Callable[[Source], Iterator[Record]]:
    """How to go over the records of a file once more, for another source."""

    def walk(source: Source) -> Iterator[Record]:
        with open(one.path or "", "rb") as file, InputStream(file, source) as input_stream:
            yield from _dated(one._replace(source=source), _buffered(input_stream))

    return walk


def _again(spool: IO[bytes]) -> BinaryIO:
    spool.seek(0)
    return cast(BinaryIO, spool)


def _logged(one: _Opened) -> Iterator[Item]:
    """The items of a log in the order of time, if all of it lists the newest first."""
    from analyzer.capture.newest_first import in_time_order  # late: captures do not need it

    return in_time_order(_as_printed(one), one.source)


def _turned_round(
    stream: BinaryIO, input_stream: InputStream, source: Source, known: list[Format]
) -> tuple[InputStream, Sequence[int]] | None:
    """A text that is upside down, turned round; None for any other, and for a log that is still written."""
    head = input_stream.head(MAGIC)
    is_followed = hasattr(stream, "more")  # as those of `followed.py`, which costs milliseconds to import
    if is_followed or any(form.kind == "capture" and form.looks_like(head) for form in known):
        return None
    from analyzer.capture.upside_down import turned_stream  # late: captures do not need it

    return turned_stream(input_stream, source)


def _as_printed(one: _Opened) -> Iterator[Item]:
    """The items of a log in its own order; each datagram is a message there."""
    from analyzer.capture import upside_down  # late: as above

    assert one.format.read is not None
    source, messages = one.source, 0
    for item in one.format.read(_buffered(one.input_stream), source):
        messages += isinstance(item, RawMessage)
        source.messages = messages
        item.time = source.dated(item.time, item.place)
        if isinstance(item.place, LogLines) and item.place.between is not None:
            item.place = _dated_place(source, item.place)
        yield upside_down.as_it_stood(item, one.numbers) if one.numbers else item
    if one.numbers:
        upside_down.note_places(source, one.numbers)
    _tell_undated(source)


def _dated_place(source: Source, place: LogLines) -> LogLines:
    """A place whose bounds can be times; else without them."""
    bounds = place.between
    if bounds is None or source.dated(bounds.earliest, place) is None:
        return place._replace(between=None)
    latest = bounds.latest
    return place if latest is None or latest < LATEST else place._replace(between=bounds._replace(latest=None))


def _records(one: _Opened) -> Iterator[Record]:
    return _dated(one, _buffered(one.input_stream))


def _dated(one: _Opened, stream: BinaryIO) -> Iterator[Record]:
    """The records of a capture. What any format takes for a time comes by here, before anything is reckoned from it."""
    assert one.format.records is not None
    source, latest = one.source, LATEST
    for record in one.format.records(stream, source):
        time = record[3]
        if time is not None and not 0 <= time < latest:
            yield record._replace(time=source.dated(time, record.place))
        else:
            yield record
    _tell_undated(source)


def _tell_undated(source: Source) -> None:
    if source.undated:
        many = source.undated > 1
        what = ("packets have" if many else "packet has") if source.kind == "capture" else "messages have"
        source.quality.append(f"{source.undated} {what} an impossible time; nothing is said of when they were")


def _timeline() -> Callable[[Record | Item], int]:
    """Sort key for merging: the time, or that of the last one of the same file where one has none."""
    last: dict[object, int] = {}

    def key(one: Record | Item) -> int:
        mark = id(one.source) if isinstance(one, Record) else one.place.source
        time = one.time
        if time is None and not isinstance(one, Record) and (bounds := between(one.place)) is not None:
            time = bounds.earliest
        if time is not None:
            last[mark] = time
        return last.get(mark, 0)

    return key
