"""What a log that sipcheck itself wrote says of a message, behind the line that opens it.

    2026/11/20 11:53:43.746947 192.0.2.10:5061 -> 192.0.2.1:5061 (sipcheck: 388 octets, 6 missing, TLS, repaired-mail)

A form of another program has no place for what sipcheck knew of the original: how many octets are printed where their
end does not show, or a line looks as if it were cut; how many were lost behind them; over what the message went where
Via says otherwise; and what was put right in its text, for which it weighs less. A message of which nothing of that is
to be told has no such mark.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from analyzer.capture.text.payload import CRLF, Printed, is_unfinished
from analyzer.defect import Defect
from analyzer.evidence import REPAIRED, RawMessage
from analyzer.sip.transports import DEFAULT_PORTS

SIGN = b"(sipcheck:"
"""What each mark begins with."""
_TEXT = re.escape(SIGN) + rb"(?P<mark>[^()\r\n]{0,2000})\)"
MARK = rb"(?:[ \t]*" + _TEXT + rb")?"
"""A mark as a part of a pattern; perhaps none."""
LINE = re.compile(_TEXT + rb"\Z")
"""A line that is a mark."""
_PART = re.compile(
    r"(?P<size>\d{1,7}) octets|(?P<missing>\d{1,7}) missing"
    rf"|(?P<code>{REPAIRED}[a-z-]{{1,30}})|(?P<way>[A-Z-]{{2,8}})"
)
_MOST_MISSING = 9_999_999
_MOST_CODES = 8


class Marked(NamedTuple):
    """What a mark says: octets that are printed (None: it does not say), octets that are `missing` behind them, the
    transport (empty: not said), and what was put right."""

    size: int | None = None
    missing: int = 0
    transport: str = ""
    defects: tuple[Defect, ...] = ()


NOTHING = Marked()


def marked(text: bytes | None) -> Marked:
    """What the text of a mark says; parts that are not understood are passed over."""
    found = NOTHING
    parts = (text or b"").decode("ascii", "replace").split(",")[: _MOST_CODES + 3]
    for part in dict.fromkeys(map(str.strip, parts)):
        match = _PART.fullmatch(part)
        if match is None:
            continue
        if match["size"]:
            found = found._replace(size=int(match["size"]))
        elif match["missing"]:
            found = found._replace(missing=int(match["missing"]))
        elif match["code"]:
            defect = Defect(match["code"], "its text was mended before this log was written")
            found = found._replace(defects=(*found.defects, defect))
        elif match["way"] in DEFAULT_PORTS:
            found = found._replace(transport=match["way"])
    return found


def mark_of(message: RawMessage, *, says: str = "", sized: bool = False) -> bytes:
    """The mark of a message, with the blank before it; empty where there is nothing to tell. `says` is the transport
    that the form tells of it (empty: none, and Via does), `sized` whether it tells how many octets there are."""
    parts: list[str] = []
    payload = message.payload
    lines = payload.split(CRLF)
    is_clear = sized or (not message.missing and payload.endswith(CRLF + CRLF))
    if not is_clear or any(map(is_unfinished, lines)):
        parts.append(f"{len(payload)} octets")
    if message.missing:
        parts.append(f"{min(message.missing, _MOST_MISSING)} missing")
    known = says or Printed(lines, None).transport() or "UDP"
    if message.transport != known and message.transport in DEFAULT_PORTS:
        parts.append(message.transport)
    codes = dict.fromkeys(one.code for one in message.defects if one.code.startswith(REPAIRED))
    parts += [*codes][:_MOST_CODES]
    return f" (sipcheck: {', '.join(parts)})".encode() if parts else b""
