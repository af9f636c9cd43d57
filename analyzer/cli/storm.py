"""`sipcheck storm`: registration storms, when, how strong, who, why, and how they ended.

Exit codes: 0 calm (or --fail-on never), 1 a storm, and those of every command for usage, sources and interruption.
Where several processes read many files, one that cannot be read is told, the rest is shown, and the exit code is 3.
Interrupted, they report what was read up to the first gap that this leaves, and say what that is.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from analyzer.cli import signals
from analyzer.cli.options import (
    LEVELS,
    Command,
    color_option,
    dialect_option,
    fail_on_option,
    format_option,
    reading,
)
from analyzer.cli.run import die, files_of, leave, options_of, write_out
from analyzer.views.drawing.output import tell

if TYPE_CHECKING:
    from analyzer.cluster.door import Door
    from analyzer.cluster.storms import Found
    from analyzer.run.report import Report
    from analyzer.storm.values import StormReport

_EPILOG = """\b
Examples:
  sipcheck storm samples/storm-restart/input.pcap.gz
  sipcheck storm samples/storm-scan/input.pcap.gz --fail-on never
  sipcheck storm samples/storm-none/input.pcap.gz --format json
"""


_MOST_NAMED = 4
_HEARD = "interrupted: what was read is put together; once more ends it at once"
_DOOR = ("scheduler", "insecure_scheduler", "tls_ca", "tls_cert", "tls_key")


@click.command("storm", cls=Command, epilog=_EPILOG, short_help="Find and explain registration storms.")
@reading
@format_option(["json", "table"])
@fail_on_option("Exit with 1 at a storm, except with never.")
@color_option
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Have the workers of this Dask scheduler read the files (tls://host:8786).",
)
@click.option(
    "--tls-ca", type=click.Path(), metavar="FILE", help="Authority that signs the cluster's certificates, in PEM."
)
@click.option("--tls-cert", type=click.Path(), metavar="FILE", help="Certificate to show to the cluster.")
@click.option("--tls-key", type=click.Path(), metavar="FILE", help="The certificate's private key.")
@click.option(
    "--insecure-scheduler", is_flag=True, help="Speak to a scheduler on another machine without TLS (tcp://)."
)
@click.option(
    "--spool",
    type=click.Path(),
    metavar="DIR",
    help="Keep the tables of a run by several processes here: a new or empty folder that all of them see.",
)
@click.option("--plot", type=click.Path(dir_okay=False), metavar="FILE", help="Draw the storms to this png or svg.")
@dialect_option
def storm(**given: Any) -> None:
    """Find registration storms in captures or logs: when, how strong, who, why, how it ended."""
    _run(**given)


def _run(*, view: str, fail_on: str, color: str, plot: str | None, spool: str | None, **given: Any) -> None:
    scheduler = _door(**{name: given.pop(name) for name in _DOOR})
    given["files"] = files_of(given["files"], given["dialect"])
    if scheduler is not None or spool is not None or _is_too_large(given["files"]):
        report, found, unreadable = _by_cluster(scheduler, spool, **given)
    else:
        report, found, unreadable = *_alone(**given), ()
    if plot is not None:
        _draw(plot, found, report)
    from analyzer.views.storm.summary import write_json, write_table

    if view == "json":
        write_out(lambda out: write_json(report, found, out))
    else:
        write_out(lambda out: write_table(report, found, out, options_of(color, show_all=False)))
    if report.interrupted:
        sys.exit(signals.code())
    if unreadable:
        sys.exit(3)
    sys.exit(1 if found.storms and LEVELS[fail_on] else 0)


def _door(scheduler: str | None, insecure_scheduler: bool, **keys: str | None) -> Door | None:
    """The scheduler that was named, and how it is to be spoken to."""
    if scheduler is None:
        if insecure_scheduler or any(one is not None for one in keys.values()):
            raise click.UsageError("--tls-ca, --tls-cert, --tls-key and --insecure-scheduler are for --scheduler")
        return None
    from analyzer.cluster.door import Door, Keys

    return Door(scheduler, Keys(keys["tls_ca"], keys["tls_cert"], keys["tls_key"]), insecure_scheduler)


def _alone(**given: Any) -> tuple[Report, StormReport]:
    from analyzer.cli.run import read_report

    report = read_report("storm", None, detail=True, tables=True, columnar="auto", **given)
    from analyzer.dataframes.frames import transactions
    from analyzer.storm.analysis import storms

    return report, storms(transactions(report))


def _is_too_large(files: tuple[str, ...]) -> bool:
    """Whether workers should read this, by default: captures that may take more memory than there is. Says so."""
    from analyzer.capture.inputs import are_files
    from analyzer.cluster.size import exceeds_memory

    if not are_files(files) or not exceeds_memory(files):
        return False
    if find_spec("distributed") is None or find_spec("cryptography") is None:
        tell("sipcheck: this may need more memory than there is: pip install 'sipcheck[cluster]' to read it in pieces")
        return False
    tell("sipcheck: this may need more memory than there is: worker processes read it in pieces")
    return True


def _by_cluster(scheduler: Door | None, spool: str | None, **given: Any) -> tuple[Report, StormReport, tuple[str, ...]]:
    """The storms by way of a cluster, and the files that could not be read, which were told."""
    from analyzer.cli.run import aor_given, check_engine, die_without_sip
    from analyzer.cluster.door import ClusterError, ClusterUsage
    from analyzer.cluster.storms import storms_of
    from analyzer.defect import SourceError

    check_engine(given["engine"], given["tls_keylog"])
    if spool is not None and not spool.strip():
        raise click.UsageError("--spool names no folder")
    if spool is not None and _is_open(spool):
        tell(f"sipcheck: {spool} is open to other users; what is written in it is for you alone")
    options = {name: given[name] for name in ("dialect", "engine", "tls_keylog")}
    if options["tls_keylog"] is not None:
        options["tls_keylog"] = os.path.abspath(options["tls_keylog"])
    source = click.get_current_context().get_parameter_source("jobs")
    jobs = None if source is ParameterSource.DEFAULT else given["jobs"]
    try:
        made = storms_of(
            given["files"],
            scheduler=scheduler,
            jobs=jobs,
            spool=spool,
            aor=aor_given(given["aor"]),
            heard=lambda: tell(f"sipcheck: {_HEARD}"),
            **options,
        )
    except KeyboardInterrupt:
        leave(signals.code(), "interrupted: nothing is reported")
    except ClusterError as error:
        die(str(error), 2 if isinstance(error, ClusterUsage) else 3)
    except SourceError as error:
        die(str(error), 3)
    except OSError as error:
        die(f"{error.filename or spool or 'the tables'}: cannot be written: {error.strerror or error}", 3)
    unreadable = made.spool.tally.unreadable
    for told in unreadable:
        tell(f"sipcheck: {told}")
    die_without_sip(made.report)
    return made.report, _with_extent(made, given["files"]), unreadable


def _with_extent(made: Found, files: tuple[str, ...]) -> StormReport:
    """What was found; where the run was interrupted, with notes on what it did not come to."""
    from dataclasses import replace

    from analyzer.escape import visible
    from analyzer.evidence import Source
    from analyzer.views.words import clock_of, count, source_names

    spool, sources = made.spool, made.report.sources
    notes = []
    if spool.until is not None:
        clock = clock_of(next((one for one in sources if one.first is not None), sources[0]))
        notes.append(f"what happened after {clock.at(spool.until)}, where reading was interrupted")
    if spool.untold:
        names = source_names(Source(name) for name in files)
        told = [visible(names[name]) for name in spool.untold[:_MOST_NAMED]]
        rest = len(spool.untold) - len(told)
        which = ", ".join([*told, *([f"and {rest} more"] if rest else [])])
        notes.append(f"anything of {len(spool.untold)} of {count(len(set(files)), 'file')} ({which})")
    if spool.torn:
        notes.append("messages that lie across the ends of two files, which may be missing or halved")
    return replace(made.storms, notes=(*notes, *made.storms.notes))


def _is_open(folder: str) -> bool:
    """Whether a folder is there that others than its owner can look into, or change."""
    return os.path.isdir(folder) and bool(os.stat(folder).st_mode & 0o077)


def _draw(path: str, found: StormReport, report: Report) -> None:
    from analyzer.views.storm.plot import PlotUnavailable, plot_storms
    from analyzer.views.words import clock_of

    try:
        plot_storms(found.storms, path, clock_of(report.sources[0]))
    except PlotUnavailable as error:
        die(str(error), 2)
    except OSError as error:
        die(f"{path}: cannot be written: {error.strerror}", 3)
