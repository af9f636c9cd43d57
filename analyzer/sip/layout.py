"""How a SIP message lies in its octets: start line, header rows with their places, body (RFC 3261 7, 18.3).

Nearly every message is plain: each line ends in CRLF, nothing is folded, the start line and every header line are as
the grammar has them. Those are split and looked up, line by line, in what is known of such lines; all others are read
octet by octet. Both ways give the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.defect import Defect
from analyzer.evidence import Fidelity, RawMessage
from analyzer.sip.auth_headers import CREDENTIALS
from analyzer.sip.headers import LINES, SINGLE, Header, Row, split_headers
from analyzer.sip.lazy import lazy
from analyzer.sip.scalar import decimal
from analyzer.sip.startline import START_LINES, parse_start_line
from analyzer.sip.text import clip, split_list, text
from analyzer.sip.transports import STREAMS

MANDATORY = frozenset(("to", "from", "cseq", "call-id", "max-forwards", "via"))
"""The header fields that every request must have (RFC 3261 8.1.1), as canonical keys."""
SAFE_OVER_UDP = 1300
"""Octets of a request up to which it may go over UDP where the path's MTU is not known (RFC 3261 18.1.1)."""
_DATAGRAMS = frozenset(("UDP", "SCTP"))
_row_of = LINES.__getitem__
_COMMA = b","[0]
_SHORT = (9, 3)
"""Digits that the numbers of seconds, and of hops, always have room for."""
_NO_REPEATS: dict[str, list[Row]] = {}


