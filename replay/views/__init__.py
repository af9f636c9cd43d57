"""The views of a replay, one file each in `formats/`: `ReplayView` says what one declares. `--format` names one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import IO, TYPE_CHECKING, Protocol

from analyzer import plugins
from replay.views import formats

if TYPE_CHECKING:
    from analyzer.views import ViewOptions
    from replay.record import Result


class ReplayView(Protocol):
    """A module of `formats/`: the plan or the outcome of a replay as a person or a machine reads it. `NAME` is what
    `--format` takes: the file's name."""

    NAME: str

    def render(self, result: Result, out: IO[str], options: ViewOptions) -> None:
        """Write the whole result, in work linear in it; lines end with a line feed, the last one too.

        Texts are as they were on the wire, then and now: whatever a terminal, a page or a CI server obeys is escaped
        here (`analyzer.escape`), and secrets stand in no output. Raises nothing but what `out` raises.
        """


@cache
def view_names() -> tuple[str, ...]:
    """The names of the formats, in name order."""
    return tuple(plugins.names(formats))


def load_view(name: str) -> Callable[[Result, IO[str], ViewOptions], None]:
    """The `render` of a view; only the one that is used is imported. Raises `ContractError`."""
    return plugins.load(formats, name, ReplayView).render
