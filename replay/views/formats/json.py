"""`--format json`: one object of schema `sipcheck/1`."""

from __future__ import annotations

from typing import IO

from analyzer.views import ViewOptions
from analyzer.views.schema import dumped
from replay.record import Result, as_record

NAME = "json"


def render(result: Result, out: IO[str], options: ViewOptions) -> None:
    """Write the object on one line."""
    del options
    out.write(dumped(as_record(result)) + "\n")
