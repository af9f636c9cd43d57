"""The Request-URI of a REGISTER is a plain SIP or SIPS URI: `sip:example.com`.

The first line says where the request goes, so everybody on the way has to read it alike. What belongs to an address in
a header has no place there (RFC 3261 19.1.1 table 1): angle brackets (`brackets`), header fields behind a question mark
(`headers`), a `method` parameter (`method`), blanks (`blanks`). Other kinds of URI are legal in other requests, but a
location service is named by a SIP domain (`scheme`), and one without a host names nobody (`host`). What is wrong
otherwise is `malformed`: a port that is none, an escape without digits, an empty parameter. A strict registrar answers
400 or 416; a lenient one may read another URI than was meant, and its digest `uri` too.

Any case of scheme and host, a dot at its end, IPv6 in brackets, a port, and `transport`, `lr` or `maddr` are fine. A
user part is for R3261-10.2-ruri-userinfo.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Rule, Values, Violated, bad, good
from analyzer.judge.values import without_password
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.sip.message import Message
from analyzer.sip.text import clip
from analyzer.sip.uri import Uri

_OF_ANOTHER_RULE = frozenset(("bad-userinfo",))
_SHORT = 60
"""Characters of a URI that are told whole (`clip`)."""


def check(subject: MessageSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at the form of the Request-URI (RFC 3261 8.1.1.1, 10.2, 19.1.1)."""
    del context
    message = subject.message
    uri = message.uri
    if not message.is_request or uri is None:
        yield NOT_APPLICABLE
        return
    shown = clip(message.request_uri)
    wrong = [
        Violated(f"the Request-URI {shown} {what}", sub=sub, values=values)
        for sub, what, values in _wrong(message, uri)
    ]
    yield from wrong or (PASSED,)


def _wrong(message: Message, uri: Uri) -> Iterator[tuple[str, str, Values]]:
    if message.request_uri != uri.text:
        yield "brackets", "stands in angle brackets", Values(_whole(message), without_password(clip(uri.text)))
    has_blanks = any(defect.code == "bad-request-uri" for defect in message.defects)
    if has_blanks:
        yield "blanks", "has blanks in it", Values(_whole(message), "a SIP or SIPS URI without blanks")
    if uri.scheme and not uri.is_sip:
        shown = clip(uri.scheme)
        yield "scheme", f"is of the scheme {shown}, and no SIP URI", Values(f"{shown}:", "sip: or sips:")
        return
    if uri.headers:
        yield "headers", "has header fields behind a question mark", Values(_whole(message), _without_headers(uri))
    if "method" in uri.params:
        values = Values(f"method={clip(uri.params.get('method') or '')}", "no method")
        yield "method", "has a method parameter", values
    codes = {defect.code for defect in uri.defects} - _OF_ANOTHER_RULE
    if "bad-host" in codes:
        shown = clip(uri.host) if uri.host else "no host"
        what = f"names {shown}, which is no host name" if uri.host else "names no host"
        yield "host", what, Values(shown, "a host name or an address")
    elif codes and not has_blanks:
        what = f"is malformed: {next(one.text for one in uri.defects if one.code in codes)}"
        yield "malformed", what, Values(_whole(message), "a SIP or SIPS URI as the grammar has it")


def _whole(message: Message) -> str:
    return without_password(clip(message.request_uri))


def _without_headers(uri: Uri) -> str:
    """The URI up to its question mark, where there is one alone: a user part may have others."""
    plain = uri.text.partition("?")[0]
    return without_password(plain) if uri.text.count("?") == 1 and len(plain) <= _SHORT else "no headers"


RULE = Rule(
    id="R3261-10.2-ruri-form",
    title="Request-URI is not a plain SIP/SIPS domain URI",
    short_title="The Request-URI is no plain SIP URI",
    question="whether the Request-URI is a plain SIP URI",
    clause="RFC 3261 §10.2, §19.1.1 (Table 1), §8.1.1.1; RFC 4475 §3.1.2.7-3.1.2.11",
    force="MUST",
    severity="error",
    at_fault="UAC",
    group="A",
    subject="message",
    check=check,
    explains=(400, 404, 416, "silence"),
    applies_if=marks.REQUEST,
    violates_only_if=marks.ODD_VALUES,
    why="A registrar that parses strictly answers 400/416.",
    fix="set the phone's registrar (domain, SIP server) to the domain or address alone, without brackets, blanks, or "
    "anything behind a question mark",
    etsi=("RG_RT_V_001", "RG_RT_V_004"),
    examples=(
        bad("> REGISTER sip:example.com?Route=%3Csip:p%3E", "headers"),
        bad("> REGISTER <sip:example.com>", "brackets"),
        bad("> REGISTER sip:example.com;method=REGISTER", "method"),
        bad("> REGISTER sip:example.com; lr", "blanks"),
        bad("> REGISTER tel:+12125551212", "scheme"),
        bad("> REGISTER sip:", "host"),
        bad("> REGISTER sip:;transport=udp", "host"),
        bad("> REGISTER sip:exa_mple%40com", "host", title="an @ that was escaped"),
        bad("> REGISTER example.com", "malformed", title="no scheme"),
        bad("> REGISTER sip:example.com:65536", "malformed"),
        bad("> REGISTER sip:example.com;;lr", "malformed"),
        bad("> REGISTER <sip:example.com?a=b>", "brackets", "headers", title="two at once"),
        good("> REGISTER SIP:EXAMPLE.com."),
        good("> REGISTER sip:[2001:db8::1]:5060;transport=tcp"),
        good("> REGISTER sips:example.com;lr;maddr=192.0.2.1"),
        good("> REGISTER sip:bob@example.com", title="a user part is another rule's"),
        good("> REGISTER sip:a@b@example.com", title="... even a malformed one"),
        good("> OPTIONS tel:+12125551212", title="other requests may name other things"),
    ),
)
