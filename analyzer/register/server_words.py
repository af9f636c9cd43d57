"""The registrar's own words in a refusal: what it says beside the status.

A status has a meaning by RFC 3261 21, but the one who refuses may say more: a reason phrase that is not the usual one
(7.2: it is for a human, and may be any), Warning (20.43), Reason (RFC 3326), Retry-After (20.33), Min-Expires (20.23),
Allow (20.5), Unsupported (20.40) and Require (20.32, 21.4.16). A redirect says in Contact where to go (21.3). Kamailio
and OpenSIPS write why in P-Registrar-Error, and list in Contact what is bound already.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from analyzer.sip.message import Message
from analyzer.sip.text import clip

LONGEST = 160
"""Characters of a header that are kept."""
USUAL = {
    100: "Trying",
    200: "OK",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    423: "Interval Too Brief",
    439: "First Hop Lacks Outbound Support",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    486: "Busy Here",
    488: "Not Acceptable Here",
    494: "Security Agreement Required",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
}
"""The reason phrases of RFC 3261 21, RFC 3329 (494) and RFC 5626 11.6 (439)."""
_HEADERS = ("p-registrar-error", "warning", "reason", "retry-after", "min-expires", "allow", "unsupported", "require")
_REASONS = ("p-registrar-error", "warning", "reason")
_ABOUT = {"allow": (405,), "min-expires": (423,), "unsupported": (420,), "require": (421,)}
"""Headers that say something of a refusal only beside these statuses: many servers send Allow in every response."""


class ServerWords(NamedTuple):
    """A reason phrase that is not the usual one (else empty), and headers by lower-case name with their values."""

    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def explains(self) -> bool:
        """Whether they name the reason, so that nobody has to guess it from the status."""
        return bool(self.reason) or any(name in _REASONS for name, _ in self.headers)

    @property
    def told(self) -> bool:
        """Whether anything was said beside the status."""
        return bool(self.reason or self.headers)


def words_of(final: Message | None) -> ServerWords:
    """What a final response says of why; nothing of a success."""
    if final is None or final.status < 300:
        return ServerWords()
    reason = final.reason.strip()
    told = reason if reason.lower() != USUAL.get(final.status, "").lower() else ""
    found = []
    for name in _HEADERS:
        if final.status in _ABOUT.get(name, (final.status,)) and (value := final.first(name)) is not None:
            found.append((name, clip(" ".join(value.split()), LONGEST)))
    if (value := final.first("contact")) is not None:
        found.append(("contact", clip(" ".join(value.split()), LONGEST)))
    return _shared(clip(told, LONGEST), tuple(found))


@lru_cache(maxsize=1024)
def _shared(reason: str, headers: tuple[tuple[str, str], ...]) -> ServerWords:
    """One value for all who were told the same: a storm is told the same a million times."""
    return ServerWords(reason, headers)
