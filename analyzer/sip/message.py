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
    bad-auth-scheme missing-comma unquoted-value cut-value auth-junk broken-value
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from analyzer.defect import Defect
from analyzer.escape import visible
from analyzer.evidence import Endpoint, Frame, RawMessage
from analyzer.sip import check
from analyzer.sip.address import Address, parse_addresses
from analyzer.sip.auth import Challenge, Credentials, parse_challenges, parse_credentials
from analyzer.sip.auth_headers import CHALLENGES, CREDENTIALS
from analyzer.sip.cseq import CSeq
from analyzer.sip.headers import UNREAD, Header, Row
from analyzer.sip.layout import MANDATORY, Layout
from analyzer.sip.lazy import lazy
from analyzer.sip.params import NO_PARAMS
from analyzer.sip.scalar import MAX_DELTA_SECONDS, decimal, sip_date
from analyzer.sip.text import clip
from analyzer.sip.uri import Uri
from analyzer.sip.via import Via, parse_vias

__all__ = ["MANDATORY", "Header", "Message", "parse", "parse_bytes"]

_T = TypeVar("_T")


class Message(Layout):
    """A SIP message, or what was taken for one. See the module's head for the layout and the defect codes."""

    __slots__ = ()

    def __repr__(self) -> str:
        what = f"{self.method} {self.request_uri}" if self.method else f"{self.status} {self.reason}"
        return f"<Message {visible(clip(what))} {self.raw_message.place}>"

    @property
    def is_register(self) -> bool:
        """Whether this belongs to a REGISTER: by the method of a request, by the CSeq of a response."""
        if self.method:
            return self.method == "REGISTER"
        return self.cseq is not None and self.cseq.method == "REGISTER"

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
        row = self._rows.get("call-id")
        return "" if row is None else row.text

    @property
    def has_proper_call_id(self) -> bool:
        """Whether Call-ID, if there is one, is a word or `word@word` (RFC 3261 25.1)."""
        row = self._rows.get("call-id")
        return row is None or _parsed(row, check.is_call_id)

    @lazy
    def cseq(self) -> CSeq | None:
        """CSeq; None if absent or unreadable."""
        row = self._rows.get("cseq")
        return None if row is None else _parsed(row, CSeq.parse)

    @lazy
    def vias(self) -> list[Via]:
        """All Via values, topmost first."""
        rows = self._all("via")
        if len(rows) == 1:
            return _parsed(rows[0], parse_vias)
        return [via for row in rows for via in _parsed(row, parse_vias)]

    @lazy
    def via(self) -> Via | None:
        """The topmost Via."""
        vias = self.vias
        return vias[0] if vias else None

    @lazy
    def from_(self) -> Address | None:
        """From; None if absent."""
        row = self._rows.get("from")
        return None if row is None else _parsed(row, Address.parse)

    @lazy
    def to(self) -> Address | None:
        """To; None if absent."""
        row = self._rows.get("to")
        return None if row is None else _parsed(row, Address.parse)

    @lazy
    def contacts(self) -> list[Address]:
        """All Contact values, in order."""
        rows = self._all("contact")
        if len(rows) == 1:
            return _parsed(rows[0], parse_addresses)
        return [contact for row in rows for contact in _parsed(row, parse_addresses)]

    @lazy
    def is_extended(self) -> bool:
        """Whether it may use extensions: a header demands, refuses or routes by them (RFC 3261 20.32, 20.29, 20.40, RFC
        3327, RFC 3608, RFC 5626 4.4), or a Contact may have an instance, a reg-id or a GRUU (RFC 5626 4.1, RFC 5627):
        it has other parameters than `expires` and the instance alone, which most phones name. So does one without an
        instance from who knows GRUUs."""
        rows = self._rows
        if "require" in rows or "path" in rows or "proxy-require" in rows or "unsupported" in rows:
            return True
        if "service-route" in rows or "flow-timer" in rows:
            return True
        if "contact" not in rows:
            return False
        for contact in self.contacts:
            if contact.params is not NO_PARAMS:
                for name, _ in contact.params.items_as_written:
                    if (name != "expires" and name != "+sip.instance") or contact.star:
                        return True
            uri = contact.uri
            if uri is not None and uri.params is not NO_PARAMS and "gr" in uri.params:
                return True
        return self.mentions(b"gruu", "supported", "require") and not self.has_instance

    @property
    def has_instance(self) -> bool:
        """Whether a Contact has a `+sip.instance` or a `reg-id` (RFC 5626 4.1)."""
        for contact in self.contacts:
            if contact.params is not NO_PARAMS and ("+sip.instance" in contact.params or "reg-id" in contact.params):
                return True
        return False

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
        rows = self._either(CREDENTIALS)
        return [_parsed(row, partial(parse_credentials, row.key)) for row in rows] if rows else []

    @property
    def answers_challenge(self) -> bool:
        """Whether there are credentials that answer a challenge, whichever: empty ones answer none (3GPP TS 24.229
        5.1.1.2)."""
        return self.has_credentials and not all(credentials.is_empty for credentials in self.credentials)

    @lazy
    def challenges(self) -> list[Challenge]:
        """The challenges of all WWW-Authenticate and Proxy-Authenticate rows, in their order."""
        rows = self._either(CHALLENGES)
        if len(rows) == 1:
            return _parsed(rows[0], partial(parse_challenges, rows[0].key))
        return [challenge for row in rows for challenge in _parsed(row, partial(parse_challenges, row.key))]

    def _either(self, keys: tuple[str, str]) -> Sequence[Row]:
        """The rows of two keys, in their order."""
        found = self._rows
        if keys[0] not in found and keys[1] not in found:
            return ()
        one, other = self._all(keys[0]), self._all(keys[1])
        if not (one and other):
            return one or other
        rows = {key: iter(found) for key, found in zip(keys, (one, other), strict=True)}
        cut = self.cut_header
        return [next(rows[header.key]) for header in self.headers if header.key in rows and header is not cut]

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


def _parsed(row: Row, parse: Callable[[str], _T]) -> _T:
    """What the one parser of a row's key makes of it, once for all messages that share the row."""
    value = row.parsed
    if value is UNREAD:
        value = row.parsed = parse(row.text)
    return value  # type: ignore[no-any-return]


def parse(raw_message: RawMessage) -> Message:
    """Read the octets of `raw_message` as a SIP message. Always gives a Message; what is wrong is in its defects."""
    return Message(raw_message)


_NOWHERE = Endpoint("", 0)


def parse_bytes(raw: bytes) -> Message:
    """Read octets that came from nowhere in particular (tests, interactive use), as if out of a UDP datagram."""
    return Message(RawMessage(raw, None, Frame("bytes", 1), _NOWHERE, _NOWHERE))
