"""`sipcheck export`: what was read, as tables (Parquet, CSV, NDJSON) or as a capture of the messages.

Tables come from one analysis of all files. A capture needs none: messages go from the source to the file one by one, so
its length does not matter. What is written stands under another name until it is whole, so a run that fails leaves
nothing that looks finished, and what stood there before as it was. Interrupted while it reads, the command writes what
was read so far and exits as the others do (129, 130, 143); interrupted while it writes, it leaves nothing.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analyzer.cli import signals
from analyzer.cli.options import Command, dialect_option, reading
from analyzer.cli.run import die, files_of
from analyzer.interruption import unheard
from analyzer.scratch import temporary_folder

if TYPE_CHECKING:
    from analyzer.capture.savefile import SaveFile
    from analyzer.dataframes.frames import Tables
    from analyzer.evidence import RawMessage

_EPILOG = """\b
Examples:
  sipcheck export samples/wrong-password/input.pcapng --to parquet -o tables
  sipcheck export samples/asterisk-first-registration/input.txt --to pcap -o messages.pcap
"""
_FOLDERS = ("parquet", "csv")


@click.command("export", cls=Command, epilog=_EPILOG, short_help="Write what was read as tables, or as a capture.")
@reading
@dialect_option
@click.option(
    "--to", "form", type=click.Choice(["pcap", "parquet", "csv", "ndjson"]), required=True, help="What to write."
)
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="OUT",
    help="Where to: a folder for parquet and csv, a file for pcap and ndjson.",
)
@click.option("--force", is_flag=True, help="Replace OUT if it is there.")
def export(form: str, out: Path, force: bool, **given: Any) -> None:
    """Write messages, transactions, attempts, registrations, bindings, digests and findings as tables: parquet and csv
    give a folder with a file for each, ndjson one file of records with their kind. pcap writes every SIP message as a
    packet, those of a log too. The exit code tells of reading and writing, not of findings."""
    check_free(out, form, force)
    given["files"] = files_of(given["files"], given["dialect"])
    if form == "pcap":
        code = _export_messages(out, **given)
    else:
        code = _export_tables(form, out, **given)
    sys.exit(code)


def check_free(out: Path, form: str, force: bool) -> None:
    """Nothing that stands there is replaced unasked, and nothing ever that an export would not have written."""
    if str(out) == "-":  # neither a folder nor a file that takes its name when it is whole can be a stream
        raise click.UsageError("-o - is not standard output here: name a folder or a file")
    if not (out.exists() or out.is_symlink()):
        return
    if not force:
        raise click.UsageError(f"{out} is there already: give another name, or --force to replace it")
    if out.is_dir() and not out.is_symlink() and form in _FOLDERS:
        from analyzer.dataframes.dictionary import TABLES

        others = {one.name for one in out.iterdir()} - {f"{name}.{form}" for name in TABLES}
        if others:
            raise click.UsageError(f"{out} holds other things than an export to {form} ({min(others)}): not replaced")
    elif not out.is_file():
        raise click.UsageError(f"{out} is no file: not replaced")


def _export_tables(form: str, out: Path, *, progress: bool | None, **given: Any) -> int:
    from analyzer.cli.config import note
    from analyzer.cli.run import read_report
    from analyzer.views.drawing.output import tell

    report = read_report("export", None, progress, detail=True, tables=True, **given)
    if told := note(click.get_current_context()):
        tell(f"sipcheck: {told}")
    from analyzer.dataframes import tables

    frames = tables(report)
    with in_place(out, folder=form in _FOLDERS) as unfinished:
        _WRITERS[form](frames, unfinished)
    _say(out, ", ".join(f"{len(frame):,} {name}" for name, frame in frames))
    return signals.code() if report.interrupted else 4 if report.failed else 0


def _parquet(frames: Tables, folder: Path) -> None:
    from analyzer.dataframes.store import write_parquet

    write_parquet(frames, folder)


def _csv(frames: Tables, folder: Path) -> None:
    from analyzer.dataframes.plain import write_csv

    write_csv(frames, folder)


def _ndjson(frames: Tables, path: Path) -> None:
    from analyzer.dataframes.plain import write_ndjson

    with path.open("w", encoding="ascii") as file:
        write_ndjson(frames, file)


_WRITERS: dict[str, Callable[[Any, Path], None]] = {"parquet": _parquet, "csv": _csv, "ndjson": _ndjson}


def _export_messages(out: Path, **given: Any) -> int:
    from analyzer.capture.savefile import SaveFile

    with in_place(out, folder=False) as unfinished, unfinished.open("wb") as file:
        saved = SaveFile(file)
        interrupted = _save(saved, **given)
        saved.finish()
        if not saved.written and not interrupted:
            die(f"{', '.join(given['files'])}: no SIP message to write", 3)
    cut = f", {saved.cut:,} of them cut to what a datagram holds" if saved.cut else ""
    _say(out, f"{saved.written:,} messages{cut}")
    return signals.code() if interrupted else 0


def _save(
    saved: SaveFile,
    *,
    files: tuple[str, ...],
    aor: str,
    engine: Any,
    tls_keylog: str | None,
    dialect: str | None,
    progress: bool | None,
    **analysis: Any,
) -> bool:
    """Write the messages of all files; True where Ctrl-C came before the end. Options of the analysis mean nothing."""
    del analysis
    from analyzer.capture.opener import open_sources
    from analyzer.cli.run import aor_given, check_engine
    from analyzer.defect import SourceError
    from analyzer.evidence import RawMessage
    from analyzer.views.drawing.progress import progress_bar

    check_engine(engine, tls_keylog)
    wanted = _wanted(aor_given(aor))
    try:
        with (
            progress_bar(progress) as advance,
            open_sources(list(files), dialect=dialect, engine=engine, tls_keylog=tls_keylog) as opened,
        ):
            for source in opened.sources:
                if source.shows_flows:
                    _say(Path(source.name), "shows call flows, each a capture of its own: one capture mixes them")
            for number, item in enumerate(opened):
                if isinstance(item, RawMessage) and wanted(item):
                    saved.add(item)
                if advance is not None and number % 256 == 0:
                    advance(opened.position(), opened.total())
    except SourceError as error:
        die(str(error), 3)
    except KeyboardInterrupt:
        return True
    return False


def _wanted(aor: str) -> Callable[[RawMessage], bool]:
    """Whether a message is of the address-of-record that was asked for; all are where none was."""
    if not aor:
        return lambda _: True
    from analyzer.register.identity import aor_of
    from analyzer.sip.message import parse

    return lambda raw_message: aor_of(parse(raw_message)) == aor


@contextmanager
def in_place(out: Path, *, folder: bool) -> Iterator[Path]:
    """A place beside `out` to write to, which takes its name when all is written. Leaves with 3 on a full disk."""
    try:
        with temporary_folder(out.parent, f".{out.name}.") as place:
            unfinished = place / out.name
            if folder:
                unfinished.mkdir()
            yield unfinished
            with unheard():
                _remove(out)
                unfinished.rename(out)
    except OSError as error:
        die(f"{out} cannot be written: {error.strerror or error}", 3)


def _remove(out: Path) -> None:
    if out.is_dir() and not out.is_symlink():
        shutil.rmtree(out)
    else:
        out.unlink(missing_ok=True)


def _say(out: Path, what: str) -> None:
    from analyzer.views.drawing.output import tell

    tell(f"{out}: {what}")
