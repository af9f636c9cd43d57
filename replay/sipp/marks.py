r"""Captured octets and SIPp keywords in one message, never taken for each other.

A request is rewritten with words in the places where SIPp shall put what it knows (its address, its Call-ID, the user
of the CSV row). The words occur nowhere in the captured requests. At the end they become keywords, and whatever else
stands there is written so that SIPp 3.6.1 and XML leave it alone:

- `[` would begin a keyword and `\x` an octet: both are `\xHH`, as are `]` (XML's `]]>`) and `"`, which SIPp counts
  when it looks for the end of a keyword.
- SIPp takes blanks at both ends of a line away, and makes CRLF of each line end: blanks there, folding with them, lone
  CR and LF, and all line ends of a body are `\xHH`.
- Control characters and octets above 126 are `\xHH`, so that the file is ASCII, whatever encoding was meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from analyzer.evidence import Endpoint

_PORT = 9
_LITERAL = re.compile(rb"[^ !#-Z^-~]")
_EDGE = re.compile(r"^ | \Z")


class Marks:
    """The words, made so that none of them is part of `taken` (letters of either case)."""

    def __init__(self, taken: Iterable[bytes]) -> None:
        hay = b"\0".join(taken).lower()
        number = 0
        while f"sipp{number}x".encode() in hay:
            number += 1
        stem = f"sipp{number}x"
        self.local = Endpoint(f"{stem}a", _PORT)
        self.token = f"{stem}b"
        self.user = f"{stem}c"
        self.domain = f"{stem}d"
        self.call_id = f"{stem}e"
        self.cseq = f"{stem}f"
        self.min_expires = f"{stem}g"
        self.credentials = f"{stem}h"
        self.length = f"{stem}i"
        self._keywords = {
            self.local.written: "[local_ip]:[local_port]",
            f"z9hG4bK{self.token}": "[branch]",
            self.token: "[pid]-[call_number]",
            self.user: "[field0]",
            self.domain: "[field1]",
            self.call_id: "[call_id]",
            self.min_expires: "[$min_expires]",
            self.length: "[len]",
        }

    def message(self, head: bytes, body: bytes, *, transport: str, cseq: str, credentials: str) -> str:
        """The text of a `<send>`: `head` with its empty line, `cseq` and `credentials` the keywords of this request."""
        via = f"SIP/2.0/{transport} {self.local.written}"
        keywords = {via: "SIP/2.0/[transport] [local_ip]:[local_port]", self.cseq: cseq, **self._keywords}
        pattern = re.compile(f"({'|'.join(map(re.escape, keywords))})".encode())
        lines = [self._line(line, pattern, keywords, credentials) for line in head.split(b"\r\n")]
        return "\n".join(lines) + escaped(body).replace(" ", r"\x20")

    def _line(self, line: bytes, pattern: re.Pattern[bytes], keywords: dict[str, str], credentials: str) -> str:
        if self.credentials.encode() in line:
            return credentials  # SIPp writes the name of the header, too
        parts = pattern.split(line)
        text = "".join(keywords[part.decode()] if at % 2 else escaped(part) for at, part in enumerate(parts))
        return _EDGE.sub(r"\\x20", text)

    def shown(self, text: str) -> str:
        """Text for a comment: keywords in place of the words."""
        for word, keyword in self._keywords.items():
            text = text.replace(word, keyword)
        return text

    def real(self, text: str, user: str, domain: str) -> str:
        """Text with the captured user and domain in their places again."""
        return text.replace(self.user, user).replace(self.domain, domain)


def escaped(octets: bytes) -> str:
    r"""ASCII text that SIPp sends as these octets, but for blanks at the ends of a line."""
    return _LITERAL.sub(lambda found: b"\\x%02x" % found[0][0], octets).decode("ascii")