class Layout:
    """The parts of a SIP message, or of what was taken for one.

    `method` is "" for a response, `status` 0 for a request; both so where the start line is neither.
    `body` is at most Content-Length octets, `trailing` what follows it. `head_end` and `body_start` are the offsets
    of the empty line and of the octet after it. `is_good_evidence`: nothing is known that would make its octets or its
    time less than what was sent; the question has to be asked piece by piece where it is false.
    """

    __slots__ = (
        "__dict__",
        "_is_folded",
        "_repeats",
        "_rows",
        "body",
        "body_start",
        "complete_headers",
        "defects",
        "head_end",
        "is_good_evidence",
        "method",
        "raw",
        "raw_message",
        "reason",
        "request_uri",
        "status",
        "trailing",
        "version",
    )

    def __init__(self, raw_message: RawMessage) -> None:
        self.raw_message = raw_message
        self.raw = raw_message.payload
        self.defects: tuple[Defect, ...] = ()
        self.body = self.trailing = b""
        self._is_folded = False
        if not self._read_plain():
            self._read_any()

    def _read_plain(self) -> bool:
        """Read the common form: each line ends in CRLF and nothing is folded; the start line and every header line are
        as the grammar has them. False, and nothing done, for any other message."""
        raw = self.raw
        end = raw.find(b"\r\n\r\n")
        if end <= 0:
            return False
        lines = raw[:end].split(b"\r\n")
        line = START_LINES[lines.pop(0)]
        if line is None:
            return False
        self._rows = rows = dict(map(_row_of, lines))
        if "" in rows:
            return False
        self.method, self.request_uri, self.version, self.status, self.reason = line
        self.head_end = end + 2
        self.body_start = end = end + 4
        self.complete_headers = True
        raw_message = self.raw_message
        self.is_good_evidence = (
            raw_message.time is not None and not raw_message.missing and raw_message.fidelity is not Fidelity.TEXT_LOG
        )
        self._repeats = _NO_REPEATS
        if len(rows) != len(lines):
            self._index([_row_of(line)[1] for line in lines])
            self._note_repeated()
            rows = self._rows  # in which the first of several counts
        if end != len(raw) or (length := rows.get("content-length")) is None or length.value != b"0":
            self._cut_body(self.raw_message.fidelity is not Fidelity.TEXT_LOG)
        return True

    def fold(self) -> None:
        """Give back what was parsed: of a plain message the octets are enough, and the rest comes again when somebody
        asks. What a client keeps of its last exchange costs a quarter then."""
        del self.__dict__
        if self.is_good_evidence and not self._is_folded:  # every message comes here three times
            self._is_folded = True
            del self._rows
            if self._repeats is not _NO_REPEATS:
                del self._repeats

    def __getattr__(self, name: str) -> object:
        """The rows of a message that was folded. No other attribute is ever missing."""
        if name not in ("_rows", "_repeats"):
            raise AttributeError(name)
        pairs = list(map(_row_of, self.raw[: self.head_end - 2].split(b"\r\n")[1:]))
        self._rows, self._repeats, self._is_folded = dict(pairs), _NO_REPEATS, False
        if len(self._rows) != len(pairs):
            self._index([row for _, row in pairs])
        return self._rows if name == "_rows" else self._repeats

    def _read_any(self) -> None:
        """Read whatever it is."""
        raw_message, raw = self.raw_message, self.raw
        self.is_good_evidence = False
        wire = raw_message.fidelity is not Fidelity.TEXT_LOG
        start, end, following = _start_line_place(raw)
        defects: list[Defect] = []
        if (
            start and wire and raw_message.transport not in STREAMS
        ):  # RFC 3261 7.5 lets streams, and only them, begin with CRLF
            defects.append(Defect("leading-crlf", "empty lines before the start line", 0))
        line = parse_start_line(text(raw[start:end]), defects)
        self.method, self.request_uri, self.version, self.status, self.reason = line
        headers, self.head_end, self.body_start, self.complete_headers = split_headers(
            raw, following, defects, wire=wire
        )
        self.defects = tuple(defects)
        self.__dict__["headers"] = headers
        cut = self.cut_header
        self._index([Row(header.name, header.key, header.value) for header in headers if header is not cut])
        self._note_repeated()
        if self.complete_headers:
            self._cut_body(wire)
        elif raw_message.missing:  # the cut is the capture's, not the sender's, and the last row bears it
            last = self.headers[-1].start if self.headers else 0
            self.defects = tuple(defect for defect in self.defects if defect.offset != last)
        elif wire:
            where = ", and the datagram is whole" if self.is_whole else ""
            self.defects += (Defect("headers-not-terminated", f"no empty line ends the headers{where}", len(raw)),)

    def _note_repeated(self) -> None:
        """RFC 3261 7.3.1: rows may be repeated only where the value is a comma list."""
        for key, found in self._repeats.items():
            if key in SINGLE:
                second = [header.start for header in self.headers if header.key == key][1]
                self.defects += (Defect("repeated-header", f"{key} comes {len(found)} times", second),)

    def _cut_body(self, wire: bool) -> None:
        """RFC 3261 18.3: in a datagram octets beyond Content-Length are discarded, missing ones are an error."""
        rest = self.raw[self.body_start :]
        written = self.first("content-length")
        length = None
        if written is not None:
            length = decimal(written)
            if length is None:
                sentence = f"Content-Length is no number: {clip(written[:80])!r}"
                self.defects += (Defect("bad-content-length", sentence, self._start_of("content-length")),)
        self.body = rest if length is None else rest[:length]
        self.trailing = rest[len(self.body) :]
        if length is None or not wire or length == len(rest):
            return  # a printed message has lost line ends: its length says nothing
        if self.trailing:
            count = len(self.trailing)
            self.defects += (Defect("trailing-octets", f"{count} octets follow the body", len(self.raw) - count),)
        elif not self.raw_message.missing:
            sentence = f"Content-Length promises {length} octets, {len(rest)} are there"
            self.defects += (Defect("content-length-beyond-message", sentence, self._start_of("content-length")),)

    def _start_of(self, key: str) -> int:
        """Where the first row called `key` begins."""
        return next(header.start for header in self.headers if header.key == key)

    def _index(self, rows: list[Row]) -> None:
        """Find rows by their keys: the first of each, and all of those that come more than once."""
        self._rows = first = {}
        repeats: dict[str, list[Row]] = {}
        for row in rows:
            key = row.key
            if key not in first:
                first[key] = row
            elif key in repeats:
                repeats[key].append(row)
            else:
                repeats[key] = [first[key], row]
        self._repeats = repeats or _NO_REPEATS

    @property
    def is_request(self) -> bool:
        """Whether the start line is a Request-Line."""
        return self.method != ""

    @property
    def is_whole(self) -> bool:
        """Whether all is here that was sent, so that a header that is not here was not sent either. A datagram ends the
        message that it carries (RFC 3261 18.3): without an empty line its headers end where it does. In a stream, and
        in a log, headers without an end are a message whose rest was not seen."""
        raw_message = self.raw_message
        if raw_message.missing:
            return False
        is_datagram = raw_message.transport in _DATAGRAMS and raw_message.fidelity is not Fidelity.TEXT_LOG
        return self.complete_headers or is_datagram

    @property
    def is_response(self) -> bool:
        """Whether the start line is a Status-Line."""
        return not self.method and self.version != ""

    @lazy
    def headers(self) -> list[Header]:
        """The header rows with their places, in order."""
        start = _start_line_place(self.raw)[2]
        return split_headers(self.raw, start, [], wire=self.raw_message.fidelity is not Fidelity.TEXT_LOG).headers

    def has(self, key: str) -> bool:
        """Whether there is a row called `key` (canonical). A row that the snap length cut in two is none: half a value
        is no value (`cut_header` has it)."""
        return key in self._rows

    def has_number(self, key: str, digits: int) -> bool:
        """Whether the first row called `key` (canonical), if there is one, is a number of at most so many digits."""
        row = self._rows.get(key)
        return row is None or (len(row.value) <= digits and row.value.isdigit())

    @property
    def has_plain_rows(self) -> bool:
        """Whether it is seen at once that no row comes twice, nothing follows the headers, Expires and Max-Forwards are
        short numbers, and Via and Contact hold one value each. False tells nothing."""
        rows = self._rows
        if self._repeats or self.defects or self.body_start != len(self.raw):
            return False
        expires, forwards = rows.get("expires"), rows.get("max-forwards")
        via, contact = rows.get("via"), rows.get("contact")
        return (
            forwards is not None
            and len(forwards.value) <= _SHORT[1]
            and forwards.value.isdigit()
            and (expires is None or (len(expires.value) <= _SHORT[0] and expires.value.isdigit()))
            and via is not None
            and _is_one(via.value)
            and (contact is None or _is_one(contact.value))
        )

    def says(self, key: str, value: bytes) -> bool:
        """Whether the first row called `key` (canonical) has this very value."""
        row = self._rows.get(key)
        return row is not None and row.value == value

    def mentions(self, small: bytes, *keys: str) -> bool:
        """Whether any row called `keys` (canonical) holds these octets, in whichever case; give them in small
        letters."""
        rows = self._rows
        for key in keys:
            if key in rows:
                for row in self._all(key):
                    if small in row.value.lower():
                        return True
        return False

    def has_lines_of(self, other: Layout, *keys: str) -> bool:
        """Whether the first rows of `other` called `keys` (canonical) stand among these octets as they are usually
        written. That is looked up without reading this message again; False tells nothing."""
        for key in keys:
            row = other._rows.get(key)
            if row is None or b"\r\n%b: %b\r\n" % (row.name, row.value) not in self.raw:
                return False
        return True

    def has_list(self, key: str) -> bool:
        """Whether a row called `key` (canonical) may be a list of several elements, or of none."""
        return not all(_is_one(row.value) for row in self._all(key))

    @property
    def has_body(self) -> bool:
        """Whether anything follows the headers."""
        return self.body_start != len(self.raw)

    @property
    def has_mandatory(self) -> bool:
        """Whether there is each of the six headers that a request must have (RFC 3261 8.1.1)."""
        return self._rows.keys() >= MANDATORY

    @property
    def has_credentials(self) -> bool:
        """Whether there is an Authorization or Proxy-Authorization header."""
        rows = self._rows
        return "authorization" in rows or "proxy-authorization" in rows

    @property
    def carries_credentials(self) -> bool:
        """Whether there are credentials, or what the snap length left of them."""
        cut = self.cut_header
        return self.has_credentials or (cut is not None and cut.key in CREDENTIALS)

    @property
    def has_challenge(self) -> bool:
        """Whether there is a WWW-Authenticate or Proxy-Authenticate header."""
        rows = self._rows
        return "www-authenticate" in rows or "proxy-authenticate" in rows

    @property
    def cut_header(self) -> Header | None:
        """The row in which the octets end because the rest was not captured; None where no row is cut."""
        if not self.raw_message.missing or self.complete_headers or not self.headers:
            return None
        whole = (
            self.raw.endswith(b"\n") and self.raw_message.fidelity is not Fidelity.TEXT_LOG
        )  # a log's line ends are ours
        return None if whole else self.headers[-1]

    def first(self, key: str) -> str | None:
        """The value of the first row called `key` (canonical), or None."""
        found = self._rows.get(key)
        return None if found is None else found.text

    def repeats(self, other: Layout, *keys: str) -> bool:
        """Whether the first rows called `keys` (canonical) have the very values that the first of `other` have; where
        both have none, too."""
        rows, theirs = self._rows, other._rows
        for key in keys:
            one, two = rows.get(key), theirs.get(key)
            if one is not two and (one is None or two is None or one.value != two.value):
                return False
        return True

    def goes_on(self, other: Layout, key: str) -> bool:
        """Whether the value of the first row called `key` begins as that of `other` does, which may be all of it."""
        one, two = self._rows.get(key), other._rows.get(key)
        return two is None or not two.value or (one is not None and one.value.startswith(two.value))

    def is_plainly_tagged(self, key: str) -> bool:
        """Whether a tag stands at once behind the brackets of the first row called `key`, and no quoted string can be
        taken for it; it may have one also where not."""
        row = self._rows.get(key)
        return row is not None and row.value.rfind(b'"') < row.value.find(b"<") < row.value.find(b">;tag=")

    def all(self, key: str) -> list[str]:
        """The values of all rows called `key`, one per row."""
        return [row.text for row in self._all(key)]

    def _all(self, key: str) -> Sequence[Row]:
        repeated = self._repeats.get(key)
        if repeated is not None:
            return repeated
        row = self._rows.get(key)
        return () if row is None else (row,)

    def values(self, key: str) -> list[str]:
        """The elements of all rows called `key`, comma lists split, trimmed, empty elements dropped."""
        return [element for row in self.all(key) for element in split_list(row)]


def _is_one(value: bytes) -> bool:
    return value != b"" and _COMMA not in value


def _start_line_place(raw: bytes) -> tuple[int, int, int]:
    """Where the start line begins and ends, and where the next line begins. Empty lines before it are skipped."""
    start = 0
    if raw[:1] in (b"\r", b"\n"):
        start = len(raw) - len(raw.lstrip(b"\r\n"))
    newline = raw.find(b"\n", start)
    if newline < 0:
        newline = raw.find(b"\r", start)
    if newline < 0:
        return start, len(raw), len(raw)
    end = newline
    while end > start and raw[end - 1] == 13:
        end -= 1
    return start, end, newline + 1
