"""`sipcheck samples`: write the samples out, so that the examples of every `--help` can be run.

An installed sipcheck has them within its package (`setup.py` puts them there), a checkout beside it. They are written
under a name of their own and take DIR's place when they are whole: in a folder that others may write to, nobody can put
a link where a file will be written, and what is in DIR is never touched, as only an empty folder can be replaced.
"""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import click

import analyzer
from analyzer.cli.options import Exemplary
from analyzer.cli.run import die

MOST_OCTETS = 4_000_000
"""What all samples may take; a test holds the project to it."""
_EPILOG = """\b
Examples:
  sipcheck samples samples
"""


@click.command("samples", cls=Exemplary, epilog=_EPILOG, short_help="Write the samples that the examples read.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def samples(folder: Path) -> None:
    """Write captures and logs to learn on into DIR, a new or empty folder; their READMEs say what is to be seen."""
    there = samples_folder()
    if there is None:
        die("the samples are not part of this installation", 3)
    files = [path for path in sorted(there.rglob("*")) if path.is_file() and path.suffix != ".py"]
    try:
        size = _write(files, there, folder)
    except OSError as error:
        die(f"{folder}: the samples cannot be written there: {_why(error)}", 3)
    from analyzer.views.drawing.output import tell

    tell(f"{folder}: {len(files)} files, {size:,} octets")


def samples_folder() -> Path | None:
    """Where the samples lie: in the package, or beside it."""
    package = Path(analyzer.__file__).resolve().parent
    return next((one for one in (package / "_samples", package.parent / "samples") if one.is_dir()), None)


def _write(files: list[Path], there: Path, folder: Path) -> int:
    """Copy the files; the octets of all."""
    size = 0
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as hidden:
        made = Path(hidden, "samples")
        made.mkdir()
        for path in files:
            new = made / path.relative_to(there)
            new.parent.mkdir(parents=True, exist_ok=True)
            size += new.write_bytes(path.read_bytes())
        os.rename(made, folder)  # takes the place of nothing, or of an empty folder; of a link or a file never
    return size


def _why(error: OSError) -> str:
    if isinstance(error, FileExistsError | NotADirectoryError) or error.errno == errno.ENOTEMPTY:
        return "something is there already, and only a new or empty folder will do"
    return error.strerror or str(error)
