"""Entries of systemd's journal as `journalctl -o export` and `-o verbose` print them: fields, a line each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from analyzer.capture.text.carrier_kinds import Carrier, Part, json_stamp
from analyzer.capture.text.records import RECORDS

_MOST = 4096
"""Lines of an entry."""
_HEAD = re.compile(rb"(?:\w{3} )?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?)( \w{1,5})? \[s=[0-9a-f]{1,40};")
_FIELD = re.compile(rb" {4}[A-Z_][A-Z0-9_]{0,80}=")


class Entries:
    """Entries of a journal: `_is_verbose` says in which of its two forms."""

    code = "repaired-journal"
    says = RECORDS["repaired-journal"]

    def __init__(self, *, is_verbose: bool) -> None:
        self._is_verbose = is_verbose
        self.carriers = (Carrier(self.code, self.says, 0, self._taken),)

    def joined(self, lines: Iterable[bytes]) -> Iterator[tuple[int, bytes | None]]:
        """The entries, each under the number of its first line."""
        entry: list[bytes] = []
        left = -1  # octets of a field that its length is told of
        for line in lines:
            is_new = bool(_HEAD.match(line)) if self._is_verbose else left < 0 and not line
            if entry and (is_new or len(entry) >= _MOST):
                yield len(entry), b"\n".join(entry)
                entry = []
                left = -1
            entry.append(line)
            if left >= 0:
                left -= len(line) + 1
            elif len(entry) > 1 and entry[-2] == b"MESSAGE" and len(line) >= 8 and not self._is_verbose:
                left = int.from_bytes(line[:8], "little") - (len(line) - 8) - 1
        if entry:
            yield len(entry), b"\n".join(entry)

    def _taken(self, entry: bytes) -> list[Part] | None:
        """The message of an entry, dated by the journal."""
        text, stamp = (self._verbose if self._is_verbose else self._exported)(entry)
        return [] if text is None else [(part, stamp) for part in text.removesuffix(b"\n").split(b"\n")]

    def _exported(self, entry: bytes) -> tuple[bytes | None, bytes]:
        text, stamp = None, b""
        before, mark, behind = entry.partition(b"\nMESSAGE\n")
        if mark:
            text, entry = behind[8 : 8 + int.from_bytes(behind[:8], "little")], before
        for line in entry.split(b"\n"):
            if line.startswith(b"MESSAGE="):
                text = line[8:]
            elif line.startswith(b"__REALTIME_TIMESTAMP="):
                stamp = json_stamp(line[21:].decode("ascii", "replace"))
        return text, stamp

    def _verbose(self, entry: bytes) -> tuple[bytes | None, bytes]:
        match = _HEAD.match(entry)
        text: list[bytes] = []
        inside = False
        for line in entry.split(b"\n")[1:]:
            if _FIELD.match(line):
                inside = line.startswith(b"    MESSAGE=")
                text += [line[12:]] * inside
            elif inside:
                text.append(line.removeprefix(b" " * 12))
        return b"\n".join(text) if text else None, match[1] if match else b""


def found(head: bytes) -> Entries:
    """The journal that begins with `head`."""
    return Entries(is_verbose=not re.search(rb"^__", head[: 1 << 14], re.MULTILINE))
