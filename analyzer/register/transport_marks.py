"""Marks (`marks.py`) by which the rules about transport and extensions know what concerns them: what can be told of a
message or a transaction without reading anything anew."""

from __future__ import annotations

from analyzer.register import marks
from analyzer.register.transaction import Transaction
from analyzer.register.way_back import tells_source
from analyzer.sip.layout import SAFE_OVER_UDP
from analyzer.sip.message import Message
from analyzer.sip.transports import STREAMS

SIPS = "sips"
_OF_EXTENSIONS = (420, 421)
_NOWHERE = frozenset(("", "0.0.0.0", "::"))


def request_marks(request: Message) -> int:
    """What can be told of a request at its first copy."""
    via = request.via
    found = 0 if via is not None and via.has_cookie and len(request.vias) == 1 else marks.NO_COOKIE
    if not goes_as_written(request):
        found |= marks.ODD_WAY
    if request.is_extended:
        found |= marks.EXTENDED
    if request.has_instance:
        found |= marks.INSTANCE
    return found if is_plainly_bounded(request) else found | marks.ODD_LENGTH


def answer_marks(answer: Message) -> int:
    """What can be told of a final response."""
    return 0 if is_plainly_bounded(answer) else marks.ODD_LENGTH


def goes_as_written(request: Message) -> bool:
    """Whether a request went by the transport that its topmost Via names, which has a host and a port, and nothing asks
    for TLS; True of nearly all."""
    via, uri = request.via, request.uri
    if via is None or via.transport != request.raw_message.transport or via.port == 0 or via.host in _NOWHERE:
        return False
    return (uri is None or uri.scheme != SIPS) and not request.has("route")


def is_plainly_bounded(message: Message) -> bool:
    """Whether nothing at all is odd about the end of a message: no defect at first sight, no body, and its length where
    it has to be."""
    if message.defects or message.body or not message.complete_headers or message.raw_message.missing:
        return False
    return message.has("content-length") or message.raw_message.transport not in STREAMS


def transport_marks(transaction: Transaction) -> int:
    """What can be told of a transaction that is answered, or is not."""
    final = transaction.final
    found = 0 if tells_source(transaction) else marks.ODD_RETURN
    if _may_be_large(transaction.request) or _may_be_large(final):
        found |= marks.LARGE
    if final is not None and 200 <= final.status < 300 and not is_at_its_contact(transaction):
        found |= marks.FAR_CONTACT
    return found | _extension_marks(transaction) if uses_extensions(transaction) else found


def _extension_marks(transaction: Transaction) -> int:
    """What can be told at once of a transaction that uses extensions: most have a reg-id and nothing else."""
    found, request = marks.EXTENDED, transaction.request
    messages = [message for message in (request, transaction.final) if message is not None]
    if transaction.path is not None or any(one.has("path") or one.has("service-route") for one in messages):
        found |= marks.ROUTED
    if request is None or not all(map(_names_no_gruu, messages)):
        found |= marks.GRUU
    return found | marks.TAGGED if is_about_tags(transaction) else found


def _names_no_gruu(message: Message) -> bool:
    if not message.is_whole or message.mentions(b"gruu", "supported", "require"):
        return False
    return not message.mentions(b"gr", "contact") and not message.mentions(b"bnc", "contact")


def _may_be_large(message: Message | None) -> bool:
    return message is not None and (len(message.raw) > SAFE_OVER_UDP or not message.is_good_evidence)


def uses_extensions(transaction: Transaction) -> bool:
    """Whether request or answer uses extensions, or went over several hops, which may have."""
    request, final = transaction.request, transaction.final
    if transaction.path is not None or (request is not None and request.is_extended):
        return True
    return final is not None and (final.is_extended or final.status in _OF_EXTENSIONS)


def is_about_tags(transaction: Transaction) -> bool:
    """Whether request or final response demands option tags, or the response refuses some (RFC 3261 8.2.2.3, 8.2.4)."""
    request, final = transaction.request, transaction.final
    if final is not None and (final.status in _OF_EXTENSIONS or final.has("require")):
        return True
    return request is not None and (request.has("require") or request.has("proxy-require"))


def extended_exchange(transaction: Transaction) -> tuple[Message | None, Message | None] | None:
    """Request and final response of a transaction that uses extensions; None where it uses none, or one of both is
    cut."""
    request, final = transaction.request, transaction.final
    is_whole = all(message is None or message.is_whole for message in (request, final))
    return (request, final) if uses_extensions(transaction) and is_whole else None


def is_at_its_contact(transaction: Transaction) -> bool:
    """Whether a request comes from the host that its Via and each Contact name, and none names port 0."""
    request, host = transaction.request, transaction.source.host
    if request is None or not transaction.sent_by.startswith(host):
        return False
    for contact in request.contacts:
        uri = contact.uri
        if uri is None or uri.host != host or uri.port == 0:
            return False
    return True
