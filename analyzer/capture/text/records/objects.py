"""JSON that is printed over many lines, or many records in one: exports of CloudWatch, Elasticsearch, Loki, Google,
`journalctl -o json-pretty`, `jq`.

Nothing has to be known of the whole: an object that has a text under one of the names that keepers of logs use is a
record, wherever it stands. Each becomes an object on one line, with its text and its time; `carrier_kinds.py` reads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from analyzer.capture.text.carrier_kinds import CARRIERS, TEXT_KEYS, TIME_KEYS, Carrier, taken_from_json
from analyzer.capture.text.rows_of_homer import banner_of

_MARK = "SIP/2.0"
_MOST = 4096
"""Texts that are kept of one list, and depth to which objects are followed."""
_SCALAR = re.compile(
    rb'\s{0,200}(?:"((?:[^"\\]|\\.){1,200})"\s{0,20}:\s{0,20})?("(?:[^"\\]|\\.)*"|-?[\d.]{1,40}),?\s*\Z'
)
_OPENS = re.compile(rb'\s{0,200}(?:"((?:[^"\\]|\\.){1,200})"\s{0,20}:\s{0,20})?[{\[]\s*\Z')
_CLOSES = re.compile(rb"\s{0,200}[}\]],?\s*\Z")


@dataclass(slots=True)
class _Frame:
    """An object or a list that is open: the texts that it has, by name, with their lines."""

    name: str = ""
    texts: dict[str, tuple[int, str]] = field(default_factory=dict)
    items: list[tuple[int, str | int]] = field(default_factory=list)
    fields: dict[str, object] = field(default_factory=dict)


class Objects:
    """Records of JSON that is printed over many lines."""

    code = "repaired-json"
    says = CARRIERS[0].says
    carriers: tuple[Carrier, ...] = (CARRIERS[0],)

    def joined(self, lines: Iterable[bytes]) -> Iterator[tuple[int, bytes | None]]:
        """Each record under the number of the line that has its text."""
        frames = [_Frame()]
        given = -1
        number = -1
        for number, line in enumerate(lines):
            for at, record in self._records(frames, number, line):
                if at > given + 1:
                    yield at - given - 1, None
                yield int(at > given), record
                given = max(given, at)
        if number > given:
            yield number - given, None

    def _records(self, frames: list[_Frame], number: int, line: bytes) -> list[tuple[int, bytes]]:
        """What a line completes."""
        if match := _SCALAR.match(line):
            _note(frames[-1], number, match[1], match[2])
            return []
        if match := _OPENS.match(line):
            frames.append(_Frame((match[1] or b"").decode("utf-8", "replace")))
            del frames[1 : max(len(frames) - _MOST, 1)]
            return []
        if _CLOSES.match(line) and len(frames) > 1:
            return list(_closed(frames, frames.pop()))
        return [(number, line)] if line.lstrip()[:1] in (b"{", b"[") and taken_from_json(_bare(line)) else []


def _bare(line: bytes) -> bytes:
    """An object of a list, without the comma behind it."""
    return line.strip().removesuffix(b",")


def _note(frame: _Frame, number: int, name: bytes | None, value: bytes) -> None:
    try:
        one = json.loads(value.decode("utf-8", "surrogateescape"))
    except ValueError:
        return
    if name is None:
        if len(frame.items) < _MOST or isinstance(one, int):
            frame.items.append((number, one if isinstance(one, int) else str(one)))
        return
    key = name.decode("utf-8", "replace")
    if key in TEXT_KEYS or key in TIME_KEYS or (isinstance(one, str) and _MARK in one):
        frame.texts[key] = number, str(one)
    frame.fields[key] = one


def _closed(frames: list[_Frame], frame: _Frame) -> Iterator[tuple[int, bytes]]:
    """The records that an object or a list was, when it is whole."""
    time = next((text for key, (_, text) in frame.texts.items() if key in TIME_KEYS), "")
    marked = next((key for key, (_, text) in frame.texts.items() if key not in TIME_KEYS and _MARK in text), None)
    key = marked or next((key for key in TEXT_KEYS if key in frame.texts), None)
    if key is not None:
        before = banner_of(frame.fields) if marked else ""
        yield frame.texts[key][0], _record(before + frame.texts[key][1], time)
    elif frame.name in ("protocol_header", "data_header"):
        frames[-1].fields.update(frame.fields)
    elif frame.items and frame.name in TEXT_KEYS and all(isinstance(one, int) for _, one in frame.items):
        octets = "".join(chr(one) for _, one in frame.items if isinstance(one, int) and 0 <= one < 256)
        frames[-1].texts[frame.name] = frame.items[0][0], octets  # what journald has of a message that is no UTF-8
    elif len(frame.items) == 2 and str(frame.items[0][1]).isdigit():  # Loki: a time and a line
        yield frame.items[1][0], _record(str(frame.items[1][1]), str(frame.items[0][1]))
    elif all(isinstance(one, str) for _, one in frame.items):
        for number, one in frame.items:
            yield number, _record(str(one), "")


def _record(text: str, time: str) -> bytes:
    return json.dumps({"message": text, "timestamp": time}).encode()


def found(head: bytes) -> Objects | None:
    """Records of JSON, if the text that begins with `head` is one."""
    del head  # its sign is enough
    return Objects()
