"""What was written out, or made of a text, within its lines: escapes of programming languages, signs for line ends,
links of mail programs, what word processors make of quotes and dashes. Each takes a line, and gives None where it has
none.
"""

from __future__ import annotations

import re

Part = tuple[bytes, bytes]

_STAMP = re.compile(
    rb"(?<![\d:.-])(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
    rb"|\w{3} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?|\d\d:\d\d:\d\d(?:[.,]\d{1,9})?)(?![\d:])"
)
_ESCAPED_END = re.compile(rb"\\r\\n(?=.)|\\n(?:via|v|from|f|to|t|call-id|i|cseq|contact|m)[ \t]*:", re.IGNORECASE)
_ESCAPE = re.compile(rb"\\(?:([rntef0\"'/\\])|x([0-9a-fA-F]{2})|u00([0-9a-fA-F]{2})|([0-3][0-7]{2}))")
_LETTERS = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"e": b"\x1b", b"f": b"\f", b"0": b"\0"}
_STRING = re.compile(
    rb"(.*?)(?:(?<![\w\"'])b?(?P<quote>[\"'])(?=(?:\\[^rn]|(?!(?P=quote))[^\\]){0,2000}?\\[rn])"
    rb"|\A(?=[^\"']{0,2000}?\\[rn]))",
    re.DOTALL,
)
_JOINS = re.compile(rb"[+,.\\;\])} ]{0,8}\Z")
"""What joins a string to the one in the next line, or ends a list of them."""
_INSIDE = re.compile(rb"\\[rn]")
"""What there is of a string before a quote that belongs to a header in it, and does not open the string."""
_FEW = 4
"""Escaped line ends that are no chance."""
_NESTED = 3
"""Languages that escaped what another had escaped, at most."""


def unescaped(line: bytes) -> list[Part] | None:
    """The lines of a string that a program printed as it would stand in its source (`"...\\r\\n"`, Python's `b'...'`,
    Go's `%q`, JSON in JSON), what stands before it on a line of its own, dated by the time in there."""
    if _ESCAPED_END.search(line) is None and line.count(b"\\n") < _FEW:
        return None
    before, text, after = _string(line)
    for _ in range(_NESTED):
        text = _ESCAPE.sub(_octet, text)
        if _ESCAPED_END.search(text) is None and text.count(b"\\n") < _FEW:
            break
    found = _STAMP.search(before[-200:])
    stamp = found[1] if found else b""
    parts = text.removesuffix(b"\n").split(b"\n")
    after = b"" if _JOINS.match(after) else after
    return [(one, stamp) for one in (*([before] if before else []), *parts, *([after] if after else []))]


def _string(line: bytes) -> tuple[bytes, bytes, bytes]:
    """What stands before a string, within it, and behind it; all is within where it is not in quotes."""
    match = _STRING.match(line)
    if match is None or match["quote"] is None or (match[1].endswith(b"=") and _INSIDE.search(match[1])):
        return b"", line, b""
    text, quote = line[match.end() :], match["quote"]
    end = next((at for at in _ends(text, quote)), len(text))
    return match[1].rstrip(), text[:end], text[end + 1 :].strip()


def _ends(text: bytes, quote: bytes) -> list[int]:
    """Where a string may end: at a quote without a backslash before it, behind the last line end in it."""
    last = max(text.rfind(b"\\n"), 0)
    found = re.compile(rb"(?<!\\)" + quote).search(text, last)
    return [found.start()] if found else []


def _octet(match: re.Match[bytes]) -> bytes:
    letter, one, other, octal = match.groups()
    if letter is not None:
        return _LETTERS.get(letter, letter)
    return bytes((int(one or other, 16) if one or other else int(octal, 8) & 255,))


_MARKS = re.compile(
    rb"(\^M|<CR>|\[CR\]|\\r|\xe2\x90\x8d)?[ ]?"
    rb"(\$|<LF>|\[LF\]|<CRLF>|\[CRLF\]|\\n|\xe2\x90\x8a|\xe2\x86\xb5|\xc2\xb6)?\r?\Z"
)


