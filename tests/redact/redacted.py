"""Redactions to look at: of a file, of a message, with a key that is always the same."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from analyzer.capture.engine import Engine
from analyzer.capture.opener import open_sources
from analyzer.evidence import Endpoint, Frame, RawMessage
from analyzer.redact.addresses import Addresses
from analyzer.redact.headers import Headers
from analyzer.redact.lexer import Lexer
from analyzer.redact.message import Rewriter
from analyzer.redact.pseudonyms import Pseudonyms
from analyzer.redact.redaction import Counts, Redaction, Wishes
from analyzer.register.digest.secrets import Secrets

KEY = b"a key of thirty-two octets, fixed"


def redacted(
    path: Path | str,
    out: Path,
    *,
    wishes: Wishes | None = None,
    secrets: Secrets | None = None,
    key: bytes = KEY,
    engine: Engine = "native",
    tls_keylog: str | None = None,
) -> tuple[Redaction, Counts]:
    """A file, written to `out` with pseudonyms: a capture, or of a log a log. Keys of TLS are for tshark."""
    redaction = Redaction(key, wishes or Wishes(), secrets or Secrets())
    opened = partial(open_sources, [path], engine="auto" if tls_keylog else engine, tls_keylog=tls_keylog)
    with opened() as reading:
        redaction.note(reading)
        source = reading.sources[0]
    with out.open("wb") as file, opened() as reading:
        told = redaction.write(reading, redaction.saver(source, file))
    return redaction, told


class Parts:
    """The parts of a redaction, for a test that looks at one of them. `twice` notes first, then tells."""

    def __init__(self, *, keep_agents: bool = True, keep_bodies: bool = False, key: bytes = KEY) -> None:
        self.names = Pseudonyms(key)
        self.addresses = Addresses(self.names)
        self.lexer = Lexer(self.names, self.addresses)
        self.headers = Headers(self.lexer, keep_agents=keep_agents)
        self.rewriter = Rewriter(self.lexer, self.headers, keep_bodies=keep_bodies)

    def settle(self) -> None:
        """All was noted."""
        self.names.settle()
        self.addresses.settle()
        self.headers.forget()

    def message(self, text: str | bytes, *, missing: int = 0, transport: str = "UDP") -> bytes:
        """A message with pseudonyms; lines of a text end in CRLF."""
        octets = text.replace("\n", "\r\n").encode() if isinstance(text, str) else text
        ends = Endpoint("192.0.2.10", 5060), Endpoint("192.0.2.1", 5060)
        raw_message = RawMessage(octets, None, Frame("made", 1), *ends, transport, missing=missing)
        if self.names.noting:
            self.rewriter.message(raw_message)
            self.settle()
        return self.rewriter.message(raw_message).payload
