"""The same analysis on a log that is still written, or on an interface: findings as they happen, the report when it is
enough.

What has been read when the log was opened is its history; it is read and judged like the rest. A log that no dialect
knows yet is waited for: the program that writes it may not have been told to print SIP messages so far.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, NamedTuple, Protocol, cast

from analyzer.capture.followed import Followed
from analyzer.capture.formats import HEAD
from analyzer.capture.input_stream import UnknownFormat
from analyzer.capture.opener import Reading, open_sources
from analyzer.capture.recognition import EMPTY
from analyzer.defect import SourceError
from analyzer.evidence import Source
from analyzer.interruption import diverted
from analyzer.judge.costs import Clock
from analyzer.judge.findings import Finding, Profile, Rule
from analyzer.register.digest.secrets import Secrets
from analyzer.run.collector import patient_collector
from analyzer.run.givens import Kind
from analyzer.run.pipeline import Analysis
from analyzer.run.report import Report


class Pulse(NamedTuple):
    """How far it is: lines read, SIP messages, clients and findings seen; `dialect` is "" while none is known. A
    capture has `packets`, and its octets no lines."""

    lines: int
    messages: int
    clients: int
    findings: int
    dialect: str
    packets: int | None = None


class Listener(Protocol):
    """Who is told what happens."""

    def news(self, finding: Finding, source: Source) -> None:
        """A finding is new. What comes more often of it is in the report."""

    def waits(self, error: SourceError) -> None:
        """So far nothing is known of the log; why."""

    def calm(self, pulse: Pulse) -> None:
        """Nothing is new; told several times a second."""


class Following:
    """Follow one log, or what a program captures: `run` until a signal, or the end of a pipe."""

    def __init__(
        self,
        stream: Callable[[Callable[[], None]], Followed],
        listener: Listener,
        *,
        kind: Kind = "log",
        dialect: str | None = None,
        rules: list[Rule] | None = None,
        secrets: Secrets | None = None,
        detail: bool = False,
        aor: str = "",
        profile: Profile = "rfc3261",
        clock: Clock | None = None,
    ) -> None:
        self._stream = stream(self._calm)
        self._listener = listener
        self._kind, self._dialect = kind, dialect
        self._rules, self._secrets = rules, secrets
        self._detail, self._aor, self._profile, self._clock = detail, aor, profile, clock
        self._analysis: Analysis | None = None
        self._reading: Reading | None = None
        self._findings = 0

    def run(self) -> Report:
        """Read until it is enough; the first signal says that, a second one ends at once (`KeyboardInterrupt`). Raises
        SourceError where the log cannot be read, or nothing was known of it to the end."""
        signals: list[int] = []

        def receive(number: int) -> None:
            if signals:
                raise KeyboardInterrupt
            signals.append(number)
            self._stream.end()

        with self._stream, diverted(receive):
            reading = self._opened()
            with reading, patient_collector():
                return self._read(reading)

    def _opened(self) -> Reading:
        """What the log is, as soon as that can be told."""
        stream, told = self._stream, ""
        while True:
            try:
                reading = open_sources([cast(BinaryIO, stream)], kind=self._kind, dialect=self._dialect, asks=False)
            except SourceError as error:
                if complaint := stream.complaint():
                    raise SourceError(stream.name, complaint) from error
                if not (isinstance(error, UnknownFormat) or error.reason == EMPTY):
                    raise
                if str(error) != told and not stream.ended:
                    told = str(error)
                    self._listener.waits(error)
                if not stream.more():
                    raise
                stream.again(HEAD)
                continue
            stream.recognised()
            source = reading.sources[0]
            if source.shows_flows:
                reading.close()
                raise SourceError(
                    stream.name, "shows call flows, and no log that grows", hint="without --follow it is read"
                )
            source.goes_on, source.frames = stream.more, stream.passed
            return reading

    def _read(self, reading: Reading) -> Report:
        self._reading = reading
        self._analysis = analysis = Analysis(
            reading.sources,
            rules=self._rules,
            secrets=self._secrets,
            detail=self._detail,
            aor=self._aor,
            profile=self._profile,
            clock=self._clock,
        )
        analysis.news()
        for item in reading:
            analysis.feed(item)
            for finding in analysis.news():
                self._findings += 1
                self._listener.news(finding, reading.sources[0])
        report = analysis.finish()
        for turn in self._stream.turns:
            report.sources[0].quality.append(
                f"The log began anew after line {turn}, and the lines are counted on from there."
            )
        if complaint := self._stream.complaint():
            report.sources[0].quality.append(f"The capture ended by itself: {complaint}")
        return report

    def _calm(self) -> None:
        messages, clients = self._analysis.pulse() if self._analysis is not None else (0, 0)
        source = self._reading.sources[0] if self._reading is not None else None
        dialect = source.title if source is not None else ""
        pulse = Pulse(self._stream.lines, messages, clients, self._findings, dialect)
        if self._kind == "capture":
            pulse = pulse._replace(lines=0, packets=source.frames if source is not None else 0)
        self._listener.calm(pulse)
