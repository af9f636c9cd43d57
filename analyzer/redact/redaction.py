"""A capture or log with pseudonyms: gone over twice, once to note what there is, once to write.

What is written of a capture are the SIP messages, keep-alives, ICMP errors and ends of connections, as packets of raw
IP with headers that are made anew (`analyzer/capture/savefile.py`): no link layer, so no MAC address; no comments,
interface or host names of pcapng; no other traffic. What was fragmented is whole, what was in a tunnel or TLS is plain.

Of a log it is the messages, with their times and ends, as text of one form whatever the log's was
(`analyzer/capture/savetext.py`). Replacing words where they stand would be a promise that nobody can keep: a log may
have a message once more in hex beside it, broken at a width, or told in words of its own. Of these words, Asterisk's
notices are known one by one, so its logs become logs of Asterisk (`savelog.py`) with the notices between the messages,
each made anew from its parts (`notices.py`).

Times and ports stay. Each message is looked through for what must not be left before it is written.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from typing import BinaryIO, NamedTuple, Protocol

from analyzer.capture.opener import Reading
from analyzer.capture.savefile import SaveFile
from analyzer.capture.saveflows import SaveFlows
from analyzer.capture.savelog import SaveLog
from analyzer.capture.savetext import SaveText
from analyzer.escape import Told
from analyzer.evidence import SECOND, Between, Endpoint, Frame, Item, LogLines, NetworkError, RawMessage, Source
from analyzer.redact.addresses import Addresses
from analyzer.redact.digests import DigestMaker
from analyzer.redact.headers import Headers
from analyzer.redact.leaks import LeakSearch
from analyzer.redact.lexer import Lexer
from analyzer.redact.message import EMPTY, Rewriter
from analyzer.redact.notices import NoticeRewriter
from analyzer.redact.pseudonyms import Pseudonyms
from analyzer.register.digest.secrets import Secrets
from analyzer.sip.hosts import is_address
from analyzer.sip.sniff import PING
from analyzer.sip.text import octets
from analyzer.sip.transports import SECURED

_NOBODY = Endpoint("127.0.0.1", 9)  # the port of discard (RFC 863)
_MOST_STREAMS = 1_000_000
MOST_HEARD = 250_000
"""Lines of a server's own that wait for the message behind them; of a log without messages no more are written."""
_NOTICES_IN = ("asterisk-chan_sip", "asterisk-pjsip")
"""The dialects whose readers give out notices."""
_DAY = 86_400
_OTHER_KEEP_ALIVE = b"\r\n"


class Leak(Told):
    """What must not be left was left: a fault of ours, and nothing is written."""


class Given(NamedTuple):
    """What stood for what in an earlier file: words in small letters, and addresses."""

    words: Mapping[str, str]
    addresses: Mapping[str, str]


NOTHING = Given({}, {})


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for. `shift` is added to all times, nanoseconds."""

    keep_bodies: bool = False
    keep_agents: bool = True
    shift: int = 0


@dataclass(slots=True)
class Counts:
    """What was done: messages written, bodies left out, digests that can be verified still and that cannot, by
    transport what is plain now, and packets or payloads that are not written because they are no SIP; `notices` of a
    server that are written, and `unsaid` ones that are not, because they could not be made anew."""

    messages: int = 0
    bodies: int = 0
    verifiable: int = 0
    opaque: int = 0
    others: int = 0
    cut: int = 0
    notices: int = 0
    unsaid: int = 0
    transports: Counter[str] = field(default_factory=Counter)


class Writer(Protocol):
    """Where messages go: a `SaveFile`, or of a log a `SaveText`, `SaveLog` or `SaveFlows`."""

    written: int
    cut: int

    def add(self, message: RawMessage) -> None:
        """Write a message."""

    def add_error(self, error: NetworkError) -> None:
        """Write the end of an exchange."""

    def finish(self) -> None:
        """Write what waits."""


class _Heard(NamedTuple):
    """A line of the server's own that waits for the messages before it."""

    line: int
    text: bytes
    when: Callable[[], int | None]


