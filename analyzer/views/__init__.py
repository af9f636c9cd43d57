"""The views of a report, one file each in `formats/`: `NAME`, `DETAIL` and `render(report, out, options)`. `--format`
takes its choices from there; the parts of views lie beside that folder."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import IO, TYPE_CHECKING

from analyzer.views import formats

if TYPE_CHECKING:
    from analyzer.run.report import Report


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """What the reader asked for. `width` in columns (50 to 500; 0: no terminal, 100 are used); `color` whether to
    colour; `all` lists the healthy too; `command` is the command that ran (`verify-digest` leads with the digests)."""

    width: int = 0
    color: bool = False
    all: bool = False
    command: str = "log"


CATALOGUE_FORMATS = ("json", "ndjson", "table")
"""What `sipcheck rules` and `sipcheck explain` can be printed as (`catalogue.py`); views of a report print no rules."""


@cache
def view_names() -> tuple[str, ...]:
    """The names of the formats, in name order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(formats.__path__)))


def wants_detail(name: str) -> bool:
    """Whether a view lists every transaction and digest, so that the run must keep them."""
    return bool(importlib.import_module(f"{formats.__name__}.{name}").DETAIL)


def load_view(name: str) -> Callable[[Report, IO[str], ViewOptions], None]:
    """The `render` of a view; only the one that is used is imported."""
    render: Callable[[Report, IO[str], ViewOptions], None] = importlib.import_module(
        f"{formats.__name__}.{name}"
    ).render
    return render
