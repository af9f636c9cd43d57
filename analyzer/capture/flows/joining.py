"""Headers of a message in a document: rows that were wrapped or parted by empty lines become one line each again."""

from __future__ import annotations

import re
from typing import Literal

How = Literal["folded", "wrapped", ""]
_LENGTH = re.compile(rb"(?:content-length|l)[ \t]*:[ \t]*(\d{1,6})[ \t]*\Z", re.IGNORECASE)
_TYPE = re.compile(rb"(?:content-type|c)[ \t]*:[ \t]*([^;\s]{1,80})", re.IGNORECASE)
_AUTH = re.compile(rb"(?:(?:proxy-)?authorization|(?:www|proxy)-authenticate|authentication-info)\Z", re.IGNORECASE)
_PARAMETER = re.compile(rb"(?:Digest[ \t]+)?[A-Za-z][\w*-]{0,40}[ \t]*=[ \t]*[\"\w]")
_SDP = re.compile(rb"[a-z]=")
_PARTED = re.compile(rb"(?:;[ \t]*[\w-]{1,60}=[^\s;,<>\"]*|[\w.-][.@:]|[<\"][^\s<>\"]*)\Z")
_REST = re.compile(rb"[\w.@:%=+/-]+(?:[;,>\"].*)?\Z", re.DOTALL)
_HASH = re.compile(rb"(?:nonce|response|opaque|rspauth)[ \t]*=[ \t]*\"[^\"\s]*\Z", re.IGNORECASE)
"""A value of a digest that has no blank in it (RFC 7616 3.3, 3.4), and is not ended."""
_REMARK = re.compile(rb"\((?:[\w'\"-]{1,40}[ ,;:.]+)+[^()]{0,200}\)\.?\Z")
_PROSE = re.compile(rb"[A-Za-z][a-z'-]{0,30}(?:[,:]?[ \t]{1,3}[A-Za-z0-9][\w'\"-]{0,30}){3,40}[.:!?]{0,3}\Z")
"""Words alone, four at least: no address, parameter or list goes on so."""
_VALUED = frozenset(
    (b"from", b"f", b"to", b"t", b"contact", b"m", b"via", b"v", b"call-id", b"i", b"route", b"record-route")
)
"""Headers in which no words stand behind one another."""
_COMMENTED = frozenset((b"user-agent", b"server", b"retry-after", b"subject", b"organization"))
"""Headers that have comments in brackets (RFC 3261 25.1), or may say anything."""
_LONE = frozenset((b"content-length", b"l", b"max-forwards", b"cseq", b"expires", b"date"))
"""Headers whose value is too short to be wrapped."""
_MOST_BODY = 1 << 16


class Headers:
    """The header rows of one message, as they are put together: `rows` when it is closed. `length` is what
    Content-Length says, `media_type` what Content-Type says without parameters, `body_octets` counts what was taken for
    the body."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.length: int | None = None
        self.media_type = b""
        self.body_octets = 0
        self._parts: list[bytes] = []
        self._name = b""
        self._quotes = 0
        self._depth = 0

    @property
    def is_complete(self) -> bool:
        """Whether Content-Length was seen, which most programs write last."""
        return self.length is not None

    @property
    def is_open(self) -> bool:
        """Whether the last row has to go on: behind a comma, within quotes or brackets."""
        last = self._parts[-1].rstrip(b" \t") if self._parts else b""
        return last[-1:] in (b",", b";", b"=", b":") or self._quotes % 2 > 0 or self._depth > 0

    def add(self, name: bytes, text: bytes) -> None:
        """Begin a row."""
        self.close()
        self._name = name.lower()
        self._parts = [text]
        self._quotes = text.count(b'"') - text.count(b'\\"')
        self._depth = text.count(b"<") - text.count(b">")
        self.rows.append(b"")
        if self.length is None and (match := _LENGTH.match(text)):
            self.length = int(match[1])
        if not self.media_type and (match := _TYPE.match(text)):
            self.media_type = match[1].lower()

    def close(self) -> None:
        """The last row is whole."""
        if self.rows:
            self.rows[-1] = b"".join(self._parts)

    def goes_on(self, text: bytes, *, apart: bool, deeper: bool) -> How:
        """Whether a line is more of the last row: `folded` as RFC 3261 7.3.1 allows (it is indented `deeper` than the
        start line), `wrapped` by who copied it; `apart` where an empty line stands between."""
        if not self.rows:
            return ""
        if deeper and not apart:
            return "folded"
        if text[:1] in b";," or self.is_open:
            return "wrapped"
        if _AUTH.match(self._name) and _PARAMETER.match(text):
            return "wrapped"
        return "" if apart or self._name in _LONE else "wrapped"

    def is_parted_hash(self, text: bytes) -> bool:
        """Whether a line goes on within a nonce or a response: nobody may fold it there."""
        last = self._parts[-1].rstrip(b" \t") if self._parts else b""
        return text[:1].isalnum() and _AUTH.match(self._name) is not None and _HASH.search(last[-400:]) is not None

    def is_remark(self, text: bytes) -> bool:
        """Whether a line in brackets, or one of words alone where none can be, is what the author says between two
        headers."""
        if not self.rows or self.is_open or self._name in _COMMENTED:
            return False
        is_whole = self._name in _VALUED or (self._name in _LONE and not self.is_complete)
        return bool(_REMARK.match(text) or (is_whole and _PROSE.match(text)))

    def join(self, text: bytes, *, folded: bool) -> None:
        """Append a line to the last row: without a blank where one word was parted, and before a parameter."""
        last = self._parts[-1] = self._parts[-1].rstrip(b" \t")
        tight = text[:1] in b";," or self.is_parted_hash(text) or (not folded and self._is_within_word(last, text))
        self._parts.append(text if tight else b" " + text)
        if self.length is None and self._name in (b"content-length", b"l") and (found := _LENGTH.match(last + text)):
            self.length = int(found[1])
        self._quotes += text.count(b'"') - text.count(b'\\"')
        self._depth = max(self._depth + text.count(b"<") - text.count(b">"), 0)

    def _is_within_word(self, last: bytes, text: bytes) -> bool:
        if len(self._parts) == 1 and last[:-1].rstrip(b" \t").lower() == self._name:
            return False  # nothing but the name, and its colon
        if not last[-1:].isalnum() and last[-1:] not in (b".", b"@", b"-", b"_", b":"):
            return False
        if self._name in (b"call-id", b"i") and len(self._parts) < 3 and b" " not in text:
            return last[-1:] != b":"
        return bool(_PARTED.search(last[-200:])) and _REST.match(text) is not None and last[-2:] != b": "

    def opens_body(self, text: bytes) -> bool:
        """Whether a line is one of the body: as many octets as Content-Length says, and of SDP (RFC 4566 5) what looks
        like it, since examples do not count theirs."""
        if not self.length or self.body_octets >= _MOST_BODY:
            return False
        if b"sdp" in self.media_type:
            return _SDP.match(text) is not None
        return self.body_octets < self.length
