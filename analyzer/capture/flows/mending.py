"""What copying did to the lines of a document, undone where there is one way to do it.

A page of the web writes `<` as `&lt;`, a word processor changes quotes and blanks, a slide marks words and sets dots
before lines, a paste loses line ends. Each repair has a code; the codes that a line needed hang on the message that it
is in, as defects (docs/rules/reconstruction.md 1 item 5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from analyzer.capture.text.grammar import METHODS
from analyzer.sip.headers import COMPACT

REPAIRS = {
    "repaired-escapes": "freed of tags and entities of HTML, or of typographic characters",
    "repaired-markup": "freed of marks of emphasis or bullets",
    "repaired-line-ends": "parted where they had lost their line ends",
    "repaired-wrapping": "joined where they had been wrapped",
    "repaired-remarks": "freed of remarks between the headers",
    "repaired-blank-lines": "freed of empty lines within the headers",
    "repaired-page-break": "freed of the foot and the head of a page",
    "repaired-legend": "completed by the legend of the document",
    "repaired-order": "ordered by the numbers of the flow",
}
"""What is put right, by the code of the defect that says so: each completes `the lines were ...`."""

_TYPOGRAPHIC = str.maketrans(
    {
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\udc93\udc94", '"'),
        **dict.fromkeys("\u2018\u2019\u201a\u201b\udc91\udc92", "'"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u202f\u3000\udca0", " "),
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", None),
        **dict.fromkeys("\u2192\u21d2\u2794\u27f6\u279c\u25ba", "->"),
        **dict.fromkeys("\u2190\u21d0\u27f5\u25c4", "<-"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\udc96\udc97", "-"),
        "\uff1a": ":",
        "\uff1b": ";",
    }
)
_DOT = re.compile("\\s*[\u2022\u00b7\u25aa\u25e6\u25cf\u25cb\u2023\u25a0\u25a1\uf0b7\udc95\udcb7]\\s+")
_TAG = re.compile(
    rb"</?(?:a|allOneLine|b|blockquote|br|code|div|em|font|h[1-6]|i|li|ol|p|pre|samp|span|strong|td|th|tr|tt|u|ul)"
    rb"(?:[ \t][^<>]{0,500})?[ \t]?/?>",
    re.IGNORECASE,
)
_ENTITY = re.compile(rb"&(?:[A-Za-z]{2,8}|#\d{1,5}|#x[0-9A-Fa-f]{1,5});")
_BULLET = re.compile(
    rb"[ \t]*(?:[*+o-]|\d{1,3}[.)])[ \t]+(?=SIP/2\.0 [1-6]\d\d|(?:" + METHODS + rb") sips?:|F ?\d{1,3}\b|;[\w-]|"
    rb"[A-Za-z][\w-]{0,39}(?::(?![^ \t]*//)|=[\"\w]))"
)
_BEFORE_ITEMS = frozenset(b"%c" % octet for octet in b"o+-0123456789")
_TICKS = re.compile(rb"[ \t]*```[\w-]{0,20}[ \t]*\Z|`([^`]{1,4000})`")
EMPHASISED = re.compile(rb"\*\*([^*\s](?:[^*]{0,200}[^*\s])?)\*\*")
"""A word or a phrase that Markdown sets in bold."""

_NAMES = (
    rb"Via|Max-Forwards|From|To|Call-ID|CSeq|Contact|Expires|Min-Expires|(?:Proxy-)?Authorization|"
    rb"(?:WWW|Proxy)-Authenticate|Authentication-Info|Content-Length|Content-Type|User-Agent|Server|Date|Allow|"
    rb"Supported|Require|Proxy-Require|Unsupported|Route|Record-Route|Path|Service-Route|Event|Allow-Events|"
    rb"Subscription-State|Retry-After|Warning|Accept|P-[A-Z][\w-]{2,40}|Security-[A-Z]\w{3,8}"
)
"""Headers at which a line is parted that has lost its line ends."""
_ARROW = rb"(?:[-=]{1,8}>|<[-=]{1,8})"
HEADING = re.compile(
    rb"(?P<f>F[ \t]?|(?:Message|Msg|Step)[ \t]{1,4}#?|[(\[])?(?P<number>\d{1,3})[)\]]?[.:)]?"
    rb"(?:[ \t]{1,8}|[ \t]{0,4}-[ \t]{1,4})"
    rb"(?P<what>(?P<first>\(?(?:" + METHODS + rb"|[1-6]\d\d)\b)[^|]{0,160}|[^|<>]{1,60}" + _ARROW + rb"[^|<>]{1,80})\Z",
    re.IGNORECASE,
)
"""What stands above a message: its number in the flow, method or status, and often from whom to whom."""
ENDS = re.compile(rb"(?P<left>[^<>|]{1,60}?)[ \t]*(?P<arrow>" + _ARROW + rb")[ \t]*(?P<right>[^<>|]{1,80}?)[ \t]*\Z")
"""From whom to whom, at the end of it."""
_STEP = re.compile(rb"[ \t]F ?\d{1,3}[.:)]? (?:" + METHODS + rb"|[1-6]\d\d) [^<>|;]{1,80}?" + _ARROW)
_LONG = 200
"""Octets of a line from which on it may be all that a page has."""
_PARTING = re.compile(
    rb"(?<=Content-Length: 0 )(?=[^\s])|(?<=[ \t])(?:(?=(?:" + _NAMES + rb")[ \t]?:[ \t])|"
    rb"(?=(?:" + METHODS + rb") sips?:[^ \t]{1,2048} SIP/2\.0(?:[ \t]|\Z))|(?=SIP/2\.0 [1-6]\d\d [A-Z])|"
    rb"(?=F ?\d{1,3}[.:)]? (?:" + METHODS + rb"|[1-6]\d\d) [^<>|;]{1,80}?" + _ARROW + rb"))"
)
_BEGINS = re.compile(
    rb"[ \t]*(?:F ?\d{1,3}[.:)]? (?:" + METHODS + rb"|[1-6]\d\d)\b|(?:" + METHODS + rb") sips?:|SIP/2\.0 [1-6]\d\d |"
    rb"(?!Subject)[A-Za-z][\w-]{1,39}[ \t]?:)"
)
_MOST_PARTS = 4096


class Line(NamedTuple):
    """A line after mending: `number` is that of the line in the file, `codes` are the repairs that it needed."""

    number: int
    text: bytes
    codes: frozenset[str] = frozenset()


def mended(number: int, text: bytes) -> Iterator[Line]:
    """The lines that a line of a document is: several where line ends were lost."""
    codes: set[str] = set()
    text = text.rstrip(b"\r").replace(b"\x0c", b"")
    if b"<" in text and (bare := _TAG.sub(b"", text)) != text:
        codes.add("repaired-escapes")  # before entities: what is escaped is no tag
        text = bare
    if b"&" in text or not text.isascii():
        text = _plain(text, codes)
    if b"*" in text or b"`" in text or text[:40].lstrip(b" \t")[:1] in _BEFORE_ITEMS:
        text = _unmarked(text, codes)
    kept = frozenset(codes)
    parts = _parts(text)
    if len(parts) == 1:
        yield Line(number, text, kept)
        return
    for part in parts:
        yield Line(number, part.rstrip(b" \t"), kept | {"repaired-line-ends"})


def _plain(text: bytes, codes: set[str]) -> bytes:
    """A line in the characters that a SIP message is written in."""
    words, is_escaped = text.decode("utf-8", "surrogateescape"), _ENTITY.search(text) is not None
    if is_escaped:
        import html  # late: most documents have none

        words = html.unescape(words)
    if (dot := _DOT.match(words)) is not None:
        words = " " * (len(words) - len(words.lstrip())) + words[dot.end() :]
        codes.add("repaired-markup")
    plain = words.translate(_TYPOGRAPHIC).encode("utf-8", "surrogateescape")
    if plain != words.encode("utf-8", "surrogateescape") or is_escaped:
        codes.add("repaired-escapes")
    return plain


def _unmarked(text: bytes, codes: set[str]) -> bytes:
    """A line without code marks and bullets; what is emphasised keeps its marks for the legend."""
    bare = _TICKS.sub(rb"\1", text) if b"`" in text else text
    if (bullet := _BULLET.match(bare)) is not None:
        bare = b" " * (len(bare) - len(bare.lstrip(b" \t"))) + bare[bullet.end() :]
    if bare != text:
        codes.add("repaired-markup")
    return bare


def _parts(text: bytes) -> list[bytes]:
    """A line, or its parts where line ends were lost: before a header, a start line or a heading outside of quotes."""
    if b":" not in text or not (_BEGINS.match(text) or (len(text) > _LONG and _STEP.search(text))):
        return [text]
    parts: list[bytes] = []
    begin = seen = quotes = 0
    for found in _PARTING.finditer(text):
        place = found.start()
        quotes += text.count(b'"', seen, place)
        seen = place
        if quotes % 2 == 0 and text[begin:place].strip() and len(parts) < _MOST_PARTS:
            parts.append(text[begin:place])
            begin = place
    return [*parts, text[begin:]]


KNOWN = frozenset(
    b"""accept accept-contact accept-encoding accept-language alert-info allow allow-events authentication-info
    authorization call-id call-info contact content-disposition content-encoding content-language content-length
    content-type cseq date error-info event expires from flow-timer geolocation history-info identity in-reply-to
    max-forwards mime-version min-expires min-se organization path priority privacy proxy-authenticate
    proxy-authorization proxy-require rack reason record-route refer-to referred-by reply-to replaces require
    retry-after route rseq security-client security-server security-verify server service-route session-expires sip-etag
    sip-if-match subject subscription-state supported target-dialog timestamp to unsupported user-agent via warning
    www-authenticate""".split()
)
"""Headers (RFC 3261 20 and its extensions) that are told behind an empty line from a sentence with a colon."""


_COMPACT = frozenset(short.encode() for short in COMPACT)


def is_known(name: bytes) -> bool:
    """Whether a name before a colon is that of a header; a compact one counts (RFC 3261 7.3.3)."""
    low = name.lower()
    return low in KNOWN or low[:2] in (b"p-", b"x-") or low in _COMPACT
