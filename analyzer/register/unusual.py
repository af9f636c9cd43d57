"""What hardly any message has: the marks by which the rules about the form of messages are spared the asking.

Nearly every message writes its values as the grammar's examples do. Here is looked only whether that may be otherwise;
what it means is for the rules. Each question is asked of every message, so it looks at what was parsed already.
"""

from __future__ import annotations

from analyzer.register import marks
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address, empty_elements
from analyzer.sip.message import Message
from analyzer.sip.params import NO_PARAMS
from analyzer.sip.uri import Uri

REFUSED_AS_UNKNOWN = frozenset((403, 404, 480))
"""Answers of a registrar that is not the one of this address-of-record, or does not have it (RFC 3261 10.3, 21.4)."""
_DIGITS = 9
"""So many digits are below each limit of a number of seconds, and of CSeq."""


def request_oddities(message: Message) -> int:
    """The marks ODD_VALUES, ODD_AOR and SECURE of a request."""
    to, from_, uri, cseq = message.to, message.from_, message.uri, message.cseq
    to_uri, from_uri = None if to is None else to.uri, None if from_ is None else from_.uri
    found = 0
    if (
        message.defects
        or cseq is None
        or cseq.defects
        or cseq.method != message.method
        or to is None
        or from_ is None
        or to.defects
        or from_.defects
        or message.has_body
        or not (message.has_number("expires", _DIGITS) and message.has_number("max-forwards", 3))
        or not message.has_proper_call_id
    ):
        found = marks.ODD_VALUES
    if uri is None or _is_odd_target(uri) or uri.text != message.request_uri:
        found |= marks.ODD_VALUES
    for via in message.vias:
        if via.defects:
            found |= marks.ODD_VALUES
    if _has_gaps(message, "via") or _has_gaps(message, "contact"):
        found |= marks.ODD_VALUES
    if (
        to_uri is None
        or _is_odd_aor(to_uri)
        or (from_uri is not to_uri and (from_uri is None or _is_odd_aor(from_uri)))
    ):
        found |= marks.ODD_AOR
    for contact in message.contacts:
        found |= _of_contact(contact)
    if _is_secure(uri) or _is_secure(to_uri) or _is_secure(from_uri) or message.has("route"):
        found |= marks.SECURE
    return found


def is_odd_answer(message: Message) -> bool:
    """Whether what a final response says of its own may leave the grammar; the rest it copies from its request."""
    if message.defects or not message.has_number("expires", _DIGITS):
        return True
    if not message.has("contact"):
        return False
    return any(contact.defects for contact in message.contacts) or _has_gaps(message, "contact")


def is_odd_exchange(transaction: Transaction) -> bool:
    """What the mark ODD_EXCHANGE says."""
    request, final = transaction.request, transaction.final
    if request is None or transaction.path is not None or transaction.via_count != 1:
        return True
    to, from_ = request.to, request.from_
    if to is None or from_ is None or (from_.uri is not to.uri and from_.uri != to.uri):
        return True
    if not request.says("max-forwards", b"70") or request.has("record-route"):
        return True
    return final is not None and (final.status in REFUSED_AS_UNKNOWN or final.has("record-route"))


def _has_gaps(message: Message, key: str) -> bool:
    """An element of a list is empty."""
    return message.has_list(key) and bool(empty_elements(message.all(key)))


def _is_odd_target(uri: Uri) -> bool:
    """A Request-URI has more than host, port and parameters of its own, or cannot be read (RFC 3261 19.1.1)."""
    return bool(uri.defects or uri.headers or not uri.host or (uri.params is not NO_PARAMS and "method" in uri.params))


def _is_odd_aor(uri: Uri) -> bool:
    """An address-of-record has more than user and host, or less (RFC 3261 19.1.1 table 1)."""
    return bool(uri.user is None or uri.port is not None or uri.params is not NO_PARAMS or uri.headers)


def _of_contact(contact: Address) -> int:
    found, params = 0, contact.params
    if contact.defects or (params is not NO_PARAMS and (not contact.bracketed or "action" in params)):
        found = marks.ODD_VALUES
    return found | marks.SECURE if _is_secure(contact.uri) else found


def _is_secure(uri: Uri | None) -> bool:
    """It demands TLS, or says that it does."""
    if uri is None or uri.scheme == "sips":
        return uri is not None
    return uri.params is not NO_PARAMS and (uri.params.get("transport") or "").lower() == "tls"
