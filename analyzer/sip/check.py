"""The defects of a message's header values: every value parsed, every complaint under the header that has it.

Grammar only, as the message shows it (RFC 3261 7.3, 20, 25.1). What a REGISTER must or should have is for the rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from analyzer.defect import Defect
from analyzer.sip.address import empty_elements
from analyzer.sip.grammar import CALLID, LWS
from analyzer.sip.headers import MAX_DEFECTS
from analyzer.sip.scalar import MAX_DELTA_SECONDS, decimal
from analyzer.sip.text import clip

if TYPE_CHECKING:
    from analyzer.sip.message import Message

Located = tuple[str, Defect]

_CALL_ID = re.compile(CALLID)
# warning-value = warn-code SP warn-agent SP warn-text; warn-code = 3DIGIT
_WARNING = re.compile(r"[0-9]{3} ")
# Retry-After = delta-seconds [ comment ] *( SEMI retry-param )
_DELTA = re.compile(r"([^\s(;]*+)\s*+(?:[(;]|\Z)")
_MANDATORY = ("to", "from", "call-id", "cseq", "via")


def retry_after_digits(value: str) -> str:
    """What stands before comment and parameters of Retry-After (RFC 3261 20.33)."""
    found = _DELTA.match(value)
    return found[1] if found else ""


def value_defects(message: Message) -> list[Located]:
    """Every defect of the header values, with the canonical key of its header; at most `MAX_DEFECTS` per header."""
    found: list[Located] = []
    for part in _CHECKS:
        found.extend(part(message)[:MAX_DEFECTS])
    if message.raw_message.missing and not message.complete_headers:  # the capture ends inside the last row
        cut = message.headers[-1].key if message.headers else ""
        found = [(key, defect) for key, defect in found if key != cut]
    return found


def _request_uri(message: Message) -> list[Located]:
    """RFC 3261 8.1.1.1 and 19.1.1 table 1: no brackets, no headers, no method parameter."""
    uri = message.uri
    if uri is None:
        return []
    sentences = [defect.text for defect in uri.defects]
    if message.request_uri.startswith("<"):
        sentences.append("the Request-URI stands in angle brackets")
    if uri.is_sip and uri.headers:
        sentences.append("the Request-URI has headers behind a ?")
    if uri.is_sip and "method" in uri.params:
        sentences.append("the Request-URI has a method parameter")
    if any(defect.code == "bad-request-uri" for defect in message.defects):
        return []
    return [("", Defect("bad-request-uri", sentence, 0)) for sentence in sentences]


def _missing(message: Message) -> list[Located]:
    """RFC 3261 8.1.1, 20 table 2. Silent where the message is cut: silence is not absence."""
    if not message.is_whole or not (message.is_request or message.is_response):
        return []
    keys = (*_MANDATORY, "max-forwards") if message.is_request else _MANDATORY
    return [(key, Defect("missing-header", f"there is no {key} header")) for key in keys if not message.has(key)]


def is_call_id(value: str) -> bool:
    """Whether a Call-ID is a word or `word@word` (RFC 3261 25.1 callid)."""
    return _CALL_ID.fullmatch(value) is not None


def _call_id(message: Message) -> list[Located]:
    value = message.first("call-id")
    if value is None or is_call_id(value):
        return []
    return [("call-id", Defect("bad-call-id", f"{clip(value)!r} is not word or word@word"))]


def _cseq(message: Message) -> list[Located]:
    """RFC 3261 8.1.1.5: the method MUST match that of the request."""
    value, cseq = message.first("cseq"), message.cseq
    if value is None:
        return []
    if cseq is None:
        return [("cseq", Defect("bad-cseq", f"{clip(value)!r} is no number and method"))]
    found = list(cseq.defects)
    if message.is_request and cseq.method != message.method:
        sentence = f"the CSeq method {clip(cseq.method)!r} is not that of the request, {clip(message.method)!r}"
        found.append(Defect("cseq-method-mismatch", sentence))
    return [("cseq", defect) for defect in found]


def _vias(message: Message) -> list[Located]:
    found = [defect for via in message.vias for defect in via.defects]
    return [("via", defect) for defect in found + empty_elements(message.all("via"))]


def _addresses(message: Message) -> list[Located]:
    found: list[Located] = []
    for key, address in (("from", message.from_), ("to", message.to)):
        if address is not None and address.star:
            found.append((key, Defect("bad-address", "* is no address here")))
        found.extend((key, defect) for defect in (() if address is None else address.defects))
    found.extend(("contact", defect) for contact in message.contacts for defect in contact.defects)
    found.extend(("contact", defect) for defect in empty_elements(message.all("contact")))
    return found


def _scalar(key: str, limit: int) -> Callable[[Message], list[Located]]:
    """A check that the header `key` is digits for at most `limit`."""

    def checked(message: Message) -> list[Located]:
        value = message.first(key)
        if value is None:
            return []
        number = decimal(retry_after_digits(value) if key == "retry-after" else value)
        if number is None:
            return [(key, Defect(f"bad-{key}", f"{key} is no number: {clip(value)!r}"))]
        return [(key, Defect(f"{key}-out-of-range", f"{key} is beyond {limit}"))] if number > limit else []

    return checked


def _date(message: Message) -> list[Located]:
    value = message.first("date")
    if value is None or message.date is not None:
        return []
    return [("date", Defect("bad-date", f"{clip(value)!r} is no SIP-date in GMT"))]


def _warning(message: Message) -> list[Located]:
    wrong = [value for value in message.values("warning") if not _WARNING.match(value.strip(LWS))]
    return [("warning", Defect("bad-warning", f"no three-digit code in {clip(value)!r}")) for value in wrong]


def _auth(message: Message) -> list[Located]:
    values = [*message.credentials, *message.challenges]
    return [(value.header, defect) for value in values for defect in value.defects]


_CHECKS: tuple[Callable[[Message], list[Located]], ...] = (
    _request_uri,
    _missing,
    _call_id,
    _cseq,
    _vias,
    _addresses,
    _scalar("max-forwards", 255),  # 20.22: 0 to 255
    _scalar("expires", MAX_DELTA_SECONDS),
    _scalar("min-expires", MAX_DELTA_SECONDS),
    _scalar("retry-after", MAX_DELTA_SECONDS),
    _date,
    _warning,
    _auth,
)
