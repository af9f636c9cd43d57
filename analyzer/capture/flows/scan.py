"""Finds the messages of a document: what stands above each, its headers, its end.

Empty lines end nothing here: copies have them anywhere. A message ends where the next heading, start line, title or
drawing begins, where a sentence stands that can be no header, and behind Content-Length unless more headers follow.
What lies between two messages is looked through for titles and for the legend of names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from analyzer.capture.flows.joining import Headers
from analyzer.capture.flows.mending import EMPHASISED, ENDS, HEADING, Line, is_known
from analyzer.capture.text.grammar import METHODS
from analyzer.capture.text.marks import LINE, NOTHING, Marked, marked

START = re.compile(
    rb"(?:(?P<request>(?:" + METHODS + rb") [A-Za-z][A-Za-z0-9+.-]{1,20}:[^ \t]{1,2048}[ \t]{1,8}SIP/2\.0)|"
    rb"(?P<response>SIP/2\.0[ \t]{1,8}[1-6]\d\d(?:[ \t].{0,200})?))[ \t]*\Z"
)
_UNENDED = re.compile(rb"(?:" + METHODS + rb") sips?:[^ \t]{1,2048}[ \t]*\Z")
_HEADER = re.compile(rb"([A-Za-z][\w-]{0,60})[ \t]{0,8}:(?=([ \t]|\Z)?)(?!//)")
_NUMBER = re.compile(
    rb"(?:(?:page|slide)[ \t]{1,4})?[-[(]?[ \t]?\d{1,4}(?:[ \t]?(?:/|of)[ \t]?\d{1,4})?[ \t]?[])-]?\Z", re.IGNORECASE
)
_PAGE = re.compile(
    rb".{0,200}\[Page[ \t]{1,4}\d{1,4}\][ \t]*\Z|"
    rb"RFC[ \t]\d{1,5}[ \t]{2,}.{1,100}[ \t]{2,}[A-Z][a-z]{2,8}[ \t]\d{4}[ \t]*\Z|"
    rb"[A-Z][\w.-]{1,30}(?:,[ \t].{1,40}|[ \t]&[ \t].{1,40}|[ \t]et al\.)?[ \t]{3,}"
    rb"(?:Best Current Practice|Informational|Standards Track|Experimental)[ \t]{3,}.{0,40}\Z"
)
_DRAWING = re.compile(rb"[|+]|[-=<>|v^ \t]{3,}\Z")
_NUMBERED = re.compile(rb"(?:[Ss]ection[ \t]{1,4})?\d{1,2}(?:\.|(?:\.\d{1,3}){1,4}\.?)[ \t]{1,8}([A-Z(].{2,100})\Z")
_SECTION = re.compile(rb"(?:[Ss]ection[ \t]{1,4})?\d{1,2}\.\d")
_MARKDOWN = re.compile(rb"#{1,6}[ \t]{1,8}(.{2,100}?)[ \t#]*\Z")
_LEGEND = re.compile(
    rb"\*{0,2}([A-Za-z][\w-]{1,30})\*{0,2}[ \t]{0,8}(?:-{1,2}|=|:|is)[ \t]{1,8}"
    rb"((?:[A-Za-z0-9][\w-]{0,62}\.){1,8}[A-Za-z][\w-]{1,62}|\d{1,3}(?:\.\d{1,3}){3})[ \t]*\Z"
)
_SENTENCE = re.compile(rb"[.,:;!?]\Z|\.{4}|^[a-z]")
_NO_TITLE = re.compile(rb"(?:message )?details?:?\Z|table of contents\Z|page \d", re.IGNORECASE)
MOST_LEGEND = 32
"""Names of a legend that are known."""
_WAITS = 3
"""Lines between a heading and the start line."""
MOST_OCTETS = 1 << 18
"""A message without any end is closed here."""


@dataclass(slots=True)
class Heading:
    """What stands above a message: its number in the flow, and from whom to whom it goes (empty: not said); `marked` is
    what sipcheck says of it where it wrote the text."""

    number: int
    what: bytes = b""
    left: bytes = b""
    right: bytes = b""
    marked: Marked = NOTHING


@dataclass(slots=True)
class Found:
    """A message of a document. `number` is None where no heading tells it; `title` is what stands above its flow, if it
    stands between this message and the one before; `is_section` that it is the title of a numbered section; `is_cut`
    that nothing tells that its headers are whole."""

    start: bytes
    first: int
    last: int
    heading: Heading | None = None
    headers: Headers = field(default_factory=Headers)
    body: list[bytes] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    title: bytes = b""
    is_section: bool = False
    is_cut: bool = False

    @property
    def number(self) -> int | None:
        """Its number in the flow."""
        return None if self.heading is None else self.heading.number

    @property
    def marked(self) -> Marked:
        """What sipcheck says of it where it wrote the text."""
        return NOTHING if self.heading is None else self.heading.marked


class Scanner:
    """One pass over the lines of a document. `legend` grows as it goes; `other` counts headings and start lines to
    which no message belongs."""

    def __init__(self) -> None:
        self.legend: dict[bytes, bytes] = {}
        self.other = 0
        self._heading: Heading | None = None
        self._waited = 0
        self._unended: Line | None = None
        self._message: Found | None = None
        self._indent = 0
        self._blanks = 0
        self._is_paged = False
        self._octets = 0
        self._in_body = False
        self._title: tuple[bytes, bool] = (b"", False)
        self._weak = b""
        self._is_titled = False
        self._was_blank = True

    def messages(self, lines: Iterable[Line]) -> Iterator[Found]:
        """The messages in the order of the document."""
        for line in lines:
            ended = self._take(line)
            if ended is not None:
                yield ended
        last = self._ended()
        if last is not None:
            yield last
        self._drop_heading()

    def _take(self, line: Line) -> Found | None:
        """Take a line; the message that ends before it, if one does."""
        text = line.text.strip(b" \t")
        if not text:
            self._blank()
            return None
        if _PAGE.match(text[2:].lstrip(b" \t") if text[:2] in (b"* ", b"- ") else text):
            self._is_paged = True
            return None
        if text[:1] in b"SABCINOPRUM" and (START.match(text) or (b"sip" in text and self._is_unended(line, text))):
            return self._start(line, text)
        if self._unended is not None:
            return self._rest_of_start(line, text)
        heading = _heading(text)
        if heading is not None:
            ended = self._ended()
            self._drop_heading()
            self._heading, self._waited = heading, 0
            return ended
        if self._message is None:
            self._between(text)
            return None
        return self._inside(self._message, line, text)

    def _blank(self) -> None:
        self._blanks += 1
        if self._weak:
            self._title, self._weak = (self._weak, False), b""
        self._was_blank = True

    def _is_unended(self, line: Line, text: bytes) -> bool:
        """Whether a start line was wrapped: the version is to come."""
        if self._heading is None or _UNENDED.match(text) is None:
            return False
        self._unended = line
        return True

    def _start(self, line: Line, text: bytes) -> Found | None:
        ended = self._ended()
        if self._unended is None or self._unended is not line:
            self._unended = None
            self._open(line.number, line, text)
        return ended

    def _rest_of_start(self, line: Line, text: bytes) -> Found | None:
        """A start line that goes on: its version stands in a line of its own."""
        begun, self._unended = self._unended, None
        assert begun is not None
        if text != b"SIP/2.0":
            self.other += 1
            self._heading = None
            return None
        self._open(begun.number, line, begun.text.strip(b" \t") + b" " + text)
        assert self._message is not None
        self._message.codes.add("repaired-wrapping")
        return None

    def _open(self, first: int, line: Line, text: bytes) -> None:
        title, is_section = self._title
        self._message = Found(text, first, line.number, self._heading, title=title, is_section=is_section)
        self._message.codes.update(line.codes)
        self._indent = _indent(line.text)
        self._heading, self._title, self._weak, self._is_titled = None, (b"", False), b"", False
        self._blanks = self._octets = 0
        self._in_body = self._is_paged = False

    def _ended(self) -> Found | None:
        """The message that was being read, which is no longer; None where it is none."""
        message, self._message = self._message, None
        if message is not None and not message.headers.rows:
            self.other += 1  # a start line that somebody mentions is no message
            return None
        if message is not None:
            is_ended = self._blanks or self._is_paged or message.headers.is_complete
            message.is_cut = not is_ended or message.marked.missing > 0
        return message

    def _drop_heading(self) -> None:
        self.other += self._heading is not None
        self._heading = None

    def _inside(self, message: Found, line: Line, text: bytes) -> Found | None:
        """A line below a start line."""
        self._octets += len(line.text)
        if _NUMBER.match(text) and not (self._in_body or message.headers.is_open):
            self._is_paged = True
            return None
        if self._octets > MOST_OCTETS or _DRAWING.match(text):
            return self._beyond(text)
        if self._in_body or not self._header(message, line, text):
            if not (self._in_body or self._blanks) or not message.headers.opens_body(text):
                return self._beyond(text)
            self._in_body = True
            message.body.append(text)
            message.headers.body_octets += len(text) + 2
        elif self._blanks and not self._is_paged:
            message.codes.add("repaired-blank-lines")
        if self._is_paged:
            message.codes.add("repaired-page-break")
        message.last = line.number
        message.codes.update(line.codes)
        self._blanks, self._is_paged, self._was_blank = 0, False, False
        return None

    def _header(self, message: Found, line: Line, text: bytes) -> bool:
        """Take a line as a header or as more of one; False where it can be neither."""
        match = _HEADER.match(text)
        apart = self._blanks > 0 and not self._is_paged
        headers, deeper = message.headers, _indent(line.text) > self._indent
        follows = match is not None and match[2] is not None and not (apart or headers.is_complete or deeper)
        if match is not None and (is_known(match[1]) or follows):
            headers.add(match[1], text)
            return True
        if headers.is_remark(text):
            message.codes.add("repaired-remarks")
            return True
        how = headers.goes_on(text, apart=apart, deeper=deeper)
        if how == "":
            return False
        is_parted = headers.is_parted_hash(text)
        headers.join(text, folded=how == "folded")
        if how == "wrapped" or is_parted:
            message.codes.add("repaired-wrapping")
        return True

    def _beyond(self, text: bytes) -> Found | None:
        """The message ends before this line, which belongs to none."""
        ended = self._ended()
        self._between(text)
        return ended

    def _between(self, text: bytes) -> None:
        """A line that is none of a message: a title, the legend, or whatever a document says."""
        was_blank, self._was_blank = self._was_blank or self._blanks > 0, False
        self._blanks, self._weak = 0, b""
        if self._heading is not None:
            if (mark := LINE.match(text)) is not None:
                self._heading.marked = marked(mark["mark"])
                return
            self._waited += 1
            if self._waited > _WAITS:
                self._drop_heading()
            return
        text = text[2:].lstrip(b" \t") if text[:2] in (b"* ", b"- ") else text
        legend = _LEGEND.match(text)
        if legend is not None:
            if len(self.legend) < MOST_LEGEND:
                self.legend.setdefault(legend[1], legend[2])
            return
        title = _NUMBERED.match(text) or _MARKDOWN.match(text)
        words = _bare(title[1] if title else text)
        if len(text) > 100 or _DRAWING.match(text) or _SENTENCE.search(words) or _NO_TITLE.match(words):
            return
        if title is not None:
            self._title = words, bool(_SECTION.match(text))
            self._is_titled = True
        elif was_blank and not self._is_titled:
            self._weak = words


def _indent(text: bytes) -> int:
    """Blanks at the beginning of a line."""
    return len(text) - len(text.lstrip(b" \t"))


def _bare(text: bytes) -> bytes:
    """A title without marks of emphasis."""
    return EMPHASISED.sub(rb"\1", text).strip(b" \t*_#")


def _heading(text: bytes) -> Heading | None:
    """What a line says of the message below it; None where it is no heading. A number without a letter before it needs
    an arrow behind: lists are numbered too."""
    bare = _bare(text) if text[:1] in b"*_#" else text
    match = HEADING.match(bare)
    if match is None:
        return None
    what = match["what"].rstrip(b" \t*_)")
    ends, is_lettered = ENDS.search(what), bool(match["f"]) and match["f"][:1] in b"fFmMsS"
    if not is_lettered and (ends is None or match["first"] is None):
        return None
    if ends is None:
        return Heading(int(match["number"]), what)
    left, right = ends["left"], ends["right"]
    if ends["arrow"][:1] == b"<":
        left, right = right, left
    return Heading(int(match["number"]), what, left, right)
