"""`sipcheck storm`: registration storms, when, how strong, who, why, and how they ended.

Exit codes: 0 calm (or --fail-on never), 1 a storm, and those of every command for usage, sources and interruption.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from analyzer.cli.options import LEVELS, Command, dialect_option, reading
from analyzer.cli.rim import die, options_of, write_out

if TYPE_CHECKING:
    from analyzer.report import Report
    from analyzer.tables.storm_values import StormReport

_EPILOG = """\b
Examples:
  sipcheck storm samples/storm-restart/input.pcap.gz
  sipcheck storm samples/storm-scan/input.pcap.gz --plot storm.png
  sipcheck storm samples/storm-none/input.pcap.gz --format json
"""


@click.command("storm", cls=Command, epilog=_EPILOG, short_help="Find and explain registration storms.")
@reading
@click.option(
    "--format",
    "view",
    type=click.Choice(["json", "table"]),
    default="table",
    show_default=True,
    help="Form of the result.",
)
@click.option(
    "--fail-on",
    type=click.Choice(list(LEVELS)),
    default="error",
    show_default=True,
    help="Exit with 1 at a storm, except with never.",
)
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Colour the table.",
)
@click.option("--plot", type=click.Path(dir_okay=False), metavar="FILE", help="Draw the storms to this png or svg.")
@dialect_option
def storm(**given: Any) -> None:
    """Find registration storms in captures or logs: when, how strong, who, why, how it ended."""
    _run(**given)


def _run(*, view: str, fail_on: str, color: str, plot: str | None, **given: Any) -> None:
    from analyzer.cli import read_report

    report = read_report("storm", None, detail=True, tables=True, **given)
    from analyzer.tables import tables
    from analyzer.tables.storm import storms

    found = storms(tables(report).transactions)
    if plot is not None:
        _draw(plot, found, report)
    from analyzer.views._storm import write_json, write_table

    if view == "json":
        write_out(lambda out: write_json(report, found, out))
    else:
        write_out(lambda out: write_table(report, found, out, options_of("storm", color, show_all=False)))
    if report.interrupted:
        sys.exit(130)
    sys.exit(1 if found.storms and LEVELS[fail_on] else 0)


def _draw(path: str, found: StormReport, report: Report) -> None:
    from analyzer.views._storm_plot import PlotUnavailable, plot_storms
    from analyzer.views._words import clock_of

    try:
        plot_storms(found.storms, path, clock_of(report.sources[0]))
    except PlotUnavailable as error:
        die(str(error), 2)
    except OSError as error:
        die(f"{path}: cannot be written: {error.strerror}", 3)
