"""The views of a report, one file each in `formats/`: `View` says what one declares. `--format` takes its choices from
there; the parts of views lie beside that folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import IO, TYPE_CHECKING, Literal, Protocol

from analyzer import plugins
from analyzer.views import formats

if TYPE_CHECKING:
    from analyzer.judge.findings import Severity
    from analyzer.run.report import Report


LeadsWith = Literal["clients", "digests"]


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """What the reader asked for. `width` in columns (50 to 500; 0: no terminal, 100 are used); `color` whether to
    colour; `all` lists the healthy too; `leads_with` says what stands first behind the sources, and is told of even
    where there is none of it; `fail_on` are the severities that make the command fail."""

    width: int = 0
    color: bool = False
    all: bool = False
    leads_with: LeadsWith = "clients"
    fail_on: tuple[Severity, ...] = ("error",)


CATALOGUE_FORMATS = ("json", "ndjson", "table")
"""What `sipcheck rules` and `sipcheck explain` can be printed as (`catalogue.py`); views of a report print no rules."""


class View(Protocol):
    """A module of `formats/`: a report as a person or a machine reads it.

    `NAME` is what `--format` takes: the file's name. `DETAIL` says whether the view lists every transaction and digest,
    so that the run must keep them (memory then grows with the capture).
    """

    NAME: str
    DETAIL: bool

    def render(self, report: Report, out: IO[str], options: ViewOptions) -> None:
        """Write the whole report, in work linear in it; lines end with a line feed, the last one too.

        Texts of the report are as they were on the wire: whatever a terminal, a page or a spreadsheet obeys is escaped
        here (`analyzer.escape`), secrets stand in no output, and what is left out for want of room is counted. Raises
        nothing but what `out` raises.
        """


@cache
def view_names() -> tuple[str, ...]:
    """The names of the formats, in name order."""
    return tuple(plugins.names(formats))


def wants_detail(name: str) -> bool:
    """Whether a view lists every transaction and digest, so that the run must keep them. Raises `ContractError`."""
    return plugins.load(formats, name, View).DETAIL


def load_view(name: str) -> Callable[[Report, IO[str], ViewOptions], None]:
    """The `render` of a view; only the one that is used is imported. Raises `ContractError`."""
    return plugins.load(formats, name, View).render
