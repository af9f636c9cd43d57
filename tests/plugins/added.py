"""A plug-in that is there for a while: a file in a folder of its own that the package's path takes in."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest


@contextmanager
def added(package: ModuleType, name: str, source: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Path]:
    """Write `source` as `name`.py where `package` finds it, and take it away again, with what was imported of it."""
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(package, "__path__", [*package.__path__, str(folder)])
        importlib.invalidate_caches()
        try:
            yield path
        finally:
            sys.modules.pop(f"{package.__name__}.{name}", None)
            vars(package).pop(name, None)
