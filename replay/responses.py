"""How a server answers: what goes back out of the request (RFC 3261 8.2.6), and to which address (18.2.1, 18.2.2).

The source address of a datagram is what the response goes to, whatever the request says of itself: `received` and
`rport` tell it to the client (RFC 3581). The one exception, `maddr`, would let any sender aim the answers at somebody
else, so it is obeyed only where it names the sender's own host, or both are loopback.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, NamedTuple

from analyzer.evidence import SECOND, Endpoint
from analyzer.sip.grammar import LWS
from analyzer.sip.message import Message, parse_bytes
from analyzer.sip.text import octets, segments
from analyzer.sip.transports import STREAMS, default_port
from analyzer.sip.uri import canonical_host
from analyzer.sip.via import Via
from replay.message_editor import MessageEditor, spelled

REASONS = {
    100: "Trying",
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    423: "Interval Too Brief",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    500: "Server Internal Error",
    503: "Service Unavailable",
    505: "Version Not Supported",
    513: "Message Too Large",
}
"""Reason phrases as RFC 3261 21 prints them."""
_BREAKS = re.compile(r"[\r\n\0]+")


class Received(NamedTuple):
    """A request as it came: from `peer` to `local`, at the instant `now`, and at the time `wall` (nanoseconds since the
    epoch)."""

    request: Message
    peer: Endpoint
    local: Endpoint
    transport: str
    now: int
    wall: int


@dataclass(slots=True)
class Reply:
    """What is answered: `final` (None: nothing at all), `provisional` before it, `delay` nanoseconds after the request.

    `events` are told to who watches.
    """

    final: MessageEditor | None
    provisional: Sequence[MessageEditor] = ()
    delay: int = 0
    events: list[Any] = field(default_factory=list)


def answer(
    received: Received,
    status: int,
    headers: Iterable[tuple[str, str]] = (),
    *,
    reason: str = "",
    to_tag: str = "",
) -> MessageEditor:
    """A response out of the request (8.2.6): its Vias with `received` and `rport`, From, To with a tag, Call-ID, CSeq;
    then `headers` (canonical key, value), then Content-Length. What the request lacks is lacking."""
    request = received.request
    rows = [("via", row) for row in via_rows(request, received.peer)]
    rows += [(key, row) for key in ("from",) if (row := request.first(key)) is not None]
    to = to_value(request, to_tag)
    if to is not None:
        rows.append(("to", to))
    rows += [(key, row) for key in ("call-id", "cseq") if (row := request.first(key)) is not None]
    rows += [*headers, ("content-length", "0")]
    lines = [f"SIP/2.0 {status} {reason or REASONS.get(status, 'Unnamed')}"]
    lines += [f"{spelled(key)}: {_BREAKS.sub(' ', value)}" for key, value in rows]
    return MessageEditor(parse_bytes(octets("\r\n".join(lines) + "\r\n\r\n")))


def to_value(request: Message, to_tag: str) -> str | None:
    """To with a tag of ours, unless it has one (8.2.6.2); None where the request has no To."""
    value = request.first("to")
    if value is None or not to_tag or (request.to is not None and request.to.tag):
        return value
    return f"{value.rstrip(LWS)};tag={to_tag}"


def via_rows(request: Message, peer: Endpoint) -> list[str]:
    """The Via rows to be sent back, in order, the topmost with where it came from (18.2.1)."""
    rows = [text(row) for row in request.all("via")]
    via = request.via
    if via is None or not rows:
        return rows
    first, *rest = segments(rows[0])
    return [",".join([stamped(Via.parse(first.strip(LWS)), peer), *rest]), *rows[1:]]


def text(value: str) -> str:
    """A header value as one line."""
    return _BREAKS.sub(" ", value)


def stamped(via: Via, peer: Endpoint) -> str:
    """A Via with `received` where sent-by is not the address that it came from (18.2.1), and with both `received` and
    the value of `rport` where the client asks for it (RFC 3581 4). What the client wrote of these two goes."""
    asked = via.rport is not None
    host = peer.host.partition("%")[0]
    parts = [via.raw.partition(";")[0].rstrip(LWS)]
    for name, value in via.params.items_as_written:
        if name.lower() == "rport":
            parts.append(f"rport={peer.port}")
        elif name.lower() != "received":
            parts.append(name if value is None else f"{name}={value}")
    if asked or canonical_host(via.host) != canonical_host(host):
        parts.append(f"received={host}")
    return ";".join(parts)


def destination(request: Message, peer: Endpoint, transport: str) -> Endpoint:
    """Where the response goes (18.2.2): back on the connection; to `maddr` (see the module's head); to the source port
    where `rport` asks for it (RFC 3581 4); else to the source address, at the port of sent-by."""
    via = request.via
    if via is None or transport.upper() in STREAMS:
        return peer
    port = via.port or default_port(via.transport)
    maddr = (via.params.get("maddr") or "").strip("[]")
    if maddr and _is_near(maddr, peer.host):
        return Endpoint(maddr, port)
    return peer if via.rport is not None else Endpoint(peer.host, port)


def _is_near(maddr: str, host: str) -> bool:
    """The sender's own host, or loopback as he is, by a number of the same kind and without a zone: those are for the
    system's resolver to read."""
    if "%" in maddr:
        return False
    try:
        there, here = ipaddress.ip_address(maddr), ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return there == here or (there.version == here.version and there.is_loopback and here.is_loopback)


def sip_date(wall: int) -> str:
    """The Date header of an instant in nanoseconds since the epoch (20.17)."""
    return formatdate(wall // SECOND, usegmt=True)
