"""`sipcheck log --follow`: what happens while it happens, on a terminal with a calm line below, and the report at the
end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

import click

from analyzer.cli.run import aor_given, die, die_without_sip, has_notices_alone, rules_of, secrets_of
from analyzer.defect import SourceError
from analyzer.views import wants_detail
from analyzer.views.words import count

if TYPE_CHECKING:
    from analyzer.capture.followed import Followed
    from analyzer.evidence import Source
    from analyzer.judge.costs import Clock
    from analyzer.judge.findings import Finding
    from analyzer.run.following import Pulse
    from analyzer.run.report import Report

_CLEAR = "\r\x1b[K"


class Screen:
    """Tells news on standard output, in the form of `view`, and how far it is on standard error, if that is a
    terminal."""

    def __init__(
        self, view: str, options: Any, *, progress: bool | None, is_known: Callable[[Finding], bool] = lambda _: False
    ) -> None:
        self._view, self._options, self._is_known = view, options, is_known
        self._is_calm = sys.stderr.isatty() if progress is None else progress and sys.stderr.isatty()
        self._shown = ""
        self._news: Callable[[Finding, Source], None] | None = None

    def news(self, finding: Finding, source: Source) -> None:
        """Tell a finding that is new, but for what a baseline knows."""
        if self._is_known(finding):
            return
        self.clear()
        if self._news is None:
            self._news = _teller(self._view, self._options, sys.stdout)
        self._news(finding, source)
        sys.stdout.flush()

    def waits(self, error: SourceError) -> None:
        """Say that nothing can be made of the log so far."""
        self.clear()
        from analyzer.views.drawing.output import tell

        tell(f"sipcheck: {error}; waiting for more")

    def calm(self, pulse: Pulse) -> None:
        """Say how far it is, where that has changed."""
        if not self._is_calm:
            return
        kind = f"{pulse.dialect} · " if pulse.dialect else ""
        read = count(pulse.lines, "line") if pulse.packets is None else count(pulse.packets, "packet")
        seen = [read, count(pulse.messages, "SIP message"), count(pulse.clients, "client")]
        line = f"{kind}{', '.join([*seen, count(pulse.findings, 'finding')])} · Ctrl-C: the report"
        if line != self._shown:
            from analyzer.views.drawing.output import columns_of

            sys.stderr.write(_CLEAR + line[: columns_of(sys.stderr) - 1])
            sys.stderr.flush()
            self._shown = line

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
            self._shown = ""

    def end(self) -> None:
        """What comes now is the report."""
        self.clear()
        if self._news is not None and self._view == "table":
            sys.stdout.write("\n")


def _teller(view: str, options: Any, out: IO[str]) -> Callable[[Finding, Source], None]:
    """How a view tells news; those that are one document tell none."""
    if view == "table":
        from analyzer.views.drawing.canvas import Canvas
        from analyzer.views.table.news import News

        return News(Canvas(out, options)).draw
    if view == "ndjson":
        from analyzer.views.schema import dumped, finding_record

        return lambda finding, _: print(dumped({"kind": "news", **finding_record(finding)}), file=out)
    return lambda finding, source: None


def follow_report(
    command: str,
    view: str,
    options: Any,
    progress: bool | None,
    *,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    aor: str,
    credentials: tuple[str, ...],
    password_file: str | None,
    password: str | None,
    profile: Any,
    is_known: Callable[[Finding], bool],
    clock: Clock | None,
    dialect: str | None = None,
    **source: Any,
) -> Report:
    """The report of a log that was followed, or an interface that was captured, until a signal; or until the end of
    standard input. Leaves with 3 where nothing can be read."""
    from analyzer.run.following import Following

    opened = _interface(**source) if command == "live" else _log(**source)
    screen = Screen(view, options, progress=progress, is_known=is_known)
    try:
        following = Following(
            opened,
            screen,
            kind="capture" if command == "live" else "log",
            dialect=dialect,
            rules=rules_of(command, select, ignore),
            secrets=secrets_of(command, credentials, password_file, password),
            detail=wants_detail(view),
            aor=aor_given(aor),
            profile=profile,
            clock=clock,
        )
        report = following.run()
        screen.end()
    except SourceError as error:
        screen.clear()
        die(str(error), 3)
    if not has_notices_alone(report):
        die_without_sip(report)
    return report


def _log(
    files: tuple[str, ...], jobs: int = 1, engine: str = "auto", tls_keylog: str | None = None
) -> Callable[[Callable[[], None]], Followed]:
    """How to open the log; exit 2 where the options do not go with one that is followed."""
    if len(files) != 1:
        raise click.UsageError("--follow takes one log: start one sipcheck for each")
    if jobs > 1:
        raise click.UsageError("--follow reads with one process: leave --jobs out")
    if tls_keylog or engine == "tshark":
        raise click.UsageError("--follow reads a log: --engine tshark and --tls-keylog are for captures")
    return _stream_of(files[0])


def _interface(interface: str, packet_filter: str) -> Callable[[Callable[[], None]], Followed]:
    from analyzer.capture.interface import Interface

    return lambda calm: Interface(interface, packet_filter, calm)


def _stream_of(name: str) -> Callable[[Callable[[], None]], Followed]:
    from analyzer.capture.followed import FollowedFile, FollowedPipe

    if name != "-":
        return lambda calm: FollowedFile(name, calm)
    return lambda calm: FollowedPipe(sys.stdin.fileno(), calm)
