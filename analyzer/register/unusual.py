"""What hardly any message has: the marks by which the rules about the form of messages are spared the asking.

Nearly every message writes its values as the grammar's examples do. Here is looked only whether that may be otherwise;
what it means is for the rules. Each question is asked of every message, so it looks at what was parsed already.
"""

from __future__ import annotations

from analyzer.register import marks
from analyzer.register.transaction import Transaction
from analyzer.sip.address import empty_elements
from analyzer.sip.message import Message
from analyzer.sip.params import NO_PARAMS
from analyzer.sip.uri import Uri

REFUSED_AS_UNKNOWN = frozenset((403, 404, 480))
"""Answers of a registrar that is not the one of this address-of-record, or does not have it (RFC 3261 10.3, 21.4)."""
_DIGITS = 9
"""So many digits are below each limit of a number of seconds, and of CSeq."""


def request_oddities(message: Message) -> int:
    """The marks ODD_VALUES, ODD_AOR and SECURE of a request. The plain case is looked at in one go."""
    to, from_, uri, cseq = message.to, message.from_, message.uri, message.cseq
    found = marks.SECURE if message.has("route") else 0
    if (
        to is None
        or from_ is None
        or uri is None
        or cseq is None
        or to.defects
        or from_.defects
        or cseq.defects
        or cseq.method != message.method
        or uri.text != message.request_uri
        or not message.has_proper_call_id
        or not (message.has_plain_rows or _has_usual_rows(message))
    ):
        found |= marks.ODD_VALUES
    for via in message.vias:
        if via.defects:
            found |= marks.ODD_VALUES
    if uri is not None and (uri.scheme != "sip" or uri.params is not NO_PARAMS or uri.defects or uri.headers):
        found |= _of_target(uri)
    to_uri, from_uri = None if to is None else to.uri, None if from_ is None else from_.uri
    if to_uri is None or from_uri is not to_uri or not _is_plain_aor(to_uri):
        found |= _of_aor(to_uri) | _of_aor(from_uri)
    for contact in message.contacts:
        params, where = contact.params, contact.uri
        if contact.defects or (params is not NO_PARAMS and (not contact.bracketed or "action" in params)):
            found |= marks.ODD_VALUES
        if where is not None and (where.scheme != "sip" or where.params is not NO_PARAMS) and _is_secure(where):
            found |= marks.SECURE
    return found


def is_odd_answer(message: Message) -> bool:
    """Whether what a final response says of its own may leave the grammar; the rest it copies from its request."""
    if message.defects:
        return True
    if not message.has("contact"):
        return False
    for contact in message.contacts:
        if contact.defects:
            return True
    return _has_gaps(message, "contact")


def _has_usual_rows(message: Message) -> bool:
    """What `has_plain_rows` could not tell at once."""
    if message.defects or message.has_body:
        return False
    if not (message.has_number("expires", _DIGITS) and message.has_number("max-forwards", 3)):
        return False
    return not (_has_gaps(message, "via") or _has_gaps(message, "contact"))


def _has_gaps(message: Message, key: str) -> bool:
    """An element of a list is empty."""
    return message.has_list(key) and bool(empty_elements(message.all(key)))


def _of_target(uri: Uri) -> int:
    """A Request-URI has more than host, port and parameters of its own, or cannot be read (RFC 3261 19.1.1)."""
    is_odd = uri.defects or uri.headers or not uri.is_sip or "method" in uri.params
    return (marks.ODD_VALUES if is_odd else 0) | (marks.SECURE if _is_secure(uri) else 0)


def _is_plain_aor(uri: Uri) -> bool:
    return (
        uri.scheme == "sip"
        and uri.user is not None
        and uri.port is None
        and uri.params is NO_PARAMS
        and not uri.headers
    )


def _of_aor(uri: Uri | None) -> int:
    """An address-of-record has more than user and host, or less (RFC 3261 19.1.1 table 1), or cannot be read."""
    if uri is None:
        return marks.ODD_AOR | marks.ODD_VALUES
    if _is_plain_aor(uri):
        return 0
    return marks.ODD_AOR | marks.SECURE if _is_secure(uri) else marks.ODD_AOR


def _is_secure(uri: Uri) -> bool:
    """It demands TLS, or says that it does."""
    return uri.scheme == "sips" or (uri.params.get("transport") or "").lower() == "tls"


def is_odd_exchange(transaction: Transaction) -> bool:
    """What the mark ODD_EXCHANGE says."""
    request, final = transaction.request, transaction.final
    if request is None or transaction.path is not None or transaction.via_count != 1:
        return True
    to, from_ = request.to, request.from_
    if to is None or to.uri is None or from_ is None or (from_.uri is not to.uri and from_.uri != to.uri):
        return True
    if not request.says("max-forwards", b"70") or request.has("record-route"):
        return True
    return final is not None and (final.status in REFUSED_AS_UNKNOWN or final.has("record-route"))
