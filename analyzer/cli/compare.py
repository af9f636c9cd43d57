"""`sipcheck compare`: two captures or logs side by side.

Exit codes: 0 nothing got worse (or --fail-on never), 1 something did, and those of every command for usage, sources,
rules that fail, and interruption. The first input is read, condensed and let go before the second is read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import IO, TYPE_CHECKING, Any

import click

from analyzer.cli import signals
from analyzer.cli.options import LEVELS, Command, color_option, comparing, dialect_option, format_option
from analyzer.cli.run import die, files_of, options_of, write_out

if TYPE_CHECKING:
    from analyzer.compare.side import Side, StormFigures
    from analyzer.run.report import Report

_EPILOG = """\b
Examples:
  sipcheck compare samples/call-id-changes/input.pcap samples/clean-registration/input.pcap
  sipcheck compare samples/storm-none/input.pcap.gz samples/storm-slow-answers/input.pcap.gz --format json
"""


@click.command("compare", cls=Command, epilog=_EPILOG, short_help="Compare two captures or logs.")
@comparing
@format_option(["json", "table"])
@click.option("--output", metavar="FILE", help="Write the result to FILE, without colours (-: standard output).")
@click.option(
    "--fail-on",
    type=click.Choice(list(LEVELS)),
    default="warning",
    show_default=True,
    help="Findings that are new make it worse from this severity on; never: exit with 0 though something got worse.",
)
@click.option("--all", "show_all", is_flag=True, help="List all that changed.")
@color_option
@dialect_option
def compare(before: str, after: str, **given: Any) -> None:
    """Say what got better, what got worse, what is new and what is gone from BEFORE to AFTER.

    Each is a capture, a log, or a directory of such. Clients are matched by address-of-record, then by instance,
    contact or User-Agent; findings by rule and whom they are about. Exits with 1 when something got worse.
    """
    _run(before, after, **given)


def _run(
    before: str,
    after: str,
    *,
    view: str,
    output: str | None,
    fail_on: str,
    show_all: bool,
    color: str,
    progress: bool | None,
    **given: Any,
) -> None:
    from analyzer.compare.comparison import WEIGHING, compared

    output = None if output == "-" else output
    if before == after == "-":
        raise click.UsageError("only one of BEFORE and AFTER can be standard input")
    if output is not None:
        from analyzer.cli.outfile import check_place

        check_place("--output", output, [before, after, *given["credentials"]])
    one, failed = _side(before, progress, **given)
    other, failed_too = (one, False) if one.interrupted else _side(after, progress, **given)
    if one.interrupted:
        die(f"interrupted while {before} was read: there is nothing to compare it with", signals.code())
    found = compared(one, other, LEVELS[fail_on] or WEIGHING)
    options = options_of(color, show_all=show_all, to_file=output is not None)
    if view == "json":
        from analyzer.views.comparison.record import write_json

        _show(output, partial(write_json, before=one, after=other, found=found))
    else:
        from analyzer.views.comparison.words import write_words

        _show(output, partial(write_words, options=options, before=one, after=other, found=found))
    if other.interrupted:
        sys.exit(signals.code())
    sys.exit(4 if failed or failed_too else 1 if found.is_worse and fail_on != "never" else 0)


def _show(output: str | None, render: Callable[[IO[str]], None]) -> None:
    if output is None:
        write_out(render)
        return
    from analyzer.cli.outfile import replaced

    signals.settle()
    with replaced(output) as out:
        render(out)


def _side(name: str, progress: bool | None, **given: Any) -> tuple[Side, bool]:
    """What is kept of one input, and whether a rule failed to run on it; leaves with 3 where it holds no SIP."""
    from analyzer.cli.config import note
    from analyzer.cli.run import read_report
    from analyzer.compare.side import side_of

    files = files_of((name,), given["dialect"])
    report = read_report("compare", None, progress, detail=True, tables=True, columnar="auto", files=files, **given)
    if told := note(click.get_current_context(silent=True)):
        report.notes.insert(0, told)
    return side_of(report, _storms(report)), report.failed


def _storms(report: Report) -> StormFigures:
    """What the storm analysis says. It costs pandas, so a report that can hold no storm is not put before it."""
    from analyzer.compare.side import FEWEST_FOR_A_STORM, StormFigures

    if report.summary.register_requests < FEWEST_FOR_A_STORM:
        return StormFigures()
    from analyzer.dataframes import tables
    from analyzer.storm.analysis import storms

    found = storms(tables(report).transactions).storms
    return StormFigures(
        len(found),
        max((storm.outage.peak for storm in found), default=0),
        sum(storm.outage.user_seconds for storm in found),
    )
