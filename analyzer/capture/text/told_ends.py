"""What a message itself tells of the ends between which it went, where the text around it does not."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analyzer.capture.text.grammar import Banner, Grammar
from analyzer.evidence import Endpoint

VIA = re.compile(
    rb"(?:via|v)[ \t]*:[ \t]*SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*[A-Za-z]{2,8}[ \t]+"
    rb"(\[[0-9A-Fa-f:.%\w]{2,64}\]|[\w.-]{1,255})(?:[ \t]*:[ \t]*(\d{1,5}))?(.{0,2000})",
    re.IGNORECASE | re.DOTALL,
)
_RECEIVED = re.compile(rb";[ \t]*received[ \t]*=[ \t]*\[?([0-9A-Fa-f:.]{2,45})", re.IGNORECASE)
_RPORT = re.compile(rb";[ \t]*rport[ \t]*=[ \t]*(\d{1,5})", re.IGNORECASE)


def via_end(head: Sequence[bytes], *, is_own: bool) -> Endpoint | None:
    """Where the sender of a request is, as the topmost Via says: where it was seen (`received`, `rport`) before
    sent-by, unless it `is_own`: its own text shows the address that it has itself."""
    match = next((found for line in head if (found := VIA.match(line))), None)
    if match is None:
        return None
    received = rport = None
    if not is_own:
        received, rport = _RECEIVED.search(match[3]), _RPORT.search(match[3])
    host = received[1] if received else match[1].strip(b"[]")
    port = int(rport[1] if rport else match[2] or 0)
    return Endpoint(host.decode("ascii", "replace"), port if port < 65536 else 0)


def both_ends(grammar: Grammar | None, banner: Banner, head: Sequence[bytes]) -> tuple[Endpoint, Endpoint, bool]:
    """Both ends of a message: as printed, by Via, or the name of the program that wrote the text; and whether Via was
    asked. The banner of a loose grammar may be about something else: one that has a response come from where its
    request came from, or a request go there, is not believed; where a blank alone says which end sent (`parted`), it
    was the other."""
    source, destination = banner.source, banner.destination
    is_response = head[0].startswith(b"SIP/")
    wrong = source if is_response else destination
    if source is not None and destination is not None:
        is_turned = grammar is not None and grammar.parted and via_end(head, is_own=False) == wrong
        return (destination, source, False) if is_turned else (source, destination, False)
    if wrong is not None and grammar is not None and grammar.loose and via_end(head, is_own=False) == wrong:
        source = destination = None
        banner = banner._replace(received=None)
    own, peer = Endpoint("unknown" if grammar is None else grammar.program, 0), Endpoint("peer", 0)
    is_own = banner.received is is_response  # the user agent client wrote this text
    client = via_end(head, is_own=is_own)
    is_inferred = client is not None and (destination if is_response else source) is None
    if is_inferred:
        source, destination = (source, client) if is_response else (client, destination)
    return (
        source or (peer if banner.received else own),
        destination or (own if banner.received is not False else peer),
        is_inferred,
    )
