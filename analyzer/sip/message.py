"""One SIP message: start line, header rows with their places, body (RFC 3261 7), and its values parsed on demand.

A message is never refused. `parse` reads what every message needs (start line, rows, body by Content-Length); the
values (`via`, `to`, `contacts`, ...) are parsed when they are asked for and kept. The octets can be put together
again: `raw[:headers[0].start]`, each `raw[h.start:h.end]`, the empty line, `body`, `trailing`.

Defect codes. Found at once, in `defects`:

    bad-start-line bad-version bad-status bad-method bad-request-uri start-line-whitespace missing-reason-sp
    leading-crlf not-a-header bad-header-name bare-lf bare-cr headers-not-terminated repeated-header
    bad-content-length content-length-beyond-message trailing-octets

found in values, in `all_defects()` besides those:

    missing-header bad-call-id bad-cseq cseq-out-of-range cseq-method-mismatch bad-via empty-list-element
    bad-address bad-display-name uri-not-bracketed unterminated-quote bad-parameter duplicate-parameter empty-parameter
    bad-uri bad-userinfo bad-host bad-port bad-escape bad-request-uri bad-expires expires-out-of-range bad-q
    bad-max-forwards max-forwards-out-of-range bad-min-expires min-expires-out-of-range bad-retry-after
    retry-after-out-of-range bad-date bad-warning
    bad-auth-scheme missing-comma unquoted-value cut-value auth-junk
"""

from __future__ import annotations

from analyzer.defect import Defect
from analyzer.evidence import Datagram, Endpoint, Fidelity, Frame
from analyzer.sip import check
from analyzer.sip.address import Address, parse_address_list
from analyzer.sip.auth import Challenge, Credentials, parse_challenges, parse_credentials
from analyzer.sip.cseq import CSeq
from analyzer.sip.headers import SINGLE, Header, split_headers
from analyzer.sip.lazy import lazy
from analyzer.sip.scalar import MAX_DELTA_SECONDS, decimal, sip_date
from analyzer.sip.startline import parse_start_line
from analyzer.sip.text import LWS, clip, segments, split_list, text
from analyzer.sip.uri import Uri
from analyzer.sip.via import Via

__all__ = ["Header", "Message", "parse", "parse_bytes"]

CREDENTIALS = ("authorization", "proxy-authorization")
"""The header fields that carry credentials, as canonical keys (RFC 3261 20.7, 20.28)."""
_CHALLENGES = ("www-authenticate", "proxy-authenticate")
_STREAMS = frozenset(("TCP", "TLS", "WS", "WSS"))


