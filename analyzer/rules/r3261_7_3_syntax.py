"""A message is written as the grammar has it, where the registration depends on it.

Programs that read SIP differ in what they forgive. A strict one refuses a malformed message with 400, or drops it; a
lenient one reads on and may understand something else than was meant, which is worse. So a value that cannot be read,
or can be read in two ways, is an error: a header that may stand once and stands twice, a line that is no header (often
the rest of one that was folded without its leading blank), a quote or bracket that is never closed, a URI with comma or
question mark outside angle brackets, a negative number. What every reader copes with, though it leaves the grammar, is
a warning: an empty list element, a parameter that comes twice, LF alone as line end.

The sub-code lists where: the headers by name, `start-line`, or `lines` for what belongs to no header, such as an empty
line in their midst, which ends them. `contact-param-outside` is a remark: a parameter that a URI usually has
(`transport`, `ob`) stands behind a contact without angle brackets, so that it is no part of the URI.

Of an answer only that is judged which is its own: what it copies from the request is the other side's. CSeq, Expires,
the Request-URI and digest headers have rules of their own. Folded lines, compact names, any case and blanks around
separators are legal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.defect import Defect
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NO_VALUES, PASSED, Answer, Need, Rule, Values, Violated, bad, good
from analyzer.judge.values import without_password
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.sip.headers import spellings
from analyzer.sip.message import MANDATORY, Message
from analyzer.sip.text import clip

_NAMES = {
    "start-line": "the start line",
    "lines": "the header lines",
    "via": "Via",
    "from": "From",
    "to": "To",
    "call-id": "Call-ID",
    "contact": "Contact",
    "cseq": "CSeq",
    "max-forwards": "Max-Forwards",
    "expires": "Expires",
    "date": "Date",
    "content-length": "Content-Length",
}
_START_LINE = frozenset(("bad-version", "bad-status", "missing-reason-sp", "leading-crlf", "start-line-whitespace"))
_LINES = frozenset(("not-a-header", "bad-header-name", "bare-lf", "bare-cr", "headers-not-terminated"))
_ONCE = frozenset(_NAMES) - {"via", "contact"}
_MILD_OF_VALUES = frozenset(
    (
        "bad-call-id",
        "bad-q",
        "empty-list-element",
        "bad-display-name",
        "bad-parameter",
        "duplicate-parameter",
        "empty-parameter",
    )
)
_OF_VALUES = _MILD_OF_VALUES | frozenset(
    (
        "bad-via",
        "bad-address",
        "uri-not-bracketed",
        "unterminated-quote",
        "bad-uri",
        "bad-userinfo",
        "bad-host",
        "bad-port",
        "bad-escape",
        "bad-max-forwards",
        "bad-content-length",
    )
)
_MILD_OF_LINES = frozenset(("bare-lf", "bare-cr", "headers-not-terminated"))
_MILD = _MILD_OF_VALUES | _MILD_OF_LINES | (_START_LINE - {"bad-version", "bad-status"})
"""What every reader copes with."""
_NOT_ITS_OWN = frozenset(("via", "from", "to", "call-id", "cseq", "max-forwards"))
"""What an answer copies from its request, or has no business with."""
_URI_PARAMS = frozenset(("transport", "maddr", "user", "lr", "ob", "bnc"))
_READERS = {
    "to": ("R3261-10.2-to-aor", "R3261-8.1.1.2-to-tag", "R3261-10.2-from-to", "R3261-10.2.6-ruri-domain"),
    "from": ("R3261-8.1.1.3-from-tag", "R3261-10.2-from-to"),
    "contact": (
        "R3261-10.2-expires-value",
        "R3261-10.2-action-param",
        "R3261-10.2.1-sips-contact",
        "R3261-10.2.2-star-form",
        "R3261-10.3-8-contact-list",
        "R3261-10.3-8-expires-param",
        "R5630-5.1.1.1-sips-registration",
    ),
    "cseq": ("R3261-8.1.1.5-cseq-form",),
    "expires": ("R3261-10.2-expires-value",),
    "max-forwards": ("R3261-8.1.1.6-max-forwards",),
    "early-end": ("R3261-8.1.1-mandatory",),
}
"""The rules that read a header, which say nothing more of a message where it is broken (docs/rules/precedence.md)."""
_FOLDABLE = tuple(dict.fromkeys(name for names in _READERS.values() for name in names))
_MORE_HEADERS = re.compile(rf"(?i)[\r\n]*(?:{spellings(*sorted(MANDATORY), 'contact')})[ \t]*:".encode())
_MOST_SENTENCES = 2
_DUE = {
    "bad-call-id": "word or word@word",
    "bad-max-forwards": "a number",
    "bad-content-length": "a number",
}
"""What stands in a header that has one value."""
_IN_WORDS = {
    "start-line-whitespace": Values("other blanks than single SP", "single SP"),
    "missing-reason-sp": Values("no SP after the status code", "SP after the status code"),
    "leading-crlf": Values("empty lines before the start line", "none"),
    "early-end": Values("an empty line between headers", "none"),
    "headers-not-terminated": Values("no empty line after the headers", "an empty line after the headers"),
    "bad-header-name": Values("a header name that is no token", "a token"),
    "not-a-header": Values("a line that is no header", "headers alone"),
    "bare-lf": Values("LF alone", "CRLF"),
    "bare-cr": Values("CR alone", "CRLF"),
    "unterminated-quote": Values("a quote that is never closed", "a closing quote"),
    "uri-not-bracketed": Values("no angle brackets", "angle brackets"),
    "empty-list-element": Values("an empty value in a list", "none"),
}


def check(subject: MessageSubject, context: CaptureContext) -> Iterator[Answer]:
    """Gather what leaves the grammar in one message (RFC 3261 7.3, 20, 25.1)."""
    del context
    message = subject.message
    wrong = list(_wrong(message))
    outside = _outside(message)
    if wrong:
        yield _violated(message, wrong)
    if outside is not None:
        yield outside
    if not wrong and outside is None:
        yield PASSED


def _wrong(message: Message) -> Iterator[tuple[str, Defect]]:
    """Where, and what."""
    if _ends_early(message):
        yield "lines", Defect("early-end", "an empty line ends them, and more headers follow")
    for key, defect in message.located_defects():
        part = _part(key, defect.code)
        if part and (message.is_request or part not in _NOT_ITS_OWN) and not _is_unproven(message, defect):
            yield part, defect


def _part(key: str, code: str) -> str:
    """The part of the message that a defect is in; empty where another rule speaks of it, or none."""
    if code in _START_LINE:
        return "start-line"
    if code in _LINES:
        return "lines"
    if code == "repeated-header":
        return key if key in _ONCE else ""
    return key if code in _OF_VALUES and key in _NAMES else ""


def _is_unproven(message: Message, defect: Defect) -> bool:
    """Headers without an end may go on in what was not seen."""
    return defect.code == "headers-not-terminated" and not message.is_whole


def _ends_early(message: Message) -> bool:
    """Copied text has empty lines between its headers; a body would be announced."""
    if not message.has_body or message.has("content-length") or message.has("content-type"):
        return False
    return _MORE_HEADERS.match(message.raw, message.body_start) is not None


def _violated(message: Message, wrong: list[tuple[str, Defect]]) -> Violated:
    parts = list(dict.fromkeys(part for part, _ in wrong))
    severe = [(part, defect) for part, defect in wrong if defect.code not in _MILD]
    told = list(dict.fromkeys(_sentence(part, defect) for part, defect in [*severe, *wrong]))
    more = f"; and {len(told) - _MOST_SENTENCES} more" if len(told) > _MOST_SENTENCES else ""
    return Violated(
        "; ".join(told[:_MOST_SENTENCES]) + more,
        sub=",".join(parts),
        severity="error" if severe else "warning",
        at_fault="UAC" if message.is_request else "registrar",
        supersedes=tuple(dict.fromkeys(name for one in severe for name in _readers(*one))),
        values=_values(message, *(severe or wrong)[0]) if len(told) == 1 else NO_VALUES,
    )


def _values(message: Message, part: str, defect: Defect) -> Values:
    """Of a fault that is one value; of most the grammar has many forms."""
    if defect.code == "repeated-header":
        return Values(f"{len(message.all(part))} times", "once")
    if defect.code in _IN_WORDS:
        return _IN_WORDS[defect.code]
    due = _DUE.get(defect.code)
    return Values(clip(message.first(part) or "") or "empty", due) if due else NO_VALUES


def _readers(part: str, defect: Defect) -> tuple[str, ...]:
    return _READERS.get(defect.code if part == "lines" else part, ())


def _sentence(part: str, defect: Defect) -> str:
    if defect.code == "repeated-header":
        return _NAMES[part] + defect.text.removeprefix(part)
    return f"{_NAMES[part]}: {defect.text}"


def _outside(message: Message) -> Violated | None:
    for contact in message.contacts if message.is_request else ():
        names = sorted(_URI_PARAMS.intersection(contact.params))
        if names and not contact.bracketed and not contact.star:
            what = f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'} no part of the URI"
            detail = f"Contact is {clip(contact.raw.strip())} without angle brackets, so {what}"
            values = Values(without_password(clip(contact.raw.strip())), "the URI in angle brackets")
            return Violated(
                detail, sub="contact-param-outside", severity="info", explains=(), supersedes=(), values=values
            )
    return None


RULE = Rule(
    id="R3261-7.3-syntax",
    title="Malformed header that the registration depends on",
    short_title="A header is malformed",
    sub_titles={
        "contact-param-outside": "A contact's URI parameter stands outside of it",
        "lines": "The header lines are broken",
        "start-line": "The start line is malformed",
    },
    question="whether the headers keep the grammar",
    clause="RFC 3261 §7.3.1, §7.3.3, §20, §20.10, §25.1; RFC 4475 §3.1.2",
    force="MUST",
    severity="error",
    at_fault="sender",
    group="A",
    subject="message",
    check=check,
    explains=(400, 500, "silence"),
    violates_only_if=marks.ODD_VALUES,
    observed_at="any",
    needs=(Need.BYTES,),
    supersedes=_FOLDABLE,
    why="A strict peer rejects; a lenient peer may read something else than was meant.",
    fix="update the firmware of the phone or server that wrote it, or of the gateway that rewrote it; in a setting "
    "that is put into headers (display name, contact parameters) quote what has commas, semicolons or quotes",
    examples=(
        bad("> REGISTER sip:h\nContact: sip:user@example.com?Route=%3Csip:sip.example.com%3E", "contact"),
        bad('> REGISTER sip:h\nTo: "Bob <sip:bob@example.com>', "to", severity="error", title="an open quote"),
        bad("> REGISTER sip:h\nFrom: sip:b,ob@h;tag=1", "from", severity="error", title="a comma outside brackets"),
        bad("> REGISTER sip:h\nFrom: <sip:bob@h ;tag=1", "from", title="an open bracket"),
        bad("> REGISTER sip:h\nTo: <sip:bob@h>\nTo: <sip:al@h>", "to", severity="error", title="two To headers"),
        bad("> REGISTER sip:h\nCall-ID: a@h\nCall-ID: b@h", "call-id", severity="error"),
        bad("> REGISTER sip:h\nMax-Forwards: -1", "max-forwards", severity="error"),
        bad("> REGISTER sip:h\nContent-Length: -999", "content-length", severity="error"),
        bad("> REGISTER sip:h\nTo: < sip:bob@h >\nFrom: <sip:b ob@h>;tag=1", "from,to", title="blanks in two headers"),
        bad("> REGISTER sip:h\nCall-ID: a b", "call-id", severity="warning"),
        bad("> REGISTER sip:h\nContact: <sip:bob@h>, ,<sip:bob@i>", "contact", severity="warning"),
        bad("> REGISTER sip:h\nContact: <sip:bob@h>;q=2;q=1", "contact", severity="warning"),
        bad("> REGISTER sip:h\nMy Header: x", "lines", severity="error", title="a name with a blank"),
        bad("> REGISTER  sip:h", "start-line", severity="warning", title="two blanks"),
        bad("> REGISTER sip:h\n< 200\nContact: <sip:bob@192.0.2.10", "contact", title="an answer's own"),
        bad("> REGISTER sip:h\nContact: sip:bob@h;transport=tcp", "contact-param-outside", severity="info"),
        bad("> REGISTER sip:h\nContact: sip:b?c@h;ob", "contact", "contact-param-outside", title="both"),
        good("> REGISTER sip:h\nContact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>"),
        good("> REGISTER sip:h\nContact: sip:user@example.com;unknownparam", title="legal without brackets"),
        good('> REGISTER sip:h\nTo: "Bob, \\"the\\" <one>" <sip:bob@h>', title="all of it is quoted"),
        good("> REGISTER sip:h\nf : sip:bob@h ; tag = 1\nM:<sip:bob@h> ;q = 0.5 , <sip:al@h>", title="blanks, short"),
        good("> REGISTER sip:h\nTo: Bob B. <sip:bob@h>\nCall-ID: (a<b>)@[2001:db8::1]", title="odd, and legal"),
        good("> REGISTER sip:h\nExpires: 1h\nCSeq: x", title="for these there are other rules"),
        good("> REGISTER sip:h\n< 200\nTo: < sip:bob@h >;tag=1", title="an answer copies To"),
        good("> REGISTER sip:h\n-To", title="what is missing is another rule's"),
        good("> REGISTER sip:h\nTo: < sip:bob@h >", title="a printed log may have changed it", log=True),
    ),
)
