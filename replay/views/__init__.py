"""The views of a replay, one file each in `formats/`: `NAME` and `render(result, out, options)`. `--format` names
one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import IO, TYPE_CHECKING

from replay.views import formats

if TYPE_CHECKING:
    from analyzer.views import ViewOptions
    from replay.record import Result


@cache
def view_names() -> tuple[str, ...]:
    """The names of the formats, in name order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(formats.__path__)))


def load_view(name: str) -> Callable[[Result, IO[str], ViewOptions], None]:
    """The `render` of a view; only the one that is used is imported."""
    render: Callable[[Result, IO[str], ViewOptions], None] = importlib.import_module(
        f"{formats.__name__}.{name}"
    ).render
    return render
