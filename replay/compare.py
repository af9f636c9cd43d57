"""A response then against the response now: what differs, after all that must differ, what matters first.

Branches, tags, Call-ID, CSeq, addresses, nonces and dates are another replay's own (RFC 3261 8.2.6, 17.1.3; RFC 7616
3.3), so they are not compared. What remains is told in this order: the status, what a challenge asks, what was
granted, what a refusal asks for, which headers came or went, what the server calls itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from analyzer.sip.headers import canonical
from analyzer.sip.message import Message
from replay.message_editor import spelled

_OWN = frozenset(
    ("via", "from", "to", "call-id", "cseq", "contact", "date", "content-length", "www-authenticate",
     "proxy-authenticate", "authentication-info", "expires", "min-expires", "retry-after", "server", "")
)  # fmt: skip
"""Headers that have a comparison of their own, or must differ."""

Facet = Callable[[Message], str]


def differences(then: Message | None, now: Message | None) -> list[str]:
    """Sentences about what differs, the weightiest first; none where the responses are equal as far as they can be."""
    if then is None or now is None:
        if then is now:
            return []
        return [_both("answer", _line(now), _line(then))]
    return list(_told(then, now))


def _both(what: str, now: str, then: str) -> str:
    return f"{what}: {now} now, {then} then"


def _told(then: Message, now: Message) -> Iterator[str]:
    if then.status != now.status:
        yield _both("answer", _line(now), _line(then))
    elif then.reason != now.reason:
        yield _both("reason phrase", _shown(now.reason), _shown(then.reason))
    if then.status == now.status:  # else each has what belongs to its status
        for name, facet in FACETS:
            before, after = facet(then), facet(now)
            if before != after:
                yield _both(name, _shown(after), _shown(before))
        yield from _rows(then, now)
    if then.first("server") != now.first("server"):
        yield _both("Server", _header_shown(now.first("server")), _header_shown(then.first("server")))


def _rows(then: Message, now: Message) -> Iterator[str]:
    """Headers without a comparison of their own: those that are gone, new, or say something else."""
    was, is_ = _others(then), _others(now)
    for key in [*was, *(key for key in is_ if key not in was)]:
        if was.get(key) != is_.get(key):
            yield _both(spelled(key), _header_shown(is_.get(key)), _header_shown(was.get(key)))


def _others(message: Message) -> dict[str, str]:
    keys = dict.fromkeys(canonical(header.key) for header in message.headers)
    return {key: ", ".join(message.all(key)) for key in keys if key not in _OWN}


def _line(message: Message | None) -> str:
    return f"{message.status} {message.reason}".strip() if message is not None else "nothing"


def _shown(value: str) -> str:
    return f'"{value}"' if value else "none"


def _header_shown(value: str | None) -> str:
    """A header that is there and empty is not one that is missing."""
    return "none" if value is None else f'"{value}"'


def _challenge(name: str) -> Facet:
    def said(message: Message) -> str:
        return ", ".join((one.get(name) or "").strip() for one in message.challenges)

    return said


def _challenged_by(message: Message) -> str:
    return ", ".join(f"{spelled(one.header)} {one.scheme}" for one in message.challenges)


def _qop(message: Message) -> str:
    return "; ".join(",".join(one.qop_options) for one in message.challenges)


def _granted(message: Message) -> str:
    """The expiry of each contact listed, with the header's as default (10.3 step 8)."""
    if not 200 <= message.status < 300:
        return ""
    default = message.expires
    found = [default if one.expires is None else one.expires for one in message.contacts]
    return ", ".join("no expiry" if seconds is None else f"{seconds} s" for seconds in sorted(found, key=_none_last))


def _none_last(seconds: int | None) -> tuple[bool, int]:
    return seconds is None, seconds or 0


def _has_opaque(message: Message) -> str:
    return ", ".join("yes" for one in message.challenges if one.opaque is not None)


def _to_tag(message: Message) -> str:
    return "yes" if message.to is not None and message.to.tag else ""


def _header(key: str) -> Facet:
    return lambda message: message.first(key) or ""


FACETS: tuple[tuple[str, Facet], ...] = (
    ("challenge", _challenged_by),
    ("realm", _challenge("realm")),
    ("algorithm", _challenge("algorithm")),
    ("qop", _qop),
    ("stale", _challenge("stale")),
    ("opaque", _has_opaque),
    ("granted", _granted),
    ("Min-Expires", _header("min-expires")),
    ("Retry-After", _header("retry-after")),
    ("To tag", _to_tag),
)
"""What is compared, in the order of weight."""
