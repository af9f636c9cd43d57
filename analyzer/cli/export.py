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
from analyzer.cli.messages import Choice
from analyzer.cli.moments import Moment, MomentType, Span, parse_moment
from analyzer.cli.options import Command, dialect_option, reading
from analyzer.cli.run import die, files_of
from analyzer.interruption import unheard
from analyzer.scratch import temporary_folder

if TYPE_CHECKING:
    from analyzer.dataframes.frames import Tables

_EPILOG = """\b
Examples:
  sipcheck export samples/wrong-password/input.pcapng --to parquet -o tables
  sipcheck export samples/asterisk-first-registration/input.txt --to pcap -o messages.pcap
  sipcheck export samples/cseq-not-raised/input.pcap --to pcap --finding cseq-increment -o evidence.pcap
  sipcheck export samples/wrong-password/input.pcapng --to pcap --from 11:53 --to 11:53:50 -o minute.pcap
"""
_FORMS = ("pcap", "parquet", "csv", "ndjson")
_FOLDERS = ("parquet", "csv")


class Aim(click.ParamType[str | Moment]):
    """What `--to` takes: a form to write, or, beside that, the time up to which messages are written."""

    name = "aim"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """As the help has it."""
        del param, ctx
        return f"[{'|'.join(_FORMS)}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | Moment:
        """The form, or the time; exit 2 where it is neither."""
        if isinstance(value, Moment) or value in _FORMS:
            return value  # type: ignore[no-any-return]
        if (moment := parse_moment(str(value))) is not None:
            return moment
        listed = ", ".join(map(repr, _FORMS))
        self.fail(f"{value!r} is not one of {listed}, and no time (11:47, 2026-11-20T11:47Z).", param, ctx)


def _parted(aims: tuple[str | Moment, ...], until: Moment | None) -> tuple[str, Moment | None]:
    """The one form, and the time that `--to` or `--until` names."""
    forms = [aim for aim in aims if isinstance(aim, str)]
    moments = [aim for aim in aims if isinstance(aim, Moment)] + ([until] if until is not None else [])
    if len(forms) != 1:
        raise click.UsageError(f"--to: name one of {', '.join(_FORMS)}, once")
    if len(moments) > 1:
        raise click.UsageError("--to TIME and --until: name one time")
    return forms[0], moments[0] if moments else None


@click.command("export", cls=Command, epilog=_EPILOG, short_help="Write what was read as tables, or as a capture.")
@reading
@dialect_option
@click.option(
    "--to",
    "aims",
    type=Aim(),
    multiple=True,
    required=True,
    help="What to write. pcap: given once more with a time (--to 11:49), the same as --until.",
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
@click.option(
    "--finding",
    multiple=True,
    metavar="RULE[,..]",
    help="pcap: only the transactions of findings of these rules (an id, a group, RULE:SUB).",
)
@click.option("--from", "since", type=MomentType(), help="pcap: nothing before this time (11:47, 2026-11-20T11:47Z).")
@click.option("--until", type=MomentType(), help="pcap: nothing after this time, or after the second or minute named.")
@click.option("--made", is_flag=True, help="pcap: packets made of the messages, though there are captured ones.")
def export(
    aims: tuple[str | Moment, ...],
    out: Path,
    force: bool,
    finding: tuple[str, ...],
    since: Moment | None,
    until: Moment | None,
    made: bool,
    **given: Any,
) -> None:
    """Write messages, transactions, attempts, registrations, bindings, digests and findings as tables: parquet and csv
    give a folder with a file for each, ndjson one file of records with their kind. pcap writes the packets of the SIP
    messages as they were captured, and makes packets of those of a log. The exit code tells of reading and writing, not
    of findings."""
    form, until = _parted(aims, until)
    finding = tuple(name.strip() for joined in finding for name in joined.split(",") if name.strip())
    check_free(out, form, force)
    if out.is_file():
        from analyzer.cli.outfile import check_place

        check_place("-o", str(out), given["files"])
    given["files"] = files_of(given["files"], given["dialect"])
    choice = Choice(given["aor"], finding, Span(since, until), made)
    if form == "pcap":
        code = _export_messages(out, choice, given)
    elif finding or made or choice.span.is_given:
        raise click.UsageError("--finding, --from, --until and --made go with --to pcap")
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
    from analyzer.views.words import count

    report = read_report("export", None, progress, detail=True, tables=True, columnar="auto", **given)
    if told := note(click.get_current_context()):
        tell(f"sipcheck: {told}")
    from analyzer.dataframes import tables

    frames = tables(report)
    with in_place(out, folder=form in _FOLDERS) as unfinished:
        _WRITERS[form](frames, unfinished)
    _say(out, ", ".join(count(len(frame), name.removesuffix("s")) for name, frame in frames))
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


def _export_messages(out: Path, choice: Choice, given: dict[str, Any]) -> int:
    from analyzer.cli.messages import save_messages

    with in_place(out, folder=False) as unfinished, unfinished.open("w+b") as file:
        saved = save_messages(choice, file, given=given)
        if not saved.messages and not saved.interrupted:
            left = " is left by --aor, --finding, --from and --until" if choice.is_narrow else ""
            die(f"{', '.join(given['files'])}: no SIP message{left or ' to write'}", 3)
    _say(out, saved.words or "nothing: it was interrupted")
    if choice.span.left:
        _say(out, f"{choice.span.left:,} messages without a time are left out")
    return signals.code() if saved.interrupted else 0


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
