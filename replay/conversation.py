"""A live conversation, judged as it goes: every message that came and went is evidence like that of a capture.

The same analysis that reads a capture is fed one message at a time, so the findings are the same. Its memory is bounded
but for what its report lists, so beyond `MOST_MESSAGES` and `MOST_OCTETS` messages are answered and no longer judged,
and the report says so.
"""

from __future__ import annotations

from analyzer.evidence import Endpoint, Frame, RawMessage, Source
from analyzer.judge.findings import Finding, Profile
from analyzer.register.digest.secrets import Secrets
from analyzer.run.pipeline import Analysis
from analyzer.run.report import Report

MOST_MESSAGES = 50_000
"""Messages that are judged."""
MOST_OCTETS = 100_000_000
"""Octets of all messages that are judged: those of the last forty seconds are kept."""


class Conversation:
    """Feed it what came and went; `finish` gives the report. Times are nanoseconds since the epoch."""

    def __init__(
        self,
        secrets: Secrets | None = None,
        *,
        profile: Profile = "rfc3261",
        name: str = "live",
        limit: int = MOST_MESSAGES,
    ) -> None:
        self.source = Source(name, format="live")
        self.limit = limit
        self.unjudged = 0
        self._octets = 0
        self._analysis = Analysis([self.source], secrets=secrets, profile=profile)
        self._analysis.news()

    def heard(self, octets: bytes, wall: int, source: Endpoint, destination: Endpoint, transport: str) -> list[Finding]:
        """A message went from `source` to `destination`; the findings that are new by it."""
        self.source.frames += 1
        self._octets += len(octets)
        if self.source.messages >= self.limit or self._octets > MOST_OCTETS:
            self.unjudged += 1
            return []
        self.source.messages += 1
        place = Frame(self.source.name, self.source.frames)
        self._analysis.feed(RawMessage(octets, wall, place, source, destination, transport.upper()))
        return self._analysis.news()

    def finish(self, *, interrupted: bool = False) -> Report:
        """Nothing more will come."""
        report = self._analysis.finish(interrupted=interrupted)
        if self.unjudged:
            report.notes.append(f"{self.unjudged} more messages came and went, and were not judged")
        return report