def unmarked(line: bytes) -> list[Part] | None:
    """A line whose end somebody made visible: `^M`, `$` (cat -A), `<CR><LF>`, a literal `\\r\\n`."""
    match = _MARKS.search(line)
    if match is None or (match[1] is None and match[2] is None):
        return None
    text = line[: match.start()]
    if match[2] == b"$":
        text = text.replace(b"^I", b"\t")
    return [(text + b"\r" if match[1] else text, b"")]


_LINKS = (
    re.compile(rb"((?:[\w.+%!~*'-]{1,64}@)[\w.-]{1,255}) ?[<\[]mailto:(?:sips?:)?\1[>\]]"),  # Outlook
    re.compile(rb"()<(?:mailto:|tel:|https?://|(?=sips?:))(?:sips?:)?[^|<>\s]{1,300}/?\|([^|<>\s]{1,300})>"),  # Slack
    re.compile(rb"()\[((?:sips?:)?[^\[\]\s]{1,300})\]\((?:mailto:|https?://|tel:|sips?:)[^()\s]{1,300}\)"),  # Markdown
    re.compile(rb"((?:[\w-]{1,63}\.){1,8}[\w-]{1,63}(?::\d{1,5})?) ?<https?://\1/?>"),
    re.compile(rb"(sips?:[^\s<>;\"]{1,300}) ?<\1>"),
    re.compile(rb"(\+?\d[\d ()/-]{4,20}) ?<tel:[^<>]{1,40}>"),
)
LINK = re.compile(rb"mailto:|\]\(|<https?://|<tel:|\|sips?:|>>|<sips?:[^<>]{1,300}<", re.IGNORECASE)
"""What a line has that programs made a link of, perhaps."""


def unlinked(line: bytes) -> list[Part] | None:
    """A line in which a program made links of addresses: `bob@example.com<mailto:bob@example.com>`."""
    if LINK.search(line) is None:
        return None
    text = line
    for pattern in _LINKS:
        text = pattern.sub(_shown, text)
    return None if text == line else [(text, b"")]


def _shown(match: re.Match[bytes]) -> bytes:
    return match[1] or match[match.re.groups]


_COVERED = re.compile(
    rb"(?:\x1b(?:\[[0-9;?]{0,32}[ -/]?[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|[()][0-9A-B]|[=>])"
    rb"|[`~]{3}\w{0,16}[ \t]?"
    rb"|\[(?:code|quote|pre|spoiler|noparse)(?:=[^\]]{0,40})?\]|\{(?:code|noformat)(?::[^}]{0,80})?\}"
    rb"|<(?:pre|code)[^<>]{0,80}>|<!\[CDATA\[)+",
    re.IGNORECASE,
)


def uncovered(line: bytes) -> bytes:
    """A line without what a terminal, a forum or a ticket system put before a text: escape sequences, `[code]`."""
    match = _COVERED.match(line)
    return line if match is None else line[match.end() :]


_TYPOGRAPHIC = (
    (b"\xe2\x80\x9c", b'"'),
    (b"\xe2\x80\x9d", b'"'),
    (b"\xe2\x80\x9e", b'"'),
    (b"\xe2\x80\x98", b"'"),
    (b"\xe2\x80\x99", b"'"),
    (b"\xe2\x80\xa6", b"..."),
    (b"\xe2\x80\x93", b"--"),
    (b"\xe2\x80\x94", b"---"),
    (b"\xe2\x86\x92", b"->"),
    (b"\xe2\x86\x90", b"<-"),
    (b"\xc2\xa0", b" "),
    (b"\xe2\x80\x8b", b""),
)
_SIGN = re.compile(b"|".join(re.escape(fancy) for fancy, _ in _TYPOGRAPHIC))
_PLAIN = dict(_TYPOGRAPHIC)


def plain(line: bytes) -> bytes:
    """A line with the quotes, dashes and blanks of ASCII."""
    return _SIGN.sub(lambda match: _PLAIN[match[0]], line) if max(line, default=0) > 127 else line
