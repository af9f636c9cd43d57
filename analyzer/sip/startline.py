"""The start line: Request-Line or Status-Line (RFC 3261 7.1, 7.2).

    Request-Line = Method SP Request-URI SP SIP-Version CRLF
    Status-Line  = SIP-Version SP Status-Code SP Reason-Phrase CRLF

What is not quite one (blanks too many, another version, a blank inside the URI) is still read, with its defect; RFC
4475 3.1.2 has an example of each. A line that is neither leaves everything empty.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from analyzer.defect import Defect
from analyzer.sip.grammar import SIP_VERSION
from analyzer.sip.scalar import decimal
from analyzer.sip.text import clip, is_token, text

_VERSION = re.compile(SIP_VERSION, re.IGNORECASE)


class StartLine(NamedTuple):
    """`method` "" for a response, `status` 0 for a request or a status code that is none, `version` "" if missing."""

    method: str = ""
    request_uri: str = ""
    version: str = ""
    status: int = 0
    reason: str = ""


_KEPT = 4096
_LONGEST_KEPT = 256


class StartLines(dict[bytes, "StartLine | None"]):
    """Start line without its line end -> what it says, None where it has a defect. It learns, and begins anew when it
    is full: clients repeat themselves."""

    def __missing__(self, line: bytes) -> StartLine | None:
        defects: list[Defect] = []
        parsed = None if b"\r" in line or b"\n" in line else parse_start_line(text(line), defects)
        found = None if defects else parsed
        if len(line) <= _LONGEST_KEPT:
            if len(self) >= _KEPT:
                self.clear()
            self[line] = found
        return found


START_LINES = StartLines()
"""The start lines met so far, for all messages of the process."""


def parse_start_line(line: str, defects: list[Defect]) -> StartLine:
    """Parse a start line without its line end. Never raises."""
    words = line.split(" ")
    if len(words) == 3 and words[2] == "SIP/2.0" and words[0] and words[1]:
        return _request(words[0], words[1], words[2], defects)
    if line[:4].upper() == "SIP/":
        return _status_line(line, defects)
    return _loose_request(line, defects)


def _request(method: str, request_uri: str, version: str, defects: list[Defect]) -> StartLine:
    if not is_token(method):
        defects.append(Defect("bad-method", f"the method {clip(method)!r} is no token", 0))
    _check_version(version, defects)
    return StartLine(method, request_uri, version)


def _loose_request(line: str, defects: list[Defect]) -> StartLine:
    words = line.split()
    if len(words) == 2 and words[1][:4].lower() in ("sip:", "sips") and is_token(words[0]):
        defects.append(Defect("bad-start-line", "the Request-Line has no SIP version", 0))
        return StartLine(words[0], words[1])
    if len(words) < 3 or not words[-1].upper().startswith("SIP/"):
        defects.append(Defect("bad-start-line", f"{clip(line)!r} is neither Request-Line nor Status-Line", 0))
        return StartLine()
    request_uri = line.strip()[len(words[0]) : -len(words[-1])].strip()
    if line != f"{words[0]} {request_uri} {words[-1]}":  # RFC 4475 3.1.2.9, 3.1.2.10
        defects.append(Defect("start-line-whitespace", "the parts of the Request-Line are not set off by single SP", 0))
    if len(words) > 3:  # RFC 4475 3.1.2.8
        defects.append(Defect("bad-request-uri", f"blanks inside the Request-URI {clip(request_uri)!r}", 0))
    return _request(words[0], request_uri, words[-1], defects)


def _status_line(line: str, defects: list[Defect]) -> StartLine:
    version, _, rest = line.partition(" ")
    code, blank, reason = rest.partition(" ")
    if not code and rest.strip():
        defects.append(Defect("start-line-whitespace", "the parts of the Status-Line are not set off by single SP", 0))
        code, blank, reason = rest.lstrip().partition(" ")
    _check_version(version, defects)
    status = decimal(code) if len(code) == 3 else None
    if status is None or not 100 <= status <= 699:
        defects.append(Defect("bad-status", f"the status code {clip(code)!r} is no number from 100 to 699", 0))
        status = 0
    elif not blank:
        defects.append(Defect("missing-reason-sp", "no SP follows the status code", 0))
    return StartLine("", "", version, status, reason)


def _check_version(version: str, defects: list[Defect]) -> None:
    """7.1: the version is SIP/2.0; case-insensitive, "but implementations MUST send upper-case"."""
    if version == "SIP/2.0":
        return
    known = "is not in upper case" if _VERSION.fullmatch(version) and version[4:] == "2.0" else "is not SIP/2.0"
    defects.append(Defect("bad-version", f"the version {clip(version)!r} {known}", 0))