class Message:
    """A SIP message, or what was taken for one. See the module's head for the layout and the defect codes.

    `method` is "" for a response, `status` 0 for a request; both so where the start line is neither.
    `body` is at most Content-Length octets, `trailing` what follows it. `head_end` and `body_start` are the offsets
    of the empty line and of the octet after it.
    """

    __slots__ = (
        "__dict__",
        "body",
        "body_start",
        "complete_headers",
        "datagram",
        "defects",
        "head_end",
        "headers",
        "method",
        "raw",
        "reason",
        "request_uri",
        "status",
        "trailing",
        "version",
    )

    def __init__(self, datagram: Datagram) -> None:
        self.datagram = datagram
        self.raw = raw = datagram.payload
        self.defects: list[Defect] = []
        wire = datagram.fidelity is not Fidelity.PRINTED
        start, end, following = _start_line_place(raw)
        if (
            start and wire and datagram.transport not in _STREAMS
        ):  # RFC 3261 7.5 lets streams, and only them, begin with CRLF
            self.defects.append(Defect("leading-crlf", "empty lines before the start line", 0))
        line = parse_start_line(text(raw[start:end]), self.defects)
        self.method, self.request_uri, self.version, self.status, self.reason = line
        self.headers, self.head_end, self.body_start, self.complete_headers = split_headers(
            raw, following, self.defects, wire=wire
        )
        self.body, self.trailing = b"", b""
        self._note_repeated()
        if self.complete_headers:
            self._cut_body(wire)
        elif datagram.missing:  # the cut is the capture's, not the sender's, and the last row bears it
            last = self.headers[-1].start if self.headers else 0
            self.defects = [defect for defect in self.defects if defect.offset != last]
        elif wire:
            self.defects.append(Defect("headers-not-terminated", "no empty line ends the headers", len(raw)))

    def _note_repeated(self) -> None:
        """RFC 3261 7.3.1: rows may be repeated only where the value is a comma list."""
        rows = self.rows
        if len(rows) == len(self.headers):
            return
        for key, found in rows.items():
            if len(found) > 1 and key in SINGLE:
                self.defects.append(Defect("repeated-header", f"{key} comes {len(found)} times", found[1].start))

    def _cut_body(self, wire: bool) -> None:
        """RFC 3261 18.3: in a datagram octets beyond Content-Length are discarded, missing ones are an error."""
        rest = self.raw[self.body_start :]
        row = self.rows.get("content-length")
        length = None
        if row is not None:
            length = decimal(text(row[0].value))
            if length is None:
                shown = clip(text(row[0].value[:80]))
                self.defects.append(
                    Defect("bad-content-length", f"Content-Length is no number: {shown!r}", row[0].start)
                )
        self.body = rest if length is None else rest[:length]
        self.trailing = rest[len(self.body) :]
        if length is None or not wire or length == len(rest):
            return  # a printed message has lost line ends: its length says nothing
        if self.trailing:
            count = len(self.trailing)
            self.defects.append(Defect("trailing-octets", f"{count} octets follow the body", len(self.raw) - count))
        elif not self.datagram.missing and row is not None:
            sentence = f"Content-Length promises {length} octets, {len(rest)} are there"
            self.defects.append(Defect("content-length-beyond-message", sentence, row[0].start))

    def __repr__(self) -> str:
        what = f"{self.method} {self.request_uri}" if self.method else f"{self.status} {self.reason}"
        return f"<Message {clip(what)} {self.datagram.place}>"

    @property
    def is_request(self) -> bool:
        """Whether the start line is a Request-Line."""
        return self.method != ""

    @property
    def is_response(self) -> bool:
        """Whether the start line is a Status-Line."""
        return not self.method and self.version != ""

    @property
    def is_register(self) -> bool:
        """Whether this belongs to a REGISTER: by the method of a request, by the CSeq of a response."""
        if self.method:
            return self.method == "REGISTER"
        return self.cseq is not None and self.cseq.method == "REGISTER"

    @lazy
    def rows(self) -> dict[str, list[Header]]:
        """The header rows by canonical key, in order. The key "" has the lines that are no headers.

        A row that the snap length cut in two is not among them: half a value is none (`cut_header` has it).
        """
        found: dict[str, list[Header]] = {}
        cut = self.cut_header
        for header in self.headers:
            key = header[1]
            if header is cut:
                continue
            if key in found:
                found[key].append(header)
            else:
                found[key] = [header]
        return found

    @property
    def cut_header(self) -> Header | None:
        """The row in which the octets end because the rest was not captured; None where no row is cut."""
        if not self.datagram.missing or self.complete_headers or not self.headers:
            return None
        whole = (
            self.raw.endswith(b"\n") and self.datagram.fidelity is not Fidelity.PRINTED
        )  # a log's line ends are ours
        return None if whole else self.headers[-1]

    def first(self, key: str) -> str | None:
        """The value of the first row called `key` (canonical), or None."""
        found = self.rows.get(key)
        return None if found is None else text(found[0].value)

    def all(self, key: str) -> list[str]:
        """The values of all rows called `key`, one per row."""
        return [text(header.value) for header in self.rows.get(key, ())]

    def values(self, key: str) -> list[str]:
        """The elements of all rows called `key`, comma lists split, trimmed, empty elements dropped."""
        return [element for row in self.all(key) for element in split_list(row)]

    @lazy
    def uri(self) -> Uri | None:
        """The Request-URI; None for a response. Brackets around it are taken off (RFC 4475 3.1.2.7)."""
        if not self.method:
            return None
        bare = self.request_uri
        return Uri.parse(bare[1:-1] if bare.startswith("<") and bare.endswith(">") else bare)

    @lazy
    def call_id(self) -> str:
        """Call-ID, case-sensitive; "" if absent."""
        return self.first("call-id") or ""

    @lazy
    def cseq(self) -> CSeq | None:
        """CSeq; None if absent or unreadable."""
        value = self.first("cseq")
        return None if value is None else CSeq.parse(value)

    @lazy
    def vias(self) -> list[Via]:
        """All Via values, topmost first."""
        return [Via.parse(part.strip(LWS)) for row in self.all("via") for part in segments(row) if part.strip(LWS)]

    @property
    def via(self) -> Via | None:
        """The topmost Via."""
        return self.vias[0] if self.vias else None

    @lazy
    def from_(self) -> Address | None:
        """From; None if absent."""
        value = self.first("from")
        return None if value is None else Address.parse(value)

    @lazy
    def to(self) -> Address | None:
        """To; None if absent."""
        value = self.first("to")
        return None if value is None else Address.parse(value)

    @lazy
    def contacts(self) -> list[Address]:
        """All Contact values, in order."""
        return parse_address_list(self.all("contact"))

    @lazy
    def expires(self) -> int | None:
        """Seconds of the Expires header, at most 2**32-1; None if absent or malformed."""
        return self._delta("expires")

    @lazy
    def min_expires(self) -> int | None:
        """Seconds of Min-Expires, at most 2**32-1; None if absent or malformed."""
        return self._delta("min-expires")

    @lazy
    def retry_after(self) -> int | None:
        """Seconds of Retry-After, without comment and parameters; None if absent or malformed (20.33)."""
        seconds = decimal(check.retry_after_digits(self.first("retry-after") or ""))
        return None if seconds is None else min(seconds, MAX_DELTA_SECONDS)

    def _delta(self, key: str) -> int | None:
        seconds = decimal(self.first(key) or "")
        return None if seconds is None else min(seconds, MAX_DELTA_SECONDS)

    @lazy
    def max_forwards(self) -> int | None:
        """Max-Forwards as written, even beyond 255; None if absent or malformed."""
        return decimal(self.first("max-forwards") or "")

    @lazy
    def user_agent(self) -> str:
        """User-Agent, or else Server; "" if both are absent."""
        return self.first("user-agent") or self.first("server") or ""

    @lazy
    def credentials(self) -> list[Credentials]:
        """The credentials of all Authorization and Proxy-Authorization rows, in their order."""
        cut = self.cut_header
        rows = [h for h in self.headers if h.key in CREDENTIALS and h is not cut]
        return [parse_credentials(h.key, text(h.value)) for h in rows]

    @lazy
    def challenges(self) -> list[Challenge]:
        """The challenges of all WWW-Authenticate and Proxy-Authenticate rows, in their order."""
        cut = self.cut_header
        rows = [h for h in self.headers if h.key in _CHALLENGES and h is not cut]
        return [challenge for h in rows for challenge in parse_challenges(h.key, text(h.value))]

    @lazy
    def date(self) -> int | None:
        """The Date header as seconds since the epoch; None if absent or malformed."""
        return sip_date(self.first("date") or "")

    def located_defects(self) -> list[tuple[str, Defect]]:
        """Every defect with the header that has it: its canonical key, or "" for start line, line ends and body."""
        at = {row.start: row.key for row in self.headers} if self.defects else {}
        own = [("" if d.offset is None else at.get(d.offset, ""), d) for d in self.defects]
        return own + self._value_defects

    def all_defects(self) -> list[Defect]:
        """Every defect: those of `defects`, then those of the values, all of which this parses."""
        return [*self.defects, *(defect for _, defect in self._value_defects)]

    @lazy
    def _value_defects(self) -> list[tuple[str, Defect]]:
        return check.value_defects(self)


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


def parse(datagram: Datagram) -> Message:
    """Read the octets of `datagram` as a SIP message. Always gives a Message; what is wrong is in its defects."""
    return Message(datagram)


_NOWHERE = Endpoint("", 0)


def parse_bytes(raw: bytes) -> Message:
    """Read octets that came from nowhere in particular (tests, interactive use), as if out of a UDP datagram."""
    return Message(Datagram(raw, None, Frame("bytes", 1), _NOWHERE, _NOWHERE))