class Redaction:
    """One run. `note` goes over the source, `write` over it again; `names` and `addresses` tell then what became of
    what. `is_timed`: each message has a time; `span` and `step` are those of the clock; `shift` is by how much all
    times are later, in whole steps."""

    def __init__(self, key: bytes, wishes: Wishes, secrets: Secrets, given: Given = NOTHING) -> None:
        self._given = given
        self.names = Pseudonyms(key, given.words)
        self.addresses = Addresses(self.names, given.addresses)
        self._wishes = wishes
        self.digests = DigestMaker(self.names, secrets)
        lexer = Lexer(self.names, self.addresses)
        self._headers = Headers(lexer, keep_agents=wishes.keep_agents)
        self._rewriter = Rewriter(lexer, self._headers, keep_bodies=wishes.keep_bodies, digests=self._renewed)
        self._notices = NoticeRewriter(lexer)
        self._kept: list[RawMessage] = []
        self._heard: deque[_Heard] = deque()
        self.is_timed = True
        self._transports: set[str] = set()
        self._has_times = False
        self.span: tuple[int | None, int | None] = None, None
        self.step, self.shift = SECOND, wishes.shift
        self._headers.shift(wishes.shift)
        self.told = Counts()

    def _renewed(self, message: object, made: bytes) -> bytes:
        return made if self.names.noting else self.digests.renewed(message, made)  # type: ignore[arg-type]

    def note(self, reading: Reading) -> None:
        """Note all words and addresses, and the keep-alives, which readers count and do not give out."""
        streams: dict[int, str] = {}
        for source in reading.sources:
            source.hear = self._note_line
        for item in reading:
            self._rewritten(item)
            self.is_timed = self.is_timed and item.time is not None
            self._has_times = self._has_times or item.time is not None
            self._transports.add(item.transport)
            if item.stream and len(streams) < _MOST_STREAMS:
                streams[item.stream] = item.transport
        self._kept = [one for source in reading.sources for one in (*_keep_alives(source, streams), *_ends(source))]
        for raw_message in self._kept:
            self._rewritten(raw_message)
        self._kept.sort(key=lambda one: one.time or 0)
        self._take_clock(reading.sources[0])
        self.names.settle()
        self.addresses.settle()
        self._headers.forget()
        self._rewriter.bodies = 0

    def write(self, reading: Reading, saved: Writer) -> Counts:
        """Write it. Raises `Leak` where a word of the original would be in it, OSError as files do."""
        told, search = self.told, self._search()
        for source in reading.sources:
            source.hear = self._hear
        for _, _, item in merge(_dated(reading), _dated(self._kept), key=lambda one: one[0]):
            if isinstance(saved, SaveLog) and isinstance(item.place, LogLines):
                self._say(saved, search, item.place.first)
            self._save(item, saved, search)
        if isinstance(saved, SaveLog):
            self._say(saved, search)
            told.notices = saved.notices
        saved.finish()
        told.messages = saved.written - len(self._kept)
        told.cut = saved.cut
        told.bodies = self._rewriter.bodies
        told.verifiable, told.opaque = self.digests.verifiable, self.digests.opaque
        told.others = sum(source.other for source in reading.sources)
        return told

    def words(self) -> Iterator[tuple[str, str]]:
        """What stands for which word, of this file and of earlier ones."""
        yield from (dict(self._given.words) | dict(self.names.known())).items()

    def pairs(self) -> Iterator[tuple[str, str]]:
        """What stands for which address, of this file and of earlier ones."""
        yield from (dict(self._given.addresses) | dict(self.addresses.known())).items()

    def _search(self) -> LeakSearch:
        known = dict(self.names.known())
        taken = set(known.values())  # what an earlier file was given may be a name in this one
        return LeakSearch(known.keys() - taken, self.addresses.originals())

    def saver(self, source: Source, out: BinaryIO) -> SaveFile | SaveText | SaveLog | SaveFlows:
        """Where what was noted is to be written, in the form that keeps most of this source."""
        if source.kind != "log":
            return SaveFile(out, tells_tls=not self._transports.isdisjoint(SECURED.values()), timed=self._has_times)
        if source.shows_flows:
            return SaveFlows(out)
        if source.format in _NOTICES_IN:
            first, last = self.span
            return SaveLog(out, timed=self.is_timed, step=self.step, first=first, last=last)
        return SaveText(out, timed=self.is_timed, step=self.step)

    def _take_clock(self, source: Source) -> None:
        """When the source begins and ends, in which steps its clock goes, and which seconds in a nonce are times. Times
        are shifted by whole steps: in a clock of seconds, a part of one would tell what no stamp told."""
        self.step = source.resolution
        self.shift = shift = (2 * self._wishes.shift + self.step) // (2 * self.step) * self.step
        self._headers.shift(shift)
        first, last = (None if time is None else time + shift for time in (source.first, source.last))
        self.span = first, last
        if source.first is not None and source.last is not None:
            self._headers.span = source.first // SECOND - _DAY, source.last // SECOND + _DAY

    def _note_line(self, line: int, text: bytes, when: Callable[[], int | None]) -> None:
        self._notices.rewritten(text)

    def _hear(self, line: int, text: bytes, when: Callable[[], int | None]) -> None:
        if len(self._heard) < MOST_HEARD:
            self._heard.append(_Heard(line, text, when))
        else:
            self.told.unsaid += 1

    def _say(self, saved: SaveLog, search: LeakSearch, before: int | None = None) -> None:
        """Write the notices of the lines before one, or all. One in which a word would be left is left out."""
        while self._heard and (before is None or self._heard[0].line < before):
            heard = self._heard.popleft()
            made = self._notices.rewritten(heard.text)
            if made is None or search.found(made.parts):
                self.told.unsaid += 1
                continue
            time = heard.when()
            saved.add_notice(None if time is None else self._shifted(time, str(heard.line)), made.module, made.line)

    def _shifted(self, time: int, place: object) -> int:
        if time + self.shift < 0:
            raise Leak(f"{place}: its time would be before 1970; nothing is written")
        return time + self.shift

    def _save(self, item: Item, saved: Writer, search: LeakSearch) -> None:
        made = self._rewritten(item)
        if made.time is not None:
            made.time = self._shifted(made.time, item.place)
        elif isinstance(made.place, LogLines) and made.place.between is not None:
            earliest, latest = made.place.between
            shifted = Between(earliest + self.shift, None if latest is None else latest + self.shift)
            made.place = made.place._replace(between=shifted)
        if isinstance(made, NetworkError):
            self._check(search, made.quoted, item)
            saved.add_error(made)
            return
        named = " ".join(one.host for one in (made.source, made.destination) if not is_address(one.host))
        self._check(search, made.payload + octets(f" {named}"), item)
        self.told.transports[made.transport] += 1
        saved.add(made)

    @staticmethod
    def _check(search: LeakSearch, written: bytes, item: Item) -> None:
        if search.found(written):
            raise Leak(
                f"{item.place}: a word of the original is left in it; nothing is written (--user-agents replaces what"
                " programs call themselves, too)"
            )

    def _rewritten(self, item: Item) -> Item:
        return self._rewriter.message(item) if isinstance(item, RawMessage) else self._rewriter.error(item)


def _ends(source: Source) -> Iterator[RawMessage]:
    """A packet without any content at the first and last time of a capture: how long it is says what it can show."""
    for time in (source.first, source.last) if source.kind == "capture" else ():
        if time is not None:
            yield RawMessage(EMPTY, time, Frame(source.name, 0), _NOBODY, _NOBODY)


def _keep_alives(source: Source, streams: dict[int, str]) -> Iterator[RawMessage]:
    """The keep-alives of a source as they are written: CRLFCRLF where such went, else a bare CRLF."""
    for way, times in source.kept.ways():
        payload = PING if way[2] or way in source.kept.crlf else _OTHER_KEEP_ALIVE
        transport = streams.get(way[2], "TCP") if way[2] else "UDP"
        place = Frame(source.name, 0)
        yield from (RawMessage(payload, time, place, way[0], way[1], transport, stream=way[2]) for time in times)


def _dated(items: Reading | list[RawMessage]) -> Iterator[tuple[int, int, Item]]:
    """The items with their times, or that of the one before, to be merged by; the second number keeps their order."""
    time = 0
    for number, item in enumerate(items):
        time = max(time, item.time) if item.time is not None else time
        yield time, number, item
