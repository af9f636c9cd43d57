"""`sipcheck schema`: the JSON Schema of what `--format json` prints."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import click

import analyzer
from analyzer.cli.run import write_out


@click.command("schema", short_help="Print the JSON Schema of --format json.")
def schema() -> None:
    """Print the JSON Schema (draft 2020-12) of what the analyzing commands print with --format json.

    Its version is that of the key `schema` in every result. Later versions of sipcheck may add keys to it, and take
    none away.
    """
    text = schema_file().read_text(encoding="ascii")

    def render(out: IO[str]) -> None:
        out.write(text)

    write_out(render)


def schema_file() -> Path:
    """Where the schema lies in the package."""
    return Path(analyzer.__file__).resolve().parent / "views" / "sipcheck-1.schema.json"
