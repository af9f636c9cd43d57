"""The notebooks run from the first cell to the last on the samples, and keep no outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.shared import ROOT

FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def read(path: Path) -> Any:
    import nbformat

    reader: Any = nbformat.read  # it has no types
    return reader(path, as_version=4)


def texts(cell: Any) -> str:
    """What a cell printed, and what its last value shows as text."""
    printed = [output.text for output in cell.outputs if output.output_type == "stream"]
    shown = [output.data.get("text/plain", "") for output in cell.outputs if "data" in output]
    return "".join([*printed, *shown])


def test_there_are_two() -> None:
    assert [path.name for path in NOTEBOOKS] == ["before_and_after.ipynb", "registration_storms.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_outputs_are_kept(path: Path) -> None:
    for cell in read(path).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def executed(book: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run all cells as a notebook server does; what they printed and showed."""
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("MPLBACKEND", raising=False)  # the notebook's own backend shows pictures in place
    NotebookClient(book, timeout=110, resources={"metadata": {"path": str(FOLDER)}}).execute()
    return "\n".join(texts(cell) for cell in book.cells if cell.cell_type == "code")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("default")  # the kernel's own machinery warns
def test_it_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = read(path)
    said = executed(book, monkeypatch)
    pictures = [o for c in book.cells if c.cell_type == "code" for o in c.outputs if "image/png" in o.get("data", {})]
    if path.stem == "registration_storms":
        assert "restart" in said
        assert len(pictures) >= 2
        for cause in ("auth-loop", "scan", "short-expiry", "single-client", "slow-answers", "synchronised-refresh"):
            assert f"storm-{cause}" in said
    else:
        assert "before: a storm" in said
        assert "after: no storm" in said
        assert pictures


@pytest.mark.filterwarnings("default")
def test_a_capture_without_a_storm_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    book = read(FOLDER / "registration_storms.ipynb")
    (cell,) = [one for one in book.cells if "CAPTURE = " in one.source]
    cell.source = cell.source.replace('"storm-restart"', '"storm-none"')
    assert "storm-none" in cell.source
    assert "There is no storm in this capture" in executed(book, monkeypatch)
