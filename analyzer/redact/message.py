"""One SIP message with pseudonyms: start line, header rows as they lie there, body.

Only values change: order, spelling, folding and line ends stay, and so does whatever is malformed. A body is left out,
and Content-Length says by as much less or more than is there as it did before; with `keep_bodies` its words are
replaced as strictly as those of a header that nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from analyzer.evidence import Endpoint, NetworkError, RawMessage
from analyzer.redact.headers import Headers
from analyzer.redact.lexer import Lexer
from analyzer.sip.message import Header, Message, parse
from analyzer.sip.text import octets, text

_REQUEST = re.compile(r"(\S+)(\s+)(.*?)(\s+)(SIP/[0-9.]+\s*)\Z", re.IGNORECASE | re.DOTALL)
_STATUS = re.compile(r"(\s*SIP/[0-9.]+\s+[0-9]{3}\s*)(.*)\Z", re.IGNORECASE | re.DOTALL)
_LENGTH = re.compile(rb"[0-9]+")
_FILL = b"x"
EMPTY = b"\x80" + bytes(11)
"""A packet that says nothing: the header of RTP with zeros (RFC 3550 5.1), which no reader takes for SIP."""
Digests = Callable[[Message, bytes], bytes]
"""What makes the digests of a message right again: from the original and the new octets to those with new digests."""


class Rewriter:
    """Rewrites the messages of one source; `bodies` counts those that were left out."""

    def __init__(self, lexer: Lexer, headers: Headers, *, keep_bodies: bool, digests: Digests | None = None) -> None:
        self._lexer = lexer
        self._headers = headers
        self._keeps_bodies = keep_bodies
        self._digests = digests
        self.bodies = 0

    def message(self, raw_message: RawMessage) -> RawMessage:
        """The message as it is to be written, from and to addresses with pseudonyms."""
        return replace(
            raw_message,
            payload=self._payload(raw_message),
            source=self._lexer.endpoint(raw_message.source),
            destination=self._lexer.endpoint(raw_message.destination),
            notices=(),
        )

    def error(self, error: NetworkError) -> NetworkError:
        """The end of an exchange; of a quoted message the head."""
        quoted = b""
        if error.quoted:
            quoted = self._head(parse(_as_message(error)))
        source, destination = self._lexer.endpoint(error.source), self._lexer.endpoint(error.destination)
        sender = self._lexer.endpoint(Endpoint(error.sender, 0)).host if error.sender else ""
        return replace(error, quoted=quoted, source=source, destination=destination, sender=sender)

    def _payload(self, raw_message: RawMessage) -> bytes:
        if raw_message.payload == EMPTY or not raw_message.payload.strip(b"\r\n\0"):
            return raw_message.payload
        message = parse(raw_message)
        head = self._head(message)
        made = self._with_body(message, head)
        return made if self._digests is None else self._digests(message, made)

    def _head(self, message: Message) -> bytes:
        raw, headers = message.raw, message.headers
        start = headers[0].start if headers else message.body_start if message.complete_headers else len(raw)
        made = [octets(self._start_line(text(raw[:start])))]
        made += [self._row(raw[header.start : header.end], header) for header in headers]
        end = headers[-1].end if headers else start
        if message.complete_headers:
            made.append(raw[end : message.body_start])
        else:
            made.append(octets(self._lexer.strict(text(raw[end:]))))
        return b"".join(made)

    def _start_line(self, line: str) -> str:
        bare = line.rstrip("\r\n")
        ending, lexer = line[len(bare) :], self._lexer
        if found := _STATUS.match(bare):
            return f"{found[1]}{lexer.saying(found[2])}{ending}"
        if found := _REQUEST.match(bare):
            bracket = "<" * found[3].startswith("<")
            uri = lexer.uri(found[3][len(bracket) :])
            return f"{lexer.phrase(found[1])}{found[2]}{bracket}{uri}{found[4]}{found[5]}{ending}"
        return f"{lexer.strict(bare)}{ending}"

    def _row(self, row: bytes, header: Header) -> bytes:
        name, colon, value = row.partition(b":")
        if not header.key or not colon:
            return octets(self._lexer.phrase(text(row)))
        shown = self._headers.name(header.key, text(name))
        return octets(f"{shown}:{self._headers.value(header.key, text(value))}")

    def _with_body(self, message: Message, head: bytes) -> bytes:
        if not message.complete_headers or not (message.body or message.trailing):
            return head
        if self._keeps_bodies:
            body = octets(self._lexer.strict(text(message.body)))
        else:
            self.bodies += bool(message.body)
            body = b""
        return _lengthened(message, head, len(body)) + body + _FILL * len(message.trailing)


def _lengthened(message: Message, head: bytes, length: int) -> bytes:
    """The head with a Content-Length that differs from what is there by as much as it did."""
    claimed = message.first("content-length")
    if claimed is None or not claimed.isdigit() or len(claimed) > 9:
        return head
    missing = int(claimed) - len(message.body)
    value = b"%d" % (length + missing)
    made = parse(replace(message.raw_message, payload=head))
    row = next((one for one in made.headers if one.key == "content-length"), None)
    if row is None:
        return head
    name, colon, rest = head[row.start : row.end].partition(b":")
    return head[: row.start] + name + colon + _LENGTH.sub(value, rest, count=1) + head[row.end :]


def _as_message(error: NetworkError) -> RawMessage:
    return RawMessage(error.quoted, error.time, error.place, error.source, error.destination, missing=1)
