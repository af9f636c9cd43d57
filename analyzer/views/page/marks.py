"""Which octets of a message a finding is about.

A finding names its place (a frame, lines), and where the fault is one value, that value (`Finding.observed`). Its words
name the headers that they are about, spelled as the standard spells them. So the value is looked for in these headers
and, where it stands there, marked; where it does not, or there is none, the headers are marked as a whole. Nothing is
marked in a header that the finding does not name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from analyzer.judge.findings import Finding
from analyzer.register.digest_ledger import DigestRecord
from analyzer.sip.auth_headers import CHALLENGES, CREDENTIALS

START_LINE = "start line"
"""Stands for the start line among the keys of headers."""
_ABOUT_DIGESTS = ("R7616-", "R2617-", "R8760-", "R3261-22.", "R3261-25-digest", "DET-weak-md5", "DET-nonce-replay")
_WORD = re.compile(r"(?<![\w-])([A-Z][\w]*(?:-[A-Z][\w]*)*)(?![\w-])")
_START = ("Request-URI", "start line", "SIP version", "reason phrase")
_VIA = ("branch", "rport", "sent-by")
LONGEST_VALUE = 300
"""Characters of a value that is looked for."""


class Focus(NamedTuple):
    """What a finding is about: keys of headers (`START_LINE` for the first line), and the value in them, if told."""

    keys: frozenset[str]
    value: str


def focus_of(finding: Finding) -> Focus:
    """The headers that a finding names, and the value that it tells."""
    words = f"{finding.short_title} {finding.title} {finding.detail}"
    keys = {word.lower() for word in _WORD.findall(words)}
    if any(word in words for word in _START):
        keys.add(START_LINE)
    if any(word in words for word in _VIA):
        keys.add("via")
    if finding.rule.startswith(_ABOUT_DIGESTS):
        keys.update((*CREDENTIALS, *CHALLENGES))
    value = finding.observed if 0 < len(finding.observed) <= LONGEST_VALUE else ""
    return Focus(frozenset(keys), value)


def focus_of_response(record: DigestRecord) -> Focus:
    """The response of credentials that do not match."""
    return Focus(frozenset((record.header,)), record.response[:LONGEST_VALUE])


class Segment(NamedTuple):
    """Some text; `kind` is empty, `mark` for what a finding is about, or `mask` for what is not shown."""

    text: str
    kind: str = ""


def marked(key: str, text: str, focuses: Iterable[Focus]) -> tuple[list[Segment], bool]:
    """`text` of a header (or of the start line) with the values marked; whether it is one that a finding is about."""
    spans: list[tuple[int, int]] = []
    is_about = False
    for focus in focuses:
        if key not in focus.keys:
            continue
        is_about = True
        if focus.value:
            pattern = rf"(?<![\w]){re.escape(focus.value)}(?![\w])"
            spans += [found.span() for found in re.finditer(pattern, text)]
    return _split(text, spans), is_about


def _split(text: str, spans: Sequence[tuple[int, int]]) -> list[Segment]:
    segments: list[Segment] = []
    at = 0
    for start, end in sorted(spans):
        if start < at:
            continue
        if start > at:
            segments.append(Segment(text[at:start]))
        segments.append(Segment(text[start:end], "mark"))
        at = end
    if at < len(text):
        segments.append(Segment(text[at:]))
    return segments
