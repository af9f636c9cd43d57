"""Counts of start lines, independent of the package's own parser."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from analyzer.capture.opener import open_sources
from analyzer.evidence import NetworkError, RawMessage


class Count:
    """What a capture holds, by the first words of its messages."""

    def __init__(self, path: Path) -> None:
        self.methods: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.registers: Counter[str] = Counter()
        self.transports: Counter[str] = Counter()
        self.aborts: Counter[str] = Counter()
        with open_sources([path], kind="capture") as reading:
            for item in reading:
                if isinstance(item, RawMessage):
                    self._add(item)
                elif isinstance(item, NetworkError):
                    self.aborts[item.reason] += 1
        (self.source,) = reading.sources

    def _add(self, item: RawMessage) -> None:
        lines = item.payload.lstrip(b"\r\n").decode("latin-1").replace("\r\n", "\n").split("\n")
        first, second, *_ = lines[0].split(" ")
        self.transports[item.transport.lower()] += 1
        if first != "SIP/2.0":
            self.methods[first] += 1
            return
        self.statuses[second] += 1
        cseq = next((line for line in lines if line.lower().startswith("cseq")), "")
        if cseq.rstrip().endswith("REGISTER"):
            self.registers[second] += 1

    @property
    def messages(self) -> int:
        return self.methods.total() + self.statuses.total()
