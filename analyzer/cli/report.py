"""`sipcheck report`: one page for a person, self-contained, to be read in a browser or sent in a mail.

The analysis comes first, then the sources are read once more for the messages of those clients that are shown
(`analyzer/run/excerpt.py`). What can be read only once (standard input, a pipe) is copied to a temporary file before.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, Any, BinaryIO

import click

from analyzer.cli import end
from analyzer.cli.options import Command, dialect_option, paging
from analyzer.cli.outcome import Outcome
from analyzer.cli.run import die, files_of, read_report
from analyzer.views.drawing.output import tell

if TYPE_CHECKING:
    from analyzer.run.excerpt import Excerpt
    from analyzer.run.report import Report
    from analyzer.storm.values import StormReport
    from analyzer.views.states import ClientSummary

_EPILOG = """\b
Examples:
  sipcheck report samples/wrong-password/input.pcapng --credentials samples/wrong-password/users.csv -o report.html
  sipcheck report samples/storm-restart/input.pcap.gz -o storm.html
  sipcheck report samples/asterisk-own-words/input.log -o report.html
"""


@click.command("report", cls=Command, epilog=_EPILOG, short_help="Write one page for a person.")
@paging
@dialect_option
def report(**given: Any) -> None:
    """Analyze captures or logs, and write what was found as one self-contained HTML page: the verdict, who could be
    called and when, the messages of the clients in trouble, the findings by cause, what was not judged."""
    _run(**given)


def _run(*, output: str, fail_on: str, progress: bool | None, stats: bool, **given: Any) -> None:
    outcome = Outcome(output, given.pop("baseline"), given.pop("write_baseline"))
    outcome.check_places(given)
    given["files"] = files_of(given["files"], given["dialect"])
    clock = time.perf_counter_ns if stats else None
    with _readable_twice(given["files"]) as (files, is_cut):
        read = {**given, "files": files, "detail": True, "tables": True, "columnar": "auto"}
        found = read_report("report", None, progress, notices=True, clock=clock, **read)
        found.interrupted = found.interrupted or is_cut
        outcome.weigh(found)
        told = _show(outcome, found, read, progress)
    if outcome.is_in_file:
        tell(f"{output}: {told}")
    end(found, outcome, fail_on, stats=stats, told="in the page")


def _show(outcome: Outcome, found: Report, read: dict[str, Any], progress: bool | None) -> str:
    """Write the page; the sentence that stands over it."""
    from analyzer.run.collector import patient_collector
    from analyzer.views.page.chosen import chosen, lines_and_entries
    from analyzer.views.page.render import Shown, render_page, verdict_of
    from analyzer.views.states import ClientSummary

    with patient_collector():  # or it would look through the whole report at each step of imports and templates
        clients = ClientSummary(found)
        lines, entries = lines_and_entries(clients)
        ids = chosen(lines, entries)
        excerpt = _excerpt(clients, ids, read, progress)
        shown = Shown(clients, lines, entries, ids, excerpt, _storms(found))
        outcome.show(lambda out: render_page(shown, _in_utf_8(out)))
    return verdict_of(clients)


def _in_utf_8(out: IO[str]) -> IO[str]:
    """A page says that it is UTF-8, whatever the encoding of this standard output is."""
    if out is sys.stdout and isinstance(out, io.TextIOWrapper):
        out.reconfigure(encoding="utf-8")
    return out


def _excerpt(clients: ClientSummary, ids: Sequence[int], read: dict[str, Any], progress: bool | None) -> Excerpt:
    """The messages of these registrations, by a second reading."""
    from analyzer.capture.opener import open_sources
    from analyzer.defect import SourceError
    from analyzer.run.excerpt import Gatherer
    from analyzer.views.drawing.progress import progress_bar
    from analyzer.views.page.chosen import places_told

    gatherer = Gatherer(clients.report, ids, places_told(clients.report, ids))
    again = [_rewound(one) for one in read["files"]]
    how = {name: read[name] for name in ("dialect", "engine", "tls_keylog")}
    try:
        with progress_bar(progress) as advance, open_sources(again, **how) as reading:
            gatherer.read(reading, advance)
    except SourceError as error:
        tell(f"sipcheck: {error}: its messages are not shown")
    return gatherer.excerpt()


def _storms(found: Report) -> StormReport | None:
    """The storms, where one is likely: only then it is worth to make tables."""
    from analyzer.views.table.storm_hint import busiest

    if busiest(found) is None:
        return None
    from analyzer.dataframes.frames import transactions
    from analyzer.storm.analysis import storms

    return storms(transactions(found))


@contextmanager
def _readable_twice(files: Sequence[str]) -> Iterator[tuple[list[str | BinaryIO], bool]]:
    """The inputs, and whether a signal cut one short; in place of what can be read only once a copy, under its name."""
    from analyzer.capture.inputs import plain_path, stream_of
    from analyzer.defect import SourceError
    from analyzer.scratch import temporary_file

    with ExitStack() as stack:
        several: list[str | BinaryIO] = []
        is_cut = False
        for name in files:
            if plain_path(name) is not None or not (name == "-" or os.path.exists(name)):
                several.append(name)  # one that is not there is told of by who opens it
                continue
            copy = stack.enter_context(temporary_file())
            try:
                with stream_of(name, name) as stream:
                    shutil.copyfileobj(stream, copy)
            except SourceError as error:
                die(str(error), 3)
            except OSError as error:
                die(f"{name} cannot be copied: {error.strerror or error}", 3)
            except KeyboardInterrupt:  # what came so far is what there is
                is_cut = True
            copy.flush()
            several.append(stack.enter_context(_named(copy, name)))
        yield several, is_cut


def _named(copy: IO[bytes], name: str) -> BinaryIO:
    raw = io.FileIO(copy.name)
    raw.name = name
    return io.BufferedReader(raw)


def _rewound(one: str | BinaryIO) -> str | BinaryIO:
    if not isinstance(one, str):
        one.seek(0)
    return one
